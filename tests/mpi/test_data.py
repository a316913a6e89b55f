"""Runs over data are the same bytes for any number of ranks, resumed, in shards, and for every format of the same data."""

import gzip
import os
import pathlib
import shutil
import struct
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import OK

IRIS = system.SOURCE / "data" / "iris" / "iris.csv"
SMOOTHING = {"grid.n": 3, "grid.m": {"values": [6, 12]}, "domain.kind": "smoothing", "data.path": str(IRIS),
             "data.label": "species", "data.features": [0, 2, 3], "data.normalize": "standard", "smoothing.sigma": 0.3,
             "holdout.samples": 300}
# two rounds of 64 blocks of 16,384 points, the last one short
CROSSED = {**SMOOTHING, "sampling.design": "crossed", "sampling.samples": 2**20 + 3 * 16384 + 100}
STOPPING = {**CROSSED, "sampling.samples": 5 * 2**20, "sampling.stop.unchanged": 10**5}
DENSITY = {**SMOOTHING, "domain.kind": "kde", "smoothing.sigma": 0, "sampling.samples": 40000}


def iris():
    return np.loadtxt(IRIS, delimiter=",", skiprows=1, usecols=(0, 2, 3), dtype=np.float32)


class Data(system.SystemTest):
    def test_every_number_of_ranks(self):
        for ranks in (2, 3, 4, 7):
            if ranks == 2:
                expected = system.contents(self.compute(CROSSED))
                self.assertIn("alpha/data", expected)
            out = self.compute({**CROSSED, "run.ranks_per_unit": "all"}, "other.h5", ranks=ranks)
            self.assert_identical(expected, out)
            out.unlink()
            with self.subTest("stop rule", ranks=ranks):
                if ranks == 2:
                    path = self.compute({**STOPPING})
                    stopped = system.contents(path)
                    samples = system.read(path, "trials/samples")
                    self.assertLess(samples.min(), STOPPING["sampling.samples"], "no unit stopped early")
                    self.assertTrue((samples % 2**16 == 0).all(), "the rule is looked at after whole rounds")
                team = "all" if ranks % 2 else 2
                out = self.compute({**STOPPING, "run.ranks_per_unit": team}, "other.h5", ranks=ranks)
                self.assert_identical(stopped, out)
                out.unlink()

    def test_density_estimates(self):
        for changes in ({}, {"kde.bandwidth": "full"}, {"kde.bandwidth": "full", "sampling.design": "crossed"}):
            with self.subTest(changes):
                expected = system.contents(self.compute({**DENSITY, **changes}))
                out = self.compute({**DENSITY, **changes, "run.ranks_per_unit": "all"}, "other.h5", ranks=3)
                self.assert_identical(expected, out)
                self.assertEqual(self.mcbe("verify", out).code, OK)
                out.unlink()

    def test_other_experiments(self):
        convergence = {**{key: value for key, value in CROSSED.items() if not key.startswith(("grid", "holdout"))},
                       "experiment": "convergence", "cells": [{"n": 3, "m": 9}], "exact.enabled": False}
        expected = system.contents(self.compute(convergence))
        self.assertIn("curves/no_update", expected)
        out = self.compute({**convergence, "run.ranks_per_unit": "all"}, "other.h5", ranks=3)
        self.assert_identical(expected, out)
        self.assertEqual(self.mcbe("verify", out).code, OK)

    def test_shards(self):
        config = self.config({**CROSSED, "trials": 3})
        whole = self.run_ok(config, self.dir / "whole.h5")
        files = [self.run_ok(config, self.dir / f"{i}.h5", "--shard", f"{i}/2", ranks=(None, 2)[i]) for i in range(2)]
        self.assertEqual(self.mcbe("merge", "-o", self.dir / "merged.h5", *files).code, OK)
        self.assert_identical(whole, self.dir / "merged.h5")
        self.assertEqual(self.mcbe("verify", whole).code, OK)

    def test_killed_and_continued(self):
        config = self.config({**CROSSED, "trials": 30})
        whole = self.run_ok(config, self.dir / "whole.h5")
        out = self.dir / "out.h5"
        process = self.start("run", config, "-o", out)
        self.assertTrue(system.until(lambda: len(system.recorded(out)) >= 3), "no units were recorded")
        process.end()
        self.assertTrue(0 < len(system.recorded(out)) < 60, "the run ended before it could be interrupted")
        self.run_ok(config, out, ranks=3)
        self.assertEqual(len(system.segments(out)), 2)
        self.assert_identical(whole, out)


class Contents(system.SystemTest):
    def test_the_normalisation_is_stored(self):
        shift, factor = system.read(self.compute(SMOOTHING), "data/shift", "data/factor")
        x = iris().astype(np.float64)
        np.testing.assert_allclose(shift, x.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(factor, 1 / x.std(axis=0), rtol=1e-13)

    def test_a_changed_normalisation_is_seen(self):
        out = self.compute(SMOOTHING)
        with h5py.File(out, "r+") as file:
            file["data/factor"][1] += 0.5
        result = self.mcbe("verify", out)
        self.assertEqual(result.code, system.BAD_FILE)
        self.assertIn("data/factor", result.err)

    def test_every_format_gives_the_same_points(self):
        """The points do not depend on where they were read from, so neither does anything else."""
        x = iris()
        header = struct.pack(">4B2I", 0, 0, 0x0d, 2, *x.shape)
        (self.dir / "iris.idx").write_bytes(header + x.astype(">f4").tobytes())
        (self.dir / "iris.idx.gz").write_bytes(gzip.compress(header + x.astype(">f4").tobytes()))
        np.save(self.dir / "iris.npy", x)
        np.save(self.dir / "fortran.npy", np.asfortranarray(x))
        np.save(self.dir / "first.npy", x[:70])
        np.save(self.dir / "second.npy", x[70:])
        with h5py.File(self.dir / "iris.h5", "w") as file:
            file.create_dataset("/group/points", data=x)
        shutil.copy(IRIS, self.dir / "iris.data")
        expected = system.contents(self.compute(SMOOTHING))
        for files in ("iris.idx", "iris.idx.gz", "iris.npy", "fortran.npy", ["first.npy", "second.npy"],
                      "iris.h5:/group/points"):
            with self.subTest(files):
                paths = [str(self.dir / name) for name in ([files] if isinstance(files, str) else files)]
                out = self.compute({**SMOOTHING, "data.path": paths, "data.features": [], "data.label": "''"},
                                   "other.h5")
                self.assert_identical(expected, out)
                out.unlink()
        out = self.compute({**SMOOTHING, "data.path": str(self.dir / "iris.data"), "data.label": "4",
                            "data.features": ["sepal_length", "petal_length", "petal_width"]})
        self.assert_identical(expected, out)

    def test_the_content_of_the_files_is_in_the_fingerprint(self):
        path = self.dir / "points.csv"
        changes = {**SMOOTHING, "data.path": str(path), "data.features": [], "data.label": "''"}
        np.savetxt(path, iris(), delimiter=",")
        config = self.config(changes)
        out = self.run_ok(config, self.dir / "out.h5")
        np.savetxt(path, iris()[::-1], delimiter=",")
        result = self.mcbe("run", config, "-o", out)
        self.assertEqual(result.code, system.BAD_USAGE)
        self.assertIn("data.path.0.sha256", result.err)

    def test_relative_noise(self):
        """Standardised data have deviation 1, so twice the relative noise is noise 2."""
        with_sigma = self.compute({**SMOOTHING, "smoothing.sigma": 2})
        with_relative = self.compute({**SMOOTHING, "smoothing.sigma": 0, "smoothing.relative": 2})
        one, other = (system.read(path, "alpha/data") for path in (with_sigma, with_relative))
        np.testing.assert_allclose(one, other, rtol=1e-5)

    def test_a_density_estimate_is_smoothing_with_its_noise(self):
        """Scott's rule on 150 standardised points (deviation divided by 149): the same points but for the last digits."""
        sigma = 150 ** (-1 / 7) * (150 / 149) ** 0.5
        for design in ("iid", "crossed"):
            changes = {"sampling.design": design, "sampling.samples": 20000}
            density = self.compute({**DENSITY, **changes})
            smoothing = self.compute({**SMOOTHING, "smoothing.sigma": sigma, **changes})
            np.testing.assert_allclose(*(system.read(path, "alpha/data") for path in (density, smoothing)), rtol=1e-5)


if __name__ == "__main__":
    unittest.main()
