#!/usr/bin/env python3
"""How good is `tend locate` on labelled incidents? Runs it over a benchmark's cases, scores it, and disturbs them.

    tests/bench/rca.py --bench DIR [--tend build/tend]

DIR has case/*/{metrics.csv,alarm.json,meta.json} and system/*/topology.json, as tests/bench/made_incidents.py makes them.
Prints AC@1 and AC@3 per system, as a score.py in DIR has them if there is one, CPU per thousand columns, what is lost when the time of the alarm is 60 s off or not known, and how the
stated confidence matches the hit rate, fifth by fifth. meta.json is read for scoring only.
"""
import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def columns_of(case):
    with open(case / "metrics.csv") as file:
        return file.readline().count(",")


def locate(tend, cases, *options):
    """The predictions as text, and the CPU seconds they took, children and their children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([tend, "locate", *options, *cases], check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def moved(bench, cases, seconds, directory):
    """Copies (by links) of the cases whose alarm is that many seconds later."""
    (directory / "system").symlink_to(bench / "system")
    copies = []
    for case in cases:
        copy = directory / "case" / case.name
        copy.mkdir(parents=True)
        for name in ("metrics.csv", "logs.csv.gz", "logs.csv"):
            if (case / name).exists():
                (copy / name).symlink_to(case / name)
        alarm = json.loads((case / "alarm.json").read_text())
        alarm["inject_time"] += seconds
        (copy / "alarm.json").write_text(json.dumps(alarm))
        copies.append(copy)
    return copies


def counted(bench, predictions):
    """The share of cases whose culprit is first, and among the first three, by system: what a score.py says too."""
    hits = {}
    for line in predictions.splitlines():
        answer = json.loads(line)
        meta = json.loads((bench / "case" / answer["case"] / "meta.json").read_text())
        ranking = answer["ranking"]
        place = ranking.index(meta["root_service"]) if meta["root_service"] in ranking else len(ranking)
        hits.setdefault("system " + meta["system"], []).append((place < 1, place < 3))
    scores = {key: {"AC@1": sum(one for one, _ in some) / len(some), "AC@3": sum(three for _, three in some) / len(some)}
              for key, some in sorted(hits.items())}
    return scores | {"mean of systems": {at: sum(score[at] for score in scores.values()) / len(scores)
                                         for at in ("AC@1", "AC@3")}}


def scored(bench, predictions):
    if not (bench / "score.py").exists():
        return counted(bench, predictions)
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write(predictions)
        file.flush()
        out = subprocess.run([sys.executable, bench / "score.py", bench, file.name, "--json"],
                             check=True, capture_output=True, text=True).stdout
    return json.loads(out)["service"]


def show(name, scores):
    systems = [key for key in scores if key.startswith("system ")]
    cells = [f"{key[7:]} {scores[key]['AC@1']:.2f}/{scores[key]['AC@3']:.2f}" for key in systems]
    mean = scores["mean of systems"]
    print(f"{name:22} mean {mean['AC@1']:.3f}/{mean['AC@3']:.3f}   " + "   ".join(cells))
    return mean["AC@1"]


def show_confidence(cases, predictions):
    pairs = []
    for line in predictions.splitlines():
        answer = json.loads(line)
        truth = json.loads((cases[answer["case"]] / "meta.json").read_text())["root_service"]
        pairs.append((answer["confidence"], answer["ranking"][:1] == [truth]))
    pairs.sort()
    for fifth in range(5):
        part = pairs[fifth * len(pairs) // 5:(fifth + 1) * len(pairs) // 5]
        if part:
            stated, hit = (sum(pair[i] for pair in part) / len(part) for i in (0, 1))
            print(f"  stated {stated:.2f}, right {hit:.2f} ({len(part)} cases)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=pathlib.Path, required=True)
    parser.add_argument("--tend", type=pathlib.Path, default=ROOT / "build" / "tend")
    arguments = parser.parse_args()
    bench = arguments.bench.resolve()
    cases = {path.parent.name: path.parent for path in sorted(bench.glob("case/*/meta.json"))}
    if not cases:
        parser.error(f"no case/*/meta.json below {bench}")
    predictions, cpu_s = locate(arguments.tend, cases.values())
    base = show("as they are", scored(bench, predictions))
    for seconds in (60, -60):
        with tempfile.TemporaryDirectory(prefix="tend-rca-") as directory:
            text, _ = locate(arguments.tend, moved(bench, cases.values(), seconds, pathlib.Path(directory)))
        print(f"  loss {base - show(f'alarm {seconds:+d} s', scored(bench, text)):+.3f}")
    text, _ = locate(arguments.tend, cases.values(), "--unknown")
    print(f"  loss {base - show('moment unknown', scored(bench, text)):+.3f}")
    columns = sum(columns_of(case) for case in cases.values())
    print(f"{columns} columns, {1e6 * cpu_s / columns:.1f} CPU ms a thousand")
    print("confidence, fifth by fifth:")
    show_confidence(cases, predictions)


if __name__ == "__main__":
    main()
