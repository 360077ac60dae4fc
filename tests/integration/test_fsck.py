#!/usr/bin/python3
"""fsck: clean folders are clean, and no byte that matters can be changed unnoticed."""
import os
import random
import subprocess

from world import BUILD, World, main, until


def fsck(folder, *options):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "fsck", folder, *options], capture_output=True, text=True,
                          timeout=120)
    return done.returncode, done.stdout + done.stderr


def stopped_world(count):
    w = World().start()
    w.open_log()
    status, _ = w.agency.add_several([w.finding() for _ in range(count)])
    assert status == 200
    size = w.agency.json("/status")["log"]["published"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0].get("judged") == size, 20, f"{m} has judged all")
    for node in w.nodes.values():
        assert node.stop() == 0
    return w


def test_clean_folders():
    w = stopped_world(300)
    for name, node in w.nodes.items():
        keys = []
        if name != "agency":
            keys = ["--cosigner", w.mirror_keys[name].vkey, "--cosigner", w.witness_keys[name].vkey]
        for options in ([], ["--signatures", *keys]):
            code, said = fsck(node.path("data"), *options)
            assert code == 0 and "303 entries, 0 findings" in said, (name, code, said)
    assert fsck(w.path("nowhere"))[0] == 3
    assert fsck(w.agency.path("data"), "--json")[1].startswith('{"entries":303,')
    w.close()


def test_edited_entries_are_named():
    w = stopped_world(300)
    for name in ("agency", "doj"):
        data = w.nodes[name].path("data", "data.mdb")
        with open(data, "rb") as f:
            copy = f.read()
        # one case's handle: in a full block, then in the unfinished one
        for handle in (copy.split(b'"case":"')[1][:32], copy.split(b'"case":"')[-1][:32]):
            with open(data, "wb") as f:
                f.write(copy.replace(b'"case":"' + handle, b'"case":"' + handle[::-1]))
            code, said = fsck(w.nodes[name].path("data"))
            assert code == 1 and "DAMAGED" in said, (name, handle, code, said)
        # an index that points elsewhere: the id in a row of the table of sequences
        # (everywhere: old copies stand in pages that are free)
        with open(data, "wb") as f:
            f.write(copy.replace(bytes.fromhex(w.desk.head), bytes(32)))
        code, said = fsck(w.nodes[name].path("data"))
        assert code == 1, (name, code, said)
        with open(data, "wb") as f:
            f.write(copy)
        assert fsck(w.nodes[name].path("data"))[0] == 0
    w.close()


def test_random_damage_is_no_crash():
    w = stopped_world(60)
    data = w.agency.path("data", "data.mdb")
    with open(data, "rb") as f:
        copy = f.read()
    rng = random.Random(7)
    codes = []
    for _ in range(60):
        damaged = bytearray(copy)
        for _ in range(rng.choice((1, 8, 64))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        with open(data, "wb") as f:
            f.write(damaged)
        codes.append(fsck(w.agency.path("data"))[0])
    assert all(code in (0, 1, 3) for code in codes), codes
    assert codes.count(0) < len(codes), codes  # much of the file is free pages, not all
    w.close()


main([test_clean_folders, test_edited_entries_are_named, test_random_damage_is_no_crash])
