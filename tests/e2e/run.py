#!/usr/bin/env python3
"""Runs the end-to-end tests: all tests/e2e/test_*.py, or those whose names are given (`run.py test_shop`).

The programs are build/tend and build/shop, or TEND_BINARY and SHOP_BINARY. The last line is `N passed, N failed, N skipped`;
exit 1 when one failed. TEND_KEEP=1 keeps the directories of the tests.
"""
import pathlib
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]


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


def main():
    loader = unittest.TestLoader()
    if len(sys.argv) > 1:
        suite = loader.loadTestsFromNames(sys.argv[1:])
    else:
        suite = loader.discover(str(HERE), pattern="test_*.py")
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.passed} passed, {failed} failed, {len(result.skipped)} skipped")
    return 1 if failed > 0 or loader.errors else 0


if __name__ == "__main__":
    sys.exit(main())
