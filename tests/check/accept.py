"""Acceptance, as specs/event.md has it: whether an entry may stand at its place, decided by the entries before it. Of what
the bytes alone decide, event.py says it. For verify.py, which needs some of it for receipts, and all of it for a log."""
import datetime, pathlib, re
from c2sp import Bad, base64_of, below, decimal, need, parse_checkpoint, parse_key, parse_policy, root_of, sha, signed, times_of
from event import BY_AUTHORITY, KINDS, canonical, parse_event
from evidence import verify_evidence


def by(event, line, key):
    name, key_id, blob = event.note.lines[line]
    return (name, key_id) == (key.name, key.id) and signed(key.public, event.note.text, blob)


def check_authority(event, first, opened):
    roots = {key.name: key for key in map(parse_key, opened.open["authority"])}
    lines = range(first, len(event.note.lines))
    need(len(lines) == opened.open["threshold"] and all(
        event.note.lines[i][0] in roots and by(event, i, roots[event.note.lines[i][0]]) for i in lines),
        "not signed by the authority")


def scope_of(enrolled):
    return {"key": parse_key(enrolled["vkey"]), "role": enrolled["role"], "kinds": set(enrolled["kinds"]),
            "oris": set(enrolled["oris"]), "from": enrolled.get("from", ""), "until": enrolled.get("until", "9999-99-99"),
            "basis": {"live", "imported"} if enrolled["basis"] == "both" else {enrolled["basis"]}}


def check_scope(event, scope, day):
    opened = event.open
    need(scope["role"] in KINDS[event.kind][0], "not a kind for this role")
    if "kinds" in scope:
        need("*" in scope["kinds"] or event.kind in scope["kinds"], "a kind out of scope")
        need(scope["from"] <= day <= scope["until"], "a day out of scope")
        if KINDS[event.kind][1].get("ori", ("", ""))[1] == "open, required":
            need(not scope["oris"] or opened["ori"] in scope["oris"], "an agency out of scope")
    if "basis" in opened and event.kind not in ("key.enrolled", "key.rotated"):
        need("kinds" not in scope or opened["basis"] in scope["basis"], "a basis out of scope")
        need(opened["basis"] != "imported" or scope["role"] in ("agency", "clerk"), "an import by an outsider")


def check_grant(giver, given):
    if giver["role"] != "root":
        need(given["role"] == "clerk", "an agency enrols clerks only")
        check_within(giver, given)


def check_within(giver, given):
    every = set(KINDS) if "*" in giver["kinds"] else giver["kinds"]
    need((set(KINDS) if "*" in given["kinds"] else given["kinds"]) <= every, "kinds beyond the enroller's")
    need(not giver["oris"] or given["oris"] and given["oris"] <= giver["oris"], "agencies beyond the enroller's")
    need(given["basis"] <= giver["basis"], "a basis beyond the enroller's")
    need(giver["from"] <= given["from"] and given["until"] <= giver["until"], "days beyond the enroller's")


def day_of(stamp):
    days = stamp // 86400000
    # Days beyond the calendar come after all in it.
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days)).isoformat() if days < 2932897 else "9999-99-98"



def read_rows():
    """specs/kinds.md: kind -> the kinds that its `event` may name; kind -> its days that are not after the receipt."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "specs/kinds.md").read_text()
    refers, days = {}, {}
    for part in re.split(r"^### ", text.split("## Kinds\n")[1], flags=re.M)[1:]:
        kind = re.match(r"`([a-z._]+)`", part)[1]
        found = re.search(r"`event` is of kind: ([a-z._, ]+)\.", part)
        refers[kind] = set(found[1].split(", ")) if found and found[1] != "any" else set(KINDS)
        days[kind] = re.findall(r"^\| `([a-z._]+)` \|.*not after its receipt", part, flags=re.M)
    return refers, days


REFERS, DAYS = read_rows()


class Unjudged(Bad):
    """The log is under a table that this program does not know."""


class Judge:
    """A log's state after the entries that were given so far. Each known key: what it may sign, and where its sequence is."""

    def __init__(self, log):
        self.log, self.size, self.stamp, self.closed, self.unjudged = log, 0, 0, False, False
        self.known, self.events, self.opened = {}, {}, None
        self.revocations, self.policies, self.agencies, self.recognised, self.succeeded = [], [], set(), {}, {}

    def entry(self, data):
        """None, or why the next entry is not accepted."""
        if self.unjudged:
            raise Unjudged("the log is under another table")
        try:
            line, _, note = data.partition(b"\n")
            match = re.fullmatch(rb"received (0|[1-9][0-9]*)", line)
            need(match and len(data) <= 65535, "not an entry")
            self.accept(parse_event(note), decimal(match[1]))
            return None
        except Bad as why:
            return str(why)
        finally:
            self.size += 1

    def accept(self, event, stamp):
        top, opened, kind = event.top, event.open, event.kind
        need(top["log"] == self.log.name, "of another log")
        need((self.size == 0) == (kind == "log.opened"), "log.opened is entry 0, and no other")
        if self.size == 0:
            need(parse_key(opened["log_vkey"]) == self.log, "another log key")
            self.open_log(event)
        if kind == "report.lodged":
            key = parse_key(opened["vkey"])
            issuer = self.known.get(key.name) or {"key": key, "role": "anyone", "at": self.size, "by": None, "last": (0, None)}
        else:
            need(top["issuer"] in self.known, "an unknown issuer")
            issuer = self.known[top["issuer"]]
        for i, (name, _, _) in enumerate(event.note.lines):
            signer = issuer if i == 0 else self.known.get(name)
            need(signer and by(event, i, signer["key"]), "a signature by no known key")
        if self.size > 0:
            self.check(event, issuer, stamp)
        need(stamp >= self.stamp, "an earlier stamp than before")
        if kind == "report.lodged":
            self.known[issuer["key"].name] = issuer
        self.stamp, issuer["last"] = stamp, (top["seq"], event.id.hex())
        self.events[top["issuer"], top["seq"]] = event
        self.apply(event, issuer)

    def open_log(self, event):
        runs = parse_key(event.open["operator_vkey"])
        keys = {k.name: (k, "root") for k in map(parse_key, event.open["authority"])}
        keys[runs.name] = (runs, "operator")
        need(by(event, 0, runs), "not signed by the operator")
        check_authority(event, 1, event)
        self.opened = event
        for name, (key, role) in keys.items():
            self.known[name] = {"key": key, "role": role, "at": 0, "by": None, "last": (0, None)}

    def check(self, event, issuer, stamp):
        top, opened, kind = event.top, event.open, event.kind
        need(not self.closed and "revoked" not in issuer, "the log is closed, or the issuer is revoked")
        need(top["seq"] == issuer["last"][0] + 1 and top.get("prev") in (None, issuer["last"][1]), "not its issuer's next")
        check_scope(event, issuer, day_of(stamp))
        if kind in BY_AUTHORITY:
            check_authority(event, 0, self.opened)
        for member in DAYS[kind]:
            need(opened.get(member, "")[:10] <= day_of(stamp + 86400000), "a day after the receipt")
        if self.agencies and KINDS[kind][1].get("ori", ("", ""))[1] == "open, required" and kind != "agency.registered":
            need(opened["ori"] in self.agencies and opened.get("into", opened["ori"]) in self.agencies, "an unknown agency")
        for member, (kind_of, _) in KINDS[kind][1].items():
            if kind_of == "event" and member in opened and member != "after":
                self.check_reference(member, opened[member], kind)
        getattr(self, "check_" + kind.replace(".", "_"), lambda event, issuer: None)(event, issuer)

    def check_reference(self, member, place, kind):
        if place["log"] == self.log.name:
            found = self.events.get((place["issuer"], place["seq"]))
            need(found and found.id.hex() == place["id"], "no such event here")
            need(member != "event" or found.kind in REFERS[kind], "about an event of such a kind it is not")

    def check_log_policy(self, event, issuer):
        policy = parse_policy(event.open["policy"].encode())
        need(policy.logs == [self.log], "another log key")
        need(all(event.open["operators"][w.decode()] != self.opened.open["operator"] for w in below(policy, policy.quorum)),
             "the operator's own mirror")

    def check_key_enrolled(self, event, issuer):
        given = scope_of(event.open)
        need(given["key"].public != self.log.public and given["key"].name not in self.known, "not a fresh key")
        check_grant(issuer, given)
        if "after" in event.open:
            need(self.succeeded.get(event.open["after"]["log"]) == self.log, "this log goes on for no such log")

    def revocable(self, event, issuer):
        old = self.known.get(event.open["key"])
        need(old and old["at"] > 0 and old["role"] != "anyone", "not a key that can be revoked")
        need(issuer["role"] == "root" or old["by"] == issuer["key"], "not its issuer's to revoke")
        return old

    def binds(self, row, issuer):
        roots = [k["key"].public for k in self.known.values() if k["role"] == "root"]
        return issuer["by"] is not None and row["key"] == issuer["key"].public and row["by"] in [issuer["by"].public, *roots]

    def check_key_revoked(self, event, issuer):
        opened, own = event.open, issuer["key"].public
        if "vkey" in opened:
            key = parse_key(opened["vkey"])
            need(self.known.get(key.name, {}).get("key") != key, "a key of this log")
            rows = [row for row in self.revocations if row["key"] == key.public]
            said = [row for row in rows if row["by"] == own]
            need(len(rows) < 256, "revoked too often")
        else:
            old = self.revocable(event, issuer)
            if "revoked" not in old:
                return
            rows = [row for row in self.revocations if row["key"] == old["key"].public]
            said = [row for row in rows if self.binds(row, old)]
        if said:
            roots = [k["key"].public for k in self.known.values() if k["role"] == "root"]
            asked = said if "vkey" in opened or issuer["role"] != "root" else [row for row in said if row["by"] in roots]
            before = [row["since"] for row in asked if row["reason"] == "compromised"]
            need(opened["reason"] == "compromised" and (not before or opened.get("since", "") < min(before)), "it says no more")
        need(sum(row["by"] == own for row in rows) < 8, "revoked by one too often")

    def check_key_rotated(self, event, issuer):
        old, given = self.revocable(event, issuer), scope_of(event.open)
        need("revoked" not in old, "revoked already")
        need(given["key"].public != self.log.public and given["key"].name not in self.known, "not a fresh key")
        need(given["role"] == old["role"], "another role")
        houses = [k["key"].name.split("/")[0] for k in (old, given)]
        need(old["role"] in ("agency", "clerk") or houses[0] == houses[1], "another holder's name")
        check_within(old, given)
        check_grant(issuer, given)

    def check_log_recognised(self, event, issuer):
        key = parse_key(event.open["log_vkey"])
        before, last = self.recognised.get(key.name, (key, None))
        need(key.name != self.log.name and before == key, "itself, or with another key")
        need(event.kind == "log.recognised" or last == "log.recognised", "nothing to withdraw")

    check_recognition_withdrawn = check_log_recognised

    def check_log_succeeded(self, event, issuer):
        key = parse_key(event.open["vkey"])
        points = [parse_checkpoint(event.open[m].encode()) for m in ("checkpoint", "abandoned") if m in event.open]
        need(all(times_of(point.note, key) for point in points), "a checkpoint that the key did not sign")
        need(key == self.log or key.name != self.log.name, "another key than this log's")
        need(key != self.log or points[0].size <= self.size, "beyond this log")
        need(key.name not in self.succeeded, "said already")

    def check_fork_observed(self, event, issuer):
        file, key = base64_of(event.open["evidence"]), parse_key(event.open["vkey"])
        origin, lines = verify_evidence(file, key)
        need(origin == event.open["origin"] and lines <= 8, "of another log, or with too many lines")

    def check_event_opened(self, event, issuer):
        opened, place = event.open, event.open["event"]
        if place["log"] == self.log.name:
            of = self.events[place["issuer"], place["seq"]]
            parts = [place["log"], place["issuer"], str(place["seq"]), opened["member"], bytes.fromhex(opened["salt"]),
                     canonical(opened["value"])]
            parts = [p if isinstance(p, bytes) else p.encode() for p in parts]
            leaf = sha(b"dutylog/commit/v1\n", *(len(p).to_bytes(4, "big") + p for p in parts))
            root = root_of(sha(b"\0", leaf), opened["index"], opened["count"], [bytes.fromhex(h) for h in opened["proof"]])
            need(root.hex() == of.top.get("body"), "not what was committed to")

    def apply(self, event, issuer):
        opened, kind = event.open, event.kind
        if kind in ("key.enrolled", "key.rotated"):
            after = opened.get("after")
            self.known[parse_key(opened["vkey"]).name] = {
                **scope_of(opened), "at": self.size, "by": issuer["key"], "last": (after["seq"], after["id"]) if after else (0, None)}
        if kind in ("key.revoked", "key.rotated"):
            foreign = kind == "key.revoked" and "vkey" in opened
            key = parse_key(opened["vkey"]) if foreign else self.known[opened["key"]]["key"]
            self.revocations.append({"key": key.public, "by": issuer["key"].public, "at": self.size, "reason": opened["reason"],
                                     "since": opened.get("since", "")})
            if not foreign:
                self.known[opened["key"]].setdefault("revoked", self.size)
        if kind == "log.policy":
            self.policies.append((self.size, parse_policy(opened["policy"].encode())))
        if kind == "agency.registered":
            self.agencies.add(opened["ori"])
        if kind in ("log.recognised", "recognition.withdrawn"):
            self.recognised[parse_key(opened["log_vkey"]).name] = (parse_key(opened["log_vkey"]), kind)
        if kind == "log.succeeded":
            key = parse_key(opened["vkey"])
            self.succeeded[key.name] = parse_key(opened["successor"])
            self.closed |= key == self.log
        self.unjudged |= kind == "rules.activated"
