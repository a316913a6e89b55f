"""kill -9 at random moments: no recorded unit is lost or computed again, and the end result does not show it."""

import os
import pathlib
import random
import signal
import sys
import time
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

# 300 units of about 5 ms in 5 cells; commits on the way, so that kills hit them too.
CONFIG = {"trials": 60, "grid.n": {"values": [3]}, "grid.m": {"values": [3, 6, 9, 20, 30]},
          "sampling.samples": 300000, "run.checkpoint_seconds": 0.2}
UNITS = 300
CHAINS = int(os.environ.get("MCBE_CHAINS", "20"))  # results that are killed and continued
SEED = int(os.environ.get("MCBE_CHAIN_SEED", "50"))
KILLS_EACH = (2, 4)        # of one result before it may be finished
LANDED = 0.8               # share of the kills that must come when some but not all units are recorded
VICTIMS = ("rank 0", "worker", "mpirun")
LARGEST_DELAY = 0.02       # seconds: a few units


class Kill(system.SystemTest):
    def strike(self, process, victim, ranks, choice):
        """Kill one process of a run, if it still runs, and wait until all are gone."""
        number = 0 if victim == "rank 0" or ranks == 1 else choice.randrange(1, ranks)
        pid = process.popen.pid if victim == "mpirun" else process.rank(number)
        if pid and process.popen.poll() is None:
            os.kill(pid, signal.SIGKILL)
        self.assertTrue(process.gone(10), f"{victim} was killed, but the others stay")

    def assert_readable(self, out):
        """The result file is absent or whole, whatever moment it was."""
        if out.exists():
            with h5py.File(out, "r") as file:
                self.assertIn(file.attrs["complete"], (0, 1))
            system.contents(out, groups=system.IDENTICAL + ("timing", "provenance", "config"))

    def kill_once(self, config, out, ranks, target, choice):
        """Start or resume, and kill when `target` units are recorded; returns how many were when the blow fell, and
        the journal's good records when all was quiet. (Ranks live on for a moment when mpirun is gone.)"""
        journal = system.Journal(f"{out}.journal")
        process = self.start("run", config, "-o", out, "--set",
                             f"run.ranks_per_unit={choice.choice([1, 1, 'all'])}", ranks=ranks)
        victim = choice.choice(VICTIMS)
        while process.popen.poll() is None and (journal.update() < target or not process.rank(ranks - 1)):
            time.sleep(0.001)
        time.sleep(choice.uniform(0, LARGEST_DELAY))
        moment = journal.update() if process.popen.poll() is None else UNITS
        self.strike(process, victim, ranks, choice)
        self.assert_readable(out)
        return moment, system.recorded(out)

    def assert_finished(self, config, out, ranks, expected, recorded):
        """Finish a killed run: the result of an undisturbed one, with the recorded units as they were."""
        self.run_ok(config, out, ranks=ranks)
        self.assert_identical(expected, out)
        seconds = system.read(out, "timing/seconds")
        for record in recorded:
            self.assertEqual(seconds[record.unit], record.seconds, f"unit {record.unit} was computed again")
        self.assertEqual(sum(system.segments(out)["units"]), UNITS)
        left = {path.name for path in self.dir.glob(f"{out.name}*")}
        self.assertLessEqual(left, {out.name, f"{out.name}.prev"})

    def test_chains_of_kills(self):
        choice = random.Random(SEED)
        config = self.config(CONFIG)
        expected = system.contents(self.run_ok(config, self.dir / "whole.h5", ranks=2))
        kills = landed = 0
        for chain in range(CHAINS):
            out = self.dir / f"{chain}.h5"
            recorded = []
            for _ in range(choice.randint(*KILLS_EACH)):
                target = len(recorded) + int((UNITS - len(recorded)) * choice.uniform(0, 0.5))
                ranks = choice.choice([1, 2, 3, 4, 5, 7])
                moment, found = self.kill_once(config, out, ranks, target, choice)
                kills += 1
                landed += 0 < moment < UNITS
                if not found and out.exists():
                    break  # complete all the same
                with self.subTest(kill=kills, target=target, ranks=ranks):
                    self.assertEqual(found[:len(recorded)], recorded, "a recorded unit was lost")
                    self.assertEqual(len({record.unit for record in found}), len(found), "a unit was computed twice")
                recorded = found
            with self.subTest(result=out.name):
                self.assert_finished(config, out, choice.choice([1, 2, 3, 4]), expected, recorded)
            out.unlink(missing_ok=True)
        print(f"{CHAINS} chains, {kills} kills, of which {landed} while units were computed")
        self.assertGreaterEqual(landed, LANDED * kills)


if __name__ == "__main__":
    unittest.main()
