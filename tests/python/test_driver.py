"""alpha* from Python has the bits of `mcbe run`; result files become arrays and tables."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.environ["MCBE_SOURCE"], "tests", "support"))
import mcbe
import numpy as np
from mcbe_system import SystemTest

ALL = ("direction", "witness", "samples", "updates", "last_update", "min_active", "min_active_sample")
CASES = {
    "paired": ({"sampling.design": "paired"}, {"design": "paired"}),
    "iid, ball, rows first": ({"domain.kind": "ball", "domain.radius": 2.5, "sampling.init_rows": True},
                              {"design": "iid", "domain": mcbe.Domain.ball(2.5), "init_rows": True}),
    "shell, radii drawn": ({"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5,
                            "domain.radial": "sampled"},
                           {"domain": mcbe.Domain.shell(0.5, 2, radial="sampled")}),
    "gaussian, stopped": ({"domain.kind": "gaussian", "sampling.samples": 200000, "sampling.stop.unchanged": 3000},
                          {"domain": "gaussian", "design": "iid", "samples": 200000, "unchanged": 3000}),
    "non-negative part, unit rows": ({"domain.nonnegative": True, "frame.normalize_rows": True},
                                     {"domain": mcbe.Domain.sphere(nonnegative=True)}),
}


class Driver(SystemTest):
    def test_bit_for_bit(self):
        for name, (keys, options) in CASES.items():
            with self.subTest(name), mcbe.Results(self.compute({"seed": 99, **keys})) as run:
                for cell, (n, m) in enumerate(zip(run.n, run.m)):
                    for trial in range(2):
                        self.compare(run, cell, trial, mcbe.Frame.random(
                            int(n), int(m), 99, trial, normalize_rows="frame.normalize_rows" in keys), options)

    def test_a_matrix_for_every_trial(self):
        """Weights and biases of the epochs of a training, as NumPy and h5py write them."""
        import h5py
        rng = np.random.default_rng(5)
        weights, biases = rng.normal(size=(4, 9, 3)).astype(np.float32), rng.normal(size=(4, 9))
        np.save(self.dir / "w.npy", weights)
        np.save(self.dir / "turned.npy", weights.transpose(0, 2, 1))
        np.save(self.dir / "b.npy", -biases)
        with h5py.File(self.dir / "t.h5", "w") as file:
            file["weight"], file["bias"] = weights, biases
        changes = {"frame.ensemble": "file", "grid.n": 3, "grid.m": 9, "bias_scale": "absolute", "trials": 3}
        runs = [self.compute({**changes, "frame.path": f"{self.dir}/{weight}", "frame.transpose": "turned" in weight,
                              "biases": [{"name": "zero", "kind": "constant", "value": 0},
                                         {"name": "own", "kind": "file", "path": f"{self.dir}/{bias}",
                                          "convention": convention}]})
                for weight, bias, convention in (("w.npy", "b.npy", "minus"), ("t.h5:/weight", "t.h5:/bias", "plus"),
                                                 ("turned.npy", "t.h5:/bias", "plus"))]
        self.assertEqual(self.mcbe("verify", runs[1]).code, 0)
        for path in runs:
            with mcbe.Results(path) as run:
                self.assertEqual(run["trials/hamming/own"].shape, (1, 3))
                for trial in range(3):
                    found = mcbe.estimate(mcbe.Frame(weights[trial].astype(float)), "sphere", 600, run.seed, trial=trial,
                                          design="iid")
                    self.assertEqual(found.alpha.tobytes(), run.rows("alpha/data", 0, trial).tobytes())
                    self.assertEqual(mcbe.hamming(found, -biases[trial]).share, run["trials/hamming/own"][0, trial])

    def compare(self, run, cell, trial, frame, options):
        found = mcbe.estimate(frame, **{"samples": 600, "seed": run.seed, "trial": trial, **options})
        stored = {"direction": run.rows("alpha/direction", cell, trial),
                  "witness": run.rows("witness/sample", cell, trial),
                  **{name: run["trials/" + name][cell, trial] for name in ALL[2:]}}
        for name in ALL[:2]:
            self.assertEqual(getattr(found, name).tobytes(), stored[name].tobytes(), name)
        for name in ALL[2:]:
            self.assertEqual(getattr(found, name), stored[name], name)
        self.assertEqual(found.alpha.tobytes(), run.rows("alpha/data", cell, trial).tobytes())
        self.assertEqual(found.unconstrained, run["trials/unconstrained"][cell, trial])
        np.testing.assert_array_equal(frame.row_norms, run.rows("alpha/row_norm", cell, trial))
        zero = mcbe.hamming(found, np.zeros(frame.m), frame.row_norms)
        self.assertEqual(zero.share, run["trials/hamming/zero"][cell, trial])


class Files(SystemTest):
    def test_what_a_file_says(self):
        path = self.compute()
        with mcbe.Results(path) as run:
            self.assertEqual((run.experiment, run.seed, run.complete), ("phase_diagram", 20240101, True))
            self.assertEqual(run.settings["sampling.samples"], "600")
            self.assertEqual(run.attributes["filetype"], "mcbe-results")
            np.testing.assert_array_equal(run.n, [2, 2, 2, 3, 3, 3])
            np.testing.assert_array_equal(run.m, [3, 6, 9, 3, 6, 9])
            self.assertTrue(run.done.all() and run.done.shape == (6, 2))
            self.assertIn("trials/updates", run)
            self.assertTrue(run.describe("trials/updates"))
            records = run.records()
            self.assertEqual(len(records), 12)
            self.assertEqual(records["updates"].tolist(), run["trials/updates"].ravel().tolist())
            self.assertEqual(records["m"].tolist(), np.repeat(run.m, 2).tolist())
            self.assertIn("hamming/quarter", records.dtype.names)

    def test_tables(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not installed (Debian: python3-pandas)")
        with mcbe.Results(self.compute()) as run:
            table = run.table()
        self.assertIsInstance(table, pandas.DataFrame)
        self.assertEqual(table.groupby(["n", "m"]).size().tolist(), [2] * 6)

    def test_refusals(self):
        import h5py
        text, other, newer = self.dir / "a.txt", self.dir / "b.h5", self.dir / "c.h5"
        text.write_text("x")
        h5py.File(other, "w").close()
        with h5py.File(newer, "w") as file:
            file.attrs.update(filetype="mcbe-results", version=[2, 0])
        for path, sentence in ((text, "cannot be read as an HDF5 file"), (self.dir / "none", "none' cannot be read"),
                               (other, "not a result file of mcbe"), (newer, "format version 2; this package reads")):
            with self.subTest(sentence), self.assertRaisesRegex(mcbe.FileError, sentence):
                mcbe.Results(path)
        with mcbe.Results(self.compute()) as run, self.assertRaisesRegex(mcbe.FileError, "no dataset 'alpha/x'"):
            run.rows("alpha/x", 0)


if __name__ == "__main__":
    unittest.main()
