"""The locks of `tend test` and `tend simulate --scenario`, seen from outside while a scenario runs: nothing it is made of can reach the world."""
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

TEND = os.environ.get("TEND_BINARY", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "tend"))

RULES = """local tend = require "tend"
tend.group "*" { every = "5s", window = "15s" }
tend.group "web" { metrics = { memory = { tend.gauge "m", expect = 1, alpha = 1, bad = "above" } } }
tend.service "front" { is = "web", targets = { "http://a:1/metrics" } }
tend.notify "log" { on = "*", severity = "ticket", to = { require "tend.notify.log" {} } }
tend.rule "big" { on = "web", when = function(s) return s.memory.out end, fire_after = "5s", severity = "ticket" }
"""
# A day by hand: long enough to be looked at, and ended by the test when it has seen enough.
TESTS = """local test = require "tend.test"
for i = 1, 200 do
  test.scenario("a long quiet day " .. i) {
    series = { ["front/1.memory"] = "1x17279" },
    check = function(run) assert(#run.alerts == 0) end,
  }
end
"""
DEADLINE_S = 60


def status(pid):
    """/proc/PID/status as a dictionary, or None when the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def children(pid):
    """PIDs of the children of a process."""
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def locked_evaluator(pid):
    """(status, open descriptors) of an evaluator of the process that is under its filter; None: there is none now."""
    for child in children(pid):
        found = status(child)
        if found and found["Name"].strip() == "tend-evaluator" and found["Seccomp"].strip() == "2":
            try:
                return found, set(os.listdir(f"/proc/{child}/fd"))
            except OSError:
                continue  # it ended meanwhile: another takes its place
    return None


class SimulationLock(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="tend-lock-")
        self.addCleanup(directory.cleanup)
        self.path = pathlib.Path(directory.name)
        (self.path / "rules.lua").write_text(RULES)
        (self.path / "rules_test.lua").write_text(TESTS)

    def begin(self, *options, command="test"):
        process = subprocess.Popen([TEND, command, str(self.path), *options], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, what, condition):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            found = condition()
            if found:
                return found
            time.sleep(0.005)
        raise AssertionError(f"{what} did not come to be within {DEADLINE_S} s")

    def test_tend_and_its_evaluators_are_locked_while_a_scenario_runs(self):
        process = self.begin("--once")
        self.assertTrue(process.stdout.readline().startswith("ok "))  # one was played: it is in the middle of others
        own = status(process.pid)
        self.assertEqual((own["Seccomp"].strip(), own["NoNewPrivs"].strip()), ("2", "1"))
        evaluator, descriptors = self.wait_for("a locked evaluator", lambda: locked_evaluator(process.pid))
        self.assertEqual(evaluator["NoNewPrivs"].strip(), "1")
        self.assertLessEqual(descriptors, {"0", "1", "2", "3"})  # fewer when it is just ending

    def test_so_is_a_simulated_scenario(self):
        (self.path / "rules_test.lua").write_text(TESTS.replace("1, 200", "1, 1").replace("17279", "99999"))
        page = self.path / "page.html"
        process = self.begin("--scenario", "a long quiet day", "--html", str(page), command="simulate")
        self.wait_for("a locked evaluator", lambda: locked_evaluator(process.pid))
        own = status(process.pid)
        self.assertEqual((own["Seccomp"].strip(), own["NoNewPrivs"].strip()), ("2", "1"))

    def test_a_simulated_scenario_writes_its_page_all_the_same(self):
        (self.path / "rules_test.lua").write_text(TESTS.replace("1, 200", "1, 1").replace("17279", "20"))
        page = self.path / "page.html"
        process = self.begin("--scenario", "a long quiet day", "--html", str(page), "--what-if", command="simulate")
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 0, stdout + stderr)
        self.assertIn("</html>", page.read_text())

    def test_no_socket_but_those_to_its_own_children_is_open(self):
        process = self.begin("--once")
        self.assertTrue(process.stdout.readline().startswith("ok "))
        unix = {line.split()[6] for line in pathlib.Path(f"/proc/{process.pid}/net/unix").read_text().splitlines()[1:]}
        for descriptor in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
            target = os.readlink(descriptor)
            if target.startswith("socket:["):
                self.assertIn(target[len("socket:["):-1], unix)

    def test_all_processes_end_with_it(self):
        process = self.begin("--once")
        self.assertTrue(process.stdout.readline().startswith("ok "))
        made = self.wait_for("a zygote and an evaluator",
                             lambda: len(children(process.pid)) >= 2 and children(process.pid))
        process.kill()
        process.wait()
        self.wait_for("the end of its children",
                      lambda: all((status(pid) or {"State": "Z"})["State"][0] == "Z" for pid in made))

    def test_a_junit_report_is_written_all_the_same(self):
        (self.path / "rules_test.lua").write_text(TESTS.replace("1, 200", "1, 2").replace("17279", "20"))
        report = self.path / "junit.xml"
        process = self.begin("--junit", str(report))
        stdout, stderr = process.communicate()
        self.assertEqual(process.returncode, 0, stdout + stderr)
        self.assertIn('tests="2"', report.read_text())

    def test_a_report_that_cannot_be_written_is_told_before_anything_is_played(self):
        process = self.begin("--junit", str(self.path / "no" / "junit.xml"))
        stdout, stderr = process.communicate()
        self.assertEqual((process.returncode, stdout), (1, ""))
        self.assertIn("junit.xml: cannot be written", stderr)


if __name__ == "__main__":
    unittest.main()
