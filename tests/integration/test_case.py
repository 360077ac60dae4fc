#!/usr/bin/python3
"""A case over several logs: what every node shows of it, byte for byte the same, each event with its proof; and what a dishonest
log cannot do to it."""
import json
import os
import subprocess
import time

import forge
from cases import ORI, STANDINGS, Federation, five_authorities
from world import BUILD, main, until


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
            (f"/case/{ORI}/{handle}?at={log}:0", 400, "sizes from 1"),
            (f"/case/{ORI}/{handle}?at={'0' * 64}:5", 404, "holds no log"),
            (f"/case/{ORI}/{handle}?at={log}:{at[log] + 1}", 409, "not"),
            (f"/{log}/receipt/nobody/1", 404, "no event 1"),
            (f"/{log}/receipt/1", 400, "receipt/<issuer>"),
            (f"/{'0' * 64}/receipt/nobody/1", 404, "no such log")):
        got, body = node.get(path)
        assert got == status and says in body.decode(), (path, got, body)


if __name__ == "__main__":
    main([test_five_authorities_on_every_node])
