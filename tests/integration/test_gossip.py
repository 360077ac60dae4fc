#!/usr/bin/python3
"""Gossip: evidence that one node keeps reaches the others; what a peer shows is held against our own tree, and against what it
showed before; a peer that says anything at all is believed nothing."""
import base64
import http.server
import json
import os
import shutil
import struct
import subprocess
import threading
import time

import forge
from world import BUILD, World, main, until


class Peer:
    """A server whose answers the test sets: a path's ending, and bytes."""

    def __init__(self):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                body = next((b for end, b in outer.answers.items() if self.path.endswith(end)), None)
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def cosign(key, note, when):
    """A mirror's line under a checkpoint (tlog-cosignature)."""
    text = note.split(b"\n\n")[0] + b"\n"
    signed = f"cosignature/v1\ntime {when}\n".encode() + text
    blob = key.id + struct.pack(">Q", when) + key.secret.sign(signed)
    return note + f"— {key.name} {base64.b64encode(blob).decode()}\n".encode()


def listed(node):
    return node.json("/evidence")["evidence"]


def verified(w, node, item, key):
    status, content = node.get(item["file"])
    assert status == 200
    with open(w.path("evidence"), "wb") as f:
        f.write(content)
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", w.path("evidence"), "--key", key.vkey],
                          capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def started(count, peer=None):
    w = World()
    for node in w.nodes.values():
        node.options = ["gossip = 1"]
    if peer:  # the state's node takes the peer for the log's own address
        w.nodes["state"].sections[-1] = w.nodes["state"].sections[-1].replace(w.agency.url, peer.url)
    w.start()
    w.open_log()
    for _ in range(count):
        assert w.agency.add(w.finding())[0] == 200
    size = w.agency.json("/status")["log"]["published"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return w, forge.entries(w.agency, "", size)


def test_evidence_reaches_those_who_saw_nothing():
    w, real = started(3)
    forged = [forge.leaf_hash(e) for e in real]
    forged[4] = forge.leaf_hash(real[4].replace(b"sustained", b"unfounded"))
    status, _ = w.nodes["state"].request("POST", "/add-checkpoint", forge.add_checkpoint(
        len(real), [], forge.checkpoint(w.log, forged)))
    assert status == 422
    for name in ("doj", "university", "agency"):
        until(lambda: listed(w.nodes[name]), 15, f"{name} has it too")
        assert "evidence (a)" in verified(w, w.nodes[name], listed(w.nodes[name])[0], w.log)
    assert w.agency.add(w.finding())[0] == 200
    # What confirms times is kept by all, as the host keeps it.
    hex_ = w.agency.json("/logs")["logs"][0]["id"]
    until(lambda: all(n.get(f"/{hex_}/kept/0")[0] == 200 for n in w.nodes.values()), 15, "all keep quorum checkpoints")
    status, kept = w.agency.get(f"/{hex_}/kept/0")
    first = kept.split(b"checkpoint ")[1].split(b"\n", 1)[1]
    for name in w.MIRRORS:
        assert first in w.nodes[name].get(f"/{hex_}/kept/0")[1], name
        assert w.nodes[name].get(f"/{hex_}/kept/x")[0] == 400 and w.nodes[name].get(f"/{hex_}/kept/999")[0] == 404
    # The agency's machine is lost: what confirms the times of its events comes back with them.
    assert w.agency.stop() == 0
    shutil.rmtree(w.agency.path("data"))
    done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", w.agency.path("node.ini"), "--restore-from", w.nodes["doj"].url],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    w.agency.start()
    assert first in w.agency.get(f"/{hex_}/kept/0")[1]
    codes = w.close(keep=True)
    assert codes == [0, 0, 0, 0], codes
    for node in w.nodes.values():
        done = subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", node.path("data")], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    w.close()


def test_what_a_peer_shows_is_compared():
    peer = Peer()
    w, real = started(4, peer)
    state = w.nodes["state"]
    leaves = [forge.leaf_hash(e) for e in real]
    # Of our own tree, smaller: nothing. Larger than all we hold: it waits.
    peer.answers["/checkpoint"] = forge.checkpoint(w.log, leaves[:5])
    until(lambda: len(peer.asked) >= 6, 10, "two rounds")
    assert listed(state) == [] and state.json("/evidence")["unreconciled"] == []
    other = [*leaves[:5], forge.leaf_hash(b"not what the log showed us"), leaves[6]]
    peer.answers["/checkpoint"] = forge.checkpoint(w.log, [*other, forge.leaf_hash(b"x")])
    asked = len(peer.asked)
    until(lambda: len(peer.asked) >= asked + 6, 10, "two rounds")
    assert listed(state) == []
    peer.answers["/checkpoint"] = forge.checkpoint(w.log, leaves[:5])  # it shows the good one again: too late
    for _ in range(2):
        assert w.agency.add(w.finding())[0] == 200
    until(lambda: listed(state), 15, "the larger one was compared once we held as much")
    assert listed(state)[0]["form"] == "b", listed(state)
    verified(w, state, listed(state)[0], w.log)
    # Of one size: (a). A mirror that goes back in time: (d).
    size = w.agency.json("/status")["log"]["published"]
    peer.answers["/checkpoint"] = forge.checkpoint(w.log, [forge.leaf_hash(b"y")] * size)
    until(lambda: {e["form"] for e in listed(state)} >= {"a"}, 15, "one size, two roots")
    doj, now = w.mirror_keys["doj"], int(time.time())
    peer.answers["/checkpoint"] = cosign(doj, forge.checkpoint(w.log, leaves[:6]), now - 100)
    asked = len(peer.asked)
    until(lambda: len(peer.asked) >= asked + 6, 10, "seen")
    peer.answers["/checkpoint"] = cosign(doj, forge.checkpoint(w.log, leaves[:4]), now - 50)
    until(lambda: "d" in {e["form"] for e in listed(state)}, 15, "the mirror went back")
    (item,) = [e for e in listed(state) if e["form"] == "d"]
    verified(w, state, item, doj)
    assert w.agency.add(w.finding())[0] == 200
    assert w.close() == [0, 0, 0, 0]


def test_a_peer_that_says_anything():
    peer = Peer()
    w, _ = started(1, peer)
    state = w.nodes["state"]
    stranger = World()
    foreign = forge.checkpoint(stranger.log, [forge.leaf_hash(b"z")])
    many = {"evidence": [{"file": f"/evidence/{i:08x}/{'ab' * 32}"} for i in range(2000)]}
    for checkpoint, evidence in ((b"\0" * 40000, b"["), (foreign, b"{}"), (b"", json.dumps(many).encode()),
                                 (foreign, b'{"evidence":[{"file":1},{"file":"/../../etc"},7,null]}'),
                                 (foreign, b"[" * 100000)):
        peer.answers = {"/checkpoint": checkpoint, "/evidence": evidence, "ab": b"dutylog/evidence/v1 a\npart 3\nabc"}
        asked = len(peer.asked)
        until(lambda: len(peer.asked) >= asked + 6, 10, "it asks on")
        assert listed(state) == [] and state.json("/evidence")["unreconciled"] == []
    files = [p for p in peer.asked if p.startswith("/evidence/")]
    assert files and not any("etc" in p for p in files) and len(files) <= 16 * len(peer.asked), files[:3]
    assert w.agency.add(w.finding())[0] == 200
    stranger.close()
    assert w.close() == [0, 0, 0, 0]


main([test_evidence_reaches_those_who_saw_nothing, test_what_a_peer_shows_is_compared, test_a_peer_that_says_anything])
