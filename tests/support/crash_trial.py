"""Crash trials: one sick service, one playbook of three acting steps, and a `tend` that dies in the middle of it.

    with Ward() as ward, Trial(ward, "cured") as trial:
        trial.live(faults={"TEND_DIE_AT": "after:17"})   # armed, made sick, followed until it ends or dies
        trial.live()                                     # started again
        trial.check_acts(), trial.check_end()

The service is a page of an HTTP server in here that says 1 while it is sick. The steps are programs that write one line
each, on disk before they go on: that line is the effect. A program first looks at a copy of the journal's files, that
is at what would survive a power failure just then, so each line says which intents were on disk when the act happened.
"""
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from shop import TEND, lua, wait_for

STEPS = ("first", "second", "third")
REPEATABLE = {"second"}
UNDO = "back"  # what undoes the first step, where env.undo says so

RULES = """
local tend = require "tend"
local env = tend.env
tend.service "patient" {
  targets = { env.target }, every = "250ms", timeout = "250ms", window = "1s",
  metrics = {
    sickness = { tend.gauge "sickness", bad = "above", expect = 0, out_at = 0.5, floor = 1, unit = "ratio" },
  },
  control = require "tend.control.command" {
    restart = { env.act, env.directory, "third", "{instance}" }, timeout = env.timeout,
  },
  remedies = { "three steps" },
  limits = { at_once = 1, share = 1, min_healthy = 0, cooldown = "1s", per_hour = 100, attempts = 1 },
}
tend.rule "sick" { on = "patient", per = "instance", when = "sickness", severity = "page", act = true }
tend.playbook "three steps" {
  within = env.within,
  run = function(p)
    p:exec {
      argv = { env.act, env.directory, "first" }, timeout = env.timeout,
      undo = env.undo and function() p:exec { argv = { env.act, env.directory, "back" } } end,
    }
    p:note "the first step is over"
    p:exec { argv = { env.act, env.directory, "second" }, idempotent = true }
    for instance in p:worst_first() do
      p:restart(instance)
      p:verify(instance)
    end
  end,
}
tend.notify "somebody" { on = "*", severity = "page", to = require "tend.notify.log" {} }
"""

# -I -S: it starts in 20 ms. What is copied while a write is under way ends before that write: frames have checksums.
ACT = """#!/usr/bin/python3 -IS
import fcntl, json, os, shutil, sqlite3, sys, time
directory, step = sys.argv[1:3]
parent = os.getppid()
copy = os.path.join(directory, "seen-%d" % os.getpid())
os.mkdir(copy)
for name in ("journal.db", "journal.db-wal"):
    try:
        shutil.copyfile(os.path.join(directory, "state", name), os.path.join(copy, name))
    except FileNotFoundError:
        pass
journal = sqlite3.connect(os.path.join(copy, "journal.db"))
intents = []
for number, body in journal.execute("SELECT number, body FROM record WHERE kind = 'step'"):
    body = json.loads(body)
    if body["kind"] == "exec" and body["state"] == "begun" and body["args"]["argv"][2] == step:
        intents.append(number)
journal.close()
shutil.rmtree(copy)
line = json.dumps({"step": step, "parent": parent, "wall_ms": int(time.time() * 1000), "intents": intents})
with open(os.path.join(directory, "effects.log"), "a") as log:
    log.write(line + "\\n")
    log.flush()
    os.fsync(log.fileno())
if step == "third" and not os.path.exists(os.path.join(directory, "incurable")):
    open(os.path.join(directory, "cured"), "w").close()
slow = os.path.join(directory, "slow-" + step)
time.sleep(float(open(slow).read()) if os.path.exists(slow) else 0)
"""


class Ward:
    """The HTTP server whose pages are the sick services, and the directory below which all trials live."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tend-sweep-"))
        self.act = self.directory / "act"
        self.act.write_text(ACT)
        self.act.chmod(0o755)
        self.scrapes = {}
        directory, counts = self.directory, self.scrapes

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                trial = directory / self.path.strip("/")
                counts[trial.name] = counts.get(trial.name, 0) + 1
                sick = (trial / "sick").exists() and not (trial / "cured").exists()
                page = f"# TYPE sickness gauge\nsickness {int(sick)}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 64
            daemon_threads = True

            def handle_error(self, *_arguments):
                pass  # a tend that was killed left its connection

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.server.server_close()
        if "TEND_KEEP" in os.environ:
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


class Journal:
    """What is in the files of a journal that nobody writes any more: `records`, in order, with their bodies."""

    COLUMNS = "number, at_ms, wall_ms, kind, key, incident, open, body, hash"

    def __init__(self, state):
        with tempfile.TemporaryDirectory(prefix="tend-journal-") as copy:
            for name in ("journal.db", "journal.db-journal", "journal.db-wal"):
                if (pathlib.Path(state) / name).exists():
                    shutil.copyfile(pathlib.Path(state) / name, pathlib.Path(copy) / name)
            connection = sqlite3.connect(pathlib.Path(copy) / "journal.db")
            connection.row_factory = sqlite3.Row
            try:
                rows = connection.execute(f"SELECT {self.COLUMNS} FROM record ORDER BY number").fetchall()
            except sqlite3.OperationalError:
                rows = []  # it died before there was a journal
            connection.close()
        self.records = [dict(row) for row in rows]
        for record in self.records:
            record["text"] = record["body"]
            record["body"] = json.loads(record["text"]) if record["text"] else {}

    def of(self, kind):
        return [record for record in self.records if record["kind"] == kind]

    def newest(self, kind):
        """The newest body of each key of a kind."""
        return {record["key"]: record["body"] for record in self.of(kind)}

    def runs(self):
        return [run for run in self.newest("run").values() if not run["dry"]]

    def acts(self):
        """The acting steps as they were recorded: (name of the step, body), in order."""
        return [(record["body"]["args"]["argv"][2], record["body"]) for record in self.of("step")
                if record["body"]["kind"] == "exec"]

    def intents(self, step):
        return [body for name, body in self.acts() if name == step and body["state"] == "begun"]

    def outcome(self, step):
        """The newest body of a step, or None."""
        return next((body for name, body in reversed(self.acts()) if name == step), None)

    def fault(self):
        """What is wrong with the chain of hashes, or None."""
        previous = ""
        for place, record in enumerate(self.records):
            if record["number"] != place + 1:
                return f"record {record['number']} stands at place {place + 1}"
            found = bytearray()

            def put_text(text):
                found.append(text is not None)
                if text is not None:
                    raw = text.encode()
                    found.extend(len(raw).to_bytes(4, "little") + raw)

            put_text(previous)
            for name in ("number", "at_ms", "wall_ms"):
                found.extend(record[name].to_bytes(8, "little"))
            for name in ("kind", "key", "incident"):
                put_text(record[name])
            found.append(record["open"])
            put_text(record["text"])
            previous = hashlib.sha256(found).hexdigest()
            if previous != record["hash"]:
                return f"record {record['number']} has another hash"
        return None


class Life:
    """One life of `tend run`: its process, what it logged, whether and how it ended."""

    def __init__(self, trial, number, faults):
        self.log = trial.directory / f"tend-{number}.log"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TEND_")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [TEND, "run", trial.rules, "--env", "trial", "--state", trial.state], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**environment, **faults})

    def text(self):
        return self.log.read_text(errors="replace")

    def is_over(self):
        return self.process.poll() is not None

    def says_it_is_over(self):
        """Whether it logged that the run ended and that people heard of it: held writes are in no file."""
        _, run, after = self.text().partition("run ended ")
        return bool(run) and ("notice resolved i" in after or "notice escalated i" in after)

    def evaluators(self):
        """Pids of its evaluator processes, oldest first."""
        found = []
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            try:
                pids = task.read_text().split()
            except OSError:
                continue
            for pid in pids:
                try:
                    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[1:2] == [b"evaluator"]:
                    found.append(int(pid))
        return sorted(found)

    def end(self):
        """Ends it if it lives. Returns its exit status; -9 after a kill."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("tend did not end within 20 s of SIGTERM") from None
        return self.process.returncode


class Trial:
    """A directory with rules, a state, the patient's files and the log of effects; and the lives of tend on it."""

    def __init__(self, ward, name, within="3s", incurable=False, undo=False, slow=None, timeout="10s"):
        """@param slow  {step: seconds} that a program takes after its effect"""
        self.ward, self.directory = ward, ward.directory / name
        self.rules, self.state = self.directory / "rules", self.directory / "state"
        (self.rules / "env").mkdir(parents=True)
        self.state.mkdir(mode=0o700)
        (self.rules / "trial.lua").write_text(RULES)
        env = {"target": ward.url + name, "act": ward.act, "directory": self.directory, "within": within,
               "undo": undo, "timeout": timeout}
        (self.rules / "env/trial.lua").write_text(f"return {lua(env)}\n")
        for path in (self.rules / "trial.lua", self.rules / "env/trial.lua"):
            path.chmod(0o644)
        if incurable:
            (self.directory / "incurable").touch()
        for step, seconds in (slow or {}).items():
            (self.directory / f"slow-{step}").write_text(str(seconds))
        self.lives = []
        self.deaths = []  # the journal as each death left it
        self.paused = set()  # pids of lives that were paused from their start

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        for life in self.lives:
            if not life.is_over():
                life.process.kill()
                life.process.wait()

    def effects(self):
        path = self.directory / "effects.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def scrapes(self):
        """How often the patient was looked at."""
        return self.ward.scrapes.get(self.directory.name, 0)

    def command(self, *arguments):
        return subprocess.run([TEND, *arguments, "--state", self.state], capture_output=True, text=True, check=False,
                              timeout=30)

    def start(self, faults=None, paused=False):
        if paused:
            (self.state / "pause").touch()
        life = Life(self, len(self.lives) + 1, faults or {})
        self.lives.append(life)
        if paused:
            self.paused.add(life.process.pid)
        return life

    def arm(self, life):
        """Arms the playbook once the life answers, and makes the patient sick. False: it died first."""
        wait_for("the rules are loaded", lambda: life.is_over() or "rules loaded" in life.text(), 30, 0.05)
        while not life.is_over():
            if self.command("arm", "--all").returncode == 0:
                break
            time.sleep(0.05)
        (self.directory / "sick").touch()
        return not life.is_over()

    def look(self):
        """The newest bodies that say how far things are, from the living journal; [] when it cannot be read."""
        try:
            connection = sqlite3.connect(f"file:{self.state}/journal.db?mode=ro", uri=True, timeout=0.2)
            try:
                rows = connection.execute(
                    "SELECT s.kind, s.key, s.open, r.body FROM state s JOIN record r USING(number) "
                    "WHERE s.kind IN ('run', 'incident', 'notice')").fetchall()
            finally:
                connection.close()
        except sqlite3.Error:
            return []
        return [(kind, key, is_open, json.loads(body)) for kind, key, is_open, body in rows]

    def is_settled(self):
        """Whether the run ended and the incident did too, or a person was told."""
        rows = self.look()
        runs = [body for kind, _, _, body in rows if kind == "run"]
        incidents = [body for kind, _, _, body in rows if kind == "incident"]
        notices = [(key, is_open) for kind, key, is_open, _ in rows if kind == "notice"]
        told = any("/escalated/" in key for key, _ in notices)
        return (bool(runs) and all(run["state"] == "ended" for run in runs) and
                not any(is_open for _, is_open in notices) and
                (all(incident["state"] == "ended" for incident in incidents) or told))

    def follow(self, life, seconds, linger_s=0.3, settled=None, meanwhile=None):
        """Until the life dies, or all is settled and stayed so for linger_s; calls meanwhile(life) again and again."""
        settled = settled or (lambda: life.says_it_is_over() or self.is_settled())
        end = time.monotonic() + seconds
        since = look_at = time.monotonic()
        while time.monotonic() < end and not life.is_over():
            if meanwhile:
                meanwhile(life)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + 0.1
                since = since if "rules loaded" in life.text() and settled() else look_at
                if look_at - since > linger_s:
                    return
            time.sleep(0.1 if meanwhile is None else 0.01)
        if not life.is_over():
            tail = "\n".join(life.text().splitlines()[-8:])
            raise AssertionError(f"after {seconds} s the run had not ended:\n{tail}")

    def live(self, faults=None, paused=False, seconds=40, linger_s=0.3, settled=None, meanwhile=None):
        """One life from its start to its death, or to the end of all it had to do. Returns the life."""
        is_armed = self.is_armed()
        life = self.start(faults, paused)
        if not is_armed:
            self.arm(life)
        if not life.is_over():
            self.follow(life, seconds, linger_s, settled, meanwhile)
        status = life.end()
        self.note_death(status)
        return life

    def note_death(self, status):
        journal = Journal(self.state)
        if status == -signal.SIGKILL:
            self.deaths.append(journal)
        elif status != 0:
            raise AssertionError(f"tend ended with {status}:\n{self.lives[-1].text()[-3000:]}")

    def is_armed(self):
        return any(record["key"].startswith("arm/") for record in Journal(self.state).of("operator"))

    # What must hold after any life ------------------------------------------------------------------------------------

    def check_acts(self):
        """No act without its intent on disk, none that may not be repeated twice, none of a paused life."""
        effects = self.effects()
        done = [effect["step"] for effect in effects]
        for place, effect in enumerate(effects):
            before = done[:place].count(effect["step"])
            intents = len(effect["intents"])
            assert intents > before, f"{effect['step']} was done with {intents} intents on disk"
            assert effect["parent"] not in self.paused, f"{effect['step']} was done by a paused tend"
        walls = {record["number"]: record["wall_ms"] for record in Journal(self.state).of("step")}
        for effect in effects:
            for number in effect["intents"]:
                assert walls[number] <= effect["wall_ms"], f"intent {number} is younger than {effect}"
        for step in (*STEPS, UNDO):
            most = 1 + (len(self.deaths) if step in REPEATABLE else 0)
            assert done.count(step) <= most, \
                f"{step} was done {done.count(step)} times, with {len(self.deaths)} deaths: {done}"
        firsts = [done.index(step) for step in STEPS if step in done]
        assert firsts == sorted(firsts), f"out of order: {done}"
        for journal in [*self.deaths, Journal(self.state)]:
            fault = journal.fault()
            assert fault is None, fault

    def check_survivors(self, journal, effects):
        """Each effect so far has its intent in what a death left."""
        for step in (*STEPS, UNDO):
            done = sum(effect["step"] == step for effect in effects)
            assert len(journal.intents(step)) >= done, f"{step} was done {done} times; the journal that is left has " \
                f"{len(journal.intents(step))} intents"

    def expected(self, normal):
        """How the run must end, by what the last death left: `normal`, or "escalated" after an act nobody can judge."""
        journal = self.deaths[-1] if self.deaths else None
        if journal is None or not journal.runs():
            return normal
        if journal.runs()[-1]["state"] == "ended":
            return journal.runs()[-1]["outcome"]
        acts = journal.acts()
        if not acts:
            return normal
        last, body = acts[-1]
        if body["state"] == "ended":
            return normal if body["outcome"] == "done" else "escalated"
        again = last in REPEATABLE and body["attempt"] < 2  # one repetition, not one a crash
        return normal if again or (self.directory / "cured").exists() else "escalated"

    def check_end(self, normal="recovered"):
        """None forgotten: one run, ended as it must; cured counts as done; else a person was told, once."""
        journal = Journal(self.state)
        runs = journal.runs()
        assert len(runs) == 1, f"{len(runs)} runs: {[(run['id'], run['outcome']) for run in runs]}"
        outcome = self.expected(normal)
        run = runs[0]
        assert (run["state"], run["outcome"]) == ("ended", outcome), \
            f"the run is {run['state']} with {run['outcome']!r} ({run['error']}), expected {outcome}"
        incident = list(journal.newest("incident").values())[-1]
        notices = journal.newest("notice")
        told = [key for key, notice in notices.items() if "/escalated/" in key and notice["status"] == "sent"]
        done = [effect["step"] for effect in self.effects()]
        if outcome == "recovered":
            assert (incident["state"], incident["outcome"]) == ("ended", "recovered"), incident
            assert set(done) == set(STEPS), done
            for step in STEPS:
                assert journal.outcome(step)["outcome"] == "done", journal.outcome(step)
        else:
            assert incident["escalated"] and incident["culprits"][0]["given_up"], incident
            assert incident["state"] == "open", incident
            assert len(told) == 1, f"{len(told)} calls for a person: {sorted(notices)}"
            assert any(record["body"]["what"] == "escalate" for record in journal.of("decision"))
        return outcome
