"""The maker of labelled incidents (tests/bench/made_incidents.py): same arguments, same files, and `tend locate` reads them."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
MAKER = ROOT / "tests" / "bench" / "made_incidents.py"


def make(out, *arguments):
    command = [sys.executable, str(MAKER), "--out", str(out), "--each", "1", "--faults", "exception", *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)


def digests(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


class MadeIncidents(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-made-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def test_the_same_arguments_make_the_same_files_and_another_seed_others(self):
        make(self.path / "a", "--systems", "loft,boutique")
        make(self.path / "b", "--systems", "loft,boutique")
        make(self.path / "c", "--systems", "loft,boutique", "--seed", "2")
        first = digests(self.path / "a")
        self.assertEqual(first, digests(self.path / "b"))
        self.assertFalse(set(first.values()) & {v for k, v in digests(self.path / "c").items() if "case" in k})
        self.assertEqual(sorted(pathlib.Path(p).name for p in first if "boutique-" in p),
                         ["alarm.json", "logs.csv.gz", "meta.json", "metrics.csv"])
        self.assertIn("system/boutique/topology.json", first)

    def test_locate_reads_a_case_and_its_answer_is_nowhere_but_in_meta(self):
        make(self.path, "--systems", "loft,boutique")
        cases = sorted((self.path / "case").iterdir())
        self.assertEqual(len(cases), 2)
        for case in cases:
            answer = json.loads((case / "meta.json").read_text())
            alarm = json.loads((case / "alarm.json").read_text())
            self.assertEqual(set(alarm), {"id", "inject_time", "step", "symptom", "system"})
            names = (case / "metrics.csv").read_text().split("\n", 1)[0].split(",")
            self.assertEqual(len(names), len(set(names)))
            self.assertIn(answer["root_service"], {name.rpartition(":")[0] for name in names})
            (case / "meta.json").unlink()
        told = subprocess.run([TEND, "locate", *map(str, cases)], check=True, capture_output=True, text=True).stdout
        rows = [json.loads(line) for line in told.splitlines()]
        self.assertEqual([row["case"] for row in rows], [case.name for case in cases])
        self.assertTrue(all(row["ranking"] for row in rows))


if __name__ == "__main__":
    unittest.main()
