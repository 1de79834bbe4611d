"""`tend simulate` over a past that somebody made up to harm it: it is read or refused in words, and tend stays whole."""
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

RULES = """local tend = require "tend"
tend.service "shop" { targets = { "http://a:1/metrics" }, every = "10s", window = "30s",
  metrics = { load = { tend.gauge "load", bad = "above", expect = 1, out_at = 5 } } }
tend.rule "high" { on = "shop", per = "instance", when = "load", fire_after = "10s", severity = "warn" }
"""

BEGUN = 1772445600  # 2026-03-02 10:00 UTC


class HostilePast(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-hostile-past-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        (self.path / "rules").mkdir()
        (self.path / "rules" / "rules.lua").write_text(RULES)

    def simulate(self, *options):
        """Ends by itself, as tend's commands end, and says nothing of a sanitizer."""
        done = subprocess.run([TEND, "simulate", self.path / "rules", *options], capture_output=True, check=False, timeout=60)
        self.assertIn(done.returncode, (0, 1), done.stderr[-2000:])
        self.assertNotIn(b"runtime error", done.stderr)
        self.assertNotIn(b"Sanitizer", done.stderr)
        return done

    def report(self, *options):
        done = self.simulate(*options, "--json")
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)


class Csv(HostilePast):
    def over(self, header, rows):
        path = self.path / "past.csv"
        path.write_text(header + "\n" + "".join(f"{time},{value}\n" for time, value in rows))
        return self.report("--csv", path)

    def test_an_instance_may_have_a_name_of_any_length(self):
        rows = [(BEGUN + 10 * i, 9 if i >= 6 else 1) for i in range(12)]
        for name in ("A" * 3000, "A" * 3000 + ":80", "ä" * 700, "a:" + "9" * 2000):
            with self.subTest(name[:3]):
                report = self.over(f"time,shop/{name}:load", rows)
                self.assertEqual([f"shop/{name}"], [alert["instance"] for alert in report["alerts"]])

    def test_what_is_lacking_is_told_in_whole_characters(self):
        report = self.over("time,shop:load,shop:" + "ä" * 901, [(BEGUN + 10 * i, "1,1") for i in range(12)])
        self.assertEqual(1, len(report["missing"]))
        self.assertRegex(report["missing"][0], "^shop:ä+$")

    def test_a_pipe_that_nobody_writes_to_is_refused_at_once(self):
        path = self.path / "pipe"
        os.mkfifo(path)
        self.assertIn(b"this is no regular file", self.simulate("--csv", path).stderr)

    def test_samples_a_lifetime_apart_are_samples(self):
        self.assertEqual([], self.over("time,shop:load", [(1, 1), (9999999999, 1)])["alerts"])


class Server(HostilePast):
    """Says of each question what the test's function makes of its selector and the end of its time."""

    def over(self, answer):
        class Api(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                result = answer(asked["query"][0], float(asked["time"][0]))
                body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return ("--prometheus", f"http://127.0.0.1:{server.server_port}",
                "--from", str(BEGUN), "--to", str(BEGUN + 600))

    @staticmethod
    def series(query, end, instance="a:1", **labels):
        name = next(name for name in ("up", "scrape_duration_seconds", "load", "process_start") if name in query)
        value = {"up": "1", "scrape_duration_seconds": "0.01"}.get(name, "9")
        return {"metric": {"__name__": name, "job": "shop", "instance": instance, **labels},
                "values": [[end - 50 + 10 * i, value] for i in range(5)]}

    def test_an_instance_may_have_a_name_of_any_length(self):
        for name in ("A" * 5000, "ä" * 5000):
            with self.subTest(name[:3]):
                report = self.report(*self.over(lambda query, end, name=name: [self.series(query, end, name)]))
                self.assertEqual([f"shop/{name}"], [alert["instance"] for alert in report["alerts"]])

    def test_a_series_without_samples_is_none(self):
        for values in ({"a": 1}, [], "1", None):
            with self.subTest(values):
                done = self.simulate(*self.over(lambda query, end, values=values: [
                    {**self.series(query, end), "values": values}]))
                self.assertIn(b"there is no sample", done.stderr)

    def test_results_and_labels_of_other_types_are_nobodys(self):
        junk = [5, None, "x", [], {}, {"metric": 1}, {"metric": {"job": 5, "instance": {}}, "values": [[1, "1"]]}]
        report = self.report(*self.over(lambda query, end: junk + [
            self.series(query, end, zone=5, x=[1], y=None, nul="a\0b")]))
        self.assertEqual(1, len(report["alerts"]))

    def test_series_twice_and_samples_out_of_order_are_taken_once(self):
        def twice(query, end):
            one = self.series(query, end)
            return [{**one, "values": one["values"][::-1]}, one, one]
        self.assertEqual(1, len(self.report(*self.over(twice))["alerts"]))


class Locate(unittest.TestCase):
    def test_a_metric_whose_name_is_no_utf_8_is_evidence_as_any_other(self):
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(b"time,shop:l\xe9n\n" + b"".join(b"%d,%d\n" % (i, 900 if i > 40 else i % 3) for i in range(60)))
            file.flush()
            done = subprocess.run([TEND, "locate", "--metrics", file.name, "--at", "41"], capture_output=True, check=True)
        self.assertEqual(["shop:l\\xe9n"], json.loads(done.stdout)["metrics"])


class Terminal(unittest.TestCase):
    """Nothing that a file says drives the terminal of whoever has it read."""

    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-hostile-past-")))

    def shown(self, *command):
        """What a command prints, of a file that it cannot take."""
        done = subprocess.run([TEND, *command], capture_output=True, check=False, timeout=60)
        self.assertIn(done.returncode, (1, 2), done.stdout[-2000:])
        self.assertNotIn(b"\x1b", done.stdout + done.stderr)
        return done.stderr.decode()

    def test_names_in_a_csv_file(self):
        file = self.path / "m.csv"
        file.write_bytes(b"time,a\x1b[31m:cpu\n1,x\n")
        self.assertEqual(f'{file}:2: a\\x1b[31m:cpu is "x", which is no number\n', self.shown("locate", "--metrics", file))
        file.write_bytes(b"timestamp,value\n1,x\x1b[31m\n")
        self.assertEqual(f'{file}:2: "x\\x1b[31m" is no number\n', self.shown("detect", file))

    def test_paths(self):
        path = self.path / "x\x1b[31m"
        for command in (["locate", path], ["detect", path], ["parse", "--format", "prometheus", path], ["test", path], ["simulate", path, "--csv", path]):
            with self.subTest(command[0]):
                self.assertIn("x\\x1b[31m", self.shown(*command))

    def test_what_rules_raise(self):
        (self.path / "a.lua").write_text('error("x\\27[31m")\n')
        for command in ("simulate", "tune", "learn"):
            with self.subTest(command):
                self.assertEqual("a.lua:1: x\\x1b[31m\n", self.shown(command, self.path, "--csv", "none"))
        self.assertIn("x\\x1b[31m", self.shown("test", self.path))


if __name__ == "__main__":
    unittest.main()
