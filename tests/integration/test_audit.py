#!/usr/bin/python3
"""audit: a whole log over HTTP, believing nothing but a key."""
import json
import os
import subprocess

import forge
from world import BUILD, ORI, Key, World, main, until


def audit(url, key, *options):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "audit", url, "--vkey", key.vkey, *options],
                          capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_good_log():
    w = World().start()
    w.open_log()
    status, _ = w.agency.add_several([w.finding() for _ in range(600)])
    assert status == 200
    code, said = audit(w.agency.url, w.log, "--policy", w.path("policy"))
    assert code == 0 and "603 entries, 0 things wrong" in said, (code, said)
    assert json.loads(audit(w.agency.url, w.log, "--json")[1])["verified"] is True
    held = w.nodes["doj"].json("/logs")["logs"][0]
    until(lambda: w.nodes["doj"].json("/logs")["logs"][0]["mirrored"] == 603, 10, "the DOJ has all")
    code, said = audit(w.nodes["doj"].url + "/" + held["id"], w.log, "--no-quorum")
    assert code == 0, (code, said)
    code, said = audit(w.agency.url, Key(w.origin))  # another key of the same name
    assert code == 1 and "not signed by" in said, (code, said)
    w.agency.stop()
    assert audit(w.agency.url, w.log)[0] == 3
    w.close()


def test_opaque_log():
    w = World(accept="opaque").start()
    for i in range(5):
        assert w.agency.request("POST", "/add", b"entry %d" % i)[0] == 200
    code, said = audit(w.agency.url, w.log, "--opaque", "--policy", w.path("policy"))
    assert code == 0 and "5 entries" in said, (code, said)
    w.close()


def test_forged_logs():
    w = World().start()
    w.open_log()
    for _ in range(4):
        assert w.agency.add(w.finding())[0] == 200
    real = forge.entries(w.agency, "", 7)
    published = w.agency.get("/checkpoint")[1]
    w.agency.stop()

    def audit_forged(entries, note, *words):
        server = forge.serve(w.agency.port, entries, note)
        try:
            code, said = audit(w.agency.url, w.log)
        finally:
            server.shutdown()
            server.server_close()
        assert code == 1, (code, said)
        for word in words:
            assert word in said, (word, said)

    # an entry edited under the checkpoint that the mirrors cosigned
    edited = real[:4] + [real[4].replace(b"sustained", b"unfounded")] + real[5:]
    audit_forged(edited, published, "root", "signature")
    # the same, re-signed by the log: no quorum, and the issuer did not sign it
    leaves = [forge.leaf_hash(e) for e in edited]
    audit_forged(edited, forge.checkpoint(w.log, leaves), "entry 4", "quorum")
    # a finding left out, re-signed: the sequence has a gap
    cut = real[:4] + real[5:]
    audit_forged(cut, forge.checkpoint(w.log, [forge.leaf_hash(e) for e in cut]), "entry 4", "seq")
    w.close()


main([test_good_log, test_opaque_log, test_forged_logs])
