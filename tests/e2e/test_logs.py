"""Log files of services, tailed by the daemon: what is new in them since an incident began, and what may not be seen."""
import gzip
import http.server
import json
import os
import pathlib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import TEND, Tend, culprits, wait_for  # noqa: E402
import subprocess  # noqa: E402

RULES = """
local tend = require "tend"
tend.group "*" {{
  every = "1s", timeout = "900ms", window = "6s",
  logs = {logs},
  metrics = {{ error_rate = {{ tend.share('requests_total{{code="500"}}', "requests_total"), expect = 0, out_at = 0.2 }} }},
}}
tend.service "web" {{ targets = {{ "{web}" }}, depends = "db" }}
tend.service "db" {{ targets = {{ "{db}" }} }}
tend.rule "errors" {{ on = "*", when = "error_rate", fire_after = "500ms", severity = "warn" }}
{more}
"""


class Target:
    """A service that serves `requests_total` and writes a log. Healthy until `fails` is set."""

    def __init__(self, log):
        self.log, self.fails, self.good, self.bad = pathlib.Path(log), False, 0, 0
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                target.bad += 10 if target.fails else 0
                target.good += 10
                body = (f'requests_total{{code="200"}} {target.good}\nrequests_total{{code="500"}} {target.bad}\n').encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_arguments: None  # a scrape that was given up
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def write(self, data):
        with open(self.log, "ab") as log:
            log.write(data if isinstance(data, bytes) else data.encode())

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Logs(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-logs-")))
        self.targets = {}
        for name in ("web", "db"):
            self.targets[name] = Target(self.directory / f"{name}.log")
            self.targets[name].write("INFO begun\n")
            self.addCleanup(self.targets[name].close)

    def run_tend(self, logs=None, more=""):
        rules = self.directory / "rules"
        rules.mkdir(exist_ok=True)
        logs = logs or f'"{self.directory}/{{service}}.log"'
        (rules / "a.lua").write_text(RULES.format(logs=logs, more=more, web=self.targets["web"].url, db=self.targets["db"].url))
        tend = self.enterContext(Tend(rules, self.directory / "state", env=None))
        wait_for("both are up", lambda: tend.json("status")["targets"]["up"] == 2, 10)
        return tend

    def chat(self, seconds):
        """Both write what they always write; until the daemon has read for long enough to know what is usual."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for target in self.targets.values():
                target.write(f"2026-03-02 INFO served request {time.monotonic()} in 3 ms\n" * 5)
            time.sleep(0.2)

    def test_a_new_error_line_of_the_culprit_is_told_and_secrets_are_not(self):
        tend = self.run_tend(logs=f'{{ files = "{self.directory}/{{service}}.log", mask = "page on floor \\\\w+" }}')
        self.chat(35)
        db, web = self.targets["db"], self.targets["web"]
        for i in range(60):
            db.write(f"ERROR cannot write page {i}: no space left on device password=opensesame, page on floor basement\n")
            web.write(f"ERROR db said 500 after {i} ms, token: abcdefghij\n")
        db.fails = web.fails = True
        incident = tend.wait_incident("blamed on db", lambda i: culprits(i) == ["db"], 30)
        text = wait_for("the line in the story", lambda: (lambda t: t if "no space left" in t else None)(
            tend.cli("explain", incident["id"])), 20)
        self.assertRegex(text, r"new log line `ERROR cannot write page <\*>: no space left on device password=<\*>, <\*>` \(error\), 60 in")
        kept = b"".join(path.read_bytes() for path in (self.directory / "state").glob("*") if path.is_file())
        self.assertIn(b"no space left", kept)
        for secret in (b"opensesame", b"abcdefghij", b"basement"):
            self.assertNotIn(secret, kept + text.encode())
        tend.stop()
        # Other rules over what was recorded see it too, where they read logs.
        rules = (self.directory / "rules" / "a.lua").read_text()
        told = self.simulated(rules.replace("out_at = 0.2", "out_at = 0.1"))
        self.assertEqual(["db"], [c["service"] for c in told["incidents"][0]["culprits"]])
        self.assertIn("new log line `ERROR cannot write page <*>: no space left on device password=<*>, <*>` (error), 60 in",
                      str(told["incidents"]))
        told = self.simulated("\n".join(line for line in rules.split("\n") if not line.startswith("  logs =")))
        self.assertEqual(1, len(told["incidents"]))
        self.assertNotIn("log line", str(told))

    def simulated(self, rules):
        """The report of `tend simulate` with these rules over what was recorded."""
        other = self.directory / "other"
        other.mkdir(exist_ok=True)
        (other / "a.lua").write_text(rules)
        done = subprocess.run([TEND, "simulate", other, "--recording", self.directory / "state" / "recording", "--json"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_last_words_without_a_newline_are_told_also_of_files_that_were_rotated(self):
        workers = [self.directory / f"db-{i}.log" for i in range(20)]
        for worker in workers:
            worker.write_text("INFO begun\n")
        tend = self.run_tend(logs=f'"{self.directory}/{{service}}*.log"')
        self.chat(33)
        begun = len("INFO begun\n")  # which was there before it read
        chatted = sum(target.log.stat().st_size - begun for target in self.targets.values())
        wait_for("the chat was read", lambda: tend.metrics()["tend_log_bytes_total"] == chatted, 10)
        files, lines = (tend.metrics()[f"tend_log_{name}"] for name in ("files", "lines_total"))
        self.assertEqual(22, files)
        for worker in workers:
            worker.write_text("INFO begun\nFATAL cannot allocate 4096 pages, giving up")
        for worker in workers[:10]:
            worker.rename(worker.with_suffix(".old"))  # which no glob of the rules finds
        wait_for("they were read", lambda: tend.metrics()["tend_log_lines_total"] == lines + 20, 20)
        self.targets["db"].fails = self.targets["web"].fails = True
        incident = tend.wait_incident("blamed on db", lambda i: culprits(i) == ["db"], 30)
        text = wait_for("the line in the story", lambda: (lambda t: t if "cannot allocate" in t else None)(
            tend.cli("explain", incident["id"])), 20)
        self.assertIn("new log line `FATAL cannot allocate <*> pages, giving up` (error), 20 in", text)

    def test_hostile_lines_are_read_and_nothing_of_them_reaches_a_terminal(self):
        tend = self.run_tend()
        db = self.targets["db"]
        hostile = [b"ERROR \x1b[31mred\x1b]0;title\x07 \xff\xfe\x00 end\n", b"x" * (1 << 20) + b"\n", b"\xe2\x80\xae ERROR right to left\n", b"\n",
                   b'{"level":"error","msg":"\\u001b[2J\\u0000 gone"}\n', b'{"level":' + b"[" * 100000 + b"\n"]
        for line in hostile:
            db.write(line)
        wait_for("all was read", lambda: tend.metrics()["tend_log_bytes_total"] >= sum(map(len, hostile)), 10)
        self.assertEqual(2, tend.metrics()["tend_log_cut_lines_total"])
        db.fails = True
        incident = tend.wait_incident("blamed on db", lambda i: culprits(i) == ["db"], 30)
        shown = tend.cli("explain", incident["id"]) + tend.cli("status")
        for byte in "\x1b\x07\x00\u202e":
            self.assertNotIn(byte, shown)

    def test_what_cannot_be_read_is_told(self):
        os.mkfifo(self.directory / "web.fifo")
        (self.directory / "old.log.gz").write_bytes(gzip.compress(b"ERROR old\n"))
        tend = self.run_tend(logs=f'{{ "{self.directory}/{{service}}.fifo", "{self.directory}/old.log*" }}')
        problems = wait_for("problems", lambda: [w for w in map(str, tend.json("status")["warnings"]) if "its log is not read" in w], 10)
        self.assertTrue(any("web.fifo" in p and "no regular file" in p for p in problems), problems)
        self.assertTrue(any("db.fifo" in p and "no such file" in p for p in problems), problems)
        self.assertEqual(0, tend.metrics()["tend_log_files"])

    def test_a_replay_makes_the_same_of_recorded_lines(self):
        tend = self.run_tend()
        self.targets["db"].write("ERROR out of memory\n" * 20)
        wait_for("lines were read", lambda: tend.metrics()["tend_log_lines_total"] >= 20, 10)
        self.targets["db"].fails = True
        incident = tend.wait_incident("open", lambda i: True, 20)
        time.sleep(1)
        bundle = self.directory / "incident.tend"
        tend.cli("export", incident["id"], "-o", bundle)
        done = subprocess.run([TEND, "replay", bundle], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_logs_that_were_not_recorded_are_told_by_who_would_read_them(self):
        tend = self.run_tend(logs="nil")
        wait_for("some scrapes", lambda: tend.metrics()["tend_recording_samples_total"] >= 8, 10)
        tend.stop()
        told = self.simulated((self.directory / "rules" / "a.lua").read_text().replace("logs = nil", 'logs = "/var/log/{service}"'))
        self.assertIn("the source has no log of web, db", told["missing"])


class Scenario(unittest.TestCase):
    """A remedy that looks for a line of the log, played by `tend test`."""

    RULES = """
local tend = require "tend"
tend.group "*" { every = "5s", window = "20s", remedies = { "make room", "start anew" },
  control = require "tend.control.command" { restart = { "/bin/svc" }, redeploy = { "/bin/clean" } }, limits = { min_healthy = 0 },
  metrics = { error_rate = { tend.share('r_total{code="500"}', "r_total"), expect = 0, out_at = 0.1 } } }
tend.service "web" { targets = { "a:1" }, depends = "db" }
tend.service "db" { targets = { "a:2" } }
tend.rule "errors" { on = "*", when = "error_rate", fire_after = "5s", act = true }
tend.playbook "make room" {
  when = function(s)
    for _, line in ipairs(s.logs) do
      if line.new and line.level == "error" and line.template == "ERROR no space left, password=<*>" then return true end
    end
  end,
  run = function(p) p:redeploy { version = "the same" } end,
}
tend.playbook "start anew" { run = function(p) p:restart() end }
"""
    TESTS = """
local test = require "tend.test"
local function hurt(log) return { { at = "2m", on = "db", kind = "errors", log = log } } end
test.scenario "the line is there" {
  world = { web = 1, db = 1 }, faults = hurt "ERROR no space left, password=hunter",
  check = function(run) assert(run.culprit == "db" and run:did "redeploy db") end,
}
test.scenario "another line is there" {
  world = { web = 1, db = 1 }, faults = hurt "ERROR something else",
  check = function(run) assert(run.culprit == "db" and not run:did "redeploy db" and run:did "restart db") end,
}
"""

    def test_a_remedy_may_look_for_a_line_of_the_log(self):
        with tempfile.TemporaryDirectory(prefix="tend-logs-") as directory:
            (pathlib.Path(directory) / "a.lua").write_text(self.RULES)
            (pathlib.Path(directory) / "a_test.lua").write_text(self.TESTS)
            done = subprocess.run([TEND, "test", directory], capture_output=True, text=True, check=False)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertIn("2 passed, 0 failed", done.stdout)


class Check(unittest.TestCase):
    def check(self, logs):
        with tempfile.TemporaryDirectory(prefix="tend-logs-") as directory:
            (pathlib.Path(directory) / "a.lua").write_text(
                f'local tend = require "tend"\ntend.service "a" {{ targets = {{ "127.0.0.1:1" }},\n  logs = {logs} }}\n')
            return subprocess.run([TEND, "check", directory], capture_output=True, text=True, check=False)

    def test_what_is_wrong_with_logs_is_said_with_its_line(self):
        for logs, words in (('"var/log/a.log"', "does not begin with /"), ('"/var/log/{host}.log"', "{host} is not known here"),
                            ('"/var/log/**/a.log"', "** is not known"), ('"/var/log/a.log.gz"', "compressed"),
                            ('{ mask = "x" }', "names no files"), ('{ files = "/a", masks = "x" }', 'did you mean "mask"'),
                            ('{ files = "/a", mask = "(" }', "wrong at its character"), ('{ files = "/a", format = "xml" }', '"json" nor "plain"'),
                            ("7", "is no path")):
            with self.subTest(logs):
                done = self.check(logs)
                self.assertEqual(1, done.returncode, done.stdout)
                self.assertIn("a.lua:3: ", done.stdout + done.stderr)
                self.assertIn(words, done.stdout + done.stderr)

    def test_good_ones_are_fine(self):
        for logs in ('"/var/log/{service}*.log"', '{ "/a/*.log", "/b.log" }', '{ files = "/a", mask = { "pin=\\\\d+" }, format = "json" }'):
            with self.subTest(logs):
                self.assertEqual(0, self.check(logs).returncode, self.check(logs).stdout)


if __name__ == "__main__":
    unittest.main()
