#!/usr/bin/python3
"""A node that lost everything but its keys is rebuilt from a mirror, and goes on as if nothing had happened."""
import http.server
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import forge
from world import BUILD, World, main, until


def everywhere(w):
    size = w.agency.json("/status")["log"]["committed"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return size


def world(findings):
    w = World().start()
    w.open_log()
    receipts = []
    for at in range(0, findings, 500):
        status, body = w.agency.add_several([w.finding() for _ in range(min(500, findings - at))])
        assert status == 200
        receipts += [json.loads(line)["receipt"] for line in body.splitlines()[:3]]
    everywhere(w)
    return w, [w.agency.get("/" + r.lstrip("/"))[1] for r in receipts]


def restore(node, url, **more):
    node.write_config()
    command = [os.path.join(BUILD, "dutylogd"), "-c", node.path("node.ini"), "--restore-from", url]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **more)


def fsck(node):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", node.path("data")], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Source:
    """A mirror's address in front of another's: `change(path, body)` gives what is served instead; None: it hangs."""

    def __init__(self, node, change):
        outer = self
        self.paths = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.paths.append(self.path)
                status, body = node.get(self.path)
                body = change(self.path, body)
                if body is None:
                    time.sleep(60)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def goes_on(w, size, receipts):
    """The restored node serves what it had, and takes the next event under the next seq."""
    w.agency.start()
    until(lambda: w.agency.get("/healthz")[1].startswith(b"ok"), 20, "the guard passes")
    assert w.agency.json("/status")["log"]["committed"] == size
    for receipt in receipts:
        assert w.verify(receipt).returncode == 0
    note = w.finding()
    status, receipt = w.agency.add(note)
    assert status == 200 and w.verify(receipt).returncode == 0, (status, receipt)
    assert w.agency.add(note)[0] == 200, "it knows the event again"
    everywhere(w)
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}


def test_a_lost_node_is_restored():
    w, receipts = world(1500)
    size = everywhere(w)
    before = forge.entries(w.agency, "", size)
    w.agency.kill()
    shutil.rmtree(w.agency.path("data"))
    done = restore(w.agency, w.nodes["state"].url + "/")
    assert done.returncode == 0 and "start it with -c alone" in done.stderr, done
    assert "by=state.example/mirror" in done.stderr, done.stderr
    assert fsck(w.agency)[0] == 0, fsck(w.agency)
    goes_on(w, size, receipts)
    assert forge.entries(w.agency, "", size) == before
    status, again = w.agency.get(f"/receipt/{w.desk.name}/7")
    assert status == 200 and w.verify(again).returncode == 0, (status, again)
    assert fsck(w.agency)[0] == 0
    # with all of it there nothing is fetched, and it starts as before
    w.agency.stop()
    done = restore(w.agency, w.nodes["doj"].url)
    assert done.returncode == 0 and "0 entries fetched" in done.stderr, done
    goes_on(w, size + 1, receipts)
    w.close()


def test_an_old_folder_is_brought_up():
    """The folder of a backup: what was lost is fetched, and nothing is signed twice."""
    w, receipts = world(300)
    w.agency.stop()
    shutil.copytree(w.agency.path("data"), w.agency.path("data.old"))
    w.agency.start()
    until(lambda: w.agency.get("/healthz")[0] == 200, 20, "the guard passes")
    assert w.agency.add_several([w.finding() for _ in range(400)])[0] == 200
    size = everywhere(w)
    w.agency.stop()
    shutil.rmtree(w.agency.path("data"))
    shutil.move(w.agency.path("data.old"), w.agency.path("data"))
    done = restore(w.agency, w.nodes["doj"].url)
    assert done.returncode == 0 and " 400 entries fetched" in done.stderr, done
    goes_on(w, size, receipts)
    w.close()


def test_a_mirror_that_is_behind_is_not_enough():
    """What is restored from it is less than was signed: the node signs nothing until it has fetched the rest elsewhere."""
    w, receipts = world(20)
    w.nodes["state"].stop()
    assert w.agency.add(w.finding())[0] == 200
    size = w.agency.json("/status")["log"]["committed"]
    w.agency.kill()
    w.start("state")
    shutil.rmtree(w.agency.path("data"))
    done = restore(w.agency, w.nodes["state"].url)
    assert done.returncode == 0 and f"restored={size - 1} signed={size}" in done.stderr, done
    w.agency.start()
    until(lambda: "event=behind" in w.agency.log() and " 1 entries fetched" in w.agency.log(), 20, "it sees the larger head")
    until(lambda: w.agency.get("/healthz")[1].startswith(b"ok"), 20, "it is back")
    assert w.agency.stop() == 0
    goes_on(w, size, receipts)
    w.close()


def test_a_lost_mirror_is_restored():
    w, _ = world(300)
    size = everywhere(w)
    state = w.nodes["state"]
    state.kill()
    shutil.rmtree(state.path("data"))
    source = Source(w.nodes["doj"], flip("/tile/entries/000"))
    done = restore(state, source.url)
    source.close()
    assert done.returncode == 0 and "restored 0 of 1 logs, 0 entries" in done.stderr and "entries 0 to 255" in done.stderr, done
    other = World()
    other.agency.start()
    done = restore(state, other.agency.url)
    other.close()
    assert done.returncode == 0 and "restored 0 of 1 logs" in done.stderr and "does not have it" in done.stderr, done
    done = restore(state, w.agency.url)  # the log's own node
    assert done.returncode == 0 and "restored 1 of 1 logs" in done.stderr, done
    assert fsck(state)[0] == 0, fsck(state)
    state.start()
    until(lambda: w.agency.add(w.finding())[0] == 200 and state.json("/logs")["logs"][0]["mirrored"] > size, 40, "it cosigns again")
    assert "guard" not in state.json("/logs")["logs"][0]
    w.close()


def test_killed_and_gone_on_with():
    w, receipts = world(3000)
    size = everywhere(w)
    w.agency.kill()
    shutil.rmtree(w.agency.path("data"))
    for last, how in (5, signal.SIGKILL), (9, signal.SIGTERM):
        source = Source(w.nodes["state"], lambda path, body, n=last: None if f"/tile/entries/{n:03}" in path else body)
        command = [os.path.join(BUILD, "dutylogd"), "-c", w.agency.path("node.ini"), "--restore-from", source.url]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        until(lambda: any(f"/tile/entries/{last:03}" in p for p in source.paths), 20, "it is half-way")
        time.sleep(0.2)
        process.send_signal(how)
        said = process.communicate()[1]
        assert process.returncode == (-9 if how == signal.SIGKILL else 1), process.returncode
        assert how == signal.SIGKILL or "broken off: the same command goes on" in said, said
        source.close()
        assert last == 5 or not any("/tile/entries/000" in p for p in source.paths), "it began anew"
        w.agency.write_config()
        done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", w.agency.path("node.ini")], capture_output=True, text=True)
        assert done.returncode == 2 and "has not ended" in done.stderr, done
    done = restore(w.agency, w.nodes["university"].url)
    assert done.returncode == 0, done
    assert fsck(w.agency)[0] == 0, fsck(w.agency)
    goes_on(w, size, receipts)
    w.close()


def flip(where):
    def change(path, body):
        if where in path:
            at = len(body) // 2
            return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]
        return body
    return change


def test_a_source_that_lies_is_refused():
    w, receipts = world(1500)
    size = everywhere(w)
    w.agency.kill()
    shutil.rmtree(w.agency.path("data"))
    for change, words in (
            (flip("/tile/entries/003"), "entries 768 to 1023"),
            (flip("/tile/1/000"), "tiles that prove them"),
            (flip("/checkpoint"), "no checkpoint signed by its key"),
            (lambda p, b: b[:-40] if "/tile/entries/005" in p else b, "a bundle or tile is not what its path says"),
            (lambda p, b: b[:-20] + b"A" + b[-19:] if p.endswith("/checkpoint") else b, "cosignature by state.example/mirror")):
        source = Source(w.nodes["state"], change)
        done = restore(w.agency, source.url)
        source.close()
        assert done.returncode == 1 and words in done.stderr.splitlines()[-1], (words, done)
    done = restore(w.agency, w.nodes["state"].url)
    assert done.returncode == 0, done
    goes_on(w, size, receipts)
    w.close()


def test_what_is_refused():
    w, _ = world(3)
    for node in w.nodes.values():
        node.write_config()
    done = restore(w.agency, w.nodes["state"].url)  # two processes on one folder
    assert done.returncode == 2 and "in use" in done.stderr, done
    w.agency.stop()
    other = World()  # its folder is of another log
    other.origin = w.origin
    shutil.copytree(w.agency.path("data"), other.agency.path("data"))
    done = restore(other.agency, w.nodes["state"].url)
    assert done.returncode == 2 and "under another key" in done.stderr, done
    shutil.rmtree(other.agency.path("data"))
    other.agency.sections = [s.replace(other.origin, "other.example/log") for s in other.agency.sections]
    done = restore(other.agency, w.nodes["state"].url)
    assert done.returncode == 2 and "not the key" in done.stderr, done
    other.close()
    assert restore(w.agency, "ftp://x").returncode == 2
    w.close()


main([test_a_lost_node_is_restored, test_an_old_folder_is_brought_up,
      test_a_mirror_that_is_behind_is_not_enough, test_a_lost_mirror_is_restored,
      test_killed_and_gone_on_with, test_a_source_that_lies_is_refused, test_what_is_refused])
