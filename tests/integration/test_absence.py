#!/usr/bin/python3
"""Absence files as an enemy makes them who may sign any list: both verifiers take what is proved, and nothing else."""
import base64
import datetime
import json
import os
import pathlib
import subprocess
import sys

import forge
from world import BUILD, Key, World, main

CHECK = pathlib.Path(__file__).resolve().parents[1] / "check"
sys.path.insert(0, str(CHECK))
import verify  # noqa: E402

KEYS = "ab" * 32


def leaf(*key, other=("GUILTY",)):
    return json.dumps([list(key), list(other)], ensure_ascii=False, separators=(",", ":")).encode()


def path_of(index, hashes):
    """The inclusion proof of RFC 6962, section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = forge.split(len(hashes))
    if index < k:
        return path_of(index, hashes[:k]) + [forge.root(hashes[k:])]
    return path_of(index - k, hashes[k:]) + [forge.root(hashes[:k])]


class List:
    """A list of any leaves in any order, signed and logged."""

    def __init__(self, w, key, leaves, day, count=None, name="nypd", keys=KEYS):
        self.leaves, self.hashes = leaves, [forge.leaf_hash(text) for text in leaves]
        status, body = w.agency.add(w.event(key, "list.observed", {
            "address": "file:list.csv", "count": len(leaves) if count is None else count, "file": "cd" * 32, "keys": keys,
            "list": name, "mapping": "ef" * 32, "observed": day if isinstance(day, str) else f"2023-09-{day:02}T00:00:00Z", "root": forge.root(self.hashes).hex()}))
        assert status == 200, body
        self.receipt = body

    def item(self, index, said=None, text=None):
        path = path_of(index, self.hashes)
        return (f"leaf {index if said is None else said} {len(path)}\n".encode() + (text or self.leaves[index]) + b"\n"
                + b"".join(base64.b64encode(h) + b"\n" for h in path))


def ahead(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def absence(a, b, row, *around):
    parts = b"".join(f"part {len(r)}\n".encode() + r for r in (a.receipt, b.receipt))
    return b"dutylog/absence/v1\n" + parts + row + b"".join(around)


def judge(w, files):
    """What both say to each file."""
    for name, data in files.items():
        with open(w.path(name), "wb") as f:
            f.write(data)
    said = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", "--batch", "--policy", w.path("policy")], text=True,
                          input="".join(w.path(name) + "\n" for name in files), capture_output=True).stdout.splitlines()
    policy = verify.parse_policy(open(w.path("policy"), "rb").read())
    told = {}
    for name, data in files.items():
        try:
            verify.verify_absence(data, policy)
            told[name] = "ok"
        except verify.Bad as why:
            told[name] = str(why)
    said = dict(zip(files, said, strict=True))
    for name in files:
        assert (said[name] == "ok") == (told[name] == "ok"), (name, said[name], told[name])
    return said


def test_forged_absences():
    w = World()
    w.start()
    w.open_log()
    key = Key("observer.example/desk-1")
    assert w.agency.add(w.event(w.roots[0], "key.enrolled", {
        "basis": "live", "kinds": ["list.observed"], "oris": [], "role": "observer", "vkey": key.vkey}))[0] == 200
    # Keys that begin alike, with the characters that JSON escapes, and beyond ASCII; one twice.
    rows = sorted([leaf("A"), leaf("AB"), leaf('A"'), leaf("A\\"), leaf("A", "B"), leaf("A]"), leaf("A],["), leaf("\u00c9"), leaf("M"),
                   leaf("M", other=("NOT GUILTY",)), leaf("Z"), leaf("\U0001f600")])
    a = List(w, key, rows, 1)
    at = {text: i for i, text in enumerate(rows)}
    good, bad = {}, {}
    # Each key that is left out is absent, by its neighbours; with its own row there, whatever stands around it is refused.
    for i, text in enumerate(rows):
        prefix = text[:text.rindex(b",[") + 1]
        rest = [r for r in rows if not r.startswith(prefix)]
        b = List(w, key, rest, 2)
        n = sum(r < prefix for r in rest)
        sides = [b.item(j) for j in (n - 1, n) if 0 <= j < len(rest)]
        good[f"absent-{i}"] = absence(a, b, a.item(i), *sides)
        there = List(w, key, sorted(rest + [leaf(*json.loads(text)[0], other=("CHANGED", "ALTOGETHER"))]), 3)
        for j in range(len(there.leaves) - 1):
            bad[f"there-{i}-{j}"] = absence(a, there, a.item(i), there.item(j), there.item(j + 1))
        bad[f"there-{i}-around"] = absence(a, there, a.item(i), *[there.item(j) for j in (n - 1, n + 1) if 0 <= j < len(there.leaves)])
        bad[f"there-{i}-first"] = absence(a, there, a.item(i), there.item(0))
        bad[f"there-{i}-last"] = absence(a, there, a.item(i), there.item(len(there.leaves) - 1))
    row, m = a.item(at[leaf("M")]), at[leaf("M")]
    b = List(w, key, [leaf("B"), leaf("L"), leaf("N"), leaf("P")], 4)
    empty, lying = List(w, key, [], 5), List(w, key, [leaf("B")], 6, count=0)
    below, above = b.item(1), b.item(2)
    good["between"], good["empty"] = absence(a, b, row, below, above), absence(a, empty, row)
    bad |= {
        "apart": absence(a, b, row, b.item(0), above), "turned": absence(a, b, row, above, below),
        "one": absence(a, b, row, below), "other-one": absence(a, b, row, above), "none": absence(a, b, row),
        "three": absence(a, b, row, below, above, b.item(3)), "twice": absence(a, b, row, below, below),
        "index": absence(a, b, row, b.item(1, said=0), above), "beyond": absence(a, b, row, below, b.item(2, said=6)),
        "end": absence(a, b, row, b.item(1, said=3)), "other-text": absence(a, b, row, b.item(1, text=leaf("LA")), above),
        "same": absence(b, b, b.item(0), below, above), "backwards": absence(b, a, b.item(0), a.item(5), a.item(6)),
        "not-there": absence(a, b, b.item(0), below, above), "none-of-it": absence(a, b, below, below, above),
        "other-tree": absence(a, b, row, a.item(m - 1), a.item(m + 2 - 1)), "empty-with": absence(a, empty, row, below),
        "trailing": absence(a, b, row, below, above) + b"\n", "count-0": absence(a, lying, row, lying.item(0)),
        "other-list": absence(a, List(w, key, b.leaves, 7, name="lapd"), row, below, above),
        "other-keys": absence(a, List(w, key, b.leaves, 8, keys="ff" * 32), row, below, above),
        "future": absence(a, List(w, key, b.leaves, ahead(2)), row, below, above), "receipts-turned": absence(b, a, row, below, above)}
    good["tomorrow"] = absence(a, List(w, key, b.leaves, ahead(1)), row, below, above)  # a clock that is ahead
    # Leaves that are none: no canonical JSON, other types, no key, half a character, too many cells, too long.
    for n, text in enumerate((b'[["M"], ["X"]]', b'[["M"],["\\u0058"]]', b'[["M"],[1]]', b'[["M"],[["X"]]]', b'[[],["X"]]', b'[["M"]]',
                              b'[["M"],["X"],[]]', b'{"M":"X"}', b'[["M"],["\\ud800"]]', b'[["M"],["\xff"]]', b'[["M"],["\xed\xa0\x80"]]',
                              b'[["M"],"X"]', b"[" * 4000 + b"]" * 4000, leaf(*"M" * 65), leaf("M", other=["X"] * 65), leaf("M" * 8192),
                              b'[["M"],[null]]', b"", b'[["M"],["X\x00"]]', b'[["M"],["X"]]\r', b'[["M"],["\\u001B"]]')):
        odd = List(w, key, [text], 1)
        bad[f"odd-{n}"] = absence(odd, empty, odd.item(0))
    control = List(w, key, [leaf("M\x1b[31m\u009b1m\u202e")], 1)
    good["control"] = absence(control, empty, control.item(0))
    said = judge(w, good | bad)
    assert all(said[name] == "ok" for name in good), {n: said[n] for n in good if said[n] != "ok"}
    assert all(said[name] != "ok" for name in bad), [n for n in bad if said[n] == "ok"]
    # What an observer wrote does not steer the terminal on which it is verified.
    words = subprocess.run([os.path.join(BUILD, "dutylog"), "verify", w.path("control"), "--policy", w.path("policy")],
                           capture_output=True, text=True).stdout
    assert "M?[31M?1M?".lower() in words.lower() and "\x1b" not in words, words
    w.close()


if __name__ == "__main__":
    main([test_forged_absences])
