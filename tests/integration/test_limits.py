#!/usr/bin/python3
"""A node under those who ask too much, too slowly or for ever: what they are told, what it costs, and that honest requests are
served meanwhile."""
import resource
import socket
import threading
import time

from secure import secure_world
from world import ORI, SANITIZED, Key, World, main, until



def metric(node, family, reason):
    want = f'{family}{{reason="{reason}"}} '
    for line in node.get("/metrics")[1].decode().splitlines():
        if line.startswith(want):
            return int(line[len(want):])
    raise AssertionError(f"no {want}")


def refusals(node, reason):
    return metric(node, "dutylog_refusals_total", reason)


def test_one_issuer_has_so_many_events():
    w = World()
    w.agency.sections.append("[limits]\nissuer_rate = 2\n")  # 120 at once
    w.start()
    w.open_log()
    notes = [w.finding() for _ in range(130)]
    status, lines = w.agency.add_several(notes)
    told = [line for line in lines.decode().splitlines()]
    assert status == 200 and sum('"status":200' in t for t in told) == 120, (status, told[115:])
    assert '"status":429' in told[120] and "2 events a second" in told[120], told[120]
    assert all('"status":424' in t for t in told[121:]), told[121:]
    assert metric(w.agency, "dutylog_events_refused_total", "rate") == 1
    status, text = w.agency.add(notes[120])
    while status == 200:  # a token came meanwhile
        notes.pop(0)
        status, text = w.agency.add(notes[120])
    assert status == 429 and int(w.agency.headers["Retry-After"]) >= 1, (status, text)
    assert refusals(w.agency, "rate") >= 1
    other = Key("nypd.example/desk-2")  # others are not held up by it
    enrolled = w.event(w.roots[0], "key.enrolled", {
        "basis": "both", "kinds": ["*"], "oris": [ORI], "role": "clerk", "vkey": other.vkey})
    assert w.agency.add(enrolled)[0] == 200
    time.sleep(1.1)
    assert w.agency.add(notes[120])[0] == 200, "and again in time"
    w.close()


def test_an_issuer_pays_for_nothing_that_it_did_not_sign():
    w = World()
    w.agency.sections.append("[limits]\nissuer_rate = 1\n")  # 60 at once
    w.start()
    w.open_log()
    good = w.finding(keep=False)
    forged = good.replace(b'"sustained"', b'"unfounded"')
    for _ in range(100):
        assert w.agency.add(forged)[0] == 403
    assert metric(w.agency, "dutylog_events_refused_total", "denied_signature") == 100
    assert w.agency.add(w.finding())[0] == 200
    w.close()


def behind_proxy(rate):
    w = World()
    w.agency.options.append("behind_proxy = 127.0.0.1")
    w.agency.sections.append(f"[limits]\naddress_rate = {rate}\n")
    w.start()
    w.open_log()
    return w


def statuses_of(node, request, count, at_once):
    """The statuses of so many requests on one connection, faster than a busy machine makes connections: all sent at once, or
    each after the answer before. Fewer if the node closes it."""
    got = []
    with socket.create_connection(("127.0.0.1", node.port), 60) as s:
        s.sendall(request * (count if at_once else 1))
        answers = s.makefile("rb")
        while len(got) < count:
            first, length = answers.readline().split(), 0
            if not first:
                break
            closes = False
            for line in iter(answers.readline, b"\r\n"):
                name, value = line.decode().lower().split(":", 1)
                length = int(value) if name == "content-length" else length
                closes = closes or (name == "connection" and "close" in value)
            answers.read(length)
            got.append(int(first[1]))
            if closes:
                break
            if not at_once:
                s.sendall(request)
    return got


def test_one_address_has_so_many_requests():
    w = behind_proxy(5)  # 20 at once
    here, there = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "9.9.9.9, 192.0.2.2"}
    ask = b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    statuses = statuses_of(w.agency, ask, 100, True)
    assert statuses[:20] == [200] * 20 and 429 in statuses, statuses
    until(lambda: w.agency.get("/metrics")[0] == 200, 20, "the proxy itself, which asked for much when this began, may again")
    assert refusals(w.agency, "address_rate") == statuses.count(429)
    if w.agency.get("/checkpoint", headers=here)[0] == 429:  # unless the machine slept
        assert int(w.agency.headers["Retry-After"]) >= 1
    assert w.agency.get("/checkpoint", headers=there)[0] == 200
    until(lambda: w.agency.get("/checkpoint", headers=here)[0] == 200, 20, "and again in time")
    w.close()


def test_what_does_not_verify_costs_its_sender():
    w = behind_proxy(5)
    forged = w.finding(keep=False).replace(b'"sustained"', b'"unfounded"')
    post = (f"POST /add HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nX-Forwarded-For: 192.0.2.1\r\n"
            f"Content-Length: {len(forged)}\r\n\r\n").encode() + forged
    begun = time.monotonic()
    statuses = statuses_of(w.agency, post, 60, False)
    took = time.monotonic() - begun
    # each costs at least two: one as a request, one as a waste of time
    assert statuses[0] == 403 and 429 in statuses and statuses.count(403) <= (20 + 5 * took) / 2 + 1, (statuses, took)
    w.close()


def test_a_log_that_brings_new_checkpoints_is_known():
    w = World()
    state = w.nodes["state"]
    state.options.append("behind_proxy = 127.0.0.1")
    state.sections.append("[limits]\naddress_rate = 1\n")
    w.start()
    w.open_log()  # the agency names nobody, and pays as the proxy does: but it is known
    for _ in range(10):
        status, _ = w.agency.add(w.finding())
        assert status == 200, status
    assert "event=known" in state.log()
    statuses = [state.get("/healthz")[0] for _ in range(20)]
    assert statuses == [200] * 20, statuses
    stranger = [state.get("/healthz", headers={"X-Forwarded-For": "192.0.2.1"})[0] for _ in range(20)]
    assert 429 in stranger, stranger
    w.close()


def resident_kib(node):
    with open(f"/proc/{node.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def connect(node, i, tls=None):
    s = socket.socket()
    s.bind((f"127.0.1.{1 + i // 200}", 0))
    s.connect(("127.0.0.1", node.port))
    return tls.wrap_socket(s, server_hostname="127.0.0.1") if tls else s


def hold_many(w, idle_count, slow_count, limit_mib, tls=None):
    """Idle connections, half of them after a request, and some that send a header for ever: memory, and whoever else asks."""
    node = w.agency
    if SANITIZED:  # so slow that the first would be cut off before the last is there
        idle_count, slow_count = idle_count // 5, slow_count // 5
    stop = threading.Event()
    before = resident_kib(node)
    idle = []
    for i in range(idle_count):
        s = connect(node, i, tls)
        if i % 2:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert s.recv(1000).startswith(b"HTTP/1.1 200")
        idle.append(s)
    slow = [connect(node, idle_count + i, tls) for i in range(slow_count)]
    for s in slow:
        s.sendall(b"POST /add HTTP/1.1\r\nHost: x\r\nX-Slow: ")

    def drip():
        while not stop.wait(0.2):
            for s in slow:
                try:
                    s.send(b"a")
                except OSError:
                    pass

    dripping = threading.Thread(target=drip)
    dripping.start()
    worst = 0.0
    for _ in range(30):
        begun = time.monotonic()
        status, text = w.agency.add(w.finding())
        worst = max(worst, time.monotonic() - begun)
        assert status == 200, (status, text)
    used = resident_kib(node) - before
    connections = node.json("/status")["connections"]
    stop.set()
    dripping.join()
    print(f"      {connections} connections{' with TLS' if tls else ''}: {used / 1024:.1f} MiB, slowest honest add "
          f"{worst * 1000:.0f} ms", flush=True)
    assert connections > idle_count + slow_count, connections
    # A sanitizer keeps what was freed and pads what is held: what memory costs there says nothing.
    assert SANITIZED or used < limit_mib * 1024, used
    assert worst < 2, worst
    for s in idle + slow:
        s.close()
    until(lambda: node.json("/status")["connections"] < 20, 20, "all are gone")


def test_idle_and_slow_connections():
    w = World().start()
    w.open_log()
    hold_many(w, 2000, 200, 64)
    w.close()


def test_idle_and_slow_connections_with_tls():
    w, _ = secure_world()
    w.start()
    w.open_log()
    hold_many(w, 1000, 100, 32, w.agency.tls)
    w.close()


def test_slow_headers_are_cut_off():
    w = World().start("state")
    state = w.nodes["state"]
    s = connect(state, 0)
    begun = time.monotonic()
    s.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
    s.settimeout(40)
    try:
        while time.monotonic() - begun < 40:
            s.sendall(b"a")
            time.sleep(0.1)
        raise RuntimeError("a header of 40 s was waited for")
    except OSError:
        pass
    assert 25 < time.monotonic() - begun < 36
    assert metric(state, "dutylog_connections_cut_total", "slow_headers") == 1
    w.close()


def test_too_many_connections():
    w = World()
    state = w.nodes["state"]
    state.options.append("known = 127.0.0.1")
    state.sections.append("[limits]\nconnections = 64\naddress_connections = 40\n")
    w.start("state")
    held = [connect(state, 0) for _ in range(50)]
    until(lambda: metric(state, "dutylog_connections_cut_total", "address_connections") == 10, 5, "ten are closed")
    held += [connect(state, 200) for _ in range(30)]  # strangers have 56 places of 64
    until(lambda: metric(state, "dutylog_connections_cut_total", "connections") == 14, 5, "more are closed")
    for s in held:
        s.close()
    until(lambda: state.get("/healthz")[0] == 200, 5, "all is well again")
    w.close()


soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 10000), hard))
main([test_one_issuer_has_so_many_events, test_an_issuer_pays_for_nothing_that_it_did_not_sign,
      test_one_address_has_so_many_requests, test_what_does_not_verify_costs_its_sender,
      test_a_log_that_brings_new_checkpoints_is_known, test_idle_and_slow_connections,
      test_idle_and_slow_connections_with_tls, test_slow_headers_are_cut_off, test_too_many_connections])
