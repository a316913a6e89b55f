"""scripts/plot_sampler_comparison.py and plot_smoothing_sigma.py on result files made here by hand, with h5py alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))
sys.dont_write_bytecode = True
import mcbe_figures  # noqa: E402
import plot_sampler_comparison as comparison  # noqa: E402
import plot_smoothing_sigma as sweep  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = ("data.normalize = standard\ndata.path = /there/iris.csv\nframe.ensemble = gaussian\nsampling.samples = 1000\n"
           "smoothing.sigma = 0.5\n~run.checkpoint_seconds = 30\n")
# Cells (3,6) (3,9), six trials each; the last two of the second cell were not run.
N, M, DONE = [3, 3], [6, 9], [[1] * 6, [1, 1, 1, 1, 0, 0]]
NAN = np.nan
FIRST = [0.5, 0.5, 0.75, 0.75, 1, 1]
SIGMA = [0.125, 0.5, 2]
# p_I of the first cell is best in the middle, of the second at the start: there two deviations are equally good.
CURVES = np.array([[[0.5, 1, 0.25]] * 6, [[0.75, 0.75, 0.5]] * 4 + [[NAN] * 3] * 2])


def write(path, experiment, done, fill, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 1]), "experiment": experiment,
                           "seed": 20240101, "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0", **attributes})
        file.create_group("config").attrs["resolved"] = LISTING
        file["cells/n"], file["cells/m"], file["cells/done"] = N, M, np.array(done, dtype="i1")
        fill(file)
    return path


def write_comparison(path, done=DONE, biases=tuple(comparison.BIASES), **attributes):
    def fill(file):
        for place, name in enumerate(biases):
            values = np.array([FIRST, FIRST[:4] + [NAN, NAN]])
            file[f"trials/p_injective/{name}"] = values / 2**place
            file[f"trials/alpha_mean/{name}"] = -values

    return write(path, "sampler_comparison", done, fill, **attributes)


def write_sweep(path, done=DONE, sigma=tuple(SIGMA), **attributes):
    def fill(file):
        file["curves/sigma"], file["data/deviation"] = sigma, [1.0]
        file["curves/p_injective"], file["curves/p_injective_training"] = CURVES, CURVES / 2
        file["curves/alpha_mean"] = -CURVES

    return write(path, "smoothing_sigma", done, fill, **attributes)


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, script, *arguments):
        return subprocess.run([sys.executable, SCRIPTS / script, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, check=False)

    def assert_refused(self, script, code, words, *arguments):
        """Refused with this exit code and one sentence on stderr that holds the words."""
        finished = self.run_script(script, *arguments)
        self.assertEqual(finished.returncode, code, finished.stderr)
        self.assertEqual(finished.stderr.count("\n"), 1, finished.stderr)
        self.assertTrue(finished.stderr.startswith(f"{script}: "), finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")

    def assert_reproducible(self, script, *sources):
        written = []
        for _ in range(2):
            finished = self.run_script(script, *sources)
            self.assertEqual((finished.returncode, finished.stderr), (0, ""))
            written.append([sources[0].with_suffix(suffix).read_bytes() for suffix in (".png", ".pdf")])
        self.assertEqual(written[0], written[1])
        self.assertTrue(written[0][0].startswith(b"\x89PNG") and written[0][1].startswith(b"%PDF"))


class Names(unittest.TestCase):
    def test_data_are_named_by_their_file_or_folder(self):
        for path, name in (("/a/iris.csv", "iris"), ("/a/mnist/train-images-idx3-ubyte.gz", "mnist"),
                           ("/a/cifar-10/data_batch_1.bin, /a/cifar-10/data_batch_2.bin", "cifar-10"),
                           ("train.csv", "train"), ("/there/points.h5:/x", "points")):
            self.assertEqual(mcbe_figures.data_name({"data.path": path}), name)


class Comparison(PlotTest):
    def setUp(self):
        super().setUp()
        self.source = write_comparison(self.folder / "a.h5")
        self.run_read = comparison.read_comparison(self.source)

    def test_finished_trials_alone(self):
        self.assertEqual([(shape.n, shape.m, len(shape.test["kde"])) for shape in self.run_read.shapes],
                         [(3, 6, 6), (3, 9, 4)])
        self.assertEqual((self.run_read.units_done, self.run_read.units), (10, 12))

    def test_boxes_means_and_published_values(self):
        panels = comparison.draw([self.run_read]).axes
        self.assertEqual(len(panels), 2)
        texts = [text.get_text() for text in panels[0].texts]
        for place, mean in enumerate((0.75, 0.375, 0.1875, 0.09375, 0.046875)):
            self.assertIn(comparison.share_text(mean), texts[place])
            self.assertIn("-0.75", texts[place])
        boxes = [patch for patch in panels[0].patches if hasattr(patch, "get_path")]
        quartiles = [sorted({round(y, 9) for _, y in box.get_path().vertices}) for box in boxes]
        self.assertEqual(quartiles[0], [0.5625, 0.9375])
        published = [line.get_ydata()[0] for line in panels[0].lines if line.get_marker() == "D"]
        self.assertEqual(published, [1.0, 1.0, 0.90])
        self.assertEqual([line for line in panels[1].lines if line.get_marker() == "D"], [])
        # four values are shown one by one
        points = [line.get_ydata().tolist() for line in panels[1].lines if line.get_marker() == "o"]
        self.assertEqual(points[0], FIRST[:4])

    def test_numbers_near_the_ends_keep_their_digits(self):
        self.assertEqual([comparison.share_text(share) for share in (1, 0, 0.99991, 0.00004, 0.5)],
                         ["1.000", "0.000", "0.99991", "0.00004", "0.500"])

    def test_words(self):
        title = comparison.panel_title(self.run_read, self.run_read.shapes[1])
        for words in ("iris", "1,000 points", "4 of 6 matrices", "0.5"):
            self.assertIn(words, title)
        for words in ("gaussian", "standard", "seed 20240101", FINGERPRINT[:12]):
            self.assertIn(words, comparison.data_line(self.run_read))

    def test_the_same_files_give_the_same_bytes(self):
        self.assert_reproducible("plot_sampler_comparison.py", self.source, write_comparison(self.folder / "b.h5"))

    def test_refusals(self):
        path = self.folder / "c.h5"
        for words, changes in (("'convergence'", {"experiment": "convergence"}), ("no finished", {"done": np.zeros((2, 6))}),
                               ("shape", {"done": np.ones((2, 1))}), ("unit_ball", {"biases": ["kde", "smoothing", "uniform"]})):
            with self.subTest(words), self.assertRaisesRegex(mcbe_figures.Refusal, words):
                comparison.read_comparison(self.rewrite(path, changes))
        self.assert_refused("plot_sampler_comparison.py", 65, "none.h5", self.folder / "none.h5")
        self.assert_refused("plot_sampler_comparison.py", 64, "FILE.h5")

    def rewrite(self, path, changes):
        experiment = changes.pop("experiment", None)
        write_comparison(path, **changes)
        if experiment:
            with h5py.File(path, "r+") as file:
                file.attrs["experiment"] = experiment
        return path


class Sweep(PlotTest):
    def setUp(self):
        super().setUp()
        self.source = write_sweep(self.folder / "a.h5")
        self.run_read = sweep.read_sweep(self.source)

    def test_best_deviation(self):
        self.assertEqual([sweep.best_sigma(self.run_read, shape) for shape in self.run_read.shapes], [0.5, 0.125])

    def test_curves(self):
        shares, means = sweep.draw([self.run_read]).axes
        self.assertEqual((shares.get_xscale(), means.get_xscale()), ("log", "log"))
        drawn = [line.get_xydata().tolist() for line in shares.lines]
        self.assertIn([[0.125, 0.5], [0.5, 1], [2, 0.25]], drawn)
        self.assertIn([[0.125, 0.375], [0.5, 0.375], [2, 0.25]], drawn)  # training points of the second
        self.assertTrue(any(line.get_xdata()[0] == 1 for line in shares.lines), "the deviation of the data")
        self.assertIn([[0.125, -0.5], [0.5, -1], [2, -0.25]], [line.get_xydata().tolist() for line in means.lines])

    def test_a_deviation_of_0(self):
        run = sweep.read_sweep(write_sweep(self.folder / "b.h5", sigma=[0, 0.5, 2]))
        self.assertEqual(sweep.draw([run]).axes[0].get_xscale(), "symlog")

    def test_words(self):
        self.assertIn("incomplete: 10 of 12 units", sweep.footer([self.run_read]))

    def test_the_same_files_give_the_same_bytes(self):
        self.assert_reproducible("plot_smoothing_sigma.py", self.source, write_sweep(self.folder / "b.h5"))

    def test_refusals(self):
        for words, changes in (("no finished", {"done": np.zeros((2, 6))}), ("shape", {"sigma": [1, 2]})):
            with self.subTest(words), self.assertRaisesRegex(mcbe_figures.Refusal, words):
                sweep.read_sweep(write_sweep(self.folder / "c.h5", **changes))
        self.assert_refused("plot_smoothing_sigma.py", 65, "holds the experiment 'sampler_comparison'",
                            write_comparison(self.folder / "d.h5"))


if __name__ == "__main__":
    unittest.main()
