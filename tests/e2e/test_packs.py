"""The packs that ship: each is checked and passes its own tests, where it lies and out of the binary."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
PACKS = sorted(path.name for path in (ROOT / "rules").iterdir() if path.is_dir())
FORGETFUL = ("golden", "crash_loop")  # also with their rules loaded anew before each tick; the others last for hours


def tend(command, directory, *options):
    return subprocess.run([TEND, command, str(directory), *options], capture_output=True, text=True, timeout=300,
                          check=False)


class Packs(unittest.TestCase):
    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-packs-")))

    def passes(self, directory, *options):
        done = tend("test", directory, *options)
        self.assertRegex(done.stdout, r"(?m)^[1-9]\d* passed, 0 failed, 0 skipped$", done.stdout + done.stderr)
        self.assertEqual(0, done.returncode)
        return done

    def test_each_pack_has_its_file_its_readme_and_its_tests(self):
        for pack in PACKS:
            with self.subTest(pack):
                names = {path.name for path in (ROOT / "rules" / pack).iterdir()}
                self.assertEqual({"README.md", f"{pack}.lua", f"{pack}_test.lua"}, names)

    def test_each_pack_passes_where_it_lies(self):
        for pack in PACKS:
            with self.subTest(pack):
                done = tend("check", ROOT / "rules" / pack)
                self.assertEqual(0, done.returncode, done.stdout + done.stderr)
                self.passes(ROOT / "rules" / pack, *(() if pack in FORGETFUL else ("--once",)))

    def test_each_pack_passes_out_of_the_binary(self):
        for pack in PACKS:
            with self.subTest(pack):
                directory = self.path / pack
                directory.mkdir()
                shutil.copy(ROOT / "rules" / pack / f"{pack}_test.lua", directory)
                self.passes(directory, "--once")

    def test_the_file_in_the_directory_is_the_pack(self):
        for name in ("golden.lua", "golden_test.lua"):
            shutil.copy(ROOT / "rules" / "golden" / name, self.path)
        pack = self.path / "golden.lua"
        changed = pack.read_text().replace('tend.rule "errors"', 'tend.rule "failures"')
        self.assertNotEqual(changed, pack.read_text())
        pack.write_text(changed)
        done = tend("test", self.path, "--once")
        self.assertRegex(done.stdout, r"(?m)^FAILED +errors that last are an alert, and its end resolves it$")

    def test_a_fault_in_such_a_file_is_told_once_and_with_its_line(self):
        (self.path / "golden.lua").write_text('local tend = require "tend"\ntend.group "golden" {}\nerror("no")\n')
        (self.path / "a.lua").write_text('require "tend.pack.golden"\n')
        done = tend("check", self.path)
        self.assertEqual(1, done.returncode)
        self.assertEqual("golden.lua:3: no\n", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main()
