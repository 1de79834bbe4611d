#!/usr/bin/env python3
"""How long from a kill to a verified recovery, and is the culprit always right?

    tests/bench/crashes.py [--crashes 10] [--hangs 10]

Crashes: one instance after the other is killed with SIGKILL, at an interval of 1 s and fire_after = "1s"; the median from the kill to
"recovered" must be at most 5 s. Hangs: ledger hangs; each must be one incident with the culprit ledger, and no other
process may be restarted. Prints a table; exit 1 when a line of it is not as it must be.
"""
import argparse
import os
import pathlib
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Shop, Tend, wait_for  # noqa: E402

ROUND = [("stock", 0), ("payments", 0), ("ledger", 0), ("stock", 1), ("payments", 1), ("checkout", 0), ("gateway", 0)]


def in_line(tend):
    instances = tend.instances()
    return len(instances) == len(Shop.INSTANCES) and all(i["state"] == "ok" for i in instances.values())


def one(shop, tend, service, index, how):
    """Breaks one instance and waits for the end of it. Returns (seconds, what was wrong or "")."""
    wait_for("all in line", lambda: in_line(tend), 60)
    before, known = shop.pids(), {i["id"] for i in tend.incidents()}
    begun = time.monotonic()
    if how == "crash":
        os.kill(before[f"{service}:{index}"], signal.SIGKILL)
    else:
        shop.hurt(service, index, how)
    incident = tend.wait_incident("recovered", lambda i: i["state"] == "recovered", 90, after=known)
    seconds = time.monotonic() - begun
    wrong = []
    new = [i for i in tend.incidents() if i["id"] not in known]
    if len(new) != 1:
        wrong.append(f"{len(new)} incidents")
    if incident["culprits"] != [service]:
        wrong.append(f"culprit {incident['culprits']}")
    after = shop.pids()
    others = sorted(name for name in after if after[name] != before[name] and name != f"{service}:{index}")
    if others:
        wrong.append(f"also restarted: {others}")
    return seconds, ", ".join(wrong)


def series(shop, tend, what, count, how, places):
    """Breaks `count` times and prints a line for each. Returns the seconds of all, and how many lines were wrong."""
    times, faults = [], 0
    for i in range(count):
        service, index = places[i % len(places)]
        seconds, wrong = one(shop, tend, service, index, how)
        times.append(seconds)
        faults += wrong != ""
        print(f"{what} {i + 1:2}  {service + '/' + str(index):12} {seconds:6.2f} s  {wrong or 'one incident, only it restarted'}",
              flush=True)
    if times:
        print(f"{what}: median {statistics.median(times):.2f} s, longest {max(times):.2f} s, wrong {faults}", flush=True)
    return times, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument("--hangs", type=int, default=10)
    options = parser.parse_args()
    with Shop() as shop, Tend(shop.rules(), shop.directory / "state") as tend:
        tend.cli("arm", "--all")
        times, wrong = series(shop, tend, "crash", options.crashes, "crash", ROUND)
        _, also_wrong = series(shop, tend, "hang", options.hangs, "hang", [("ledger", 0)])
    slow = bool(times) and statistics.median(times) > 5
    return 1 if wrong + also_wrong > 0 or slow else 0


if __name__ == "__main__":
    sys.exit(main())
