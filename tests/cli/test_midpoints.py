"""`mcbe show --midpoints`: counts that agree with the file, fits that agree with others made here."""

import json
import pathlib
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_USAGE, OK

# (2, m) is injective with probability 1 - m (m - 2) / 2^(m - 1) for m > 4, never below; the exact answers are cheap.
CURVES = {"experiment": "injectivity_transition", "trials": 60, "sampling.samples": 30, "holdout.samples": 0,
          "curves": [{"n": 2, "m_from": 3, "m_to": 12}, {"n": 3, "m_from": 7, "m_to": 19, "m_step": 4}],
          "search.enabled": True, "search.evaluations": 1, "exact.enabled": True,
          "biases": [{"name": "low", "kind": "constant", "value": -0.1},
                     {"name": "zero", "kind": "constant", "value": 0}]}
CHI_SQUARED = 3.841458820694124  # 95 % of one degree of freedom


def log_likelihood(curve, x0, slope):
    """Of P(yes) = 2^-exp(-slope (m - x0))."""
    m, layers, yes = curve
    exponent = np.log(2) * np.exp(np.minimum(-slope * (m - x0), 500))
    no = np.log(-np.expm1(-np.maximum(exponent, 1e-300)))
    return (yes * -exponent).sum() + ((layers - yes) * no).sum()


def largest(function, low, high):
    """Where a function without other maxima is largest, by ternary search."""
    for _ in range(100):
        a, b = low + (high - low) / 3, high - (high - low) / 3
        if function(a) < function(b):
            low = a
        else:
            high = b
    return low


def slope_at(curve, x0):
    return largest(lambda slope: log_likelihood(curve, x0, slope), 0.0, 20.0)


def profile(curve, x0):
    """The largest likelihood of a midpoint."""
    return log_likelihood(curve, x0, slope_at(curve, x0))


class Midpoints(system.SystemTest):
    def transition(self, changes=None, drop=()):
        """The result of CURVES with some keys changed or dropped."""
        config = self.config({**CURVES, **(changes or {})}, drop=("grid.n", "grid.m", *drop))
        return self.run_ok(config, self.dir / "transition.h5")

    def midpoints(self, path):
        """{(n, bias, by): entry}"""
        result = self.mcbe("show", path, "--midpoints", "--json")
        self.assertEqual((result.code, result.err), (OK, ""))
        return {(entry["n"], entry["bias"], entry["by"]): entry for entry in json.loads(result.out)["midpoints"]}

    def curve(self, entry):
        return tuple(np.array([cell[name] for cell in entry["cells"]], dtype=float) for name in ("m", "layers", "yes"))

    def assert_counts(self, path, entry, answers):
        """The cells of an entry hold these answers, [cell][trial], NaN for none."""
        mine = system.read(path, "cells/n") == entry["n"]
        m, layers, yes = self.curve(entry)
        np.testing.assert_array_equal(m, system.read(path, "cells/m")[mine])
        np.testing.assert_array_equal(layers, (~np.isnan(answers[mine])).sum(axis=1))
        np.testing.assert_array_equal(yes, np.nansum(answers[mine], axis=1))
        self.assertEqual(entry["layers"], layers.sum())

    def test_counts_are_those_of_the_file(self):
        path = self.transition()
        found = self.midpoints(path)
        n = system.read(path, "cells/n")[:, None]
        exact, active, verdict = (system.read(path, f"trials/{name}").astype(float)
                                  for name in ("exact_injective", "min_active", "verdict/low"))
        uniform = {bias: system.read(path, f"trials/hamming_uniform/{bias}") for bias in ("low", "zero")}
        self.assertEqual(set(found), {(k, *who) for k in (2, 3) for who in (
            ("zero", "exact"), ("zero", "guided"), ("zero", "uniform"), ("low", "guided"), ("low", "uniform"))})
        for k in (2, 3):
            self.assert_counts(path, found[k, "zero", "exact"], exact)
            self.assert_counts(path, found[k, "zero", "guided"], (active >= n).astype(float))
            self.assert_counts(path, found[k, "low", "guided"], (verdict != 0).astype(float))
            for bias, share in uniform.items():
                self.assert_counts(path, found[k, bias, "uniform"], (share == 1).astype(float))
        # 30 uniform points miss much: the answers differ, so the comparisons above could have failed
        self.assertGreater(self.curve(found[3, "zero", "uniform"])[2].sum(),
                           self.curve(found[3, "zero", "guided"])[2].sum())

    def test_exact_share_in_the_plane(self):
        path = self.transition({"trials": 400}, drop=("search.enabled", "search.evaluations"))
        m, layers, yes = self.curve(self.midpoints(path)[2, "zero", "exact"])
        share = np.where(m > 4, 1 - m * (m - 2) / 2 ** (m - 1), 0)
        np.testing.assert_array_equal(layers, 400)
        np.testing.assert_array_less(np.abs(yes / layers - share), 4 * np.sqrt(share * (1 - share) / layers) + 1e-12)

    def test_fits_agree_with_another(self):
        found = self.midpoints(self.transition())
        fitted = {key: entry for key, entry in found.items() if entry["outcome"] == "fitted"}
        self.assertGreaterEqual(len(fitted), 4)
        for key, entry in fitted.items():
            with self.subTest(key):
                curve = self.curve(entry)
                x0 = largest(lambda at: profile(curve, at), curve[0][0], curve[0][-1])
                best = profile(curve, x0)
                self.assertAlmostEqual(entry["x0"], x0, delta=1e-5)
                self.assertAlmostEqual(1 / entry["scale"], slope_at(curve, entry["x0"]), delta=1e-5)
                self.assertAlmostEqual(log_likelihood(curve, entry["x0"], 1 / entry["scale"]), best, delta=1e-9)
                for end in (entry["low"], entry["high"]):
                    self.assertAlmostEqual(2 * (best - profile(curve, end)), CHI_SQUARED, delta=1e-5)
                self.assertLess(entry["low"], x0)
                self.assertGreater(entry["high"], x0)

    def test_a_run_without_search_or_exact_answers(self):
        path = self.compute({"trials": 5})
        found = self.midpoints(path)
        self.assertEqual({by for _, _, by in found}, {"uniform"})
        self.assertEqual(len(found), 2 * 3)
        for n in (2, 3):
            share = system.read(path, "trials/hamming/quarter")
            self.assert_counts(path, found[n, "quarter", "uniform"], (share == 1).astype(float))

    def test_exact_answers_beyond_their_limit_are_left_out(self):
        work = 4000  # the depth of (2, 3) to (2, 6) takes a few hundred operations, that of (3, 19) ten thousands
        path = self.transition({"trials": 2, "exact.work_limit": work})
        layers = {n: self.curve(self.midpoints(path)[n, "zero", "exact"])[1] for n in (2, 3)}
        self.assertEqual(layers[2][0], 2)
        self.assertEqual(layers[3][-1], 0)

    def test_the_table_says_the_same(self):
        path = self.transition()
        result = self.mcbe("show", path, "--midpoints")
        self.assertEqual((result.code, result.err), (OK, ""))
        lines = [line.split("\t") for line in result.out.split("\n\n")[1].splitlines()]
        self.assertEqual(lines[0], ["n", "bias", "by", "layers", "outcome", "x0", "low", "high", "scale"])
        found = self.midpoints(path)
        self.assertEqual([(int(n), bias, by) for n, bias, by, *_ in lines[1:]], list(found))
        for (n, bias, by, layers, outcome, *numbers) in lines[1:]:
            entry = found[int(n), bias, by]
            self.assertEqual((int(layers), outcome), (entry["layers"], entry["outcome"]))
            for text, name in zip(numbers, ("x0", "low", "high", "scale")):
                if entry[name] is not None:
                    self.assertAlmostEqual(float(text), entry[name], delta=1e-5 * abs(entry[name]))
                else:
                    self.assertFalse(np.isfinite(float(text)))

    def test_bad_options(self):
        path = self.compute({"trials": 1})
        result = self.mcbe("show", path, "--midpoints", "--certificate", 0)
        self.assertEqual(result.code, BAD_USAGE)
        self.assertIn("--certificate goes with -o only", result.err)


if __name__ == "__main__":
    unittest.main()
