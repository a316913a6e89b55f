"""scripts/plot_injectivity_transition.py, on answers made here by hand and on those of the program."""

import json
import pathlib
import subprocess
import sys
import unittest

import matplotlib.image
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

SCRIPT = system.SOURCE / "scripts" / "plot_injectivity_transition.py"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True
import plot_injectivity_transition as plot  # noqa: E402

FINGERPRINT = "0123456789abcdef" * 4
LISTING = """\
biases[0].kind = constant
biases[0].name = quarter
biases[0].value = 0.25
biases[1].kind = constant
biases[1].name = none
biases[1].value = 0
frame.ensemble = gaussian
sampling.samples = 20000
search.enabled = true
search.evaluations = 300000
~run.checkpoint_seconds = 30
"""


def entry(n, by, x0, low, high, cells=((4, 10, 0), (8, 10, 6), (12, 10, 10)), bias="none"):
    return {"n": n, "bias": bias, "by": by, "outcome": "fitted", "x0": x0, "low": low, "high": high, "scale": 1.0,
            "layers": sum(layers for _, layers, _ in cells),
            "cells": [{"m": m, "layers": layers, "yes": yes} for m, layers, yes in cells]}


MIDPOINTS = [entry(2, "exact", 7.2, 7.0, 7.5), entry(2, "guided", 7.2, 7.0, 7.5), entry(2, "uniform", 7.1, 6.9, 7.4),
             entry(2, "guided", 5.0, 4.8, 5.2, bias="quarter"), entry(3, "guided", 13.3, 13.0, 13.7),
             entry(4, "guided", 19.4, 19.0, 19.8), entry(5, "guided", 25.7, 25.0, 26.4),
             entry(5, "exact", None, None, None, cells=((4, 0, 0), (8, 0, 0), (12, 0, 0)))]


def answer(midpoints=MIDPOINTS, **changes):
    """What `mcbe show --midpoints --json` would print."""
    return {"units_done": 20, "units": 30, "trials": 10, "seed": 20240101, "fingerprint": FINGERPRINT,
            "mcbe_version": "0.1.0", "config_resolved": LISTING, "midpoints": midpoints, **changes}


def curve(n, by="guided", midpoint=None, half=0.5, layers=30):
    midpoint = 6.0 * n if midpoint is None else midpoint
    return plot.Curve(n, by, np.array([4]), np.array([layers]), np.array([layers // 2]), midpoint, midpoint - half,
                      midpoint + half)


class PlotTest(system.SystemTest):
    def setUp(self):
        super().setUp()
        self.echo = self.dir / "echo-file"  # stands for mcbe: `show FILE ...` prints FILE
        self.echo.write_text('#!/bin/sh\ncat "$2"\n')
        self.echo.chmod(0o755)

    def write(self, name="a.h5", **changes):
        path = self.dir / name
        path.write_text(json.dumps(answer(**changes)))
        return path

    def run_script(self, *arguments, program=None):
        return subprocess.run([sys.executable, SCRIPT, *map(str, arguments), "--mcbe", program or self.echo],
                              capture_output=True, text=True, timeout=120, check=False)

    def assert_refused(self, code, words, *arguments, **options):
        finished = self.run_script(*arguments, **options)
        self.assertEqual(finished.returncode, code, finished.stderr)
        self.assertEqual(finished.stderr.count("\n"), 1, finished.stderr)
        self.assertIn(words, finished.stderr)
        self.assertEqual(list(self.dir.glob("*.p*")), [], "a refused run leaves no picture")


class Numbers(unittest.TestCase):
    def test_wilson_interval(self):
        z = 1.959963984540054
        low, high = plot.wilson(np.array([0, 10, 50]), np.array([10, 10, 100]))
        # at the ends of [0, 1] and in the middle it has closed forms
        np.testing.assert_allclose(low, [0, 10 / (10 + z * z), 0.5 - z / 2 / np.sqrt(100 + z * z)], atol=1e-15)
        np.testing.assert_allclose(high, [z * z / (10 + z * z), 1, 0.5 + z / 2 / np.sqrt(100 + z * z)], atol=1e-15)

    def test_a_law_without_noise_is_found_and_preferred(self):
        for exponent, other in ((1.0, 2 / 3), (2 / 3, 1.0)):
            points = [curve(n, midpoint=n * (6.5 - 4.0 * n ** -exponent)) for n in (2, 4, 8, 16)]
            first, second = plot.extrapolate(points)
            self.assertEqual((first.exponent, second.exponent), (exponent, other))
            self.assertAlmostEqual(first.limit, 6.5, places=9)
            self.assertAlmostEqual(first.slope, -4.0, places=9)
            self.assertAlmostEqual(first.misfit, 0, places=9)
            self.assertGreater(second.misfit, 0.01)

    def test_error_of_the_limit(self):
        """Against numpy.polyfit, which weights with 1 / sigma too; its covariance scaled by the misfit where that is
        larger than one a degree of freedom."""
        many, midpoints = np.array([2.0, 3, 5, 9, 20]), np.array([3.6, 4.5, 4.9, 5.9, 5.9])
        for half in (0.05, 5.0):
            points = [curve(int(n), midpoint=y * n, half=half) for n, y in zip(many, midpoints)]
            sigma = half / plot.NORMAL_QUANTILE / many
            (slope, limit), covariance = np.polyfit(1 / many, midpoints, 1, w=1 / sigma, cov="unscaled")
            misfit = (((limit + slope / many - midpoints) / sigma) ** 2).sum()
            found = plot.fit(points, 1.0)
            self.assertAlmostEqual(found.limit, limit, places=9)
            self.assertAlmostEqual(found.misfit, misfit, delta=1e-9 * misfit)
            self.assertAlmostEqual(found.limit_error, np.sqrt(covariance[1, 1] * max(1, misfit / 3)), places=9)

    def test_exact_comes_before_guided_and_guided_ends(self):
        points = [curve(4), curve(4, "exact", 19.0), curve(4, "uniform"), curve(30), curve(50),
                  curve(6, half=np.inf), curve(8, layers=10), curve(8, midpoint=44.0, layers=20)]
        chosen = plot.best_known(points)
        self.assertEqual([(c.n, c.by, c.midpoint) for c in chosen],
                         [(4, "exact", 19.0), (8, "guided", 44.0), (30, "guided", 180.0)])
        self.assertEqual(plot.extrapolate(points), [], "three points do not tell one law from another")


class Reading(PlotTest):
    def test_only_bias_zero_and_only_what_was_answered(self):
        result = plot.read_result(str(self.echo), self.write())
        self.assertEqual([(c.n, c.by) for c in result.curves],
                         [(2, "exact"), (2, "guided"), (2, "uniform"), (3, "guided"), (4, "guided"), (5, "guided")])
        np.testing.assert_array_equal(result.curves[0].yes, [0, 6, 10])

    def test_null_is_no_number(self):
        midpoints = [entry(2, "exact", None, None, None), entry(3, "exact", 9.0, None, 10.0)]
        first, second = plot.read_result(str(self.echo), self.write(midpoints=midpoints)).curves
        self.assertTrue(np.isnan(first.midpoint))
        self.assertEqual((second.midpoint, second.low, second.high), (9.0, -np.inf, 10.0))

    def test_words(self):
        results = [plot.read_result(str(self.echo), self.write())]
        self.assertIn("incomplete: 20 of 30 units", plot.subtitle(results))
        self.assertIn("300,000 evaluations", plot.subtitle(results))
        self.assertIn("upper estimates", plot.subtitle(results))
        for words in ("10 weight matrices", "20,000 uniform points", "config " + FINGERPRINT[:12]):
            self.assertIn(words, plot.footer(results))
        whole = [plot.read_result(str(self.echo), self.write(units_done=30))]
        self.assertNotIn("incomplete", plot.subtitle(whole))


class Pictures(PlotTest):
    def test_several_files_make_one_picture(self):
        first, second = self.write("a.h5"), self.write("b.h5", midpoints=[entry(50, "guided", 290, 280, 299)])
        finished = self.run_script(first, second)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertTrue((self.dir / "a.png").read_bytes().startswith(b"\x89PNG"))
        self.assertTrue((self.dir / "a.pdf").read_bytes().startswith(b"%PDF"))
        self.assertEqual(list(self.dir.glob("b.p*")), [])

    def test_the_same_file_gives_the_same_bytes(self):
        source, written = self.write(), []
        for _ in range(2):
            self.assertEqual(self.run_script(source).returncode, 0)
            written.append([(self.dir / name).read_bytes() for name in ("a.png", "a.pdf")])
        self.assertEqual(written[0], written[1])
        self.assertNotIn(b"/CreationDate", written[0][1])

    def test_the_colour_of_an_n_is_there(self):
        self.assertEqual(self.run_script(self.write()).returncode, 0)
        pixels = matplotlib.image.imread(self.dir / "a.png")[:, :, :3]
        norm = plot.LogNorm(2, 1.3 * 5)
        for n in (2, 3, 4, 5):
            wanted = np.array(matplotlib.colormaps[plot.COLOUR_MAP](norm(n))[:3])
            self.assertGreater((np.abs(pixels - wanted).max(axis=2) < 0.01).sum(), 100, n)

    def test_a_result_of_the_program(self):
        config = self.config({"experiment": "injectivity_transition", "curves": [{"n": 2, "m_from": 3, "m_to": 10}],
                              "trials": 20, "biases": [{"name": "zero", "kind": "constant", "value": 0}]},
                             drop=("grid.n", "grid.m"))
        source = self.run_ok(config, self.dir / "run.h5")
        finished = self.run_script(source, "-o", self.dir / "run.png", program=system.PROGRAM)
        self.assertEqual((finished.returncode, finished.stderr), (0, ""))
        self.assertTrue((self.dir / "run.png").exists())


class Refusals(PlotTest):
    def test_no_such_program(self):
        self.assert_refused(64, "--mcbe PATH", self.write(), program=self.dir / "none")

    def test_what_the_program_refuses(self):
        path = self.dir / "text.h5"
        path.write_text("n,m\n2,2\n")
        self.assert_refused(65, "text.h5", path, program=system.PROGRAM)
        self.assert_refused(65, "none.h5", self.dir / "none.h5", program=system.PROGRAM)

    def test_no_json(self):
        path = self.dir / "a.h5"
        path.write_text("{")
        self.assert_refused(65, "not JSON", path)

    def test_other_json(self):
        path = self.dir / "a.h5"
        path.write_text("{}")
        self.assert_refused(65, "config_resolved", path)

    def test_no_bias_zero(self):
        listing = LISTING.replace("biases[1].value = 0", "biases[1].value = 1")
        self.assert_refused(65, "constant 0", self.write(config_resolved=listing))

    def test_nothing_finished(self):
        self.assert_refused(65, "no finished layer", self.write(midpoints=MIDPOINTS[-1:]))

    def test_unknown_format(self):
        self.assert_refused(64, "must end in .png or .pdf", self.write(), "-o", self.dir / "a.gif")

    def test_no_argument(self):
        self.assert_refused(64, "FILE.h5")

    def test_folder_that_is_not_there(self):
        self.assert_refused(74, "cannot write", self.write(), "-o", self.dir / "no" / "a.png")


if __name__ == "__main__":
    unittest.main()
