"""The curves of `covering_radius` do not depend on who computed them, nor on interruptions."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

# 2 rounds of 16384 points, the last one not a whole block; hulls of all of n = 2 and 3, a search alone for n = 10.
LONG = {"experiment": "covering_radius", "sampling.samples": 16384 + 1017, "covering.visits": 30,
        "covering.work_limit": 4e4}
VARIANTS = {
    "more ranks than numbers of points": {"covering.counts": 5000},
    "rows as first points": {"sampling.init_rows": True},
    "shell": {"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5},
}


class Ranks(system.SystemTest):
    def check(self, changes, ways):
        path = self.compute(changes)
        expected = system.contents(path)
        self.assertIn("curves/radius_upper", expected)
        for ranks, team in ways:
            with self.subTest(ranks=ranks, team=team):
                out = self.compute({**changes, "run.ranks_per_unit": team}, f"{ranks}-{team}.h5", ranks=ranks)
                self.assert_identical(expected, out)
        result = self.mcbe("verify", path)
        self.assertEqual(result.code, system.OK, result.err)
        for path in self.dir.iterdir():
            path.unlink()

    def test_every_number_of_ranks_and_every_team(self):
        self.check(LONG, [(ranks, team) for ranks in (2, 4, 7) for team in (1, "all")])

    def test_variants(self):
        for name, changes in VARIANTS.items():
            with self.subTest(name):
                self.check({**LONG, **changes}, [(3, "all"), (4, 2)])


class Points(system.SystemTest):
    def test_the_points_are_those_of_convergence(self):
        """Same seed and shape, same layer and points: so the same means of alpha* after as many of them."""
        shape = {"seed": 7, "trials": 3, "cells": [{"n": 3, "m": 9}], "sampling.samples": 1000, "test.samples": 200}
        means, rectified = system.read(self.compute({**shape, "experiment": "covering_radius",
                                                     "covering.counts": {"values": [10, 100]}}),
                                       "curves/alpha_mean", "curves/rectified")
        places, again, shares = system.read(self.compute({**shape, "experiment": "convergence"}), "curves/iteration",
                                            "curves/alpha_mean", "curves/rectified")
        at = [places.tolist().index(count) for count in (10, 100, 1000)]
        self.assertEqual(means.tolist(), again[:, :, at].tolist())
        self.assertEqual(rectified.tolist(), shares[:, :, at].tolist())


class Resume(system.SystemTest):
    def test_killed_and_run_again(self):
        changes = {**LONG, "trials": 40}
        out = self.dir / "out.h5"
        config = self.config(changes)
        process = self.start("run", config, "-o", out)
        self.assertTrue(system.until(lambda: len(system.recorded(out)) >= 5), "no units were recorded")
        process.end()
        recorded = len(system.recorded(out))
        self.assertTrue(0 < recorded < 120, "the run ended before it could be interrupted")
        self.run_ok(config, out, ranks=2)
        self.assertEqual(system.segments(out)["units"].tolist()[-1], 120 - recorded)
        self.assert_identical(self.compute(changes, "whole.h5"), out)

    def test_more_trials(self):
        out = self.compute({"experiment": "covering_radius", "trials": 1}, "out.h5")
        self.run_ok(self.config({"experiment": "covering_radius", "trials": 3}), out)
        self.assert_identical(self.compute({"experiment": "covering_radius", "trials": 3}, "whole.h5"), out)


if __name__ == "__main__":
    unittest.main()
