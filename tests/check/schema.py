#!/usr/bin/python3
"""Holds specs/event.schema.json and the program's own validator to the same answer on EVENTS (100,000) generated events,
about half of them wrong in one way that a schema can see. They are made from specs/kinds.md alone.

    [SEED=n] [EVENTS=n] B=build tests/check/schema.py

Not generated, since no schema can see it (the schema's $comment says so): texts beyond ASCII at their limit, arrays out of
order, keys and policies that are none, members that contradict each other. Ends with 'N passed, N failed', a
kind each.
"""
import base64, copy, hashlib, json, os, pathlib, random, subprocess, sys

import fastjsonschema
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from event import CODES, KINDS, closed_by_law

BUILD = pathlib.Path(os.environ.get("B", "build"))
EVENTS = int(os.environ.get("EVENTS", "100000"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
dice = random.Random(int(os.environ.get("SEED", "1")))


def vkey(name, kind=1):
    public = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(bytes([kind]) + public).decode()}"


def checkpoint(key, size):
    blob = base64.b64encode(bytes.fromhex(key.split("+")[1]) + bytes(64)).decode()
    root = base64.b64encode(hashlib.sha256(b"%d" % size).digest()).decode()
    return f"{key.split('+')[0]}\n{size}\n{root}\n\n— {key.split('+')[0]} {blob}\n"


ROOTS = sorted(vkey(f"root-{i}.example") for i in range(4))
LOG, OLD = vkey("log.example"), vkey("old.example/log")
WITNESSES = [vkey(f"m{i}.example", 4) for i in range(3)]
POLICY = (f"log {LOG}\n" + "".join(f"witness m{i} {key}\n" for i, key in enumerate(WITNESSES))
          + "group g 2 m0 m1 m2\nquorum g\n")


def one_time():
    """A key of report.lodged: named after its public key."""
    public = base64.b64decode(vkey("one").split("+", 2)[2])[1:]
    name = "anyone/" + hashlib.sha256(public).hexdigest()[:32]
    key_id = hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4]
    return f"{name}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"


ANYONE = one_time()


def hexes(count):
    return "%0*x" % (count, dice.getrandbits(4 * count))


def word(most, alphabet="abcdefghijklmnopqrstuvwxyz0123456789._-"):
    return "w" + "".join(dice.choice(alphabet) for _ in range(dice.choice((0, 3, min(most, 40) - 1, most - 1))))


def day():
    return dice.choice(("1900-01-01", "2000-02-29", "2023-12-31", "2024-02-29", "2024-06-30", "9999-12-31"))


def measure():
    code = dice.choice(CODES[1:])
    term = {dice.choice(("days", "months")): dice.choice((1, 30, 99999))}
    return {"code": code, **(term if code in ("leave_forfeit", "suspension", "probation") else {}),
            **({"paid": dice.random() < 0.5} if code == "suspension" else {})}


def value_of(row):
    """A good value for a member's row: its type and its most, as specs/kinds.md has it."""
    kind, _, most = row.partition(", at most ")
    most = int(most) if most else 0
    made = {
        "text": lambda: word(most, "ab é\nZ"), "title": lambda: word(most, "ab Z'"), "token": lambda: word(most),
        "name": lambda: dice.choice(("a", "pd.example/clerk-7", "a/b/c")), "origin": lambda: "other.example/log",
        "hash": lambda: hexes(64), "salt": lambda: hexes(64), "handle": lambda: hexes(32),
        "ORI": lambda: "NY%07d" % dice.randrange(9999999), "day": day, "month": lambda: "2024-%02d" % dice.randint(1, 12),
        "time": lambda: day() + dice.choice(("T00:00:00Z", "T23:59:59Z")), "state": lambda: dice.choice(("NY", "US")),
        "integer": lambda: dice.choice((0, 1, most or 2**53 - 1)), "vkey": lambda: dice.choice((OLD, ROOTS[0])),
        "any vkey": lambda: dice.choice((OLD, WITNESSES[0])),
        "ORIs": lambda: sorted({"NY%07d" % dice.randrange(9) for _ in range(dice.randrange(4))}),
        "some ORIs": lambda: sorted({"NY%07d" % dice.randrange(9) for _ in range(dice.randint(1, 3))}),
        "states": lambda: sorted({dice.choice(("MN", "NY", "WI")) for _ in range(dice.randint(1, 3))}),
        "kinds": lambda: dice.choice((["*"], sorted(dice.sample(sorted(KINDS), 3)))),
        "tokens": lambda: sorted({word(40) for _ in range(dice.randint(1, 3))}),
        "any": lambda: dice.choice(("a", 3, True, [1, {"a": "b"}], {})),
        "discipline": lambda: dice.choice(([{"code": "none"}], [measure() for _ in range(dice.randint(1, 3))])),
        "evidence": lambda: base64.b64encode(b"dutylog/evidence/v1 a\n" + bytes(dice.randrange(9))).decode(),
        "event": lambda: {"id": hexes(64), "issuer": "desk", "log": "other.example/log", "seq": dice.choice((1, 2**53 - 1))},
        "address": lambda: dice.choice(("https://pd.example/a", "http://x", "file:list.csv")),
    }.get(kind)
    if row.startswith("some of "):
        codes = row.removeprefix("some of ").split(", ")
        return sorted(dice.sample(codes, dice.randint(1, len(codes))))
    return made() if made else dice.choice(row.split(", "))


# What members of one event ask of each other.
def settle(kind, opened):
    if "occurred" in opened and "reported" in opened:
        opened["occurred"], opened["reported"] = sorted((opened["occurred"], opened["reported"]))
    if "subject" in opened:
        opened["subject"] = dice.choice((1, 999))
    together = {"period.reported": ("first_case", "last_case"),
                "standard.published": ("calendar", "clock_start", "deadline")}.get(kind, ())
    if not all(name in opened for name in together):
        for name in together:
            opened.pop(name, None)
    if kind == "agency.merged":
        opened["into"] = "CA0000000"
    elif kind in ("key.enrolled", "key.rotated"):
        opened.pop("after", None)
        if "from" in opened and "until" in opened:
            opened["from"], opened["until"] = sorted((opened["from"], opened["until"]))
    elif kind == "appeal.decided" and "discipline" not in opened and opened["outcome"] in ("reduced", "increased"):
        opened["outcome"] = "upheld"
    elif kind == "key.revoked" and "vkey" in opened:
        opened["key"] = opened["vkey"].split("+")[0]
    elif kind == "report.lodged":
        opened["vkey"] = ANYONE
    elif kind == "rules.activated":
        opened["table"] = dice.choice((2, 3, 1000000))
    elif kind == "log.opened":
        opened.update(authority=ROOTS, log_vkey=LOG, operator_vkey=vkey("pd.example/op"), threshold=2)
    elif kind == "log.policy":
        opened.update(policy=POLICY, operators={f"m{i}": word(8) + str(i) for i in range(3)})
    elif kind == "log.succeeded":
        opened.update(vkey=OLD, successor=LOG, checkpoint=checkpoint(OLD, 9))
        if "abandoned" in opened:
            opened["abandoned"] = checkpoint(OLD, 12)
    elif kind == "event.opened":
        opened.update(index=1, count=3, proof=[hexes(64), hexes(64)])
    return opened


def good():
    kind = dice.choice(sorted(KINDS))
    opened = {}
    for name, (row, how) in KINDS[kind][1].items():
        special = row.split(",")[0] in ("vkeys", "policy", "operators", "checkpoint", "hashes")
        if how.startswith("open") and not (special and how == "open"):
            if how != "open" or dice.random() < 0.5:
                opened[name] = None if special else value_of(row)
    for name in [n for n, (_, how) in KINDS[kind][1].items() if how == "open" and KINDS[kind][1][n][0].startswith("checkpoint")]:
        if dice.random() < 0.5:
            opened[name] = None
    if opened.get("basis") == "imported":
        for name, (_, how) in KINDS[kind][1].items():
            if how == "open, required if live" and dice.random() < 0.5:
                opened.pop(name, None)
    event = {"issuer": "desk", "kind": kind, "log": "log.example", "open": settle(kind, opened), "seq": 1}
    if kind == "log.opened":
        event["issuer"] = "pd.example/op"
    elif kind == "report.lodged":
        event.update(issuer=ANYONE.split("+")[0], body=hexes(64))
    elif dice.random() < 0.5:
        event.update(seq=dice.choice((2, 2**53 - 1)), prev=hexes(64))
    if any(how == "closed" for _, how in KINDS[kind][1].values()) and dice.random() < 0.5:
        event["body"] = hexes(64)
    return event


WRONG = ["", "x" * 20000, -1, 2**53 - 1, 100001, [], {}, True, ["x"], "a b", "A", "\x7f", "a\n", "2023-02-29", "2024-13-01",
         "1899-12-31", "2024-02-29T24:00:00Z", "2024-2-9", "NY03030", "ny0303000", "AA" * 32, "aa" * 31, "live ", "pending",
         "ftp://a", "https://", "a//b", "../a", "a/..", "+", [{"code": "none"}, {"code": "training"}], [{"code": "demotion",
         "days": 3}], [{"code": "suspension", "days": 3}], [{"code": "probation"}], [{"code": "probation", "days": 1, "months": 1}],
         [{"code": "probation", "days": 0}], [{"code": "x"}], {"id": "aa" * 32, "issuer": "a", "log": "b", "seq": 0}, ["a", "a"],
         ["*", "correction"], ["no.kind"], {"a": 3}]
# Strings that a schema may take for a key, a policy, a checkpoint: only what is wrong for all of them.
BLIND = {"vkey", "any vkey", "vkeys", "policy", "checkpoint", "evidence", "operators", "any", "hashes"}


def nearly(value):
    """A little off; it may still be good."""
    if isinstance(value, str):
        at = dice.randrange(len(value))
        return dice.choice((value[:-1], value[1:], value + value[-1], value.swapcase(), value[:at] + "0" + value[at + 1:],
                            value[:at] + dice.choice("/:@[`{ -.A") + value[at + 1:], value + "\n"))
    if isinstance(value, list) and value:
        return dice.choice((value + value[-1:], value * 70, [nearly(value[0])] + value[1:] if len(value) < 2 else value[:1]))
    if isinstance(value, dict) and "seq" in value:
        return {**value, dice.choice(sorted(value)): nearly(dice.choice(sorted(value.values(), key=str)))}
    return value + dice.choice((-1, 1)) if type(value) is int else value


def damage(event):
    """One fault, in place."""
    members = KINDS[event["kind"]][1]
    opened = event.get("open", {})
    what = dice.randrange(9)
    if what == 0 and opened:
        opened.pop(dice.choice(sorted(opened)))
    elif what == 1:
        opened[dice.choice(("zebra", "kinds", "Ori", "officer", "narrative", "body"))] = "x"
    elif what == 2:
        event[dice.choice(("zebra", "sealed"))] = 1
    elif what == 3:
        name, bad = dice.choice((("seq", 0), ("seq", -1), ("seq", "1"), ("seq", 2**53 - 1), ("kind", "no.kind"), ("kind", 1), ("issuer", ""),
                                 ("issuer", "A"), ("issuer", "a" * 201), ("log", ""), ("log", "a b"), ("log", "a+b"),
                                 ("prev", "aa"), ("prev", hexes(64)), ("body", hexes(64)), ("body", "AA" * 32), ("open", {}),
                                 ("open", []), ("open", "x")))
        event[name] = bad
    elif what == 4:
        event.pop(dice.choice(sorted(event)))
    elif opened:
        name = dice.choice(sorted(opened))
        kind = members[name][0].partition(", at most ")[0]
        bad, good_value = copy.deepcopy(dice.choice(WRONG)), opened[name]
        opened[name] = bad if kind not in BLIND or kind == "evidence" else dice.choice(([], -1, True, "")) if kind != "any" else bad
        if kind not in BLIND and dice.random() < 0.5:
            opened[name] = nearly(good_value)
        if kind in ("hashes", "any"):
            opened[name] = dice.choice((3, "x", ["x"])) if kind == "hashes" else bad
    return event


def related(event):
    """Does the fault that was put in touch what the schema leaves out? Then it is not asked."""
    opened = event.get("open")
    if not isinstance(opened, dict) or event.get("kind") not in KINDS:
        return False
    if closed_by_law(event["kind"], opened):
        return True
    pair = [opened.get(n) for n in ("occurred", "reported")]
    together = {"period.reported": ("first_case", "last_case"),
                "standard.published": ("calendar", "clock_start", "deadline")}.get(event["kind"], ())
    span = [opened.get(n) for n in ("from", "until")]
    return (all(isinstance(v, str) for v in pair) and pair[0] > pair[1] or opened.get("subject") == 0
            or 0 < sum(n in opened for n in together) < len(together)
            or event["kind"] == "report.lodged" and (ANYONE.split("+")[0], 1, ANYONE, True) != (
                event.get("issuer"), event.get("seq"), opened.get("vkey"), "body" in event)
            or event["kind"] == "rules.activated" and opened.get("table") in (0, 1)
            or event["kind"] == "appeal.decided" and opened.get("outcome") in ("reduced", "increased") and "discipline" not in opened
            or event["kind"] == "key.revoked" and str(opened.get("vkey", opened.get("key"))).split("+")[0] != opened.get("key")
            or event["kind"] in ("key.enrolled", "key.rotated") and all(isinstance(v, str) for v in span) and span[0] > span[1]
            or event["kind"] == "event.opened" and (opened.get("index"), opened.get("count")) != (1, 3) or event["kind"].startswith("log.") or opened.get("into", 0) == opened.get("ori", 1))


def compiled(schema):
    """The schema for each kind: what it says of the others (if the kind is ..., then ...) is left out, as it says nothing
    of this one. Compiled whole, it takes longer than all events together."""
    clauses = schema["allOf"]
    assert len(clauses) == len(KINDS) + 1
    by_kind = {clause["if"]["properties"]["kind"]["const"]: clause for clause in clauses[:-1]}
    assert set(by_kind) == set(KINDS)
    made = {kind: fastjsonschema.compile({**copy.deepcopy(schema), "allOf": copy.deepcopy([clause, clauses[-1]])})
            for kind, clause in by_kind.items()}
    other = fastjsonschema.compile({**copy.deepcopy(schema), "allOf": copy.deepcopy(clauses[-1:])})
    return lambda event: made.get(event["kind"] if isinstance(event.get("kind"), str) else "", other)(event)


def bad_templates():
    """Kinds whose template is no JSON, or does not show a clerk every member, where it goes, its codes, and how much it takes."""
    bad = []
    for kind, (_, rows) in KINDS.items():
        text = subprocess.run([BUILD / "dutylog", "event", "--template", kind], check=True, stdout=subprocess.PIPE, text=True).stdout
        shown = json.loads(text)
        asked = {(how.startswith("closed"), name): of for name, (of, how) in rows.items()}
        told = {(side == "closed", name): what for side in ("open", "closed") for name, what in shown[side].items()}
        if asked.keys() != told.keys() or not all(part in told[m] for m, of in asked.items() for part in of.split(", ")[1:]):
            bad.append(kind)
    return bad


def main():
    written = (ROOT / "specs/event.schema.json").read_text()
    given = subprocess.run([BUILD / "dutylog", "event", "--schema"], check=True, stdout=subprocess.PIPE, text=True).stdout
    if given != written:
        print("specs/event.schema.json is not what the program gives: dutylog event --schema")
    validate = compiled(json.loads(written))
    lines, opinions, wrong = [], [], 0
    while len(lines) < EVENTS:
        event = good()
        if dice.random() < 0.5:
            event = damage(event)
            if related(event):
                continue
        line = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if len(line.encode()) > 16000:
            continue # refused for its size, which is no matter of the schema
        try:
            validate(json.loads(line))
            opinions.append(True)
        except fastjsonschema.JsonSchemaException:
            opinions.append(False)
        lines.append(line)
    said = subprocess.run([BUILD / "tests/check-forms"], input="\n".join(lines) + "\n", text=True, stdout=subprocess.PIPE,
                          check=True).stdout.split("\n")[:-1]
    assert len(said) == len(lines)
    taken = {json.loads(line)["kind"] for line, verdict in zip(lines, said) if verdict == "ok"}
    for line, verdict, opinion in zip(lines, said, opinions):
        if (verdict == "ok") != opinion:
            wrong += 1
            if wrong <= 10:
                print(f"schema {'takes' if opinion else 'refuses'}, validator: {verdict}\n    {line[:600]}")
    missing = sorted(set(KINDS) - taken)
    if missing:
        print("no good event of", ", ".join(missing))
    print(f"{len(lines)} events, {sum(opinions)} good by the schema, {len(taken)} kinds")
    templates = bad_templates()
    if templates:
        print("templates that do not show what the page says:", ", ".join(templates))
    failed = wrong + len(missing) + (given != written) + len(templates)
    print(f"{len(taken)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
