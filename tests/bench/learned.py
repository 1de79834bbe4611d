#!/usr/bin/env python3
"""What a learned expectation costs: CPU a sample, all in (E, verdict, lesson), and memory a metric, with one-week seasons and by a load.

    tests/bench/learned.py [--build build]

Builds learned.c against the libraries of the build directory and runs it: 512 metrics in turn, 20 days at ten minutes. Exit 1
when a sample with detectors costs more than 1 µs, or a metric more than 4 kB.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build", type=pathlib.Path)
    build = parser.parse_args().build
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory, "learned")
        libraries = [build / f"libtend_{name}.a" for name in ("deviation", "series", "parse", "base")]
        subprocess.run(["cc", "-O2", "-std=c17", "-D_GNU_SOURCE", "-ffp-contract=off", f"-I{ROOT / 'core'}", "-o", program,
                        ROOT / "tests/bench/learned.c", *libraries, "-ljansson", "-lm"], check=True)
        lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    fine = True
    for line in map(json.loads, lines):
        what = f"{line['by']}, {'with detectors' if line['detectors'] else 'alpha given'}"
        print(f"{what:21} {line['bytes']} bytes a metric, {line['ns_per_sample']} ns a sample, "
              f"{100 * line['out_share']:.3f} % of noise out of line")
        fine = fine and line["bytes"] <= 4096 and line["ns_per_sample"] <= 1000
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
