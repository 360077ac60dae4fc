#!/usr/bin/python3
"""What a node refuses to start with, and what it says; and what it does with requests that make no sense."""
import gzip
import os
import socket
import subprocess
import time

from world import BUILD, Key, Node, World, main, until


def start(node, sections):
    """Starts the node on these sections; returns exit code and what it said. It must not come up."""
    node.sections = sections
    node.write_config()
    done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", node.path("node.ini")], capture_output=True, text=True,
                          timeout=20)
    return done.returncode, done.stderr


def test_refuses_to_start():
    w = World()
    node = w.agency
    host = f"[host]\norigin = {w.origin}\nkey = log.key\naccept = events\n"

    def refused(sections, *words):
        code, said = start(node, sections)
        assert code == 2, (code, said)
        for word in words:
            assert word in said, (word, said)

    refused([host + "colour = blue\n"], "node.ini:", "colour")
    refused([host, host], "node.ini:")
    refused([host.replace("accept = events", "accept = everything")], "accept", "events")
    refused([host.replace("log.key", "missing.key")], "missing.key")
    refused(["[log nonsense]\nvkey = nonsense\naccept = events\n"], "node.ini:", "key ID")
    os.chmod(node.path("log.key"), 0o644)
    refused([host], "log.key", "600")
    os.chmod(node.path("log.key"), 0o600)
    Key("other.example/log").save(node.path("other.key"))
    refused([host.replace("log.key", "other.key")], "other.example/log", w.origin)
    Key(w.origin + "-x", 4).save(node.path("cosigner.key"))
    refused([host.replace("log.key", "cosigner.key")], "keygen")
    # a folder that is in use, and one that belongs to another log
    node.sections = [host]
    node.start()
    second = Node(w.folder, "agency", node.port + 1)
    code, said = start(second, [host])
    assert code == 2 and "use" in said, (code, said)
    node.sections = [host]
    assert node.stop() == 0
    refused(["[host]\norigin = other.example/log\nkey = other.key\naccept = events\n"], w.origin)
    refused([], w.origin)
    bad = Node(w.folder, "open", 1)
    bad.write_config()
    with open(bad.path("node.ini")) as f:
        text = f.read()
    with open(bad.path("node.ini"), "w") as f:
        f.write(text.replace("127.0.0.1", "0.0.0.0"))
    done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", bad.path("node.ini")], capture_output=True, text=True)
    assert done.returncode == 2 and "loopback" in done.stderr, done
    w.close()


def test_files_are_private():
    w = World().start("agency")
    for folder, _, files in os.walk(w.agency.path("data")):
        assert os.stat(folder).st_mode & 0o077 == 0, folder
        for name in files:
            assert os.stat(os.path.join(folder, name)).st_mode & 0o077 == 0, name
    w.close()


def raw(node, data, seconds=3):
    with socket.create_connection(("127.0.0.1", node.port), timeout=seconds) as s:
        s.sendall(data)
        answer = b""
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    break
                answer += more
        except OSError:
            pass
        return answer


def test_senseless_requests():
    w = World().start()
    w.open_log()
    state = w.nodes["state"]
    size = w.agency.json("/logs")["logs"][0]["size"]
    until(lambda: state.json("/logs")["logs"][0]["size"] == size, 10, "the state has all")  # the two others are a quorum
    octets = {"Content-Type": "application/octet-stream"}
    origin = w.origin.encode()
    header = len(origin).to_bytes(2, "big") + origin

    def upload(start_at, end, rest=b"", **more):
        body = header + start_at.to_bytes(8, "big") + end.to_bytes(8, "big") + b"\0\0" + rest
        return state.request("POST", "/add-entries", body, octets | more)

    assert state.request("POST", "/add-entries", b"", octets)[0] == 400
    assert state.request("POST", "/add-entries", b"\0\5other" + bytes(18), octets)[0] == 404
    assert upload(0, size + 1)[0] == 409 and state.headers["Content-Type"] == "text/x.tlog.mirror-info"
    assert upload(size + 1, size)[0] == 400
    assert upload(0, size, b"\0\1x" * size + b"\0")[0] == 422
    assert upload(0, size, b"\xff\xff short")[0] == 400
    assert upload(0, size, b"\0\1x" * size + b"\x40")[0] in (400, 422)  # 64 hashes
    status, line = upload(size, size)
    assert status == 200 and line.startswith("— state.example/mirror ".encode()), (status, line)
    bomb = gzip.compress(header + bytes(8) + size.to_bytes(8, "big") + b"\0\0" + bytes(64 << 20))
    before = time.monotonic()
    assert state.request("POST", "/add-entries", bomb, octets | {"Content-Encoding": "gzip"})[0] in (400, 413, 422)
    assert time.monotonic() - before < 10
    assert state.request("POST", "/add-checkpoint", b"old 0\n\nnonsense\n")[0] == 400
    assert state.request("POST", "/add-checkpoint", b"x" * 100000)[0] == 413
    other = Key("other.example/log")
    text = b"other.example/log\n1\n" + b"A" * 43 + b"=\n"
    assert state.request("POST", "/add-checkpoint", b"old 0\n\n" + text + b"\n" + other.line(text))[0] == 404
    text = f"{w.origin}\n9\n".encode() + b"A" * 43 + b"=\n"
    assert state.request("POST", "/add-checkpoint", b"old 0\n\n" + text + b"\n" + Key(w.origin).line(text))[0] == 403
    assert w.agency.request("POST", "/add-checkpoint", b"old 0\n\n" + text + b"\n" + w.log.line(text))[0] == 404
    assert w.agency.request("DELETE", "/checkpoint")[0] == 405 and "GET" in w.agency.headers["Allow"]
    assert w.agency.get("/nothing")[0] == 404
    assert w.agency.get("/receipt/x")[0] == 400 and w.agency.get("/receipt/x/1")[0] == 404
    assert w.agency.get("/" + "0" * 64 + "/checkpoint")[0] == 404
    assert w.agency.request("HEAD", "/checkpoint")[0] == 200
    assert raw(w.agency, b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70000 + b"\r\n\r\n")[:12] != b"HTTP/1.1 200"
    assert raw(w.agency, b"POST /add HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 99\r\n\r\nhalf",
               1) == b""
    assert state.json("/logs")["logs"][0]["size"] == size
    assert state.json("/evidence") == {"evidence": [], "unreconciled": []}
    assert w.agency.add(w.finding())[0] == 200
    assert w.close() == [0, 0, 0, 0]


main([test_refuses_to_start, test_files_are_private, test_senseless_requests])
