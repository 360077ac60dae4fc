#!/usr/bin/python3
"""Holds `dutylog verify` and tests/check/verify.py to the same answers: on receipts made for it (tests/check/papers.c), on
MANGLED (10,000) damaged ones, on damaged evidence and policies; with the log read for them (tests/check/logs.c), whole and
damaged; and `dutylog audit` and accept.py on which entries of random logs are accepted.

    [SEED=n] [MANGLED=n] [LOGS=n] B=build tests/check/agree.py

Ends with 'N passed, N failed'; a disagreement is kept in build/finds/.
"""
import base64, json, os, pathlib, random, re, subprocess, sys, tempfile

import verify
from c2sp import Bad, parse_key, parse_policy, signed

BUILD = pathlib.Path(os.environ.get("B", "build"))
SEED = int(os.environ.get("SEED", "1"))
MANGLED = int(os.environ.get("MANGLED", "10000"))
LOGS = int(os.environ.get("LOGS", "40"))
FINDS = pathlib.Path("build/finds")
passed = failed = 0


def report(good, text, data):
    global passed, failed
    passed, failed = passed + good, failed + (not good)
    if not good:
        FINDS.mkdir(parents=True, exist_ok=True)
        path = FINDS / f"agree-{failed}"
        path.write_bytes(data)
        print(f"{text}: see {path}")


# --- two opinions ---
class Trust:
    """What both are told to trust."""

    def __init__(self, folder, policy, roots, threshold):
        vkeys = (folder / "roots").read_text().split()[:roots] if roots else []
        self.policy = parse_policy((folder / "policy").read_bytes()) if policy else None
        self.roots, self.threshold = [parse_key(v, 1) for v in vkeys], threshold
        self.options = ["--policy", str(folder / "policy")] if policy else []
        for vkey in vkeys:
            self.options += ["--root", vkey]
        if threshold:
            self.options += ["--threshold", str(threshold)]


def theirs(data, trust):
    """The verdict of verify.py: None, or why not."""
    try:
        verify.verify_receipt(data, trust.policy, trust.roots, trust.threshold)
        return None
    except Bad as why:
        return str(why)


def ours(files, trust):
    """The verdicts of dutylog on many files."""
    command = [BUILD / "dutylog", "verify", "--batch", *trust.options]
    names = "".join(f"{name}\n" for name in files)
    run = subprocess.run(command, input=names.encode(), capture_output=True)
    lines = run.stdout.decode().splitlines()
    assert run.returncode in (0, 1) and len(lines) == len(files), (run.returncode, run.stderr, len(lines))
    return [None if line == "ok" else line for line in lines]


def compare(names, samples, trust):
    """Do both say the same of every sample? Returns how many were good."""
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / str(i) for i in range(len(samples))]
        for file, data in zip(files, samples):
            file.write_bytes(data)
        good = 0
        for name, data, mine in zip(names, samples, ours(files, trust)):
            other = theirs(data, trust)
            report((mine is None) == (other is None), f"{name}: dutylog says {mine or 'ok'}; verify.py says {other or 'ok'}",
                   data)
            good += mine is None
        return good


# --- damage ---
def mangle_byte(data, rng):
    at = rng.randrange(len(data))
    how = rng.randrange(5)
    if how == 0:
        return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    if how == 1:
        return data[:at] + data[at + 1:]
    if how == 2:
        return data[:at] + rng.choice([b"\n", b" ", b"0", b"=", b"A", b"\0", b"\xff", b"\xe2\x80\x94 "]) + data[at:]
    if how == 3:
        return data[:at]
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1:]


def mangle_line(data, rng):
    lines = data.split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    how = rng.randrange(4)
    if how == 0:
        lines[a], lines[b] = lines[b], lines[a]
    elif how == 1:
        lines.insert(b, lines[a])
    elif how == 2:
        del lines[a]
    else:
        lines[a] = lines[b]
    return b"\n".join(lines)


def mangle_number(data, rng):
    numbers = list(re.finditer(rb"[0-9]+", data))
    match = rng.choice(numbers)
    value = int(match[0])
    new = rng.choice([value + 1, max(value - 1, 0), value * 2, 0, 2**63, 2**64, value + 86400000])
    text = rng.choice([b"%d", b"%d", b"%d", b"0%d", b"+%d", b"%d "]) % new
    return data[:match.start()] + text + data[match.end():]


def mangle_base64(data, rng):
    """Flips a bit of what base64 stands for, so that the text stays canonical."""
    words = list(re.finditer(rb"[A-Za-z0-9+/]{40,}={0,2}", data))
    match = rng.choice(words)
    try:
        raw = bytearray(base64.b64decode(match[0], validate=True))
    except ValueError:
        return mangle_byte(data, rng)
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    return data[:match.start()] + base64.b64encode(raw) + data[match.end():]


def join(items):
    return b"dutylog/receipt/v1\n" + b"".join(b"item %d %d\n%s%s" % (len(n), len(p), n, p) for n, p in items)


def mangle_items(data, rng, others):
    """Another set of well-formed items: parts of this receipt and of others, or damage within one, sizes mended."""
    items = verify.split_receipt(data)
    other = verify.split_receipt(rng.choice(others))
    a = rng.randrange(len(items))
    how = rng.randrange(7)
    if how == 0:
        del items[a]
    elif how == 1:
        items.insert(rng.randrange(len(items) + 1), items[a])
    elif how == 2:
        b = rng.randrange(len(items))
        items[a], items[b] = items[b], items[a]
    elif how == 3:
        items[a] = rng.choice(other)
    elif how == 4:
        items[a] = (rng.choice(other)[0], items[a][1])
    elif how == 5:
        items[a] = (items[a][0], rng.choice(other)[1])
    else:
        change = rng.choice([mangle_byte, mangle_line, mangle_number, mangle_base64])
        note, proof = items[a]
        items[a] = (change(note, rng), proof) if rng.random() < 0.5 else (note, change(proof, rng))
    return join(items)


def mangle_lines_of_checkpoints(data, rng, _):
    """The same change to the signature lines of every checkpoint: drops, doubles, reorders or renames one."""
    how, which = rng.randrange(5), rng.randrange(4)
    items = []
    for note, proof in verify.split_receipt(data):
        head, _, tail = proof.rpartition(b"\n\n")
        lines = tail.split(b"\n")[:-1]
        at = which % len(lines)
        if how == 0:
            del lines[at]
        elif how == 1:
            lines.append(lines[at])
        elif how == 2:
            lines.reverse()
        elif how == 3:
            lines[at] = re.sub(rb"(\S+) (\S+)$", rb"elsewhere \2", lines[at])
        else:
            lines[at] = mangle_base64(lines[at], rng)
        items.append((note, head + b"\n\n" + b"".join(line + b"\n" for line in lines)))
    return join(items)


def mangled(receipts, rng, others=None):
    while True:
        data = rng.choice(receipts)
        way = rng.randrange(8)
        if way < 4:
            out = [mangle_byte, mangle_line, mangle_number, mangle_base64][way](data, rng)
        else:
            out = (mangle_items if way < 7 else mangle_lines_of_checkpoints)(data, rng, others or receipts)
        if out != data:
            return out


# --- evidence ---
def compare_evidence(name, data, vkey):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        code = subprocess.run([BUILD / "dutylog", "verify", "--quiet", "--key", vkey, file.name], capture_output=True).returncode
    assert code in (0, 1), code
    try:
        verify.verify_evidence(data, parse_key(vkey))
        other = 0
    except Bad:
        other = 1
    report(code == other, f"{name}: dutylog says {code}, verify.py says {other}", data)
    return code == 0


def check_evidence(folder, rng):
    keys = (folder / "keys").read_text().split()
    files = sorted(folder.glob("*.evidence"))
    for file in files:
        log_key = compare_evidence(file.name, file.read_bytes(), keys[0])
        mirror_key = compare_evidence(file.name, file.read_bytes(), keys[1])
        report(mirror_key and log_key == (not file.name.startswith("good-d")), f"{file.name}: not proved", file.read_bytes())
    for i in range(MANGLED // 20):
        data = rng.choice(files).read_bytes()
        change = rng.choice([mangle_byte, mangle_line, mangle_number, mangle_base64])
        compare_evidence(f"evidence {i}", change(data, rng), rng.choice(keys))


# --- receipts of who recognises whose log ---
def compare_chain(name, files, data, by, roots, good=None):
    """One receipt and those of the recognitions, nearest first; `good`: what must come of it."""
    for file, content in zip(files, [data, *by]):
        file.write_bytes(content)
    pins = [option for root in roots for option in ("--root", root)]
    command = [BUILD / "dutylog", "verify", "--quiet", files[0], *pins]
    for file in files[1:len(by) + 1]:
        command += ["--by", file]
    code = subprocess.run(command, capture_output=True).returncode
    try:
        verify.verify_recognised(data, by, None, [parse_key(root, 1) for root in roots], 0)
        other = 0
    except Bad:
        other = 1
    report(code == other and good in (None, code == 0), f"{name}: dutylog says {code}, verify.py says {other}", data)
    return code == 0


def check_chains(folder, rng):
    made = {file.stem: file.read_bytes() for file in (folder / "chain").glob("*.receipt")}
    roots = (folder / "chain/roots").read_text().split()
    others = (folder / "roots").read_text().split()
    event, state, doj = (made[str(i)] for i in range(3))
    files = [folder / f"chain/file-{i}" for i in range(5)]
    for name, by, pins, good in (
            ("all of it", [state, doj], roots, True), ("half", [state], roots, False), ("the other half", [doj], roots, False),
            ("turned", [doj, state], roots, False), ("twice", [state, doj, doj], roots, False),
            ("other roots", [state, doj], others, False), ("another log", [made["other-log"], doj], roots, False),
            ("another kind", [made["other-kind"], doj], roots, False), ("the event itself", [event, doj], roots, False)):
        compare_chain(f"chain, {name}", files, event, by, pins, good)
    for name, by, good in (
            ("own-ori", [made["own-ori"], doj], True), ("other-ori", [made["other-ori"], doj], False),
            ("own-state", [made["own-state"], made["court-doj"]], True), ("other-state", [made["other-state"], doj], False)):
        compare_chain(f"chain, bounds {name}", files, event, by, roots, good)
    court = made["court-event"]
    for name, by, good in (
            ("unnamed", [state, doj], False), ("by one", [made["court-state"], doj], False), ("by the other", [state, made["court-doj"]], False),
            ("by both", [made["court-state"], made["court-doj"]], True), ("elsewhere", [made["other-state"], made["court-doj"]], False)):
        compare_chain(f"chain, a court recognised {name}", files, court, by, roots, good)
    compare_chain("chain of a shorter way", files, state, [doj], roots, True)
    still_good = 0
    receipts = list(made.values())
    for i in range(MANGLED // 20):
        parts = [event, state, doj]
        at = rng.randrange(3)
        way = rng.randrange(8)
        if way == 0:
            parts[at] = rng.choice(receipts)
        elif way == 1:
            parts.insert(at, rng.choice(receipts))
        else:
            parts[at] = mangled([parts[at]], rng, receipts)
        still_good += compare_chain(f"chain {i}, seed {SEED}", files, parts[0], parts[1:], roots)
    print(f"{MANGLED // 20} mangled chains ({still_good} of them still prove who recognises whom)")


# --- receipts whose log is read, and logs ---
def compare_read(name, receipt, tiles, policy, good=None):
    """One receipt against a folder of tiles; `good`: what must come of it."""
    command = [BUILD / "dutylog", "verify", "--quiet", receipt, "--policy", policy, "--tiles", tiles]
    run = subprocess.run(command, capture_output=True)
    try:
        verify.verify_receipt(receipt.read_bytes(), parse_policy(policy.read_bytes()))
        verify.read_log(receipt.read_bytes(), tiles)
        other = None
    except Bad as why:
        other = str(why)
    mine = run.returncode == 0
    assert run.returncode in (0, 1, 3), run
    report(mine == (other is None) and good in (None, mine), f"{name}: dutylog says {run.returncode}, {run.stderr.decode().strip()}; "
           f"verify.py says {other or 'ok'}", receipt.read_bytes())
    return mine


def compare_verdicts(name, tiles, log):
    """Which entries the log's rules admit. Returns how many they do, and how many they do not."""
    run = subprocess.run([BUILD / "dutylog", "audit", tiles, "--vkey", log, "--no-quorum"], capture_output=True, text=True)
    mine = {int(n): why for n, why in re.findall(r"^entry (\d+): against the log's rules: (.*)", run.stdout, flags=re.M)}
    _, entries = verify.read_tiles(tiles)
    judge = verify.Judge(parse_key(log))
    verdicts = [judge.entry(entry) for entry in entries]
    other = {n: why for n, why in enumerate(verdicts) if why is not None}
    for n in sorted(mine.keys() ^ other.keys()):
        report(False, f"{name}, entry {n}: dutylog says {mine.get(n, 'ok')}; accept.py says {other.get(n, 'ok')}", entries[n])
    report(mine.keys() == other.keys() and "hash tile" not in run.stdout, f"{name}: {run.stdout[-300:]}{run.stderr}", b"")
    return len(entries) - len(other), len(other)


def damage_tiles(tiles, rng):
    """Damages a folder's checkpoint or bundle; returns what undoes it."""
    path = rng.choice([tiles / "checkpoint", *(tiles / "tile/entries").glob("*/*")])
    kept = path.read_bytes()
    path.write_bytes(rng.choice([mangle_byte, mangle_line, mangle_number, mangle_base64])(kept, rng))
    return lambda: path.write_bytes(kept)


def check_logs(folder, rng):
    subprocess.run([BUILD / "tests/check-logs", folder, str(LOGS), str(SEED)], check=True)
    log, policy = (folder / "vkey").read_text(), folder / "policy"
    receipts = sorted(folder.glob("*.receipt"))
    for receipt in receipts:
        good = receipt.name.startswith("good-")
        compare_read(receipt.stem, receipt, receipt.with_suffix(""), policy, good)
        compare_verdicts(receipt.stem, receipt.with_suffix(""), log)
        mine, other = (ours([receipt], Trust(folder, True, 0, 0))[0], theirs(receipt.read_bytes(), Trust(folder, True, 0, 0)))
        offline = receipt.stem != "bad-judged-by-what-it-replaced"
        report((mine is None) == (other is None) == offline, f"{receipt.stem}, offline: {mine}; {other}", receipt.read_bytes())
    for i in range(MANGLED // 20):
        receipt = rng.choice(receipts)
        undo = damage_tiles(receipt.with_suffix(""), rng)
        compare_read(f"log {i}, seed {SEED}, {receipt.stem}", receipt, receipt.with_suffix(""), policy)
        undo()
        compare_read(f"log {i}, of another", receipt, rng.choice(receipts).with_suffix(""), policy)
    found = [compare_verdicts(tiles.name, tiles, log) for tiles in sorted(folder.glob("random-*"))]
    print(f"{len(receipts)} receipts with their logs, {MANGLED // 20} damaged logs; {len(found)} random logs: "
          f"{sum(a for a, _ in found)} entries accepted, {sum(b for _, b in found)} not")


# --- policies, and signatures nobody makes in good faith ---
def compare_policies(folder, receipt, rng):
    text = (folder / "policy").read_bytes() + b"# a comment\n\ngroup spare any mirrors\ngroup more 1 spare\n"
    path = folder / "other-policy"
    for i in range(MANGLED // 20):
        data = text if i == 0 else rng.choice([mangle_byte, mangle_line, mangle_number])(text, rng)
        path.write_bytes(data)
        command = [BUILD / "dutylog", "verify", "--quiet", "--policy", path, receipt]
        code = subprocess.run(command, capture_output=True).returncode
        policy, other = None, 0
        try:
            policy = parse_policy(data)
            verify.verify_receipt(receipt.read_bytes(), policy)
        except Bad:
            other = 2 if policy is None else 1
        report(code == other, f"policy {i}: dutylog says {code}, verify.py says {other}", data)


def check_vectors():
    """The public Ed25519 vectors, where they are at hand: refused for the flags that specs/ed25519.md lists."""
    path = pathlib.Path(os.environ.get("DUTYLOG_SHARED", "../shared")) / "vectors/ed25519/cctv-ed25519.json"
    if not path.exists():
        print("the public Ed25519 vectors are absent (DUTYLOG_SHARED names the folder to look in)")
        return
    bad = {"low_order_R", "non_canonical_A", "low_order_A", "non_canonical_R", "low_order_residue"}
    for vector in json.loads(path.read_text()):
        key, signature = bytes.fromhex(vector["key"]), bytes.fromhex(vector["sig"])
        good = signed(key, vector["msg"].encode(), signature)
        report(good == bad.isdisjoint(vector["flags"] or []), f"vector {vector['number']}: verify.py says {good}", b"")


def main():
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run([BUILD / "tests/check-papers", folder], check=True)
        trusts = [Trust(folder, True, 0, 0), Trust(folder, False, 2, 0), Trust(folder, False, 1, 1), Trust(folder, True, 2, 1)]
        files = sorted(folder.glob("*.receipt"))
        samples = [file.read_bytes() for file in files]
        for trust in trusts:
            compare([file.name for file in files], samples, trust)
        for file, data, mine in zip(files, samples, ours(files, trusts[0])):
            expected = None if file.name.startswith("good-") else "a refusal"
            report((mine is None) == (expected is None), f"{file.name}: dutylog says {mine or 'ok'}", data)
        receipts = [data for file, data in zip(files, samples) if file.name.startswith("good-")]
        still_good = 0
        for trust in trusts:
            batch = [mangled(receipts, rng) for _ in range(MANGLED // len(trusts))]
            still_good += compare([f"mangled {i}, seed {SEED}" for i in range(len(batch))], batch, trust)
        print(f"{len(receipts)} good receipts, {len(files) - len(receipts)} rightly signed bad ones, {MANGLED} mangled "
              f"({still_good} of these still prove what they did)")
        check_evidence(folder, rng)
        check_chains(folder, rng)
        (folder / "logs").mkdir()
        check_logs(folder / "logs", rng)
        compare_policies(folder, folder / "good-clerk-finding.final.receipt", rng)
    check_vectors()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
