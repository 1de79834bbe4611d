"""What the locator is told besides what is out of line, and how it is told to people: through `tend simulate`, in virtual time."""
import json
import pathlib
import subprocess
import tempfile
import unittest

from shop import TEND

RULES = """local tend = require "tend"
tend.group "*" { every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0 },
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 } } }
tend.service "front" { targets = { "http://a:1/metrics", "http://b:1/metrics" }, depends = "back" }
tend.service "back" { targets = { "http://c:1/metrics" },
  metrics = { response_time = false, cpu = { tend.gauge "process_cpu_percent", bad = "above" } } }
tend.rule "slow" { on = "front", per = "instance", when = "response_time", fire_after = "30s", severity = "page", act = true }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


class Evidence(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-evidence-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def culprit(self, scenario, rules=RULES):
        """Plays a scenario. Returns whom its one incident blames, how surely, and why."""
        (self.path / "rules.lua").write_text(rules)
        (self.path / "rules_test.lua").write_text(
            'local test = require "tend.test"\ntest.scenario "one" { ' + scenario + ", check = function() end }\n")
        done = subprocess.run([TEND, "simulate", self.path, "--scenario", "one", "--json"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (incident,) = json.loads(done.stdout)["incidents"]
        (culprit,) = incident["culprits"]
        return culprit["service"], culprit["confidence"], "\n".join(culprit["reasons"])

    def test_a_cause_that_moves_ahead_of_the_symptom_is_told_with_its_lag(self):
        service, confidence, reasons = self.culprit("""world = { front = 2, back = 1 }, lasts = "5m",
  series = { ["front/*.response_time"] = "0.1x40 0.2+0.05x20", ["back/*.cpu"] = "10x37 20+5x23" }""")
        self.assertEqual(service, "back")
        self.assertGreaterEqual(confidence, 0.8)
        self.assertIn("15 s before the first symptom, growing since; it moves with front's response_time, 15 s ahead", reasons)

    def test_the_kind_in_which_scrapes_fail_is_told_and_one_that_tells_nothing_is_no_fault(self):
        rules = RULES + 'tend.rule "down" { on = "*", when = "up", fire_after = "10s", severity = "page", act = true }\n'
        for fault, confidence, words in (("crash", 0.95, "REFUSED: nothing listens there: the process is gone"),
                                         ("hang", 0.95, "READ_TIMEOUT: it takes connections and does not answer in time: it hangs"),
                                         ("metrics gone", 0.7, "HTTP_STATUS: it answers, but not with metrics (HTTP status 404)")):
            with self.subTest(fault):
                told = self.culprit('world = { front = 2, back = 1 }, lasts = "5m",\n'
                                    f'  faults = {{ {{ at = "2m", on = "back", kind = "{fault}" }} }}', rules)
                self.assertEqual(told[:2], ("back", confidence))
                self.assertIn(f"up 0 of 1 ({words})", told[2])


if __name__ == "__main__":
    unittest.main()
