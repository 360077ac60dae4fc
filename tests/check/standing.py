#!/usr/bin/python3
"""A second opinion on standing: written from specs/standing.md and specs/kinds.md alone, sharing no code with dutylog. Judges
CASES (3,000) generated cases again and must come to the same, whole answers apart from what it is not asked.

    [SEED=n] [CASES=n] B=build tests/check/standing.py

Ends with 'N passed, N failed'.
"""
import json, os, pathlib, re, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANK = {"court": 3, "post": 2, "agency": 1, "clerk": 1, "oversight": 1}


def read_kinds():
    """{kind: (effect, effects one of which it comes after)}, and the days that a live event must have, off the page."""
    kinds, name = {}, None
    for line in (ROOT / "specs" / "kinds.md").read_text().split("\n"):
        if line.startswith("### `"):
            name = line.split("`")[1]
            kinds[name] = (None, set())
        elif name and "Issuer: " in line:
            effect = re.search(r"Effect: ([a-z ]+)\.", line)
            after = re.search(r"After one that: ([a-z, ]+)\.", line)
            kinds[name] = (effect and effect[1], set(after[1].split(", ")) if after else set())
    return kinds


KINDS = read_kinds()


class Event:
    def __init__(self, said, fact):
        self.said, self.kind, self.open = said, said["kind"], said.get("open", {})
        self.effect, self.after = KINDS[self.kind]
        self.key, self.enroller, self.body = fact["key"], fact.get("enroller"), fact["body"]
        self.role, self.rank = said["role"], RANK.get(said["role"], 0)
        self.order = (said["confirmed"], said["log"].encode(), said["index"])
        self.names = self.replacement = self.replaces = None  # events
        self.standing = self.rule = self.by = self.subject = None
        self.counts = self.corrected = self.took_effect = False
        self.superseded = None  # (rule, by)
        self.contested = self.served = None
        self.undid = None  # [finding, discipline] under a reversal
        self.is_open = self.recommends = False

    def has_case(self):
        return "case" in self.open and "ori" in self.open

    def settle(self, standing, rule, by=None):
        self.standing, self.rule, self.by, self.counts = standing, rule, by, False


def alike(a, b):
    if a.kind != b.kind:
        return False
    if a.said["log"] == b.said["log"]:
        return not a.body and not b.body and a.open == b.open
    if not a.has_case():
        return a.open == b.open
    return {k: v for k, v in a.open.items() if k != "event"} == {k: v for k, v in b.open.items() if k != "event"}


class Subject:
    def __init__(self, number, first):
        self.number, self.first, self.seen = number, first, set()
        self.finding = self.discipline = self.certificate = self.separation = None


class Case:
    def __init__(self, answer, facts, revocations):
        self.ori = answer["ori"]
        self.events = [Event(e, f) for e, f in zip(answer["events"], facts)]
        assert [e.order for e in self.events] == sorted(e.order for e in self.events)
        self.revocations = revocations
        by_id = {e.said["id"]: e for e in self.events}
        for e in self.events:
            e.names = by_id.get(e.open.get("event", {}).get("id"))
            e.stands_in = by_id.get(e.open.get("replaced_by", {}).get("id"))
        for e in self.events:
            at = e
            while not at.has_case() and at.names:
                at = at.names
            e.subject = at.open.get("subject", 1)
        self.subjects = {}

    def judge(self):
        for i, e in enumerate(self.events):
            self.by_key(i, e)
        self.corrections()
        self.places()
        for i, e in enumerate(self.places_in_order):
            self.take(i, e)
        for e in self.events:
            if e.counts:
                e.standing, e.rule, e.by = ("superseded", *e.superseded) if e.superseded else ("in force", None, None)
        for e in self.events:
            target = e.names
            if e.effect == "seals" and e.counts and not e.corrected and target and target.counts \
                    and target.standing != "sealed":
                target.standing, target.rule, target.by = "sealed", "sealed", e
        return self

    def by_key(self, i, e):
        order = lambda r: (r["confirmed"], r["log"].encode(), r["index"])
        mine = sorted((r for r in self.revocations if r["event"] == i), key=order)
        doubts = [r for r in mine if r["compromised"] and e.said["stamp"] >= r["since"]]
        before = [r for r in mine if order(r) < e.order]
        if doubts:
            e.settle("doubted", "compromised", doubts[0])
        elif before:
            e.settle("without authority", "revoked", before[0])
        elif "ori" in e.open and e.open["ori"] != self.ori:
            e.settle("without authority", "ori")

    def corrections(self):
        hold = []
        for e in self.events:
            if e.kind != "correction" or e.standing:
                continue
            twin = next((h for h in hold if alike(h, e)), None)
            if twin:
                e.settle("duplicate", "alike", twin)
                continue
            t = e.names
            if t and e.rank < t.rank:
                e.settle("without authority", "rank", t)
            elif t and e.rank == t.rank and not self.one_house(e, t):
                e.settle("without authority", "stranger", t)
            else:
                hold.append(e)

        def holds(c):
            return not any(d.names is c and holds(d) for d in hold)

        for c in hold:
            if holds(c) and c.names:
                c.names.corrected, c.names.superseded = True, ("corrected", c)
                if c.stands_in and c.stands_in is not c.names:
                    c.names.replacement = c.stands_in
        for e in reversed(self.events):
            if e.replacement:
                e.replacement.replaces = e

    @staticmethod
    def one_house(a, b):
        own = ("agency", "clerk")
        return (a.key == b.key or a.key == b.enroller or b.key == a.enroller or
                (a.role in own and b.role in own and a.enroller is not None and a.enroller == b.enroller))

    def places(self):
        def place(e):
            seen = []
            at = e
            while at.replaces:
                if at in seen:
                    return e
                seen.append(at)
                at = at.replaces
            return at
        own = {id(e): i for i, e in enumerate(self.events)}
        self.places_in_order = sorted(self.events, key=lambda e: (own[id(place(e))], place(e) is not e, own[id(e)]))

    def take(self, position, e):
        if e.standing:
            return
        if e.kind != "correction":
            twin = next((o for o in self.places_in_order[:position] if o.counts and o is not e.replaces and alike(o, e)), None)
            if twin:
                e.settle("duplicate", "alike", twin)
                return
        s = self.subjects.setdefault(e.subject, Subject(e.subject, e))
        if e.after and e.open.get("basis") != "imported" and not e.after & s.seen:
            e.settle("out of order", "early")
            return
        e.counts = True
        if not e.corrected and not self.effect(s, e):
            return
        if e.effect:
            s.seen.add(e.effect)
        e.took_effect = True

    def named(self, s, e):
        at = e.names
        for _ in range(len(self.events) + 1):
            if at is None:
                return None
            if at.standing == "duplicate":
                at = at.by
            elif at.corrected:
                at = at.replacement
            else:
                return at if at.took_effect and at.subject == s.number else None
        return None

    def effect(self, s, e):
        """False: it turns out to be without authority."""
        undoes, then = [], lambda: None
        named = self.named(s, e)
        if e.effect in ("finds", "imposes", "decertifies"):
            slot = {"finds": "finding", "imposes": "discipline", "decertifies": "certificate"}[e.effect]
            old = getattr(s, slot)
            undoes = [old]

            def then():
                if old and old.kind != "appeal.decided":
                    old.superseded = ("replaced", e)
                setattr(s, slot, e)
        elif e.effect == "reverses":
            if named and named is s.finding and named.kind == "finding.final":
                undoes, then = self.reversing(s, e)
        elif e.effect == "appeals":
            if "event" not in e.open:
                e.contested = s.finding or s.discipline
            elif named and named.kind == "appeal.decided" and not named.undid:
                e.contested = named.contested
            else:
                e.contested = named
            e.is_open = True
        elif e.effect == "decides an appeal":
            return self.decide(s, e, named)
        elif e.effect in ("recommends a finding", "recommends discipline"):
            for o in self.events:
                if o.recommends and o.kind == e.kind and o.subject == e.subject \
                        and o.open["recommended_by"] == e.open["recommended_by"]:
                    o.recommends = False
            e.recommends = True
        elif e.effect in ("serves", "forgoes"):
            target = named if "event" in e.open else s.discipline
            if target:
                target.served = e
        elif e.effect == "separates":
            s.separation = e
        return self.undo(e, undoes, then)

    @staticmethod
    def undo(e, undoes, then):
        above = next((o for o in undoes if o and e.rank < o.rank), None)
        if above:
            e.settle("without authority", "rank", above)
            return False
        then()
        return True

    @staticmethod
    def reversing(s, e):
        def then():
            e.undid = [s.finding, s.discipline]
            for o in e.undid:
                if o:
                    o.superseded = ("reversed", e)
            s.finding, s.discipline = e, None
        return [s.finding, s.discipline], then

    def decide(self, s, e, named):
        if "event" in e.open:
            appeal = named if named and named.kind == "appeal.filed" else None
        else:
            appeal = next((o for o in reversed(self.events) if o.is_open and o.subject == s.number), None)
        if appeal is None:
            return True
        e.contested = contested = appeal.contested
        outcome = e.open["outcome"]
        undoes, then = [], lambda: None
        alive = contested and not contested.superseded
        if alive and outcome == "reversed":
            if contested.undid:
                undoes = [contested]

                def then():
                    contested.superseded = ("reversed", e)
                    if s.finding is contested:
                        s.finding = contested.undid[0]
                        if s.finding:
                            s.finding.superseded = None
                    if s.discipline is contested or s.discipline is None:
                        s.discipline = contested.undid[1]
                        if s.discipline:
                            s.discipline.superseded = None
            elif contested is s.finding:
                undoes, then = self.reversing(s, e)
            else:
                for slot in ("discipline", "certificate"):
                    if getattr(s, slot) is contested:
                        undoes = [contested]

                        def then(slot=slot):
                            contested.superseded = ("reversed", e)
                            setattr(s, slot, None)
                        break
        elif alive and outcome in ("reduced", "increased") and contested.kind != "decertification.ordered":
            undoes = [s.discipline]

            def then():
                old, s.discipline = s.discipline, None
                if old:
                    e.undid = [None, old]
                    if old.kind != "appeal.decided":
                        old.superseded = ("changed", e)
        if not self.undo(e, undoes, then):
            return False
        if alive and outcome in ("reversed", "reduced", "increased") and "discipline" in e.open:
            s.discipline = e
        appeal.is_open = False
        return True

    # --- what it comes to ---

    @staticmethod
    def entry(e):
        said = e if isinstance(e, dict) else e.said
        return {"index": said["index"], "log": said["log"]}

    def why(self, e):
        if e.rule is None:
            return None
        return {**(self.entry(e.by) if e.by else {}), "rule": e.rule}

    def comes_to(self, s):
        out = {"party": s.first.open.get("party", "unknown"), "subject": s.number}
        appeals = [self.entry(e) for e in self.events if e.is_open and not e.corrected and e.subject == s.number]
        if appeals:
            out["appeals"] = appeals
        if s.certificate:
            out["certificate"] = {**self.entry(s.certificate), "action": s.certificate.open["action"],
                                  "decided_by": s.certificate.open["decided_by"]}
        if s.finding:
            out["finding"] = {**self.entry(s.finding), "decided_by": s.finding.open["decided_by"],
                              "disposition": s.finding.open.get("disposition", "reversed_on_appeal")}
        if s.discipline:
            d = s.discipline
            out["discipline"] = {**self.entry(d), "decided_by": d.open["decided_by"], "measures": d.open["discipline"]}
            if d.served:
                reason = {"reason": d.served.open["reason"]} if "reason" in d.served.open else {}
                state = "served" if d.served.kind == "discipline.served" else "not served"
                out["discipline"]["served"] = {**self.entry(d.served), **reason, "state": state}
        recommended = [{**self.entry(e), "by": e.open["recommended_by"],
                        **{k: e.open[k] for k in ("discipline", "disposition") if k in e.open}}
                       for e in self.events if e.recommends and not e.corrected and e.subject == s.number]
        if recommended:
            out["recommended"] = recommended
        if s.separation:
            day = {"day": s.separation.open["separated"]} if "separated" in s.separation.open else {}
            out["separation"] = {**self.entry(s.separation), **day, "reason": s.separation.open["reason"]}
        return out


def check(line):
    """What differs; None: nothing."""
    given = json.loads(line)
    answer = given["answer"]
    case = Case(answer, given["facts"], given["revocations"]).judge()
    for i, (e, said) in enumerate(zip(case.events, answer["events"])):
        mine = (e.standing, e.subject, case.why(e))
        theirs = (said["standing"], said["subject"], said.get("why"))
        if mine != theirs:
            return f"event {i} ({e.kind}): here {mine}, there {theirs}"
    mine = [case.comes_to(case.subjects[n]) for n in sorted(case.subjects)]
    for here, there in zip(mine, answer["subjects"]):
        if here != there:
            return f"subject {here['subject']}: here {here}, there {there}"
    return None if len(mine) == len(answer["subjects"]) else "other subjects"


def main():
    build = pathlib.Path(os.environ.get("B", "build"))
    seed, cases = os.environ.get("SEED", "1"), os.environ.get("CASES", "3000")
    done = subprocess.run([build / "tests" / "check-standings", seed, cases], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check-standings: {done.stderr}")
    lines = done.stdout.splitlines()
    failed, seen = 0, {}
    for number, line in enumerate(lines):
        for e in json.loads(line)["answer"]["events"]:
            word = f"{e['standing']}: {e.get('why', {}).get('rule', '')}"
            seen[word] = seen.get(word, 0) + 1
        differs = check(line)
        if differs:
            failed += 1
            if failed <= 3:
                print(f"FAIL  case {number} of seed {seed}: {differs}")
    if "VERBOSE" in os.environ:
        print("\n".join(f"{seen[word]:8} {word}" for word in sorted(seen)))
    rules = {word.split(": ")[1] for word in seen}
    wanted = {"", "compromised", "revoked", "ori", "alike", "early", "rank", "stranger", "sealed", "replaced", "reversed",
              "changed", "corrected"}
    if len(lines) >= 1000 and rules != wanted:
        failed += 1
        print(f"FAIL  rules that no case shows: {wanted - rules}")
    print(f"{len(lines) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
