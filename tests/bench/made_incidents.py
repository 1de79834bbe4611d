#!/usr/bin/env python3
"""Makes labelled incidents of systems that exist nowhere, in the layout that `tend locate` and a benchmark's score.py read.

    tests/bench/made_incidents.py --out DIR [--each 3] [--seed 1] [--systems weave,bank] [--faults cpu,kill]

Simulates ten fleets under load (incidents/), injects one fault a case, and exports what ten different monitoring stacks would
have kept of it: case/ID/{metrics.csv,alarm.json,meta.json}, logs.csv.gz of some, system/NAME/topology.json of most. The same
arguments make the same files. Nothing in here knows how a locator works; the answers are in meta.json only.
"""
import argparse
import copy
import gzip
import hashlib
import json
import math
import pathlib
import statistics

from incidents.export import table
from incidents.faults import KINDS, Fault
from incidents.fleet import seeded
from incidents.load import Demand, Drift, Harmless
from incidents.loglines import lines_of
from incidents.systems import SYSTEMS
from incidents.watch import run


class World:
    """Everything that goes on beside the fault."""

    def __init__(self, rng, system, fleet, level, seconds):
        self.demand = Demand(rng, level, seconds, system.restless)
        self.harmless = Harmless(rng, fleet, seconds, system.restless)
        self.mixes = [(Drift(rng, rng.uniform(0.01, 0.1) * system.restless, rng.choice((60, 600))), c) for _, c in fleet.edges]
        self.turned = []
        for _, call in self.mixes:
            call.turned = 1.0

    def turns(self, fleet, now):
        for at, until, call, by in self.turned:
            call.turned = by if at <= now < until else 1.0


def watched(system, fleet, rng, fault_start, seconds, level):
    world = World(rng, system, fleet, level, seconds)

    def near():
        return fault_start + rng.gauss(0, 0.08) * seconds

    if rng.random() < 0.4:
        at = near()
        world.demand.turn(at, at + rng.uniform(0.05, 0.5) * seconds, math.exp(rng.gauss(0.15, 0.25)))
    for _ in range(rng.choice((0, 0, 1, 2))):
        at = near()
        world.turned.append((at, at + rng.uniform(0.05, 0.5) * seconds, rng.choice(fleet.edges)[1], rng.uniform(0.6, 1.4)))
    return world


def reach(fleet):
    """Requests per second that each service is asked at usual load."""
    fleet.reset()
    for _ in range(20):
        fleet.tick(0.0, 1.0, 1.0)
    found = {s.name: s.admitted for s in fleet.services}
    fleet.reset()
    return found


def choose(system, fleet, kind, rng):
    asked = reach(fleet)
    fit = [s for s in fleet.services if s.kind in KINDS[kind] and asked[s.name] > 0.01 * fleet.demand]
    if kind in ("exception", "config", "overload", "socket", "pool"):
        fit = [s for s in fit if s.calls or kind != "overload"]
    elif kind == "leak":
        fit = [s for s in fit if s.runtime == "jvm"] or fit
    return rng.choice(fit) if fit else None


def crossing(names, columns, symptoms, growing, first, after):
    """(row, column name): where a symptom leaves what it was, two rows of three; None when none does."""
    best = None
    for name in symptoms:
        values = columns[names.index(name)]
        if name in growing:
            values = [None] + [max(0.0, b - a) if a is not None and b is not None else None for a, b in zip(values, values[1:])]
        before = [v for v in values[:first] if v is not None]
        if len(before) < 10:
            continue
        middle = statistics.median(before)
        spread = 1.4826 * statistics.median(abs(v - middle) for v in before)
        ordered = sorted(before)
        worst, least = ordered[int(0.985 * (len(ordered) - 1))], ordered[int(0.015 * (len(ordered) - 1))]
        falls = name.endswith(("ok_pct", "availability", "success_pct"))
        high, low = max(middle + 5 * spread, worst * 1.15 + 1e-9), min(middle - 5 * spread, least - 0.3)
        bad = [v is not None and (v < low if falls else v > high) for v in values]
        for i in range(after, len(values) - 4):  # some rows must be left to look at
            if bad[i] and sum(bad[i - 2:i + 1]) >= 2:
                if best is None or i < best[0]:
                    best = (i, name)
                break
    return best


def differs(rows, well, name, where):
    """Whether a service's rows are other than they would have been without the fault."""
    def total(table, field):
        return sum(getattr(table[i][name], field) for i in where)

    n, m = max(total(rows, "n"), 1e-9), max(total(well, "n"), 1e-9)
    if abs(total(rows, "errors") / n - total(well, "errors") / m) > 0.003:
        return True
    pairs = [(total(rows, f) / n, total(well, f) / m) for f in ("busy", "s50", "s99")]
    pairs += [(total(rows, f), total(well, f)) for f in ("n", "cpu", "memory", "sockets", "up", "writes")]
    return any(max(a, b) > 1.12 * min(a, b) + 1e-9 for a, b in pairs)


def symptoms_of(system, fleet, names):
    owner = "_entry" if system.virtual else fleet.entry.name
    words = (system.virtual or " ".join(system.columns)).split()
    wanted = [w.split("=")[0] for w in words if w.split("=")[1].split("*")[0].split("@")[0] in
              ("p90", "p99", "p95", "mean", "max99", "errors", "ok_pct", "errcount!total")]
    return [f"{owner}:{w}" for w in wanted if f"{owner}:{w}" in names]


def shown(value):
    return "" if value is None else f"{value:.6g}" if abs(value) < 1e5 else f"{value:.10g}"


class Case:
    def __init__(self, system, kind, number, seed):
        self.system, self.kind = system, kind
        self.key = (seed, system.name, kind, number)
        self.id = system.name + "-" + hashlib.sha256("/".join(map(str, self.key)).encode()).hexdigest()[:6]

    def make(self):
        """Simulates, and once more with a stronger fault while nobody at the entry notices; elsewhere when
        that does not help either; false when the fault fits nobody."""
        for again in range(3):
            for force in (1.0, 1.8, 3.0):
                found = self.attempt(force, again)
                if found is None:
                    return False
                if found:
                    return True
        return False

    def attempt(self, force, again):
        system, rng = self.system, seeded(*self.key, again)
        fleet = system.build()
        service = choose(system, fleet, self.kind, rng)
        if service is None:
            return None
        step = system.step
        healthy = max(20, int(system.healthy * rng.uniform(0.6, 1.0)))
        live = max(10, int(system.live * rng.uniform(0.6, 1.0)))
        first = healthy + (int(live * rng.uniform(0.0, 0.3)) if rng.random() < 0.6 else 0)
        start = (first + rng.random()) * step
        lasts = (healthy + live - first) * step * rng.choice((1.0, 1.0, 0.7, 0.4))
        fault = Fault(self.kind, service, rng, start, lasts, force)
        seconds = (healthy + live) * step
        level = rng.uniform(0.7, 1.3)
        world = watched(system, fleet, rng, start, seconds, level)
        calm = world
        if system.another_day:
            calm = watched(system, fleet, rng, 0.5 * healthy * step, healthy * step, level * math.exp(rng.gauss(0, 0.35)))
        self.warm_up(fleet, calm, rng)
        rows = run(fleet, calm, 0.0, healthy, step)
        if system.another_day:
            self.another_day(fleet, rng)
        twin = copy.deepcopy((fleet, world))
        rows += run(fleet, world, healthy * step, live, step, fault)
        key = (*self.key, again, force)
        names, columns = table(system, fleet, rows, key, "_entry" if system.virtual else fleet.entry.name)
        growing = {f"{fleet.entry.name}:{w.split('=')[0]}" for w in system.columns if "!total" in w}
        seen = crossing(names, columns, symptoms_of(system, fleet, names), growing, healthy, first)
        if seen is None and not (system.exact and force > 1.0):
            return False
        well = rows[:healthy] + run(*twin, healthy * step, live, step)
        where = fleet.entry.name if seen else service.name
        if not differs(rows, well, where, range(max(first, seen[0] - 1), seen[0] + 1) if seen else range(first, len(rows))):
            return False
        names, columns = table(system, fleet, rows, key)
        self.keep(rows, names, columns, fleet, fault, first, seen, healthy)
        return True

    def warm_up(self, fleet, world, rng):
        for s in fleet.services:
            s.heap = rng.random()
            s.base_memory *= math.exp(rng.gauss(0, 0.03))
        run(fleet, world, 0.0, 4, max(1, min(15, self.system.step)))

    def another_day(self, fleet, rng):
        """Since then everything was restarted and some was released."""
        for s in fleet.services:
            s.base_memory *= math.exp(rng.gauss(0, 0.08))
            s.heap = rng.random()
            if rng.random() < 0.1:
                s.cost *= math.exp(rng.gauss(0, 0.15))

    def keep(self, rows, names, columns, fleet, fault, first, seen, healthy):
        system, step = self.system, self.system.step
        rng = seeded("clock", *self.key)
        zero = rng.randrange(1577836800, 1735689600) // step * step
        self.names, self.columns = names, columns
        self.times = [zero + (i + 1) * step for i in range(len(rows))]
        injected = zero + fault.start
        alarm = injected
        if seen and not system.exact:  # the row is there at its end, and somebody or something waits a little
            alarm = max(injected, self.times[seen[0]] + rng.choice((0, 0, 1, 2)) * min(step, 60))
        symptoms = symptoms_of(system, fleet, names)
        name = seen[1] if seen else rng.choice(symptoms)
        owner, _, metric = name.rpartition(":")
        symptom = {"metric": metric, "service": owner}
        self.alarm = {"id": self.id, "inject_time": int(alarm), "step": step, "symptom": symptom, "system": system.name}
        self.meta = {"id": self.id, "system": system.name, "fault": fault.kind, "root_service": fault.service.name,
                     "inject_time": int(alarm), "injected": int(injected),
                     "until": int(zero + fault.end), "wave": fault.wave, "ramp": round(fault.ramp), "step": step, "symptom": symptom, "force": fault.force,
                     "whole": fault.whole, "seen": seen is not None, "size": round(fault.size, 3), "flavour": round(fault.flavour, 3),
                     "healthy_rows": healthy, "source": "made"}
        self.logs = lines_of(system, fleet, rows, fault, zero, seeded("logs", *self.key), healthy) if system.logs else None

    def write(self, out):
        folder = out / "case" / self.id
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "metrics.csv", "w") as file:
            file.write("time," + ",".join(self.names) + "\n")
            for i, at in enumerate(self.times):
                file.write(",".join([str(at)] + [shown(column[i]) for column in self.columns]) + "\n")
        for name, content in (("alarm.json", self.alarm), ("meta.json", self.meta)):
            (folder / name).write_text(json.dumps(content, indent=1) + "\n")
        if self.logs is not None:
            text = "time,service,level,message\n" + "".join(self.logs)
            (folder / "logs.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--each", type=int, default=3, help="cases per system and fault")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--systems", default="", help="only these, by name")
    parser.add_argument("--faults", default="", help="only these kinds")
    options = parser.parse_args()
    made = 0
    for system in SYSTEMS:
        if options.systems and system.name not in options.systems.split(","):
            continue
        if system.topology:
            folder = options.out / "system" / system.name
            folder.mkdir(parents=True, exist_ok=True)
            edges = {"system": system.name, "edges": system.pairs(system.build())}
            (folder / "topology.json").write_text(json.dumps(edges, indent=1) + "\n")
        for kind in KINDS:
            if options.faults and kind not in options.faults.split(","):
                continue
            for number in range(options.each):
                case = Case(system, kind, number, options.seed)
                if case.make():
                    case.write(options.out)
                    made += 1
    print(f"{made} cases in {options.out}")


if __name__ == "__main__":
    main()
