#!/usr/bin/python3
"""A log goes under a newer kinds table (rules.activated): nodes of a build that lacks it store and cosign, and judge no further;
the same folder under the newer build is judged to its end. The newer build is tests/next.mk's."""
import hashlib
import os
import subprocess

from world import BUILD, ORI, Key, World, main, until

NEXT = os.path.join(BUILD, "next")


ALLEGED = {"basis": "live", "case": "ab" * 16, "occurred": "2024-01-01", "ori": ORI, "party": "officer", "reported": "2024-01-02"}


def run(build, *command, code):
    done = subprocess.run([os.path.join(build, "dutylog"), *command], capture_output=True, text=True)
    assert done.returncode == code, (command, done)
    return done.stdout + done.stderr


def row(node, origin):
    return next(log for log in node.json("/logs")["logs"] if log["origin"] == origin)


def restart(host, build):
    """The host's node with another build, its guard passed."""
    assert host.stop() == 0
    host.program = os.path.join(build, "dutylogd")
    host.start()
    until(lambda: "guard" not in host.json("/status")["log"], 10, "the host takes events again")


def test_rules():
    for program in ("dutylogd", "dutylog"):
        assert os.path.exists(os.path.join(NEXT, program)), f"make {os.path.join(NEXT, program)}"
    w = World().start()
    w.open_log()
    a, b, _ = w.roots
    page = subprocess.run([os.path.join(NEXT, "dutylog"), "event", "--kinds"], capture_output=True, check=True).stdout
    activation = {"hash": hashlib.sha256(page).hexdigest(), "table": 2}
    tested = {"ori": ORI, "title": "after the first table"}

    # A host that lacks the table does not log it; one that has it, only the table that it has.
    status, said = w.agency.add(w.event(a, "rules.activated", activation, b, keep=False))
    assert status == 400 and b"member table: this node has kinds table 1, and not 2: install" in said, (status, said)
    restart(w.agency, NEXT)
    status, said = w.agency.add(w.event(a, "rules.activated", {**activation, "hash": "07" * 32}, b, keep=False))
    assert status == 400 and b"member hash: not that of kinds table 2" in said, (status, said)
    for key, kind, members in ((w.desk, "next.tested", tested), (a, "key.enrolled", {
            "basis": "live", "kinds": ["next.tested"], "oris": [ORI], "role": "clerk", "vkey": Key("nypd.example/desk-2").vkey})):
        status, said = w.agency.add(w.event(key, kind, members, keep=False))
        assert status == 400 and b"next.tested is of kinds table 2, and this log is under table 1" in said, (status, said)

    # What law closes from the second table on is open under the first.
    status, said = w.agency.add(w.event(w.desk, "failure.alleged", ALLEGED))
    assert status == 200, (status, said)
    desk = w.desk.save(w.path("desk.key"))
    at_root = w.roots[0].save(w.path("root-1.key"))

    # The mirrors lack it, and cosign: receipts arrive.
    status, receipt = w.agency.add(w.event(a, "rules.activated", activation, b))
    assert status == 200 and w.verify(receipt).returncode == 0, (status, receipt)
    at = row(w.agency, w.origin)["size"]
    for _ in range(2):
        status, late = w.agency.add(w.event(w.desk, "next.tested", tested))
        assert status == 200, (status, late)
    status, known = w.agency.add(w.finding())
    assert status == 200 and w.verify(known).returncode == 0, (status, known)
    status, said = w.agency.add(w.event(a, "rules.activated", activation, b, keep=False))
    assert status == 400 and b"2 is not after 2" in said, (status, said)
    # A law of a later table: the member is to be closed, the tool closes it, and only where law does.
    status, said = w.agency.add(w.event(w.desk, "failure.alleged", ALLEGED, keep=False))
    assert status == 400 and b"occurred must be closed in NY: days are confidential" in said and b"next table" in said, said
    status, said = w.agency.add(w.event(w.desk, "failure.alleged", {**ALLEGED, "alleged_by": "court"}))
    assert status == 200, (status, said)
    template = run(NEXT, "event", "--template", "failure.alleged", "--state", ORI, code=0)
    assert "NY: occurred is to be closed, unless alleged_by is court: days" in template and template.count('"occurred"') == 2, template
    assert run(NEXT, "event", "--template", "failure.alleged", code=0).count('"occurred"') == 1
    sets = [a for name, value in ALLEGED.items() if name != "occurred" for a in ("--set", f"{name}={value}")]
    make = ["event", "failure.alleged", "--key", desk, "--node", w.agency.url, "--closed", "occurred=2024-01-01"]
    for more, says in ((["--set", "alleged_by=court"], "no law closes it"), (["--set", "ori=MN0620900"], "no law closes it")):
        assert says in run(NEXT, *make, *sets, *more, "--out", w.path("none"), code=1)
    assert "is open: give it with --set" in run(BUILD, *make, *sets, "--out", w.path("none"), code=2)
    run(NEXT, *make, *sets, "--out", w.path("closed.event"), code=0)
    with open(w.path("closed.event"), "rb") as f:
        status, said = w.agency.add(f.read())
    assert status == 200, (status, said)
    w.desk.seq, w.desk.head = w.desk.seq + 1, w.agency.json(f"/issuer/{w.desk.name}")["head"]
    # Nothing is made of a log that is not judged whole.
    for command in (["rotate", w.desk.name, "--to", Key("nypd.example/desk-3").vkey, "--vkey", w.log.vkey],
                    ["succeed", w.log.vkey, "--mirror", w.nodes["state"].url, "--successor", Key("next.example/log").vkey,
                     "--reason", "merger"]):
        said = run(BUILD, *command, "--node", w.agency.url, "--key", at_root, "--outbox", w.path("out"), code=5)
        assert "kinds table 2" in said and not [n for n in os.listdir(w.path("out")) if n.endswith(".event")], said
    assert "not in kinds table 1, the newest of this build" in (w.verify(late).stdout + w.verify(late).stderr)
    for name in w.MIRRORS:
        node = w.nodes[name]
        until(lambda: row(node, w.origin)["mirrored"] == at + 5 and row(node, w.origin)["judged"] == at
              and node.log().count("unjudged") == 1, 10, f"{name} stores all, and judges up to the activation")
        assert row(node, w.origin)["table"] == 2 and row(node, w.origin)["unjudged"] == 5, row(node, w.origin)
        assert node.json("/status")["table"] == 1 and node.get("/healthz")[0] == 200
    state = w.nodes["state"]
    metrics = state.get("/metrics")[1].decode()
    assert f'dutylog_log_unjudged{{log="{w.origin}"}} 1' in metrics and f'dutylog_log_table{{log="{w.origin}"}} 2' in metrics
    assert "5 unjudged: needs a build with kinds table 2" in run(BUILD, "status", state.url, code=0)
    said = run(BUILD, "audit", w.agency.url, "--vkey", w.log.vkey, "--policy", w.path("policy"), code=5)
    assert "5 entries unjudged" in said and "under kinds table 2" in said and "verified in part" in said, said
    assert "verified: " in run(NEXT, "audit", w.agency.url, "--vkey", w.log.vkey, code=0)

    # It stays so over a restart, and ends with the build that has the table.
    assert state.stop() == 0
    assert "5 entries unjudged" in run(BUILD, "fsck", state.path("data"), code=5)
    state.start()
    until(lambda: row(state, w.origin)["unjudged"] == 5 and state.log().count("unjudged") == 2, 10, "still unjudged")
    assert state.stop() == 0
    state.program = os.path.join(NEXT, "dutylogd")
    state.start()
    until(lambda: row(state, w.origin)["judged"] == at + 5, 10, "all judged")
    assert "unjudged" not in row(state, w.origin) and row(state, w.origin)["refused"] == 0, row(state, w.origin)
    assert state.stop() == 0
    assert "clean" in run(NEXT, "fsck", "--signatures", state.path("data"), code=0)
    assert "5 entries unjudged" in run(BUILD, "fsck", state.path("data"), code=5)
    # A host goes back to a build that lacks its own log's rules: it takes nothing, and says why.
    restart(w.agency, BUILD)
    status, said = w.agency.add(w.finding(keep=False))
    assert status == 503 and b"put this log under kinds table 2, and this build has table 1" in said, (status, said)
    w.agency.stop()
    assert "5 entries unjudged" in run(BUILD, "fsck", w.agency.path("data"), code=5)
    w.close()


main([test_rules])
