#!/usr/bin/python3
"""dutylog monitor: nodes that agree, one behind, one silent, one gone back, one dead, garbage, and a fork with its proof."""
import glob
import json
import os
import socket
import subprocess
import threading

import forge
from world import BUILD, World, main, until


def monitor(w, *urls, ok=0, options=()):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "monitor", *urls, "--policy", w.path("policy"), "--evidence",
                           w.path("evidence"), *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == ok, (done.returncode, done.stdout, done.stderr)
    return done.stdout


def started(count):
    w = World().start()
    w.open_log()
    for _ in range(count):
        assert w.agency.add(w.finding())[0] == 200
    size = w.agency.json("/status")["log"]["published"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return w, [w.agency.url, *(w.nodes[m].url for m in w.MIRRORS)], size


def test_what_fits_and_what_does_not_yet():
    w, urls, size = started(3)
    state = ("--state", w.path("state"))
    out = monitor(w, *urls, options=state)
    assert out.count(f" {size} ") == 4 and "fork" not in out, out
    assert monitor(w, *urls, options=("--quiet",)) == ""
    # One mirror stands still: behind, which is a finding only for how long.
    w.nodes["doj"].stop()
    assert w.agency.add(w.finding())[0] == 200
    w.nodes["doj"].sections[-1] = w.nodes["doj"].sections[-1].replace("url = ", "# url = ")
    found = json.loads(monitor(w, *urls, ok=3, options=("--json", *state)))[0]
    assert [f["type"] for f in found["findings"]] == ["unreachable"], found
    # Nobody cosigned for as long as asked.
    out = monitor(w, urls[0], ok=1, options=("--silent-after", "1"))
    assert "silent" in out and "doj.example/mirror" in out, out
    # A node that serves less than it did, or nothing.
    w.nodes["doj"].start()
    served = w.nodes["doj"].get("/" + forge.hashlib.sha256(w.origin.encode()).hexdigest() + "/checkpoint")[1]
    assert int(served.split(b"\n")[1]) in (size, size + 1)
    w.nodes["state"].stop()
    for name in ("data.mdb", "lock.mdb"):
        os.unlink(w.nodes["state"].path("data", name))
    os.unlink(w.nodes["state"].path("head"))
    w.nodes["state"].sections[-1] = w.nodes["state"].sections[-1].replace("url = ", "# url = ")
    w.agency.stop()
    w.nodes["state"].head = None
    w.nodes["state"].start()
    found = json.loads(monitor(w, *urls[1:], ok=1, options=("--json", *state)))[0]
    assert "shrunk" in [f["type"] for f in found["findings"]], found
    # Another monitor on one state folder is refused; a damaged record is told.
    (record,) = glob.glob(w.path("state/*.json"))
    with open(record, "w") as f:
        f.write("[]")
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "monitor", urls[2], "--policy", w.path("policy"), "--evidence",
                           w.path("evidence"), *state], capture_output=True, text=True)
    assert done.returncode == 3 and "not a monitor's record" in done.stderr, done
    w.agency.process = None
    w.close()


def test_forks_are_proved():
    w, urls, size = started(4)
    real = forge.entries(w.agency, "", size)
    for edited, form in (([*real[:4], real[4].replace(b"sustained", b"unfounded"), *real[5:]], "a"),
                         ([*real[:5], *real[6:], *[real[6].replace(b"sustained", b"unfounded")] * 3], "b")):
        note = forge.checkpoint(w.log, [forge.leaf_hash(e) for e in edited])
        server = forge.serve(0, edited, note)
        url = f"http://127.0.0.1:{server.server_address[1]}"
        out = monitor(w, *urls, url, ok=1)
        assert "fork" in out, out
        proved = 0
        for path in glob.glob(w.path("evidence/*.evidence")):
            done = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", path, "--key", w.log.vkey],
                                  capture_output=True, text=True)
            assert done.returncode == 0, done
            proved += f"evidence ({form})" in done.stdout
        assert proved == 1, out
        server.shutdown()
    w.close()


def garbage(answer):
    """A server that says this to everybody. Returns its address."""
    s = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                c, _ = s.accept()
                c.recv(4096)
                c.sendall(answer)
                c.close()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{s.getsockname()[1]}"


def test_garbage_is_named_and_harms_nobody():
    w, urls, size = started(1)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
    other = World()  # another log of the same name, and another key
    note = forge.checkpoint(other.log, [forge.leaf_hash(b"x")])
    for body, says in ((b"hello\n", "bad"), (note, "not signed by the log's key"), (b"\0" * 70000, "unreachable")):
        url = garbage(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        out = monitor(w, *urls, url, ok=3 if says == "unreachable" else 1)
        assert says in out and "fork" not in out, (says, out)
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "monitor", urls[0]], capture_output=True, text=True)
    assert done.returncode == 2 and "nothing is believed unsigned" in done.stderr, done
    w.close()
    other.close()


main([test_what_fits_and_what_does_not_yet, test_forks_are_proved, test_garbage_is_named_and_harms_nobody])
