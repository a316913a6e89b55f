"""`covering_radius` at the command line: configurations it refuses, its plan, and damage that `verify` sees."""

import pathlib
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

CASE = {"experiment": "covering_radius"}
CANONICAL = ("trials/samples", "trials/updates", "trials/last_update", "trials/exact_min", "curves/points",
             "curves/infinite", "curves/alpha_min", "curves/alpha_mean", "curves/rectified", "alpha/data",
             "alpha/direction", "alpha/row_norm", "alpha/exact", "witness/sample")
APPROXIMATE = ("curves/radius_lower", "curves/radius_upper", "curves/radius_search", "curves/radius_expected",
               "curves/corrected_min", "curves/corrected_mean", "curves/corrected_rectified", "alpha/corrected")


class Configurations(system.SystemTest):
    def refuse(self, changes, *fragments):
        result = self.mcbe("plan", self.config({**CASE, **changes}))
        self.assertEqual((result.code, result.out), (BAD_USAGE, ""), result.err)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def test_counts(self):
        self.refuse({"covering.counts": {"values": [100, 601]}}, "covering.counts", "601", "600")
        self.refuse({"covering.counts": 1}, "covering.counts", "2")

    def test_points_that_have_no_radius(self):
        for key, value, wanted in (("sampling.design", "paired", "iid"), ("domain.kind", "gaussian", "sphere"),
                                   ("domain.radial", "sampled", "analytic"), ("domain.nonnegative", True, "false"),
                                   ("sampling.stop.unchanged", 100, "0"), ("sampling.samples", 2e8, "100000000")):
            with self.subTest(key):
                self.refuse({key: value}, key, wanted)

    def test_shapes(self):
        self.refuse({"cells": [{"n": 1, "m": 3}]}, "cells", "{n: 1, m: 3}", "at least 2")
        self.refuse({"cells": [{"n": 5, "m": 4}]}, "cells[0].m", "4", "n = 5")
        self.refuse({"frame.ensemble": "octahedron"}, "cells", "6 x 3")

    def test_a_limit_of_nothing(self):
        self.refuse({"exact.enabled": False}, "exact.work_limit", "exact.enabled")

    def test_more_facets_than_a_hull_takes(self):
        self.refuse({"covering.work_limit": 1e7}, "covering.work_limit", "2000000")

    def test_plan(self):
        result = self.mcbe("plan", self.config(CASE))
        self.assertEqual(result.code, OK, result.err)
        self.assertRegex(result.out, r"(?m)^cells +3$")

    def test_the_last_count_is_all_points(self):
        for counts in ({"values": [20, 100]}, {"values": [20, 100, 600]}):
            self.assertEqual(system.read(self.compute({**CASE, "covering.counts": counts}), "curves/points").tolist(),
                             [20, 100, 600])


class Limits(system.SystemTest):
    def test_what_is_not_computed_is_missing(self):
        """(10, 600 points) would have hundreds of millions of facets, (10, 20 points) thousands; exact answers are not wanted at all."""
        changes = {**CASE, "exact.enabled": False}
        config = self.config(changes, drop=("exact.work_limit",))
        path = self.run_ok(config, self.dir / "out.h5")
        with h5py.File(path, "r") as file:
            self.assertNotIn("exact", file["alpha"])
            self.assertNotIn("exact_min", file["trials"])
            for name in ("radius_lower", "radius_upper", "corrected_min", "corrected_mean", "corrected_rectified"):
                self.assertTrue(np.isnan(file[f"curves/{name}"][2]).all(), name)
                self.assertFalse(np.isnan(file[f"curves/{name}"][:2, :, 1:]).any(), name)
            self.assertFalse(np.isnan(file["curves/radius_search"]).any())
            corrected, offset = file["alpha/corrected"][()], file["alpha/offset"][()]
            self.assertEqual(np.isnan(corrected).tolist(), [k >= offset[4] for k in range(len(corrected))])

    def test_what_depends_on_a_library_says_so(self):
        with h5py.File(self.compute(CASE), "r") as file:
            for names, canonical in ((CANONICAL, 1), (APPROXIMATE, 0)):
                for name in names:
                    self.assertEqual(file[name].attrs.get("canonical", 1), canonical, name)


class Verify(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.out = self.compute(CASE, "out.h5")

    def test_good_file(self):
        result = self.mcbe("verify", self.out)
        self.assertEqual(result.code, OK, result.err)
        self.assertIn("6 of 6 units", result.out)

    def test_changed_values(self):
        """With right checksums. Approximate values may differ by 1e-9, another machine's rounding."""
        with h5py.File(self.out, "r") as file:
            stored = {f"{group}/{name}" for group in ("trials", "alpha", "witness", "curves") for name in file[group]}
        self.assertEqual(stored - {"alpha/offset", "witness/offset"}, {*CANONICAL, *APPROXIMATE})
        for name in (*CANONICAL, *APPROXIMATE):
            with self.subTest(name):
                path = self.dir / "changed.h5"
                shutil.copy(self.out, path)
                with h5py.File(path, "r+") as file:
                    values = file[name][()]
                    at = min(values.size - 1, 2)  # all 600 points of the first shape, or one of its rows
                    self.assertEqual(values.flat[at], values.flat[at], "a missing value would hide the change")
                    step = 1 if values.dtype.kind == "i" else 1e-8 if name in APPROXIMATE else 1e-15
                    values.flat[at] += step
                    file[name][...] = values
                result = self.mcbe("verify", path)
                self.assertEqual((result.code, result.out), (BAD_FILE, ""), result.err)
                self.assertIn(name, result.err)

    def test_a_radius_that_was_not_measured(self):
        with h5py.File(self.out, "r+") as file:
            values = file["curves/radius_upper"][()]
            values[2, 0, 0] = 2  # true, but nobody has shown it
            file["curves/radius_upper"][...] = values
        result = self.mcbe("verify", self.out)
        self.assertEqual(result.code, BAD_FILE, result.out)
        self.assertIn("curves/radius_upper", result.err)


if __name__ == "__main__":
    unittest.main()
