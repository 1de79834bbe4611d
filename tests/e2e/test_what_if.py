"""`tend simulate --what-if`: the same incident met otherwise, side by side, through the real binary."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
SHOP = ROOT / "examples" / "shop"
HUNG = "the demo: ledger hangs"
VICTIMS = ("checkout", "gateway", "payments")

# A bad deploy, which a restart does not cure and a roll back does; the rules try the restart first.
RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.group "web" {
  every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0, cooldown = "5s", per_hour = 100 },
  version = { series = "app_build_info", label = "version" },
  metrics = {
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.1 },
  },
  control = command { restart = { "/bin/false" }, redeploy = { "/bin/false" }, idempotent = true },
  remedies = { "restart the worst", "roll back" },
}
tend.service "front" { is = "web", targets = { "http://a:1/metrics", "http://b:1/metrics" } }
tend.rule "errors" { on = "web", when = "error_rate", fire_after = "5s", severity = "page", act = true }
tend.playbook "restart the worst" { within = "45s", run = function(p)
  for i in p:worst_first() do p:restart(i) p:verify(i) end end }
tend.playbook "roll back" { within = "1m", run = function(p) p:redeploy { version = "previous" } p:verify() end }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""

SCENARIO = """local test = require "tend.test"
test.scenario "a bad deploy" {
  world = { front = 2 },
  faults = { { at = "1m", on = "front", kind = "bad deploy", ratio = 0.5 } },
  check = function() end,
}
test.scenario "a quiet hour" { world = { front = 2 }, check = function() end }
"""


def simulate(directory, *arguments):
    done = subprocess.run([TEND, "simulate", directory, *arguments], capture_output=True, text=True, timeout=300,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def courses(directory, *arguments):
    rows = json.loads(simulate(directory, *arguments, "--what-if", "--json"))["what_if"]
    return {row["name"]: row for row in rows}


class AgainstTheShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.courses = courses(SHOP, "--env", "demo", "--scenario", HUNG)

    def test_every_course_is_told_side_by_side(self):
        self.assertEqual(list(self.courses)[:2], ["do nothing", "what the playbooks say"])
        self.assertEqual(sorted(list(self.courses)[2:]), [f"treat {victim} instead" for victim in VICTIMS])

    def test_doing_nothing_never_recovers(self):
        nothing = self.courses["do nothing"]
        self.assertIsNone(nothing["recovered_s"])
        self.assertEqual((nothing["acts"], nothing["outcome"]), (0, "escalated"))

    def test_the_playbook_recovers_with_one_act_and_few_errors(self):
        said, nothing = self.courses["what the playbooks say"], self.courses["do nothing"]
        self.assertLess(said["recovered_s"], 60)
        self.assertEqual((said["acts"], said["outcome"]), (1, "recovered"))
        # 40 requests a second, most of them spoiled: for some 5 s until it serves again, or the half an hour looked at.
        self.assertLess(said["errors"], 1000)
        self.assertGreater(nothing["errors"], 20 * 1800)

    def test_to_restart_a_victim_does_not_help(self):
        for victim in VICTIMS:
            row = self.courses[f"treat {victim} instead"]
            self.assertIsNone(row["recovered_s"])
            self.assertGreater(row["acts"], 0)
            self.assertGreaterEqual(row["errors"], self.courses["do nothing"]["errors"])
            self.assertTrue(any(f"restart {victim}/" in line for line in row["story"]), row["story"])
            self.assertFalse(any("restart ledger/" in line for line in row["story"]), row["story"])

    def test_a_second_time_the_terminal_shows_the_same(self):
        text = simulate(SHOP, "--env", "demo", "--scenario", HUNG, "--what-if")
        for name, row in self.courses.items():
            line = next(line for line in text.splitlines() if line.strip().startswith(name))
            self.assertEqual(line.split()[-3:], [f"{row['errors']:.0f}", str(row["acts"]), row["outcome"]])


class WithSeveralRemedies(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-what-if-")
        self.addCleanup(self.directory.cleanup)
        path = pathlib.Path(self.directory.name)
        (path / "rules.lua").write_text(RULES)
        (path / "rules_test.lua").write_text(SCENARIO)
        self.path = path

    def test_each_remedy_of_the_culprit_is_tried_alone(self):
        told = courses(self.path, "--scenario", "a bad deploy")
        self.assertEqual(list(told), ["do nothing", "what the playbooks say", 'only "restart the worst" on front',
                                      'only "roll back" on front'])
        self.assertIsNone(told['only "restart the worst" on front']["recovered_s"])
        rolled_back = told['only "roll back" on front']
        self.assertEqual(rolled_back["outcome"], "recovered")
        self.assertLess(rolled_back["recovered_s"], told["what the playbooks say"]["recovered_s"])
        self.assertLess(rolled_back["errors"], told["what the playbooks say"]["errors"])

    def test_where_nothing_happens_there_is_nothing_to_compare(self):
        self.assertEqual(courses(self.path, "--scenario", "a quiet hour"), {})

    def test_the_past_cannot_be_met_otherwise(self):
        done = subprocess.run([TEND, "simulate", self.path, "--csv", "x.csv", "--what-if"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--what-if goes with --scenario", done.stderr)


if __name__ == "__main__":
    unittest.main()
