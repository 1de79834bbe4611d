"""`tend tune`: what thresholds would have cost over the past, and which keep to a budget of false alarms."""
import json
import os
import pathlib
import pty
import random
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

BEGUN = 1772409600  # 2026-03-02 00:00 UTC, a Monday
DAY = 1440          # rows of a minute

HEAD = 'local tend = require "tend"\n'
NOTIFY = 'tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }\n'
QUEUE = HEAD + """tend.service "queue" { targets = { "http://a:1/metrics" }, every = "60s",
  metrics = { depth = { tend.gauge "queue_depth", bad = "above",
    expect = 10, out_at = 100 } } }
tend.rule "deep" {
  on = "queue", when = "depth",
  fire_after = "2m", clear_after = "1m", severity = "page",
}
""" + NOTIFY

# Two weeks of a minute each: when a spike begins, how many rows it lasts, how high it is. One that lasts 3 rows is seen out
# of line for 2 minutes.
SPIKES = ([(DAY * k + 600, 3, 150) for k in range(6)] + [(DAY * k + 300, 3, 300) for k in (1, 4, 8, 11)]
          + [(DAY * k + 900, 10, 500) for k in (6, 12)])


def queue_history(spikes=SPIKES, days=14):
    values = [10] * (DAY * days)
    for first, rows, height in spikes:
        values[first:first + rows] = [height] * rows
    return "timestamp,value\n" + "".join(f"{BEGUN + 60 * row},{value}\n" for row, value in enumerate(values))


class Tuned(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-tune-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        self.rules = self.path / "rules"
        self.rules.mkdir()
        self.write(QUEUE)

    def write(self, text):
        (self.rules / "rules.lua").write_text(text)

    def put(self, name, text):
        (self.path / name).write_text(text)
        return self.path / name

    def run_tend(self, command, *options):
        return subprocess.run([TEND, command, str(self.rules), *map(str, options)], capture_output=True, text=True,
                              errors="replace", timeout=120, check=False)

    def result(self, *options):
        done = self.run_tend("tune", *options, "--json")
        self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
        return json.loads(done.stdout)

    def rule(self, *options):
        rules = self.result(*options)["rules"]
        self.assertEqual(len(rules), 1)
        return rules[0]

    def simulated(self, history):
        done = self.run_tend("simulate", "--csv", history, "--json")
        self.assertEqual(done.returncode, 0, done.stdout[-500:] + done.stderr)
        return json.loads(done.stdout)["alerts"]

    def paste(self, changes):
        """Does what a user does with the suggested lines."""
        lines = (self.rules / "rules.lua").read_text().splitlines()
        for change in sorted(changes, key=lambda c: c["was"] is None):  # what is inserted moves what is below
            file, line = change["at"].rsplit(":", 1)
            self.assertEqual(file, "rules.lua")
            row = lines[int(line) - 1]
            if change["was"] is None:
                lines.insert(int(line), change["line"])
                continue
            self.assertIn(change["was"], row)
            lines[int(line) - 1] = row.replace(change["was"], change["line"].rstrip(","))
        self.write("\n".join(lines) + "\n")


def point(rule, factor=1, fire_after_ms=None, clear_below=None, clear_after_ms=None):
    found = [p for p in rule["points"] if (p["factor"], p["fire_after_ms"], p["clear_below"], p["clear_after_ms"])
             == (factor, fire_after_ms, clear_below, clear_after_ms)]
    assert len(found) == 1, found
    return found[0]


class Counts(Tuned):
    def test_each_point_of_the_grid_has_the_alarms_that_the_spikes_are(self):
        rule = self.rule("--history", self.put("f.csv", queue_history()))
        self.assertEqual((rule["rule"], rule["at"], rule["metric"]), ("deep", "rules.lua:5", "depth"))
        self.assertEqual(rule["points"][rule["now"]]["alarms"], 12)
        # out_at is 10 + 90 · factor, to two digits.
        limits = {1: (100, 12), 2: (190, 6), 4: (370, 2), 6: (550, 0)}
        self.assertEqual({f: (point(rule, f)["out_at"], point(rule, f)["alarms"]) for f in limits}, limits)
        # Three rows last 2 minutes, ten 9.
        waits = {0: 12, 60000: 12, 120000: 12, 300000: 2, 600000: 0}
        self.assertEqual({w: point(rule, 1, w)["alarms"] for w in waits}, waits)
        self.assertEqual(point(rule, 4, 300000)["alarms"], 2)
        self.assertEqual(rule["advice"], "none")  # no budget was stated

    def test_a_dip_that_stays_above_clear_below_is_one_alarm_and_else_two(self):
        # P 100 is A = 1; from A = 0.9 down it is in line, and at 0.8 it is not.
        rows = [(DAY + 600, 5, 150), (DAY + 605, 5, 85), (DAY + 610, 5, 150)]
        rule = self.rule("--history", self.put("f.csv", queue_history(rows)))
        self.assertEqual(point(rule)["alarms"], 2)  # as it is: 0.9. A is 75/90 = 0.83 between
        self.assertEqual(point(rule, clear_below=0.95)["alarms"], 2)
        self.assertEqual(point(rule, clear_below=0.8)["alarms"], 1)

    def test_any_point_has_the_alarms_that_simulate_raises_under_it(self):
        seed = 20260302
        print("seed", seed)
        chance = random.Random(seed)
        rules = HEAD + """tend.group "web" { every = "15s", metrics = {
  load = { tend.gauge "load", bad = "both", expect = 10, alpha = %s },
  queue = { tend.gauge "queue", bad = "below", expect = 10, alpha = 0.4 } } }
tend.service "a" { is = "web", targets = { "http://a:1/metrics" } }
tend.service "b" { is = "web", targets = { "http://b:1/metrics", "http://b:2/metrics" } }
tend.rule "one" { on = "web", per = "instance", when = "load", fire_after = "%s", clear_below = %s, clear_after = "30s",
  severity = "page" }
tend.rule "two" { on = "web", when = "queue", missing = "warn", fire_after = "30s", severity = "page" }
tend.rule "three" { on = "web", when = function(s) return s.load.out and s.queue.P < 9 end, missing = "act",
  severity = "page" }
""" + NOTIFY
        columns = ["a", "b/x", "b/y"]
        lines = ["time," + ",".join(f"{c}:{m}" for c in columns for m in ("load", "queue"))]
        level, at = [10.0] * 6, BEGUN
        for _ in range(4000):
            at += 15 if chance.random() > 0.003 else chance.choice([30, 45, 600])
            level = [10 + 0.9 * (v - 10) + chance.gauss(0, 2) for v in level]
            lines.append(f"{at}," + ",".join("" if chance.random() < 0.02 else f"{v:.4g}" for v in level))
        history = self.put("f.csv", "\n".join(lines) + "\n")
        self.write(rules % (0.5, "45s", 0.9))
        judged = {rule["rule"]: rule for rule in self.result("--csv", history)["rules"]}
        simulated = [alert["rule"] for alert in self.simulated(history)]
        for name, rule in judged.items():
            self.assertFalse(rule["unexplained"], name)
            self.assertEqual(rule["points"][rule["now"]]["alarms"], simulated.count(name), name)
            self.assertGreater(simulated.count(name), 5)
        tried = [p for p in judged["one"]["points"] if p["fire_after_ms"] is not None and p["clear_below"] is not None
                 and p["alarms"] > 0]
        for p in chance.sample(tried, 6):
            self.write(rules % (p["alpha"], f"{p['fire_after_ms'] // 1000}s", p["clear_below"]))
            raised = [alert["rule"] for alert in self.simulated(history)].count("one")
            self.assertEqual(raised, p["alarms"], p)


class Suggestions(Tuned):
    def test_what_is_suggested_gives_what_was_said_when_it_is_pasted(self):
        history = self.put("f.csv", queue_history())
        rule = self.rule("--history", history, "--budget", "1 a week")
        suggested = rule["points"][rule["suggested"]]
        self.assertEqual(rule["advice"], "change")
        # 2 alarms in 2 weeks: a fire_after of 5 m is less of a change than a limit four times as far.
        self.assertEqual((suggested["factor"], suggested["fire_after_ms"], suggested["false_alarms"]), (1, 300000, 2))
        self.assertEqual(rule["changes"], [{"at": "rules.lua:7", "in": 'tend.rule "deep"', "line": 'fire_after = "5m",',
                                            "was": 'fire_after = "2m"'}])
        self.assertEqual(rule["confirmed"], {"alarms": 2, "false_alarms": 2})
        self.paste(rule["changes"])
        self.assertEqual(len(self.simulated(history)), 2)
        again = self.rule("--history", history, "--budget", "1 a week")
        self.assertEqual((again["advice"], again["changes"], again["confirmed"]), ("keep", [], None))

    def test_a_limit_is_changed_wherever_it_was_written(self):
        self.write(HEAD + """tend.group "web" { every = "60s", metrics = { depth = { tend.gauge "depth", bad = "above",
    expect = 10, alpha = 1 } } }
tend.service "a" { is = "web", targets = { "http://a:1/metrics" } }
tend.service "b" { is = "web", targets = { "http://b:1/metrics" },
  metrics = { depth = { alpha = 2 } } }
tend.service "c" { is = "web", targets = { "http://c:1/metrics" }, rules = { deep = {
    fire_after = "3m" } } }
tend.rule "deep" { on = "web", when = "depth", clear_after = "1m", severity = "page",
  fire_after = "2h" }
""" + NOTIFY)
        values = [[10] * (DAY * 14) for _ in range(3)]
        for k in range(20):  # a: A = 2, b: A = 1.5 for three hours; c: A = 2 for 5 minutes, then 100
            for service, height, rows in ((0, 30, 180), (1, 40, 180), (2, 30, 5)):
                values[service][900 * k + 60:900 * k + 60 + rows] = [height] * rows
        text = "time,a:depth,b:depth,c:depth\n" + "".join(
            f"{BEGUN + 60 * row},{a},{b},{c}\n" for row, (a, b, c) in enumerate(zip(*values)))
        history = self.put("f.csv", text)
        self.assertEqual(len(self.simulated(history)), 60)
        rule = self.rule("--history", history, "--budget", "0 a week")
        suggested = rule["points"][rule["suggested"]]
        self.assertEqual((suggested["factor"], suggested["fire_after_ms"]), (2.8, None))  # at 2, a's A is 1 still
        self.assertEqual(sorted((c["at"], c["line"]) for c in rule["changes"]),
                         [("rules.lua:3", "alpha = 2.8,"), ("rules.lua:6", "alpha = 5.6,")])
        self.paste(rule["changes"])
        self.assertEqual(self.simulated(history), [])

    def test_marked_incidents_are_no_false_alarms_and_are_found_as_soon_as_the_budget_allows(self):
        marked = [(DAY * k + 300) for k in (1, 8)]  # of the spikes of 300
        labels = self.put("incidents.csv", "from,to,what\n" + "".join(
            f"{BEGUN + 60 * row},{BEGUN + 60 * row + 600},a real one\n" for row in marked))
        history = self.put("f.csv", queue_history())
        result = self.result("--history", history, "--incidents", labels, "--budget", "2 a week")
        rule = result["rules"][0]
        now = rule["points"][rule["now"]]
        self.assertEqual((result["marks"], now["alarms"], now["false_alarms"], now["found"], now["delay_s"]),
                         (2, 12, 10, 2, 120))
        suggested = rule["points"][rule["suggested"]]
        # A limit of 190 leaves the other two spikes of 300 and the two of 500; with it nothing needs to be waited for.
        self.assertEqual((suggested["out_at"], suggested["fire_after_ms"], suggested["false_alarms"], suggested["found"],
                          suggested["delay_s"]), (190, 0, 4, 2, 0))
        self.assertEqual(rule["confirmed"], {"alarms": 6, "false_alarms": 4})

    def test_an_alarm_that_fires_all_the_time_finds_nothing_and_is_not_quiet(self):
        self.write(QUEUE.replace("out_at = 100", "out_at = 10.5").replace("expect = 10,", "expect = 9,"))
        labels = self.put("incidents.csv", f"from,to,what\n{BEGUN + 60 * DAY},{BEGUN + 61 * DAY},a real one\n")
        rule = self.rule("--history", self.put("f.csv", queue_history([(0, DAY * 14, 15)])), "--incidents", labels,
                         "--budget", "1 a week")
        now = rule["points"][rule["now"]]
        self.assertEqual((now["alarms"], now["found"]), (1, 0))
        self.assertGreater(now["firing_share"], 0.99)
        suggested = rule["points"][rule["suggested"]]
        self.assertEqual((suggested["alarms"], rule["advice"]), (0, "change"))

    def test_where_nothing_keeps_to_the_budget_the_nearest_is_told(self):
        spikes = [(60 * k, 59, 100000) for k in range(24 * 14)]
        self.write(QUEUE.replace("out_at = 100", "out_at = 20"))
        rule = self.rule("--history", self.put("f.csv", queue_history(spikes)), "--budget", "0 a week", "--rule", "deep")
        self.assertEqual(rule["advice"], "nearest")

    def test_what_fires_on_under_every_setting_is_not_cured_by_a_threshold(self):
        self.write(QUEUE.replace("out_at = 100", "out_at = 11"))
        history = self.put("f.csv", queue_history([(60, DAY * 14 - 60, 100000)]))
        rule = self.rule("--history", history, "--budget", "0 a week")
        self.assertEqual((rule["advice"], rule["suggested"], rule["changes"]), ("nearest", rule["now"], []))
        done = self.run_tend("tune", "--history", history, "--budget", "1 a week")
        self.assertIn("1 a week: under every setting here it fires for most of the time: look at what is expected",
                      done.stdout)

    def test_a_rule_with_a_function_has_its_times_varied(self):
        self.write(QUEUE.replace('when = "depth"', "when = function(s) return s.depth.out end"))
        history = self.put("f.csv", queue_history())
        rule = self.rule("--history", history, "--budget", "1 a week")
        self.assertEqual((rule["varies"], rule["metric"], rule["points"][rule["now"]]["alarms"]), ("times", None, 12))
        self.assertEqual(point(rule, 1, 300000)["alarms"], 2)
        self.paste(rule["changes"])
        self.assertEqual(len(self.simulated(history)), 2)

    def test_an_expectation_that_learns_is_told_to_be_approximate_and_the_suggestion_is_played_again(self):
        self.write(QUEUE.replace("expect = 10, out_at = 100", "expect = tend.learned { last = 30 }, alpha = 3"))
        history = self.put("f.csv", queue_history())
        rule = self.rule("--history", history, "--budget", "1 a week")
        self.assertTrue(rule["approximate"])
        self.assertEqual(rule["advice"], "change")
        self.paste(rule["changes"])
        self.assertEqual(len(self.simulated(history)), rule["confirmed"]["alarms"])

    def test_a_metric_that_two_rules_are_on_keeps_its_limit(self):
        self.write(QUEUE + 'tend.rule "very deep" { on = "queue", when = "depth", fire_after = "1h", severity = "page" }\n')
        rules = self.result("--history", self.put("f.csv", queue_history()), "--budget", "0 a week")["rules"]
        self.assertEqual([rule["shared"] for rule in rules], [True, True])
        self.assertEqual(rules[0]["points"][rules[0]["suggested"]]["factor"], 1)


class Telling(Tuned):
    def test_the_text_fits_a_terminal_and_names_the_line_to_paste_and_its_place(self):
        labels = self.put("incidents.csv", f"from,to,what\n{BEGUN + 60 * 600},{BEGUN + 60 * 610},a real one\n")
        done = self.run_tend("tune", "--history", self.put("f.csv", queue_history()), "--budget", "1 a week", "--incidents",
                             labels)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 100, done.stdout)
        self.assertIn("as it is: out_at 100, fire_after 2m, clear_below 0.9", done.stdout)
        self.assertIn("11 false alarms of 12, 5.5 a week; to expect ", done.stdout)
        self.assertIn("rules.lua:", done.stdout)
        self.assertIn("played again with all that is suggested here: ", done.stdout)

    def test_a_range_is_for_the_period_that_was_asked_for(self):
        history = self.put("f.csv", queue_history())
        week, day = (self.rule("--history", history, "--period", p) for p in ("1w", "1d"))
        one, other = (rule["points"][rule["now"]] for rule in (week, day))
        self.assertAlmostEqual(one["mean"], 7 * other["mean"])
        self.assertEqual(one["alarms"], other["alarms"])

    def test_a_reader_that_has_seen_enough_is_no_full_disk(self):
        history = self.put("f.csv", queue_history())
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([TEND, "tune", str(self.rules), "--csv", str(history)], stdout=writer, stderr=subprocess.PIPE,
                              text=True, timeout=120, check=False)
        os.close(writer)
        self.assertEqual("", done.stderr)
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([TEND, "tune", str(self.rules), "--csv", str(history)], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=120, check=False)
        self.assertIn("standard output cannot be written", done.stderr)

    def test_progress_is_shown_on_a_terminal_only(self):
        primary, secondary = pty.openpty()
        done = subprocess.run([TEND, "tune", str(self.rules), "--csv", str(self.put("f.csv", queue_history()))],
                              stdout=subprocess.DEVNULL, stderr=secondary, timeout=120, check=False)
        os.close(secondary)
        shown = os.read(primary, 4096).decode()
        os.close(primary)
        self.assertEqual(done.returncode, 0)
        self.assertIn("tuning", shown)


class Refusals(Tuned):
    def test_wrong_usage_is_told(self):
        csv = self.put("f.csv", queue_history([], 1))
        for options, message in (
                ((), "one of --history, --recording, --csv and --prometheus is needed"),
                (("--csv", csv, "--history", csv), "one of --history, --recording, --csv and --prometheus is needed"),
                (("--csv", csv, "--budget", "few"), '"few" is no budget; write it like "1 a week"'),
                (("--csv", csv, "--budget", "1 week"), '"1 week" is no budget'),
                (("--csv", csv, "--budget", "-1 a week"), '"-1 a week" is no budget'),
                (("--csv", csv, "--period", "7"), '"7" has no unit'),
                (("--history", "http://127.0.0.1:1/", "--as", "queue:depth"), "--as goes with a CSV file"),
                (("--csv", csv, "--step", "1m"), "go with a server")):
            done = self.run_tend("tune", *options)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn(message, done.stderr)

    def test_what_cannot_be_read_is_told(self):
        csv = self.put("f.csv", queue_history([], 1))
        empty = self.path / "empty"
        empty.mkdir()
        for options, message in (
                (("--csv", csv, "--rule", "deeep"), 'there is no rule "deeep"'),
                (("--csv", self.put("g.csv", "timestamp,value\n1,2,3\n")), "g.csv:2: "),
                (("--history", self.path / "none.csv"), "none.csv"),
                (("--history", empty), "empty"),
                (("--history", "http://127.0.0.1:1/"), "127.0.0.1")):
            done = self.run_tend("tune", *options)
            self.assertEqual((done.returncode, done.stdout), (1, ""), options)
            self.assertIn(message, done.stderr)

    def test_help_names_every_option(self):
        done = subprocess.run([TEND, "tune", "--help"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0)
        for option in ("--history", "--budget", "--incidents", "--period", "--rule", "--json"):
            self.assertIsNotNone(re.search(rf"^  {option}\b", done.stdout, re.M), option)


if __name__ == "__main__":
    unittest.main()
