#!/usr/bin/python3
"""The root-key ceremony as specs/ceremony.md has it, by its own commands, each machine a folder; then keys change hands."""
import json
import os
import pty
import re
import shutil
import subprocess
import time

from world import BUILD, ORI, ROOT, Node, World, head_file, main

PAGE = open(os.path.join(ROOT, "specs/ceremony.md")).read()
BLOCKS = re.findall(r"^```sh (\S+)\n(.*?)^```$", PAGE, re.S | re.M)
CHEAP = ("--memory", "8")
TOOL = os.path.abspath(os.path.join(BUILD, "dutylog"))


def shell(folder, text, **values):
    for name, value in values.items():
        text, count = re.subn(rf"^{name}=.*$", f"{name}={value}", text, flags=re.M)
        assert count == 1, name
    environment = os.environ | {"PATH": os.path.abspath(BUILD) + ":" + os.environ["PATH"]}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, (done.stderr, text)
    return done.stdout + done.stderr


def typed(folder, command, *answers):
    """Runs a command on a terminal, where somebody types an answer to each prompt. Returns its status and what was shown."""
    tools = os.path.dirname(TOOL)
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.environ["PATH"] = tools + ":" + os.environ["PATH"]
        os.execvp("bash", ["bash", "-c", command])
    shown = b""
    for answer in answers:
        before = len(shown)
        while not shown[before:].rstrip(b"\r\n").endswith(b": "):
            shown += os.read(fd, 4096)
        time.sleep(0.05)
        os.write(fd, answer.encode() + b"\n")
    try:
        while True:
            more = os.read(fd, 4096)
            if not more:
                break
            shown += more
    except OSError:
        pass  # the other end is closed
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_ceremony():
    w = World()
    machines = {name: w.path(name) for name in ("root-1", "root-2", "root-3", "leader", "operator")}
    for folder in machines.values():
        os.mkdir(folder)
    carry = lambda name, source, *targets: [  # noqa: E731
        shutil.copy(os.path.join(machines[source], name), machines[t]) for t in targets]
    # Part one, typed by each holder; the block is the second holder's.
    (_, keys), *rest = BLOCKS
    for n in (1, 2, 3):
        name, words = f"root-{n}", f"six words of holder {n}"
        block = keys.replace("root-2", name).replace("--lock", "--lock --memory 8")
        code, shown = typed(machines[name], "set -e\n" + block, words, words)
        assert code == 0 and f"ny.example/{name}+" in shown and words not in shown, shown
        key = open(os.path.join(machines[name], f"{name}.key")).read()
        assert key.startswith(f"dutylog/key/v1\nny.example/{name}+"), key
        assert typed(machines[name], f"dutylog vkey {name}.key", words)[0] == 0
        assert typed(machines[name], f"dutylog vkey {name}.key", "six wrong words")[0] == 1
        carry(f"{name}.vkey", name, "leader")
    code, shown = typed(machines["root-1"], "dutylog keygen --name x --out x.key --lock --memory 8", "one", "other")
    assert code == 1 and "the two differ" in shown and not os.path.exists(os.path.join(machines["root-1"], "x.key"))
    # The node, its log's key and the operator's.
    node = Node(w.folder, "node")
    node.head = "head"
    head_file(node.path("head"), "springfield.example/log")
    op = machines["operator"]
    shell(op, "dutylog keygen --name springfield.example/operator --out operator.key > operator.vkey\n"
              "dutylog keygen --name springfield.example/log --out log.key > log.vkey")
    shutil.copy(os.path.join(op, "log.key"), node.path("log.key"))
    log_vkey = open(os.path.join(op, "log.vkey")).read().strip()
    node.sections = ["[host]\norigin = springfield.example/log\nkey = log.key\naccept = events\nround_timeout = 1000\n"]
    for name in w.MIRRORS:
        w.nodes[name].sections[-1] = (f"[log springfield.example/log]\nvkey = {log_vkey}\naccept = events\nurl = {node.url}\n")
        w.nodes[name].start()
    node.start()
    carry("operator.vkey", "operator", "leader")
    carry("log.vkey", "operator", "leader")
    with open(os.path.join(machines["leader"], "policy"), "w") as f:
        f.write(f"log {log_vkey} {node.url}\n" + w.policy().split("\n", 1)[1])
    with open(os.path.join(machines["leader"], "operators.json"), "w") as f:
        json.dump({n: n for n in (*w.MIRRORS, *[m + "-witness" for m in w.MIRRORS])}, f)
    # Part two.
    blocks = dict()
    for who, text in rest:
        blocks.setdefault(who, []).append(text)
    shell(machines["leader"], blocks["leader"][0])
    for draft in ("opened.draft", "policy.draft"):
        carry(draft, "leader", "root-1", "root-2", "operator")
    for n in (1, 2):
        text = blocks["root-1"][0].replace("root-1", f"root-{n}")
        code, shown = typed(machines[f"root-{n}"], "set -e\n" + text, *[f"six words of holder {n}"] * 2)
        assert code == 0 and "log.opened, event 1 of springfield.example/operator" in shown, shown
        carry(f"opened.root-{n}", f"root-{n}", "leader")
        carry(f"policy.root-{n}", f"root-{n}", "leader")
    shell(op, blocks["operator"][0])
    carry("opened.operator", "operator", "leader")
    lead = machines["leader"]
    # What must not go through: too few, one twice, one that is not asked for; nothing is written.
    for lines in ("opened.root-1 opened.root-2", "opened.operator opened.root-1", "opened.operator opened.root-1 opened.root-1",
                  "opened.operator opened.root-1 policy.operator"):
        done = subprocess.run(f"{TOOL} merge opened.draft {lines} --out never", shell=True, cwd=lead, capture_output=True, text=True)
        assert done.returncode in (1, 3) and not os.path.exists(os.path.join(lead, "never")), (lines, done)
    said = shell(lead, blocks["leader"][1], node=node.url)
    assert "2 of the 3 you pinned signed" in said, said
    keys_change(w, node, machines, log_vkey)
    assert node.stop() == 0
    w.close()


def keys_change(w, node, machines, log_vkey):
    """A clerk's key is enrolled by one root, and another takes its place; the locked node key serves a node."""
    one, op = machines["root-1"], machines["operator"]
    with open(os.open(os.path.join(one, "words"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("six words of holder 1\n")
    locked = f"{TOOL} --passphrase-file words"
    for name in ("desk-1", "desk-2"):
        shell(op, f"dutylog keygen --name springfield.example/{name} --out {name}.key > {name}.vkey")
    desk = [open(os.path.join(op, f"{name}.vkey")).read().strip() for name in ("desk-1", "desk-2")]
    shell(one, f"{locked} event key.enrolled --key root-1.key --node {node.url} --outbox out --set vkey={desk[0]} --set role=clerk "
               f"--set basis=live --set kinds=finding.final --set oris={ORI}\n dutylog submit --node {node.url} --outbox out")
    said = shell(one, f"{locked} rotate springfield.example/desk-1 --to {desk[1]} --vkey {log_vkey} --node {node.url} --key root-1.key "
                      f"--outbox out --reason lost\n dutylog submit --node {node.url} --outbox out")
    assert '"kinds":["finding.final"]' in said and "key.rotated" in said, said
    issuers = [json.loads(node.get(f"/issuer/springfield.example/{n}")[1]) for n in ("desk-1", "desk-2")]
    assert [i["revoked"] for i in issuers] == [True, False], issuers
    event = (f"dutylog event finding.final --key %s.key --node {node.url} --out %s.event --set ori={ORI} --set case={'ab' * 16} "
             "--set basis=live --set party=officer --set disposition=sustained --set decided=2026-01-02 --set decided_by=chief\n"
             f"dutylog submit --node {node.url} %s.event")
    shell(op, event.replace("%s", "desk-2"))
    done = subprocess.run(["bash", "-ec", event.replace("%s", "desk-1")], cwd=op, capture_output=True, text=True,
                          env=os.environ | {"PATH": os.path.abspath(BUILD) + ":" + os.environ["PATH"]})
    assert done.returncode == 1 and "revoked" in done.stderr, done
    for twice in ("springfield.example/desk-1", "springfield.example/nobody"):
        done = subprocess.run(f"{locked} rotate {twice} --to {desk[1]} --vkey {log_vkey} --node {node.url} --key root-1.key "
                              "--outbox out", shell=True, cwd=one, capture_output=True, text=True)
        assert done.returncode == 1, done
    # The log's own key, locked: the node opens it with passphrase_file, and does not start with another one.
    for name, words in (("good", "for the node"), ("bad", "not that one")):
        with open(os.open(node.path(name), os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(words + "\n")
    node.stop()
    shell(node.folder, "dutylog passphrase log.key --new good --memory 8")
    node.options = ["passphrase_file = bad"]
    node.start(wait=False)
    assert node.process.wait(20) == 2 or node.process.returncode == 1
    assert "does not open the key springfield.example/log" in node.log()
    node.process = None
    node.options = ["passphrase_file = good"]
    node.start()
    shell(op, event.replace("%s.event", "next.event").replace("%s", "desk-2"))


main([test_ceremony])
