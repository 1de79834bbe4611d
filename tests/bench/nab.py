#!/usr/bin/env python3
"""How good is `tend detect` on labelled series? Runs it over a copy of the Numenta Anomaly Benchmark's layout and scores it.

    tests/bench/nab.py --bench DIR [--tend build/tend] [--verbose]

DIR has data/CATEGORY/FILE.csv, windows.json and score.py. Also checks what makes a score honest: a prefix of a file, another
name, and another unit (values times 1024) give the same scores, row for row. Prints the marks for the fixed threshold 0.5
and the CPU per sample; exit 1 when a check fails.
"""
import argparse
import csv
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def detect(tend, path):
    return subprocess.run([tend, "detect", path], check=True, capture_output=True, text=True).stdout


def column(text):
    return [row["anomaly_score"] for row in csv.DictReader(text.splitlines())]


def disturbed(tend, path, scores, directory):
    """Faults of one file: scores that depend on its length, its name or its unit."""
    lines = path.read_text().splitlines()
    prefix, scaled = directory / "prefix.csv", directory / "scaled.csv"
    half = len(lines) // 2
    prefix.write_text("\n".join(lines[:half]) + "\n")
    rows = [line.split(",") for line in lines[1:]]
    scaled.write_text("\n".join([lines[0]] + [f"{at},{float(value) * 1024!r}" for at, value in rows]) + "\n")
    faults = []
    if column(detect(tend, prefix)) != scores[: half - 1]:
        faults.append("a prefix has other scores")
    if column(detect(tend, scaled)) != scores:
        faults.append("another unit has other scores")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=pathlib.Path, required=True)
    parser.add_argument("--tend", type=pathlib.Path, default=ROOT / "build" / "tend")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    names = sorted(json.loads((options.bench / "windows.json").read_text()))
    faults, samples = [], 0
    with tempfile.TemporaryDirectory(prefix="tend-nab-") as directory:
        directory = pathlib.Path(directory)
        used = 0.0
        for name in names:
            out = directory / "scores" / name
            out.parent.mkdir(parents=True, exist_ok=True)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            text = detect(options.tend, options.bench / "data" / name)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            out.write_text(text)
            scores = column(text)
            samples += len(scores)
            faults += [f"{name}: {fault}" for fault in
                       disturbed(options.tend, options.bench / "data" / name, scores, directory)]
        score = [sys.executable, options.bench / "score.py", "--data", options.bench / "data", "--windows",
                 options.bench / "windows.json", "--scores", directory / "scores", "--threshold", "0.5"]
        print(subprocess.run(score + (["--verbose"] if options.verbose else []), check=True, capture_output=True,
                             text=True).stdout, end="")
    print(f"{samples} samples, {1e6 * used / samples:.2f} us of CPU each, reading and writing CSV included")
    for fault in faults:
        print(fault)
    print("fine" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
