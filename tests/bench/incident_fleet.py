#!/usr/bin/env python3
"""A large incident in a large fleet: does it hold up what goes on beside it?

    tests/bench/incident_fleet.py [--targets 1000] [--every 5] [--dependents 199] [--before 60] [--during 60]
        [--after 60] [--nice 0] [--keep DIR]

Lets tend watch the 300 services of fleet.c with twelve metrics each, per-instance and function rules, and a log of 200 templates
for each service near the incident. --dependents services call svc-299, most of them through others. Then svc-299 fails (memory, slow, errors)
and all of them with it. What tend tells on /metrics is taken over --before seconds in health, over --during seconds from the fault on,
and over --after seconds from its end on, in the same run: how long after their time scrapes were begun, how long one event held the loop, CPU. Meanwhile the incident is asked for as a
person would. What an event took of the processor is read from tend's log; --nice -20 keeps a busy machine's other work from its main thread.
Exit 1 when a scrape was missed or late (more than 100 ms), an event took more than 10 ms of CPU time, no incident has nearly all dependents,
more than 200 services were looked at, or svc-299 is not the culprit.
"""
import argparse
import collections
import datetime
import json
import math
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from fleet import Fleet, evaluators, scrapes_of  # noqa: E402
from shop import Tend, Webhook, wait_for  # noqa: E402

SERVICES, CULPRIT, HUBS, TEMPLATES = 300, 299, 20, 200
HEALTHY_S = 75  # of rows that evidence is set against, before anything is measured

RULES = """
local tend = require "tend"
local usual = function(from) return {{ from, bad = "both", expect = tend.learned {{ last = 60 }}, alpha = 10 }} end
tend.group "fleet" {{
  targets = require "tend.discover.file" {{ tend.env.targets, service = "service" }},
  every = "{every}s", window = "{window}s", logs = "{logs}/{{service}}.log",
  metrics = {{
    response_time = {{ tend.mean "http_request_duration_seconds", expect = "200ms", alpha = 1 }},
    p99 = {{ tend.quantile(0.99, "http_request_duration_seconds"), expect = "1s", alpha = 3 }},
    error_rate = {{ tend.share('http_requests_total{{code=~"5.."}}', "http_requests_total"), expect = 0.01, out_at = 0.1 }},
    memory = {{ tend.gauge "process_resident_memory_bytes", bad = "above", expect = "400MiB", alpha = 1 }},
    traffic = usual(tend.rate "http_requests_total"),
    cpu = usual(tend.rate "process_cpu_seconds_total"),
    queue = usual(tend.gauge "queue_depth"),
    open_files = usual(tend.gauge "process_open_fds"),
    goroutines = usual(tend.gauge "go_goroutines"),
    heap = usual(tend.gauge "go_memstats_heap_inuse_bytes"),
    allocated = usual(tend.rate "go_memstats_alloc_bytes_total"),
    recent_latency = usual(tend.gauge "http_request_duration_avg_seconds"),
  }},
}}
tend.rule "slow" {{ on = "fleet", when = "response_time", fire_after = "10s", severity = "page" }}
tend.rule "errors" {{ on = "fleet", per = "instance", when = "error_rate", fire_after = "10s", severity = "page" }}
tend.rule "failing" {{
  on = "fleet", fire_after = "10s", severity = "ticket",
  when = function(s) return s.error_rate.out and s.traffic.P > 0 end,
}}
tend.notify "on call" {{ on = "*", to = {{ require "tend.notify.webhook" {{ url = "{webhook}" }} }} }}
"""


def name(service):
    return f"svc-{service:03}"


def edges(dependents):
    """{service: whom it calls}: svc-299 is called by a tenth of the dependents, which all others call, two each."""
    hubs = min(HUBS, dependents)
    calls = {service: [CULPRIT] for service in range(hubs)}
    calls.update({service: [service % hubs, (service + 7) % hubs] for service in range(hubs, dependents)})
    return calls


class Logs:
    """A log for each service near the incident: all templates at once, then a few lines a second; the culprit's has errors from `hurt` on."""

    def __init__(self, directory, services):
        directory.mkdir()
        letters = "abcdefghijklmnopqrst"
        self.words = [f"{a}{b}ing" for a in letters for b in letters][:TEMPLATES]
        self.files = {service: open(directory / f"{name(service)}.log", "w", buffering=1 << 16) for service in services}
        self.at, self.broken, self.stop = 0, threading.Event(), threading.Event()
        for out in self.files.values():
            out.flush()
        self.thread = threading.Thread(target=self.go_on, daemon=True)

    def go_on(self):
        while not self.stop.wait(1):
            whole = self.at == 0  # they are read from their ends: what is to be known is written after that
            for service, out in self.files.items():
                for k in range(TEMPLATES if whole else 3):
                    word = self.words[(self.at + k) % TEMPLATES]
                    out.write(f"2026-03-02T02:00:00.000 INFO {word} the order of a customer took {k + 3} ms id={self.at * 7 + k}\n")
                if self.broken.is_set() and service == CULPRIT:
                    out.writelines(f"2026-03-02T02:00:00.000 ERROR cannot allocate {k} pages for the cache\n" for k in range(20))
                out.flush()
            self.at += 3

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.stop.set()
        self.thread.join()
        for out in self.files.values():
            out.close()


Snapshot = collections.namedtuple("Snapshot", "at metrics rules")


def snapshot(tend):
    return Snapshot(time.monotonic(), tend.metrics(), evaluators(tend))


def classes(begin, end, histogram):
    """[(upper bound in s, how many)] of what a histogram counted between two snapshots."""
    begun = {key: value for key, value in begin.metrics.items() if key.startswith(histogram + "_bucket")}
    rows, before = [], 0
    for key, value in sorted(((float(key.split('"')[1]), end.metrics[key] - value) for key, value in begun.items())):
        rows.append((key, value - before))
        before = value
    return rows


def at_most(rows, share):
    """The upper bound of the class in which the given share of the count is reached, in ms."""
    total, seen = sum(count for _, count in rows), 0
    for bound, count in rows:
        seen += count
        if count > 0 and seen >= share * total:
            return 1e3 * bound
    return math.nan


def tell(what, begin, end):
    """Prints a row of the table. Returns (late, missed)."""
    seconds = end.at - begin.at
    delays, steps = (classes(begin, end, f"tend_{what}_seconds") for what in ("scrape_start_delay", "step"))
    late, missed = (end.metrics[f"tend_scrapes_{what}_total"] - begin.metrics[f"tend_scrapes_{what}_total"] for what in ("late", "missed"))
    cpu = end.metrics["process_cpu_seconds_total"] - begin.metrics["process_cpu_seconds_total"]
    scrapes = scrapes_of(end.metrics) - scrapes_of(begin.metrics)
    over_5ms = sum(count for bound, count in steps if bound > 0.0051)
    print(f"{what:9} {scrapes:8.0f} {late:5.0f} {missed:7.0f}   {at_most(delays, .5):4.0f} {at_most(delays, .99):4.0f} {at_most(delays, 1):5.0f}"
          f"   {at_most(steps, .5):4.1f} {at_most(steps, .99):4.1f} {at_most(steps, 1):5.0f} {over_5ms:7.0f}"
          f"   {100 * cpu / seconds:5.1f} % {100 * (end.rules[0] - begin.rules[0]) / seconds:7.1f} %"
          f" {end.metrics['process_resident_memory_bytes'] / 2**20:8.1f} MiB")
    return late, missed


def long_steps(tend, since):
    """[(CPU ms, event)] of the events after that wall time that held the loop for more than 5 ms, longest first."""
    found = re.findall(r"^(\S+) debug step was long event=\"([^\"]*)\" took_us=\d+ cpu_us=(\d+)", tend.log.read_text(), re.MULTILINE)
    return sorted(((int(cpu) / 1e3, event) for at, event, cpu in found if at >= since), reverse=True)


def hurt(fleet, options):
    """The culprit now, what calls it two seconds later, and what calls that two more. Faults are set ahead, to begin on time."""
    begin = time.monotonic() + 6
    targets = {service: range(service, options.targets, SERVICES) for service in range(SERVICES)}

    def add(kind, service, after, factor):
        for target in targets[service]:
            fleet.hurt(kind, target, begin + after - time.monotonic(), factor, options.during - after)

    add("memory", CULPRIT, 0, 4e7)
    add("latency", CULPRIT, 0, 30)
    add("errors", CULPRIT, 0, 100)
    for service in edges(options.dependents):
        after = 2 if service < HUBS else 4
        add("latency", service, after, 12)
        add("errors", service, after, 60)
    time.sleep(max(0, begin - time.monotonic()))


def look(tend):
    """The largest incident, as `tend explain --json` has it, and how long the list, that, and `tend status` took, in ms. None: there is none yet."""
    begun = time.monotonic()
    tend.json("status")
    seen = time.monotonic()
    incidents = tend.incidents()
    listed = time.monotonic()
    if not incidents:
        return None
    largest = max(incidents, key=lambda incident: len(incident["services"]))
    told = tend.json("explain", largest["id"])
    return told, 1e3 * (listed - seen), 1e3 * (time.monotonic() - listed), 1e3 * (seen - begun)


def measure(tend, fleet, logs, webhook, options):
    os.setpriority(os.PRIO_PROCESS, tend.process.pid, options.nice)  # of its main thread, not of those that it has started
    wait_for("the first scrape", lambda: scrapes_of(tend.metrics()) > 0, 30)
    time.sleep(HEALTHY_S)
    begin = snapshot(tend)
    time.sleep(options.before)
    healthy = snapshot(tend)
    hurt(fleet, options)
    logs.broken.set()
    hit = snapshot(tend)
    hit_at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    asked = []
    while time.monotonic() < hit.at + options.during:
        time.sleep(5)
        asked.append(look(tend))
    end = snapshot(tend)
    time.sleep(options.after)
    calm = snapshot(tend)
    ended = [one["outcome"] for one in tend.incidents() if one["state"] == "ended"]
    asked = [one for one in asked if one]

    print(f"{options.targets} targets of {SERVICES} services, every {options.every} s; {options.dependents} of them depend on {name(CULPRIT)}")
    print("                           scrapes   begun after, ms        one event held, ms           CPU, CPU of     resident")
    print("              all  late  missed    p50  p99   max    p50  p99   max  > 5 ms    tend, evaluators")
    tell("healthy", begin, healthy)
    late, missed = tell("incident", hit, end)
    late_after, missed_after = tell("after it", end, calm)
    long = long_steps(tend, hit_at)
    print(f"by CPU time        {sum(cpu > 5 for cpu, _ in long)} events took more than 5 ms; the longest: "
          f"{', '.join(f'{cpu:.1f} ms ({event})' for cpu, event in long[:5]) or 'none of 5 ms'}")
    if not asked:
        print("no incident\nNOT fine")
        return 1
    incident = asked[-1][0]
    looked_at = int(end.metrics["tend_locate_services"])
    print(f"incident           {incident['incident']}: {len(incident['services'])} services, culprits "
          f"{', '.join(culprit['service'] for culprit in incident['culprits']) or 'none'}")
    print(f"ended              {len(ended)} incidents: {', '.join(sorted(set(ended))) or 'none'}")
    print(f"looked at          {looked_at} services")
    print(f"asked by a person  {len(asked)} times; the list took at most {max(one[1] for one in asked):.0f} ms, the story {max(one[2] for one in asked):.0f} ms, "
          f"the status {max(one[3] for one in asked):.0f} ms")
    print(f"webhooks           {len(webhook.bodies)}, of at most {max(map(len, map(json.dumps, webhook.bodies)), default=0) / 1024:.0f} KiB")
    good = (late == missed == late_after == missed_after == 0 and max((cpu for cpu, _ in long), default=0) <= 10 and 0 < looked_at <= 200 and len(incident["services"]) >= 0.95 * options.dependents
            and [culprit["service"] for culprit in incident["culprits"]] == [name(CULPRIT)])
    print("fine" if good else "NOT fine")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--every", type=int, default=5, help="seconds between scrapes of a target")
    parser.add_argument("--dependents", type=int, default=199)
    parser.add_argument("--before", type=int, default=60, help="seconds that are measured in health")
    parser.add_argument("--during", type=int, default=60, help="seconds that are measured from the fault on")
    parser.add_argument("--after", type=int, default=60, help="seconds that are measured from the end of the fault on")
    parser.add_argument("--nice", type=int, default=0, help="of tend's main thread")
    parser.add_argument("--keep", type=pathlib.Path, help="copy tend's state and log there: what to replay")
    options = parser.parse_args()
    calls = edges(options.dependents)
    with tempfile.TemporaryDirectory(prefix="tend-incident-") as directory, Fleet(directory, options.targets, options.series) as fleet, \
            Logs(fleet.directory / "logs", [*calls, CULPRIT]) as logs:
        webhook = Webhook()
        text = RULES.format(every=options.every, window=6 * options.every, logs=fleet.directory / "logs", webhook=webhook.url)
        text += "".join(f'tend.service "{name(service)}" {{ is = "fleet", depends = {{ {", ".join(json.dumps(name(one)) for one in below)} }} }}\n'
                        for service, below in calls.items())
        text += f'tend.service "{name(CULPRIT)}" {{ is = "fleet" }}\n'
        try:
            with Tend(fleet.rules(text), fleet.directory / "state", env="bench", options=["--log-level", "debug"]) as tend:
                return measure(tend, fleet, logs, webhook, options)
        finally:
            webhook.close()
            if options.keep:
                shutil.copytree(fleet.directory, options.keep, ignore=shutil.ignore_patterns("*.sock", "socket"), dirs_exist_ok=True)


if __name__ == "__main__":
    sys.exit(main())
