#!/usr/bin/python3
"""A node tells ok, degraded and down apart, and why: /healthz, /status, `dutylog status`, /metrics and its log lines."""
import json
import os
import re
import subprocess
import time

import metrics
from secure import DAY, put, secure_world
from world import BUILD, ROOT, World, main, until


def health(node):
    """What /healthz says, in words and as JSON, having checked that all four ways say the same."""
    codes = lambda said: [reason["reason"] for reason in said["reasons"]]
    while True:
        http, body = node.get("/healthz?json")
        said = json.loads(body)
        _, words = node.get("/healthz")
        kind = node.headers["Content-Type"]
        status = node.json("/status")["health"]
        shown = metrics.parse(node.get("/metrics")[1])
        if codes(json.loads(node.get("/healthz?json")[1])) == codes(said):
            break  # else it changed between two questions
    assert kind.startswith("text/plain")
    assert words.decode().split(":")[0].strip() == said["state"], (words, said)
    assert (http == 503) == (said["state"] == "down"), (http, said)
    assert codes(status) == codes(said) and status["state"] == said["state"]
    for state in ("ok", "degraded", "down"):
        assert shown["dutylog_health"].value(state=state) == (state == said["state"])
    given = set(codes(said))
    for reason in shown["dutylog_health_reason"].labels("reason"):
        assert shown["dutylog_health_reason"].value(reason=reason) == (reason in given), reason
    return said


def is_exactly(node, state, *reasons):
    said = health(node)
    return said["state"] == state and [r["reason"] for r in said["reasons"]] == list(reasons)


def cli(node):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), "status", node.url], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout


def test_from_ok_to_down_and_back():
    w = World().start()
    for node in w.nodes.values():
        node.json("/logs")
    assert is_exactly(w.agency, "degraded", "no_policy"), health(w.agency)
    assert is_exactly(w.nodes["doj"], "ok")
    w.open_log()
    until(lambda: is_exactly(w.agency, "ok"), 10, "all is well")
    assert "health: ok\n" in cli(w.agency)
    w.nodes["doj"].stop()
    assert w.agency.add(w.finding())[0] == 200
    until(lambda: is_exactly(w.agency, "degraded", "mirrors"), 10, "one of three is gone")
    assert "doj.example/mirror" in health(w.agency)["reasons"][0]["why"]
    assert re.search(r"health: degraded\n  degraded  mirrors: 1 of 3 mirrors .*doj\.example/mirror", cli(w.agency)), cli(w.agency)
    w.nodes["state"].stop()
    assert w.agency.add(w.finding())[0] == 202
    assert is_exactly(w.agency, "down", "no_quorum", "mirrors"), health(w.agency)
    assert "health: down\n" in cli(w.agency)
    # after a restart nobody confirms the head: the guard
    w.agency.stop()
    w.agency.start()
    said = health(w.agency)
    assert said["state"] == "down" and said["reasons"][0]["reason"] == "guard", said
    w.nodes["state"].start()
    w.nodes["doj"].start()
    until(lambda: is_exactly(w.agency, "ok"), 60, "it heals by itself")
    until(lambda: log_lines(w.agency, "health")[-1]["state"] == "ok", 10, "and says so")
    down = [line for line in log_lines(w.agency, "health") if line["state"] == "down"]
    assert down and down[0]["level"] == "error" and "no quorum" in down[0]["why"], down
    w.close()


def test_a_pull_that_fails():
    w = World(log_text="pull = 1\n")
    node = w.nodes["university"].start()  # the log that it pulls is not there
    until(lambda: is_exactly(node, "degraded", "pulls"), 10, "the pull fails")
    assert w.origin in health(node)["reasons"][0]["why"]
    w.agency.start()
    w.nodes["state"].start()
    w.nodes["doj"].start()
    w.open_log()
    until(lambda: is_exactly(node, "ok"), 60, "it heals by itself")
    w.close()


def test_a_certificate_that_runs_out():
    w, authority = secure_world()
    node = w.nodes["state"]
    node.sections = [s.replace("pull = 1\n", "") for s in node.sections]
    authority.issue(node, lasts=15 * DAY)
    node.start()
    assert is_exactly(node, "ok"), health(node)
    shown = metrics.parse(node.get("/metrics")[1])
    assert 14 * 86400 < shown["dutylog_tls_expires_seconds"].value() - time.time() < 15 * 86400
    assert shown["dutylog_tls_stale"].value() == 0
    authority.issue(node, lasts=13 * DAY)
    until(lambda: is_exactly(node, "degraded", "certificate"), 20, "it runs out soon")
    authority.issue(node, lasts=15 * DAY)
    until(lambda: is_exactly(node, "ok"), 20, "renewed")
    put(node.path("node.pem"), b"half a certificate")
    until(lambda: is_exactly(node, "degraded", "certificate"), 20, "half a certificate")
    assert metrics.parse(node.get("/metrics")[1])["dutylog_tls_stale"].value() == 1
    w.close()


PAIR = re.compile(r'([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^ "=\\]+))')


def parse_line(line):
    if line.startswith("{"):
        return json.loads(line)
    pairs, at = {}, 0
    while at < len(line):
        match = PAIR.match(line, at)
        assert match, f"not a pair: {line[at:]!r} in {line!r}"
        name, quoted, bare = match.groups()
        assert name not in pairs, line
        pairs[name] = bare if bare is not None else re.sub(r"\\(.)", r"\1", quoted)
        at = match.end()
        assert at == len(line) or line[at] == " ", line
        at += 1
    return pairs


def log_lines(node, part=None):
    """Every line that the node has logged, each of which must be well-formed."""
    parsed = [parse_line(line) for line in node.log().split("\n")[:-1]]
    for line in parsed:
        assert list(line)[:4] == ["time", "level", "part", "event"], line
    return [line for line in parsed if part in (None, line["part"])]


def test_log_lines_in_both_forms():
    for form in ("text", "json"):
        w = World()
        for node in w.nodes.values():
            node.options.append(f"log_format = {form}")
        w.start()
        w.open_log()
        w.agency.request("GET", '/"x" level=error \\')
        w.agency.request("GET", "/q", headers={"X": "y"})
        assert w.close(keep=True) == [0] * 4
        for node in w.nodes.values():
            lines = log_lines(node)
            assert {"listening", "stopping", "signal"} <= {line["event"] for line in lines}, lines
            assert all(line["level"] in ("debug", "info", "warn", "error") for line in lines)
            assert node.log().startswith("{" if form == "json" else "time=")
            if form == "json":
                assert all(isinstance(line["port"], int) for line in lines if line["event"] == "listening")


def calls():
    """Every log_line in the code: level, part, event, format."""
    string = r'"(?:[^"\\]|\\.)*"'
    call = re.compile(rf'log_line\(\s*([^,]+?),\s*"([a-z_]+)",\s*([^,]*?),\s*(NULL|(?:{string}\s*|PRI[a-z0-9]+\s*)+)', re.S)
    for folder in ("net", "tools"):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            if not name.endswith(".c") or name == "log.c":
                continue
            with open(os.path.join(ROOT, folder, name)) as f:
                text = f.read()
            found = list(call.finditer(text))
            assert len(found) == text.count("log_line("), f"{name}: a log_line that this test cannot read"
            for match in found:
                level, part, events, form = match.groups()
                form = re.sub(r"PRI[a-z]+64", '"lu"', form)
                form = "".join(part[1:-1] for part in re.findall(string, form)).replace('\\"', '"')
                for event in re.findall(r'"([a-z_-]+)"', events):
                    yield name, level, part, event, form


def test_every_event_is_documented():
    with open(os.path.join(ROOT, "specs", "operations.md")) as f:
        rows = set(re.findall(r"^\| `([a-z_]+)` `([a-z_-]+)` \|", f.read(), re.M))
    known = re.compile(r'%(?:0?[0-9]*(?:l|ll|z)?[diux]|s|\.\*s|c|%)')
    written = set()
    for name, level, part, event, form in calls():
        if form:
            for pair in re.findall(r'[^ "]*"[^"]*"|[^ ]+', form):
                assert re.fullmatch(r'[a-z_]+=(?:"[^"]*"|[^ "]+)', pair), (name, pair)
            assert form.count("%") == sum(m.count("%") for m in known.findall(form)), (name, form)
        if level != "LOG_DEBUG":
            written.add((part, event))
    assert written == rows, written ^ rows


def test_every_reason_is_documented():
    with open(os.path.join(ROOT, "net", "health.h")) as f:
        reasons = set(re.findall(r'X\([A-Z_]+, (DOWN|DEGRADED), "([a-z_]+)"\)', f.read()))
    with open(os.path.join(ROOT, "specs", "operations.md")) as f:
        rows = set(re.findall(r"^\| `([a-z_]+)` \| (down|degraded) \|", f.read(), re.M))
    assert len(reasons) > 5
    assert {(code, state.lower()) for state, code in reasons} == rows, rows


main([test_from_ok_to_down_and_back, test_a_pull_that_fails, test_a_certificate_that_runs_out, test_log_lines_in_both_forms,
      test_every_event_is_documented, test_every_reason_is_documented])
