"""`mcbe bench` checks before it times, and says where and what it measured. No time is tested."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system
from mcbe_system import BAD_USAGE, OK

TEXT = ("case", "design", "path", "blas", "blas_core", "cpu")
POSITIVE = ("n", "m", "samples", "checked_samples", "ranks", "repeats", "ns_min", "ns_median", "flops",
            "selection_ns", "selection_block", "sgemm_ns", "sgemm_block", "dgemm_ns", "dgemm_block",
            "times_selection", "times_sgemm", "times_dgemm", "times_peak_f32", "times_peak_f64",
            "peak_f32", "peak_f64", "peak_bytes", "load_first", "load_second")
SHARES = ("share_bytes", "share_real", "share_canonical")


class Bench(system.SystemTest):
    def lines(self, **options):
        result = self.mcbe("bench", "--quick", "--json", **options)
        self.assertEqual((result.code, result.err), (OK, ""))
        return [json.loads(line) for line in result.out.splitlines()]

    def test_every_line_carries_its_evidence(self):
        lines = self.lines()
        self.assertEqual({line["design"] for line in lines}, {"iid", "paired"})
        for line in lines:
            self.assertEqual(line["kind"], "kernel")
            self.assertIs(line["valid"], True)
            for name in TEXT:
                self.assertTrue(line[name], name)
            for name in POSITIVE:
                self.assertGreater(line[name], 0, name)
            self.assertLessEqual(line["ns_min"], line["ns_median"])
            self.assertEqual(line["flops"], 2 * line["n"] * line["m"])
            self.assertAlmostEqual(sum(line[name] for name in SHARES), 1.0, delta=1e-4)
            self.assertAlmostEqual(line["times_dgemm"], line["dgemm_ns"] / line["ns_median"],
                                   delta=1e-3 * line["times_dgemm"])

    def test_shares_do_not_depend_on_the_repeat(self):
        """What is screened out is decided by the points, not by the clock."""
        first, second = ([[line[name] for name in SHARES] for line in self.lines()] for _ in range(2))
        self.assertEqual(first, second)
        self.assertTrue(all(shares[0] == 0 for shares, line in zip(first, self.lines()) if line["design"] == "iid"))

    def test_the_path_is_the_one_asked_for(self):
        self.assertEqual({line["path"] for line in self.lines(env={"MCBE_CPU": "generic"})}, {"generic"})

    def test_table(self):
        result = self.mcbe("bench", "--quick")
        self.assertEqual((result.code, result.err), (OK, ""))
        self.assertRegex(result.out, r"(?m)^paired_30_150 +65536 ")

    def test_wrong_use(self):
        for args, word in ((["--fast"], "--fast"), (["iid"], "iid"), (["--json", "--quick", "now"], "now")):
            result = self.mcbe("bench", *args)
            self.assertEqual((result.code, result.out), (BAD_USAGE, ""))
            self.assertIn(f"'{word}'", result.err)

    def test_a_path_that_does_not_exist(self):
        result = self.mcbe("bench", "--quick", env={"MCBE_CPU": "x86-64-v9"})
        self.assertEqual((result.code, result.out), (BAD_USAGE, ""))
        self.assertIn("x86-64-v9", result.err)


if __name__ == "__main__":
    unittest.main()
