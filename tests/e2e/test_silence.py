"""Noise control by operators, through the real daemon: silence, unsilence, deploy, ack, and what explain and status tell of it."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Tend, free_ports, wait_for  # noqa: E402

RULES = """
local tend = require "tend"
tend.service "redis" {{ targets = {{ "127.0.0.1:{port}" }}, every = "1s" }}
tend.rule "down" {{ on = "*", when = "up", fire_after = "1s", severity = "page" }}
tend.notify "on call" {{ on = "*", severity = "page", again = "2s", to = {{ require "tend.notify.log" {{}} }} }}
"""


class Silenced(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        rules = self.directory / "rules"
        rules.mkdir()
        (rules / "a.lua").write_text(RULES.format(port=free_ports(1)))  # nobody listens there: it is down at once
        self.tend = self.enterContext(Tend(rules, self.directory / "state", env=None))

    def incident(self):
        return wait_for("an incident", self.tend.incidents, 10)[0]["id"]

    def told(self, incident):
        return [n for n in self.tend.json("explain", incident)["notices"] if n["status"] == "sent"]

    def decisions(self, incident):
        return [d["text"] for d in self.tend.json("explain", incident)["decisions"] if d["what"] == "not told"]

    def test_a_silence_keeps_it_back_over_a_restart_and_lets_it_out_at_its_end(self):
        answer = self.tend.cli("silence", "redis", "--for", "1h", "--why", "new disks")
        self.assertRegex(answer, r"s\d+ +silence +redis .*new disks")
        incident = self.incident()
        text = wait_for("the reason", lambda: self.decisions(incident), 10)[0]
        self.assertRegex(text, r'^"on call" is not told: silenced by uid .* until .* UTC: new disks$')
        self.tend.process.kill()
        self.tend.process.wait()
        self.tend.start()
        silence, = self.tend.json("status")["silences"]
        self.assertEqual(("silence", "redis", "new disks"), (silence["kind"], silence["on"], silence["why"]))
        self.assertIn("not told, and not acted on", self.tend.cli("status"))
        self.assertEqual(1, self.tend.metrics()["tend_silences"])
        wait_for("it is held back again", lambda: self.tend.metrics()["tend_notices_held"] == 1, 10)
        self.assertEqual([], self.told(incident))
        self.assertRegex(self.tend.cli("explain", incident), r"uid .*: silence redis for 1h: new disks")
        self.assertEqual("nothing is silent\n", self.tend.cli("unsilence", silence["id"]))
        wait_for("it is told", lambda: self.told(incident), 10)
        story = self.tend.cli("explain", incident)
        self.assertRegex(story, r"uid .*: unsilence redis")
        self.assertIn('"on call" is not told: silenced by uid', story)

    def test_an_incident_that_was_acknowledged_is_not_told_again(self):
        incident = self.incident()
        wait_for("it is told twice", lambda: len(self.told(incident)) >= 2, 10)
        self.assertRegex(self.tend.cli("ack", incident, "--why", "on it"), f"^acknowledged: {incident}, by uid ")
        text = wait_for("the reason", lambda: self.decisions(incident), 10)[0]
        self.assertRegex(text, r'^"on call" is not told again: acknowledged by uid .* at .* UTC: on it$')
        self.assertIn("acknowledged", self.tend.cli("status"))
        count = len(self.told(incident))
        scrapes = self.tend.metrics()["tend_ticks_total"]
        wait_for("four seconds of ticks", lambda: self.tend.metrics()["tend_ticks_total"] >= scrapes + 4, 15)
        self.assertEqual(count, len(self.told(incident)))

    def test_a_deploy_holds_pages_until_it_is_done(self):
        self.assertIn("noted the deploy of redis", self.tend.cli("deploy", "redis", "--version", "7.4", "--for", "5m"))
        incident = self.incident()
        text = wait_for("the reason", lambda: self.decisions(incident), 10)[0]
        self.assertIn("redis is being deployed to 7.4, by uid", text)
        self.assertEqual([], self.told(incident))
        self.tend.cli("deploy", "redis", "--done")
        wait_for("it is told", lambda: self.told(incident), 10)

    def test_what_makes_no_sense_is_refused(self):
        for status, arguments, why in (
                (2, ("silence", "redis"), "say whom and for how long"),
                (2, ("silence", "--for", "2h"), "say whom and for how long"),
                (2, ("silence", "redis", "--for", "2"), "has no unit"),
                (2, ("silence", "redis", "--for", "2h", "--done"), "there is no option --done"),
                (2, ("ack",), "say --all, or an incident's id"),
                (2, ("deploy", "redis", "--done", "--for", "1m"), "--done ends a deploy"),
                (1, ("silence", "redis", "--for", "8d"), "from 1 s to 168 h"),
                (1, ("silence", "rdis", "--for", "2h"), 'there is no service or group "rdis"'),
                (1, ("silence", "red\x1b[2Jis", "--for", "2h"), "without control characters"),
                (1, ("silence", "redis", "--for", "2h", "--why", "\x07"), "without control characters"),
                (1, ("silence", "redis", "--for", "2h", "--why", "x" * 501), "up to 500 bytes"),
                (1, ("silence", "redis", "--for", "2h", "--why", "x" * 90000), ""),
                (1, ("unsilence", "s1"), 'there is no silence "s1"'),
                (1, ("ack", "i999"), 'there is no open incident "i999"'),
                (1, ("deploy", "*"), 'there is no service "*"')):
            done = self.tend.command(*arguments)
            self.assertEqual(status, done.returncode, (arguments, done.stdout, done.stderr))
            self.assertIn(why, done.stderr)
            self.assertNotIn("\x1b", done.stderr)
        self.assertEqual([], self.tend.json("silence")["silences"])
        self.assertEqual("nothing is silent\n", self.tend.cli("silence"))


if __name__ == "__main__":
    unittest.main()
