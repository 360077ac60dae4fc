#!/usr/bin/env python3
"""DOJ, state and agency recognise each other's logs down a chain; a university pins the DOJ's roots alone and comes to mirror
all three; agencies are asked for by ORI; a log that nobody announced shows."""
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import time

from registries import Registry, dutylog, held
from world import ROOT, Key, Node, main, make_event, until


def check_the_list(r, sizes):
    """The DOJ signs a list of all logs; one that is on no list shows at the node that mirrors it."""
    doj, state = r.logs["doj"], r.logs["state"]
    until(lambda: {l["origin"] for l in doj.node.json("/recognised")["logs"] if l.get("size")} >= set(sizes), 20,
          "the DOJ holds all that it recognises")
    until(lambda: held(r.peer)["shadow.example/log"]["mirrored"] > 0, 10, "the peer mirrors the shadow")
    root = doj.roots[0].save(r.path("root.key"))
    said = json.loads(dutylog("registry", "list", "--node", doj.node.url, "--out", r.path("list"), "--key", root, "--outbox",
                              r.path("out"), "--json"))
    with open(r.path("list"), "rb") as f:
        text = f.read()
    assert said["count"] == 3 and said["file"] == hashlib.sha256(text).hexdigest()
    dutylog("submit", "--node", doj.node.url, "--outbox", r.path("out"), "--wait", "20")
    doj.roots[0].seq, doj.roots[0].head = doj.roots[0].seq + 1, doj.node.json(f"/issuer/{doj.roots[0].name}")["head"]
    lines = text.decode().splitlines()
    assert lines[0] == "dutylog/logs/v1" and [l.split("+")[0] for l in lines[2:]] == [f"log {o}" for o in sorted(sizes)]
    fine = dutylog("registry", "check", r.path("list"), "--node", r.university.url, "--node", state.node.url)
    assert "no log is held that the list lacks" in fine and "lacking" in fine, fine
    found = json.loads(dutylog("registry", "check", r.path("list"), "--node", r.peer.url, "--json", ok=1).splitlines()[0])
    assert [(f["finding"], f["origin"]) for f in found if f["fault"]] == [("unannounced", "shadow.example/log")], found
    # a list of more than there is, and one with another root
    origin, size, root_hex = lines[3].split(" ")[1], int(lines[3].split(" ")[2]), lines[3].split(" ")[3]
    for change, what in ((f"log {origin} {size} {'0' * 64}", "contradicts"), (f"log {origin} {size + 99} {root_hex}", "shrunk"),
                         (f"log {origin} 2 {'1' * 64}", "contradicts"), (f"log {origin} {size + 99} {root_hex}", "behind")):
        with open(r.path("bent"), "w") as f:
            f.write("\n".join([*lines[:3], change, *lines[4:]]) + "\n")
        node = r.university if what == "behind" else next(l.node for l in r.logs.values() if l.key.vkey == origin)
        out = dutylog("registry", "check", r.path("bent"), "--node", node.url, ok=0 if what == "behind" else 1)
        assert what in out, (what, out)
    dutylog("registry", "check", r.path("root.key"), "--node", r.peer.url, ok=1)
    dutylog("registry", "list", "--node", r.peer.url, "--out", r.path("none"), ok=1)  # it pins nothing


def check_the_chain(r):
    """A receipt of the agency's log, down from the DOJ's roots, by both verifiers."""
    doj, state, agency = (r.logs[n] for n in ("doj", "state", "agency"))
    with open(r.path("event.receipt"), "wb") as f:
        f.write(agency.say("agency.registered", {"name": "Own", "officers": 7, "ori": "VA0000101", "state": "VA",
                                                 "type": "municipal"}))
    printed = dutylog("registry", "chain", agency.origin, "--node", r.university.url, "--node", r.peer.url, "--node",
                      doj.node.url, "--node", state.node.url, "--out", r.path("chain"))
    by = printed.split()
    assert by == ["--by", r.path("chain-1.receipt"), "--by", r.path("chain-2.receipt")], by
    pins = [a for k in doj.roots for a in ("--root", k.vkey)] + ["--threshold", "2"]
    second = [sys.executable, os.path.join(ROOT, "tests", "check", "verify.py"), "receipt"]

    def both(file, *options, ok=0):
        said = dutylog("verify", file, *options, ok=ok)
        other = subprocess.run([*second, file, *options], capture_output=True, text=True)
        assert other.returncode == ok, (options, said, other)
        return said

    said = both(r.path("event.receipt"), *by, *pins)
    assert f"{state.origin}, run by state, recognised {agency.origin}" in said, said
    assert f"{doj.origin}, run by doj, recognised {state.origin}" in said, said
    assert f"2 of the 3 you pinned signed the opening of {doj.origin}" in said and "who the authorities are" not in said, said
    steps = json.loads(dutylog("verify", r.path("event.receipt"), *by, *pins, "--json"))["recognised"]
    assert [s["by"] for s in steps] == [state.origin, doj.origin]
    # without the chain, with half of it, out of order, and up to other roots: not verified
    both(r.path("event.receipt"), *pins, ok=1)
    both(r.path("event.receipt"), *by[:2], *pins, ok=1)
    both(r.path("event.receipt"), *by[2:], *pins, ok=1)
    both(r.path("event.receipt"), *by[2:], *by[:2], *pins, ok=1)
    both(r.path("event.receipt"), *by[:2], "--by", r.path("event.receipt"), *pins, ok=1)
    both(r.path("event.receipt"), *by, *pins[:-2], ok=1)  # two of three signed, three are wanted
    both(r.path("event.receipt"), *by, "--root", state.roots[0].vkey, ok=1)
    dutylog("verify", r.path("event.receipt"), *by, ok=2)  # by whom, in the end?
    # what else is asked is asked of the receipt's own event and log, and not of a recognition's
    said = dutylog("verify", r.path("event.receipt"), *by, *pins, "--node", agency.node.url)
    assert "rules        admit all that the receipt rests on" in said and "another log revokes" not in said, said
    dutylog("event", "report.lodged", "--node", agency.node.url, "--set", "ori=VA0000101", "--closed", "report=Stood by.", "--out",
            r.path("lodged"))
    dutylog("submit", "--node", agency.node.url, r.path("lodged"))
    said = dutylog("verify", r.path("lodged.receipt"), *by, *pins, "--body", r.path("lodged.body"))
    assert 'report = "Stood by."' in said, said
    dutylog("registry", "chain", "shadow.example/log", "--node", r.university.url, "--out", r.path("none"), ok=1)


def check_agencies(r):
    """Of a file; and as a list."""
    state = r.logs["state"]
    with open(r.path("agencies.csv"), "w") as f:
        f.write("name,ori,state,type,officers,from\n"
                "Chatham Police,VA0000500,VA,municipal,11,\n"
                "Danville,VA000060,VA,municipal,5,\n"  # line 3: a short ORI
                '"Emporia, City of",VA0000700,VA,municipal,x,\n'
                "Again,VA0000500,VA,municipal,1,\n"
                "Fairfax,VA0000800,VA,county,1400,2020-01-01\n")
    key = state.roots[2].save(r.path("root-3.key"))
    out = dutylog("agencies", "--from", r.path("agencies.csv"), "--key", key, "--outbox", r.path("out-2"), "--node",
                  state.node.url, ok=1)
    assert "line 3: " in out and "line 4: officers" in out and "line 5: ori: VA0000500 stands on line 2" in out, out
    dutylog("submit", "--node", state.node.url, "--outbox", r.path("out-2"), "--wait", "20")
    state.say("agency.renamed", {"from": "2024-01-01", "name": "Chatham Public Safety", "ori": "VA0000500"})
    state.say("agency.merged", {"from": "2024-01-01", "into": "VA0000500", "ori": "VA0000200"})
    until(lambda: "merged_into" in r.university.json("/agency/VA0000200"), 20, "the merger is judged")
    rows = list(csv.DictReader(io.StringIO(dutylog("agencies", "--node", r.university.url, "--state", "VA", "--csv"))))
    found = {row["ori"]: row for row in rows}
    assert found["VA0000500"] == {"ori": "VA0000500", "name": "Chatham Public Safety", "former names": "Chatham Police",
                                  "state": "VA", "type": "municipal", "officers": "11", "merged_into": ""}, found
    assert found["VA0000200"]["merged_into"] == "VA0000500" and found["VA0000800"]["officers"] == "1400"
    before = json.loads(dutylog("agencies", "--node", r.university.url, "--day", "2010-01-01", "--json"))
    assert {a["ori"]: a.get("name") for a in before}["VA0000500"] == "Chatham Police", before
    assert "no agency" in dutylog("agencies", "--node", r.university.url, "--state", "MD")
    assert "pins no authority" in dutylog("agencies", "--node", state.node.url)
    refused = make_event(state.origin, state.roots[0], "agency.renamed", {
        "from": "2024-01-01", "name": "Nobody", "ori": "VA0009900"}, keep=False)
    status, body = state.node.add(refused)
    assert status == 400 and b"none of the 4 agencies that this log registers" in body, body


def test_a_university_pins_one_authority_and_mirrors_all():
    r = Registry(("doj", "state", "agency", "shadow")).start()
    doj, state, agency = (r.logs[n] for n in ("doj", "state", "agency"))
    r.university.start()
    # one whose roots did not all sign is not taken in by the address alone
    wary = r.pinned("wary")
    wary.sections[1] = wary.sections[1].replace("threshold = 2", "threshold = 3")
    wary.start()
    until(lambda: doj.origin in held(r.university), 10, "the DOJ's log is found by its address")
    until(lambda: "fewer than 3 of the 3 roots of doj signed its opening" in wary.log(), 10, "it says why")
    assert held(wary) == {} and wary.stop() == 0
    state.recognise(agency)  # before the state itself counts
    state.register("VA0000100", "Abingdon Police")
    state.register("VA0000200", "Bristol Police")
    agency.register("VA0000100", "The agency itself")
    assert r.university.get("/agency/VA0000100")[0] == 404  # in no recognised log yet
    doj.recognise(state)
    until(lambda: set(held(r.university)) == {doj.origin, state.origin, agency.origin}, 20, "all three are mirrored")
    sizes = {log.origin: held(log.node)[log.origin]["published"] for log in (doj, state, agency)}
    until(lambda: all(held(r.university)[o].get("judged") == n and held(r.university)[o]["mirrored"] == n
                      for o, n in sizes.items()), 20, "all that is published is stored, cosigned and judged")
    logs = held(r.university)
    assert logs[doj.origin]["authority"] == "doj" and "recognised_by" not in logs[doj.origin]
    assert logs[state.origin]["recognised_by"] == doj.origin and logs[agency.origin]["recognised_by"] == state.origin
    # GET /recognised, with sizes
    page = r.university.json("/recognised")
    assert page["pinned"] == ["doj"] and "next" not in page
    assert {l["origin"]: (l["depth"], l["size"]) for l in page["logs"]} == {
        doj.origin: (0, sizes[doj.origin]), state.origin: (1, sizes[state.origin]), agency.origin: (2, sizes[agency.origin])}
    # agencies: only what recognised logs say
    found = r.university.json("/agency/VA0000100")
    assert found["officers"] == 7 and "unpinned" not in found, found
    assert [a["ori"] for a in r.university.json("/agencies?state=VA")["agencies"]] == ["VA0000100", "VA0000200"]
    assert r.university.json("/agencies?state=MD")["agencies"] == []
    assert r.university.json("/agencies?from=VA0000101")["agencies"][0]["name"] == "Bristol Police"
    assert r.university.get("/agency/va0000100")[0] == 400 and r.university.get("/agency/VA0000900")[0] == 404
    assert r.university.get("/agencies?day=2024-13-01")[0] == 400
    # it survives a restart, and goes on; what it keeps of the registry is what the entries make it
    assert r.university.stop() == 0
    dutylog("fsck", r.university.path("data"))
    r.university.start()
    assert held(r.university)[agency.origin]["recognised_by"] == state.origin
    agency.register("VA0000300", "Third")
    until(lambda: r.university.get("/agency/VA0000300")[0] == 200, 20, "what came after the restart is pulled")
    check_the_list(r, sizes)
    check_the_chain(r)
    check_agencies(r)
    # a log that moves is recognised again, at another address
    assert agency.node.stop() == 0
    agency.node.port = Node(r.folder, "elsewhere").port
    agency.node.url = f"http://127.0.0.1:{agency.node.port}"
    agency.node.start()
    state.recognise(agency)
    until(lambda: "guard" not in agency.node.json("/status")["log"], 10, "its mirror has confirmed its head")
    agency.register("VA0000400", "Fourth")
    until(lambda: r.university.get("/agency/VA0000400")[0] == 200, 20, "it is pulled from where it went")
    r.close()


def check_bounds_and_withdrawal(r):
    """A POST counts where its role is recognised; a log that is withdrawn counts no more, and is mirrored on, also by a node that
    was stopped meanwhile."""
    doj, state, node = r.logs["doj"], r.logs["state"], r.university
    post = Key("post.example/desk")
    state.say("key.enrolled", {"basis": "live", "kinds": ["*"], "oris": [], "role": "post", "vkey": post.vkey})
    state.say("agency.registered", {"name": "By the POST", "officers": 7, "ori": "VA0000700", "state": "VA", "type": "municipal"}, key=post)
    doj.recognise(state, states=["MD", "VA"])
    until(lambda: node.get("/agency/VA0000200")[0] == 200, 20, "a state's agencies are counted")
    assert node.get("/agency/VA0000700")[0] == 404
    doj.recognise(state, states=["VA"], roles=["court", "post"])
    until(lambda: node.get("/agency/VA0000700")[0] == 200, 20, "and what its POST says")
    until(lambda: "roles" in {l["origin"]: l for l in node.json("/recognised")["logs"]}[state.origin], 20, "the set is made anew")
    row = {l["origin"]: l for l in node.json("/recognised")["logs"]}[state.origin]
    assert row["states"] == ["VA"] and row["roles"] == ["court", "post"] and "oris" not in row, row
    for kind, members, says in (("log.recognised", {"oris": []}, b"oris must be"), ("log.recognised", {"roles": ["clerk"]}, b"roles must be"),
                                ("log.recognised", {"states": ["VA", "MD"]}, b"states must be")):
        note = make_event(doj.origin, doj.roots[0], kind, {"address": "http://a", "log_vkey": state.key.vkey, "operator": "state",
                                                           **members}, doj.roots[1], keep=False)
        status, body = doj.node.add(note)
        assert status == 400 and says in body, body
    doj.say("recognition.withdrawn", {"log_vkey": state.key.vkey, "reason": "misconduct"}, doj.roots[1])
    until(lambda: node.get("/agency/VA0000200")[0] == 404, 20, "what it said counts no more")
    until(lambda: held(node)[state.origin].get("withdrawn_by") == doj.origin, 20, "and is shown as withdrawn")
    row = {l["origin"]: l for l in node.json("/recognised")["logs"]}[state.origin]
    assert row["withdrawn"] is True and row["by"] == doj.origin and row["held"], row
    assert "withdrew its recognition" in dutylog("registry", "chain", state.origin, "--node", node.url, "--out", r.path("gone"), ok=1)
    assert node.stop() == 0
    dutylog("fsck", node.path("data"))
    node.start()
    before = held(node)[state.origin]["mirrored"]
    state.register("VA0000300", "Third")
    until(lambda: held(node)[state.origin]["mirrored"] > before, 20, "a log that was withdrawn is mirrored on")
    assert node.get("/agency/VA0000300")[0] == 404
    doj.recognise(state)
    until(lambda: node.get("/agency/VA0000300")[0] == 200, 20, "and counts once it is recognised again")
    assert node.get("/agency/VA0000700")[0] == 404  # no roles
    again = make_event(doj.origin, doj.roots[0], "recognition.withdrawn", {"log_vkey": Key("never.example/log").vkey, "reason": "ended"}, doj.roots[1],
                       keep=False)
    status, body = doj.node.add(again)
    assert status == 400 and b"nothing to withdraw" in body, body


class Nowhere:
    """A log that was recognised, and that nobody serves."""

    def __init__(self, number):
        self.name, self.origin = f"nowhere-{number}", f"nowhere-{number}.example/log"
        self.key = Key(self.origin)


def test_stops_at_any_moment_while_logs_are_registered():
    """Of logs whose address is the node's own, that of something that is no log, or nothing's; and then healthy but for them."""
    r = Registry(("doj", "state")).start()
    doj, state, node = r.logs["doj"], r.logs["state"], r.university
    doj.recognise(state)
    for i, url in enumerate([node.url, node.url + "/", f"{node.url}/{hashlib.sha256(state.origin.encode()).hexdigest()}",
                             "http://127.0.0.1:9", "http://user@127.0.0.1:9/x", "file:///etc/passwd", "http://" + "a" * 980]):
        doj.recognise(Nowhere(i), url)
    state.recognise(Nowhere(99), "http://127.0.0.1:9")
    for wait in (0, 0.4, 1.05):
        node.start()
        time.sleep(wait)
        assert node.stop() == 0, (wait, node.log()[-2000:])
    dutylog("fsck", node.path("data"))
    node.start()
    wanted = {doj.origin, state.origin, *(f"nowhere-{i}.example/log" for i in (0, 1, 2, 3, 4, 99))}
    until(lambda: set(held(node)) == wanted, 30, "each log with an address is registered, whatever it is")
    until(lambda: held(node)[state.origin]["mirrored"] > 0, 20, "the one that is there is mirrored")
    assert all(held(node)[o]["size"] == 0 for o in wanted - {doj.origin, state.origin})
    until(lambda: "6 of 7 recognised logs cannot be fetched" in node.get("/healthz")[1].decode(), 20, "its health says how many")
    assert node.log().count("no-address") <= 2 * 9, node.log()  # once a start, and where it changed
    figures = ('dutylog_pulls_failing{by="recognition"} 6', 'dutylog_pulls{by="node.ini"} 1', 'dutylog_pulls{by="recognition"} 7')
    until(lambda: all(f in node.get("/metrics")[1].decode() for f in figures), 10, "the DOJ's own log is one that node.ini names")
    # whoever pins nothing answers too, for what it holds
    assert r.peer.json("/recognised") == {"logs": [], "pinned": []}
    state.register("VA0000100", "Abingdon Police")
    until(lambda: r.peer.get("/agency/VA0000100")[0] == 200, 10, "the peer judges it")
    assert r.peer.json("/agency/VA0000100")["unpinned"] is True
    # an agency's own log speaks of itself alone
    state.register("VA0000200", "Bristol Police")
    until(lambda: node.get("/agency/VA0000200")[0] == 200, 20, "a log that was recognised for all")
    doj.recognise(state, oris=["VA0000100"])
    until(lambda: node.get("/agency/VA0000200")[0] == 404, 20, "and one that is one agency's")
    assert node.get("/agency/VA0000100")[0] == 200
    assert state.node.json("/recognised") == {"logs": [], "pinned": []}
    check_bounds_and_withdrawal(r)
    r.close()


main([test_stops_at_any_moment_while_logs_are_registered, test_a_university_pins_one_authority_and_mirrors_all])
