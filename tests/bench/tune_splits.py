#!/usr/bin/env python3
"""Does what `tend tune` promises come true? Tune on one part of a history, count alarms in the part after it.

    tests/bench/tune_splits.py NAB_DIRECTORY [--generated 12] [--seed 1] [--settings 4]

NAB_DIRECTORY holds data/ and windows.json (the Numenta Anomaly Benchmark's layout): real series, whose labelled windows are
marked incidents here. Generated series: noise, days, bursts, spikes, a rate that drifts (seeded). Of each history the first
half judges the second, and each third the next. Expectation and limits are chosen from the first part only: its median, and
quantiles of it, as somebody would who looks at a week and sets a limit. Each limit is one metric and one rule.

    the rules as they are   `tend tune --to MIDDLE --period LENGTH-OF-REST` states a range of false alarms;
                            `tend simulate` over all of it raises what it raises after the middle
    other points            of the grid that was stated, `--settings` of each rule; what came is the same points' count that
                            `tend tune --from MIDDLE` plays (tests/e2e/test_tune.py: equal to simulate's)
    what was suggested      for a budget of one a week; what came likewise

Prints the share of ranges that held what came, by source and by how many alarms there were to learn from, beside those of a
Poisson range for the same counts. Exit 1 when fewer than 85 % or more than 97 % of all ranges of the rules as they are held.
"""
import argparse
import collections
import csv
import datetime
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
QUANTILES = [0.8, 0.93, 0.98, 0.995]
WAITS = ["0s", "15m"]
SPLITS = [(0, 1 / 2, 1), (0, 1 / 3, 2 / 3), (1 / 3, 2 / 3, 1)]
BEGUN = 1772409600  # 2026-03-02 00:00 UTC


def moment(text):
    return int(datetime.datetime.fromisoformat(text.split(".")[0]).replace(tzinfo=datetime.timezone.utc).timestamp())


def nab_series(directory):
    windows = json.loads((directory / "windows.json").read_text())
    for name in sorted(windows):
        rows, newest = [], -1
        for row in csv.DictReader((directory / "data" / name).open()):
            at = moment(row["timestamp"])
            if at > newest:  # some files step back in time
                newest = at
                rows.append((at, float(row["value"])))
        yield name, rows, [(moment(a), moment(b)) for a, b in windows[name]]


def generated_series(count, seed):
    kinds = ["noise", "days", "bursts", "spikes", "drift", "weeks"]
    for k in range(count):
        chance = random.Random(f"{seed}/{k}")
        kind, rows, near, burst, slow = kinds[k % len(kinds)], [], 0.0, 0, 0.0
        rate = chance.choice([0.001, 0.004, 0.015])
        for i in range(6 * 7 * 144):  # six weeks of 10 minutes
            near = 0.7 * near + chance.gauss(0, 1)
            value = 20 + near
            if kind in ("days", "drift"):
                value += 2 * math.sin(i / 144 * 2 * math.pi)
            if kind == "weeks":
                value += 3 if i // 144 % 7 < 5 else 0
            if kind == "bursts":
                burst = burst - 1 if burst else chance.randrange(6, 60) if chance.random() < rate / 3 else 0
                value += 9 if burst and chance.random() < 0.3 else 0
            if kind == "drift":
                slow += chance.gauss(0, 0.02)
                value += slow
            if kind in ("spikes", "days", "weeks") and chance.random() < rate:
                value += chance.expovariate(0.15)
            rows.append((BEGUN + 600 * i, value))
        yield f"generated {kind} {k}", rows, []


def rules_for(known):
    values = sorted(value for _, value in known)
    middle = values[len(values) // 2]
    text, names = "", {}
    for q in QUANTILES:
        limit = values[min(len(values) - 1, int(q * len(values)))]
        if limit <= middle:
            continue
        metric = f"m{round(q * 1000)}"
        text += (f'    {metric} = {{ tend.gauge "x", bad = "above", expect = {middle!r}, out_at = {limit!r} }},\n')
        for wait in WAITS:
            names[f"{metric} {wait}"] = metric
    if not names:
        return None, names
    text = ('local tend = require "tend"\ntend.service "s" { targets = { "http://a:1/metrics" }, every = "5m", window = "5m",'
            f'\n  metrics = {{\n{text}  }} }}\n')
    for name, metric in names.items():
        text += (f'tend.rule "{name}" {{ on = "s", when = "{metric}", fire_after = "{name.split()[1]}", clear_after = "5m", '
                 'severity = "page" }\n')
    return text + 'tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }\n', names


def run(*arguments):
    done = subprocess.run([TEND, *map(str, arguments), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip()[:300])
    return json.loads(done.stdout)


def marked(windows, fired, ended):
    """As driver/past/tuning_marks.h has it."""
    return any(fired <= b and ended >= a and fired >= a - (b - a) for a, b in windows)


def poisson_range(mean):
    """5 % and 95 % of a Poisson distribution."""
    if mean > 500:
        return mean - 1.645 * math.sqrt(mean), mean + 1.645 * math.sqrt(mean)
    term, total, k, low = math.exp(-mean), 0.0, 0, None
    while True:
        total += term
        low = k if low is None and total >= 0.05 else low
        if total >= 0.95:
            return low, k
        k += 1
        term *= mean / k


class Tally:
    def __init__(self):
        self.cases = collections.defaultdict(list)

    def add(self, what, source, seen, point, came, mean):
        low, high = poisson_range(mean)
        rate = "0" if seen == 0 else "1-3" if seen < 4 else "4-12" if seen < 13 else "13 or more"
        case = (point["low"] <= came <= point["high"], came < point["low"], came > point["high"], low <= came <= high)
        for group in ((what, source, rate), (what, source, "all"), (what, "all", "all")):
            self.cases[group].append(case)

    def share(self, group, column=0):
        return sum(case[column] for case in self.cases[group]) / len(self.cases[group])

    def tell(self):
        print(f"{'':24}{'source':11}{'alarms known':14}{'ranges':>7}{'held':>7}{'fewer':>7}{'more':>7}{'Poisson held':>14}")
        for group in sorted(self.cases):
            what, source, rate = group
            shares = "".join(f"{100 * self.share(group, column):6.1f}%" for column in range(3))
            print(f"{what:24}{source:11}{rate:14}{len(self.cases[group]):7}{shares}{100 * self.share(group, 3):13.1f}%")


def same_point(rule, wanted):
    keys = ("factor", "fire_after_ms", "clear_below")
    return next(p for p in rule["points"] if all(p[key] == wanted[key] for key in keys))


def judge(source, rows, windows, options, chance, directory, tally):
    for begin, middle, end in SPLITS:
        part = [rows[int(share * (len(rows) - 1))][0] for share in (begin, middle, end)]
        known = [(at, v) for at, v in rows if part[0] <= at < part[1]]
        rules, names = rules_for(known)
        if rules is None:
            continue
        (directory / "rules").mkdir(exist_ok=True)
        (directory / "rules" / "rules.lua").write_text(rules)
        metrics = sorted(set(names.values()))
        with open(directory / "f.csv", "w", encoding="ascii") as file:
            file.write("time," + ",".join(f"s:{m}" for m in metrics) + "\n")
            for at, value in rows:
                if part[0] <= at <= part[2]:
                    file.write(f"{at}," + ",".join([repr(value)] * len(metrics)) + "\n")
        labels = directory / "incidents.csv"
        labels.write_text("from,to,what\n" + "".join(f"{a},{b},labelled\n" for a, b in windows))
        common = [directory / "rules", "--csv", directory / "f.csv", "--incidents", labels]
        simulated = run("simulate", *common[:3])["alerts"]
        later = {r["rule"]: r for r in run("tune", *common, "--from", part[1])["rules"]}
        # How much of the rest had samples, as the first run sees it: a range is for that long.
        rest_s = max(3600, int(next(iter(later.values()))["observed_s"]))
        earlier = run("tune", *common, "--to", part[1] - 1, "--period", f"{rest_s}s", "--budget", "1 a week")["rules"]
        for rule in earlier:
            name, now = rule["rule"], rule["points"][rule["now"]]
            ratio = rest_s / rule["observed_s"]
            came = sum(1 for a in simulated if a["rule"] == name and a["fired_ms"] >= part[1] * 1000 and not
                       marked(windows, a["fired_ms"] / 1000, (a["resolved_ms"] or 1e15) / 1000))
            tally.add("the rules as they are", source, now["false_alarms"], now, came, now["false_alarms"] * ratio)
            for point in chance.sample(rule["points"], options.settings):
                came = same_point(later[name], point)["false_alarms"]
                tally.add("other points", source, point["false_alarms"], point, came, point["false_alarms"] * ratio)
            if rule["advice"] == "change":
                point = rule["points"][rule["suggested"]]
                came = same_point(later[name], point)["false_alarms"]
                tally.add("what was suggested", source, point["false_alarms"], point, came,
                          point["false_alarms"] * ratio)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nab", type=pathlib.Path)
    parser.add_argument("--generated", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settings", type=int, default=4)
    options = parser.parse_args()
    chance, tally = random.Random(options.seed), Tally()
    histories = [("real", *history) for history in nab_series(options.nab)]
    histories += [("generated", *history) for history in generated_series(options.generated, options.seed)]
    with tempfile.TemporaryDirectory(prefix="tend-splits-") as directory:
        for source, name, rows, windows in histories:
            try:
                judge(source, rows, windows, options, chance, pathlib.Path(directory), tally)
            except RuntimeError as failure:
                print(f"{name}: {failure}", file=sys.stderr)
            except KeyboardInterrupt:
                print(f"ended at {name}; so far:", file=sys.stderr)
                break
    tally.tell()
    held = tally.share(("the rules as they are", "all", "all"))
    return 0 if 0.85 <= held <= 0.97 else 1


if __name__ == "__main__":
    sys.exit(main())
