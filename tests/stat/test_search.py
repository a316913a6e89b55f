"""Guided search against what is known: exact answers for small n, and layers that are certainly refutable."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system


class Lowering(system.SystemTest):
    def test_small_layers_reach_the_exact_minimum_and_never_pass_it(self):
        out = self.compute({"trials": 12, "grid.n": {"values": [2, 3, 4]}, "grid.m": {"values": [6, 11, 20]},
                            "frame.ensemble": "sphere", "sampling.samples": 2000, "search.enabled": True,
                            "search.lower_evaluations": 60000, "exact.enabled": True})
        found, exact, sampled = system.read(out, "alpha/direction", "alpha/exact", "alpha/uniform")
        self.assertTrue(np.isfinite(exact).all(), "every exact answer was within the work limit")
        self.assertTrue((found >= exact - 1e-12).all(), "alpha* of a finite set is never below the exact one")
        reached = found <= exact + 1e-9
        self.assertGreaterEqual(reached.mean(), 0.99)
        # without search next to no row gets there, so the test sees what search does
        self.assertLess((sampled <= exact + 1e-9).mean(), 0.2)


class Refuting(system.SystemTest):
    def test_layers_that_uniform_points_call_injective_are_refuted(self):
        """(20, 90): m/n = 4.5 lies far below the threshold; of 1,000 such layers tried none was missed."""
        out = self.compute({"trials": 40, "grid.n": 20, "grid.m": 90, "sampling.samples": 100000,
                            "sampling.design": "paired", "search.enabled": True})
        uniform, verdict, active = system.read(out, "trials/hamming_uniform/zero", "trials/verdict/zero",
                                               "certificates/zero/active")
        self.assertGreaterEqual((uniform == 1).sum(), 30, "most look injective from 100,000 uniform points")
        self.assertGreaterEqual((verdict == 0).sum(), 39, "98 % of 40")
        self.assertTrue(((active >= 0) & (active < 20) == (verdict == 0)).all())

    def test_exact_and_guided_answers_agree_near_the_transition(self):
        """No injective layer is refuted; of the others search misses at most 1 %."""
        out = self.compute({"trials": 110, "grid.n": {"values": [3, 4, 5]}, "grid.m": 14, "sampling.samples": 1000,
                            "search.enabled": True, "exact.enabled": True})
        exact, fewest = system.read(out, "trials/exact_injective", "trials/min_active")
        n = system.read(out, "cells/n")[:, None]
        self.assertTrue(np.isin(exact, (0, 1)).all())
        self.assertGreater((exact == 0).sum(), 100)
        self.assertGreater((exact == 1).sum(), 50)
        # min_active is that of visited points; exact answers have no part in it
        self.assertFalse(((fewest < n) & (exact == 1)).any())
        self.assertGreaterEqual((fewest < n)[exact == 0].mean(), 0.99)


if __name__ == "__main__":
    unittest.main()
