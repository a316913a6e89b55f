"""The curves of `convergence` equal, bit for bit, those of an independent NumPy implementation by brute force."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_oracle as oracle
import mcbe_system as system

SEED, SAMPLES, TESTS = 9035768, 1500, 300  # neither a whole number of blocks
CELLS = {"experiment": "convergence", "seed": SEED, "sampling.samples": SAMPLES, "test.samples": TESTS,
         "cells": [{"n": 1, "m": 4}, {"n": 2, "m": 5}, {"n": 3, "m": 3}, {"n": 5, "m": 37}], "exact.enabled": False}


class Curves(system.SystemTest):
    def check(self, changes=None, **options):
        out = self.compute({**CELLS, **(changes or {})})
        iterations, n, m = system.read(out, "curves/iteration", "cells/n", "cells/m")
        for cell in range(len(n)):
            for trial in range(2):
                expected = oracle.curves(SEED, int(n[cell]), int(m[cell]), trial, iterations, TESTS, **options)
                for name, values in expected.items():
                    with self.subTest(name, n=n[cell], m=m[cell], trial=trial):
                        np.testing.assert_array_equal(system.read(out, f"curves/{name}")[cell, trial], values)

    def test_sphere(self):
        self.check()

    def test_unit_rows_first(self):
        self.check({"frame.ensemble": "gaussian", "frame.normalize_rows": True, "sampling.init_rows": True},
                   unit_rows=True, init_rows=True)

    def test_domains(self):
        for name, domain in {
                "ball": {"kind": "ball", "radius": 0.7},
                "shell, sampled": {"kind": "shell", "radius": 2.0, "inner_radius": 0.3, "radial": "sampled"},
                "gaussian": {"kind": "gaussian"},
                "nonnegative": {"nonnegative": True}}.items():
            with self.subTest(name):
                self.check({f"domain.{key}": value for key, value in domain.items()}, **domain)


class Iterations(system.SystemTest):
    def iterations(self, samples, per_decade):
        out = self.compute({"experiment": "convergence", "trials": 1, "cells": [{"n": 1, "m": 1}],
                            "sampling.samples": samples, "curve.points_per_decade": per_decade})
        return system.read(out, "curves/iteration").tolist()

    def test_evenly_spaced_by_logarithm(self):
        """By hand: 10^1.25 = 17.78, 10^1.5 = 31.62, 10^1.75 = 56.23."""
        first = list(range(1, 11))
        self.assertEqual(self.iterations(1234, 4), first + [18, 32, 56, 100, 178, 316, 562, 1000, 1234])
        self.assertEqual(self.iterations(100, 1), first + [100])
        self.assertEqual(self.iterations(12, 20), first + [11, 12])
        self.assertEqual(self.iterations(10, 3), first)
        self.assertEqual(self.iterations(7, 20), first[:7])
        self.assertEqual(self.iterations(1, 1), [1])

    def test_no_two_are_equal(self):
        found = self.iterations(100000, 1000)
        self.assertEqual(found, sorted(set(found)))
        self.assertEqual(found[-1], 100000)
        self.assertEqual(found[:101], list(range(1, 102)), "dense where there are fewer numbers than places")


if __name__ == "__main__":
    unittest.main()
