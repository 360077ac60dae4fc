#!/usr/bin/python3
"""A report by anyone: made without a key of one's own, logged, proved later by who kept the text, and bounded per address."""
import base64
import hashlib
import http.client
import os
import subprocess

from world import BUILD, ORI, Key, World, main, make_event

TOOL = os.path.abspath(os.path.join(BUILD, "dutylog"))


class OneTime(Key):
    """A key that is named after itself."""

    def __init__(self):
        super().__init__("unnamed")
        self.name = "anyone/" + hashlib.sha256(self.public).hexdigest()[:32]
        self.id = hashlib.sha256(self.name.encode() + b"\n\1" + self.public).digest()[:4]
        self.vkey = f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([1]) + self.public).decode()}"


def run(folder, *command, code=0):
    done = subprocess.run([TOOL, *command], capture_output=True, text=True, cwd=folder)
    assert done.returncode == code, (command, done)
    return done.stdout + done.stderr


def lodge(w, **more):
    key = OneTime()
    return make_event(w.origin, key, "report.lodged", {"ori": ORI, "vkey": key.vkey}, body="07" * 32, **more)


def lodge_from(w, address):
    """Ten at once from another address; the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", w.agency.port, timeout=30, source_address=(address, 0))
    notes = [lodge(w) for _ in range(10)]
    connection.request("POST", "/add", b"".join(len(n).to_bytes(2, "big") + n for n in notes), {"Content-Type": "application/octet-stream"})
    said = connection.getresponse().read()
    connection.close()
    return said


def test_lodged():
    w = World().start()
    w.open_log()
    at = w.folder
    with open(w.path("said.txt"), "w") as f:
        f.write("Officer 17 stood by.\nI saw it.")
    run(at, "event", "report.lodged", "--node", w.agency.url, "--set", f"ori={ORI}", "--closed", "report=@said.txt", "--out", "mine.event")
    assert oct(os.stat(w.path("mine.event.body")).st_mode)[-3:] == "600"
    run(at, "submit", "--node", w.agency.url, "mine.event")
    receipt = next(n for n in os.listdir(at) if n.endswith(".receipt"))
    said = run(at, "verify", receipt, "--policy", "policy", "--body", "mine.event.body")
    assert 'report = "Officer 17 stood by.\\nI saw it."' in said and "by a one-time key, and shows that somebody did" in said, said
    second = subprocess.run([os.path.join(os.path.dirname(__file__), "..", "check", "verify.py"), "receipt", w.path(receipt), "--policy",
                             w.path("policy")], capture_output=True, text=True)
    assert second.stdout.startswith("good; unchecked: "), second
    # Another text does not fit, nor does an event without a body of its own.
    with open(w.path("mine.event.body")) as f:
        kept = f.read()
    with open(w.path("other.body"), "w") as f:
        f.write(kept.replace("17", "18"))
    os.chmod(w.path("other.body"), 0o600)
    assert "is not that of the event" in run(at, "verify", receipt, "--policy", "policy", "--body", "other.body", code=1)
    # Sent again, it is the same entry; a second one of the same key is none.
    run(at, "submit", "--node", w.agency.url, "mine.event")
    for bad, says in ((["--set", f"vkey={w.desk.vkey}"], "vkey is made with the event"), ([], "body is missing")):
        assert says in run(at, "event", "report.lodged", "--node", w.agency.url, "--set", f"ori={ORI}", *bad, "--out", "bad", code=1)
    key = OneTime()
    first = make_event(w.origin, key, "report.lodged", {"ori": ORI, "vkey": key.vkey}, body="07" * 32)
    assert w.agency.add(first)[0] == 200 and w.agency.add(first)[0] == 200
    status, said = w.agency.add(make_event(w.origin, key, "report.lodged", {"ori": ORI, "vkey": key.vkey}, body="08" * 32))
    assert status == 400 and b"seq must be 1" in said, (status, said)
    status, said = w.agency.add(w.event(key, "failure.alleged", {"basis": "live", "case": "ab" * 16, "ori": ORI, "party": "officer",
                                                                 "reported": "2024-01-01"}))
    assert status == 403 or status == 409, (status, said)
    # An agency that opens what it was told: the disclosure is checked against the report's body.
    os.rename(w.path("mine.event.body"), w.path("mine.body"))
    w.desk.save(w.path("desk.key"))
    run(at, "event", "event.opened", "--key", "desk.key", "--node", w.agency.url, "--disclose", "mine:report", "--out", "opened.event")
    run(at, "submit", "--node", w.agency.url, "opened.event")
    # Ten at once from one address, whoever signs; and no more for a while.
    answers = [w.agency.add(lodge(w)) for _ in range(12)]
    assert [a[0] for a in answers].count(429) >= 3 and answers[0][0] == 200, answers
    assert b"over ten reports a minute" in answers[-1][1] and int(w.agency.headers["Retry-After"]) >= 1, answers[-1]
    # And two a second of all of them: from a hundred and forty other addresses' worth, some are left.
    answers = [lodge_from(w, f"127.0.0.{i}") for i in range(2, 16)]
    assert all(b"this address" not in a for a in answers) and b"index" in answers[0], answers
    assert b"over two reports a second (report.lodged) from all addresses: try again in" in answers[-1], answers[-1]
    known = w.agency.json(f"/issuer/{w.desk.name}")
    w.desk.seq, w.desk.head = known["seq"], known["head"]
    assert w.agency.add(w.finding())[0] == 200
    size = w.agency.json("/logs")["logs"][0]["size"]
    assert w.agency.stop() == 0
    said = run(at, "fsck", "--signatures", w.agency.path("data"))
    assert f"{size} entries, 0 findings" in said, said
    w.close()


main([test_lodged])
