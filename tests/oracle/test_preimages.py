"""Classes of preimages agree with SciPy's linprog and singular values, on random layers."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
SKIPPED = 77
try:
    import preimages_scipy
except ImportError as missing:
    print(f"skipped: this Python has no module '{missing.name}' (Debian: python3-scipy)")
    sys.exit(SKIPPED)

PROGRAM = os.environ["MCBE_PREIMAGES"]


def classify(w, bias, points, *words):
    """What the library says of each point."""
    names = ("w.npy", "bias.npy", "points.npy")
    for name, array in zip(names, (w, bias[:, None], points)):
        np.save(name, array)
    result = subprocess.run([PROGRAM, *names, *words], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


class Preimages(unittest.TestCase):
    def test_random_layers(self):
        random = np.random.default_rng(1)
        seen = {"singleton": 0, "compact": 0, "unbounded": 0}
        for _ in range(30):
            n = random.integers(1, 13)
            m = random.integers(1, 5 * n + 1)
            w, bias = random.standard_normal((m, n)), random.standard_normal(m) * random.integers(0, 3)
            points = random.standard_normal((8, n)) * random.choice([0.3, 1, 3])
            for x, line in zip(points, classify(w, bias, points)):
                self.assertEqual(line["verdict"], preimages_scipy.verdict(w, bias, x))
                self.assertEqual(line["positive"], (w @ x > bias).sum())
                seen[line["verdict"]] += 1
        self.assertGreater(min(seen.values()), 10, seen)

    def test_larger_layers_on_both_sides_of_the_change(self):
        """Without a positive row: random rows enclose 0 half of the time if they are twice as many as dimensions."""
        random = np.random.default_rng(2)
        seen = {"compact": 0, "unbounded": 0}
        for m in (60, 76, 80, 84, 110):
            w, points = random.standard_normal((m, 40)), random.standard_normal((1, 40))
            line, = classify(w, np.full(m, 99.0), points)
            self.assertEqual(line["verdict"], preimages_scipy.verdict(w, np.full(m, 99.0), points[0]))
            seen[line["verdict"]] += 1
        self.assertGreater(min(seen.values()), 0, seen)

    def test_two_processes_share_the_points(self):
        random = np.random.default_rng(3)
        w, bias, points = random.standard_normal((30, 8)), random.standard_normal(30), random.standard_normal((9, 8))
        untimed = [[{**line, "seconds": 0} for line in classify(w, bias, points, *share)]
                   for share in ((), ("0", "2"), ("1", "2"))]
        self.assertEqual(untimed[0], sorted(untimed[1] + untimed[2], key=lambda line: line["point"]))


if __name__ == "__main__":
    unittest.main()
