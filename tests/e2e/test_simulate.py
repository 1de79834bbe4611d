"""`tend simulate`: rules over the past, from CSV files and from real servers, and over one scenario."""
import http.server
import json
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse

import metric_server
import shop

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

BEGUN = 1772445600  # 2026-03-02 10:00 UTC

RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.group "*" { every = "5s", window = "15s", limits = { min_healthy = 0 } }
tend.group "web" {
  metrics = {
    response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 },
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.1 },
  },
  control = command { restart = { "/usr/bin/touch", "TOUCHED", "{service}" }, idempotent = true },
  remedies = { "restart the worst" },
}
tend.service "front" { is = "web", targets = { "http://a:1/metrics", "http://b:1/metrics" }, depends = "back" }
tend.service "back" { is = "web", targets = { "http://c:1/metrics" } }
tend.rule "slow" { on = "web", per = "instance", when = "response_time", fire_after = "10s", severity = "page", act = true }
tend.rule "errors" { on = "web", when = function(s) return s.error_rate.out end, fire_after = "5s", severity = "page", act = true }
tend.playbook "restart the worst" { within = "45s", run = function(p)
  for i in p:worst_first() do p:restart(i) p:verify(i) end end }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""

# One service with one metric: the rules leave no choice whose a plain file is.
ONE = """local tend = require "tend"
tend.service "queue" { targets = { "http://a:1/metrics" }, every = "60s",
  metrics = { depth = { tend.gauge "queue_depth", bad = "above", expect = 10, out_at = 100 } } }
tend.rule "deep" { on = "queue", when = "depth", fire_after = "2m", clear_after = "1m", severity = "page" }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


class Simulated(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-simulate-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        self.rules = self.path / "rules"
        self.rules.mkdir()
        self.touched = self.path / "touched"
        (self.rules / "rules.lua").write_text(RULES.replace("TOUCHED", str(self.touched)))

    def put(self, name, text):
        path = self.path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def simulate(self, *options, rules=None):
        return subprocess.run([TEND, "simulate", str(rules or self.rules), *map(str, options)], capture_output=True,
                              text=True, errors="replace", timeout=120, check=False)

    def report(self, *options, rules=None, status=0):
        done = self.simulate(*options, "--json", rules=rules)
        self.assertEqual(done.returncode, status, done.stdout[-2000:] + done.stderr)
        return json.loads(done.stdout)

    def refused(self, message, *options, rules=None):
        done = self.simulate(*options, rules=rules)
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stdout[-500:])
        self.assertIn(message, done.stderr)


def seconds(at_ms):
    """Whole seconds since the beginning of the files here."""
    return at_ms // 1000 - BEGUN


def slow_between(first, last, rows=120):
    """A row each 5 s; back, and front with it, is slow in the rows first…last-1."""
    lines = ["time,front/a:response_time,front/b:response_time,back:response_time,back:error_rate"]
    for row in range(rows):
        slow = first <= row < last
        lines.append(f"{BEGUN + 5 * row},{0.5 if slow else 0.09},{0.4 if slow else 0.08},{0.9 if slow else 0.05},0")
    return "\n".join(lines) + "\n"


class Csv(Simulated):
    def test_a_fault_in_a_csv_file_raises_the_alert_at_the_second_at_which_it_would_have(self):
        report = self.report("--csv", self.put("f.csv", slow_between(60, 90)))
        alerts = report["alerts"]
        self.assertEqual(sorted((a["rule"], a["instance"]) for a in alerts),
                         [("slow", "back/1"), ("slow", "front/a"), ("slow", "front/b")])
        # Row 60 is at 300 s; the rule wants 10 s of it. Row 90, at 450 s, is in line again, and nothing is waited for.
        self.assertEqual({seconds(a["fired_ms"]) for a in alerts}, {310})
        self.assertEqual({seconds(a["resolved_ms"]) for a in alerts}, {450})
        back = next(a for a in alerts if a["service"] == "back")
        self.assertEqual((back["P"], back["E"], back["alpha"]), (0.9, 0.1, 1))
        self.assertAlmostEqual(back["F"], 8.0)
        self.assertEqual(len(report["incidents"]), 1)
        self.assertEqual(report["incidents"][0]["culprits"][0]["service"], "back")
        self.assertTrue(report["incidents"][0]["culprits"][0]["reasons"])

    def test_what_a_playbook_would_do_is_told_and_not_done(self):
        report = self.report("--csv", self.put("f.csv", slow_between(60, 90)))
        runs = report["incidents"][0]["runs"]
        self.assertEqual([(r["playbook"], r["service"], r["dry"], r["outcome"]) for r in runs],
                         [("restart the worst", "back", True, "dry")])
        self.assertIn("would restart back/1", [step["text"] for step in runs[0]["steps"]])
        self.assertEqual((report["sums"]["acts"], report["sums"]["would_act"]), (0, 1))
        self.assertFalse(self.touched.exists())

    def test_a_fault_just_shorter_than_fire_after_is_no_alert(self):
        report = self.report("--csv", self.put("f.csv", slow_between(60, 62)))  # seen at 300 s and 305 s
        self.assertEqual((report["alerts"], report["incidents"]), ([], []))

    def test_labels_of_real_incidents_are_found_missed_or_nobodys(self):
        labels = self.put("incidents.csv", "from,to,what,service\n"
                          "2026-03-02T10:05:00Z,2026-03-02T10:07:30Z,back was slow,back\n"
                          f"{BEGUN + 520},{BEGUN + 540},nobody saw it,\n")
        text = slow_between(60, 90)
        head, rows = text.split("\n", 1)
        rows = rows.splitlines()
        for row in range(10, 20):  # at 50 s to 95 s: front alone, which nobody calls an incident
            rows[row] = f"{BEGUN + 5 * row},0.5,0.4,0.05,0"
        report = self.report("--csv", self.put("f.csv", "\n".join([head, *rows])), "--incidents", labels)
        self.assertEqual([(l["found"], l["delay_s"]) for l in report["labels"]], [(True, 10.005), (False, None)])
        sums = report["sums"]
        self.assertEqual((sums["found"], sums["missed"], sums["false_alarms"]), (1, 1, 1))
        self.assertEqual(sums["delay_median_s"], 10.005)  # the tick is 5 ms after the samples
        self.assertEqual([i["label"] for i in report["incidents"]], [None, 0])

    def test_the_report_has_all_that_its_schema_promises(self):
        report = self.report("--csv", self.put("f.csv", slow_between(60, 90)))
        self.assertEqual(set(report), {"title", "source", "tend", "generation", "from_ms", "until_ms", "services",
                                       "metrics", "alerts", "incidents", "pages", "labels", "learned", "missing", "rules_off",
                                       "sums", "expectations", "what_if"})
        self.assertEqual(report["source"], {"kind": "csv", "text": str(self.path / "f.csv")})
        self.assertEqual(report["from_ms"], BEGUN * 1000)
        self.assertEqual(sorted((s["name"], s["instances"], s["depends"]) for s in report["services"]),
                         [("back", 1, []), ("front", 2, ["back"])])
        self.assertEqual(set(report["sums"]), {"samples", "ticks", "alerts", "incidents", "recovered", "acts",
                                               "would_act", "refusals", "false_alarms", "found", "missed",
                                               "delay_median_s", "recover_median_s", "cpu_s"})
        self.assertEqual((report["sums"]["samples"], report["sums"]["ticks"]), (480, 120))
        metric = next(m for m in report["metrics"] if (m["instance"], m["metric"]) == ("back/1", "response_time"))
        self.assertEqual((metric["unit"], metric["bad"], metric["alpha"]), ("s", "above", 1))
        self.assertEqual(len(metric["points"]), 120)
        self.assertEqual(metric["points"][60], [(BEGUN + 300) * 1000, 0.9, 0.1, None, 0.2])
        self.assertEqual({p["notify"] for p in report["pages"]}, {"log"})
        self.assertEqual(report["missing"], ["front:error_rate never had a value: no series http_requests_total{code=~\"5..\"}, "
                                             "or none of http_requests_total"])

    def test_a_long_file_is_thinned_and_no_peak_is_lost(self):
        lines = ["time,queue:depth"] + [f"{BEGUN + 60 * i},{500 if i == 4321 else 10}" for i in range(9000)]
        (self.rules / "rules.lua").write_text(ONE)
        report = self.report("--csv", self.put("f.csv", "\n".join(lines)))
        points = next(m for m in report["metrics"] if (m["instance"], m["metric"]) == ("queue/1", "depth"))["points"]
        self.assertLessEqual(len(points), 2000)
        self.assertGreaterEqual(len(points), 1000)
        self.assertEqual([p[0] for p in points if p[1] == 500], [(BEGUN + 60 * 4321) * 1000])

    def test_a_plain_file_is_of_the_only_metric_that_there_is(self):
        (self.rules / "rules.lua").write_text(ONE)
        values = [10] * 10 + [300] * 10 + [10] * 10  # deep from minute 10 on
        rows = [f"2026-03-02 {10 + m // 60}:{m % 60:02}:00,{v}" for m, v in enumerate(values)]
        for head in ([], ["timestamp,value"]):
            report = self.report("--csv", self.put("f.csv", "\r\n".join(head + rows)))
            self.assertEqual([(seconds(a["fired_ms"]), seconds(a["resolved_ms"])) for a in report["alerts"]],
                             [(12 * 60, 21 * 60)])
        self.assertEqual(report["services"][0]["name"], "queue")

    def test_whose_a_plain_file_is_must_be_said_when_the_rules_leave_a_choice(self):
        path = self.put("f.csv", f"{BEGUN},0.1\n{BEGUN + 5},0.1\n")
        self.refused(f"{path}:1: a timestamp and a value, but of what? Say it with --as service:metric; it is one of "
                     "front:error_rate", "--csv", path)
        report = self.report("--csv", path, "--as", "back:response_time")
        self.assertEqual([s["name"] for s in report["services"] if s["instances"]], ["back"])

    def test_times_without_a_zone_are_those_of_the_zone_that_was_named(self):
        (self.rules / "rules.lua").write_text(ONE)
        path = self.put("f.csv", "2026-03-02T11:00:00,1\n2026-03-02T11:01:00,1\n")
        report = self.report("--csv", path, "--zone", "Europe/Berlin")
        self.assertEqual(report["from_ms"], BEGUN * 1000)
        self.refused("there is no time zone \"Europe/Berln\"", "--csv", path, "--zone", "Europe/Berln")

    def test_from_and_to_cut_a_piece_out(self):
        path = self.put("f.csv", slow_between(60, 90))
        report = self.report("--csv", path, "--from", BEGUN + 400, "--to", "2026-03-02T10:07:00Z")
        self.assertEqual((report["from_ms"], report["sums"]["ticks"]), ((BEGUN + 400) * 1000, 5))
        self.assertEqual({seconds(a["fired_ms"]) for a in report["alerts"]}, {410})
        self.refused("there is no sample of a service that the rules watch", "--csv", path, "--from", BEGUN + 9000)

    def test_an_empty_cell_is_no_sample_and_neither_fires_nor_resolves(self):
        rows = slow_between(60, 90).splitlines()
        for row in range(70, 80):
            rows[1 + row] = f"{BEGUN + 5 * row},,,,"
        report = self.report("--csv", self.put("f.csv", "\n".join(rows)))
        self.assertEqual({(seconds(a["fired_ms"]), seconds(a["resolved_ms"])) for a in report["alerts"]}, {(310, 450)})

    def test_a_service_that_is_measured_less_often_may_share_a_file(self):
        rows = [f"{BEGUN + 5 * i},0.05,{0.09 if i % 6 == 0 else ''}" for i in range(100)]
        report = self.report("--csv", self.put("f.csv", "\n".join(["time,back:response_time,front:response_time", *rows])))
        metric = next(m for m in report["metrics"] if (m["instance"], m["metric"]) == ("front/1", "response_time"))
        self.assertEqual([(seconds(p[0]), p[1]) for p in metric["points"]], [(30 * i, 0.09) for i in range(17)])

    def test_torn_foreign_and_garbled_files_are_refused_with_the_line(self):
        good = slow_between(60, 90)
        lines = good.splitlines()
        for text, message in (
            ("", ":1: the file is empty"),
            ("just one thing\n", ":1: a single column"),
            ("a,b,c\n1,2,3\n", ":1: column 2 \"b\": it is no service:metric"),
            ("time,back:response_time,back:response_time\n", ":1: column 3 \"back:response_time\": an earlier column"),
            (f"{BEGUN},1,2\n", ":1: the header is missing"),
            (good[:-9], ":121: 3 fields, where the first line has 5; the file may be torn"),
            ("\n".join(lines[:5] + [lines[5] + ",7"] + lines[6:]), ":6: 6 fields, where the first line has 5"),
            (good.replace("0.08", "x.08", 1), ':2: column 3 (front:response_time): "x.08" is no value'),
            (good.replace(lines[3], lines[2]), ":4: \"1772445605\" is not later than the time of the row before"),
            (good.replace(str(BEGUN + 10), "yesterday"), ':4: "yesterday" is no time'),
            (good.replace("0.9,0\n", "\"0.9,0\n", 1), ": field 4: its quote is not closed"),
            (b"\x7fELF\x02\x01\x01\x00\x00\x00", ":1: a NUL byte"),
            (b"time,back/\xff:response_time\n1,2\n", ": it is no valid UTF-8"),
            (b"time,back:response_time\n1772445600,0.1\n17724\x00\x00\x00", ":3: "),
            ((ROOT / "README.md").read_text(), ":1: "),
        ):
            with self.subTest(message=message):
                path = self.put("f.csv", text)
                done = self.simulate("--csv", path)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertRegex(done.stderr, r"^tend simulate: .*f\.csv:\d+: ")
                self.assertIn(message, done.stderr)

    def test_a_file_that_is_not_there_and_wrong_usage_are_told_apart(self):
        self.refused("No such file", "--csv", self.path / "none.csv")
        for options in ([], ["--csv", "a", "--scenario", "b"], ["--csv", "a", "--what-if"], ["--scenario", "a", "--as", "b:c"]):
            done = self.simulate(*options)
            self.assertEqual(done.returncode, 2, options)
            self.assertIn("usage: tend simulate", done.stderr)
        self.assertEqual(self.simulate("--help").returncode, 0)

    def test_labels_that_are_none_are_refused_with_the_line(self):
        path = self.put("f.csv", slow_between(60, 90))
        for text, message in (("when,what\n", ":1: the first line must be from,to,what"),
                              ("from,to,what\n1,2,x\n5,x,y\n", ":3: \"x\" is no time"),
                              ("from,to,what\n9,2,x\n", ":2: it ends before it begins"),
                              ("from,to,what\n1,2\n", ":2: 2 fields, where the first line has 3"), ("", ":1: the file is empty")):
            self.refused(message, "--csv", path, "--incidents", self.put("incidents.csv", text))

    def test_a_column_that_the_rules_do_not_know_is_named(self):
        report = self.report("--csv", self.put("f.csv", f"time,back:latency,other:load,back:response_time\n{BEGUN},1,2,0.1\n"))
        self.assertIn("back:latency is in the source, but the rules have no such metric", report["missing"])
        self.assertIn("other is in the source, but the rules watch no such service", report["missing"])
        self.assertIn("front: the source has no instance of it", report["missing"])

    def test_a_rule_that_raises_is_trouble_and_is_told(self):
        rules = RULES.replace("return s.error_rate.out", "return s.nothing.out").replace("TOUCHED", str(self.touched))
        (self.rules / "rules.lua").write_text(rules)
        report = self.report("--csv", self.put("f.csv", slow_between(60, 90)), status=1)
        self.assertEqual({r["rule"] for r in report["rules_off"]}, {"errors"})

    def test_a_terminal_gets_a_bar_that_is_gone_at_the_end(self):
        (self.rules / "rules.lua").write_text(ONE)
        path = self.put("f.csv", "\n".join(["time,queue:depth"] + [f"{BEGUN + i},10" for i in range(150000)]))
        terminal, end = pty.openpty()
        with subprocess.Popen([TEND, "simulate", str(self.rules), "--csv", str(path)], stdout=subprocess.DEVNULL,
                              stderr=end) as process:
            os.close(end)
            shown = b""
            while True:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:  # the other end is closed
                    break
                if not piece:
                    break
                shown += piece
            os.close(terminal)
            self.assertEqual(process.wait(60), 0, shown)
        self.assertRegex(shown, rb"simulating \[[^\]]*\] +\d+ %  2026-03-0\d \d\d:\d\d:\d\dZ")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-80:])

    def test_people_get_a_text_and_a_page(self):
        page = self.path / "report.html"
        done = self.simulate("--csv", self.put("f.csv", slow_between(60, 90)), "--html", page)
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in ("3 alerts\n", "    at fault: back (confidence 0.94)\n", "would restart back/1\n",
                     "3 alerts, 1 incidents (0 recovered), ", "2026-03-02 10:05:10Z  2 m 20 s  page      slow  "):
            self.assertIn(line, done.stdout)
        self.assertIn("<svg", page.read_text())


class Scenario(Simulated):
    SHOP = ROOT / "examples" / "shop"

    def test_a_scenario_by_a_part_of_its_name_gives_the_same_report(self):
        report = self.report("--env", "demo", "--scenario", "hung ledger", rules=self.SHOP)
        self.assertEqual(report["source"]["kind"], "scenario")
        incident = report["incidents"][0]
        self.assertEqual((incident["outcome"], incident["culprits"][0]["service"]), ("recovered", "ledger"))
        self.assertEqual([s["text"] for r in incident["runs"] for s in r["steps"] if s["verb"] == "restart"],
                         ["restart ledger/1"])
        self.assertEqual([e["held"] for e in report["expectations"]], [True])
        self.assertEqual(report["sums"]["acts"], 1)
        self.assertTrue(any(point[1] == 0 for m in report["metrics"] if m["instance"] == "ledger/1" and m["metric"] == "up"
                            for point in m["points"]))

    def test_an_expectation_that_does_not_hold_is_trouble(self):
        path = self.put("wrong_test.lua", """local test = require "tend.test"
test.scenario "wrong" { world = { front = 2 }, faults = { { at = "1m", on = "back", kind = "crash" } },
  check = function(run) assert(run.culprit == "front", "not " .. run.culprit) end }
""")
        report = self.report("--scenario", path, status=1)
        self.assertEqual([(e["held"], e["text"]) for e in report["expectations"]], [(False, "wrong_test.lua:3: not back")])

    def test_a_name_that_no_scenario_has_is_answered_with_those_that_there_are(self):
        done = self.simulate("--env", "demo", "--scenario", "no such thing", rules=self.SHOP)
        self.assertEqual(done.returncode, 1)
        self.assertIn("  a hung ledger is cured, and its victims are left alone\n", done.stderr)

    def test_a_page_can_be_written_though_nothing_else_can(self):
        page = self.path / "report.html"
        done = self.simulate("--env", "demo", "--scenario", "hung ledger", "--html", page, rules=self.SHOP)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("<svg", page.read_text())


@unittest.skipUnless(pathlib.Path(shop.SHOP).exists(), "the demo shop is not built")
class Recording(unittest.TestCase):
    def test_rules_run_over_what_a_live_tend_recorded(self):
        with shop.Shop() as run, shop.Tend(run.rules(), run.directory / "state") as tend:
            tend.wait_warm(len(run.INSTANCES))
            hurt_ms = time.time() * 1000
            run.hurt("ledger", 0, "slow")
            shop.wait_for("the alert of ledger fires", lambda: [
                a for s in tend.json("status")["services"] if s["name"] == "ledger" for a in s["alerts"]
                if (a["rule"], a["state"]) == ("slow", "firing")], 60)
            tend.stop()
            recording = run.directory / "state" / "recording"
            done = subprocess.run([TEND, "simulate", str(run.rules("same")), "--env", "demo", "--recording", str(recording),
                                   "--json"], capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
            report = json.loads(done.stdout)
            slow = [a for a in report["alerts"] if (a["rule"], a["instance"]) == ("slow", run.instance("ledger"))]
            self.assertEqual(len(slow), 1, report["alerts"])
            self.assertGreater(slow[0]["fired_ms"], hurt_ms)
            self.assertIn(slow[0]["incident"], [i["id"] for i in report["incidents"] if "ledger" in i["services"]])
            # Rules that select what was never recorded: it is named.
            other = run.rules("other", lambda text: text.replace('tend.gauge "process_resident_memory_bytes"',
                                                                 'tend.gauge "process_virtual_memory_bytes"'))
            done = subprocess.run([TEND, "simulate", str(other), "--env", "demo", "--recording", str(recording), "--json"],
                                  capture_output=True, text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            missing = json.loads(done.stdout)["missing"]
            self.assertIn("ledger:memory never had a value: no series process_virtual_memory_bytes", missing)
            self.assertIn("ledger: memory: process_virtual_memory_bytes was not selected when it was recorded", missing)

    def test_what_is_no_recording_is_refused(self):
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "rules.lua").write_text(ONE)
            foreign = pathlib.Path(directory) / "foreign"
            foreign.write_text("no recording\n" * 100)
            for path, message in ((foreign, str(foreign)), (pathlib.Path(directory) / "none", "No such file")):
                done = subprocess.run([TEND, "simulate", directory, "--recording", str(path)], capture_output=True,
                                      text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn(message, done.stderr)


class Api:
    """A server that speaks Prometheus' query API over one queue: deep from minute 10 to minute 20, scraped once a minute."""

    def __init__(self, longest_ms=None, token=None, body=None):
        self.ranges_ms, self.refused = [], 0
        self.longest_ms, self.token, self.body = longest_ms, token, body
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                status, body = api.answer(form, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, form, authorization):
        if self.token is not None and authorization != f"Bearer {self.token}":
            return 401, b"who are you?"
        if self.body is not None:
            return 200, self.body
        query = re.fullmatch(r'\{__name__="(\w+)",job=~"queue"\}\[(\d+)ms\]', form["query"][0])
        if query is None:
            return 400, json.dumps({"status": "error", "errorType": "bad_data", "error": form["query"][0]}).encode()
        range_ms, end_ms = int(query[2]), round(float(form["time"][0]) * 1000)
        if self.longest_ms is not None and range_ms > self.longest_ms:
            self.refused += 1
            return 422, json.dumps({"status": "error", "errorType": "execution", "error":
                                    "query processing would load too many samples into memory in query execution"}).encode()
        self.ranges_ms.append(range_ms)
        value = {"up": lambda m: 1, "queue_depth": lambda m: 300 if 10 <= m < 20 else 10,
                 "scrape_duration_seconds": lambda m: 0.005}.get(query[1])
        samples = [] if value is None else [[BEGUN + 60 * m, str(value(m))] for m in range(30)
                                            if end_ms - range_ms < (BEGUN + 60 * m) * 1000 <= end_ms]
        metric = {"__name__": query[1], "job": "queue", "instance": "a:1"}
        result = [{"metric": metric, "values": samples}] if samples else []
        return 200, json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ServerAnswers(Simulated):
    def setUp(self):
        super().setUp()
        (self.rules / "rules.lua").write_text(ONE)

    def over(self, *options, **api):
        server = Api(**api)
        self.addCleanup(server.close)
        return server, ["--prometheus", server.url, "--from", BEGUN - 30, "--to", BEGUN + 1800, *options]

    def check(self, report):
        self.assertEqual([(seconds(a["fired_ms"]), seconds(a["resolved_ms"])) for a in report["alerts"]],
                         [(12 * 60, 21 * 60)])  # two minutes after minute 10, one after minute 20
        self.assertEqual(report["sums"]["samples"], 30)

    def test_raw_samples_are_the_scrapes(self):
        server, options = self.over()
        self.check(self.report(*options))
        self.assertEqual(server.refused, 0)

    def test_what_a_server_finds_too_large_is_asked_for_in_halves(self):
        server, options = self.over(longest_ms=100000)
        self.check(self.report(*options))
        self.assertGreater(server.refused, 0)
        self.assertLessEqual(max(server.ranges_ms), 100000)

    def test_a_server_that_never_finds_it_small_enough_is_quoted(self):
        _server, options = self.over(longest_ms=10)
        self.refused("query processing would load too many samples into memory", *options)

    def test_a_token_is_shown_and_its_refusal_is_quoted(self):
        token = self.put("token", "let-me-in\n")
        token.chmod(0o600)
        _server, options = self.over("--token-file", token, token="let-me-in")
        self.check(self.report(*options))
        _server, options = self.over(token="let-me-in")
        self.refused("HTTP status 401: who are you?", *options)
        token.chmod(0o644)
        _server, options = self.over("--token-file", token, token="let-me-in")
        self.refused("token", *options)

    def test_an_answer_that_is_none_is_refused(self):
        for body, message in ((b"<html>", "its answer is no JSON"), (b"{}", "HTTP status 200"),
                              (b'{"status":"success","data":{"resultType":"vector","result":[]}}', "is no matrix"),
                              (b'{"status":"success"}', "has no data"),
                              (b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"queue"},'
                               b'"values":[["x","y"]]}]}}', "is no [time, \"value\"]")):
            _server, options = self.over(body=body)
            self.refused(message, *options)

    def test_a_window_that_is_shorter_than_two_scrapes_is_told(self):
        (self.rules / "rules.lua").write_text(ONE.replace('every = "60s"', 'every = "5s", window = "15s"'))
        _server, options = self.over()
        self.assertIn("queue: it was scraped every 1m, and the rules look back 15s: a rate needs two scrapes",
                      self.report(*options)["missing"])


@unittest.skipUnless(pathlib.Path(shop.SHOP).exists(), "the demo shop is not built")
class Servers(unittest.TestCase):
    """A shop whose ledger is slow for a while, scraped by a real server; then the same rules over what that kept."""

    def prometheus(self, run):
        return metric_server.prometheus(self, run.directory, metric_server.shop_targets(run))

    def victoria_metrics(self, run, *options):
        return metric_server.victoria_metrics(self, run.directory, metric_server.shop_targets(run), *options)

    def fill(self, start):
        """Scrapes a shop, breaks its ledger while that goes on, and calls look(server, run, from_s, until_s)."""
        run = shop.Shop()
        self.addCleanup(run.__exit__)
        run.__enter__()
        server = start(run)
        shop.wait_for("the server has 8 scrapes of each target",
                      lambda: len(server.scrapes(time.time())) >= 8 * len(run.INSTANCES), 60)
        hurt_s = time.time()
        run.hurt("ledger", 0, "slow")
        shop.wait_for("12 s of the fault were scraped",
                      lambda: max(server.scrapes(time.time()), default=0) > hurt_s + 12, 60)
        run.kill("stock:1")
        shop.wait_for("5 s of a dead instance were scraped",
                      lambda: max(server.scrapes(time.time()), default=0) > hurt_s + 17, 60)
        return run, server, hurt_s, time.time()

    def simulate(self, run, server, *options):
        rules = run.directory / "simulated"
        if not rules.exists():
            run.rules("simulated")
        done = subprocess.run([TEND, "simulate", str(rules), "--env", "demo", "--prometheus", server.url, "--json",
                               *map(str, options)], capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
        return json.loads(done.stdout)

    def check(self, run, server, hurt_s, until_s):
        report = self.simulate(run, server, "--from", f"{hurt_s - 60:.0f}", "--to", f"{until_s:.3f}")
        self.assertEqual(sorted((s["name"], s["instances"]) for s in report["services"]),
                         [("checkout", 1), ("gateway", 1), ("ledger", 1), ("payments", 2), ("stock", 2)])
        slow = [a for a in report["alerts"] if (a["rule"], a["service"]) == ("slow", "ledger")]
        self.assertTrue(slow, report["alerts"])
        self.assertGreater(slow[0]["fired_ms"], hurt_s * 1000 + 1000)  # fire_after is a second
        self.assertLess(slow[0]["fired_ms"], (hurt_s + 12) * 1000)
        self.assertEqual(slow[0]["instance"], run.instance("ledger"))
        incident = next(i for i in report["incidents"] if i["id"] == slow[0]["incident"])
        self.assertIn("ledger", [c["service"] for c in incident["culprits"]])
        down = [a for a in report["alerts"] if (a["rule"], a["instance"]) == ("down", run.instance("stock", 1))]
        self.assertEqual(len(down), 1, report["alerts"])
        self.assertGreater(down[0]["fired_ms"], (hurt_s + 12) * 1000)
        self.assertIn(f"would restart {run.instance('ledger')}",
                      [s["text"] for i in report["incidents"] for r in i["runs"] for s in r["steps"]])
        self.assertGreater(report["sums"]["samples"], 1000)
        # Every scrape that the server has is one of the report's, at its own time.
        kept = {round(at_s * 1000) for at_s in server.scrapes(until_s)}
        told = {p[0] for m in report["metrics"] if m["metric"] == "up" and m["instance"] for p in m["points"]}
        self.assertTrue(kept & told)
        self.assertLess(len(kept - told), 0.1 * len(kept))
        return report

    def check_steps(self, run, server, hurt_s, until_s):
        """The same over query_range: one scrape a step."""
        report = self.simulate(run, server, "--from", f"{hurt_s - 60:.0f}", "--to", f"{until_s:.3f}", "--step", "1s")
        self.assertIn(("slow", "ledger"), {(a["rule"], a["service"]) for a in report["alerts"]})
        times = {p[0] for m in report["metrics"] if m["metric"] == "up" and m["instance"] for p in m["points"]}
        self.assertEqual({at_ms % 1000 for at_ms in times}, {0})

    def test_the_alert_is_found_in_what_a_real_prometheus_kept(self):
        run, server, hurt_s, until_s = self.fill(self.prometheus)
        self.check(run, server, hurt_s, until_s)
        self.check_steps(run, server, hurt_s, until_s)
        # Another label for the service: nothing has it, and that is said.
        done = subprocess.run([TEND, "simulate", str(run.directory / "simulated"), "--env", "demo", "--prometheus",
                               server.url, "--service-label", "app"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no sample of a service that the rules watch", done.stderr)

    def test_the_alert_is_found_in_what_a_real_victoria_metrics_kept(self):
        run, server, hurt_s, until_s = self.fill(self.victoria_metrics)
        self.check(run, server, hurt_s, until_s)
        # Its query_range hides the last half minute, but not when it is told so at its start.
        server.stop()
        again = self.victoria_metrics(run, "-search.latencyOffset=1ms")
        self.check_steps(run, again, hurt_s, until_s)

    def test_a_server_that_is_not_there_is_told_in_words(self):
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "rules.lua").write_text(ONE)
            done = subprocess.run([TEND, "simulate", directory, "--prometheus", f"http://127.0.0.1:{metric_server.free_port()}"],
                                  capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("tend simulate: http://127.0.0.1:", done.stderr)


if __name__ == "__main__":
    unittest.main()
