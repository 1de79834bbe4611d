"""What the locator is told besides what is out of line, and how people hear of it: `tend simulate`, and `tend run` over a real target."""
import http.server
import json
import pathlib
import subprocess
import tempfile
import threading
import unittest

from shop import TEND, Tend, wait_for

RULES = """local tend = require "tend"
tend.group "*" { every = "5s", window = "15s", limits = { share = 0.5, min_healthy = 0 },
  metrics = { response_time = { tend.mean "http_request_duration_seconds", expect = "100ms", alpha = 1 } } }
tend.service "front" { targets = { "http://a:1/metrics", "http://b:1/metrics" }, depends = "back" }
tend.service "back" { targets = { "http://c:1/metrics" },
  metrics = { response_time = false, cpu = { tend.gauge "process_cpu_percent", bad = "above" } } }
tend.rule "slow" { on = "front", per = "instance", when = "response_time", fire_after = "30s", severity = "page", act = true }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""


class Evidence(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-evidence-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)

    def culprit(self, scenario, rules=RULES):
        """Plays a scenario. Returns whom its one incident blames, how surely, and why."""
        (self.path / "rules.lua").write_text(rules)
        (self.path / "rules_test.lua").write_text(
            'local test = require "tend.test"\ntest.scenario "one" { ' + scenario + ", check = function() end }\n")
        done = subprocess.run([TEND, "simulate", self.path, "--scenario", "one", "--json"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (incident,) = json.loads(done.stdout)["incidents"]
        (culprit,) = incident["culprits"]
        return culprit["service"], culprit["confidence"], "\n".join(culprit["reasons"])

    def test_a_cause_that_moves_ahead_of_the_symptom_is_told_with_its_lag(self):
        service, confidence, reasons = self.culprit("""world = { front = 2, back = 1 }, lasts = "5m",
  series = { ["front/*.response_time"] = "0.1x40 0.2+0.05x20", ["back/*.cpu"] = "10x37 20+5x23" }""")
        self.assertEqual(service, "back")
        self.assertGreaterEqual(confidence, 0.8)
        self.assertIn("15 s before the first symptom, growing since; it moves with front's response_time, 15 s ahead", reasons)

    def test_threads_that_pile_up_are_explained_by_what_is_below(self):
        def rules(more):
            return f"""local tend = require "tend"
tend.group "*" {{ every = "5s", window = "15s", limits = {{ share = 0.5, min_healthy = 0 }} }}
tend.service "front" {{ targets = {{ "http://a:1/metrics" }}, depends = "back",
  metrics = {{ threads = {{ tend.gauge "jvm_threads_busy", bad = "above", expect = 10, alpha = 1 }} }} }}
{more}
tend.rule "threads" {{ on = "front", when = "threads", fire_after = "30s", severity = "page", act = true }}
tend.notify "log" {{ on = "*", severity = "page", to = {{ require "tend.notify.log" {{}} }} }}
"""
        threads = '["front/1.threads"] = "10x36 80x24"'
        service, confidence, reasons = self.culprit(
            f'world = {{ front = 1 }}, lasts = "5m", series = {{ {threads} }}', rules('tend.service "back" { targets = {} }'))
        self.assertEqual((service, confidence), ("front", 0.7))
        self.assertIn("it depends on back, which nobody watches", reasons)
        service, confidence, _ = self.culprit(
            f'world = {{ front = 1, back = 1 }}, lasts = "5m", series = {{ {threads}, ["back/1.cpu"] = "10x35 60x25" }}',
            rules("""tend.service "back" { targets = { "http://b:1/metrics" },
  metrics = { cpu = { tend.gauge "process_cpu_percent", bad = "above" } } }"""))
        self.assertEqual(service, "back")
        self.assertGreaterEqual(confidence, 0.8)

    def test_the_kind_in_which_scrapes_fail_is_told_and_one_that_tells_nothing_is_no_fault(self):
        rules = RULES + 'tend.rule "down" { on = "*", when = "up", fire_after = "10s", severity = "page", act = true }\n'
        for fault, confidence, words in (("crash", 0.95, "REFUSED: nothing listens there: the process is gone"),
                                         ("hang", 0.95, "READ_TIMEOUT: it takes connections and does not answer in time: it hangs"),
                                         ("metrics gone", 0.7, "HTTP_STATUS: it answers, but not with metrics (HTTP status 404)")):
            with self.subTest(fault):
                told = self.culprit('world = { front = 2, back = 1 }, lasts = "5m",\n'
                                    f'  faults = {{ {{ at = "2m", on = "back", kind = "{fault}" }} }}', rules)
                self.assertEqual(told[:2], ("back", confidence))
                self.assertIn(f"up 0 of 1 ({words})", told[2])

    def test_what_somebody_told_of_a_culprit_is_told_again(self):
        faults = 'world = { front = 2, back = 1 }, lasts = "5m", faults = { { at = "2m", on = "back", kind = "crash" } },\n'
        rules = RULES + 'tend.rule "down" { on = "*", when = "up", fire_after = "10s", severity = "page", act = true }\n'
        for kind, words in (("config", "config changed"), ("flag", "flag changed"), ("version", "deployed")):
            with self.subTest(kind):
                _, _, reasons = self.culprit(
                    faults + f'  people = {{ {{ at = "90s", deploy = "back", kind = "{kind}", ["for"] = "10s" }} }}', rules)
                self.assertIn(f"{words} 30 s before the first symptom, told by the simulation", reasons)


LIVE_RULES = """local tend = require "tend"
tend.service "proxy" { targets = { "127.0.0.1:PORT" }, every = "1s", timeout = "800ms", window = "2s",
  metrics = { response_time = { tend.gauge "proxy_response_time_seconds", bad = "above", expect = "10ms", out_at = "100ms" } } }
tend.rule "slow" { on = "proxy", when = "response_time", fire_after = "1s", severity = "page", act = true }
tend.notify "log" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }
"""

PAGE = """# TYPE proxy_response_time_seconds gauge
proxy_response_time_seconds {slow}
# TYPE proxy_build_info gauge
proxy_build_info{{version="{version}"}} 1
# TYPE proxy_config_last_reload_successful gauge
proxy_config_last_reload_successful 1
# TYPE proxy_config_last_reload_success_timestamp_seconds gauge
proxy_config_last_reload_success_timestamp_seconds {reload}
"""


class Live(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-evidence-")))
        self.says = {"slow": 0.01, "version": "2.1", "reload": 1.7e9}
        says, scrapes = self.says, [0]
        self.scrapes = scrapes

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                scrapes[0] += 1
                body = PAGE.format(**says).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        rules = self.path / "rules"
        rules.mkdir()
        (rules / "rules.lua").write_text(LIVE_RULES.replace("PORT", str(server.server_port)))
        self.tend = self.enterContext(Tend(rules, self.path / "state", env=None))

    def wait_for_scrapes(self, count):
        before = self.scrapes[0]
        wait_for(f"{count} scrapes", lambda: self.scrapes[0] >= before + count, 20)

    def explained(self, words):
        incident = wait_for("an incident", self.tend.incidents, 15)[0]["id"]
        return wait_for(words, lambda: words in self.tend.cli("explain", incident) and self.tend.cli("explain", incident), 10)

    def test_a_reload_and_another_version_are_seen_without_a_word_from_anybody(self):
        self.wait_for_scrapes(3)
        self.says["reload"] += 3600
        self.wait_for_scrapes(3)
        self.says["version"] = "2.2"
        self.wait_for_scrapes(2)
        self.says["slow"] = 0.5
        text = self.explained("config reloaded")
        self.assertRegex(text, r"config reloaded (about )?\d+ s before the first symptom")
        self.assertRegex(text, r"version 2\.2 in place of 2\.1 (about )?\d+ s before the first symptom")

    def test_a_config_that_somebody_changed_is_told_with_why(self):
        self.wait_for_scrapes(3)
        answer = self.tend.cli("deploy", "proxy", "--kind", "config", "--for", "2s", "--why", "pool of 50")
        self.assertIn("noted another configuration of proxy", answer)
        self.assertRegex(self.tend.cli("silence"), r"(?m)^d\d+ +deploy +proxy, config ")
        self.wait_for_scrapes(2)
        self.says["slow"] = 0.5
        self.assertRegex(self.explained("config changed"),
                         r"config changed \d+ s before the first symptom, told by uid .*: pool of 50")
        done = self.tend.command("deploy", "proxy", "--kind", "disk")
        self.assertEqual((done.returncode, done.stderr), (2, "tend deploy: --kind wants version, config or flag\n"))


if __name__ == "__main__":
    unittest.main()
