"""examples/article/run.sh prints the figures that its README gives."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, TEND, free_ports  # noqa: E402

ROW = re.compile(r"^(?:\| |  )(first|second|third)[ |]+([\d.]+)[ |]+([\d.]+)[ |]+([\d.]+)[ |]+([\d.]+)", re.MULTILINE)


def tables(text):
    """Each table of three services as {service: (P, E, F, A)}."""
    rows = [(name, tuple(map(float, numbers))) for name, *numbers in ROW.findall(text)]
    return [dict(rows[i:i + 3]) for i in range(0, len(rows), 3)]


class Article(unittest.TestCase):
    def test_the_readme_tells_what_happens(self):
        environment = dict(os.environ, BUILD=str(TEND.parent), PORT=str(free_ports(3)))
        done = subprocess.run([ROOT / "examples/article/run.sh"], env=environment, stdin=subprocess.DEVNULL, timeout=120,
                              capture_output=True, text=True, check=False)
        self.assertEqual((0, ""), (done.returncode, done.stderr), done.stdout)
        still, jumped, own, own_jumped = tables(done.stdout)
        told = tables((ROOT / "examples/article/README.md").read_text())
        for table, printed in zip(told, (still, jumped, own_jumped), strict=True):
            for service, numbers in table.items():
                for expected, value in zip(numbers, printed[service]):
                    self.assertAlmostEqual(expected, value, delta=0.06, msg=f"{service}\n{done.stdout}")
        self.assertEqual([0, 0, 0], [numbers[3] for numbers in own.values()])
        self.assertEqual(2 + 3 + 0 + 1, done.stdout.count("<- out of line"), done.stdout)


if __name__ == "__main__":
    unittest.main()
