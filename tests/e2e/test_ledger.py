"""Marks and the report of what alarms were worth: a real daemon on the shop, an incident marked, a restart, the report
while it runs and while it does not, and its page in a real browser."""
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from shop import ShopTest, wait_for  # noqa: E402
from test_report_page import BROWSER, QUIET, Tree, asked_for  # noqa: E402

BAIT = '<img src="http://elsewhere.test/x.png"><script>document.title = "ran"</script>'


def rule_of(report, name):
    return next(rule for rule in report["rules"] if rule["name"] == name)


class Ledger(ShopTest):
    def test_an_incident_is_marked_and_reported_over_a_restart(self):
        tend = self.run_tend()
        self.shop.hurt("ledger", 0, "hang")
        incident = tend.wait_ended(60)["id"]

        refused = tend.command("mark", "i999999", "real")
        self.assertEqual(1, refused.returncode)
        self.assertIn('there is no incident "i999999"', refused.stderr)
        self.assertEqual(2, tend.command("mark", incident, "maybe").returncode)
        self.assertEqual(2, tend.command("mark", incident).returncode)

        self.assertIn("is marked false", tend.cli("mark", incident, "false", "--why", "a first look"))
        self.assertIn("is marked real", tend.cli("mark", incident, "real", "--why", BAIT))
        row = wait_for("the list shows the newest mark",
                       lambda: next((i for i in tend.incidents() if i["id"] == incident and i["mark"]), None), 10)
        self.assertEqual(("real", BAIT), (row["mark"]["mark"], row["mark"]["why"]))
        self.assertIn("marked real by ", tend.cli("explain", incident))
        self.assertRegex(tend.cli("incidents"), rf"(?m)^{incident} .* real ")

        running = tend.json("report", "--since", "1h")
        self.assert_report(running, incident)
        self.assertEqual(0, tend.stop())
        stopped = tend.json("report", "--since", "1h")
        self.assert_report(stopped, incident)
        self.assertEqual(running["rules"], stopped["rules"], "it is all in the journal")

        tend.start()
        self.assertEqual(0, tend.command("mark", incident, "none").returncode)
        taken_back = wait_for("the mark is taken back", lambda: next(
            (i for i in tend.json("report")["incidents"] if i["id"] == incident and i["mark"] is None), None), 10)
        self.assertIsNone(taken_back["why"])
        tend.cli("mark", incident, "real", "--why", BAIT)
        self.assert_page(tend, incident)
        self.assert_replays(tend)

    def assert_report(self, report, incident):
        row = next(i for i in report["incidents"] if i["id"] == incident)
        self.assertEqual(("real", "recovered", ["ledger"]), (row["mark"], row["outcome"], row["culprits"]))
        self.assertGreater(row["took_s"], 1)
        self.assertEqual(1, report["sums"]["real"])
        self.assertEqual(0, report["sums"]["false"])
        for name in row["rules"]:
            rule = rule_of(report, name)
            self.assertEqual(1, rule["precision"], name)
            self.assertLess(rule["precision_low"], 0.3, "one marked alarm is no proof")
            self.assertIsNone(rule["per_week"], "the journal covers minutes")
        down = rule_of(report, "down")
        self.assertGreaterEqual(down["runs"], 1)
        self.assertEqual(1, down["cured"])
        self.assertGreaterEqual(down["acts"], 1)
        self.assertGreater(down["recovered_s"]["median"], down["began_to_fired_s"]["median"])
        self.assertGreaterEqual(down["onset_to_fired_s"]["median"], down["began_to_fired_s"]["median"])
        only = next(service for service in report["services"] if service["name"] == "ledger")
        self.assertGreaterEqual(only["alarms"], 1)

    def assert_page(self, tend, incident):
        page = self.shop.directory / "report.html"
        self.assertIn("report.html", tend.cli("report", "--html", page))
        self.assertEqual(1, tend.command("report", "--html", self.shop.directory / "no/such/place.html").returncode)
        text = page.read_text()
        self.assertNotIn(BAIT, text)
        self.assertIn(incident, text)
        if BROWSER is None:
            self.skipTest("no chromium here (Debian package chromium)")
        net_log = self.shop.directory / "net-log.json"
        done = subprocess.run([BROWSER, *QUIET, f"--user-data-dir={self.shop.directory / 'profile'}",
                               f"--log-net-log={net_log}", "--dump-dom", page.as_uri()],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual([], [line for line in done.stderr.splitlines() if "CONSOLE" in line])
        self.assertEqual([], asked_for(net_log))
        dom = Tree(done.stdout).root
        self.assertEqual(["tend report"], [title.text for title in dom.all("title")])
        self.assertEqual([], dom.all("script") + dom.all("img"))
        cells = [cell.text for cell in dom.all("td")]
        self.assertIn("down", cells)
        self.assertIn("recovered", cells)
        self.assertEqual(["real"], [badge.text for badge in dom.all("span", "badge") if "good" in badge.classes()])
        self.assertEqual([BAIT], [detail.text for detail in dom.all("span", "detail") if "img" in detail.text])

    def assert_replays(self, tend):
        self.assertEqual(0, tend.stop())
        done = tend.command("replay", "--all", "--json")
        self.assertEqual(0, done.returncode, done.stderr[-2000:])
        self.assertTrue(json.loads(done.stdout)["exact"])

    def test_wrong_usage_is_told(self):
        tend = self.run_tend(armed=False)
        for wrong in (["--since", "30"], ["--since", "yesterday"], ["extra"], ["--rule"], ["--nothing"]):
            done = tend.command("report", *wrong)
            self.assertEqual(2, done.returncode, wrong)
        self.assertIn('write "30s"', tend.command("report", "--since", "30").stderr)
        self.assertIn("0 incidents", tend.cli("report", "--since", "2026-03-02"))
        nowhere = subprocess.run([*tend.command("report").args[:2], "--state", self.shop.directory / "nothing"],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(1, nowhere.returncode)


if __name__ == "__main__":
    unittest.main()
