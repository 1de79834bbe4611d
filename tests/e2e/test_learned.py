"""What a daemon learned survives a restart, and, as far as it was written, a kill; all that it decided by it replays. A
file that is damaged is told, and all is learned anew."""
import http.server
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import TEND, Tend, wait_for  # noqa: E402

RULES = """
local tend = require "tend"
tend.service "web" {{
  targets = {{ "127.0.0.1:{port}" }}, every = "1s",
  metrics = {{
    load = {{ tend.gauge "load", bad = "both", expect = tend.learned {{}}, alpha = 0.2 }},
    traffic = {{ tend.gauge "traffic", unit = "/s" }},
    work = {{ tend.gauge "load", bad = "above", expect = tend.learned {{ given = "traffic" }}, alpha = 0.2 }},
  }},
}}
tend.rule "high" {{ on = "web", when = "load", severity = "warn" }}
tend.rule "too much for its traffic" {{ on = "web", when = "work", severity = "warn" }}
"""

WEEKLY = """
local tend = require "tend"
tend.service "web" {
  targets = { "http://127.0.0.1:9101/metrics" }, zone = "Europe/Berlin", every = "1m", window = "5m",
  metrics = {
    traffic = { tend.rate "http_requests_total", bad = "both", expect = tend.learned { season = "1w" }, alpha = 0.3 },
  },
}
tend.rule "odd traffic" { on = "web", when = "traffic", fire_after = "3m" }
"""

WEEKLY_TEST = """
local test = require "tend.test"
test.scenario "three weeks of days and weekends raise nothing, and a surge does" {
  from = "2026-03-02 00:00 Europe/Berlin", lasts = "21d", world = { web = 2 },
  load = { swing = 0.6, weekend = 0.5 },
  faults = { { at = "490h", on = "web", kind = "surge", times = 3, lasts = "1h" } },
  check = function(run)
    assert(#run.alerts == 1, #run.alerts)
    assert(run.alerts[1].rule == "odd traffic")
  end,
}
"""

BY_LOAD = """
local tend = require "tend"
tend.service "web" {
  targets = { "http://127.0.0.1:9101/metrics" }, every = "1m", window = "5m",
  metrics = {
    traffic = { tend.rate "http_requests_total" },
    response_time = { tend.mean "http_request_duration_seconds", expect = tend.learned { given = "traffic" },
      alpha = 0.3 },
  },
}
tend.rule "slow for its load" { on = "web", when = "response_time", fire_after = "3m" }
"""

# The queue of the world: 100 ms at 45 % of what it can do, so 67 ms at the bottom of the day and 196 ms at its top.
BY_LOAD_TEST = """
local test = require "tend.test"
local function days(faults, check)
  return {
    from = "2026-03-02 00:00", lasts = "10d",
    world = { web = { 2, use = 0.45, usual = { response_time = "100ms" } } }, load = { swing = 0.6, peak = "15:00" },
    faults = faults, check = check,
  }
end
test.scenario "what rises with the load each day raises nothing" (days({}, function(run)
  assert(#run.alerts == 0, #run.alerts)
end))
test.scenario "what is slow at night is told, though less than at noon" (days(
  { { at = "219h", on = "web", kind = "slow", times = 1.8, lasts = "1h" } }, function(run)
    assert(#run.alerts == 1, #run.alerts)
    assert(run.alerts[1].rule == "slow for its load")
  end))
"""


class Gauge(http.server.BaseHTTPRequestHandler):
    load = 5

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(f"load {self.load}\ntraffic 120\n".encode())

    def log_message(self, *_):
        pass


class Learned(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gauge)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        rules = self.directory / "rules"
        rules.mkdir()
        (rules / "a.lua").write_text(RULES.format(port=server.server_port))
        self.file = self.directory / "state" / "baselines"
        self.tend = self.enterContext(Tend(rules, self.directory / "state", env=None))

    def learned(self):
        services = self.tend.json("status")["services"]
        metrics = [m for s in services if s["name"] == "web" for m in s["metrics"] if m["name"] == "load"]
        return metrics[0]["learned"] if metrics and metrics[0]["learned"]["samples"] > 0 else None

    def stop(self, by=signal.SIGTERM):
        self.tend.process.send_signal(by)
        self.tend.process.wait()

    def learn_the_past(self):
        """200 minutes at 5, while no daemon runs."""
        csv = self.directory / "past.csv"
        csv.write_text("time,web:load\n" + "".join(f"{1767225600 + 60 * i},5\n" for i in range(200)))
        learn = [TEND, "learn", self.tend.rules, "--csv", csv, "--state", self.file.parent]
        return subprocess.run(learn, capture_output=True, text=True, check=False)

    def decisions_recorded(self):
        """How many decisions of the daemon that runs are on the disk already."""
        replay = [TEND, "replay", "--all", "--state", self.file.parent, "--json"]
        done = subprocess.run(replay, capture_output=True, text=True, check=False, timeout=120)
        return json.loads(done.stdout)["decisions"] if done.returncode == 0 else 0

    def replay(self):
        replay = [TEND, "replay", "--all", "--state", self.file.parent, "--json"]
        done = subprocess.run(replay, capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(0, done.returncode, done.stdout[-3000:] + done.stderr[-3000:])
        report = json.loads(done.stdout)
        self.assertIsNone(report["difference"])
        self.assertTrue(report["exact"])
        return report

    def test_a_restart_keeps_what_was_learned(self):
        before = wait_for("the first sample", self.learned, 20)
        self.assertTrue(before["warming_up"])
        self.stop()
        self.assertEqual(b"tendbase", self.file.read_bytes()[:8])
        self.assertEqual([], list(self.file.parent.glob("baselines.*")))
        self.tend.start()
        after = wait_for("what was learned", self.learned, 20)
        self.assertGreaterEqual(after["samples"], before["samples"])
        self.assertGreaterEqual(after["age_s"], before["age_s"])
        self.assertRegex(self.tend.cli("status"), r"learned from the past\n +web +load .*warming up")

    def test_a_file_that_is_damaged_is_told_and_not_used_and_put_aside(self):
        wait_for("the first sample", self.learned, 20)
        self.stop()
        whole = bytearray(self.file.read_bytes())
        whole[len(whole) // 2] ^= 1
        self.file.write_bytes(whole)
        self.tend.start()
        wait_for("it learns anew", self.learned, 20)
        self.assertRegex(self.tend.log.read_text(), r'its checksum is another one" kept_as=baselines\.unread')
        self.stop()
        self.assertEqual(whole, self.file.with_suffix(".unread").read_bytes())
        self.assertEqual(b"tendbase", self.file.read_bytes()[:8])

    def test_the_past_can_teach_before_the_daemon_starts(self):
        refused = self.learn_the_past()
        self.assertEqual(1, refused.returncode)
        self.assertIn("uses the state directory", refused.stderr)
        self.stop()
        answer = self.learn_the_past()
        self.assertRegex(answer.stdout, "^1 metric of services learned, ")
        self.tend.start()
        learned = wait_for("what was learned", self.learned, 20)
        self.assertGreaterEqual(learned["samples"], 190)
        wait_for("it is judged", lambda: not self.learned()["warming_up"], 20)
        self.assertRegex(self.tend.cli("status"), r"web +load +expected 5 ")
        self.addCleanup(setattr, Gauge, "load", 5)
        Gauge.load = 50
        incident = wait_for("an incident", self.tend.incidents, 20)[0]["id"]
        self.assertRegex(self.tend.cli("explain", incident), r"high: what is expected of load was learned for .*, confidence 0")

    def test_by_a_load_it_is_learned_before_the_daemon_starts_and_shown_with_it(self):
        self.stop()
        csv = self.directory / "past.csv"
        csv.write_text("time,web:work,web:traffic\n" + "".join(f"{1767225600 + 60 * i},5,{100 + i % 50}\n" for i in range(1500)))
        learn = [TEND, "learn", self.tend.rules, "--csv", csv, "--state", self.file.parent]
        answer = subprocess.run(learn, capture_output=True, text=True, check=True).stdout
        self.assertRegex(answer, "^1 metric of services learned, ")
        self.tend.start()
        shown = r"web +work +expected 5 for traffic of 120 /s "
        wait_for("what is expected", lambda: re.search(shown, self.tend.cli("status")), 20)
        self.addCleanup(setattr, Gauge, "load", 5)
        Gauge.load = 50
        incident = wait_for("an incident", self.tend.incidents, 20)[0]["id"]
        self.assertRegex(self.tend.cli("explain", incident),
                         "too much for its traffic: what is expected of work for traffic of 120 /s was learned for .*, confidence 0")

    def test_what_was_decided_by_it_replays_over_a_kill_and_a_restart(self):
        self.stop()
        self.learn_the_past()
        self.tend.start()
        wait_for("it is judged", lambda: self.learned() and not self.learned()["warming_up"], 20)
        self.addCleanup(setattr, Gauge, "load", 5)
        Gauge.load = 50
        incident = wait_for("an incident", self.tend.incidents, 20)[0]["id"]
        recorded = wait_for("it is recorded", self.decisions_recorded, 40)
        self.stop(signal.SIGKILL)
        with self.subTest("what a killed daemon recorded replays"):
            killed = self.replay()
            self.assertGreaterEqual(killed["decisions"], recorded)
            self.assertEqual(1, killed["restarts"])  # the first daemon was stopped to learn the past
        self.tend.start()
        after = wait_for("what was learned", self.learned, 20)
        self.assertGreaterEqual(after["samples"], 190)
        self.assertEqual("an alert is firing", after["frozen"])
        Gauge.load = 5
        wait_for("it ends, once no 50 is in the window of 30 s any more",
                 lambda: all(i["state"] == "ended" for i in self.tend.incidents() if i["id"] == incident), 60)
        self.stop()
        with self.subTest("the next daemon's, which began with what was learned, does too"):
            both = self.replay()
            self.assertEqual(2, both["restarts"])
            self.assertGreater(both["decisions"], killed["decisions"])

    def test_a_person_lets_a_service_learn_its_level_anew(self):
        wait_for("the first sample", self.learned, 20)
        self.assertRegex(self.tend.cli("relearn", "web"), "^web learns its level anew, by uid ")
        self.assertTrue(self.learned()["relearning"])


class Past(unittest.TestCase):
    """Half a day at 5, then 50 for good, and an hour at 500 half a day before the end: three days and a half."""

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.rules = self.directory / "rules"
        self.rules.mkdir()
        (self.rules / "a.lua").write_text(RULES.format(port=1).replace('every = "1s"', 'every = "1m"'))
        self.csv = self.directory / "past.csv"
        levels = [5] * 720 + [50] * 3600 + [500] * 60 + [50] * 660
        self.csv.write_text("time,web:load\n" + "".join(f"{1767225600 + 60 * i},{v}\n" for i, v in enumerate(levels)))

    def tend(self, command, *options):
        done = subprocess.run([TEND, command, self.rules, "--csv", self.csv, *options], capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_what_fires_for_a_day_is_a_new_usual_and_a_later_fault_is_found(self):
        report = json.loads(self.tend("simulate", "--json"))
        minutes = [(round((a["fired_ms"] / 1000 - 1767225600) / 60), round((a["resolved_ms"] - a["fired_ms"]) / 60000))
                   for a in report["alerts"]]
        self.assertEqual(2, len(minutes))
        self.assertEqual(720, minutes[0][0])
        self.assertTrue(1440 <= minutes[0][1] <= 1470, minutes)
        self.assertEqual((4320, 60), minutes[1])
        first = report["incidents"][0]
        self.assertIn("new usual", [decision["what"] for decision in first["decisions"]])
        self.assertIn("what it is now counts as usual", self.tend("simulate"))

    def test_how_long_it_warmed_up_is_told_and_what_was_learned_before_can_be_given(self):
        warmed = r"learned: load of web trusted from 2026-01-01 02:\d\d:00Z on; it warmed up for 2 h \d+ m, and was not judged"
        self.assertRegex(self.tend("simulate"), warmed)
        self.assertRegex(self.tend("tune"), warmed)
        self.tend("learn", "--state", self.directory / "state", "--to", "2026-01-01T12:00:00Z")
        later = ("--from", "2026-01-01T12:00:00Z", "--to", "2026-01-01T13:00:00Z")
        self.assertIn("learned: load of web never trusted: it warmed up for all of 1 h", self.tend("simulate", *later))
        given = (*later, "--baselines", self.directory / "state" / "baselines")
        for command in ("simulate", "tune"):
            self.assertNotIn("warmed up", self.tend(command, *given))
        self.assertEqual(1, len(json.loads(self.tend("simulate", *given, "--json"))["alerts"]))

    def test_a_file_that_holds_no_baselines_is_refused(self):
        for file, why in ((self.csv, "it is no file of baselines"), (self.directory / "none", "No such file or directory"),
                          (self.directory, "it is no regular file")):
            done = subprocess.run([TEND, "simulate", self.rules, "--csv", self.csv, "--baselines", file], capture_output=True,
                                  text=True, check=False)
            self.assertEqual((1, f"tend simulate: {file}: {why}\n"), (done.returncode, done.stderr))


class Scenario(unittest.TestCase):
    def test_a_scenario_of_three_weeks_learns_them_and_finds_the_fault(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "web.lua").write_text(WEEKLY)
            pathlib.Path(directory, "web_test.lua").write_text(WEEKLY_TEST)
            played = subprocess.run([TEND, "test", directory], capture_output=True, text=True)
            self.assertEqual(0, played.returncode, played.stdout + played.stderr)

    def test_what_is_usual_for_the_load_is_learned_and_a_slow_night_is_found(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "web.lua").write_text(BY_LOAD)
            pathlib.Path(directory, "web_test.lua").write_text(BY_LOAD_TEST)
            checked = subprocess.run([TEND, "check", directory], capture_output=True, text=True)
            self.assertIn("web.response_time  expect what is usual for its traffic", checked.stdout)
            played = subprocess.run([TEND, "test", directory], capture_output=True, text=True)
            self.assertEqual(0, played.returncode, played.stdout + played.stderr)


if __name__ == "__main__":
    unittest.main()
