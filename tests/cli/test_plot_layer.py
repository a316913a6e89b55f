"""scripts/plot_layer.py on result files made here by hand, with h5py alone."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import h5py
import matplotlib.image
import numpy as np

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "plot_layer.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_layer as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = ("frame.ensemble = gaussian\nlayer.bias = 0.25\nlayer.network = {network}\nlayer.number = 2\nplane.high = 1\n"
           "plane.low = -1\npoints.kind = {kind}\n")
# one cell, three blocks of four points, the last of which has one: 9 points, a 3 x 3 grid
ACTIVE = [[[1, 2, 2, 2], [3, 3, 4, 4], [5, -1, -1, -1]]]
CLASS = [[[2, 2, 1, 1], [0, 0, 0, 3], [0, -1, -1, -1]]]
NAN3 = [np.nan] * 3
REALS = {"norm": [[[1, 1, 2, 2], [1, 1, 1, 0], [1, *NAN3]]], "error": [[[1, 0.5, 1, 1], [1e-15, 0, 0, 0], [0, *NAN3]]],
         "smallest": [[[0, 0, 0, 0], [1, 1, 0.5, 2], [2, *NAN3]]],
         "smallest_positive": [[[1, 1, 1, 0], [1, 1, 0.5, 2], [2, *NAN3]]],
         "largest": [[[1, 2, 2, 0], [3, 3, 3, 4], [4, *NAN3]]]}
RANK = [[[1, 2, 2, 2], [3, 3, 3, 3], [3, -1, -1, -1]]]


def write_result(path, kind="data", network="", done=((1, 1, 1),), leave_out=(), numbers=None, **attributes):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "mcbe-results", "version": np.array([1, 0]), "experiment": "layer",
                           "seed": 20240101, "config_fingerprint": FINGERPRINT, "mcbe_version": "0.1.0", **attributes})
        file.create_group("config").attrs["resolved"] = LISTING.format(kind=kind, network=network)
        file["cells/n"], file["cells/m"], file["cells/done"] = [3], [6], np.array(done, dtype="i1")
        file["points/point"] = np.arange(4)
        if numbers is not None:
            file["trials/network"] = np.array([numbers])
        for name, values in {"active": ACTIVE, "class": CLASS, "rank": RANK, **REALS}.items():
            if name not in leave_out:
                values = np.array(values)
                values[np.array(done) == 0] = np.nan if values.dtype.kind == "f" else -1
                file[f"points/{name}"] = values
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
        finished = self.run_script(*arguments)
        self.assertEqual(finished.returncode, code, finished.stderr)
        self.assertEqual(finished.stderr.count("\n"), 1, finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.folder.glob("*.p*")), [], "a refused run leaves no picture")


class Reading(PlotTest):
    def test_places_without_a_point_are_left_out(self):
        layer, = plot.read_measured(write_result(self.folder / "a.h5"), None).layers
        self.assertEqual((layer.n, layer.m), (3, 6))
        self.assertEqual(layer.points["active"].tolist(), [1, 2, 2, 2, 3, 3, 4, 4, 5])
        self.assertEqual(layer.points["largest"].tolist(), [1, 2, 2, 0, 3, 3, 3, 4, 4])
        layer, = plot.read_measured(write_result(self.folder / "a.h5", done=((0, 1, 0),)), None).layers
        self.assertEqual(layer.points["class"].tolist(), [0, 0, 0, 3])

    def test_networks_are_told_apart_and_put_in_order(self):
        path = write_result(self.folder / "a.h5", network="x/net_10.h5, x/net_9.h5, x/other.h5", numbers=[0, 1, 2])
        run = plot.read_measured(path, None)
        self.assertEqual(run.view, "networks")
        self.assertEqual([(layer.network, layer.points["active"].tolist()) for layer in run.layers],
                         [("net_10", [1, 2, 2, 2]), ("net_9", [3, 3, 4, 4]), ("other", [5])])
        self.assertEqual({name: [(number, layer.network) for number, layer in members]
                          for name, members in plot.lines_of(run.layers).items()},
                         {"net": [(9, "net_9"), (10, "net_10")], "": [(2, "other")]})
        self.assertEqual(plot.network_panels(run.layers[0]), ["injective", "relative error", "smallest", "largest"])
        all_points, = plot.read_measured(path, "classes").layers
        self.assertEqual(len(all_points.points["active"]), 9)

    def test_what_is_drawn_unless_asked(self):
        def view(**options):
            return plot.read_measured(write_result(self.folder / "a.h5", **options), None).view
        self.assertEqual(view(kind="plane"), "plane")
        self.assertEqual(view(), "classes")
        self.assertEqual(view(leave_out=("class",)), "stability")
        self.assertEqual(view(leave_out=("class", "smallest")), "reconstruction")

    def test_words(self):
        run = plot.read_measured(write_result(self.folder / "a.h5", done=((1, 1, 0),)), None)
        self.assertIn("Incomplete: 2 of 3 units", plot.subtitle(run))
        self.assertIn("gaussian weights, bias 0.25; 8 points (data)", plot.footer(run))
        run = plot.read_measured(write_result(self.folder / "a.h5", network="folder/net.h5"), None)
        self.assertIn("layer 2 of net.h5", plot.footer(run))


class Pictures(PlotTest):
    def test_every_view_is_drawn_the_same_twice(self):
        path = write_result(self.folder / "a.h5", kind="plane", network="a_0.h5, a_1.h5, b_0.h5", numbers=[0, 1, 2])
        for view in plot.NEEDS:
            outputs = [self.folder / f"{view}{i}.png" for i in range(2)]
            for output in outputs:
                plot.main([str(path), "--view", view, "-o", str(output)])
            self.assertEqual(outputs[0].read_bytes(), outputs[1].read_bytes())
            self.assertGreater(matplotlib.image.imread(outputs[0]).std(), 0.02)

    def test_classes_stand_at_their_number_of_outputs(self):
        run = plot.read_measured(write_result(self.folder / "a.h5"), "classes")
        axes = plot.draw(run).axes[0]
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertEqual(labels, ["the point alone: 4", "bounded set: 2", "unbounded set: 2", "undecided: 1"])
        unbounded = [step for step in axes.patches if step.get_label().startswith("unbounded")]
        counts, edges, _ = unbounded[0].get_data()
        self.assertEqual((counts.tolist(), edges.tolist()), ([1, 1, 0, 0, 0], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]))

    def test_networks_are_lines_over_their_numbers(self):
        path = write_result(self.folder / "a.h5", network="net_10.h5, net_9.h5, other_9.h5", numbers=[0, 1, 2])
        shares, errors, *_ = plot.draw(plot.read_measured(path, None)).axes
        self.assertEqual({line.get_label(): line.get_xydata().tolist() for line in shares.lines},
                         {"net": [[9, 1], [10, 0]], "other": [[9, 1]]})
        net, _ = errors.lines
        np.testing.assert_array_equal(net.get_ydata(), [plot.LEAST_ERROR, 0.5])

    def test_a_plane_is_drawn_row_by_row_from_below(self):
        run = plot.read_measured(write_result(self.folder / "a.h5", kind="plane"), None)
        images = [axes.images[0] for axes in plot.draw(run).axes if axes.images]
        self.assertEqual(images[0].get_array().tolist(), [[2, 2, 1], [1, 0, 0], [0, 3, 0]])
        condition = images[1].get_array()
        np.testing.assert_array_equal(condition, [[1, 2, 2], [np.nan, 3, 3], [6, 2, 2]])
        self.assertEqual(images[0].origin, "lower")


class Refusals(PlotTest):
    def test_what_cannot_be_drawn(self):
        path = write_result(self.folder / "a.h5", leave_out=("class",))
        self.assert_refused(65, "it can be drawn as: stability, reconstruction", path, "--view", "classes")
        self.assert_refused(65, "no points for 'plane'", path, "--view", "plane")
        self.assert_refused(65, "a plane needs all of its points",
                            write_result(self.folder / "b.h5", kind="plane", done=((1, 0, 1),)))
        self.assert_refused(65, "no finished cell", write_result(self.folder / "c.h5", done=((0, 0, 0),)))
        self.assert_refused(65, "holds the experiment 'convergence'",
                            write_result(self.folder / "d.h5", experiment="convergence"))
        self.assert_refused(64, "--view", path, "--view", "nothing")


if __name__ == "__main__":
    unittest.main()
