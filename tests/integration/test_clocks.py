#!/usr/bin/python3
"""Mirrors' clocks are wrong (tests/faults/clock.c): no confirmed time moves, the mirror is named, and a cosigner whose clock all
others contradict signs nothing."""
import json
import os
import re
import subprocess
import sys

from world import BUILD, SANITIZED, World, main, until

DAYS_40 = 40 * 86400


def report(w, receipt):
    done = w.verify(receipt, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def mirror(w, name):
    return next(m for m in w.agency.json("/status")["log"]["mirrors"] if m["name"] == f"{name}.example/mirror")


def metric(w, name, of):
    text = w.agency.get("/metrics")[1].decode()
    return int(next(line for line in text.splitlines() if line.startswith(name + "{") and of in line).split()[-1])


def receipt_of(w, seq, query=""):
    status, receipt = w.agency.get(f"/receipt/{w.desk.name}/{seq}{query}")
    assert status == 200, (status, receipt)
    return receipt


def says(w, words):
    return re.search(words, w.agency.get("/healthz")[1])


def without_url(w, name):
    """The mirror does not know the log's address, and so can ask nobody before it has judged the policy."""
    node = w.nodes[name]
    node.sections[1] = node.sections[1].replace(f"url = {w.agency.url}\n", "")


def test_one_mirror_ahead_moves_no_time():
    w = World()
    without_url(w, "state")
    w.set_clock("state", DAYS_40)
    w.start()
    w.open_log()
    for _ in range(5):
        status, receipt = w.agency.add(w.finding())
        assert status == 200, (status, receipt)
        said = report(w, receipt)
        assert said["stamp_confirmed"] and said["confirmed_ms"] == said["received_ms"], said
    # it is named, wherever an operator looks
    until(lambda: mirror(w, "state").get("clock_offset", 0) > DAYS_40 - 600, 60, "the clock is heard")
    assert metric(w, "dutylog_mirror_clock_offset_seconds", "state") > DAYS_40 - 600
    until(lambda: says(w, b"state.example/mirror has a clock that is (39|40) days ahead"), 20, "health names it")
    shown = subprocess.run([os.path.join(BUILD, "dutylog"), "status", w.agency.url], capture_output=True, text=True)
    assert "mirror_clock" in shown.stdout and "state.example/mirror has a clock" in shown.stdout, shown
    # set right, its key signs on with the time that it once signed, and says so
    w.set_clock("state", 0)

    def signs_again():
        assert w.agency.add(w.finding())[0] == 200
        said = mirror(w, "state")
        return abs(said["clock_offset"]) < 600 and said["signed_offset"] > DAYS_40 - 86400 and said["failures"] == 0

    until(signs_again, 90, "it cosigns")
    until(lambda: says(w, b"state.example/mirror signs times that are (39|40) days ahead"), 20, "health names it still")
    assert metric(w, "dutylog_mirror_signed_offset_seconds", "state") > DAYS_40 - 86400
    assert report(w, receipt_of(w, 1))["stamp_confirmed"]
    # where it is needed, an event is confirmed late, until a checkpoint follows that does not need it
    w.nodes["doj"].kill()
    status, _ = w.agency.add(w.finding())
    assert status in (200, 202), status
    seq = w.desk.seq
    until(lambda: w.agency.get(f"/receipt/{w.desk.name}/{seq}")[0] == 200, 60, "two of three are a quorum")
    late = receipt_of(w, seq)
    said = report(w, late)
    assert not said["stamp_confirmed"] and said["confirmed_ms"] - said["received_ms"] > (DAYS_40 - 86400) * 1000, said
    assert "the stamp is over an hour before that" in w.verify(late).stdout
    w.nodes["doj"].start()
    until(lambda: mirror(w, "doj")["failures"] == 0, 90, "the third is back")
    status, receipt = w.agency.add(w.finding())
    assert status == 200 and report(w, receipt)["stamp_confirmed"], (status, receipt)
    assert report(w, receipt_of(w, seq))["stamp_confirmed"]
    assert receipt_of(w, seq, f"?size={said['size']}") == late
    status, body = w.agency.get(f"/receipt/{w.desk.name}/{seq}?size={said['index']}")
    assert status == 400 and b"not below the size named" in body, (status, body)
    w.close()


def test_two_mirrors_ahead_cosign_nothing():
    w = World()
    for name in ("state", "doj"):
        w.set_clock(name, 0)
    w.start()
    w.open_log()
    assert w.agency.add(w.finding())[0] == 200
    for name in ("state", "doj"):  # their peers' clocks are heard
        until(lambda: b"ok" in w.nodes[name].get("/healthz")[1], 20, f"{name} is well")
        w.set_clock(name, DAYS_40)
    status, _ = w.agency.add(w.finding())
    assert status == 202, "one mirror is no quorum"
    seq = w.desk.seq
    for name in ("state", "doj"):
        until(lambda: mirror(w, name)["clock_offset"] > DAYS_40 - 600 and mirror(w, name)["failures"] > 0, 60, f"{name} refuses")
        until(lambda: w.nodes[name].get("/healthz")[1].startswith(b"down: this node's clock"), 20, f"{name} says why")
    assert w.agency.get("/healthz")[0] == 503
    assert w.agency.add(w.finding(keep=False))[0] == 503, "nothing is stamped by a clock that a quorum contradicts"
    for name in ("state", "doj"):
        w.set_clock(name, 0)
    until(lambda: w.agency.get(f"/receipt/{w.desk.name}/{seq}")[0] == 200, 90, "they cosign again")
    assert report(w, receipt_of(w, seq))["stamp_confirmed"]
    assert w.agency.add(w.finding())[0] == 200
    for name in ("state", "doj"):
        until(lambda: mirror(w, name)["failures"] == 0, 60, f"{name} answers")
        assert abs(mirror(w, name)["signed_offset"]) < 600, "no key ever signed the wrong time"
    w.close()


if SANITIZED:
    print("a preloaded library is not for sanitized programs")
    sys.exit(77)
main([test_one_mirror_ahead_moves_no_time, test_two_mirrors_ahead_cosign_nothing])
