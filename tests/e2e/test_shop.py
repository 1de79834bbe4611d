"""The demo shop, hurt in each way: the culprit is right, only it is restarted, the story is told."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Shop, Tend, culprits  # noqa: E402


class FaultsOfTheShop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shop = cls.enterClassContext(Shop())
        cls.tend = cls.enterClassContext(Tend(cls.shop.rules(), cls.shop.directory / "state"))
        cls.tend.cli("arm", "--all")
        cls.tend.wait_warm(len(Shop.INSTANCES))

    def check(self, service, index, kind, *factor, words=()):
        """Hurts one instance and asserts all that a recovery promises. Returns (the story as JSON, as text)."""
        self.tend.wait_in_line(len(Shop.INSTANCES))
        before = self.shop.pids()
        known = {i["id"] for i in self.tend.incidents()}
        instance = self.shop.instance(service, index)

        self.shop.hurt(service, index, kind, *factor)
        incident = self.tend.wait_ended(60, after=known)

        self.assertEqual([service], culprits(incident))
        new = [i["id"] for i in self.tend.incidents() if i["id"] not in known]
        self.assertEqual([incident["id"]], new, "one fault is one incident")
        self.assertEqual([("restart the worst", service, "recovered")],
                         [(r["playbook"], r["service"], r["outcome"]) for r in incident["runs"]])
        after = self.shop.pids()
        changed = {name for name in after if after[name] != before.get(name)}
        self.assertEqual({f"{service}:{index}"}, changed, "the culprit was restarted, and nothing else")
        text = self.tend.cli("explain", incident["id"])
        for word in (instance, "restart the worst", f"restart {instance}", f"verify {instance}", "recovered", *words):
            self.assertIn(word, text)
        return self.tend.json("explain", incident["id"]), text

    def test_1_a_leaf_that_crashes_is_started_again(self):
        story, _ = self.check("stock", 0, "crash", words=("down", "REFUSED"))
        down = next(a for a in story["alerts"] if a["rule"] == "down")
        self.assertEqual((1, 0, 1, 2), (down["expected"], down["measured"], down["F"], down["A"]))

    def test_2_a_ledger_that_hangs_is_found_behind_its_slow_callers(self):
        story, text = self.check("ledger", 0, "hang", words=("READ_TIMEOUT",))
        self.assertLess({"ledger"}, {a["service"] for a in story["alerts"]}, "callers are part of the story:\n" + text)

    def test_3_payments_that_answers_errors_is_told_from_its_callers(self):
        self.check("payments", 1, "errors", words=("error_rate",))

    def test_4_stock_that_leaks_is_restarted_before_it_harms_anybody(self):
        story, text = self.check("stock", 1, "leak", words=("memory", "MiB"))
        self.assertEqual({"stock"}, {a["service"] for a in story["alerts"]}, text)

    def test_5_stock_that_is_slow_is_told_from_its_callers(self):
        self.check("stock", 0, "slow", words=("response_time",))


if __name__ == "__main__":
    unittest.main()
