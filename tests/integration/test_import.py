#!/usr/bin/python3
"""Importing an agency's own history: a small table of every trap, and slices of the real ones of ../shared/data (or
$DUTYLOG_SHARED) where they are there; each event is read back from the log and held against a count of its own. WHOLE=1 imports
all of Chicago, and says how fast."""
import csv
import datetime
import gzip
import hashlib
import http.client
import http.server
import io
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import threading
import time

import forge
from world import BUILD, SANITIZED, Key, World, canonical, main, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("DUTYLOG_SHARED", ROOT / "../shared")) / "data"
MAPPINGS = ROOT / "specs/mappings"
TOOL = os.path.join(BUILD, "dutylog")

MAPPING = """
[import]
source = springfield
table = cases
case = {number}
key = number, officer
content = number, officer, made, done, finding, penalty, words
subject = {officer}
ori = NY0303000
party = officer

[columns]
number = Case No.
officer = Officer

[strip]
words = ##. .
[empty]
done = N/A | PENDING
[dates]
made = m/d/y | serial
done = iso
[order]
made = done

[event investigation.opened]
opened = {made}
officer = {officer}
source_text = {words}
  made {made}, done {done}

[event finding.final]
when = {finding}
disposition = {finding} by findings
decided_by = chief
decided = {done}

[event discipline.imposed]
when = {penalty}
discipline = {penalty} by penalties
decided_by = chief

[codes findings]
sustained = SU | SUSTAINED
not_sustained close = NS
- = WITHDRAWN BY NOBODY KNOWS WHOM

[measures penalties]
suspension # days unpaid = SUSPENDED # DAY(S)
leave_forfeit # days close = VACATION (# DAYS)
training = TRAINING
none = NONE
- = OTHER
"""
HEADER = "Case No.,Officer,made,done,finding,penalty,words,ignored\r\n"
ROWS = [
    'c-1,Off-A,5/3/2020,2020-06-01,SU,"SUSPENDED 10 DAY(S), VACATION (3 DAYS)","01.He  said ""no"",\r\nand left",x',
    "c-1,Off-B,5/3/2020,2020-06-01,NS,NONE,Stood by,x",  # the same case, another party
    "c-1,Off-A,5/3/2020,2020-06-01,SU,TRAINING,Lied about it,x",  # the same party again: the same number
    "c-2,Off-A,44200,2021-02-30,SU,TRAINING,No such day,x",  # no finding: an impossible day
    "c-3,Off-C,1/4/2021,N/A,Susp.,TRAINING,Nobody knows this code,x",  # no finding: not in the table
    "c-4,Off-D,1/4/2021,2021-01-03,SU,,Closed before it was made,x",
    "c-5,Off-E,13/13/2021,2021-01-05,WITHDRAWN BY NOBODY KNOWS WHOM,OTHER,Nothing can be made,x",
    "c-6,Off-F,1/4/2021,2021-01-05,SU,\"TRAINING, MYSTERY\",caf\xe9 in another coding,x",
    "c-7,Off G,1/4/2021,2021-01-05,SU,TRAINING,A blank in a pseudonym,x",  # no investigation: the token
    "c-8,Off-H,1/4/2021,2021-01-05,SU,TRAINING,Twice,x",
    "c-8,Off-H,1/4/2021,2021-01-05,SU,TRAINING,Twice,y",  # the same row again: what is ignored makes no difference
    "c-9,Off-I,1/4/2021",  # a short row
    "c-10,Off-J,1/4/2998,,,,In a thousand years,x",
    " ,Off-L,1/4/2021,2021-01-05,SU,TRAINING,Of no case,x",
]
# What each row makes: kinds, in order.
MADE = [("investigation.opened", "finding.final", "discipline.imposed")] * 3 + [
    ("investigation.opened", "discipline.imposed"), ("investigation.opened", "discipline.imposed"),
    ("investigation.opened", "finding.final"), (), ("investigation.opened", "finding.final", "discipline.imposed"),
    ("finding.final", "discipline.imposed"),
    ("investigation.opened", "finding.final", "discipline.imposed"), ("investigation.opened", "finding.final", "discipline.imposed"),
    ("investigation.opened",), (), ()]


class Two(World):
    """A log and two mirrors, which both have to hold what is logged."""
    MIRRORS = ("state", "doj")


class Desk:
    """A log with an import key, and what is needed to run the command."""

    def __init__(self, rate=0):
        self.w = Two()
        self.w.agency.sections.append(f"[limits]\nissuer_rate = {rate}\n")
        roots = "".join(f"root = {k.vkey}\n" for k in self.w.roots)
        self.w.nodes["state"].sections.append(f"[authority own]\n{roots}threshold = 2\n")
        self.w.start()
        self.w.open_log()
        self.key = Key("springfield.example/import")
        self.key.save(self.w.path("import.key"))
        self.enrol(self.key)

    def enrol(self, key, kinds=("*",)):
        status, body = self.w.agency.add(self.w.event(self.w.roots[0], "key.enrolled", {
            "basis": "imported", "kinds": list(kinds), "oris": [], "role": "agency", "vkey": key.vkey}))
        assert status == 200, (status, body)

    def write(self, name, data):
        path = self.w.path(name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path

    def command(self, path, mapping, *options, node=None, state="import"):
        return [TOOL, "import", path, "--mapping", str(mapping), "--key", self.w.path("import.key"), "--node",
                node or self.w.agency.url, "--state", self.w.path(state), "--json", *options]

    def run(self, path, mapping, *options, ok=(0, 1), **more):
        done = subprocess.run(self.command(path, mapping, *options, **more), capture_output=True, text=True, timeout=600)
        assert done.returncode in ok, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def events(self):
        """The import key's events, as the log serves them: in order, each once, without a gap."""
        node = self.w.agency
        checkpoint = node.get("/checkpoint")[1].split(b"\n")
        found = []
        for entry in forge.entries(node, "", int(checkpoint[1])):
            text = entry.split(b"\n", 1)[1].split(b"\n\n")[0] + b"\n"
            event = json.loads(text.split(b"\n")[1])
            if event["issuer"] == self.key.name:
                assert event["seq"] == len(found) + 1, (event["seq"], len(found))
                assert event.get("prev") == (found[-1]["id"] if found else None)
                assert event["open"]["basis"] == "imported"
                found.append({**event, "id": hashlib.sha256(text).hexdigest()})
        return found

    def close(self):
        codes = self.w.close()
        assert set(codes) == {0}, codes


def table(rows):
    return (HEADER + "\r\n".join(rows) + "\r\n").encode("latin-1")


def items(report, problem):
    return {(i["where"], i["what"]): i["count"] for i in report["items"] if i["problem"] == problem}


def body_of(desk, event, *members, state="import"):
    """The closed members, one after the other, as event.opened would disclose them; each checked against the event's body."""
    values = {}
    for member in members:
        draft = desk.w.path("draft")
        done = subprocess.run([TOOL, "event", "event.opened", "--issuer", "x", "--log", desk.w.origin, "--out", draft,
                               "--disclose", f"{desk.w.path(state)}@{event['seq']}:{member}"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with open(draft) as f:
            said = json.loads(f.read().split("\n")[1])["open"]
        os.remove(draft)
        blob = b"dutylog/commit/v1\n"
        for part in (event["log"].encode(), event["issuer"].encode(), str(event["seq"]).encode(), member.encode(),
                     bytes.fromhex(said["salt"]), canonical(said["value"]).encode()):
            blob += len(part).to_bytes(4, "big") + part
        leaf = hashlib.sha256(b"\0" + hashlib.sha256(blob).digest()).digest()
        assert climb(leaf, said["index"], said["count"], [bytes.fromhex(h) for h in said["proof"]]) == event["body"], member
        values[member] = said["value"]
    return values


def climb(node, index, count, proof):
    """RFC 6962 section 2.1.1, from a leaf to the root."""
    last, proof = count - 1, list(proof)
    while last > 0:
        if index % 2 == 1 or index == last:
            if index % 2 == 0:
                while index % 2 == 0 and last > 0:
                    index, last = index // 2, last // 2
                if last == 0 and index == 0:
                    break
            node = hashlib.sha256(b"\1" + proof.pop(0) + node).digest()
            index, last = index // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + proof.pop(0)).digest()
            index, last = index // 2, last // 2
    assert not proof
    return node.hex()


def test_every_trap():
    desk = Desk()
    mapping = desk.write("map.ini", MAPPING)
    path = desk.write("cases.csv", table(ROWS))
    dry = subprocess.run([TOOL, "import", path, "--mapping", mapping, "--dry-run", "--json"], capture_output=True, text=True)
    assert dry.returncode == 1 and not desk.events(), dry.stderr
    report = desk.run(path, mapping, "--report", desk.w.path("problems.csv"))
    assert json.loads(dry.stdout)["made"] == report["made"] and report["held"]
    assert report["file_hash"] == hashlib.sha256(table(ROWS)).hexdigest()
    assert report["mapping_hash"] == hashlib.sha256(MAPPING.encode()).hexdigest()
    events = desk.events()
    assert [e["kind"] for e in events] == [k for made in MADE for k in made]
    assert report["rows"] == {"before": 0, "changed": 0, "gone": 0, "made": 11, "nothing": 3, "read": 14}, report["rows"]
    assert sum(report["made"].values()) == report["events"] == len(events)
    assert os.stat(desk.w.path("problems.csv")).st_mode & 0o777 == 0o600
    assert os.stat(desk.w.path("import")).st_mode & 0o777 == 0o700
    assert os.stat(desk.w.path("import/data.mdb")).st_mode & 0o777 == 0o600
    # What could not be mapped, and why.
    assert items(report, "date") == {
        ("done", "'2021-02-30': 2021-02-30 is no day of the calendar, or before 1900"): 1,
        ("made", "'13/13/2021': 2021-13-13 is no day of the calendar, or before 1900"): 1,
        ("made", "'1/4/2998': 2998-01-04 has not come yet"): 1}, items(report, "date")
    assert items(report, "value") == {("findings", "SUSP."): 1, ("penalties", "MYSTERY"): 1}
    assert items(report, "order") == {("made", "after done"): 1}
    assert items(report, "bytes") == {("row", "bytes that are no UTF-8"): 1}
    assert items(report, "member") == {("number", "the case number is missing"): 1, (
        "investigation.opened", "officer must be characters of a-z 0-9 . _ -, at most 64"): 1}, items(report, "member")
    assert items(report, "left_out") == {("findings", "WITHDRAWN BY NOBODY KNOWS WHOM"): 1, ("penalties", "OTHER"): 1}
    with open(desk.w.path("problems.csv")) as f:
        lines = [tuple(r.values())[:4] for r in csv.DictReader(f)]
    assert ("10", "value", "penalties", "MYSTERY") in lines, lines  # a quoted newline counts
    # What was made of it.
    first, finding, penalty = events[:3]
    assert first["open"] == {"basis": "imported", "case": first["open"]["case"], "opened": "2020-05-03", "ori": "NY0303000",
                             "party": "officer", "subject": 1}
    assert finding["open"]["disposition"] == "sustained" and finding["open"]["decided"] == "2020-06-01"
    assert penalty["open"]["discipline"] == [{"code": "suspension", "days": 10, "paid": False},
                                             {"code": "leave_forfeit", "days": 3}]
    assert [e["open"].get("subject") for e in events[:9]] == [1, 1, 1, 2, 2, 2, 1, 1, 1]
    assert len({e["open"]["case"] for e in events[:9]}) == 1 and events[9]["open"]["case"] != first["open"]["case"]
    assert "c-1" not in json.dumps([e["open"] for e in events])
    assert body_of(desk, first, "case_number", "mapping", "officer", "source_text") == {
        "case_number": "c-1", "mapping": "exact", "officer": "off-a",
        "source_text": '01.He  said "no",\nand left\nmade 5/3/2020, done 2020-06-01'}
    assert body_of(desk, penalty, "mapping") == {"mapping": "close"}
    mystery = [e for e in events if e["kind"] == "discipline.imposed"][5]
    assert mystery["open"]["discipline"] == [{"code": "training"}] and body_of(desk, mystery, "mapping") == {"mapping": "unknown"}
    # The state folder knows which case is which.
    done = subprocess.run([TOOL, "import", "--state", desk.w.path("import"), "--source", "springfield", "--case", " C-1 ", "--json"],
                          capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert found["case"] == first["open"]["case"] and [(e["seq"], e["id"]) for e in found["events"]] == [
        (e["seq"], e["id"]) for e in events[:9]], found
    done = subprocess.run([TOOL, "import", "--state", desk.w.path("import"), "--source", "elsewhere", "--case", "c-1"], capture_output=True)
    assert done.returncode == 1, done
    # A disclosure is one that the log takes.
    opened = desk.w.path("opened")
    done = subprocess.run([TOOL, "event", "event.opened", "--key", desk.w.path("import.key"), "--node", desk.w.agency.url,
                           "--outbox", opened, "--disclose", f"{desk.w.path('import')}@1:source_text"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with open(done.stdout.strip(), "rb") as f:
        status, body = desk.w.agency.add(f.read())
    assert status == 200, (status, body)
    # The same again makes nothing; and the key has signed something else, which has to be said.
    done = desk.run(path, mapping, ok=(1,))
    assert "--key-used" in done, done
    again = desk.run(path, mapping, "--key-used")
    assert again["events"] == 0 and again["rows"]["before"] == 11 and again["rows"]["nothing"] == 3, again["rows"]
    desk.close()


def test_editions_and_mended_mappings():
    desk = Desk()
    mapping = desk.write("map.ini", MAPPING)
    path = desk.write("cases.csv", table(ROWS))
    desk.run(path, mapping)
    before = desk.events()
    # A later edition: in another order, one row changed, one gone, one new, one of two equal ones gone.
    edition = [r for r in ROWS if not r.startswith("c-9")] + ["c-11,Off-K,1/5/2021,2021-01-06,SU,TRAINING,New,x"]
    edition.remove(ROWS[10])
    edition[edition.index(ROWS[5])] = "c-4,Off-D,1/4/2021,2021-01-13,SU,,Closed before it was made,x"
    random.Random(1).shuffle(edition)
    report = desk.run(desk.write("later.csv", table(edition)), mapping, "--report", desk.w.path("problems.csv"))
    with open(desk.w.path("problems.csv")) as f:
        changed = [r["logged"] for r in csv.DictReader(f) if r["problem"] == "changed"]
    c4 = [e for e in before if e["open"].get("decided") == "2021-01-03"]
    assert changed == [f"{c4[0]['seq'] - 1} {c4[0]['seq']}"], changed
    events = desk.events()
    assert [e["kind"] for e in events[len(before):]] == ["investigation.opened", "finding.final", "discipline.imposed"]
    assert report["rows"]["changed"] == 1 and report["rows"]["gone"] == 2 and report["rows"]["made"] == 1, report["rows"]
    assert len(items(report, "changed")) == 1 and report["events"] == 3
    # The mapping learns a code: what was missing is made, under the same handle and number, and nothing else.
    mended = desk.write("mended.ini", MAPPING.replace("sustained = SU | ", "sustained = SU | SUSP. | "))
    report = desk.run(path, mended)
    last = desk.events()
    assert [e["kind"] for e in last[len(events):]] == ["finding.final"], report
    c3 = [e for e in before if e["kind"] == "investigation.opened"][4]
    assert last[-1]["open"]["case"] == c3["open"]["case"] and last[-1]["open"]["subject"] == c3["open"]["subject"]
    # A state folder that is lost would make all of it twice: refused. Another key's, too.
    done = desk.run(path, mapping, state="another", ok=(1,))
    assert "state folder" in done and len(desk.events()) == len(last), done
    # A folder that others may read; a report that cannot be written.
    os.chmod(desk.w.path("import"), 0o750)
    assert "others may read it" in desk.run(path, mapping, ok=(3,))
    os.chmod(desk.w.path("import"), 0o700)
    assert "cannot be written" in desk.run(path, mapping, "--report", "/dev/full", ok=(3,))
    # Bad input: nothing is asked, signed, or kept.
    for name, text, want in (("none.csv", b"", "no header"), ("other.csv", b"a,b\n1,2\n", "Case No."),
                             ("nul.csv", b"\0" * 100, ""), ("quote.csv", HEADER.encode() + b'"', "not closed"),
                             ("wide.csv", table(ROWS).decode("latin-1").encode("utf-16"), "UTF-16")):
        done = desk.run(desk.write(name, text), mapping, ok=(1,))
        assert want in str(done), (name, done)
    for change, by, want in (("ori = NY0303000", "ori = nowhere", "nowhere"), ("sustained = SU", "guilty = SU", "guilty"),
                             ("party = officer", "party = king", "party must be one of"),
                             ("party = officer", "party = officer\nsource = b", "said before, as 'springfield'"),
                             ("officer = Officer", "officer = Officer\nofficer = made", "said before, as 'Officer'")):
        done = desk.run(path, desk.write("bad.ini", MAPPING.replace(change, by, 1)), ok=(1,))
        assert want in str(done), done
    assert len(desk.events()) == len(last)
    desk.close()


class Trouble:
    """Stands between the importer and its node: overloaded now and then, or gone before it answers."""

    def __init__(self, node, seed, refuse=0.2):
        dice, outer = random.Random(seed), self
        self.refused = self.lost = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self, method, body):
                fate = dice.random() if method == "POST" else 1
                if fate < refuse:
                    outer.refused += 1
                    self.answer(503, b"overloaded\n", "text/plain", [("Retry-After", "1")])
                    return
                c = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
                c.request(method, self.path, body, {k: v for k, v in self.headers.items() if k == "Content-Type"})
                got = c.getresponse()
                data = got.read()
                if fate < 0.4:
                    outer.lost += 1
                    self.close_connection = True
                    self.connection.close()
                    return
                self.answer(got.status, data, got.headers["Content-Type"], [])

            def answer(self, status, data, kind, more):
                self.send_response(status)
                for name, value in [("Content-Type", kind), ("Content-Length", str(len(data))), *more]:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.forward("GET", None)

            def do_POST(self):
                self.forward("POST", self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def many(count):
    return [f"m-{i % (count // 3)},Off-{i % 40},1/{i % 28 + 1}/2020,2020-02-{i % 28 + 1:02},SU,TRAINING,Row {i},x"
            for i in range(count)]


def check_many(desk, rows):
    """One event for each fact, whatever happened on the way."""
    events = desk.events()
    assert len(events) == 3 * rows, (len(events), rows)
    facts = {}
    for e in events:
        facts[e["kind"]] = facts.get(e["kind"], 0) + 1
    assert set(facts.values()) == {rows}, facts
    assert len({e["open"]["case"] for e in events}) == rows // 3


def test_killed_at_any_moment():
    rows = 600 if SANITIZED else 1500
    desk = Desk()
    mapping = desk.write("map.ini", MAPPING)
    path = desk.write("many.csv", table(many(rows)))
    dice = random.Random(7)
    killed = 0
    for _ in range(8):
        process = subprocess.Popen(desk.command(path, mapping), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.02, 0.35))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    report = desk.run(path, mapping, ok=(0,))
    assert killed > 0 and report["held"], killed
    check_many(desk, rows)
    again = desk.run(path, mapping, ok=(0,))
    assert again["events"] == 0 and again["rows"]["before"] == rows
    desk.close()


def test_a_node_in_trouble():
    desk = Desk()
    mapping = desk.write("map.ini", MAPPING)
    path = desk.write("many.csv", table(many(900)))
    trouble = Trouble(desk.w.agency, 4)
    for _ in range(20):
        done = subprocess.run(desk.command(path, mapping, "--wait", "2", node=trouble.url), capture_output=True, text=True)
        assert done.returncode in (0, 3, 4), (done.returncode, done.stderr)
        if done.returncode == 0:
            break
    assert done.returncode == 0 and trouble.lost + trouble.refused > 0, (trouble.lost, trouble.refused)
    trouble.close()
    check_many(desk, 900)
    desk.close()
    # What one issuer may log is over: the importer waits as long as it is told, and goes on.
    desk = Desk(rate=20)  # 1,200 at once
    mapping = desk.write("map.ini", MAPPING)
    report = desk.run(desk.write("many.csv", table(many(411))), mapping)
    assert report["events"] == 1233 and report["held"] and report["took_ms"] > 1000, report["took_ms"]
    check_many(desk, 411)
    # A seq that waits here is used elsewhere: nothing that waits could follow it, and none counts as logged.
    path = desk.write("more.csv", table(["x-1,Off-A,1/2/2020,2020-02-02,SU,TRAINING,New,x"]))
    trouble = Trouble(desk.w.agency, 1, refuse=1)
    desk.run(path, mapping, "--wait", "0", node=trouble.url, ok=(3,))
    trouble.close()
    assert desk.run(path, mapping, "--key-used", state="other")["events"] == 3
    assert "another event of this key with seq 1236" in desk.run(path, mapping, ok=(1,))
    desk.close()


AGENCIES = "ori,name,state,type,officers\nNY0303000,Springfield Police,NY,municipal,40\n"
OF_ROWS = MAPPING.replace("ori = NY0303000", "ori = {ori}")


ROWS_OF_AGENCIES = 420


def of_agencies(count, wrong, ori="NY0303999"):
    """Rows with the ORI of their agency, which of some is none that the log registers."""
    rows = [HEADER.strip() + ",ori"] + [f"{row},{ori if i in wrong else 'NY0303000'}" for i, row in enumerate(many(count))]
    return ("\n".join(rows) + "\n").encode()


def register(desk, text):
    """By the commands: a file of agencies becomes events of the root's, and these a file of what is registered."""
    path, root = desk.write("registered.csv", text), desk.w.path("root.key")
    if not os.path.exists(root):
        desk.w.roots[1].save(root)
    for command in (["agencies", "--from", path, "--key", root, "--outbox", desk.w.path("agencies"), "--node", desk.w.agency.url],
                    ["submit", "--outbox", desk.w.path("agencies"), "--node", desk.w.agency.url]):
        done = subprocess.run([TOOL, *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    state, ori = desk.w.nodes["state"], text.split("\n")[-2].split(",")[0]
    until(lambda: ori in [a["ori"] for a in state.json("/agencies")["agencies"]], 10, ori)
    done = subprocess.run([TOOL, "agencies", "--node", state.url, "--csv"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return desk.write("agencies.csv", done.stdout)


def test_refused_by_the_log():
    """What the log refuses for what it says is reported, and stops nothing else, whatever happens on the way."""
    desk = Desk()
    mapping, wrong = desk.write("map.ini", OF_ROWS), {7, 290, 291, 350}
    agencies = register(desk, AGENCIES)
    path = desk.write("many.csv", of_agencies(ROWS_OF_AGENCIES, wrong))
    dice, killed = random.Random(11), 0
    for _ in range(4):
        process = subprocess.Popen(desk.command(path, mapping), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.uniform(0.02, 0.4))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
    report = desk.run(path, mapping, "--report", desk.w.path("problems.csv"), ok=(1,))
    assert killed > 0 and report["held"], report
    assert report["problems"]["refused"] == 3 * len(wrong) and report["rows"]["nothing"] == len(wrong), report
    assert report["rows"]["made"] + report["rows"]["before"] == ROWS_OF_AGENCIES - len(wrong), report["rows"]
    assert {what.split(" is ")[0] for _, what in items(report, "refused")} == {"member ori: NY0303999"}, report["items"]
    with open(desk.w.path("problems.csv")) as f:
        lines = [int(r["line"]) for r in csv.DictReader(f)]
    assert sorted(lines) == sorted(3 * [i + 2 for i in wrong]), lines
    assert len(desk.events()) == 3 * (ROWS_OF_AGENCIES - len(wrong))
    again = desk.run(path, mapping, ok=(1,))
    assert again["problems"]["refused"] == 12 and again["events"] == 0 and again["rows"]["before"] == ROWS_OF_AGENCIES - 4, again
    # With the registry at hand it is told before anything is signed.
    known = desk.run(path, mapping, "--agencies", agencies, ok=(1,))
    assert known["problems"]["agency"] == len(wrong) and known["problems"]["refused"] == 0, known["problems"]
    # Once it is registered, what was refused is made.
    agencies = register(desk, "ori,name,state,type,officers\nNY0303999,Shelbyville Police,NY,municipal,9\n")
    report = desk.run(path, mapping, "--agencies", agencies, ok=(0,))
    assert report["events"] == 12 and report["rows"]["made"] == 4, report
    check_many(desk, ROWS_OF_AGENCIES)
    desk.close()


def test_a_key_that_may_not():
    """A kind that the key may not sign is reported; a key that is revoked stops all, and what waits is taken back if that is wanted."""
    desk = Desk()
    desk.key = Key("springfield.example/narrow")
    os.remove(desk.w.path("import.key"))
    desk.key.save(desk.w.path("import.key"))
    desk.enrol(desk.key, ["discipline.imposed", "investigation.opened"])
    mapping, path = desk.write("map.ini", MAPPING), desk.write("many.csv", table(many(150)))
    report = desk.run(path, mapping, ok=(1,))
    assert report["problems"]["refused"] == 150 and report["made"]["finding.final"] == 0, report["problems"]
    assert report["made"]["investigation.opened"] == report["made"]["discipline.imposed"] == report["rows"]["made"] == 150, report
    assert report["confidence"] == {"close": 0, "exact": 300, "guessed": 0, "unknown": 0}, report["confidence"]
    assert len(desk.events()) == 300 and desk.run(path, mapping, ok=(1,))["events"] == 0
    status, body = desk.w.agency.add(desk.w.event(desk.w.roots[0], "key.revoked", {"key": desk.key.name, "reason": "retired"}))
    assert status == 200, (status, body)
    more = desk.write("more.csv", table(["x-1,Off-A,1/2/2020,2020-02-02,SU,TRAINING,New,x"]))
    for _ in range(2):  # what is signed waits, and is sent again: for nothing
        said = desk.run(more, mapping, ok=(1,))
        assert "revoked" in said and "--withdraw" in said, said
    said = desk.run(more, mapping, "--withdraw", ok=(1,))
    assert "3 events were taken back" in said, said
    show = [TOOL, "import", "--state", desk.w.path("import"), "--source", "springfield", "--case", "x-1", "--json"]
    assert json.loads(subprocess.run(show, capture_output=True, text=True).stdout)["events"] == []
    assert len(desk.events()) == 300
    desk.close()


def read_rows(path):
    with gzip.open(path) as f:
        return list(csv.DictReader(io.TextIOWrapper(f, "utf-8", "replace", newline="")))


def save_rows(desk, name, rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return desk.write(name, gzip.compress(out.getvalue().encode()))


def count_days(complaints):
    """The file itself, counted without us."""
    day = datetime.date.fromisoformat
    both = [(day(r["closed_date"]) - day(r["complaint_date"])).days for r in complaints if r["closed_date"]]
    usable = [d for d in both if d >= 0]
    return {"usable": len(usable), "backwards": len(both) - len(usable), "median": statistics.median(usable),
            "longer": sum(d > 180 for d in usable), "cases": len(complaints), "no_end": len(complaints) - len(both)}


def times(desk, *options):
    done = subprocess.run([TOOL, "times", desk.w.agency.url, "--vkey", desk.w.log.vkey, "--from", "investigation.opened:opened",
                           "--to", "investigation.closed:closed", *options], capture_output=True, text=True)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout


def check_chicago(desk, complaints, accused):
    reports = [desk.run(save_rows(desk, f"{n}.csv.gz", rows), MAPPINGS / f"import-chicago-{n}.ini")
               for n, rows in (("complaints", complaints), ("accused", accused))]
    found = json.loads(times(desk, "--json"))
    assert {k: found[k] for k in count_days(complaints)} == count_days(complaints), (found, count_days(complaints))
    assert found["from"] == "investigation.opened:opened" and found["to"] == "investigation.closed:closed"
    assert found["days"] == "claimed" and found["checkpoint"]["origin"] == desk.w.origin
    assert "claimed" in times(desk)
    assert reports[0]["made"] == {"investigation.opened": len(complaints),
                                  "investigation.closed": sum(r["closed_date"] != "" for r in complaints)}
    silent = ("", "EXPUNGED", "ADDITIONAL INVESTIGATION REQUESTED")
    assert reports[1]["made"]["finding.final"] == sum(r["final_finding"].upper() not in silent for r in accused)
    assert reports[1]["made"]["investigation.opened"] == len(accused)
    assert reports[1]["problems"]["value"] == 0, reports[1]["items"]
    return reports, found


def test_chicago():
    if not SHARED.exists():
        print("skipped: no ../shared/data")
        return
    desk = Desk()
    complaints = read_rows(SHARED / "chicago/complaints.csv.gz")
    backwards = [r for r in complaints if r["closed_date"] and r["closed_date"] < r["complaint_date"]]
    assert len(backwards) == 2
    complaints = random.Random(3).sample(complaints, 150 if SANITIZED else 500) + backwards[:1]
    numbers = {r["cr_id"] for r in complaints}
    accused = [r for r in read_rows(SHARED / "chicago/accused.csv.gz") if r["cr_id"] in numbers]
    if backwards[0] in complaints[:-1]:
        complaints.pop()
    reports, _ = check_chicago(desk, complaints, accused)
    assert reports[0]["problems"]["order"] == 1
    events = desk.events()
    assert len(events) == sum(r["events"] for r in reports)
    assert {e["open"]["case"] for e in events if "subject" in e["open"]} <= {e["open"]["case"] for e in events if "opened" in e["open"]}
    unidentified = next(i for i, r in enumerate(accused) if r["complaints-accused_2000-2023_2023-08_p053540_ID"].endswith("6edc324c830569"))
    first = [e for e in events if "subject" in e["open"] and e["kind"] == "investigation.opened"][unidentified]
    known = body_of(desk, first, "source_text", "mapping")
    assert known["source_text"].split("\n")[0] == (accused[unidentified]["allegation_category"] or "status: " + accused[unidentified]["complaint_status"])
    done = subprocess.run([TOOL, "event", "event.opened", "--issuer", "x", "--log", desk.w.origin, "--out", desk.w.path("d"), "--disclose",
                           f"{desk.w.path('import')}@{first['seq']}:officer"], capture_output=True, text=True)
    assert "no member officer" in done.stderr, done.stderr  # nobody was identified, so nobody is named
    desk.close()


def test_virginia_and_new_york():
    if not SHARED.exists():
        print("skipped: no ../shared/data")
        return
    desk = Desk()
    folder = SHARED / "virginia-decertification"
    names = ["Virginia State Police", "Hampton Roads Regional Jail", "Fauquier County Sheriff's Office", "Richmond County Sheriff's Office",
             "Westmoreland County Sheriff's Office", "Tazewell County Sheriff's Office"]
    registry = "ori,name,former names,state,type,officers,merged_into\n" + "".join(
        f'VA00{i:02}000,"{n}",{"Department of State Police" if i == 0 else ""},VA,other,10,\n' for i, n in enumerate(names))
    registry = desk.write("agencies.csv", registry)
    spelt = {"Hamptin Roads Regional Jail": 1, "Hamptom Roads Regional Jail": 1, "Hampton Roadss Regional Jail": 1, "Faquier County Sheriff's Officer": 2,
             "Richmond County Sheirff's Office": 3, "Westmorland County Sheriff's Office": 4, "Department of State Police": 0,
             "Fauquier County Sheriff\ufffds Office": 2}
    spelt.update({n: i for i, n in enumerate(names)})
    for name, mapping in ("present", "decertified"), ("prior", "decertified"), ("reinstated", "reinstated"):
        rows = read_rows(folder / f"{name}.csv.gz")
        report = desk.run(str(folder / f"{name}.csv.gz"), MAPPINGS / f"import-virginia-{mapping}.ini", "--agencies", registry)
        known = [r for r in rows if r["agency"] in spelt]
        bad = [r for r in known if name != "reinstated" and (not r["decert_date"].isdigit() or r["status"] in ("42901", "Finalized-Withdrawn"))]
        assert report["problems"]["agency"] == len(rows) - len(known), (name, report["problems"], len(rows), len(known))
        assert report["events"] == len(known) - len(bad), (name, report["events"], len(known), bad)
        assert report["rows"]["read"] == len(rows)
    days = [e["open"]["decided"] for e in desk.events() if e["open"]["action"] == "reinstated"]
    assert "2021-07-23" in days and "2021-09-21" in days
    path = str(SHARED / "nypd-discipline/2024-06-17.csv.gz")
    done = subprocess.run([TOOL, "import", path, "--mapping", str(MAPPINGS / "import-nypd-discipline.ini"), "--dry-run", "--json"],
                          capture_output=True, text=True)
    report, rows = json.loads(done.stdout), read_rows(path)
    assert report["made"]["finding.final"] == sum(r["type"] == "charge" for r in rows)
    assert report["made"]["finding.recommended"] == sum(r["type"] == "allegation" for r in rows)
    assert set(items(report, "value")) == {("penalties", "DISMISSAL PROBATION (0 MONTH(S) )")}
    desk.close()


def test_shipped_mappings():
    """Each is one that is read; and the example makes of its example what it says."""
    desk = Desk()
    table = desk.write("t.csv", "a\n1\n")
    for mapping in sorted(MAPPINGS.glob("import-*.ini")):
        done = subprocess.run([TOOL, "import", table, "--mapping", mapping, "--dry-run"], capture_output=True, text=True)
        assert done.returncode == 1 and ("no column '" in done.stderr or "give the registry" in done.stderr), (mapping, done.stderr)
    text = (MAPPINGS / "import-example.ini").read_text()
    rows = [line.lstrip("; ") for line in text.split("\n") if line.startswith(";   ")]
    report = desk.run(desk.write("t.csv", "\n".join(rows) + "\n"), MAPPINGS / "import-example.ini", ok=(0,))
    assert list(report["made"].values()) == [1] * 5 and len(rows) == 2, report
    failed = [e["open"] for e in desk.events() if e["kind"] == "failure.alleged"][0]
    assert failed["reported"] == "2019-03-07" and failed["alleged_by"] == "complaint"
    desk.close()


def test_whole_chicago():
    """By hand: all 149,013 rows."""
    if not os.environ.get("WHOLE"):
        return
    desk = Desk()
    complaints, accused = (read_rows(SHARED / f"chicago/{n}.csv.gz") for n in ("complaints", "accused"))
    reports, found = check_chicago(desk, complaints, accused)
    took, made = sum(r["took_ms"] for r in reports) / 1000, sum(r["events"] for r in reports)
    print(f"{len(complaints) + len(accused)} rows, {made} events in {took:.1f} s: {made / took:.0f} events/s, each held by both mirrors")
    print(times(desk))
    assert (found["usable"], found["median"], round(100 * found["longer"] / found["usable"], 1)) == (47811, 181, 50.2)
    desk.close()


if __name__ == "__main__":
    main([test_every_trap, test_editions_and_mended_mappings, test_killed_at_any_moment, test_a_node_in_trouble, test_refused_by_the_log, test_a_key_that_may_not,
          test_chicago,
          test_virginia_and_new_york, test_shipped_mappings, test_whole_chicago])
