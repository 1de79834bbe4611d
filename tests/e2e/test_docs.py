"""What README.md and the manual print is true: their Lua loads, the messages that they quote are said, links lead somewhere.

A ```lua block that begins with a comment or with `local tend` and requires "tend" is a whole setup. Any other is a part of
one: `tend` and `command` are added in front, on the same line, and somebody who hears of everything at the end. In a pack's
README all packs are there, `targets = …` is two targets, `control = …` is what restarts and deploys, and there is a
playbook "restart the worst".
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEND = pathlib.Path(os.environ.get("TEND_BINARY", ROOT / "build" / "tend"))
PACKS = tuple(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("rules/*/README.md")))
DOCUMENTS = ("README.md", "stdlib/README.md", "core/SAFETY.md", "core/ARCHITECTURE.md", "core/driver/world/MODEL.md", *PACKS)
BLOCK = re.compile(r"^```lua\n(.*?)^```$", re.M | re.S)
SECRETS = ("chat-url", "pagerduty", "prom", "ntfy", "kubernetes")


def blocks(document):
    """(line, text) of each ```lua block."""
    text = (ROOT / document).read_text()
    return [(text.count("\n", 0, match.start()) + 2, match.group(1)) for match in BLOCK.finditer(text)]


PART = 'local tend, command = require "tend", require "tend.control.command"; '
HEARD = '\ntend.notify "hears all" { on = "*", severity = { "page", "ticket", "warn" }, to = { require "tend.notify.log" {} } }\n'


TARGETS = 'targets = { "http://a:9100/metrics", "http://b:9100/metrics" }'
REMEDY = '\ntend.playbook "restart the worst" { run = function(p) for i in p:worst_first() do p:restart(i) end end }'
CONTROL = 'control = command { restart = { "/bin/true", "{instance}" }, redeploy = { "/bin/true", "{version}" } }'


def whole(text):
    """A setup of which nothing is missing."""
    return text if 'require "tend"\n' in text else PART + text + HEARD


def whole_of_pack(text):
    """The same of a block in the README of a pack."""
    packs = "".join(f'require "tend.pack.{pathlib.Path(path).parent.name}"; ' for path in PACKS)
    ends = HEARD if 'tend.playbook "restart the worst"' in text else REMEDY + HEARD
    return PART + packs + text.replace("targets = …", TARGETS).replace("control = …", CONTROL) + ends


def check(text, directory, env):
    """What `tend check --json` says of one file of rules."""
    rules = pathlib.Path(directory) / "rules"
    (rules / "env").mkdir(parents=True)
    (rules / "shop.lua").write_text(text)
    (rules / "env" / "prod.lua").write_text(env)
    secrets = pathlib.Path(directory) / "secrets"
    secrets.mkdir(mode=0o700)
    for name in SECRETS:
        (secrets / name).write_text("x\n")
    command = [TEND, "check", rules, "--env", "prod", "--secrets", secrets, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return json.loads(done.stdout)


class Documents(unittest.TestCase):
    def test_each_setup_passes_tend_check(self):
        for document in ("README.md", "stdlib/README.md"):
            for line, text in blocks(document):
                if 'require "tend.test"' in text:
                    continue
                with self.subTest(f"{document}:{line}"), tempfile.TemporaryDirectory() as directory:
                    report = check(whole(text), directory, "return { acts = 12 }\n")
                    self.assertEqual([], report["errors"])
                    self.assertEqual([], report["warnings"])

    def test_each_block_of_a_pack_passes_tend_check(self):
        for document in PACKS:
            found = blocks(document)
            self.assertTrue(found, document)
            for line, text in found:
                with self.subTest(f"{document}:{line}"), tempfile.TemporaryDirectory() as directory:
                    report = check(whole_of_pack(text), directory, "return {}\n")
                    self.assertEqual([], report["errors"])
                    # A block may be of a group whose members the reader has.
                    self.assertEqual([], [w for w in report["warnings"] if " is on nobody: " not in w["text"]])

    def test_the_first_rule_has_the_limits_that_the_readme_prints(self):
        _, text = blocks("README.md")[0]
        with tempfile.TemporaryDirectory() as directory:
            report = check(text, directory, "return {}\n")
        printed = (ROOT / "README.md").read_text()
        self.assertEqual(1, len(report["limits_text"]))
        for line in report["limits_text"] + [fault["text"] for fault in report["looser"]]:
            self.assertIn(line, printed)

    def test_messages_that_the_manual_quotes_are_what_check_says(self):
        text = (ROOT / "stdlib/README.md").read_text()
        quoted = re.search(r"^```text\n(.*?)^```$", text[text.index("## Errors of tend check"):], re.M | re.S).group(1)
        cases = re.findall(r"^(\S.*)\n((?:    .*\n)+)", quoted, re.M)
        self.assertGreater(len(cases), 10)
        for wrong, message in cases:
            with self.subTest(wrong), tempfile.TemporaryDirectory() as directory:
                report = check('local tend = require "tend"\n' + wrong + "\n", directory, "return {}\n")
                self.assertEqual([" ".join(message.split())], [" ".join(fault["text"].split()) for fault in report["errors"]])

    def test_the_scenarios_of_the_manual_pass(self):
        texts = [text for _, text in blocks("stdlib/README.md")]
        tests = [i for i, text in enumerate(texts) if 'require "tend.test"' in text]
        with tempfile.TemporaryDirectory() as directory:
            (pathlib.Path(directory) / "cart.lua").write_text(texts[tests[0] - 1])
            for i in tests:
                (pathlib.Path(directory) / f"cart{i}_test.lua").write_text(texts[i])
            done = subprocess.run([TEND, "test", directory], capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        scenarios = sum(texts[i].count("test.scenario ") for i in tests)
        self.assertIn(f"{scenarios} passed, 0 failed, 0 skipped", done.stdout)

    def test_tests_that_safety_names_are_there(self):
        files = {path.stem: path.read_text() for path in (ROOT / "tests").rglob("test_*") if path.is_file()}
        named = re.findall(r"`(test_\w+): (\w+)`", (ROOT / "core/SAFETY.md").read_text())
        self.assertGreater(len(named), 15)
        for file, test in named:
            with self.subTest(f"{file}: {test}"):
                self.assertIn(test, files.get(file, ""))

    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text()):
                with self.subTest(f"{document}: {link}"):
                    self.assertTrue(((ROOT / document).parent / link).exists())


if __name__ == "__main__":
    unittest.main()
