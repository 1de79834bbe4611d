"""Who is told: webhooks as Alertmanager sends them, tried until somebody answers, and one page when most targets fail at once."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Shop, ShopTest, wait_for  # noqa: E402

COUNT = len(Shop.INSTANCES)


class Webhooks(ShopTest):
    def test_they_get_what_alertmanager_sends_firing_and_resolved(self):
        tend = self.run_tend()
        self.shop.kill("stock:0")
        incident = tend.wait_ended(40)
        wait_for("both webhooks", lambda: len(self.shop.webhook.bodies) >= 2, 10)
        firing, resolved = self.shop.webhook.bodies
        for body, status in ((firing, "firing"), (resolved, "resolved")):
            self.assertEqual(
                {"version": "4", "status": status, "receiver": "on call", "truncatedAlerts": 0,
                 "groupLabels": {"incident": incident["id"]}, "groupKey": f'{{}}:{{incident="{incident["id"]}"}}'},
                {key: body[key] for key in ("version", "status", "receiver", "truncatedAlerts", "groupLabels", "groupKey")})
            for key in ("commonLabels", "commonAnnotations"):
                self.assertIsInstance(body[key], dict)
            self.assertIsInstance(body["externalURL"], str)
        for alert in firing["alerts"]:  # the dead instance, or a caller that saw it first
            self.assertEqual({"alertname", "service", "severity", "instance"}, set(alert["labels"]))
            self.assertEqual(("firing", "0001-01-01T00:00:00Z"), (alert["status"], alert["endsAt"]))
            over = next(a for a in resolved["alerts"] if a["fingerprint"] == alert["fingerprint"])
            self.assertEqual(("resolved", alert["startsAt"], alert["labels"]),
                             (over["status"], over["startsAt"], over["labels"]))
            self.assertGreater(over["endsAt"], over["startsAt"])
        self.assertIn({"alertname": "down", "service": "stock", "severity": "page",
                       "instance": self.shop.instance("stock", 0)}, [a["labels"] for a in resolved["alerts"]])
        self.assertEqual("stock", resolved["commonAnnotations"]["culprit"])

    def test_one_that_does_not_take_it_is_tried_again(self):
        self.shop.webhook.status = 503
        tend = self.run_tend(change=lambda text: text.replace('require "tend.notify.log" {}', ""))
        self.shop.kill("stock:0")
        wait_for("three tries", lambda: len(self.shop.webhook.bodies) >= 3, 30)
        first = self.shop.webhook.bodies[:3]
        self.assertEqual([first[0]["groupKey"]] * 3, [body["groupKey"] for body in first])
        self.assertIn('why="HTTP status 503"', tend.log.read_text())
        self.shop.webhook.status = 200
        incident = tend.wait_ended(40)

        def sent():
            notices = tend.json("explain", incident["id"])["notices"]
            return notices and all(n["status"] == "sent" for n in notices) and notices

        notices = wait_for("all are sent", sent, 40)
        self.assertGreater(max(n["tries"] for n in notices), 1)

    def test_a_notice_that_was_not_taken_is_sent_after_a_restart(self):
        self.shop.webhook.status = 503
        tend = self.run_tend(change=lambda text: text.replace('require "tend.notify.log" {}', ""))
        self.shop.kill("stock:0")
        tried = wait_for("a try", lambda: self.shop.webhook.bodies, 20)[0]
        tend.process.kill()
        tend.process.wait()
        del self.shop.webhook.bodies[:]
        self.shop.webhook.status = 200
        tend.start()
        body = wait_for("the notice comes", lambda: self.shop.webhook.bodies, 40)[0]
        self.assertEqual(("firing", tried["groupKey"], tried["alerts"][0]["fingerprint"]),
                         (body["status"], body["groupKey"], body["alerts"][0]["fingerprint"]))


class MostTargetsFail(ShopTest):
    def test_then_nothing_is_acted_on_and_one_page_says_so(self):
        tend = self.run_tend()
        dead = ("ledger:0", "payments:0", "payments:1", "stock:0", "stock:1")
        self.shop.kill(*dead)
        wait_for("a page", lambda: self.shop.webhook.bodies, 20)
        time.sleep(6)  # long enough for runs and for more pages, if there were any
        self.assertEqual(["most targets fail at once"], [a["labels"]["alertname"] for a in self.shop.webhook.alerts("firing")])
        self.assertRegex(self.shop.webhook.bodies[0]["alerts"][0]["annotations"]["summary"], "[45] of 7 targets fail at once")
        self.assertEqual([], [run for i in tend.incidents() for run in i["runs"]])
        self.assertEqual({"gateway:0", "checkout:0"}, set(self.shop.pids()))
        self.assertTrue(any("more than half" in w for w in tend.json("status")["warnings"]))

        for name in dead:
            service, index = name.split(":")
            self.shop.ctl("restart", service, self.shop.port(service, int(index)))
        wait_for("its end is told", lambda: any(a["labels"]["alertname"] == "most targets fail at once"
                                                for a in self.shop.webhook.alerts("resolved")), 20)
        tend.wait_in_line(COUNT)


if __name__ == "__main__":
    unittest.main()
