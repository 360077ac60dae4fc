#!/usr/bin/python3
"""One mirror of three answers garbage, never, a byte at a time, without end, or hangs up: receipts go on with the two others,
the agency's memory stays bounded, and nothing is believed."""
import os
import socket
import sys
import threading
import time

from world import SANITIZED, World, main, until

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
SIZE = b"HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: %d\r\n\r\n%s"


def say(text):
    return lambda c: c.sendall(text)


def drip(c):
    for byte in OK + b"Content-Length: 100\r\n\r\n":
        c.sendall(bytes([byte]))
        time.sleep(0.2)


def endless(c):
    c.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        c.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


MODES = {
    "garbage": say(os.urandom(4000)),
    "a wrong line": say(OK + b"Content-Length: 30\r\n\r\n" + "— university.example/mirror A\n".encode()[:30].ljust(30)),
    "an absurd size": say(SIZE % (20, b"9999999999999999999\n")),
    "a size beyond all": say(SIZE % (9, b"99999999\n")),
    "an old size for ever": say(SIZE % (2, b"1\n")),
    "nothing": lambda c: time.sleep(30),
    "a byte at a time": drip,
    "no end": endless,
    "hangs up": lambda c: None,
}


class BadMirror:
    def __init__(self):
        self.mode, self.calls = "nothing", 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            c, _ = self.server.accept()
            threading.Thread(target=self.answer, args=(c,), daemon=True).start()

    def answer(self, c):
        try:
            c.recv(65536)
            self.calls += 1
            MODES[self.mode](c)
        except OSError:
            pass
        finally:
            c.close()


def resident_mib(node):
    with open(f"/proc/{node.process.pid}/status") as f:
        return sum(int(line.split()[1]) for line in f if line.startswith(("RssAnon", "RssShmem"))) / 1024


def test_bad_mirrors():
    bad = BadMirror()
    w = World(timeout_ms=500)
    w.nodes["university"].url = bad.url
    with open(w.path("policy"), "w") as f:
        f.write(w.policy())
    w.start("agency", "state", "doj")
    w.open_log()
    before = resident_mib(w.agency)
    for mode in MODES:
        bad.mode = mode
        calls = bad.calls
        slowest = 0
        for _ in range(3):
            start = time.monotonic()
            status, body = w.agency.add(w.finding(), timeout=20)
            assert status == 200, (mode, status, body[:200])
            slowest = max(slowest, time.monotonic() - start)
        assert slowest < 8, (mode, slowest)
        if mode not in ("nothing", "a byte at a time", "no end"):  # those hold the one before them
            until(lambda: bad.calls > calls, 40, f"{mode}: it was asked")
        assert "event=halted" not in w.agency.log(), mode
    assert resident_mib(w.agency) < before + 32, (before, resident_mib(w.agency))
    for name in ("state", "doj"):
        assert w.nodes[name].json("/evidence") == {"evidence": [], "unreconciled": []}
    assert w.close(keep=True)[:3] == [0, 0, 0]
    w.close()


if SANITIZED:
    print("skipped: half a minute of waiting, the same for every build")
    sys.exit(77)
main([test_bad_mirrors])
