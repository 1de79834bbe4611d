#!/usr/bin/env python3
"""A burst of log lines beside targets that are scraped: does it delay a scrape, or take memory?

    tests/bench/log_burst.py [--targets 100] [--mb-per-second 50] [--seconds 20]

Starts fleet.c, lists it in a file_sd file, lets tend scrape each target every second and tail one log, writes to that log at the given rate
(rotating it by rename each 256 MB), and reads tend's own /metrics before, during and after. Exit 1 when a scrape was missed or late, or the
resident memory grew by more than 16 MiB over what it was before the burst.
"""
import argparse
import os
import pathlib
import random
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from fleet import Fleet, scrapes_of  # noqa: E402
from shop import Tend, wait_for  # noqa: E402

RULES = """
local tend = require "tend"
tend.group "fleet" {{
  targets = require "tend.discover.file" {{ tend.env.targets, service = "service" }}, every = "1s", window = "10s",
  logs = "{log}*",
  metrics = {{ error_rate = {{ tend.share('http_requests_total{{code=~"5.."}}', "http_requests_total"), expect = 0.01, out_at = 0.5 }} }},
}}
tend.rule "failing" {{ on = "fleet", when = "error_rate", fire_after = "15s", severity = "ticket" }}
"""


def lines(count):
    """About `count` bytes of lines as services write them: some 40 templates, and words that differ in each line."""
    words = [f"{a}{b}" for a in ("order", "cart", "stock", "mail", "page", "user", "card", "shop") for b in ("ed", "ing", "er", "s", "")]
    out, size, chance = [], 0, random.Random(1)
    while size < count:
        level = chance.choice(("INFO", "INFO", "INFO", "WARN", "ERROR"))
        line = f"2026-03-02T02:00:00.{chance.randrange(1000):03} {level} {chance.choice(words)} {chance.choice(words)} " \
               f"{chance.randrange(10**9)} took {chance.randrange(900)} ms token={chance.randrange(10**9)}\n"
        out.append(line)
        size += len(line)
    return "".join(out).encode()


def write(log, rate, seconds):
    """Writes to the log at that many bytes a second. Returns bytes written."""
    piece = lines(rate // 50)
    begun, written, in_file = time.monotonic(), 0, 0
    out = open(log, "ab", buffering=0)
    while (now := time.monotonic() - begun) < seconds:
        while written < rate * now:
            out.write(piece)
            written += len(piece)
            in_file += len(piece)
        if in_file > 256e6:
            out.close()
            os.replace(log, f"{log}.1")
            out, in_file = open(log, "ab", buffering=0), 0
        time.sleep(0.01)
    out.close()
    return written


def measure(tend, log, options):
    wait_for("some scrapes", lambda: scrapes_of(tend.metrics()) > 10 * options.targets, 60)
    wait_for("the log is read", lambda: tend.metrics()["tend_log_files"] > 0, 20)
    before, begun = tend.metrics(), time.monotonic()
    child = os.fork()
    if child == 0:
        write(log, int(options.mb_per_second * 1e6), options.seconds)
        os._exit(0)
    most = 0
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        most = max(most, tend.metrics()["process_resident_memory_bytes"])
        time.sleep(0.5)
    seconds = time.monotonic() - begun
    time.sleep(2)
    after = tend.metrics()
    late, missed = (after[f"tend_scrapes_{what}_total"] - before[f"tend_scrapes_{what}_total"] for what in ("late", "missed"))
    cpu = after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]
    read, skipped, count = (after[f"tend_log_{what}_total"] - before[f"tend_log_{what}_total"] for what in ("bytes", "skipped_bytes", "lines"))
    scrapes = scrapes_of(after) - scrapes_of(before)
    grown = (max(most, after["process_resident_memory_bytes"]) - before["process_resident_memory_bytes"]) / 2**20
    print(f"{options.targets} targets scraped each second; {options.mb_per_second} MB/s of log for {seconds:.0f} s")
    print(f"scrapes            {scrapes:.0f} (expected {options.targets * (seconds + 2):.0f}), missed {missed:.0f}, late {late:.0f}")
    print(f"log                {read / 1e6:.0f} MB read ({read / seconds / 1e6:.1f} MB/s, {count:.0f} lines), {skipped / 1e6:.0f} MB skipped")
    print(f"CPU                {100 * cpu / seconds:.0f} % of a core, all that tend did")
    print(f"resident           {before['process_resident_memory_bytes'] / 2**20:.1f} MiB before, at most {grown:+.1f} MiB during")
    print(f"lag of the loop    {1e3 * after['tend_loop_lag_seconds']:.1f} ms")
    good = missed == 0 and late == 0 and grown <= 16 and read > 0
    print("fine" if good else "NOT fine")
    return 0 if good else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", type=int, default=100)
    parser.add_argument("--mb-per-second", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tend-log-burst-") as directory, Fleet(directory, options.targets, 20) as fleet:
        log = fleet.directory / "app.log"
        log.write_bytes(b"INFO begun\n")
        listing = fleet.listing()
        for entry in listing:  # one service, so that the log is read once
            entry["labels"]["service"] = "shop"
        with Tend(fleet.rules(RULES.format(log=log), listing), fleet.directory / "state", env="bench") as tend:
            return measure(tend, log, options)


if __name__ == "__main__":
    sys.exit(main())
