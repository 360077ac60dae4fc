"""Several logs about one case: nodes that each host a log and mirror all others', with everybody's keys. What the demo shows and
the tests of standing stand on: `federation()` and `five_authorities()`."""
import base64
import hashlib
import json
import os
import shutil
import tempfile
import time

from world import Key, Node, canonical, head_file, sign_note, until

ORI = "NY0303000"
HOSTS = {"agency": "nypd.example/log", "state": "ny.example/log", "court": "courts.example/log"}
NODES = ("agency", "state", "court", "university")


class Log:
    """A log of events: its keys, and where each issuer's sequence stands in it."""

    def __init__(self, name, node):
        self.name, self.origin, self.node = name, HOSTS[name], node
        self.id = hashlib.sha256(self.origin.encode()).hexdigest()
        self.key, self.operator = Key(self.origin), Key(f"{name}.example/operator")
        self.places = {}
        self.events = {}  # by name: what five_authorities made

    def event(self, key, kind, members, *cosigners, body=None):
        """The key's next event here: (note, how others refer to it)."""
        seq, head = self.places.get(key.name, (0, None))
        members = {"issuer": key.name, "kind": kind, "log": self.origin, "open": members, "seq": seq + 1}
        if head:
            members["prev"] = head
        if body:
            members["body"] = body
        text = f"dutylog/event/v1\n{canonical(members)}\n".encode()
        id = hashlib.sha256(text).hexdigest()
        self.places[key.name] = seq + 1, id
        return sign_note(text, key, *cosigners), {"id": id, "issuer": key.name, "log": self.origin, "seq": seq + 1}

    def add(self, key, kind, members, *cosigners, body=None):
        """Submits it; waits for its quorum. How others refer to it."""
        note, reference = self.event(key, kind, members, *cosigners, body=body)
        status, answer = self.node.add(note)
        assert status == 200, (kind, status, answer)
        return reference

    def receipt_path(self, reference):
        return f"/{self.id}/receipt/{reference['issuer']}/{reference['seq']}"


class Federation:
    """Three logs of three operators, four nodes; each log's mirrors are the three nodes that do not host it, two of which
    are a quorum. All have the same roots."""

    def __init__(self, start=True, pulled=()):
        self.folder = tempfile.mkdtemp(prefix="dutylog-cases-")
        self.nodes = {n: Node(self.folder, n) for n in NODES}
        self.logs = {n: Log(n, self.nodes[n]) for n in HOSTS}
        self.roots = [Key(f"doj.example/root-{i}") for i in (1, 2, 3)]
        self.mirror_keys = {n: Key(f"{n}.example/mirror", 4) for n in NODES}
        self.witness_keys = {n: Key(f"{n}.example/witness", 4) for n in NODES}
        self.pulled = pulled  # logs that are fetched from where they are served, and do not push
        for name, node in self.nodes.items():
            self.configure(name, node)
        if start:
            for node in self.nodes.values():
                node.start()

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def policy(self, log):
        mirrors = [n for n in NODES if n != log.name]
        lines = [f"log {log.key.vkey} {log.node.url}"]
        for n in mirrors:
            lines.append(f"witness {n} {self.mirror_keys[n].vkey} {self.nodes[n].url}")
            lines.append(f"witness {n}-witness {self.witness_keys[n].vkey}")
        return "\n".join(lines + ["group mirrors 2 " + " ".join(mirrors), "quorum mirrors"]) + "\n"

    def configure(self, name, node):
        node.head, node.options = "head", ["gossip = 1"]
        head_file(node.path("head"), HOSTS.get(name))
        self.mirror_keys[name].save(node.path("mirror.key"))
        self.witness_keys[name].save(node.path("witness.key"))
        node.sections.append("[mirror]\nkey = mirror.key\nwitness_key = witness.key\n")
        for log in self.logs.values():
            if log.name == name:
                log.key.save(node.path("log.key"))
                node.sections.append(f"[host]\norigin = {log.origin}\nkey = log.key\naccept = events\n"
                                     "round_timeout = 1000\n")
            else:
                node.sections.append(f"[log {log.origin}]\nvkey = {log.key.vkey}\naccept = events\nurl = {log.node.url}\n"
                                     + ("pull = 1\n" if log.name in self.pulled else ""))

    def beginning(self, log, keys):
        """log.opened, log.policy, and the enrolments: {key: role}, or {key: (role, ORIs)}."""
        a, b, _ = self.roots
        opened, _ = log.event(log.operator, "log.opened", {
            "authority": [k.vkey for k in self.roots], "log_role": "agency" if log.name == "agency" else "state",
            "log_vkey": log.key.vkey, "operator": log.name, "operator_vkey": log.operator.vkey, "threshold": 2}, a, b)
        mirrors = [n for n in NODES if n != log.name]
        notes = [opened, log.event(a, "log.policy", {
            "operators": {n + s: n for n in mirrors for s in ("", "-witness")}, "policy": self.policy(log)}, b)[0]]
        for key, role in keys.items():
            role, oris = role if isinstance(role, tuple) else (role, [ORI] if role in ("agency", "clerk") else [])
            notes.append(log.event(a, "key.enrolled", {
                "basis": "both" if role in ("agency", "clerk") else "live", "kinds": ["*"], "oris": oris, "role": role,
                "vkey": key.vkey})[0])
        return notes

    def open(self, log, keys):
        """Sends the beginning to the log's node."""
        for note in self.beginning(log, keys):
            status, answer = log.node.add(note)
            assert status in (200, 202), (status, answer)  # 202: before there is a policy

    def save_policies(self, name="policies"):
        """One tlog-policy for the three logs: any two of the four nodes' mirrors."""
        lines = [f"log {log.key.vkey} {log.node.url}" for log in self.logs.values()]
        lines += [f"witness {n} {self.mirror_keys[n].vkey} {self.nodes[n].url}" for n in NODES]
        with open(self.path(name), "w") as f:
            f.write("\n".join(lines + ["group mirrors 2 " + " ".join(NODES), "quorum mirrors"]) + "\n")
        return self.path(name)

    def case(self, node, handle, at=None):
        """The answer's bytes."""
        query = "?at=" + ",".join(f"{log}:{size}" for log, size in at.items()) if at else ""
        status, body = self.nodes[node].get(f"/case/{ORI}/{handle}{query}")
        assert status == 200, (node, status, body)
        return body

    def sizes(self):
        """Of each log that is open, what its node published."""
        sizes = {log.id: log.node.json("/status")["log"]["published"] for log in self.logs.values()}
        return {log: size for log, size in sizes.items() if size}

    def settle(self, handle, seconds=20):
        """Waits until every node can show the case at the sizes that are published now; gives these."""
        at = self.sizes()
        query = ",".join(f"{log}:{size}" for log, size in at.items())
        for name, node in self.nodes.items():
            until(lambda: node.get(f"/case/{ORI}/{handle}?at={query}")[0] == 200, seconds, f"{name} shows {handle}")
        return at

    def close(self):
        codes = [node.stop() for node in self.nodes.values()]
        if "KEEP" not in os.environ:
            shutil.rmtree(self.folder)
        return codes


def body_of(text):
    """A body, whose content nobody here discloses: some root."""
    return hashlib.sha256(text.encode()).hexdigest()


def five_authorities(f, handle):
    """A case that five authorities write on, in three logs: allegation and investigation (the agency), a board's
    recommendations and a commissioner's decision, a correction and a response, a POST's order, a court's reversal of it all;
    and what does not count: a duplicate, an event out of order, two without authority, one of a stolen key. {name: reference}"""
    agency, state, court = f.logs["agency"], f.logs["state"], f.logs["court"]
    desk, commissioner = Key("nypd.example/desk-1"), Key("nypd.example/commissioner")
    stolen = Key("nypd.example/desk-2")
    board, post, judge = Key("ccrb.example/board"), Key("post.example/registrar"), Key("courts.example/clerk-3")
    f.open(agency, {desk: "clerk", commissioner: "agency", stolen: "clerk"})
    f.open(state, {board: "oversight", post: "post"})
    f.open(court, {judge: "court"})
    case = {"basis": "live", "case": handle, "ori": ORI, "party": "officer"}
    days = {"occurred": "2024-03-02", "reported": "2024-03-04"}
    e = {}
    e["alleged"] = agency.add(desk, "failure.alleged", {**case, **days, "alleged_by": "complaint"}, body=body_of("a"))
    e["again"] = state.add(board, "failure.alleged", {**case, **days, "alleged_by": "complaint"}, body=body_of("b"))
    e["opened"] = agency.add(desk, "investigation.opened", {**case, "opened": "2024-03-05"})
    e["recommended"] = state.add(board, "finding.recommended", {
        **case, "disposition": "sustained", "recommended": "2024-05-20", "recommended_by": "civilian-board"})
    e["ten-days"] = state.add(board, "discipline.recommended", {
        **case, "discipline": [{"code": "suspension", "days": 10, "paid": False}], "recommended": "2024-05-20",
        "recommended_by": "civilian-board"})
    e["found"] = agency.add(commissioner, "finding.final", {
        **case, "decided": "2024-06-10", "decided_by": "commissioner", "disposition": "sustained"})
    e["imposed"] = agency.add(desk, "discipline.imposed", {
        **case, "decided_by": "commissioner", "discipline": [{"code": "suspension", "days": 5, "paid": False}],
        "event": e["found"], "imposed": "2024-06-11"})
    e["answered"] = agency.add(desk, "response.appended", {"by": "officer", "event": e["found"], "ori": ORI},
                               body=body_of("c"))
    # A desk's slip about what nobody above acts on. (One about the discipline would have to be set right over an hour before
    # the court acts on it: in two logs, less proves no order.)
    e["mistyped"] = agency.add(desk, "discipline.served", {**case, "served": "2024-07-11"})
    e["served"] = agency.add(desk, "discipline.served", {**case, "served": "2024-07-01"})
    e["corrected"] = agency.add(desk, "correction", {
        "event": e["mistyped"], "ori": ORI, "replaced_by": e["served"], "what": "wrong_date"})
    e["meddled"] = agency.add(desk, "correction", {"event": e["recommended"], "ori": ORI, "what": "wrong_code"})
    e["suspended"] = state.add(post, "decertification.ordered", {
        **case, "action": "suspended", "decided": "2024-07-15", "decided_by": "post-board"})
    e["forged"] = agency.add(stolen, "finding.final", {
        **case, "decided": "2024-08-01", "decided_by": "commissioner", "disposition": "unfounded"})
    # The agency's log says nothing of the stolen key; the state's does.
    e["revoked"] = state.add(f.roots[0], "key.revoked", {"key": stolen.name, "reason": "compromised", "vkey": stolen.vkey})
    e["appealed"] = court.add(judge, "appeal.filed", {
        **case, "event": e["found"], "filed": "2024-08-20", "filed_by": "union", "forum": "supreme-court"})
    e["reversed"] = court.add(judge, "appeal.decided", {
        **case, "decided": "2025-02-03", "decided_by": "supreme-court", "event": e["appealed"], "outcome": "reversed"})
    e["defied"] = agency.add(commissioner, "finding.final", {
        **case, "decided": "2025-02-10", "decided_by": "commissioner", "disposition": "sustained"})
    e["reinstated"] = state.add(post, "decertification.ordered", {
        **case, "action": "reinstated", "decided": "2025-03-01", "decided_by": "post-board"})
    e["early"] = agency.add(desk, "finding.final", {
        **{**case, "party": "supervisor", "subject": 2}, "decided": "2025-03-02", "decided_by": "commissioner",
        "disposition": "sustained"})
    e["filed-open"] = court.add(judge, "appeal.filed", {
        **case, "event": e["reinstated"], "filed": "2025-03-03", "filed_by": "agency", "forum": "appellate-division"})
    return e


STANDINGS = {
    "alleged": "in force", "again": "duplicate", "opened": "in force", "recommended": "in force", "ten-days": "in force",
    "found": "superseded", "mistyped": "superseded", "imposed": "superseded", "corrected": "in force",
    "answered": "in force", "served": "in force", "meddled": "without authority", "suspended": "superseded",
    "forged": "doubted", "appealed": "in force", "reversed": "in force", "defied": "without authority",
    "reinstated": "in force", "early": "out of order", "filed-open": "in force",
}


BURIED_UNDER = 1050


def clerk_against_court(f, handle):
    """A court's finding, and what a clerk of the agency tries on it: to take its place, to have it stand in for the clerk's own,
    to copy it and correct the copy, to correct and to reverse it, and to bury it. {name: reference}"""
    agency, court = f.logs["agency"], f.logs["court"]
    desk, judge = Key("nypd.example/desk-1"), Key("courts.example/clerk-3")
    f.open(agency, {desk: "clerk"})
    f.open(court, {judge: "court"})
    case = {"basis": "live", "case": handle, "ori": ORI, "party": "officer"}
    ruled = {**case, "decided": "2025-02-03", "decided_by": "supreme-court", "disposition": "sustained"}
    e = {}
    e["alleged"] = agency.add(desk, "failure.alleged", {**case, "occurred": "2024-03-02", "reported": "2024-03-04"})
    e["cleared"] = agency.add(desk, "finding.final", {
        **case, "decided": "2024-06-10", "decided_by": "commissioner", "disposition": "exonerated"})
    e["ruled"] = court.add(judge, "finding.final", ruled)
    e["again"] = agency.add(desk, "finding.final", {
        **case, "decided": "2025-03-01", "decided_by": "commissioner", "disposition": "exonerated"})
    e["moved"] = agency.add(desk, "correction", {
        "event": e["cleared"], "ori": ORI, "replaced_by": e["ruled"], "what": "wrong_code"})
    e["copied"] = agency.add(desk, "finding.final", ruled)
    e["uncopied"] = agency.add(desk, "correction", {"event": e["copied"], "ori": ORI, "what": "entered_in_error"})
    e["denied"] = agency.add(desk, "correction", {"event": e["ruled"], "ori": ORI, "what": "entered_in_error"})
    e["reversed"] = agency.add(desk, "finding.reversed", {
        **case, "decided": "2025-03-02", "decided_by": "commissioner", "event": e["ruled"]})
    notes = [agency.event(desk, "notice.sent", {**case, "notice": "finding", "sent": "2025-03-03", "to": f"unit-{i}"})[0]
             for i in range(BURIED_UNDER)]
    for start in range(0, len(notes), 150):
        status, answer = agency.node.add_several(notes[start:start + 150])
        assert status in (200, 202), (status, answer)
    return e


HELD = {"ruled": ("in force", None), "cleared": ("superseded", "replaced"), "again": ("without authority", "rank"),
        "moved": ("without authority", "frozen"), "copied": ("duplicate", "alike"), "uncopied": ("in force", None),
        "denied": ("without authority", "rank"), "reversed": ("without authority", "rank")}
