#!/usr/bin/env python3
"""Runs the end-to-end tests: all tests/e2e/test_*.py, or those whose names are given (`run.py test_shop`).

usage: run.py [--jobs N] [NAME…]     N files at once (default: one for each core); those in ALONE by themselves

The programs are build/tend and build/shop, or TEND_BINARY and SHOP_BINARY. The last line is `N passed, N failed, N skipped`;
exit 1 when one failed. TEND_KEEP=1 keeps the directories of the tests.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

ALONE = ("test_hostile_rules", "test_shop", "test_sweep")  # they measure time, or use all cores themselves
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)


class Result(unittest.TextTestResult):
    """Counts what passed, and says how long each took."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.passed = 0
        self.begun_s = 0.0

    def startTest(self, test):
        self.begun_s = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        self.passed += 1
        self.stream.write(f"{time.monotonic() - self.begun_s:.1f} s ")
        super().addSuccess(test)


def run_here(names):
    """Runs tests in this process. Returns how many (passed, failed, were skipped)."""
    suite = unittest.TestLoader().loadTestsFromNames(names)
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return result.passed, failed, len(result.skipped)


def run_file(name):
    """Runs one file in a process of its own, and prints what it says when it has ended."""
    done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    closing = CLOSING.search(done.stdout)
    print(f"== {name}\n{done.stdout[:closing.start()] if closing else done.stdout}", flush=True)
    return tuple(map(int, closing.groups())) if closing else (0, 1, 0)


def run_files(files, jobs):
    together = [name for name in files if name not in ALONE]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        counts = list(pool.map(run_file, together))
    counts += [run_file(name) for name in files if name in ALONE]
    return tuple(map(sum, zip((0, 0, 0), *counts)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    files = options.names or sorted(path.stem for path in HERE.glob("test_*.py"))
    counts = run_here(files) if len(files) == 1 else run_files(files, options.jobs)
    print("{} passed, {} failed, {} skipped".format(*counts))
    return 1 if counts[1] > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
