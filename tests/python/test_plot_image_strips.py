"""scripts/plot_image_strips.py on images and a network made here; what it returns is checked by NumPy once more."""

import contextlib
import gzip
import io
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import h5py
import matplotlib.image
import numpy as np

SCRIPT = pathlib.Path(os.environ["MCBE_SOURCE"]) / "scripts" / "plot_image_strips.py"
sys.path.insert(0, str(SCRIPT.parent))
import mcbe_images  # noqa: E402
import plot_image_strips as plot  # noqa: E402

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(0, 256, (12, 4, 4), dtype=np.uint8)
LABELS = np.arange(12, dtype=np.uint8) % 3
WEIGHT, BIAS = RNG.standard_normal((5, 16)), 0.1 * RNG.standard_normal(5)
LAST = RNG.standard_normal((3, 5))


def idx(array):
    return struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape) + array.tobytes()


def features(x):
    return np.maximum(0, WEIGHT @ x + BIAS)


class StripTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.images = self.folder / "t10k-images-idx3-ubyte.gz"
        self.images.write_bytes(gzip.compress(idx(PIXELS)))
        (self.folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS)))
        self.network = self.write_network("net.h5", ("flatten", "dense", "relu", "dense"), (1, 4, 4))

    def write_network(self, name, kinds, shape):
        with h5py.File(self.folder / name, "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": shape, "layers": len(kinds)})
            weights = iter([(WEIGHT, BIAS), (LAST, np.zeros(3))])
            for number, kind in enumerate(kinds):
                group = file.create_group(f"layers/{number}")
                group.attrs["kind"] = kind
                if kind == "dense":
                    group["weight"], group["bias"] = next(weights)
        return self.folder / name

    def options(self, *words):
        return plot.parse_arguments([*map(str, words), "-o", str(self.folder / "a.png")])

    def assert_refused(self, code, words, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
            plot.main([*map(str, arguments), "-o", str(self.folder / "a.png")])
        self.assertEqual(ended.exception.code, code, said.getvalue())
        self.assertEqual(said.getvalue().count("\n"), 1, said.getvalue())
        self.assertIn(words, said.getvalue())
        self.assertEqual(list(self.folder.glob("*.png")), [], "a refused run leaves no picture")


class Reading(StripTest):
    def test_images_and_classes(self):
        images = plot.load_images(self.images)
        np.testing.assert_allclose(images.vectors, PIXELS.reshape(12, 16) / 255, atol=1e-7)
        self.assertEqual((images.shape, images.labels.tolist()), ((1, 4, 4), LABELS.tolist()))
        batch = self.folder / "batch.bin"
        batch.write_bytes(bytes([7]) + bytes(range(256)) * 12 + bytes([2]) + bytes(3072))
        pixels, labels = mcbe_images.read_images(batch)
        self.assertEqual((pixels.shape, labels.tolist()), ((2, 3, 32, 32), [7, 2]))
        self.assertEqual(pixels[0, 1, 0, 5], np.float32(5) / np.float32(255))

    def test_damaged_files(self):
        whole = gzip.compress(idx(PIXELS))
        wrong = bytearray(whole)
        wrong[40:60] = bytes(20)
        for name, data in (("cut", whole[:-30]), ("wrong", bytes(wrong)), ("short", idx(PIXELS)[:-1]), ("head", b"\0\0\x08\3\0"),
                           ("flat", idx(LABELS)), ("batch.bin", bytes(3072))):
            (self.folder / name).write_bytes(data)
            with self.subTest(name), self.assertRaisesRegex(mcbe_images.Unreadable, name):
                mcbe_images.read_images(self.folder / name)

    def test_the_layer_is_the_networks_first(self):
        layer = plot.trained_layer(self.network, 16)
        np.testing.assert_allclose(layer.outputs(PIXELS[0].ravel() / 255), features(PIXELS[0].ravel() / 255))


class Invariance(StripTest):
    def test_the_points_have_the_same_output(self):
        images, layer = plot.load_images(self.images), plot.trained_layer(self.network, 16)
        x = images.vectors
        rows = plot.search(layer, images, [(0, 1), (5, 9)], ["product", "l1", "linf"])
        self.assertEqual([(each.a, each.b) for row in rows for each in row], 3 * [(0, 1)] + 3 * [(5, 9)])
        for each in (each for row in rows for each in row):
            np.testing.assert_allclose(features(each.x), features(x[each.a]), atol=1e-9)
            self.assertTrue(each.x.min() >= 0 and each.x.max() <= 1)
            self.assertGreater(np.linalg.norm(each.x - x[each.a]), 0.1)
            gap = {"product": lambda p: -p @ x[each.b], "l1": lambda p: np.abs(p - x[each.b]).sum(),
                   "linf": lambda p: np.abs(p - x[each.b]).max()}[each.likeness]
            self.assertLess(gap(each.x), gap(x[each.a]))

    def test_a_point_with_another_output_ends_it(self):
        layer = plot.trained_layer(self.network, 16)
        x = plot.load_images(self.images).vectors[0]
        moved = x + 1e-6 * WEIGHT[np.argmax(features(x))]  # 1e-6 of a row's square, where 1e-9 of its size is allowed
        outside = x.copy()
        outside[3] = 1 + 1e-9
        for found in (moved, outside):
            said = io.StringIO()
            with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()), \
                    self.assertRaises(SystemExit) as ended:
                plot.check_output(layer, 0, 1, "l1", x, found)
            self.assertEqual(ended.exception.code, 70)
            self.assertIn("image 0 towards 1 by l1 has another output", said.getvalue())

    def test_images_it_chooses(self):
        images, layer = plot.load_images(self.images), plot.trained_layer(self.network, 16)
        says = np.array([(LAST @ features(x)).argmax() for x in images.vectors])
        known = np.flatnonzero(says == LABELS)
        positive = {i: (features(images.vectors[i]) > 0).sum() for i in known}
        options = self.options("invariance", self.images, "--network", self.network, "--count", "2")
        pairs = plot.pairs_of(options, images, layer)
        self.assertEqual(positive[pairs[0][0]], min(positive.values()))
        for a, b in pairs:
            self.assertTrue(a in known and b in known and LABELS[a] != LABELS[b])
            self.assertEqual(positive[a], min(positive[i] for i in known if LABELS[i] == LABELS[a]))

    def test_pictures(self):
        def draw(name, *words):
            path = self.folder / name
            finished = subprocess.run([sys.executable, SCRIPT, "invariance", self.images, *words, "-o", path],
                                      capture_output=True, text=True, timeout=120, check=True)
            self.assertEqual(finished.stdout.count(": the same\n"), 2)
            self.assertGreater(matplotlib.image.imread(path).std(), 0.1)
            return path.read_bytes()

        trained = [draw(name, "--network", self.network, "--count", "1") for name in ("a.png", "b.png")]
        self.assertEqual(trained[0], trained[1])
        random = plot.random_layer(16, 20, 0.2, 5)
        self.assertEqual(random.W.shape, (20, 16))
        np.testing.assert_allclose(random.alpha, 0.2 * np.linalg.norm(random.W, axis=1))
        with contextlib.redirect_stdout(io.StringIO()):
            found = plot.search(random, plot.load_images(self.images), [(0, 1)], ["l1"])[0][0]
        x, W, alpha = PIXELS[0].ravel() / 255, random.W, random.alpha
        np.testing.assert_allclose(np.maximum(0, W @ found.x - alpha), np.maximum(0, W @ x - alpha), atol=1e-7)


class Reconstruction(StripTest):
    def test_what_comes_back(self):
        options = self.options("reconstruction", self.images, "--pick", "0", "7", "--network", self.network, "--rows", "48")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            figure = plot.draw_reconstruction(options)
        x = PIXELS[7].ravel() / 255
        rows = features(x) > 0
        back = np.linalg.pinv(WEIGHT[rows]) @ (features(x) - BIAS)[rows]
        pictures = [axes.images[0].get_array() for axes in figure.axes]
        self.assertEqual(len(pictures), 10)
        np.testing.assert_allclose(pictures[5], PIXELS[7] / 255, atol=1e-6)
        np.testing.assert_allclose(pictures[6], np.clip(back, 0, 1).reshape(4, 4), atol=1e-6)
        np.testing.assert_allclose(pictures[7], (back - x).reshape(4, 4), atol=1e-6)
        np.testing.assert_allclose(pictures[8], PIXELS[7] / 255, atol=1e-6)  # 48 rows: all of it
        self.assertIn(f"{rows.sum()} active rows, rank {rows.sum()}", said.getvalue())


class Refusals(StripTest):
    def test_what_cannot_be_used(self):
        other = self.write_network("other.h5", ("relu", "dense"), (16, 1, 1))
        for code, words, arguments in (
                (65, "neither an IDX file", ("reconstruction", self.network)),
                (65, "cannot read", ("reconstruction", self.folder / "nowhere")),
                (65, "there is no image 12", ("reconstruction", self.images, "--pick", "12")),
                (65, "begins with relu, dense", ("reconstruction", self.images, "--network", other)),
                (65, "3 random rows of 16 numbers", ("reconstruction", self.images, "--rows", "3")),
                (65, "is of one layer", ("invariance", self.images)),
                (64, "--pairs", ("invariance", self.images, "--rows", "20", "--pairs", "1")),
                (64, "invalid choice", ("both", self.images))):
            with self.subTest(words):
                self.assert_refused(code, words, *arguments)


if __name__ == "__main__":
    unittest.main()
