#!/usr/bin/env python3
"""Metrics whose level changes for good: is what comes later still found, and who is woken for nothing?

    tests/bench/regimes.py [--seeds 3] [--only NAME] [--keep DIR]

Each regime is a metric a minute over some weeks, given to `tend simulate --csv`: it follows the day (60 at midnight, 140
at noon, 3 % noise), is learned, and a rule on it fires after two minutes. On a day of its own something changes for
good. From two days later on there are six faults, each half as much again for 40 minutes, at random moments. Counted are
the faults that were found, the alerts outside of any fault from those two days on, and the share of the time between
the change and the first day of faults in which an alert fires (that something changed is told, for a day or three; then
it should be over).

    times …, plus …    all of it, level and swing, as traffic does that was moved; or the level alone, as a latency does
                       that one more hop is added to. By day, or at night
    growth, creeps     3 % a day from the first day on, level and swing; or 1.5 a day, the level alone
    weekends           half on Saturdays and Sundays; learned by the hours of the week
    steady             nothing changes

Each with alpha = 0.3, and with no limit at all. Prints a table; exit 1 when fewer than five in six are found somewhere.
"""
import argparse
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
DAY = 1440
MONDAY_S = 1772409600  # 2026-03-02, 00:00 UTC
FAULTS, FAULT_MINUTES, NOISE = 6, 40, 0.03

RULES = """local tend = require "tend"
{services}
tend.rule "out" {{ on = "*", when = "load", fire_after = "2m", clear_after = "2m", severity = "ticket" }}
tend.notify "log" {{ on = "*", severity = "ticket", to = {{ require "tend.notify.log" {{}} }} }}
"""
SERVICE = """tend.service "{name}" {{ targets = {{ "http://10.0.0.{i}:1/metrics" }}, every = "1m", window = "1m", zone = "UTC",
  metrics = {{ load = {{ tend.gauge "load", bad = "both", expect = tend.learned {{ season = "{season}" }}{alpha} }} }} }}
"""


def swing(minute):
    return 100 - 40 * math.cos(2 * math.pi * minute / DAY)


def weekend(minute):
    return 0.5 if minute // DAY % 7 >= 5 else 1


# name: (season, day of the change, first day of faults, days, value of a minute)
REGIMES = {
    "times 1.6": ("1d", 7, 9, 15, lambda m: swing(m) * (1.6 if m >= 7.3 * DAY else 1)),
    "times 0.6": ("1d", 7, 9, 15, lambda m: swing(m) * (0.6 if m >= 7.3 * DAY else 1)),
    "times 1.6 at night": ("1d", 7, 9, 15, lambda m: swing(m) * (1.6 if m >= 7.05 * DAY else 1)),
    "plus 50": ("1d", 7, 9, 15, lambda m: swing(m) + (50 if m >= 7.3 * DAY else 0)),
    "plus 50 at night": ("1d", 7, 9, 15, lambda m: swing(m) + (50 if m >= 7.05 * DAY else 0)),
    "plus 200": ("1d", 7, 9, 15, lambda m: swing(m) + (200 if m >= 7.3 * DAY else 0)),
    "times 4": ("1d", 7, 9, 15, lambda m: swing(m) * (4 if m >= 7.3 * DAY else 1)),
    "times 0.1": ("1d", 7, 9, 15, lambda m: swing(m) * (0.1 if m >= 7.3 * DAY else 1)),
    "growth": ("1d", 0, 20, 34, lambda m: swing(m) * 1.03 ** (m / DAY)),
    "creeps": ("1d", 0, 20, 34, lambda m: swing(m) + 1.5 * m / DAY),
    "weekends": ("1w", 0, 21, 35, lambda m: swing(m) * weekend(m)),
    "weekends times 1.6": ("1w", 22, 26, 36, lambda m: swing(m) * weekend(m) * (1.6 if m >= 22.3 * DAY else 1)),
    "steady": ("1d", 0, 6, 14, swing),
}


def make(name, seed):
    """(values, [first minute of each fault])"""
    season, _, first_day, days, value = REGIMES[name]
    chance = random.Random(f"{name} {seed}")
    part = (days - first_day) * DAY // FAULTS
    faults = [first_day * DAY + i * part + chance.randrange(part - 3 * FAULT_MINUTES) for i in range(FAULTS)]
    own = name.startswith(("plus", "creeps"))  # noise is its own, and does not grow
    values = [value(m) + NOISE * (100 if own else value(m)) * chance.gauss(0, 1) for m in range(days * DAY)]
    for fault in faults:
        for m in range(fault, fault + FAULT_MINUTES):
            values[m] *= 1.5
    return values, faults


def simulate(directory, name, seeds):
    """[(found, false alerts, share of the time after the change that fires)] of each seed and of alpha, none."""
    season, change_day, first_day, days, _ = REGIMES[name]
    columns, services = [], ""
    for seed in range(seeds):
        values, faults = make(name, seed)
        for how, alpha in (("alpha", ", alpha = 0.3"), ("none", "")):
            service = f"{how}{seed}"
            services += SERVICE.format(name=service, i=len(columns) + 1, season=season, alpha=alpha)
            columns.append((service, how, values, faults))
    rules = directory / "rules"
    rules.mkdir(parents=True, exist_ok=True)
    (rules / "rules.lua").write_text(RULES.format(services=services))
    with open(directory / "past.csv", "w") as file:
        print("time", *(f"{service}:load" for service, *_ in columns), sep=",", file=file)
        for m in range(days * DAY):
            print(MONDAY_S + 60 * m, *(f"{values[m]:.6g}" for _, _, values, _ in columns), sep=",", file=file)
    done = subprocess.run([TEND, "simulate", str(rules), "--csv", str(directory / "past.csv"), "--json"],
                          capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        sys.exit(done.stdout + done.stderr)
    report = json.loads(done.stdout)
    (directory / "report.json").write_text(done.stdout)
    results = {"alpha": [], "none": []}
    for service, how, _, faults in columns:
        spans = [((a["fired_ms"] / 1000 - MONDAY_S) / 60, (a["resolved_ms"] / 1000 - MONDAY_S) / 60 if a.get("resolved_ms")
                  else days * DAY) for a in report["alerts"] if a["service"] == service]
        found = sum(any(f <= at <= f + FAULT_MINUTES + 2 for at, _ in spans) for f in faults)
        false = sum(at >= first_day * DAY and not any(f <= at <= f + FAULT_MINUTES + 2 for f in faults) for at, _ in spans)
        minutes = sum(max(0, min(until, first_day * DAY) - max(at, change_day * DAY)) for at, until in spans)
        results[how].append((found, false, minutes / ((first_day - change_day) * DAY)))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=tuple(REGIMES))
    parser.add_argument("--keep", help="leave rules, pasts and reports there")
    options = parser.parse_args()
    fine = True
    print(f"{'':20} {'alpha = 0.3':34} no limit\n{'':20} {'found  false  fires':34} found  false  fires")
    with tempfile.TemporaryDirectory(prefix="tend-regimes-") as temporary:
        for name in [options.only] if options.only else REGIMES:
            directory = pathlib.Path(options.keep or temporary) / name.replace(" ", "_")
            results = simulate(directory, name, options.seeds)
            line = f"{name:20}"
            for how in ("alpha", "none"):
                found, false, share = (sum(column) for column in zip(*results[how]))
                line += f" {found:2} of {options.seeds * FAULTS:2} {false:5} {100 * share / options.seeds:6.1f} %{'':12}"
                fine = fine and found >= options.seeds * FAULTS * 5 / 6
            print(line.rstrip(), flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
