"""`tend replay` and `tend export`: what a real tend on the demo shop recorded is run again, decision for decision."""
import ctypes
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from crash_trial import Journal  # noqa: E402
from shop import TEND, Shop, ShopTest, Tend, wait_for  # noqa: E402

SECRET = "hunter2-but-longer"
FILE_HEADER, BLOCK_HEADER = 48, 32  # core/recording/format.h


def with_a_secret_and_a_function(text):
    """The shop's rules, whose webhook wants a token, and of which one rule is a function."""
    slow = 'on = "shop", per = "instance", when = "response_time"'
    webhook = '"tend.notify.webhook" { url = env.webhook }'
    assert slow in text and webhook in text
    text = text.replace(slow, 'on = "shop", per = "instance", when = function(s) return s.response_time.out end')
    return text.replace(webhook, '"tend.notify.webhook" { url = env.webhook, token = tend.secret "hook" }')


def evaluators_of(pid):
    """The evaluator processes of a tend."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"\0evaluator" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def inflate(data):
    """All bytes that come out of the beginning of a zstd frame that has no end yet."""

    class Span(ctypes.Structure):
        _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]

    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_createDStream.restype = ctypes.c_void_p
    zstd.ZSTD_decompressStream.restype = ctypes.c_size_t
    stream = ctypes.c_void_p(zstd.ZSTD_createDStream())
    source, room, out = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(1 << 20), b""
    given = Span(ctypes.cast(source, ctypes.c_void_p), len(data), 0)
    while True:
        taken = Span(ctypes.cast(room, ctypes.c_void_p), len(room), 0)
        result = zstd.ZSTD_decompressStream(stream, ctypes.byref(taken), ctypes.byref(given))
        assert not zstd.ZSTD_isError(ctypes.c_size_t(result))
        out += room.raw[:taken.pos]
        if taken.pos < len(room) and given.pos == given.size:
            break
    zstd.ZSTD_freeDStream(stream)
    return out


def decompressed(path):
    """All that a recording's file holds, as one text of bytes."""
    data, at, frames = path.read_bytes(), FILE_HEADER, []
    while at < len(data):
        count = int.from_bytes(data[at:at + 4], "little")
        begins = int.from_bytes(data[at + 12:at + 16], "little") & 1
        block = data[at + BLOCK_HEADER:at + BLOCK_HEADER + count]
        if begins:
            frames.append(b"")
        frames[-1] += block
        at += BLOCK_HEADER + count
    return b"".join(map(inflate, frames))


class ReplayTest(ShopTest):
    def replay(self, *arguments, fails=False):
        """Runs tend replay --json where there is no state directory to be found but the one that is named."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        done = subprocess.run([TEND, "replay", *map(str, arguments), "--json"], capture_output=True, text=True, check=False,
                              cwd=self.shop.directory, env=environment, timeout=120)
        self.assertEqual(1 if fails else 0, done.returncode, done.stdout[-3000:] + done.stderr[-3000:])
        return json.loads(done.stdout)

    def assert_identical(self, report, decisions):
        self.assertIsNone(report["difference"])
        self.assertTrue(report["exact"])
        self.assertGreaterEqual(report["decisions"], decisions)
        self.assertGreater(report["evaluated"], 0)
        self.assertEqual(0, report["believed"], report["notes"])

    def recover(self, tend, service, index, kind, seen):
        """Breaks one and waits until tend has cured it. Returns the incident."""
        self.shop.hurt(service, index, kind)
        incident = tend.wait_ended(60, after=seen)
        seen.append(incident["id"])
        return incident


class Live(ReplayTest):
    def tend(self):
        secrets = self.shop.directory / "secrets"
        secrets.mkdir(mode=0o700)
        (secrets / "hook").write_text(SECRET)
        (secrets / "hook").chmod(0o600)
        rules = self.shop.rules(change=with_a_secret_and_a_function)
        tend = self.enterContext(Tend(rules, self.shop.directory / "state", options=("--secrets", secrets)))
        tend.cli("arm", "--all")
        tend.wait_warm(len(Shop.INSTANCES))
        return tend

    def test_what_was_decided_live_is_decided_again(self):
        tend, seen = self.tend(), []
        state = ("--state", tend.state)
        self.recover(tend, "ledger", 0, "hang", seen)

        with self.subTest("while tend runs, the newest incident replays"):
            first = self.replay("last", *state)
            self.assertEqual(f"incident {seen[0]}", first["what"])
            self.assert_identical(first, decisions=8)  # an alert, an incident, a decision, a run, steps, a notice
        with self.subTest("in another process, with another seed of its hashes, it is the same"):
            self.assertEqual(first, self.replay(seen[0], *state))
        with self.subTest("a person reads that it is identical"):
            said = tend.cli("replay", "last")
            self.assertRegex(said, rf"incident {seen[0]}, .*\n.*\n(.*\n)*identical: {first['decisions']} decisions\n")

        self.shop.hurt("payments", 1, "crash")  # and tend dies in the middle of its recovery
        wait_for("a step that was begun", lambda: any(i["steps"] for i in tend.incidents() if i["id"] not in seen), 40)
        tend.stop(signal.SIGKILL)
        with self.subTest("after kill -9 all replays, up to the last whole block"):
            killed = self.replay("--all", *state)
            self.assert_identical(killed, first["decisions"] + 1)
            self.assertEqual(0, killed["restarts"])
        tend.start()
        seen.append(tend.wait_ended(60, after=seen)["id"])
        self.recover(tend, "stock", 1, "errors", seen)
        with self.subTest("over a restart of tend all replays too"):
            both = self.replay("--all", *state)
            self.assert_identical(both, killed["decisions"] + 8)
            self.assertEqual(1, both["restarts"])
            self.assertGreaterEqual(both["events"], killed["events"])
        self.assertEqual(0, tend.stop())
        with self.subTest("without evaluators their answers are believed"):
            believed = self.replay("--all", *state, "--no-lua")
            self.assertIsNone(believed["difference"])
            self.assertEqual(0, believed["evaluated"])
            self.assertGreaterEqual(believed["believed"], both["evaluated"])
        with self.subTest("what a tend that was stopped recorded has no torn end"):
            self.assertFalse(believed["torn"])
            self.assertEqual(believed["decisions"], self.replay("--all", *state)["decisions"])

        self.check_bundle(tend, seen[1])

    def test_reloads_and_evaluators_that_are_killed_replay_too(self):
        tend, seen, killed = self.tend(), [], []
        rules = tend.rules / "shop.lua"
        text = rules.read_text()
        for service, index, kind in (("ledger", 0, "hang"), ("stock", 1, "errors")):
            self.shop.hurt(service, index, kind)
            for turn in range(6):
                rules.write_text(f"{text}-- {service} {turn}\n")
                tend.cli("reload")
                for pid in evaluators_of(tend.process.pid)[:1 + turn % 2]:
                    try:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                    except ProcessLookupError:
                        continue  # its turn was over
            seen.append(tend.wait_ended(90, after=seen)["id"])
            tend.cli("pause")
            tend.cli("resume")
        self.assertEqual(0, tend.stop())
        report = self.replay("--all", "--state", tend.state)
        self.assert_identical(report, decisions=16)
        self.assertGreaterEqual(len(report["generations"]), 12)
        self.assertGreater(len(killed), 6)  # what waited for one of them, if anything did, was told of its death

    def check_bundle(self, tend, incident):
        bundle = self.shop.directory / "elsewhere" / "ticket.bundle"
        bundle.parent.mkdir()
        note = json.loads(tend.cli("export", incident, "-o", bundle, "--json"))
        with self.subTest("a bundle has what was asked for, with enough before it, and is for its group to read"):
            self.assertEqual((incident, bundle.stat().st_size), (note["incident"], note["bytes"]))
            self.assertTrue(note["whole"])
            self.assertGreater(note["journal_rows"], 5)
            self.assertEqual(0o640, bundle.stat().st_mode & 0o777)
            self.assertEqual([bundle], list(bundle.parent.iterdir()))
        with self.subTest("it is not written over a file but by --force"):
            before = bundle.read_bytes()
            done = tend.command("export", incident, "-o", bundle)
            self.assertEqual((1, before), (done.returncode, bundle.read_bytes()))
            self.assertRegex(done.stderr, r"ticket\.bundle is there already; say --force")
            self.assertIn("rows of the journal", tend.cli("export", incident, "-o", bundle, "--force"))
        with self.subTest("no secret is in it, though one was sent"):
            self.assertIn(f"Bearer {SECRET}", [h.get("Authorization") for h in self.shop.webhook.headers])
            text = decompressed(bundle)
            self.assertIn(b"restart the worst", text)
            self.assertIn(b"Content-Type", text)
            self.assertNotIn(SECRET.encode(), text)
        with self.subTest("it replays where there is nothing of that tend"):
            tend.state.rename(tend.state.with_name("gone"))
            report = self.replay(bundle)
            self.assert_identical(report, decisions=8)
        with self.subTest("an incident that is not there is told"):
            done = subprocess.run([TEND, "export", "i999999", "--state", self.shop.directory / "gone"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(1, done.returncode)
            self.assertIn('there is no incident "i999999"; the newest are ', done.stderr)
        self.check_other_rules(bundle)
        self.check_damage(bundle)

    def check_other_rules(self, bundle):
        """What the same rules, blinder rules, and rules that want what was not recorded would have done."""
        def would(name, change):
            rules = self.shop.rules(name, lambda text: change(with_a_secret_and_a_function(text)))
            done = subprocess.run([TEND, "replay", bundle, "--rules", rules, "--env", "demo", "--json"], capture_output=True,
                                  text=True, check=False, timeout=120)
            self.assertEqual(0, done.returncode, done.stderr)
            return json.loads(done.stdout)

        with self.subTest("the same rules would have done the same"):
            same = would("same", lambda text: text)
            self.assertEqual(([], [], []), (same["alerts"], same["acts"], same["missing"]))
            self.assertGreater(same["alerts_same"], 0)
            self.assertGreater(same["acts_same"], 0)
        with self.subTest("a rule that waits is later, by what it waits, or its alert is gone"):
            slower = would("slower", lambda text: text.replace(
                'when = "up", fire_after = "1s"', 'when = "up", fire_after = "3s"'))
            down = [alert for alert in slower["alerts"] if alert["rule"] == "down"]
            self.assertTrue(down)
            self.assertLessEqual({alert["change"] for alert in down}, {"later", "gone"})
            fired = [record["body"] for record in Journal(self.shop.directory / "gone").of("alert")
                     if record["body"]["fired_wall_ms"] and record["body"]["rule"] == "down"]
            for alert in (alert for alert in down if alert["change"] == "later"):
                lived = min((body for body in fired if body["instance"] == alert["instance"]),
                            key=lambda body, at_ms=alert["was_ms"]: abs(body["fired_wall_ms"] - at_ms))
                self.assertLessEqual(alert["by_s"], 3.5, alert)
                self.assertGreaterEqual(alert["at_ms"] - lived["since_wall_ms"], 2900, (alert, lived))
        with self.subTest("what is never out of line fires no alert"):
            blind = would("blind", lambda text: text.replace('when = "up"', 'when = function() return false end'))
            self.assertIn(("gone", "down"), {(alert["change"], alert["rule"]) for alert in blind["alerts"]})
        with self.subTest("what was not recorded is named"):
            hungry = would("hungry", lambda text: text.replace("process_resident_memory_bytes", "heap_bytes"))
            self.assertIn("stock: memory: heap_bytes was not selected when it was recorded", hungry["missing"])
        with self.subTest("rules that do not load are told"):
            rules = self.shop.rules("broken", lambda text: text + "tend.nothing {}\n")
            done = subprocess.run([TEND, "replay", bundle, "--rules", rules, "--env", "demo"], capture_output=True,
                                  text=True, check=False)
            self.assertEqual(1, done.returncode)
            self.assertRegex(done.stderr, r"shop\.lua:\d+: ")

    def check_damage(self, bundle):
        whole, seed = bundle.read_bytes(), random.randrange(1 << 32)
        chance = random.Random(seed)
        damaged = self.shop.directory / "damaged.bundle"
        cases = [(f"cut after {n} bytes", whole[:n]) for n in (0, 7, 47, 48, 60, len(whole) // 2, len(whole) - 1)]
        for _ in range(12):
            at, bit = chance.randrange(len(whole)), chance.randrange(8)
            cases.append((f"bit {bit} of byte {at} flipped", whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1:]))
        cases.append(("a picture", b"\x89PNG\r\n\x1a\n" + bytes(100)))
        cases.append(("a text", b"time,service\n" * 50))
        for name, data in cases:
            damaged.write_bytes(data)
            done = subprocess.run([TEND, "replay", damaged], capture_output=True, text=True, check=False, timeout=60)
            with self.subTest(f"{name} (seed {seed})"):
                self.assertEqual((1, ""), (done.returncode, done.stdout), done.stderr)
                self.assertRegex(done.stderr, rf"^tend replay: {re.escape(str(damaged))}(: byte \d+: | has | is | holds )\S")
        done = subprocess.run([TEND, "replay", self.shop.directory / "nothing"], capture_output=True, text=True, check=False)
        self.assertEqual(1, done.returncode)
        self.assertIn("nothing", done.stderr)


if __name__ == "__main__":
    unittest.main()
