#!/usr/bin/python3
"""A second opinion on receipts and evidence, offline. It shares no code with dutylog: it is written from
specs/event.md, specs/evidence.md, specs/lists.md and the C2SP texts. Beside it: c2sp.py reads notes and proofs, event.py events,
accept.py judges a log.

    verify.py receipt FILE [--policy POLICYFILE] [--root VKEY]... [--threshold N] [--by RECEIPT]... [--tiles FOLDER]
    verify.py evidence FILE --key VKEY
    verify.py absence FILE [--policy POLICYFILE] [--root VKEY]... [--threshold N]

Exit status: 0 good, 1 bad (the reason is printed), 2 usage.
"""
import argparse, json, pathlib, re, sys
from accept import Judge, Unjudged, by, check_grant, check_scope, day_of, scope_of
from c2sp import (Bad, below, check_quorum, cut, decimal, hash_line, met, need, parse_checkpoint, parse_key, parse_policy,
                  parse_proof, root_of, sha, times_of, tree_root)
from event import BY_AUTHORITY, parse_event, parse_json
from evidence import verify_evidence


def check_authority(event, start, roots, threshold):
    """All lines from `start` on are by these roots, as many as the threshold."""
    named = {k.name: k for k in roots}
    lines = range(start, len(event.note.lines))
    need(all(event.note.lines[i][0] in named and by(event, i, named[event.note.lines[i][0]]) for i in lines),
         "a line that is no root's, or is bad")
    need(len(lines) == threshold, "not as many roots as the threshold")


def roots_by(items, opened):
    """The roots at any index: those of log.opened, with each root.replaced among the items, which has to be right itself."""
    first, threshold = [parse_key(v) for v in opened.open["authority"]], opened.open["threshold"]
    steps, taken = [(-1, first)], {parse_key(opened.open[m]).public for m in ("log_vkey", "operator_vkey")}
    names = {opened.top["issuer"]}
    for event, proof, _ in items:
        if event.kind != "root.replaced":
            continue
        at, now = steps[-1]
        need(proof.index > at and len(steps) <= 8, "replacements out of order, or too many")
        fresh, goes = parse_key(event.open["vkey"]), event.open["key"]
        taken |= {k.public for k in now}
        names |= {k.name for k in now}
        need(goes in [k.name for k in now] and event.top["issuer"] in [k.name for k in now], "no root goes, or none says so")
        check_authority(event, 0, now, threshold)
        need(fresh.public not in taken and fresh.name not in names, "a key or name that is taken")
        after = [k for k in now if k.name != goes] + [fresh]
        need(len(set(first) - set(after)) <= min(len(first) - threshold, threshold - 1), "too few of the first roots stay")
        steps.append((proof.index, after))
    return lambda index: [roots for at, roots in steps if at < index or at == -1][-1]



def read_item(note, proof):
    event, proof = parse_event(note), parse_proof(proof)
    match = re.fullmatch(rb"received (0|[1-9][0-9]*)\n", proof.extra or b"")
    need(match, "extra is not the received line")
    stamp = decimal(match[1])
    point = proof.checkpoint
    need(root_of(sha(b"\0", proof.extra, note), proof.index, point.size, proof.hashes) == point.root, "not in the tree")
    need(event.top["log"] == point.origin, "in another log than it is meant for")
    return event, proof, stamp


def split_receipt(data):
    need(len(data) <= 1 << 20 and data.startswith(b"dutylog/receipt/v1\n"), "not a receipt")
    rest, items = data[19:], []
    while rest:
        line, rest = cut(rest, b"\n", "no line of an item")
        match = re.fullmatch(rb"item ([0-9]+) ([0-9]+)", line)
        need(match, "not the line of an item")
        a, b = decimal(match[1], 1, 65535), decimal(match[2], 1, 37696)
        need(len(rest) >= a + b, "the receipt ends within an item")
        items.append((rest[:a], rest[a:a + b]))
        rest = rest[a + b:]
    need(3 <= len(items) <= 16, "too few or too many items")
    return items


def verify_receipt(data, policy=None, roots=(), threshold=0):
    items = [read_item(*item) for item in split_receipt(data)]
    (opened, first, _), (rules, second, _) = items[:2]
    need(opened.kind == "log.opened" and first.index == 0, "item 0 is not log.opened at index 0")
    need(by(opened, 0, parse_key(opened.open["operator_vkey"])), "not signed by the operator")
    roots_at, wanted = roots_by(items[2:-1], opened), opened.open["threshold"]
    check_authority(opened, 1, roots_at(0), wanted)
    pinned = {root for root in roots if any(by(opened, i, root) for i in range(1, len(opened.note.lines)))}
    need(len(pinned) >= (threshold or len(roots)), "not signed by the pinned roots")
    need(rules.kind == "log.policy", "item 1 is not log.policy")
    check_authority(rules, 0, roots_at(second.index), wanted)
    need(first.checkpoint.raw == second.checkpoint.raw, "items 0 and 1 at different checkpoints")
    own, log = parse_policy(rules.open["policy"].encode()), parse_key(opened.open["log_vkey"])
    need(own.logs == [log], "the policy has another log key")
    need(all(rules.open["operators"][w.decode()] != opened.open["operator"] for w in below(own, own.quorum)),
         "a mirror of the quorum is the operator's own")
    for _, proof, _ in items:
        times = check_quorum(own, proof.checkpoint)
        if policy:
            check_quorum(policy, proof.checkpoint)
            signers = [k for k in policy.logs if k.name == proof.checkpoint.origin and times_of(proof.checkpoint.note, k)]
            need(signers[0] == log, "the policy given has another log key")
    scope, before = None, -1
    for number, (event, proof, stamp) in enumerate(items[2:], 2):
        last = number == len(items) - 1
        if event.kind == "root.replaced" and not last:
            continue
        need(proof.index > before, "before the enrolment that it rests on")
        if last and proof.index == 0:
            need(event.id == opened.id and scope is None, "not item 0's event")
            continue
        need(not last or event.kind != "log.policy" or proof.index <= second.index, "judged by a policy that it replaced")
        if scope is None and event.kind == "report.lodged":
            scope = {"key": parse_key(event.open["vkey"]), "role": "anyone"}
        if scope is None:
            named = {k.name: {"key": k, "role": "root"} for k in roots_at(proof.index)}
            named[opened.top["issuer"]] = {"key": parse_key(opened.open["operator_vkey"]), "role": "operator"}
            need(event.top["issuer"] in named, "issued by a key that nothing leads to")
            scope = named[event.top["issuer"]]
        need(event.top["issuer"] == scope["key"].name, "issued by a key that nothing leads to")
        check_scope(event, scope, day_of(stamp))
        if event.kind in BY_AUTHORITY:
            check_authority(event, 0, roots_at(proof.index), wanted)
        else:
            need(by(event, 0, scope["key"]), "the issuer's signature does not verify")
        if not last:
            need(event.kind in ("key.enrolled", "key.rotated") and number < 10, "no enrolment, or too many of them")
            check_grant(scope, scope_of(event.open))
            scope, before = scope_of(event.open), proof.index
    at = [t for t in times.values() if t and met(own, {w for w, u in times.items() if 0 < u <= t}, own.quorum)]
    need(at and min(at) <= (2**64 - 1) // 1000, "no time at which there was a quorum")
    stamp, quorum = items[-1][2], min(at) * 1000
    return items[-1][0], stamp if abs(quorum - stamp) <= 3600000 else quorum


def log_key_of(data):
    """Of a receipt that was found good: the key of its log."""
    return parse_key(read_item(*split_receipt(data)[0])[0].open["log_vkey"])


def role_of(data):
    """Likewise: the role of the key that issued its event; none of those that log.opened names, and of one-time keys."""
    between = [read_item(*item)[0] for item in split_receipt(data)[2:-1]]
    enrolments = [event for event in between if event.kind != "root.replaced"]
    return enrolments[-1].open["role"] if enrolments else None


def verify_recognised(data, recognitions, policy, roots, threshold):
    """specs/registry.md: each log is recognised by the next receipt's event; the roots opened the last one's."""
    need(1 <= len(recognitions) <= 4, "no recognitions, or too many")
    said, _ = verify_receipt(data, policy)
    log, ori, role = log_key_of(data), said.open.get("ori"), role_of(data)
    for i, receipt in enumerate(recognitions):
        event, _ = verify_receipt(receipt, None, *((roots, threshold) if i == len(recognitions) - 1 else ()))
        need(event.kind == "log.recognised" and parse_key(event.open["log_vkey"]) == log, "it recognises another log")
        bounds = [b for b in ("oris", "states") if b in event.open]
        need(ori is None or not bounds or ori in event.open.get("oris", []) or ori[:2] in event.open.get("states", []), "not about this agency")
        need(role not in ("court", "oversight", "post") or role in event.open.get("roles", []), "not for this role")
        log = log_key_of(receipt)


# --- the log, read for a receipt ---
def read_tiles(folder):
    """The checkpoint of a folder of tiles, and the entries that it covers."""
    try:
        point = parse_checkpoint((folder / "checkpoint").read_bytes())
        entries = []
        while len(entries) < point.size:
            n, width = len(entries) // 256, min(256, point.size - len(entries))
            name, rest = f"{n % 1000:03d}", n // 1000
            while rest:
                name, rest = f"x{rest % 1000:03d}/{name}", rest // 1000
            data = (folder / "tile/entries" / (name + (f".p/{width}" if width < 256 else ""))).read_bytes()
            for _ in range(width):
                size = int.from_bytes(data[:2], "big")
                need(len(data) >= 2 + size, "a bundle ends within an entry")
                entries.append(data[2:2 + size])
                data = data[2 + size:]
            need(not data, "a bundle with more than its entries")
    except OSError as why:
        raise Bad(f"no tiles: {why}")
    return point, entries


def read_log(data, folder):
    """specs/event.md: a receipt that is good, against the entries of its log."""
    items = [read_item(*item) for item in split_receipt(data)]
    log = parse_key(items[0][0].open["log_vkey"])
    point, entries = read_tiles(folder)
    need(point.origin == log.name and times_of(point.note, log), "not a checkpoint of the receipt's log")
    leaves = [sha(b"\0", entry) for entry in entries]
    sizes = {proof.checkpoint.size: proof.checkpoint.root for _, proof, _ in items}
    need(max(sizes) <= point.size, "the log is shorter than the receipt's checkpoint")
    for size, root in [*sizes.items(), (point.size, point.root)]:
        need(tree_root(leaves[:size]) == root, "another tree than the receipt's")
    judge = Judge(log)
    verdicts = []
    try:
        verdicts += [judge.entry(entry) for entry in entries[:max(sizes)]]
        verdicts += [judge.entry(entry) for entry in entries[max(sizes):]]
    except Unjudged:
        need(judge.size > max(sizes), "the log is under another table")
    for _, proof, _ in items:
        need(verdicts[proof.index] is None, f"entry {proof.index} is not accepted: {verdicts[proof.index]}")
        newer = [policy for at, policy in judge.policies if items[1][1].index < at < proof.checkpoint.size]
        newer and check_quorum(newer[-1], proof.checkpoint)
    for (event, _, _), (_, proof, _) in zip(items[2:], items[3:]):
        issuer = judge.known[parse_key(event.open["vkey"]).name]
        need(not any(row["at"] < proof.index and judge.binds(row, issuer) for row in judge.revocations),
             "a key was revoked before it signed")


# --- absence ---
def split_part(rest):
    line, rest = cut(rest, b"\n", "no line of a part")
    need(line.startswith(b"part "), "not the line of a part")
    size = decimal(line[5:], 1, 1 << 20)
    need(size <= len(rest), "the file ends within a part")
    return rest[:size], rest[size:]


def split_leaf(rest):
    line, rest = cut(rest, b"\n", "no line of a leaf")
    match = re.fullmatch(rb"leaf ([0-9]+) ([0-9]+)", line)
    need(match, "not the line of a leaf")
    index, hashes = decimal(match[1]), decimal(match[2], 0, 64)
    leaf, rest = cut(rest, b"\n", "no leaf")
    cells = parse_json(leaf)
    need(len(leaf) <= 8192 and isinstance(cells, list) and len(cells) == 2 and cells[0] != []
         and all(isinstance(side, list) and len(side) <= 64 and all(isinstance(c, str) for c in side) for side in cells),
         "not a leaf")
    lines = rest.split(b"\n", hashes)
    need(len(lines) == hashes + 1, "hashes are missing")
    return (index, leaf, [hash_line(line) for line in lines[:hashes]]), lines[-1], cells[0]


def verify_absence(data, *trust):
    first = b"dutylog/absence/v1\n"
    need(data.startswith(first) and len(data) <= (2 << 20) + 3 * (8192 + 64 * 64), "not an absence file")
    one, rest = split_part(data[len(first):])
    two, rest = split_part(rest)
    lists = [verify_receipt(part, *trust) for part in (one, two)]
    need(all(event.kind == "list.observed" for event, _ in lists), "not of lists")
    need(all(event.open["observed"][:10] <= day_of(confirmed + 86400000) for event, confirmed in lists), "observed after it was logged")
    a, b = (event.open for event, _ in lists)
    need(a["list"] == b["list"] and a["keys"] == b["keys"] and a["observed"] < b["observed"], "lists that do not compare")
    row, rest, key = split_leaf(rest)
    around = []
    while rest:
        leaf, rest, _ = split_leaf(rest)
        around.append(leaf)
    for (index, leaf, hashes), seen in [(row, a)] + [(leaf, b) for leaf in around]:
        need(index < seen["count"] and root_of(sha(b"\0", leaf), index, seen["count"], hashes).hex() == seen["root"], "not in its list")
    prefix = b"[" + json.dumps(key, ensure_ascii=False, separators=(",", ":")).encode() + b","
    sides = [(index, leaf < prefix, leaf > prefix and not leaf.startswith(prefix)) for index, leaf, _ in around]
    room = {0: lambda: b["count"] == 0,
            1: lambda: sides[0][1] and sides[0][0] == b["count"] - 1 or sides[0][2] and sides[0][0] == 0,
            2: lambda: sides[0][1] and sides[1][2] and sides[0][0] + 1 == sides[1][0]}
    need(len(around) in room and room[len(around)](), "there is room for the row")


def main():
    parser = argparse.ArgumentParser(description="Verifies a dutylog receipt or evidence, offline.")
    parser.add_argument("what", choices=["receipt", "evidence", "absence"])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--policy", type=pathlib.Path)
    parser.add_argument("--root", action="append", default=[])
    parser.add_argument("--threshold", type=int, default=0)
    parser.add_argument("--key")
    parser.add_argument("--by", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--tiles", type=pathlib.Path)
    args = parser.parse_args()
    try:
        if args.what == "evidence":
            verify_evidence(args.file.read_bytes(), parse_key(args.key or parser.error("--key is needed")))
        else:
            args.policy or args.root or parser.error("--policy or --root is needed")
            policy = parse_policy(args.policy.read_bytes()) if args.policy else None
            trust = policy, [parse_key(r, 1) for r in args.root], args.threshold
            if args.by:
                args.root or parser.error("--by ends in roots: --root is needed")
                verify_recognised(args.file.read_bytes(), [path.read_bytes() for path in args.by], *trust)
            else:
                verify = verify_absence if args.what == "absence" else verify_receipt
                verify(args.file.read_bytes(), *trust)
            if args.tiles:
                read_log(args.file.read_bytes(), args.tiles)
    except Bad as why:
        print("bad:", why)
        return 1
    unread = args.what != "evidence" and not args.tiles
    print("good" + ("; unchecked: acceptance, newer policies, revocation" if unread else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
