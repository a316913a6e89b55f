"""scripts/plot_row_removal.py on a network whose bounds are known by hand."""

import contextlib
import io
import os
import pathlib
import struct
import sys
import tempfile
import unittest

import h5py
import matplotlib.image
import numpy as np

sys.path.insert(0, str(pathlib.Path(os.environ["MCBE_SOURCE"]) / "scripts"))
import plot_row_removal as plot  # noqa: E402


class RowRemoval(unittest.TestCase):
    """The image (1, 0.6) keeps e1 and e2 of the rows e1, e2, -(1, 1). Their singular values are 1; the removed row has
    products 1 / sqrt(2) with both, so Lemma 9 says c = sqrt(2) / sqrt(2) = 1, and so does its proof. All three rows have
    singular values sqrt(3) and 1, so Lemma 8 says sqrt(3)."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.images = self.folder / "images"
        self.images.write_bytes(struct.pack(">HBB3i", 0, 8, 3, 2, 1, 2) + bytes([255, 153, 0, 0]))
        self.network = self.folder / "net.h5"
        with h5py.File(self.network, "w") as file:
            file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [2, 1, 1], "layers": 3})
            for number, kind in enumerate(("dense", "relu", "dense")):
                file.create_group(f"layers/{number}").attrs["kind"] = kind
            file["layers/0/weight"], file["layers/0/bias"] = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], np.zeros(3)
            file["layers/2/weight"], file["layers/2/bias"] = np.ones((1, 3)), np.zeros(1)

    def draw(self, *words):
        options = plot.parse_arguments([str(self.network), str(self.images), *words])
        with contextlib.redirect_stdout(io.StringIO()) as said:
            return plot.draw(options), said.getvalue()

    def test_by_hand(self):
        figure, said = self.draw()
        self.assertIn("layer 1: 2 of 3 rows stay; singular values 1 to 1; bounds on the smallest: 1.73 (Lemma 8), "
                      "1 (Lemma 9), 1 (its proof)", said)
        axes, = figure.axes
        c, counts = axes.lines[0].get_data()
        self.assertEqual(counts.tolist(), np.where(c < 1, 0, 2).tolist())
        self.assertTrue(c[0] < 0.01 and c[-1] > 1.2)
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, ["all that stay: M = 2", "smallest, after ReLU: 1", "largest, after ReLU: 1",
                                  "Lemma 8: 1.73", "Lemma 9: 1", "its proof at best: 1"])

    def test_the_same_picture_twice(self):
        pictures = []
        for name in ("a.png", "b.png"):
            with contextlib.redirect_stdout(io.StringIO()):
                plot.main([str(self.network), str(self.images), "-o", str(self.folder / name)])
            pictures.append((self.folder / name).read_bytes())
        self.assertEqual(pictures[0], pictures[1])
        self.assertGreater(matplotlib.image.imread(self.folder / "a.png").std(), 0.02)

    def test_refusals(self):
        for code, words, arguments in (
                (65, "there is no image 2;", (self.network, self.images, "--image", "2")),
                (65, "layer 2 is no ReLU behind another layer; these are: 1", (self.network, self.images, "--layers", "2")),
                (65, "leaves 0 rows and removes 3", (self.network, self.images, "--image", "1")),
                (65, "cannot be read as a network file", (self.images, self.images)),
                (65, "neither an IDX file", (self.network, self.network)),
                (64, "--image", (self.network, self.images, "--image", "x"))):
            said = io.StringIO()
            with self.subTest(words), contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
                plot.main([*map(str, arguments), "-o", str(self.folder / "a.png")])
            self.assertEqual((ended.exception.code, said.getvalue().count("\n")), (code, 1), said.getvalue())
            self.assertIn(words, said.getvalue())
            self.assertFalse((self.folder / "a.png").exists())


if __name__ == "__main__":
    unittest.main()
