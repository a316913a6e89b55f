"""`mcbe estimate`: one given layer, from files of every format."""

import json
import math
import os
import pathlib
import struct
import sys
import unittest

import h5py
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_oracle as oracle
import mcbe_system as system
from mcbe_system import BAD_FILE, BAD_SYSTEM, BAD_USAGE, OK

SEED = 20240101  # the default
OCTAHEDRON = np.concatenate([np.eye(3), -np.eye(3)])
TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / math.sqrt(3)
RANDOM = np.random.default_rng(5)
WEIGHTS = RANDOM.standard_normal((14, 4)).astype(np.float32).astype(float)  # fp32 holds them
BIAS = (0.2 * RANDOM.standard_normal(14)).astype(np.float32).astype(float)  # b of relu(Wx + b)
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def write_safetensors(path, tensors, kind="F32", metadata={"format": "pt"}):
    """What torch's safetensors.save_file writes."""
    header, data = {"__metadata__": metadata}, b""
    for name, values in tensors.items():
        raw = np.ascontiguousarray(values, TYPES[kind]).tobytes()
        header[name] = {"dtype": kind, "shape": list(np.shape(values)), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Estimate(system.SystemTest):
    def save(self, name, values):
        np.save(self.dir / name, values)
        return self.dir / name

    def estimate(self, *args, **options):
        """What --json says."""
        result = self.mcbe("estimate", *args, "--json", **options)
        self.assertEqual(result.code, OK, result.err)
        return json.loads(result.out)

    def biases(self, shown):
        return {bias["name"]: bias for bias in shown["biases"]}


class Answers(Estimate):
    def test_the_longest_names_are_shown(self):
        folder = self.dir / ("x" * 200) / ("y" * 200)
        folder.mkdir(parents=True)
        weights = self.save(folder / "w.npy", OCTAHEDRON)
        self.assertEqual(self.estimate("--weights", weights, "--samples", 1000, "--search", 0)["weights"], str(weights))

    def test_octahedron(self):
        """alpha* = 0: x = e_1 has one positive coefficient and four zeros. A bias of t > 0 is too much where a
        coordinate is smaller than t: on the sphere two of them are with the probability of the integral."""
        t, fresh = 0.1, 20000
        shown = self.estimate("--weights", self.save("w.npy", OCTAHEDRON), "--bias", self.save("b.npy", np.full(6, t)),
                              "--set", f"holdout.samples={fresh}")
        self.assertEqual((shown["n"], shown["m"], shown["exact_injective"], shown["min_active"]), (3, 6, 1, 3))
        self.assertGreaterEqual(shown["alpha"]["min"], 0)
        self.assertLess(shown["alpha"]["max"], 1e-3)
        self.assertAlmostEqual(shown["exact_excess"], shown["alpha"]["max"], places=12)
        self.assertLess(abs(shown["constant_low"]), 1e-9)
        zero, given = self.biases(shown)["zero"], self.biases(shown)["given"]
        self.assertEqual((zero["p_H"], zero["p_I"], zero["verdict"], zero["certificate"]), (1, 1, "proven", None))
        self.assertEqual((given["p_H"], given["verdict"], given["form"]), (0, "refuted", "relu(Wx-alpha)"))
        u = (np.arange(100000) + 0.5) / 100000 * 2 * t - t
        both = np.mean(2 / np.pi * np.arcsin(t / np.sqrt(1 - u**2))) * t
        share = 1 - 3 * t + 3 * both  # three at once are impossible for t < 3^-1/2
        self.assertLess(abs(given["p_I"] - share), 5 * math.sqrt(share * (1 - share) / fresh))
        x = np.array(given["certificate"]["x"])
        self.assertAlmostEqual(np.linalg.norm(x), 1)
        self.assertEqual(np.sum(OCTAHEDRON @ x >= t), given["certificate"]["active"])
        self.assertLess(given["certificate"]["active"], 3)

    def test_tetrahedron(self):
        """The coefficients sum to 0 and their squares to 4/3, so the third largest is least where both smallest are
        -3^-1/2, at x = e_1."""
        shown = self.estimate("--weights", self.save("w.npy", TETRAHEDRON), "--samples", "20000")
        low = -1 / math.sqrt(3)
        self.assertGreaterEqual(shown["alpha"]["min"], low - 1e-12)
        self.assertLess(shown["alpha"]["max"], low + 0.05)
        self.assertEqual((shown["exact_injective"], shown["min_active"]), (0, 1))
        self.assertEqual(self.biases(shown)["zero"]["verdict"], "refuted")
        self.assertLess(shown["exact_excess"], 0.05)

    def test_equals_numpy_on_the_same_points(self):
        """Bit for bit, on sphere and ball: alpha*, and the shares of fresh points with n active rows."""
        samples, fresh = 1500, 700
        m, n = WEIGHTS.shape
        paths = self.save("w.npy", WEIGHTS), self.save("b.npy", BIAS)
        for domain in ({"kind": "sphere", "radius": 2.5}, {"kind": "ball", "radius": 0.7},
                       {"kind": "shell", "radius": 2.0, "inner_radius": 0.5}, {"kind": "gaussian"}):
            with self.subTest(domain["kind"]):
                settings = [f"--set=domain.{key}={value}" for key, value in domain.items() if key != "kind"]
                out = self.dir / f"{domain['kind']}.h5"
                shown = self.estimate("--weights", paths[0], "--bias", paths[1], "--convention", "relu(Wx+b)",
                                      "--domain", domain["kind"], "--samples", samples, "--search", 0,
                                      "--set", f"holdout.samples={fresh}", *settings, "-o", out)
                x, scale = oracle.many_points(SEED, n, m, 0, samples, **domain)
                values = oracle.among_largest(oracle.coefficients(WEIGHTS, x, scale), n).min(axis=1)
                expected = oracle.finish(values, **domain)
                np.testing.assert_array_equal(system.read(out, "alpha/data"), expected)
                finite = expected[np.isfinite(expected)]
                self.assertEqual(shown["alpha"]["min"], finite.min())
                self.assertEqual(shown["alpha"]["max"], finite.max())
                self.assertEqual(shown["alpha"]["infinite"], np.isinf(expected).sum())
                self.assertEqual(self.biases(shown)["given"]["p_H"], np.mean(-BIAS <= expected))
                fill = {**domain, "radial": "sampled"} if domain["kind"] in ("ball", "shell") else domain
                x, scale = oracle.many_points(SEED, n, m, 0, fresh, purpose=oracle.HOLDOUT, **fill)
                scale = scale * (domain["radius"] if domain["kind"] == "sphere" else 1.0)
                c = oracle.coefficients(WEIGHTS, x, scale)
                tolerance = oracle.tolerances(oracle.norms(WEIGHTS), x, scale)
                for name, bias in (("zero", 0 * BIAS), ("given", -BIAS)):
                    active = np.sum(c >= bias[:, None] - tolerance, axis=0)
                    self.assertEqual(self.biases(shown)[name]["p_I"], np.mean(active >= n), name)
                active = np.sum(c >= expected[:, None] - tolerance, axis=0)
                self.assertEqual(shown["rectified_alpha"], np.mean(active >= n))
                self.assertEqual(self.mcbe("verify", out).code, OK)


    def test_data_with_a_test_set(self):
        """Points around data; p_I of the test set, bit for bit; the same on two ranks."""
        m, n = WEIGHTS.shape
        points = np.random.default_rng(6).standard_normal((260, n)).astype(np.float32)
        self.save("b.npy", BIAS)
        args = ["--weights", self.save("w.npy", WEIGHTS), "--bias", self.dir / "b.npy", "--convention", "plus", "--data",
                self.save("one.npy", points[:100]), "--data", self.save("two.npy", points[100:200]), "--test",
                self.save("test.npy", points[200:]), "--samples", 5000, "--set", "smoothing.sigma=0.3"]
        out = self.dir / "out.h5"
        shown = self.estimate(*args, "-o", out)
        self.assertEqual((shown["domain"], shown["search_evaluations"]), ("smoothing", None))
        x = points[200:].T.astype(np.float64)
        scale = np.ones(x.shape[1])
        c = oracle.coefficients(WEIGHTS, x, scale)
        tolerance = oracle.tolerances(oracle.norms(WEIGHTS), x, scale)
        alpha = system.read(out, "alpha/data")
        for name, bias in (("zero", 0 * BIAS), ("given", -BIAS)):
            active = np.sum(c >= bias[:, None] - tolerance, axis=0)
            self.assertEqual(self.biases(shown)[name]["p_I_test"], np.mean(active >= n), name)
        active = np.sum(c >= alpha[:, None] - tolerance, axis=0)
        self.assertEqual(shown["test_rectified_alpha"], np.mean(active >= n))
        self.assertEqual(self.mcbe("verify", out).code, OK)
        self.estimate(*args, "-o", self.dir / "two.h5", "--set", "run.ranks_per_unit=all", ranks=2)
        self.assert_identical(out, self.dir / "two.h5")
        self.assertIn("p_I_test", self.mcbe("estimate", *args, "-o", out).out)


class Files(Estimate):
    def test_every_format_gives_the_same_result(self):
        self.save("w.npy", WEIGHTS)
        self.save("fortran.npy", np.asfortranarray(WEIGHTS.astype(np.float32)))
        self.save("b.npy", BIAS)
        self.save("row.npy", BIAS[None])
        (self.dir / "w.csv").write_text("\n".join(",".join(map(repr, row)) for row in WEIGHTS.tolist()))
        (self.dir / "b.csv").write_text("\n".join(map(repr, BIAS.tolist())))
        write_safetensors(self.dir / "m.safetensors", {"fc.weight": WEIGHTS, "fc.bias": BIAS})
        write_safetensors(self.dir / "double.safetensors", {"fc.weight": WEIGHTS, "fc.bias": BIAS}, "F64")
        with h5py.File(self.dir / "m.h5", "w") as file:
            file["/layer/kernel:0"] = WEIGHTS.T
            file["/layer/weight"] = WEIGHTS.astype(np.float32)
            file["/layer/bias"] = BIAS
        pairs = [("w.npy", "b.npy"), ("fortran.npy", "row.npy"), ("w.csv", "b.csv"),
                 ("m.safetensors:fc.weight", "m.safetensors:fc.bias"),
                 ("double.safetensors:fc.weight", "double.safetensors:fc.bias"),
                 ("m.h5:/layer/weight", "m.h5:/layer/bias"), ("m.h5:/layer/kernel:0", "m.h5:/layer/bias")]
        first = None
        for number, (weights, bias) in enumerate(pairs):
            out = self.dir / f"out{number}.h5"
            more = ["--set", "frame.transpose=true"] if "kernel" in weights else []
            shown = self.estimate("--weights", self.dir / weights, "--bias", self.dir / bias, "--convention",
                                  "relu(Wx+b)", "--samples", 3000, "-o", out, *more)
            self.assertEqual(self.biases(shown)["given"]["form"], "relu(Wx+b)")
            first = first or out
            self.assert_identical(first, out)

    def test_sign_of_the_bias(self):
        """Safetensors add their bias unless told otherwise, other files subtract it."""
        write_safetensors(self.dir / "m.safetensors", {"weight": WEIGHTS, "bias": BIAS})
        tensors = ["--weights", f"{self.dir}/m.safetensors:weight", "--bias", f"{self.dir}/m.safetensors:bias"]
        arrays = ["--weights", self.save("w.npy", WEIGHTS), "--bias"]
        runs = {"default.h5": tensors, "plus.h5": [*tensors, "--convention", "relu(Wx+b)"],
                "minus.h5": [*arrays, self.save("minus.npy", -BIAS)],
                "npy_plus.h5": [*arrays, self.save("plus.npy", BIAS), "--convention", "plus"]}
        for name, args in runs.items():
            self.estimate(*args, "--samples", 2000, "-o", self.dir / name)
            self.assert_identical(self.dir / "default.h5", self.dir / name)
        shown = self.estimate(*tensors, "--convention", "relu(Wx-alpha)", "--samples", 2000)
        alpha = system.read(self.dir / "default.h5", "alpha/data")
        self.assertEqual(self.biases(shown)["given"]["p_H"], np.mean(BIAS <= alpha))
        text = self.mcbe("estimate", *tensors, "--samples", 2000).out
        self.assertIn("relu(Wx+b)", text)
        self.assertIn("alpha = -b", text)

    def test_a_certificate_of_a_pytorch_layer(self):
        write_safetensors(self.dir / "m.safetensors", {"weight": WEIGHTS, "bias": BIAS})
        out = self.dir / "out.h5"
        shown = self.estimate("--weights", f"{self.dir}/m.safetensors:weight", "--bias",
                              f"{self.dir}/m.safetensors:bias", "--samples", 2000, "-o", out)
        given = self.biases(shown)["given"]
        self.assertEqual(given["verdict"], "refuted")
        x = np.array(given["certificate"]["x"])
        self.assertEqual(np.sum(WEIGHTS @ x + BIAS >= 0), given["certificate"]["active"])
        self.assertLess(given["certificate"]["active"], WEIGHTS.shape[1])
        folder = self.dir / "certificate"
        text = self.mcbe("estimate", "--weights", f"{self.dir}/m.safetensors:weight", "--bias",
                         f"{self.dir}/m.safetensors:bias", "--samples", 2000, "-o", out).out
        number = sum(bias["certificate"] is not None for bias in shown["biases"]) - 1
        self.assertIn(f"mcbe show {out} --certificate {number}", text)
        self.assertEqual(self.mcbe("show", out, "--certificate", number, "-o", folder).code, OK)
        np.testing.assert_array_equal(np.load(folder / "bias.npy"), -BIAS)

    def test_configurations_take_them_too(self):
        """frame.path and biases of any experiment."""
        write_safetensors(self.dir / "m.safetensors", {"weight": WEIGHTS, "bias": BIAS})
        changes = {"trials": 1, "grid.n": 4, "grid.m": 14, "frame.ensemble": "file", "bias_scale": "absolute"}
        file = {"name": "b", "kind": "file", "path": f"{self.dir}/m.safetensors:bias"}
        one = self.compute({**changes, "frame.path": f"{self.dir}/m.safetensors:weight", "biases": [file]})
        two = self.compute({**changes, "frame.path": str(self.save("w.npy", WEIGHTS)),
                            "biases": [{**file, "path": str(self.save("b.npy", BIAS)), "convention": "plus"}]})
        self.assert_identical(one, two)
        self.assertEqual(self.mcbe("verify", one).code, OK)
        self.assertEqual(system.read(one, "trials/hamming/b")[0, 0], np.mean(-BIAS <= system.read(one, "alpha/data")))


class Runs(Estimate):
    def setUp(self):
        super().setUp()
        self.args = ["--weights", self.save("w.npy", WEIGHTS), "--bias", self.save("b.npy", BIAS), "--samples", 40000,
                     "--set", "search.lower_evaluations=10000"]

    def test_any_number_of_ranks_gives_the_same_file(self):
        one = self.estimate(*self.args, "-o", self.dir / "one.h5")
        two = self.estimate(*self.args, "-o", self.dir / "two.h5", "--set", "run.ranks_per_unit=all", ranks=2)
        self.assert_identical(self.dir / "one.h5", self.dir / "two.h5")
        self.assertEqual({**one, "file": None}, {**two, "file": None})

    def test_the_file_is_that_of_the_configuration(self):
        """`mcbe run` of the experiment gives the same bytes, and the stored text runs again."""
        self.estimate(*self.args, "-o", self.dir / "estimate.h5")
        path = self.dir / "estimate.yaml"
        path.write_text(f"""experiment: estimate
frame: {{ensemble: file, path: "{self.dir}/w.npy"}}
bias_scale: absolute
biases: [{{name: zero, kind: constant}}, {{name: given, kind: file, path: "{self.dir}/b.npy"}}]
sampling: {{samples: 40000}}
search: {{enabled: true, lower_evaluations: 10000}}
exact: {{enabled: true}}
polytope: {{enabled: true}}
""")
        self.run_ok(path, self.dir / "run.h5")
        self.assert_identical(self.dir / "estimate.h5", self.dir / "run.h5")
        fingerprints = {json.loads(self.mcbe("show", self.dir / name, "--json").out)["fingerprint"]
                        for name in ("estimate.h5", "run.h5")}
        self.assertEqual(len(fingerprints), 1)

    def test_the_same_command_again_computes_nothing(self):
        out = self.dir / "out.h5"
        first = self.estimate(*self.args, "-o", out)
        before = system.listing(self.dir)
        self.assertEqual(self.estimate(*self.args, "-o", out), first)
        self.assertEqual(system.listing(self.dir), before)
        result = self.mcbe("estimate", *self.args, "-o", out, "--set", "seed=3")
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("seed", result.err)
        other = self.estimate(*self.args, "-o", out, "--set", "seed=3", "--fresh")
        self.assertNotEqual(other["alpha"], first["alpha"])

    def test_nothing_is_left_without_a_file(self):
        folder = self.dir / "tmp"
        folder.mkdir()
        for ranks in (None, 2):
            shown = self.estimate(*self.args, env={"TMPDIR": str(folder)}, ranks=ranks)
            self.assertIsNone(shown["file"])
            self.assertEqual([str(path) for path in self.dir.rglob("*")  # MPI has the folder for its own, too
                              if "mcbe-estimate" in path.name or path.suffix == ".h5"], [])

    def test_damage_is_seen(self):
        out = self.dir / "out.h5"
        self.estimate(*self.args, "-o", out)
        for name in ("trials/rectified/given", "trials/rectified_alpha"):
            with h5py.File(out, "r+") as file:
                value = file[name][0, 0]
                file[name][0, 0] = value / 2
            result = self.mcbe("verify", out)
            self.assertEqual(result.code, BAD_FILE)
            self.assertIn(name, result.err)
            with h5py.File(out, "r+") as file:
                file[name][0, 0] = value
        np.save(self.dir / "w.npy", 2 * WEIGHTS)  # another layer than the file is about
        self.assertEqual(self.mcbe("verify", out).code, BAD_FILE)


class BadInput(Estimate):
    def refuse(self, code, fragments, *args, ranks=(None,)):
        """One sentence, nothing written, nothing on standard output."""
        before = system.listing(self.dir)
        for count in ranks:
            result = self.mcbe("estimate", *args, ranks=count)
            message = result.err.splitlines()[0] if count else result.err
            self.assertEqual((result.code, result.out), (code, ""), result.err)
            self.assertEqual(result.err.count("mcbe: error:"), 1, result.err)
            if not count:
                self.assertEqual(len(message.splitlines()), 1, message)
            for fragment in fragments:
                self.assertIn(fragment, message)
            self.assertEqual(system.listing(self.dir), before)

    def test_the_command_line(self):
        weights = ["--weights", self.save("w.npy", WEIGHTS)]
        bias = ["--bias", self.save("b.npy", BIAS)]
        cases = [
            ([], ["--weights", "missing"]),
            (weights + ["x.npy"], ["x.npy", "too many"]),
            (weights + ["--wieghts", "x"], ["--wieghts"]),
            (weights + ["--samples"], ["--samples", "value"]),
            (weights + ["--samples", "1e"], ["--samples 1e", "whole number"]),
            (weights + ["--samples", "0"], ["--samples 0", "from 1"]),
            (weights + ["--domain", "spere"], ["--domain spere", "did you mean 'sphere'"]),
            (weights + ["--design", "idd"], ["--design idd", "did you mean 'iid'"]),
            (weights + ["--design", "paired", "--domain", "ball", "--set", "domain.radial=sampled"],
             ["--design paired"]),
            (weights + ["--search", "-1"], ["--search -1", "from 1"]),
            (weights + ["--search", "1000", "--domain", "gaussian"], ["search.enabled", "unbounded"]),
            (weights + ["--convention", "relu(Wx-alpha)"], ["--convention", "needs --bias"]),
            (weights + bias + ["--convention", "relu(Wx+a)"], ["relu(Wx+a)", "relu(Wx-alpha) or relu(Wx+b)"]),
            (weights + ["--progress", "loud"], ["mcbe estimate", "loud", "bar"]),
            (weights + ["--set", "domain.radius=-1"], ["--set domain.radius=-1", "domain.radius"]),
            (weights + ["--set", "frame.ensemble=gaussian"], ["frame."]),
            (weights + bias + ["--set", "bias_scale=row_norm"], ["biases[1].kind", "absolute"]),
            (weights + bias + ["--set", "frame.normalize_rows=true"], ["biases[1].kind", "normalize_rows"]),
            (["--weights", self.dir / "w.bin"], [f"--weights {self.dir}/w.bin", ".npy"]),
            (weights + ["--bias", self.dir / "b.bin"], [f"--bias {self.dir}/b.bin", ".npy"]),
            (["--weights", f"{self.dir}/w.npy:x"], ["--weights", "':x'"]),
            (["--weights", f"{self.dir}/w.h5"], ["--weights", "colon"]),
            (weights + ["--test", "t.npy"], ["--test t.npy", "data.test_path"]),
            (weights + ["--data", self.save("x.npy", np.zeros((5, 3))), "--set", "smoothing.sigma=1"],
             ["--data", "data.path", "3 features"]),
        ]
        for args, fragments in cases:
            with self.subTest(args=args):
                self.refuse(BAD_USAGE, fragments, *args)
        self.refuse(BAD_USAGE, ["--domain spere"], *weights, "--domain", "spere", ranks=(None, 4))

    def test_files(self):
        weights = ["--weights", self.save("w.npy", WEIGHTS)]
        bad, zero = WEIGHTS.copy(), WEIGHTS.copy()
        bad[3, 1] = np.nan
        zero[5] = 0
        nan = BIAS.copy()
        nan[7] = np.inf
        write_safetensors(self.dir / "m.safetensors", {"weight": WEIGHTS, "bias": BIAS})
        (self.dir / "cut.safetensors").write_bytes((self.dir / "m.safetensors").read_bytes()[:-1])
        (self.dir / "text.csv").write_text("1,2\n3,x\n5,6\n")
        with h5py.File(self.dir / "m.h5", "w") as file:
            file["text"] = "x"
            file["cube"] = np.ones((2, 2, 2))
            file["four"] = np.ones((2, 2, 2, 2))
        cases = [
            (["--weights", self.save("wide.npy", WEIGHTS.T)], ["4 x 14 matrix;", "frame.transpose: true"]),
            (["--weights", self.save("tall.npy", WEIGHTS), "--set", "frame.transpose=true"],
             ["14 x 4 matrix, which frame.transpose turns round", "frame.transpose: false"]),
            (["--weights", self.save("v.npy", BIAS)], ["vector of 14"]),
            (["--weights", self.save("nan.npy", bad)], ["row 3", "nan"]),
            (["--weights", self.save("zero.npy", zero)], ["row 5 is zero"]),
            (["--weights", self.save("whole.npy", np.ones((3, 2), int))], ["whole.npy", "<f8"]),
            (["--weights", self.dir / "text.csv"], ["text.csv", "x"]),
            (["--weights", f"{self.dir}/m.safetensors:wieght"], ["no tensor 'wieght'", "weight, bias"]),
            (["--weights", f"{self.dir}/m.safetensors"], ["2 tensors", "weight, bias"]),
            (["--weights", f"{self.dir}/cut.safetensors:weight"], ["cut.safetensors"]),
            (["--weights", f"{self.dir}/m.h5:/none"], ["lacks the dataset '/none'"]),
            (["--weights", f"{self.dir}/m.h5:/text"], ["does not hold numbers"]),
            (["--weights", f"{self.dir}/m.h5:/four"], ["4 dimensions"]),
            (weights + ["--bias", self.save("short.npy", BIAS[:13])], ["short.npy", "13 x 1", "m = 14"]),
            (weights + ["--bias", self.dir / "w.npy"], ["14 x 4", "m = 14"]),
            (weights + ["--bias", self.save("inf.npy", nan)], ["entry 7", "inf"]),
        ]
        for args, fragments in cases:
            with self.subTest(args=args):
                self.refuse(BAD_FILE, fragments, *args)
        self.refuse(BAD_USAGE, ["trials", "has 2 matrices"], "--weights", f"{self.dir}/m.h5:/cube")
        self.refuse(BAD_FILE, ["'/none'"], "--weights", f"{self.dir}/m.h5:/none", ranks=(None, 4))
        self.refuse(BAD_SYSTEM, ["none.npy"], "--weights", self.dir / "none.npy")
        self.refuse(BAD_SYSTEM, ["folder"], *weights, "-o", self.dir / "folder" / "out.h5")

    def test_configurations(self):
        """What only a configuration can ask for."""
        self.save("b.npy", BIAS)
        cases = [
            ({"biases": [{"name": "b", "kind": "file"}]}, ["biases[0].path", "empty"]),
            ({"biases": [{"name": "b", "kind": "file", "path": f"{self.dir}/b.npy"}]},
             ["biases[0].kind", "belongs to one layer"]),
            ({"biases": [{"name": "b", "kind": "constant", "path": "b.npy"}]}, ["biases[0].path", "constant bias"]),
            ({"biases": [{"name": "b", "kind": "normal", "convention": "plus"}]}, ["biases[0].convention", "normal bias"]),
            ({"frame.transpose": True}, ["frame.transpose", "frame.ensemble: file"]),
            ({"frame.ensemble": "file"}, ["frame.path", "empty"]),
        ]
        for changes, fragments in cases:
            with self.subTest(changes=changes):
                result = self.mcbe("run", self.config(changes), "-o", self.dir / "out.h5")
                self.assertEqual(result.code, BAD_USAGE, result.err)
                self.assertEqual(len(result.err.splitlines()), 1, result.err)
                for fragment in fragments:
                    self.assertIn(fragment, result.err)
        path = self.dir / "random.yaml"
        path.write_text("experiment: estimate\nsampling: {samples: 10}\n")
        result = self.mcbe("run", path, "-o", self.dir / "out.h5")
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("frame.ensemble", result.err)

    def test_a_matrix_for_every_trial(self):
        m, n = WEIGHTS.shape
        stack, broken = np.stack([WEIGHTS, 2 * WEIGHTS, 3 * WEIGHTS]), np.stack([WEIGHTS, WEIGHTS])
        broken[1, 5, 2] = np.nan
        biases = np.stack([BIAS, BIAS, np.where(np.arange(m) == 4, np.inf, BIAS)])
        for name, values in (("stack", stack), ("broken", broken), ("deep", stack[None]), ("b", np.stack([BIAS, BIAS])),
                             ("turned", stack.transpose(1, 0, 2)), ("one", stack[:1]), ("stacked", biases[None]),
                             ("endless", biases)):
            self.save(f"{name}.npy", values)
        start = f"experiment: estimate\nsampling: {{samples: 10}}\nframe: {{ensemble: file, path: {self.dir}/"
        bias = "\nbias_scale: absolute\nbiases: [{name: b, kind: file, path: %s/%s.npy}]"
        cases = [("stack.npy}", BAD_USAGE, ["trials", "not given", "has 3 matrices", "1 to 3"]),
                 ("stack.npy}\ntrials: 4", BAD_USAGE, ["trials", "4", "has 3 matrices"]),
                 ("broken.npy}\ntrials: 2", BAD_FILE, ["broken.npy", "matrix 1 from 0", "row 5, column 2 is nan"]),
                 ("deep.npy}\ntrials: 1", BAD_FILE, ["4 dimensions"]),
                 ("one.npy}\ntrials: 3", BAD_USAGE, ["trials", "3", "has 1 matrices"]),
                 ("turned.npy}\ntrials: 1", BAD_FILE, [f"holds a 3 x {n} matrix, {m} of them by its first dimension"]),
                 ("stack.npy}\ntrials: 3" + bias % (self.dir, "b"), BAD_FILE, [f"2 x {m} numbers", f"are 3 x {m}"]),
                 ("stack.npy}\ntrials: 3" + bias % (self.dir, "stacked"), BAD_FILE, [f"1 x 3 x {m} numbers"]),
                 ("stack.npy}\ntrials: 3" + bias % (self.dir, "endless"), BAD_FILE, ["entry 4 of bias 2 (from 0) is inf"])]
        path = self.dir / "stack.yaml"
        for text, code, fragments in cases:
            with self.subTest(text):
                path.write_text(start + text)
                result = self.mcbe("run", path, "-o", self.dir / "out.h5")
                self.assertEqual(result.code, code, result.err)
                for fragment in fragments:
                    self.assertIn(fragment, result.err)
        path.write_text(f"experiment: layer\nframe: {{ensemble: file, path: {self.dir}/stack.npy}}\n"
                        f"points: {{kind: domain, count: 3}}")
        result = self.mcbe("run", path, "-o", self.dir / "out.h5")
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("has 3 matrices; one is needed", result.err)
        path.write_text(start + "broken.npy}\ntrials: 1")  # the second is not asked for
        self.run_ok(path, self.dir / "first.h5")
        args = ["estimate", "--weights", self.dir / "stack.npy", "--samples", 10, "--set", "trials=2"]
        self.assertIn("trial        0 of 2", self.mcbe(*args).out)
        shown = json.loads(self.mcbe(*args, "--json").out)
        self.assertEqual((shown["trial"], shown["trials"]), (0, 2))
        self.assertNotIn("trial", self.estimate("--weights", self.save("w.npy", WEIGHTS), "--samples", 10))

    def test_a_stack_grows_merges_and_serves_other_experiments(self):
        self.save("stack.npy", np.stack([WEIGHTS, 2 * WEIGHTS, WEIGHTS[::-1]]))
        path = self.dir / "stack.yaml"
        path.write_text(f"experiment: estimate\nsampling: {{samples: 300}}\nframe: {{ensemble: file, path: {self.dir}/stack.npy}}\n"
                        "trials: 3\n")
        self.run_ok(path, self.dir / "whole.h5")
        self.run_ok(path, self.dir / "grown.h5", "--set", "trials=1")
        self.run_ok(path, self.dir / "grown.h5")
        self.assert_identical(self.dir / "whole.h5", self.dir / "grown.h5")
        for shard in range(2):
            self.run_ok(path, self.dir / f"part{shard}.h5", "--shard", f"{shard}/2")
        merged = self.mcbe("merge", self.dir / "part0.h5", self.dir / "part1.h5", "-o", self.dir / "merged.h5")
        self.assertEqual(merged.code, OK, merged.err)
        self.assert_identical(self.dir / "whole.h5", self.dir / "merged.h5")
        self.assertEqual(self.mcbe("verify", self.dir / "merged.h5").code, OK)
        text = path.read_text().replace("estimate", "convergence") + f"cells: [{{n: {WEIGHTS.shape[1]}, m: {len(WEIGHTS)}}}]\n"
        path.write_text(text)
        self.run_ok(path, self.dir / "curves.h5")
        self.assertEqual(self.mcbe("verify", self.dir / "curves.h5").code, OK)
        path.write_text(text.replace("trials: 3", "trials: 4"))
        self.assertIn("has 3 matrices", self.mcbe("run", path, "-o", self.dir / "more.h5").err)


if __name__ == "__main__":
    unittest.main()
