#!/usr/bin/python3
"""The start-up guard: a folder put back from a backup is known for what it is, and signs nothing that its mirrors have not confirmed."""
import base64
import os
import shutil
import subprocess
import time

import forge
from world import BUILD, World, head_file, main, read_head, until


def world_with_findings(count, **more):
    w = World(**more).start()
    w.open_log()
    for _ in range(count):
        assert w.agency.add(w.finding())[0] == 200
    everywhere(w)
    return w


def everywhere(w, *mirrors):
    size = w.agency.json("/status")["log"]["committed"]
    for m in mirrors or w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] == size, 10, f"{m} has all")
    return size


def copy(node):
    """A backup of the folder; the node must be stopped."""
    shutil.copytree(node.path("data"), node.path("data.old"))


def put_back(node):
    shutil.rmtree(node.path("data"))
    shutil.move(node.path("data.old"), node.path("data"))


def state(w):
    return w.agency.json("/status")["log"]


def add_when_up(w, note):
    until(lambda: w.agency.add(note)[0] == 200, 20, "the log takes submissions")


def refuses_to_start(node, *words):
    node.write_config()
    done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", node.path("node.ini")], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_the_head_file_follows():
    w = world_with_findings(2)
    size = state(w)["signed"]
    said = read_head(w.agency.path("head"))
    assert said["head"][0].split(" ")[0] == str(size), said
    root = w.agency.get("/checkpoint")[1].decode().split("\n")[2]
    assert said["head"][0].split(" ")[1] == root
    assert said["log"] == [w.origin]
    assert sorted(said["mirror"]) == sorted(k.vkey for k in w.mirror_keys.values())
    for m in w.MIRRORS:
        said = read_head(w.nodes[m].path("head"))
        assert int(said["commit"][0]) > 0 and "log" not in said
    # it matches: two mirrors are enough
    w.agency.kill()
    w.nodes["state"].stop()
    w.agency.start()
    add_when_up(w, w.finding())
    w.close()


def test_a_candidate_that_one_mirror_has():
    """What was signed after the backup reached one mirror alone, and no quorum knows it: every mirror is heard first."""
    w = world_with_findings(2)
    size = everywhere(w)
    w.agency.stop()
    copy(w.agency)
    w.agency.start()
    until(lambda: w.agency.get("/healthz")[0] == 200, 20, "the guard passes")
    w.nodes["state"].stop()
    w.nodes["doj"].stop()
    assert w.agency.add(w.finding(), timeout=0.5)[0] == 0, "there is no quorum"
    everywhere(w, "university")
    w.agency.kill()
    w.nodes["university"].stop()
    put_back(w.agency)
    w.start("state", "doj", "agency")
    until(lambda: all(m["cosigned"] == size for m in state(w)["mirrors"] if "university" not in m["name"]), 20, "two are heard")
    time.sleep(1.5)
    assert state(w)["signed"] == size and state(w)["committed"] == size
    status, why = w.agency.get("/healthz")
    assert status == 503 and b"university.example/mirror" in why and b"state" not in why, (status, why)
    assert "university" in state(w)["guard"]
    assert w.agency.add(w.finding(keep=False))[0] == 503
    assert w.agency.get("/checkpoint")[0] == 200, "reads are served"
    # it comes back, shows what was lost, and the log goes on from there
    w.nodes["university"].start()
    until(lambda: w.agency.get("/healthz")[0] == 200 and "entries fetched" in w.agency.log(), 40, "what was lost is fetched")
    assert w.agency.add(w.finding())[0] == 200
    assert state(w)["committed"] == size + 2
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}, "an honest log forked"
    w.close()


def signed_for_nobody(w):
    """The folder of before a candidate that was signed and reached no mirror is put back. Gives its size, and the one that the head file names."""
    size = everywhere(w)
    w.agency.stop()
    copy(w.agency)
    w.agency.start()
    until(lambda: w.agency.get("/healthz")[0] == 200, 20, "the guard passes")
    for m in w.MIRRORS:
        w.nodes[m].stop()
    assert w.agency.add(w.finding(keep=False), timeout=0.5)[0] == 0, "there is no quorum"
    until(lambda: state(w)["signed"] == size + 1, 20, "the candidate is signed")
    w.agency.kill()
    put_back(w.agency)
    signed = int(read_head(w.agency.path("head"))["head"][0].split(" ")[0])
    assert signed == size + 1
    return size, signed


def test_a_candidate_that_nobody_has_ends_the_log():
    """The head file says that it was signed, and every mirror says that it is not there: nothing more is signed."""
    w = world_with_findings(2)
    size, signed = signed_for_nobody(w)
    w.start("state", "doj", "agency")
    until(lambda: "university.example/mirror" in state(w).get("guard", ""), 20, "one is not heard")
    assert "halted" not in w.agency.log(), "it may have it"
    w.nodes["university"].start()
    until(lambda: "event=halted" in w.agency.log(), 40, "the log halts")
    assert f"names a checkpoint of size {signed} " in w.agency.log() and "no mirror has more" in w.agency.log()
    assert state(w)["signed"] == size
    status, why = w.agency.get("/healthz")
    assert status == 503 and str(signed).encode() in why, (status, why)
    assert w.agency.add(w.finding(keep=False))[0] == 503
    assert w.agency.get("/checkpoint")[0] == 200, "reads are served"
    # so it is at every start
    w.agency.stop()
    w.agency.start()
    until(lambda: "event=halted" in w.agency.log(), 40, "it halts again")
    assert state(w)["signed"] == size
    assert read_head(w.agency.path("head"))["head"][0].split(" ")[0] == str(signed)
    w.close()


def test_a_head_file_of_another_history_is_refused():
    """With the head file lost as well nobody knows of that candidate, and the log goes on. The file turns up again: it is not for this folder."""
    w = world_with_findings(2)
    size, signed = signed_for_nobody(w)
    os.rename(w.agency.path("head"), w.agency.path("head.found"))
    w.start(*w.MIRRORS, "agency")
    add_when_up(w, w.finding())
    assert everywhere(w) == signed
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    w.agency.stop()
    ours = w.agency.path("head.ours")
    os.rename(w.agency.path("head"), ours)
    os.rename(w.agency.path("head.found"), w.agency.path("head"))
    refuses_to_start(w.agency, f"size {signed} ", "another history")
    os.rename(ours, w.agency.path("head"))
    w.agency.start()
    add_when_up(w, w.finding())
    w.close()


def test_the_head_file_is_first():
    """Killed after the commit of a cut and before the head file's: the file names that cut before it is pushed to anybody."""
    w = world_with_findings(1)
    w.agency.stop()
    shutil.copy(w.agency.path("head"), w.agency.path("head.before"))
    w.agency.start()
    add_when_up(w, w.finding())
    size = everywhere(w)
    for node in w.nodes.values():
        node.stop()
    shutil.copy(w.agency.path("head.before"), w.agency.path("head"))
    w.agency.start()
    assert read_head(w.agency.path("head"))["head"][0].split(" ")[0] == str(size)
    assert "every-mirror" in w.agency.log()
    w.start(*w.MIRRORS)
    add_when_up(w, w.finding())
    w.close()


def test_an_exempt_mirror_is_not_waited_for():
    w = world_with_findings(1)
    w.agency.stop()
    os.remove(w.agency.path("head"))
    w.nodes["university"].stop()
    w.agency.start()
    until(lambda: b"university.example/mirror university.example/witness" in w.agency.get("/healthz")[1], 20, "it waits for one")
    w.agency.stop()
    w.agency.exempt = ["university.example/mirror", "university.example/witness"]
    w.agency.start()
    add_when_up(w, w.finding())
    assert "event=exempt name=university.example/mirror" in w.agency.log()
    # the file was made good, so that next time a quorum is enough
    w.agency.exempt = []
    assert read_head(w.agency.path("head"))["head"][0].split(" ")[0] == str(state(w)["signed"])
    w.agency.stop()
    w.agency.start()
    add_when_up(w, w.finding())
    w.close()


def test_what_refuses_to_start():
    w = world_with_findings(1)
    w.agency.stop()
    os.rename(w.agency.path("data"), w.agency.path("data.old"))
    refuses_to_start(w.agency, "head", "restore-from", "keygen --head")
    os.remove(w.agency.path("head"))
    refuses_to_start(w.agency, "restore-from")
    os.makedirs(w.agency.path("data"), exist_ok=True)
    w.agency.head = "data/head"
    refuses_to_start(w.agency, "node.ini:", "head", "data folder")
    w.agency.head = "head"
    shutil.rmtree(w.agency.path("data"))
    os.rename(w.agency.path("data.old"), w.agency.path("data"))
    head_file(w.agency.path("head"), "other.example/log")  # of another log
    w.agency.start()
    until(lambda: "every-mirror" in w.agency.log(), 5, "it is told")
    add_when_up(w, w.finding())
    second = w.nodes["state"]
    second.stop()
    second.head = w.agency.path("head")
    refuses_to_start(second, "another process")
    w.close()


def test_keygen_makes_the_head_file():
    w = World(heads=False)
    path = w.path("new-head")

    def keygen(*more):
        return subprocess.run([os.path.join(BUILD, "dutylog"), "keygen", *more], capture_output=True, text=True)

    done = keygen("--name", "new.example/log", "--out", w.path("new.key"), "--head", path)
    assert done.returncode == 0, done
    assert os.stat(path).st_mode & 0o077 == 0
    empty = base64.b64encode(bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")).decode()
    assert read_head(path) == {"writing": ["0"], "commit": ["0"], "log": ["new.example/log"], "head": [f"0 {empty}"],
                               "sum": read_head(path)["sum"]}
    done = keygen("--name", "new.example/other", "--out", w.path("other.key"), "--head", path)
    assert done.returncode == 1 and not os.path.exists(w.path("other.key")), done
    done = keygen("--cosigner", "--name", "m.example/mirror", "--out", w.path("m.key"), "--head", w.path("m-head"))
    assert done.returncode == 0 and "log" not in read_head(w.path("m-head")), done
    w.close()


def log_of(node):
    return node.json("/logs")["logs"][0]


def restored_mirror(w):
    """The state's folder of two findings ago is put back. Gives the sizes then and now, and all entries."""
    state_node = w.nodes["state"]
    old = everywhere(w)
    state_node.stop()
    copy(state_node)
    state_node.start()
    for _ in range(2):
        assert w.agency.add(w.finding())[0] == 200
    size = everywhere(w)
    leaves = [forge.leaf_hash(e) for e in forge.entries(w.agency, "", size)]
    state_node.stop()
    put_back(state_node)
    return old, size, leaves


def cosigns_backwards(w, old, leaves):
    """Asks the state's node to cosign what is smaller than what it cosigned, as a dishonest log might; what it answers."""
    node = w.nodes["state"]
    assert log_of(node)["pending"] == old
    answers = []
    body = forge.add_checkpoint(old, forge.consistency(old, leaves[:old + 1]), forge.checkpoint(w.log, leaves[:old + 1]))
    answers.append(node.request("POST", "/add-checkpoint", body)[0])
    origin = w.origin.encode()
    for size in old, old + 1:  # the mirror checkpoint it had, and the pending one
        body = len(origin).to_bytes(2, "big") + origin + old.to_bytes(8, "big") + size.to_bytes(8, "big") + b"\0\0"
        answers.append(node.request("POST", "/add-entries", body, {"Content-Type": "application/octet-stream"})[0])
    return answers


def test_a_restored_mirror_never_cosigns_backwards():
    w = world_with_findings(2)
    old, size, leaves = restored_mirror(w)
    node = w.nodes["state"]
    w.nodes["doj"].stop()
    node.start()
    until(lambda: "event=not-heard" in node.log(), 20, "it asks")
    assert log_of(node)["guard"] == "asking"
    assert cosigns_backwards(w, old, leaves) == [503, 503, 409]
    # one of three mirrors is off, one holds back: there is no quorum
    note = w.finding()
    assert w.agency.add(note, timeout=0.5)[0] == 0
    assert log_of(node)["pending"] == old and log_of(node)["mirrored"] == old
    # all are heard: it takes what it missed, and goes on
    w.nodes["doj"].start()
    until(lambda: w.agency.add(note)[0] == 200, 40, "the quorum is back")
    until(lambda: "guard" not in log_of(node) and log_of(node)["mirrored"] == size + 1, 40, "it has all, and its guard is over")
    status, checkpoint = node.get(f"/{log_of(node)['id']}/checkpoint")
    assert status == 200 and checkpoint.split(b"\n")[1] == str(size + 1).encode()
    for m in w.MIRRORS:
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    # from now on it is as any other
    node.stop()
    node.start()
    assert "guard" not in log_of(node)
    assert w.agency.add(w.finding())[0] == 200
    assert w.close() == [0, 0, 0, 0]


def test_a_restored_mirror_catches_up_with_a_quiet_log():
    """Nothing more is logged or pushed: the mirror asks how far the log came, and fetches what it lacks."""
    w = world_with_findings(2)
    node = w.nodes["state"]
    _, size, _ = restored_mirror(w)
    node.start()
    until(lambda: log_of(node)["mirrored"] == size and "guard" not in log_of(node), 40, "it has all")
    w.close()


def test_a_mirror_without_its_head_file_asks_first():
    w = world_with_findings(1)
    node = w.nodes["state"]
    size = everywhere(w)
    node.stop()
    os.remove(node.path("head"))
    w.agency.stop()
    node.start()
    until(lambda: "event=not-heard" in node.log(), 20, "it asks")
    leaves = [forge.leaf_hash(e) for e in forge.entries(w.nodes["doj"], "/" + log_of(node)["id"], size)]
    body = forge.add_checkpoint(size, [], forge.checkpoint(w.log, leaves))
    assert node.request("POST", "/add-checkpoint", body)[0] == 503
    w.agency.start()
    until(lambda: node.request("POST", "/add-checkpoint", body)[0] == 200, 40, "it cosigns again")
    add_when_up(w, w.finding())
    w.close()


def test_an_exempt_source_is_not_asked():
    w = world_with_findings(1)
    node = w.nodes["state"]
    restored_mirror(w)
    w.nodes["doj"].stop()
    node.exempt = ["doj.example/mirror"]
    node.start()
    add_when_up(w, w.finding())
    until(lambda: "guard" not in log_of(node), 40, "its guard is over")
    w.close()


main([test_the_head_file_follows, test_a_candidate_that_one_mirror_has, test_a_candidate_that_nobody_has_ends_the_log,
      test_a_head_file_of_another_history_is_refused, test_the_head_file_is_first, test_an_exempt_mirror_is_not_waited_for,
      test_what_refuses_to_start, test_keygen_makes_the_head_file,
      test_a_restored_mirror_never_cosigns_backwards, test_a_restored_mirror_catches_up_with_a_quiet_log, test_a_mirror_without_its_head_file_asks_first,
      test_an_exempt_source_is_not_asked])
