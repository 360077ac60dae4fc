#!/usr/bin/python3
"""Nodes in network namespaces of their own: links that lose packets, mirrors cut off, one way or both, the agency alone. Where a
quorum is left there are receipts; where none is, events wait (202); afterwards all is as if nothing had been.

Needs root, ip and iptables; else skipped. With the kernel's netem there is delay too."""
import os
import shutil
import subprocess
import sys

from secure import secure_world
from world import SANITIZED, main, until

NET = f"10.{80 + os.getpid() % 100}.{os.getpid() // 100 % 250}"
TAG = f"dl{os.getpid() % 100000}"


def sh(text, check=True):
    done = subprocess.run(text, shell=True, capture_output=True, text=True)
    assert not check or done.returncode == 0, (text, done.stderr)
    return done.returncode == 0


def can():
    return (os.geteuid() == 0 and shutil.which("ip") and shutil.which("iptables")
            and sh(f"ip netns add {TAG}x && ip netns exec {TAG}x iptables -A INPUT -m statistic --mode random --probability 0.1 "
                   f"-j DROP && ip link add {TAG}v type veth peer name {TAG}w && ip link del {TAG}v", False))


class Net:
    """A bridge here, and a namespace for each node behind it."""

    def __init__(self, nodes):
        sh(f"ip link add {TAG}b type bridge && ip addr add {NET}.254/24 dev {TAG}b && ip link set {TAG}b up")
        self.places = {}
        for i, node in enumerate(nodes, 1):
            space, address = f"{TAG}n{i}", f"{NET}.{i}"
            sh(f"ip netns add {space} && ip link add {TAG}v{i} type veth peer name eth0 netns {space} && "
               f"ip link set {TAG}v{i} master {TAG}b up && ip -n {space} link set lo up && "
               f"ip -n {space} addr add {address}/24 dev eth0 && ip -n {space} link set eth0 up")
            self.places[node.name] = (space, i)
            node.listen = node.address = address
            node.prefix = ("ip", "netns", "exec", space)
            node.url = f"https://{address}:{node.port}"

    def rule(self, node, text):
        sh(f"ip netns exec {self.places[node.name][0]} iptables {text}")

    def cut(self, node):
        sh(f"ip link set {TAG}v{self.places[node.name][1]} down")

    def heal(self):
        for space, i in self.places.values():
            sh(f"ip link set {TAG}v{i} up")
            sh(f"ip netns exec {space} iptables -F")
            sh(f"ip netns exec {space} tc qdisc del dev eth0 root", False)

    def close(self):
        for space, _ in self.places.values():
            sh(f"ip netns del {space}", False)
        sh(f"ip link del {TAG}b", False)


def settled(w, receipts):
    """All mirrors hold all, nobody saw a fork, every receipt verifies and is given again."""
    until(lambda: w.agency.json("/status")["log"]["published"] == w.agency.json("/status")["log"]["committed"], 60, "published")
    size = w.agency.json("/status")["log"]["published"]
    for m in w.MIRRORS:
        until(lambda: w.nodes[m].get("/logs")[0] == 200 and w.nodes[m].json("/logs")["logs"][0]["mirrored"] >= size, 60, f"{m} has all")
        assert w.nodes[m].json("/evidence") == {"evidence": [], "unreconciled": []}
    for seq, receipt in receipts.items():
        assert w.verify(receipt, "--quiet").returncode == 0
        assert w.agency.get(f"/receipt/{w.desk.name}/{seq}")[0] == 200


def log(w, receipts, expected=200, **how):
    note = w.finding()
    status, body = w.agency.add(note, timeout=30, **how)
    assert status == expected, (status, body[:200])
    if status == 200:
        receipts[w.desk.seq] = body
    return note


def test_partitions():
    w, authority = secure_world()
    net = Net(w.nodes.values())
    try:
        plain = {n.name: f"https://127.0.0.1:{n.port}" for n in w.nodes.values()}
        for node in w.nodes.values():
            authority.issue(node, address=node.listen)
            for name, url in plain.items():
                node.sections = [s.replace(url, w.nodes[name].url) for s in node.sections]
        with open(w.path("policy"), "w") as f:
            f.write(w.policy())
        receipts = {}
        w.start()
        w.open_log()
        log(w, receipts)
        state, doj, university = (w.nodes[m] for m in w.MIRRORS)
        # Every tenth packet of each is lost, and late where the kernel can.
        late = 0
        for node in w.nodes.values():
            net.rule(node, "-A INPUT -m statistic --mode random --probability 0.1 -j DROP")
            late += sh(f"ip netns exec {net.places[node.name][0]} tc qdisc add dev eth0 root netem delay 100ms 20ms", False)
        for _ in range(3):
            note = w.finding()
            until(lambda: w.agency.add(note, timeout=40)[0] == 200, 60, "a receipt over a bad line")
            receipts[w.desk.seq] = w.agency.add(note)[1]
        net.heal()
        # One mirror is cut off: receipts go on. Its answers alone are lost: the same.
        net.cut(doj)
        for _ in range(3):
            log(w, receipts)
        net.heal()
        net.rule(university, f"-A OUTPUT -p tcp --sport {university.port} -d {w.agency.listen} -j DROP")
        for _ in range(3):
            log(w, receipts)
        net.heal()
        settled(w, receipts)
        # Two are cut off: durable, and no receipt; it comes when they are back.
        net.cut(doj)
        net.cut(state)
        log(w, receipts, 202)
        seq = w.desk.seq
        net.heal()
        until(lambda: w.agency.get(f"/receipt/{w.desk.name}/{seq}")[0] == 200, 60, "the receipt comes")
        # The agency is alone, and starts so: it accepts nothing until it has heard a quorum.
        for mirror in (state, doj, university):
            net.rule(w.agency, f"-A INPUT -s {mirror.listen} -j DROP")
        w.agency.kill()
        w.agency.start()
        note = w.finding()
        assert w.agency.add(note)[0] == 503
        net.heal()
        until(lambda: w.agency.add(note, timeout=30)[0] == 200, 60, "it is heard, and goes on")
        settled(w, receipts)
        print(f"      {len(receipts)} receipts; delay: {'yes' if late else 'no netem here'}")
        assert w.close() == [0, 0, 0, 0]
    finally:
        for node in w.nodes.values():
            if node.process:
                node.kill()
        net.close()


if SANITIZED or not can():
    sh(f"ip netns del {TAG}x", False)
    print("skipped: needs root, ip, iptables and namespaces")
    sys.exit(77)
sh(f"ip netns del {TAG}x", False)
main([test_partitions])
