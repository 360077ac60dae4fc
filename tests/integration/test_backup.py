#!/usr/bin/python3
"""A copy of a data folder, taken while the node is at work, is whole; put back later, it never makes the node fork."""
import os
import shutil
import subprocess
import threading

from world import BUILD, SANITIZED, World, main, until


def backup(node, dest):
    return subprocess.run([os.path.join(BUILD, "dutylog"), "backup", node.path("data"), dest], capture_output=True, text=True)


def fsck(folder, *more):
    return subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", folder, *more], capture_output=True, text=True)


def everywhere(w):
    size = w.agency.json("/status")["log"]["committed"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return size


def put_back(node, folder):
    shutil.rmtree(node.path("data"))
    shutil.copytree(folder, node.path("data"))


def opened():
    w = World().start()
    w.open_log()
    assert w.agency.add_several([w.finding() for _ in range(200)])[0] == 200
    return w


class Load:
    """Findings, many at a time, until told to stop."""

    def __init__(self, w):
        self.w, self.over, self.logged = w, False, 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            status, _ = self.w.agency.add_several([self.w.finding() for _ in range(50)])
            assert status == 200, status
            self.logged += 50

    def stop(self):
        self.over = True
        self.thread.join()
        assert self.logged > 0


def test_a_backup_under_load_is_whole():
    w = opened()
    load = Load(w)
    sizes = []
    for i in range(3 if SANITIZED else 8):
        for node in w.agency, w.nodes["state"]:
            dest = w.path(f"backup-{node.name}-{i}")
            before = node.json("/logs")["logs"][0]["size"]
            done = backup(node, dest)
            assert done.returncode == 0 and done.stdout.startswith(f"{dest}: 1 logs, "), done
            size = int(done.stdout.split(", ")[1].split(" ")[0])
            assert before <= size <= node.json("/logs")["logs"][0]["size"]
            sizes.append(size)
            assert os.listdir(dest) == ["data.mdb"] and not os.path.exists(dest + ".new")
            assert os.stat(dest).st_mode & 0o77 == 0 and os.stat(dest + "/data.mdb").st_mode & 0o77 == 0
    load.stop()
    assert sizes[-2] > sizes[0], "nothing was logged meanwhile"
    for node in w.agency, w.nodes["state"]:
        for i in 0, 1, 2:
            done = fsck(w.path(f"backup-{node.name}-{i}"), "--signatures")
            assert done.returncode == 0, done
    w.close()


def test_a_log_put_back_never_forks():
    w = opened()
    everywhere(w)
    dest = w.path("backup")
    assert backup(w.agency, dest).returncode == 0
    receipts = []
    for _ in range(3):
        status, receipt = w.agency.add(w.finding())
        assert status == 200
        receipts.append(receipt)
    size = everywhere(w)
    w.agency.kill()
    put_back(w.agency, dest)
    for m in w.MIRRORS:
        w.nodes[m].stop()
    w.agency.start()  # as it is: it waits for its mirrors, and signs nothing
    assert "every-mirror" in w.agency.log()
    assert w.agency.add(w.finding(keep=False))[0] == 503
    assert w.agency.get("/checkpoint")[0] == 200, "reads are served"
    assert w.agency.json("/status")["log"]["signed"] == size - 3
    w.start(*w.MIRRORS)  # it meets its own larger head, and fetches what it lost
    until(lambda: " 3 entries fetched" in w.agency.log() and w.agency.get("/healthz")[1].startswith(b"ok"), 40, "the guard passes")
    assert w.agency.json("/status")["log"]["committed"] == size
    assert all(w.verify(r).returncode == 0 for r in receipts)
    assert w.agency.add(w.finding())[0] == 200
    everywhere(w)
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    w.close()


def test_a_key_that_is_used_elsewhere_halts():
    """A larger head than the head file names: not this node signed it. Nothing is fetched, nothing signed."""
    w = opened()
    everywhere(w)
    w.agency.stop()
    other = w.path("other")
    shutil.copytree(w.agency.folder, other)
    w.agency.start()
    until(lambda: w.agency.get("/healthz")[0] == 200, 20, "the guard passes")
    assert w.agency.add(w.finding())[0] == 200
    size = everywhere(w)
    w.agency.stop()
    w.agency.folder = other  # with its own head file, as a clone has
    w.agency.start()
    until(lambda: w.agency.json("/status")["log"]["state"] == "halted", 20, "the larger head is seen")
    assert w.agency.json("/status")["log"]["signed"] == size - 1
    assert w.agency.add(w.finding(keep=False))[0] == 503
    assert "event=behind" not in w.agency.log()
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    w.close()


def test_a_mirror_put_back_takes_what_it_missed():
    w = opened()
    everywhere(w)
    state = w.nodes["state"]
    dest = w.path("backup")
    assert backup(state, dest).returncode == 0
    assert w.agency.add_several([w.finding() for _ in range(300)])[0] == 200
    size = everywhere(w)
    state.kill()
    put_back(state, dest)
    state.start()
    assert "cosigns-nothing" in state.log()
    until(lambda: w.agency.add(w.finding())[0] == 200 and state.json("/logs")["logs"][0]["mirrored"] > size, 40, "it follows again")
    assert "guard" not in state.json("/logs")["logs"][0]
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    w.close()


def test_what_is_refused():
    w = opened()
    dest = w.path("backup")
    os.mkdir(dest + ".new")
    with open(dest + ".new/data.mdb", "w") as f:
        f.write("half of an earlier one" * 100000)
    assert backup(w.agency, dest + "/").returncode == 0
    assert fsck(dest).returncode == 0
    done = backup(w.agency, dest)
    assert done.returncode == 1 and "never written over" in done.stderr, done
    done = backup(w.agency, w.path("no/such/place"))
    assert done.returncode == 3 and "No such file" in done.stderr, done
    w.nodes["state"].folder = w.path("nothing")
    done = backup(w.nodes["state"], w.path("other"))
    assert done.returncode != 0 and not os.path.exists(w.path("other")), done
    full = subprocess.run(["sh", "-c", f"ulimit -f 64; exec {BUILD}/dutylog backup {w.agency.path('data')} {w.path('full')}"],
                          capture_output=True, text=True)
    assert full.returncode != 0 and not os.path.exists(w.path("full")), full
    w.close()


main([test_a_backup_under_load_is_whole, test_a_log_put_back_never_forks, test_a_key_that_is_used_elsewhere_halts,
      test_a_mirror_put_back_takes_what_it_missed, test_what_is_refused])
