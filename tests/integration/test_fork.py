#!/usr/bin/python3
"""The operator deletes a finding, rebuilds the tree and signs it again: every mirror refuses, and keeps the proof."""
import os
import shutil
import subprocess

import forge
from world import BUILD, World, main, until


def verify_evidence(w, content, key):
    path = w.path("evidence")
    with open(path, "wb") as f:
        f.write(content)
    return subprocess.run([os.path.join(BUILD, "dutylog"), "verify", path, "--key", key.vkey],
                          capture_output=True, text=True)


def world_with_findings(count):
    w = World().start()
    w.open_log()
    for _ in range(count):
        status, _ = w.agency.add(w.finding())
        assert status == 200
    size = w.agency.json("/status")["log"]["published"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return w, forge.entries(w.agency, "", size)


def evidence_at(w, mirror, form):
    listed = w.nodes[mirror].json("/evidence")["evidence"]
    files = [e["file"] for e in listed if e["form"] == form]
    assert files, (form, listed)
    status, content = w.nodes[mirror].get(files[0])
    assert status == 200
    return content


def test_same_size_is_evidence_a():
    w, real = world_with_findings(4)
    forged = [forge.leaf_hash(e) for e in real]
    forged[4] = forge.leaf_hash(real[4].replace(b"sustained", b"unfounded"))
    note = forge.checkpoint(w.log, forged)
    for m in w.MIRRORS:
        status, body = w.nodes[m].request("POST", "/add-checkpoint", forge.add_checkpoint(len(real), [], note))
        assert status == 422, (m, status, body)
        until(lambda: w.nodes[m].json("/evidence")["evidence"], 5, "evidence is kept")
        content = evidence_at(w, m, "a")
        out = verify_evidence(w, content, w.log)
        assert out.returncode == 0, out
        assert verify_evidence(w, content, w.roots[0]).returncode == 1
        assert verify_evidence(w, content.replace(b"ny.example/nypd\n7", b"ny.example/nypd\n8", 1), w.log).returncode == 1
    # the honest log goes on as if nothing had been
    assert w.agency.add(w.finding())[0] == 200
    assert w.close() == [0, 0, 0, 0]


def test_deleting_a_finding_is_evidence_b():
    w, real = world_with_findings(4)
    # the third finding deleted, three harmless entries put after: longer than what the mirrors hold
    edited = real[:5] + real[6:] + [real[6].replace(b"sustained", b"unfounded")] * 3
    forged = [forge.leaf_hash(e) for e in edited]
    old = len(real)
    note = forge.checkpoint(w.log, forged)
    proof = forge.consistency(old, forged)
    for m in w.MIRRORS:
        status, body = w.nodes[m].request("POST", "/add-checkpoint", forge.add_checkpoint(old, proof, note))
        assert status == 422, (m, status, body)
        until(lambda: w.nodes[m].json("/evidence")["evidence"], 5, "evidence is kept")
        out = verify_evidence(w, evidence_at(w, m, "b"), w.log)
        assert out.returncode == 0, out
    assert w.agency.add(w.finding())[0] == 200
    assert w.close() == [0, 0, 0, 0]


def test_a_log_that_starts_over_halts():
    """The operator restores an empty folder: the mirrors show the larger head that the same key signed."""
    w, real = world_with_findings(2)
    w.agency.stop()
    w.agency.head = None  # with it the node would not even start: test_guard.py
    os.rename(w.agency.path("data"), w.agency.path("data.old"))
    w.agency.start()
    for key in (w.operator, w.desk, *w.roots):
        key.seq, key.head = 0, None
    try:
        w.open_log()
    except AssertionError:
        pass
    until(lambda: w.agency.json("/status")["log"]["state"] == "halted", 20, "the log halts")
    assert w.agency.get("/healthz")[0] == 503
    assert w.agency.add(w.finding())[0] == 503
    for m in w.MIRRORS:
        assert w.nodes[m].json("/logs")["logs"][0]["mirrored"] == len(real)
    w.close()


def test_a_forked_log_keeps_the_proof_against_itself():
    """Somebody with the log's key showed one mirror another history: the honest node meets it, signs no more, and has the proof."""
    w, real = world_with_findings(3)
    assert w.agency.stop() == 0
    state = w.nodes["state"]
    state.stop()
    shutil.rmtree(state.path("data"))
    os.remove(state.path("head"))
    state.head = None
    state.start()
    forged = [forge.leaf_hash(e) for e in real]
    forged[4] = forge.leaf_hash(real[4].replace(b"sustained", b"unfounded"))
    status, body = state.request("POST", "/add-checkpoint", forge.add_checkpoint(0, [], forge.checkpoint(w.log, forged)))
    assert status == 200, (status, body)
    w.agency.start()
    until(lambda: w.agency.json("/status")["log"]["state"] == "halted", 30, "the log halts")
    until(lambda: w.agency.json("/evidence")["evidence"], 10, "the proof is kept")
    out = verify_evidence(w, evidence_at(w, "agency", "a"), w.log)
    assert out.returncode == 0, out
    w.close()


def test_an_old_backup_signs_nothing():
    """The folder of an hour ago is put back, and no head file says that this node signed more: the log learns it before it signs."""
    w, _ = world_with_findings(2)
    w.agency.stop()
    shutil.copytree(w.agency.path("data"), w.agency.path("data.old"))
    w.agency.start()
    note = w.finding()
    until(lambda: w.agency.add(note)[0] == 200, 20, "the log goes on after a restart")
    size = w.agency.json("/status")["log"]["published"]
    w.agency.stop()
    shutil.rmtree(w.agency.path("data"))
    os.rename(w.agency.path("data.old"), w.agency.path("data"))
    os.remove(w.agency.path("head"))
    w.agency.start()
    assert w.agency.add(w.finding())[0] == 503
    until(lambda: w.agency.json("/status")["log"]["state"] == "halted", 20, "the log halts")
    assert w.agency.json("/status")["log"]["signed"] < size
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}, "an honest log forked"
    w.close()


main([test_an_old_backup_signs_nothing, test_same_size_is_evidence_a, test_deleting_a_finding_is_evidence_b, test_a_log_that_starts_over_halts,
      test_a_forked_log_keeps_the_proof_against_itself])
