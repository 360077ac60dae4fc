#!/usr/bin/python3
"""What `make install` puts down is whole and is true of the daemon: unit, samples, manual pages."""
import os
import re
import shutil
import signal
import subprocess
import tempfile

from secure import Authority
from world import BUILD, ROOT, SANITIZED, Key, Node, World, main, until

ROLES = ("agency", "state", "doj", "independent")


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def installed():
    """The files of `make install`, under a new folder, as if it were the root folder."""
    folder = tempfile.mkdtemp(prefix="dutylog-install-")
    done = run("make", "-C", ROOT, "install", f"B={BUILD}", f"DESTDIR={folder}", "PREFIX=/usr")
    assert done.returncode == 0, done
    return folder


def test_all_is_there():
    folder = installed()
    files = set()
    for path, _, names in os.walk(os.path.join(folder, "usr")):
        files |= {os.path.relpath(os.path.join(path, name), folder) for name in names}
    samples = {f"usr/share/doc/dutylog/examples/node-{role}.ini" for role in ROLES}
    for name in {"usr/bin/dutylog", "usr/bin/dutylogd", "usr/lib/systemd/system/dutylogd.service",
                 "usr/lib/systemd/system/dutylog-watch@.service", "usr/lib/systemd/system/dutylog-watch@.timer",
                 "usr/share/doc/dutylog/examples/watch-city.ini", "usr/share/doc/dutylog/mappings/nypd-discipline.ini",
                 "usr/lib/sysusers.d/dutylog.conf", "usr/lib/tmpfiles.d/dutylog.conf", "usr/share/man/man1/dutylog.1",
                 "usr/share/man/man5/dutylog-node.ini.5", "usr/share/man/man8/dutylogd.8",
                 "usr/share/doc/dutylog/operations.md", "usr/share/dutylog/alerts.yaml"} | samples:
        assert name in files, name
        mode = os.stat(os.path.join(folder, name)).st_mode & 0o777
        assert mode == (0o755 if "/bin/" in name else 0o644), (name, oct(mode))
    done = run(os.path.join(folder, "usr/bin/dutylogd"), "--help")
    assert done.returncode == 0 and "usage: dutylogd" in done.stdout
    # the rules for user and folders are taken by those who read them
    if shutil.which("systemd-sysusers") and os.geteuid() == 0:
        os.mkdir(os.path.join(folder, "etc"))
        done = run("systemd-sysusers", f"--root={folder}", "dutylog.conf")
        assert done.returncode == 0, done
        with open(os.path.join(folder, "etc/passwd")) as f:
            assert re.search(r"^dutylog:", f.read(), re.M)
        done = run("systemd-tmpfiles", f"--root={folder}", "--create", "dutylog.conf")
        assert done.returncode == 0, done
        for name in ("var/lib/dutylog", "var/lib/dutylog-head", "etc/dutylog/tls", "etc/credstore", "var/lib/dutylog-watch"):
            assert os.stat(os.path.join(folder, name)).st_mode & 0o777 == 0o700, name
    else:
        print("skipped: systemd-sysusers, systemd-tmpfiles")
    shutil.rmtree(folder)


def test_manual_pages():
    folder = installed()
    pages = {name: os.path.join(folder, "usr/share/man", name) for name in (
        "man1/dutylog.1", "man5/dutylog-node.ini.5", "man8/dutylogd.8")}
    for path in pages.values():
        if shutil.which("mandoc"):
            done = run("mandoc", "-Tlint", "-W", "warning", path)
            assert done.returncode == 0, done.stdout
        elif shutil.which("man"):
            done = run("man", "--warnings", "-l", path, env=os.environ | {"LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
            assert done.returncode == 0 and not done.stderr, done.stderr
        else:
            print(f"skipped: no mandoc or man to read {path}")
    with open(pages["man1/dutylog.1"]) as f:
        page = f.read()
    commands = re.findall(r"^  ([a-z]+) +\S", run(os.path.join(BUILD, "dutylog"), "--help").stdout, re.M)
    assert len(commands) > 8
    for command in commands:
        assert f".Ss dutylog {command}\n" in page and f"usage: dutylog {command}" in page, command
    with open(os.path.join(ROOT, "net", "config.c")) as f:
        options = re.findall(r'\{SECTION_[A-Z]+, "([a-z_]+)",', f.read())
    with open(pages["man5/dutylog-node.ini.5"]) as f:
        page = f.read()
    assert len(options) > 20
    for option in options:
        assert re.search(rf"^ *{option} = ", page, re.M), option
    shutil.rmtree(folder)


def test_the_units_are_hardened():
    if not shutil.which("systemd-analyze"):
        return print("skipped: systemd-analyze")
    folder = tempfile.mkdtemp()
    for name in ("dutylogd.service", "dutylog-watch@.service", "dutylog-watch@.timer"):
        with open(os.path.join(ROOT, "tools", "install", name)) as f, open(os.path.join(folder, name), "w") as unit:
            unit.write(f.read().replace("@BINDIR@", os.path.abspath(BUILD)))
    for name in ("dutylogd.service", "dutylog-watch@city.timer"):
        done = run("systemd-analyze", "verify", "--man=no", os.path.join(folder, name))
        assert done.returncode == 0 and not done.stderr, done.stderr
    for name in ("dutylogd.service", "dutylog-watch@.service"):
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=20", os.path.join(folder, name),
                   env=os.environ | {"LC_ALL": "C.UTF-8"})
        found = re.search(rf"Overall exposure level for {name}: ([0-9.]+)".replace("@.", "@.*\\."), done.stdout)
        assert found and float(found.group(1)) < 2.0 and done.returncode == 0, done.stdout
    shutil.rmtree(folder)


def allowed_calls(unit="dutylogd.service"):
    """The system calls that the unit lets its program make."""
    groups, current = {}, None
    for line in run("systemd-analyze", "syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            current = groups.setdefault(line.strip(), [])
        elif current is not None and line.strip() and not line.strip().startswith("#"):
            current.append(line.strip())

    def expand(names):
        calls, left = set(), list(names)
        while left:
            name = left.pop()
            if name.startswith("@"):
                left += groups[name]
            else:
                calls.add(name)
        return calls

    calls = set()
    with open(os.path.join(ROOT, "tools", "install", unit)) as f:
        for names in re.findall(r"^SystemCallFilter=(.*)$", f.read(), re.M):
            if names.startswith("~"):
                calls -= expand(names[1:].split())
            else:
                calls |= expand(names.split())
    assert len(calls) > 100 and "mount" not in calls
    return calls


def watch_under_strace(w):
    """A list is fetched, signed, logged and compared with the calls that dutylog-watch@.service allows."""
    key = Key("observer.example/desk-1")
    assert w.agency.add(w.event(w.roots[0], "key.enrolled", {
        "basis": "live", "kinds": ["list.observed"], "oris": [], "role": "observer", "vkey": key.vkey}))[0] == 200
    key.save(w.path("observer.key"))
    for name, text in (("watch.ini", f"[list x]\naddress = x.csv\nmapping = x-mapping.ini\nkeep = kept\nkey = observer.key\noutbox = outbox\n"
                                     f"node = {w.agency.url}\n"), ("x-mapping.ini", "[list]\nkey = a\n"), ("x.csv", "a\n1\n")):
        with open(w.path(name), "w") as f:
            f.write(text)
    done = run("strace", "-f", "-qq", "-o", w.path("calls"), os.path.join(BUILD, "dutylog"), "watch", w.path("watch.ini"), "--once")
    assert done.returncode == 0 and os.listdir(w.path("outbox")), done
    with open(w.path("calls")) as f:
        made = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)[( ]", f.read(), re.M))
    assert {"flock", "connect"} <= made and made - allowed_calls("dutylog-watch@.service") == set(), made


def test_the_unit_lets_a_node_do_its_work():
    if SANITIZED or not shutil.which("systemd-analyze") or not shutil.which("strace"):
        return print("skipped: systemd-analyze, strace")
    w = World()
    made = {}
    for name, node in w.nodes.items():
        if name in ("agency", "state"):
            node.start(prefix=("strace", "-f", "-qq", "-o", node.path("calls")))
        else:
            node.start()
    w.open_log()
    assert w.agency.add(w.finding())[0] == 200
    watch_under_strace(w)
    state = w.nodes["state"]
    until(lambda: state.json("/logs")["logs"][0]["judged"] == 6, 10, "judged")
    for node in (w.agency, state):
        with open(f"/proc/{node.process.pid}/task/{node.process.pid}/children") as f:
            child = int(f.read().split()[0])
        os.kill(child, signal.SIGHUP)
        os.kill(child, signal.SIGTERM)
        assert node.process.wait(30) == 0
        node.process = None
        with open(node.path("calls")) as f:
            made[node.name] = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)[( ]", f.read(), re.M))
        assert {"fdatasync", "sendto" if "sendto" in made[node.name] else "writev", "epoll_ctl"} <= made[node.name]
        assert made[node.name] - allowed_calls() == set(), made[node.name] - allowed_calls()
    w.close()


def test_samples_start():
    """Each sample, moved to a folder of its own and to loopback, starts as it is."""
    folder = tempfile.mkdtemp(prefix="dutylog-samples-")
    authority = Authority(os.path.join(folder, "ca.pem"))
    for role in ROLES:
        node = Node(folder, role)
        with open(os.path.join(ROOT, "tools", "install", f"node-{role}.ini")) as f:
            text = f.read()
        assert re.findall(r"^listen = (.*)$", text, re.M) == ["0.0.0.0:8443"]
        authority.issue(node)
        for old, new in (("/run/credentials/dutylogd.service", "credentials"), ("/etc/dutylog/tls/fullchain.pem", "node.pem"),
                         ("/etc/dutylog/tls/key.pem", "node.key"), ("/var/lib/dutylog/", ""),
                         ("/var/lib/dutylog-head/", ""), ("0.0.0.0:8443", f"127.0.0.1:{node.port}")):
            assert old in text or old.startswith("/run"), (role, old)
            text = text.replace(old, new)
        os.mkdir(node.path("credentials"))
        origin = re.search(r"^origin = (.*)$", text, re.M)
        head = "--head", node.path("head")
        if origin:
            keygen(node.path("credentials/log.key"), origin.group(1), *head)
        if "[mirror]" in text:
            keygen(node.path("credentials/mirror.key"), f"{role}.example/mirror", "--cosigner", *(() if origin else head))
            keygen(node.path("credentials/witness.key"), f"{role}.example/witness", "--cosigner")
        with open(node.path("node.ini"), "w") as f:
            f.write(text)
        daemon = os.path.join(BUILD, "dutylogd")
        done = run(daemon, "-c", node.path("node.ini"), "--check")
        assert done.returncode == 0 and done.stdout.endswith(": good\n"), done
        with open(node.path("log.txt"), "w") as log:
            process = subprocess.Popen([daemon, "-c", node.path("node.ini")], stderr=log)
        until(lambda: '"event":"listening"' in node.log() or process.poll() is not None, 20, f"{role} listens")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, node.log()
        events = re.findall(r'"level":"(?:error|warn)","part":"([a-z]+)","event":"([a-z-]+)"', node.log())
        assert ("guard", "no-head-file") not in events and ("guard", "lost") not in events, events
    shutil.rmtree(folder)


def test_the_watch_sample_runs():
    """The sample, with its lists in files: it observes both, in the one folder."""
    folder = tempfile.mkdtemp(prefix="dutylog-samples-")
    with open(os.path.join(ROOT, "tools", "install", "watch-city.ini")) as f:
        text = f.read()
    for old, new in (("/var/lib/dutylog-watch/city", folder), ("https://city.example", folder), ("/etc/dutylog/watch", folder)):
        assert old in text
        text = text.replace(old, new)
    text = re.sub(r"^(key|outbox|node) = .*\n", "", text, flags=re.M)
    for name, content in (("city.ini", text), ("roster.csv", "officer\no-1\n"), ("roster-mapping.ini", "[list]\nkey = officer\n"),
                          ("discipline.csv", "officer,date,case_no,description,disposition,penalty\no-1,,c,d,,\n")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(content)
    shutil.copy(os.path.join(ROOT, "specs/mappings/nypd-discipline.ini"), os.path.join(folder, "discipline-mapping.ini"))
    done = run(os.path.join(BUILD, "dutylog"), "watch", os.path.join(folder, "city.ini"), "--once")
    assert done.returncode == 0 and done.stdout.count("it is the first time") == 2, done
    shutil.rmtree(folder)


def keygen(path, name, *options):
    done = run(os.path.join(BUILD, "dutylog"), "keygen", "--name", name, "--out", path, *options)
    assert done.returncode == 0, done


quick = [test_samples_start, test_the_watch_sample_runs]
main(quick if SANITIZED else quick + [
    test_all_is_there, test_manual_pages, test_the_units_are_hardened, test_the_unit_lets_a_node_do_its_work])
