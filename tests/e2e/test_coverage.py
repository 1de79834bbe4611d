"""`tend test --coverage` tells what no test reached; `tend test --watch` plays again when a file changes."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.group "web" {
  every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0 },
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 } },
  control = command { restart = { "/bin/restart", "{service}" }, idempotent = true },
  remedies = { "roll back", "restart the worst" },
}
tend.service "front" { is = "web", targets = { "http://a:1/metrics" } }
tend.service "back" { is = "web", targets = { "http://c:1/metrics" } }
tend.rule "down" { on = "web", per = "instance", when = "up", fire_after = "5s", severity = "page", act = true }
tend.rule "slow" { on = "web", per = "instance", when = "response_time", fire_after = "5s", severity = "page", act = true }
tend.locate "never mind" { on = "back", score = function(s) if s.response_time.out then return 1, "slow" end end }
tend.playbook "restart the worst" {
  run = function(p)
    for i in p:worst_first() do
      p:restart(i)
      p:verify(i)
    end
  end,
}
tend.playbook "roll back" {
  when = function(s) return s:deployed_within "30m" end,
  run = function(p)
    p:note "backwards"
    p:wait "5s"
  end,
}
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""
CRASH = """local test = require "tend.test"
test.scenario "a crash" {
  world = { front = 2 }, faults = { { at = "1m", on = "front/1", kind = "crash" } },
  check = function(run) assert(run:did "restart front/1") end,
}
"""


class Coverage(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-coverage-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        (self.path / "web.lua").write_text(RULES)
        (self.path / "web_test.lua").write_text(CRASH)

    def tend_test(self, *options):
        return subprocess.run([TEND, "test", str(self.path), *options], capture_output=True, text=True, timeout=120,
                              check=False)

    def test_what_no_test_reached_is_told_with_its_line(self):
        done = self.tend_test("--coverage", "--once")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.splitlines(), [
            "ok       a crash",
            'uncovered  web.lua:12: rule "slow" was never out of line',
            'uncovered  web.lua:22: playbook "roll back" was never run',
            'uncovered  web.lua:25: p:note of "roll back" was never reached',
            'uncovered  web.lua:26: p:wait of "roll back" was never reached',
            'uncovered  "roll back" was never run on front',
            'uncovered  "roll back" was never run on back',
            'uncovered  "restart the worst" was never run on back',
            'uncovered  web.lua:13: locate "never mind" was never asked',
            "covered: 1 of 2 rules, 1 of 2 playbooks, 3 of 5 steps, 1 of 4 remedies, 0 of 1 locates",
            "1 passed, 0 failed, 0 skipped",
        ])

    def test_a_step_is_reached_only_when_the_script_came_to_it(self):
        (self.path / "web_test.lua").write_text(
            CRASH.replace("faults", 'acts = { restart = "fails" }, faults'))
        report = json.loads(self.tend_test("--coverage", "--once", "--json").stdout)
        self.assertEqual([(step["what"], step["at"], step["reached"]) for step in report["coverage"]["steps"]], [
            ("p:worst_first", "web.lua:16", True), ("p:restart", "web.lua:17", True),
            ("p:verify", "web.lua:18", False), ("p:note", "web.lua:25", False), ("p:wait", "web.lua:26", False)])

    def test_what_more_tests_reach_is_covered(self):
        (self.path / "back_test.lua").write_text("""local test = require "tend.test"
test.scenario "slow" {
  world = { back = 2 }, faults = { { at = "1m", on = "back/1", kind = "slow" } }, check = function() end,
}
""")
        report = json.loads(self.tend_test("--coverage", "--once", "--json").stdout)["coverage"]
        self.assertEqual([(rule["name"], rule["out"], rule["in_line"]) for rule in report["rules"]],
                         [("down", True, True), ("slow", True, True)])
        self.assertEqual([locate["asked"] for locate in report["locates"]], [True])
        self.assertEqual([(one["service"], one["playbook"]) for one in report["remedies"] if one["run"]],
                         [("front", "restart the worst"), ("back", "restart the worst")])

    def test_without_being_asked_for_it_is_not_told(self):
        self.assertNotIn("covered", self.tend_test("--once").stdout)
        self.assertNotIn("coverage", json.loads(self.tend_test("--once", "--json").stdout))

    def test_watching_plays_again_on_each_change_and_ends_on_ctrl_c(self):
        def heed_interrupts():  # whoever runs the tests in the background has them ignored, and that is inherited
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        process = subprocess.Popen([TEND, "test", str(self.path), "--watch", "--once"], stdout=subprocess.PIPE,
                                   text=True, bufsize=1, start_new_session=True, preexec_fn=heed_interrupts)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        lines = []

        def collect():
            for line in process.stdout:
                lines.append(line.rstrip("\n"))

        reader = threading.Thread(target=collect, daemon=True)
        reader.start()

        def await_line(text, times):
            deadline = time.monotonic() + 60
            while sum(text in line for line in lines) < times:
                self.assertLess(time.monotonic(), deadline, lines)
                time.sleep(0.02)

        await_line("waiting for a change", 1)
        self.assertIn("1 passed, 0 failed, 0 skipped", lines)
        new = self.path / "deeper"
        new.mkdir()
        await_line("waiting for a change", 2)
        (new / "more_test.lua").write_text(CRASH.replace("a crash", "one more"))
        await_line("2 passed, 0 failed, 0 skipped", 1)
        await_line("waiting for a change", 3)
        (self.path / "web_test.lua").write_text("syntax error")
        await_line("waiting for a change", 4)  # what is wrong is told on stderr, and it goes on
        os.killpg(process.pid, signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), -signal.SIGINT)
        reader.join(timeout=20)


if __name__ == "__main__":
    unittest.main()
