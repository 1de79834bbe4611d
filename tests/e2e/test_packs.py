"""The packs that ship: each is checked and passes its own tests, where it lies and out of the binary; two live."""
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import Tend, wait_for  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = os.environ.get("TEND_BINARY", str(ROOT / "build" / "tend"))
PACKS = sorted(path.name for path in (ROOT / "rules").iterdir() if path.is_dir())
FORGETFUL = ("golden", "crash_loop")  # also with their rules loaded anew before each tick; the others last for hours


def tend(command, directory, *options):
    return subprocess.run([TEND, command, str(directory), *options], capture_output=True, text=True, timeout=300,
                          check=False)


class Target:
    """Something that is scraped, and tells what `values` says."""

    def __init__(self, **values):
        self.values, self.scrapes = values, 0
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                target.scrapes += 1
                body = "".join(f"{name} {value}\n" for name, value in target.values.items()).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "text/plain; version=0.0.4")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    pass  # tend has ended

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/metrics"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def wait_scrapes(self, more):
        until = self.scrapes + more
        wait_for("it is scraped", lambda: self.scrapes >= until, 20, 0.02)


class Live(unittest.TestCase):
    """Under a real `tend run`, scraped five times a second."""

    def setUp(self):
        self.path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="tend-packs-live-")))

    def run_tend(self, pack, target, more=""):
        rules = self.path / "rules"
        rules.mkdir()
        (rules / "rules.lua").write_text(
            f'local tend = require "tend"\nrequire "tend.pack.{pack}"\n'
            f'tend.service "it" {{ is = "{pack}", every = "200ms", window = "1s", targets = {{ "{target.url}" }}, '
            f'{more} }}\n'
            'tend.notify "log" { on = "*", severity = { "page", "ticket" }, to = { require "tend.notify.log" {} } }\n')
        return self.enterContext(Tend(rules, self.path / "state", env=None))

    def fired(self, tend, seconds=20):
        """Rules of the first incident."""
        wait_for("an incident", tend.incidents, seconds)
        return [alert["rule"] for alert in tend.json("explain", tend.incidents()[0]["id"])["alerts"]]

    def test_a_process_that_starts_three_times_is_a_crash_loop(self):
        with Target(process_start_time_seconds=1000) as target:
            tend = self.run_tend("crash_loop", target)
            target.wait_scrapes(3)
            for start in (1001, 1002):
                target.values["process_start_time_seconds"] = start
                target.wait_scrapes(3)
            self.assertEqual([], tend.incidents())
            target.values["process_start_time_seconds"] = 1003
            self.assertEqual(["crash loop"], self.fired(tend))

    def test_file_descriptors_that_grow_are_a_leak_before_they_are_used_up(self):
        with Target(process_open_fds=100, process_max_fds=1000) as target:
            # The pack's hours as seconds; nothing else is changed.
            tend = self.run_tend("leak", target, """rules = {
              ["file descriptors leaks"] = { ahead = "12s", fire_after = "400ms" },
              ["file descriptors is nearly at its end"] = false }""")

            def grow():
                target.values["process_open_fds"] += 5
                target.wait_scrapes(1)
                return tend.incidents()
            wait_for("an incident", grow, 60, 0.01)
            self.assertEqual(["file descriptors leaks"], self.fired(tend))
            self.assertLess(target.values["process_open_fds"], 900)


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
