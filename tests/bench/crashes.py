#!/usr/bin/env python3
"""How long from a kill to a verified recovery, and is the culprit always right?

    tests/bench/crashes.py [--crashes 10] [--hangs 10]

Crashes: a leaf (stock or ledger) is killed with SIGKILL, at an interval of 1 s and fire_after = "1s"; the median from the kill
to "recovered" (two scrapes in line, begun after the restart) must be at most 5 s. Hangs: ledger hangs; each must be one
incident with the culprit ledger, and no other process may be restarted. Prints a table with where the time went; exit 1 when
a line of it is not as it must be.
"""
import argparse
import datetime
import os
import pathlib
import random
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Shop, Tend, culprits  # noqa: E402

LEAVES = [("stock", 0), ("stock", 1), ("ledger", 0)]
COUNT = len(Shop.INSTANCES)


def seconds_of(time_text):
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


def phases(story, begun):
    """Seconds from the fault to: the alert, the act, its end, verified. The times are those of the journal."""
    run = next(r for r in story["runs"] if not r["dry"])
    restart = next(s for s in run["steps"] if s["kind"] == "exec")
    return [seconds_of(text) - begun for text in (story["opened"], restart["began"], restart["ended"], story["ended"])]


def one(shop, tend, service, index, how):
    """Breaks one instance and waits for the end of it. Returns (phases, what was wrong or "")."""
    tend.wait_in_line(COUNT, 60)
    before, known = shop.pids(), {i["id"] for i in tend.incidents()}
    begun = time.time()
    if how == "crash":
        os.kill(before[f"{service}:{index}"], signal.SIGKILL)
    else:
        shop.hurt(service, index, how)
    incident = tend.wait_ended(90, after=known)
    wrong = []
    new = [i for i in tend.incidents() if i["id"] not in known]
    if len(new) != 1:
        wrong.append(f"{len(new)} incidents")
    if culprits(incident) != [service]:
        wrong.append(f"culprit {culprits(incident)}")
    after = shop.pids()
    others = sorted(name for name in after if after[name] != before[name] and name != f"{service}:{index}")
    if others:
        wrong.append(f"also restarted: {others}")
    return phases(tend.json("explain", incident["id"]), begun), ", ".join(wrong)


def series(shop, tend, what, count, how, places):
    """Breaks `count` times and prints a line for each. Returns the seconds of all, and how many lines were wrong."""
    times, faults = [], 0
    print(f"{what:9} {'instance':10} {'alert':>7} {'act':>7} {'acted':>7} {'verified':>9}   seconds after the fault")
    for i in range(count):
        service, index = places[i % len(places)]
        marks, wrong = one(shop, tend, service, index, how)
        times.append(marks[3])
        faults += wrong != ""
        numbers = "{:7.2f} {:7.2f} {:7.2f} {:9.2f}".format(*marks)
        print(f"{what} {i + 1:<3} {service + '/' + str(index):10} {numbers}   {wrong or 'one incident, only it restarted'}",
              flush=True)
        time.sleep(random.random())  # so that faults come at any time between two scrapes
    if times:
        print(f"{what}: median {statistics.median(times):.2f} s, longest {max(times):.2f} s, wrong {faults}\n", flush=True)
    return times, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crashes", type=int, default=10)
    parser.add_argument("--hangs", type=int, default=10)
    options = parser.parse_args()
    # The cooldown would hold the next act on a service that has just recovered; this asks how long a recovery takes.
    with Shop() as shop, Tend(shop.rules(change=lambda text: text.replace('cooldown = "5s"', 'cooldown = "1s"')),
                              shop.directory / "state") as tend:
        tend.cli("arm", "--all")
        tend.wait_warm(COUNT)
        times, wrong = series(shop, tend, "crash", options.crashes, "crash", LEAVES)
        _, also_wrong = series(shop, tend, "hang", options.hangs, "hang", LEAVES[2:])
    slow = bool(times) and statistics.median(times) > 5
    return 1 if wrong + also_wrong > 0 or slow else 0


if __name__ == "__main__":
    sys.exit(main())
