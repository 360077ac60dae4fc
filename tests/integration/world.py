"""Real nodes on loopback and a client that shares no code with them: keys, events and requests for the integration tests.

Everything is made afresh under one folder: a log's node (agency), three mirrors (state, doj, university), a policy of 2 of 3.
"""
import base64
import hashlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("B", os.path.join(ROOT, "build"))
SANITIZED = BUILD.endswith(("-address", "-thread"))
ORI = "NY0303000"


class Key:
    """An Ed25519 key with a C2SP name; `kind` 1 signs notes, 4 cosigns."""

    def __init__(self, name, kind=1):
        self.name, self.kind = name, kind
        self.secret = Ed25519PrivateKey.generate()
        raw = serialization.Encoding.Raw
        self.public = self.secret.public_key().public_bytes(raw, serialization.PublicFormat.Raw)
        self.seed = self.secret.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        typed = bytes([kind]) + self.public
        self.id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{base64.b64encode(typed).decode()}"
        self.seq, self.head = 0, None

    def save(self, path):
        typed = bytes([self.kind]) + self.seed
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as f:
            f.write(f"PRIVATE+KEY+{self.name}+{self.id.hex()}+{base64.b64encode(typed).decode()}\n")
        return path

    def line(self, text):
        blob = self.id + self.secret.sign(text)
        return f"— {self.name} {base64.b64encode(blob).decode()}\n".encode()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign_note(text, *signers):
    first, rest = signers[0], sorted(signers[1:], key=lambda k: k.name)
    return text + b"\n" + b"".join(k.line(text) for k in [first, *rest])


def make_event(log, key, kind, open_members, *cosigners, seq=None, prev=None, keep=True, body=None):
    """The next event of `key`, signed; `keep` moves the key's sequence on."""
    seq = seq or key.seq + 1
    members = {"issuer": key.name, "kind": kind, "log": log, "open": open_members, "seq": seq}
    prev = prev or (key.head if seq > 1 else None)
    if prev:
        members["prev"] = prev
    if body:
        members["body"] = body
    text = f"dutylog/event/v1\n{canonical(members)}\n".encode()
    if keep:
        key.seq, key.head = seq, hashlib.sha256(text).hexdigest()
    return sign_note(text, key, *cosigners)


ports = itertools.cycle(range(100))


def free_port():
    """One of a hundred that are this process's, below those that outgoing connections get: tests run side by side."""
    for _ in range(100):
        port = 10000 + os.getpid() % 200 * 100 + next(ports)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise AssertionError("no port is free")


PLACE = 40960


def head_file(path, origin=None, size=0, root=None, commit=0, mirrors=()):
    """The head file of a node (ledger/guard.h), written as dutylog keygen would if nothing was signed."""
    text = f"dutylog/head/v1\nwriting 0\ncommit {commit}\n"
    if origin:
        root = root or hashlib.sha256(b"").digest()
        text += f"log {origin}\nhead {size} {base64.b64encode(root).decode()}\n"
    text += "".join(f"mirror {m}\n" for m in mirrors)
    text += f"sum {hashlib.sha256(text.encode()).hexdigest()}\n"
    with open(path, "wb") as f:
        f.write(text.encode().ljust(2 * PLACE, b"\n"))


def read_head(path):
    """What a head file says: the newer of its places, as a dictionary of lists."""
    found = None
    with open(path, "rb") as f:
        for place in (f.read(PLACE), f.read(PLACE)):
            lines = [line.split(" ", 1) for line in place.decode().strip("\n").split("\n")[1:]]
            said = {}
            for line in lines:
                said.setdefault(line[0], []).append(line[1])
            if said and (found is None or int(said["writing"][0]) > int(found["writing"][0])):
                found = said
    return found


class Node:
    """One dutylogd with its folder."""

    def __init__(self, folder, name, port=None):
        self.folder, self.name = os.path.join(folder, name), name
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sections, self.process, self.exempt = [], None, []
        self.head = None  # the head file's name, once there is one
        self.options = []  # further lines of [node]
        self.program = os.path.join(BUILD, "dutylogd")
        self.listen = "127.0.0.1"
        self.address = "127.0.0.1"  # where it is asked
        self.prefix = ()  # what the daemon is run under
        self.tls = None  # an ssl.SSLContext, if it speaks TLS
        os.makedirs(self.folder, exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write_config(self):
        with open(self.path("node.ini"), "w") as f:
            f.write(f"[node]\nname = {self.name}\nlisten = {self.listen}:{self.port}\ndata = data\nlog_level = debug\n")
            f.write("".join(line + "\n" for line in self.options))
            if self.head:
                f.write(f"head = {self.head}\n")
            if self.exempt:
                f.write(f"exempt = {' '.join(self.exempt)}\n")
            f.write("\n".join(self.sections) + "\n")

    def start(self, wait=True, prefix=()):
        self.write_config()
        log = open(self.path("log.txt"), "a")
        command = [*self.prefix, *prefix, self.program, "-c", self.path("node.ini")]
        self.process = subprocess.Popen(command, stderr=log, stdout=log)
        log.close()
        if wait:
            until(lambda: self.get("/healthz")[0] in (200, 503), 20, f"{self.name} answers")
        return self

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        return code

    def kill(self):
        return self.stop(signal.SIGKILL)

    def log(self):
        with open(self.path("log.txt")) as f:
            return f.read()

    def request(self, method, path, body=None, headers=None, timeout=30):
        if self.tls:
            connection = http.client.HTTPSConnection(self.address, self.port, timeout=timeout, context=self.tls)
        else:
            connection = http.client.HTTPConnection(self.address, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            self.headers = answer.headers
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as e:
            return 0, str(e).encode()
        finally:
            connection.close()

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def add(self, note, **more):
        return self.request("POST", "/add", note, {"Content-Type": "text/plain"}, **more)

    def add_several(self, notes, **more):
        body = b"".join(len(n).to_bytes(2, "big") + n for n in notes)
        return self.request("POST", "/add", body, {"Content-Type": "application/octet-stream"}, **more)

    def json(self, path):
        status, body = self.get(path)
        assert status == 200, (path, status, body)
        return json.loads(body)


def until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


class World:
    """An agency's log with its policy, three mirrors, and everybody's keys."""

    MIRRORS = ("state", "doj", "university")

    def __init__(self, accept="events", timeout_ms=1000, log_text="", heads=True):
        self.folder = tempfile.mkdtemp(prefix="dutylog-test-")
        self.origin = "ny.example/nypd"
        self.log = Key(self.origin)
        self.roots = [Key(f"doj.example/root-{i}") for i in (1, 2, 3)]
        self.operator = Key("nypd.example/operator")
        self.desk = Key("nypd.example/desk-1")
        self.nodes = {name: Node(self.folder, name) for name in ("agency", *self.MIRRORS)}
        self.agency = self.nodes["agency"]
        self.mirror_keys = {n: Key(f"{n}.example/mirror", 4) for n in self.MIRRORS}
        self.witness_keys = {n: Key(f"{n}.example/witness", 4) for n in self.MIRRORS}
        self.log.save(self.agency.path("log.key"))
        for node in self.nodes.values() if heads else ():
            node.head = "head"
            head_file(node.path(node.head), self.origin if node is self.agency else None)
        with open(self.path("policy"), "w") as f:
            f.write(self.policy())
        host = f"[host]\norigin = {self.origin}\nkey = log.key\naccept = {accept}\nround_timeout = {timeout_ms}\n"
        if accept == "opaque":
            host += f"policy = {self.path('policy')}\n"
        self.agency.sections.append(host)
        for name in self.MIRRORS:
            node = self.nodes[name]
            self.mirror_keys[name].save(node.path("mirror.key"))
            self.witness_keys[name].save(node.path("witness.key"))
            node.sections.append("[mirror]\nkey = mirror.key\nwitness_key = witness.key\n")
            node.sections.append(
                f"[log {self.origin}]\nvkey = {self.log.vkey}\naccept = {accept}\nurl = {self.agency.url}\n{log_text}")

    def path(self, name):
        return os.path.join(self.folder, name)

    def policy(self):
        lines = [f"log {self.log.vkey} {self.agency.url}"]
        for name in self.MIRRORS:
            lines.append(f"witness {name} {self.mirror_keys[name].vkey} {self.nodes[name].url}")
            lines.append(f"witness {name}-witness {self.witness_keys[name].vkey}")
        lines += ["group mirrors 2 " + " ".join(self.MIRRORS), "quorum mirrors"]
        return "\n".join(lines) + "\n"

    def set_clock(self, name, seconds):
        """The node's wall clock is ahead by so much, from its next start on, or at once if it had one set before."""
        node = self.nodes[name]
        file = node.path("clock")
        if not os.path.exists(file):
            shim = os.path.abspath(os.path.join(BUILD, "tests/clock.so"))
            node.prefix = (*node.prefix, "env", f"LD_PRELOAD={shim}", f"CLOCK_FILE={os.path.abspath(file)}")
            open(file, "xb").close()
        with open(file, "r+b") as f:
            f.write(struct.pack("q", seconds))

    def start(self, *names):
        for name in names or self.nodes:
            self.nodes[name].start()
        return self

    def event(self, key, kind, members, *cosigners, **more):
        return make_event(self.origin, key, kind, members, *cosigners, **more)

    def open_log(self, between=None):
        """log.opened, log.policy, and the desk's enrolment; returns the enrolment's receipt. `between` is done before that."""
        a, b, _ = self.roots
        opened = self.event(self.operator, "log.opened", {
            "authority": [k.vkey for k in self.roots], "log_role": "agency", "log_vkey": self.log.vkey,
            "operator": "nypd", "operator_vkey": self.operator.vkey, "ori": ORI, "threshold": 2}, a, b)
        policy = self.event(a, "log.policy", {
            "operators": {n: n for n in (*self.MIRRORS, *[m + "-witness" for m in self.MIRRORS])},
            "policy": self.policy()}, b)
        enrolled = self.event(a, "key.enrolled", {
            "basis": "both", "kinds": ["*"], "oris": [ORI], "role": "clerk", "vkey": self.desk.vkey})
        assert self.agency.add(opened)[0] == 202  # no policy yet
        for note in policy, enrolled:
            if between and note is enrolled:
                between()
            status, body = self.agency.add(note)
            assert status == 200, (status, body)
        status, receipt = self.agency.get(f"/receipt/{a.name}/{a.seq}")
        assert status == 200, (status, receipt)
        return receipt

    def finding(self, handle=None, **more):
        """The desk's next finding.final: a failure to intervene, sustained."""
        members = {"basis": "live", "case": handle or os.urandom(16).hex(), "decided": "2023-09-20",
                   "decided_by": "commissioner", "disposition": "sustained", "ori": ORI, "party": "officer"}
        return self.event(self.desk, "finding.final", members, **more)

    def verify(self, receipt, *options):
        path = self.path("receipt")
        with open(path, "wb") as f:
            f.write(receipt)
        command = [os.path.join(BUILD, "dutylog"), "verify", path, "--policy", self.path("policy"), *options]
        return subprocess.run(command, capture_output=True, text=True)

    def close(self, keep=False):
        codes = [node.stop() for node in self.nodes.values()]
        if not keep and "KEEP" not in os.environ:
            shutil.rmtree(self.folder)
        return codes


def main(tests):
    """Runs test functions (all, or those named on the command line), says how each went, and closes with the count."""
    names = sys.argv[1:]
    passed = failed = 0
    for test in tests:
        if names and test.__name__ not in names:
            continue
        try:
            test()
            passed += 1
            print(f"ok    {test.__name__}", flush=True)
        except Exception as e:  # noqa: BLE001 a test may fail in any way
            failed += 1
            print(f"FAIL  {test.__name__}: {type(e).__name__}: {e}", flush=True)
            import traceback
            traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
