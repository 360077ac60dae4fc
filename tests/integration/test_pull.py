#!/usr/bin/python3
"""Mirrors that nobody pushes to: they pull tiles, and what they are shown elsewhere they reconcile."""
import forge
from world import Key, Node, World, main, until


def puller(w, name, pull):
    node = Node(w.folder, name)
    key, witness = Key(f"{name}.example/mirror", 4), Key(f"{name}.example/witness", 4)
    key.save(node.path("mirror.key"))
    witness.save(node.path("witness.key"))
    node.sections += ["[mirror]\nkey = mirror.key\nwitness_key = witness.key\n",
                      f"[log {w.origin}]\nvkey = {w.log.vkey}\naccept = events\nurl = {w.agency.url}\npull = {pull}\n"]
    w.nodes[name] = node
    return node


def test_pull_follows_the_log():
    w = World().start()
    w.open_log()
    status, _ = w.agency.add_several([w.finding() for _ in range(700)])
    assert status == 200
    node = puller(w, "newsroom", 1).start()
    size = w.agency.json("/status")["log"]["published"]
    assert size == 703
    until(lambda: node.json("/logs")["logs"][0]["judged"] == size, 20, "the newsroom has pulled and judged all")
    held = node.json("/logs")["logs"][0]
    assert held["mirrored"] == size and held["refused"] == 0, held
    assert forge.entries(node, "/" + held["id"], size) == forge.entries(w.agency, "", size)
    assert w.agency.add(w.finding())[0] == 200  # and it follows
    until(lambda: node.json("/logs")["logs"][0]["mirrored"] == size + 1, 10, "the newsroom follows")
    assert w.close() == [0] * 5


def test_evidence_b_from_tiles_when_the_proof_is_empty():
    """The forger sends a larger checkpoint and no proof; the tiles that it serves give it away."""
    w = World().start()
    w.open_log()
    for _ in range(5):
        assert w.agency.add(w.finding())[0] == 200
    old = 8  # a power of two: the proof of RFC 6962 leaves the old root out
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == old, 10, f"{m} has all")
    real = forge.entries(w.agency, "", old)
    w.agency.stop()
    edited = real[:4] + real[5:] + [real[7]] * 4
    leaves = [forge.leaf_hash(e) for e in edited]
    note = forge.checkpoint(w.log, leaves)
    server = forge.serve(w.agency.port, edited, note)
    try:
        for m in w.MIRRORS:
            status, _ = w.nodes[m].request("POST", "/add-checkpoint",
                                           forge.add_checkpoint(old, [forge.root(leaves[8:])] * 2, note))
            assert status == 422
            until(lambda: w.nodes[m].json("/evidence")["evidence"], 15, f"{m} reconciles by the log's tiles")
            listed = w.nodes[m].json("/evidence")
            assert listed["evidence"][0]["form"] == "b" and listed["unreconciled"] == [], listed
    finally:
        server.shutdown()
    w.close()


main([test_pull_follows_the_log, test_evidence_b_from_tiles_when_the_proof_is_empty])
