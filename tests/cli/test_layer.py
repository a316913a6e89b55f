"""`layer` at the command line: against NumPy and by hand, configurations it refuses, and damage that `verify` sees."""

import pathlib
import shutil
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_USAGE, OK

CASE = {"experiment": "layer"}
RANDOM = ("layer.n", "layer.m", "points.count")  # of the base, which a file or plane does not have
SINGLETON, COMPACT, UNBOUNDED = 0, 1, 2


def rows(array):
    """A random matrix of ours, its rows in float32, which the data are stored in."""
    return np.asarray(array, dtype=np.float32).astype(float)


class LayerTest(system.SystemTest):
    def measure(self, changes=None, drop=RANDOM, ranks=None):
        """The points of a run with one cell, {name: [point]}, and the file."""
        path = self.run_ok(self.config({**CASE, **(changes or {})}, drop=drop), self.dir / "out.h5", "--fresh",
                           ranks=ranks)
        result = self.mcbe("verify", path)
        self.assertEqual(result.code, OK, result.err)
        with h5py.File(path, "r") as file:
            count = file["trials/points"][0].sum()
            points = {name: data[0].reshape(-1)[:count] for name, data in file["points"].items() if name != "point"}
            for name, data in file["points"].items():  # places without a point say so
                rest = data[()].reshape(-1)[count:] if name != "point" else np.array([])
                self.assertTrue(np.isnan(rest).all() if rest.dtype.kind == "f" else (rest == -1).all())
        return points, path

    def matrix_and_points(self, w, x):
        np.save(self.dir / "w.npy", w)
        np.save(self.dir / "x.npy", x)
        return {"frame.ensemble": "file", "frame.path": str(self.dir / "w.npy"), "points.kind": "data",
                "data.path": str(self.dir / "x.npy")}


class AgainstNumPy(LayerTest):
    def test_reconstruction_and_stability(self):
        rng = np.random.default_rng(3)
        for m, n, bias in ((12, 6, 0.0), (30, 6, 0.3), (9, 8, -0.2)):
            w, x = rng.standard_normal((m, n)), rows(rng.standard_normal((77, n)))
            w[2] = w[1]
            found, path = self.measure({**self.matrix_and_points(w, x), "layer.bias": bias})
            alpha = bias * np.linalg.norm(w, axis=1)
            with h5py.File(path, "r") as file:
                smallest_min, largest_max = file["trials/smallest_min"][0].min(), file["trials/largest_max"][0].max()
            for i, point in enumerate(x):
                active = w @ point - alpha > 0
                kept = w[active]
                sigma = np.linalg.svd(kept, compute_uv=False) if len(kept) else np.zeros(0)
                rank = np.linalg.matrix_rank(kept) if len(kept) else 0
                again = np.linalg.pinv(kept) @ (kept @ point) if len(kept) else np.zeros(n)
                self.assertEqual((found["active"][i], found["rank"][i]), (active.sum(), rank))
                self.assertAlmostEqual(found["error"][i], np.linalg.norm(point - again), delta=1e-9)
                self.assertAlmostEqual(found["norm"][i], np.linalg.norm(point), delta=1e-12)
                self.assertAlmostEqual(found["smallest"][i], sigma[n - 1] if rank == n else 0, delta=1e-9)
                self.assertAlmostEqual(found["largest"][i], sigma[0] if rank else 0, delta=1e-9)
                self.assertAlmostEqual(found["smallest_positive"][i], sigma[rank - 1] if rank else 0, delta=1e-9)
                if rank == n:
                    self.assertEqual(found["class"][i], SINGLETON)
                    self.assertLess(found["error"][i], 1e-10 * max(1, 1 / found["rcond"][i]))
            self.assertEqual((found["smallest"].min(), found["largest"].max()), (smallest_min, largest_max))

    def save_network(self, name, *layers):
        """Dense layers (weight, bias), each followed by ReLU, as a network file."""
        path = self.dir / name
        with h5py.File(path, "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [layers[0][0].shape[1], 1, 1],
                               "layers": 2 * len(layers)})
            for number, (weight, bias) in enumerate(layers):
                group = file.create_group(f"layers/{2 * number}")
                group.attrs["kind"] = "dense"
                group["weight"], group["bias"] = weight, bias
                file.create_group(f"layers/{2 * number + 1}").attrs["kind"] = "relu"
        return str(path)

    def test_several_networks_in_one_run(self):
        """Each file's units hold what a run of that file alone has, bit for bit, on any number of ranks; the last
        unit of each is short."""
        rng = np.random.default_rng(11)
        x = rows(rng.standard_normal((25, 4)))
        np.save(self.dir / "x.npy", x)
        layers = [[(rng.standard_normal(shape), rng.standard_normal(shape[0])) for shape in ((7, 4), (9, 7))]
                  for _ in range(3)]
        files = [self.save_network(f"net{i}.h5", *layer) for i, layer in enumerate(layers)]
        common = {"layer.number": 2, "points.kind": "data", "data.path": str(self.dir / "x.npy"), "points.block": 10}
        alone = []
        for path, ((w0, b0), (w1, b1)) in zip(files, layers):
            found, _ = self.measure({**common, "layer.network": path})
            hidden = np.maximum(x @ w0.T + b0, 0)
            np.testing.assert_array_equal(found["active"], (hidden @ w1.T + b1 > 0).sum(axis=1))
            alone.append(found)
        for ranks in (None, 3):
            out = self.run_ok(self.config({**CASE, **common, "layer.network": files}, drop=RANDOM),
                              self.dir / f"all{ranks}.h5", ranks=ranks)
            self.assertEqual(self.mcbe("verify", out).code, OK)
            with h5py.File(out, "r") as file:
                number = file["trials/network"][0]
                np.testing.assert_array_equal(number, np.repeat([0, 1, 2], 3))
                np.testing.assert_array_equal(file["trials/points"][0], [10, 10, 5] * 3)
                for name in alone[0]:
                    values = file["points"][name][0]
                    for i, found in enumerate(alone):
                        np.testing.assert_array_equal(values[number == i].reshape(-1)[:25], found[name], err_msg=name)

    def test_networks_of_different_shapes_are_refused(self):
        rng = np.random.default_rng(12)
        files = [self.save_network(f"net{m}.h5", (rng.standard_normal((m, 4)), np.zeros(m))) for m in (7, 8)]
        np.save(self.dir / "x.npy", rows(rng.standard_normal((5, 4))))
        result = self.mcbe("plan", self.config({**CASE, "layer.network": files, "points.kind": "data",
                                                "data.path": str(self.dir / "x.npy")}, drop=RANDOM))
        self.assertEqual(result.code, BAD_USAGE, result.err)
        for words in ("layer.network", files[0], files[1], "4 numbers to 8", "4 to 7"):
            self.assertIn(words, result.err)

    def test_a_layer_of_a_network(self):
        """Points go through the layers before it; the network's bias is added, so alpha = -b."""
        rng = np.random.default_rng(4)
        w0, b0, w1, b1 = (rng.standard_normal(shape) for shape in ((7, 4), 7, (9, 7), 9))
        network = self.save_network("net.h5", (w0, b0), (w1, b1))
        x = rows(rng.standard_normal((50, 4)))
        np.save(self.dir / "x.npy", x)
        found, _ = self.measure({"layer.network": network, "layer.number": 2, "points.kind": "data",
                                 "data.path": str(self.dir / "x.npy")})
        hidden = np.maximum(x @ w0.T + b0, 0)
        np.testing.assert_array_equal(found["active"], (hidden @ w1.T + b1 > 0).sum(axis=1))
        np.testing.assert_allclose(found["norm"], np.linalg.norm(hidden, axis=1), rtol=1e-12)

    def test_a_convolution(self):
        """2 x 3 x 3 images, a 2 x 2 kernel: the layer as a matrix has 4 rows an output channel."""
        rng = np.random.default_rng(5)
        kernel, bias = rng.standard_normal((3, 2, 2, 2)), rng.standard_normal(3)
        with h5py.File(self.dir / "net.h5", "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [2, 3, 3], "layers": 1})
            group = file.create_group("layers/0")
            group.attrs.update({"kind": "conv", "stride": [1, 1], "padding": [0, 0]})
            group["weight"], group["bias"] = kernel, bias
        x = rows(rng.standard_normal((20, 18)))
        np.save(self.dir / "x.npy", x)
        found, path = self.measure({"layer.network": str(self.dir / "net.h5"), "points.kind": "data",
                                    "data.path": str(self.dir / "x.npy")})
        windows = np.lib.stride_tricks.sliding_window_view(x.reshape(-1, 2, 3, 3), (2, 2), axis=(2, 3))
        z = np.einsum("pcyxij,ocij->poyx", windows, kernel) + bias[:, None, None]
        np.testing.assert_array_equal(found["active"], (z > 0).sum(axis=(1, 2, 3)))
        self.assertEqual(system.read(path, "cells/n", "cells/m"), [18, 12])

    def test_a_plane_of_data(self):
        rng = np.random.default_rng(6)
        w, x = rng.standard_normal((11, 5)), rows(rng.standard_normal((9, 5)))
        found, _ = self.measure({**self.matrix_and_points(w, x), "points.kind": "plane", "plane.steps": 6,
                                 "plane.low": -0.5, "plane.high": 2, "plane.points": {"values": [1, 4, 8]}})
        t, s = np.meshgrid(np.linspace(-0.5, 2, 6), np.linspace(-0.5, 2, 6), indexing="ij")
        grid = x[1] + s.reshape(-1, 1) * (x[4] - x[1]) + t.reshape(-1, 1) * (x[8] - x[1])
        np.testing.assert_allclose(found["norm"], np.linalg.norm(grid, axis=1), rtol=1e-12)
        np.testing.assert_array_equal(found["active"], (grid @ w.T > 0).sum(axis=1))

    def test_random_points_lie_in_their_set(self):
        inside, _ = self.measure({"domain.kind": "shell", "domain.radial": "sampled", "domain.radius": 3,
                                  "domain.inner_radius": 2, "layer.m": 12}, drop=())
        self.assertTrue(((inside["norm"] >= 2) & (inside["norm"] <= 3)).all() and np.ptp(inside["norm"]) > 0.5)
        sphere, _ = self.measure({"domain.radius": 3, "layer.m": 12}, drop=())
        np.testing.assert_allclose(sphere["norm"], 3, rtol=1e-6)


class ByHand(LayerTest):
    def test_a_triangle(self):
        """Rows at 90, 210 and 330 degrees, alpha = 1: where none is active the preimage is a triangle, where one is a
        stretch, where two are a point."""
        angles = np.radians([90, 210, 330])
        w = np.column_stack((np.cos(angles), np.sin(angles)))
        x = np.array([[0, 0], [0, 1.5], [4, 0], [0, -5], [0.1, 0.1]])
        found, _ = self.measure({**self.matrix_and_points(w, x), "layer.bias": 1})
        self.assertEqual(found["active"].tolist(), [0, 1, 1, 2, 0])
        self.assertEqual(found["class"].tolist(), [COMPACT, COMPACT, COMPACT, SINGLETON, COMPACT])
        self.assertEqual(found["dimension"].tolist(), [2, 1, 1, 0, 2])
        self.assertEqual(found["rank"].tolist(), [0, 1, 1, 2, 0])

    def test_two_axes(self):
        """W = I: what is not positive may be anything not positive."""
        x = np.array([[1, 1], [1, -1], [-1, -1]])
        found, _ = self.measure(self.matrix_and_points(np.eye(2), x))
        self.assertEqual(found["class"].tolist(), [SINGLETON, UNBOUNDED, UNBOUNDED])
        np.testing.assert_allclose(found["error"], [0, 1, 2**0.5], atol=1e-15)

    def test_octahedron(self):
        """Without a bias every point off the coordinate planes has three active rows, which are the axes."""
        found, path = self.measure({"frame.ensemble": "octahedron", "points.count": 500}, drop=("layer.n", "layer.m"))
        self.assertTrue((found["active"] == 3).all() and (found["class"] == SINGLETON).all())
        np.testing.assert_allclose([found["smallest"], found["largest"]], 1, rtol=1e-14)
        self.assertLess(found["error"].max(), 1e-14)
        self.assertEqual(system.read(path, "trials/full_rank").sum(), 500)

    def test_only_what_is_asked_for_is_there(self):
        self.measure({"measure.reconstruction": False, "measure.stability": False, "layer.m": 12}, drop=())
        with h5py.File(self.dir / "out.h5", "r") as file:
            self.assertEqual(sorted(file["points"]), ["active", "class", "dimension", "norm", "point", "proof"])


class Configurations(LayerTest):
    def refuse(self, changes, *fragments, drop=()):
        result = self.mcbe("plan", self.config({**CASE, **changes}, drop=drop))
        self.assertEqual((result.code, result.out), (BAD_USAGE, ""), result.err)
        for fragment in fragments:
            self.assertIn(fragment, result.err)

    def test_shapes(self):
        self.refuse({"layer.m": 4}, "layer.m", "at least n = 5")
        self.refuse({}, "layer.n", "neither data nor a file", drop=("layer.n",))
        self.refuse({"frame.ensemble": "octahedron"}, "layer.m", "6 rows")
        self.refuse({"frame.ensemble": "octahedron"}, "layer.n", "3 columns", drop=("layer.m",))
        files = self.matrix_and_points(np.eye(3), np.zeros((2, 4)))
        self.refuse(files, "data.path", "4 coordinates", "has 3", drop=RANDOM)

    def test_points(self):
        self.refuse({}, "points.count", "number of random points", drop=("points.count",))
        self.refuse({"domain.kind": "ball"}, "domain.radial", "need sampled")
        self.refuse({"points.kind": "data"}, "data.path", drop=RANDOM)
        self.refuse({"data.path": "x.npy"}, "data.path", "points.kind: data or plane")
        self.refuse({"plane.steps": 7}, "plane.steps", "points.kind: plane")
        self.refuse({"points.kind": "plane"}, "points.count", "plane.steps")
        files = self.matrix_and_points(np.eye(3), np.ones((4, 3)))
        self.refuse({**files, "domain.radius": 2}, "domain.radius", "points.kind: domain", drop=RANDOM)
        self.refuse({**files, "points.count": 5}, "points.count", "have 4 points", drop=("layer.n", "layer.m"))
        plane = {**files, "points.kind": "plane"}
        self.refuse({**plane, "plane.points": [3, 4]}, "plane.points", "0 to 3", drop=RANDOM)
        self.refuse({**plane, "plane.points": [2, 4]}, "plane.points", "0 to 3", drop=RANDOM)
        self.refuse({**plane, "plane.low": 1}, "plane.low", "below plane.high = 1", drop=RANDOM)

    def test_networks(self):
        with h5py.File(self.dir / "net.h5", "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [2, 1, 1], "layers": 2})
            file.create_group("layers/0").attrs["kind"] = "relu"
            dense = file.create_group("layers/1")
            dense.attrs["kind"] = "dense"
            dense["weight"], dense["bias"] = np.eye(2), np.zeros(2)
        network = {"layer.network": str(self.dir / "net.h5")}
        shapes = ("layer.n", "layer.m")
        self.refuse(network, "layer.number", "0, which is relu", drop=shapes)
        self.refuse({**network, "layer.number": 2}, "layer.number", "layers 0 to 1", drop=shapes)
        self.refuse({**network, "layer.number": 1}, "layer.n", "network file")
        self.refuse({**network, "layer.number": 1, "layer.bias": 1}, "layer.bias", "network file", drop=shapes)
        self.refuse({"layer.number": 1}, "layer.number", "layer.network")
        (self.dir / "bad.h5").write_text("text")
        result = self.mcbe("plan", self.config({**CASE, "layer.network": str(self.dir / "bad.h5")}, drop=shapes))
        self.assertEqual(result.code, BAD_FILE, result.err)
        self.assertIn("is not an HDF5 file", result.err)

    def test_plan(self):
        result = self.mcbe("plan", self.config(CASE))
        self.assertEqual(result.code, OK, result.err)
        self.assertRegex(result.out, r"(?m)^units +16 \(8 trials a cell\)$")


class Damage(LayerTest):
    def test_changed_values_are_seen(self):
        _, path = self.measure({"layer.m": 12}, drop=())
        for name in ("points/active", "points/error", "points/smallest", "points/class", "trials/singleton"):
            with self.subTest(name):
                copy = self.dir / "copy.h5"
                shutil.copy(path, copy)
                with h5py.File(copy, "r+") as file:
                    data = file[name]
                    at = (0, 2) if data.ndim == 2 else (0, 2, 3)
                    data[at] = data[at] + 1 if data[at] < 1 else 0
                result = self.mcbe("verify", copy)
                self.assertEqual(result.code, BAD_FILE, result.err)
                self.assertIn(f"/{name} ", result.err)


if __name__ == "__main__":
    unittest.main()
