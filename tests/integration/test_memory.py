#!/usr/bin/python3
"""One allocation fails, anywhere: a command says so and can be run again, a node refuses or stops with a reason, nobody crashes,
and no receipt is lost (tests/faults/memory.c). ALL=1 takes every allocation instead of a sample."""
import collections
import os
import subprocess
import sys
import time

from world import BUILD, SANITIZED, World, main, until

SHIM = os.path.abspath(os.path.join(BUILD, "tests/memory.so"))
ALL = "ALL" in os.environ


def failing(w, n):
    return {"LD_PRELOAD": SHIM, "MEMORY_FAIL": str(n), "MEMORY_COUNT": w.path("count")}


def count(w):
    try:
        with open(w.path("count")) as f:
            return int(f.read())
    except FileNotFoundError:
        return 0


def sweep(w, step, *arguments):
    """The command with each allocation failing in turn; its exit codes."""
    codes, n = collections.Counter(), 1
    while True:
        done = subprocess.run([os.path.join(BUILD, "dutylog"), *arguments], env=os.environ | failing(w, n), capture_output=True,
                              text=True, timeout=60)
        # 0: it did without; 3: it failed and says why. Never 1: that would be said of the thing itself.
        assert done.returncode in (0, 3), (arguments[0], n, done.returncode, done.stderr, done.stdout)
        assert done.returncode == 0 or done.stderr.startswith("dutylog"), (arguments[0], n, done.stderr)
        codes[done.returncode] += 1
        if done.returncode == 0 and count(w) < n:
            return codes
        n += 1 if ALL else max(1, min(step, n // 10))


def test_commands():
    w = World().start()
    with open(w.path("receipt"), "wb") as f:
        f.write(w.open_log())
    with open(w.path("one.event"), "wb") as f:
        f.write(w.finding())
    policy = w.path("policy")
    codes = {
        "verify": sweep(w, 3, "verify", w.path("receipt"), "--policy", policy),
        "submit": sweep(w, 60, "submit", "--node", w.agency.url, w.path("one.event")),
        "audit": sweep(w, 60, "audit", w.agency.url, "--vkey", w.log.vkey),
        "fsck": sweep(w, 20, "fsck", w.agency.path("data")),
    }
    assert all(c[3] > 0 for c in codes.values()), codes
    print(f"      {sum(sum(c.values()) for c in codes.values())} runs")
    assert w.close() == [0, 0, 0, 0]


def test_nodes():
    w = World(timeout_ms=500).start()
    w.open_log()
    receipts = {}
    for name in ("agency", "state"):
        node, n, codes = w.nodes[name], 1, collections.Counter()
        while True:
            node.stop()
            node.start(wait=False, prefix=("env", *[f"{k}={v}" for k, v in failing(w, n).items()]))
            until(lambda: node.process.poll() is not None or node.get("/healthz")[0] in (200, 503), 20, f"{name} {n}")
            note, status, tries = w.finding(), 0, 0
            while status != 200 and tries < 8 and node.process.poll() is None:
                status, body = w.agency.add(note, timeout=12)
                tries += 1
                time.sleep(0.05 * (status != 200))
            ended = node.process.poll() is not None
            code = node.process.returncode if ended else node.stop()
            node.process = None
            assert code == (1 if ended else 0), (name, n, code, node.log()[-1500:])
            codes[code] += 1
            node.start()
            until(lambda: w.agency.add(note)[0] == 200, 30, f"{name} {n}: what was sent is logged in the end")
            receipts[w.desk.seq] = w.agency.add(note)[1]
            if not ended and count(w) < n:
                break
            n += 1 if ALL else max(1, n // 2)
        print(f"      {name}: {dict(codes)}")
    for seq, receipt in receipts.items():
        assert w.verify(receipt, "--quiet").returncode == 0, seq
    assert w.nodes["doj"].json("/evidence") == {"evidence": [], "unreconciled": []}
    assert w.close() == [0, 0, 0, 0]


if SANITIZED or not os.path.exists(SHIM):
    print("skipped: needs the plain build's tests/memory.so")
    sys.exit(77)
main([test_commands, test_nodes])
