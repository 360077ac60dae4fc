#!/usr/bin/python3
"""What a receipt cannot show, its log does: verify --node and --tiles, against real nodes, a copy of tiles, and forged ones.
Logs that let in what they had to refuse are made by tests/check/logs.c."""
import json
import os
import shutil
import subprocess
import sys

import forge
from world import BUILD, ROOT, Key, World, main, until

VERIFY = os.path.join(ROOT, "tests", "check", "verify.py")


def save_tiles(folder, entries, note):
    """A log of at most 256 entries, as a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    leaves = [forge.leaf_hash(e) for e in entries]
    for name in ("/checkpoint", f"/tile/0/000.p/{len(entries)}", f"/tile/entries/000.p/{len(entries)}"):
        os.makedirs(os.path.dirname(folder + name), exist_ok=True)
        with open(folder + name, "wb") as f:
            f.write(note if name == "/checkpoint" else forge.tile_path(name, leaves, entries))


def said(w, receipt, *options, code=0):
    done = w.verify(receipt, *options)
    assert done.returncode == code, (options, done)
    return done.stdout + done.stderr


def asked(w, receipt, *options):
    return json.loads(said(w, receipt, *options, "--json"))


def second(w, receipt, code, *options):
    said(w, receipt, "--quiet", *options, code=code)
    done = subprocess.run([sys.executable, VERIFY, "receipt", w.path("receipt"), "--policy", w.path("policy"), *options],
                          capture_output=True, text=True)
    assert done.returncode == code, done
    return done.stdout


def mirrors_hold(w, size):
    until(lambda: all(w.nodes[m].json("/logs")["logs"][0]["mirrored"] >= size for m in w.MIRRORS), 20, "all mirrors have it")


def test_a_log_is_read_for_a_receipt():
    w = World().start()
    w.open_log()
    status, receipt = w.agency.add(w.finding())
    assert status == 200, receipt
    mirrors_hold(w, 4)
    # offline: what is unchecked is said
    text = said(w, receipt)
    assert "UNCHECKED    whether a key that it rests on was revoked, before size 4 or since" in text, text
    assert "entry 1 is the\n               newest policy at that size" in text and "--node URL" in text, text
    assert asked(w, receipt)["unchecked"] == ["acceptance", "newer_policy", "revocation"]
    assert "unchecked: acceptance, newer policies, revocation" in second(w, receipt, 0)
    # from the log's own node, from a mirror, from the mirror's prefix, from a copy
    hex_ = w.nodes["doj"].json("/logs")["logs"][0]["id"]
    real = forge.entries(w.agency, "", 4)
    save_tiles(w.path("tiles"), real, w.agency.get("/checkpoint")[1])
    for where in (("--node", w.agency.url), ("--node", w.nodes["doj"].url + "/"), ("--tiles", f"{w.nodes['doj'].url}/{hex_}"),
                  ("--tiles", w.path("tiles"))):
        text = said(w, receipt, *where)
        assert "none of its keys is, by this log, in its first 4 entries" in text and "the newest that the log has" in text, text
        assert "UNCHECKED    whether another log revokes them" in text and "before size" not in text, text
        answer = asked(w, receipt, *where)
        assert answer["unchecked"] == ["revocation_in_other_logs"] and answer["read"]["revocations"] == [], answer
        assert answer["read"]["size"] == 4 and answer["policy"] == answer["read"]["newest_policy"] == 1, answer
    assert second(w, receipt, 0, "--tiles", w.path("tiles")) == "good\n"
    # the log goes on: another policy, and the key is taken back, as stolen from some day on
    status, body = w.agency.add(w.event(w.roots[0], "log.policy", {
        "operators": {n: n for n in (*w.MIRRORS, *[m + "-witness" for m in w.MIRRORS])}, "policy": w.policy()}, w.roots[1]))
    assert status == 200, body
    for members in ({"reason": "left"}, {"reason": "compromised", "since": "2031-01-01"}, {"reason": "compromised"}):
        status, body = w.agency.add(w.event(w.roots[1], "key.revoked", {"key": w.desk.name, **members}))
        assert status == 200, body
    text = said(w, receipt, "--node", w.agency.url)
    assert "policy       entry 1, in force at size 4; entry 4 has replaced it since" in text, text
    assert f"revoked      {w.desk.name}, by entry 5: left; what it signed here came before, and stands" in text, text
    assert f"revoked      {w.desk.name}, by entry 6: compromised since 2031-01-01; what" in text, text
    assert f"DOUBTED      {w.desk.name}, by entry 7: compromised since ever; so what it signed here is doubted" in text, text
    rows = asked(w, receipt, "--node", w.agency.url)["read"]["revocations"]
    assert [(r["index"], r["reason"], r["doubts"], r.get("since")) for r in rows] == [
        (5, "left", False, None), (6, "compromised", False, "2031-01-01"), (7, "compromised", True, None)], rows
    assert "none of its keys" in said(w, receipt, "--tiles", w.path("tiles"))  # of which size, it says
    # a log that a newer receipt is beyond; one that is another; one that is damaged
    status, newer = w.agency.get(f"/receipt/{w.roots[1].name}/{w.roots[1].seq}")
    assert status == 200, newer
    assert "4 entries" in said(w, newer, "--tiles", w.path("tiles"), code=3)
    edited = real[:3] + [real[3].replace(b"sustained", b"unfounded")]
    save_tiles(w.path("forged"), edited, forge.checkpoint(w.log, [forge.leaf_hash(e) for e in edited]))
    assert "is of another tree: the log forked" in said(w, receipt, "--tiles", w.path("forged"), code=1)
    second(w, receipt, 1, "--tiles", w.path("forged"))
    save_tiles(w.path("damaged"), edited, w.agency.get("/checkpoint")[1])
    said(w, receipt, "--tiles", w.path("damaged"), code=3)  # it lacks what its checkpoint covers
    save_tiles(w.path("stranger"), real, forge.checkpoint(Key(w.origin), [forge.leaf_hash(e) for e in real]))
    assert "not signed by" in said(w, receipt, "--tiles", w.path("stranger"), code=1)
    # what cannot be had is no verdict; what makes no sense is none either
    assert "the receipt verifies, and its log is unchecked" in said(w, receipt, "--tiles", w.path("nowhere"), code=3)
    said(w, receipt, "--node", w.agency.url, "--tiles", w.path("tiles"), code=2)
    said(w, receipt, w.path("receipt"), "--node", w.agency.url, code=2)
    w.agency.stop()
    assert "unchecked" in said(w, receipt, "--node", w.agency.url, code=3)
    w.close()


def test_one_that_holds_another_log():
    w, other = World().start(), World().start()
    for each in w, other:
        each.open_log()
    status, receipt = w.agency.add(w.finding())
    assert status == 200, receipt
    # another log of the same name, signed by another key
    assert "not signed by the log's key" in said(w, receipt, "--node", other.agency.url, code=1)
    other.close()
    w.close()


main([test_a_log_is_read_for_a_receipt, test_one_that_holds_another_log])
