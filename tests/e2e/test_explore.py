"""`tend test --explore`: faults that were planted in examples are found, told in a few lines, and gone once mended."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
WORLDS = "400"  # a search ends with the first that it finds
HEAD = 'local test = require "tend.test"\n'

COOLDOWN = (  # the line of the example, and how it is mended
    (r'cooldown = "0s" \}', 'cooldown = "10m" }'),
    (r"(?m)^local restarted.*\n", ""),
    (r"(?ms)^  when = function\(s\).*?^  end,\n", ""),
)
CONFIDENCE = ((r", confidence = 0\.5", ""),)


class Explore(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="tend-explore-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)

    def tend(self, *arguments):
        return subprocess.run([TEND, *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)

    def explore(self, directory, seed, *options, worlds=WORLDS):
        done = self.tend("test", directory, "--explore", worlds, "--seed", seed, "--json", *options)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["seed"], seed)
        found = [entry["found"] for entry in report["playbooks"] if entry["found"]]
        self.assertEqual(done.returncode, 1 if found else 0)
        return report, found

    def mended(self, name, file, changes):
        copy = self.path / "mended"
        shutil.copytree(ROOT / "examples" / name, copy)
        text = (copy / file).read_text()
        for pattern, right in changes:
            text, times = re.subn(pattern, right, text)
            self.assertEqual(times, 1, pattern)
        (copy / file).write_text(text)
        self.assertEqual(self.tend("check", copy).returncode, 0)
        return copy

    def finds(self, name, file, what, changes, seeds):
        example = ROOT / "examples" / name
        mended = self.mended(name, file, changes)
        for seed in seeds:
            with self.subTest(seed=seed):
                report, found = self.explore(example, seed)
                self.assertEqual([one["what"] for one in found], [what])
                lines = found[0]["lines"]
                self.assertLessEqual(len(lines), 10)
                self.assertTrue(any(f"seed {seed}, world {found[0]['world']}" in line for line in lines))
                again, _ = self.explore(example, seed)
                for one in (report, again):
                    del one["took_s"]
                self.assertEqual(again, report)  # the same seed finds the same

                scenario = HEAD + "\n".join(lines) + "\n"
                broken = self.path / f"broken{seed}"
                shutil.copytree(example, broken)
                (broken / "found_test.lua").write_text(scenario)
                done = self.tend("test", broken, "--filter", "seed ")
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("1 failed", done.stdout)
                self.assertIn(what, done.stdout)

                (mended / "found_test.lua").write_text(scenario)
                done = self.tend("test", mended, "--filter", "seed ")
                self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "1 passed, 0 failed, 0 skipped"),
                                 done.stdout + done.stderr)
                (mended / "found_test.lua").unlink()

    def test_a_playbook_that_restarts_a_victim_of_a_shared_dependency_is_found(self):
        self.finds("shared_dependency", "stockroom.lua", "no act on a victim", CONFIDENCE, (1, 2, 3))

    def test_a_cooldown_that_a_restart_forgets_is_found(self):
        self.finds("forgotten_cooldown", "cache.lua", 'invariant "ten minutes between two restarts of the cache"',
                   COOLDOWN, (1, 2, 3))

    def test_mended_examples_are_found_nothing_in(self):
        for name, file, changes in (("shared_dependency", "stockroom.lua", CONFIDENCE),
                                    ("forgotten_cooldown", "cache.lua", COOLDOWN)):
            with self.subTest(name=name):
                report, found = self.explore(self.mended(name, file, changes), 1, worlds="150")
                self.assertEqual(found, [])
                self.assertGreater(report["acts"], 20)  # it had to do
                shutil.rmtree(self.path / "mended")

    def test_nothing_is_found_in_the_shop(self):
        report, found = self.explore(ROOT / "examples" / "shop", 1, "--env", "demo", worlds="50")
        self.assertEqual([one["text"] for one in found], [])
        self.assertEqual(report["worlds"], 50)
        self.assertGreater(report["acts"], 50)

    def test_what_is_found_is_told_with_its_story_and_the_seed(self):
        done = self.tend("test", ROOT / "examples" / "shared_dependency", "--explore", WORLDS)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^FOUND    restart the worst: world \d+: no act on a victim: after ")
        self.assertRegex(done.stdout, r"(?m)^           \| .* fault: slow on stock")
        self.assertRegex(done.stdout, r'(?m)^test\.scenario "seed 1, world \d+" \{$')
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ worlds and \d+ acts, .* of simulated time in .* s, seed 1$")

    def test_wrong_usage_is_told(self):
        shop = ROOT / "examples" / "shop"
        for options in (["--explore", "0"], ["--explore", "many"], ["--explore", "5", "--seed", "-1"],
                        ["--explore", "5", "--tap"]):
            self.assertEqual(self.tend("test", shop, *options).returncode, 2, options)
        done = self.tend("test", shop, "--env", "demo", "--explore", "5", "--playbook", "restart the wurst")
        self.assertEqual(done.returncode, 1)
        self.assertIn('there is no playbook "restart the wurst"', done.stderr)


if __name__ == "__main__":
    unittest.main()
