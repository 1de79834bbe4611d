"""Rules that hang, crash or eat memory, each beside a good one: the bad one is named and off in under a second, the good
one is judged at most 3 s late, and scrapes go on in their slots."""
import http.server
import pathlib
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Tend, wait_for  # noqa: E402

EVERY_S = 0.5
SLOT_S = 0.1
LOOK_S = 0.3  # how long `tend status`, which is what is asked here, may take on a busy machine

RULES = """local tend = require "tend"
tend.service "pay" {
  targets = { "http://127.0.0.1:%(port)d/metrics" }, every = "500ms", window = "2s", timeout = "400ms",
  metrics = { level = { tend.gauge "level", bad = "above", expect = 1, alpha = 1 } },
}
tend.rule "good" { on = "pay", when = function(s) return s.level.P > 5 end, severity = "warn" }
tend.rule "hostile" { on = "pay", severity = "warn", when = function(s)
  if s.level.P > 5 then %(hostile)s end
end }
tend.rule "also good" { on = "pay", when = function(s) return s.level.out end, severity = "warn" }
"""

HOSTILE = {
    "endless loop": "while true do end",
    "endless loop of pcall": "while true do pcall(error, 'x') end",
    "catastrophic pattern": "return (('a'):rep(30)):find(('a?'):rep(30) .. ('a'):rep(31))",
    "slow pattern": "return (('('):rep(300000)):find('%b()')",
    "memory without end": "local t = {} for i = 1, 1e9 do t[i] = { i } end",
    "one huge text": "local x = ('x'):rep(1e6) while true do x = x .. x end",
    "recursion through gsub": "local function f() return (('x'):gsub('x', f)) end f()",
    "endless handler": "xpcall(error, function() while true do end end)",
    "endless finalizer": "getmetatable(newproxy(true)).__gc = function() while true do end end",
}


class Target:
    """A target whose one gauge is `level`; notes when it is scraped."""

    def __init__(self):
        self.level = 1
        self.scraped = []
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                target.scraped.append(time.monotonic())
                body = f"# TYPE level gauge\nlevel {target.level}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def firing(status):
    return {alert["rule"] for service in status["services"] for alert in service["alerts"] if alert["state"] == "firing"}


class HostileRules(unittest.TestCase):
    def provoke(self, hostile):
        target = Target()
        self.addCleanup(target.close)
        directory = tempfile.TemporaryDirectory(prefix="tend-hostile-")
        self.addCleanup(directory.cleanup)
        rules = pathlib.Path(directory.name) / "rules"
        rules.mkdir()
        (rules / "shop.lua").write_text(RULES % {"port": target.port, "hostile": hostile})
        with Tend(rules, pathlib.Path(directory.name) / "state", env=None) as tend:
            wait_for("some scrapes", lambda: len(target.scraped) >= 4, 20)
            self.assertEqual([], tend.json("status")["rules_off"])
            before = len(target.scraped)
            target.level = 100
            wait_for("the bad level is scraped", lambda: len(target.scraped) > before, 5, pause=0.01)
            seen_s = target.scraped[before]

            good_s = wait_for("both good rules fire", lambda: {"good", "also good"} <= firing(tend.json("status"))
                              and time.monotonic(), 10, pause=0.05)
            off_s = wait_for("the hostile rule is off", lambda: tend.json("status")["rules_off"] and time.monotonic(), 10,
                             pause=0.05)
            off = tend.json("status")["rules_off"]
            wait_for("more scrapes", lambda: len(target.scraped) >= before + 5, 10)

        self.assertEqual(["hostile"], [rule["rule"] for rule in off], off)
        self.assertLess(good_s - seen_s, 3)
        gaps = [later - earlier for earlier, later in zip(target.scraped[2:], target.scraped[3:])]
        self.assertLess(max(gaps), EVERY_S + SLOT_S + 0.05, f"gaps between scrapes: {gaps}")
        return off_s - seen_s

    def test_a_hostile_rule_is_named_and_off_and_harms_nobody(self):
        for name, hostile in HOSTILE.items():
            with self.subTest(name):
                took_s = self.provoke(hostile)
                # What raises is off after three errors in a row, so three scrapes; what is killed, at once.
                raises = name in ("endless handler", "endless finalizer", "memory without end", "one huge text")
                self.assertLess(took_s, 1 + LOOK_S + (3 * EVERY_S if raises else 0))


if __name__ == "__main__":
    unittest.main()
