"""The flight recorder of `tend run`: what it leaves on the disk, whatever ends it, and what happens when it cannot.

Files are read here by their description in core/recording/format.h alone, not by tend.
"""
import hashlib
import pathlib
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from shop import TEND, Shop, ShopTest, Tend, culprits, wait_for  # noqa: E402

COUNT = len(Shop.INSTANCES)
FILE_HEADER, BLOCK_HEADER = 48, 32


def check(data):
    return hashlib.sha256(data).digest()[:8]


class Segment:
    """A segment as its bytes say: number, at_ms, blocks (numbers and sizes), and `torn` bytes at the end."""

    def __init__(self, path):
        data = path.read_bytes()
        assert data[:8] == b"\x89tendrec", path
        self.format, self.what, self.number, self.at_ms, self.wall_ms = struct.unpack("<IIQqq", data[8:40])
        assert check(data[:40]) == data[40:48], path
        self.blocks = []
        at = FILE_HEADER
        while len(data) - at >= BLOCK_HEADER:
            stored, raw, number, flags = struct.unpack("<IIII", data[at:at + 16])
            body = data[at + BLOCK_HEADER:at + BLOCK_HEADER + stored]
            assert check(data[40:48] + data[at:at + 24]) == data[at + 24:at + 32], f"{path}: byte {at}"
            if len(body) < stored:
                break
            assert check(body) == data[at + 16:at + 24], f"{path}: byte {at}"
            assert number == len(self.blocks) and (flags == 1) == (number == 0) and raw > 0, f"{path}: byte {at}"
            self.blocks.append(raw)
            at += BLOCK_HEADER + stored
        self.torn = len(data) - at


def segments(tend):
    return [Segment(path) for path in sorted((tend.state / "recording").glob("*.tendrec"))]


class Recording(ShopTest):
    def test_a_killed_tend_leaves_whole_blocks_and_the_next_begins_a_segment(self):
        tend = self.run_tend()
        self.shop.kill("stock:0")
        tend.wait_ended(40)
        tend.process.kill()
        tend.process.wait()
        first = segments(tend)[-1]
        self.assertEqual((1, 0, 1), (first.format, first.what, first.number))
        self.assertGreater(len(first.blocks), 10, "a block a second, at least, and one before each act")

        tend.start()
        wait_for("the next one records", lambda: tend.metrics()["tend_recording_written_bytes_total"] > 2000, 20)
        self.assertEqual(0, tend.stop())
        mended, second = segments(tend)
        self.assertEqual(0, mended.torn, "what a crash tears is cut off by the next start")
        self.assertEqual((2, 0), (second.number, second.torn))
        self.assertGreater(second.at_ms, first.at_ms, "engine time never falls")

    def test_what_it_records_is_counted(self):
        tend = self.run_tend()
        self.shop.kill("stock:0")
        tend.wait_ended(40)
        metrics = tend.metrics()
        self.assertEqual(1, metrics["tend_recording_ok"])
        self.assertEqual(0, metrics["tend_recording_lost_events_total"])
        self.assertGreater(metrics["tend_recording_events_total"], COUNT)
        self.assertGreater(metrics["tend_recording_samples_total"], COUNT)
        held = sum(path.stat().st_size for path in (tend.state / "recording").iterdir())
        self.assertLessEqual(metrics["tend_recording_held_bytes"], held)

    def test_only_its_owner_and_group_read_it(self):
        tend = self.run_tend(armed=False)
        directory = tend.state / "recording"
        self.assertEqual(0, directory.stat().st_mode & 0o027)
        for path in directory.iterdir():
            self.assertEqual(0, path.stat().st_mode & 0o137, path)

    def test_without_recording_there_is_none(self):
        tend = self.enterContext(Tend(self.shop.rules(), self.shop.directory / "state", options=["--no-recording"]))
        tend.wait_in_line(COUNT)
        self.assertFalse((tend.state / "recording").exists())
        self.assertNotIn("tend_recording_ok", tend.metrics())

    def test_a_recorder_that_cannot_begin_stops_neither_watching_nor_acting(self):
        state = self.shop.directory / "state"
        state.mkdir(mode=0o750)
        (state / "recording").write_text("in the way\n")
        tend = self.run_tend()
        self.assertEqual(0, tend.metrics()["tend_recording_ok"])
        self.assertIn("nothing is recorded: cannot open", " ".join(tend.json("status")["warnings"]))
        self.shop.kill("stock:0")
        self.assertEqual(["stock"], culprits(tend.wait_ended(40)))


class Options(unittest.TestCase):
    def refused(self, *options):
        done = subprocess.run([TEND, "run", *options, "/nowhere"], capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(2, done.returncode, done.stderr)
        return done.stderr

    def test_a_size_or_an_age_that_makes_no_sense_is_refused(self):
        self.assertIn("--record-bytes", self.refused("--record-bytes", "many"))
        self.assertIn("at least 1MiB", self.refused("--record-bytes", "10kB"))
        self.assertIn("--record-age", self.refused("--record-age", "7"))
        self.assertIn("longer than 0", self.refused("--record-age", "0s"))


if __name__ == "__main__":
    unittest.main()
