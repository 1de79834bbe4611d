#!/usr/bin/env python3
"""A day of a fleet in virtual time: what does it cost?

    tests/bench/day.py [--services 200] [--every 5] [--hours 24] [--source csv|scenario] [--limit 30] [--keep DIR]

Writes rules for services of five metrics each (two rules on a metric's name, one function over all) and a day of P for them,
with a slow morning, noise, and a service that goes out of line now and then; plays it and prints CPU seconds of all
processes, evaluators included, and the largest resident size of each kind. From a CSV file through `tend simulate --csv`, or
by hand in a scenario of `tend test --once`. Exit 1 when it took more than --limit CPU seconds, or did not end as it must.
"""
import argparse
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
METRICS = ["response_time", "p99", "error_rate", "memory", "traffic"]
TROUBLES = 20  # how many times in a day a service is slow for 5 minutes
BEGIN_S = 1772445600  # 2026-03-02 10:00 UTC, when scenarios begin too

RULES = """local tend = require "tend"
tend.group "fleet" {{
  every = "{every}s", window = "1m",
  metrics = {{
    response_time = {{ tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 }},
    p99 = {{ tend.quantile(0.99, "http_request_duration_seconds"), expect = "1s", alpha = 2 }},
    error_rate = {{ tend.share('http_requests_total{{code=~"5.."}}', "http_requests_total"), expect = 0.01, out_at = 0.5 }},
    memory = {{ tend.gauge "process_resident_memory_bytes", bad = "above", expect = "1GiB", alpha = 3 }},
    traffic = {{ tend.rate "http_requests_total", bad = "both", expect = tend.learned {{ last = 60 }}, alpha = 10 }},
  }},
}}
tend.rule "slow" {{ on = "fleet", when = "response_time", fire_after = "15s", severity = "ticket" }}
tend.rule "tail" {{ on = "fleet", when = "p99", fire_after = "15s", severity = "ticket" }}
tend.rule "failing" {{
  on = "fleet", fire_after = "15s", severity = "ticket",
  when = function(s) return s.error_rate.out and s.traffic.P > 0 end,
}}
tend.notify "log" {{ on = "*", severity = "ticket", to = {{ require "tend.notify.log" {{}} }} }}
"""


def write_rules(directory, options):
    text = RULES.format(every=options.every)
    for k in range(options.services):
        text += f'tend.service "s{k:03}" {{ is = "fleet", targets = {{ "http://10.0.0.{k % 250}:{9000 + k}/metrics" }} }}\n'
    (directory / "fleet.lua").write_text(text)


def troubles(options, rows):
    """(service, first row): who is slow from when on."""
    chance = random.Random(1)
    length = 300 // options.every
    return length, [(chance.randrange(options.services), chance.randrange(rows - 2 * length)) for _ in range(TROUBLES)]


def write_csv(path, options, rows):
    chance = random.Random(2)
    length, slow = troubles(options, rows)
    # Numbers as an exporter writes them: a pool of texts, so that the file is made in seconds.
    pools = [[f"{chance.uniform(*bounds):.6g}" for _ in range(4096)]
             for bounds in ((0.05, 0.12), (0.4, 1.1), (0.0, 0.02), (2e8, 9e8), (80, 120))]
    with open(path, "w", encoding="ascii") as file:
        file.write("time," + ",".join(f"s{k:03}:{m}" for k in range(options.services) for m in METRICS) + "\n")
        for row in range(rows):
            load = 1 + math.sin(row / rows * 2 * math.pi) / 4
            cells = [pool[chance.getrandbits(12)] for _ in range(options.services) for pool in pools]
            cells[4::5] = [f"{100 * load + chance.random():.5g}"] * options.services
            for service, first in slow:
                if first <= row < first + length:
                    cells[5 * service] = "0.9"
            file.write(f"{BEGIN_S + row * options.every}," + ",".join(cells) + "\n")


def write_scenario(path, options, rows):
    length, slow = troubles(options, rows)
    out = {service: first for service, first in slow}
    series = []
    for k in range(options.services):
        for metric, start, step in (("response_time", 0.06, 1e-6), ("p99", 0.5, 1e-5), ("error_rate", 0.001, 1e-7),
                                    ("memory", 2e8, 1e4), ("traffic", 80, 1e-3)):
            text = f"{start + k * step * 10:.6g}+{step:.6g}x{rows - 1}"
            if metric == "response_time" and k in out:
                text = f"0.06x{out[k] - 1} 0.9x{length - 1} 0.07x{rows - out[k] - length - 1}"
            series.append(f'    ["s{k:03}/1.{metric}"] = "{text}",\n')
    path.write_text('local test = require "tend.test"\ntest.scenario "a day" {\n  series = {\n' + "".join(series) +
                    f'  }},\n  check = function(run) assert(#run.alerts == {len(out)}, #run.alerts) end,\n}}\n')


class Watch:
    """The largest resident size of a process and of each of its children, by name; looked at while it runs."""

    def __init__(self, pid):
        self.pid, self.peaks = pid, {}

    def look(self):
        try:
            pids = [self.pid, *map(int, pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())]
        except OSError:
            return
        for pid in pids:
            try:
                lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
            except OSError:
                continue
            fields = dict(line.split(":", 1) for line in lines if ":" in line)
            name, peak = fields["Name"].strip(), int(fields.get("VmHWM", "0 kB").split()[0])
            self.peaks[name] = max(peak, self.peaks.get(name, 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--every", type=int, default=5)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--source", choices=["csv", "scenario"], default="csv")
    parser.add_argument("--limit", type=float, default=30, help="CPU seconds")
    parser.add_argument("--keep", help="write rules and samples there, and leave them")
    options = parser.parse_args()
    rows = int(options.hours * 3600 / options.every)
    with tempfile.TemporaryDirectory(prefix="tend-day-") as temporary:
        directory = pathlib.Path(options.keep or temporary)
        rules = directory / "rules"
        rules.mkdir(parents=True, exist_ok=True)
        write_rules(rules, options)
        if options.source == "csv":
            if not (directory / "day.csv").exists():
                write_csv(directory / "day.csv", options, rows)
            command = [TEND, "simulate", str(rules), "--csv", str(directory / "day.csv"), "--json"]
        else:
            write_scenario(rules / "day_test.lua", options, rows)
            command = [TEND, "test", "--once", str(rules)]
        return play(command, options, rows, directory)


def play(command, options, rows, directory):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    with open(directory / "out", "wb") as out:
        process = subprocess.Popen(command, stdout=out)
        watch = Watch(process.pid)
        while process.poll() is None:
            watch.look()
            time.sleep(0.1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    samples = rows * options.services * len(METRICS)
    ticks = rows
    if options.source == "csv" and process.returncode == 0:
        sums = json.loads((directory / "out").read_bytes())["sums"]
        ticks, told = sums["ticks"], sums["samples"]
        assert (ticks, told) == (rows, samples), f"the report tells of {ticks} ticks and {told} samples"
    print(f"{options.services} services x {len(METRICS)} metrics every {options.every} s for {options.hours:g} h: "
          f"{ticks} ticks, {samples / 1e6:.2f} M samples, from a {options.source}")
    print(f"CPU        {cpu_s:.1f} s ({after.ru_utime - before.ru_utime:.1f} user, {after.ru_stime - before.ru_stime:.1f} "
          f"system), all processes; {1e6 * cpu_s / samples:.2f} us a sample, {1e6 * cpu_s / rows:.0f} us a tick")
    print(f"wall       {time.monotonic() - begun:.1f} s")
    print("resident   " + ", ".join(f"{name} {peak / 1024:.0f} MiB" for name, peak in sorted(watch.peaks.items())))
    good = process.returncode == 0 and cpu_s <= options.limit
    print("fine" if good else f"NOT fine (exit status {process.returncode})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
