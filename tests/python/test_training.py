"""scripts/training on tiny data: what is written, that parts are parts of the whole, sentences."""

import gzip
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import numpy as np

try:
    import h5py
    import torch  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (scripts/install-deps --torch)")
    sys.exit(77)

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
METHODS = ("unregularized", "regularized", "manual")
COMMON = """methods = ["unregularized", "regularized", "manual"]
seed = 3
repetitions = 2
learning_rate = 0.01
batch = 16
epochs = 2
penalty = 1.0
sigma = 0.3
samples = 200
design = "crossed_small"
monitor_samples = 300
keep_data = false
"""


def write_idx(path, array):
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


class Training(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_script(self, name, *arguments, code=0, environment=None):
        result = subprocess.run([sys.executable, SCRIPTS / "training" / name, *arguments], capture_output=True, text=True,
                                cwd=self.folder, env={**os.environ, **(environment or {})})
        self.assertEqual(result.returncode, code, result.stderr)
        return result

    def images(self):
        rng = np.random.default_rng(1)
        for name, count in (("train", 60), ("t10k", 30)):
            labels = rng.integers(10, size=count)
            write_idx(self.folder / f"{name}-images-idx3-ubyte.gz", rng.integers(256, size=(count, 3, 3)))
            write_idx(self.folder / f"{name}-labels-idx1-ubyte.gz", labels)
        (self.folder / "tiny.toml").write_text(COMMON + "network = 'dense'\nredundancy = 2\nnormalize = 'unit_range'\n"
                                               "train_images = 40\ntest_images = 20\n"
                                               "inverse_points = 5\nkeep_weights = false\n")

    def test_ranks_and_tasks_take_a_part_each(self):
        self.images()
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "all.h5")
        task = {"SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_COUNT": "2"}
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "task.h5", environment=task)
        for rank in "01":  # an array of jobs that run mpirun: the ranks count
            rank_of_two = {**task, "OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": "2"}
            self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "rank.h5", environment=rank_of_two)
        with h5py.File(self.folder / "all.h5") as whole:
            for name, repetition in (("task_1", 1), ("rank_0", 0), ("rank_1", 1)):
                with h5py.File(self.folder / f"{name}.h5") as part:
                    self.assertEqual(part.attrs["repetitions"].tolist(), [repetition])
                    np.testing.assert_array_equal(part["regularized/hamming"][0],
                                                  whole["regularized/hamming"][repetition])
        beyond = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3"}
        result = self.run_script("images.py", "tiny.toml", "--data", ".", environment=beyond)
        self.assertIn("part 2 of 3: nothing to do for 2 repetitions", result.stderr)

    def test_images(self):
        self.images()
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "all.h5", "--networks", "networks")
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "part.h5", "--part", "1/2")
        with h5py.File(self.folder / "all.h5") as whole, h5py.File(self.folder / "part.h5") as part:
            self.assertEqual((whole.attrs["filetype"], whole.attrs["experiment"]), ("mcbe-training", "images"))
            for method in METHODS:
                for name in ("accuracy", "p_injective", "hamming", "excess", "reconstruction_error"):
                    values = whole[f"{method}/{name}"][...]
                    self.assertEqual(values.shape, (2, 3))
                    np.testing.assert_array_equal(part[f"{method}/{name}"][...], values[1:])
            start = [whole[f"{method}/p_injective"][:, 0].tolist() for method in METHODS[:2]]
            self.assertEqual(start[0], start[1])  # the same weights
            self.assertTrue((whole["regularized/excess"][:, -1] < whole["unregularized/excess"][:, -1]).all())
        self.assertEqual(len(list((self.folder / "networks").iterdir())), 9)
        with h5py.File(self.folder / "networks" / "regularized_2.h5") as network:
            self.assertEqual(network.attrs["filetype"], "mcbe-network")
            self.assertEqual(network["layers/0/weight"].shape, (18, 9))
        table = self.run_script("plot_training.py", "all.h5", "-o", "all.png").stdout
        self.assertIn("| reconstruction_error |", table)
        self.assertIn("| thesis | 0.79 | nan | 1.63 |", table)
        self.assertGreater((self.folder / "all.png").stat().st_size, 10_000)

    def test_a_layer_behind_convolutions(self):
        rng = np.random.default_rng(4)
        for name, count in (("data_batch_1", 24), ("test_batch", 12)):
            records = rng.integers(256, size=(count, 3073))
            records[:, 0] %= 10
            (self.folder / f"{name}.bin").write_bytes(records.astype(np.uint8).tobytes())
        (self.folder / "tiny.toml").write_text(
            COMMON.replace("repetitions = 2", "repetitions = 1").replace("epochs = 2", "epochs = 1") +
            "network = 'convolutional'\nredundancy = 2\nnormalize = 'unit_range'\ntrain_images = 24\ntest_images = 12\n"
            "inverse_points = 3\n"
            "keep_weights = true\n")
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "all.h5", "--networks", "networks")
        with h5py.File(self.folder / "all.h5") as file:
            self.assertEqual(file["manual/weight/0"].shape, (2, 512, 256))
            for name in ("accuracy", "p_injective", "hamming", "excess", "reconstruction_error"):
                one, other = (file[f"{method}/{name}"][0, 0] for method in METHODS[:2])
                self.assertEqual(one, other)  # the same start
            for method in METHODS[1:]:
                np.testing.assert_array_equal(file[f"{method}/weight/0"][0], file["unregularized/weight/0"][0])
            self.assertTrue((file["manual/bias/0"][0] != file["unregularized/bias/0"][0]).mean() > 0.9)
            self.assertTrue((file["regularized/weight/0"][1] != file["unregularized/weight/0"][1]).any())
        with h5py.File(self.folder / "networks" / "manual_1.h5") as network:
            weight, bias = network["layers/14/weight"][...], network["layers/14/bias"][...]
            self.assertEqual((weight.shape, bias.shape), ((512, 256), (512,)))
        self.assertIn("| thesis | 1 | nan | 0 |", self.run_script("plot_training.py", "all.h5", "-o", "c.png").stdout)

    def test_what_is_no_data(self):
        self.images()
        write_idx(self.folder / "t10k-labels-idx1-ubyte.gz", np.zeros((3, 3)))
        error = self.run_script("images.py", "tiny.toml", "--data", ".", code=65).stderr
        self.assertIn("t10k-images-idx3-ubyte.gz' has 30 images but 3 classes", error)

    def test_settings(self):
        self.images()
        for change, sentence in (("redundancies=3", "tiny.toml has methods, "), ("redundancy=0.5", "takes one like 2"),
                                 ("redundancy", "KEY=VALUE is needed"), ("methods=['none']", "unregularized, regularized"),
                                 ("methods=['manual', 'manual']", "each once"), ("redundancy=0", "at least 1"),
                                 ("epochs=-1", "at least 0"), ("design='bogus'", "crossed_small, crossed, iid"),
                                 ("network='deep'", "dense or convolutional"), ("normalize='none'", "or standard is needed")):
            with self.subTest(change):
                error = self.run_script("images.py", "tiny.toml", "--data", ".", "--set", change, code=64).stderr
                self.assertIn(sentence, error)
        for output, sentence in ((".", "it is a folder"), ("none/a.h5", "No such file")):  # before anything is trained
            result = self.run_script("images.py", "tiny.toml", "--data", ".", "-o", output, code=74)
            self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)
            self.assertIn(sentence, result.stderr)
        diverging = ("--set", "learning_rate=1e30", "--set", "methods=['unregularized']")
        error = self.run_script("images.py", "tiny.toml", "--data", ".", *diverging, code=65).stderr
        self.assertIn("repetition 0, unregularized: ", error)
        (self.folder / "poor.toml").write_text("methods = ['manual']\n")
        error = self.run_script("images.py", "poor.toml", "--data", ".", code=64).stderr
        self.assertIn("redundancy is missing", error)
        whole = (self.folder / "tiny.toml").read_text()
        (self.folder / "poor.toml").write_text(whole.replace("train_images = 40\n", ""))
        error = self.run_script("images.py", "poor.toml", "--data", ".", code=64).stderr
        self.assertIn("train_images is missing; at least 1 of type int", error)
        self.assertEqual([path.name for path in self.folder.iterdir() if ".h5" in path.name], [])

    def test_redundancies(self):
        """Networks left alone, of images whose pixels have mean 0 and deviation 1."""
        self.images()
        for redundancy, part in ((1, "0/2"), (1, "1/2"), (2, "0/1")):
            self.run_script("images.py", "tiny.toml", "--data", ".", "-o", f"r{redundancy}_{part[0]}.h5", "--part", part,
                            "--set", f"redundancy={redundancy}", "--set", "methods=['unregularized']", "--set",
                            "normalize='standard'", "--set", "keep_data=true")
        with h5py.File(self.folder / "r2_0.h5") as file:
            self.assertEqual(sorted(file), ["data", "unregularized"])
            self.assertEqual((file.attrs["m"], file.attrs["n"]), (18, 9))
            train, test = file["data/train/1"][...], file["data/test/1"][...]
            self.assertEqual((train.shape, test.shape), ((40, 9), (20, 9)))
            self.assertAlmostEqual(train.mean(), 0, 5)
            self.assertAlmostEqual(train.std(), 1, 5)
        files = ("r2_0.h5", "r1_1.h5", "r1_0.h5")
        table = self.run_script("plot_redundancy.py", *files, "-o", "one.png").stdout.splitlines()
        self.assertEqual([line.split("|")[2].strip() for line in table[2:]], ["1", "2"])  # the parts of 1 are one line
        self.run_script("plot_redundancy.py", *files, "-o", "two.png")
        self.assertEqual((self.folder / "one.png").read_bytes(), (self.folder / "two.png").read_bytes())
        self.assertIn("of different settings", self.run_script("plot_training.py", *files, code=65).stderr)
        for script in ("plot_training.py", "plot_redundancy.py"):
            error = self.run_script(script, "r1_0.h5", "r1_0.h5", code=65).stderr
            self.assertIn("has repetition 0, which another file has", error)
        self.run_script("images.py", "tiny.toml", "--data", ".", "-o", "other.h5", "--set", "redundancy=2", "--set",
                        "methods=['unregularized']", "--set", "seed=4")
        error = self.run_script("plot_redundancy.py", *files, "other.h5", code=65).stderr
        self.assertIn("differ in", error)
        self.assertIn("seed", error)
        (self.folder / "no.h5").write_text("no")
        self.assertIn("'no.h5' cannot be read", self.run_script("plot_redundancy.py", "no.h5", code=65).stderr)

    def test_iris(self):
        rng = np.random.default_rng(2)
        lines = [",".join(f"{value:.2f}" for value in rng.normal(label, 1, 4)) + f",{label}" for label in range(3)
                 for _ in range(50)]
        (self.folder / "iris.csv").write_text("\n".join(lines))
        (self.folder / "tiny.toml").write_text(COMMON.replace("keep_data = false", "keep_data = true") +
                                               "features = [0, 2, 3]\nredundancy = 2\nhidden = 5\ntest_share = 0.2\n"
                                               "inverse_points = 0\nkeep_weights = true\n")
        self.run_script("iris.py", "tiny.toml", "--data", "iris.csv")
        with h5py.File(self.folder / "training_iris.h5") as file:
            for repetition in "01":
                self.assertEqual(file[f"manual/weight/{repetition}"].shape, (3, 6, 3))
                self.assertEqual(file[f"manual/bias/{repetition}"].shape, (3, 6))
                np.testing.assert_array_equal(file[f"unregularized/weight/{repetition}"][0],
                                              file[f"regularized/weight/{repetition}"][0])
                np.testing.assert_allclose(file[f"data/train/{repetition}"][...].std(axis=0), 1, rtol=1e-5)
            self.assertNotIn("manual/reconstruction_error", file)
            shares = file["unregularized/p_injective"][0]
        config = SCRIPTS.parent / "configs" / "training_iris.yaml"
        run = subprocess.run([os.environ["MCBE"], "run", config, "-o", "again.h5", "--set", "trials=3"], cwd=self.folder,
                             capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        with h5py.File(self.folder / "again.h5") as again:  # the same points of the test set, the same layers
            np.testing.assert_array_equal(again["trials/test_rectified/learnt"][0], shares)
        self.assertIn("| p_injective |", self.run_script("plot_training.py", "training_iris.h5", "-o", "iris.png").stdout)


if __name__ == "__main__":
    unittest.main()
