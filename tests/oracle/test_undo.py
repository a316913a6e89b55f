"""Reconstruction and stability against NumPy's pinv and svd, on some hundred layers of every kind.

bench/undo.c (the program in MCBE_UNDO) answers for matrices in .npy files; nothing here uses the library."""

import functools
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np

PROGRAM = os.environ["MCBE_UNDO"]
EPS = np.finfo(float).eps
SINGULAR_DIGITS = 30 * EPS  # of the largest one: what two decompositions may differ by


class Layer:
    """A matrix, a bias, and outputs with the inputs they came from (NaN: from none)."""

    def __init__(self, folder, w, bias, x, z=None):
        self.folder, self.w, self.bias, self.x = folder, w, bias, x
        self.z = np.maximum(0, x @ w.T - bias) if z is None else z
        folder.mkdir()
        np.save(folder / "w.npy", w)
        np.save(folder / "bias.npy", bias[None])
        np.save(folder / "z.npy", self.z)

    @functools.cached_property
    def active(self):
        """Of every output: active rows (flags, and their matrix), what their products with the input are, singular
        values, how many of them are not 0."""
        found = []
        for z in self.z:
            rows = z > 0
            w = self.w[rows]
            sigma = np.linalg.svd(w, compute_uv=False) if w.size else np.zeros(0)
            rank = int(np.sum(sigma > max(w.shape) * EPS * sigma[0])) if sigma.size else 0
            found.append((rows, w, (z + self.bias)[rows], sigma, rank))
        return found

    def load(self, name):
        return np.load(self.folder / f"{name}.npy")


def run(task, layers):
    result = subprocess.run([PROGRAM, task, *[str(layer.folder) for layer in layers]], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{task}: {result.stderr}")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["outputs"] for line in lines] == [len(layer.z) for layer in layers]


def shortest_solution(w, b):
    """Least squares of least norm; for large matrices by LAPACK's own driver, as pinv takes seconds."""
    rcond = max(w.shape) * EPS
    return np.linalg.lstsq(w, b, rcond)[0] if w.size > 1e5 else np.linalg.pinv(w, rcond) @ b


def matrices(random):
    """Layers one meets: wide, tall, square; with duplicates, zero rows, planes, tiny angles, scales."""
    for kind in range(200):
        n = int(random.integers(1, 32))
        m = int(random.integers(1, 4 * n + 2))
        w = random.standard_normal((m, n))
        case = kind % 8
        if case == 1:  # the same rows twice
            w = np.repeat(w, 2, axis=0)[:m + 1]
        elif case == 2:  # all in a plane of lower dimension
            r = max(1, n // 2)
            w = random.standard_normal((m, r)) @ random.standard_normal((r, n))
        elif case == 3:  # unit rows
            w /= np.linalg.norm(w, axis=1)[:, None]
        elif case == 4:  # condition numbers from 1 to 1e10
            w = w * 10.0 ** -np.linspace(0, random.uniform(0, 10), n)
        elif case == 5:  # some zero rows, and zero columns as of pixels that are always black
            w[:: 3] = 0
            w[:, n // 2 + 1:] = 0
        elif case == 6:  # rows of very different lengths
            w *= 10.0 ** random.uniform(-3, 3, m)[:, None]
        elif case == 7:  # opposite rows
            w = np.concatenate([w, -w])
        yield w


class Undoing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        random = np.random.default_rng(20240101)
        cls.scratch = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.scratch.name)
        cls.layers = []
        for number, w in enumerate(matrices(random)):
            m, n = w.shape
            x = random.standard_normal((4, n))
            x[3] = 0
            # from few active rows to nearly all
            bias = np.linalg.norm(w, axis=1) * random.choice([-3, -1, -0.3, 0, 0, 0.5])
            bias += 0.1 * random.standard_normal(m) * (number % 2)
            cls.layers.append(Layer(root / str(number), w, bias, x))
        for number in range(40):  # outputs of no layer at all
            w = random.standard_normal((int(random.integers(2, 60)), int(random.integers(1, 20))))
            z = np.maximum(0, random.standard_normal((2, len(w))))
            cls.layers.append(Layer(root / f"none{number}", w, np.zeros(len(w)),
                                    np.full((2, w.shape[1]), np.nan), z))
        # the layer of the benchmark, about as many rows active as there are dimensions
        w = random.standard_normal((1568, 784))
        cls.layers.append(Layer(root / "large", w, np.full(1568, -1.0), random.standard_normal((2, 784))))

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def test_least_squares(self):
        run("least_squares", self.layers)
        exact = deficient = by_svd = 0
        for layer in self.layers:
            found, info = layer.load("x"), layer.load("info")
            for i, (_, w, b, sigma, r) in enumerate(layer.active):
                active, its_rank, rcond, residual, svd_used = info[i]
                self.assertEqual(active, len(w))
                self.assertEqual(its_rank, r, layer.folder)
                by_svd += svd_used
                if r == 0:
                    self.assertFalse(found[i].any())
                    self.assertEqual(rcond, 0)
                    continue
                true_rcond = sigma[r - 1] / sigma[0]
                if svd_used:
                    self.assertLess(abs(rcond - true_rcond), SINGULAR_DIGITS * max(w.shape))
                else:  # an estimate from above
                    self.assertGreater(rcond, true_rcond * (1 - 1e-6))
                    self.assertLess(rcond, true_rcond * 1.1)
                self.assertAlmostEqual(residual, np.linalg.norm(w @ found[i] - b),
                                       delta=1e-12 * (np.linalg.norm(b) + sigma[0] * np.linalg.norm(found[i])))
                expected = shortest_solution(w, b)
                scale = np.linalg.norm(expected)
                # perturbation theory of least squares: with a residual rcond enters twice
                error = EPS * (10 / true_rcond * scale + 10 * residual / sigma[0] / true_rcond**2)
                self.assertLessEqual(np.linalg.norm(found[i] - expected), 10 * error + 1e-14 * scale, layer.folder)
                if r < layer.w.shape[1]:
                    deficient += 1
                elif not np.isnan(layer.x[i]).any():
                    distance = np.linalg.norm(found[i] - layer.x[i])
                    self.assertLessEqual(distance, 100 * EPS / true_rcond * np.linalg.norm(layer.x[i]) + 1e-15)
                    if true_rcond > 1e-4:
                        exact += 1
                        self.assertLessEqual(distance, 1e-10 * np.linalg.norm(layer.x[i]))
        self.assertGreater(exact, 200)
        self.assertGreater(deficient, 200)
        self.assertGreater(by_svd, 100)

    def test_the_frame_algorithm(self):
        fast, steps = [], 0
        for layer in self.layers[:-1]:
            if all(r == 0 or sigma[r - 1] / sigma[0] > 0.1 for *_, sigma, r in layer.active):
                fast.append(layer)
        self.assertGreater(len(fast), 60)
        run("frame", fast)
        for layer in fast:
            found, info = layer.load("x"), layer.load("info")
            for i, (_, w, b, sigma, r) in enumerate(layer.active):
                active, its_rank, lower, upper, rate, iterations, needed, bound, _, converged = info[i]
                self.assertEqual((active, its_rank, converged), (len(w), r, 1))
                if r == 0:
                    continue
                self.assertAlmostEqual(lower / sigma[r - 1]**2, 1, delta=1e-7)
                self.assertAlmostEqual(upper / sigma[0]**2, 1, delta=1e-7)
                self.assertAlmostEqual(rate, (upper - lower) / (upper + lower), delta=1e-14)
                self.assertAlmostEqual(needed, np.log(1e-11) / np.log(rate), delta=1.001)
                # the residual shows the error but for a factor B / A
                self.assertLessEqual(iterations, needed + np.log(lower / upper) / np.log(rate) + 2)
                steps += iterations
                expected = shortest_solution(w, b)
                self.assertLessEqual(np.linalg.norm(found[i] - expected),
                                     1.01e-11 * np.linalg.norm(expected))
                self.assertLessEqual(bound, 1e-11)
        self.assertGreater(steps, 10000)

    def test_singular_values(self):
        run("values", self.layers)
        for layer in self.layers:
            found, info = layer.load("sigma"), layer.load("info")
            for i, (_, _, _, sigma, r) in enumerate(layer.active):
                self.assertEqual(info[i][0], r)
                largest = sigma[0] if sigma.size else 0
                self.assertLessEqual(np.abs(found[i][:len(sigma)] - sigma).max(initial=0),
                                     SINGULAR_DIGITS * largest)
                self.assertFalse(found[i][len(sigma):].any())

    def test_the_ends_of_the_spectrum(self):
        run("extremes", self.layers)
        for layer in self.layers:
            info = layer.load("info")
            for i, (_, w, _, sigma, r) in enumerate(layer.active):
                rows, its_rank, smallest, positive, largest = info[i]
                self.assertEqual((rows, its_rank), (len(w), r), layer.folder)
                self.assertEqual(smallest, positive if r == layer.w.shape[1] else 0)
                if r:  # no digits are lost to the square of the condition number
                    self.assertLessEqual(abs(positive - sigma[r - 1]), SINGULAR_DIGITS * sigma[0])
                    self.assertLessEqual(abs(largest - sigma[0]), SINGULAR_DIGITS * sigma[0])
                else:
                    self.assertEqual((positive, largest), (0, 0))

    def test_correlation(self):
        layers = [layer for layer in self.layers if len(layer.w) < 200]
        constants = np.array([0, 0.1, 0.3, 1, 3, 10, 1e9])
        for layer in layers:
            np.save(layer.folder / "c.npy", constants[None])
        run("correlation", layers)
        bounds = 0
        for layer in layers:
            counts, info = layer.load("rows"), layer.load("info")
            for i, (rows, w, _, sigma, r) in enumerate(layer.active):
                norms = np.linalg.norm(layer.w, axis=1)
                removed = np.flatnonzero(~rows & (norms > 0))
                v = layer.w[removed] / norms[removed, None]
                products = np.abs(v @ w.T)
                unit = np.sqrt(max(len(w), 1))
                for c, count in zip(constants[1:], counts[i][1:]):  # products of 0 are rounding in either
                    within = [max((np.sum(unit * p <= c * factor) for p in products), default=0)
                              for factor in (1 - 1e-12, 1 + 1e-12)]
                    self.assertTrue(within[0] <= count <= within[1], layer.folder)
                projection = np.linalg.pinv(w, rcond=max(w.shape) * EPS) @ w if len(w) else np.zeros((v.shape[1],) * 2)
                inside = np.linalg.norm(v @ projection, axis=1)
                active, others, lemma, lemma_row, sharp, sharp_row = info[i]
                self.assertEqual((active, others), (rows.sum(), (~rows).sum()))
                if r == layer.w.shape[1] and len(removed):
                    best = (unit * products.max(axis=1)).min()
                    self.assertAlmostEqual(lemma, best, delta=1e-12 * sigma[0] * unit)
                    self.assertAlmostEqual(sharp, np.linalg.norm(products, axis=1).min(), delta=1e-12 * sigma[0])
                    self.assertFalse(rows[int(lemma_row)] or rows[int(sharp_row)])
                    bounds += 1
                elif r == 0 or not len(removed):
                    self.assertEqual((lemma, sharp), (np.inf, np.inf))
                elif inside.min() > 1e-3:
                    self.assertAlmostEqual(sharp, (np.linalg.norm(products, axis=1) / inside).min(),
                                           delta=1e-10 * sigma[0] / inside.min())
                if r and np.isfinite(sharp):
                    self.assertLessEqual(sigma[r - 1], sharp + 1e-10 * sigma[0])
                    self.assertLessEqual(sharp, lemma * (1 + 1e-9) + 1e-12 * sigma[0])
        self.assertGreater(bounds, 50)


if __name__ == "__main__":
    unittest.main()
