"""The form of events, as specs/event.md has it: whatever the bytes alone decide. The tables of kinds are read from that
page itself. For verify.py."""
import datetime, json, pathlib, re
from collections import namedtuple
from c2sp import Bad, base64_of, is_key_name, met, need, parse_checkpoint, parse_key, parse_note, parse_policy, root_of, sha, splits

Event = namedtuple("Event", "top open note id kind")


def read_kinds():
    """specs/kinds.md: kind -> (roles, {member: (type, visible and required)}); those that the authority signs."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "specs/kinds.md").read_text()
    kinds, authority = {}, set()
    for part in re.split(r"^### ", text.split("## Kinds\n")[1], flags=re.M)[1:]:
        roles = re.search(r"Issuer: ([a-z, ]+)\.", part)[1].split(", ")
        rows = re.findall(r"^\| `([a-z._]+)` \| ([^|]+) \| ([^|]+) \|", part, flags=re.M)
        kind = re.match(r"`([a-z._]+)`", part)[1]
        authority |= {kind} if "Signed by the authority." in part else set()
        kinds[kind] = (roles, {name: (kind, how) for name, kind, how in rows})
    assert len(kinds) >= 54
    return kinds, authority


def read_law():
    """Of the same page: rows (state, kind, what is closed, (member, value) that opens it, or None)."""
    text = (pathlib.Path(__file__).resolve().parents[2] / "specs/kinds.md").read_text()
    rows = re.findall(r"^\| ([A-Z]{2}) \| `([a-z._]+)` \| `([a-z_]+)` \| (?:`([a-z_]+)` is ([a-z_]+))? \|", text.split("## Law\n")[1], flags=re.M)
    assert len(rows) >= 3
    return [(state, kind, closed, (member, value) if member else None) for state, kind, closed, member, value in rows]


KINDS, BY_AUTHORITY = read_kinds()
LAW = read_law()
CODES = ("none counseling training oral_reprimand written_reprimand leave_forfeit suspension demotion probation "
         "termination resigned_pending decertification_referral decertified prosecution_referral not_served").split()
PATTERNS = {"token": r"[a-z0-9._-]+", "hash": r"[0-9a-f]{64}", "salt": r"[0-9a-f]{64}", "handle": r"[0-9a-f]{32}",
            "ORI": r"[A-Z0-9]{9}", "day": r"\d{4}-\d\d-\d\d", "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
            "text": r"[^\x00-\x09\x0b-\x1f\x7f]+", "evidence": r"[A-Za-z0-9+/=]+", "title": r"[^\x00-\x1f\x7f]+",
            "address": r"(https?://|file:)[!-~]+", "month": r"\d{4}-\d\d", "state": r"[A-Z]{2}"}


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def parse_json(data):
    def pairs(items):
        need(len(dict(items)) == len(items) <= 64, "a name twice, or too many")
        return dict(items)

    def refuse(_):
        raise Bad("a number that is no integer")

    def check(value, depth):
        need(value is not None, "null")
        need(not isinstance(value, int) or abs(value) < 2**53, "a large integer")
        need(not isinstance(value, str) or "\0" not in value, "U+0000")
        if isinstance(value, (dict, list)):
            need(depth < 8, "too deep")
            for name in value if isinstance(value, dict) else ():
                need(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name), "a wrong name")
            for inner in value.values() if isinstance(value, dict) else value:
                check(inner, depth + 1)

    try:
        value = json.loads(data.decode(), object_pairs_hook=pairs, parse_float=refuse, parse_constant=refuse)
        check(value, 0)
        again = canonical(value)
    except (ValueError, RecursionError):
        raise Bad("not JSON")
    need(again == data, "JSON, but not in its canonical form")
    return value


def is_name(value):
    return (isinstance(value, str) and len(value) <= 200
            and all(re.fullmatch(r"[a-z0-9._-]+", t) and t not in (".", "..") for t in value.split("/")))


def check_day(text):
    try:
        need(datetime.date.fromisoformat(text[:10]).year >= 1900, "a day before 1900")
        datetime.time.fromisoformat(text[11:19] or "00:00:00")
    except ValueError:
        raise Bad("not a day or time")


def ascending(values):
    return all(a.encode() < b.encode() for a, b in zip(values, values[1:]))


def check_type(value, row):
    kind, _, most = row.partition(", at most ")
    most = int(most) if most else 0
    if kind in PATTERNS:
        need(isinstance(value, str) and re.fullmatch(PATTERNS[kind], value, flags=re.A), f"not of type {kind}")
        need(not most or len(value.encode()) <= most, "too long")
        if kind in ("day", "time", "month"):
            check_day(value + "-01" if kind == "month" else value)
        need(kind != "evidence" or base64_of(value).startswith(b"dutylog/evidence/v1 "), "not evidence")
    elif kind == "name":
        need(is_name(value), "not a name")
    elif kind == "origin":
        need(isinstance(value, str) and is_key_name(value), "not an origin")
    elif kind == "integer":
        need(type(value) is int and 0 <= value <= (most or 2**53 - 1), "not an integer in its range")
    elif kind in ("vkey", "any vkey"):
        need(isinstance(value, str), "not a vkey")
        parse_key(value, 1, *([4] if kind == "any vkey" else []))
    elif kind in ("policy", "checkpoint"):
        need(isinstance(value, str) and len(value.encode()) <= most, f"not a {kind}")
        (parse_policy if kind == "policy" else parse_checkpoint)(value.encode())
    elif kind == "operators":
        need(isinstance(value, dict) and 1 <= len(value) <= 32, "not the operators")
        for operator in value.values():
            check_type(operator, f"token, at most {most}")
    elif kind == "event":
        need(isinstance(value, dict) and sorted(value) == ["id", "issuer", "log", "seq"], "not an event's place")
        for name, inner in (("id", "hash"), ("issuer", "name"), ("log", "origin"), ("seq", "integer")):
            check_type(value[name], inner)
        need(value["seq"] >= 1, "seq 0")
    elif kind.startswith("some of "):
        codes = row.removeprefix("some of ").split(", ")
        need(isinstance(value, list) and value and all(v in codes for v in value), f"not some of: {row}")
        need(ascending(value), "not sorted")
    elif kind in ("vkeys", "ORIs", "some ORIs", "states", "kinds", "hashes", "discipline", "tokens"):
        least = 0 if kind in ("ORIs", "hashes") else 1
        need(isinstance(value, list) and least <= len(value) <= most, f"not {kind}")
        check_list(value, kind)
    elif kind != "any":
        need(isinstance(value, str) and value in row.split(", "), f"not one of: {row}")


def check_list(values, kind):
    if kind == "discipline":
        for measure in values:
            need(isinstance(measure, dict) and measure.get("code") in CODES, "not a measure")
            code, numbers = measure["code"], set(measure) - {"code", "paid"}
            term = code in ("leave_forfeit", "suspension", "probation")
            need(numbers in ([{"days"}, {"months"}] if term else [set()]), "days or months")
            need(all(type(measure[n]) is int and 1 <= measure[n] <= 99999 for n in numbers), "a number of days")
            need(("paid" in measure) == (code == "suspension") and type(measure.get("paid", True)) is bool, "paid")
            need(code != "none" or len(values) == 1, "none stands alone")
        return
    need(all(isinstance(v, str) for v in values), "not strings")
    if kind == "vkeys":
        keys = [parse_key(v, 1) for v in values]
        need(ascending([k.name for k in keys]) and len({k.public for k in keys}) == len(keys), "keys out of order")
    elif kind == "kinds":
        need(values == ["*"] or ascending(values) and all(v in KINDS for v in values), "not kinds")
    else:
        for value in values:
            check_type(value, {"ORIs": "ORI", "some ORIs": "ORI", "states": "state", "hashes": "hash", "tokens": "token, at most 40"}[kind])
        need(kind == "hashes" or ascending(values), f"{kind} out of order")


def parse_event(data):
    need(len(data) <= 16384, "the event is too large")
    note = parse_note(data)
    lines = note.text.split(b"\n")
    need(len(lines) == 3 and lines[0] == b"dutylog/event/v1", "not the two lines of an event")
    top = parse_json(lines[1])
    need(isinstance(top, dict) and {"issuer", "kind", "log", "seq"} <= set(top)
         <= {"body", "issuer", "kind", "log", "open", "prev", "seq"}, "a member missing or unknown")
    for name, kind in (("issuer", "name"), ("log", "origin"), ("seq", "integer"), ("prev", "hash"), ("body", "hash")):
        if name in top:
            check_type(top[name], kind)
    kind, issuer, opened = top["kind"], top["issuer"], top.get("open", {})
    need(isinstance(kind, str) and kind in KINDS, "an unknown kind")
    need(top["seq"] >= 1 and ("prev" in top) == (top["seq"] > 1), "prev and seq do not fit")
    members = KINDS[kind][1]
    need("body" not in top or any(how.startswith("closed") for _, how in members.values()), "a body")
    need("open" not in top or isinstance(opened, dict) and opened, "an empty open")
    for name, value in opened.items():
        need(name in members and members[name][1].startswith("open"), f"open has {name}")
        check_type(value, members[name][0])
    for name, (_, how) in members.items():
        wanted = how == "open, required" or how == "open, required if live" and opened.get("basis") == "live"
        need(not wanted or name in opened, f"open lacks {name}")
    event = Event(top, opened, note, sha(note.text), kind)
    check_rules(event)
    names = [name for name, _, _ in note.lines]
    need(len(names) <= 8 and all(len(blob) == 64 for _, _, blob in note.lines), "too many lines, or not Ed25519")
    need(names[0] == issuer and issuer not in names[1:] and ascending(names[1:]), "signature lines out of order")
    need(kind in BY_AUTHORITY or len(names) == 1, "surplus signatures")
    return event


def closed_by_law(kind, opened):
    return any(kind == of and str(opened.get("ori", ""))[:2] == state and (unless is None or opened.get(unless[0]) != unless[1])
               and (closed == "kind" or closed in opened) for state, of, closed, unless in LAW)


def check_rules(event):
    opened, top = event.open, event.top
    need(not closed_by_law(event.kind, opened), "closed by law")
    need(opened.get("occurred", "") <= opened.get("reported", "9999-99-99"), "occurred after reported")
    need(opened.get("subject", 1) >= 1, "subject 0")
    if event.kind == "log.opened":
        log, runs = parse_key(opened["log_vkey"]), parse_key(opened["operator_vkey"])
        roots = [parse_key(k) for k in opened["authority"]]
        need(top["seq"] == 1 and log.name == top["log"] and runs.name == top["issuer"], "names do not fit")
        need(log.public != runs.public, "the log's key is the operator's")
        need(not any(k.name.startswith("anyone/") for k in [runs, *roots]), "a one-time key's name")
        need(all(is_name(k.name) and k.public not in (log.public, runs.public) and k.name != runs.name
                 for k in roots), "a root with another's key")
        need(1 <= opened["threshold"] <= len(roots), "a threshold beyond the roots")
    elif event.kind == "log.policy":
        policy = parse_policy(opened["policy"].encode())
        need([log.name for log in policy.logs] == [top["log"]], "not the policy of this log")
        need(not splits(policy, policy.quorum), "two disjoint sets satisfy the quorum")
        need(all(k.public != policy.logs[0].public for k in policy.witnesses.values()), "the log as a witness")
        need({name.decode(errors="replace") for name in policy.witnesses} == set(opened["operators"]), "operators")
        run_by = {name: opened["operators"][name.decode()] for name in policy.witnesses}
        need(not any(met(policy, {w for w in run_by if run_by[w] == one}, policy.quorum) for one in run_by.values()),
             "one operator's mirrors satisfy the quorum")
    elif event.kind in ("key.enrolled", "key.rotated"):
        key = parse_key(opened["vkey"])
        need(event.kind == "key.enrolled" or key.name != opened["key"], "in the place of itself")
        need(is_name(key.name) and key.name != top["issuer"] and not key.name.startswith("anyone/"), "a wrong key name")
        need(opened.get("from", "") <= opened.get("until", "9999-99-99"), "from after until")
    elif event.kind == "root.replaced":
        key = parse_key(opened["vkey"])
        need(is_name(key.name) and key.name not in (top["issuer"], opened["key"]) and not key.name.startswith("anyone/"), "a wrong key name")
        need(opened["key"] not in [line[0] for line in event.note.lines], "signed by the root that goes")
    elif event.kind == "key.revoked":
        need("vkey" not in opened or parse_key(opened["vkey"]).name == opened["key"], "a key under another's name")
    elif event.kind == "report.lodged":
        key = parse_key(opened["vkey"])
        need(key.name == top["issuer"] == "anyone/" + sha(key.public).hex()[:32], "not a one-time key's name")
        need(top["seq"] == 1 and "body" in top, "not the key's one event")
    elif event.kind == "log.succeeded":
        old, new = parse_key(opened["vkey"]), parse_key(opened["successor"])
        ends = [parse_checkpoint(opened[m].encode()) for m in ("checkpoint", "abandoned") if m in opened]
        need(old.name != new.name and old.public != new.public, "its own successor")
        need(all(end.origin == old.name for end in ends), "a checkpoint of another log")
        need(len(ends) == 1 or ends[0].size < ends[1].size, "nothing is abandoned")
    elif event.kind == "rules.activated":
        need(opened["table"] >= 2, "table 1 is there from the beginning")
    elif event.kind == "appeal.decided":
        need(opened["outcome"] not in ("reduced", "increased") or "discipline" in opened, "changed to nothing")
    elif event.kind == "agency.merged":
        need(opened["into"] != opened["ori"], "merged into itself")
    elif event.kind in ("period.reported", "standard.published"):
        period = event.kind == "period.reported"
        together = ("first_case", "last_case") if period else ("deadline", "calendar", "clock_start")
        need(sum(name in opened for name in together) in (0, len(together)), "some of what stands together")
    elif event.kind == "event.opened":
        need(opened["index"] < opened["count"], "index beyond count")
        root_of(b"", opened["index"], opened["count"], [bytes.fromhex(h) for h in opened["proof"]])
