#!/usr/bin/env python3
"""A fleet of stub targets under `tend run`: are all scraped in time, and what does it cost?

    tests/bench/fleet.py [--targets 1000] [--series 100] [--every 5] [--seconds 60] [--record-all] [--no-recording]

Starts fleet.c, lists it in a file_sd file, lets tend watch it with five metrics and two rules a service, and reads tend's own
/metrics after 15 s and at the end. Exit 1 when a scrape was missed (not started, or more than a slot late) or memory grew by more than a tenth.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from shop import Tend, free_ports, wait_for  # noqa: E402

RULES = """
local tend = require "tend"
tend.group "fleet" {{
  targets = require "tend.discover.file" {{ tend.env.targets, service = "service" }},
  every = "{every}s", window = "1m", {record}
  metrics = {{
    response_time = {{ tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 10 }},
    p99 = {{ tend.quantile(0.99, "http_request_duration_seconds"), expect = "1s", alpha = 10 }},
    error_rate = {{ tend.share('http_requests_total{{code=~"5.."}}', "http_requests_total"), expect = 0.01, out_at = 0.5 }},
    memory = {{ tend.gauge "process_resident_memory_bytes", bad = "above", expect = "1GiB", alpha = 3 }},
    traffic = {{ tend.rate "http_requests_total", bad = "both", expect = tend.learned {{ last = 60 }}, alpha = 10 }},
  }},
}}
tend.rule "slow" {{ on = "fleet", when = "response_time", fire_after = "15s", severity = "ticket" }}
tend.rule "failing" {{
  on = "fleet", fire_after = "15s", severity = "ticket",
  when = function(s) return s.error_rate.out and s.traffic.P > 0 end,
}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=1000)
    parser.add_argument("--series", type=int, default=100)
    parser.add_argument("--every", type=int, default=5, help="seconds between scrapes of a target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--record-all", action="store_true", help="keep every series, not only those that metrics select")
    parser.add_argument("--no-recording", action="store_true", help="tend run --no-recording: what the recorder costs")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="tend-fleet-") as directory, Fleet(directory, options.targets, options.series) as fleet:
        record = 'record = "all",' if options.record_all else ""
        rules = fleet.rules(RULES.format(every=options.every, record=record))
        arguments = ["--no-recording"] if options.no_recording else []
        with Tend(rules, fleet.directory / "state", env="bench", options=arguments) as tend:
            return measure(tend, options)


class Fleet:
    """fleet.c, built and running: `count` targets of `series` each. Other benches start theirs with it too."""

    def __init__(self, directory, count, series):
        self.directory = pathlib.Path(directory)
        self.program = self.directory / "fleet"
        self.port = free_ports(1)
        self.command = [self.program, "-n", str(count), "-m", str(series), "-p", str(self.port)]
        self.process = None

    def __enter__(self):
        subprocess.run(["cc", "-O2", "-std=gnu11", "-o", self.program, HERE / "fleet.c", "-lm"], check=True)
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_error):
        self.process.terminate()
        self.process.wait()

    def listing(self):
        """All targets, as a file_sd file lists them."""
        return json.loads(subprocess.run([*self.command, "-l", "sd"], check=True, capture_output=True).stdout)

    def rules(self, text, listing=None):
        """A directory of rules with this text; tend.env.targets is a file of the listing (all targets, when left out)."""
        targets = self.directory / "targets.json"
        targets.write_text(json.dumps(listing or self.listing()))
        rules = self.directory / "rules"
        (rules / "env").mkdir(parents=True)
        (rules / "fleet.lua").write_text(text)
        (rules / "env/bench.lua").write_text(f"return {{ targets = {json.dumps(str(targets))} }}\n")
        return rules

    def hurt(self, kind, target, after, factor, seconds):
        """A fault of that kind (FLEET.md), `after` seconds from now, for `seconds`."""
        query = f"kind={kind}&target={target}&after={after:.3f}&for={seconds:.3f}&factor={factor}"
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ctl/fault?{query}", timeout=5) as answer:
            answer.read()


def evaluators(tend):
    """(CPU seconds, resident bytes) of the processes that run the rules."""
    cpu_s = resident = 0
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(") ")[2].split()
            if int(fields[1]) == tend.process.pid:
                cpu_s += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                resident += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return cpu_s, resident


def scrapes_of(metrics):
    """Scrapes that ended, good or failed."""
    return sum(value for name, value in metrics.items() if name.startswith("tend_scrapes_total{"))


def measure(tend, options):
    wait_for("the first scrape", lambda: scrapes_of(tend.metrics()) > 0, 30)
    begun = time.monotonic()
    time.sleep(15)
    early, early_rules = tend.metrics(), evaluators(tend)
    early_at = time.monotonic()
    time.sleep(max(0.0, begun + options.seconds - time.monotonic()))
    late, late_rules = tend.metrics(), evaluators(tend)
    seconds = time.monotonic() - early_at
    scrapes = scrapes_of(late) - scrapes_of(early)
    cpu_s = late["process_cpu_seconds_total"] - early["process_cpu_seconds_total"]
    resident = [m["process_resident_memory_bytes"] for m in (early, late)]
    missed = late["tend_scrapes_missed_total"]
    slow = late["tend_scrapes_late_total"]
    expected = options.targets * seconds / options.every
    print(f"{options.targets} targets x {options.series} series, every {options.every} s; measured over {seconds:.1f} s")
    print(f"scrapes            {scrapes:.0f} (expected {expected:.0f})")
    print(f"missed, late       {missed:.0f}, {slow:.0f} (since the start)")
    if scrapes > 0:
        print(f"CPU                {100 * cpu_s / seconds:.1f} % of a core, {1e6 * cpu_s / scrapes:.0f} us a scrape, "
              f"{1e6 * cpu_s / scrapes / options.series:.2f} us a sample")
    print(f"CPU of evaluators  {100 * (late_rules[0] - early_rules[0]) / seconds:.1f} % of a core, "
          f"resident {late_rules[1] / 2**20:.1f} MiB")
    if not options.no_recording:
        samples, written = (late[name] - early[name] for name in ("tend_recording_samples_total", "tend_recording_written_bytes_total"))
        print(f"recording          {written / max(samples, 1):.2f} bytes a sample, {written / seconds / 1024:.1f} KiB/s, "
              f"{late['tend_recording_segments_total']:.0f} segments, {late['tend_recording_lost_events_total']:.0f} events lost")
    failed = scrapes_of(late) - late['tend_scrapes_total{result="ok"}']
    print(f"failed             {failed:.0f} (since the start)")
    print(f"ticks              {(late['tend_ticks_total'] - early['tend_ticks_total']) / seconds:.1f} a second, "
          f"lag of the loop {1e3 * late['tend_loop_lag_seconds']:.1f} ms")
    print(f"resident           {resident[0] / 2**20:.1f} MiB after 15 s, {resident[1] / 2**20:.1f} MiB after {options.seconds} s")
    services = tend.json("status")["services"]
    measured = sum(all(m["P"] is not None for m in service["metrics"]) for service in services)
    print(f"with data          {measured} of {len(services)} services, in all of their {len(services[0]['metrics'])} metrics")
    good = missed == 0 and slow == 0 and measured == len(services) and scrapes > 0.97 * expected and resident[1] <= 1.1 * resident[0]
    print("fine" if good else "NOT fine")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
