#!/usr/bin/python3
"""Observed lists: recorded through a real node, reconciled as an independent script does, absences proved to anyone. Over
the real lists of ../shared/data (or $DUTYLOG_SHARED) where they are there, and over a small list of every trap."""
import functools
import gzip
import http.server
import json
import os
import pathlib
import random
import subprocess
import sys
import threading

from world import BUILD, SANITIZED, Key, World, main

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("DUTYLOG_SHARED", ROOT / "../shared")) / "data/nypd-discipline"
MAPPING = str(ROOT / "specs/mappings/nypd-discipline.ini")
CHECK = ROOT / "tests/check"
sys.path.insert(0, str(CHECK))
import reconcile  # noqa: E402
import verify  # noqa: E402

FATES = ("same", "new", "lower", "higher", "mixed", "fuller", "other")

HEADER = "officer,date,case_no,description,disposition,penalty\r\n"
ONE = HEADER + (
    'off-1,1/1/2020,c-1,"01.Failed to intervene.",GUILTY,Penalty: VACATION DAYS (30 day(s) )\r\n'
    'off-2,1/1/2020,c-2,"02..FAILED  TO\n INTERVENE (stop)",GUILTY,Penalty: COUNSELING\r\n'
    'off-3,1/1/2020,c-3,Discourtesy,GUILTY,"Penalty: SUSPENSION DAYS (30 day(s) ), REPRIMAND"\r\n'
    'off-3,1/1/2020,c-3,Discourtesy,GUILTY,"Penalty: SUSPENSION DAYS (30 day(s) ), REPRIMAND"\r\n'
    'off-4,1/1/2020,c-4,Left post,GUILTY,Penalty: TRAINING\r\n'
    '\r\n'
    'off-5,1/1/2020,c-5,"A ""quoted"" word, caf\u00e9",PLEADED GUILTY,INSTRUCTIONS\r\n'
    'off-6,1/1/2020,c-6,Short row\r\n'
    'off-7,1/1/2020,c-7,Repeated,GUILTY,"TRAINING, TRAINING"\r\n')
TWO = HEADER + (
    'off-2,1/1/2020,c-2,"Failed to intervene (stop)",GUILTY,"COUNSELING, VACATION DAYS (5 day(s) )"\r\n'
    'OFF-3,1/1/2020,c-3,discourtesy,guilty,"suspension days (10 day(s) ), reprimand"\r\n'
    'off-4,1/1/2020,c-4,Left  post.,GUILTY,TRAINING\r\n'
    'off-5,1/1/2020,c-5,"A ""quoted"" word, caf\u00e9",NOT GUILTY,INSTRUCTIONS\r\n'
    'off-6,1/1/2020,c-6,Short row,,,\r\n'
    'off-7,1/1/2020,c-7,Repeated,GUILTY,TRAINING\r\n'
    'off-8,1/1/2020,c-8,New,GUILTY,TRAINING\r\n')
ROSTER = "officer\noff-1\noff-2\noff-4\n"


def run(*command, ok=0, quiet=False):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == ok, (command, done.returncode, done.stdout, done.stderr)
    return done.stderr if quiet else done.stdout


def dutylog(*options, **more):
    return run(os.path.join(BUILD, "dutylog"), *options, **more)


def write(w, name, text):
    path = w.path(name)
    data = text if isinstance(text, bytes) else text.encode()
    with open(path, "wb") as f:
        f.write(gzip.compress(data) if name.endswith(".gz") else data)
    return path


mapping_of = functools.cache(reconcile.Mapping)


@functools.cache
def opinion_of(reader, path, mapping):
    return reader(path, mapping_of(mapping))


def opinion(a, b, roster, find, mapping):
    lists = [opinion_of(reconcile.read_list, path, mapping) for path in (a, b)]
    names = opinion_of(reconcile.read_roster, roster, mapping) if roster else None
    return reconcile.result_of(*lists, mapping_of(mapping), names, find)


def both(a, b, roster=None, find=None, mapping=MAPPING):
    """The counts of the program and of the script, which must be equal."""
    more = [*(["--roster", roster] if roster else []), *(["--find", find] if find else [])]
    said = json.loads(dutylog("reconcile", a, b, "--mapping", mapping, "--json", *more))
    told = opinion(a, b, roster, find, mapping)
    mine = {**{f: said["changed"].get(f, said.get(f)) for f in FATES}, **said["absent"]}
    yours = {**{f: told[f] for f in FATES}, "all": told["absent"], **{s: told[s] for s in ("serving", "left", "unknown")}}
    if find:
        mine.pop("same")
        yours.pop("same")
    assert mine == yours, (mine, yours)
    assert find or [said["a"]["rows"], said["b"]["rows"]] == told["rows"]
    return mine, told


def observer(w):
    w.start()
    w.open_log()
    key = Key("observer.example/desk-1")
    status, body = w.agency.add(w.event(w.roots[0], "key.enrolled", {
        "basis": "live", "kinds": ["list.observed"], "oris": [], "role": "observer", "vkey": key.vkey}))
    assert status == 200, body
    key.save(w.path("observer.key"))
    return key


def observe(w, source, time, *more, name="nypd", **how):
    return dutylog("observe", source, "--as", name, "--mapping", MAPPING, "--keep", w.path("kept"), "--observed", time,
                   "--key", w.path("observer.key"), "--outbox", w.path("outbox"), "--node", w.agency.url, *more, **how)


def receipts(w):
    dutylog("submit", "--node", w.agency.url, "--outbox", w.path("outbox"))
    return sorted(str(p) for p in pathlib.Path(w.path("outbox")).glob("*.receipt"))


def absence(w, a, b, text, out, pair, **more):
    return dutylog("reconcile", a, b, "--mapping", MAPPING, "--prove", text, "--receipt-a", pair[0], "--receipt-b", pair[1],
                   "--out", w.path(out), **more)


def check_absence(w, path, ok=0):
    """Both verifiers agree."""
    said = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", path, "--policy", w.path("policy")], capture_output=True,
                          text=True)
    told = subprocess.run([CHECK / "verify.py", "absence", path, "--policy", w.path("policy")], capture_output=True, text=True)
    assert said.returncode == told.returncode == ok, (said, told)
    return said.stdout


def sizes(path):
    """Bytes of an absence file without its receipts."""
    data = open(path, "rb").read()
    return len(data) - sum(int(line.split()[1]) for line in data.split(b"\n") if line.startswith(b"part "))


def test_small_lists_with_every_trap():
    w = World()
    a, b, roster = write(w, "a.csv", ONE), write(w, "b.csv.gz", TWO), write(w, "roster.csv", ROSTER)
    counts, _ = both(a, b, roster)
    told = json.loads(run(CHECK / "reconcile.py", a, b, "--mapping", MAPPING, "--roots"))
    assert counts == {"same": 1, "new": 2, "lower": 2, "higher": 0, "mixed": 0, "fuller": 1, "other": 1, "all": 3,
                      "serving": 2, "left": 1, "unknown": 0}, counts
    assert told["rows"] == [8, 7]
    # The rows are those of the independent script, by their roots.
    for source, root, name in ((a, told["roots"][0], "a"), (b, told["roots"][1], "b")):
        dutylog("observe", source, "--as", name, "--mapping", MAPPING, "--keep", w.path("kept"), "--observed", "2024-01-01T00:00:00Z")
        (rows,) = pathlib.Path(w.path("kept")).glob(f"{name}-*.rows")
        assert json.loads(rows.read_text().split("\n")[1])["root"] == root
    # .rows files and published files compare alike; a mapping with other keys does not.
    kept = sorted(str(p) for p in pathlib.Path(w.path("kept")).glob("*.rows"))
    assert json.loads(dutylog("reconcile", *kept, "--mapping", MAPPING, "--roster", roster, "--json"))["absent"]["serving"] == 2
    other = write(w, "other.ini", open(MAPPING).read().replace("description = ##. .", "description = ##."))
    assert "other keys" in dutylog("reconcile", *kept, "--mapping", other, ok=1, quiet=True)
    # A damaged .rows file is no list.
    damaged = write(w, "damaged.rows", open(kept[0]).read().replace("DISCOURTESY", "DISCOURTESZ", 1))
    assert "out of order" in dutylog("reconcile", damaged, kept[1], ok=1, quiet=True)
    damaged = write(w, "damaged2.rows", open(kept[0]).read().replace("LEFT POST", "LEFT POSU", 1))
    assert "not those that its second line names" in dutylog("reconcile", damaged, kept[1], ok=1, quiet=True)
    # Dirty rows are told by line, and stop nothing.
    said = dutylog("reconcile", a, write(w, "dirty.csv", TWO.encode() + b"off-\xff9,1,c,Bad byte,,\r\n,,,,,\r\n"), "--mapping",
                   MAPPING, quiet=True)
    assert said.count("dirty.csv, line") == 3 and "line 6: another number of cells" in said, said
    assert "line 9: bytes that are no UTF-8" in said and "line 10: left out: all key cells" in said, said
    assert "no column 'description'" in dutylog("reconcile", a, write(w, "none.csv", "officer\n1\n"), "--mapping", MAPPING, ok=1,
                                                quiet=True)
    assert "line 4: a quote" in dutylog("reconcile", a, write(w, "torn.csv", HEADER + 'a,,,b,,\n\nx,,,"y\n'), "--mapping", MAPPING,
                                        ok=1, quiet=True)
    # Nothing that a list says runs in a spreadsheet, or steers a terminal.
    evil = write(w, "evil.csv", HEADER + '=cmd,,+1,@SUM(A1),-1,"\ttab"\n\u009b31m,,c,\u202ex,,\n')
    table = dutylog("reconcile", a, evil, "--mapping", MAPPING, "--list", "all", "--csv")
    assert 'new,,"\'=CMD","\'@SUM(A1)",,,,"\'+1","\'-1","TAB"\n' in table and table.startswith("fate,roster,\"officer\","), table
    assert "?31M | ?X" in dutylog("reconcile", a, evil, "--mapping", MAPPING, "--list", "new")
    # What is looked for may be written small; a gzip bomb and half a gzip file end in a refusal; a roster of nobody is told.
    assert dutylog("reconcile", a, b, "--mapping", MAPPING, "--find", "left Post").split("\n")[2:4] == ["counted are only rows that have LEFT POST:", "absent         1"]
    assert dutylog("reconcile", a, b, "--mapping", MAPPING, "--find", "left Post", "--list", "absent").startswith("absent")
    bomb = w.path("bomb.csv.gz")
    open(bomb, "wb").write(gzip.compress(HEADER.encode()) + gzip.compress(b"\n" * (1 << 20)) * 257)
    assert "over 256 MiB, unpacked" in dutylog("reconcile", a, bomb, "--mapping", MAPPING, ok=1, quiet=True)
    half = w.path("half.csv.gz")
    open(half, "wb").write(open(b, "rb").read()[:-12])
    assert "ends halfway" in dutylog("reconcile", a, half, "--mapping", MAPPING, ok=1, quiet=True)
    nobody = write(w, "nobody.csv", "officer\n  \n")
    said = dutylog("reconcile", a, write(w, "short.csv", HEADER), "--mapping", MAPPING, "--roster", nobody, quiet=True)
    assert "nobody.csv names nobody" in said and "B has 0 rows, and A had 8" in said, said
    w.close()


def test_mappings_are_refused_by_line():
    w = World()
    a = write(w, "a.csv", ONE)
    good = "[list]\nkey = officer,\nother = penalty\nperson = officer\n".replace(",\n", ", description\n")
    for text, why in ((good + "[outcome]\npenalty = itms\n", "line 6: penalty: once, either items, or values"),
                      (good + "[find]\nx = " + "y" * 200 + "\n", "line 6: a line has at most 197 characters"),
                      (good + "[strip]\nofficer = x\n[colums]\n officer = x\n", "no section [colums]"), ("", "[list] lacks key"),
                      (good + "person = officer\n", "line 5: [list] has key"), (good.replace("penalty", "officer"), "line 3: other"),
                      (good + "x\0\n", "NUL byte"), (good + "[outcome]\nofficer = items\n", "one of the other columns"),
                      (good + "[columns]\ndate = x\n", "date is no column"), (good + "[strip\n", "line 5: neither")):
        assert why in dutylog("reconcile", a, a, "--mapping", write(w, "wrong.ini", text), ok=1, quiet=True), why
    # A long line goes on in the next, indented.
    both(a, write(w, "b.csv", TWO), mapping=write(w, "long.ini", good.replace(", description", ",\n").replace(",\n", "\n  description\n")
         + "[find]\nx = NOTHING |\n  LEFT\n"), find="x")
    w.close()


def test_random_lists_agree():
    w, dice, theirs = World(), random.Random(7), reconcile.Mapping(MAPPING)
    words = ["Failed to intervene", "01. failed\tto  intervene", "", "x", '"q"', "a,b", "Penalty: A", "A (3), B (12 days)", "A (3)",
             "b (12), b (9)", "A (4), A (4)", "GUILTY", "NOT GUILTY", "line\nbreak", "caf\u00e9\u00a0au lait", "(5) x", "((7) A", "A (007)"]
    quote = lambda c: '"' + c.replace('"', '""') + '"' if dice.random() < 0.7 or set(c) & set(',"\n\r') else c
    for number in range(3 if SANITIZED else 6):
        paths = []
        for side in range(2):
            rows = [",".join(quote(dice.choice(words[:4] if n in (0, 1) else words)) for n in range(dice.choice((4, 4, 4, 3, 5))))
                    for _ in range(dice.choice((0, 1, 30, 200)))]
            paths.append(write(w, f"{number}-{side}.csv", "officer,description,disposition,penalty,case_no\n" + "".join(r + "\n" for r in rows)))
        both(*paths)
    # Quotes and blanks where no program would have written them.
    odd, bits = 0, ['"', '"', ",", ",", " ", "\t", "\n", "\r", "x", "y", '"x"', ',"x y",']
    for number in range(20 if SANITIZED else 40):
        path = write(w, f"odd-{number}.csv", "officer,description,disposition,penalty,case_no\n" + "".join(dice.choices(bits, k=40)))
        if subprocess.run([os.path.join(BUILD, "dutylog"), "reconcile", path, path, "--mapping", MAPPING], capture_output=True).returncode == 0:
            odd += 1
            seen = json.loads(dutylog("observe", path, "--as", f"odd-{number}", "--mapping", MAPPING, "--keep", w.path("kept"), "--json"))
            _, leaves = reconcile.read_list(path, theirs)
            assert seen["members"]["root"] == reconcile.root_of(leaves), path
    assert odd > 3
    w.close()


def test_an_absence_is_proved_to_anyone():
    w = World()
    observer(w)
    one, two = write(w, "one.csv", ONE), write(w, "two.csv", TWO)
    observe(w, one, "2023-09-01T00:00:00Z")
    observe(w, two, "2023-09-20T00:00:00Z", "--ori", "NY0303000")
    said = observe(w, write(w, "three.csv", HEADER), "2023-10-01T00:00:00Z", quiet=True)
    assert "LOOK AT THIS: nypd has 0 rows, and had 7" in said, said
    pair = receipts(w)
    assert len(pair) == 3
    # The second names the first.
    assert b'"previous":{"id":' in pathlib.Path(pair[1].replace(".receipt", ".event")).read_bytes()
    rows = [w.path(f"kept/nypd-{day}T000000Z.rows") for day in ("20230901", "20230920", "20231001")]
    absence(w, rows[0], rows[1], "OFF-1", "absence", pair)
    said = check_absence(w, w.path("absence"))
    assert "OFF-1 | FAILED TO INTERVENE." in said and "there on     2023-09-01" in said, said
    assert sizes(w.path("absence")) < 4096
    # From an empty list all are absent; the last row, and the first.
    absence(w, rows[0], rows[2], "OFF-4", "empty", (pair[0], pair[2]))
    check_absence(w, w.path("empty"))
    absence(w, rows[0], rows[1], "LEFT POST", "place", pair)
    check_absence(w, w.path("place"))
    # A whole cell is meant before a part of one.
    long = write(w, "long.csv", HEADER + "".join(f"off-{n},,,x,,\n" for n in ("9", "91", "92")))
    assert "receipt of another list" in absence(w, long, rows[1], "OFF-9", "x", pair, ok=1, quiet=True)
    assert "several" in absence(w, long, rows[1], "FF-9", "x", pair, ok=1, quiet=True)
    # What is there, or there still, or several, is not proved.
    assert "no absent row" in absence(w, rows[0], rows[1], "OFF-5", "x", pair, ok=1, quiet=True)
    assert "several" in absence(w, rows[0], rows[1], "OFF-", "x", pair, ok=1, quiet=True)
    assert "another row of this key" in absence(w, rows[0], rows[1], "DISCOURTESY", "x", pair, ok=1, quiet=True)
    # The receipts the other way round; of another list; of no list.
    for wrong in (pair[1::-1], (pair[0], pair[2]), (pair[0], pair[0])):
        assert "the receipt of another list" in absence(w, rows[0], rows[1], "OFF-1", "x", wrong, ok=1, quiet=True)
    desk = w.path("desk.receipt")
    w.agency.add(w.event(w.roots[0], "key.enrolled", {"basis": "live", "kinds": ["*"], "oris": [], "role": "clerk", "vkey": w.desk.vkey}))
    open(desk, "wb").write(w.agency.add(w.finding())[1])
    assert "not of list.observed" in absence(w, rows[0], rows[1], "OFF-1", "x", (desk, pair[1]), ok=1, quiet=True)
    assert "no receipt" in absence(w, rows[0], rows[1], "OFF-1", "x", (two, pair[1]), ok=1, quiet=True)
    assert "already" in absence(w, rows[0], rows[1], "OFF-1", "absence", pair, ok=1, quiet=True)
    assert not os.path.exists(w.path("x"))
    w.close()


def test_every_damage_is_refused_by_both():
    w = World()
    observer(w)
    for text, day in ((ONE, "2023-09-01"), (TWO, "2023-09-20")):
        observe(w, write(w, day + ".csv", text), day + "T00:00:00Z")
    pair = receipts(w)
    rows = [w.path(f"kept/nypd-{day}T000000Z.rows") for day in ("20230901", "20230920")]
    absence(w, *rows, "OFF-1", "good", pair)
    data = open(w.path("good"), "rb").read()
    policy = verify.parse_policy(open(w.path("policy"), "rb").read())
    tail = data.index(b"leaf ")
    places = list(range(19)) + list(range(tail, len(data), 5 if SANITIZED else 2)) + random.Random(1).sample(range(tail), 40)
    paths, bad = [(w.path("good"), data)], 0
    for at in places:
        damaged = bytearray(data)
        damaged[at] ^= 1
        paths.append((write(w, f"damaged-{at}", bytes(damaged)), bytes(damaged)))
    paths += [(write(w, f"cut-{n}", data[:n]), data[:n]) for n in range(tail, len(data), 7)]
    said = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", "--batch", "--policy", w.path("policy")], text=True,
                          input="".join(p + "\n" for p, _ in paths), capture_output=True).stdout.split("\n")[:-1]
    assert len(said) == len(paths)
    for (path, damaged), verdict in zip(paths, said):
        try:
            verify.verify_absence(damaged, policy)
            told = "ok"
        except verify.Bad:
            told, bad = "bad", bad + 1
        assert (verdict == "ok") == (told == "ok"), (path, verdict, told)
    assert bad == len(paths) - 1 and said[0] == "ok", (bad, len(paths), said[0])
    w.close()


def test_a_list_is_fetched():
    w = World()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/list.csv?day=1" else 404)
            self.end_headers()
            if self.path == "/list.csv?day=1":
                self.wfile.write(ONE.encode())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/list.csv?day=1"
    options = ("--as", "city", "--mapping", MAPPING, "--keep", w.path("kept"))
    seen = json.loads(dutylog("observe", url, *options, "--observed", "2024-01-01T00:00:00Z", "--json"))
    assert seen["members"]["address"] == url and seen["members"]["count"] == 8
    assert open(seen["rows"] + ".source").read() == ONE.replace("\r\n", "\n") or open(seen["rows"] + ".source", newline="").read() == ONE
    # The same moment twice, and what is not there.
    dutylog("observe", url, *options, "--observed", "2024-01-01T00:00:00Z", ok=1)
    assert "the answer is 404" in dutylog("observe", url.replace("list", "lost"), *options, ok=1, quiet=True)
    assert len(list(pathlib.Path(w.path("kept")).glob("city-*"))) == 3
    for wrong in (("--as", "City"), ("--observed", "yesterday"), ("--ori", "x"), ("--address", "ftp://x")):
        assert "must be" in dutylog("observe", url, *options, *wrong, ok=1, quiet=True)
    server.shutdown()
    w.close()


def days():
    return sorted(p.name[:10] for p in SHARED.glob("2*.csv.gz"))


def test_new_yorks_lists():
    """All eleven pairs as the script counts them (under sanitizers, with WHOLE=1 only); the four records that vanished while their officers served, and the fifth."""
    if not days():
        print("test_new_yorks_lists: skipped:", SHARED, "is absent")
        return
    file = lambda day, what="": str(SHARED / f"{what}{day}.csv.gz")
    pairs = list(zip(days(), days()[1:]))
    assert len(pairs) == 11
    seen = ("2022-08-10", "2022-08-11", "2023-09-01", "2023-09-20")
    for a, b in pairs:
        if SANITIZED and not os.environ.get("WHOLE"):
            continue
        counts, _ = both(file(a), file(b), file(b, "roster-"))
        if a == "2021-05-02":  # another wording: all that changed is that more is said
            assert counts["lower"] + counts["higher"] + counts["mixed"] == 0 < counts["fuller"], counts
    w = World()
    observer(w)
    for day in seen:
        observe(w, file(day), day + "T00:00:00Z")
    got = dict(zip(seen, receipts(w)))
    rows = lambda day: w.path(f"kept/nypd-{day.replace('-', '')}T000000Z.rows")
    vanished = []
    for a, b in (seen[:2], seen[2:]):
        _, told = both(file(a), file(b), file(b, "roster-"), "failure_to_intervene")
        for serving, key in told["names"]:
            name = key[0] + " proof"
            absence(w, rows(a), rows(b), f'"{key[0]}","{key[1]}"', name, (got[a], got[b]))
            assert key[0] in check_absence(w, w.path(name)) and sizes(w.path(name)) < 4096
            vanished.append((a, serving))
    assert vanished == [("2022-08-10", "left")] + [("2023-09-01", "serving")] * 4, vanished
    w.close()


if __name__ == "__main__":
    main([test_small_lists_with_every_trap, test_mappings_are_refused_by_line, test_random_lists_agree, test_an_absence_is_proved_to_anyone,
          test_every_damage_is_refused_by_both, test_a_list_is_fetched, test_new_yorks_lists])
