#!/usr/bin/python3
"""What /metrics says is well-formed, true, and documented by name."""
import os
import re
import threading

import forge
import metrics
from secure import secure_world
from world import ROOT, Key, World, main, until


def read(node):
    status, body = node.get("/metrics")
    assert status == 200 and node.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return metrics.parse(body)


def documented():
    """Names and types in the tables of specs/operations.md."""
    rows = re.compile(r"^\| `(dutylog_[a-z_]+)`(?:, by [^|]*)? \| (counter|gauge|histogram) \|", re.M)
    with open(os.path.join(ROOT, "specs", "operations.md")) as f:
        return dict(rows.findall(f.read()))


def test_format_is_refused_when_bent():
    """The reader is strict: each of these texts is one that Prometheus, or our own rules, would not take."""
    good = "# HELP dutylog_a A.\n# TYPE dutylog_a gauge\ndutylog_a{x=\"1\"} 1\n"
    metrics.parse(good.encode())
    for bent in (good[:-1], good.replace("# HELP dutylog_a A.\n", ""), good.replace("# TYPE dutylog_a gauge\n", ""),
                 good.replace("} 1", "}1"), good.replace('"1"', "1"), good.replace(" 1\n", " one\n"), good + good,
                 good + 'dutylog_a{x="1"} 2\n', good.replace("gauge", "counter"), good.replace("dutylog_a{", "dutylog_b{"),
                 good.replace('"1"', '"a\nb"'), good.replace('x="1"', 'x="1",'), good.replace('x="1"', 'x="1",x="2"'),
                 good.replace('"1"', '"\\x"'), good + "\n", good.replace("gauge", "histogram")):
        try:
            metrics.parse(bent.encode())
        except (AssertionError, AttributeError, ValueError, IndexError):
            continue
        raise AssertionError(f"taken: {bent!r}")


def test_every_role_tells_what_it_does():
    w = World().start()
    w.open_log()
    before = sum(read(w.agency)["dutylog_refusals_total"].samples.values())
    assert w.agency.add_several([w.finding() for _ in range(20)])[0] == 200
    assert w.agency.add(b"nonsense")[0] == 400
    assert w.agency.get("/nothing")[0] == 404
    agency = read(w.agency)
    size = 23
    for name in ("committed", "signed", "published"):
        assert agency[f"dutylog_{name}_entries"].value() == size, name
    assert agency["dutylog_sequenced_total"].value() == size
    assert agency["dutylog_candidate_age_seconds"].value() == 0
    assert agency["dutylog_published_age_seconds"].value() < 60
    assert agency["dutylog_policy_in_force"].value() == agency["dutylog_stamping"].value() == 1
    assert agency["dutylog_halted"].value() == agency["dutylog_guarded"].value() == 0
    assert sum(agency["dutylog_refusals_total"].samples.values()) - before == 2, "each once"
    assert agency["dutylog_refusals_total"].value(reason="no_such_path") == 1
    assert agency["dutylog_refusals_total"].value(reason="bad_form") == 1
    assert agency["dutylog_http_answers_total"].value(**{"class": "4xx"}) >= 2
    # each mirror of the policy, and no witness that is outside it
    mirrors = {w.mirror_keys[m].name for m in w.MIRRORS}
    assert agency["dutylog_mirror_wanted"].labels("mirror") >= mirrors
    until(lambda: all(read(w.agency)["dutylog_mirror_cosigned_entries"].value(mirror=m) == size for m in mirrors), 10,
          "all three cosigned")
    agency = read(w.agency)
    for m in mirrors:
        assert agency["dutylog_mirror_on_candidate"].value(mirror=m) == 1
        assert agency["dutylog_mirror_failures"].value(mirror=m) == 0
        assert agency["dutylog_mirror_state"].value(mirror=m, state="done") == 1
    # how long it took
    assert agency["dutylog_round_seconds"].samples[("dutylog_round_seconds_count", ())] >= 2
    commits = agency["dutylog_store_commit_seconds"]
    assert commits.samples[("dutylog_store_commit_seconds_count", ())] >= 6
    assert commits.samples[("dutylog_store_commit_seconds_sum", ())] > 0
    for m in w.MIRRORS:
        node = w.nodes[m]
        until(lambda: read(node)["dutylog_log_judged_entries"].value(log=w.origin) == size, 10, f"{m} has judged all")
        held = read(node)
        for name in ("stored", "pending", "cosigned"):
            assert held[f"dutylog_log_{name}_entries"].value(log=w.origin) == size, (m, name)
        assert "dutylog_committed_entries" not in held, "a mirror hosts no log"
    # names: what is served is documented, and what is documented is served
    secure, _ = secure_world()
    secure.nodes["state"].start()
    nodes = (w.agency, w.nodes["doj"], secure.nodes["state"])
    served = {name: family.kind for node in nodes for name, family in read(node).items()}
    assert served == documented(), (served.items() ^ documented().items())
    secure.close()
    assert w.close() == [0] * 4


def test_trouble_shows():
    """No quorum: the candidate ages. A fork: evidence is counted."""
    w = World().start()
    w.open_log()
    for m in ("doj", "university"):
        w.nodes[m].stop()
    waiting = threading.Thread(target=w.agency.add, args=(w.finding(),))
    waiting.start()
    until(lambda: read(w.agency)["dutylog_candidate_age_seconds"].value() >= 2, 15, "the candidate ages")
    trouble = read(w.agency)
    assert trouble["dutylog_signed_entries"].value() == 4 and trouble["dutylog_published_entries"].value() == 3
    assert trouble["dutylog_submissions_waiting_requests"].value() == 1
    until(lambda: read(w.agency)["dutylog_rounds_given_up"].value() >= 1, 10, "a round is given up")
    assert read(w.agency)["dutylog_mirror_failures"].value(mirror="doj.example/mirror") > 0
    assert read(w.agency)["dutylog_mirror_on_candidate"].value(mirror="doj.example/mirror") == 0
    state = w.nodes["state"]
    until(lambda: state.json("/logs")["logs"][0]["mirrored"] == 4, 10, "the state has all four")
    assert read(state)["dutylog_evidence_files"].value(form="a") == 0
    leaves = [forge.leaf_hash(b"another %d" % i) for i in range(4)]
    note = forge.checkpoint(w.log, leaves)
    assert state.request("POST", "/add-checkpoint", forge.add_checkpoint(4, [], note))[0] == 422
    until(lambda: read(state)["dutylog_evidence_files"].value(form="a") == 1, 10, "the fork is counted")
    # a larger one whose proof is nonsense proves nothing yet
    note = forge.checkpoint(w.log, leaves + leaves)
    state.request("POST", "/add-checkpoint", forge.add_checkpoint(4, [leaves[0]], note))
    until(lambda: read(state)["dutylog_unreconciled_checkpoints"].value() == 1, 10, "the suspicion is counted")
    w.agency.stop()
    waiting.join()
    w.close()


def test_a_name_that_nobody_foresaw():
    """An origin is any UTF-8 without white space: quotes and backslashes stay within their label."""
    w = World()
    odd = Key('odd"\\é{}.example/log')
    state = w.nodes["state"]
    state.sections.append(f"[log {odd.name}]\nvkey = {odd.vkey}\naccept = opaque\n")
    state.start()
    assert odd.name in read(state)["dutylog_log_stored_entries"].labels("log")
    assert read(state)["dutylog_log_stored_entries"].value(log=odd.name) == 0
    assert odd.name not in read(state)["dutylog_log_judged_entries"].labels("log"), "an opaque log is not judged"
    w.close()


main([test_format_is_refused_when_bent, test_every_role_tells_what_it_does, test_trouble_shows,
      test_a_name_that_nobody_foresaw])
