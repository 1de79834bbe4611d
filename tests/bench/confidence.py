#!/usr/bin/env python3
"""Is the locator as often right as it says? And is a victim ever restarted?

    tests/bench/confidence.py [--scenarios 500] [--seed 1] [--binary build/tend] [--keep DIR] [--verbose]

Makes systems of 5 to 9 services and breaks them in the world of `tend test` (core/driver/world/MODEL.md): a cascade, a
dependency that many share, two faults at once, services without metrics of their own, rules that know no dependencies, and
rules with wrong ones. Of each incident the first decision on each culprit counts: the confidence stated then, and whether
a fault was on that service. Prints both in fifths of the decisions, by kind of scenario, and every restart of a service
that nothing was wrong with. Exit 1 when a fifth is off by more than 10 points or a victim was restarted.

The same seed makes the same scenarios. Judge on other seeds than those that constants were chosen on.
"""
import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = ("cascade", "shared dependency", "two faults", "missing metrics", "no topology", "wrong topology")
FAULTS = (("crash", 3, ""), ("hang", 3, ""), ("slow", 3, "times = {slow}"), ("errors", 3, "ratio = {ratio}"),
          ("leak", 1, "per_minute = {leak}"), ("bad deploy", 1, "ratio = {ratio}"))
NAMES = ("gateway", "checkout", "search", "payments", "stock", "ledger", "users", "mail", "prices")
PER_SYSTEM = 10

RULES = """local tend = require "tend"
local command = require "tend.control.command"
tend.group "all" {
  every = "5s", timeout = "2s", window = "30s",
  control = command { restart = { "/usr/bin/true", "{service}", "{port}" }, idempotent = true },
  remedies = "restart the worst",
  limits = { share = 0.5, min_healthy = 0 },
  metrics = {
    response_time = { tend.mean "http_request_duration_seconds", alpha = 1, floor = "20ms" },
    error_rate = { tend.share('http_requests_total{code=~"5.."}', "http_requests_total"), expect = 0, out_at = 0.05 },
    memory = { tend.gauge "process_resident_memory_bytes", bad = "above", expect = "200MB", out_at = "400MB" },
    traffic = { tend.rate "http_requests_total", bad = "both" },
  },
}
tend.rule "down" { on = "all", per = "instance", when = "up", fire_after = "10s", severity = "page", act = true }
tend.rule "slow" { on = "all", when = "response_time", fire_after = "10s", severity = "page", act = true }
tend.rule "errors" { on = "all", when = "error_rate", fire_after = "10s", severity = "page", act = true }
tend.rule "memory" { on = "all", per = "instance", when = "memory", fire_after = "10s", severity = "page", act = true }
tend.playbook "restart the worst" {
  within = "2m", run = function(p) for i in p:worst_first() do p:restart(i) p:verify(i) end end,
}
tend.notify "on call" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


def weighted(chance, choices):
    return chance.choices(choices, [weight for _, weight, *_ in choices])[0]


def make_calls(chance, kind):
    """Who really calls whom, service → services; callers come before whom they call."""
    count = chance.randint(5, len(NAMES))
    names = list(NAMES[:count])
    if kind == "cascade":
        calls = {name: names[i + 1:i + 2] for i, name in enumerate(names)}
    elif kind == "shared dependency":
        calls = {name: [names[-1]] for name in names[:-1]}
        calls[names[-1]] = []
        calls[names[0]] = names[1:3] + [names[-1]]
    else:
        calls = {name: [] for name in names}
        for i, name in enumerate(names[1:], 1):
            calls[chance.choice(names[max(0, i - 3):i])].append(name)
    for i, name in enumerate(names[:-2]):  # a few edges more
        other = chance.choice(names[i + 1:])
        if kind != "cascade" and chance.random() < 0.25 and other not in calls[name]:
            calls[name].append(other)
    return calls


def know(chance, kind, calls):
    """What the rules know of it."""
    if kind == "no topology":
        return {name: [] for name in calls}
    known = {name: list(below) for name, below in calls.items()}
    if kind != "wrong topology":
        return known
    order = list(calls)
    for name in order:
        known[name] = [below for below in known[name] if chance.random() > 0.3]  # some are missing
        after = order[order.index(name) + 1:]
        if after and chance.random() < 0.2:  # some are not true, but never make a loop
            wrong = chance.choice(after)
            known[name] += [wrong] if wrong not in known[name] else []
    return known


def latencies(calls):
    """What each usually takes: some work of its own, and what it calls."""
    took = {}
    for name in reversed(list(calls)):
        took[name] = 5 + len(name) + sum(took[below] for below in calls[name])
    return took


def services_of(chance, kind, calls, known):
    took, text = latencies(calls), []
    for name, below in known.items():
        metrics = [f'response_time = {{ expect = "{took[name]}ms" }}']
        if kind == "missing metrics" and chance.random() < 0.4:
            metrics = ["response_time = false", "error_rate = false"] if chance.random() < 0.7 else \
                [f'response_time = {{ expect = "{took[name]}ms" }}', "error_rate = false", "memory = false"]
        depends = "" if not below else "depends = { %s }, " % ", ".join(f'"{one}"' for one in below)
        skipped = [m.split(" ")[0] for m in metrics if m.endswith("= false")]
        rules = [f"{rule} = false" for rule, metric in (("slow", "response_time"), ("errors", "error_rate"), ("memory", "memory"))
                 if metric in skipped]
        targets = ", ".join(f'"http://{name}{i}:9100/metrics"' for i in range(1, COUNTS[name] + 1))
        text.append(f'tend.service "{name}" {{ is = "all", targets = {{ {targets} }}, {depends}'
                    f'metrics = {{ {", ".join(metrics)} }}, rules = {{ {", ".join(rules)} }} }}')
    return "\n".join(text) + "\n"


COUNTS = {}


def fault_of(chance, at_s, service):
    what, _, numbers = weighted(chance, FAULTS)
    on = service if COUNTS[service] == 1 or what == "bad deploy" or chance.random() < 0.5 \
        else f"{service}/{chance.randint(1, COUNTS[service])}"
    numbers = numbers.format(slow=chance.choice((3, 6, 15, 40)), ratio=chance.choice((0.15, 0.3, 0.6)),
                             leak=chance.choice((0.5, 2)))
    return f'{{ at = "{at_s}s", on = "{on}", kind = "{what}"{", " if numbers else ""}{numbers} }}', service


def scenario(chance, number, kind, calls, known):
    names = list(calls)
    faults = [fault_of(chance, chance.randint(300, 420), chance.choice(names))]
    if kind == "two faults":
        other = chance.choice([name for name in names if name != faults[0][1]])
        faults.append(fault_of(chance, chance.randint(300, 480), other))
    quoted = {name: ", ".join(f'"{one}"' for one in below) for name, below in calls.items()}
    world = ", ".join(f"{name} = {{ {COUNTS[name]}, calls = {{ {quoted[name]} }}, failover = {chance.choice(('true', 'false'))} }}"
                      for name in names)
    text = (f'test.scenario "{number}" {{ world = {{ {world} }}, spread = true, seed = {number},\n'
            f'  faults = {{ {", ".join(text for text, _ in faults)} }}, check = function() end }}\n')
    return text, sorted({service for _, service in faults}), [text for text, _ in faults]


def make_system(chance, path, kind, first, count):
    """Writes rules and their scenarios. Returns what is at fault in each."""
    calls = make_calls(chance, kind)
    COUNTS.clear()
    COUNTS.update({name: chance.choice((1, 2, 2, 3)) for name in calls})
    known = know(chance, kind, calls)
    (path / "rules.lua").write_text(RULES + services_of(chance, kind, calls, known))
    made = [scenario(chance, first + i, kind, calls, known) for i in range(count)]
    (path / "rules_test.lua").write_text('local test = require "tend.test"\n' + "".join(text for text, _, _ in made))
    return {str(first + i): (at_fault, faults) for i, (_, at_fault, faults) in enumerate(made)}


def play(binary, path):
    done = subprocess.run([binary, "test", path, "--once", "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
        sys.exit(f"tend test {path}: exit {done.returncode}: {done.stdout[-800:]}{done.stderr[-2000:]}")
    return json.loads(done.stdout)["scenarios"]


def decided(run):
    """The first decision on each culprit of each incident: (service, confidence, when, what)."""
    first = {}
    for one in run["decisions"]:
        first.setdefault((one["incident"], one["service"]), (one["service"], one["confidence"], one["at_s"], one["what"]))
    return list(first.values())


def fifths(decisions):
    ordered = sorted(decisions, key=lambda one: one[0])
    return [ordered[len(ordered) * i // 5:len(ordered) * (i + 1) // 5] for i in range(5)]


def rate(decisions):
    stated = sum(one[0] for one in decisions) / len(decisions)
    hit = sum(one[1] for one in decisions) / len(decisions)
    return stated, hit


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--scenarios", type=int, default=500)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--binary", default=ROOT / "build" / "tend")
    options.add_argument("--keep", help="write the systems there, and leave them")
    options.add_argument("--verbose", action="store_true", help="tell of each decision that was wrong")
    options = options.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}, {options.scenarios} scenarios")
    decisions, by_kind, victims, silent, number = [], collections.defaultdict(list), [], collections.Counter(), 0
    values = collections.Counter()
    wrong_values = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="tend-confidence-") as scratch:
        base = pathlib.Path(options.keep or scratch)
        while number < options.scenarios:
            kind = KINDS[number // PER_SYSTEM % len(KINDS)]
            count = min(PER_SYSTEM, options.scenarios - number)
            path = base / f"{number:04}"
            path.mkdir(parents=True, exist_ok=True)
            at_fault = make_system(chance, path, kind, number, count)
            for played in play(options.binary, path):
                culprits, faults = at_fault[played["name"]]
                found = decided(played["run"])
                silent[kind] += not found
                for service, confidence, at_s, what in found:
                    entry = (confidence, service in culprits)
                    values[round(confidence, 2)] += 1
                    wrong_values[round(confidence, 2)] += not entry[1]
                    decisions.append(entry)
                    by_kind[kind].append(entry)
                    if options.verbose and not entry[1]:
                        print(f"  {kind} {path.name}/{played['name']}: {service} {confidence:.2f} {what} at {at_s:.0f} s; {'; '.join(faults)}")
                for step in played["run"]["steps"]:
                    if step["verb"] == "restart" and step["service"] not in culprits:
                        victims.append(f"{path.name}/{played['name']} ({kind}): {step['instance']} at {step['at_s']:.0f} s; {'; '.join(faults)}")
            number += count
    off = 0.0
    print("\nfifth  decisions  stated   hit   off")
    for i, part in enumerate(fifths(decisions)):
        stated, hit = rate(part)
        off = max(off, abs(stated - hit))
        print(f"{i + 1:5}  {len(part):9}  {stated:6.2f}  {hit:4.2f}  {100 * (hit - stated):+4.0f}")
    print("\nstated  decisions   hit")
    for value in sorted(values):
        print(f"{value:6.2f}  {values[value]:9}  {1 - wrong_values[value] / values[value]:4.2f}")
    print("\nkind               decisions  stated   hit   none")
    for kind in KINDS:
        if by_kind[kind]:
            stated, hit = rate(by_kind[kind])
            print(f"{kind:17}  {len(by_kind[kind]):9}  {stated:6.2f}  {hit:4.2f}  {silent[kind]:5}")
    print(f"\nvictims restarted: {len(victims)}")
    for victim in victims:
        print(f"  {victim}")
    return 1 if victims or off > 0.1 else 0


if __name__ == "__main__":
    sys.exit(main())
