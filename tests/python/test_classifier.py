"""scripts/training/classifier.py on a handful of images made here: the network file classifies them."""

import contextlib
import io
import os
import pathlib
import struct
import sys
import tempfile
import unittest

import mcbe
import numpy as np

try:
    import torch  # noqa: F401
except ImportError:
    print("skipped: PyTorch is not installed (Debian: python3-torch; scripts/install-deps --torch)")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(os.environ["MCBE_SOURCE"]) / "scripts" / "training"))
import classifier  # noqa: E402

TABLES = """
seed = 3
optimizer = "adam"
learning_rate = 0.01
batch = 20
epochs = 6
[dense]
conv = []
dense = [9, 7]
[conv]
conv = [[4, 3, 1], [4, 3, 2]]
dense = [8]
[wrong]
conv = []
dense = 9
"""


def idx(array):
    return struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def bright_quarters(count, seed):
    """6 x 6 images of noise whose quarter of the class is bright."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, count)
    images = rng.integers(0, 90, (count, 6, 6))
    for image, label in zip(images, labels):
        image[3 * (label // 2):3 * (label // 2) + 3, 3 * (label % 2):3 * (label % 2) + 3] += 150
    return images, labels


class Classifier(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "tables.toml").write_text(TABLES)
        for name, count, seed in (("train", 300, 1), ("t10k", 80, 2)):
            images, labels = bright_quarters(count, seed)
            (self.folder / f"{name}-images-idx3-ubyte").write_bytes(idx(images))
            (self.folder / f"{name}-labels-idx1-ubyte").write_bytes(idx(labels))
        self.test_images, self.test_labels = images.reshape(80, 36) / 255, labels

    def run_main(self, *arguments):
        said, complaint = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complaint):
            try:
                classifier.main([*map(str, arguments), "--config", str(self.folder / "tables.toml")])
            except SystemExit as end:
                return end.code, complaint.getvalue()
        return 0, said.getvalue()

    def test_the_file_classifies(self):
        for name, kinds, shape in (("dense", ("dense", "relu", "dense", "relu", "dense"), (36, 1, 1)),
                                   ("conv", ("conv", "relu", "conv", "relu", "flatten", "dense", "relu", "dense"), (1, 6, 6))):
            path = self.folder / "nets" / f"{name}.h5"
            code, said = self.run_main(name, "--data", self.folder, "-o", path)
            self.assertEqual(code, 0, said)
            net = mcbe.Network(path)
            self.assertEqual((net.kinds, net.input, net.sizes[-1]), (kinds, shape, 4))
            right = (net.forward(self.test_images).argmax(axis=1) == self.test_labels).mean()
            self.assertGreater(right, 0.9)
            self.assertIn(f"epoch 6: accuracy {right:.4f}", said)

    def test_the_same_twice(self):
        outputs = []
        for name in ("a.h5", "b.h5"):
            self.run_main("dense", "--data", self.folder, "-o", self.folder / name)
            outputs.append(mcbe.Network(self.folder / name).forward(self.test_images))
        np.testing.assert_array_equal(*outputs)

    def test_refusals(self):
        out = self.folder / "out.h5"
        (self.folder / "empty").mkdir()
        for code, words, arguments in (
                (65, "has no network 'mlp'; it has dense, conv, wrong", ("mlp", "--data", self.folder)),
                (65, "wrong.dense is 9; it must be of type list", ("wrong", "--data", self.folder)),
                (65, "holds neither train-images", ("dense", "--data", self.folder / "empty"))):
            ended, said = self.run_main(*arguments, "-o", out)
            self.assertEqual((ended, said.count("\n")), (code, 1), said)
            self.assertIn(words, said)
        (self.folder / "t10k-labels-idx1-ubyte").unlink()
        ended, said = self.run_main("dense", "--data", self.folder, "-o", out)
        self.assertEqual(ended, 65)
        self.assertIn("no file of classes beside 't10k-images-idx3-ubyte'", said)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    unittest.main()
