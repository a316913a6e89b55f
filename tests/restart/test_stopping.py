"""A run that is told to stop, by time, signal or file, keeps what is finished, says why, ends with 75, and goes on."""

import json
import os
import pathlib
import signal
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_USAGE

STOPPED = 75
# 720 units of some milliseconds in 6 cells
LONG = {"trials": 120, "grid.m": {"values": [6, 9, 30]}, "sampling.samples": 50000}
UNITS = 720
ENDLESS = {"trials": 1, "grid.n": 30, "grid.m": 60, "sampling.samples": 10**12}
# what a stop may take beyond the unit in hand: the grace of half a second, the file, and leaving MPI
PROMPT = 6.0


class Stopping(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.out = self.dir / "out.h5"

    def begin(self, config, *more, **options):
        """Start a run of its own and wait until some units are recorded."""
        self.out = self.dir / f"out{len(os.listdir(self.dir))}.h5"
        process = self.start("run", config, "-o", self.out, *more, **options)
        self.assertTrue(system.until(lambda: len(system.recorded(self.out)) >= 5), "no units were recorded")
        return process

    def assert_stopped(self, process, reason):
        """The run ends soon with 75, says why and where it is, and the file says so, too."""
        before = time.monotonic()
        result = process.wait()
        self.assertLess(time.monotonic() - before, PROMPT)
        self.assertEqual(result.code, STOPPED, result.err)
        row = system.segments(self.out)[-1]
        self.assertEqual(row["reason"].decode(), reason)
        self.assertRegex(result.err, rf"mcbe: stopped by {reason}: \d+ of \d+ units of '.*out[0-9]*.h5' are finished; the same "
                                     "command continues")
        return result

    def assert_goes_on(self, config, expected, *more, **options):
        """The same command ends what was begun; only units that were in hand are computed again."""
        self.run_ok(config, self.out, *more, **options)
        self.assert_identical(expected, self.out)
        self.assertEqual(int(system.segments(self.out)["units"].sum()), UNITS)


class Signals(Stopping):
    @classmethod
    def setUpClass(cls):
        cls.whole = None

    def whole_run(self, config):
        if type(self).whole is None:
            type(self).whole = system.contents(self.run_ok(config, self.dir / "whole.h5"))
        return type(self).whole

    def test_each_signal_stops_a_single_process(self):
        config = self.config(LONG)
        for number, name in ((signal.SIGUSR1, "USR1"), (signal.SIGUSR2, "USR2"), (signal.SIGTERM, "TERM"),
                             (signal.SIGINT, "INT")):
            with self.subTest(name):
                process = self.begin(config)
                os.kill(process.popen.pid, number)
                self.assert_stopped(process, f"signal {name}")
        self.assert_goes_on(config, self.whole_run(config))

    def test_mpirun_passes_usr1_to_all_ranks(self):
        config = self.config(LONG)
        process = self.begin(config, ranks=4)
        os.kill(process.popen.pid, signal.SIGUSR1)
        self.assert_stopped(process, "signal USR1")
        self.assert_goes_on(config, self.whole_run(config), ranks=2)

    def test_one_rank_tells_the_others(self):
        config = self.config(LONG)
        for rank in (0, 2):
            with self.subTest(rank=rank):
                process = self.begin(config, ranks=3)
                os.kill(process.rank(rank), signal.SIGUSR2)
                self.assert_stopped(process, "signal USR2")
        self.assert_goes_on(config, self.whole_run(config))

    def test_a_long_unit_is_given_up(self):
        for ranks, sharing in ((None, 1), (2, 1), (3, "all")):
            with self.subTest(ranks=ranks, sharing=sharing):
                config = self.config({**ENDLESS, "trials": 3, "run.ranks_per_unit": sharing})
                process = self.start("run", config, "-o", self.out, "--fresh", ranks=ranks)
                self.assertTrue(system.until(self.journal_exists))
                time.sleep(0.5)
                os.kill(process.popen.pid, signal.SIGUSR1)
                self.assert_stopped(process, "signal USR1")

    def journal_exists(self):
        return pathlib.Path(f"{self.out}.journal").exists()

    def test_a_second_signal_ends_at_once(self):
        """An exact answer is one long computation: it ends before the first signal is looked at, or never."""
        config = self.config({"grid.n": 7, "grid.m": 120, "trials": 1, "exact.enabled": True, "exact.work_limit": 1e15})
        process = self.start("run", config, "-o", self.out)
        self.assertTrue(system.until(self.journal_exists))
        time.sleep(1)
        os.kill(process.popen.pid, signal.SIGUSR1)
        time.sleep(2.5)
        self.assertIsNone(process.popen.poll())
        os.kill(process.popen.pid, signal.SIGUSR1)
        self.assertEqual(process.wait(5).code, STOPPED)
        self.assertTrue(self.journal_exists())


class StopFile(Stopping):
    def test_a_stop_file_stops_and_goes(self):
        # the file is looked for once a second: seconds of work, on a fast machine, too
        config = self.config({**LONG, "trials": 400, "sampling.samples": 250000})
        process = self.begin(config, ranks=2)
        stop = pathlib.Path(f"{self.out}.stop")
        stop.touch()
        self.assert_stopped(process, "stop file")
        self.assertFalse(stop.exists())
        self.run_ok(config, self.out, ranks=3)
        self.assert_identical(self.run_ok(config, self.dir / "whole.h5", ranks=2), self.out)

    def test_one_from_before_is_removed(self):
        stop = pathlib.Path(f"{self.out}.stop")
        stop.touch()
        result = self.mcbe("run", self.config(), "-o", self.out)
        self.assertEqual(result.code, system.OK)
        self.assertIn("out.h5.stop' was there before this run and has been removed", result.err)
        self.assertFalse(stop.exists())


class TimeLimit(Stopping):
    def until_done(self, config, *more, starts):
        """The same command again and again, on other numbers of ranks; returns the reasons."""
        for start in range(starts):
            result = self.mcbe("run", config, "-o", self.out, *more, ranks=1 + start % 4)
            if result.code == system.OK:
                return [reason.decode() for reason in system.segments(self.out)["reason"]]
            self.assertEqual(result.code, STOPPED, result.err)
        self.fail(f"not done after {starts} starts")
        return None

    def test_a_run_in_pieces_equals_the_whole(self):
        changes = {**LONG, "trials": 500}
        config = self.config(changes)
        reasons = self.until_done(config, "--max-walltime", "0:02", starts=40)
        self.assertGreater(len(reasons), 1)
        self.assertEqual(set(reasons[:-1]), {"time limit"})
        self.assertEqual(int(system.segments(self.out)["units"].sum()), 3000)
        self.assert_identical(self.run_ok(config, self.dir / "whole.h5", ranks=2), self.out)

    def test_the_limit_is_kept(self):
        config = self.config({**LONG, "trials": 4000})
        result = self.mcbe("run", config, "-o", self.out, "--max-walltime", "4", ranks=2)
        self.assertEqual(result.code, STOPPED)
        self.assertIn("time limit 0:04 (--max-walltime)", result.err)
        self.assertLess(result.seconds, 4 + 2)

    def test_a_unit_that_does_not_fit_is_not_started(self):
        config = self.config({**ENDLESS, "run.max_walltime": 3, "run.stop_padding": 1})
        result = self.mcbe("run", config, "-o", self.out)
        self.assertEqual(result.code, STOPPED)
        self.assertIn("time limit 0:03 (run.max_walltime), of which 0:01 are kept free", result.err)
        self.assertLess(result.seconds, 2, "the plan says years")
        self.assertEqual(system.segments(self.out)["units"].tolist(), [0])

    def fake_squeue(self, text):
        folder = self.dir / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "squeue").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "squeue").chmod(0o755)
        return {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "4711"}

    def test_slurm_is_asked_for_the_end_of_the_job(self):
        config = self.config({**LONG, "trials": 10000})
        asked = 'test "$*" = "-h -j 4711 -o %L" && echo 0:05'
        result = self.mcbe("run", config, "-o", self.out, env=self.fake_squeue(asked))
        self.assertEqual(result.code, STOPPED, result.err)
        self.assertIn("time limit 0:05 (squeue)", result.err)
        end = {**self.fake_squeue("echo never asked"), "SLURM_JOB_END_TIME": str(int(time.time()) + 6)}
        result = self.mcbe("run", config, "-o", self.out, env=end)
        self.assertEqual(result.code, STOPPED, result.err)
        self.assertIn("(SLURM_JOB_END_TIME)", result.err)

    def test_a_silent_slurm_is_no_limit(self):
        for answer, words in (("exit 1", "did not tell the time left to job 4711"), ("echo INVALID", "says 'INVALID'"),
                              ("sleep 60", "did not tell the time left")):
            with self.subTest(answer):
                result = self.mcbe("run", self.config(), "-o", self.out, "--fresh", env=self.fake_squeue(answer))
                self.assertEqual(result.code, system.OK, result.err)
                self.assertIn(words, result.err)
                self.assertIn("without a time limit", result.err)
        result = self.mcbe("run", self.config(), "-o", self.out, "--fresh", env=self.fake_squeue("echo UNLIMITED"))
        self.assertEqual(result.code, system.OK)
        self.assertNotIn("warning", result.err)

    def test_a_bad_time_is_refused(self):
        for text in ("0", "-3", "soon", "1:2:3:4", "1:99", "", "1e400", "nan"):
            with self.subTest(text):
                result = self.mcbe("run", self.config(), "-o", self.out, f"--max-walltime={text}")
                self.assertEqual(result.code, BAD_USAGE)
                self.assertIn(f"--max-walltime is '{text}'; a time above 0 is needed", result.err)
                self.assertFalse(self.out.exists())


class Watching(Stopping):
    def test_events_are_whole_lines_of_json(self):
        log = self.dir / "events.json"
        config = self.config({**LONG, "run.checkpoint_seconds": 0.2})
        process = self.begin(config, "--log-json", log, ranks=3)
        os.kill(process.popen.pid, signal.SIGUSR1)
        self.assert_stopped(process, "signal USR1")
        self.run_ok(config, self.out, "--log-json", log)  # appends
        text = log.read_text()
        self.assertTrue(text.endswith("\n"))
        events = [json.loads(line) for line in text.splitlines()]
        starts = [number for number, event in enumerate(events) if event["event"] == "start"]
        self.assertEqual([events[number]["done"] for number in starts][0], 0)
        self.assertEqual(len(starts), 2)
        ends = [event for event in events if event["event"] == "end"]
        self.assertEqual([event["outcome"] for event in ends], ["signal USR1", "complete"])
        self.assertEqual(events[starts[1]]["done"], ends[0]["done"])
        units = [(event["n"], event["m"], event["trial"]) for event in events if event["event"] == "unit"]
        self.assertEqual(len(units), UNITS)
        self.assertEqual(len(set(units)), UNITS)
        self.assertGreater(sum(event["event"] == "checkpoint" for event in events), 1)
        self.assertTrue(any("continuing" in event.get("text", "") for event in events))

    def test_a_file_being_written_can_be_shown(self):
        config = self.config({**LONG, "trials": 2000, "run.checkpoint_seconds": 0.05})
        process = self.begin(config, ranks=2)
        self.assertTrue(system.until(self.out.exists))
        for _ in range(10):
            shown = self.mcbe("show", self.out)
            self.assertEqual(shown.code, system.OK, shown.err)
        self.assertIsNone(process.popen.poll(), "the run ended while it was looked at")
        process.end()

    def test_an_event_log_that_cannot_be_opened_is_refused(self):
        result = self.mcbe("run", self.config(), "-o", self.out, "--log-json", self.dir / "no" / "events.json")
        self.assertEqual(result.code, system.BAD_SYSTEM)
        self.assertIn("cannot open the event log", result.err)
        self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
