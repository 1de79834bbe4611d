#!/usr/bin/env python3
"""Runs `tend parse` over the exposition-format cases in tests/support/conformance (see the README there).

usage: conformance.py [CASES]     the binary is $TEND_BINARY, else build/tend
Prints each case that fails and "N passed, N failed, N skipped"; exit status 1 when a `must` case failed. A `note` case
may have either verdict, so it fails only by a crash or by taking too long; when it is refused it counts as skipped.
"""

import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read_samples(text):
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def same(got, want):
    """Whether two numbers, number strings or nulls are equal; an int and a float of one value are."""
    return type(got) is type(want) and got == want if isinstance(want, (str, type(None))) else (
        isinstance(got, (int, float)) and float(got) == float(want))


def difference(got, want):
    if len(got) != len(want):
        return f"{len(got)} samples, expected {len(want)}"
    for index, (g, w) in enumerate(zip(got, want)):
        equal = (g.get("name") == w["name"] and g.get("labels") == w["labels"]
                 and same(g.get("value"), w["value"]) and same(g.get("timestamp"), w["timestamp"]))
        if not equal:
            return f"sample {index + 1} is {g}, expected {w}"
    return None


def run_case(binary, cases, name, form, verdict):
    """None when the answer is right, else what is wrong with it."""
    path = os.path.join(cases, form, name + ".in")
    try:
        run = subprocess.run([binary, "parse", "--format", form, path], capture_output=True, timeout=5, check=False)
    except subprocess.TimeoutExpired:
        return "crash: took over 5 seconds"
    if run.returncode not in (0, 1):
        return f"crash: exit {run.returncode}: {run.stderr.decode(errors='replace').strip()}"
    if run.returncode == 1:
        message = run.stderr.decode(errors="replace")
        if not re.match(re.escape(path) + r":[1-9][0-9]*: error: .", message):
            return f"the error is not FILE:LINE: error: …, but {message!r}"
        return None if verdict == "reject" else f"refused: {message.strip()}"
    if verdict == "reject":
        return "accepted"
    expected = os.path.join(cases, form, name + ".expect")
    if not os.path.exists(expected):
        return None
    with open(expected, encoding="utf-8") as file:
        return difference(read_samples(run.stdout.decode("utf-8")), read_samples(file.read()))


def main():
    binary = os.environ.get("TEND_BINARY", os.path.join(ROOT, "build", "tend"))
    cases = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "tests", "support", "conformance")
    passed = failed = skipped = 0
    with open(os.path.join(cases, "cases.tsv"), encoding="utf-8") as file:
        for line in file:
            name, form, verdict, tier, origin = line.rstrip("\n").split("\t")
            fault = run_case(binary, cases, name, form, verdict)
            if fault is None:
                passed += 1
            elif tier == "must" or fault.startswith("crash"):
                failed += 1
                print(f"FAILED {form}/{name} ({verdict}, {origin}): {fault}")
            else:
                skipped += 1
                print(f"skipped {form}/{name} (the origins disagree: {verdict}, {origin}): {fault}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
