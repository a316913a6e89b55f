"""A run that is killed, or stopped, while it goes on with more points is continued; fewer points are refused."""

import os
import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_USAGE
from test_extend import Extend

# 180 units of some milliseconds in 6 cells.
LONG = {"trials": 30, "grid.m": {"values": [6, 9, 30]}}
LESS, MORE, MOST = ({**LONG, "sampling.samples": samples} for samples in (1000, 50000, 60000))
UNITS = 180


class Cut(Extend):
    def interrupt(self, config, *more, seen=5):
        """Start a run and kill it once some units are recorded beyond those in the journal; returns those that are."""
        before = len(system.recorded(self.out))
        process = self.start("run", config, "-o", self.out, *more)
        self.assertTrue(system.until(lambda: len(system.recorded(self.out)) >= before + seen), "no units were recorded")
        process.end()
        found = system.recorded(self.out)[before:]
        self.assertTrue(0 < len(found) < UNITS, "the run ended before it could be interrupted")
        return found


class Interrupted(Cut):
    def test_killed_on_the_way_and_continued(self):
        """The file stays that of the smaller run until all its units have gone on; no unit is computed again."""
        self.run_ok(self.config(LESS), self.out)
        before = self.out.read_bytes()
        config = self.config({**MORE, "run.checkpoint_seconds": 0.05})
        first = self.interrupt(config)
        self.assertEqual(self.out.read_bytes(), before)
        second = self.interrupt(config, "--set", "run.ranks_per_unit=all")
        self.assertEqual(self.out.read_bytes(), before)
        self.run_ok(config, self.out, ranks=2)
        self.assert_identical(self.compute(MORE), self.out)
        seconds = system.read(self.out, "timing/seconds")
        for record in first + second:
            self.assertEqual(seconds[record.unit], record.seconds, f"unit {record.unit} was computed again")
        self.assertEqual(system.segments(self.out)["units"].tolist(),
                         [UNITS, len(first), len(second), UNITS - len(first) - len(second)])
        self.assertEqual((self.folder / "out.h5.prev").read_bytes(), before)
        self.assertEqual(set(system.listing(self.folder)), {"out.h5", "out.h5.prev"})

    def test_a_smaller_run_that_was_killed_itself(self):
        """Its journal goes on: units of both numbers of points stand in one."""
        less = {**LONG, "sampling.samples": 20000}
        first = self.interrupt(self.config(less), seen=60)
        self.interrupt(self.config(MORE))
        self.interrupt(self.config(MOST))
        self.run_ok(self.config(MOST), self.out, ranks=3)
        self.assert_identical(self.compute(MOST), self.out)
        self.assertGreaterEqual(len(first), 60)

    def test_the_file_alone_is_lost(self):
        self.run_ok(self.config(LESS), self.out)
        self.interrupt(self.config(MORE))
        self.out.unlink()
        self.run_ok(self.config(MORE), self.out)
        self.assert_identical(self.compute(MORE), self.out)

    def test_nested_jobs_cut_short(self):
        nested = {"trials": 40, "grid.nested": True, "grid.n": {"values": [3, 5]}, "grid.m": {"values": [6, 9, 30, 40]}}
        less, more = ({**nested, "sampling.samples": samples} for samples in (1000, 40000))
        self.run_ok(self.config(less), self.out)
        self.interrupt(self.config(more), seen=6)
        self.run_ok(self.config(more), self.out, ranks=3)
        self.assert_identical(self.compute(more), self.out)

    def test_stopped_early(self):
        """The file is not written, and the reason is kept all the same."""
        self.run_ok(self.config(LESS), self.out)
        before = self.out.read_bytes()
        process = self.start("run", self.config(MORE), "-o", self.out)
        self.assertTrue(system.until(lambda: len(system.recorded(self.out)) >= 5))
        os.kill(process.popen.pid, signal.SIGUSR1)
        result = process.wait()
        self.assertEqual(result.code, 75, result.err)
        self.assertRegex(result.err, r"stopped by signal .*: \d+ of 180 units")
        self.assertEqual(self.out.read_bytes(), before)
        done = len(system.recorded(self.out))
        self.run_ok(self.config(MORE), self.out)
        self.assert_identical(self.compute(MORE), self.out)
        rows = system.segments(self.out)
        self.assertEqual([row["reason"].decode() for row in rows], ["complete", "signal USR1", "complete"])
        self.assertEqual(rows["units"].tolist(), [UNITS, done, UNITS - done])


class Refused(Cut):
    def assert_refused(self, changes, *fragments):
        before = system.listing(self.folder)
        result = self.mcbe("run", self.config(changes), "-o", self.out)
        self.assertEqual(result.code, BAD_USAGE, result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)
        self.assertEqual(system.listing(self.folder), before)

    def test_fewer_points(self):
        self.run_ok(self.config(), self.out)
        self.assert_refused({"sampling.samples": 599}, "sampling.samples", "600", "599", "it may only grow")

    def test_fewer_points_than_a_run_on_its_way(self):
        self.run_ok(self.config(LESS), self.out)
        self.interrupt(self.config(MORE))
        self.assert_refused(LESS, "sampling.samples", "50000", "1000", "it may only grow")

    def test_fewer_points_than_a_journal_that_went_on(self):
        self.interrupt(self.config(MORE))
        self.interrupt(self.config(MOST))
        self.out.unlink(missing_ok=True)
        self.assert_refused(MORE, "was continued with another configuration", "60000", "it may only grow")

    def test_curves_over_the_points(self):
        for name in ("convergence", "covering_radius"):
            self.run_ok(self.config({"experiment": name}), self.out)
            self.assert_refused({"experiment": name, "sampling.samples": 900}, "sampling.samples", "600", "900")
            self.out.unlink()


if __name__ == "__main__":
    unittest.main()
