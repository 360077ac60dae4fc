#!/usr/bin/python3
"""kill -9 of the agency's node, again and again under load: no receipt is lost, and nothing forks."""
import os
import random
import time

from clerks import check_clerks, enrol_clerks
from world import World, main

KILLS = int(os.environ.get("KILLS", "12"))


def test_kill_agency():
    w = World(timeout_ms=500).start()
    w.open_log()
    clerks = enrol_clerks(w, 4)
    rng = random.Random(int(os.environ.get("SEED", "1")))
    for _ in range(KILLS):
        time.sleep(rng.uniform(0.05, 0.4))
        w.agency.kill()
        w.agency.start()
    time.sleep(1)
    total = check_clerks(w, clerks)
    print(f"      {KILLS} kills, {total} receipts held, all verify, all mirrors equal")
    assert w.close() == [0, 0, 0, 0]


main([test_kill_agency])
