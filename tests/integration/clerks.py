"""Clerks who go on whatever happens to the node: each submits one event after another, and keeps every receipt."""
import os
import threading
import time

import forge
from world import Key, ORI, until


class Clerk(threading.Thread):
    """Submits one event after another, and retries the same bytes until it holds the receipt."""

    def __init__(self, world, key):
        super().__init__(daemon=True)
        self.world, self.key, self.receipts, self.stop, self.error = world, key, [], False, None

    def run(self):
        while not self.stop and self.error is None:
            note = self.world.event(self.key, "finding.final", {
                "basis": "live", "case": os.urandom(16).hex(), "decided": "2023-09-20", "decided_by": "commissioner",
                "disposition": "sustained", "ori": ORI, "party": "officer"})
            while True:
                status, body = self.world.agency.add(note)
                if status == 200:
                    self.receipts.append((note, body))
                    break
                if status not in (0, 202, 503):
                    self.error = (status, body)
                    break
                time.sleep(0.02)


def enrol_clerks(w, count):
    """Keys enrolled by a root, a clerk with each, running."""
    clerks = []
    for i in range(count):
        key = Key(f"nypd.example/desk-{i + 10}")
        status, body = w.agency.add(w.event(w.roots[0], "key.enrolled", {
            "basis": "live", "kinds": ["*"], "oris": [ORI], "role": "clerk", "vkey": key.vkey}))
        assert status == 200, (status, body)
        clerks.append(Clerk(w, key))
    for clerk in clerks:
        clerk.start()
    return clerks


def check_clerks(w, clerks):
    """They stop. No receipt is lost, each verifies, its event is in the log once, all mirrors hold the same, and nothing
    was forked. Returns the number of receipts."""
    for clerk in clerks:
        clerk.stop = True
    for clerk in clerks:
        clerk.join(30)
        assert not clerk.is_alive() and clerk.error is None, clerk.error
    total = 0
    for clerk in clerks:
        for note, receipt in clerk.receipts:
            assert note in receipt
            assert w.verify(receipt, "--quiet").returncode == 0
            total += 1
        seqs = clerk.key.seq
        assert len(clerk.receipts) in (seqs, seqs - 1), (len(clerk.receipts), seqs)
    size = w.agency.json("/status")["log"]["published"]
    real = forge.entries(w.agency, "", size)
    for clerk in clerks:
        for note, _ in clerk.receipts:
            assert sum(e.endswith(note) for e in real) == 1
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].json("/logs")["logs"][0]["mirrored"] >= size, 20, f"{m} has all")
        held = forge.entries(w.nodes[m], "/" + w.nodes[m].json("/logs")["logs"][0]["id"], size)
        assert held == real
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    return total
