"""The curves of `convergence` do not depend on who computed them, nor on interruptions."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

# 3 rounds of 16384 points, the last one not a whole block; test points that no number of ranks divides.
LONG = {"experiment": "convergence", "cells": [{"n": 2, "m": 9}, {"n": 3, "m": 3}, {"n": 30, "m": 60}],
        "sampling.samples": 2 * 16384 + 1017, "test.samples": 1009}
VARIANTS = {
    "fewer test points than ranks": {"test.samples": 2, "sampling.samples": 1000},
    "rows as first points": {"sampling.init_rows": True},
    "paired design": {"sampling.design": "paired"},
    "ball, radial sampled": {"domain.kind": "ball", "domain.radial": "sampled"},
    "shell": {"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5},
}


class Ranks(system.SystemTest):
    def check(self, changes, ways):
        path = self.compute(changes)
        expected = system.contents(path)
        self.assertIn("curves/no_update", expected)
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

    def test_precision_of_the_screen(self):
        expected = system.contents(self.compute(LONG))
        self.assert_identical(expected, self.compute({**LONG, "sampling.precision": "double"}))


class Points(system.SystemTest):
    def test_the_points_are_those_of_the_phase_diagram(self):
        """Same seed and shape, same layer and points: after N of them its mean is the curve's value at N."""
        shape = {"seed": 7, "trials": 3, "sampling.samples": 20000, "sampling.design": "paired"}
        iterations, means = system.read(self.compute({**shape, "experiment": "convergence",
                                                      "cells": [{"n": 10, "m": 25}]}),
                                        "curves/iteration", "curves/alpha_mean")
        for at in (0, len(iterations) // 2, len(iterations) - 1):
            out = self.compute({**shape, "grid.n": 10, "grid.m": 25, "bias_scale": "absolute",
                                "sampling.samples": int(iterations[at])})
            self.assertEqual(system.read(out, "trials/alpha_mean").tolist(), means[:, :, at].tolist())


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
        out = self.compute({"experiment": "convergence", "trials": 1}, "out.h5")
        self.run_ok(self.config({"experiment": "convergence", "trials": 3}), out)
        self.assert_identical(self.compute({"experiment": "convergence", "trials": 3}, "whole.h5"), out)


if __name__ == "__main__":
    unittest.main()
