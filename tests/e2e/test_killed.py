"""tend is killed with SIGKILL in the middle of an incident, and goes on where it was."""
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, Shop, ShopTest, culprits, wait_for  # noqa: E402

COUNT = len(Shop.INSTANCES)


class Killed(ShopTest):
    def slow_shopctl(self, seconds):
        """A shopctl that notes each restart, and takes its time."""
        path = self.shop.directory / "slow-shopctl"
        self.noted = self.shop.directory / "restarts"
        path.write_text(f'#!/bin/bash\necho "$3 $4" >>{self.noted}\nsleep {seconds}\n'
                        f'exec {ROOT}/examples/shop/shopctl "$@"\n')
        path.chmod(0o755)
        return path

    def kill_tend(self, tend):
        tend.process.kill()
        tend.process.wait()

    def test_during_a_restart_it_looks_first_and_ends_the_same_incident(self):
        tend = self.run_tend(shopctl=self.slow_shopctl(2))
        before = self.shop.pids()
        self.shop.kill("stock:0")
        wait_for("the restart has begun", self.noted_restarts, 20)
        incident = tend.incidents()[0]
        self.kill_tend(tend)
        tend.start()

        status = tend.json("status")
        self.assertEqual([incident["id"]], [i["id"] for i in status["incidents"]], "the incident is open")
        self.assertEqual([True], [p["armed"] for p in status["playbooks"]], "what was armed is armed")
        stock = next(s for s in status["services"] if s["name"] == "stock")
        self.assertEqual([("down", "firing")], [(a["rule"], a["state"]) for a in stock["alerts"]], "the alert is there")

        ended = tend.wait_ended(60)
        self.assertEqual(incident["id"], ended["id"])
        self.assertEqual(["stock"], culprits(ended))
        after = self.shop.pids()
        self.assertEqual({"stock:0"}, {name for name in after if after[name] != before[name]})
        self.assertLessEqual(len(self.noted_restarts()), 2)
        acts = [(s["seq"], s["outcome"]) for s in ended["steps"] if s["kind"] == "exec"]
        self.assertIn(acts, ([(2, "done")], [(2, None), (2, "done")]), "no other step; the one cut off is there")

    def test_the_cooldown_of_a_service_holds_after_it(self):
        tend = self.run_tend(change=lambda text: text.replace('cooldown = "5s"', 'cooldown = "10m"'))
        self.shop.kill("stock:0")
        first = tend.wait_ended(40)
        self.kill_tend(tend)
        tend.start()
        tend.wait_warm(COUNT)
        self.shop.kill("stock:1")
        second = tend.wait_incident("another", lambda i: culprits(i) == ["stock"], 20, after=[first["id"]])
        wait_for("the cooldown is given as the reason", lambda: "cooling down" in tend.cli("explain", second["id"]), 10)
        time.sleep(2)
        self.assertNotIn("stock:1", self.shop.pids())

    def noted_restarts(self):
        return self.noted.read_text().splitlines() if self.noted.exists() else []


if __name__ == "__main__":
    unittest.main()
