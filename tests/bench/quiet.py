#!/usr/bin/env python3
"""Ten days of fifty services with the shipped golden pack: whom does it wake for nothing, and what does it miss?

    tests/bench/quiet.py [--expect usual|learned|nothing] [--services 50] [--days 10] [--every 15s] [--seed 1]
                         [--faults 40] [--weekend 1] [--only quiet|faults] [--keep DIR]

The world is the scenario world (core/driver/world/MODEL.md): five layers of services that call two of the layer below,
two to four instances each, load that follows the day, noise. Played twice by `tend simulate --scenario`:

  quiet    no faults: every page is false. At most one is allowed, all days and services together.
  faults   40 faults: each kind that does something to a service, four times, with the numbers that MODEL.md gives it,
           on random services at random times, 20 to 40 minutes each. Nothing is acted on. Found is a fault when, while
           it lasts or within five minutes after, an alert of its service fires, or an incident opens that names the
           service as culprit. At least 38 must be. Not among them: what is done to tend (monitoring blind, clock jump)
           or to nobody (leaves).

The delay of a fault counts scrapes from the one that first shows its effect to the one at which the alert fires.
Visible is the first scrape that begins after the fault did; of a leak the first at which the memory truly held is
beyond the pack's limit. That is never later than the true effect passes a threshold, so delays are not flattered. The
median must be under 3.

--expect usual gives each service an `expect` of its response time and memory, as an owner would who rounds up: a
quarter more than on the mean of the day. learned gives that of memory only, and the days in which the pack learns
(--warm) come before the ten. nothing gives nothing at all, from the first minute on. Prints the seed and all faults.
Exit 1 when a bound is not kept.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
LAYERS = 5
LEAF_S = 0.020  # of a leaf; what calls two of a layer takes as long as both, and its own work
MEMORY = 100 * 2**20
LEAK_PER_MINUTE = 0.25  # as all faults, with the numbers that MODEL.md gives its kind
MEMORY_ALPHA = 0.5  # of the pack
ROUNDED_UP = 1.25
FALSE_PAGES_MAX, FOUND_MIN_SHARE, DELAY_MAX = 1, 38 / 40, 3
KINDS = ("crash", "hang", "network loss", "metrics gone", "errors", "slow", "noisy neighbour", "bad deploy", "surge",
         "leak")
GRACE_S = 300

HEAD = """local tend = require "tend"
require "tend.pack.golden"
tend.group "all" {{ is = "golden", every = "{every}"{more} }}
tend.notify "log" {{ on = "*", severity = {{ "page", "ticket", "warn" }}, to = {{ require "tend.notify.log" {{}} }} }}
"""


def duration_s(text):
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]]


def make_world(options):
    """[(name, instances, use, names that it calls, usual response time)]"""
    chance = random.Random(options.seed)
    size = options.services // LAYERS
    names = [[f"s{layer}{i:02}" for i in range(size)] for layer in range(LAYERS)]
    took = LEAF_S
    took_of = {LAYERS - 1: took}
    for layer in range(LAYERS - 2, -1, -1):
        took_of[layer] = took = LEAF_S + 2 * took
    services = []
    for layer in range(LAYERS):
        for name in names[layer]:
            calls = sorted(chance.sample(names[layer + 1], min(2, size))) if layer + 1 < LAYERS else []
            services.append((name, chance.randint(2, 4), chance.uniform(0.1, 0.35), calls, took_of[layer]))
    return services


def make_faults(options, services):
    """Each in a part of the time of its own, so that it is known what an alert is about."""
    chance = random.Random(options.seed + 1)
    kinds = [KINDS[i % len(KINDS)] for i in range(options.faults)]
    chance.shuffle(kinds)
    part_s = options.days * 86400 / max(1, options.faults)
    faults = []
    for i, kind in enumerate(kinds):
        name, instances, *_ = chance.choice(services)
        lasts_s = chance.randint(1200, 2400)
        at_s = options.warm * 86400 + i * part_s + chance.uniform(0.05, 0.75) * (part_s - lasts_s)
        whole = kind in ("bad deploy", "surge") or (kind in ("slow", "errors") and chance.random() < 0.5)
        on = name if whole else f"{name}/{chance.randint(1, instances)}"
        faults.append({"kind": kind, "on": on, "service": name, "at_s": int(at_s), "lasts_s": lasts_s})
    return faults


def lua_fault(fault):
    text = (f'    {{ at = "{fault["at_s"]}s", on = "{fault["on"]}", kind = "{fault["kind"]}", '
            f'lasts = "{fault["lasts_s"]}s" }},\n')
    if fault["kind"] == "leak":  # what was leaked goes with the process: somebody restarts it in the end
        text += (f'    {{ at = "{fault["at_s"] + fault["lasts_s"] + 1}s", on = "{fault["on"]}", kind = "crash", '
                 f'lasts = "1s" }},\n')
    return text


def write(directory, options, services, faults):
    text = HEAD.format(every=options.every, more=options.rules and ", " + options.rules)
    for i, (name, instances, _, calls, took) in enumerate(services):
        targets = ", ".join(f'"http://10.{i // 250}.{i % 250}.{j + 1}:9100/metrics"' for j in range(instances))
        depends = ", ".join(f'"{call}"' for call in calls)
        expects = ""
        if options.expect == "usual":
            expects = f"response_time = {{ expect = {took * ROUNDED_UP:.4f} }}, "
        if options.expect != "nothing":
            memory = f"expect = {int(MEMORY * ROUNDED_UP)}, alpha = {MEMORY_ALPHA}"
            expects = f", metrics = {{ {expects}memory = {{ {memory} }} }}"
        text += f'tend.service "{name}" {{ is = "all", depends = {{ {depends} }}, targets = {{ {targets} }}{expects} }}\n'
    (directory / "rules.lua").write_text(text)
    world = "".join(f'    {name} = {{ {instances}, use = {use:.3f}, usual = {{ response_time = {took:.3f}, '
                    f'memory = {MEMORY} }} }},\n' for name, instances, use, _, took in services)
    test = 'local test = require "tend.test"\n'
    for name, broken in (("quiet", ""), ("faults", "".join(map(lua_fault, faults)))):
        test += (f'test.scenario "{name}" {{\n  lasts = "{options.days + options.warm}d", seed = {options.seed}, '
                 f'load = {{ swing = 0.5, noise = 0.05, weekend = {options.weekend} }},\n'
                 f'  world = {{\n{world}  }},\n  faults = {{\n{broken}  }},\n  check = function() end,\n}}\n')
    (directory / "rules_test.lua").write_text(test)


def simulate(directory, name):
    done = subprocess.run([TEND, "simulate", str(directory), "--scenario", name, "--json"], capture_output=True, text=True,
                          check=False)
    if not done.stdout.startswith("{"):
        sys.exit(done.stdout + done.stderr)
    return json.loads(done.stdout)


def visible_at_s(fault, options):
    """When the first scrape is made that shows the effect, in seconds after the beginning."""
    every_s = duration_s(options.every)
    from_s = fault["at_s"]
    if fault["kind"] == "leak":
        limit = 2 if options.expect == "nothing" else (1 + MEMORY_ALPHA) * ROUNDED_UP
        from_s += (limit - 1) / LEAK_PER_MINUTE * 60
    return (int(from_s // every_s) + 1) * every_s


def look_for(fault, report, options):
    """(scrapes of delay or None, by what it was found)"""
    visible_s = visible_at_s(fault, options)
    until_s = fault["at_s"] + fault["lasts_s"] + GRACE_S
    found = []
    for alert in report["alerts"]:
        fired_s = (alert["fired_ms"] - report["from_ms"]) / 1000
        if alert["service"] == fault["service"] and fault["at_s"] <= fired_s <= until_s:
            found.append((fired_s, f"{alert['rule']} {alert['instance']}".strip()))
    for incident in report["incidents"]:
        opened_s = (incident["opened_ms"] - report["from_ms"]) / 1000
        if fault["at_s"] <= opened_s <= until_s and any(c["service"] == fault["service"] for c in incident["culprits"]):
            found.append((opened_s, f"{incident['id']} names it"))
    if not found:
        return None, ""
    fired_s, what = min(found)
    return max(0, round((fired_s - visible_s) / duration_s(options.every))), what


def pages(report, options):
    """Incidents that paged after the warm-up."""
    warm_ms = report["from_ms"] + options.warm * 86400000
    return [i for i in report["incidents"] if i["severity"] == "page" and i["opened_ms"] >= warm_ms]


def tell_alert(alert, report):
    at_s = (alert["fired_ms"] - report["from_ms"]) / 1000
    print(f"    day {at_s // 86400:.0f} {at_s % 86400 // 3600:02.0f}:{at_s % 3600 // 60:02.0f}  {alert['rule']:14} "
          f"{alert['severity']:6} {alert['summary']}")


def tell_quiet(report, options):
    paged = pages(report, options)
    fine = len(paged) <= FALSE_PAGES_MAX
    print(f"quiet     {len(paged)} false pages of at most {FALSE_PAGES_MAX}, {len(report['alerts'])} alerts in all"
          f"{'' if fine else '   NOT kept'}")
    for alert in report["alerts"][:20]:
        tell_alert(alert, report)
    return fine


def tell_faults(report, options, faults):
    delays = []
    for fault in faults:
        delay, what = look_for(fault, report, options)
        if delay is not None:
            delays.append(delay)
        day, second = divmod(fault["at_s"], 86400)
        print(f"    day {day:2} {second // 3600:02}:{second % 3600 // 60:02}  {fault['kind']:16} {fault['on']:8} "
              f"{'MISSED' if delay is None else f'{delay:3} scrapes  {what}'}")
    outside = []
    for incident in pages(report, options):
        opened_s = (incident["opened_ms"] - report["from_ms"]) / 1000
        if not any(f["at_s"] <= opened_s <= f["at_s"] + f["lasts_s"] + GRACE_S for f in faults):
            outside.append(incident)
    needed = round(FOUND_MIN_SHARE * len(faults))
    median = statistics.median(delays) if delays else float("nan")
    fine = len(delays) >= needed and median < DELAY_MAX
    print(f"faults    {len(delays)} of {len(faults)} found, at least {needed}; median delay {median:g} scrapes, under "
          f"{DELAY_MAX}; {len(pages(report, options))} incidents paged, {len(outside)} of them outside of any fault"
          f"{'' if fine else '   NOT kept'}")
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expect", choices=("usual", "learned", "nothing"), default="usual")
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--warm", type=int, help="days before; default: none with usual, 14 with learned")
    parser.add_argument("--every", default="15s")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--weekend", type=float, default=1, help="load on Saturdays and Sundays, of a working day's")
    parser.add_argument("--rules", default="", help="more fields of the services' group, as Lua")
    parser.add_argument("--only", choices=("quiet", "faults"))
    parser.add_argument("--keep", help="write rules and reports there, and leave them")
    options = parser.parse_args()
    if options.warm is None:
        options.warm = 14 if options.expect == "learned" else 0
    with tempfile.TemporaryDirectory(prefix="tend-quiet-") as temporary:
        directory = pathlib.Path(options.keep or temporary)
        directory.mkdir(parents=True, exist_ok=True)
        services = make_world(options)
        faults = make_faults(options, services)
        write(directory, options, services, faults)
        targets = sum(instances for _, instances, *_ in services)
        print(f"{options.services} services, {targets} targets every {options.every}, {options.days} days"
              f"{f' after {options.warm} of learning' if options.warm else ''}, expect = {options.expect}, "
              f"seed {options.seed}")
        fine = True
        for name in ("quiet", "faults"):
            if options.only not in (None, name):
                continue
            report = simulate(directory, name)
            (directory / f"{name}.json").write_text(json.dumps(report))
            fine = (tell_quiet(report, options) if name == "quiet" else tell_faults(report, options, faults)) and fine
            print(f"          {report['sums']['ticks']} ticks, {report['sums']['cpu_s']:.0f} s of CPU", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
