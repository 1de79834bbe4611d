"""examples/demo.sh, from start to end: what the README promises first."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, TEND, free_ports  # noqa: E402


class Demo(unittest.TestCase):
    def test_it_shows_four_recoveries_in_two_minutes_and_leaves_nothing_running(self):
        base = free_ports(8) + 1  # tend listens one below
        run = pathlib.Path(tempfile.mkdtemp(prefix="tend-demo-"))
        self.addCleanup(shutil.rmtree, run, ignore_errors=True)
        environment = dict(os.environ, SHOP_BASE=str(base), SHOP_RUN=str(run), BUILD=str(TEND.parent))
        begun = time.monotonic()
        done = subprocess.run([ROOT / "examples/demo.sh"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, timeout=600)
        took = time.monotonic() - begun

        self.assertEqual(0, done.returncode, done.stdout[-4000:] + done.stderr[-4000:])
        self.assertEqual("", done.stderr)
        self.assertEqual(["stock", "ledger", "payments", "stock"], re.findall(r"s  culprit +(\w+), confidence", done.stdout))
        self.assertEqual([f"{service}/127.0.0.1:{base + offset}" for service, offset in
                          (("stock", 5), ("ledger", 4), ("payments", 2), ("stock", 6))],
                         re.findall(r"s  recovered .*; restarted: (.+), nothing else", done.stdout))
        hang = done.stdout.split("── 2 of 4")[1].split("── 3 of 4")[0]
        self.assertRegex(hang, r"(warning|alert) +(gateway|checkout|payments)/", "the callers of a hung service are slow")
        listed = done.stdout.split("$ tend incidents")[1].split("$ tend explain last")[0]
        self.assertEqual(4, len(re.findall(r"^i\d+ .* recovered ", listed, re.MULTILINE)), listed)
        self.assertRegex(done.stdout.split("$ tend explain last")[1], r"leaking +stock/")
        self.assertNotIn("\x1b", done.stdout, "colours are for terminals only")
        said = re.search(r"The demo took (\d+) s", done.stdout)
        self.assertLess(int(said.group(1)), 120, f"with the build it was {took:.0f} s")
        self.assertEqual([], left_running(run))


def left_running(run):
    """Processes whose command line names the demo's directory, or whose output goes there."""
    left = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            output = os.readlink(process / "fd" / "1")
        except OSError:
            continue
        if f"{run}/" in words or output.startswith(f"{run}/"):
            left.append(words)
    return left


if __name__ == "__main__":
    unittest.main()
