"""kill -9 at every journal write, and what a restart makes of it: no act without its intent on disk, none that may not
be repeated twice, none forgotten. Wants a tend that was built with -DTEND_FAULTS=ON (`tests/run.sh sweep`).

SWEEP_FULL=1 tries every kill point, else a part of them; SWEEP_SEED=N repeats the random part; SWEEP_JOBS=N at a time.
"""
import concurrent.futures
import os
import pathlib
import random
import signal
import sys
import time
import traceback
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from crash_trial import Journal, Trial, Ward  # noqa: E402
from shop import TEND  # noqa: E402

FULL = bool(os.environ.get("SWEEP_FULL"))
SEED = int(os.environ.get("SWEEP_SEED", random.SystemRandom().randrange(1 << 32)))
JOBS = int(os.environ.get("SWEEP_JOBS", 10))
MODES = ("before", "during", "after")
FIRST, LAST = 4, 32  # the first record after arming; the last one of a clean run, about
RUN = range(11, 31)  # from the decision to act to the end of the incident


def has_fault_hooks():
    return b"TEND_DIE_AT" in TEND.read_bytes()


def name_of(point):
    return "-".join(str(part).replace(":", "") for part in point)


@unittest.skipUnless(has_fault_hooks(), f"{TEND} was built without -DTEND_FAULTS=ON")
class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ward = Ward()
        cls.addClassCleanup(cls.ward.__exit__)

    def sweep(self, what, points, trial):
        """Runs trial(point) for all points, some at a time, and fails with all that went wrong."""
        wrong, ends = [], {}

        def one(point):
            try:
                return trial(point)
            except Exception as error:  # each point is a test of its own
                wrong.append(f"{what} {point}: {error}" if isinstance(error, AssertionError) else
                             f"{what} {point}: {traceback.format_exc()}")
                return "wrong"

        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for end in pool.map(one, points):
                ends[end] = ends.get(end, 0) + 1
        print(f"\n  {what}: {sum(ends.values())} trials in {time.monotonic() - begun:.0f} s: {ends}", flush=True)
        self.assertEqual([], wrong, f"seed {SEED}\n" + "\n".join(wrong))
        return ends

    def die_and_live(self, point, **options):
        """Dies at a record, is started again, and ends as it must. Returns how it died and ended."""
        mode, number, drop = point
        faults = {"TEND_DIE_AT": f"{mode}:{number}", **({"TEND_DROP_UNSYNCED": "1"} if drop else {})}
        with Trial(self.ward, name_of((self.id().rpartition(".")[2], *point)), **options) as trial:
            trial.live(faults)
            if not trial.deaths:
                return "was over before"
            trial.check_survivors(trial.deaths[0], trial.effects())
            trial.live(linger_s=0.3)
            trial.check_acts()
            return trial.check_end()

    def test_1_dies_at_every_record(self):
        points = [(mode, number, drop) for drop in (False, True) for number in range(1 if FULL else FIRST, LAST + 1)
                  for mode in MODES]
        ends = self.sweep("dies at a record", points, self.die_and_live)
        self.assertGreater(ends.get("escalated", 0), 0)
        self.assertGreater(ends.get("recovered", 0), len(points) // 2)


if __name__ == "__main__":
    unittest.main()
