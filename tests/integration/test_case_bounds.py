#!/usr/bin/env python3
"""A case on a node that pins an authority: each log counts for what it was recognised for, the answer says by which entries, and
`dutylog case` proves that from their receipts."""
import http.server
import json
import os
import threading

from registries import Registry, dutylog
from world import Key, main, make_event, until

ORI = "VA0000100"


def say(log, key, kind, members):
    """An event of the key in that log; how others refer to it."""
    note = make_event(log.origin, key, kind, members)
    status, answer = log.node.add(note)
    assert status == 200, (kind, status, answer)
    return {"id": key.head, "issuer": key.name, "log": log.origin, "seq": key.seq}


def enrol(log, key, role):
    log.say("key.enrolled", {"basis": "live", "kinds": ["*"], "oris": [ORI] if role == "clerk" else [], "role": role, "vkey": key.vkey})
    return key


def show(r, handle):
    status, body = r.university.get(f"/case/{ORI}/{handle}")
    return json.loads(body) if status == 200 else {"events": []}


def command(node, handle, roots, threshold, ok=0):
    pins = [option for root in roots for option in ("--root", root.vkey)]
    return dutylog("case", "--node", node, ORI, handle, *pins, "--threshold", str(threshold), ok=ok)


def check_lying_node(r, handle, roots):
    """One that names another entry for what the agency's log counts by."""
    honest = r.university

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = honest.get(self.path)
            at = body.find(b'"by":[{"index":')
            if self.path.startswith("/case/") and at >= 0:
                end = body.index(b",", at)
                body = body[:end - 1] + b"0" + body[end:]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said = command(f"http://127.0.0.1:{server.server_address[1]}", handle, roots, 2, ok=1)
    server.shutdown()
    assert "NOT VERIFIED" in said, said


def test_an_agencys_own_court_reverses_nothing():
    r = Registry().start()
    doj, state, agency = (r.logs[n] for n in ("doj", "state", "agency"))
    r.university.options = ["gossip = 1"]  # by which it learns of quorums
    r.university.start()
    doj.recognise(state, states=["VA"], roles=["court", "oversight", "post"])
    state.recognise(agency, oris=[ORI])
    board = enrol(state, Key("board.example/desk"), "oversight")
    desk = enrol(agency, Key("pd.example/desk"), "clerk")
    own = enrol(agency, Key("courts.example/desk"), "court")  # the agency's roots call it so
    handle = os.urandom(16).hex()
    case = {"basis": "live", "case": handle, "ori": ORI, "party": "officer"}
    decided = {**case, "decided": "2026-02-03", "decided_by": "board"}
    say(agency, desk, "failure.alleged", {**case, "occurred": "2026-01-02", "reported": "2026-01-03"})
    found = say(state, board, "finding.final", {**decided, "disposition": "sustained"})
    undone = say(agency, own, "finding.reversed", {**decided, "event": found})
    until(lambda: len(show(r, handle)["events"]) == 3, 30, "the university shows all three")
    answer = show(r, handle)
    shown = {e["id"]: e for e in answer["events"]}
    assert shown[undone["id"]]["standing"] == "without authority" and shown[undone["id"]]["why"] == {"rule": "bounds"}, shown
    assert shown[found["id"]]["standing"] == "in force" and answer["subjects"][0]["finding"]["disposition"] == "sustained"
    assert "unpinned" not in answer and answer["pins"][0]["threshold"] == 2 and len(answer["pins"][0]["roots"]) == 3
    by = {l["origin"]: [(w["log"], w.get("role")) for w in l.get("by", [])] for l in answer["logs"]}
    assert by[doj.origin] == [] and (state.origin, None) in by[agency.origin], by
    assert {role for _, role in by[state.origin]} == {None, "court", "oversight", "post"}, by
    assert {role for _, role in by[agency.origin]} == {None}, by
    # the same, with what it names, from the named logs alone
    at = ",".join(f"{l['id']}:{l['size']}" for l in answer["logs"])
    assert json.loads(r.university.get(f"/case/{ORI}/{handle}?at={at}")[1]) == answer
    said = command(r.university.url, handle, doj.roots, 2)
    assert "verified" in said and "recognised by" in said and "out of bounds" in said, said
    assert "other pins" in command(r.university.url, handle, doj.roots, 3, ok=1)
    assert "other pins" in command(r.university.url, handle, state.roots, 2, ok=1)
    check_lying_node(r, handle, doj.roots)
    # what is withdrawn counts no more, and the answer says by which entry
    doj.say("recognition.withdrawn", {"log_vkey": state.key.vkey, "reason": "misconduct"}, doj.roots[1])
    until(lambda: any("withdrawn" in l for l in show(r, handle).get("logs", [])), 30, "it is withdrawn")
    gone = {e["id"]: e for e in show(r, handle)["events"]}
    assert gone[found["id"]]["why"] == {"rule": "bounds"}, gone
    assert "withdrawn by entry" in dutylog("case", "--node", r.university.url, ORI, handle)
    r.close()


main([test_an_agencys_own_court_reverses_nothing])
