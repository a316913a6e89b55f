"""The same command again goes on where the last one stopped, and never destroys what is there."""

import os
import pathlib
import shutil
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_SYSTEM, BAD_USAGE

# 360 units of some milliseconds in 6 cells: enough to be stopped in the middle.
LONG = {"trials": 60, "grid.m": {"values": [6, 9, 30]}, "sampling.samples": 50000}
CELLS, UNITS = 6, 360
ENDLESS = {"trials": 1, "grid.n": 30, "grid.m": 60, "sampling.samples": 10**12}


class Resume(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "results"
        self.folder.mkdir()
        self.out = self.folder / "out.h5"
        self.journal = self.folder / "out.h5.journal"

    def interrupt(self, config, *more, saved=False):
        """Start a run and kill it once some units are recorded, and the result file was written if so wanted."""
        process = self.start("run", config, "-o", self.out, *more)
        self.assertTrue(system.until(lambda: len(system.recorded(self.out)) >= 5 and (self.out.exists() or not saved)),
                        "no units were recorded")
        process.end()
        recorded = len(system.recorded(self.out))
        self.assertTrue(0 < recorded < UNITS, "the run ended before it could be interrupted")
        return recorded

    def computed(self):
        """Units computed in each start of the run."""
        return system.segments(self.out)["units"].tolist()


class Complete(Resume):
    def test_nothing_is_computed_twice(self):
        config = self.config()
        self.run_ok(config, self.out)
        before = system.listing(self.folder)
        self.assertEqual(list(before), ["out.h5"])
        for ranks in (None, 3):
            self.run_ok(config, self.out, ranks=ranks)
            self.assertEqual(system.listing(self.folder), before)

    def test_run_keys_may_differ(self):
        self.run_ok(self.config(), self.out)
        before = system.listing(self.folder)
        self.run_ok(self.config({"run.ranks_per_unit": "all", "run.checkpoint_seconds": 7}), self.out)
        self.assertEqual(system.listing(self.folder), before)

    def test_another_configuration_is_refused(self):
        self.run_ok(self.config(), self.out)
        before = system.listing(self.folder)
        other = self.config({"seed": 5, "domain.kind": "ball"})
        result = self.mcbe("run", other, "-o", self.out)
        self.assertEqual(result.code, BAD_USAGE)
        for fragment in ("seed", "5", str(system.BASE["seed"]), "domain.kind", "ball", "sphere"):
            self.assertIn(fragment, result.err)
        self.assertNotIn("sampling.samples", result.err)
        self.assertEqual(system.listing(self.folder), before)

    def test_fresh_starts_anew_and_keeps_the_previous_file(self):
        self.run_ok(self.config(), self.out)
        before = self.out.read_bytes()
        other = self.config({"seed": 5})
        self.run_ok(other, self.out, "--fresh")
        self.assertEqual((self.folder / "out.h5.prev").read_bytes(), before)
        self.assert_identical(self.compute({"seed": 5}, "whole.h5"), self.out)

    def test_more_trials_continue_a_finished_run(self):
        self.run_ok(self.config({"trials": 2}), self.out)
        self.run_ok(self.config({"trials": 5}), self.out, ranks=3)
        self.assert_identical(self.compute({"trials": 5}, "whole.h5"), self.out)
        self.assertEqual(self.computed(), [2 * CELLS, 3 * CELLS])

    def test_fewer_trials_are_refused(self):
        self.run_ok(self.config(), self.out)
        before = system.listing(self.folder)
        result = self.mcbe("run", self.config({"trials": 1}), "-o", self.out)
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("trials", result.err)
        self.assertEqual(system.listing(self.folder), before)


class Interrupted(Resume):
    def test_another_configuration_is_refused(self):
        self.interrupt(self.config(LONG))
        before = system.listing(self.folder)
        result = self.mcbe("run", self.config({**LONG, "seed": 5}), "-o", self.out)
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("seed", result.err)
        self.assertEqual(system.listing(self.folder), before)

    def test_result_lost_but_journal_there(self):
        config = self.config({**LONG, "run.checkpoint_seconds": 1})
        recorded = self.interrupt(config)
        self.out.unlink(missing_ok=True)
        self.run_ok(config, self.out, ranks=2)
        self.assertEqual(self.computed()[-1], UNITS - recorded)
        self.assert_identical(self.compute(LONG, "whole.h5"), self.out)

    def test_journal_lost_but_incomplete_result_there(self):
        self.run_ok(self.config({**LONG, "trials": 20}), self.out)
        self.journal.unlink(missing_ok=True)
        config = self.config(LONG)
        self.run_ok(config, self.out, ranks=2)
        self.assertEqual(self.computed(), [20 * CELLS, 40 * CELLS])
        self.assert_identical(self.compute(LONG, "whole.h5"), self.out)

    def test_torn_journal(self):
        """Cut within the last record, or damaged in the middle: what stands before is used, the rest computed."""
        config = self.config(LONG)
        whole = self.compute(LONG, "whole.h5")
        recorded = self.interrupt(config)
        saved = self.dir / "saved"
        shutil.copytree(self.folder, saved)
        size = self.journal.stat().st_size

        def cut(data):
            return data[:-3]

        def flip(data):
            return data[:size // 2] + bytes([data[size // 2] ^ 1]) + data[size // 2 + 1:]

        def zeros(data):
            return data + bytes(1000)

        for damage, kept in ((cut, recorded - 1), (flip, None), (zeros, recorded)):
            with self.subTest(damage.__name__):
                shutil.rmtree(self.folder)
                shutil.copytree(saved, self.folder)
                self.journal.write_bytes(damage(self.journal.read_bytes()))
                self.run_ok(config, self.out)
                left = UNITS - self.computed()[-1]
                self.assertEqual(left, kept) if kept is not None else self.assertTrue(0 < left < recorded)
                self.assert_identical(whole, self.out)

    def test_a_killed_fresh_run_is_continued_without_fresh(self):
        """And what it replaces stays in .prev, whatever stages of its own it writes."""
        before = self.run_ok(self.config({"seed": 5}), self.out).read_bytes()
        config = self.config({**LONG, "run.checkpoint_seconds": 0.05})
        recorded = self.interrupt(config, "--fresh")
        self.run_ok(config, self.out)
        self.assertEqual(self.computed()[-1], UNITS - recorded)
        self.assertEqual((self.folder / "out.h5.prev").read_bytes(), before)


class Lock(Resume):
    def test_a_second_run_is_refused_and_a_dead_one_taken_over(self):
        first = self.start("run", self.config(ENDLESS), "-o", self.out)
        self.assertTrue(system.until(self.journal.exists), "the first run does not start")
        result = self.mcbe("run", self.config(ENDLESS), "-o", self.out)
        self.assertEqual(result.code, BAD_SYSTEM)
        self.assertIn(socket.gethostname(), result.err)
        self.assertIn(str(first.popen.pid), result.err)
        self.assertIsNone(first.popen.poll(), "the first run must not be disturbed")

        first.end()
        lock = self.folder / "out.h5.lock"
        self.assertIn(str(first.popen.pid), lock.read_text(), "the killed run leaves its lock file")
        second = self.start("run", self.config(ENDLESS), "-o", self.out)
        self.assertTrue(system.until(lambda: f"pid={second.popen.pid} " in lock.read_text(), 20),
                        "a lock whose owner was killed must not hold")

    def test_no_lock_stays_behind(self):
        self.run_ok(self.config(), self.out)
        self.assertEqual(os.listdir(self.folder), ["out.h5"])


class Damaged(Resume):
    def damage(self):
        """An incomplete result with its journal, then another content in the place of the result."""
        config = self.config({**LONG, "sampling.samples": 200000, "run.checkpoint_seconds": 0.05})
        self.interrupt(config, saved=True)
        whole = self.out.read_bytes()
        for name, content in (("cut", whole[:len(whole) // 2]), ("empty", b""), ("text", b"no file of ours\n"),
                              ("head", bytes(64) + whole[64:])):
            with self.subTest(name):
                yield config, content

    def test_a_damaged_result_is_made_anew_from_the_journal(self):
        journal = None
        expected = None
        for config, content in self.damage():
            expected = expected or system.contents(self.run_ok(config, self.dir / "whole.h5", ranks=2))
            journal = journal or self.journal.read_bytes()
            self.journal.write_bytes(journal)
            self.out.write_bytes(content)
            result = self.mcbe("run", config, "-o", self.out, ranks=2)
            self.assertEqual(result.code, system.OK, result.err)
            self.assertIn("it is made anew from", result.err)
            self.assert_identical(expected, self.out)
            kept = self.folder / "out.h5.damaged"
            self.assertEqual(kept.read_bytes(), content)
            kept.unlink()

    def test_without_a_journal_it_is_refused_and_kept(self):
        config = self.config()
        self.run_ok(config, self.out)
        content = self.out.read_bytes()[:5000]
        self.out.write_bytes(content)
        result = self.mcbe("run", config, "-o", self.out)
        self.assertEqual(result.code, system.BAD_FILE)
        self.assertIn("there is no journal", result.err)
        self.assertEqual(self.out.read_bytes(), content)


class Stalled(Resume):
    def test_a_stopped_rank_delays_its_own_unit_only(self):
        config = self.config(LONG)
        expected = system.contents(self.run_ok(config, self.dir / "whole.h5", ranks=2))
        for rank in (0, 2):
            with self.subTest(rank=rank):
                out = self.folder / f"{rank}.h5"
                process = self.start("run", config, "-o", out, ranks=3)
                self.assertTrue(system.until(lambda: len(system.recorded(out)) >= 5))
                stopped = process.rank(rank)
                os.kill(stopped, signal.SIGSTOP)
                if rank:
                    self.assertTrue(system.until(lambda: len(system.recorded(out)) > UNITS // 2),
                                    "the other ranks did not go on")
                else:
                    time.sleep(2)
                self.assertIsNone(process.popen.poll(), "the run ended without one of its ranks")
                os.kill(stopped, signal.SIGCONT)
                self.assertEqual(process.wait().code, system.OK)
                self.assert_identical(expected, out)


if __name__ == "__main__":
    unittest.main()
