"""scripts/plot_network_spectrum.py on result files made here by hand, with h5py alone."""

import contextlib
import dataclasses
import io
import pathlib
import sys
import tempfile
import unittest

import h5py
import matplotlib.image
import numpy as np

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "plot_network_spectrum.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_network_spectrum as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = "network.path = folder/net.h5\npoints.kind = data\nspectrum.of = {of}\n"
# dense, ReLU at three points, the last of which has no positive singular value after ReLU
RANK = [[[2, 2], [2, 1], [2, 0]]]
LARGEST, SMALLEST = [[[4, 3], [8, 2], [6, 0]]], [[[1, 1], [2, 2], [2, 0]]]
VALUES = [[[4, 1, 3, 1], [8, 2, 2, 1e-20], [6, 2, 1e-18, 1e-30]]]


def write_result(path, done=((1, 1, 1),), of="cumulated", kinds=(0, 2), with_values=True, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 0]), "experiment": "network_spectrum",
                           "seed": 20240101, "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0", **attributes})
        file.create_group("config").attrs["resolved"] = LISTING.format(of=of)
        file["cells/n"], file["cells/m"], file["cells/done"] = [2], [3], np.array(done, dtype="i1")
        for name, values in (("layer", [0, 1]), ("kind", kinds), ("outputs", [3, 3]), ("rank", RANK),
                             ("largest", LARGEST), ("smallest", SMALLEST)):
            file[f"spectrum/{name}"] = np.array(values)
        if with_values:
            file["sigma/layer"], file["sigma/value"] = [0, 0, 1, 1], np.array(VALUES, dtype=float)
    return path


class PlotTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def assert_refused(self, code, words, *arguments):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as ended:
            plot.main([str(argument) for argument in arguments])
        self.assertEqual(ended.exception.code, code, said.getvalue())
        self.assertEqual(said.getvalue().count("\n"), 1, said.getvalue())
        self.assertIn(words, said.getvalue())
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")

    def test_medians_over_the_points_that_ran(self):
        run = plot.read_spectra(write_result(self.folder / "a.h5"), "decay")
        self.assertEqual((run.rank.tolist(), run.condition.tolist(), run.points), ([2, 1], [4, 2], 3))
        self.assertEqual([values.tolist() for values in run.values], [[6, 2], [2, 0]])
        run = plot.read_spectra(write_result(self.folder / "a.h5", done=((1, 0, 0),)), "decay")
        self.assertEqual((run.rank.tolist(), run.condition.tolist()), ([2, 2], [4, 3]))
        self.assertIn("One point.", plot.subtitle(run, "decay"))
        self.assertIn("Incomplete: 1 of 3 units", plot.subtitle(run, "decay"))
        run = plot.read_spectra(write_result(self.folder / "a.h5", done=((0, 0, 1),)), "condition")
        np.testing.assert_array_equal(run.condition, [3, np.nan])

    def test_words(self):
        run = plot.read_spectra(write_result(self.folder / "a.h5", of="single"), "condition")
        self.assertEqual(plot.title(run), "Singular values of each layer")
        self.assertIn("net.h5; points: data; seed 20240101", plot.footer(run))
        axes = plot.draw(run, "condition").axes
        self.assertEqual([text.get_text() for text in axes[2].get_xticklabels()], ["0 dense", "1 relu"])
        self.assertEqual(axes[2].lines[0].get_ydata().tolist(), [4, 2])

    def test_zeros_are_left_out(self):
        run = plot.read_spectra(write_result(self.folder / "a.h5"), "relu")
        before, after = plot.draw(run, "relu").axes[0].lines
        self.assertEqual(before.get_ydata().tolist(), [6, 2])
        np.testing.assert_array_equal(after.get_ydata(), [2, np.nan])

    def test_one_relu_of_several(self):
        run = plot.read_spectra(write_result(self.folder / "a.h5"), "relu")
        run = dataclasses.replace(run, kinds=[0, 2, 2], values=[*run.values, run.values[1]])
        self.assertEqual([len(plot.draw(run, "relu", asked).axes) for asked in (None, [1], [2])], [2, 1, 1])
        with self.assertRaisesRegex(plot.Refusal, "layer 0 is no ReLU behind another layer; these are: 1, 2"):
            plot.draw(run, "relu", [0])

    def test_two_networks_beside_each_other(self):
        run = plot.read_spectra(write_result(self.folder / "a.h5"), "condition")
        other = dataclasses.replace(run, condition=np.array([7.0, 3.0]), settings={**run.settings, "network.path": "b.h5"})
        axes = plot.draw(run, "condition", beside=other).axes
        self.assertEqual([line.get_ydata().tolist() for line in axes[2].lines], [[4, 2], [7, 3]])
        self.assertEqual([text.get_text() for text in axes[0].get_legend().get_texts()], ["net.h5, 3 points", "b.h5, 3 points"])
        self.assertTrue(plot.subtitle(run, "condition", other).startswith("Medians over points. Condition"))
        with self.assertRaisesRegex(plot.Refusal, "b.h5 has other layers than net.h5"):
            plot.draw(run, "condition", beside=dataclasses.replace(other, kinds=[0, 2, 0]))

    def test_every_view_is_drawn_the_same_twice(self):
        path = write_result(self.folder / "a.h5")
        for view in plot.VIEWS:
            outputs = [self.folder / f"{view}{i}.png" for i in range(2)]
            for output in outputs:
                plot.main([str(path), "--view", view, "-o", str(output)])
            self.assertEqual(outputs[0].read_bytes(), outputs[1].read_bytes())
            self.assertGreater(matplotlib.image.imread(outputs[0]).std(), 0.02)

    def test_what_cannot_be_drawn(self):
        path = write_result(self.folder / "a.h5", with_values=False)
        self.assert_refused(65, "needs spectrum.values: true", path, "--view", "decay")
        self.assert_refused(65, "no ReLU behind another layer", write_result(self.folder / "b.h5", kinds=(0, 0)),
                            "--view", "relu")
        self.assert_refused(65, "holds the experiment 'layer'",
                            write_result(self.folder / "c.h5", experiment="layer"))
        self.assert_refused(64, "--view", path, "--view", "nothing")
        self.assert_refused(64, "--beside has no meaning for --view relu", path, "--view", "relu", "--beside", path)


if __name__ == "__main__":
    unittest.main()
