#!/usr/bin/python3
"""The adversary as a program: does anybody change what an honest reader knew who may not? check-attack tells honest cases and
attacks them, through acceptance; this says, from specs/standing.md alone, whether what the answers of GET /case show of one
moment still stands in those of later ones. It judges nothing again: it compares what was known with what is, and asks of every
change who made it and by which right.

    [FIRST=n] [SEEDS=n] B=build tests/check/attack.py        seeds from FIRST (1) on, SEEDS of them (2,000)
    tests/check/attack.py first PROGRAM SEEDS                the first seed that fails, and why; exit status 1: none does

Ends with 'N passed, N failed'. VERBOSE=1 counts what was seen; SHOW=1 prints all that is wrong.
"""
import json, os, pathlib, subprocess, sys

RANK = {"court": 3, "post": 2, "oversight": 1, "agency": 1, "clerk": 1}
AGENCY = ("agency", "clerk")
SLOT = {"finding.final": ("finding",), "finding.reversed": ("finding",), "discipline.imposed": ("discipline",),
        "decertification.ordered": ("certificate",), "appeal.decided": ("finding", "discipline")}
TAKES = ("finding.final", "discipline.imposed", "decertification.ordered")
COUNTS = ("in force", "superseded", "sealed")
RULES = {"in force": {None}, "doubted": {"compromised"}, "duplicate": {"alike"}, "out of order": {"early"}, "sealed": {"sealed"},
         "superseded": {"replaced", "reversed", "changed", "corrected"},
         "without authority": {"revoked", "ori", "bounds", "false", "subject", "party", "rank", "stranger", "frozen", "replacement"}}
ALONE = {"ori", "bounds", "false", "subject", "early"}  # rules that need no other event
HOUR = 3600000
FIRST_OF_HOUSE = 64  # so many of each house are looked at in any case


class Said:
    """An event as one answer shows it, and what is known of its signer."""

    def __init__(self, shown, fact, order):
        self.id, self.kind, self.open, self.log = shown["id"], shown["kind"], shown.get("open", {}), shown["log"]
        self.index, self.subject, self.standing = shown["index"], shown["subject"], shown["standing"]
        self.order, self.confirmed = order, shown["confirmed"]
        self.why = shown.get("why", {})
        self.rule, self.by = self.why.get("rule"), (self.why.get("log"), self.why.get("index"))
        self.role, self.first = shown["role"], shown["issuer"].split("/")[0]
        self.rank = RANK.get(self.role, 0)
        self.key, self.enroller, self.authority = fact["key"], fact["enroller"], fact["authority"]
        self.foreign = fact["house"] == "another agency"
        self.body, self.beyond, self.false, self.adversary = fact["body"], fact["beyond"], fact["false"], fact["adversary"]
        self.counts = self.standing in COUNTS
        self.names, self.named = self.open.get("event", {}).get("id"), None

    def __str__(self):
        return f"{self.kind} by {self.first} ({self.role}) at {self.log.split('.')[0]} {self.index}" + (
            " of the adversary" if self.adversary else "")


def one_house(a, b):
    """All of the agency's keys are; another agency's are not, whatever its own log says of mergers."""
    if (a.key == b.key and not over(a, b) and not over(b, a)) or (a.role in AGENCY and b.role in AGENCY and a.foreign == b.foreign):
        return True
    return a.role not in AGENCY and a.role == b.role and a.first == b.first and a.authority == b.authority


def over(a, b):
    return a.rank > b.rank or (a.role == "oversight" and b.role in AGENCY)


def may_correct(a, b):
    return a.rank > b.rank or (a.rank == b.rank and one_house(a, b))


def may_undo(a, b):
    return over(a, b) or (a.rank == b.rank and one_house(a, b))


def surely_before(a, b, view):
    """In one log, or by more than an hour; or because the other names it, or what it surely came before."""
    while b is not None:
        if (a.log == b.log and a.index < b.index) or (a.log != b.log and a.confirmed + HOUR < b.confirmed):
            return True
        b = view.by_id.get(b.names)
        if b is a:
            return True
    return False


def without_event(e):
    return {k: v for k, v in e.open.items() if k != "event"}


def alike(a, b):
    if a.kind != b.kind:
        return False
    if a.log == b.log:
        return not a.body and not b.body and a.open == b.open
    if "case" not in a.open:
        return a.open == b.open
    if without_event(a) != without_event(b):
        return False
    if a.names is None or b.names is None or a.names == b.names:
        return True
    x, y = a.named, b.named
    return x is not None and y is not None and x.kind == y.kind and without_event(x) == without_event(y)


def same_event(a, b):
    return a is not None and b is not None and a.id == b.id


def stood_in(e, x, view):
    """A correction says that `e` stands in the place of `x`, or of a twin of it."""
    for c in view.events:
        named = view.by_id.get(c.names)
        if c.kind == "correction" and c.open.get("replaced_by", {}).get("id") == e.id and named and (named is x or alike(named, x)):
            return True
    return False


class View:
    """One answer."""

    def __init__(self, answer, facts, said):
        self.said = said  # the ids of all that was said by then
        self.events = [Said(e, facts[e["id"]], order) for order, e in enumerate(answer["events"])]
        self.by_id = {e.id: e for e in self.events}
        for e in self.events:
            e.named = self.by_id.get(e.names)
        self.at = {(e.log, e.index): e for e in self.events}
        self.subjects = {s["subject"]: s for s in answer["subjects"]}
        self.answer = answer
        entry = lambda said: self.at.get((said["log"], said["index"]))
        self.named = {}  # (subject, slot): event
        self.shown = {}  # event's id: slots in which a reader sees it; "beside" of what stands beside
        for number, s in self.subjects.items():
            for beside in s.get("beside", []):
                self.shown.setdefault(entry(beside).id, set()).add("beside")
            for slot in ("finding", "discipline", "certificate"):
                if slot in s:
                    self.named[number, slot] = e = entry(s[slot])
                    self.shown.setdefault(e.id, set()).add(slot)
        self.moved = {c.open["replaced_by"]["id"] for c in self.events if "replaced_by" in c.open}
        self.corrected = {c.names for c in self.events if c.kind == "correction" and c.standing == "in force"} | \
            {e.id for e in self.events if e.rule == "corrected"}

    def cause(self, e):
        return self.at.get(e.by)

    def entry(self, said):
        return said and self.at.get((said["log"], said["index"]))


class Verdict:
    def __init__(self, given):
        self.given, self.wrong = given, []
        ids = list(given["facts"])
        self.views = [View(a, given["facts"], ids[:n]) for a, n in zip(given["views"], given["said"])]

    def say(self, what):
        self.wrong.append(what)

    def judge(self):
        for view in self.views:
            self.shows(view)
        pairs = list(zip(self.views, self.views[1:]))
        if len(self.views) > 2:
            pairs.append((self.views[0], self.views[-1]))
        for before, after in pairs:
            self.compare(before, after)
        return list(dict.fromkeys(self.wrong))

    # --- what one answer says of each event ---

    def shows(self, view):
        missing = [i for i in view.said if i not in view.by_id]
        for event in missing:
            self.left_out(event, view)
        facts = [self.given["facts"][i] for i in missing]
        uncounted = sum(f["case"] and f["house"] != "another agency" for f in facts) - \
            sum(house["count"] for house in view.answer["left_out"])
        if uncounted > 0:
            self.say(f"uncounted: {uncounted} events are neither shown nor counted")
        if "pins" in view.answer and self.given["pinned"] == view.answer.get("unpinned", False):
            self.say("pins: the answer says something else of them")
        for e in view.events:
            if e.rule not in RULES[e.standing]:
                self.say(f"no rule: {e} is {e.standing}, why {e.rule}")
            elif e.rule is None:
                self.in_force(e, view)
            elif e.rule not in ALONE and e.by == (None, None):
                self.say(f"no cause: {e} is {e.standing}, {e.rule}, and nothing said by which")
            else:
                wrong = self.unfounded(e, view.cause(e), view)
                if wrong:
                    self.say(f"{wrong}: {e} is {e.standing}, {e.rule} by {view.cause(e) or e.by}")
            if e.beyond and e.counts:
                self.say(f"bounds: {e} counts")
            if e.false and (e.counts or "value" in e.open or "salt" in e.open):
                self.say(f"false: {e} counts, or its value is shown")

    def left_out(self, missing, view):
        fact = self.given["facts"][missing]
        if fact["house"] == "another agency":
            return  # it speaks of its own ORI: no event of this case
        if not fact["case"] and fact["names"] not in view.by_id:
            return
        own = [o for o in view.events if o.key == fact["key"] or
               (fact["house"] == "agency" and o.role in AGENCY and not o.foreign) or (fact["house"] == f"{o.role} {o.first} {o.authority}")]
        if len(own) < FIRST_OF_HOUSE:
            self.say(f"left out: {fact['kind']} by {fact['house']}, of which {len(own)} are looked at")

    def in_force(self, e, view):
        named = view.by_id.get(e.names)
        if e.kind in TAKES and e.id not in view.shown:
            self.say(f"hidden: {e} is in force, and not shown")
        if e.kind == "correction" and named and named.counts and not may_correct(e, named):
            self.say(f"corrects: {e} is in force, and may not correct {named}")
        if e.kind in ("finding.reversed", "appeal.decided") and named and named.order > e.order and over(e, named):
            self.say(f"misses: {e} is in force, and stands before what it names: {named}")
        by = named and named.rule == "reversed" and view.cause(named)
        if e.kind == "finding.reversed" and e.id not in view.shown and by and alike(by, e) and over(e, by):
            self.say(f"hidden: {e} is in force, and its copy has reversed for it: {by}")
        contested = view.by_id.get(named.names) if e.kind == "appeal.decided" and named else None
        if contested and named.standing == "in force" and contested.order < named.order < e.order and contested.counts \
                and contested.kind != "appeal.decided" and contested.subject == e.subject == named.subject \
                and contested.id not in view.corrected and not may_undo(e, contested):
            self.say(f"decides: {e} is in force, and may not undo {contested}")

    def unfounded(self, e, by, view):
        """What one answer says of why, and it is not so; None: it is."""
        if e.rule in ("replaced", "reversed", "changed"):
            return None if by and may_undo(by, e) and self.may_undo_all(by, e, view) else "undone"
        if e.rule == "corrected":
            named = by and view.by_id.get(by.names)
            right = named and may_correct(by, named) and may_correct(by, e) and \
                (named is e or (alike(named, e) and one_house(named, e)) or stood_in(e, named, view))
            return None if right else "corrected"
        if e.rule == "rank":
            return None if by and by.rank > e.rank else "rank"
        if e.rule == "stranger":
            strangers = by and e.kind in TAKES and by.kind == e.kind and not over(by, e) and not one_house(by, e)
            if strangers and not over(e, by) and not surely_before(by, e, view) and e.id not in view.moved:
                return "not beside"
            return None if by and not may_undo(e, by) or e.kind == "correction" and not may_correct(e, by) else "stranger"
        if e.rule == "alike":
            return None if by and by.rank >= e.rank and alike(e, by) and by.id not in view.corrected else "copied"
        if e.rule == "sealed":
            return None if by and by.role == "court" and by.counts else "sealed"
        if e.rule in ("revoked", "compromised"):
            return self.unfounded_by_key(e)
        if e.rule == "party":
            right = by and (over(by, e) or one_house(by, e)) and by.open.get("party") != e.open.get("party")
            return None if right else "party"
        if e.rule == "frozen":
            return None if by and not may_undo(e, by) else "frozen"
        if e.rule in ("early", "subject"):
            return None if e.role in AGENCY else e.rule
        if e.rule in ("bounds", "false"):
            return None if e.beyond or e.false else e.rule
        return None

    # --- what was known, and is not ---

    def compare(self, v, w):
        for e in v.events:
            now = w.by_id.get(e.id)
            slots = v.shown.get(e.id, set())
            if now is None:
                pass  # shows() says whether it may be left out
            elif e.standing in ("in force", "sealed"):
                if now.standing not in ("in force", "sealed"):
                    self.changed(e, now, v, w)
                else:
                    self.out_of_slot(now, self.hidden(slots, e, w), w)
            elif e.standing == "superseded" and now.standing == "in force":
                self.returned(e, now, v, w)
        for number in v.subjects:
            if number in w.subjects:
                self.compare_subject(number, v, w)
            elif any(e.subject == number and e.counts for e in w.events):
                self.say(f"hidden: subject {number}")

    def changed(self, e, now, v, w):
        """It was in force, and is not; that who made it so had the right, shows() says. What was known gives way to none of
        its own rank, and to no copy that is not shown in its place."""
        by = w.cause(now)
        slots = v.shown.get(e.id, set())
        own = any(c.kind == "correction" and c.id not in v.by_id and may_undo(c, e) for c in w.events)
        wrong = now.rule in ("bounds", "false", "ori", "subject") or \
            (now.rule in ("rank", "stranger") and (slots or e.kind not in SLOT) and not own and not (by and over(by, now))) or \
            (now.rule == "alike" and by and by.standing == "in force" and
             any(not may_undo(w.named.get((e.subject, slot), by), now) for slot in self.hidden(slots, by, w)))
        if wrong:
            self.say(f"lost: {now} was in force and is {now.standing}, {now.rule} by {by}")

    def unfounded_by_key(self, e):
        origins = {0: "courts.example/log", 1: "pd.example/log", 2: "state.example/log"}
        for r in self.given["revoked"]:
            if e.by == (origins[r["log"]], r["index"]):
                root = r["root"] and r["authority"] == e.authority
                right = r["whom"] == e.key and (root or (e.rule == "revoked" and r["by"] == e.enroller))
                return None if right else "key"
        return "key"

    @staticmethod
    def may_undo_all(by, e, w):
        """Its twins, and what upholds it."""
        for o in w.events:
            if o is e or o is by or o.order > by.order or o.id in w.corrected:
                continue
            if not over(o, by) and not may_undo(by, o) and not surely_before(o, by, w):
                continue  # a stranger's, and perhaps dated back
            if alike(o, e) and (o.counts or o.standing == "duplicate") and not may_undo(by, o):
                return False
            if o.kind == "appeal.decided" and o.standing == "in force" and o.open["outcome"] == "upheld":
                appeal = w.by_id.get(o.names)
                upholds = appeal and appeal.counts and appeal.names == e.id and appeal.subject == o.subject
                if upholds and may_undo(o, e) and not may_undo(by, o) and appeal.id not in w.corrected:
                    return False
        return True

    @staticmethod
    def hidden(slots, e, w):
        """In which slots of these it is not seen any more."""
        now = w.shown.get(e.id, set())
        if "beside" in now or (now and slots == {"beside"}):
            return set()
        return set(SLOT[e.kind]) if slots == {"beside"} else slots - now - {"beside"}

    def out_of_slot(self, e, slots, w):
        """In force still, and not where it was, by somebody who may undo it: so is the decision of an appeal, what reverses a
        finding that another took or that was corrected, and what is sealed and superseded, which its standing does not say."""
        for slot in slots:
            taker = w.named.get((e.subject, slot))
            there = [o for o in w.events if o.subject == e.subject and w.shown.get(o.id, set()) & {slot, "beside"}]
            takers = there if there else [o for o in w.events if o.counts and o.subject == e.subject and o.kind in SLOT]
            right = (e.kind == "appeal.decided" and any(o is not e and may_undo(o, e) for o in takers)) or \
                ((e.kind == "finding.reversed" or e.standing == "sealed") and any(may_undo(o, e) for o in there)) or \
                self.corrected_by_who_may_undo(e, e, w)
            if not right:
                self.say(f"hidden: {e} is in force, and not shown as {slot}: {taker}")

    @staticmethod
    def corrected_by_who_may_undo(named, e, w):
        """Something that it hangs on by name is corrected, by somebody who may undo it itself."""
        while named:
            by = [w.cause(named)] if named.rule == "corrected" else \
                [c for c in w.events if c.kind == "correction" and c.standing == "in force" and c.names == named.id]
            if named.kind == "appeal.filed" and named.names is None:  # contests what was in force
                by = [w.cause(o) for o in w.events if o.subject == e.subject and o.rule == "corrected"]
            if any(c and may_undo(c, e) for c in by):
                return True
            named = named.named
        return False

    def returned(self, e, now, v, w):
        """What is corrected comes back only if the correction is none any more. (What was replaced may come to stand beside what
        replaced it.)"""
        cause = v.cause(e)
        stands = cause and w.by_id.get(cause.id)
        if not stands or stands.standing not in ("in force", "sealed"):
            return
        if cause.kind == "correction" and now.id not in w.moved:
            self.say(f"back: {now} is in force again, and {stands}, by which it was {e.rule}, too")

    # --- what a subject came to ---

    def compare_subject(self, number, v, w):
        before, after = v.subjects[number], w.subjects[number]
        if before["party"] != after["party"]:
            self.party(number, before["party"], after["party"], v, w)
        for slot in ("discipline", "certificate"):
            if (number, slot) not in v.named and (number, slot) in w.named:
                self.filled(number, slot, v, w)
        self.kept(v.entry(before.get("discipline", {}).get("served")), w.entry(after.get("discipline", {}).get("served")),
                  w, same_event(v.named.get((number, "discipline")), w.named.get((number, "discipline"))))
        self.kept(v.entry(before.get("separation")), w.entry(after.get("separation")), w, True)
        said = [w.entry(r) for r in after.get("recommended", [])]
        for r in before.get("recommended", []):
            e = v.entry(r)
            same = [o for o in said if o.kind == e.kind and o.open["recommended_by"] == e.open["recommended_by"]]
            if e.id not in [o.id for o in same]:
                self.kept(e, next((o for o in same if may_undo(o, e)), None), w, True)
        open_now = [w.entry(a).id for a in after.get("appeals", [])]
        for a in before.get("appeals", []):
            e = v.entry(a)
            if e.id not in open_now:
                self.closed(e, w)

    def kept(self, e, now, w, where_it_was):
        """What was shown as said last gives way to who may undo it."""
        if e is None or not where_it_was or (now and now.id == e.id):
            return
        still = w.by_id.get(e.id)
        if still and still.standing in ("in force", "sealed") and not (now and may_undo(now, e)):
            self.say(f"gave way: {still}, to {now}")

    def closed(self, appeal, w):
        """An open appeal is open no more."""
        still = w.by_id.get(appeal.id)
        if not still or still.standing not in ("in force", "sealed") or still.id in w.corrected or still.id in w.moved:
            return
        contested = w.by_id.get(appeal.names)
        if contested and (not contested.counts or contested.id in w.corrected):
            return
        names = {appeal.id} | {o.id for o in w.events if alike(o, appeal)}
        deciding = [o for o in w.events if o.kind == "appeal.decided" and o.standing in ("in force", "sealed", "superseded")
                    and o.names in names]
        if contested and contested.kind == "appeal.decided":
            return  # what that is about hangs on whether it undid anything
        if not any(contested is None or may_undo(o, contested) for o in deciding):
            self.say(f"closed: {appeal}, by none who may")

    def party(self, number, old, new, v, w):
        first = next((e for e in v.events if e.subject == number and e.open.get("party") == old and e.counts), None)
        still = first and w.by_id.get(first.id)
        if still is None or not still.counts or still.id in w.corrected:
            return
        if not any(e.open.get("party") == new and e.counts and
                   (over(e, still) or (e.rank == still.rank and e.order < still.order)) for e in w.events if e.subject == number):
            self.say(f"party: of subject {number}, {old} before, {new} now")

    def filled(self, number, slot, v, w):
        """A slot that somebody emptied has something in it."""
        taker = w.named[number, slot]
        for e in v.events:
            own = "discipline" if e.kind == "appeal.decided" else SLOT.get(e.kind, (None,))[0]
            if e.subject != number or own != slot or e.rule not in ("reversed", "changed"):
                continue
            by = v.cause(e)
            if e.kind == "appeal.decided" and not ("discipline" in e.open and by and by.kind == "finding.reversed"):
                continue  # it was not in that slot, or what it had undone is back
            if by is None or by.open.get("disposition") == "sustained" or not (surely_before(e, by, v) or not over(by, e)):
                continue  # what is set aside empties nothing
            now = w.by_id.get(by.id)
            if now and now.standing in ("in force", "sealed") and now is not taker and over(now, taker):
                self.say(f"filled: {slot} of subject {number} by {taker}, emptied by {now}")


def run(program, first, count):
    """Yields (seed, what is wrong, what was given)."""
    child = subprocess.Popen([program, str(first), str(count)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seed = int(first)
    for line in child.stdout:
        if not line.endswith("\n"):
            break  # it came to no end: below
        given = json.loads(line)
        seed = given["seed"]
        yield seed, Verdict(given).judge(), given
    said = child.stderr.read()
    if child.wait() != 0:
        yield seed + 1, [f"{program} ended with {child.returncode}: {said.strip()}"], None


def count_seen(given, seen):
    for e in given["views"][-1]["events"]:
        who = "adversary" if given["facts"][e["id"]]["adversary"] else "honest"
        word = f"{who}: {e['standing']} {e.get('why', {}).get('rule', '')}"
        seen[word] = seen.get(word, 0) + 1


def first_found(program, seeds):
    for seed, wrong, _ in run(program, 1, seeds):
        if wrong:
            print(f"{seed} {wrong[0]}")
            return 0
    print(f"none in {seeds} seeds")
    return 1


def main():
    if sys.argv[1:2] == ["first"]:
        sys.exit(first_found(sys.argv[2], sys.argv[3]))
    program = pathlib.Path(os.environ.get("B", "build")) / "tests" / "check-attack"
    passed = failed = 0
    seen, kinds = {}, {}
    for seed, wrong, given in run(program, os.environ.get("FIRST", "1"), os.environ.get("SEEDS", "2000")):
        if not wrong:
            passed += 1
        else:
            failed += 1
            kinds.setdefault(wrong[0].split(":")[0], []).append(seed)
            if failed <= 5 or "SHOW" in os.environ:
                print(f"FAIL  seed {seed}: " + "; ".join(wrong if "SHOW" in os.environ else wrong[:2]), flush=True)
        if "VERBOSE" in os.environ and given:
            count_seen(given, seen)
    for word in sorted(seen):
        print(f"{seen[word]:8} {word}")
    for kind, seeds in sorted(kinds.items()):
        print(f"{kind}: {len(seeds)} seeds, the first {seeds[0]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
