#!/usr/bin/python3
"""POST /add and what follows: receipts, refusals, waiting, resubmission."""
import hashlib
import json
import os
import time

from world import ORI, Key, World, main, make_event, sign_note, until


def lines(body):
    return [json.loads(line) for line in body.splitlines()]


def test_receipt_at_quorum():
    w = World().start()
    receipt = w.open_log()
    assert w.verify(receipt).returncode == 0, w.verify(receipt)
    note = w.finding()
    status, receipt = w.agency.add(note)
    assert status == 200, (status, receipt)
    out = w.verify(receipt)
    assert out.returncode == 0 and "finding.final" in out.stdout, out
    assert "not proved" in out.stdout and "UNCHECKED    whether a key that it rests on was revoked" in out.stdout, out
    roots = [x for key in w.roots for x in ("--root", key.vkey)]
    assert w.verify(receipt, *roots, "--threshold", "2").returncode == 0
    assert w.verify(receipt, "--root", w.roots[2].vkey).returncode == 1  # it did not sign the opening
    assert w.verify(receipt, "--root", w.roots[0].vkey, "--root", w.roots[0].vkey).returncode == 2
    # the same bytes again: the logged event's receipt; the client asks later and gets it too
    status, again = w.agency.add(note)
    assert status == 200 and w.verify(again).returncode == 0
    status, later = w.agency.get(f"/receipt/{w.desk.name}/1")
    assert status == 200 and w.verify(later).returncode == 0
    issuer = w.agency.json(f"/issuer/{w.desk.name}")
    assert issuer["seq"] == 1 and issuer["head"] == w.desk.head and issuer["roles"] == ["clerk"], issuer
    until(lambda: all(w.nodes[m].json("/logs")["logs"][0]["judged"] == 4 for m in w.MIRRORS), 10, "mirrors judge")
    assert w.nodes["doj"].json("/logs")["logs"][0]["refused"] == 0
    assert w.close() == [0, 0, 0, 0]


def test_refusals_change_nothing():
    w = World().start()
    w.open_log()
    size = w.agency.json("/status")["log"]["committed"]
    finding = lambda **more: w.finding(keep=False, **more)  # noqa: E731
    good = finding()
    stranger = Key("stranger.example/key")

    def refused(expected, note, *words):
        status, body = w.agency.add(note)
        assert status == expected, (expected, status, body)
        for word in words:
            assert word.encode() in body, (word, body)

    def altered(old, new):
        text = good.split(b"\n\n")[0] + b"\n"
        assert old in text, (old, text)
        return sign_note(text.replace(old, new), w.desk)

    refused(400, b"nonsense\n", "signatures")
    refused(400, altered(b'"kind":"finding.final"', b'"kind":"finding.finale"'), "kind")
    refused(400, altered(b'"seq":1', b'"seq": 1'), "RFC 8785")
    refused(400, altered(b'"seq":1', b'"seq":1.5'))
    refused(400, altered(b'"party":"officer"', b'"party":"bystander"'), "party", "officer")
    refused(400, altered(b'"ori"', b'"narrative":"seen","ori"'), "narrative", "closed")
    refused(400, altered(b'"decided":"2023-09-20"', b'"decided":"2023-02-30"'), "decided")
    refused(400, make_event("ny.example/other", w.desk, "finding.final", {}, keep=False))
    refused(400, altered(b'"log":"ny.example/nypd"', b'"log":"ny.example/nypc"'), "log")
    refused(403, w.event(stranger, "finding.final", json.loads(good.split(b"\n")[1])["open"]), "enrolled")
    refused(403, altered(b'"ori":"NY0303000"', b'"ori":"NY0303001"'), "ori")
    refused(403, good.replace(b"sustained", b"unfounded"), "signature")
    refused(403, sign_note(good.split(b"\n\n")[0] + b"\n", w.desk, w.roots[0]), "alone")
    forged = Key(w.desk.name)
    refused(403, sign_note(good.split(b"\n\n")[0] + b"\n", forged), "key")
    status, body = w.agency.add(finding(seq=7, prev="ab" * 32))
    answer = json.loads(body)
    assert status == 409 and answer["expected"] == 1 and "head" not in answer, (status, body)
    refused(413, b"x" * 16385)
    status, body = w.agency.request("POST", "/add", good, {"Content-Type": "image/png"})
    assert status == 400, (status, body)
    assert w.agency.json("/status")["log"]["committed"] == size
    w.desk.seq, w.desk.head = 0, None
    first = w.finding()
    assert w.agency.add(first)[0] == 200
    w.desk.seq, w.desk.head = 0, None
    status, body = w.agency.add(w.finding())
    answer = json.loads(body)
    assert status == 409 and answer["index"] == 3 and answer["receipt"] == f"/receipt/{w.desk.name}/1", (status, body)
    w.desk.seq, w.desk.head = 1, hashlib.sha256(first.split(b"\n\n")[0] + b"\n").hexdigest()
    status, body = w.agency.add(w.finding(seq=3, keep=False))
    answer = json.loads(body)
    assert status == 409 and answer["expected"] == 2 and answer["head"] == w.desk.head, (status, body)
    assert w.close() == [0, 0, 0, 0]


def test_several_events():
    w = World().start()
    w.open_log()
    notes = [w.finding() for _ in range(20)]
    status, body = w.agency.add_several(notes)
    answers = lines(body)
    assert status == 200 and len(answers) == 20 and all(a["status"] == 200 for a in answers), (status, body)
    for a in answers:
        status, receipt = w.agency.get(a["receipt"])
        assert status == 200 and w.verify(receipt, "--quiet").returncode == 0, (a, status)
    # the longest valid prefix: two good ones, a gap, one that is not tried
    two = [w.finding(), w.finding()]
    gap = w.finding(seq=w.desk.seq + 2, keep=False)
    status, body = w.agency.add_several([*two, gap, w.finding(keep=False)])
    answers = lines(body)
    assert status == 200 and [a["status"] for a in answers] == [200, 200, 409, 424], (status, body)
    # nothing committed: the first refusal's status
    status, body = w.agency.add_several([gap, gap])
    assert status == 409 and [a["status"] for a in lines(body)] == [409, 424], (status, body)
    status, body = w.agency.request("POST", "/add", b"\x00\xffshort", {"Content-Type": "application/octet-stream"})
    assert status == 400, (status, body)
    assert w.close() == [0, 0, 0, 0]


def test_enrolment_and_event_in_one_request():
    w = World().start()
    w.open_log()
    desk2 = Key("nypd.example/desk-2")
    enrol = w.event(w.roots[0], "key.enrolled",
                    {"basis": "live", "kinds": ["finding.final"], "oris": [ORI], "role": "clerk", "vkey": desk2.vkey})
    members = json.loads(w.finding(keep=False).split(b"\n")[1])["open"]
    status, body = w.agency.add_several([enrol, w.event(desk2, "finding.final", members)])
    assert status == 200 and [a["status"] for a in lines(body)] == [200, 200], (status, body)
    revoke = w.event(w.roots[0], "key.revoked", {"key": desk2.name, "reason": "retired"})
    assert w.agency.add(revoke)[0] == 200
    status, body = w.agency.add(w.event(desk2, "finding.final", members))
    assert status == 403 and b"revoked" in body, (status, body)
    assert w.agency.json(f"/issuer/{desk2.name}")["revoked"] is True
    assert w.close() == [0, 0, 0, 0]


def test_two_mirrors_off_then_one_back():
    w = World().start()
    w.open_log()
    w.nodes["doj"].kill()  # switched off for good
    status, receipt = w.agency.add(w.finding())
    assert status == 200 and w.verify(receipt).returncode == 0, (status, receipt)
    w.nodes["university"].stop()
    before = time.monotonic()
    status, body = w.agency.add(w.finding())
    waited = time.monotonic() - before
    assert status == 202 and 9 < waited < 14, (status, body, waited)
    place = json.loads(body)["receipt"]
    assert w.agency.get(place)[0] == 202
    assert w.agency.get("/healthz")[0] == 503
    status, body = w.agency.add_several([w.finding(), w.finding(), w.finding(seq=99, prev="ab" * 32, keep=False)])
    assert status == 202 and [a["status"] for a in lines(body)] == [202, 202, 409], (status, body)
    w.nodes["university"].start()
    until(lambda: w.agency.get(place)[0] == 200, 35, "the receipt once one mirror is back")
    assert w.verify(w.agency.get(place)[1]).returncode == 0
    assert b"degraded" in w.agency.get("/healthz")[1]
    codes = w.close()
    assert codes == [0, 0, None, 0], codes


def test_opaque_log():
    w = World(accept="opaque").start()
    for i in range(3):
        status, body = w.agency.request("POST", "/add", b"entry %d" % i)
        assert (status, body) == (200, b"%d" % i), (status, body)
    status, bundle = w.agency.get("/tile/entries/000.p/3")
    assert status == 200 and bundle == b"".join(len(e).to_bytes(2, "big") + e for e in
                                                [b"entry 0", b"entry 1", b"entry 2"]), bundle
    assert w.agency.headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in w.agency.headers["Cache-Control"]
    status, tile = w.agency.get("/tile/0/000.p/3")
    assert status == 200 and len(tile) == 96
    assert w.agency.get("/tile/0/000")[0] == 404 and w.agency.get("/tile/0/000.p/4")[0] == 404
    assert w.agency.get("/tile/0/0")[0] == 400
    hexid = hashlib.sha256(w.origin.encode()).hexdigest()
    for node in w.nodes.values():
        until(lambda: node.get(f"/{hexid}/checkpoint")[1].startswith(b"ny.example/nypd\n3\n"), 10,
              f"{node.name} serves all three")
        assert node.get(f"/{hexid}/tile/entries/000.p/3")[1] == bundle
    assert w.nodes["doj"].get(f"/witness/{hexid}/checkpoint")[0] == 200
    assert w.agency.request("POST", "/add", b"x" * 65536)[0] == 413
    assert w.close() == [0, 0, 0, 0]


main([test_receipt_at_quorum, test_refusals_change_nothing, test_several_events,
      test_enrolment_and_event_in_one_request, test_two_mirrors_off_then_one_back, test_opaque_log])
