"""Dependencies that are declared and learned: `tend topology` of a daemon that scrapes a target with counters of calls."""
import http.server
import json
import pathlib
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Tend, wait_for  # noqa: E402

RULES = """local tend = require "tend"
tend.group "all" { every = "1s", timeout = "800ms", window = "5s", edges = { "servicegraph", "istio" } }
tend.service "collector" { is = "all", targets = { "http://127.0.0.1:PORT/metrics" } }
tend.service "gateway"  { is = "all", targets = {}, depends = { "checkout" } }
tend.service "checkout" { is = "all", targets = {} }
tend.service "payments" { is = "all", targets = {} }
tend.service "mail"     { is = "all", targets = {} }
"""

METRICS = """# TYPE traces_service_graph_request_total counter
traces_service_graph_request_total{{client="gateway",server="checkout"}} {calls}
traces_service_graph_request_total{{client="checkout",server="payments"}} {calls}
traces_service_graph_request_total{{client="user",server="gateway"}} {calls}
traces_service_graph_request_total{{client="payments",server="old"}} 17
# TYPE istio_requests_total counter
istio_requests_total{{source_workload="payments",destination_workload="bank \\"x\\"",response_code="200"}} {calls}
istio_requests_total{{source_workload="unknown",destination_workload="mail"}} {calls}
"""


class Topology(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tend-topology-"))
        self.addCleanup(shutil.rmtree, self.path, ignore_errors=True)
        scrapes = [0]

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                scrapes[0] += 1
                body = METRICS.format(calls=100 + 10 * scrapes[0]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        rules = self.path / "rules"
        rules.mkdir()
        (rules / "rules.lua").write_text(RULES.replace("PORT", str(self.server.server_port)))
        self.tend = Tend(rules, self.path / "state", env=None)
        self.tend.__enter__()
        self.addCleanup(self.tend.__exit__)

    def learned(self):
        edges = json.loads(self.tend.cli("topology", "--json"))["edges"]
        return edges if sum(e["learned"] for e in edges) >= 3 else None

    def test_what_is_called_is_learned_beside_what_is_declared(self):
        edges = wait_for("three edges are learned", self.learned, 20)
        seen = {(e["from"], e["to"]): (e["declared"], e["learned"], e["known"]) for e in edges}
        self.assertEqual(seen, {("gateway", "checkout"): (True, True, True),
                                ("checkout", "payments"): (False, True, True),
                                ("payments", 'bank "x"'): (False, True, False)})
        text = self.tend.cli("topology")
        self.assertRegex(text, r"(?m)^gateway +checkout +declared, seen +")
        self.assertRegex(text, r"(?m)^checkout +payments +learned +")
        self.assertRegex(text, r'(?m)^payments +bank "x" +learned .*not a service of these rules$')
        self.assertIn("no dependencies are known of collector, mail\n", text)
        dot = self.tend.cli("topology", "--dot")
        self.assertTrue(dot.startswith("digraph services {\n") and dot.endswith("}\n"))
        self.assertRegex(dot, r'(?m)^  "checkout" -> "payments" \[(label="[^"]*", )?style=dashed\];$')
        self.assertIn('"payments" -> "bank \\"x\\""', dot)

    def test_a_wrong_option_is_refused(self):
        done = self.tend.command("topology", "--svg")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "tend topology: there is no option --svg; see tend topology --help\n"))


if __name__ == "__main__":
    unittest.main()
