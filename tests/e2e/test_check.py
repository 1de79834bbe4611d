"""`tend check`: good rules pass, each bad one is told as FILE:LINE: what is wrong and what would be right, exit 1."""
import json
import os
import pathlib
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))

GOOD = """local tend = require "tend"
tend.service "pay" {
  targets = { "http://127.0.0.1:9101/metrics", "http://127.0.0.1:9102/metrics" },
  metrics = { time = { tend.mean "http_seconds", expect = "400ms", alpha = 0.5 } },
}
tend.rule "slow" { on = "pay", when = "time", fire_after = "30s", severity = "warn" }
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-check-")
        self.addCleanup(self.directory.cleanup)

    def put(self, name, text):
        path = pathlib.Path(self.directory.name) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def check(self, *options):
        return subprocess.run([TEND, "check", self.directory.name, *options], capture_output=True, text=True, timeout=60,
                              check=False)

    def assert_refused(self, text, expected):
        """These rules are refused with this line on stderr, exit 1."""
        self.put("shop.lua", text)
        done = self.check()
        self.assertIn(expected, done.stderr)
        self.assertEqual(done.returncode, 1, done.stdout)

    def test_good_rules_pass_and_their_limits_are_printed(self):
        self.put("shop.lua", GOOD)
        done = self.check()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pay.time  expect 400 ms  alpha 0.5  out of line above 600 ms\n", done.stdout)

    def test_json_tells_the_same(self):
        self.put("shop.lua", GOOD)
        report = json.loads(self.check("--json").stdout)
        self.assertTrue(report["ok"])
        self.assertEqual(len(report["hash"]), 64)
        self.put("shop.lua", "local = 1")
        done = self.check("--json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["errors"][0]["at"], "shop.lua:1")

    def test_tests_env_and_dot_files_are_not_loaded(self):
        self.put("shop.lua", GOOD)
        self.put("shop_test.lua", "x x")
        self.put(".old.lua", "x x")
        self.put("env/prod.lua", "x x")
        self.assertEqual(self.check().returncode, 0)
        self.assertIn("env/prod.lua:1: ", self.check("--env", "prod").stderr)

    def test_each_bad_rule_is_told_with_its_line(self):
        cases = [
            ("local = 2", "shop.lua:1: '<name>' expected near '='"),
            ("x = 5", "shop.lua:1: global variable 'x': write `local x`"),
            ('\n\nlocal t = require "tend.contrl"', "shop.lua:3: there is no module 'tend.contrl'"),
            ("\x1bLJ\x02", "shop.lua:1: "),
            (GOOD.replace("fire_after", "fire_aftr"), 'shop.lua:6: unknown field "fire_aftr"; did you mean "fire_after"?'),
            (GOOD.replace('"30s"', '"30"'), 'fire_after = "30" has no unit; write "30s"'),
            (GOOD.replace('"400ms"', '"400MB"'), "shop.lua:4: "),
            (GOOD.replace("targets =", 'depends = { "ledgr" }, targets ='), "shop.lua:3: depends"),
            (GOOD + 'tend.service "pay" { targets = {} }', 'shop.lua:7: service "pay" is declared twice, first at shop.lua:2'),
            (GOOD.replace("alpha = 0.5", 'bad = "below", alpha = 1.5'), "shop.lua:4: "),
            (GOOD.replace("targets =", 'depends = { "b" }, targets =')
             + 'tend.service "b" { targets = {}, depends = { "pay" } }', "is a cycle"),
        ]
        for text, expected in cases:
            with self.subTest(expected):
                self.assert_refused(text, expected)

    def test_what_a_script_says_drives_no_terminal(self):
        self.assert_refused('error("\\27[2J\\nshop.lua:9: fine")', r"\x1b[2J\x0ashop.lua:9: fine")

    def test_rules_that_never_end_loading_are_named_in_time(self):
        for text in ["while true do end", 'local x = ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(41))',
                     "while true do pcall(error) end", "local t = {} for i = 1, 1e9 do t[i] = { i } end"]:
            with self.subTest(text):
                begun_s = time.monotonic()
                self.put("good.lua", GOOD)
                self.put("shop.lua", text)
                done = self.check()
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^shop\.lua:1: ")
                self.assertLess(time.monotonic() - begun_s, 30)

    def test_wrong_usage_is_exit_2(self):
        for arguments in [[], ["a", "b"], ["--nonsense", "a"]]:
            done = subprocess.run([TEND, "check", *arguments], capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2)
        self.assertEqual(subprocess.run([TEND, "evaluator"], capture_output=True, timeout=60, check=False).returncode, 2)


if __name__ == "__main__":
    unittest.main()
