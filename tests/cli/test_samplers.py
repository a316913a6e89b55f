"""`sampler_comparison` and `smoothing_sigma` at the command line: what they refuse, plans, and damage that `verify` sees."""

import pathlib
import re
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

COMPARISON = {**system.IRIS, "experiment": "sampler_comparison"}
SWEEP = {**system.IRIS, "experiment": "smoothing_sigma"}
SAMPLERS = ("uniform", "smoothing", "kde")
BIASES = (*SAMPLERS, "unit_ball", "zero")
OF_SAMPLERS = ("trials/samples", "trials/updates", "trials/last_update", "trials/unconstrained", "alpha", "witness")
OF_BIASES = ("trials/alpha_mean", "trials/p_injective", "trials/p_injective_training", "trials/min_active",
             "trials/min_active_training")
COMPARED = ({f"{group}/{name}" for group in OF_SAMPLERS for name in SAMPLERS} |
            {f"{group}/{name}" for group in OF_BIASES for name in BIASES} | {"alpha/direction", "alpha/row_norm"})
SWEPT = {f"curves/{name}" for name in ("sigma", "p_injective", "p_injective_training", "updates", "last_update",
                                       "unconstrained", "alpha_mean")}


class Configurations(system.SystemTest):
    def refuse(self, base, changes, *fragments, drop=()):
        result = self.mcbe("plan", self.config({**base, **changes}, drop=drop))
        self.assertEqual((result.code, result.out), (BAD_USAGE, ""), result.err)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def test_the_noise(self):
        self.refuse(COMPARISON, {"smoothing.sigma": 0}, "smoothing.sigma", "above 0")
        self.refuse(COMPARISON, {"kde.bandwidth": "wide"}, "kde.bandwidth", "diagonal")
        self.refuse(SWEEP, {"sigmas": [{"sigma": 0.5}, {"sigma": -1}]}, "sigmas[1].sigma", "-1")
        self.refuse(SWEEP, {"sigmas": [{"sigma": 0.5}, {"sigma": 0.5}]}, "sigmas", "0.5", "twice")
        self.refuse(SWEEP, {"smoothing.sigma": 1}, "smoothing", "unknown")

    def test_the_points(self):
        for base in (COMPARISON, SWEEP):
            self.refuse(base, {"sampling.design": "paired"}, "sampling.design", "iid", "shared")
            self.refuse(base, {"cells": [{"n": 4, "m": 8}]}, "cells", "4", "3 features")
            self.refuse(base, {"data.test_share": 0}, "data.test_share")
        self.refuse(COMPARISON, {"uniform.radius": -1}, "uniform.radius", "-1")
        self.refuse(SWEEP, {"sampling.stop.unchanged": 100}, "sampling.stop.unchanged", "0")

    def test_data_that_are_all_zero(self):
        (self.dir / "zero.csv").write_text("0,0,0\n" * 9)
        changes = {"data.path": str(self.dir / "zero.csv"), "data.normalize": "none", "data.label": "''",
                   "data.features": [0, 1, 2]}
        self.refuse(COMPARISON, changes, "uniform.radius", "give a radius")
        self.assertEqual(self.mcbe("plan", self.config({**COMPARISON, **changes, "uniform.radius": 1})).code, OK)

    def test_plan(self):
        """Twice the points cost more time, a larger team of biases and points more memory."""
        for base in (COMPARISON, SWEEP):
            found = []
            for samples in (1e6, 1e8):
                result = self.mcbe("plan", self.config({**base, "sampling.samples": samples}))
                self.assertEqual(result.code, OK, result.err)
                self.assertRegex(result.out, r"(?m)^units +4 ")
                seconds = re.search(r"(?m)^time +about ([\d.]+) (s|min)", result.out)
                found.append(float(seconds[1]) * (60 if seconds[2] == "min" else 1))
            self.assertTrue(10 * found[0] < found[1] < 200 * found[0], found)


class Files(system.SystemTest):
    def stored(self, path):
        with h5py.File(path, "r") as file:
            found = set()
            file.visititems(lambda name, item: found.add(name) if isinstance(item, h5py.Dataset) else None)
            self.assertTrue(all(file[name].attrs.get("canonical", 1) == 1 for name in COMPARED | SWEPT if name in file))
        return {name for name in found if name.partition("/")[0] in ("trials", "alpha", "witness", "curves")} - {
            "alpha/offset", "witness/offset"}

    def test_every_quantity_is_there_and_canonical(self):
        self.assertEqual(self.stored(self.compute(COMPARISON)), COMPARED)
        self.assertEqual(self.stored(self.compute(SWEEP)), SWEPT)

    def test_show(self):
        result = self.mcbe("show", self.compute(COMPARISON))
        self.assertEqual(result.code, OK, result.err)
        self.assertIn("sampler_comparison", result.out)


class Verify(system.SystemTest):
    def check_changes(self, base, names):
        """Each quantity changed a little, with right checksums, is found and named."""
        out = self.compute(base, "out.h5")
        result = self.mcbe("verify", out)
        self.assertEqual(result.code, OK, result.err)
        self.assertIn("4 of 4 units", result.out)
        for name in sorted(names):
            with self.subTest(name):
                path = self.dir / "changed.h5"
                shutil.copy(out, path)
                with h5py.File(path, "r+") as file:
                    values = file[name][()]
                    at = min(values.size - 1, 2)
                    self.assertTrue(np.isfinite(values.flat[at]))
                    values.flat[at] += 1 if values.dtype.kind == "i" else 1e-15 if values.flat[at] else 1e-300
                    if values.dtype.kind == "f" and values.flat[at] == file[name][()].flat[at]:
                        values.flat[at] = np.nextafter(values.flat[at], np.inf)
                    file[name][...] = values
                result = self.mcbe("verify", path)
                self.assertEqual((result.code, result.out), (BAD_FILE, ""), result.err)
                self.assertEqual(result.err.count("\n"), 1, result.err)
                self.assertNotIn("row -1", result.err)

    def test_changed_comparisons(self):
        """One of each kind; more updates than the witnesses show cannot be told from the truth."""
        names = {f"{group}/{SAMPLERS[i % 3]}" for i, group in enumerate(OF_SAMPLERS) if group != "trials/updates"}
        names |= {f"{group}/{BIASES[i]}" for i, group in enumerate(OF_BIASES)}
        self.check_changes(COMPARISON, names | {"alpha/direction", "alpha/row_norm"})

    def test_changed_sweeps(self):
        self.check_changes(SWEEP, SWEPT)

    def test_fewer_updates_than_witnesses(self):
        out = self.compute(COMPARISON)
        with h5py.File(out, "r+") as file:
            file["trials/updates/kde"][0, 1] = 1
        result = self.mcbe("verify", out)
        self.assertEqual(result.code, BAD_FILE, result.out)
        for words in ("cell (n=3, m=6), trial 1", "sampler kde", "updates do not fit the witnesses"):
            self.assertIn(words, result.err)

    def test_a_witness_of_another_point(self):
        out = self.compute(COMPARISON)
        with h5py.File(out, "r+") as file:
            witness = file["witness/smoothing"][()]
            witness[3] = (witness[3] + 7) % 200
            file["witness/smoothing"][...] = witness
        result = self.mcbe("verify", out)
        self.assertEqual(result.code, BAD_FILE, result.out)
        self.assertIn("sampler smoothing: ", result.err)


if __name__ == "__main__":
    unittest.main()
