"""What is known of the curves of `convergence` without the program."""

import math
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system


def exact_of_circle(rows):
    """alpha* of unit rows in the plane: least where a row ties with another one, or opposite to itself."""
    angles = np.arctan2(rows[:, 1], rows[:, 0])
    found = []
    for row, angle in enumerate(angles):
        ties = (angles + angle) / 2
        tried = np.concatenate([ties, ties + np.pi, [angle + np.pi]])
        c = np.cos(tried[:, None] - angles)
        ahead = (np.delete(c, row, axis=1) > c[:, row, None] + 1e-9).sum(axis=1)
        found.append(c[ahead <= 1, row].min(initial=np.inf))
    return np.array(found)


class Share(system.SystemTest):
    def test_share_that_would_not_lower(self):
        """N points and one more can be exchanged, so the last one lowers alpha* with the chance that it is one of the
        witnesses of all N + 1: E[1 - no_update] = E[distinct witnesses of N + 1 points] / (N + 1)."""
        trials, tests, samples = 400, 200, 1000
        out = self.compute({"experiment": "convergence", "trials": trials, "sampling.samples": samples + 1,
                            "test.samples": tests, "curve.points_per_decade": 1, "exact.enabled": False,
                            "cells": [{"n": 2, "m": 9}, {"n": 3, "m": 27}, {"n": 10, "m": 20}]}, ranks=2)
        iterations, shares, offset, witness = system.read(out, "curves/iteration", "curves/no_update", "alpha/offset",
                                                          "witness/sample")
        self.assertEqual(iterations.tolist()[-2:], [samples, samples + 1])
        for cell in range(3):
            units = range(cell * trials, (cell + 1) * trials)
            expected = [len(set(witness[offset[unit]:offset[unit + 1]]) - {-1}) / (samples + 1) for unit in units]
            found = 1 - shares[cell, :, -2]
            error = math.sqrt((found.var() + np.var(expected)) / trials)
            with self.subTest(cell=cell):
                self.assertLess(error, 0.1 * np.mean(expected), "the test is too weak to tell anything")
                self.assertLess(abs(found.mean() - np.mean(expected)), 4 * error)


class Exact(system.SystemTest):
    def check_excess(self, out):
        """Distances fall, never below 0, and end at that of the stored alpha*."""
        offset, exact, alpha, largest, mean = system.read(out, "alpha/offset", "alpha/exact", "alpha/data",
                                                          "curves/excess_max", "curves/excess_mean")
        for curve in (largest, mean):
            steps = np.diff(np.where(np.isinf(curve), 1e9, curve), axis=2)
            self.assertLessEqual(steps.max(), 1e-15)
            self.assertGreaterEqual(curve.min(), -1e-12)
        for unit, (start, end) in enumerate(zip(offset[:-1], offset[1:])):
            at = divmod(unit, largest.shape[1])
            there = np.isfinite(exact[start:end])
            excess = (alpha[start:end] - exact[start:end])[there]
            self.assertEqual(largest[at][-1], excess.max())
            self.assertAlmostEqual(mean[at][-1], excess.mean(), delta=1e-12)

    def test_tetrahedron(self):
        """alpha* is -1/sqrt(3) in every row of the sphere (tests/stat/test_known_values.py says why)."""
        for domain, radius in (("sphere", 1), ("ball", 2)):
            out = self.compute({"experiment": "convergence", "frame.ensemble": "tetrahedron", "domain.kind": domain,
                                "domain.radius": radius, "cells": [{"n": 3, "m": 4}], "sampling.samples": 100000})
            exact = system.read(out, "alpha/exact")
            np.testing.assert_allclose(exact, -radius / math.sqrt(3), rtol=1e-12)
            self.check_excess(out)
            self.assertLess(system.read(out, "curves/excess_max")[:, :, -1].max(), 0.01 * radius)

    def test_plane(self):
        """Angles in the plane give alpha* at once."""
        rng = np.random.default_rng(5)
        for m in (2, 5, 12):
            angles = rng.uniform(0, 2 * np.pi, m)
            rows = np.stack([np.cos(angles), np.sin(angles)], axis=1)
            path = self.dir / f"rows{m}.npy"
            np.save(path, rows)
            out = self.compute({"experiment": "convergence", "frame.ensemble": "file", "frame.path": str(path),
                                "cells": [{"n": 2, "m": m}], "sampling.samples": 20000})
            exact = system.read(out, "alpha/exact").reshape(2, m)
            with self.subTest(m=m):
                np.testing.assert_allclose(exact[0], exact_of_circle(rows), rtol=0, atol=1e-12)
                np.testing.assert_array_equal(exact[0], exact[1])
                self.check_excess(out)

    def test_square(self):
        """With m = n every row is among the n largest, so it is least opposite to itself; and a point rectifies if and
        only if it lowers nothing."""
        out = self.compute({"experiment": "convergence", "cells": [{"n": 2, "m": 2}, {"n": 5, "m": 5}]})
        exact, norms, rectified, quiet = system.read(out, "alpha/exact", "alpha/row_norm", "curves/rectified",
                                                     "curves/no_update")
        np.testing.assert_allclose(exact, -norms, rtol=1e-12)
        np.testing.assert_array_equal(rectified, quiet)
        self.check_excess(out)


if __name__ == "__main__":
    unittest.main()
