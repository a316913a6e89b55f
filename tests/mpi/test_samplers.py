"""`sampler_comparison` and `smoothing_sigma` on Iris do not depend on who computed them, nor on interruptions."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import mcbe_system as system

# iid: two rounds of 16384 points, the last one not a whole block. shared: blocks of the two designs that differ in length.
LONG = {**system.IRIS, "sampling.samples": 16384 + 1017}
EXPERIMENTS = ("sampler_comparison", "smoothing_sigma")


class Samplers(system.SystemTest):
    def check(self, changes, ways):
        path = self.compute(changes)
        expected = system.contents(path)
        for ranks, team in ways:
            with self.subTest(ranks=ranks, team=team, experiment=changes["experiment"]):
                out = self.compute({**changes, "run.ranks_per_unit": team}, f"{ranks}-{team}.h5", ranks=ranks)
                self.assert_identical(expected, out)
        result = self.mcbe("verify", path)
        self.assertEqual(result.code, system.OK, result.err)
        for path in self.dir.iterdir():
            path.unlink()
        return expected


class Ranks(Samplers):
    def test_every_number_of_ranks_and_every_team(self):
        expected = self.check({**LONG, "experiment": "sampler_comparison", "trials": 1},
                              [(2, 1), (2, "all"), (3, 2), (4, "all"), (7, "all")])
        self.assertIn("data/factor", expected)
        self.check({**LONG, "experiment": "smoothing_sigma", "sampling.design": "shared", "trials": 1},
                   [(3, 2), (7, "all")])

    def test_the_other_designs(self):
        for experiment, design in zip(EXPERIMENTS, ("shared", "iid")):
            self.check({**LONG, "experiment": experiment, "sampling.design": design, "trials": 1}, [(3, "all")])

    def test_stopped_early(self):
        """The stop rule ends the samplers at points of their own."""
        changes = {**LONG, "experiment": "sampler_comparison", "sampling.samples": 200000,
                   "sampling.stop.unchanged": 20000, "trials": 1}
        expected = self.check(changes, [(3, "all")])
        self.assertIn("trials/samples/kde", expected)


class Resume(Samplers):
    def test_killed_and_run_again(self):
        for experiment in EXPERIMENTS:
            changes = {**LONG, "experiment": experiment, "trials": 60}
            out = self.dir / f"{experiment}.h5"
            config = self.config(changes, f"{experiment}.yaml")
            process = self.start("run", config, "-o", out, ranks=3)
            self.assertTrue(system.until(lambda: len(system.recorded(out)) >= 5), "no units were recorded")
            process.end()
            recorded = len(system.recorded(out))
            self.assertTrue(0 < recorded < 120, "the run ended before it could be interrupted")
            self.run_ok(config, out, ranks=2)
            self.assertEqual(system.segments(out)["units"].tolist()[-1], 120 - recorded)
            self.assert_identical(self.compute(changes, f"{experiment}-whole.h5"), out)

    def test_more_trials(self):
        for experiment in EXPERIMENTS:
            changes = {**system.IRIS, "experiment": experiment}
            out = self.compute({**changes, "trials": 1}, f"{experiment}.h5")
            self.run_ok(self.config({**changes, "trials": 3}), out)
            self.assert_identical(self.compute({**changes, "trials": 3}), out)


class Shards(Samplers):
    def test_merged(self):
        for experiment in EXPERIMENTS:
            config = self.config({**system.IRIS, "experiment": experiment, "trials": 4}, f"{experiment}.yaml")
            whole = self.run_ok(config, self.dir / f"{experiment}.h5", ranks=2)
            parts = [self.run_ok(config, self.dir / f"{experiment}-{k}.h5", "--shard", f"{k}/2") for k in range(2)]
            merged = self.dir / f"{experiment}-merged.h5"
            result = self.mcbe("merge", "-o", merged, *parts)
            self.assertEqual(result.code, system.OK, result.err)
            self.assert_identical(whole, merged)


if __name__ == "__main__":
    unittest.main()
