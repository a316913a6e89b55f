"""Networks: scripts/export_network.py -> network file -> reader -> forward pass and linearisation, against NumPy and,
where PyTorch is there, against PyTorch."""

import contextlib
import importlib.util
import io
import os
import pathlib
import subprocess
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system  # noqa: E402

PROBE = os.environ["MCBE_NETWORK_PROBE"]
SCRIPT = system.SOURCE / "scripts" / "export_network.py"
EPS = np.finfo(float).eps


def convolve(x, weight, bias, stride, padding):
    """x [channel][row][column], by NumPy's windows and one einsum."""
    padded = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(padded, weight.shape[2:], axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1]]
    return np.einsum("cyxij,ocij->oyx", windows, weight) + bias[:, None, None]


def pool(x, size, stride, padding):
    padded = np.pad(x, ((0, 0), (padding[0],) * 2, (padding[1],) * 2), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=(1, 2))
    return windows[:, :: stride[0], :: stride[1]].max(axis=(3, 4))


def forward(layers, x):
    """The values after each layer."""
    values = []
    for kind, options in layers:
        if kind == "dense":
            x = (options["weight"] @ x.ravel() + options["bias"])[:, None, None]
        elif kind == "conv":
            x = convolve(x, options["weight"], options["bias"], options["stride"], options["padding"])
        elif kind == "relu":
            x = np.maximum(x, 0)
        elif kind == "max-pool":
            x = pool(x, options["size"], options["stride"], options["padding"])
        else:
            x = x.reshape(-1, 1, 1)
        values.append(x)
    return values


def write_network(path, shape, layers, dtype=float):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-network", "version": np.array([1, 0], "i4"),
                           "input": np.array(shape, "i4"), "layers": len(layers)})
        for number, (kind, options) in enumerate(layers):
            group = file.create_group(f"layers/{number}")
            group.attrs["kind"] = kind
            for name, value in options.items():
                if name in ("weight", "bias"):
                    group[name] = value.astype(dtype)
                else:
                    group.attrs[name] = value


def probe(folder, network, points):
    """What the library makes of a network at some points."""
    np.save(folder / "x.npy", points.reshape(len(points), -1))
    finished = subprocess.run([PROBE, network, folder / "x.npy", folder], capture_output=True, text=True, timeout=60,
                              check=False)
    if finished.returncode:
        raise AssertionError(finished.stderr)
    sigma = {int(path.stem[6:]): np.load(path) for path in folder.glob("sigma_*.npy")}
    return np.load(folder / "forward.npy"), np.load(folder / "jacobian.npy"), sigma


class AgainstNumPy(system.SystemTest):
    def random_network(self, rng):
        """Convolutions, pools, dense layers of odd sizes."""
        shape = (int(rng.integers(1, 4)), int(rng.integers(5, 10)), int(rng.integers(5, 10)))
        x, layers = np.zeros(shape), []
        for _ in range(rng.integers(1, 4)):
            size = rng.integers(1, 4, 2)
            options = {"stride": rng.integers(1, 3, 2), "padding": rng.integers(0, size)}
            if min(x.shape[1:]) < 3:
                break
            if rng.random() < 0.7:
                weight = rng.standard_normal((rng.integers(1, 6), x.shape[0], *size))
                layers.append(("conv", {**options, "weight": weight, "bias": rng.standard_normal(len(weight))}))
                layers.append(("relu", {}))
            else:
                layers.append(("max-pool", {**options, "size": size, "padding": options["padding"] // 2}))
            x = forward(layers[-2:] if layers[-1][0] == "relu" else layers[-1:], x)[-1]
        layers.append(("flatten", {}))
        for width in (int(rng.integers(2, 30)), 3):
            weight = rng.standard_normal((width, x.size))
            layers += [("dense", {"weight": weight, "bias": rng.standard_normal(width)}), ("relu", {})]
            x = np.zeros(width)
        return shape, layers[:-1]

    def test_forward_and_singular_values(self):
        rng = np.random.default_rng(20240101)
        for trial in range(12):
            shape, layers = self.random_network(rng)
            dtype = np.float32 if trial % 2 else np.float64
            layers = [(kind, {name: value.astype(dtype).astype(float) if name in ("weight", "bias") else value
                              for name, value in options.items()}) for kind, options in layers]
            points = rng.standard_normal((3, *shape))
            write_network(self.dir / "net.h5", shape, layers, dtype)
            outputs, jacobian, sigma = probe(self.dir, self.dir / "net.h5", points)
            expected = np.array([forward(layers, x)[-1].ravel() for x in points])
            np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)
            # a ReLU network is piecewise affine: differences at a small step are exact but for rounding
            step, eye = 1e-6, np.eye(points[0].size).reshape(-1, *shape)
            for last in range(1, len(layers) + 1):
                def value(x, some=layers[:last]):
                    return forward(some, x)[-1].ravel()
                matrix = np.array([value(points[0] + step * e) - value(points[0] - step * e) for e in eye]).T / (2 * step)
                exact = np.linalg.svd(matrix, compute_uv=False)
                np.testing.assert_allclose(sigma[last], exact, atol=1e-8 * max(exact[0], 1))
            np.testing.assert_allclose(jacobian, matrix, atol=1e-8 * max(exact[0], 1))
            for path in self.dir.glob("sigma_*"):
                path.unlink()

    def test_singular_values_to_rounding(self):
        """Two dense layers: the matrix is known, so its singular values are to the last digits."""
        rng = np.random.default_rng(7)
        weights = rng.standard_normal((300, 40)), rng.standard_normal((25, 300))
        layers = [("dense", {"weight": weights[0], "bias": rng.standard_normal(300)}), ("relu", {}),
                  ("dense", {"weight": weights[1], "bias": np.zeros(25)})]
        x = rng.standard_normal((1, 40, 1, 1))
        write_network(self.dir / "net.h5", (40, 1, 1), layers)
        _, jacobian, sigma = probe(self.dir, self.dir / "net.h5", x)
        active = weights[0] @ x.ravel() + layers[0][1]["bias"] > 0
        masked = np.where(active[:, None], weights[0], 0)
        np.testing.assert_allclose(jacobian, weights[1] @ masked, atol=1e-12)
        for last, matrix in ((1, weights[0]), (2, masked), (3, weights[1] @ masked)):
            exact = np.linalg.svd(matrix, compute_uv=False)
            np.testing.assert_allclose(sigma[last], exact, atol=100 * EPS * exact[0])


@unittest.skipUnless(importlib.util.find_spec("torch"), "PyTorch is not there: scripts/install-deps --torch gets it")
class AgainstPyTorch(system.SystemTest):
    def setUp(self):
        super().setUp()
        import torch
        self.torch = torch
        torch.set_num_threads(1)
        torch.manual_seed(3)

        sys.path.insert(0, str(SCRIPT.parent))
        self.addCleanup(sys.path.remove, str(SCRIPT.parent))
        import export_network
        self.script = export_network

    def run_script(self, *arguments):
        """Exit code and the sentence, of which there is one unless all went well. Inside this process: PyTorch takes
        seconds to load."""
        sentence = io.StringIO()
        with contextlib.redirect_stderr(sentence), contextlib.chdir(self.dir):
            try:
                self.script.main(list(map(str, arguments)))
                code = 0
            except SystemExit as end:
                code = end.code
        self.assertEqual(sentence.getvalue().count("\n"), int(code != 0), sentence.getvalue())
        return code, sentence.getvalue()

    def assert_agrees(self, model, shape):
        torch = self.torch
        self.script.export_network(model, self.dir / "net.h5", shape)
        points = torch.randn(5, *shape, dtype=next(model.parameters()).dtype)
        outputs, jacobian, _ = probe(self.dir, self.dir / "net.h5", points.double().numpy())
        model.eval()
        with torch.no_grad():
            expected = model(points).double().numpy()
        scale = max(np.abs(expected).max(), 1)
        np.testing.assert_allclose(outputs, expected.reshape(5, -1), atol=1e-5 * scale)
        exact = torch.autograd.functional.jacobian(lambda x: model.double()(x[None])[0], points[0].double()).numpy()
        np.testing.assert_allclose(jacobian, exact.reshape(jacobian.shape), atol=1e-9 * np.abs(exact).max())

    def test_a_dense_network(self):
        nn = self.torch.nn
        self.assert_agrees(nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 30, bias=False),
                                         nn.ReLU(), nn.Linear(30, 10)), (20,))

    def test_a_convolutional_network(self):
        nn = self.torch.nn
        self.assert_agrees(nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            nn.Conv2d(8, 6, (3, 2), stride=2, padding=(1, 0), bias=False), nn.ReLU(),
            nn.MaxPool2d(3, stride=1, padding=1), nn.Conv2d(6, 6, 3, padding="same"), nn.Identity(), nn.ReLU(),
            nn.Flatten(), nn.Linear(6 * 3 * 3, 11), nn.ReLU()), (3, 12, 13))

    def test_double_precision(self):
        nn = self.torch.nn
        self.assert_agrees(nn.Sequential(nn.Linear(4, 9), nn.ReLU()).double(), (4,))
        with h5py.File(self.dir / "net.h5") as file:
            self.assertEqual(file["layers/0/weight"].dtype, np.float64)

    def test_the_same_network_gives_the_same_bytes(self):
        nn = self.torch.nn
        model = nn.Sequential(nn.Linear(4, 9), nn.ReLU())
        self.torch.save(model, self.dir / "model.pt")
        subprocess.run([sys.executable, SCRIPT, "model.pt", "-o", "a.h5", "--input", "4"], cwd=self.dir, timeout=120,
                       check=True)
        self.script.export_network(model, self.dir / "b.h5", (4,))
        self.assertEqual((self.dir / "a.h5").read_bytes(), (self.dir / "b.h5").read_bytes())

    def test_what_cannot_be_written_is_refused_by_name(self):
        nn = self.torch.nn
        conv = {"in_channels": 2, "out_channels": 4, "kernel_size": 3}
        for model, shape, words in (
                (nn.Sequential(nn.Linear(3, 3), nn.Tanh()), (3,), "a layer Tanh cannot be written"),
                (nn.Sequential(nn.Linear(3, 3)), (4,), "does not take an input of shape (4,)"),
                (nn.Sequential(nn.Conv2d(**conv, groups=2)), (2, 5, 5), "has groups 2; only 1"),
                (nn.Sequential(nn.Conv2d(**conv, dilation=2)), (2, 5, 5), "has dilation (2, 2)"),
                (nn.Sequential(nn.Conv2d(**conv, padding=1, padding_mode="reflect")), (2, 5, 5), "padding_mode reflect"),
                (nn.Sequential(nn.Conv2d(2, 4, 2, padding="same")), (2, 5, 5), "use a kernel of odd size"),
                (nn.Sequential(nn.MaxPool2d(2, ceil_mode=True)), (2, 5, 5), "has ceil_mode True"),
                (nn.Sequential(nn.Flatten(2)), (2, 5, 5), "only Flatten() can be written"),
                (nn.Sequential(nn.Linear(3, 3)).half(), (3,), "weights of type float16 cannot"),
                (nn.Sequential(), (3,), "has no layers"),
                (nn.Sequential(nn.Linear(3, 3)), (3, 3), "an input of 2 dimensions")):
            with self.assertRaises(self.script.Refusal) as refused:
                self.script.export_network(model, self.dir / "net.h5", shape)
            self.assertIn(words, str(refused.exception))
            self.assertEqual(list(self.dir.glob("net.h5*")), [])

    def test_exit_codes(self):
        (self.dir / "text.pt").write_text("no model")
        nn = self.torch.nn
        self.torch.save(nn.Sequential(nn.Linear(3, 3)), self.dir / "m.pt")
        self.torch.save({"weight": 3}, self.dir / "dict.pt")
        for code, words, *arguments in ((74, "cannot open 'missing.pt'", "missing.pt", "-o", "a.h5", "--input", "3"),
                                        (65, "not a network saved by PyTorch", "text.pt", "-o", "a.h5", "--input", "3"),
                                        (65, "holds a dict, not a network", "dict.pt", "-o", "a.h5", "--input", "3"),
                                        (65, "does not take an input", "m.pt", "-o", "a.h5", "--input", "4"),
                                        (64, "--output", "m.pt", "--input", "3"),
                                        (74, "cannot write 'no/a.h5'", "m.pt", "-o", "no/a.h5", "--input", "3")):
            found, sentence = self.run_script(*arguments)
            self.assertEqual(found, code, sentence)
            self.assertIn(words, sentence)


if __name__ == "__main__":
    unittest.main()
