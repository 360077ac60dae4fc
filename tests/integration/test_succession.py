#!/usr/bin/env python3
"""A log ends and another goes on: key lost or stolen, a lost candidate, a merger; by the commands that a person would type."""
import glob
import json
import os
import shutil
import subprocess

from world import BUILD, ORI, Key, Node, World, head_file, main, until


def dutylog(*arguments, ok=0):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == ok, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


class Successor:
    """A new log beside an old world: its node, mirrored by the same three mirrors, opened by the same roots."""

    def __init__(self, w, origin="ny.example/nypd-2"):
        self.w, self.origin, self.log = w, origin, Key(origin)
        self.operator = Key("nypd.example/operator-2")
        self.node = Node(w.folder, "successor")
        self.node.head = "head"
        head_file(self.node.path("head"), origin)
        self.log.save(self.node.path("log.key"))
        self.node.sections.append(f"[host]\norigin = {origin}\nkey = log.key\naccept = events\nround_timeout = 1000\n")
        for name in w.MIRRORS:
            mirror = w.nodes[name]
            mirror.stop()
            mirror.sections.append(f"[log {origin}]\nvkey = {self.log.vkey}\naccept = events\nurl = {self.node.url}\n")
            mirror.start()
        self.node.start()
        self.keys = [k.save(w.path(f"root-{i}.key")) for i, k in enumerate(w.roots, 1)]

    def policy(self):
        old = self.w.policy().split("\n", 1)
        return f"log {self.log.vkey} {self.node.url}\n{old[1]}"

    def open(self):
        """As a person does it: with dutylog event and submit."""
        w, url, out = self.w, self.node.url, self.w.path("out-2")
        operator = self.operator.save(w.path("operator-2.key"))
        with open(w.path("policy-2"), "w") as f:
            f.write(self.policy())
        operators = {n: n for n in (*w.MIRRORS, *[m + "-witness" for m in w.MIRRORS])}
        dutylog("event", "log.opened", "--node", url, "--outbox", out, "--key", operator, "--cosign", self.keys[0],
                "--cosign", self.keys[1], "--set", "authority=" + ",".join(k.vkey for k in w.roots), "--set",
                "log_role=agency", "--set", f"log_vkey={self.log.vkey}", "--set", "operator=nypd", "--set",
                f"operator_vkey={self.operator.vkey}", "--set", f"ori={ORI}", "--set", "threshold=2")
        dutylog("submit", "--node", url, "--outbox", out, "--wait", "0", ok=4)
        dutylog("event", "log.policy", "--node", url, "--outbox", out, "--key", self.keys[0], "--cosign", self.keys[1],
                "--set", f"policy=@{w.path('policy-2')}", "--set", f"operators={json.dumps(operators)}")
        dutylog("submit", "--node", url, "--outbox", out)
        return self

    def command(self, *more, old=None, **how):
        mirrors = [a for name in self.w.MIRRORS for a in ("--mirror", self.w.nodes[name].url)]
        return dutylog("succeed", (old or self.w.log).vkey, *mirrors, "--successor", self.log.vkey, "--node",
                       self.node.url, *more, **how)

    def succeed(self, reason, old=None):
        said = self.command("--reason", reason, "--key", self.keys[0], "--cosign", self.keys[1], "--outbox",
                            self.w.path("out-2"), old=old)
        dutylog("submit", "--node", self.node.url, "--outbox", self.w.path("out-2"))
        return said

    def close(self):
        self.node.stop()


def world_with(findings):
    w = World().start()
    w.open_log()
    receipts = []
    for _ in range(findings):
        status, receipt = w.agency.add(w.finding())
        assert status == 200, receipt
        receipts.append(receipt)
    return w, receipts


def settle(w):
    """All mirrors hold all that the agency holds."""
    size = lambda n, p: int(n.get(p)[1].split(b"\n")[1])  # noqa: E731
    hex_ = w.agency.json("/logs")["logs"][0]["id"] if "id" in w.agency.json("/logs")["logs"][0] else None
    import hashlib
    hex_ = hex_ or hashlib.sha256(w.origin.encode()).hexdigest()
    full = size(w.agency, "/checkpoint")
    for name in w.MIRRORS:
        until(lambda n=name: size(w.nodes[n], f"/{hex_}/checkpoint") == full, 15, f"{name} follows")
    return hex_, full


def test_key_stolen():
    """The thief goes on with the old key; the successor takes over; no mirror follows the thief any more."""
    w, receipts = world_with(3)
    hex_, size = settle(w)
    s = Successor(w).open()
    said = s.succeed("key_stolen")
    assert "goes on with seq 4" in said and f"ends at size {size}" in said, said
    out = s.command("--check")
    assert "verified" in out and "1 keys" in out, out
    # The clerk goes on: the next seq, the last id, in the new log; by the command that they know.
    desk = w.desk.save(w.path("desk.key"))
    dutylog("event", "failure.alleged", "--node", s.node.url, "--outbox", w.path("desk-out"), "--key", desk, "--set",
            f"ori={ORI}", "--set", "case=" + "ab" * 16, "--set", "basis=live", "--set", "party=officer", "--set",
            "reported=2026-01-02")
    dutylog("submit", "--node", s.node.url, "--outbox", w.path("desk-out"))
    (receipt,) = glob.glob(w.path("desk-out/*.receipt"))
    assert receipt.endswith("-0000000004.receipt"), receipt
    dutylog("verify", receipt, "--policy", w.path("policy-2"))
    # Both histories in one verification: the old event lies in what goes on.
    with open(w.path("old.receipt"), "wb") as f:
        f.write(receipts[0])
    status, ended = s.node.get(f"/receipt/{w.roots[0].name}/2")
    assert status == 200, ended
    with open(w.path("succeeded.receipt"), "wb") as f:
        f.write(ended)
    roots = [a for k in w.roots for a in ("--root", k.vkey)]
    out = dutylog("verify", w.path("old.receipt"), w.path("succeeded.receipt"), *roots, "--threshold", "2")
    assert "lies in what goes on" in out and "successor    ny.example/nypd-2" in out, out
    # The thief has the node, the key and the old folder: no receipt any more, since no mirror cosigns.
    judged = lambda n: {x["origin"]: x.get("judged", 0) for x in w.nodes[n].json("/logs")["logs"]}[s.origin]  # noqa: E731
    for name in w.MIRRORS:
        until(lambda n=name: judged(n) >= 4, 10, f"{name} has judged log.succeeded")
    status, body = w.agency.add(w.finding(), timeout=20)
    assert status == 202, (status, body[:200])
    until(lambda: "ended at size" in "".join(w.nodes[n].log() + w.agency.log() for n in w.MIRRORS), 10, "told")
    for name in w.MIRRORS:
        status, body = w.nodes[name].get(f"/{hex_}/checkpoint")
        assert int(body.split(b"\n")[1]) == size, body
    s.close()
    assert w.close() == [0, 0, 0, 0]


def test_lost_candidate():
    """What one witness signed and nobody holds is given up, by name; nothing with a receipt is."""
    w, receipts = world_with(2)
    hex_, size = settle(w)
    # A candidate of two more entries reaches one witness; its entries reach nobody: then the machine burns.
    copy = w.path("copy")
    w.agency.stop()
    shutil.copytree(w.agency.path("data"), copy)
    w.agency.start()
    for name in w.MIRRORS[1:]:
        w.nodes[name].stop()
    state = w.nodes["state"]
    state.sections[-1] += "\n"
    assert w.agency.add(w.finding(), timeout=20)[0] == 202
    until(lambda: int(state.get(f"/witness/{hex_}/checkpoint")[1].split(b"\n")[1]) > size, 10, "pending at state")
    w.agency.kill()
    shutil.rmtree(w.agency.path("data"))
    for name in w.MIRRORS[1:]:
        w.nodes[name].start()
    s = Successor(w).open()
    said = s.succeed("candidate_lost")
    held = int(state.get(f"/{hex_}/checkpoint")[1].split(b"\n")[1])
    assert f"ends at size {held}" in said, said
    if held == size:  # its entries had not come with it
        assert "given up: a checkpoint of size" in said, said
    assert "verified" in s.command("--check")
    s.close()
    w.agency.process = None
    w.close()


def test_merger():
    """The old key works: the old log closes itself first, and says so; the new one takes its keys over."""
    w, _ = world_with(2)
    settle(w)
    s = Successor(w).open()
    old = w.agency.get("/checkpoint")[1].decode().split("\n\n")
    line = next(x for x in old[1].splitlines(True) if x.startswith(f"— {w.origin} "))
    closing = w.event(w.roots[0], "log.succeeded", {
        "checkpoint": old[0] + "\n\n" + line, "reason": "merger", "successor": s.log.vkey, "vkey": w.log.vkey},
        w.roots[1])
    status, body = w.agency.add(closing)
    assert status == 200, body
    status, body = w.agency.add(w.finding(keep=False))
    assert status == 410 and b"closed by entry 5" in body, (status, body)
    settle(w)
    said = s.succeed("merger")
    assert "ends at size 6" in said and "goes on with seq 3" in said, said
    assert "verified" in s.command("--check")
    for name in w.MIRRORS:
        w.nodes[name].stop()
        out = dutylog("fsck", w.nodes[name].path("data"), "--signatures")
        assert "clean" in out or "0 findings" in out, out
    w.agency.stop()
    dutylog("fsck", w.agency.path("data"), "--signatures")
    s.node.stop()
    dutylog("fsck", s.node.path("data"), "--signatures")
    w.close()


def test_refused():
    """A successor that says what the old log does not bear out is found by --check; a forked old log makes nothing."""
    w, _ = world_with(2)
    settle(w)
    s = Successor(w).open()
    out = s.command("--check", ok=1)
    assert "says nothing of" in out, out
    s.command("--reason", "bored", "--key", s.keys[0], "--cosign", s.keys[1], "--outbox", w.path("bad"), ok=1)
    s.command("--check", old=Key(w.origin), ok=3)  # not the key that signed
    # The authority leaves a finding out: the desk goes on after seq 1, not 2.
    said = s.command("--reason", "key_lost", "--key", s.keys[0], "--cosign", s.keys[1], "--outbox", w.path("out-2"))
    assert "goes on with seq 3" in said
    first = sorted(glob.glob(w.path("out-2/*root-1*.event")))
    dutylog("submit", "--node", s.node.url, first[1])
    status, desk = w.agency.get(f"/receipt/{w.desk.name}/1")
    import hashlib
    text = desk.split(b"dutylog/event/v1\n")[-1].split(b"\n\n")[0]
    fresh = Key("nypd.example/desk-1")
    w.roots[0].seq, w.roots[0].head = 2, json.loads(
        s.node.get(f"/issuer/{w.roots[0].name}")[1])["head"]
    from world import make_event
    event = make_event(s.origin, w.roots[0], "key.enrolled", {
        "after": {"id": hashlib.sha256(b"dutylog/event/v1\n" + text + b"\n").hexdigest(), "issuer": w.desk.name,
                  "log": w.origin, "seq": 1},
        "basis": "both", "kinds": ["*"], "oris": [ORI], "role": "clerk", "vkey": w.desk.vkey})
    assert fresh.name == w.desk.name
    status, body = s.node.add(event)
    assert status == 200, body
    out = s.command("--check", ok=1)
    assert "goes on after seq 1, and the old log has its events up to 2" in out, out
    s.close()
    w.close()


if __name__ == "__main__":
    main([test_key_stolen, test_lost_candidate, test_merger, test_refused])
