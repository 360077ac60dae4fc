#!/usr/bin/python3
"""A case over several logs: what every node shows of it, byte for byte the same, each event with its proof; and what a dishonest
log cannot do to it."""
import http.server
import json
import os
import subprocess
import threading
import time

import forge
from cases import ORI, STANDINGS, Federation, five_authorities
from world import BUILD, Key, main, until


def standing(answer, reference):
    return next(e["standing"] for e in answer["events"] if e["id"] == reference["id"])


def check_story(answer, e):
    got = {name: standing(answer, e[name]) for name in STANDINGS}
    assert got == STANDINGS, {n: (got[n], STANDINGS[n]) for n in got if got[n] != STANDINGS[n]}
    officer = answer["subjects"][0]
    assert officer["subject"] == 1 and officer["party"] == "officer"
    assert officer["finding"]["disposition"] == "reversed_on_appeal"
    assert officer["finding"]["decided_by"] == "supreme-court"
    assert "discipline" not in officer
    assert officer["certificate"]["action"] == "reinstated"
    assert [r["by"] for r in officer["recommended"]] == ["civilian-board"] * 2
    assert len(officer["appeals"]) == 1
    assert [r["log"] for r in answer["revocations"]] == ["ny.example/log"]


def verify(f, receipt, policy):
    with open(f.path("receipt"), "wb") as file:
        file.write(receipt)
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", f.path("receipt"), "--policy", policy, "--quiet"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done


def test_five_authorities_on_every_node():
    f = Federation()
    handle = os.urandom(16).hex()
    e = five_authorities(f, handle)
    at = f.settle(handle)
    answers = {n: f.case(n, handle, at) for n in f.nodes}
    assert len(set(answers.values())) == 1
    answer = json.loads(answers["agency"])
    check_story(answer, e)
    # What the answer names is enough to ask for it again, anywhere and without sizes.
    named = {log["id"]: log["size"] for log in answer["logs"]}
    assert len(named) == 3
    assert {f.case(n, handle, named) for n in f.nodes} == set(answers.values())
    assert f.case("university", handle) == answers["agency"]
    # Any node proves each event, of whichever log.
    policy = f.save_policies()
    for event in answer["events"] + answer["revocations"]:
        receipts = set()
        for node in f.nodes.values():
            status, receipt = node.get(event["proof"])
            assert status == 200, (node.name, status, receipt)
            receipts.add(receipt)
        assert len(receipts) == 1
        verify(f, receipts.pop(), policy)
    # At earlier sizes the case is what it was then.
    before = {**named, f.logs["court"].id: 4}
    then = json.loads(f.case("state", handle, before))
    assert standing(then, e["defied"]) == "in force" and "reversed_on_appeal" not in str(then["subjects"])
    without = {k: v for k, v in named.items() if k == f.logs["agency"].id}
    alone = json.loads(f.case("court", handle, without))
    assert standing(alone, e["forged"]) == "superseded" and len(alone["logs"]) == 1  # nobody doubts it there
    check_refusals(f, handle, at)
    check_command(f, handle, policy, answers["agency"])
    assert f.close() == [0, 0, 0, 0]


def case(f, handle, *options, node="university"):
    command = [os.path.join(BUILD, "dutylog"), "case", "--node", f.nodes[node].url, ORI, handle, *options]
    return subprocess.run(command, capture_output=True, text=True)


def check_command(f, handle, policy, answer):
    roots = [x for key in f.roots for x in ("--root", key.vkey)]
    plain = case(f, handle)
    assert plain.returncode == 0 and "not verified: as the node says" in plain.stdout, plain
    assert "superseded: reversed by 16" in plain.stdout and "reversed_on_appeal, by supreme-court (16)" in plain.stdout, plain.stdout
    wide = [line for line in plain.stdout.split("\n") if len(line) > 110]
    assert not wide, wide
    for trust in (["--policy", policy], [*roots, "--threshold", "2"], ["--policy", policy, *roots, "--threshold", "2"]):
        done = case(f, handle, *trust)
        assert done.returncode == 0 and "verified: 21 receipts" in done.stdout, done
    done = case(f, handle, "--json", "--policy", policy)
    assert done.returncode == 0 and done.stdout.encode() == answer, done
    done = case(f, handle, "--root", f.logs["agency"].key.vkey)
    assert done.returncode == 1 and "NOT VERIFIED" in done.stderr and not done.stdout, done
    done = case(f, handle, "--at", f"{f.logs['agency'].id}:9", "--policy", policy)
    assert done.returncode == 0 and "verified" in done.stdout, done
    assert case(f, "0" * 32).returncode == 1 and case(f, handle[1:]).returncode == 1
    assert case(f, handle, "more").returncode == 2
    if "SHOW" in os.environ:
        print(case(f, handle, "--policy", policy).stdout)


def check_refusals(f, handle, at):
    node = f.nodes["university"]
    log = f.logs["agency"].id
    for path, status, says in (
            (f"/case/{ORI}/{'0' * 32}", 404, "no event of this ORI"),
            (f"/case/ny0303000/{handle}", 400, "nine of A-Z"),
            (f"/case/{ORI}/{handle[1:]}", 400, "lowercase hex"),
            (f"/case/{ORI}/{handle}?at={log}", 400, "at=<hex"),
            (f"/case/{ORI}/{handle}?at={log}:5,{log}:5", 400, "each log once"),
            *((f"/case/{ORI}/{handle}?at={at}", 400, "sizes from 1") for at in (
                f"{log}:0", f"{log}:-1", f"{log}:+5", f"{log}:18446744073709551616", f"{log}:5,", f",{log}:5", f"{log}:5:5", "",
                f"{log.upper()}:5", f"{log[1:]}:5", ",".join(f"{n:064x}:1" for n in range(65)), "%00", f"{log}%3a5%00")),
            (f"/case/{ORI}/{handle}%00", 400, "lowercase hex"), (f"/case/{ORI}%2f/{handle}", 400, "nine of A-Z"),
            (f"/case/../{handle}", 400, ""), (f"/case/{ORI}/{handle}/{handle}", 404, ""), (f"/case/{ORI}/{'a' * 5000}", 400, ""),
            (f"/case/{ORI}/{handle}?at={'0' * 64}:5", 404, "holds no log"),
            (f"/case/{ORI}/{handle}?at={log}:{at[log] + 1}", 409, "not"),
            (f"/{log}/receipt/nobody/1", 404, "no event 1"),
            (f"/{log}/receipt/1", 400, "receipt/<issuer>"),
            (f"/{'0' * 64}/receipt/nobody/1", 404, "no such log")):
        got, body = node.get(path)
        assert got == status and says in body.decode(), (path, got, body)


class Forged:
    """A log whose operator writes into it what it likes, signs it, and serves it as tiles."""

    def __init__(self, f, log):
        self.f, self.log, self.entries, self.refused = f, log, [], 0
        self.kept = b""

    def add(self, note, refused=False, stamp=None):
        self.entries.append(b"received %d\n" % (stamp or int(time.time() * 1000)) + note)
        self.refused += refused

    def serve(self):
        leaves = [forge.leaf_hash(e) for e in self.entries]
        self.note = forge.checkpoint(self.log.key, leaves)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                path = self.path.removeprefix(f"/{outer.log.id}")
                body = outer.note if path == "/checkpoint" else \
                    outer.kept if path == "/kept/0" else \
                    forge.tile_path(path, leaves, outer.entries) if path.startswith("/tile/") else None
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.log.node.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def publish(self):
        """With what its mirrors cosigned: they store whatever it signs."""
        lines = b""
        for name in ("agency", "state", "university"):
            node = self.f.nodes[name]
            size = len(self.entries)
            until(lambda: any(l["id"] == self.log.id and l.get("mirrored") == size for l in node.json("/logs")["logs"]),
                  20, f"{name} mirrors it")
            status, note = node.get(f"/{self.log.id}/checkpoint")
            assert status == 200 and note.startswith(self.note.split(b"\n\n")[0]), (status, note)
            lines += b"".join(line + b"\n" for line in note.split(b"\n") if b"/mirror " in line)
        note = self.note + lines
        self.kept = b"dutylog/checkpoints/v1\ncheckpoint %d\n" % len(note) + note


def test_a_dishonest_log_moves_nothing():
    f = Federation(start=False, pulled=("court",))
    for name in ("agency", "state", "university"):
        f.nodes[name].start()
    handle = os.urandom(16).hex()
    agency, court = f.logs["agency"], f.logs["court"]
    desk, judge, narrow, stranger = (Key(n) for n in (
        "nypd.example/desk-1", "courts.example/clerk-3", "courts.example/clerk-9", "courts.example/nobody"))
    case_ = {"basis": "live", "case": handle, "ori": ORI, "party": "officer"}
    decided = {**case_, "decided": "2024-06-10", "decided_by": "commissioner", "disposition": "sustained"}
    f.open(agency, {desk: "clerk"})
    agency.add(desk, "failure.alleged", {**case_, "occurred": "2024-03-02", "reported": "2024-03-04"})
    found = agency.add(desk, "finding.final", decided)
    # The court's log, by its operator: rightly signed as a log, whatever it says.
    liar = Forged(f, court)
    for note in f.beginning(court, {judge: "court", narrow: ("clerk", ["MN0620900"])}):
        liar.add(note)
    filed, appeal = court.event(judge, "appeal.filed", {**case_, "event": found, "filed": "2024-08-20", "forum": "court"})
    liar.add(filed)
    reversal = {**case_, "decided": "2025-02-03", "decided_by": "court", "event": appeal, "outcome": "reversed"}
    signed, _ = court.event(judge, "appeal.decided", reversal)
    damaged = bytearray(signed)
    damaged[-20] ^= 1 if chr(damaged[-20]) not in "Aa" else 2
    liar.add(bytes(damaged), refused=True)  # no signature of the judge's
    place = court.places.pop(judge.name)
    liar.add(court.event(stranger, "finding.reversed", {**decided, "event": found})[0], refused=True)  # nobody enrolled it
    liar.add(court.event(narrow, "finding.final", {**decided, "disposition": "unfounded"})[0], refused=True)  # another ORI's
    court.places[judge.name] = place
    liar.add(court.event(judge, "appeal.decided", reversal)[0], refused=True)  # one seq is left out
    liar.add(b"a note that is none\n", refused=True)
    liar.add(filed, refused=True)  # again
    court.places[judge.name] = 1, appeal["id"]
    early, served = court.event(judge, "discipline.served", {**case_, "served": "2024-09-01", "subject": 3})
    liar.add(early, stamp=1000, refused=True)  # set back in time
    liar.add(early)
    liar.serve()
    liar.publish()
    at = {agency.id: agency.node.json("/status")["log"]["published"], court.id: len(liar.entries)}
    query = ",".join(f"{log}:{size}" for log, size in at.items())
    answers = set()
    for name in ("agency", "state", "university"):
        node = f.nodes[name]
        until(lambda: node.get(f"/case/{ORI}/{handle}?at={query}")[0] == 200, 20, f"{name} shows it")
        assert next(l for l in node.json("/logs")["logs"] if l["id"] == court.id)["refused"] == liar.refused == 7
        answers.add(f.case(name, handle, at))
    assert len(answers) == 1
    answer = json.loads(answers.pop())
    assert [e["kind"] for e in answer["events"]] == ["failure.alleged", "finding.final", "appeal.filed", "discipline.served"]
    assert standing(answer, found) == "in force" and standing(answer, served) == "in force"
    assert answer["subjects"][0]["finding"]["disposition"] == "sustained" and len(answer["subjects"][0]["appeals"]) == 1
    policy = f.save_policies()
    done = case(f, handle, "--policy", policy)  # what of it counts proves itself like any other
    assert done.returncode == 0 and "verified: 4 receipts" in done.stdout, done
    check_lying_node(f, handle, policy)
    liar.server.shutdown()
    for name in ("agency", "state", "university"):
        assert f.nodes[name].stop() == 0
    f.close()


def check_lying_node(f, handle, policy):
    """One that passes on what an honest node says, but for the standing of an event."""
    honest = f.nodes["university"]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = honest.get(self.path)
            body = body.replace(b'"standing":"in force"', b'"standing":"doubted"', 1)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [os.path.join(BUILD, "dutylog"), "case", "--node", f"http://127.0.0.1:{server.server_address[1]}", ORI, handle]
    assert subprocess.run(command, capture_output=True).returncode == 0  # believed, and said so
    done = subprocess.run([*command, "--policy", policy], capture_output=True, text=True)
    assert done.returncode == 1 and "NOT VERIFIED: event 1" in done.stderr and not done.stdout, done
    server.shutdown()


if __name__ == "__main__":
    main([test_five_authorities_on_every_node, test_a_dishonest_log_moves_nothing])
