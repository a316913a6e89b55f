"""scripts/plot_convergence.py on result files made here by hand, with h5py alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "plot_convergence.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_convergence as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = "domain.kind = sphere\nframe.ensemble = gaussian\n~run.checkpoint_seconds = 30\ntest.samples = 1000\n"
ITERATIONS = [1, 10, 100]
# Cells (2,3) (2,4) (3,5), two trials each. Second cell half run, third not run; exact answers of the first only.
N, M, DONE = [2, 2, 3], [3, 4, 5], [[1, 1], [1, 0], [0, 0]]
NOT_RUN = [np.nan] * 3
SHARES = [[[0, 0.5, 1], [0.25, 1, 1]], [[0, 0.25, 0.5], NOT_RUN], [NOT_RUN, NOT_RUN]]
EXCESS = [[[np.inf, 2, 0.5], [4, 1, 0.5]], [NOT_RUN, NOT_RUN], [NOT_RUN, NOT_RUN]]


def write_result(path, done=DONE, excess=EXCESS, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 0]), "experiment": "convergence",
                           "seed": 20240101, "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0", **attributes})
        file.create_group("config").attrs["resolved"] = LISTING
        file["cells/n"], file["cells/m"], file["cells/done"] = N, M, np.array(done, dtype="i1")
        file["curves/iteration"] = ITERATIONS
        file["curves/no_update"] = np.array(SHARES)
        if excess is not None:
            file["curves/excess_max"] = np.array(excess)
    return path


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, check=False)

    def assert_refused(self, code, words, *arguments):
        """Refused with this exit code and one sentence on stderr that holds the words."""
        finished = self.run_script(*arguments)
        self.assertEqual(finished.returncode, code, finished.stderr)
        self.assertEqual(finished.stderr.count("\n"), 1, finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")


class Reading(PlotTest):
    def test_mean_and_deviation_over_the_trials_that_ran(self):
        run = plot.read_convergence(write_result(self.folder / "a.h5"), "no_update")
        self.assertEqual([(curve.n, curve.m) for curve in run.curves], [(2, 3), (2, 4)])
        np.testing.assert_array_equal(run.curves[0].mean, [0.125, 0.75, 1])
        np.testing.assert_allclose(run.curves[0].deviation, [0.125 * 2**0.5, 0.25 * 2**0.5, 0])
        np.testing.assert_array_equal(run.curves[1].mean, [0, 0.25, 0.5])
        np.testing.assert_array_equal(run.curves[1].deviation, [0, 0, 0])
        self.assertEqual((run.units_done, run.units, run.trials), (3, 6, 2))

    def test_no_mean_while_a_trial_is_infinite_and_no_curve_without_exact_answer(self):
        run = plot.read_convergence(write_result(self.folder / "a.h5"), "excess_max")
        self.assertEqual([(curve.n, curve.m) for curve in run.curves], [(2, 3)])
        np.testing.assert_array_equal(run.curves[0].mean, [np.nan, 1.5, 0.5])

    def test_words(self):
        run = plot.read_convergence(write_result(self.folder / "a.h5"), "no_update")
        self.assertIn("ncomplete: 3 of 6 units", plot.subtitle(run, "no_update"))
        for words in ("1,000 test points", "seed 20240101", "config " + FINGERPRINT[:12]):
            self.assertIn(words, plot.footer(run))


class Pictures(PlotTest):
    def lines(self, quantity):
        figure = plot.draw(plot.read_convergence(write_result(self.folder / "a.h5"), quantity), quantity)
        return figure.axes

    def test_a_panel_an_n_and_a_line_an_m(self):
        axes, = self.lines("no_update")
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "linear"))
        self.assertEqual([line.get_label() for line in axes.lines], ["$m = 3$", "$m = 4$"])
        np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0.125], [10, 0.75], [100, 1]])

    def test_distances_are_on_two_logarithmic_axes(self):
        axes, = self.lines("excess_max")
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))

    def test_the_same_file_gives_the_same_bytes(self):
        source = write_result(self.folder / "a.h5")
        written = []
        for _ in range(2):
            finished = self.run_script(source)
            self.assertEqual((finished.returncode, finished.stderr), (0, ""))
            written.append([(self.folder / name).read_bytes() for name in ("a.png", "a.pdf")])
        self.assertEqual(written[0], written[1])
        self.assertTrue(written[0][0].startswith(b"\x89PNG") and written[0][1].startswith(b"%PDF"))
        self.assertNotIn(b"/CreationDate", written[0][1])

    def test_only_the_named_outputs_are_written(self):
        source = write_result(self.folder / "a.h5")
        finished = self.run_script(source, "-o", self.folder / "one.png", "--quantity", "excess_max")
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["a.h5", "one.png"])


class Refusals(PlotTest):
    def test_files_it_cannot_draw(self):
        text = self.folder / "text.h5"
        text.write_text("n,m\n2,2\n")
        self.assert_refused(65, "does not exist", self.folder / "none.h5")
        self.assert_refused(65, "is not an HDF5 file", text)
        path = self.folder / "a.h5"
        for words, changes in (("format version 2", {"version": np.array([2, 0])}),
                               ("'phase_diagram'", {"experiment": "phase_diagram"}),
                               ("no finished cell", {"done": np.zeros((3, 2))}),
                               ("shape", {"done": np.ones((3, 1))})):
            with self.subTest(words):
                self.assert_refused(65, words, write_result(path, **changes))

    def test_no_exact_answers(self):
        path = self.folder / "a.h5"
        for words, excess in (("exact.enabled", None), ("exact.work_limit", np.full((3, 2, 3), np.nan))):
            with self.subTest(words):
                self.assert_refused(65, words, write_result(path, excess=excess), "--quantity", "excess_max")

    def test_unknown_quantity_and_format(self):
        source = write_result(self.folder / "a.h5")
        self.assert_refused(64, "hamming", source, "--quantity", "hamming")
        self.assert_refused(64, ".png or .pdf", source, "-o", self.folder / "a.svg")


if __name__ == "__main__":
    unittest.main()
