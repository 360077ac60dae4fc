#!/usr/bin/python3
"""Receipts of real nodes, by the verifier that shares no code (tests/check/verify.py)."""
import os
import pathlib
import subprocess
import sys

from world import BUILD, ORI, ROOT, Key, World, main

VERIFY = os.path.join(ROOT, "tests", "check", "verify.py")


def opinion(w, what, data, *options):
    path = pathlib.Path(w.path("paper"))
    path.write_bytes(data)
    return subprocess.run([sys.executable, VERIFY, what, str(path), *options], capture_output=True, text=True)


def same(w, receipt, code, *options):
    """Both verifiers answer so."""
    mine, other = w.verify(receipt, *options), opinion(w, "receipt", receipt, "--policy", w.path("policy"), *options)
    assert (mine.returncode, other.returncode) == (code, code), (code, mine, other)


def test_two_receipts_of_one_log():
    w = World().start()
    w.open_log()
    paths = []
    for i in range(2):
        status, receipt = w.agency.add(w.finding())
        assert status == 200, receipt
        paths.append(w.path(f"receipt-{i}"))
        pathlib.Path(paths[i]).write_bytes(receipt)
    verify = [os.path.join(BUILD, "dutylog"), "verify"]
    options = ["--policy", w.path("policy")]
    done = subprocess.run([*verify, *paths, *options], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith("do not contradict each other\n"), done
    done = subprocess.run([*verify, *paths, *options, "--json"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith('{"contradiction":false}\n'), done
    # one that does not verify is told so, and the other is no worse for it
    pathlib.Path(paths[1]).write_bytes(receipt.replace(b"finding.final", b"finding.finaL"))
    assert subprocess.run([*verify, *paths, *options], capture_output=True).returncode == 1
    assert subprocess.run([*verify, *paths, *paths, *options], capture_output=True).returncode == 2
    assert subprocess.run([*verify, paths[0], "--evidence", w.path("e"), *options], capture_output=True).returncode == 2
    w.close()


def test_receipts():
    w = World().start()
    roots = [x for key in w.roots for x in ("--root", key.vkey)]
    papers = [w.open_log()]
    board, agency = Key("oversight.example/board"), Key("nypd.example/main")
    for key, role, oris in (board, "oversight", []), (agency, "agency", [ORI]):
        status, receipt = w.agency.add(w.event(w.roots[0], "key.enrolled", {
            "basis": "both", "from": "2024-01-01", "kinds": ["*"], "oris": oris, "role": role, "vkey": key.vkey}))
        assert status == 200, receipt
        papers.append(receipt)
    desk = Key("nypd.example/desk-2")
    notes = [w.event(agency, "key.enrolled", {
        "basis": "live", "from": "2024-01-02", "kinds": ["finding.final"], "oris": [ORI], "role": "clerk", "vkey": desk.vkey})]
    finding = {"basis": "live", "case": "00112233445566778899aabbccddeeff", "decided": "2023-09-20",
               "decided_by": "commissioner", "disposition": "sustained", "ori": ORI, "party": "officer"}
    notes += [w.event(board, "finding.final", finding), w.finding(body="ab" * 32)]
    notes += [w.event(desk, "finding.final", finding)]
    for note in notes:
        status, receipt = w.agency.add(note)
        assert status == 200, receipt
        papers.append(receipt)
    for path in f"/receipt/{w.operator.name}/1", f"/receipt/{w.roots[0].name}/1", f"/receipt/{w.desk.name}/1":
        status, receipt = w.agency.get(path)
        assert status == 200, receipt
        papers.append(receipt)
    for receipt in papers:
        same(w, receipt, 0)
        same(w, receipt, 0, *roots, "--threshold", "2")
        same(w, receipt, 1, *roots)
        at = receipt.rindex(b'"seq":')
        same(w, receipt[:at] + b'"sEq":' + receipt[at + 6:], 1)
    other = pathlib.Path(w.path("policy")).read_text().replace("mirrors 2", "mirrors 3").replace("\nwitness", "\n witness")
    pathlib.Path(w.path("policy")).write_text(other)
    for receipt in papers:  # two or three cosigned; what matters is one answer
        same(w, receipt, w.verify(receipt).returncode)
    w.close()


main([test_receipts, test_two_receipts_of_one_log])
