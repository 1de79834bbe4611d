"""Teams that listen to one service each: who hears of an incident that another's service opened, and of two that become one."""
import http.server
import pathlib
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Tend, free_ports, wait_for  # noqa: E402

# Nobody listens where a, b and ledger are: they are down at once; those that are up keep tend from being blind.
RULES = """
local tend = require "tend"
local webs = {{}}
for i = 1, 4 do webs[i] = "http://127.0.0.1:{up}/" .. i end
tend.service "web" {{ targets = webs, every = "1s" }}
tend.service "ledger" {{ targets = {{ "127.0.0.1:{down}" }}, every = "1s" }}
for i, name in ipairs {{ "a", "b" }} do
  tend.service(name) {{ targets = {{ "127.0.0.1:" .. {down} + i }}, every = "1s", depends = {{ "ledger" }} }}
end
tend.rule "down" {{ on = {{ "a", "b" }}, when = "up", fire_after = "1s", severity = "page" }}
tend.rule "ledger down" {{ on = "ledger", when = "up", fire_after = "4s", severity = "page" }}
for _, name in ipairs {{ "a", "b", "ledger" }} do
  tend.notify("team " .. name) {{ on = name, severity = "page", to = {{ require "tend.notify.log" {{}} }} }}
end
"""


class Up(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"temperature 20\n")

    def log_message(self, *_arguments):
        pass


class Teams(unittest.TestCase):
    def setUp(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Up)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        rules = directory / "rules"
        rules.mkdir()
        self.rules, self.down = rules / "a.lua", free_ports(3)
        self.rules.write_text(RULES.format(up=server.server_port, down=self.down))
        self.tend = self.enterContext(Tend(rules, directory / "state", env=None))

    def told(self, incident):
        return [(n["notify"], n["about"]) for n in self.tend.json("explain", incident)["notices"] if n["status"] == "sent"]

    def test_each_hears_of_the_one_that_is_left_and_then_of_the_end_of_its_own(self):
        older, younger = wait_for("two incidents", lambda: len(self.tend.incidents()) == 2 and self.tend.incidents(), 20)
        first, second = (f"team {i['services'][0]}" for i in (older, younger))  # whose target was scraped first
        wait_for("the end of the younger", lambda: (second, "resolved") in self.told(younger["id"]), 20)
        everybody = {(first, "firing"), (second, "firing"), ("team ledger", "firing")}
        wait_for("all are told of the older", lambda: set(self.told(older["id"])) == everybody, 10)
        self.assertEqual(f"merged into {older['id']}", self.tend.json("explain", younger["id"])["outcome"])
        self.tend.process.kill()
        self.tend.process.wait()
        self.tend.start()
        ticks = self.tend.metrics()["tend_ticks_total"]
        wait_for("four seconds of ticks", lambda: self.tend.metrics()["tend_ticks_total"] >= ticks + 4, 15)
        self.assertEqual(3, len(self.told(older["id"])))
        self.assertEqual([(second, "firing"), (second, "resolved")], self.told(younger["id"]))

    def test_a_notify_that_a_reload_brings_hears_that_it_is_open_and_then_that_it_is_over(self):
        (older, _younger) = wait_for("two incidents", lambda: len(self.tend.incidents()) == 2 and self.tend.incidents(), 20)
        wait_for("they are one", lambda: len(set(self.told(older["id"]))) == 3, 20)
        self.tend.stop()
        self.tend.start()  # who was told before a restart is told nothing anew by what follows
        self.rules.write_text(self.rules.read_text() +
                              'tend.notify "boss" { on = "*", severity = "page", to = { require "tend.notify.log" {} } }\n')
        self.tend.cli("reload")
        for port in range(self.down, self.down + 3):
            server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Up)
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
        wait_for("its end is told", lambda: ("boss", "resolved") in self.told(older["id"]), 60)
        everybody = ("boss", "team a", "team b", "team ledger")
        self.assertEqual(sorted((who, what) for who in everybody for what in ("firing", "resolved")),
                         sorted(self.told(older["id"])))


if __name__ == "__main__":
    unittest.main()
