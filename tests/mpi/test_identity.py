"""The bytes of a result do not depend on who computed it: ranks, groups, BLAS, kernels, precision of the screen."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

# n = m, n = 2 with many rows, (30, 60); 3 rounds of 16384 samples, the last one short and not a whole block.
CELLS = {"trials": 2, "grid.n": {"values": [2, 3, 30]}, "grid.m": {"values": [3, 30, 60]},
         "sampling.samples": 2 * 16384 + 1017}
SMALL = {**CELLS, "sampling.samples": 16384 + 300}
SEARCH = {"trials": 1, "grid.n": {"values": [3, 10]}, "grid.m": {"values": [9, 20, 100]}, "sampling.samples": 3000,
          "search.enabled": True, "search.evaluations": 60000, "search.lower_evaluations": 20000,
          "polytope.enabled": True, "exact.enabled": True, "exact.work_limit": 1e7}
RANKS = (1, 2, 3, 4, 7)
TEAMS = (1, 2, "all")

DOMAINS = {
    "ball": {"domain.kind": "ball", "domain.radius": 2.5},
    "ball, radial sampled": {"domain.kind": "ball", "domain.radial": "sampled"},
    "shell": {"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5},
    "shell, radial sampled": {"domain.kind": "shell", "domain.radius": 2, "domain.inner_radius": 0.5,
                              "domain.radial": "sampled"},
    "gaussian": {"domain.kind": "gaussian"},
    "sphere, nonnegative": {"domain.nonnegative": True},
    "gaussian, nonnegative": {"domain.kind": "gaussian", "domain.nonnegative": True},
    "ball, radial sampled, nonnegative": {"domain.kind": "ball", "domain.radial": "sampled",
                                          "domain.nonnegative": True},
    "sphere frames, absolute biases": {"frame.ensemble": "sphere", "bias_scale": "absolute"},
    "rows as first points": {"sampling.init_rows": True},
    "paired design": {"sampling.design": "paired"},
    "stop rule": {"sampling.stop.unchanged": 5000, "sampling.samples": 200000},
    "a part of one block": {"sampling.samples": 100},
}

# What a kernel needs that not every x86-64 CPU has.
OPENBLAS_CORES = {"Prescott": {"pni"}, "Haswell": {"avx2", "fma"}, "Zen": {"avx2", "fma"},
                  "SkylakeX": {"avx512f", "avx512bw", "avx512dq", "avx512vl"}}
PATHS = {"generic": set(), "x86-64-v2": {"sse4_2", "ssse3", "popcnt"}, "x86-64-v3": {"avx2", "fma", "bmi2"},
         "x86-64-v4": {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"}}
REFERENCE_BLAS = pathlib.Path("/usr/lib/x86_64-linux-gnu/blas")


class Ranks(system.SystemTest):
    def test_every_number_of_ranks_and_every_team(self):
        expected = system.contents(self.compute(CELLS))
        self.assertIn("alpha/data", expected)
        for ranks in RANKS:
            for team in TEAMS:
                with self.subTest(ranks=ranks, team=team):
                    out = self.compute({**CELLS, "run.ranks_per_unit": team}, f"{ranks}-{team}.h5", ranks=ranks)
                    self.assert_identical(expected, out)

    def test_every_domain(self):
        for name, changes in DOMAINS.items():
            changes = {**SMALL, **changes}
            expected = system.contents(self.compute(changes))
            for ranks, team in ((3, 1), (3, "all"), (4, 2)):
                with self.subTest(name, ranks=ranks, team=team):
                    out = self.compute({**changes, "run.ranks_per_unit": team}, f"{ranks}-{team}.h5", ranks=ranks)
                    self.assert_identical(expected, out)
            for path in self.dir.iterdir():
                path.unlink()

    def test_search(self):
        """Batches and rows are dealt to the ranks; layers that are refuted, proven and left undecided."""
        path = self.compute(SEARCH)
        verdicts, points = system.read(path, "trials/verdict/zero", "points/x")
        self.assertEqual(set(verdicts.ravel()), {0, 1, 2}, "refuted, proven, undecided")
        self.assertGreater(points.size, 0)
        expected = system.contents(path)
        for ranks, team in ((1, 1), (2, 1), (2, "all"), (3, "all"), (4, 2), (7, "all")):
            with self.subTest(ranks=ranks, team=team):
                out = self.compute({**SEARCH, "run.ranks_per_unit": team}, f"{ranks}-{team}.h5", ranks=ranks)
                self.assert_identical(expected, out)

    def test_the_stop_rule_ends_some_units_early(self):
        """Guards the case "stop rule" above: it would prove nothing if no unit stopped."""
        samples = system.read(self.compute({**SMALL, **DOMAINS["stop rule"]}), "trials/samples")
        self.assertLess(samples.min(), 200000)


class Kernels(system.SystemTest):
    """One rank each; that ranks do not matter is shown above."""

    def setUp(self):
        super().setUp()
        self.cases = [{**SMALL, "sampling.design": design} for design in ("iid", "paired")]
        self.expected = [system.contents(self.compute(case, name=f"{case['sampling.design']}.h5"))
                         for case in self.cases]
        self.blas = system.facts(self.dir / "iid.h5")["blas"].lower()

    def check(self, assert_facts, changes=None, **options):
        """Runs that differ in this way, as their facts show, give the same bytes."""
        for case, expected in zip(self.cases, self.expected):
            out = self.compute({**case, **(changes or {})}, **options)
            assert_facts(system.facts(out))
            self.assert_identical(expected, out)

    def test_kernels_of_openblas(self):
        if "openblas" not in self.blas:
            self.skipTest("the program's BLAS is not OpenBLAS")
        for core, needed in OPENBLAS_CORES.items():
            with self.subTest(core):
                if not needed <= system.cpu_flags():
                    self.skipTest(f"this CPU lacks {needed - system.cpu_flags()}")
                self.check(lambda facts: self.assertEqual(facts["blas_core"].lower(), core.lower()),
                           env={"OPENBLAS_CORETYPE": core})

    def test_another_blas(self):
        if "openblas" not in self.blas or not (REFERENCE_BLAS / "libblas.so.3").exists():
            self.skipTest(f"needs OpenBLAS, and the reference BLAS in {REFERENCE_BLAS}")
        paths = [str(REFERENCE_BLAS), os.environ.get("LD_LIBRARY_PATH", "")]
        self.check(lambda facts: self.assertNotIn("openblas", facts["blas"].lower()),
                   env={"LD_LIBRARY_PATH": ":".join(filter(None, paths))})

    def test_instruction_sets(self):
        for path, needed in PATHS.items():
            with self.subTest(path):
                if not needed <= system.cpu_flags():
                    self.skipTest(f"this CPU lacks {needed - system.cpu_flags()}")
                self.check(lambda facts: self.assertEqual(facts["cpu_path"], path), env={"MCBE_CPU": path})

    def test_precision_of_the_screen(self):
        self.check(lambda facts: None, {"sampling.precision": "double"})


if __name__ == "__main__":
    unittest.main()
