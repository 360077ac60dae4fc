#!/usr/bin/python3
"""TLS between nodes, and between a node and the command line: certificates of an authority made here, verified by both sides,
renewed while the nodes run."""
import json
import os
import signal
import socket
import ssl
import subprocess
import time

from cryptography import x509

from secure import DAY, Authority, put, secure_world
from world import BUILD, World, main, until


def cli(w, *args, ca=True):
    command = [os.path.join(BUILD, "dutylog"), *(["--ca", w.path("ca.pem")] if ca else []), *args]
    return subprocess.run(command, capture_output=True, text=True)


def serial_shown(node):
    with socket.create_connection(("127.0.0.1", node.port), timeout=5) as s:
        with node.tls.wrap_socket(s, server_hostname="127.0.0.1") as t:
            return x509.load_der_x509_certificate(t.getpeercert(True)).serial_number


def test_receipts_over_tls():
    w, _ = secure_world()
    w.start()
    w.open_log()
    status, receipt = w.agency.add(w.finding())
    assert status == 200, (status, receipt)
    assert w.verify(receipt).returncode == 0
    status, lines = w.agency.add_several([w.finding() for _ in range(1000)])
    assert status == 200 and lines.count(b'"status":200') == 1000, (status, lines[:300])
    for name in w.MIRRORS:  # and by pulling
        until(lambda: w.nodes[name].json("/logs")["logs"][0]["mirrored"] == 1004, 20, name)
    done = cli(w, "status", w.agency.url, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "agency", done
    done = cli(w, "audit", w.agency.url, "--vkey", w.log.vkey)
    assert done.returncode == 0, done
    assert cli(w, "--ca").returncode == 2 and cli(w, "--ca", "/nowhere", "status", "x", ca=False).returncode == 2
    assert w.close() == [0, 0, 0, 0]


def test_who_cannot_be_verified_is_not_spoken_to():
    w, authority = secure_world()
    other = Authority(w.path("other.pem"))
    other.issue(w.nodes["doj"])  # of an authority that nobody here trusts
    w.nodes["doj"].tls = ssl.create_default_context(cafile=other.path)
    authority.issue(w.nodes["university"], address="127.0.0.2")  # of another address
    w.nodes["university"].tls.check_hostname = False
    w.start()
    opened = w.agency
    try:
        w.open_log()
        raise RuntimeError("a quorum was met by mirrors that could not be verified")
    except AssertionError as e:
        assert "202" in str(e), e
    until(lambda: {m["name"].split(".")[0]: m["failures"] > 0 for m in opened.json("/status")["log"]["mirrors"]}
          == {"state": False, "doj": True, "university": True}, 20, "two mirrors fail")
    done = cli(w, "status", w.nodes["doj"].url)
    assert done.returncode == 3 and "certificate" in done.stderr.lower(), done
    done = cli(w, "status", w.nodes["university"].url)
    assert done.returncode == 3 and ("certificate" in done.stderr or "name" in done.stderr), done
    done = cli(w, "status", w.agency.url, ca=False)  # the system's authorities do not know ours
    assert done.returncode == 3, done
    authority.issue(w.nodes["doj"])  # renewed properly: healed by itself
    w.nodes["doj"].tls = w.agency.tls
    w.nodes["doj"].process.send_signal(signal.SIGHUP)
    until(lambda: w.agency.get(f"/receipt/{w.roots[0].name}/1")[0] == 200, 30, "a receipt")
    w.close()


def test_certificates_are_renewed_while_it_runs():
    w, authority = secure_world()
    node = w.nodes["state"].start()
    first = serial_shown(node)
    kept = socket.create_connection(("127.0.0.1", node.port), timeout=5)
    held = node.tls.wrap_socket(kept, server_hostname="127.0.0.1")
    second = authority.issue(node)
    assert first != second
    node.process.send_signal(signal.SIGHUP)
    until(lambda: serial_shown(node) == second, 5, "the new one, at SIGHUP")
    held.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")  # the old connection goes on
    assert held.recv(100).startswith(b"HTTP/1.1 200")
    held.close()
    third = authority.issue(node)
    until(lambda: serial_shown(node) == third, 20, "the new one, by itself")
    put(node.path("node.pem"), b"half a certificate")
    until(lambda: node.json("/status")["tls"]["stale"], 20, "said to be stale")
    assert "node.pem" in node.json("/status")["tls"]["why"]
    assert serial_shown(node) == third and "event=not_reloaded" in node.log()
    fourth = authority.issue(node)
    until(lambda: serial_shown(node) == fourth, 20, "healed")
    assert not node.json("/status")["tls"]["stale"]
    w.agency.start()  # and a node in clear does not end at SIGHUP
    plain = World()
    plain.start("state")
    plain.nodes["state"].process.send_signal(signal.SIGHUP)
    until(lambda: "nothing_to_reload" in plain.nodes["state"].log(), 5, "said so")
    assert plain.nodes["state"].get("/healthz")[0] == 200
    plain.close()
    w.close()


def refuses(node, *words):
    node.write_config()
    done = subprocess.run([os.path.join(BUILD, "dutylogd"), "-c", node.path("node.ini")], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 2, done
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def test_refuses_to_start():
    w, authority = secure_world()
    node = w.nodes["state"]
    good = list(node.options)
    authority.issue(node, lasts=-DAY)
    refuses(node, "node.pem", "run out")
    authority.issue(node)
    os.rename(node.path("node.key"), node.path("first.key"))
    authority.issue(node)
    os.rename(node.path("first.key"), node.path("node.key"))
    refuses(node, "node.key", "belong together")
    authority.issue(node)
    os.chmod(node.path("node.key"), 0o640)
    refuses(node, "node.key", "600")
    os.chmod(node.path("node.key"), 0o600)
    node.options = good[:1]
    refuses(node, "tls_key")
    node.options = [*good[:2], "ca = nowhere.pem"]
    refuses(node, "nowhere.pem")
    node.options, node.listen = [], "0.0.0.0"
    refuses(node, "loopback", "tls_certificate", "behind_proxy")
    node.options = good
    node.start().stop()
    w.close()


def test_clear_text_and_old_versions_get_nothing():
    w, _ = secure_world()
    node = w.nodes["state"].start()
    with socket.create_connection(("127.0.0.1", node.port), timeout=5) as s:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = s.recv(1000)
        except OSError:
            answer = b""
        assert b"HTTP" not in answer, answer
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(w.path("ca.pem"))
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", node.port), timeout=5) as s:
        try:
            old.wrap_socket(s, server_hostname="127.0.0.1")
            raise AssertionError("TLS 1.1 was spoken")
        except (ssl.SSLError, OSError):
            pass
    idle = [socket.create_connection(("127.0.0.1", node.port)) for _ in range(100)]  # no handshake ever
    begun = time.monotonic()
    assert node.get("/healthz")[0] == 200 and time.monotonic() - begun < 2
    for s in idle:
        s.close()
    w.close()


main([test_receipts_over_tls, test_who_cannot_be_verified_is_not_spoken_to, test_certificates_are_renewed_while_it_runs,
      test_refuses_to_start, test_clear_text_and_old_versions_get_nothing])
