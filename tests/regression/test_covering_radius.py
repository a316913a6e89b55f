"""The radii and corrected biases of `covering_radius` against geometry done here with NumPy alone."""

import itertools
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_oracle as oracle
import mcbe_system as system

SEED = 4711
SERIES = ("radius_lower", "radius_upper", "radius_search", "alpha_min", "corrected_min", "corrected_mean", "rectified",
          "corrected_rectified")


def directions(n, m, trial, count):
    x, scale = oracle.many_points(SEED, n, m, trial, count)
    unit = (x * scale).T
    return unit / np.linalg.norm(unit, axis=1)[:, None]


def radius_on_the_circle(points):
    """The middle of the largest gap is a quarter of its chord's angle away: 2 sin(gap / 4)."""
    angles = np.sort(np.arctan2(points[:, 1], points[:, 0]))
    gap = max(np.diff(angles).max(), 2 * np.pi - (angles[-1] - angles[0]))
    return 2 * np.sin(gap / 4), gap < np.pi


def radius_on_the_sphere(points):
    """The emptiest place is equally far from three points: try the axes of all triples, in both directions."""
    triples = np.array(list(itertools.combinations(range(len(points)), 3)))
    a, b, c = points[triples.T]
    axes = np.cross(b - a, c - a)
    axes /= np.linalg.norm(axes, axis=1)[:, None]
    places = np.concatenate([axes, -axes])
    nearest = (places @ points.T).max(axis=1)
    return np.sqrt(2 - 2 * nearest.min()), nearest.min() > 0


class Radii(system.SystemTest):
    def check(self, n, m, trials, counts, brute_force):
        out = self.compute({"experiment": "covering_radius", "seed": SEED, "trials": trials, "cells": [{"n": n, "m": m}],
                            "sampling.samples": counts[-1], "covering.counts": {"values": counts}})
        lower, upper, search = system.read(out, *(f"curves/{name}" for name in SERIES[:3]))
        surrounded = 0
        for trial in range(trials):
            points = directions(n, m, trial, counts[-1])
            for i, count in enumerate(counts):
                radius, all_around = brute_force(points[:count])
                with self.subTest(trial=trial, count=count):
                    self.assertLessEqual(search[0, trial, i], radius + 1e-12)
                    self.assertEqual(np.isnan(upper[0, trial, i]), not all_around)
                    if all_around:
                        self.assertLessEqual(lower[0, trial, i], radius + 1e-12)
                        self.assertGreaterEqual(upper[0, trial, i], radius - 1e-12)
                        self.assertLess(upper[0, trial, i] - lower[0, trial, i], 1e-10)
                        surrounded += 1
        return surrounded

    def test_circle(self):
        """With 4 points a half-circle is empty in about half of the trials: then there is no upper bound."""
        surrounded = self.check(2, 4, 20, [4, 10, 300, 1000], radius_on_the_circle)
        self.assertTrue(45 < surrounded < 79, surrounded)

    def test_sphere(self):
        self.check(3, 6, 4, [8, 20, 60], radius_on_the_sphere)


class Corrected(system.SystemTest):
    def test_bias_and_what_it_promises(self):
        """a - |w| rho on each domain, rectifying everywhere, and min over the rows in the right order."""
        base = {"experiment": "covering_radius", "seed": SEED, "trials": 10, "cells": [{"n": 2, "m": 6}, {"n": 3, "m": 8}],
                "sampling.samples": 300, "covering.counts": {"values": [30, 100]}}
        for kind, changes, finish in (
                ("sphere", {"domain.radius": 3}, lambda a: 3 * a),
                ("ball", {"domain.radius": 0.5}, lambda a: 0.5 * np.minimum(0, a)),
                ("shell", {"domain.radius": 2, "domain.inner_radius": 0.25}, lambda a: np.minimum(0.25 * a, 2 * a))):
            with self.subTest(kind):
                out = self.compute({**base, "domain.kind": kind, **changes})
                direction, norm, corrected, exact, offset = system.read(
                    out, *(f"alpha/{name}" for name in ("direction", "row_norm", "corrected", "exact", "offset")))
                curve = dict(zip(SERIES, system.read(out, *(f"curves/{name}" for name in SERIES))))
                exact_min = system.read(out, "trials/exact_min")
                radius = np.repeat(curve["radius_upper"][:, :, -1].ravel(), np.diff(offset))
                expected = np.where(np.isinf(direction), np.inf, finish(direction - norm * radius))
                np.testing.assert_allclose(corrected, expected, rtol=0, atol=1e-9)
                for unit in range(20):
                    rows = slice(offset[unit], offset[unit + 1])
                    cell, trial = divmod(unit, 10)
                    self.assertEqual(exact_min[cell, trial], exact[rows].min())
                    finite = corrected[rows][np.isfinite(corrected[rows])]
                    self.assertEqual(curve["corrected_min"][cell, trial, -1], finite.min())
                    self.assertAlmostEqual(curve["corrected_mean"][cell, trial, -1], finite.mean(), 12)
                known = ~np.isnan(curve["radius_upper"])
                self.assertGreater(known.sum(), 50)
                self.assertTrue((curve["corrected_rectified"][known] == 1).all())
                self.assertTrue((curve["rectified"][known] < 1).any(), "the correction has something to do")
                bound = np.broadcast_to(exact_min[:, :, None], known.shape)[known]
                self.assertTrue((curve["corrected_min"][known] <= bound).all())
                self.assertTrue((bound <= curve["alpha_min"][known]).all())


if __name__ == "__main__":
    unittest.main()
