"""What `layer` says of points does not depend on who measured them, nor on interruptions."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

CASE = {"experiment": "layer"}
# 2 x 40 units, some milliseconds each
LONG = {**CASE, "layer.n": 40, "layer.m": {"values": [70, 100]}, "points.count": 797, "points.block": 20}
VARIANTS = {
    "a unit for all points": {"points.block": 1000},
    "ball": {"domain.kind": "ball", "domain.radial": "sampled", "layer.bias": 0.05},
    "plane": {"points.kind": "plane", "plane.steps": 9},
}


class Ranks(system.SystemTest):
    def check(self, changes, ways, drop=()):
        path = self.run_ok(self.config(changes, drop=drop), self.dir / "one.h5")
        expected = system.contents(path)
        self.assertIn("points/class", expected)
        for ranks, team in ways:
            with self.subTest(ranks=ranks, team=team):
                config = self.config({**changes, "run.ranks_per_unit": team}, drop=drop)
                self.assert_identical(expected, self.run_ok(config, self.dir / f"{ranks}-{team}.h5", ranks=ranks))
        result = self.mcbe("verify", path)
        self.assertEqual(result.code, system.OK, result.err)
        for path in self.dir.iterdir():
            path.unlink()

    def test_every_number_of_ranks_and_teams(self):
        self.check(CASE, [(2, 1), (3, "all"), (4, 1), (7, "all")])

    def test_variants(self):
        for name, changes in VARIANTS.items():
            with self.subTest(name):
                drop = ("points.count",) if name == "plane" else ()
                self.check({**CASE, **changes}, [(3, "all"), (2, 1)], drop)


class Interruptions(system.SystemTest):
    def test_killed_and_run_again(self):
        out = self.dir / "out.h5"
        config = self.config(LONG)
        process = self.start("run", config, "-o", out)
        self.assertTrue(system.until(lambda: len(system.recorded(out)) >= 5), "no units were recorded")
        process.end()
        recorded = len(system.recorded(out))
        self.assertTrue(0 < recorded < 80, "the run ended before it could be interrupted")
        self.run_ok(config, out, ranks=2)
        self.assertEqual(system.segments(out)["units"].tolist()[-1], 80 - recorded)
        self.assert_identical(self.compute(LONG, "whole.h5"), out)

    def test_shards(self):
        config = self.config(CASE)
        shards = [self.run_ok(config, self.dir / f"{i}.h5", "--shard", f"{i}/3") for i in range(3)]
        merged = self.mcbe("merge", "-o", self.dir / "merged.h5", *shards)
        self.assertEqual(merged.code, system.OK, merged.err)
        self.assert_identical(self.compute(CASE, "whole.h5"), self.dir / "merged.h5")


if __name__ == "__main__":
    unittest.main()
