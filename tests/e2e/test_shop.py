"""The demo shop, hurt in each way: the culprit is right, only it is restarted, the story is told."""
import sys
import pathlib
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Shop, Tend, wait_for  # noqa: E402


def in_line(tend):
    instances = tend.instances()
    return len(instances) == len(Shop.INSTANCES) and all(i["state"] == "ok" for i in instances.values())


class FaultsOfTheShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = cls.enter(Shop())
        cls.tend = cls.enter(Tend(cls.shop.rules(), cls.shop.directory / "state"))
        cls.tend.cli("arm", "--all")

    @classmethod
    def enter(cls, context):
        value = context.__enter__()
        cls.addClassCleanup(context.__exit__, None, None, None)
        return value

    def check(self, service, index, kind, *factor, words=()):
        """Hurts one instance and asserts all that a recovery promises."""
        wait_for("all in line", lambda: in_line(self.tend), 40)
        before = self.shop.pids()
        known = {i["id"] for i in self.tend.incidents()}
        instance = f"{service}/127.0.0.1:{self.shop.port(service, index)}"

        self.shop.hurt(service, index, kind, *factor)
        incident = self.tend.wait_incident("recovered", lambda i: i["state"] == "recovered", 60, after=known)

        self.assertEqual([service], incident["culprits"])
        new = [i["id"] for i in self.tend.incidents() if i["id"] not in known]
        self.assertEqual([incident["id"]], new, "one fault is one incident")
        after = self.shop.pids()
        changed = {name for name in after if after[name] != before.get(name)}
        self.assertEqual({f"{service}:{index}"}, changed, "the culprit was restarted, and nothing else")
        story = self.tend.cli("explain", incident["id"])
        for word in (service, instance, "restart the worst", "restart", "verify", "recovered", *words):
            self.assertIn(word, story)
        return story

    def test_1_a_leaf_that_crashes_is_started_again(self):
        self.check("stock", 0, "crash", words=("down", "REFUSED"))
        wait_for("the webhook heard that it is over", lambda: self.shop.webhook.alerts("resolved"), 30)
        body = self.shop.webhook.bodies[0]
        self.assertEqual("4", body["version"])
        self.assertEqual("down", self.shop.webhook.alerts("firing")[0]["labels"]["alertname"])

    def test_2_a_ledger_that_hangs_is_found_behind_three_slow_callers(self):
        self.check("ledger", 0, "hang", words=("READ_TIMEOUT",))

    def test_3_payments_that_answers_errors_is_told_from_its_callers(self):
        self.check("payments", 1, "errors", words=("error_rate",))

    def test_4_stock_that_leaks_is_restarted_before_it_harms_anybody(self):
        self.check("stock", 1, "leak", words=("memory", "MiB"))

    def test_5_stock_that_is_slow_is_told_from_its_callers(self):
        self.check("stock", 0, "slow", words=("response_time",))


if __name__ == "__main__":
    unittest.main()
