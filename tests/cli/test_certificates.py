"""Certificates: found, exported, checked without our code, and damage is named."""

import os
import shutil
import subprocess
import sys
import pathlib
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

CHECKER = system.SOURCE / "scripts/check_certificate.py"
# (10, 40) is never injective at bias 0, and 2,000 uniform points do not see it; (10, 24) is refuted without any search.
SEARCH = {"trials": 2, "grid.n": 10, "grid.m": {"values": [24, 40]}, "sampling.samples": 2000, "search.enabled": True,
          "search.evaluations": 100000,
          "biases": [{"name": "zero", "kind": "constant", "value": 0}, {"name": "low", "kind": "constant", "value": -0.1},
                     {"name": "drawn", "kind": "normal", "variance": 0.1}]}
DOMAINS = {
    "sphere": {},
    "large sphere": {"domain.radius": 7.5},
    "ball": {"domain.kind": "ball", "domain.radius": 2},
    "shell": {"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5},
    "orthant": {"domain.nonnegative": True, "grid.m": 24},
}


class Certificates(system.SystemTest):
    def check(self, folder):
        return subprocess.run(["/usr/bin/python3", CHECKER, folder], capture_output=True, text=True, timeout=60)

    def export(self, path, number):
        folder = self.dir / f"certificate-{number}"
        result = self.mcbe("show", path, "--certificate", number, "-o", folder)
        self.assertEqual((result.code, result.err), (OK, ""))
        return folder

    def test_search_refutes_what_uniform_points_do_not(self):
        path = self.compute(SEARCH)
        self.assertEqual(self.mcbe("verify", path).code, OK)
        self.assertTrue((system.read(path, "trials/verdict/zero") == 0).all())
        self.assertTrue((system.read(path, "trials/hamming_uniform/zero")[1] > 0.5).all())
        self.assertTrue((system.read(path, "certificates/zero/active") < 10).all())
        self.assertTrue((system.read(path, "certificates/zero/active") >= 0).all())

    def test_every_certificate_holds_by_numpy_alone(self):
        for name, changes in DOMAINS.items():
            with self.subTest(name):
                path = self.compute({**SEARCH, **changes})
                self.assertEqual(self.mcbe("verify", path).code, OK)
                active = [system.read(path, f"certificates/{bias}/active") for bias in ("zero", "low", "drawn")]
                count = int(sum((values >= 0).sum() for values in active))
                self.assertGreater(count, 0)
                for number in range(count):
                    folder = self.export(path, number)
                    result = self.check(folder)
                    self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                    self.assert_in_domain(np.load(folder / "x.npy"), changes)
                    shutil.rmtree(folder)
                missing = self.mcbe("show", path, "--certificate", count)
                self.assertEqual(missing.code, BAD_USAGE)
                self.assertIn(f"holds {count} certificate", missing.err)
                os.unlink(path)

    def assert_in_domain(self, x, changes):
        norm, radius = np.linalg.norm(x), changes.get("domain.radius", 1)
        low = {"ball": 0, "shell": changes.get("domain.inner_radius")}.get(changes.get("domain.kind"), radius)
        self.assertLessEqual(low * (1 - 1e-9), norm)
        self.assertLessEqual(norm, radius * (1 + 1e-9))
        if changes.get("domain.nonnegative"):
            self.assertGreaterEqual(x.min(), 0)

    def test_the_checker_refuses_what_does_not_hold(self):
        folder = self.export(self.compute(SEARCH), 0)
        x, w = np.load(folder / "x.npy"), np.load(folder / "W.npy")
        np.save(folder / "x.npy", w[:5].sum(axis=0))  # five rows and many more are active there
        self.assertEqual(self.check(folder).returncode, 1)
        np.save(folder / "x.npy", 0 * x)
        self.assertEqual(self.check(folder).returncode, 1)
        np.save(folder / "x.npy", x[:-1])
        self.assertEqual(self.check(folder).returncode, 2)
        os.unlink(folder / "x.npy")
        self.assertEqual(self.check(folder).returncode, 2)
        np.save(folder / "x.npy", x)
        for name in ("bias", "W"):
            values = np.load(folder / f"{name}.npy")
            np.save(folder / f"{name}.npy", np.full(values.shape, np.nan))  # compares false with everything
            self.assertEqual(self.check(folder).returncode, 2)
            np.save(folder / f"{name}.npy", values)
        self.assertEqual(self.check(folder).returncode, 0)

    def damage(self, path, change):
        """Verify a copy with one dataset changed and its checksum right. @return what verify says"""
        copy = self.dir / "damaged.h5"
        shutil.copy(path, copy)
        with h5py.File(copy, "r+") as file:
            change(file)
        result = self.mcbe("verify", copy)
        self.assertEqual(result.code, BAD_FILE, result.out)
        return result.err

    def test_damage_is_named(self):
        path = self.compute(SEARCH)

        def move(file):
            file["certificates/zero/x"][3] += 0.25

        def claim(file):
            file["certificates/drawn/active"][1, 0] -= 1

        def stored(file):
            file["points/x"][0] += 1e-3

        def verdict(file):
            file["trials/verdict/zero"][0, 0] = 1

        def count(file):
            file["trials/updates"][0, 0] = 0

        said = self.damage(path, move)
        self.assertIn("the certificate against bias 'zero' does not hold", said)
        self.assertIn("trial 0", said)
        said = self.damage(path, claim)
        self.assertIn("the certificate against bias 'drawn' does not hold", said)
        self.assertIn("and at most 9 refute", said)
        said = self.damage(path, count)
        self.assertIn("updates or last_update do not fit the number of samples", said)
        self.assertNotIn("row", said)  # it is about none
        self.assertIn("cell (n=10", self.damage(path, stored))
        self.assertIn("/trials/verdict/zero does not follow", self.damage(path, verdict))

    def test_what_was_left_out_or_made_up_is_named(self):
        path = self.compute(SEARCH)
        sampled = self.compute({key: value for key, value in SEARCH.items() if not key.startswith("search.")}, "sampled.h5")

        def erase(file):
            file["certificates/zero/active"][0, 0] = -1
            file["certificates/zero/x"][:10] = np.nan
            file["trials/verdict/zero"][0, 0] = 2

        def raise_min_active(file):
            file["trials/min_active"][0, 0] = 11
            file["trials/min_active_sample"][0, 0] = 0

        def fewer_violations(file):
            file["trials/holdout_violations"][1, 0] -= 1

        def not_a_number(file):
            file["points/x"][0] = np.nan

        def uniform(file):
            file["alpha/uniform"][5] += 1e-3

        def witness_points(file):
            file["trials/witness_points"][1, 1] -= 1

        def last_update(file):
            file["trials/last_update"][0, 0] += 1

        self.assertGreater(system.read(sampled, "trials/holdout_violations")[1, 0], 0)
        self.assertIn("holdout_violations", self.damage(sampled, fewer_violations))
        for change, words in ((erase, "has no certificate"), (raise_min_active, "min_active"),
                              (not_a_number, "stored point 0 is no direction"),
                              (uniform, "sampling phase"), (witness_points, "witness_points"),
                              (last_update, "last_update")):
            with self.subTest(change.__name__):
                self.assertIn(words, self.damage(path, change))

    def test_a_point_beside_the_sphere_is_no_certificate(self):
        """A constant bias just below -1/sqrt(3)... of the tetrahedron is proven; a point 1e-9 outside would refute it."""
        path = self.compute({"trials": 1, "grid.n": 3, "grid.m": 4, "frame.ensemble": "tetrahedron", "bias_scale": "absolute",
                             "sampling.samples": 2000, "exact.enabled": True, "polytope.enabled": True,
                             "biases": [{"name": "edge", "kind": "constant", "value": -0.5773502693}]})
        self.assertEqual(system.read(path, "trials/verdict/edge")[0, 0], 1)

        def forge(file):
            file["certificates/edge/x"][...] = np.float32([-1, 0, 0]) * (1 + 2.0**-30)
            file["certificates/edge/active"][0, 0] = 2
            file["trials/verdict/edge"][0, 0] = 0

        self.damage(path, forge)

    def test_n_active_rows_that_do_not_span_prove_nothing(self):
        """At (0, 1) and (0, 0.9) rows 1 and 2 alone are active at this bias: both give (2, 2, 0, 0)."""
        weights = self.dir / "w.npy"
        np.save(weights, np.array([[1.0, 0], [-1, 0], [0.3, -3], [-0.25, -3.1]]))
        path = self.compute({"trials": 1, "grid.n": 2, "grid.m": 4, "frame.ensemble": "file", "frame.path": str(weights),
                             "bias_scale": "absolute", "domain.kind": "ball", "sampling.samples": 2000,
                             "exact.enabled": True, "biases": [{"name": "low", "kind": "constant", "value": -2.0}]})
        self.assertEqual(system.read(path, "trials/verdict/low")[0, 0], 2)

    def test_bad_options(self):
        path = self.compute(SEARCH)
        for number in ("x", "-1", "", "99999999999999999999"):
            result = self.mcbe("show", path, f"--certificate={number}")
            self.assertEqual(result.code, BAD_USAGE)
            self.assertIn("--certificate", result.err)
        self.assertEqual(self.mcbe("show", path, "-o", "folder").code, BAD_USAGE)
        self.assertEqual(self.mcbe("show", path, "--certificate", 0, "--json").code, BAD_USAGE)


if __name__ == "__main__":
    unittest.main()
