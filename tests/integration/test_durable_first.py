#!/usr/bin/python3
"""No receipt and no cosignature leaves before what it speaks of is durable, as strace sees it: specs/storage.md.

Between the bytes that ask and the first byte that answers lie, in this order: fdatasync of the store's data has returned,
and then the write of LMDB's meta page through its O_DSYNC descriptor. For a receipt that holds twice: for the entry, and,
after the cosignature that made the quorum, for the checkpoint that is published.
"""
import os
import re
import shutil
import signal

from world import SANITIZED, World, main, until

CALLS = "openat,fdatasync,fsync,pwrite64,pwritev,recvfrom,recvmsg,read,readv,sendto,sendmsg,write,writev,sendfile"
LINE = re.compile(r"(\d+) +(?:([a-z0-9_]+)\((.*)|<\.\.\. ([a-z0-9_]+) resumed>(.*))", re.S)


def happenings(trace):
    """In order: (call, text, begins, ends). A call that another thread's interrupted comes twice, once per end."""
    begun = {}
    for line in trace.splitlines():
        match = LINE.fullmatch(line)
        if not match:
            assert re.match(r"\d+ +(\+\+\+|---) ", line), line
            continue
        task, call, text, resumed, rest = match.groups()
        if resumed:
            yield resumed, begun.pop(task) + rest, False, True
        elif text.endswith("<unfinished ...>"):
            begun[task] = text[:-len("<unfinished ...>")]
            yield call, begun[task], True, False
        else:
            yield call, text, True, True


def result(text):
    match = re.search(r"\) += (-?\d+)", text)
    return int(match.group(1)) if match else None


class Watch:
    """Follows one process, and knows how often the store became durable: fdatasync, then the meta page. Yields what
    goes through sockets."""

    def __init__(self, trace):
        self.trace, self.meta, self.synced, self.commits = trace, None, False, 0

    def __iter__(self):
        for call, text, begins, ends in happenings(self.trace):
            descriptor = re.match(r"(\d+)<([^>]*)>", text)
            store = descriptor and descriptor.group(2).endswith("/data.mdb")
            if ends and call == "openat" and "data.mdb" in text and "O_DSYNC" in text:
                self.meta = re.search(r"= (\d+)<", text).group(1)
            elif ends and call == "fdatasync" and store and result(text) == 0:
                self.synced = True
            elif ends and call in ("pwrite64", "pwritev") and store and result(text) > 0:
                if descriptor.group(1) == self.meta:
                    self.commits += self.synced
                self.synced = False  # data written after the sync wants another
            if descriptor and descriptor.group(2).startswith(("socket:", "TCP", "TCPv6")):
                yield call, text, begins, ends


READS = ("recvfrom", "recvmsg", "read", "readv")
SENDS = ("sendto", "sendmsg", "write", "writev")


def check_cosignatures(trace, name):
    """How many different cosignatures of `name` left; each after a commit since what asked for it came."""
    watch, asked, seen = Watch(trace), None, set()
    for call, text, begins, ends in watch:
        if ends and call in READS and re.search(r"POST /add-", text):
            asked = watch.commits
        if begins and call in SENDS:
            for line in re.findall(rf"\\342\\200\\224 {re.escape(name)} ([A-Za-z0-9+/=]+)\\n", text):
                if line not in seen:
                    seen.add(line)
                    assert asked is not None and watch.commits > asked, f"a cosignature left before it was durable: {text[:300]}"
    return len(seen)


def check_receipts(trace, mirrors, quorum=2):
    """How many receipts left; each after a commit since its event came, and one since the quorum was there."""
    watch, came, cosigned, reached, receipts, again = Watch(trace), None, set(), None, 0, False
    for call, text, begins, ends in watch:
        if ends and call in READS and "POST /add HTTP" in text:
            came, cosigned, reached = watch.commits, set(), None
        if ends and call in READS and came is not None and watch.commits > came:
            for name in mirrors:
                if rf"\342\200\224 {name} " in text:
                    cosigned.add(name)
            if len(cosigned) >= quorum and reached is None:
                reached = watch.commits
        if begins and call in SENDS and "POST /add-" in text and came is not None:
            assert watch.commits > came, "a candidate left before it was durable"
        again = again or ends and call in READS and "GET /receipt/" in text
        if begins and call in SENDS and "dutylog/receipt/v1" in text:
            if came is None and again:
                again = False
                continue  # of what was published before
            assert came is not None, "a receipt that nobody asked for"
            receipts += 1
            assert watch.commits > came, f"a receipt left before its entry was durable: {text[:300]}"
            assert reached is not None, "a receipt without a quorum"
            assert watch.commits > reached, f"a receipt left before what was published was durable: {text[:300]}"
            came = None
    return receipts


def refused(check, trace, *arguments):
    try:
        return not check(trace, *arguments)
    except AssertionError:
        return True


def test_durable_first():
    if SANITIZED or not shutil.which("strace"):
        return print("skipped: strace")
    w = World()
    traced = w.agency, w.nodes["state"]
    # A disk so slow that what does not wait for it is seen to leave first.
    slow = "-e", "inject=fdatasync:delay_enter=5000", "-e", "inject=pwrite64:delay_enter=500"
    for node in w.nodes.values():
        strace = ("strace", "-f", "-y", "-qq", "-s", "100000", "-e", f"trace={CALLS}", *slow, "-o", node.path("calls"))
        node.start(prefix=strace if node in traced else ())
    w.open_log()
    w.nodes["doj"].stop()  # so that the traced mirror is one of each quorum
    for _ in range(12):
        assert w.agency.add(w.finding())[0] == 200
    until(lambda: w.nodes["state"].json("/logs")["logs"][0]["mirrored"] == 15, 10, "all is mirrored")
    traces = []
    for node in traced:
        with open(f"/proc/{node.process.pid}/task/{node.process.pid}/children") as f:
            os.kill(int(f.read().split()[0]), signal.SIGTERM)
        assert node.process.wait(30) == 0
        node.process = None
        with open(node.path("calls")) as f:
            traces.append(f.read())
    agency, state = traces
    mirrors = [key.name for key in w.mirror_keys.values()]
    assert check_receipts(agency, mirrors) >= 14
    assert check_cosignatures(state, "state.example/mirror") >= 14
    assert check_cosignatures(state, "state.example/witness") >= 14
    # The check itself sees what is missing.
    for call in "fdatasync", "pwrite64":
        bent = ["\n".join(line for line in trace.splitlines() if call not in line[:40]) for trace in traces]
        assert refused(check_receipts, bent[0], mirrors) and refused(check_cosignatures, bent[1], "state.example/mirror"), call
    w.close()


main([test_durable_first])
