"""`tend tune` and `tend learn` over what others kept: a recording of `tend run`, a real Prometheus, a real VictoriaMetrics."""
import json
import math
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

import metric_server
import shop

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))


def tend(*options):
    return subprocess.run([TEND, *map(str, options)], capture_output=True, text=True, check=False, timeout=120)


class Past(unittest.TestCase):
    def answer(self, *options):
        done = tend(*options, "--json")
        self.assertEqual(0, done.returncode, done.stdout[-2000:] + done.stderr)
        return json.loads(done.stdout)


@unittest.skipUnless(pathlib.Path(shop.SHOP).exists(), "the demo shop is not built")
class Live(Past):
    """One shop, watched by three at once: tend itself, a Prometheus and a VictoriaMetrics. Its ledger is slow twice."""

    def fill(self):
        run = self.enterContext(shop.Shop())
        targets = metric_server.shop_targets(run)
        servers = [metric_server.prometheus(self, run.directory, targets),
                   metric_server.victoria_metrics(self, run.directory, targets)]
        daemon = self.enterContext(shop.Tend(run.rules(), run.directory / "state"))
        daemon.wait_warm(len(run.INSTANCES))
        for server in servers:
            shop.wait_for(f"{server.url} has 8 scrapes of each target",
                          lambda server=server: len(server.scrapes(time.time())) >= 8 * len(run.INSTANCES), 60)
        begun_s = time.time()
        daemon.cli("pause")  # so that nobody but this test restarts anything

        def scraped_on(seconds):
            """Until all of them have scraped for so much longer."""
            since_s = time.time()
            shop.wait_for(f"{seconds} s more were scraped", lambda: min(
                max(server.scrapes(time.time()), default=0) for server in servers) > since_s + seconds, 30)

        for _ in range(2):
            run.hurt("ledger", 0, "slow")
            shop.wait_for("the alert of ledger fires", lambda: self.fires(daemon), 30)
            scraped_on(4)
            run.ctl("restart", "ledger", run.port("ledger"))
            shop.wait_for("all alerts resolved", lambda: not self.firing(daemon), 30)
            scraped_on(8)
        until_s = time.time()
        scraped_on(1)
        daemon.stop()
        span = ("--from", f"{begun_s:.3f}", "--to", f"{until_s:.3f}")
        sources = [("--recording", daemon.state / "recording"), *(("--prometheus", server.url) for server in servers)]
        return run, [[*source, *span] for source in sources]

    @staticmethod
    def firing(daemon):
        return [a for s in daemon.json("status")["services"] for a in s["alerts"] if a["state"] == "firing"]

    def fires(self, daemon):
        return any(a["rule"] == "slow" and a["instance"].startswith("ledger/") for a in self.firing(daemon))

    def test_all_three_tell_the_same(self):
        run, sources = self.fill()
        labels = run.directory / "incidents.csv"
        from_s, to_s = sources[0][3], sources[0][5]
        labels.write_text(f"from,to,what,service\n{from_s},{to_s},the ledger was slow,ledger\n")
        for source in sources:
            with self.subTest(source=source[:2]):
                told = self.answer("tune", run.directory / "rules", "--env", "demo", *source, "--rule", "slow")
                slow = told["rules"][0]
                now = slow["points"][slow["now"]]
                self.assertFalse(slow["unexplained"])
                self.assertEqual(7, slow["alerts"])
                self.assertGreaterEqual(now["alarms"], 2)  # the ledger's, and those of who waits for it
                self.assertEqual(now["alarms"], now["false_alarms"])
                simulated = self.answer("simulate", run.directory / "rules", "--env", "demo", *source)
                self.assertEqual(2, sum((a["rule"], a["service"]) == ("slow", "ledger") for a in simulated["alerts"]))
                self.assertEqual(now["alarms"], sum(a["rule"] == "slow" for a in simulated["alerts"]))
                # With the incident marked none of them is false, and it was found.
                marked = self.answer("tune", run.directory / "rules", "--env", "demo", *source, "--rule", "slow",
                                     "--incidents", labels)["rules"][0]
                self.assertEqual((0, 1), tuple(marked["points"][marked["now"]][key] for key in ("false_alarms", "found")))
        learning = run.rules("learning", lambda text: text.replace('bad = "both" }, -- no expect: evidence only',
                                                                   'bad = "both", alpha = 1, expect = tend.learned {} },'))
        for source in sources:
            with self.subTest(source=source[:2]):
                state = pathlib.Path(tempfile.mkdtemp(dir=run.directory))
                self.assertEqual({"learned": 5, "kept": 0, "state_dir": str(state)},
                                 self.answer("learn", learning, "--env", "demo", *source, "--state", state))
                # The daemon goes on from it.
                with shop.Tend(learning, state) as daemon:
                    samples = {s["name"]: m["learned"]["samples"] for s in daemon.json("status")["services"]
                               for m in s["metrics"] if m["name"] == "traffic"}
                self.assertEqual(5, len(samples))
                self.assertTrue(all(count >= 1 for count in samples.values()), samples)

    def test_what_is_wrong_with_a_past_is_said(self):
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (directory / "rules.lua").write_text(WEEKS.replace("alpha = 0.3", "out_at = 400"))
        for command in ("tune", "learn"):
            more = ["--state", directory / "state"] if command == "learn" else []
            for source, message in ((("--recording", directory / "none"), "No such file"),
                                    (("--recording", directory / "rules.lua"), "is not a recording of tend"),
                                    (("--prometheus", f"http://127.0.0.1:{metric_server.free_port()}"), "127.0.0.1:")):
                done = tend(command, directory, *source, *more)
                self.assertEqual((1, ""), (done.returncode, done.stdout))
                self.assertIn(message, done.stderr)
                self.assertTrue(done.stderr.startswith(f"tend {command}: "), done.stderr)
            for wrong in ((), ("--csv", "a", "--recording", "b"), ("--csv", "a", "--step", "1m"),
                          ("--recording", "a", "--as", "web:load"), ("--s", "1m", "--csv", "a")):  # --step or --service-label?
                done = tend(command, directory, *wrong)
                self.assertEqual((2, ""), (done.returncode, done.stdout), wrong)


WEEKS = """local tend = require "tend"
tend.service "web" { targets = { "http://a:1/metrics" }, every = "60s", window = "60s", zone = "UTC",
  metrics = { load = { tend.gauge "load", bad = "above", expect = tend.learned { season = "1d" }, alpha = 0.3 } } }
tend.rule "busy" { on = "web", when = "load", fire_after = "3m", severity = "ticket" }
tend.notify "log" { on = "*", severity = "ticket", to = { require "tend.notify.log" {} } }
"""
BEGUN = 1735689600  # 2025-01-01, a Wednesday
DAY = 1440  # minutes
DAYS = 6


def load(minute):
    """50 at midnight, 150 at noon; on the last day 110 from 3:00 to 3:30, which would be little at noon."""
    if (DAYS - 1) * DAY + 180 <= minute < (DAYS - 1) * DAY + 210:
        return 110
    return 100 - 50 * math.cos(2 * math.pi * minute / DAY) + minute % 7


class Weeks(Past):
    """Six days that were put into servers as their past."""

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-weeks-")))
        self.rules = self.directory / "rules"
        self.rules.mkdir()
        (self.rules / "rules.lua").write_text(WEEKS)

    def check(self, *source):
        state = self.directory / "state"
        span = ("--from", BEGUN, "--to", BEGUN + 60 * (DAYS - 1) * DAY)
        learned = self.answer("learn", self.rules, *source, *span, "--state", state)
        self.assertEqual((1, 0), (learned["learned"], learned["kept"]))
        last = ("--from", BEGUN + 60 * (DAYS - 1) * DAY, "--to", BEGUN + 60 * DAYS * DAY)
        fault = BEGUN + 60 * ((DAYS - 1) * DAY + 180)
        known = self.answer("simulate", self.rules, *source, *last, "--baselines", state / "baselines")
        self.assertEqual([fault + 180], [a["fired_ms"] // 1000 for a in known["alerts"]])
        self.assertEqual([], self.answer("simulate", self.rules, *source, *last)["alerts"])
        whole = ("--from", BEGUN, "--to", BEGUN + 60 * DAYS * DAY)
        for more, learned_first in ((last, ("--baselines", state / "baselines")), (whole, ())):
            rule = self.answer("tune", self.rules, *source, *more, *learned_first, "--budget", "0 a week")["rules"][0]
            now = rule["points"][rule["now"]]
            self.assertEqual((1, "change"), (now["alarms"], rule["advice"]))
            self.assertEqual(0, rule["confirmed"]["alarms"])

    def exposition(self, ms):
        times = [BEGUN + 60 * minute for minute in range(DAYS * DAY)]
        factor = 1000 if ms else 1
        for name, value in (("load", load), ("up", lambda _: 1)):
            yield f"# TYPE {name} gauge\n"
            for minute, at in enumerate(times):
                yield f'{name}{{job="web",instance="a:1"}} {value(minute):.6g} {at * factor}\n'

    def test_in_a_csv_file(self):
        path = self.directory / "past.csv"
        path.write_text("time,web:load\n" + "".join(f"{BEGUN + 60 * m},{load(m):.6g}\n" for m in range(DAYS * DAY)))
        self.check("--csv", path)

    def test_in_a_prometheus(self):
        if shutil.which("promtool") is None:
            self.skipTest("the package prometheus is not installed")
        text = self.directory / "past.om"
        text.write_text("".join(self.exposition(False)) + "# EOF\n")
        data = self.directory / "prometheus" / "data"
        data.mkdir(parents=True)
        done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", text, data], capture_output=True,
                              text=True, check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.check("--prometheus", metric_server.prometheus(self, self.directory, {}).url)

    def test_in_a_victoria_metrics(self):
        server = metric_server.victoria_metrics(self, self.directory, {})
        body = "".join(self.exposition(True)).encode()
        with urllib.request.urlopen(f"{server.url}/api/v1/import/prometheus", data=body, timeout=30) as answer:
            self.assertEqual(204, answer.status)

        def kept():
            """Samples of (BEGUN, end]: all but the first."""
            answer = server.get("/api/v1/query", query=f"load[{DAYS}d]", time=BEGUN + 60 * DAYS * DAY, nocache=1)
            return sum(len(series["values"]) for series in answer["data"]["result"])

        shop.wait_for("all is imported", lambda: kept() == DAYS * DAY - 1, 60)
        self.check("--prometheus", server.url)


if __name__ == "__main__":
    unittest.main()
