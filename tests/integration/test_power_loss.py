#!/usr/bin/python3
"""Power fails at random calls of the agency's node and of a mirror's, under load: what was written and not synced is lost, or
kept, or torn sector by sector (tests/faults/power.c). No receipt is lost, nothing forks, every folder is sound.

CRASHES: how often (make power: 200). SEED: which. The build's power.so is needed; without it, or under a sanitizer, skipped.
"""
import os
import random
import subprocess
import sys
import time

from clerks import check_clerks, enrol_clerks
from world import BUILD, ORI, SANITIZED, Key, World, main, until

CRASHES = int(os.environ.get("CRASHES", "6"))
SHIM = os.path.abspath(os.path.join(BUILD, "tests/power.so"))


def start_doomed(node, after, mode, seed):
    done = node.path("power-gone")
    if os.path.exists(done):
        os.unlink(done)
    node.start(wait=False, prefix=(
        "env", f"LD_PRELOAD={SHIM}", f"POWER_FOLDER={os.path.realpath(node.folder)}", f"POWER_AFTER={after}",
        f"POWER_MODE={mode}", f"POWER_SEED={seed}", f"POWER_DONE={done}"))
    return done


def lose_power(node, after, mode, seed, say):
    """Restarts the node, and lets power fail at its `after`-th call. Returns whether it came to that."""
    node.stop()
    done = start_doomed(node, after, mode, seed)
    try:
        code = node.process.wait(20)
    except subprocess.TimeoutExpired:
        return False  # too few calls in the time: it goes on without a fault
    assert code == -9, (say, code, node.log()[-2000:])
    until(lambda: os.path.exists(done), 10, "the files are as the disk has them")
    time.sleep(0.02)  # the process that gave the old bytes back ends
    node.process = None
    return True


def check_folder(node, say):
    fsck = subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", node.path("data")], capture_output=True, text=True)
    assert fsck.returncode == 0, (say, fsck.stdout[-2000:], fsck.stderr)


def test_power_fails():
    rng = random.Random(int(os.environ.get("SEED", "1")))
    w = World(timeout_ms=500).start()
    w.open_log()
    clerks = enrol_clerks(w, 3)
    lost = {"agency": 0, "state": 0}
    for i in range(CRASHES):
        name = "state" if i % 3 == 2 else "agency"
        node, mode, seed = w.nodes[name], rng.choice(("drop", "tear", "tear", "keep")), rng.randrange(1 << 32)
        after = int(2 ** rng.uniform(1, 9))
        say = f"after loss {i}: {name}, call {after}, {mode}, seed {seed}"
        lost[name] += lose_power(node, after, mode, seed, say)
        if node.process is None:
            if CRASHES <= 12 or i % 10 == 0:
                check_folder(node, say)
            try:
                node.start()
            except AssertionError as e:
                raise AssertionError((say, str(e), node.log()[-1500:])) from e
        for clerk in clerks:
            assert clerk.error is None, (say, clerk.error)
        until(lambda: node.get("/healthz")[1].startswith((b"ok", b"degraded")), 20, say)
    until(lambda: w.agency.get("/healthz")[0] == 200, 20, f"after loss {CRASHES}: it serves")
    time.sleep(0.5)
    before = [len(c.receipts) for c in clerks]
    until(lambda: all(len(c.receipts) > b for c, b in zip(clerks, before)), 20, f"after loss {CRASHES}: all go on")
    try:
        total = check_clerks(w, clerks)
    except AssertionError as e:
        raise AssertionError((f"after loss {CRASHES}", str(e)[:500])) from e
    codes = w.close(keep=True)
    for node in w.nodes.values():
        check_folder(node, "at the end")
    assert codes == [0, 0, 0, 0], codes
    assert sum(lost.values()) >= CRASHES * 3 // 4, lost
    print(f"      power failed {lost}; {total} receipts held, all verify, all mirrors equal, all folders sound")


def test_what_was_answered_is_there():
    """One node and nobody to fetch from: what got a 202 is durable, whenever power fails after it."""
    rng = random.Random(int(os.environ.get("SEED", "1")))
    w = World()
    agency, root, lost, answered, log = w.agency, w.roots[0], 0, [], []
    opened = w.event(w.operator, "log.opened", {
        "authority": [k.vkey for k in w.roots], "log_role": "agency", "log_vkey": w.log.vkey, "operator": "nypd",
        "operator_vkey": w.operator.vkey, "ori": ORI, "threshold": 2}, root, w.roots[1])
    agency.start()
    assert agency.add(opened)[0] == 202  # no policy: no mirrors, and no receipt
    for i in range(CRASHES * 2):
        mode, after = rng.choice(("drop", "drop", "tear", "keep")), int(2 ** rng.uniform(2, 7))
        say = f"after loss {i}: call {after}, {mode}"
        agency.stop()
        done = start_doomed(agency, after, mode, rng.randrange(1 << 32))
        deadline = time.monotonic() + 10
        note = None
        while agency.process.poll() is None and time.monotonic() < deadline:
            note = note or w.event(root, "key.enrolled", {
                "basis": "live", "kinds": ["*"], "oris": [ORI], "role": "clerk",
                "vkey": Key(f"nypd.example/desk-{root.seq + 1}").vkey})
            if agency.add(note, timeout=5)[0] == 202:
                answered.append((root.seq, root.head))
                note = None
        if agency.process.poll() is not None:
            assert agency.process.returncode == -9, (say, agency.log()[-1000:])
            until(lambda: os.path.exists(done), 10, "the files are as the disk has them")
            time.sleep(0.02)
            agency.process, lost = None, lost + 1
        else:
            agency.stop()
        agency.start()
        known = agency.json(f"/issuer/{root.name}") if answered else {"seq": 0}
        assert not answered or known["seq"] >= answered[-1][0], (say, known, answered[-1])
        assert not answered or known["seq"] > answered[-1][0] or known["head"] == answered[-1][1], say
        log.append(known["seq"])
        if note is not None:  # it may have come in, with its answer lost: the same bytes again
            assert agency.add(note)[0] == 202, say
            answered.append((root.seq, root.head))
    assert agency.stop() == 0
    check_folder(agency, "at the end")
    assert lost >= CRASHES, (lost, log)
    print(f"      power failed {lost} times; {len(answered)} events were answered, all are there")
    w.close()


if SANITIZED or not os.path.exists(SHIM):
    print("skipped: needs the plain build's tests/power.so")
    sys.exit(77)
main([test_what_was_answered_is_there, test_power_fails])
