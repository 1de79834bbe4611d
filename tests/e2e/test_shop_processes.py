"""The shop and shopctl by themselves: what the demo and the other tests lean on."""
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, Shop, wait_for  # noqa: E402


def metrics(port, seconds=2):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=seconds) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


class ShopProcesses(unittest.TestCase):
    def setUp(self):
        self.shop = Shop(load=60)
        self.shop.__enter__()
        self.addCleanup(self.shop.__exit__)

    def served(self, code, service="gateway", index=0):
        return metrics(self.shop.port(service, index))[f'http_requests_total{{code="{code}"}}']

    def test_requests_go_through_all_services_and_both_instances(self):
        wait_for("20 requests are served", lambda: self.served(200) > 20, 10)
        for service, index in (("payments", 0), ("payments", 1), ("stock", 0), ("stock", 1), ("ledger", 0)):
            self.assertGreater(self.served(200, service, index), 5)
        self.assertEqual(0, self.served(500))

    def test_a_hung_ledger_answers_nothing_and_its_callers_still_answer_metrics(self):
        self.shop.hurt("ledger", 0, "hang")
        with self.assertRaises((TimeoutError, urllib.error.URLError)):
            metrics(self.shop.port("ledger"), 1)
        wait_for("the gateway sees time-outs", lambda: self.served(504) > 0, 10)
        self.assertGreater(metrics(self.shop.port("payments"))["requests_in_flight"], 1)
        self.shop.ctl("restart", "ledger", self.shop.port("ledger"))
        good = self.served(200)
        wait_for("the gateway serves again", lambda: self.served(200) > good + 20, 10)

    def test_a_crash_is_seen_upstream_and_a_restart_cures_it(self):
        self.shop.hurt("stock", 0, "crash")
        self.assertNotIn("stock:0", self.shop.pids())
        wait_for("the gateway sees failures", lambda: self.served(500) > 0, 10)
        self.shop.ctl("restart", "stock", self.shop.port("stock", 0))
        self.assertIn("stock:0", self.shop.pids())

    def test_errors_slowness_and_leaks_are_of_one_instance(self):
        self.shop.hurt("payments", 0, "errors", 1)
        self.shop.hurt("stock", 0, "slow")
        self.shop.hurt("stock", 1, "leak")
        before = metrics(self.shop.port("stock", 1))["process_resident_memory_bytes"]
        wait_for("payments/0 fails", lambda: self.served(500, "payments", 0) > 3, 10)
        self.assertEqual(0, self.served(500, "payments", 1))
        wait_for("stock/0 is slow", lambda: (lambda m: m["http_request_duration_seconds_sum"] > 1)(
            metrics(self.shop.port("stock", 0))), 10)
        wait_for("stock/1 grows", lambda: metrics(self.shop.port("stock", 1))["process_resident_memory_bytes"] > before + 2e7, 10)

    def test_a_restart_needs_no_environment_and_hands_on_no_descriptor(self):
        port = self.shop.port("ledger")
        read, write = os.pipe()
        os.set_inheritable(write, True)
        subprocess.run([ROOT / "examples/shop/shopctl", self.shop.run, "restart", "ledger", str(port)], env={}, cwd="/",
                       close_fds=False, check=True)
        os.close(write)
        self.assertEqual(b"", os.read(read, 1), "end of file: nobody else holds the pipe")
        os.close(read)

    def test_two_restarts_at_once_leave_one_process(self):
        port = str(self.shop.port("checkout"))
        command = [ROOT / "examples/shop/shopctl", self.shop.run, "restart", "checkout", port]
        both = [subprocess.Popen(command) for _ in range(2)]
        self.assertEqual([0, 0], [one.wait(30) for one in both])
        found = subprocess.run(["pgrep", "-f", "--", f"--service checkout --port {port} "], capture_output=True, text=True, check=False)
        self.assertEqual([str(self.shop.pids()["checkout:0"])], found.stdout.split())

    def test_a_stopped_process_is_replaced_too(self):
        old = self.shop.pids()["stock:1"]
        os.kill(old, signal.SIGSTOP)
        begun = time.monotonic()
        self.shop.ctl("restart", "stock", self.shop.port("stock", 1))
        self.assertLess(time.monotonic() - begun, 4)
        self.assertNotEqual(old, self.shop.pids()["stock:1"])

    def test_stop_leaves_no_process(self):
        pids = list(self.shop.pids().values())
        self.shop.ctl("stop", "all")
        for pid in pids:
            self.assertFalse(pathlib.Path(f"/proc/{pid}/cmdline").exists() and pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())


if __name__ == "__main__":
    unittest.main()
