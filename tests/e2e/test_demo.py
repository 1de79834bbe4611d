"""examples/demo.sh, from start to end: what the README promises first."""
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, TEND, free_ports  # noqa: E402


class Demo(unittest.TestCase):
    def test_it_shows_four_recoveries_in_two_minutes_and_leaves_nothing_running(self):
        base = free_ports(8) + 1  # tend listens one below
        environment = dict(os.environ, SHOP_BASE=str(base), BUILD=str(TEND.parent))
        begun = time.monotonic()
        done = subprocess.run([ROOT / "examples/demo.sh"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=600)
        took = time.monotonic() - begun
        if "another demo is running" in done.stderr:
            self.skipTest("another demo is running on this machine")
        self.assertEqual(0, done.returncode, done.stdout[-4000:] + done.stderr[-4000:])
        self.assertEqual(["stock", "ledger", "payments", "stock"], re.findall(r"culprit +(\w+)", done.stdout)[:4])
        self.assertEqual(4, len(re.findall(r"recovered after", done.stdout)))
        self.assertNotIn("\x1b", done.stdout, "colours are for terminals only")
        said = re.search(r"The demo took (\d+) s", done.stdout)
        self.assertLess(int(said.group(1)), 120, f"with the build it was {took:.0f} s")
        left = subprocess.run(["pgrep", "-f", "--", f"--port {str(base)[:-1]}|/tmp/tend-shop"], capture_output=True, text=True, check=False)
        self.assertEqual("", left.stdout)


if __name__ == "__main__":
    unittest.main()
