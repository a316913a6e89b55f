"""Shards: parts of a run computed apart, merged into the file of the whole run, byte for byte."""

import os
import pathlib
import re
import shutil
import signal
import sys
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_SYSTEM, BAD_USAGE, OK

GUIDED = {"trials": 3, "search.enabled": True, "search.evaluations": 20000, "search.lower_evaluations": 5000,
          "exact.enabled": True, "exact.work_limit": 1e6, "holdout.samples": 300}
NESTED = {"trials": 3, "grid.n": {"values": [2, 3, 4]}, "grid.m": [2, 9], "grid.nested": True, "biases": [
    {"name": "zero", "kind": "constant", "value": 0}]}


class Shards(system.SystemTest):
    def shards(self, config, count, *more, **options):
        """Compute all shards of a run, on different numbers of ranks; returns the files."""
        files = []
        for index in range(count):
            path = self.dir / f"{config.stem}.shard-{index}-of-{count}.h5"
            files.append(self.run_ok(config, path, "--shard", f"{index}/{count}", *more,
                                     ranks=(None, 2, 3)[index % 3], **options))
        return files

    def merge(self, *args, code=OK):
        result = self.mcbe("merge", "-o", self.dir / "merged.h5", *args)
        self.assertEqual(result.code, code, result.err)
        return result


class Merged(Shards):
    def assert_merges(self, changes, counts):
        config = self.config(changes)
        whole = self.run_ok(config, self.dir / "whole.h5", ranks=2)
        for count in counts:
            with self.subTest(count=count):
                files = self.shards(config, count)
                units = sum(int(system.segments(path)["units"].sum()) for path in files)
                with h5py.File(whole) as file:
                    self.assertEqual(units, file.attrs["units"], "every unit belongs to exactly one shard")
                self.merge("--fresh", *reversed(files))
                self.assert_identical(whole, self.dir / "merged.h5")
                self.assert_same_root(whole)
                self.assertEqual(self.mcbe("verify", self.dir / "merged.h5").code, OK)
                for path in files:
                    path.unlink()

    def assert_same_root(self, whole):
        """All attributes of the file, but those that tell when and how it was written."""
        with h5py.File(whole) as one, h5py.File(self.dir / "merged.h5") as other:
            for name in set(one.attrs) | set(other.attrs):
                if name not in ("created_utc", "command_line"):
                    self.assertEqual(one.attrs[name].tolist() if hasattr(one.attrs[name], "tolist") else one.attrs[name],
                                     other.attrs[name].tolist() if hasattr(other.attrs[name], "tolist")
                                     else other.attrs[name], name)
            for name in ("text", "resolved"):
                self.assertEqual(one["config"].attrs[name], other["config"].attrs[name])

    def test_a_guided_diagram(self):
        self.assert_merges(GUIDED, (1, 3, 8))

    def test_convergence(self):
        self.assert_merges({"experiment": "convergence"}, (3,))

    def test_nested_cells_stay_together(self):
        self.assert_merges(NESTED, (2,))

    def test_more_shards_than_units(self):
        """Some are empty, and complete at once."""
        config = self.config({"trials": 1, "grid.n": {"values": [2]}, "grid.m": {"values": [3, 6]}})
        whole = self.run_ok(config, self.dir / "whole.h5")
        self.merge(*self.shards(config, 4))
        self.assert_identical(whole, self.dir / "merged.h5")

    def test_segments_of_all_shards_are_kept(self):
        files = self.shards(self.config(), 3)
        self.merge(*files)
        rows = system.segments(self.dir / "merged.h5")
        self.assertEqual([row["reason"].decode() for row in rows], ["complete"] * 3 + ["merged"])
        self.assertEqual(int(rows["units"].sum()), 12)
        self.assertEqual(rows["ranks"][:3].tolist(), [1, 2, 3])

    def test_a_killed_shard_goes_on(self):
        config = self.config({"trials": 100, "grid.m": {"values": [6, 9, 30]}, "sampling.samples": 50000})
        whole = self.run_ok(config, self.dir / "whole.h5", ranks=2)
        first, second = (self.dir / f"{k}.h5" for k in range(2))
        process = self.start("run", config, "-o", first, "--shard", "0/2", ranks=2)
        self.assertTrue(system.until(lambda: len(system.recorded(first)) >= 5))
        process.end()
        self.run_ok(config, second, "--shard", "1/2", ranks=2)
        self.run_ok(config, first, "--shard", "0/2")
        self.merge(first, second)
        self.assert_identical(whole, self.dir / "merged.h5")

    def test_shards_cost_about_the_same(self):
        """Dearest first, each to the shard with the least so far: none exceeds the mean by more than the dearest."""
        config = self.config({"trials": 2, "grid.n": [2, 8], "grid.m": [2, 40]})
        cost = []
        for path in self.shards(config, 4):
            with h5py.File(path) as file:
                n, m, done = (file[f"cells/{name}"][()].astype(float) for name in ("n", "m", "done"))
            cost.append((n * m * done.sum(axis=1)).sum())
        mean = sum(cost) / 4
        self.assertLess(max(cost) - mean, 0.2 * mean)


class Refused(Shards):
    computed = {}  # {name: bytes} of three shards, computed once

    def setUp(self):
        super().setUp()
        if not self.computed:
            self.computed.update((path.name, path.read_bytes()) for path in self.shards(self.config(), 3))
        self.files = [self.dir / name for name in self.computed]
        for path in self.files:
            path.write_bytes(self.computed[path.name])

    def assert_refused(self, code, sentence, *args):
        result = self.merge(*args, code=code)
        self.assertRegex(result.err, sentence)
        self.assertFalse((self.dir / "merged.h5").exists())
        self.assertEqual([path.name for path in self.dir.glob("merged*")], [])

    def test_missing_shards(self):
        self.assert_refused(BAD_FILE, r"of 3 shards these are missing: 1; --partial", self.files[0], self.files[2])

    def test_a_shard_given_twice(self):
        again = self.dir / "again.h5"
        shutil.copy(self.files[1], again)
        self.assert_refused(BAD_FILE, r"'.*again.h5' and '.*1-of-3.h5' are both shard 1", *self.files, again)

    def test_another_configuration(self):
        config = self.config({"sampling.samples": 700}, "other.yaml")
        other = self.run_ok(config, self.dir / "other.h5", "--shard", "1/3")
        self.assert_refused(BAD_USAGE, r"(?s)other.h5' belongs to another configuration.*sampling.samples.*700", self.files[0],
                            other, self.files[2])

    def test_another_number_of_shards_or_trials(self):
        other = self.run_ok(self.config(), self.dir / "other.h5", "--shard", "1/2")
        self.assert_refused(BAD_USAGE, r"other.h5' is one of 2 shards, '.*' is one of 3", self.files[0], other)
        more = self.run_ok(self.config({"trials": 5}), self.dir / "more.h5", "--shard", "1/3")
        self.assert_refused(BAD_USAGE, r"more.h5' has 5 trials", self.files[0], more, self.files[2])

    def test_all_that_is_wrong_is_named(self):
        damaged = self.dir / "damaged.h5"
        damaged.write_bytes(self.files[1].read_bytes()[:1000])
        result = self.merge(self.files[0], damaged, self.dir / "none.h5", code=BAD_FILE)
        self.assertIn("damaged.h5", result.err)
        self.assertIn("none.h5", result.err)

    def test_damaged_data(self):
        with h5py.File(self.files[1], "r+") as file:
            at = file["alpha/data"].chunks and file["alpha/data"].id.get_chunk_info(0).byte_offset
        with open(self.files[1], "r+b") as file:
            file.seek(at)
            file.write(b"\xff" * 8)
        self.assert_refused(BAD_FILE, "alpha/data", *self.files)

    def test_a_shard_being_written(self):
        config = self.config({"trials": 1, "grid.n": 30, "grid.m": 60, "sampling.samples": 10**12}, "endless.yaml")
        path = self.dir / "busy.h5"
        process = self.start("run", config, "-o", path, "--shard", "0/3", "--set", "run.checkpoint_seconds=0.1")
        self.assertTrue(system.until(lambda: pathlib.Path(f"{path}.journal").exists()))
        shutil.copy(self.files[0], path)
        self.assert_refused(BAD_SYSTEM, "busy.h5' is being written by process", path, *self.files[1:])
        process.end()

    def test_an_output_that_is_complete(self):
        self.merge(*self.files)
        before = system.listing(self.dir)
        result = self.merge(*self.files, code=BAD_USAGE)
        self.assertIn("is complete already", result.err)
        self.assertEqual(system.listing(self.dir), before)
        self.merge("--fresh", *self.files)
        self.assertTrue((self.dir / "merged.h5.prev").exists())

    def test_wrong_use(self):
        for args, sentence in ((("merge",), "-o FILE"), (("merge", "-o", "x.h5"), "shards' files are missing"),
                               (("merge", "--bad"), "unknown option")):
            result = self.mcbe(*args)
            self.assertEqual(result.code, BAD_USAGE)
            self.assertIn(sentence, result.err)
        for text in ("3/3", "-1/3", "1", "a/b", "0/0", "1/3x", "", "auto"):
            with self.subTest(text):
                result = self.mcbe("run", self.config(), "-o", self.dir / "x.h5", f"--shard={text}")
                self.assertEqual(result.code, BAD_USAGE)
                self.assertIn("--shard", result.err)
                self.assertFalse((self.dir / "x.h5").exists())


class Partial(Shards):
    def test_a_partial_file_is_continued_by_merging_or_by_running(self):
        config = self.config()
        whole = self.run_ok(config, self.dir / "whole.h5")
        files = self.shards(config, 3)
        result = self.merge("--partial", files[0])
        self.assertIn("warning: of 3 shards these are missing: 1 2", result.err)
        shown = self.mcbe("show", self.dir / "merged.h5")
        self.assertIn("not complete", shown.out)
        self.merge("--partial", files[2])
        self.run_ok(config, self.dir / "merged.h5", ranks=2)
        self.assert_identical(whole, self.dir / "merged.h5")
        self.assertEqual(int(system.segments(self.dir / "merged.h5")["units"].sum()), 12)

    def test_an_unfinished_shard_is_named(self):
        config = self.config({"trials": 400, "grid.m": {"values": [6, 9, 30]}, "sampling.samples": 50000})
        path = self.dir / "first.h5"
        process = self.start("run", config, "-o", path, "--shard", "0/2")
        self.assertTrue(system.until(lambda: len(system.recorded(path)) >= 5))
        os.kill(process.popen.pid, signal.SIGUSR1)
        self.assertEqual(process.wait().code, 75)
        result = self.merge(path, code=BAD_FILE)
        self.assertRegex(result.err, r"of 2 shards these are missing: 1")
        self.assertRegex(result.err, r"first.h5', shard 0, is not complete: it has \d+ units")
        self.merge("--partial", path)


class OfAnArray(Shards):
    def array(self, **values):
        return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in values.items()}

    def test_auto_counts_from_the_lowest_task(self):
        config = self.config()
        for first, step in ((0, 1), (1, 1), (10, 5)):
            with self.subTest(first=first, step=step):
                env = self.array(ID=first + 2 * step, MIN=first, MAX=first + 3 * step, COUNT=4, STEP=step)
                path = self.run_ok(config, self.dir / f"{first}.h5", "--shard", "auto", env=env)
                shown = self.mcbe("show", path)
                self.assertRegex(shown.out, r"shard +2 of 4")
                self.assertEqual(self.mcbe("verify", path).code, OK)

    def test_irregular_arrays_are_refused(self):
        result = self.mcbe("run", self.config(), "-o", self.dir / "x.h5", "--shard", "auto",
                           env=self.array(ID=7, MIN=1, MAX=7, COUNT=3, STEP=1))
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("no regular array", result.err)

    def test_another_shard_on_the_same_output_is_refused(self):
        config = self.config()
        path = self.run_ok(config, self.dir / "x.h5", "--shard", "1/4")
        for more in (("--shard", "2/4"), ("--shard", "1/5"), ()):
            result = self.mcbe("run", config, "-o", path, *more)
            self.assertEqual(result.code, BAD_USAGE)
            self.assertRegex(re.sub(r"\s+", " ", result.err), r"shard.*the file has ['\"]?1/4")

    def test_the_default_name_tells_the_shard(self):
        config = self.config()
        result = self.mcbe("run", config, "--shard", "1/4", prefix=("env", "-C", self.dir))
        self.assertEqual(result.code, OK, result.err)
        self.assertTrue((self.dir / "config.shard-1-of-4.h5").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
