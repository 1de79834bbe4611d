#!/usr/bin/env python3
"""Processes that start: how many of their warm-ups are taken for a leak, and how late is a leak told?

    tests/bench/warm_ups.py [--each 30] [--ahead 6h] [--seed 1] [--keep DIR] [--list]

Each metric begins with its process, takes a value a minute for three days, and goes to `tend simulate --csv` with a rule
that looks ahead (`ahead`, fire_after = "10m", as the pack leak has it). Its limit is 1. What grows but ends at 50 to 90 %
of the limit is no leak:

    fills           a cache that fills at one rate for 20 minutes to 8 hours, then is full
    saturates       one that fills ever slower, with a time constant of 10 minutes to 8 hours
    by traffic      the same at the pace of a traffic that follows the day, four times as high at noon as at night
    ever slower     as the different keys that were seen do: with the square root of time
    morning         follows the day, begun at a random hour
    warm and busy   fills within an hour, and follows the day from there on

What grows until it crosses the limit is one: from its start on (`leaks`, full in 3 to 40 hours), or from a moment of the
second day on (`leaks later`, likewise). Noise is 0.2 to 2 % of the limit. Prints how many were told of, and of leaks
how long before the limit (median; at the limit itself the rule fires anyway). Exit 1 when a leak is not told of at all.
"""
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
DAY, HOURS = 1440, 60
MINUTES = 3 * DAY
MONDAY_S = 1772409600  # 2026-03-02, 00:00 UTC

RULES = """local tend = require "tend"
{services}
tend.rule "leaks" {{ on = "*", when = "memory", ahead = "{ahead}", fire_after = "10m", clear_after = "30m",
  severity = "ticket" }}
tend.notify "log" {{ on = "*", severity = "ticket", to = {{ require "tend.notify.log" {{}} }} }}
"""
SERVICE = """tend.service "{name}" {{ targets = {{ "http://10.0.0.1:1/metrics" }}, every = "1m", window = "5m",
  metrics = {{ memory = {{ tend.gauge "memory", bad = "above", expect = 0.4, out_at = 1 }} }} }}
"""


def swing(minute):
    return 0.5 - 0.5 * math.cos(2 * math.pi * minute / DAY)  # 0 at midnight, 1 at noon


def spread(chance, least, most):
    return least * (most / least) ** chance.random()


def grown(from_, to, share):
    return from_ + (to - from_) * share


def by_traffic(chance):
    tau, hour = spread(chance, 1 * HOURS, 12 * HOURS), chance.randrange(DAY)
    done, shares = 0.0, []
    for m in range(MINUTES):
        done += (0.4 + 1.2 * swing(hour + m)) / tau
        shares.append(1 - math.exp(-done))
    return lambda m: shares[m]


def fills(chance):
    whole = spread(chance, 20, 8 * HOURS)
    return lambda m: min(1, m / whole)


def saturates(chance):
    tau = spread(chance, 10, 8 * HOURS)
    return lambda m: 1 - math.exp(-m / tau)


def ever_slower(chance):
    del chance
    return lambda m: math.sqrt(m / MINUTES)


def morning(chance):
    hour = chance.randrange(DAY)
    return lambda m: swing(hour + m)


def warm_and_busy(chance):
    whole, hour = spread(chance, 10, 60), chance.randrange(DAY)
    return lambda m: min(1, m / whole) * (0.5 + 0.5 * swing(hour + m))


HEALTHY = {"fills": fills, "saturates": saturates, "by traffic": by_traffic, "ever slower": ever_slower,
           "morning": morning, "warm and busy": warm_and_busy}
LEAKS = ("leaks", "leaks later")


def make(kind, chance):
    """(values, minute at which the limit is crossed or None)"""
    noise, low = spread(chance, 0.002, 0.02), chance.uniform(0.05, 0.3)
    if kind in HEALTHY:
        share, high = HEALTHY[kind](chance), chance.uniform(0.5, 0.9)
        return [grown(low, high, share(m)) + noise * chance.gauss(0, 1) for m in range(MINUTES)], None
    whole = spread(chance, 3 * HOURS, 40 * HOURS)
    begins = 0 if kind == "leaks" else chance.uniform(1, 1.2) * DAY
    warm = 0 if kind == "leaks" else chance.uniform(0.2, 0.4) * min(1, chance.random())
    low += warm
    values = [grown(low, 1, max(0, m - begins) / whole) + noise * chance.gauss(0, 1) for m in range(MINUTES)]
    return values, begins + whole


def simulate(directory, metrics, options):
    rules = directory / "rules"
    rules.mkdir(parents=True, exist_ok=True)
    services = "".join(SERVICE.format(name=name) for name in metrics)
    (rules / "rules.lua").write_text(RULES.format(services=services, ahead=options.ahead))
    with open(directory / "past.csv", "w") as file:
        print("time", *(f"{name}:memory" for name in metrics), sep=",", file=file)
        for m in range(MINUTES):
            print(MONDAY_S + 60 * m, *(f"{values[m]:.5f}" for values, _ in metrics.values()), sep=",", file=file)
    done = subprocess.run([TEND, "simulate", str(rules), "--csv", str(directory / "past.csv"), "--json"],
                          capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        sys.exit(done.stdout + done.stderr)
    first = {}
    for alert in json.loads(done.stdout)["alerts"]:
        minute = (alert["fired_ms"] / 1000 - MONDAY_S) / 60
        if alert["service"] not in first:
            first[alert["service"]] = (minute, alert["summary"])
    return first


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=30)
    parser.add_argument("--ahead", default="6h")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", help="leave rules and the past there")
    parser.add_argument("--list", action="store_true", help="each that was told of")
    options = parser.parse_args()
    fine = True
    with tempfile.TemporaryDirectory(prefix="tend-warm-ups-") as temporary:
        for kind in (*HEALTHY, *LEAKS):
            chance = random.Random(f"{kind} {options.seed}")
            metrics = {f"s{i}": make(kind, chance) for i in range(options.each)}
            first = simulate(pathlib.Path(options.keep or temporary) / kind.replace(" ", "_"), metrics, options)
            line = f"{kind:14} {len(first):3} of {options.each} told"
            if kind in LEAKS:
                leads = [metrics[name][1] - minute for name, (minute, _) in first.items()]
                early = sum(lead > 15 for lead in leads)
                line += f", {statistics.median(leads) / 60:.1f} h before the limit, {early} by a forecast"
                fine = fine and len(first) == options.each
            print(line, flush=True)
            for name, (minute, summary) in first.items() if options.list else ():
                print(f"    {minute / 60:5.1f} h  {summary}")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
