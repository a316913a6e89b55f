"""`convergence` at the command line: configurations it refuses, its plan, and damage that `verify` sees."""

import pathlib
import shutil
import sys
import unittest

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

CASE = {"experiment": "convergence"}


class Configurations(system.SystemTest):
    def refuse(self, changes, *fragments):
        result = self.mcbe("plan", self.config({**CASE, **changes}))
        self.assertEqual((result.code, result.out), (BAD_USAGE, ""), result.err)
        self.assertEqual(result.err.count("\n"), 1, result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def test_fewer_rows_than_columns(self):
        self.refuse({"cells": [{"n": 2, "m": 2}, {"n": 5, "m": 4}]}, "cells[1].m", "4", "n = 5")

    def test_a_shape_twice(self):
        self.refuse({"cells": [{"n": 3, "m": 6}, {"n": 2, "m": 6}, {"n": 3, "m": 6}]}, "cells", "{n: 3, m: 6}")

    def test_no_shape(self):
        self.refuse({"cells": []}, "cells")

    def test_a_frame_of_another_shape(self):
        for cells in ([{"n": 3, "m": 5}], [{"n": 3, "m": 4}, {"n": 3, "m": 5}]):
            self.refuse({"frame.ensemble": "tetrahedron", "cells": cells}, "cells", "4 x 3", "{n: 3, m: 4}")

    def test_curves_are_not_cut_short(self):
        self.refuse({"sampling.stop.unchanged": 100}, "sampling.stop.unchanged", "100", "0")

    def test_domains_without_exact_answer(self):
        for key, value in (("domain.nonnegative", True), ("domain.kind", "gaussian")):
            self.refuse({key: value}, "exact.enabled", "false")

    def test_a_limit_of_nothing(self):
        self.refuse({"exact.enabled": False, "exact.work_limit": 1e6}, "exact.work_limit", "exact.enabled")

    def test_shapes_in_any_order(self):
        cells = system.CONVERGENCE["cells"]
        self.assert_identical(self.compute(CASE), self.compute({**CASE, "cells": cells[::-1]}))

    def test_plan(self):
        result = self.mcbe("plan", self.config(CASE))
        self.assertEqual(result.code, OK, result.err)
        self.assertRegex(result.out, r"(?m)^cells +4$")
        products = sum(2 * cell["n"] * cell["m"] for cell in system.CONVERGENCE["cells"]) * 2 * 600
        self.assertRegex(result.out, rf"(?m)^flops +{products:.3g} ".replace("+0", r"\+0"))


class Exact(system.SystemTest):
    def test_only_if_asked_for(self):
        with h5py.File(self.compute({**CASE, "exact.enabled": False}), "r") as file:
            self.assertNotIn("exact", file["alpha"])
            self.assertNotIn("excess_max", file["curves"])

    def test_only_within_the_limit(self):
        """(10, 30) would take 10^9 operations and more."""
        out = self.compute({**CASE, "exact.work_limit": 1e6})
        exact, offset, excess = system.read(out, "alpha/exact", "alpha/offset", "curves/excess_max")
        for cell in range(4):
            values = exact[offset[2 * cell]:offset[2 * cell + 2]]
            self.assertEqual(bool((values != values).all()), cell == 3)
            self.assertEqual(bool((excess[cell] != excess[cell]).all()), cell == 3)


class Verify(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.out = self.compute(CASE, "out.h5")

    def verify(self, path):
        return self.mcbe("verify", path)

    def test_good_file(self):
        result = self.verify(self.out)
        self.assertEqual(result.code, OK, result.err)
        self.assertIn("8 of 8 units", result.out)

    def test_changed_values(self):
        """With right checksums: a unit is computed again, so any value is found wrong."""
        names = ["trials/updates", "trials/last_update", "trials/samples", "alpha/data", "alpha/direction", "alpha/row_norm",
                 "alpha/exact", "witness/sample", *(f"curves/{name}" for name in (
                     "iteration", "no_update", "rectified", "infinite", "alpha_mean", "excess_max", "excess_mean"))]
        with h5py.File(self.out, "r") as file:
            stored = {f"{group}/{name}" for group in ("trials", "alpha", "witness", "curves") for name in file[group]}
        self.assertEqual(stored - {"alpha/offset", "witness/offset"}, set(names))
        for name in names:
            with self.subTest(name):
                path = self.dir / "changed.h5"
                shutil.copy(self.out, path)
                with h5py.File(path, "r+") as file:
                    values = file[name][()]
                    at = values.size // 10  # in the first shape, which has an exact answer
                    values.flat[at] = values.flat[at] + (1 if values.dtype.kind == "i" else 1e-9)
                    file[name][...] = values
                result = self.verify(path)
                self.assertEqual((result.code, result.out), (BAD_FILE, ""), result.err)
                self.assertIn(name, result.err)


if __name__ == "__main__":
    unittest.main()
