"""Rules that look ahead: what `tend check` says, days of virtual time under `tend test`, and a process that really leaks.

Half a percent an hour is a day and a half from 70 % to 88 %; the real process takes a second for each hour.
"""
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import TEND, Tend, free_ports, wait_for  # noqa: E402

LEAKY = pathlib.Path(__file__).resolve().parents[1] / "support" / "leaky.py"

SHARE = """local tend = require "tend"
tend.service "stock" {
  targets = { "http://a:1/metrics", "http://b:1/metrics" }, every = "30s", window = "2m",
  metrics = { memory = { tend.share(tend.gauge "memory_used_bytes", tend.gauge "memory_max_bytes"), expect = 0.7,
    out_at = 0.9 } },
  control = require "tend.control.command" { restart = { "/bin/true", "{instance}" } },
  remedies = { "restart the worst" },
}
tend.rule "memory will be full" {
  on = "stock", per = "instance", when = "memory", ahead = "8h", fire_after = "1m", clear_below = 0.8,
  severity = "page", act = true, summary = "{instance}: memory {memory}, full in {memory.eta}",
}
tend.playbook "restart the worst" { within = "5m", run = function(p)
  for i in p:worst_first() do p:restart(i) p:verify(i) end end }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


class Rules(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-forecast-")))

    def put(self, name, text):
        (self.path / name).write_text(text)

    def tend(self, command):
        return subprocess.run([TEND, command, self.path], capture_output=True, text=True, timeout=120, check=False)

    def test_check_says_in_words_what_is_foretold(self):
        self.put("rules.lua", SHARE)
        done = self.tend("check")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn('stock.memory  foretold 8h ahead, by a trend of 4h or more: rule "memory will be full"\n',
                      done.stdout)
        self.assertNotIn("no forecasts", done.stdout + done.stderr)

    def test_ahead_of_a_metric_without_a_limit_is_an_error_with_a_remedy(self):
        self.put("rules.lua", SHARE.replace("expect = 0.7,\n    out_at = 0.9", ""))
        done = self.tend("check")
        self.assertEqual(1, done.returncode)
        line = 1 + SHARE.replace("expect = 0.7,\n    out_at = 0.9", "").split('ahead = "8h"')[0].count("\n")
        self.assertIn(f"rules.lua:{line}: ahead: memory has no limit that it could reach: "
                      "give the metric expect and out_at", done.stdout + done.stderr)

    def play(self, *scenarios):
        self.put("rules.lua", SHARE)
        self.put("rules_test.lua", 'local test = require "tend.test"\n' + "".join(scenarios))
        done = self.tend("test")
        self.assertEqual(done.stdout.splitlines()[-1], f"{len(scenarios)} passed, 0 failed, 0 skipped",
                         done.stdout + done.stderr)

    def test_a_slow_leak_is_warned_about_hours_before_the_limit_and_stopped(self):
        # From 0.70 at 24 h on 0.0035 an hour: 0.9 at 81 h.
        self.play("""test.scenario "a slow leak" {
  world = { stock = 2 }, load = { swing = 0.3 }, from = "2026-03-02 00:00 Europe/Berlin",
  faults = { { at = "24h", on = "stock/1", kind = "leak", per_minute = 0.005 / 60 },
    { at = "90h", on = "stock/2", kind = "crash", lasts = "1s" } }, -- so that it is played for so long
  check = function(run)
    local alert = run.alerts["memory will be full"]
    assert(alert and alert.instance == "stock/1", "no warning")
    local ahead_h = 81 - (alert.fired_s or alert.at_s) / 3600
    assert(ahead_h >= 6 and ahead_h <= 9, ("warned %.1f h ahead"):format(ahead_h))
    assert(alert.summary:find "full in 7h%d*m? %(" or alert.summary:find "full in 8h%d*m? %(", alert.summary)
    assert(run:did "restart stock/1" and run.ended == "recovered", run.ended)
  end,
}
""")

    def test_without_a_leak_it_is_quiet_for_days(self):
        self.play("""test.scenario "no leak" {
  world = { stock = { 2, usual = { memory = 0.85 } } }, load = { swing = 0.5 },
  from = "2026-03-02 00:00 Europe/Berlin", faults = { { at = "5d", on = "stock/2", kind = "slow", lasts = "1m" } },
  check = function(run) assert(#run.alerts == 0 and #run.steps == 0) end,
}
""")


REAL = """local tend = require "tend"
tend.service "stock" {
  targets = { "http://127.0.0.1:@LEAKS/metrics", "http://127.0.0.1:@HOLDS/metrics" }, every = "100ms", window = "500ms",
  metrics = { memory = { tend.gauge "process_resident_memory_bytes", bad = "above", expect = @USUAL, out_at = @LIMIT } },
  control = require "tend.control.command" { restart = { "/bin/kill", "-USR1", "@PID" }, idempotent = true },
  remedies = { "restart the worst" },
  limits = { min_healthy = 0, share = 1, cooldown = "1s" },
}
tend.rule "memory will be full" {
  on = "stock", per = "instance", when = "memory", ahead = "5s", fire_after = "200ms", clear_below = 0.8,
  severity = "page", act = true, summary = "{instance}: memory {memory}, full in {memory.eta}",
}
tend.playbook "restart the worst" { within = "10s", run = function(p)
  for i in p:worst_first() do p:restart(i) p:verify(i) end end }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


class RealProcess(unittest.TestCase):
    MIB = 1 << 20

    def start(self, port, share):
        process = subprocess.Popen([sys.executable, LEAKY, str(port), str(150 * self.MIB), str(share)],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.send_signal, signal.SIGKILL)

        def resident():
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return float(answer.read().decode().split("process_resident_memory_bytes ")[2].split()[0])
            except OSError:
                return None

        return process, wait_for("it serves", resident, 10)

    def test_a_slow_leak_is_warned_about_an_hour_before_the_limit_and_stopped(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-leak-")))
        leaks = free_ports(2)
        holds = leaks + 1
        process, usual = self.start(leaks, 0.005)
        self.start(holds, 0)
        limit = usual * 1.1  # twenty hours, in twenty seconds
        rules = directory / "rules"
        rules.mkdir()
        text = REAL
        for key, value in (("LEAKS", leaks), ("HOLDS", holds), ("USUAL", int(usual)), ("LIMIT", int(limit)),
                           ("PID", process.pid)):
            text = text.replace(f"@{key}", str(value))
        (rules / "rules.lua").write_text(text)
        tend = self.enterContext(Tend(rules, directory / "state", env=None))
        tend.cli("arm", "--all")
        incident = tend.wait_ended(60)

        story = tend.json("explain", incident["id"])
        alerts = [alert for alert in story["alerts"] if alert["rule"] == "memory will be full"]
        self.assertEqual([f"stock/127.0.0.1:{leaks}"], [alert["instance"] for alert in alerts])
        self.assertLess(alerts[0]["measured"], limit)
        self.assertTrue(alerts[0]["foretold"])
        self.assertGreaterEqual(alerts[0]["eta_s"], 1, "an hour before")
        self.assertLessEqual(alerts[0]["eta_s"], 5)
        self.assertRegex(alerts[0]["summary"], r"full in \d.*s \(.* to .*\)$")
        self.assertIn("full in", tend.cli("explain", incident["id"]))
        self.assertLess(tend.instances()[alerts[0]["instance"]]["metrics"]["memory"]["P"], limit)


if __name__ == "__main__":
    unittest.main()
