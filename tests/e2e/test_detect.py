"""`tend detect`: scores of one series, as a user of exported data would run it."""
import csv
import datetime
import io
import json
import math
import pathlib
import random
import subprocess
import tempfile
import unittest

from shop import TEND

BEGIN = datetime.datetime(2026, 3, 2)


def rows_of(days, change=lambda i, value: value):
    """Samples each five minutes: a daily wave with noise, through change(i, value)."""
    noise = random.Random(5)
    lines = ["timestamp,value"]
    for i in range(days * 288):
        value = 100 - 40 * math.cos(2 * math.pi * i / 288) + noise.gauss(0, 1)
        at = BEGIN + datetime.timedelta(minutes=5 * i)
        lines.append(f"{at:%Y-%m-%d %H:%M:%S},{change(i, value):.6f}")
    return "\n".join(lines) + "\n"


class Detect(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-detect-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name) / "series.csv"

    def run_tend(self, text, *options):
        self.path.write_text(text)
        return subprocess.run([TEND, "detect", *options, self.path], capture_output=True, text=True, check=False)

    def scores(self, text, *options):
        done = self.run_tend(text, *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return list(csv.DictReader(io.StringIO(done.stdout)))

    def test_a_level_that_doubles_is_out_of_line_within_half_an_hour_and_told_once(self):
        fault = 10 * 288
        rows = self.scores(rows_of(12, lambda i, value: value * 2 if i >= fault else value), "--explain")
        alarms = [i for i, row in enumerate(rows) if float(row["anomaly_score"]) >= 0.5 and i >= 3 * 288]
        self.assertTrue(fault <= alarms[0] <= fault + 6, alarms)
        self.assertLessEqual(sum(i < fault + 60 for i in alarms), 3, alarms)
        self.assertNotEqual(rows[alarms[0]]["unusual"], "")

    def test_rows_come_back_as_they_were_written(self):
        text = rows_of(1)
        rows = self.scores(text)
        self.assertEqual(["%s,%s" % (row["timestamp"], row["value"]) for row in rows], text.splitlines()[1:])

    def test_what_comes_later_changes_no_score(self):
        text = rows_of(6, lambda i, value: value + (300 if i == 1200 else 0))
        self.assertEqual(self.scores("\n".join(text.splitlines()[:1000]) + "\n"), self.scores(text)[:999])

    def test_an_empty_value_is_no_data(self):
        lines = rows_of(1).splitlines()
        lines[200] = lines[200].split(",")[0] + ","
        self.assertEqual(self.scores("\n".join(lines) + "\n")[199]["anomaly_score"], "0.000000")

    def test_what_is_malformed_is_named_by_line(self):
        for line, fault in (("2026-03-02 00:05:00,abc", '"abc" is no number'),
                            ("yesterday,1", '"yesterday" is no time'),
                            ("2026-03-02 00:05:00,1,2", "a row has two fields: timestamp,value"),
                            ("2026-03-02 00:05:00," + "1" * 5000, "a line is longer than 4,095 bytes"),
                            ("2026-03-02 00:05:00,1\0", "a line is longer than 4,095 bytes, or has a NUL byte")):
            done = self.run_tend("timestamp,value\n2026-03-02 00:00:00,1\n" + line + "\n")
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{self.path}:3: {fault}", done.stderr)

    def test_json_has_a_line_a_row_also_for_a_value_that_json_lacks(self):
        done = self.run_tend("1,1\n2,+Inf\n3,NaN\n", "--json")
        self.assertEqual([1, None, None], [json.loads(line)["value"] for line in done.stdout.splitlines()])

    def test_what_a_file_says_does_not_drive_the_terminal(self):
        done = self.run_tend("1,\x1b]0;title\x07\n")
        self.assertEqual(1, done.returncode)
        self.assertNotIn("\x1b", done.stderr)

    def test_rows_that_cannot_be_written_are_told(self):
        self.path.write_text(rows_of(2))
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([TEND, "detect", self.path], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("cannot be written", done.stderr)

    def test_a_file_that_is_not_there_is_wrong_usage(self):
        done = subprocess.run([TEND, "detect", self.path], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (2, f"{self.path}: No such file or directory\n"))


if __name__ == "__main__":
    unittest.main()
