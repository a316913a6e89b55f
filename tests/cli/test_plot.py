"""scripts/plot_phase_diagram.py on result files made here by hand, with h5py alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import matplotlib
import matplotlib.image
import numpy as np

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "plot_phase_diagram.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_phase_diagram as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = """\
bias_scale = row_norm
biases[0].kind = constant
biases[0].name = quarter
biases[0].value = 0.25
biases[0].variance = 1
biases[1].kind = normal
biases[1].name = wide
biases[1].value = 0
biases[1].variance = 0.10000000000000001
domain.kind = sphere
frame.ensemble = gaussian
~run.checkpoint_seconds = 30
"""
# Cells (2,2) (2,3) (3,3), two trials each. Third cell not run, second cell half run.
CELLS_N, CELLS_M = [2, 2, 3], [2, 3, 3]
HAMMING = {"quarter": [[0.0, 0.5], [0.25, np.nan], [np.nan, np.nan]],
           "wide": [[1.0, 1.0], [1.0, np.nan], [np.nan, np.nan]]}
INJECTIVE = {"quarter": [[0, 1], [0, -1], [-1, -1]], "wide": [[1, 1], [1, -1], [-1, -1]]}
SAMPLES = [[500, 500], [400, -1], [-1, -1]]


# As a run with guided search stores them; verdicts 0 refuted, 1 proven, 2 undecided, -1 not run.
UNIFORM = {"quarter": [[0.5, 1.0], [1.0, np.nan], [np.nan, np.nan]],
           "wide": [[1.0, 1.0], [1.0, np.nan], [np.nan, np.nan]]}
VERDICT = {"quarter": [[0, 2], [0, -1], [-1, -1]], "wide": [[1, 1], [2, -1], [-1, -1]]}


def add_search(path):
    with h5py.File(path, "a") as file:
        for name in UNIFORM:
            file[f"trials/hamming_uniform/{name}"] = np.array(UNIFORM[name])
            file[f"trials/verdict/{name}"] = np.array(VERDICT[name], dtype="i1")
    return path


def write_result(path, listing=LISTING, hamming=HAMMING, samples=SAMPLES, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 0]),
                           "experiment": "phase_diagram", "seed": 20240101,
                           "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0",
                           **attributes})
        file.create_group("config").attrs["resolved"] = listing
        file["cells/n"], file["cells/m"] = CELLS_N, CELLS_M
        file["trials/samples"] = np.array(samples)
        for name, values in hamming.items():
            file[f"trials/hamming/{name}"] = np.array(values)
        for name, values in INJECTIVE.items():
            file[f"trials/mcbe_injective/{name}"] = np.array(values, dtype="i1")
    return path


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True,
                              text=True, timeout=120, check=False)

    def assert_refused(self, code, words, *arguments):
        """Refused with this exit code and one sentence on stderr that holds the words."""
        finished = self.run_script(*arguments)
        self.assertEqual(finished.returncode, code, finished.stderr)
        self.assertEqual(finished.stderr.count("\n"), 1, finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")


class Reading(PlotTest):
    def test_mean_over_the_trials_that_ran(self):
        diagram = plot.read_phase_diagram(write_result(self.folder / "a.h5"), "hamming")
        np.testing.assert_array_equal(diagram.rows[0].panels[0].cell_means, [0.25, 0.25, np.nan])
        np.testing.assert_array_equal(diagram.rows[0].panels[1].cell_means, [1, 1, np.nan])
        self.assertEqual((diagram.units_done, diagram.units), (3, 6))
        self.assertEqual(diagram.samples, (400, 500))

    def test_integer_quantity_marks_missing_by_minus_one(self):
        diagram = plot.read_phase_diagram(write_result(self.folder / "a.h5"), "mcbe_injective")
        np.testing.assert_array_equal(diagram.rows[0].panels[0].cell_means, [0.5, 0, np.nan])

    def test_a_run_with_search_has_three_rows(self):
        path = add_search(write_result(self.folder / "a.h5"))
        uniform, visited, certain = plot.read_phase_diagram(path, "hamming").rows
        np.testing.assert_array_equal(uniform.panels[0].cell_means, [0.75, 1, np.nan])
        np.testing.assert_array_equal(visited.panels[0].cell_means, [0.25, 0.25, np.nan])
        np.testing.assert_array_equal(certain.panels[0].cell_means, [0.25, 0, np.nan])
        np.testing.assert_array_equal(certain.panels[1].cell_means, [1, 0.5, np.nan])

    def test_injective_for_uniform_points_alone_is_a_share_of_one(self):
        path = add_search(write_result(self.folder / "a.h5"))
        uniform = plot.read_phase_diagram(path, "mcbe_injective").rows[0]
        np.testing.assert_array_equal(uniform.panels[0].cell_means, [0.5, 1, np.nan])

    def test_titles_follow_the_definitions_in_config_order(self):
        diagram = plot.read_phase_diagram(write_result(self.folder / "a.h5"), "hamming")
        self.assertEqual([panel.title for panel in diagram.rows[0].panels],
                         [r"bias $\alpha = 0.25$", r"bias $\alpha \sim \mathcal{N}(0,\ 0.1)$"])

    def test_ten_families_are_ordered_by_number_not_by_text(self):
        settings = {f"biases[{i}].name": str(i) for i in (10, 9, 2, 0, 1, 3, 4, 5, 6, 7, 8)}
        self.assertEqual([f["name"] for f in plot.bias_families(settings)],
                         [str(i) for i in range(11)])


class Tiles(unittest.TestCase):
    def test_consecutive_values_share_edges(self):
        edges, number = plot.tile_edges(np.array([2, 2, 3, 4]))
        np.testing.assert_array_equal(edges, [1.5, 2.5, 3.5, 4.5])
        np.testing.assert_array_equal(number, [0, 0, 1, 2])

    def test_a_value_left_out_leaves_a_gap(self):
        edges, number = plot.tile_edges(np.array([5, 10, 30]))
        np.testing.assert_array_equal(edges, [2.5, 7.5, 12.5, 27.5, 32.5])
        np.testing.assert_array_equal(number, [0, 1, 3])

    def test_a_single_cell(self):
        edges, number = plot.tile_edges(np.array([7]))
        np.testing.assert_array_equal(edges, [6.5, 7.5])
        np.testing.assert_array_equal(number, [0])


class Words(PlotTest):
    def test_says_how_much_is_missing_and_from_how_many_points(self):
        diagram = plot.read_phase_diagram(write_result(self.folder / "a.h5"), "hamming")
        self.assertIn("incomplete: 3 of 6 units", plot.subtitle(diagram))
        self.assertIn("from 400 to 500 points", plot.subtitle(diagram))
        self.assertIn("an upper estimate of injectivity", plot.subtitle(diagram))

    def test_footer_identifies_the_run(self):
        diagram = plot.read_phase_diagram(write_result(self.folder / "a.h5"), "hamming")
        for words in ("2 weight matrices", "seed 20240101", "config " + FINGERPRINT[:12]):
            self.assertIn(words, plot.footer(diagram))

    def test_a_complete_file_is_not_called_incomplete(self):
        full = {name: np.ones((3, 2)) for name in HAMMING}
        path = write_result(self.folder / "a.h5", hamming=full, samples=np.full((3, 2), 500))
        diagram = plot.read_phase_diagram(path, "hamming")
        self.assertNotIn("incomplete", plot.subtitle(diagram))
        self.assertIn("from 500 points", plot.subtitle(diagram))


class Pictures(PlotTest):
    def colour_share(self, picture, value):
        """Share of the pixels in the colour that stands for a value."""
        wanted = np.array(matplotlib.colormaps[plot.COLOUR_MAP](value)[:3])
        pixels = matplotlib.image.imread(picture)[:, :, :3]
        return (np.abs(pixels - wanted).max(axis=2) < 0.01).mean()

    def test_png_and_pdf_next_to_the_input(self):
        source = write_result(self.folder / "a.h5")
        finished = self.run_script(source)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertTrue((self.folder / "a.png").read_bytes().startswith(b"\x89PNG"))
        self.assertTrue((self.folder / "a.pdf").read_bytes().startswith(b"%PDF"))

    def test_only_the_named_outputs_are_written(self):
        source = write_result(self.folder / "a.h5")
        finished = self.run_script(source, "-o", self.folder / "one.png", "-o",
                                   self.folder / "two.pdf", "--quantity", "mcbe_injective")
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()),
                         ["a.h5", "one.png", "two.pdf"])

    def test_three_rows_make_a_higher_picture(self):
        heights = []
        for name, add in (("plain", lambda path: path), ("searched", add_search)):
            source = add(write_result(self.folder / f"{name}.h5"))
            finished = self.run_script(source)
            self.assertEqual((finished.returncode, finished.stderr), (0, ""))
            heights.append(matplotlib.image.imread(self.folder / f"{name}.png").shape[0])
        self.assertGreater(heights[1], 2 * heights[0])

    def test_colours_are_those_of_the_values(self):
        low = {name: np.zeros((3, 2)) for name in HAMMING}
        high = {name: np.ones((3, 2)) for name in HAMMING}
        for name, values in (("low", low), ("high", high)):
            source = write_result(self.folder / f"{name}.h5", hamming=values,
                                  samples=np.full((3, 2), 500))
            self.assertEqual(self.run_script(source).returncode, 0)
        for value, name, other in ((0.0, "low", "high"), (1.0, "high", "low")):
            # the colour bar holds every colour once, on well under a hundredth of the picture
            self.assertGreater(self.colour_share(self.folder / f"{name}.png", value), 0.2)
            self.assertLess(self.colour_share(self.folder / f"{other}.png", value), 0.01)

    def test_the_same_file_gives_the_same_bytes(self):
        source = write_result(self.folder / "a.h5")
        written = []
        for _ in range(2):
            self.assertEqual(self.run_script(source).returncode, 0)
            written.append([(self.folder / name).read_bytes() for name in ("a.png", "a.pdf")])
        self.assertEqual(written[0], written[1])
        self.assertNotIn(b"/CreationDate", written[0][1])


class Refusals(PlotTest):
    def test_no_such_file(self):
        self.assert_refused(65, "does not exist", self.folder / "none.h5")

    def test_not_hdf5(self):
        path = self.folder / "text.h5"
        path.write_text("n,m\n2,2\n")
        self.assert_refused(65, "is not an HDF5 file", path)

    def test_hdf5_of_another_program(self):
        path = self.folder / "other.h5"
        with h5py.File(path, "w") as file:
            file["x"] = [1, 2]
        self.assert_refused(65, "not a result file of mcbe", path)

    def test_newer_major_version(self):
        path = write_result(self.folder / "a.h5", version=np.array([2, 0]))
        self.assert_refused(65, "format version 2", path)

    def test_other_experiment(self):
        path = write_result(self.folder / "a.h5", experiment="convergence")
        self.assert_refused(65, "'convergence'", path)

    def test_nothing_finished(self):
        path = write_result(self.folder / "a.h5", samples=np.full((3, 2), -1),
                            hamming={name: np.full((3, 2), np.nan) for name in HAMMING})
        self.assert_refused(65, "no finished cell", path)

    def test_dataset_gone(self):
        path = write_result(self.folder / "a.h5", hamming={"quarter": HAMMING["quarter"]})
        self.assert_refused(65, "wide", path)

    def test_dataset_of_another_shape(self):
        path = write_result(self.folder / "a.h5",
                            hamming={name: np.ones((2, 2)) for name in HAMMING})
        self.assert_refused(65, "shape", path)

    def test_cut_short(self):
        path = write_result(self.folder / "a.h5")
        path.write_bytes(path.read_bytes()[:1000])
        self.assert_refused(65, "damaged or cut short", path)

    def test_unknown_format(self):
        source = write_result(self.folder / "a.h5")
        self.assert_refused(64, "must end in .png or .pdf", source, "-o", self.folder / "a.gif")

    def test_unknown_quantity(self):
        source = write_result(self.folder / "a.h5")
        self.assert_refused(64, "'colour'", source, "--quantity", "colour")

    def test_no_argument(self):
        self.assert_refused(64, "FILE.h5")

    def test_folder_that_is_not_there(self):
        source = write_result(self.folder / "a.h5")
        self.assert_refused(74, "cannot write", source, "-o", self.folder / "no" / "a.png")


if __name__ == "__main__":
    unittest.main()
