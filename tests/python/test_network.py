"""Network against NumPy: forward pass, layers as matrices, linearisation; files that break a rule."""

import pathlib
import tempfile
import unittest

import h5py
import mcbe
import numpy as np

RNG = np.random.default_rng(5)
CONV, CONV_BIAS = RNG.standard_normal((2, 1, 3, 3)), RNG.standard_normal(2)
DENSE, DENSE_BIAS = RNG.standard_normal((3, 18)), RNG.standard_normal(3)


def write(path, change=None):
    """A 5 x 5 image -> conv, 2 channels of 3 x 3 -> ReLU -> flatten -> dense, 3 numbers."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-network", "version": [1, 0], "input": [1, 5, 5], "layers": 4})
        for number, kind in enumerate(("conv", "relu", "flatten", "dense")):
            file.create_group(f"layers/{number}").attrs["kind"] = kind
        file["layers/0"].attrs.update({"stride": [1, 1], "padding": [0, 0]})
        file["layers/0/weight"], file["layers/0/bias"] = CONV, CONV_BIAS
        file["layers/3/weight"], file["layers/3/bias"] = DENSE, DENSE_BIAS
        if change:
            change(file)
    return path


def convolved(image):
    windows = np.lib.stride_tricks.sliding_window_view(image.reshape(5, 5), (3, 3))
    return np.einsum("yxij,ocij->oyx", windows, CONV).ravel() + np.repeat(CONV_BIAS, 9)


class Networks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_what_it_computes(self):
        net = mcbe.Network(write(self.folder / "net.h5"))
        self.assertEqual((net.kinds, net.input, net.sizes),
                         (("conv", "relu", "flatten", "dense"), (1, 5, 5), (25, 18, 18, 18, 3)))
        images = RNG.standard_normal((4, 25))
        hidden = np.array([np.maximum(0, convolved(image)) for image in images])
        np.testing.assert_allclose(net.forward(images, 2), hidden, atol=1e-13)
        np.testing.assert_allclose(net.forward(images), hidden @ DENSE.T + DENSE_BIAS, atol=1e-13)
        W, alpha = net.layer(0)
        self.assertEqual(W.shape, (18, 25))
        np.testing.assert_allclose(W @ images[0] - alpha, convolved(images[0]), atol=1e-13)
        W, alpha = net.layer(3)
        np.testing.assert_array_equal(W, DENSE)
        np.testing.assert_array_equal(alpha, -DENSE_BIAS)

    def test_the_linearisation_is_the_derivative(self):
        net, image = mcbe.Network(write(self.folder / "net.h5")), RNG.standard_normal(25)
        linear, step = net.matrix(image, 0, 4), 1e-6
        ends = [net.forward(image + sign * step * np.eye(25)) for sign in (1, -1)]
        np.testing.assert_allclose(linear, ((ends[0] - ends[1]) / (2 * step)).T, atol=1e-7)
        kept = convolved(image) > 0
        self.assertTrue(0 < kept.sum() < 18)
        np.testing.assert_array_equal(net.matrix(image, 1, 2), np.diag(kept.astype(float)))

    def test_what_is_refused(self):
        def changed(words, change):
            with self.assertRaisesRegex(mcbe.FileError, words):
                mcbe.Network(write(self.folder / "bad.h5", change))

        def replaced(name, array):
            def change(file):
                del file[name]
                file[name] = array
            return change

        changed("not a network file", lambda file: file.attrs.update(filetype="mcbe-results"))
        changed("version 2", lambda file: file.attrs.update(version=[2, 0]))
        changed("layer 1 is of kind 'tanh'", lambda file: file["layers/1"].attrs.update(kind="tanh"))
        changed("layer 3 .dense. has 51 weights; its input needs 54", replaced("layers/3/weight", np.ones((3, 17))))
        changed("bias of shape", replaced("layers/3/bias", np.ones(4)))
        changed("layer 0", replaced("layers/0/weight", np.full((2, 1, 3, 3), np.nan)))
        changed("window", replaced("layers/0/weight", np.ones((2, 1, 7, 3))))
        changed("layers", lambda file: file.attrs.update(layers=0))
        changed("cannot be read", lambda file: file.attrs.update(input=[1, 5, 5, 1]))
        changed("cannot be read", lambda file: file.attrs.update(layers=5))
        with self.assertRaisesRegex(mcbe.FileError, "nowhere"):
            mcbe.Network(self.folder / "nowhere.h5")
        net = mcbe.Network(write(self.folder / "net.h5"))
        for words, call in (("layers 0 to 9", lambda: net.forward(np.ones((1, 25)), 9)),
                            ("points: shape", lambda: net.forward(np.ones((1, 24)))),
                            ("kind 'relu'", lambda: net.layer(1)),
                            ("x: entry", lambda: net.matrix(np.full(25, np.inf), 0, 1))):
            with self.assertRaisesRegex(mcbe.ArgumentError, words):
                call()


if __name__ == "__main__":
    unittest.main()
