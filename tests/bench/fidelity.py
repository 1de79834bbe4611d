#!/usr/bin/env python3
"""Does the simulated shop recover as the real one does?

    tests/bench/fidelity.py [--live 10] [--simulated 100] [--fault NAME] [--keep FILE]

Four faults: a leaf crashes, ledger hangs, one payments answers errors, one stock leaks. Each is done to the real shop of
examples/shop under the real `tend run`, at any time between two scrapes, and simulated under `tend test` with the same rules in
the world `demo` of examples/shop/shop_test.lua, at times left to chance. Prints the median of each phase (seconds from the fault
to the alert, to the act, to its end, to "recovered"), live and simulated, and their ratio. Exit 1 when the medians to "recovered"
differ by more than 30 % and by more than one scrape interval, or when a run did not recover, or blamed or touched somebody else.
"""
import argparse
import datetime
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import ROOT, TEND, Shop, Tend, culprits  # noqa: E402

INTERVAL_S = 1.0  # of the shop's rules
PHASES = ("alert", "act", "acted", "recovered")
# Whom, in turn (service, index), what the shop is asked for, and the fault of the simulation.
FAULTS = {
    "crash of a leaf": ([("stock", 0), ("ledger", 0), ("stock", 1)], "crash", 'kind = "crash"'),
    "hung ledger": ([("ledger", 0)], "hang", 'kind = "hang"'),
    "payments errors": ([("payments", 0), ("payments", 1)], "errors", 'kind = "errors", ratio = 0.8'),
    "stock leak": ([("stock", 0), ("stock", 1)], "leak", 'kind = "leak", per_minute = PER_MINUTE'),
}
LEAK_BYTES_PER_MINUTE = 30e6 * 60  # examples/shop/shop.c, of `leak` without a factor


def quick(text):
    """The shop's rules as a bench needs them: neither the cooldown nor the 30 runs an hour of all hold the next act."""
    return text.replace('cooldown = "5s"', 'cooldown = "1s"') + 'tend.group "*" { together = { per_hour = 128 } }\n'


def seconds_of(time_text):
    return datetime.datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


# ---- live


def hurt(shop, service, index, how):
    """Breaks one instance; returns when, on the wall clock."""
    begun = time.time()
    if how == "crash":
        os.kill(shop.pids()[f"{service}:{index}"], signal.SIGKILL)
        return time.time()
    url = f"http://127.0.0.1:{shop.port(service, index)}/fault?kind={how}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=5) as answer:
        answer.read()
    return begun


def one_live(shop, tend, service, index, how):
    """Breaks one instance and waits for the end of it. Returns (phases, what was wrong or "")."""
    tend.wait_in_line(len(Shop.INSTANCES), 60)
    known = {i["id"] for i in tend.incidents()}
    begun = hurt(shop, service, index, how)
    story = tend.json("explain", tend.wait_ended(90, after=known)["id"])
    run = next(r for r in story["runs"] if not r["dry"])
    restarts = [s for s in run["steps"] if s["kind"] == "exec"]
    marks = (story["opened"], restarts[0]["began"], restarts[0]["ended"], story["ended"])
    wrong = []
    if culprits(story) != [service]:
        wrong.append(f"culprit {culprits(story)}")
    if len(restarts) != 1 or restarts[0]["instance"] != shop.instance(service, index):
        wrong.append(f"restarted {[s['instance'] for s in restarts]}")
    return [seconds_of(text) - begun for text in marks], ", ".join(wrong)


def live(shop, tend, name, count):
    places, how, _ = FAULTS[name]
    times = []
    wrong = 0
    for i in range(count):
        service, index = places[i % len(places)]
        marks, fault = one_live(shop, tend, service, index, how)
        print(f"  live {i + 1:<3} {service + '/' + str(index + 1):11} " + " ".join(f"{mark:7.2f}" for mark in marks)
              + f"   {fault}", flush=True)
        times.append(marks)
        wrong += fault != ""
        time.sleep(1.5 + random.random())  # past the cooldown, and at any time between two scrapes
    return times, wrong


# ---- simulated


def demo_world():
    """The tables `demo` and `acts` of the example's tests, as they are written there."""
    text = (ROOT / "examples/shop/shop_test.lua").read_text()
    begin = text.index("local demo = {")
    return text[begin:text.index("\n", text.index("local acts = {", begin)) + 1]


def usual_memory(world):
    """Bytes that an instance usually holds: `memory = "6MB"` of the world."""
    return float(world.split('memory = "')[1].split("MB")[0]) * 1e6


def simulated(shop, names, count):
    """Plays each fault `count` times; returns name → (times, wrong)."""
    world = demo_world()
    per_minute = LEAK_BYTES_PER_MINUTE / usual_memory(world)
    lines = ['local test = require "tend.test"', world]
    for name in names:
        places, _, fault = FAULTS[name]
        for i in range(count):
            service, index = places[i % len(places)]
            lines.append(f'test.scenario "{name} {i + 1}" {{ world = demo, acts = acts, spread = true, seed = {i + 1},\n'
                         f'  faults = {{ {{ at = {{ "2m", "3m" }}, on = "{service}/{index + 1}", '
                         f'{fault.replace("PER_MINUTE", f"{per_minute:.1f}")} }} }}, check = function() end }}')
    rules = shop.rules("simulated", change=quick)
    (rules / "fidelity_test.lua").write_text("\n".join(lines) + "\n")
    done = subprocess.run([TEND, "test", rules, "--env", "demo", "--once", "--json"], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise RuntimeError(f"tend test: exit {done.returncode}: {done.stderr}")
    found = {name: ([], 0) for name in names}
    for scenario in json.loads(done.stdout)["scenarios"]:
        name, number = scenario["name"].rsplit(" ", 1)
        service, index = FAULTS[name][0][(int(number) - 1) % len(FAULTS[name][0])]
        times, wrong = found[name]
        marks, fault = one_simulated(scenario["run"], service, f"{service}/{index + 1}")
        if fault:
            print(f"  simulated {scenario['name']}: {fault}")
        else:
            times.append(marks)
        found[name] = (times, wrong + (fault != ""))
    return found


def one_simulated(run, service, instance):
    if run["ended"] != "recovered" or run["culprits"] != [service] or [s["instance"] for s in run["steps"]] != [instance]:
        acts = [s["instance"] for s in run["steps"]]
        return None, f"{run['ended']}, culprits {run['culprits']}, restarted {acts}"
    begun = run["fault_s"]
    restart = run["steps"][0]
    return [min(a["fired_s"] for a in run["alerts"]) - begun, restart["at_s"] - begun, restart["ended_s"] - begun,
            run["recovered_s"]], ""


# ---- both


def compare(name, live_times, simulated_times):
    """Prints the medians; returns whether those to "recovered" are close enough."""
    for i, phase in enumerate(PHASES):
        real = statistics.median(marks[i] for marks in live_times)
        made = statistics.median(marks[i] for marks in simulated_times)
        print(f"{name if i == 0 else '':16} {phase:10} {real:9.2f} {made:10.2f} {made / real:7.2f} {made - real:+8.2f}")
    return abs(made - real) <= max(0.3 * real, INTERVAL_S)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--live", type=int, default=10)
    parser.add_argument("--simulated", type=int, default=100)
    parser.add_argument("--fault", choices=list(FAULTS), action="append", help="only this one; more than once allowed")
    parser.add_argument("--keep", help="a JSON file for all the times")
    options = parser.parse_args()
    names = options.fault or list(FAULTS)
    found = {}
    wrong = 0
    with Shop() as shop:
        made = simulated(shop, names, options.simulated)
        with Tend(shop.rules(change=quick), shop.directory / "state") as tend:
            tend.cli("arm", "--all")
            tend.wait_warm(len(Shop.INSTANCES))
            for name in names:
                print(f"{name}: seconds to " + ", ".join(PHASES))
                times, faults = live(shop, tend, name, options.live)
                found[name] = (times, made[name][0])
                wrong += faults + made[name][1]
    if options.keep:
        pathlib.Path(options.keep).write_text(json.dumps(found, indent=1))
    print(f"\n{'median to':16} {'':10} {'live':>9} {'simulated':>10} {'ratio':>7} {'apart':>8}")
    far = [name for name in names if not compare(name, *found[name])]
    print(f"\nfaults that recover too differently: {', '.join(far) or 'none'}; runs that went wrong: {wrong}")
    return 1 if far or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
