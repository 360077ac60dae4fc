"""Logs of several authorities, and nodes that know no more than the roots of one: what the tests of the registry and of what counts
in a case stand on."""
import os
import shutil
import subprocess
import tempfile

from world import BUILD, Key, Node, head_file, make_event


class Log:
    """A log with its node and its own authority of three roots, two of which sign."""

    def __init__(self, world, name):
        self.w, self.name, self.origin = world, name, f"{name}.example/log"
        self.key, self.operator = Key(self.origin), Key(f"{name}.example/operator")
        self.roots = [Key(f"{name}.example/root-{i}") for i in (1, 2, 3)]
        self.node = Node(world.folder, name)
        self.key.save(self.node.path("log.key"))
        self.node.head = "head"
        head_file(self.node.path("head"), self.origin)
        self.node.sections.append(f"[host]\norigin = {self.origin}\nkey = log.key\naccept = events\n")

    def say(self, kind, members, *cosigners, key=None):
        """An event of the authority; its receipt."""
        note = make_event(self.origin, key or self.roots[0], kind, members, *cosigners)
        status, body = self.node.add(note)
        assert status == 200, (kind, status, body)
        return body

    def open(self):
        opened = make_event(self.origin, self.operator, "log.opened", {
            "authority": [k.vkey for k in self.roots], "log_role": "state", "log_vkey": self.key.vkey,
            "operator": self.name, "operator_vkey": self.operator.vkey, "threshold": 2}, *self.roots[:2])
        assert self.node.add(opened)[0] == 202
        text = f"log {self.key.vkey} {self.node.url}\n" + "".join(
            f"witness {name} {self.w.mirrors[name].vkey} {node.url}\n" for name, node in self.w.peers.items())
        self.say("log.policy", {"operators": {name: name for name in self.w.peers},
                                "policy": text + "group mirrors all peer other\nquorum mirrors\n"}, self.roots[1])

    def recognise(self, other, url=None, **more):
        return self.say("log.recognised", {"address": url or other.node.url, "log_vkey": other.key.vkey,
                                           "operator": other.name, **more}, self.roots[1])

    def register(self, ori, name, **more):
        self.say("agency.registered", {"name": name, "officers": 7, "ori": ori, "state": "VA", "type": "municipal",
                                       **more})


class Registry:
    def __init__(self, names=("doj", "state", "agency")):
        self.folder = tempfile.mkdtemp(prefix="dutylog-test-")
        self.peers = {name: Node(self.folder, name) for name in ("peer", "other")}  # mirrors of every log, both needed
        self.mirrors = {name: Key(f"{name}.example/mirror", 4) for name in self.peers}
        self.peer = self.peers["peer"]
        self.logs = {name: Log(self, name) for name in names}
        for name, node in self.peers.items():
            self.mirrors[name].save(node.path("mirror.key"))
            node.head = "head"
            head_file(node.path("head"))
            node.sections = ["[mirror]\nkey = mirror.key\n"]
            node.sections += [f"[log {log.origin}]\nvkey = {log.key.vkey}\naccept = events\nurl = {log.node.url}\n"
                              for log in self.logs.values()]
        self.university = self.pinned("university")
        Key("doj.example/mirror", 4).save(self.logs["doj"].node.path("mirror.key"))
        self.logs["doj"].node.sections += [s.replace("url = ", "; ") for s in self.university.sections]  # its own roots

    def pinned(self, name, pull=1, **more):
        """A node that knows nothing but the DOJ's roots, and where its log is."""
        node, doj = Node(self.folder, name), self.logs["doj"]
        Key(f"{name}.example/mirror", 4).save(node.path("mirror.key"))
        node.head = "head"
        head_file(node.path("head"))
        roots = "".join(f"root = {k.vkey}\n" for k in doj.roots)
        node.sections = ["[mirror]\nkey = mirror.key\n",
                         f"[authority doj]\n{roots}threshold = 2\nurl = {doj.node.url}\npull = {pull}\n"]
        return node

    def start(self):
        for node in (*self.peers.values(), *(log.node for log in self.logs.values())):
            node.start()
        for log in self.logs.values():
            log.open()
        return self

    def path(self, name):
        return os.path.join(self.folder, name)

    def close(self):
        codes = [node.stop() for node in (self.university, *self.peers.values(), *(log.node for log in self.logs.values()))]
        if "KEEP" not in os.environ:
            shutil.rmtree(self.folder)
        assert set(codes) <= {0, None}, codes


def dutylog(*arguments, ok=0):
    done = subprocess.run([os.path.join(BUILD, "dutylog"), *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == ok, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def held(node):
    return {log["origin"]: log for log in node.json("/logs")["logs"]}
