"""What the program stores equals, bit for bit, what an independent NumPy implementation finds by brute force."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_oracle as oracle
import mcbe_system as system

SEED = 9035768
SAMPLES = 1500  # not a whole number of blocks
CELLS = {"seed": SEED, "trials": 2, "grid.n": {"values": [1, 2, 5]}, "grid.m": {"values": [5, 12, 37]},
         "sampling.samples": SAMPLES}
DOMAINS = {
    "sphere": {"radius": 3.0},
    "ball": {"kind": "ball", "radius": 0.7},
    "ball, sampled": {"kind": "ball", "radius": 0.7, "radial": "sampled"},
    "shell": {"kind": "shell", "radius": 2.0, "inner_radius": 0.3},
    "shell, sampled": {"kind": "shell", "radius": 2.0, "inner_radius": 0.3, "radial": "sampled"},
    "gaussian": {"kind": "gaussian"},
    "nonnegative": {"nonnegative": True},
}


def units(out):
    """(n, m, cell, trial, slice of the ragged datasets) of every unit of a file."""
    columns, rows, offset = system.read(out, "cells/n", "cells/m", "alpha/offset")
    trials = (len(offset) - 1) // len(rows)
    for unit, (start, end) in enumerate(zip(offset[:-1], offset[1:])):
        cell, trial = divmod(unit, trials)
        yield int(columns[cell]), int(rows[cell]), cell, trial, slice(start, end)


class Oracle(unittest.TestCase):
    """The second implementation itself, where it shares numbers with the program: the coefficients of polynomials."""

    def test_normals_are_those_of_box_and_muller(self):
        bits = oracle.stream(SEED, 0, 0, 0, oracle.SAMPLE, 0).random_raw(200000)
        u = ((bits >> np.uint64(33)).astype(np.float32) + np.float32(0.5)).astype(float) / 2.0**31
        angle = np.pi / 2 * ((bits & np.uint64(2**32 - 1)).astype(float) / 2.0**30 - 0.5)
        cosines, sines = oracle.box_muller(bits)
        radius = np.sqrt(-2 * np.log(u))
        np.testing.assert_allclose(cosines, radius * np.cos(angle), rtol=0, atol=2e-6)
        np.testing.assert_allclose(sines, radius * np.sin(angle), rtol=0, atol=2e-6)


class Reference(system.SystemTest):
    def check(self, changes, **options):
        out = self.compute({**CELLS, **changes})
        for n, m, cell, trial, rows in units(out):
            for name, expected in oracle.unit(SEED, n, m, trial, SAMPLES, **options).items():
                with self.subTest(name, n=n, m=m, trial=trial):
                    stored = system.read(out, name)[(cell, trial) if name.startswith("trials/") else rows]
                    np.testing.assert_array_equal(stored, expected)

    def test_domains(self):
        for name, domain in DOMAINS.items():
            with self.subTest(name):
                self.check({f"domain.{key}": value for key, value in domain.items()}, **domain)

    def test_unit_rows(self):
        self.check({"frame.normalize_rows": True}, unit_rows=True)
        self.check({"frame.ensemble": "sphere"}, unit_rows=True)

    def test_rows_as_first_points(self):
        self.check({"sampling.init_rows": True}, init_rows=True)


class Consistency(system.SystemTest):
    """Quantities of one file that must follow from each other."""

    FAMILIES = [{"name": "zero", "kind": "constant", "value": 0.0}, {"name": "low", "kind": "constant", "value": -0.25},
                {"name": "narrow", "kind": "normal", "variance": 0.1}, {"name": "high", "kind": "constant", "value": 0.125},
                {"name": "wide", "kind": "normal", "variance": 1.0}]

    def check_measures(self, out, scale):
        alpha, norms, low, mean, active = system.read(out, "alpha/data", "alpha/row_norm", "trials/alpha_min",
                                                      "trials/alpha_mean", "trials/min_active")
        for n, m, cell, trial, rows in units(out):
            values = alpha[rows] / norms[rows] if scale == "row_norm" else alpha[rows]
            finite = values[np.isfinite(values)]
            with self.subTest(scale, n=n, m=m, trial=trial):
                self.assertEqual(low[cell, trial], finite.min())
                np.testing.assert_allclose(mean[cell, trial], finite.mean(), rtol=1e-14, atol=1e-15)
            for number, family in enumerate(self.FAMILIES):
                biases = (np.full(m, family["value"]) if family["kind"] == "constant"
                          else oracle.bias(SEED, n, m, trial, number, family["variance"]))
                satisfied = np.count_nonzero(biases <= values)
                refuted = self.is_refuted(out, family["name"], n, m, cell, trial,
                                          biases * norms[rows] if scale == "row_norm" else biases)
                if (biases >= 0).all() and active[cell, trial] < n:
                    self.assertTrue(refuted, "a point refutes bias 0 and so every larger bias")
                with self.subTest(scale, family=family["name"], n=n, m=m, trial=trial):
                    for measure, expected in (("hamming", satisfied / m), ("mcbe_injective", satisfied == m),
                                              ("verdict", 0 if refuted else 2)):
                        stored = system.read(out, f"trials/{measure}/{family['name']}")
                        self.assertEqual(stored[cell, trial], expected, measure)

    def is_refuted(self, out, family, n, m, cell, trial, biases):
        """Is there a certificate? If so, it must hold: fewer than n rows within rounding of the bias or above."""
        coordinates, offset, claimed = system.read(out, f"certificates/{family}/x", f"certificates/{family}/offset",
                                                   f"certificates/{family}/active")
        start = offset[2 * cell + trial]
        x = coordinates[start:start + n]
        if np.isnan(x).any():
            self.assertEqual(claimed[cell, trial], -1)
            return False
        rows = oracle.frame(SEED, n, m, trial)[0]
        active = np.count_nonzero(rows @ x >= biases - 1e-13)
        self.assertEqual(claimed[cell, trial], active)
        self.assertLess(active, n)
        self.assertAlmostEqual(np.linalg.norm(x), 1.0, places=12)
        return True

    def test_measures_follow_from_alpha(self):
        for scale in ("row_norm", "absolute"):
            changes = {**CELLS, "bias_scale": scale, "biases": self.FAMILIES}
            self.check_measures(self.compute(changes, f"{scale}.h5"), scale)

    def test_cells(self):
        rows, columns, redundancy, done = system.read(self.compute(CELLS), "cells/n", "cells/m", "cells/redundancy",
                                                      "cells/trials_done")
        self.assertEqual(list(zip(rows, columns)), [(n, m) for n in (1, 2, 5) for m in (5, 12, 37)])
        np.testing.assert_array_equal(redundancy, columns / rows)
        np.testing.assert_array_equal(done, 2)

    def test_more_samples_never_raise_alpha(self):
        few = system.read(self.compute({**CELLS, "sampling.samples": 300}, "few.h5"), "alpha/data")
        many = system.read(self.compute({**CELLS, "sampling.samples": 3000}, "many.h5"), "alpha/data")
        self.assertTrue((many <= few).all())
        self.assertTrue((many < few).any())


if __name__ == "__main__":
    unittest.main()
