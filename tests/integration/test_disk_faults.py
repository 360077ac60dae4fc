#!/usr/bin/python3
"""A disk that fails under a running node, by strace, and peers that stand still: no receipt is lost, no log forked, and the
node goes on, or ends and recovers at its next start."""
import os
import shutil
import signal
import time

from world import SANITIZED, World, main, until


def end(node):
    """Stops a node that runs under strace; its exit code."""
    if node.process.poll() is None:
        try:
            with open(f"/proc/{node.process.pid}/task/{node.process.pid}/children") as f:
                for child in f.read().split():
                    os.kill(int(child), signal.SIGTERM)
        except (ProcessLookupError, FileNotFoundError):
            pass
    code = node.process.wait(30)
    node.process = None
    return code


def well(node):
    return node.get("/healthz")[1].startswith(b"ok")


def lasts(w, receipts):
    """Every receipt that was given verifies, is given again with the same event, and no mirror has seen a fork."""
    for seq, receipt in receipts.items():
        status, again = w.agency.get(f"/receipt/{w.desk.name}/{seq}")
        assert status == 200, (seq, status)
        note = receipt.split(b"dutylog/event/v1\n")[-1].split(b"\n")[0]
        assert note in again, seq
    assert w.verify(list(receipts.values())[-1]).returncode == 0
    for name in w.MIRRORS:
        if w.nodes[name].process:
            assert w.nodes[name].json("/evidence") == {"evidence": [], "unreconciled": []}


def fault(w, node, call, error, when, receipts, only=()):
    """One fault in `node` while findings are logged; returns whether it came, and whether the node ended. `only`: paths."""
    paths = [a for path in only for a in ("-P", node.path(path))]
    node.start(wait=False, prefix=("strace", "-f", "-qq", "-o", node.path("calls"), *paths, "-e", f"trace={call}",
                                   "-e", f"inject={call}:error={error}:when={when}"))
    until(lambda: node.process.poll() is not None or node.get("/healthz")[0] in (200, 503), 20, "it is up, or ended")
    note = None
    deadline = time.monotonic() + 5
    for _ in range(8):
        note = note or w.finding()
        status, body = w.agency.add(note)
        while status not in (0, 200) and node.process.poll() is None and time.monotonic() < deadline:
            status, body = w.agency.add(note)  # 202 and 503: not yet
        if status == 200:
            receipts[w.desk.seq], note = body, None
        elif node.process.poll() is not None or status == 0:
            break
    if node.get("/healthz")[0] == 0:
        node.process.wait(20)  # it is on its way out
    ended = node.process.poll() is not None
    code = end(node)
    ended = ended or code != 0  # it was on its way out just then
    assert code in (0, 1, 2) and (code == 0) == (not ended), (call, error, when, code, node.log()[-2000:])
    assert not ended or "event=failed" in node.log() or "does not start" in node.log(), node.log()[-2000:]
    node.start()
    if note:
        until(lambda: w.agency.add(note)[0] == 200, 40, "what was sent is logged in the end")
        receipts[w.desk.seq] = w.agency.add(note)[1]
    until(lambda: well(w.agency), 40, f"{node.name} is well again after {error} of {call} {when}")
    lasts(w, receipts)
    with open(node.path("calls")) as f:
        return "(INJECTED)" in f.read(), ended


def test_errors_of_the_disk():
    if SANITIZED or not shutil.which("strace"):
        return print("skipped: strace")
    w = World().start()
    w.open_log()
    receipts, seen = {}, {}
    faults = {"agency": (("fdatasync", "EIO", 5), ("fdatasync", "EIO", 9), ("pwrite64", "EIO", 12),
                         ("pwrite64", "ENOSPC", 14), ("pwrite64", "ENOSPC", 27)),
              "state": (("fdatasync", "EIO", 3), ("pwrite64", "ENOSPC", 9))}
    for name, of_node in faults.items():
        for one in of_node:
            w.nodes[name].stop()
            seen[(name, *one)] = fault(w, w.nodes[name], *one, receipts)
    until(lambda: well(w.agency), 40, "all is well")
    assert all(came for came, _ in seen.values()), seen
    # After a sync that failed nobody knows what the disk holds: the node must not go on. After a full disk it does.
    assert all(ended for (_, call, _, _), (_, ended) in seen.items() if call == "fdatasync"), seen
    assert not all(ended for (_, _, error, _), (_, ended) in seen.items() if error == "ENOSPC"), seen
    w.close()


def test_every_call_of_the_disk():
    """Each call on the data folder's files and the head file, its first, second … failing, until there is none so late.
    EVERY=1: all of them, a quarter of an hour; else a few."""
    if SANITIZED or not shutil.which("strace"):
        return print("skipped: strace")
    every = "EVERY" in os.environ
    files = ("data", "data/data.mdb", "data/lock.mdb", "data/in-use", "head")
    calls = "openat fcntl flock fstat ftruncate mmap pwrite64 pwritev write fdatasync fsync".split()
    few = (("openat", "EIO", 2), ("ftruncate", "ENOSPC", 1), ("mmap", "EIO", 1), ("flock", "EIO", 1), ("pwritev", "EIO", 2))
    w = World().start()
    w.open_log()
    receipts, came, ended = {}, 0, 0
    for name in ("agency", "state") if every else ("agency",):
        for call in calls:
            for error in ("EIO", "ENOSPC"):
                for when in range(1, 60):
                    if not every and (call, error, when) not in few:
                        continue
                    w.nodes[name].stop()
                    injected, stopped = fault(w, w.nodes[name], call, error, when, receipts, files)
                    came, ended = came + injected, ended + stopped
                    if every and not injected:
                        break
    until(lambda: well(w.agency), 40, "all is well")
    lasts(w, receipts)
    print(f"      {came} faults came, {ended} ended the node; {len(receipts)} receipts")
    assert came >= 2
    w.close()


def test_peers_that_stand_still():
    w = World().start()
    w.open_log()
    receipts = {}

    def log():
        status, body = w.agency.add(w.finding(), timeout=20)
        assert status == 200, (status, body)
        receipts[w.desk.seq] = body

    for name in w.MIRRORS[:2]:
        still = w.nodes[name].process
        still.send_signal(signal.SIGSTOP)
        for _ in range(3):
            log()
        still.send_signal(signal.SIGCONT)
        until(lambda: well(w.agency), 40, f"{name} follows again")
    w.agency.process.send_signal(signal.SIGSTOP)
    time.sleep(2)
    w.agency.process.send_signal(signal.SIGCONT)
    log()
    until(lambda: well(w.agency), 40, "the log goes on")
    lasts(w, receipts)
    assert w.close() == [0, 0, 0, 0]


main([test_errors_of_the_disk, test_every_call_of_the_disk, test_peers_that_stand_still])
