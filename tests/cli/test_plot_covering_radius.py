"""scripts/plot_covering_radius.py on result files made here by hand, with h5py alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy as np

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "plot_covering_radius.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_covering_radius as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = ("covering.visits = 1000\ndomain.kind = sphere\nframe.ensemble = sphere\n~run.checkpoint_seconds = 30\n"
           "test.samples = 1000\n")
POINTS = [10, 100]
NAN = np.nan
GONE = [NAN, NAN]
# Cells (2,3) (2,4) (9,20), two trials each; the second trial of the third cell was not run. n = 9 has no exact radius
# of 100 points, and one trial of the second cell none of 10.
N, M, DONE = [2, 2, 9], [3, 4, 20], [[1, 1], [1, 1], [1, 0]]
SERIES = {
    "radius_upper": [[[0.5, 0.25], [0.75, 0.5]], [[1, 0.5], [NAN, 0.75]], [[1.25, NAN], GONE]],
    "radius_search": [[[0.5, 0.25], [0.75, 0.5]], [[1, 0.5], [1.5, 0.75]], [[1.25, 1], GONE]],
    "radius_expected": [[[0.625, 0.125]] * 2] * 2 + [[[2.5, 1], GONE]],
    "alpha_min": [[[0.5, 0.25], [0.5, 0.25]], [[0.5, 0.25], [0.5, 0.25]], [[0.5, 0.25], GONE]],
    "corrected_min": [[[0, 0], [0, 0]], [[0, 0], [NAN, 0.25]], [[-1, NAN], GONE]],
    "rectified": [[[0.5, 0.75], [0.5, 1]]] * 2 + [[[0.5, 0.75], GONE]],
    "corrected_rectified": [[[1, 1], [1, 1]], [[1, 1], [NAN, 1]], [[1, NAN], GONE]],
}
EXACT_MIN = [[0.125, 0.25], [0.125, 0.125], [NAN, NAN]]  # that of cell (2,4), trial 1, is below its corrected bias


def write_result(path, done=DONE, series=SERIES, exact=EXACT_MIN, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 0]), "experiment": "covering_radius",
                           "seed": 20240101, "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0", **attributes})
        file.create_group("config").attrs["resolved"] = LISTING
        file["cells/n"], file["cells/m"], file["cells/done"] = N, M, np.array(done, dtype="i1")
        file["curves/points"] = POINTS
        for name, values in series.items():
            file[f"curves/{name}"] = np.array(values)
        if exact is not None:
            file["trials/exact_min"] = np.array(exact)
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
        self.assertTrue(finished.stderr.startswith("plot_covering_radius.py: "), finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")


class Reading(PlotTest):
    def setUp(self):
        super().setUp()
        self.result = plot.read_covering_radius(write_result(self.folder / "a.h5"))

    def test_finished_trials_alone(self):
        self.assertEqual([(shape.n, shape.m, len(shape.exact_min)) for shape in self.result.shapes],
                         [(2, 3, 2), (2, 4, 2), (9, 20, 1)])
        self.assertEqual((self.result.units_done, self.result.units, self.result.trials), (5, 6, 2))

    def test_radii_of_one_n_are_pooled(self):
        np.testing.assert_array_equal(plot.pooled(self.result, 2, "radius_upper")[:, 1], [0.25, 0.5, 0.5, 0.75])

    def test_boxes_only_where_every_trial_is_corrected(self):
        shown = [[(shape.n, shape.m) for shape in plot.corrected_shapes(self.result, place)] for place in (0, 1)]
        self.assertEqual(shown, [[(2, 3), (9, 20)], [(2, 3), (2, 4)]])

    def test_the_order_is_counted_not_assumed(self):
        self.assertEqual(plot.order_holds(self.result.shapes, 1), (3, 4))

    def test_words(self):
        self.assertIn("ncomplete: 5 of 6 units", plot.subtitle(self.result))
        for words in ("2 weight matrices", "1,000 test points", "seed 20240101", "config " + FINGERPRINT[:12]):
            self.assertIn(words, plot.footer(self.result))


class Pictures(PlotTest):
    def test_exact_radii_are_filled_and_others_open(self):
        run = plot.read_covering_radius(write_result(self.folder / "a.h5"))
        axes = plot.draw(run, 1).axes[0]
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
        drawn = {"expected": [], "exact": [], "open": []}
        for line in axes.lines:
            kind = ("expected" if line.get_linestyle() == "-" else
                    "open" if line.get_markerfacecolor() == "white" else "exact")
            drawn[kind] += line.get_xydata().tolist()
        self.assertEqual(drawn["expected"][:2], [[10, 0.625], [100, 0.125]])
        self.assertTrue(np.isnan(drawn["expected"][2][1]), "2.5 is no distance on the sphere")
        self.assertEqual(drawn["exact"], [[100, 0.5], [10, 1.25]])
        self.assertEqual(drawn["open"], [[10, 0.9375], [100, 1]])

    def test_the_same_file_gives_the_same_bytes(self):
        source = write_result(self.folder / "a.h5")
        written = []
        for _ in range(2):
            finished = self.run_script(source)
            self.assertEqual((finished.returncode, finished.stderr), (0, ""))
            written.append([(self.folder / name).read_bytes() for name in ("a.png", "a.pdf")])
        self.assertEqual(written[0], written[1])
        self.assertTrue(written[0][0].startswith(b"\x89PNG") and written[0][1].startswith(b"%PDF"))

    def test_without_exact_answers_and_at_another_number_of_points(self):
        source = write_result(self.folder / "a.h5", exact=None)
        finished = self.run_script(source, "-o", self.folder / "one.png", "--points", 10)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["a.h5", "one.png"])

    def test_nothing_corrected(self):
        series = {**SERIES, "corrected_min": np.full((3, 2, 2), NAN)}
        figure = plot.draw(plot.read_covering_radius(write_result(self.folder / "a.h5", series=series)), 1)
        for axes in figure.axes[2:]:
            self.assertIn("no shape has an exact radius", axes.texts[0].get_text())


class Refusals(PlotTest):
    def test_files_it_cannot_draw(self):
        path = self.folder / "a.h5"
        for words, changes in (("'convergence'", {"experiment": "convergence"}),
                               ("no finished cell", {"done": np.zeros((3, 2))}),
                               ("shape", {"done": np.ones((3, 1))}),
                               ("corrected_min", {"series": {name: SERIES[name] for name in list(SERIES)[:4]}})):
            with self.subTest(words):
                self.assert_refused(65, words, write_result(path, **changes))

    def test_a_number_of_points_that_is_not_there(self):
        source = write_result(self.folder / "a.h5")
        self.assert_refused(65, "--points may be one of 10, 100", source, "--points", 50)
        self.assert_refused(64, "many", source, "--points", "many")


if __name__ == "__main__":
    unittest.main()
