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
from crash_trial import STEPS, UNDO, Journal, Trial, Ward  # noqa: E402
from shop import TEND, wait_for  # noqa: E402

FULL = bool(os.environ.get("SWEEP_FULL"))
SEED = int(os.environ.get("SWEEP_SEED", random.SystemRandom().randrange(1 << 32)))
JOBS = int(os.environ.get("SWEEP_JOBS", max(4, 16 - int(os.getloadavg()[0]))))  # a starved evaluator is killed
MODES = ("before", "during", "after")
ARMED, FIRST_INTENT, LAST = 4, 15, 34  # records of a clean run: the first after arming, the first intent, the last
RETRY_S = 14  # longer than the backoff after a failed run, so that a second run would show itself


def has_fault_hooks():
    return b"TEND_DIE_AT" in TEND.read_bytes()


def die(mode, number, drop=False):
    return {"TEND_DIE_AT": f"{mode}:{number}", **({"TEND_DROP_UNSYNCED": "1"} if drop else {})}


def points(first, last, step=1):
    """(mode, record, whether unsynced writes are lost): all there are, or every `step`th, all modes in turn."""
    return [(mode, number, drop) for number in range(first, last + 1)
            for turn, (mode, drop) in enumerate((mode, drop) for drop in (False, True) for mode in MODES)
            if FULL or (turn + number) % step == 0]


@unittest.skipUnless(has_fault_hooks(), f"{TEND} was built without -DTEND_FAULTS=ON")
class Sweep(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ward = Ward()
        cls.addClassCleanup(cls.ward.__exit__)

    def sweep(self, places, trial, **options):
        """Runs trial(Trial, *place) for all places, some at a time, and fails with all that went wrong."""
        name = self.id().rpartition(".test_")[2]
        wrong, ends = [], {}

        def one(place):
            try:
                with Trial(self.ward, "-".join([name[:2], *map(str, place)]), **options) as made:
                    return trial(made, *place)
            except Exception as error:  # each place is a test of its own
                told = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
                wrong.append(f"{name} {place}: {told}")
                return "wrong"

        begun = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
            for end in pool.map(one, places):
                ends[end] = ends.get(end, 0) + 1
        print(f"\n  {sum(ends.values())} trials in {time.monotonic() - begun:.0f} s: {ends} ", end="", flush=True)
        if wrong:
            self.fail(f"{len(wrong)} of {sum(ends.values())} trials, seed {SEED}\n" + "\n".join(wrong[:12]))
        return ends

    # kill -9 of tend --------------------------------------------------------------------------------------------------

    def test_01_it_dies_at_a_record(self):
        def trial(made, *place):
            made.live(die(*place))
            if not made.deaths:
                return "over before"
            made.check_survivors(made.deaths[0], made.effects())
            made.live()
            made.check_acts()
            return made.check_end()

        ends = self.sweep(points(ARMED, LAST, 2), trial)
        self.assertGreater(ends.get("escalated", 0), 0)
        self.assertGreater(ends.get("recovered", 0), 50)

    def test_02_it_dies_in_the_middle_of_a_write(self):
        def trial(made, write, drop):
            made.live({"TEND_DIE_AT_WRITE": str(write), **({"TEND_DROP_UNSYNCED": "1"} if drop else {})})
            if not made.deaths:
                return "over before"
            made.check_survivors(made.deaths[0], made.effects())
            made.live()
            made.check_acts()
            return made.check_end()

        self.sweep([(write, drop) for write in range(40, 240, 2 if FULL else 12) for drop in (False, True)], trial)

    def test_03_it_dies_in_an_act_and_again_while_it_looks(self):
        def trial(made, step, mode, later, drop):
            def kill(life):
                if made.effects() and made.effects()[-1]["step"] == step:
                    kill_process(life.process.pid)
                    life.process.wait()

            made.live(meanwhile=kill)
            self.assertEqual([step, "begun"], [made.deaths[0].acts()[-1][0], made.deaths[0].acts()[-1][1]["state"]])
            made.live(die(mode, made.deaths[0].records[-1]["number"] + later, drop))
            made.check_survivors(made.deaths[-1], made.effects())
            made.live(linger_s=RETRY_S if later % 5 == 0 else 0.3)
            made.check_acts()
            return f"{step}: {made.check_end()}"

        places = [(STEPS[turn % 3], *point) for turn, point in enumerate(points(1, 14, 3))]
        ends = self.sweep(places, trial, within="1500ms", slow=dict.fromkeys(STEPS, 1))
        self.assertGreater(ends.get("first: escalated", 0), 0)
        self.assertEqual(len([place for place in places if place[0] == "third"]), ends.get("third: recovered"))

    def test_04_it_dies_while_a_run_fails(self):
        def trial(made, *place):
            made.live(die(*place))
            made.live(linger_s=RETRY_S if place[1] % 7 == 0 else 0.3)
            made.check_acts()
            return made.check_end("failed")

        self.sweep(points(12, 44, 9), trial, within="1s", incurable=True)

    def test_05_it_dies_while_a_run_is_rolled_back(self):
        def trial(made, *place):
            made.live(die(*place))
            if made.deaths:
                made.check_survivors(made.deaths[0], made.effects())
            made.live()
            made.check_acts()
            end = made.check_end("rolled back")
            undone = [body["outcome"] for name, body in Journal(made.state).acts()
                      if name == UNDO and body["state"] == "ended"]
            self.assertEqual(["done"] if end == "rolled back" else undone, undone)
            return end

        self.sweep(points(15, 44, 9), trial, within="1s", incurable=True, undo=True)

    def test_06_a_program_that_runs_out_of_time_is_looked_at(self):
        def trial(made, slow):
            (made.directory / f"slow-{slow}").write_text("3")
            made.live()
            made.check_acts()
            end = made.check_end("recovered" if slow == "third" else "escalated")
            return ", ".join(effect["step"] for effect in made.effects()) + f": {end}"

        ends = self.sweep([("first",), ("third",)], trial, timeout="500ms", within="1500ms")
        self.assertEqual({"first: escalated": 1, "first, second, third: recovered": 1}, ends)

    def test_07_it_is_killed_at_any_moment_again_and_again(self):
        def trial(made, number):
            dice = random.Random(f"{SEED}/{number}")
            for _ in range(3):
                at = time.monotonic() + dice.uniform(0.3, 2.0)

                def kill(life, at=at):
                    if time.monotonic() > at:
                        life.process.kill()
                        life.process.wait()

                made.live(meanwhile=kill)
            made.live()
            made.check_acts()
            return made.check_end()

        self.sweep([(number,) for number in range(60 if FULL else 24)], trial, slow=dict.fromkeys(STEPS, 0.15))

    def test_08_paused_before_the_restart_it_does_nothing(self):
        def trial(made, *place):
            made.live(die(*place))
            if not made.deaths:
                return "over before"
            held = made.start(paused=True)
            made.follow(held, 40, 0.5, lambda: made.is_settled() or 'reason="paused"' in held.text())
            made.note_death(held.end())
            made.check_acts()
            return (Journal(made.state).runs() or [{"outcome": "held"}])[-1]["outcome"]

        self.sweep(points(ARMED + 6, LAST, 7), trial, within="1500ms")

    def test_09_a_pause_survives_the_restart_and_resume_ends_it(self):
        def trial(made):
            life = made.start()
            made.arm(life)
            done = made.command("pause")
            self.assertEqual(0, done.returncode, done.stderr)
            life.process.kill()
            life.process.wait()
            self.assertFalse((made.state / "pause").exists())
            made.note_death(-signal.SIGKILL)
            held = made.start()
            made.paused.add(held.process.pid)
            wait_for("it holds", lambda: 'reason="paused"' in held.text(), 20)
            self.assertEqual([], made.effects())
            made.paused.clear()
            self.assertEqual(0, made.command("resume").returncode)
            made.follow(held, 20)
            held.end()
            made.check_acts()
            return made.check_end("recovered")

        self.sweep([()], trial)

    def test_15_a_command_that_was_answered_is_on_disk(self):
        def trial(made, *command):
            life = made.start({"TEND_SLOW_SYNC": "150"})
            wait_for("the rules are loaded", lambda: "rules loaded" in life.text(), 30)
            done = made.command(*command)
            life.process.kill()
            life.process.wait()
            self.assertEqual((0, ""), (done.returncode, done.stderr))
            self.assertEqual([command[0]], [record["body"]["what"] for record in Journal(made.state).of("operator")])
            return "kept"

        self.sweep([("pause",), ("arm", "--all"), ("silence", "patient", "--for", "1h")], trial)

    def test_16_a_command_is_in_force_and_says_so_where_it_cannot_be_written(self):
        def trial(made):
            life = made.start({"TEND_FAIL_SYNC": "6-1000000"})
            wait_for("the rules are loaded", lambda: "rules loaded" in life.text(), 30)
            done = wait_for("the disk fails", lambda: (done := made.command("pause")).stderr and done, 20)
            self.assertEqual(0, done.returncode)
            self.assertIn("in force, but not in the journal yet", done.stderr)
            self.assertIn("fsync failed", done.stderr)
            self.assertIn("PAUSED", made.command("status").stdout)
            return "told"

        self.sweep([()], trial)

    def test_17_a_playbook_that_is_disarmed_in_a_run_does_no_more(self):
        def trial(made):
            def disarm(life):
                if made.effects() and "disarmed" not in done:
                    done["disarmed"] = made.command("disarm", "three steps")

            done = {}
            life = made.live(meanwhile=disarm)
            self.assertEqual(0, done["disarmed"].returncode, done["disarmed"].stderr)
            self.assertEqual(["first"], [effect["step"] for effect in made.effects()])
            self.assertIn("refused: disarmed", life.text())
            return Journal(made.state).runs()[-1]["outcome"]

        self.assertEqual({"escalated": 1}, self.sweep([()], trial, slow={"first": 1}))

    def test_18_what_got_well_while_tend_was_stopped_is_left_alone(self):
        def trial(made, _number):
            life = made.start({"TEND_SLOW_SYNC": "700"})
            made.arm(life)
            wait_for("a run begins", lambda: "run begins" in life.text(), 30, 0.01)
            life.process.send_signal(signal.SIGSTOP)  # its first record is on the way to the disk
            (made.directory / "sick").unlink()
            time.sleep(1.5)  # five scrapes are missing
            life.process.send_signal(signal.SIGCONT)
            wait_for("it ended", lambda: "incident ended" in life.text(), 30)
            self.assertEqual([], made.effects())
            return "over" if "refused: over" in life.text() else "unseen"

        self.sweep([(number,) for number in range(3)], trial)

    # kill -9 of the evaluators ----------------------------------------------------------------------------------------

    def check_undisturbed(self, made):
        made.check_acts()
        end = made.check_end("recovered")
        self.assertEqual(list(STEPS), [effect["step"] for effect in made.effects()])
        return end

    def test_10_evaluators_are_killed_after_each_step(self):
        def trial(made, _number, which):
            seen = [0]

            def kill(life):
                effects = len(made.effects())
                if effects > seen[0]:
                    seen[0] = effects
                    for pid in life.evaluators()[-1 if which == "newest" else 0:]:
                        kill_process(pid)

            made.live(meanwhile=kill)
            return self.check_undisturbed(made)

        self.sweep([(number, which) for number in range(12 if FULL else 4) for which in ("newest", "all")], trial,
                   slow=dict.fromkeys(STEPS, 0.05))

    def test_11_evaluators_are_killed_at_any_moment(self):
        def trial(made, number):
            dice = random.Random(f"{SEED}/{number}")
            moments = [time.monotonic() + dice.uniform(0.5, 2.5) for _ in range(4)]

            def kill(life):
                for moment in [moment for moment in moments if time.monotonic() > moment]:
                    moments.remove(moment)
                    evaluators = life.evaluators()
                    if evaluators:
                        kill_process(dice.choice(evaluators))

            made.live(meanwhile=kill)
            return self.check_undisturbed(made)

        self.sweep([(number,) for number in range(40 if FULL else 12)], trial, slow=dict.fromkeys(STEPS, 0.1))

    def test_12_the_runs_process_is_thrown_away_after_every_step(self):
        def trial(made, *place):
            made.live({"TEND_THROW_RUNS": "1", **(die(*place) if place else {})})
            if place:
                made.live({"TEND_THROW_RUNS": "1"})
                made.check_acts()
                return made.check_end()
            return self.check_undisturbed(made)

        self.sweep([(), *points(FIRST_INTENT, LAST, 12)], trial)

    # a disk that fails ------------------------------------------------------------------------------------------------

    def test_13_a_disk_that_fails_for_a_while_stops_the_acts_and_not_the_watching(self):
        def trial(made, kind, first):
            life = made.start({kind: f"{first}-{first + 3}"})
            made.arm(life)
            made.follow(life, 60, settled=lambda: life.says_it_is_over() and
                        life.text().count("notice firing journal") == life.text().count("notice resolved journal"))
            made.note_death(life.end())
            log = life.text()
            if "journal cannot be written" not in log:
                return "over before"
            self.assertIn("notice firing journal", log)
            failed, able = log.index("journal cannot be written"), log.index("journal can be written again")
            self.assertNotIn("run begins", log[failed:able])
            return self.check_undisturbed(made)

        self.sweep([("TEND_FAIL_WRITE", first) for first in range(20, 320, 10 if FULL else 50)] +
                   [("TEND_FAIL_SYNC", first) for first in range(6, 22, 1 if FULL else 4)], trial)

    def test_14_a_disk_that_fails_for_good_stops_the_acts_until_a_restart_elsewhere(self):
        def trial(made, kind, first):
            life = made.start({kind: f"{first}-1000000"})
            made.arm(life)
            wait_for("it says so", lambda: "notice firing journal" in life.text(), 20)
            acts = len(made.effects())
            scrapes = made.scrapes()
            time.sleep(1.5)
            self.assertLessEqual(len(made.effects()), acts + 1, "one whose intent was on disk may have been under way")
            self.assertGreater(made.scrapes(), scrapes + 2, "it goes on watching")
            life.process.kill()
            life.process.wait()
            made.note_death(-signal.SIGKILL)
            made.check_survivors(made.deaths[0], made.effects())
            made.live()
            made.check_acts()
            return made.check_end()

        self.sweep([*(("TEND_FAIL_WRITE", first) for first in (45, 85, 120)),
                    *(("TEND_FAIL_SYNC", first) for first in (6, 10, 13))], trial)


def kill_process(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    unittest.main()
