"""`tend test`: scenarios in virtual time. Each runs the real binary with its real evaluators; no network, no other program."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.group "*" { every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0, cooldown = "5s", per_hour = 100 } }
tend.group "web" {
  version = { series = "app_build_info", label = "version" },
  metrics = {
    response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 },
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.1 },
  },
  control = command {
    restart = { "/usr/bin/touch", "TOUCHED", "{service}" },
    redeploy = { "/usr/bin/touch", "TOUCHED", "{version}" },
    idempotent = true,
  },
  remedies = { "roll back", "restart the worst" },
}
tend.service "front" { is = "web", targets = { "http://a:1/metrics", "http://b:1/metrics" }, depends = "back" }
tend.service "back" { is = "web", targets = { "http://c:1/metrics" } }
tend.rule "down" { on = "web", per = "instance", when = "up", fire_after = "5s", severity = "page", act = true }
tend.rule "slow" { on = "web", per = "instance", when = "response_time", fire_after = "5s", severity = "page", act = true }
tend.rule "errors" { on = "web", when = function(s) return s.error_rate.out end, fire_after = "5s", severity = "page", act = true }
tend.playbook "restart the worst" { within = "45s", run = function(p)
  for i in p:worst_first() do p:restart(i) p:verify(i) end end }
tend.playbook "roll back" {
  when = function(s) return s:deployed_within "30m" end, within = "1m",
  run = function(p) p:redeploy { version = "previous" } p:verify() end,
}
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""

HEAD = 'local test = require "tend.test"\n'


def scenario(name, body):
    return f'test.scenario "{name}" {{\n{body}\n}}\n'


class Scenarios(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-test-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        self.touched = self.path / "touched"
        self.put("rules.lua", RULES.replace("TOUCHED", str(self.touched)))

    def put(self, name, text):
        (self.path / name).write_text(text)

    def tend_test(self, *options, directory=None):
        return subprocess.run([TEND, "test", str(directory or self.path), *options], capture_output=True, text=True,
                              timeout=300, check=False)

    def play(self, *scenarios):
        """Plays scenarios that must pass, once each."""
        self.put("rules_test.lua", HEAD + "".join(scenarios))
        done = self.tend_test("--once")
        self.assertEqual(done.stdout.splitlines()[-1], f"{len(scenarios)} passed, 0 failed, 0 skipped",
                         done.stdout + done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_the_example_shop_passes_also_with_its_rules_loaded_anew_before_each_tick(self):
        done = self.tend_test("--env", "demo", directory=ROOT / "examples" / "shop")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ passed, 0 failed, 0 skipped$")
        self.assertIn("ok       a hung ledger is cured, and its victims are left alone\n", done.stdout)

    def test_a_failing_assert_is_told_with_its_line_and_the_story(self):
        self.put("rules_test.lua", HEAD + scenario("wrong", """  world = { front = 2 },
  faults = { { at = "1m", on = "back", kind = "crash" } },
  check = function(run)
    assert(run.culprit == "front", "not " .. run.culprit)
  end,"""))
        done = self.tend_test("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FAILED   wrong\n           rules_test.lua:6: not back\n", done.stdout)
        self.assertIn("           | seed 0\n", done.stdout)
        self.assertIn("1m  fault: crash on back\n", done.stdout)
        self.assertIn("restart back/1: done", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 1 failed, 0 skipped")

    def test_what_this_version_lacks_is_skipped_with_the_reason_and_never_passed(self):
        self.put("rules_test.lua", HEAD + scenario("asks", """  world = { front = 2 },
  faults = { { at = "1m", on = "front", kind = "bad deploy" } },
  people = { { at = "2m", approve = true } }, check = function(run) end,"""))
        done = self.tend_test()
        self.assertEqual(done.returncode, 0)
        self.assertIn("skipped  asks: it asks a person", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "0 passed, 0 failed, 1 skipped")

    def test_a_bad_deploy_comes_back_after_a_restart_and_is_cured_by_the_version_before(self):
        self.play(scenario("rolled back", """  world = { front = 3 },
  faults = { { at = "2m", on = "front", kind = "bad deploy" } },
  check = function(run)
    assert(run.culprit == "front" and run:did "redeploy front" and run.ended == "recovered", run.ended)
  end,"""))
        self.put("rules.lua", RULES.replace('"roll back", "restart the worst"', '"restart the worst"'))
        self.play(scenario("restarted in vain", """  world = { front = 3 },
  faults = { { at = "2m", on = "front", kind = "bad deploy" } },
  check = function(run)
    assert(run:did "restart front" and run.ended == "escalated" and not run.recovered_s, run.ended)
  end,"""))

    def test_people_silence_deploy_and_acknowledge(self):
        self.put("rules.lua", RULES.replace("TOUCHED", str(self.touched))
                 .replace('tend.notify "log" {', 'tend.notify "log" { again = "1m",'))
        begin = 'world = { front = 2, back = 1 }, faults = { { at = "2m", on = "back", kind = "hang" } },'
        self.play(scenario("silenced", begin + """
  people = { { at = "1m", silence = "*", ["for"] = "10m" } },
  check = function(run)
    assert(run:did "restart back/1" and run.steps[1].at_s >= 660, "no act before its end")
    assert(run.pages[1].at_s >= 660 and run.ended == "recovered", run.ended)
  end,"""), scenario("deployed", begin + """
  people = { { at = "1m", deploy = "back" } },
  check = function(run)
    assert(run.steps[1].at_s >= 660, "no remedy before its ten minutes are over")
    assert(run:did "redeploy back", "deployed_within sees what a person noted")
    assert(run.pages[1].at_s < 660, "what is not being deployed is told")
  end,"""), scenario("acknowledged", begin + """
  people = { { at = "4m", ack = true } }, acts = { restart = "fails" },
  check = function(run)
    assert(#run.pages >= 2)
    for _, page in ipairs(run.pages) do assert(page.at_s <= 330, page.at_s) end
  end,"""))

    def test_what_a_person_cannot_do_is_an_error(self):
        for body, text in (
                ('{ at = "1m" }', "a person does one of approve, pause, reload, silence, deploy, ack"),
                ('{ at = "1m", ack = true, reload = true }', "a person does one of"),
                ('{ at = "1m", silence = "back" }', "a silence says for how long")):
            said = self.errors_of(f"world = {{ front = 1 }}, people = {{ {body} }},")
            self.assertIn(text, str(said))

    def test_acts_go_as_the_scenario_says(self):
        self.play(*(scenario(how or "works", f"""  world = {{ front = 2, back = 1 }},
  faults = {{ {{ at = "2m", on = "back", kind = "hang" }} }},
  acts = {{ restart = "{how}" }},
  check = function(run)
    assert(run.culprit == "back" and run:did "restart back/1" and not run:did "restart front")
    {assertion}
  end,""") for how, assertion in (
            ("works", 'assert(run.ended == "recovered" and #run.steps == 1 and run.recovered_s < 60)'),
            ("works, but says it failed", 'assert(run.ended == "recovered")'),
            ("fails", 'assert(run.ended == "escalated" and #run.pages >= 1)'),
            ("times out", 'assert(run.ended == "escalated" and run.steps[1].outcome == "unknown")'),
            ("works late", 'assert(run.ended == "recovered" and run.recovered_s >= 30)'),
            ("half works", 'assert(run.ended == "recovered" and #run.steps == 2)'),
        )))

    def errors_of(self, body):
        """What is said of a scenario that cannot be: (line, text) of each error."""
        self.put("rules_test.lua", HEAD + "test.scenario \"wrong\" {\n" + body + "\n  check = function() end,\n}\n")
        done = self.tend_test("--once")
        self.assertEqual(done.returncode, 1, done.stdout)
        return [line.split(":", 2)[1:] for line in done.stderr.splitlines() if line.startswith("rules_test.lua:")]

    def test_what_is_wrong_in_a_scenario_is_told_with_its_line_and_what_would_be_right(self):
        errors = self.errors_of("""  world  = { front = { 2, startup = "3s" },
             back = { 2, use = 3 } },
  load   = { pek = "15:00" },
  acts   = { restart = { "fails", "wroks" } },
  faults = {
    { at = "2m", on = "back", kind = "crsh" },
    { at = "2m", on = "back", kind = "crash", times = 3 },
    { at = { "10m", "2m" }, on = "back", kind = "slow" },
    { at = "2m", kind = "clock jump" },
    { at = "2", kind = "slow", tims = 3 }, 7,
  },""")
        for line, text in (("3", 'unknown field "startup"; did you mean "start_up"?'),
                           ("4", "use = 3 is not between"),
                           ("5", 'unknown field "pek"; did you mean "peak"?'),
                           ("6", 'did you mean "works"?'),
                           ("8", 'did you mean "crash"?'),
                           ("9", 'a fault of the kind "crash" has no times'),
                           ("10", "at = a table ends before it begins"),
                           ("11", 'a clock jump needs by: "1h", or "-30s"'),
                           ("12", 'at = "2" has no unit; write "2s"'),
                           ("12", 'unknown field "tims"; did you mean "times"?'),
                           ("12", "a fault needs on:"),
                           ("12", "7 is no fault; write {")):
            with self.subTest(text):
                self.assertTrue([1 for at, said in errors if at == line and text in said], errors)
        self.assertEqual(len(errors), 12, errors)

    def test_what_a_deploy_changes_is_checked(self):
        errors = self.errors_of("""  world  = { front = 2, back = 2 },
  people = { { at = "1m", deploy = "back", kind = "disk" }, { at = "1m", reload = true, kind = "flag" } },""")
        self.assertEqual([("4", ' kind = "disk" is none of "version", "config", "flag"'),
                          ("2", ' kind is of a deploy: { at = "2m", deploy = "redis", kind = "config" }')],
                         [tuple(error) for error in errors])

    def test_a_fault_on_nobody_is_told_with_who_there_is(self):
        self.put("rules_test.lua", HEAD + scenario("nobody", """  world = { front = 1, back = 3 },
  faults = { { at = "1m", on = "bakc", kind = "hang" } }, check = function() end,"""))
        done = self.tend_test("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn('a fault is on "bakc", which is not in this world; it has back (3), front (1)', done.stdout)

    def test_a_usual_value_of_no_metric_or_in_another_unit_is_told(self):
        self.put("rules_test.lua", HEAD + scenario("unknown", """  world = { front = { 1, usual = { latency = "1s" } } },
  check = function() end,""") + scenario("unit", """  world = { front = { 1, usual = { response_time = "1MB" } } },
  check = function() end,"""))
        done = self.tend_test("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn('usual: front has no metric "latency"; it has error_rate, response_time', done.stdout)
        self.assertIn('usual: front.response_time: "1MB" is', done.stdout)

    def test_faults_at_times_left_to_chance_come_at_the_same_time_again_and_with_another_seed_at_another(self):
        fault = """ world = { front = 2, back = 2 },
  faults = { { at = { "1m", "9m" }, on = "back/1", kind = "crash" } }, check = function() end,"""
        self.put("rules_test.lua", HEAD + scenario("a", fault) + scenario("b", fault) + scenario("c", "seed = 2," + fault))
        first, again = (json.loads(self.tend_test("--json", "--once").stdout)["scenarios"] for _ in range(2))
        times = [played["run"]["fault_s"] for played in first]
        self.assertEqual(times, [played["run"]["fault_s"] for played in again])
        self.assertEqual(len(set(times)), 3)
        self.assertTrue(all(60 <= at <= 540 for at in times), times)
        self.assertTrue(all(played["run"]["ended"] == "recovered" for played in first))

    def test_when_most_targets_are_not_seen_nothing_is_acted_on(self):
        self.play(scenario("blind", """  world = { front = 3, back = 2 },
  faults = { { at = "2m", kind = "monitoring blind", ratio = 0.6, lasts = "5m" } },
  check = function(run) assert(#run.steps == 0 and run.ended ~= "quiet", run.ended) end,"""),
                  scenario("all the same a crash is cured when it sees again", """  world = { front = 3, back = 2 },
  faults = { { at = "2m", kind = "monitoring blind", ratio = 0.6, lasts = "5m" },
             { at = "3m", on = "back/1", kind = "crash" } },
  check = function(run)
    assert(#run.steps == 1 and run:did "restart back/1" and run.steps[1].at_s >= 420 and run.ended == "recovered")
  end,"""))

    def test_a_clock_that_jumps_is_neither_an_alert_nor_in_the_way_of_one(self):
        self.play(*(scenario(f"by {by}", f"""  world = {{ front = 2, back = 2 }},
  faults = {{ {{ at = "2m", kind = "clock jump", by = "{by}" }}, {{ at = "3m", on = "back/1", kind = "crash" }} }},
  check = function(run)
    assert(#run.alerts == 1 and run.alerts["down"] and run.ended == "recovered" and run.steps[1].at_s < 240)
  end,""") for by in ("2h", "-2h")))

    def test_a_clock_that_jumps_ages_what_tells_wall_time(self):
        self.put("rules.lua", RULES.replace('tend.rule "down"', """tend.service "jobs" {
  targets = { "http://d:1/metrics" },
  metrics = { last_run = { tend.age "jobs_last_success_timestamp_seconds", expect = "1h", out_at = "2h" } },
}
tend.rule "no run" { on = "jobs", when = "last_run", fire_after = "5s" }
tend.rule "down\""""))
        self.play(scenario("ahead", """  world = { jobs = 1 },
  faults = { { at = "2m", kind = "clock jump", by = "3h" } },
  check = function(run) assert(run.alerts["no run"] and #run.steps == 0) end,"""))

    def test_a_surge_fills_queues_and_what_cannot_be_served_is_an_error(self):
        self.play(scenario("too much", """  world = { back = { 2, use = 0.6, room = 20 } },
  faults = { { at = "2m", on = "back", kind = "surge", times = 3, lasts = "3m" } },
  check = function(run) assert(run.alerts["slow"] and run.alerts["errors"], #run.alerts) end,"""),
                  scenario("bearable", """  world = { back = { 2, use = 0.2 } },
  faults = { { at = "2m", on = "back", kind = "surge", times = 1.5, lasts = "3m" } },
  check = function(run) assert(run.ended == "quiet") end,"""))

    def test_an_act_goes_as_its_turn_and_its_instance_say(self):
        self.play(scenario("first it fails", """  world = { back = 2, front = 1 },
  faults = { { at = "2m", on = "back/1", kind = "crash" } },
  acts = { restart = { "fails", "works", takes = "3s" } },
  check = function(run)
    assert(#run.steps == 2 and run.steps[1].outcome == "failed" and run.steps[2].outcome == "done")
    assert(run.steps[1].ended_s - run.steps[1].at_s >= 3 and run.ended == "recovered")
  end,"""), scenario("one alone fails", """  world = { back = 2, front = 1 },
  faults = { { at = "2m", on = "back/1", kind = "crash" } },
  acts = { restart = "works", ["restart back/1"] = "fails" },
  check = function(run) assert(run.steps[1].outcome == "failed" and run.ended == "escalated", run.ended) end,"""),
                  scenario("it works and times out", """  world = { back = 2, front = 1 },
  faults = { { at = "2m", on = "back/1", kind = "crash" } },
  acts = { restart = "works, but times out" },
  check = function(run) assert(run:did "restart back/1" and run.ended == "recovered", run.ended) end,"""))

    def test_a_restart_costs_the_start_up_of_its_service(self):
        self.play(*(scenario(f"start-up {seconds}", f"""  world = {{ back = {{ 2, start_up = "{seconds}s" }}, front = 1 }},
  faults = {{ {{ at = "2m", on = "back/1", kind = "crash" }} }},
  check = function(run)
    assert(run.ended == "recovered")
    local back = run.recovered_s - (run.steps[1].at_s - run.fault_s)
    assert(back > {seconds} and back < {seconds + 16}, back)
  end,""") for seconds in (1, 20)))

    def test_targets_may_be_scraped_at_times_of_their_own(self):
        self.play(scenario("spread", """  world = { front = 4, back = 4 }, spread = true,
  faults = { { at = "2m", on = "back/1", kind = "crash" }, { at = "2m", on = "front/1", kind = "crash" } },
  check = function(run)
    assert(#run.alerts >= 2 and run.alerts[1].fired_s ~= run.alerts[2].fired_s)
    assert(run.ended == "recovered")
  end,"""))

    def test_each_kind_of_fault_is_seen(self):
        self.play(*(scenario(kind, f"""  world = {{ front = 2, back = 2 }},
  faults = {{ {{ at = "2m", on = "back/1", kind = "{kind}", lasts = "3m" }} }},
  check = function(run)
    assert(run.alerts["{rule}"], "no alert")
    assert(run.alerts["{rule}"].service == "back" and not run:did "restart front")
  end,""") for kind, rule in (("crash", "down"), ("hang", "down"), ("slow", "slow"), ("errors", "errors"),
                              ("noisy neighbour", "slow"), ("metrics gone", "down"))))

    def test_missing_metrics_never_act(self):
        self.play(scenario("dark", """  world = { front = 2, back = 2 },
  faults = { { at = "2m", on = "back/1", kind = "metrics gone" } },
  check = function(run) assert(#run.steps == 0 and run.culprit == "back" and #run.refused > 0) end,"""))

    def test_no_program_of_the_rules_is_started(self):
        self.play(scenario("restarted", """  world = { front = 2, back = 1 },
  faults = { { at = "2m", on = "back", kind = "crash" } },
  check = function(run) assert(run:did "restart back/1") end,"""))
        self.assertFalse(self.touched.exists())

    def test_series_by_hand_take_the_place_of_made_up_ones(self):
        self.play(
            scenario("slower", """  series = { ["front/*.response_time"] = "0.1x30 0.25x20 0.1x20" },
  check = function(run)
    assert(#run.alerts == 1 and run.alerts["slow"].fired_s >= 150 and run.alerts["slow"].fired_s < 160)
    assert(run.alerts["slow"].resolved_s < 270)
  end,"""),
            scenario("gone", """  series = { ["front/1.response_time"] = "0.1x30 _x20 0.1+0.001x10 stale" },
  check = function(run) assert(#run.alerts == 0) end,"""))

    def test_a_rule_that_remembers_is_found_out(self):
        self.put("rules.lua", "local seen = { count = 0 }\n" + RULES.replace(
            "return s.error_rate.out", "seen.count = seen.count + 1 return seen.count > 30"))
        self.put("rules_test.lua", HEAD + scenario("remembers", """  world = { front = 1, back = 1 },
  check = function(run) end,"""))
        done = self.tend_test()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("remembers", done.stdout)
        self.assertIn("it went otherwise", done.stdout)

    def test_an_invariant_is_checked_in_each_scenario_that_has_its_services(self):
        self.put("rules_test.lua", HEAD + """test.invariant "one of back serves" {
  holds = function(world) return world.back.healthy >= 1 end,
}
""" + scenario("broken", """  world = { front = 2, back = 1 },
  faults = { { at = "2m", on = "back", kind = "crash" } },
  check = function(run) end,"""))
        done = self.tend_test("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn('rules_test.lua:2: invariant "one of back serves" does not hold 2m after the beginning', done.stdout)

    def test_the_same_happens_each_time_and_every_report_tells_it(self):
        self.put("rules_test.lua", HEAD + scenario("a <b> & #c", """  world = { front = 3, back = 2 },
  faults = { { at = "2m", on = "back/2", kind = "slow" } },
  check = function(run) assert(false, "no & no") end,""") + scenario("fine", """  world = { front = 1 },
  check = function(run) assert(run.ended == "quiet") end,"""))
        first, second = self.tend_test("--json", "--once"), self.tend_test("--json", "--once")
        self.assertEqual(first.stdout, second.stdout)
        report = json.loads(first.stdout)
        self.assertEqual((report["passed"], report["failed"], report["skipped"]), (1, 1, 0))
        self.assertEqual(report["scenarios"][0]["run"]["culprit"], "back")
        tap = self.tend_test("--tap", "--once").stdout.splitlines()
        self.assertEqual(tap[:3], ["TAP version 13", "1..2", "not ok 1 - a <b> & \\#c"])
        self.assertIn("ok 2 - fine", tap)
        junit = self.path / "junit.xml"
        self.assertEqual(self.tend_test("--junit", str(junit), "--once").returncode, 1)
        suite = xml.etree.ElementTree.parse(junit).getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        self.assertEqual(suite[0].get("name"), "a <b> & #c")
        self.assertIn("no & no", suite[0][0].text)
        filtered = self.tend_test("--filter", "fine", "--once")
        self.assertEqual(filtered.stdout, "ok       fine\n1 passed, 0 failed, 0 skipped\n")

    def test_what_is_wrong_with_a_test_is_told_with_its_line(self):
        for body, expected in (
                ('world = { front = 2 }, faults = { { at = "1m", on = "front", kind = "crsh" } }', 'did you mean "crash"?'),
                ('world = { frnt = 2 }', 'a scenario names "frnt"'),
                ('world = { front = 2 }, faults = { { at = "1m", on = "frnt", kind = "crash" } }', 'a fault is on "frnt"'),
                ('series = { ["front/1.p98"] = "1x3" }', 'front has no metric "p98"'),
                ('series = { ["front/1.response_time"] = "1y3" }', '"1y3" is no value'),
                ('world = { front = 0 }', "is no number of instances"),
                ('wrld = { front = 1 }', 'did you mean "world"?'),
        ):
            self.put("rules_test.lua", HEAD + scenario("x", body + ", check = function(run) end"))
            done = self.tend_test("--once")
            self.assertEqual(done.returncode, 1, body)
            self.assertIn("rules_test.lua:", done.stdout + done.stderr)
            self.assertIn(expected, done.stdout + done.stderr)

    def test_rules_cannot_use_the_test_module(self):
        self.put("other.lua", HEAD + scenario("x", "world = { front = 1 }, check = function(run) end"))
        done = subprocess.run([TEND, "check", str(self.path)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("other.lua:2: tend.test is for files called NAME_test.lua", done.stderr)

    def test_wrong_usage_exits_with_2(self):
        for options in ((), ("--json", "--tap", "."), ("--nonsense", ".")):
            done = subprocess.run([TEND, "test", *options], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, options)


if __name__ == "__main__":
    unittest.main()
