"""Raising sampling.samples of a run continues it: the file equals that of a run that was asked for so many points at once."""

import pathlib
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_USAGE

ROUND = 64 * 256           # points after which the stop rule is looked at, design iid
PAIRED_ROUND = 1024 * 1024
SEARCH = {"search.enabled": True, "search.evaluations": 20000, "search.lower_evaluations": 5000, "polytope.enabled": True,
          "exact.enabled": True, "exact.work_limit": 1e7}
# Numbers of points, each asked for in turn: within a block, then across a round. The stop rule has borders of rounds.
STEPS = (300, ROUND + 17, 2 * ROUND + 1017)
PAIRED_STEPS = (300, PAIRED_ROUND + 100)
SHAPES = {
    "iid": ({}, STEPS),
    "paired": ({"sampling.design": "paired"}, PAIRED_STEPS),
    "nested, paired, rows first": ({"grid.nested": True, "sampling.design": "paired", "sampling.init_rows": True},
                                   PAIRED_STEPS),
    "radii drawn": ({"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5, "domain.radial": "sampled"},
                    STEPS),
    "gaussian, precision double": ({"domain.kind": "gaussian", "sampling.precision": "double"}, STEPS),
    "search and exact answers": ({**SEARCH, "grid.n": {"values": [3, 6]}, "grid.m": {"values": [9, 40]}}, STEPS[1:]),
    "bound by witnesses": ({"bound.method": "wait_and_judge"}, STEPS),
    "stop rule": ({"sampling.stop.unchanged": 3000}, (ROUND, 2 * ROUND, 200000)),
    "stop rule, nested, rows first": ({"sampling.stop.unchanged": 3000, "grid.nested": True, "sampling.init_rows": True},
                                      (2 * ROUND + 100, 200000)),
    "stop rule, search": ({"sampling.stop.unchanged": 3000, **SEARCH, "grid.n": 3, "grid.m": {"values": [9, 40]}},
                          (ROUND, 200000)),
    "transition": ({"experiment": "injectivity_transition", "curves": [{"n": 3, "m_from": 6, "m_to": 12, "m_step": 3}]},
                   STEPS),
}


class Extend(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.folder = self.dir / "results"
        self.folder.mkdir()
        self.out = self.folder / "out.h5"


class Equal(Extend):
    def test_every_shape_on_every_number_of_ranks(self):
        for number, (name, (changes, steps)) in enumerate(SHAPES.items()):
            drop = ("grid.n", "grid.m") if "curves" in changes else ()
            with self.subTest(name):
                out = self.folder / f"{number}.h5"
                counts = []
                for samples in steps:  # the last one by several ranks, together on each unit or not
                    ranks = (2, 3, 4)[number % 3] if samples == steps[-1] else None
                    config = self.config({**changes, "sampling.samples": samples}, drop=drop)
                    self.run_ok(config, out, "--set", f"run.ranks_per_unit={('all', 1)[number % 2]}", ranks=ranks)
                    counts.append(system.read(out, "trials/samples"))
                self.assert_identical(self.run_ok(config, self.dir / f"{number}.h5"), out)
                if name == "stop rule":
                    first, second, _ = steps
                    self.assertTrue((counts[1] == first).any(), "no unit had stopped before")
                    self.assertTrue((counts[2] == second).any(), "no unit stops where a smaller run ended")
                    self.assertTrue((counts[2] > second).any(), "no unit goes on")

    def test_only_what_is_new_is_computed(self):
        """A bias below all others, put into the file by hand, is found again only by a run that goes on from there."""
        self.run_ok(self.config(), self.out)
        with h5py.File(self.out, "r+") as file:
            planted = file["alpha/direction"][0] - 1
            file["alpha/direction"][0] = planted
        self.run_ok(self.config({"sampling.samples": 900}), self.out)
        self.assertEqual(system.read(self.out, "alpha/direction")[0], planted)
        whole = self.compute({"sampling.samples": 900})
        self.assertGreater(system.read(whole, "alpha/direction")[0], planted)

    def test_more_trials_and_more_points_at_once(self):
        self.run_ok(self.config({"trials": 2}), self.out)
        result = self.mcbe("run", self.config({"trials": 4, "sampling.samples": 900}), "-o", self.out, ranks=3)
        self.assertEqual(result.code, system.OK, result.err)
        self.assertIn("12 units were finished when less was asked of each", result.err)
        self.assert_identical(self.compute({"trials": 4, "sampling.samples": 900}), self.out)
        self.assertEqual(system.segments(self.out)["units"].tolist(), [12, 24])
        self.assertEqual(system.listing(self.folder).keys(), {"out.h5", "out.h5.prev"})

    def test_the_extended_file_is_verified(self):
        self.run_ok(self.config(), self.out)
        self.run_ok(self.config({"sampling.samples": 900}), self.out)
        result = self.mcbe("verify", self.out)
        self.assertEqual(result.code, system.OK, result.err)


class Shards(Extend):
    def shards(self, changes, count=3):
        paths = [self.dir / f"shard{k}.h5" for k in range(count)]
        for k, path in enumerate(paths):
            self.run_ok(self.config(changes), path, "--shard", f"{k}/{count}")
        return paths

    def test_extended_shards_make_the_whole_run(self):
        changes = {"trials": 4, "grid.n": [2, 5], "grid.m": [5, 12], "sampling.design": "paired"}
        files = self.shards({**changes, "sampling.samples": 1000})
        seconds = [system.read(path, "cells/done") for path in files]
        files = self.shards({**changes, "sampling.samples": 10**6})
        for path, before in zip(files, seconds):
            np.testing.assert_array_equal(system.read(path, "cells/done"), before, "a unit has changed its shard")
        result = self.mcbe("merge", "-o", self.out, *files)
        self.assertEqual(result.code, system.OK, result.err)
        self.assert_identical(self.compute({**changes, "sampling.samples": 10**6}), self.out)

    def test_shards_of_different_numbers_of_points_are_refused(self):
        files = self.shards({})
        self.run_ok(self.config({"sampling.samples": 900}), files[1], "--shard", "1/3")
        for order in (files, [files[1], files[0], files[2]]):
            result = self.mcbe("merge", "-o", self.out, *order)
            self.assertEqual(result.code, BAD_USAGE)
            self.assertRegex(result.err, r"(?s)shard\d.h5'.*sampling.samples.*(600.*900|900.*600)")
            self.assertFalse(self.out.exists())


if __name__ == "__main__":
    unittest.main()
