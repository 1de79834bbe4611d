"""`tend locate`: the culprit of an incident, from exported data, as a user would run it."""
import gzip
import json
import pathlib
import random
import subprocess
import tempfile
import time
import unittest

from shop import TEND

BEGIN, STEP, HEALTHY, LIVE = 1_700_000_000, 15, 80, 12
ONSET = BEGIN + STEP * HEALTHY - 5
EDGES = [["web", "checkout"], ["web", "search"], ["checkout", "ledger"], ["search", "ledger"], ["checkout", "mail"]]

# Metric by metric: the level in health, and in the cascade: the ledger's CPU makes it slow, and its callers look worse.
CASCADE = {
    "ledger:cpu_pct": (10, 85), "ledger:latency_p90": (0.02, 0.4), "ledger:requests": (50, 50),
    "checkout:cpu_pct": (20, 20), "checkout:latency_p90": (0.05, 1.6), "checkout:requests": (20, 20),
    "checkout:error_rate": (0.001, 0.05),
    "search:cpu_pct": (30, 30), "search:latency_p90": (0.05, 1.5), "search:requests": (30, 30),
    "web:cpu_pct": (15, 15), "web:latency_p90": (0.08, 3.0), "web:requests": (40, 40), "web:error_rate": (0.001, 0.08),
    "mail:cpu_pct": (5, 5), "mail:latency_p90": (0.01, 0.01), "mail:requests": (5, 5),
    "_entry:p90": (0.1, 3.5),
}


def metrics_of(levels, change_at=HEALTHY):
    noise = random.Random(7)
    lines = [",".join(["time", *levels])]
    for row in range(HEALTHY + LIVE):
        values = [level[row >= change_at] * noise.uniform(0.9, 1.1) for level in levels.values()]
        lines.append(",".join([str(BEGIN + STEP * row)] + [f"{value:.6g}" for value in values]))
    return "\n".join(lines) + "\n"


def log_lines(second, broken):
    yield "checkout", "INFO", f"order {second} of user u{second % 7} is paid"
    if broken:
        yield "ledger", "ERROR", f"no lease for shard {second % 3}\x1b[31m"


class Locate(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-locate-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)

    def case(self, levels, alarm=None, edges=EDGES, name="one"):
        case = self.root / "case" / name
        case.mkdir(parents=True)
        (case / "metrics.csv").write_text(metrics_of(levels))
        alarm = {"inject_time": ONSET, "system": "shop", "symptom": {"service": "_entry", "metric": "p90"}, **(alarm or {})}
        (case / "alarm.json").write_text(json.dumps({key: value for key, value in alarm.items() if value is not None}))
        if edges is not None:
            system = self.root / "system" / "shop"
            system.mkdir(parents=True, exist_ok=True)
            (system / "topology.json").write_text(json.dumps({"edges": edges}))
        return case

    def run_tend(self, *arguments):
        return subprocess.run([TEND, "locate", *map(str, arguments)], capture_output=True, text=True, check=False)

    def located(self, *arguments):
        done = self.run_tend(*arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_what_callers_log_of_a_service_is_said_of_that_one_and_names_of_users_are_no_news(self):
        calm = {name: (level[0], level[0]) for name, level in CASCADE.items()} | {"_entry:p90": (0.1, 0.3)}
        case = self.case(calm)
        users, later = ("ann", "bob", "carl"), ("dora", "emil", "finn", "gina")
        with gzip.open(case / "logs.csv.gz", "wt") as file:
            file.write("time,service,level,message\n")
            for second in range(-60, 120):
                user = (users if second < 0 else later)[second % 3]
                file.write(f"{ONSET + second},mail,INFO,a letter to {user} is on its way\n")
                if second > 0:
                    callee = ("ledger", "ledger", "mail", "ledger")[second % 4]
                    file.write(f"{ONSET + second},checkout,ERROR,gave up after calling {callee} for {second + 20} ms\n")
        (answer,) = self.located(case)
        self.assertEqual(answer["ranking"][0], "ledger")
        self.assertIn("logs: new error line of checkout (0 before the onset, 89 after): gave up after calling ledger for <*> ms",
                      answer["evidence"][0]["reasons"])
        self.assertNotIn("a letter to", json.dumps(answer["evidence"]))

    def test_the_shared_dependency_is_the_culprit_though_its_callers_look_worse(self):
        (answer,) = self.located(self.case(CASCADE))
        self.assertEqual(answer["case"], "one")
        self.assertEqual(answer["ranking"][0], "ledger")
        self.assertEqual(set(answer["ranking"]), {"ledger", "checkout", "search", "web", "mail"})
        self.assertEqual(answer["metrics"][0], "ledger:cpu_pct")
        self.assertTrue(0.5 < answer["confidence"] <= 1, answer["confidence"])
        first = answer["evidence"][0]
        self.assertEqual(first["service"], "ledger")
        self.assertTrue(any("cpu_pct rose from" in reason for reason in first["reasons"]), first)

    def test_a_slow_shared_dependency_without_any_cause_metric_is_found_by_the_graph(self):
        levels = {name: level for name, level in CASCADE.items() if "cpu" not in name}
        (answer,) = self.located(self.case(levels))
        self.assertEqual(answer["ranking"][0], "ledger")

    def test_a_network_that_is_slow_accuses_the_callee_which_is_calm_itself(self):
        levels = {"web:latency_p90": (0.08, 0.5), "checkout:latency_p90": (0.05, 0.45), "ledger:latency_p90": (0.02, 0.02),
                  "checkout>ledger:latency_mean": (0.022, 0.42), "checkout>ledger:server_latency_mean": (0.02, 0.02),
                  "web>checkout:latency_mean": (0.052, 0.46), "web>checkout:server_latency_mean": (0.05, 0.45)}
        (answer,) = self.located(self.case(levels))
        self.assertEqual(answer["ranking"][0], "ledger")

    def test_a_case_without_a_topology_is_ranked_with_less_confidence(self):
        (with_one,) = self.located(self.case(CASCADE, name="with"))
        (without,) = self.located(self.case(CASCADE, {"system": "unknown"}, None, "without"))
        self.assertIn("ledger", without["ranking"][:3])
        self.assertLess(without["confidence"], with_one["confidence"])

    def test_circles_and_unknown_names_in_the_topology_do_no_harm(self):
        edges = [*EDGES, ["ledger", "web"], ["ledger", "ledger"], ["ghost", "ledger"]]
        (answer,) = self.located(self.case(CASCADE, edges=edges))
        self.assertEqual(len(answer["ranking"]), 5)

    def test_the_onset_is_found_when_nobody_knows_it(self):
        (answer,) = self.located(self.case(CASCADE, {"inject_time": None}))
        self.assertEqual(answer["ranking"][0], "ledger")
        self.assertLessEqual(abs(answer["onset_s"] - ONSET), 2 * STEP)

    def test_a_large_system_may_take_longer_than_the_daemon_would_wait(self):
        others = {f"s{i}:{metric}": (1, 2) for i in range(1000) for metric in ("cpu_pct", "latency_p90", "requests")}
        edges = EDGES + [[f"s{i}", f"s{3 * i % 1000}"] for i in range(1000)] + [[f"s{i}", f"s{i * i % 1000}"] for i in range(1000)]
        (answer,) = self.located(self.case({**CASCADE, **others}, edges=edges))
        self.assertEqual(1005, len(answer["ranking"]))

    def test_a_time_that_is_a_minute_off_changes_nothing(self):
        for off in (-60, 60):
            (answer,) = self.located(self.case(CASCADE, {"inject_time": ONSET + off}, name=f"off{off}"))
            self.assertEqual(answer["ranking"][0], "ledger")

    def test_new_error_lines_accuse_the_service_that_writes_them(self):
        levels = {name: (level[0], level[1] if name == "_entry:p90" else level[0]) for name, level in CASCADE.items()}
        case = self.case(levels)
        with gzip.open(case / "logs.csv.gz", "wt") as log:
            log.write("time,service,level,message\n")
            for second in range(-60, 120):
                for service, level, text in log_lines(second, second > 0 and second % 3 == 0):
                    log.write(f'{ONSET + second},{service},{level},"{text}"\n')
        (answer,) = self.located(case)
        self.assertEqual(answer["ranking"][0], "ledger")
        self.assertIn("new error line (0 before the onset, 39 after): no lease for shard <*>?[<*>",
                      " ".join(answer["evidence"][0]["reasons"]))
        self.assertNotIn("\x1b", self.run_tend("--text", case).stdout)

    def test_single_files_and_several_cases(self):
        case = self.case(CASCADE)
        answers = self.located(case, self.case(CASCADE, name="two"))
        self.assertEqual([answer["case"] for answer in answers], ["one", "two"])
        (single,) = self.located("--metrics", case / "metrics.csv", "--at", ONSET,
                                 "--topology", self.root / "system" / "shop" / "topology.json")
        self.assertEqual(single["ranking"], answers[0]["ranking"])

    def test_the_answer_is_never_read(self):
        case = self.case(CASCADE)
        before = self.located(case)
        (case / "meta.json").write_text("{ this is torn")
        self.assertEqual(self.located(case), before)

    def test_what_is_torn_is_told_with_file_and_line_and_the_next_case_goes_on(self):
        torn, fine = self.case(CASCADE, name="torn"), self.case(CASCADE, name="fine")
        path = torn / "metrics.csv"
        path.write_text(path.read_text()[:-40])
        done = self.run_tend(torn, fine)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"^{path}:93: \d+ fields; the header has 19\n$")
        self.assertEqual(json.loads(done.stdout)["case"], "fine")
        (torn / "alarm.json").write_text("{\n\n!")
        self.assertIn("alarm.json:3: column 1: ", self.run_tend(torn).stderr)

    def test_a_case_that_is_too_short_or_not_there_is_an_error(self):
        case = self.case(CASCADE, {"inject_time": BEGIN})
        self.assertIn("rows before and", self.run_tend(case).stderr)
        gone = self.run_tend(self.root / "case" / "none")
        self.assertEqual((gone.returncode, "metrics.csv: No such file" in gone.stderr), (1, True))

    def test_what_other_programs_export_is_read_as_it_is(self):
        plain = metrics_of(CASCADE)
        head, *rows = plain.splitlines()
        iso = [time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(row.split(",")[0]))) + row[row.index(","):] for row in rows]
        shapes = {
            "times of a spreadsheet": "\ufeff" + "\r\n".join([head.replace("time", "Time"), *iso]) + "\r\n",
            "quotes": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in [head, *rows]),
            "milliseconds, newest first": "\n".join([head, *(row.replace(",", "000,", 1) for row in reversed(rows))]),
            "blanks, a comma at each end": "\n".join(line.replace(",", ", ") + "," for line in [head, *rows]),
            "a column without any value": "\n".join([head + ",mail:queue", *(row + ",null" for row in rows)]),
            "each second": "\n".join([head, *(",".join([str(int(row.split(",")[0]) + second), row.split(",", 1)[1]])
                                              for row in rows for second in range(STEP))]),
            "5000 columns": "\n".join([head + "".join(f",s{i // 10}:m{i % 10}" for i in range(5000)),
                                       *(row + ",1" * 5000 for row in rows)]),
        }
        path = self.root / "export.csv"
        path.write_text(plain)
        topology = self.root / "topology.json"
        topology.write_text(json.dumps(EDGES))
        asked = ("--metrics", path, "--at", ONSET, "--topology", topology)
        expected = self.located(*asked)[0]
        self.assertEqual(expected["ranking"][0], "ledger")
        for name, text in shapes.items():
            with self.subTest(shape=name):
                path.write_text(text, newline="")
                found = self.located(*asked)[0]
                self.assertEqual(found["ranking"][0], "ledger")
                if name not in ("each second", "5000 columns"):
                    self.assertEqual(found, expected)

    def test_what_cannot_be_meant_is_told_with_its_line(self):
        plain = metrics_of(CASCADE)
        head, *rows = plain.splitlines()
        path = self.root / "export.csv"
        for text, message in (
            ("\n".join(rows), ":1: the header is missing: the first line has to be time,SERVICE:METRIC,…"),
            (plain.replace(",", ";"), ":1: the first line has to be time,SERVICE:METRIC,…; its fields have semicolons between"),
            (plain.replace("mail:cpu_pct", "host"), ':1: column 16 is "host"; a name has to be SERVICE:METRIC'),
            (plain.replace("mail:cpu_pct", "web:cpu_pct"), ':1: column 16 is "web:cpu_pct", as an earlier one is'),
            ("\n".join([head, *rows, rows[40]]), ":94: the time is that of line 42"),
            ("\n".join([head, rows[0].replace(",", "0" * 12 + ",", 1)]), ':2: "1700000000000000000000" is no time'),
            ("\n".join([head, *rows[:50], rows[50][:-20]]), ":52: "),
            ("\n".join([head, *rows[:50], rows[50].replace(",", "000,", 1)]),
             ':52: "1700000750000" is another kind of time than those before it: milliseconds, not seconds'),
            (plain.encode("utf-16"), ":1: a NUL byte: this is no text"),
            ("", ":1: there is nothing in it"),
        ):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            done = self.run_tend("--metrics", path, "--at", ONSET)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertTrue(done.stderr.startswith(f"{path}{message}"), done.stderr)
        path.write_text(plain)
        done = self.run_tend("--metrics", path, "--at", "2030-01-01")
        self.assertEqual((1, f"{path}: it goes from 2023-11-14T22:13:20.000Z to 2023-11-14T22:36:05.000Z; "
                             "2030-01-01T00:00:00.000Z is not within\n"), (done.returncode, done.stderr))

    def test_all_files_of_a_case_may_have_times_as_other_programs_write_them(self):
        def iso(second):
            return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))

        shapes = {
            "seconds": (lambda second: second,) * 3,
            "dates": (lambda second: iso(second) + "Z", lambda second: iso(second + 3600) + ".000+01:00", iso),
            "milli, micro and nano": (lambda second: second * 10**3, lambda second: second * 10**6, lambda second: second * 10**9),
        }
        found = []
        for number, (name, (of_metrics, of_alarm, of_logs)) in enumerate(shapes.items()):
            case = self.case(CASCADE, {"inject_time": of_alarm(ONSET)}, name=f"case{number}")
            head, *rows = metrics_of(CASCADE).splitlines()
            rows = [f"{of_metrics(int(row.split(',', 1)[0]))},{row.split(',', 1)[1]}" for row in rows]
            (case / "metrics.csv").write_text("\n".join([head, *rows]))
            lines = [f"{of_logs(ONSET + second)},{service},{level},{text}" for second in range(-60, 120)
                     for service, level, text in log_lines(second, second > 0)]
            (case / "logs.csv").write_text("\n".join(["time,service,level,message", *lines]))
            (answer,) = self.located(case)
            del answer["case"]
            found.append(answer)
            with self.subTest(times=name):
                self.assertEqual(answer, found[0])
        self.assertEqual((found[0]["ranking"][0], found[0]["onset_s"]), ("ledger", ONSET))
        self.assertIn("new error line", json.dumps(found[0]))
        for wrong, message in (("noon", '"noon" is no time; write it like 2026-03-02T10:00:05Z, or in seconds since 1970'),
                               ([], 'it is no time; write it like "2026-03-02T10:00:05Z", or in seconds since 1970')):
            (case / "alarm.json").write_text(json.dumps({"inject_time": wrong}))
            self.assertEqual(f"{case}/alarm.json: inject_time: {message}\n", self.run_tend(case).stderr)

    def test_what_is_wrong_in_a_topology_is_told_with_its_place(self):
        metrics, topology = self.root / "export.csv", self.root / "topology.json"
        metrics.write_text(metrics_of(CASCADE))
        for text, message in (
            ('{"edges": [\n["web", "ledger"],\n["web" "mail"]]}', ":3: column 13: ']' expected near '\"mail\"'"),
            ('{"edges": [["web", "ledger"], ["web"]]}',
             ': edge 2: ["web"] is no [CALLER, CALLEE], the names of two services'),
            ('[["web", ""]]', ': edge 1: ["web",""] is no [CALLER, CALLEE], the names of two services'),
            ('[["web", "ledger"], {"caller": "' + "w" * 100 + '"}]', ': edge 2: {"caller":"' + "w" * 49 + " is no"),
            ('{"depends": {}}', ': no list of edges; write {"edges": [[CALLER, CALLEE], …]}'),
        ):
            topology.write_text(text)
            done = self.run_tend("--metrics", metrics, "--at", ONSET, "--topology", topology)
            self.assertEqual((1, ""), (done.returncode, done.stdout))
            self.assertTrue(done.stderr.startswith(f"{topology}{message}"), done.stderr)

    def test_a_file_that_is_no_log_is_not_taken_for_one(self):
        metrics = self.root / "export.csv"
        metrics.write_text(metrics_of({name: CASCADE[name] for name in ("ledger:cpu_pct", "web:latency_p90", "_entry:p90")}))
        done = self.run_tend("--metrics", metrics, "--at", ONSET, "--logs", metrics)
        self.assertEqual((1, "", f"{metrics}:1: the first line of a log has to be time,service,level,message; "
                                 "these are metrics (time,SERVICE:METRIC,…)\n"), (done.returncode, done.stdout, done.stderr))

    def test_wrong_usage_is_told(self):
        for arguments in ([], ["--metrics", "x", "y"], ["--text", "--evidence", "x"], ["--at", "noon", "x"],
                          ["--around", "-1", "x"], ["--nonsense"]):
            self.assertEqual(self.run_tend(*arguments).returncode, 2, arguments)
        self.assertEqual(self.run_tend("--help").returncode, 0)

    def test_the_evidence_is_there_for_others_to_rank(self):
        (evidence,) = self.located("--evidence", self.case(CASCADE))
        cpu = [column for column in evidence["views"][0]["columns"] if column.get("service") == "ledger" and column["kind"] == "resource"]
        self.assertEqual([column["metric"] for column in cpu], ["cpu_pct"])
        self.assertGreater(cpu[0]["up"], 2)


if __name__ == "__main__":
    unittest.main()
