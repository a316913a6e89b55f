"""reconstruct, stability, removal, preimage and most_like against NumPy, SciPy and by hand."""

import unittest

import mcbe
import numpy as np

try:
    from scipy.optimize import linprog
except ImportError:
    linprog = None


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
        with self.assertRaisesRegex(mcbe.ArgumentError, "nan"):
            mcbe.reconstruct(W * np.nan, bias, np.abs(z))

    def test_fewer_rows_than_columns(self):
        W, bias, x, z = layer(7, m=4, n=6)
        found = mcbe.reconstruct(W, bias, z)
        for i in range(5):
            rows = z[i] > 0
            np.testing.assert_allclose(found.x[i], np.linalg.pinv(W[rows]) @ (z[i] + bias)[rows], atol=1e-9)
        self.assertEqual(mcbe.preimage(W, bias, x[0]).verdict, "unbounded")
        np.testing.assert_array_equal(mcbe.stability(W, bias, x).smallest, 0)


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


class Removals(unittest.TestCase):
    def test_by_hand(self):
        """e1 and e2 stay, (1, 1) goes: v = (1, 1) / sqrt(2) has products 1 / sqrt(2) with both, so c = 1."""
        A = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        found = mcbe.removal(A, [True, True, False], [0.5, 0.999, 1.001, 3])
        self.assertEqual((found.rows, found.removed, found.lemma_row, found.sharp_row), (2, 1, 2, 2))
        self.assertEqual(found.counts.tolist(), [0, 0, 2, 2])
        for value in (found.smallest, found.largest, found.lemma, found.sharp):
            self.assertAlmostEqual(value, 1, places=12)
        self.assertAlmostEqual(found.by_count, np.sqrt(3), places=12)  # A^T A = [[2, 1], [1, 2]]; k = 2 - 1

    def test_against_numpy(self):
        A = np.random.default_rng(11).standard_normal((30, 6))
        active = A @ np.ones(6) > 0
        c = np.linspace(0.1, 9, 12)
        found = mcbe.removal(A, active, c)
        products = np.abs(A[active] @ (A[~active] / np.linalg.norm(A[~active], axis=1)[:, None]).T)
        root = np.sqrt(active.sum())
        np.testing.assert_array_equal(found.counts, [(products <= each / root).sum(axis=0).max() for each in c])
        self.assertAlmostEqual(found.lemma, root * products.max(axis=0).min(), places=9)
        self.assertAlmostEqual(found.sharp, np.linalg.norm(products, axis=0).min(), places=9)  # all in the span
        sigma = np.linalg.svd(A[active], compute_uv=False)
        self.assertAlmostEqual(found.smallest, sigma[-1], places=12)
        self.assertAlmostEqual(found.largest, sigma[0], places=12)
        self.assertTrue(found.smallest <= found.sharp <= found.lemma)
        removed = int((~active).sum())
        index = 6 - removed  # Lemma 8; below 1 only the largest singular value of all rows is left
        self.assertAlmostEqual(found.by_count, np.linalg.svd(A, compute_uv=False)[max(index, 1) - 1], places=12)

    def test_refusals(self):
        A = np.eye(3)
        with self.assertRaisesRegex(mcbe.ArgumentError, r"active: shape \(2,\)"):
            mcbe.removal(A, [True, False])
        with self.assertRaisesRegex(mcbe.ArgumentError, "must be increasing"):
            mcbe.removal(A, [True, False, True], [2, 1])
        with self.assertRaises(mcbe.ArgumentError):
            mcbe.removal(A * np.inf, [True, False, True])


class MostLikes(unittest.TestCase):
    def test_by_hand(self):
        """Only x_0 = 0.5 is told, and of x_1 - x_0 - 0.1 <= 0 that it is not above 0: x_1 up to 0.6."""
        W, alpha, x, target = [[1.0, 0.0], [-1.0, 1.0]], [0.0, 0.1], [0.5, 0.2], [0.0, 1.0]
        for likeness, start, value in (("product", 0.2, 0.6), ("l1", 1.3, 0.9), ("linf", 0.8, 0.5)):
            found = mcbe.most_like(W, alpha, x, target, likeness)
            self.assertAlmostEqual(found.start, start, places=12)
            self.assertAlmostEqual(found.value, value, places=9)
            self.assertAlmostEqual(found.x[0], 0.5, places=9)
        self.assertAlmostEqual(mcbe.most_like(W, alpha, x, target, high=0.55).x[1], 0.55, places=9)

    def layer(self):
        """Fewer rows than columns, as the first layer of a network for images has."""
        rng = np.random.default_rng(21)
        return rng.standard_normal((12, 20)), 0.2 * rng.standard_normal(12), rng.random(20), rng.random(20)

    def test_the_output_stays(self):
        W, alpha, x, target = self.layer()
        z = np.maximum(0, W @ x - alpha)
        self.assertTrue(2 < (z > 0).sum() < 10)
        for likeness, length in (("product", None), ("l1", 1), ("linf", np.inf)):
            found = mcbe.most_like(W, alpha, x, target, likeness)
            np.testing.assert_allclose(np.maximum(0, W @ found.x - alpha), z, atol=1e-8)
            self.assertTrue((found.x >= 0).all() and (found.x <= 1).all())
            value = target @ found.x if length is None else np.linalg.norm(found.x - target, length)
            self.assertAlmostEqual(found.value, value, places=12)
            self.assertAlmostEqual(found.moved, np.linalg.norm(found.x - x), places=12)
            self.assertTrue(found.value > found.start + 0.1 if length is None else found.value < found.start - 0.1)

    @unittest.skipIf(linprog is None, "scipy is not installed (Debian: python3-scipy)")
    def test_scipy_finds_none_better(self):
        W, alpha, x, target = self.layer()
        z = W @ x - alpha
        best = linprog(-target, A_ub=W[z <= 0], b_ub=alpha[z <= 0], A_eq=W[z > 0], b_eq=(z + alpha)[z > 0],
                       bounds=(0, 1), method="highs")
        found = mcbe.most_like(W, alpha, x, target)
        self.assertAlmostEqual(found.value, -best.fun, places=7)
        self.assertAlmostEqual(found.bound, -best.fun, places=7)

    def test_refusals(self):
        W, alpha, x, target = self.layer()
        for words, arguments in (("likeness: 'l2'; possible are product, l1, linf", (W, alpha, x, target, "l2")),
                                 (r"target: shape \(3,\)", (W, alpha, x, target[:3])),
                                 ("0 to 0.25", (W, alpha, x, target, "l1", 0, 0.25))):
            with self.assertRaisesRegex(mcbe.ArgumentError, words):
                mcbe.most_like(*arguments)


if __name__ == "__main__":
    unittest.main()
