#!/usr/bin/python3
"""The main job, on real processes: an agency's findings, held by parties who do not trust each other.

Four nodes run on loopback: an agency that hosts its log, and a state, the DOJ and a university that mirror and cosign it.
Everything is done with the `dutylog` command, as a clerk, an auditor and an operator would. Each step is checked.
"""
import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
import cases  # noqa: E402
import forge  # noqa: E402
from world import Key, Node, until  # noqa: E402

BUILD = os.environ.get("B", os.path.join(ROOT, "build"))
DUTYLOG = os.path.join(BUILD, "dutylog")
ORIGIN = "nypd.example/log"
ORI = "NY0303000"
MIRRORS = ("state", "doj", "university")
passed = failed = 0


def say(text):
    print(f"\n{text}", flush=True)


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"  {'ok  ' if good else 'FAIL'}  {what}", flush=True)
    if not good and detail:
        print(f"        {detail}", flush=True)
    return good


def dutylog(*args, exit_code=0):
    """Runs the command; returns its output, or None after a failed check."""
    done = subprocess.run([DUTYLOG, *args], capture_output=True, text=True)
    if done.returncode != exit_code:
        check(f"dutylog {args[0]} exits with {exit_code}", False, f"{done.returncode}: {done.stderr.strip()}")
        return None
    return done.stdout if exit_code == 0 else done.stderr


class Demo:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="dutylog-demo-")
        self.nodes = {name: Node(self.folder, name) for name in ("agency", *MIRRORS)}
        self.agency = self.nodes["agency"]
        self.vkeys = {}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def key(self, name, file, *options):
        self.vkeys[name] = dutylog("keygen", "--name", name, "--out", self.path(file), *options).strip()
        return self.vkeys[name]

    def make_keys(self):
        self.key(ORIGIN, "agency/log.key")
        for i in (1, 2, 3):
            self.key(f"roots.example/{i}", f"root-{i}.key")
        self.key("nypd.example/operator", "operator.key")
        self.key("nypd.example/desk-1", "desk-1.key")
        for name in MIRRORS:
            self.key(f"{name}.example/mirror", f"{name}/mirror.key", "--cosigner")
            self.key(f"{name}.example/witness", f"{name}/witness.key", "--cosigner")

    def write_policy(self):
        lines = [f"log {self.vkeys[ORIGIN]} {self.agency.url}"]
        for name in MIRRORS:
            lines.append(f"witness {name} {self.vkeys[f'{name}.example/mirror']} {self.nodes[name].url}")
            lines.append(f"witness {name}-witness {self.vkeys[f'{name}.example/witness']}")
        lines += ["group mirrors 2 " + " ".join(MIRRORS), "quorum mirrors", ""]
        with open(self.path("policy"), "w") as f:
            f.write("\n".join(lines))

    def configure(self):
        self.agency.sections.append(f"[host]\norigin = {ORIGIN}\nkey = log.key\naccept = events\nround_timeout = 1000\n")
        for name in MIRRORS:
            self.nodes[name].sections.append(
                "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n"
                f"[log {ORIGIN}]\nvkey = {self.vkeys[ORIGIN]}\naccept = events\nurl = {self.agency.url}\n")

    def event(self, kind, key="desk-1.key", members=None, closed=None, *options):
        form = self.path("form.json")
        with open(form, "w") as f:
            json.dump({"open": members or {}, "closed": closed or {}}, f)
        out = dutylog("event", kind, "--key", self.path(key), "--node", self.agency.url, "--outbox",
                      self.path("outbox"), "--from", form, *options)
        return out.strip() if out else None

    def submit(self, wait=20, exit_code=0):
        out = dutylog("submit", "--node", self.agency.url, "--outbox", self.path("outbox"), "--wait", str(wait),
                      exit_code=exit_code)
        return out.split() if out and exit_code == 0 else []

    def verify(self, receipt, *options):
        roots = [x for i in (1, 2, 3) for x in ("--root", self.vkeys[f"roots.example/{i}"])]
        return subprocess.run([DUTYLOG, "verify", receipt, "--policy", self.path("policy"), *roots, "--threshold", "2",
                               *options], capture_output=True, text=True)

    def held(self, name):
        return self.nodes[name].json("/logs")["logs"][0]

    # --- the steps ---

    def start(self):
        say("1. An agency, a state, the DOJ and a university each run a node; two of the three must cosign.")
        self.make_keys()
        self.write_policy()
        self.configure()
        for node in self.nodes.values():
            node.start()
        check("four nodes answer", all(n.get("/healthz")[0] == 200 for n in self.nodes.values()))
        roots = [self.vkeys[f"roots.example/{i}"] for i in (1, 2, 3)]
        cosign = ["--cosign", self.path("root-1.key"), "--cosign", self.path("root-2.key")]
        self.event("log.opened", "operator.key", {
            "authority": roots, "log_role": "agency", "log_vkey": self.vkeys[ORIGIN], "operator": "nypd", "ori": ORI,
            "operator_vkey": self.vkeys["nypd.example/operator"], "threshold": 2}, None, *cosign)
        self.submit(wait=0, exit_code=4)  # no policy yet: durable here, held by nobody else
        operators = {n: n for n in MIRRORS} | {f"{n}-witness": n for n in MIRRORS}
        with open(self.path("policy")) as f:
            self.event("log.policy", "root-1.key", {"operators": operators, "policy": f.read()}, None,
                       "--cosign", self.path("root-2.key"))
        self.event("key.enrolled", "root-1.key", {
            "basis": "both", "kinds": ["*"], "oris": [ORI], "role": "clerk",
            "vkey": self.vkeys["nypd.example/desk-1"]})
        receipts = self.submit()
        check("the log is open, its policy in force, a clerk's key enrolled", len(receipts) == 3, receipts)

    def first_event(self):
        say("2. A clerk signs and submits an intervention; the receipt is verified offline.")
        event = self.event("intervention.reported", members={
            "basis": "live", "case": os.urandom(16).hex(), "occurred": "2026-11-01", "ori": ORI, "party": "officer",
            "reported": "2026-11-02"}, closed={"officer": "ny-officer-9", "narrative": "Stepped in and took over the arrest."})
        receipts = self.submit()
        check("the event has a receipt", len(receipts) == 1, receipts)
        out = self.verify(receipts[0])
        check("the receipt verifies against the policy and the pinned roots", out.returncode == 0, out.stderr)
        print("\n" + "".join("      " + line + "\n" for line in out.stdout.splitlines()))
        with open(receipts[0], "rb") as f:
            content = f.read()
        with open(self.path("mangled"), "wb") as f:
            f.write(content.replace(b'"party":"officer"', b'"party":"agency" '))
        check("the same receipt with one word changed does not", self.verify(self.path("mangled")).returncode == 1)
        self.event("event.opened", "desk-1.key", None, None, "--disclose", event[:-len(".event")] + ":officer")
        receipts = self.submit()
        check("one closed member is disclosed, alone, and proved", len(receipts) == 1
              and b"ny-officer-9" in open(receipts[0], "rb").read())

    def five_records(self):
        say("3. New York's five records of a failure to intervene, each in a case of its own.")
        with open(os.path.join(HERE, "new-york-five.json")) as f:
            records = json.load(f)["records"]
        for record in records:
            case = os.urandom(16).hex()
            open_members = {"basis": "imported", "case": case, "ori": ORI, "party": "officer"}
            closed = {"officer": record["officer"], "source_text": record["description"]}
            self.event("failure.alleged", members={**open_members, "occurred": record["occurred"]}, closed=closed)
            if "disposition" in record:
                self.event("finding.final",
                           members={**open_members, "decided_by": "commissioner", "disposition": record["disposition"]},
                           closed={**closed, "source_code": record["source_disposition"], "mapping": "close"})
            guess = "close" if "disposition" in record else "guessed"
            self.event("discipline.imposed",
                       members={**open_members, "decided_by": "commissioner", "discipline": record["discipline"]},
                       closed={**closed, "source_code": record["source_penalty"], "mapping": guess})
        receipts = self.submit()
        findings = sum("disposition" in r for r in records)
        check("5 allegations, 3 findings and 5 penalties logged; no finding made up where none was published",
              len(receipts) == 13 and findings == 3, receipts)
        good = [r for r in receipts if self.verify(r, "--quiet").returncode == 0]
        check("each has a receipt that verifies offline", len(good) == 13, len(good))
        size = self.agency.json("/status")["log"]["published"]
        for name in MIRRORS:
            until(lambda: self.held(name)["judged"] == size, 10, f"{name} has judged all")
            held = self.held(name)
            check(f"{name} stores, cosigns and judges all {size} entries", held["mirrored"] == size and not held["refused"],
                  held)
        return size

    def log_key(self):
        """The operator has the log's key, and knows how to use it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        import base64
        with open(self.path("agency/log.key")) as f:
            seed = base64.b64decode(f.read().strip().split("+", 4)[4])[1:]
        key = Key(ORIGIN)
        key.secret = Ed25519PrivateKey.from_private_bytes(seed)
        key.id = bytes.fromhex(self.vkeys[ORIGIN].split("+")[1])
        return key

    def delete_a_finding(self, size):
        say("4. The agency's operator deletes a finding, rebuilds the log and signs it again.")
        key = self.log_key()
        real = forge.entries(self.agency, "", size)
        victim = next(i for i, e in enumerate(real) if b'"finding.final"' in e)
        # the same number of entries, one exchanged; then more entries than the mirrors hold, one left out
        same = real[:victim] + [real[-1]] + real[victim + 1:]
        more = real[:victim] + real[victim + 1:] + [real[-1]] * 3
        for form, entries in (("a", same), ("b", more)):
            leaves = [forge.leaf_hash(e) for e in entries]
            note = forge.checkpoint(key, leaves)
            proof = forge.consistency(size, leaves) if len(leaves) > size else []
            body = forge.add_checkpoint(size, proof, note)
            answers = [self.nodes[m].request("POST", "/add-checkpoint", body)[0] for m in MIRRORS]
            check(f"refused by every mirror, {'with as many' if form == 'a' else 'with more'} entries",
                  answers == [422] * 3, answers)
            for m in MIRRORS:
                self.evidence(m, form)

    def evidence(self, mirror, form):
        def files():
            return [e["file"] for e in self.nodes[mirror].json("/evidence")["evidence"] if e["form"] == form]
        until(files, 5, f"evidence ({form}) at {mirror}")
        path = self.path(f"{mirror}-{form}.evidence")
        with open(path, "wb") as f:
            f.write(self.nodes[mirror].get(files()[0])[1])
        out = subprocess.run([DUTYLOG, "verify", path, "--key", self.vkeys[ORIGIN]], capture_output=True, text=True)
        check(f"{mirror}'s evidence ({form}) proves it offline", out.returncode == 0, out.stderr)
        if mirror == MIRRORS[0]:
            print("".join("        " + line + "\n" for line in out.stdout.splitlines()))

    def doj_off(self):
        say("5. The DOJ's node is switched off, for good.")
        self.nodes["doj"].stop()
        for _ in range(3):
            self.event("failure.alleged", members={
                "basis": "live", "case": os.urandom(16).hex(), "ori": ORI, "party": "supervisor",
                "reported": "2026-11-10"})
        receipts = self.submit()
        good = [r for r in receipts if self.verify(r, "--quiet").returncode == 0]
        check("receipts go on: three more, all verify", len(good) == 3, receipts)

    def two_off(self):
        say("6. A second mirror fails: no receipt without a quorum, and none lost.")
        self.nodes["university"].kill()
        self.event("failure.alleged", members={
            "basis": "live", "case": os.urandom(16).hex(), "ori": ORI, "party": "officer", "reported": "2026-11-11"})
        self.submit(wait=0, exit_code=4)
        check("the event is durable at the agency and has no receipt (202)", True)
        self.nodes["university"].start()
        receipts = self.submit(wait=30)
        check("the mirror is back, and so the receipt", len(receipts) == 1 and
              self.verify(receipts[0], "--quiet").returncode == 0, receipts)

    def write_lists(self):
        """Two days of a list and a roster, in the shape of New York's: eleven records of seventeen are gone on the second."""
        def row(officer, case, text, disposition, penalty):
            return [officer, "1/1/2020", case, text, disposition, "Penalty: " + penalty if penalty else ""]

        with open(os.path.join(HERE, "new-york-five.json")) as f:
            five = [row(r["officer"], f"demo-{i}", f"{i + 1:02}.{r['description']}", r["source_disposition"], r["source_penalty"])
                    for i, r in enumerate(json.load(f)["records"])]
        rest = [row(f"ny-officer-{i}", f"demo-{i}", "Did fail to safeguard department property.", "GUILTY", "REPRIMAND")
                for i in range(10, 22)]
        header = ["officer", "date", "case_no", "description", "disposition", "penalty"]
        roster = [["officer"]] + [[r[0]] for r in five[1:] + rest]  # the first of the five has left
        for name, rows in (("2023-09-01", [header] + five + rest), ("2023-09-20", [header] + rest[:6]), ("roster", roster)):
            with open(self.path(name + ".csv"), "w", newline="") as f:
                csv.writer(f).writerows(rows)

    def observe_lists(self):
        say("7. Nobody at an agency takes part: a newsroom observes the list that it publishes, on two days.")
        self.write_lists()
        mapping = os.path.join(ROOT, "specs/mappings/nypd-discipline.ini")
        vkey = self.key("newsroom.example/desk-1", "newsroom.key")
        self.event("key.enrolled", "root-1.key", {
            "basis": "live", "kinds": ["list.observed"], "oris": [], "role": "observer", "vkey": vkey})
        self.submit()
        for day in ("2023-09-01", "2023-09-20"):
            dutylog("observe", self.path(day + ".csv"), "--as", "nypd-discipline", "--mapping", mapping, "--keep", self.path("lists"),
                    "--observed", day + "T12:00:00Z", "--key", self.path("newsroom.key"), "--outbox", self.path("outbox"),
                    "--node", self.agency.url)
        pair = self.submit()
        check("each day's list is in the log, as a root over its rows", len(pair) == 2, pair)
        rows = [self.path("lists", f"nypd-discipline-{day}T120000Z.rows") for day in ("20230901", "20230920")]
        common = (*rows, "--mapping", mapping)
        found = (*common, "--find", "failure_to_intervene", "--roster", self.path("roster.csv"))
        counts = json.loads(dutylog("reconcile", *found, "--json"))
        check("five records of a failure to intervene are gone, four of them while their officers serve",
              (counts["absent"]["all"], counts["absent"]["serving"]) == (5, 4), counts["absent"])
        print("".join("        " + line + "\n" for line in dutylog("reconcile", *found, "--list", "absent").splitlines()
                      if line.startswith("absent")))
        proof = self.path("officer-2.absence")
        dutylog("reconcile", *common, "--prove", "ny-officer-2", "--receipt-a", pair[0], "--receipt-b", pair[1], "--out", proof)
        out = self.verify(proof)
        check("a file shows it to anyone, offline: there on the first day, and not on the second", out.returncode == 0, out.stderr)
        print("".join("        " + line + "\n" for line in out.stdout.splitlines()))
        with open(proof, "rb") as f:
            content = bytearray(f.read())
        content[content.rindex(b"NY-OFFICER-2")] ^= 1
        with open(self.path("changed.absence"), "wb") as f:
            f.write(content)
        check("with one byte changed it shows nothing", self.verify(self.path("changed.absence")).returncode == 1)

    def show_case(self):
        say("8. A case on which five authorities write in three logs, through appeal and reversal: the same on every node.")
        handle = os.urandom(16).hex()
        f = cases.Federation()
        try:
            made = cases.five_authorities(f, handle)
            at = f.settle(handle)
            answers = [f.case(node, handle, at) for node in f.nodes]
            check(f"{len(made)} events are logged and refused none; four nodes answer alike, byte for byte", len(set(answers)) == 1)
            shown = {e["id"]: e["standing"] for e in json.loads(answers[0])["events"]}
            check("a second finding of one fact, a stolen key's and a defied court's count for nothing, and say so",
                  [shown[made[n]["id"]] for n in ("again", "forged", "defied")] == ["duplicate", "doubted", "without authority"])
            sizes = [option for log, size in at.items() for option in ("--at", f"{log}:{size}")]
            out = dutylog("case", "--node", f.nodes["university"].url, cases.ORI, handle, "--policy", f.save_policies(), *sizes)
            check("an auditor verifies every receipt, judges the case anew, and comes to the same", out)
            print("\n" + "".join("      " + line + "\n" for line in (out or "").splitlines()))
        finally:
            f.close()

    def attack_finding(self):
        say("9. A clerk's key tries all that it can sign on a court's finding: to replace it, move it, copy it, reverse it, and bury it.")
        handle = os.urandom(16).hex()
        f = cases.Federation()
        try:
            made = cases.clerk_against_court(f, handle)
            at = f.settle(handle)
            answer = json.loads(f.case("university", handle, at))
            shown = {e["id"]: e for e in answer["events"]}
            said = {n: (shown[made[n]["id"]]["standing"], shown[made[n]["id"]].get("why", {}).get("rule")) for n in cases.HELD}
            check("the court's finding is in force; what the clerk tried is shown, with the rule that denies it", said == cases.HELD, said)
            left = sum(house["count"] for house in answer["left_out"])
            check(f"{cases.BURIED_UNDER:,} more events hide nothing: {left} of the agency's are left out, and nobody else's",
                  left > 0 and [house["role"] for house in answer["left_out"]] == ["agency"], answer["left_out"])
            sizes = [option for log, size in at.items() for option in ("--at", f"{log}:{size}")]
            out = dutylog("case", "--node", f.nodes["university"].url, cases.ORI, handle, *sizes) or ""
            tried = [line for line in out.splitlines() if "notice.sent" not in line and line[:3].strip().isdigit()]
            finding = next((line for line in out.splitlines() if line.startswith("  finding")), "")
            check("dutylog case shows the finding that the court made", "sustained, by supreme-court" in finding, finding)
            print("\n" + "".join("      " + line + "\n" for line in tried + ["", *out.split("\n\n")[-2].splitlines()]))
        finally:
            f.close()

    def run(self):
        started = time.monotonic()
        self.start()
        self.first_event()
        self.delete_a_finding(self.five_records())
        self.doj_off()
        self.two_off()
        self.observe_lists()
        self.show_case()
        self.attack_finding()
        say(f"{time.monotonic() - started:.0f} s on this machine.")

    def close(self):
        if os.environ.get("KEEP") == "1":
            say("The nodes keep running:")
            for name, node in self.nodes.items():
                print(f"  {name:<12}{node.url}{'' if node.process else '   (off)'}")
            print(f"  folder      {self.folder}\n  stop them   kill "
                  + " ".join(str(n.process.pid) for n in self.nodes.values() if n.process))
            return
        for node in self.nodes.values():
            node.stop(signal.SIGTERM)
        shutil.rmtree(self.folder)


demo = Demo()
try:
    demo.run()
except Exception as e:  # noqa: BLE001 a step may fail in any way; the count says so
    check(f"no step breaks off: {type(e).__name__}: {e}", False)
    if "TRACE" in os.environ:
        raise
finally:
    demo.close()
print(f"\ndemo: {passed} checks passed, {failed} failed")
sys.exit(1 if failed else 0)
