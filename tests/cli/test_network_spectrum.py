"""`network_spectrum` at the command line: against NumPy, configurations it refuses, any number of ranks, damage."""

import pathlib
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

SIZES = (6, 14, 14, 5, 5)  # numbers before the first layer and after each


class SpectrumTest(system.SystemTest):
    """dense 6 -> 14, ReLU, dense 14 -> 5, ReLU, at 11 points."""

    def setUp(self):
        super().setUp()
        rng = np.random.default_rng(8)
        self.weights = [rng.standard_normal((14, 6)), rng.standard_normal((5, 14))]
        self.biases = [rng.standard_normal(14), rng.standard_normal(5)]
        self.points = rng.standard_normal((11, 6)).astype(np.float32)
        np.save(self.dir / "x.npy", self.points)
        with h5py.File(self.dir / "net.h5", "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [6, 1, 1], "layers": 4})
            for number in range(4):
                group = file.create_group(f"layers/{number}")
                group.attrs["kind"] = "relu" if number % 2 else "dense"
                if number % 2 == 0:
                    group["weight"], group["bias"] = self.weights[number // 2], self.biases[number // 2]
        self.case = {"experiment": "network_spectrum", "network.path": str(self.dir / "net.h5"), "points.kind": "data",
                     "data.path": str(self.dir / "x.npy")}

    def spectrum(self, changes=None, name="out.h5", **options):
        drop = set(system.BASE) - {"experiment", "seed"}
        config = self.config({**self.case, **(changes or {})}, drop=drop)
        return self.run_ok(config, self.dir / name, **options)

    def matrices(self, x):
        """Of each layer at a point."""
        z0 = self.weights[0] @ x + self.biases[0]
        z1 = self.weights[1] @ np.maximum(z0, 0) + self.biases[1]
        return [self.weights[0], np.diag((z0 > 0).astype(float)), self.weights[1], np.diag((z1 > 0).astype(float))]


class AgainstNumPy(SpectrumTest):
    def check(self, single):
        path = self.spectrum({"spectrum.of": "single" if single else "cumulated"})
        layer, kind, outputs, active, rank, largest, smallest, owner, value = system.read(
            path, *(f"spectrum/{name}" for name in ("layer", "kind", "outputs", "active", "rank", "largest", "smallest")),
            "sigma/layer", "sigma/value")
        self.assertEqual((layer.tolist(), kind.tolist(), outputs.tolist()), ([0, 1, 2, 3], [0, 2, 0, 2], [14, 14, 5, 5]))
        for i, point in enumerate(self.points.astype(float)):
            product = np.eye(6)
            for number, matrix in enumerate(self.matrices(point)):
                product = matrix if single else matrix @ product
                sigma = np.linalg.svd(product, compute_uv=False)
                found = value[0, i][owner == number]
                np.testing.assert_allclose(found, sigma, atol=1e-12)
                positive = sigma[sigma > 1e-10]
                self.assertEqual(rank[0, i, number], len(positive))
                self.assertAlmostEqual(largest[0, i, number], sigma[0], delta=1e-12)
                self.assertAlmostEqual(smallest[0, i, number], positive[-1] if len(positive) else 0, delta=1e-12)
                expected = np.diag(matrix).sum() if number % 2 else SIZES[number + 1]
                self.assertEqual(active[0, i, number], expected)
        result = self.mcbe("verify", path)
        self.assertEqual(result.code, OK, result.err)

    def test_products_of_layers(self):
        self.check(single=False)

    def test_each_layer_alone(self):
        self.check(single=True)

    def test_the_first_layers_without_values(self):
        path = self.spectrum({"network.layers": 2, "spectrum.values": False, "points.count": 4})
        with h5py.File(path, "r") as file:
            self.assertNotIn("sigma", file)
            self.assertEqual(file["spectrum/rank"].shape, (1, 4, 2))
            self.assertEqual((file["cells/n"][0], file["cells/m"][0]), (6, 14))


class Runs(SpectrumTest):
    def test_every_number_of_ranks_and_teams(self):
        expected = system.contents(self.spectrum())
        self.assertIn("sigma/value", expected)
        for ranks, team in ((2, 1), (3, "all"), (7, 2)):
            self.assert_identical(expected, self.spectrum({"run.ranks_per_unit": team}, f"{ranks}.h5", ranks=ranks))

    def test_changed_values_are_seen(self):
        path = self.spectrum()
        for name in ("spectrum/rank", "spectrum/smallest", "sigma/value"):
            copy = self.dir / "copy.h5"
            shutil.copy(path, copy)
            with h5py.File(copy, "r+") as file:
                file[name][0, 3, 1] += 1
            result = self.mcbe("verify", copy)
            self.assertEqual(result.code, BAD_FILE, result.err)
            self.assertIn(f"/{name} ", result.err)


class Configurations(SpectrumTest):
    def refuse(self, changes, code, *fragments):
        config = self.config({**self.case, **changes}, drop=set(system.BASE) - {"experiment", "seed"})
        result = self.mcbe("plan", config)
        self.assertEqual((result.code, result.out), (code, ""), result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def test_what_does_not_fit(self):
        self.refuse({"network.layers": 5}, BAD_USAGE, "network.layers", "has 4 layers")
        np.save(self.dir / "y.npy", np.zeros((2, 7)))
        self.refuse({"data.path": str(self.dir / "y.npy")}, BAD_USAGE, "data.path", "7 coordinates", "has 6")
        self.refuse({"network.path": str(self.dir / "x.npy")}, BAD_FILE, "is not an HDF5 file")
        self.refuse({"points.count": 12}, BAD_USAGE, "points.count", "have 11 points")


if __name__ == "__main__":
    unittest.main()
