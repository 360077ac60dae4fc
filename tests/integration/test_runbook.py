#!/usr/bin/python3
"""The runbook and the alert rules fit the daemon: names, sections, and the drills, run by the runbook's own text."""
import json
import os
import re
import shutil
import subprocess
import threading

import forge
import metrics
from test_succession import Successor
from world import BUILD, ROOT, SANITIZED, Key, Node, World, head_file, main, until


def text_of(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


RUNBOOK = text_of("specs", "runbook.md")


def alerts():
    """The rules as dictionaries; each line of the file is of one of these forms."""
    rules = []
    for line in text_of("tools", "install", "alerts.yaml").splitlines():
        match = re.fullmatch(r"(?:      - (alert)|        (expr|for|labels|annotations)|          (severity|summary|runbook)): ?(.*)", line)
        if not match:
            assert line.startswith("#") or line in ("groups:", "  - name: dutylog", "    rules:"), line
            continue
        key = match.group(1) or match.group(2) or match.group(3)
        if key == "alert":
            rules.append({})
        assert key not in rules[-1], line
        rules[-1][key] = match.group(4)
    assert len(rules) > 20
    for rule in rules:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations", "severity", "summary", "runbook"}, rule
        assert rule["severity"] in ("page", "ticket") and re.fullmatch(r"[0-9]+[mhd]", rule["for"]), rule
        assert re.fullmatch(r'"\{\{ \$labels\.instance \}\}: [^"]+"', rule["summary"]), rule
    return rules


def test_rules_are_yaml():
    try:
        import yaml
    except ImportError:
        return print("skipped: no python3-yaml")
    groups = yaml.safe_load(text_of("tools", "install", "alerts.yaml"))["groups"]
    assert [r["alert"] for r in groups[0]["rules"]] == [r["alert"] for r in alerts()]
    assert [r["expr"] for r in groups[0]["rules"]] == [r["expr"] for r in alerts()]


def test_rules_name_what_metrics_show():
    w = World().start()
    w.open_log()
    shown = {}
    for node in w.agency, w.nodes["state"]:
        shown |= metrics.parse(node.get("/metrics")[1])
    for rule in alerts():
        names = re.findall(r"\b(?:dutylog_[a-z_]+|up\b)", rule["expr"])
        assert names, rule
        for name in names:
            base = re.sub(r"_bucket$", "", name)
            assert name == "up" or base in shown and (base == name) == (shown[base].kind != "histogram"), (rule["alert"], name)
        for name, label, values in re.findall(r'(dutylog_[a-z_]+)\{([a-z]+)=~?"([^"]*)"\}', rule["expr"]):
            for value in values.split("|"):
                assert value in shown[name].labels(label), (rule["alert"], value)
    # every reason of health has its alert, but the one that is wanted
    asked = set(re.findall(r'dutylog_health_reason\{reason="([a-z_]+)"\}', " ".join(r["expr"] for r in alerts())))
    assert shown["dutylog_health_reason"].labels("reason") - asked == {"stopping"}
    w.close()


def test_every_alarm_has_its_section():
    sections = re.findall(r"^### (\w+)\n\n(\S.*)", RUNBOOK, re.M)
    names = [r["alert"] for r in alerts()]
    assert sorted(names) == sorted(name for name, _ in sections) and len(set(names)) == len(names)
    pages = RUNBOOK[RUNBOOK.index("## Alarms: at once"):RUNBOOK.index("## Alarms: in the morning")]
    for rule in alerts():
        assert rule["runbook"] == f"runbook.md#{rule['alert'].lower()}"
        assert (f"### {rule['alert']}\n" in pages) == (rule["severity"] == "page"), rule
    lines = text_of("specs", "operations.md")
    errors = set(re.findall(r"^\| (`[a-z]+` `[a-z_-]+`) \| [a-z, ]*error ", lines, re.M))
    rows = set(re.findall(r"^\| (`[a-z]+` `[a-z_-]+`) \| ", RUNBOOK, re.M))
    assert len(errors) > 8 and rows == errors, rows ^ errors
    drills = set(re.findall(r"^## Drill: (.*)$", RUNBOOK, re.M))
    assert drills == {"node lost", "log key lost", "disk full", "mirror gone for good", "mirror key ahead of time", "fork found"}
    for name in re.findall(r"[Dd]rill[\s]+\*([^*]+)\*", RUNBOOK):
        assert re.sub(r"\s+", " ", name).lower() in drills, name
    for command in re.findall(r"`?dutylog ([a-z]+)", RUNBOOK):
        assert subprocess.run([os.path.join(BUILD, "dutylog"), command, "--help"], capture_output=True).returncode == 0, command


# --- drills ---

SYSTEMCTL = r"""#!/bin/bash
# What systemd does with the unit: one node, its process id in a file.
set -eu
command=$1
[ "$command" != daemon-reload ] || exit 0
running() { [ -e $DIR/pid ] && kill -0 "$(cat $DIR/pid)" 2>/dev/null; }
OPTIONS=
[ ! -e $DIR/options ] || . <(sed 's/=\(.*\)/="\1"/' $DIR/options)
case "$*" in
start*)
    running && exit 0
    "$BUILD/dutylogd" -c $DIR/node.ini --check >/dev/null
    "$BUILD/dutylogd" -c $DIR/node.ini $OPTIONS 2>>$DIR/log.txt </dev/null >/dev/null &
    echo $! >$DIR/pid
    [ "$2" != --wait ] || wait $!
    ;;
stop*|disable*)
    running || exit 0
    kill "$(cat $DIR/pid)"
    while running; do sleep 0.05; done
    rm $DIR/pid
    ;;
*) exit 1 ;;
esac
"""


def blocks(drill):
    """The shell commands of a drill, a text per block."""
    section = RUNBOOK.split(f"## Drill: {drill}\n")[1].split("\n## ")[0]
    found = re.findall(r"^```sh\n(.*?)^```$", section, re.S | re.M)
    assert found, drill
    return found


def drill(w, text, at="agency", **values):
    """Runs the runbook's commands, on a node's folder for the machine, with these variables for the examples'."""
    node = w.nodes[at]
    tools = node.path("tools")
    if not os.path.isdir(tools):
        os.mkdir(tools)
        for name, script in (("systemctl", SYSTEMCTL.replace("$DIR", node.folder).replace("$BUILD", os.path.abspath(BUILD))),
                             ("journalctl", "#!/bin/sh\n"), ("chown", "#!/bin/sh\n")):
            with open(os.open(os.path.join(tools, name), os.O_CREAT | os.O_WRONLY, 0o755), "w") as f:
                f.write(script)
    for name, value in values.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.M)
        assert count == 1, name
    for old, new in (("/etc/dutylog/node.ini", "node.ini"), ("/etc/credstore/dutylog.log.key", "log.key"),
                     ("/etc/credstore/dutylog.mirror", "mirror"), ("/etc/credstore/dutylog.witness", "witness"),
                     ("/run/dutylogd.options", "options"), ("/var/lib/dutylog/data", "data"), ("/media/keys", "media"),
                     ("/srv/dutylog", "srv"), ("/etc/systemd/system", "system"), ("/var/lib /var/log", "media")):
        text = text.replace(old, node.path(new))
    text = text.replace("sleep 5", "sleep 0.1")
    assert not re.search(r"[ >\"](?:/etc|/var|/srv|/run|/media)/", text), text
    environment = os.environ | {"PATH": tools + ":" + os.path.abspath(BUILD) + ":" + os.environ["PATH"]}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=w.folder, env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, (text, done)
    return done.stdout


def handed_over():
    """A world in which the drills' systemd runs the agency."""
    w = World().start()
    w.open_log()
    status, receipt = w.agency.add(w.finding())
    assert status == 200
    with open(w.agency.path("pid"), "w") as f:
        f.write(f"{w.agency.process.pid}\n")
    return w, receipt


def stop(w):
    """Ends what the drill started: the agency's process is no child of ours by now."""
    drill(w, "systemctl stop dutylogd\n")
    w.agency.process = None
    w.close()


def test_node_lost():
    w, receipt = handed_over()
    os.mkdir(w.path("kept"))
    for name in ("node.ini", "log.key"):
        shutil.copy(w.agency.path(name), w.path("kept"))
    w.agency.kill()
    shutil.rmtree(w.agency.folder)
    os.mkdir(w.agency.folder)
    shutil.move(w.path("kept"), w.agency.path("media"))
    said = drill(w, blocks("node lost")[0], node=w.agency.url, mirror=w.nodes["state"].url)
    assert "ok" in said, said
    assert w.verify(receipt, "--root", w.roots[0].vkey).returncode == 0
    assert w.agency.json("/status")["log"]["committed"] == 4
    assert w.agency.add(w.finding())[0] == 200
    stop(w)


def test_disk_full_and_the_folder_moved():
    w, _ = handed_over()
    for folder in ("media", "srv", "system"):
        os.mkdir(w.agency.path(folder))
    look, move = blocks("disk full")
    drill(w, look)
    process, w.agency.process = w.agency.process, None
    process_ended(process, lambda: drill(w, move))
    until(lambda: w.agency.get("/healthz")[1].startswith(b"ok"), 20, "it goes on")
    assert "every-mirror" not in w.agency.log(), "the moved folder is the present one"
    assert w.agency.json("/status")["log"]["committed"] == 4 and os.path.exists(w.agency.path("srv/data/in-use"))
    assert w.agency.add(w.finding())[0] == 200
    stop(w)


def process_ended(process, action):
    """Runs `action`, in which our child `process` ends, and takes its exit as it comes: else it would stay a zombie."""
    waiter = threading.Thread(target=process.wait)
    waiter.start()
    action()
    waiter.join(30)


def test_mirror_gone_for_good():
    w, _ = handed_over()
    w.nodes["doj"].kill()
    fresh = Node(w.folder, "ohio")
    key, witness = Key("ohio.example/mirror", 4), Key("ohio.example/witness", 4)
    key.save(fresh.path("mirror.key"))
    witness.save(fresh.path("witness.key"))
    fresh.head = "head"
    head_file(fresh.path("head"))
    fresh.sections = w.nodes["doj"].sections
    w.nodes["ohio"] = fresh.start()
    for i, root in enumerate(w.roots[:2]):
        root.save(w.path(f"root-{i + 1}.key"))
    old = w.policy()
    lines = old.replace("witness doj ", f"witness ohio {key.vkey} {fresh.url}\n# ").replace(
        "witness doj-witness ", f"witness ohio-witness {witness.vkey}\n# ").replace("state doj university", "state ohio university")
    with open(w.path("policy"), "w") as f:
        f.write("".join(line + "\n" for line in lines.splitlines() if not line.startswith("#")))
    with open(w.path("operators.json"), "w") as f:
        f.write('{"state":"state","state-witness":"state","ohio":"ohio","ohio-witness":"ohio","university":"university",'
                '"university-witness":"university"}')
    drill(w, blocks("mirror gone for good")[0], node=w.agency.url)
    w.nodes["university"].stop()  # so that the new one is needed
    status, receipt = w.agency.add(w.finding())
    assert status == 200, receipt
    assert "— ohio.example/mirror".encode() in receipt
    w.close()


def says_ok(node):
    return node.get("/healthz")[1].startswith((b"ok", b"degraded"))


def confirmed(w, seq):
    """Whether the stamp of the desk's event is confirmed, by the receipt that the log makes now."""
    status, receipt = w.agency.get(f"/receipt/{w.desk.name}/{seq}")
    assert status == 200, (status, receipt)
    done = w.verify(receipt, "--json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)["stamp_confirmed"]


def test_mirror_key_ahead_of_time():
    """Two mirrors were 40 days ahead when they signed first; then they are right, and everything starts anew."""
    if SANITIZED:
        return  # a preloaded library is not for sanitized programs
    w = World()
    ahead = ("state", "doj")
    for name in ahead:
        node = w.nodes[name]
        node.sections[1] = node.sections[1].replace(f"url = {w.agency.url}\n", "")  # they can ask nobody
        w.set_clock(name, 40 * 86400)

    def set_right():
        for name in w.nodes:
            w.nodes[name].stop()
        for name in ahead:
            w.set_clock(name, 0)
        w.start()
        until(lambda: says_ok(w.agency), 90, "the clocks are right")

    w.start()
    w.open_log(between=set_right)
    status, receipt = w.agency.add(w.finding())
    assert status == 200, (status, receipt)
    assert not confirmed(w, 1), "it needs a key that is ahead"
    fresh = {}
    node = w.nodes["doj"]
    process, node.process = node.process, None
    with open(node.path("pid"), "w") as f:
        f.write(f"{process.pid}\n")
    process_ended(process, lambda: drill(w, blocks("mirror key ahead of time")[0].replace("ny.example/", "doj.example/"), at="doj"))
    until(lambda: node.get("/healthz")[0] in (200, 503), 20, "the mirror starts with its new key")
    for kind in ("mirror", "witness"):
        with open(w.path(f"{kind}.vkey")) as f:
            fresh[kind] = f.read().strip()
    for i, root in enumerate(w.roots[:2]):
        root.save(w.path(f"root-{i + 1}.key"))
    policy = w.policy().replace(w.mirror_keys["doj"].vkey, fresh["mirror"]).replace(w.witness_keys["doj"].vkey, fresh["witness"])
    with open(w.path("policy"), "w") as f:
        f.write(policy)
    with open(w.path("operators.json"), "w") as f:
        json.dump({n: n for m in w.MIRRORS for n in (m, m + "-witness")}, f)
    drill(w, blocks("mirror key ahead of time")[1], node=w.agency.url)
    status, receipt = w.agency.add(w.finding())
    assert status == 200, (status, receipt)
    assert confirmed(w, 2) and confirmed(w, 1), "the new quorum confirms what the old one confirmed late"
    drill(w, "systemctl stop dutylogd\n", at="doj")
    w.close()


def test_fork_found():
    w, _ = handed_over()
    state = w.nodes["state"]
    leaves = [forge.leaf_hash(e) for e in forge.entries(w.agency, "", 4)]
    leaves[3] = forge.leaf_hash(b"another")
    status, said = state.request("POST", "/add-checkpoint", forge.add_checkpoint(4, [], forge.checkpoint(w.log, leaves)))
    assert status == 422, (status, said)
    until(lambda: state.json("/evidence")["evidence"], 10, "evidence is made")
    with open(w.path("accused.vkey"), "w") as f:
        f.write(w.log.vkey + "\n")
    save, verify = blocks("fork found")
    drill(w, save, node=state.url)
    files = [name for name in os.listdir(w.path("evidence")) if name.endswith(".evidence")]
    assert len(files) == 1, files
    assert "two different trees" in drill(w, verify.replace("FILE", files[0]))
    w.close()


def test_log_key_lost():
    w, receipt = handed_over()
    process, w.agency.process = w.agency.process, None
    put_away, succeed = blocks("log key lost")
    process_ended(process, lambda: drill(w, put_away))
    assert not os.path.exists(w.agency.path("log.key"))
    assert w.agency.get("/healthz")[0] == 0
    until(lambda: w.nodes["state"].json("/logs")["logs"][0]["mirrored"] == 4, 10, "mirrors serve the log")
    assert w.verify(receipt).returncode == 0
    successor = Successor(w).open()
    for name, key in (("old.vkey", w.log), ("new.vkey", successor.log)):
        with open(w.path(name), "w") as f:
            f.write(key.vkey + "\n")
    shutil.rmtree(w.path("out"), ignore_errors=True)
    shutil.copytree(w.path("out-2"), w.path("out"))
    said = drill(w, succeed, node=successor.node.url, mirror=w.nodes["state"].url, other=w.nodes["doj"].url)
    assert "goes on with seq 2" in said and "verified" in said, said
    successor.close()
    w.close()


main([test_rules_are_yaml, test_rules_name_what_metrics_show, test_every_alarm_has_its_section, test_node_lost,
      test_disk_full_and_the_folder_moved, test_mirror_gone_for_good, test_mirror_key_ahead_of_time, test_fork_found, test_log_key_lost])
