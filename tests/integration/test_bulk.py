#!/usr/bin/python3
"""Many events in many requests at once, and uploads of many packages: what is shared out among threads, or into commits."""
import json
import os
import socket
import threading
import time

import forge
from world import ORI, Key, World, main, until


def lines(body):
    return [json.loads(line) for line in body.splitlines()]


def finding(w, desk, **more):
    members = {"basis": "live", "case": os.urandom(16).hex(), "decided": "2023-09-20", "decided_by": "commissioner",
               "disposition": "sustained", "ori": ORI, "party": "officer"}
    return w.event(desk, "finding.final", members, **more)


def enrolled(w, name):
    desk = Key(name)
    note = w.event(w.roots[0], "key.enrolled", {
        "basis": "both", "kinds": ["*"], "oris": [ORI], "role": "clerk", "vkey": desk.vkey})
    status, body = w.agency.add(note)
    assert status == 200, (status, body)
    return desk


def test_many_requests_at_once():
    """More than is parsed at a time; each client's events stand in its order, all of them once."""
    w = World().start()
    w.open_log()
    desks = [enrolled(w, f"desk-{i}.example") for i in range(8)]
    rounds = {desk.name: [[finding(w, desk) for _ in range(600)] for _ in range(2)] for desk in desks}
    answers = {desk.name: [] for desk in desks}

    def client(desk):
        for notes in rounds[desk.name]:
            answers[desk.name].append(w.agency.add_several(notes))

    threads = [threading.Thread(target=client, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = set()
    for desk in desks:
        places = []
        for status, body in answers[desk.name]:
            assert status == 200, (status, body[:300])
            places += [line["index"] for line in lines(body)]
        assert len(places) == 1200 and places == sorted(places)
        seen.update(places)
        assert w.agency.json(f"/issuer/{desk.name}")["seq"] == 1200
    assert len(seen) == 8 * 1200
    status, receipt = w.agency.get(f"/receipt/{desks[0].name}/1200")
    assert status == 200 and w.verify(receipt).returncode == 0
    assert w.close() == [0, 0, 0, 0]


def test_refusal_far_into_a_request():
    """The longest valid prefix is committed, though all of it was verified on several threads."""
    w = World().start()
    w.open_log()
    notes = [finding(w, w.desk) for _ in range(500)]
    bad = bytearray(notes[333])
    at = bad.rindex(b"sustained")
    bad[at:at + 9] = b"unfounded"
    status, body = w.agency.add_several([*notes[:333], bytes(bad), *notes[334:]])
    told = lines(body)
    assert status == 200 and len(told) == 500, (status, body[:300])
    assert [line["status"] for line in told[:333]] == [200] * 333
    assert told[333]["status"] == 403 and "signature" in told[333]["error"], told[333]
    assert {line["status"] for line in told[334:]} == {424}
    assert w.agency.json(f"/issuer/{w.desk.name}")["seq"] == 333
    status, body = w.agency.add_several(notes[333:])
    assert status == 200 and len(lines(body)) == 167
    assert w.close() == [0, 0, 0, 0]


def test_leaving_while_it_is_verified():
    """A client that leaves costs nothing to others, and its bounds are given back."""
    w = World().start()
    w.open_log()
    desks = [enrolled(w, f"desk-{i}.example") for i in range(6)]
    for desk in desks:
        body = b"".join(len(n).to_bytes(2, "big") + n for n in (finding(w, desk) for _ in range(1000)))
        with socket.create_connection(("127.0.0.1", w.agency.port)) as s:
            s.sendall(b"POST /add HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
    status, receipt = w.agency.add(finding(w, w.desk))
    assert status == 200 and w.verify(receipt).returncode == 0
    until(lambda: w.agency.json("/status")["log"]["published"] == w.agency.json("/status")["log"]["committed"], 20, "calm")
    assert w.close() == [0, 0, 0, 0]


# --- uploads ---

def subtree_proof(start, end, leaves):
    """That [start, end), a node of the tree, is in it: the hashes beside the way down, from below."""
    if start == 0 and end == len(leaves):
        return []
    k = forge.split(len(leaves))
    if end <= k:
        return subtree_proof(start, end, leaves[:k]) + [forge.root(leaves[k:])]
    return subtree_proof(start - k, end - k, leaves[k:]) + [forge.root(leaves[:k])]


class Upload:
    """A log of its own and what is sent of it to the mirror `state`."""

    def __init__(self, w, size):
        self.w, self.size = w, size
        self.node = w.nodes["state"]
        self.entries = [b"entry %d " % i + os.urandom(30) for i in range(size)]
        self.leaves = [forge.leaf_hash(e) for e in self.entries]

    def announce(self):
        status, body = self.node.request("POST", "/add-checkpoint",
                                         forge.add_checkpoint(0, [], forge.checkpoint(self.w.log, self.leaves)))
        assert status == 200, (status, body)

    def header(self, start):
        origin = self.w.origin.encode()
        return (len(origin).to_bytes(2, "big") + origin + start.to_bytes(8, "big") + self.size.to_bytes(8, "big")
                + b"\x00\x00")

    def packages(self, start):
        made = []
        while start < self.size:
            end = min(self.size, start // 256 * 256 + 256)
            proof = subtree_proof(start // 256 * 256, end, self.leaves)
            body = b"".join(len(e).to_bytes(2, "big") + e for e in self.entries[start:end])
            made.append(body + bytes([len(proof)]) + b"".join(proof))
            start = end
        return made

    def send(self, start, packages):
        return self.node.request("POST", "/add-entries", self.header(start) + b"".join(packages))

    def stored(self):
        return self.node.json("/logs")["logs"][0]["size"]

    def mirrored(self):
        return self.node.json("/logs")["logs"][0].get("mirrored", 0)


def upload_world(size):
    w = World(accept="opaque").start("state")
    upload = Upload(w, size)
    upload.announce()
    return w, upload


def test_upload_of_many_packages():
    w, upload = upload_world(20000)  # 79 packages: several commits
    status, line = upload.send(0, upload.packages(0))
    assert status == 200 and b"state.example/mirror" in line, (status, line)
    assert upload.stored() == upload.mirrored() == 20000
    found = forge.entries(upload.node, "/" + upload.node.json("/logs")["logs"][0]["id"], 20000)
    assert found == upload.entries
    w.close()


def test_upload_with_a_bad_package():
    """422: nothing of it is kept, nor of what follows; what came before stays."""
    for bad in 0, 1, 7, 39:
        w, upload = upload_world(10000)
        packages = upload.packages(0)
        packages[bad] = packages[bad][:10] + bytes([packages[bad][10] ^ 1]) + packages[bad][11:]
        status, body = upload.send(0, packages)
        assert status == 422, (bad, status, body)
        assert upload.stored() == bad * 256 and upload.mirrored() == 0, (bad, upload.stored())
        status, body = upload.send(bad * 256, upload.packages(bad * 256))
        assert status == 200, (status, body)
        assert upload.mirrored() == 10000
        w.close()


def test_upload_again_with_a_bad_package():
    """Of what is stored already the proofs are still checked, all of them."""
    w, upload = upload_world(10000)
    packages = upload.packages(0)
    assert upload.send(0, packages[:20])[0] == 202
    packages[3] = packages[3][:-1] + bytes([packages[3][-1] ^ 1])
    status, body = upload.send(0, packages)
    assert status == 422, (status, body)
    assert upload.stored() == 20 * 256 and upload.mirrored() == 0
    w.close()


def test_candidate():
    """add-candidate: checkpoint and entries in one request; what is refused is refused as in two."""
    w = World(accept="opaque").start("state")
    upload = Upload(w, 100)
    body = forge.add_checkpoint(0, [], forge.checkpoint(w.log, upload.leaves))

    def add(packages):
        return upload.node.request("POST", "/add-candidate",
                                   len(body).to_bytes(2, "big") + body + upload.header(0) + b"".join(packages))

    good = upload.packages(0)
    status, answer = add([good[0][:-1]])
    assert status == 400 and b"does not end with its package" in answer, (status, answer)
    status, answer = add([good[0][:10] + bytes([good[0][10] ^ 1]) + good[0][11:]])
    assert status == 422 and upload.stored() == 0, (status, answer)
    status, answer = add([b"x" * (1 << 20)])
    assert status == 413, (status, answer)
    status, answer = add(good)
    assert status == 409 and answer == b"100\n", (status, answer)  # the checkpoint stayed of the second
    body = forge.add_checkpoint(100, [], forge.checkpoint(w.log, upload.leaves))
    status, answer = add(good)
    assert status == 200 and answer.index(b"state.example/witness") < answer.index(b"state.example/mirror"), answer
    assert upload.stored() == upload.mirrored() == 100
    w.close()
    w = World(accept="opaque").start("agency")
    status, answer = w.agency.request("POST", "/add-candidate", b"x")
    assert status == 404, (status, answer)  # mirrors nothing
    w.close()


def test_upload_that_ends_early():
    w, upload = upload_world(10000)
    packages = upload.packages(0)
    status, body = upload.send(0, [*packages[:9], packages[9][:-1]])
    assert status == 202 and body.split(b"\n")[1] == b"2304", (status, body)
    status, body = upload.send(0, [])
    assert status == 400, (status, body)
    status, body = upload.send(2304, [packages[9][:-1]])
    assert status == 400, (status, body)
    assert upload.stored() == 2304
    w.close()


def test_upload_too_many_hashes():
    w, upload = upload_world(5000)
    packages = upload.packages(0)
    entries = b"".join(len(e).to_bytes(2, "big") + e for e in upload.entries[512:768])
    status, body = upload.send(0, [*packages[:2], entries + bytes([64]) + bytes(64 * 32), *packages[3:]])
    assert status in (202, 400, 422), (status, body)
    assert upload.stored() == 512 and upload.mirrored() == 0
    w.close()


def test_upload_in_drops():
    """Whatever way the bytes are cut; and the answer comes with the last package, if the client waits for it."""
    w, upload = upload_world(3000)
    body = upload.header(0) + b"".join(upload.packages(0))
    with socket.create_connection(("127.0.0.1", upload.node.port)) as s:
        s.settimeout(20)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(b"POST /add-entries HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        at, step = 0, 1
        while at < len(body):
            s.sendall(body[at:at + step])
            at, step = at + step, step * 7 % 9973
            time.sleep(0.001)
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    assert upload.mirrored() == 3000
    w.close()


def test_leaving_an_upload():
    """What was stored stays, and the next client goes on from there."""
    w, upload = upload_world(10000)
    body = upload.header(0) + b"".join(upload.packages(0))
    with socket.create_connection(("127.0.0.1", upload.node.port)) as s:
        s.sendall(b"POST /add-entries HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:len(body) // 2])
        until(lambda: upload.stored() >= 4096, 20, "some of it is stored")
    start = upload.stored()
    status, answer = upload.send(start, upload.packages(start))
    assert status == 200, (status, answer)
    assert upload.mirrored() == 10000
    assert w.nodes["state"].stop() == 0
    w.close()


if __name__ == "__main__":
    main([test_many_requests_at_once, test_refusal_far_into_a_request, test_leaving_while_it_is_verified,
          test_upload_of_many_packages, test_upload_with_a_bad_package, test_upload_again_with_a_bad_package,
          test_candidate, test_upload_that_ends_early, test_upload_too_many_hashes, test_upload_in_drops, test_leaving_an_upload])
