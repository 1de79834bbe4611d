"""A service that discovery no longer lists, through the real daemon: log, status, journal, explain, and a page where asked."""
import json
import os
import unittest

from shop import ShopTest, wait_for


class Departure(ShopTest):
    def list_without(self, *services):
        """Writes the file of targets anew, as shopctl does: whole, by rename."""
        path = self.shop.run / "targets.json"
        entries = [entry for entry in self.all if entry["labels"]["app"] not in services]
        path.with_suffix(".new").write_text(json.dumps(entries))
        os.replace(path.with_suffix(".new"), path)

    def run_shop(self, gone_after):
        tend = self.run_tend(lambda text: text.replace('tend.service "checkout" {', f'tend.service "checkout" {{ {gone_after}'),
                             armed=False)
        self.all = json.loads((self.shop.run / "targets.json").read_text())
        return tend

    def departed(self, tend):
        return [(one["service"], one["instances"]) for one in tend.json("status")["departed"]]

    def test_it_is_told_until_it_is_back(self):
        tend = self.run_shop('gone_after = "2s",')
        self.list_without("checkout", "stock")
        told = wait_for("a page", lambda: [a for a in self.shop.webhook.alerts("firing")
                                           if a["labels"]["alertname"] == "a service left discovery"], 15)
        self.assertEqual(1, len(told))
        self.assertEqual("discovery no longer lists checkout", told[0]["annotations"]["summary"])  # of stock nobody asked
        self.assertEqual([("checkout", 1), ("stock", 2)], self.departed(tend))
        self.assertRegex(tend.cli("status"), r"no longer listed by discovery\n"
                                             r"  checkout  since 20\S+ \S+Z, had 1 instance\n"
                                             r"  stock     since 20\S+ \S+Z, had 2 instances\n")
        self.assertRegex(tend.log.read_text(), r"warn  service left discovery service=checkout instances=1\n")
        # An incident that begins just afterwards has it in its story.
        self.shop.hurt("ledger", 0, "slow")
        incident = tend.wait_incident("of ledger", lambda i: "ledger" in i["services"], 30)
        self.assertRegex(tend.cli("explain", incident["id"]), r"\n +-[0-9.]+ m?s  discovery: no longer lists checkout\n")
        # A restart knows it; what comes back is told.
        tend.stop()
        tend.start()
        wait_for("the others are found again", lambda: tend.json("status")["targets"]["total"] == 4, 15)
        self.assertEqual([("checkout", 1), ("stock", 2)], self.departed(tend))
        self.list_without()
        wait_for("it is told that they are back", lambda: [a for a in self.shop.webhook.alerts("resolved")
                                                           if a["labels"]["alertname"] == "a service left discovery"], 15)
        self.assertEqual([], self.departed(tend))
        self.assertIn('service no longer missed service=checkout why="lists again"', tend.log.read_text())

    def test_without_gone_after_nobody_is_called(self):
        tend = self.run_shop("")
        self.list_without("checkout")
        wait_for("it is noted", lambda: self.departed(tend) == [("checkout", 1)], 15)
        self.list_without()
        wait_for("it is back", lambda: self.departed(tend) == [], 15)
        self.assertEqual([], [a for a in self.shop.webhook.alerts("firing") if "discovery" in a["labels"]["alertname"]])

    def test_a_caller_that_is_slow_since_its_callee_left_accuses_the_one_that_left(self):
        """ledger is no longer listed, and then it hangs: payments waits for it, and the others for payments."""
        tend = self.run_shop("")
        tend.wait_warm(len(self.all))
        self.list_without("ledger")
        wait_for("it is noted", lambda: self.departed(tend) == [("ledger", 1)], 15)
        self.shop.hurt("ledger", 0, "slow")
        incident = tend.wait_incident("told to a person", lambda i: "escalate" in tend.cli("explain", i["id"]), 40)
        story = tend.cli("explain", incident["id"])
        self.assertRegex(story, r"ledger \(0\.60\): left discovery \d+ s before the first symptom; .*payments.* it and ")
        self.assertRegex(story, r"payments \(0\.10\): .*explained by ledger, which it depends on")
        self.assertRegex(story, r"hold +on ledger +left discovery +there is nothing to act on\n")
        self.assertRegex(story, r"escalate +on ledger +left discovery +discovery no longer lists it: a person is needed\n")
        self.assertIn("Nothing was done\n", story)
        # It comes back as slow as it is: then it is judged as any other.
        self.list_without()
        wait_for("its remedy is thought of", lambda: "restart the worst on ledger" in tend.cli("explain", incident["id"]), 30)
        self.assertRegex(tend.cli("explain", incident["id"]), r"culprit: ledger \(confidence 0\.9\d\)")


if __name__ == "__main__":
    unittest.main()
