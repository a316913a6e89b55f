"""A rank that fails ends the whole run, soon and with a sentence. Needs a build with fault points (MCBE_FAULTS)."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

RANKS = 4
# reduce: only where ranks share a unit; write: only rank 0 ever does.
CASES = [("config", "0", 1), ("config", "last", 1), ("unit", "0", 1), ("unit", "last", 1), ("unit", "0", "all"),
         ("unit", "last", "all"), ("reduce", "0", "all"), ("reduce", "last", "all"), ("write", "0", 1)]
SECONDS = 10


class Faults(system.SystemTest):
    def test_every_point_ends_the_run(self):
        for point, rank, team in CASES:
            with self.subTest(point, rank=rank, team=team):
                config = self.config({"run.ranks_per_unit": team, "trials": 20})
                result = self.mcbe("run", config, "-o", self.dir / f"{point}-{rank}-{team}.h5", ranks=RANKS,
                                   env={"MCBE_FAULT": f"{point}@{rank}"}, timeout=SECONDS)
                self.assertNotEqual(result.code, system.OK)
                self.assertIn(f"injected fault at '{point}'", result.err)

    def test_a_run_without_a_fault_succeeds(self):
        """Guards the cases above: they would prove nothing if this configuration failed by itself."""
        for team in (1, "all"):
            self.compute({"run.ranks_per_unit": team, "trials": 20}, ranks=RANKS)

    def test_what_was_finished_before_the_fault_is_kept(self):
        config = self.config({"trials": 20})
        out = self.dir / "out.h5"
        failed = self.mcbe("run", config, "-o", out, ranks=RANKS, env={"MCBE_FAULT": "unit@last"}, timeout=SECONDS)
        self.assertNotEqual(failed.code, system.OK)
        self.run_ok(config, out, ranks=2)
        self.assert_identical(self.compute({"trials": 20}, "whole.h5"), out)


if __name__ == "__main__":
    unittest.main()
