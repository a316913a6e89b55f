"""`sampler_comparison` and `smoothing_sigma` against the same points, alpha* and p_I in NumPy, bit for bit."""

import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_oracle as oracle
import mcbe_system as system

SEED, SIGMA = 4711, 0.25
SAMPLERS = ("uniform", "smoothing", "kde")
BIASES = (*SAMPLERS, "unit_ball", "zero")


class Samplers(system.SystemTest):
    def setUp(self):
        """Two clouds of points with few digits, so that text, fp32 and fp64 hold the same numbers."""
        super().setUp()
        random = np.random.default_rng(1)
        self.data = []
        for name, count in (("training", 37), ("test", 23)):
            x = (random.integers(-64, 64, (count, 3)) / 32 + np.where(random.random((count, 1)) < 0.5, 1, -2))
            np.savetxt(self.dir / f"{name}.csv", x, delimiter=",", fmt="%.6f")
            self.data.append(x.astype(np.float32))
        self.base = {"seed": SEED, "trials": 2, "cells": [{"n": 3, "m": 5}, {"n": 3, "m": 14}],
                     "data.path": str(self.dir / "training.csv"), "data.test_path": str(self.dir / "test.csv"),
                     "data.normalize": "none"}

    def shares(self, rows, row_norms, bias):
        """p_I and the smallest number of active rows, of test and training points."""
        found = []
        for x in reversed(self.data):
            active = oracle.active_rows(rows, row_norms, x.T.astype(np.float64), bias)
            found += [(active >= 3).sum() / len(x), active.min()]
        return found


class Comparison(Samplers):
    def points(self, sampler, m, trial, samples, shared):
        """Coordinates and factors, and what alpha* is on the domain."""
        place = (SEED, 3, m, trial, samples)
        if sampler == "uniform":
            return oracle.paired_points(*place) if shared else oracle.many_points(*place)
        deviation = np.full(3, SIGMA) if sampler == "smoothing" else oracle.scott(self.data[0])
        return oracle.cloud_points(*place, self.data[0], deviation, crossed=shared), np.ones(samples)

    def check(self, out, m, cell, trial, samples, shared):
        rows, row_norms = oracle.frame(SEED, 3, m, trial)
        unit = 2 * cell + trial
        first, last = system.read(out, "alpha/offset")[unit:unit + 2]
        radius = oracle.norms(self.data[0].astype(np.float64)).max()
        biases = {"zero": np.zeros(m)}
        for sampler in SAMPLERS:
            x, scale = self.points(sampler, m, trial, samples, shared)
            c = oracle.coefficients(rows, x, scale)
            minima, witnesses, updates, last_update = oracle.sampled(3, c, np.arange(samples))
            biases[sampler] = minima
            if sampler == "uniform":
                biases["uniform"] = oracle.finish(minima, "ball", radius)
                biases["unit_ball"] = oracle.finish(minima, "ball", 1.0)
                self.assertEqual(system.read(out, "alpha/direction")[first:last].tolist(), minima.tolist())
            self.assertEqual(system.read(out, f"alpha/{sampler}")[first:last].tolist(), biases[sampler].tolist())
            self.assertEqual(system.read(out, f"witness/{sampler}")[first:last].tolist(), witnesses.tolist())
            for name, value in (("samples", samples), ("updates", updates), ("last_update", last_update),
                                ("unconstrained", np.isinf(minima).sum())):
                self.assertEqual(system.read(out, f"trials/{name}/{sampler}")[cell, trial], value, (name, sampler))
        for bias in BIASES:
            values = dict(zip(("p_injective", "min_active", "p_injective_training", "min_active_training"),
                              self.shares(rows, row_norms, biases[bias])))
            for name, value in values.items():
                self.assertEqual(system.read(out, f"trials/{name}/{bias}")[cell, trial], value, (name, bias))
            finite = biases[bias][np.isfinite(biases[bias])]
            self.assertAlmostEqual(system.read(out, f"trials/alpha_mean/{bias}")[cell, trial], finite.mean(), 12)

    def test_every_quantity(self):
        for design, samples in (("iid", 300), ("shared", 300), ("shared", 17000)):
            with self.subTest(design=design, samples=samples):
                out = self.compute({**self.base, "experiment": "sampler_comparison", "smoothing.sigma": SIGMA,
                                    "sampling.samples": samples, "sampling.design": design})
                for cell, m in enumerate((5, 14)):
                    for trial in range(2):
                        self.check(out, m, cell, trial, samples, design == "shared")

    def test_the_radius_that_is_asked_for(self):
        changes = {**self.base, "experiment": "sampler_comparison", "smoothing.sigma": SIGMA, "sampling.samples": 50}
        unit, double = (self.compute({**changes, "uniform.radius": radius}) for radius in (1, 2))
        self.assertEqual(system.read(unit, "alpha/uniform").tolist(),
                         (system.read(double, "alpha/uniform") / 2).tolist())
        for name in ("p_injective", "min_active", "alpha_mean"):
            self.assertEqual(system.read(unit, f"trials/{name}/uniform").tolist(),
                             system.read(unit, f"trials/{name}/unit_ball").tolist())


class Sweep(Samplers):
    def test_every_quantity(self):
        sigmas, samples = [0, 0.125, 2], 300
        given = [{"sigma": sigma} for sigma in (2, 0, 0.125)]
        for design in ("iid", "shared"):
            out = self.compute({**self.base, "experiment": "smoothing_sigma", "sigmas": given,
                                "sampling.samples": samples, "sampling.design": design})
            self.assertEqual(system.read(out, "curves/sigma").tolist(), sigmas)
            variance = self.data[0].astype(np.float64).var(axis=0).mean()
            self.assertAlmostEqual(system.read(out, "data/deviation")[0], np.sqrt(variance), 12)
            for cell, m in enumerate((5, 14)):
                for trial in range(2):
                    rows, row_norms = oracle.frame(SEED, 3, m, trial)
                    for i, sigma in enumerate(sigmas):
                        x = oracle.cloud_points(SEED, 3, m, trial, samples, self.data[0], np.full(3, float(sigma)),
                                                crossed=design == "shared")
                        c = oracle.coefficients(rows, x, np.ones(samples))
                        alpha, _, updates, last_update = oracle.sampled(3, c, np.arange(samples))
                        on_test, _, on_training, _ = self.shares(rows, row_norms, alpha)
                        for name, value in (("p_injective", on_test), ("p_injective_training", on_training),
                                            ("updates", updates), ("last_update", last_update),
                                            ("unconstrained", np.isinf(alpha).sum())):
                            with self.subTest(name, design=design, m=m, trial=trial, sigma=sigma):
                                self.assertEqual(system.read(out, f"curves/{name}")[cell, trial, i], value)
                        mean = alpha[np.isfinite(alpha)].mean()
                        self.assertAlmostEqual(system.read(out, "curves/alpha_mean")[cell, trial, i], mean, 12)

    def test_the_same_points_as_in_the_comparison(self):
        changes = {**self.base, "sampling.samples": 400}
        shares = system.read(self.compute({**changes, "experiment": "smoothing_sigma", "sigmas": [{"sigma": SIGMA}]}),
                             "curves/p_injective")
        again = system.read(self.compute({**changes, "experiment": "sampler_comparison", "smoothing.sigma": SIGMA}),
                            "trials/p_injective/smoothing")
        self.assertEqual(shares[:, :, 0].tolist(), again.tolist())


if __name__ == "__main__":
    unittest.main()
