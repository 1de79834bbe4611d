#!/usr/bin/env python3
"""Is the culprit first, each time? The real shop of examples/shop, broken again and again under the real `tend run`.

    tests/bench/demo_forty.py [--each 10] [--seed N] [--fault NAME]

Four faults, as in the demo: a leaf crashes, ledger hangs, one payments answers errors, one stock leaks; each at a random
moment, after some time at a random load (20 to 100 requests a second). Of each a line: who was first in the ranking that
was acted on and how sure tend was, whether anybody else was restarted, and the seconds to the alert, the act and
"recovered". Prints the seed. Exit 1 unless the culprit was first, and alone restarted, in all of them.
"""
import argparse
import random
import sys
import time

from fidelity import FAULTS, hurt, quick, seconds_of
from shop import Shop, Tend, culprits, wait_for  # fidelity knows where it lies

COUNT = len(Shop.INSTANCES)


def faults_of(story, service, restarted, new):
    """What was wrong, or nothing."""
    wrong = []
    if len(new) != 1:
        wrong.append(f"{len(new)} incidents")
    if not story["ranking"] or story["ranking"][0]["service"] != service:
        wrong.append("first was " + (story["ranking"][0]["service"] if story["ranking"] else "nobody"))
    if story["outcome"] != "recovered":
        wrong.append(story["outcome"])
    if restarted:
        wrong.append("also restarted: " + ", ".join(restarted))
    return wrong


def whole(story):
    return story if story["ended"] else None


def one(shop, tend, fault, index, chance):
    places, how, _ = FAULTS[fault]
    service, instance = places[index % len(places)]
    load = chance.randint(20, 100)
    shop.ctl("load", load)
    time.sleep(6 + chance.random() * 2)  # the windows are full of it
    tend.wait_in_line(COUNT, 60)
    before, known = shop.pids(), {i["id"] for i in tend.incidents()}
    begun = hurt(shop, service, instance, how)
    incident = tend.wait_ended(90, after=known)
    story = wait_for("the whole story", lambda: whole(tend.json("explain", incident["id"])), 10)
    after = shop.pids()
    others = sorted(name for name in after if after[name] != before.get(name) and name != f"{service}:{instance}")
    wrong = faults_of(story, service, others, [i for i in tend.incidents() if i["id"] not in known])
    if culprits(incident) != [service]:
        wrong.append(f"culprits {culprits(incident)}")
    acts = [step["began"] for run in story["runs"] for step in run["steps"] if step["kind"] == "exec" and step["began"]]
    times = (story["opened"], acts[0] if acts else None, story["ended"])
    marks = [seconds_of(text) - begun if text else float("nan") for text in times]
    first = story["ranking"][0] if story["ranking"] else {"service": "-", "confidence": 0}
    print(f"{fault:16} {index + 1:3} {service + '/' + str(instance):10} {load:5} {first['service']:9} {first['confidence']:10.2f} "
          + " ".join(f"{mark:9.2f}" for mark in marks) + f"   {', '.join(wrong) or 'only it restarted'}", flush=True)
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1000000))
    parser.add_argument("--fault", choices=FAULTS)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}")
    print(f"{'fault':16} {'no.':>3} {'instance':10} {'req/s':>5} {'first':9} {'confidence':>10} {'alert':>9} {'act':>9} {'recovered':>9}")
    right = tried = 0
    with Shop() as shop, Tend(shop.rules(change=quick), shop.directory / "state") as tend:
        tend.cli("arm", "--all")
        tend.wait_warm(COUNT)
        order = [(fault, i) for i in range(options.each) for fault in FAULTS if options.fault in (None, fault)]
        for fault, index in order:
            right += one(shop, tend, fault, index, chance)
            tried += 1
    print(f"\nculprit first, and alone restarted: {right} of {tried}")
    return 0 if right == tried else 1


if __name__ == "__main__":
    sys.exit(main())
