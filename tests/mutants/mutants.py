#!/usr/bin/python3
"""Changes one line of the core at a time and asks whether any test sees it: specs/mutants.md.

    make mutants N=100 SEED=s [FILES='ledger/policy*.c ...'] [LANES=2]

Works in OUT/tree, a copy of the work tree; results are kept in OUT/results, so that a second call goes on where one stopped."""
import concurrent.futures, fnmatch, hashlib, json, os, pathlib, queue, re, resource, shutil, signal, subprocess, sys, threading, time

from operators import mutants

OUT = pathlib.Path(os.environ["OUT"]).resolve()
N, SEED, LANES = int(os.environ["N"]), os.environ["SEED"], int(os.environ["LANES"])
FILES = os.environ["FILES"].split()
TARGET = 92  # percent
CORE = "tests/unit-ledger"
SLOW = 0.3  # seconds: a module of the core with a test that takes so long waits until the quicker suites have passed
# What this command was told is nothing to the programs that it runs: SEED is a test's word too.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B", "N", "SEED", "FILES", "LANES", "OUT")}
TREE = OUT / "tree"
EQUIVALENT = pathlib.Path(__file__).parent / "equivalent.txt"
INTEGRATION = ["test_access", "test_start", "test_pull", "test_backup", "test_fsck", "test_audit", "test_case", "test_fork", "test_guard", "test_restore"]
REAL_TIME = ["net", *INTEGRATION]


def stop(text):
    sys.exit(f"mutants: {text}")


# --- the copy of the tree, and how make builds it ---
def copy_tree():
    """Copies what is tracked or new and not ignored; what is the same keeps its time, so that make builds only what changed."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    names = {name for name in listed.split("\0") if name and os.path.isfile(name)}
    for name in names:
        new, old = pathlib.Path(name), TREE / name
        if not old.is_file() or old.read_bytes() != new.read_bytes():
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)
            shutil.copymode(new, old)
    for old in [p for p in TREE.rglob("*") if p.is_file()]:
        name = str(old.relative_to(TREE))
        if name not in names and not name.startswith("build"):
            old.unlink()
    return sorted(names)


def digest(names):
    state = hashlib.sha256()
    for name in names:
        state.update(f"{name}\0".encode() + hashlib.sha256((TREE / name).read_bytes()).digest())
    return state.hexdigest()[:16]


def build():
    """Builds all programs and returns the commands that compile and link: {name: command}."""
    make = ["make", "-C", str(TREE), "--no-print-directory", "-s", f"-j{LANES}"]
    if subprocess.run([*make, "mutant-programs"], env=ENVIRONMENT).returncode != 0:
        stop("the tree does not build")
    text = subprocess.run([*make, "mutant-commands"], env=ENVIRONMENT, capture_output=True, text=True, check=True).stdout
    return dict(line.split("\t", 1) for line in text.splitlines())


# --- a lane: a folder in which one mutant at a time is built and run ---
class Lane:
    def __init__(self, number, commands):
        self.folder, self.commands, self.mutated, self.linked = OUT / f"lane-{number}", commands, "", set()
        (self.folder / "tests").mkdir(parents=True, exist_ok=True)

    def compile(self, name, text, output, *options):
        """Whether it compiles. The object does not say in which folder it was made."""
        source = self.folder / name
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text)
        command = self.commands["cc"].split() + ["-g0", "-w", f"-fmacro-prefix-map={self.folder}/=", "-c", "-o", str(output),
                                               str(source), *options]
        return subprocess.run(command, cwd=TREE, capture_output=True).returncode == 0

    def take(self, mutated):
        self.mutated, self.linked = str(mutated), set()

    def link(self, program):
        """Links it with the mutated object before the library that has the true one; without a mutant, as it is."""
        if program in self.linked:
            return
        output = self.folder / program
        command = self.commands[program].replace("@MUTANT@", self.mutated).replace("@OUT@", str(output))
        done = subprocess.run(command.split(), cwd=TREE, capture_output=True, text=True)
        if done.returncode != 0:
            stop(f"{program} does not link: {done.stderr}")
        self.linked.add(program)

    def run(self, suite, bound):
        """(outcome, seconds): passed, failed or time."""
        for program in suite.programs:
            self.link(program)
        command = [part.replace("@LANE@", str(self.folder)) for part in suite.command]
        environment = ENVIRONMENT | {"B": str(self.folder)} | suite.environment
        begun = time.monotonic()
        with open(self.folder / "output", "wb") as output:
            process = subprocess.Popen(command, cwd=TREE, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True, preexec_fn=limit)
            try:
                outcome = "passed" if process.wait(bound) == 0 else "failed"
            except subprocess.TimeoutExpired:
                outcome = "time"
            self.sweep(process)
        return outcome, time.monotonic() - begun

    def sweep(self, process):
        """Ends what a suite left running: its own session, and this lane's programs."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(entry / "exe").startswith(f"{self.folder}/"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                pass


def limit():
    """A mutant that allocates without end fails before the machine does."""
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# --- suites, the quick ones and those near the file first ---
class Suite:
    def __init__(self, name, programs, command, seconds=None, **environment):
        self.name, self.programs, self.command, self.environment = name, programs, command, environment
        self.seconds = seconds  # None: as the baseline says


def unit(name, program, tests, times):
    """Some tests of a Criterion program; it takes what they took, and a tenth of a second for each process."""
    # By module, since each test's process matches all names with the pattern: that of many tests takes longer than they do.
    modules = sorted({t.split("/")[0] for t in tests})
    command = [f"@LANE@/{program}", "--tap", "--fail-fast", "-j1", "--filter", f"@({'|'.join(modules)})/*"]
    return Suite(name, [program], command if tests else ["true"], sum(times[t] + 0.1 for t in tests))


def core_tests(lane, baseline):
    """{module/test: seconds} of the core's unit tests, which must pass without any mutant."""
    if "tests" not in baseline:
        lane.link(CORE)
        done = subprocess.run([str(lane.folder / CORE), "--tap", "-j1"], cwd=TREE, capture_output=True, text=True)
        told = re.findall(r"^ok - (\w+)::(\w+) .*\((\d+\.\d+)s\)", done.stdout + done.stderr, re.M)
        if done.returncode != 0 or not told:
            stop("the tests of the core fail without any mutant:\n" + done.stdout + done.stderr)
        baseline["tests"] = {f"{module}/{name}": float(seconds) for module, name, seconds in told}
    return baseline["tests"]


def reached(lane, baseline, names):
    """{file function: the modules of unit tests that call it}, as gcov counts."""
    covered, folder = baseline.setdefault("reached", {}), OUT / "cover"
    if set(names) <= set(baseline.setdefault("covered files", [])):
        return covered
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    objects = [folder / (pathlib.Path(name).stem + ".o") for name in names]
    for name, output in zip(names, objects):
        if not lane.compile(name, (TREE / name).read_text(), output, "--coverage"):
            stop(f"{name} does not compile")
    lane.take(" ".join(["--coverage", *map(str, objects)]))
    lane.link(CORE)
    for module in sorted({test.split("/")[0] for test in baseline["tests"]}):
        counts = folder / module
        counts.mkdir()
        for output in objects:
            (counts / output.with_suffix(".gcno").name).symlink_to(output.with_suffix(".gcno"))
        subprocess.run([str(lane.folder / CORE), "--tap", "--filter", f"{module}/*"], cwd=TREE, capture_output=True,
                       env=ENVIRONMENT | {"GCOV_PREFIX": str(counts), "GCOV_PREFIX_STRIP": "99"})
        kept = sorted(file.name for file in counts.glob("*.gcda"))
        done = subprocess.run(["gcov", "--json-format", "--stdout", *kept], cwd=counts, capture_output=True, text=True) if kept else None
        for file in [file for line in (done.stdout.splitlines() if done else []) for file in json.loads(line)["files"]]:
            name = f"ledger/{pathlib.Path(file['file']).name}"
            for function in file["functions"]:
                if function["execution_count"] > 0 and name in names:
                    covered.setdefault(f"{name} {function['name']}", []).append(module)
    baseline["covered files"] = sorted(set(names) | set(baseline["covered files"]))
    return covered


def suites(name, function, baseline):
    """The suites for a mutant of a function of the file `name`, in their order."""
    tests, word = baseline["tests"], pathlib.Path(name).stem.split("_")[0]
    concerned = [t for t in tests if t.split("/")[0] in baseline["reached"].get(f"{name} {function}", [])]
    slow = {t.split("/")[0] for t in tests if tests[t] >= SLOW}
    quick = [t for t in concerned if t.split("/")[0] not in slow]
    near = [t for t in quick if re.split("[_/]", t)[0] == word]
    core = [t for t in quick if t not in near]
    check = ["dutylog", "tests/check-papers", "tests/check-forms"]
    return [
        unit("near", CORE, near, tests),
        Suite("stories", ["tests/sim-run"], ["@LANE@/tests/sim-run", "stories", "tests/sim/stories"]),
        unit("core", CORE, core, tests),
        Suite("standing", ["tests/check-standings"], ["tests/check/standing.py"]),
        Suite("attack", ["tests/check-attack"], ["tests/check/attack.py"], SEEDS="200"),
        Suite("seeds", ["tests/sim-run"], ["@LANE@/tests/sim-run", "seeds", "40"]),
        Suite("agree", check, ["tests/check/agree.py"], MANGLED="1000"),
        unit("slow", CORE, [t for t in concerned if t not in quick], tests),
        Suite("tools", ["tests/unit-tools"], ["@LANE@/tests/unit-tools", "--tap", "--fail-fast", "-j1"]),
        Suite("net", ["tests/unit-net"], ["@LANE@/tests/unit-net", "--tap", "--fail-fast", "-j1"]),
    ] + [Suite(test, ["dutylog", "dutylogd"], [f"tests/integration/{test}.py"]) for test in INTEGRATION]


# --- the choice: as good as random, by SEED and the source's text alone ---
def candidates(names):
    seen = {}
    for name in names:
        for m in mutants((TREE / name).read_text()):
            told = "\0".join((name, m.function, m.before, m.after))
            seen[told] = seen.get(told, 0) + 1
            place = hashlib.sha256(f"{SEED}\0{told}\0{seen[told]}".encode()).hexdigest()
            key = hashlib.sha256(f"{told}\0{seen[told]}".encode()).hexdigest()[:16]
            yield place, key, name, m


def mutated_text(name, m):
    lines = (TREE / name).read_text().split("\n")
    line = lines[m.number - 1]
    lines[m.number - 1] = line[: len(line) - len(line.lstrip())] + m.after
    return "\n".join(lines)


def read_equivalent():
    """{(file, function, before, after): reason}, from paragraphs of a line that names file and function, '- ' and '+ ' lines."""
    argued = {}
    for paragraph in re.split(r"\n{2,}", EQUIVALENT.read_text().strip()):
        m = re.fullmatch(r"(\S+\.c) (\w+)\n- ([^\n]*)\n\+ ([^\n]*)\n(.+)", paragraph, re.S)
        if m:
            argued[m[1], m[2], m[3], m[4]] = m[5]
        elif not paragraph.startswith("#"):
            stop(f"{EQUIVALENT.name}: no file and function, '- ' line, '+ ' line and reason: {paragraph!r}")
    return argued


# --- results: a line each; of two on one mutant the later holds ---
class Results:
    def __init__(self, product, tests):
        self.path, self.product, self.tests, self.lock, self.rows = OUT / "results", product, tests, threading.Lock(), {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                row = json.loads(line)
                self.rows[row["product"], row["key"]] = row

    def get(self, key):
        """What is known of it in this product: who was killed stays dead, who lived is tried again by other tests."""
        row = self.rows.get((self.product, key))
        return row if row and (row["outcome"] != "lived" or row["tests"] == self.tests) else None

    def put(self, key, outcome, suite="", test="", seconds=0.0):
        row = {"product": self.product, "tests": self.tests, "key": key, "outcome": outcome, "suite": suite, "test": test,
               "seconds": round(seconds, 1)}
        with self.lock:
            self.rows[self.product, key] = row
            with open(self.path, "a") as file:
                file.write(json.dumps(row) + "\n")
        return row


def choose(lanes, results, names):
    """The first N, by place, that compile to something else than the true source does: [(key, name, mutant)]; how many were
    looked at; how many did not compile, and how many were the same."""
    order, objects = sorted(candidates(names)), OUT / "objects"
    objects.mkdir(exist_ok=True)
    free, truth, lock = queue.Queue(), {}, threading.Lock()
    for lane in lanes:
        free.put(lane)

    def object_of(candidate):
        _, key, name, m = candidate
        row, output = results.get(key), objects / f"{key}.o"
        if row and (row["outcome"] != "lived" or output.exists()):
            return row["outcome"]
        lane = free.get()
        try:
            with lock:
                if name not in truth:
                    true = lane.folder / "true.o"
                    if not lane.compile(name, (TREE / name).read_text(), true):
                        stop(f"{name} does not compile")
                    truth[name] = true.read_bytes()
            if not lane.compile(name, mutated_text(name, m), output):
                return results.put(key, "no object")["outcome"]
            return results.put(key, "same")["outcome"] if output.read_bytes() == truth[name] else "other"
        finally:
            free.put(lane)

    chosen, refused, same, position = [], 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        while len(chosen) < N and position < len(order):
            batch = order[position : position + N - len(chosen)]
            for candidate, outcome in zip(batch, pool.map(object_of, batch)):
                refused += outcome == "no object"
                same += outcome == "same"
                if outcome not in ("no object", "same"):
                    chosen.append(candidate[1:])
            position += len(batch)
    return chosen, len(order), refused, same


def run_baseline(lane, baseline, kept, listed):
    """Each suite once on the unchanged programs: it must pass, and bounds the time that a mutant may take."""
    lane.take("")
    for suite in listed:
        if suite.seconds is None and suite.name not in baseline:
            outcome, seconds = lane.run(suite, 3600)
            if outcome != "passed":
                stop(f"{suite.name} fails without any mutant:\n" + (lane.folder / "output").read_text(errors="replace")[-4000:])
            baseline[suite.name] = round(seconds, 1)
            kept.write_text(json.dumps(baseline))
            print(f"unchanged: {suite.name} passes in {seconds:.1f} s", flush=True)


def try_mutant(lane, results, baseline, key, name, function):
    lane.take(OUT / "objects" / f"{key}.o")
    begun = time.monotonic()
    for suite in suites(name, function, baseline):
        # Generous: another job may have the processors.
        bound = 30 + 10 * (baseline[suite.name] if suite.seconds is None else suite.seconds)
        outcome, _ = lane.run(suite, bound)
        if outcome != "passed" and suite.name in REAL_TIME:
            outcome, _ = lane.run(suite, bound)  # a busy machine fails such a suite now and then, and a mutant twice
        if outcome != "passed":
            text = (lane.folder / "output").read_text(errors="replace")
            test = re.search(r"^not ok - (\w+::\w+)|FAIL:? +(.*)|^(\w*Error: .*)|(Assertion.*)", text, re.M)
            test = next((g for g in test.groups() if g), "")[:90] if test else ""
            return results.put(key, "killed" if outcome == "failed" else "time", suite.name, test, time.monotonic() - begun)
    return results.put(key, "lived", seconds=time.monotonic() - begun)


def run_all(lanes, results, baseline, chosen):
    free, lock, done = queue.Queue(), threading.Lock(), [0]
    for lane in lanes:
        free.put(lane)

    def one(item):
        key, name, m = item
        row = results.get(key)
        if row is None:
            lane = free.get()
            try:
                row = try_mutant(lane, results, baseline, key, name, m.function)
            finally:
                free.put(lane)
        with lock:
            done[0] += 1
            how = {"killed": f"killed by {row['suite']}", "time": f"killed by time in {row['suite']}", "lived": "LIVED"}[row["outcome"]]
            print(f"{done[0]:4}/{len(chosen)} {how:20} {row['seconds']:6} s  {name}:{m.number} {m.function}: {m.operator}"
                  f"{': ' + row['test'] if row['test'] else ''}\n{'':10}- {m.before}\n{'':10}+ {m.after}", flush=True)
        return row

    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        return list(pool.map(one, chosen))


def report(names, argued, chosen, rows, total, refused, same):
    told = {(name, m.function, m.before, m.after) for _, _, name, m in candidates(names)}
    stale = [entry for entry in argued if entry[0] in names and entry not in told]
    lived = [(name, m) for (_, name, m), row in zip(chosen, rows) if row["outcome"] == "lived"]
    open_ones = [(name, m) for name, m in lived if (name, m.function, m.before, m.after) not in argued]
    timed = sum(row["outcome"] == "time" for row in rows)
    killed, counted = len(rows) - len(lived), len(rows) - (len(lived) - len(open_ones))
    percent = 100 * killed / counted if counted else 100
    by_suite = {}
    for row in rows:
        by_suite[row["suite"]] = by_suite.get(row["suite"], 0) + (row["outcome"] != "lived")
    print("\nkilled by: " + ", ".join(f"{suite} {n}" for suite, n in sorted(by_suite.items(), key=lambda x: -x[1]) if n))
    for name, m in open_ones:
        print(f"\n{name} {m.function}\n- {m.before}\n+ {m.after}\nlived, line {m.number}: {m.operator}")
    for entry in stale:
        print(f"\n{EQUIVALENT.name} argues about a mutant that there is not: {entry[0]} {entry[1]}: {entry[2]}")
    seconds = sum(row["seconds"] for row in rows) / max(len(rows), 1)
    print(f"\nmutants: {len(rows)} of {total} in {len(names)} files, seed {SEED}: {killed} killed, {timed} of them by time, "
          f"{len(lived)} lived, {len(lived) - len(open_ones)} of them argued to be equivalent; {refused} did not compile and {same} "
          f"were the same to the compiler, not counted; {seconds:.1f} s each\nmutants: {percent:.1f} % killed, wanted {TARGET} %")
    return 0 if percent >= TARGET and not stale else 1


def main():
    os.chdir(pathlib.Path(__file__).resolve().parents[2])
    TREE.mkdir(parents=True, exist_ok=True)
    argued = read_equivalent()
    listed = copy_tree()
    names = [n for n in listed if any(fnmatch.fnmatch(n, pattern) for pattern in FILES)]
    if not names:
        stop(f"no file is named {' or '.join(FILES)}")
    product = digest([n for n in listed if re.match(r"(crypto|ledger|net|tools)/|Makefile$", n)])
    tests = digest([n for n in listed if n.startswith("tests/") and not n.startswith("tests/mutants/")])
    lanes = [Lane(number, commands) for commands in [build()] for number in range(1, LANES + 1)]
    kept = OUT / "baseline"
    baseline = json.loads(kept.read_text()) if kept.exists() else {}
    if baseline.get("of") != [product, tests]:
        baseline = {"of": [product, tests]}
    core_tests(lanes[0], baseline)
    reached(lanes[0], baseline, names)
    kept.write_text(json.dumps(baseline))
    run_baseline(lanes[0], baseline, kept, suites(names[0], "", baseline))
    results = Results(product, tests)
    chosen, total, refused, same = choose(lanes, results, names)
    rows = run_all(lanes, results, baseline, chosen)
    sys.exit(report(names, argued, chosen, rows, total, refused, same))


if __name__ == "__main__":
    main()
