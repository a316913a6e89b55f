"""Values that are known without the program: polyhedra, n = 2, and what constant biases must do."""

import math
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

ZERO = [{"name": "zero", "kind": "constant", "value": 0}]


class Polyhedra(system.SystemTest):
    def polyhedron(self, name, rows):
        return self.compute({"trials": 1, "grid.n": 3, "grid.m": rows, "frame.ensemble": name, "biases": ZERO,
                             "sampling.samples": 1000000})

    def test_tetrahedron(self):
        """Sum of all rows = 0 makes the smallest of the 3 largest coefficients of a unit x at least -1/sqrt(3)."""
        alpha = system.read(self.polyhedron("tetrahedron", 4), "alpha/data")
        exact = -1 / math.sqrt(3)
        self.assertEqual(alpha.shape, (4,))
        self.assertGreaterEqual(alpha.min(), exact - 1e-12)
        self.assertLess(alpha.max(), exact + 1e-3)

    def test_octahedron(self):
        """The 3 largest coefficients are |x_1|, |x_2|, |x_3|: never negative, and exactly 3 rows are active."""
        alpha, active, injective = system.read(self.polyhedron("octahedron", 6), "alpha/data", "trials/min_active",
                                               "trials/mcbe_injective/zero")
        self.assertGreaterEqual(alpha.min(), 0)
        self.assertLess(alpha.max(), 1e-3)
        self.assertEqual(active.item(), 3)
        self.assertEqual(injective.item(), 1)


class TwoDimensions(system.SystemTest):
    TRIALS, SAMPLES, ROWS = 2000, 20000, [5, 6, 8, 10, 12]

    def test_share_of_injective_layers(self):
        """P(injective) = 1 - m(m-2)/2^(m-1): every closed half-plane must hold 2 of the m Gaussian rows (Wendel's
        argument). Sampling can only overestimate: a layer is missed if no point falls into its arc with fewer than
        2 active rows. The 2m boundaries of arcs cut the circle at random, so an arc has mean share 1/(2m) and is
        missed by N points with probability about 1/(1 + N/(2m)) < 2m/N."""
        out = self.compute({"trials": self.TRIALS, "grid.n": 2, "grid.m": {"values": self.ROWS}, "biases": ZERO,
                            "sampling.samples": self.SAMPLES}, ranks=2)
        injective, rows = system.read(out, "trials/mcbe_injective/zero", "cells/m")
        self.assertEqual(rows.tolist(), self.ROWS)
        self.assertEqual(injective.shape, (len(self.ROWS), self.TRIALS))
        for m, share in zip(self.ROWS, injective.mean(axis=1)):
            exact = 1 - m * (m - 2) / 2 ** (m - 1)
            error = 4 * math.sqrt(exact * (1 - exact) / self.TRIALS)
            bias = (1 - exact) * 2 * m / self.SAMPLES
            with self.subTest(m=m):
                self.assertGreaterEqual(share, exact - error)
                self.assertLessEqual(share, exact + error + bias)


class ConstantBiases(system.SystemTest):
    def test_larger_constants_satisfy_fewer_rows(self):
        values = [-0.5, -0.25, 0, 0.125, 0.25, 0.5]
        biases = [{"name": f"c{number}", "kind": "constant", "value": value} for number, value in enumerate(values)]
        out = self.compute({"trials": 20, "grid.n": {"values": [3, 10]}, "grid.m": {"values": [10, 40]},
                            "biases": biases, "sampling.samples": 5000})
        shares = np.array(system.read(out, *[f"trials/hamming/c{number}" for number in range(len(values))]))
        self.assertTrue((np.diff(shares, axis=0) <= 0).all())
        self.assertLess(shares[-1].mean(), shares[0].mean())


if __name__ == "__main__":
    unittest.main()
