"""Scenarios in which tend itself is killed, paused or reloaded, and targets leave; and what the charter says of them."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.service "back" {
  every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0, cooldown = "5m" },
  targets = { "http://a:1/metrics", "http://b:1/metrics" },
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 } },
  control = command { restart = { "/bin/restart", "{service}" }, idempotent = IDEMPOTENT },
  remedies = { "restart the worst" },
}
tend.rule "down" { on = "back", per = "instance", when = "up", fire_after = "5s", severity = "page", act = true }
tend.rule "slow" { on = "back", per = "instance", when = "response_time", fire_after = "5s", severity = "page", act = true }
tend.playbook "restart the worst" {
  run = function(p) for i in p:worst_first() do p:restart(i) p:verify(i) end end,
}
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""
HEAD = 'local test = require "tend.test"\n'
CRASH = 'faults = { { at = "1m", on = "back/1", kind = "crash" } }'
KEPT = "check = function(run) assert(#run.broken == 0, run.broken[1]) end"


class Interruptions(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-interruptions-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        self.rules("true")

    def rules(self, idempotent):
        (self.path / "rules.lua").write_text(RULES.replace("IDEMPOTENT", idempotent))

    def play(self, body, status=0):
        (self.path / "rules_test.lua").write_text(f'{HEAD}test.scenario "x" {{ world = {{ back = 2 }}, {body}, {KEPT} }}\n')
        done = subprocess.run([TEND, "test", str(self.path), "--json"], capture_output=True, text=True, timeout=120,
                              check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)["scenarios"][0] if done.stdout else done.stderr

    def test_what_people_say_without_effect_is_an_error_with_its_line_and_what_would_be_right(self):
        people = """people = {
            { at = "30s", silence = "bakc", ["for"] = "5m" },
            { at = "31s", silence = "back", rule = "donw", ["for"] = "5m" },
            { at = "32s", deploy = "bakc" },
            { at = "33s", ack = true },
            { at = "70s", ack = true },
            { at = "71s", silence = "back", rule = "down", ["for"] = "1m" } }"""
        self.assertEqual(self.play(f"{CRASH}, {people}", status=1)["failures"], [
            'rules_test.lua:3: silence at 30s: there is no service or group "bakc"; this scenario has back',
            'rules_test.lua:4: silence at 31s: there is no rule "donw"; the rules are down, slow',
            'rules_test.lua:5: deploy at 32s: there is no service "bakc"; this scenario has back',
            "rules_test.lua:6: ack at 33s: no incident is open then; the first one opens at 1m6s"])

    def test_what_people_say_after_the_end_is_an_error(self):
        series = 'series = { ["back/1.up"] = "1x12" }, people = { { at = "9m", ack = true } }'
        self.assertEqual(self.play(series, status=1)["failures"],
                         ["rules_test.lua:2: ack at 9m: the scenario is over before; let it last longer"])

    def test_killed_after_each_record_it_recovers_all_the_same_and_keeps_the_charter(self):
        whole = self.play(CRASH)
        self.assertEqual((whole["run"]["ended"], len(whole["run"]["steps"])), ("recovered", 1))
        for record in range(1, 30):
            with self.subTest(record=record):
                killed = self.play(f"{CRASH}, crashes = {{ {record} }}")["run"]
                self.assertTrue(killed["ended"] in ("recovered", "resolved by itself"), killed)
                self.assertEqual({step["instance"] for step in killed["steps"]}, {"back/1"})

    def test_killed_in_a_restart_it_is_done_again_once_when_that_does_no_harm(self):
        story = "\n".join(self.play(f'{CRASH}, crashes = {{ "restart begun" }}')["story"])
        self.assertEqual((story.count("restart back/1: begun"), story.count("restart back/1: done")), (2, 1), story)

    def test_killed_in_a_restart_that_must_not_be_repeated_a_person_is_called(self):
        self.rules("false")
        played = self.play('faults = { { at = "1m", on = "back/1", kind = "slow" } }, acts = { restart = "fails" }, '
                           'crashes = { "restart begun" }')
        self.assertEqual("\n".join(played["story"]).count("restart back/1: begun"), 1, played["story"])
        self.assertEqual(played["run"]["ended"], "escalated")

    def test_a_cooldown_outlives_being_killed(self):
        again = '{ at = "1m", on = "back/1", kind = "crash" }, { at = "3m", on = "back/1", kind = "crash" }'
        acts = self.play(f'faults = {{ {again} }}, crashes = {{ "2m" }}')["run"]["steps"]
        self.assertEqual([step["at_s"] < 240 for step in acts], [True, False])
        self.assertGreater(acts[1]["at_s"] - acts[0]["at_s"], 300)

    def test_while_a_person_paused_nothing_is_done(self):
        acts = self.play(f'{CRASH}, people = {{ {{ at = "30s", pause = "4m" }} }}')["run"]["steps"]
        self.assertEqual(len(acts), 1)
        self.assertGreaterEqual(acts[0]["at_s"], 270)

    def test_a_pause_outlives_being_killed(self):
        acts = self.play(f'{CRASH}, people = {{ {{ at = "30s", pause = "4m" }} }}, crashes = {{ "50s", "2m" }}')
        self.assertGreaterEqual(acts["run"]["steps"][0]["at_s"], 270)

    def test_a_reload_in_the_middle_changes_nothing(self):
        played = self.play(f'{CRASH}, people = {{ {{ at = "1m11s", reload = true }} }}')["run"]
        self.assertEqual((played["ended"], len(played["steps"])), ("recovered", 1))

    def test_what_is_listed_no_more_is_not_acted_on_until_it_is_back(self):
        played = self.play('faults = { { at = "1m", on = "back/1", kind = "leaves", lasts = "5m" }, '
                           '{ at = "1m2s", on = "back/1", kind = "crash" } }')["run"]
        self.assertEqual(len(played["steps"]), 1)
        self.assertGreaterEqual(played["steps"][0]["at_s"], 360)

    def test_what_is_wrong_with_them_is_told(self):
        for body, said in (
                ('crashes = { "soon" }', 'has "soon", which is neither a time ("4m") nor a record ("restart begun"'),
                ("crashes = { 0 }", "has 0, which is neither a time"),
                ('people = { { at = "1m", pause = 4 } }', 'pause = 4 has no unit; write "4s"'),
                ('people = { { at = "1m", reloads = true } }', 'unknown field "reloads"; did you mean "reload"?'),
                ('faults = { { at = "1m", on = "back/1", kind = "leave" } }', 'did you mean "leaves"?')):
            with self.subTest(body=body):
                self.assertIn(said, self.play(body, status=1))


if __name__ == "__main__":
    unittest.main()
