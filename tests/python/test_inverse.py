"""reconstruct and stability against NumPy."""

import unittest

import mcbe
import numpy as np


def layer(seed, m=14, n=5, count=60):
    rng = np.random.default_rng(seed)
    W, bias, x = rng.standard_normal((m, n)), 0.3 * rng.standard_normal(m), rng.standard_normal((count, n))
    return W, bias, x, np.maximum(0, x @ W.T - bias)


class Reconstructions(unittest.TestCase):
    def test_inputs_come_back_where_enough_rows_are_active(self):
        W, bias, x, z = layer(1)
        found = mcbe.reconstruct(W, bias, z)
        np.testing.assert_array_equal(found.active, (z > 0).sum(axis=1))
        known = found.active >= 5
        self.assertTrue(0.3 < known.mean() < 1)
        np.testing.assert_array_equal(found.rank == 5, known)
        np.testing.assert_allclose(found.x[known], x[known], atol=1e-9)
        self.assertLess(found.residual.max(), 1e-12)
        for i in np.flatnonzero(~known)[:5]:  # the shortest of many
            rows = z[i] > 0
            shortest = np.linalg.pinv(W[rows]) @ (z[i] + bias)[rows]
            np.testing.assert_allclose(found.x[i], shortest, atol=1e-9)

    def test_refusals(self):
        W, bias, _, z = layer(2)
        z[3, 4] = -1
        with self.assertRaisesRegex(mcbe.ArgumentError, "row 4 of output 3 is -1"):
            mcbe.reconstruct(W, bias, z)
        with self.assertRaisesRegex(mcbe.ArgumentError, "outputs: shape"):
            mcbe.reconstruct(W, bias, z[:, :3])


class Stabilities(unittest.TestCase):
    def test_singular_values(self):
        W, bias, x, _ = layer(3)
        found = mcbe.stability(W, bias, x)
        for i, point in enumerate(x):
            rows = W[W @ point > bias]
            sigma = np.linalg.svd(rows, compute_uv=False) if len(rows) else np.zeros(1)
            self.assertAlmostEqual(found.largest[i], sigma[0], places=12)
            self.assertAlmostEqual(found.smallest[i], sigma[4] if len(rows) >= 5 else 0.0, places=12)
            self.assertEqual((found.active[i], found.rank[i]), (len(rows), min(len(rows), 5)))
        self.assertEqual(found.lower_at_most, found.smallest.min())
        self.assertEqual(found.upper_at_least, found.largest.max())
        self.assertAlmostEqual(found.upper_at_most, np.linalg.norm(W, 2), places=12)

    def test_refusals(self):
        W, bias, x, _ = layer(4)
        with self.assertRaisesRegex(mcbe.ArgumentError, r"points: entry \(0, 0\) is nan"):
            mcbe.stability(W, bias, x * np.nan)


class Preimages(unittest.TestCase):
    """The triangle's normals and one row more, by hand."""

    W = np.array([[1.0, 0.0], [-0.5, 1.0], [-0.5, -1.0], [0.25, 0.0]])

    def test_verdicts(self):
        bias = np.ones(4)  # nothing is active near 0: the triangle and what it encloses
        found = mcbe.preimage(self.W, bias, [0.0, 0.0])
        self.assertEqual((found.verdict, found.dimension, found.positive), ("compact", 2, 0))
        np.testing.assert_allclose(self.W.T @ found.combination, 0, atol=1e-12)
        self.assertGreater(found.margin, 1)
        found = mcbe.preimage(self.W, bias, [9.0, 9.0])  # rows 0, 1 and 3
        self.assertEqual((found.verdict, found.proof, found.dimension), ("singleton", "rank", 0))
        found = mcbe.preimage(self.W[:2], bias[:2], [0.0, 0.0])  # two rows enclose nothing
        self.assertEqual(found.verdict, "unbounded")
        self.assertTrue((self.W[:2] @ found.direction <= 1e-12).all())

    def test_refusals(self):
        with self.assertRaisesRegex(mcbe.ArgumentError, r"x: shape \(3,\)"):
            mcbe.preimage(self.W, None, [1, 2, 3])
        with self.assertRaises(mcbe.ArgumentError):
            mcbe.preimage(self.W, None, [np.inf, 0])


if __name__ == "__main__":
    unittest.main()
