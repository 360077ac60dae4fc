#!/usr/bin/python3
"""Restricted reads: by a request note, once, each written to the access log, each refusal counted under its own reason."""
import base64
import json
import os
import subprocess
import time

import metrics
from world import BUILD, Key, World, main


def note(w, key, path, method="GET", origin=None, ahead=60, nonce=None):
    text = (f"dutylog/request/v1\n{origin or w.origin}\n{method}\n{path}\n{int(time.time()) + ahead}\n"
            f"{nonce or os.urandom(16).hex()}\n").encode()
    return text + b"\n" + key.line(text)


def read(w, path, header):
    headers = {"Authorization": header} if header else {}
    status, body = w.agency.request("GET", path, headers=headers)
    return status, body.decode()


def ask(w, key, path="/access", **how):
    send = how.pop("send", path)
    return read(w, send, "Dutylog " + base64.b64encode(note(w, key, path, **how)).decode())


def counted(w, reason):
    return metrics.parse(w.agency.get("/metrics")[1])["dutylog_refusals_total"].value(reason=reason)


def opened():
    w = World().start()
    w.open_log()
    board = Key("board.example/chair")
    status, body = w.agency.add(w.event(w.roots[0], "key.enrolled", {
        "basis": "both", "kinds": ["*"], "oris": [], "role": "oversight", "vkey": board.vkey}))
    assert status == 200, body
    return w, board


def test_each_refusal_and_its_counter():
    w, board = opened()
    good = note(w, board, "/access")
    again = "Dutylog " + base64.b64encode(good).decode()
    damaged = "Dutylog " + base64.b64encode(good[:-8] + b"AAAAA==\n").decode()
    status, body = read(w, "/access", again)
    assert status == 200 and json.loads(body)["access"][0]["key"] == board.name, (status, body)
    cases = [
        ("note_missing", 401, lambda: read(w, "/access", None)),
        ("note_missing", 401, lambda: read(w, "/access", "Basic dXNlcjpwYXNz")),
        ("note_malformed", 401, lambda: read(w, "/access", "Dutylog !")),
        ("note_malformed", 401, lambda: read(w, "/access", "Dutylog " + base64.b64encode(b"x" * 3000).decode())),
        ("note_signature", 401, lambda: read(w, "/access", damaged)),
        ("note_replayed", 401, lambda: read(w, "/access", again)),
        ("note_expired", 401, lambda: ask(w, board, ahead=-1)),
        ("note_expiry_too_far", 401, lambda: ask(w, board, ahead=400)),
        ("note_other_request", 401, lambda: ask(w, board, send="/conflicts")),
        ("note_other_request", 401, lambda: ask(w, board, send="/access?from=2")),
        ("note_other_request", 401, lambda: ask(w, board, method="POST")),
        ("note_other_log", 401, lambda: ask(w, board, origin="other.example/log")),
        ("note_unknown_key", 401, lambda: ask(w, Key("board.example/stranger"))),
        ("note_unknown_key", 401, lambda: ask(w, Key(board.name))),  # its name, another key
        ("note_without_right", 403, lambda: ask(w, w.desk)),
    ]
    for reason, expected, action in cases:
        before = counted(w, reason)
        status, body = action()
        assert status == expected, (reason, status, body)
        assert counted(w, reason) == before + 1, (reason, body)
        assert status != 401 or w.agency.headers is not None
    status, _ = read(w, "/access", None)
    w.agency.request("GET", "/access")
    assert w.agency.headers["WWW-Authenticate"] == "Dutylog"
    assert w.agency.log().count("part=access event=refused") >= len(cases)
    # Not one of them is in the access log; a note that was used stays used over a restart.
    w.agency.kill()
    w.agency.start()
    assert read(w, "/access", again)[0] == 401
    status, body = ask(w, board)
    assert status == 200 and [r["number"] for r in json.loads(body)["access"]] == [1, 2], body
    status, body = ask(w, w.roots[0], "/access?from=2")
    rows = json.loads(body)
    assert [(r["number"], r["path"], r["address"]) for r in rows["access"]] == [
        (2, "/access", "127.0.0.1"), (3, "/access?from=2", "127.0.0.1")] and rows["next"] == 4, body
    assert ask(w, board, "/access?from=x")[0] == 400
    assert w.close() == [0, 0, 0, 0]


def test_conflicts_and_the_command():
    w, board = opened()
    first = w.finding()
    assert w.agency.add(first)[0] == 200
    w.desk.seq, w.desk.head = 0, None
    other = w.finding()
    assert w.agency.add(other)[0] == 409
    path = board.save(w.path("board.key"))
    command = [os.path.join(BUILD, "dutylog"), "request", "--node", w.agency.url, "--key", path]
    done = subprocess.run([*command, "/conflicts"], capture_output=True, text=True)
    assert done.returncode == 0, done
    (one,) = json.loads(done.stdout)["conflicts"]
    assert one["issuer"] == w.desk.name and one["seq"] == 1 and one["note"].encode() == other, one
    assert json.loads(subprocess.run([*command, "/conflicts?from=1"], capture_output=True, text=True).stdout)["conflicts"] == []
    done = subprocess.run([*command[:-1], w.desk.save(w.path("desk.key")), "/conflicts"], capture_output=True, text=True)
    assert done.returncode == 1 and "has no role" in done.stderr, done
    assert subprocess.run([*command, "conflicts"], capture_output=True).returncode == 2
    assert w.nodes["state"].get("/access")[0] == 404
    w.agency.stop()
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", w.agency.path("data")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    w.close()


main([test_each_refusal_and_its_counter, test_conflicts_and_the_command])
