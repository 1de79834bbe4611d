"""The daemon and its operators: start and end, reload, pause, arm, and what is served on --listen."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import TEND, ShopTest, Shop, Tend, culprits, wait_for  # noqa: E402

COUNT = len(Shop.INSTANCES)


def tend_run(rules, state):
    """`tend run` that is expected to end by itself."""
    return subprocess.run([TEND, "run", rules, "--env", "demo", "--state", state], capture_output=True, text=True,
                          check=False, timeout=20)


def write_rules(tend, change):
    """Changes the rules that a running tend has loaded, on disk only."""
    path = tend.rules / "shop.lua"
    text = path.read_text()
    changed = change(text)
    assert changed != text
    path.write_text(changed)


class StartAndEnd(ShopTest):
    def test_it_refuses_rules_that_are_wrong_and_says_where(self):
        rules = self.shop.rules(change=lambda text: text.replace('every = "1s"', 'every = "1"'))
        line = 1 + (rules / "shop.lua").read_text().split('every = "1"')[0].count("\n")
        done = tend_run(rules, self.shop.directory / "state")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, rf'(?m)^shop.lua:{line}: .*"1s"')

    def test_a_second_one_on_the_same_state_refuses(self):
        tend = self.run_tend()
        done = tend_run(tend.rules, tend.state)
        self.assertEqual(1, done.returncode)
        self.assertIn(str(tend.state), done.stderr)
        self.assertEqual(COUNT, tend.json("status")["targets"]["up"], "the first goes on")

    def test_status_is_of_now_also_when_nothing_is_scraped(self):
        rules = self.shop.directory / "idle"
        rules.mkdir()
        (rules / "a.lua").write_text('require "tend".service "a" { targets = { "127.0.0.1:1" }, every = "1h" }\n')
        tend = self.enterContext(Tend(rules, self.shop.directory / "state", env=None))
        wait_for("status tells more than a second", lambda: tend.json("status")["up_s"] > 1, 5)

    def test_it_ends_well_while_questions_wait_for_the_evaluator(self):
        # In a sanitized build an exit status of 0 says that nothing leaked.
        rules = self.shop.directory / "down"
        rules.mkdir()
        (rules / "a.lua").write_text("""
            local tend = require "tend"
            for i = 1, 60 do tend.service("s" .. i) { targets = { "127.0.0.1:1" }, every = "1s" } end
            tend.rule "down" { on = "*", when = "up", fire_after = "1s", severity = "page" }
            tend.notify "on call" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
            """)
        tend = self.enterContext(Tend(rules, self.shop.directory / "state", env=None))
        wait_for("an incident", tend.incidents, 10, pause=0.02)
        self.assertEqual(0, tend.stop())

    def test_it_ends_at_sigterm_and_what_operators_said_holds_at_the_next_start(self):
        tend = self.run_tend()
        begun = time.monotonic()
        self.assertEqual(0, tend.stop())
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(1, tend.command("status").returncode)
        tend.start()
        self.assertEqual([True], [p["armed"] for p in tend.json("status")["playbooks"]])

    def test_metrics_health_and_readiness_are_served_and_nothing_else(self):
        tend = self.run_tend()
        self.assertEqual(200, tend.get("/-/healthy")[0])
        self.assertEqual(200, tend.get("/-/ready")[0])
        self.assertEqual(404, tend.get("/v1/status")[0])
        metrics = tend.metrics()
        self.assertEqual(COUNT, metrics["tend_targets_up"])
        self.assertEqual(0, metrics["tend_scrapes_missed_total"])
        self.assertEqual(1, metrics["tend_journal_ok"])


class Reload(ShopTest):
    def test_bad_rules_change_nothing_and_good_ones_are_taken(self):
        tend = self.run_tend()
        first = tend.json("status")["generation"]
        good = (tend.rules / "shop.lua").read_text()

        write_rules(tend, lambda text: text.replace('depends = { "ledger" }', 'depends = { "legder" }'))
        done = tend.command("reload")
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r'shop.lua:\d+: .*"legder".*"ledger"')
        self.assertEqual(first, tend.json("status")["generation"])
        self.assertEqual(1, tend.metrics()["tend_reloads_refused_total"])

        tend.process.send_signal(signal.SIGHUP)
        wait_for("SIGHUP is refused too", lambda: tend.metrics()["tend_reloads_refused_total"] == 2, 10)
        self.assertEqual(first, tend.json("status")["generation"])
        self.assertEqual(COUNT, tend.json("status")["targets"]["up"])

        (tend.rules / "shop.lua").write_text(good.replace('expect = "40ms"', 'expect = "44ms"'))
        self.assertIn("loaded", tend.cli("reload"))
        second = tend.json("status")["generation"]
        self.assertNotEqual(first, second)
        self.assertEqual(0.044, tend.instances()[self.shop.instance("gateway")]["metrics"]["response_time"]["E"])
        self.assertEqual([True], [p["armed"] for p in tend.json("status")["playbooks"]], "the playbook has not changed")

        (tend.rules / "shop.lua").write_text(good)
        tend.process.send_signal(signal.SIGHUP)
        wait_for("SIGHUP brings the first rules back", lambda: tend.json("status")["generation"] == first, 10)

    def test_reloads_that_come_at_once_are_all_answered(self):
        tend = self.run_tend()
        command = [TEND, "reload", "--state", tend.state]
        for _ in range(3):
            asked = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
            tend.process.send_signal(signal.SIGHUP)
            self.assertEqual([0] * 4, [one.wait(20) for one in asked])

    def test_a_changed_playbook_is_dry_again_and_an_open_alert_stays(self):
        tend = self.run_tend()
        tend.cli("pause", "--why", "the test looks")
        self.shop.kill("stock:0")
        tend.wait_incident("open", lambda i: i["state"] == "open", 20)

        def alerts_of_stock():
            stock = next(s for s in tend.json("status")["services"] if s["name"] == "stock")
            return [(a["rule"], a["state"]) for a in stock["alerts"]]

        wait_for("the alert on stock itself fires", lambda: alerts_of_stock() == [("down", "firing")], 20)
        incident = tend.incidents()[0]
        write_rules(tend, lambda text: text.replace("p:restart(i)", 'p:note "now" p:restart(i)'))
        tend.cli("reload")
        self.assertEqual([False], [p["armed"] for p in tend.json("status")["playbooks"]])
        self.assertEqual([incident["id"]], [i["id"] for i in tend.incidents()])
        self.assertEqual([("down", "firing")], alerts_of_stock())


class Operators(ShopTest):
    def test_pause_stops_acting_survives_a_restart_and_resume_ends_it(self):
        tend = self.run_tend()
        self.assertIn("paused", tend.cli("pause", "--why", "maintenance"))
        self.assertEqual(0, tend.stop())
        tend.start()
        self.assertTrue(tend.json("status")["paused"]["on"])
        self.assertEqual(1, tend.metrics()["tend_paused"])
        tend.wait_warm(COUNT)

        before = self.shop.pids()
        self.shop.kill("stock:0")
        incident = tend.wait_incident("open", lambda i: i["state"] == "open" and culprits(i) == ["stock"], 20)
        wait_for("the pause is given as the reason", lambda: "acting is paused" in tend.cli("explain", incident["id"]), 10)
        self.assertIn("maintenance", tend.cli("explain", incident["id"]))
        seen = tend.metrics()["tend_ticks_total"]
        wait_for("it has looked on for a while", lambda: tend.metrics()["tend_ticks_total"] > seen + 20, 20)
        self.assertEqual([], tend.incidents()[0]["runs"])
        self.assertEqual({name: pid for name, pid in before.items() if name != "stock:0"}, self.shop.pids())

        tend.cli("resume")
        ended = tend.wait_ended(30)
        self.assertEqual(incident["id"], ended["id"], "it is still the same incident")
        self.assertIn("resume", tend.cli("explain", "last"))

    def test_a_playbook_that_is_not_armed_touches_nothing_and_says_what_it_would_do(self):
        tend = self.run_tend(armed=False)
        self.shop.kill("stock:1")
        incident = tend.wait_incident("dry", lambda i: any(r["dry"] and r["outcome"] for r in i["runs"]), 20)
        story = tend.cli("explain", incident["id"])
        self.assertIn("dry: nothing was touched; tend arm lets it act", story)
        self.assertIn(f"restart {self.shop.instance('stock', 1)}", story)
        self.assertNotIn("stock:1", self.shop.pids())
        wait_for("a person is called", lambda: self.shop.webhook.bodies and tend.json("explain", incident["id"])["notices"], 10)

        tend.cli("arm", "restart the worst")
        ended = tend.wait_ended(40)
        self.assertEqual(incident["id"], ended["id"])
        self.assertIn("stock:1", self.shop.pids())

    def test_a_file_named_pause_and_sigusr1_stop_all_acting_too(self):
        tend = self.run_tend()
        (tend.state / "pause").touch()
        wait_for("the file is seen", lambda: tend.json("status")["paused"]["on"], 3)
        os.remove(tend.state / "pause")
        tend.cli("resume")
        self.assertFalse(tend.json("status")["paused"]["on"])
        (tend.state / "pause").touch()
        wait_for("the file is seen again", lambda: tend.json("status")["paused"]["on"], 3)
        tend.cli("pause", "--why", "a person wants it too")
        os.remove(tend.state / "pause")
        time.sleep(1.2) # two looks for the file
        self.assertTrue(tend.json("status")["paused"]["on"], "only a person ends a person's pause")
        tend.cli("resume")
        tend.process.send_signal(signal.SIGUSR1)
        wait_for("the signal is heard", lambda: tend.json("status")["paused"]["on"], 3)


if __name__ == "__main__":
    unittest.main()
