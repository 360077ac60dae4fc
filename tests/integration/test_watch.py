#!/usr/bin/python3
"""dutylog watch against a real node and a real server: what vanished is told, proved, and logged once, whatever ends when."""
import datetime
import fcntl
import glob
import http.server
import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

from test_lists import CHECK, HEADER, MAPPING, check_absence, dutylog, observer, run
from world import BUILD, SANITIZED, World, main

ROWS = [f'off-{n},1/1/2020,c-{n},"{what}",GUILTY,TRAINING\r\n' for n, what in enumerate(
    ("01.Failed to intervene.", "Failed to intervene (stop)", "Discourtesy", "Left post", "Late", "Rude"))]
FULL, LESS = HEADER + "".join(ROWS), HEADER + "".join(ROWS[2:5])
ROSTER = "officer\noff-1\noff-2\noff-3\noff-4\noff-5\n"


class Site(http.server.BaseHTTPRequestHandler):
    pages = {}

    def do_GET(self):
        status, body = self.pages.get(self.path, (404, "gone"))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
        self.end_headers()
        if status != 302:
            self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class City:
    """A world with a log, an observer's key, a site with lists, and what watches them."""

    def __init__(self, node=True):
        self.w = World()
        if node:
            observer(self.w)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Site.pages = {"/city.csv": (200, FULL), "/officers.csv": (200, ROSTER)}
        pathlib.Path(self.w.path("officers.ini")).write_text("[list]\nkey = officer\n")
        signing = f"key = observer.key\noutbox = outbox\nnode = {self.w.agency.url}\n" if node else ""
        self.configure(f"[watch]\nkeep = kept\n{signing}[list officers]\naddress = {self.url}/officers.csv\nmapping = officers.ini\n"
                       f"[list city]\naddress = {self.url}/city.csv\nmapping = {MAPPING}\nroster = officers\nfind = failure_to_intervene\n")
        self.node = node

    def configure(self, text):
        self.text = text
        pathlib.Path(self.w.path("watch.ini")).write_text(text)

    def yesterday(self, days=1, body=None, name="city"):
        day = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)).strftime("%Y-%m-%dT06:00:00Z")
        page, options = self.w.path("earlier.csv"), ()
        pathlib.Path(page).write_text(body or FULL, newline="")
        if self.node:
            options = ("--key", self.w.path("observer.key"), "--outbox", self.w.path("outbox"), "--node", self.w.agency.url)
        dutylog("observe", page, "--as", name, "--mapping", MAPPING, "--keep", self.w.path("kept"), "--observed", day, *options)

    def watch(self, ok=0):
        said = run(os.path.join(BUILD, "dutylog"), "watch", self.w.path("watch.ini"), "--once", "--json", ok=ok)
        return {line["list"]: line for line in map(json.loads, said.splitlines())}

    def kept(self, pattern):
        return sorted(glob.glob(self.w.path("kept/" + pattern)))

    def logged(self):
        """The list.observed events of the log, by list."""
        seen = {}
        for path in glob.glob(self.w.path("outbox/*.receipt")):
            event = json.loads(open(path.replace(".receipt", ".event"), "rb").read().split(b"\n")[1])
            seen.setdefault(event["open"]["list"], []).append(event["open"]["observed"])
        return seen

    def close(self):
        self.server.shutdown()
        self.w.close()


def check_proofs(city, officers):
    proofs = city.kept("*.absence")
    said = " ".join(check_absence(city.w, path) for path in proofs)
    assert len(proofs) == len(officers) and all(name in said for name in officers), (proofs, said)


def test_a_day():
    city = City()
    city.yesterday()
    Site.pages["/city.csv"] = (200, LESS)
    seen = city.watch(ok=1)["city"]
    (found,) = [c for c in seen["compared"] if c["alerts"]]
    assert seen["observed"] and not seen["again"] and not seen["failures"] and found["finished"]
    # off-0 has left; off-1 serves; off-5 serves, and no find names what he did.
    assert found["absent"] == {"all": 3, "left": 1, "serving": 2, "unknown": 0}, found
    assert [(a["key"][0], a["officer"], a.get("find")) for a in found["alerts"]] == [
        ("OFF-0", "left", "failure_to_intervene"), ("OFF-1", "serving", "failure_to_intervene"), ("OFF-5", "serving", None)]
    check_proofs(city, ["OFF-0", "OFF-1"])
    # The same day again: the same is told, and nothing is done twice.
    files, events = city.kept("*"), city.logged()
    assert [len(events[name]) for name in ("city", "officers")] == [2, 1]
    again = city.watch(ok=1)["city"]
    assert again["again"] and not again["observed"] and again["compared"] == [found]
    assert (city.kept("*"), city.logged()) == (files, events)
    words = run(os.path.join(BUILD, "dutylog"), "watch", city.w.path("watch.ini"), "--once", ok=1)
    assert "failure_to_intervene:\nabsent  serving OFF-1 | FAILED TO INTERVENE (STOP)" in words and words.count("\nproof ") == 2, words
    # Another file on the same day is another observation; one that is whole again is nothing to look at.
    time.sleep(1)
    Site.pages["/city.csv"] = (200, FULL)
    assert city.watch()["city"]["compared"][-1]["new"] == 3 and len(city.logged()["city"]) == 3
    assert "finished" in open(city.kept("city-*.reconciled")[-1]).read()
    city.close()


def test_the_same_file_on_another_day():
    city = City()
    city.yesterday()
    seen = city.watch()["city"]
    assert seen["identical"] and seen["observed"] and not seen["again"] and seen["compared"][-1]["same"] == 6
    assert len(city.logged()["city"]) == 2
    assert "the same file" in run(os.path.join(BUILD, "dutylog"), "watch", city.w.path("watch.ini"), "--once")
    city.close()


def test_what_is_not_there_is_tried_again():
    city = City()
    city.yesterday()
    for page, why in (((500, "no"), "the answer is 500"), ((302, "https://elsewhere.example/x"), "leads to https://elsewhere.example/x"),
                      ((200, "<html>down for maintenance</html>"), "no column 'officer'"), ((200, ""), "no header"),
                      ((200, HEADER + '"x'), "a quote that is opened")):
        Site.pages["/city.csv"] = page
        seen = city.watch(ok=3)
        assert why in seen["city"]["failures"][0] and not seen["city"]["observed"], seen
        assert seen["officers"]["failures"] == []
        if page[0] == 200:
            time.sleep(1)  # what is set aside has the second for its name
    assert len(city.kept("city-*.refused")) == 3 and not [p for p in city.kept("city-*.source") if not os.path.exists(p[:-6] + "rows")]
    lines = open(city.w.path("kept/city.failures")).read().splitlines()
    assert len(lines) == 5 and all(line[:4].isdigit() and line[19] == "Z" for line in lines), lines
    # The roster is away: nobody knows who serves, which is told; it comes the same day, and all is well.
    Site.pages |= {"/city.csv": (200, LESS)}
    city.configure(city.text.replace("roster = officers", f"roster = {city.url}/away.csv"))
    seen = city.watch(ok=1)["city"]
    assert seen["compared"][-1]["absent"]["unknown"] == 3 and "404" in seen["failures"][0] and not seen["compared"][-1]["finished"]
    city.configure(city.text.replace("away.csv", "officers.csv"))
    seen = city.watch(ok=1)["city"]
    assert seen["compared"][-1]["absent"]["serving"] == 2 and not seen["failures"] and seen["compared"][-1]["finished"]
    city.close()


def test_without_a_node_and_after():
    """Two lists, the node away: observed and told; when it is back, all is signed in order, logged and proved."""
    city = City()
    city.yesterday()
    Site.pages["/city.csv"] = (200, LESS)
    city.w.agency.stop()
    seen = city.watch(ok=1)["city"]
    assert seen["observed"] and seen["failures"] and not seen["compared"][-1]["finished"] and not city.kept("*.absence")
    city.w.agency.start()
    seen = city.watch(ok=1)["city"]
    assert seen["again"] and not seen["failures"] and seen["compared"][-1]["finished"]
    assert [len(city.logged()[name]) for name in ("city", "officers")] == [2, 1]
    check_proofs(city, ["OFF-0", "OFF-1"])
    # Another run is at it.
    with open(city.w.path("kept/city.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another run" in city.watch(ok=3)["city"]["failures"][0]
    city.close()


def test_killed_anywhere():
    """Killed again and again, at any point: in the end there is one observation, one event, its receipt, and the proofs."""
    city, dice = City(), random.Random(3)
    city.yesterday()
    Site.pages["/city.csv"] = (200, LESS)
    command = [os.path.join(BUILD, "dutylog"), "watch", city.w.path("watch.ini"), "--once", "--json"]
    for _ in range(12 if SANITIZED else 25):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(dice.random() * 0.12)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    seen = city.watch(ok=1)
    assert seen["city"]["compared"][-1]["finished"] and not seen["city"]["failures"]
    assert len(city.kept("city-*.rows")) == 2 and len(city.kept("officers-*.rows")) == 1, city.kept("*")
    assert [len(city.logged()[name]) for name in ("city", "officers")] == [2, 1], city.logged()
    assert len(glob.glob(city.w.path("outbox/*.event"))) == 3
    check_proofs(city, ["OFF-0", "OFF-1"])
    city.close()


def test_each_step_is_taken_up():
    """The files as a run leaves them that ends after each step: the next makes the same of them."""
    city = City()
    city.yesterday()
    Site.pages["/city.csv"] = (200, LESS)
    city.watch(ok=1)
    whole, events = city.kept("*"), city.logged()
    for endings in (("reconciled",), ("absence", "reconciled"), ("place",), ("place", "reconciled", "absence"), ("roster", "reconciled"),
                    ("rows", "place", "reconciled"), ("rows", "json", "place", "roster", "absence", "reconciled")):
        for ending in endings:
            for path in city.kept("*." + ending):
                if path.split("/")[-1].startswith(("city-20", "officers-20")) and "T060000Z" not in path:
                    os.unlink(path)
        seen = city.watch(ok=1)["city"]
        assert not seen["failures"] and seen["again"], (endings, seen)
        assert (city.kept("*"), city.logged()) == (whole, events), endings
    # A receipt that was lost is fetched again; an event that was never sent is sent.
    for path in glob.glob(city.w.path("outbox/*.receipt")):
        os.unlink(path)
    city.watch(ok=1)
    assert city.logged() == events
    city.close()


def test_without_a_key_and_bad_configurations():
    city = City(node=False)
    city.yesterday()
    Site.pages["/city.csv"] = (200, LESS)
    seen = city.watch(ok=1)["city"]
    assert seen["compared"][-1]["finished"] and seen["compared"][-1]["proofs"] == [] and not seen["failures"]
    # A mapping that makes other keys: told once, and then let be.
    other = city.w.path("other.ini")
    pathlib.Path(other).write_text(open(MAPPING).read().replace("description = ##. .", "description = ##."))
    city.configure(city.text.replace(MAPPING, other))
    for path in city.kept("city-*.reconciled"):
        os.unlink(path)
    assert "different rules" in city.watch(ok=3)["city"]["failures"][0]
    # Who does not ask for it is not woken by it.
    city.configure(city.text.replace(other, MAPPING).replace("find = failure_to_intervene", "alert = lower"))
    city.watch()
    good = city.text
    for text, why in ((good + "[list x]\naddress = y\n", "it lacks address, mapping or keep"), (good + "[list X]\naddress = y\n", "the name of a-z"),
                      (good.replace("keep", "kep"), "kep: there are address"), ("", "no [list NAME]"),
                      (good.replace("alert = lower", "alert = louder"), "alert takes"),
                      (good.replace("alert = lower", "find = nothing"), "has no nothing"),
                      (good.replace("[watch]", "[watch]\nkey = k"), "to sign, it needs"),
                      (good.replace(MAPPING, "none.ini"), "none.ini: no such file"),
                      (good.replace("[watch]", "[watch]\nfind = x"), "belongs into"),
                      (good.replace("[watch]", "[watch]\nnode = " + "x" * 200), "at most 197")):
        city.configure(text)
        said = run(os.path.join(BUILD, "dutylog"), "watch", city.w.path("watch.ini"), "--once", ok=2, quiet=True)
        assert why in said, (why, said)
    city.close()


if __name__ == "__main__":
    main([test_a_day, test_the_same_file_on_another_day, test_what_is_not_there_is_tried_again, test_without_a_node_and_after,
          test_killed_anywhere, test_each_step_is_taken_up, test_without_a_key_and_bad_configurations])
