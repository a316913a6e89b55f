#!/usr/bin/env python3
"""Does a point of a design that shares products tell as much as an independent one? alpha* after the same number.

    designs_vs_iid.py [--program build/release/mcbe] [--trials 250] [--samples 262144] [--ranks 2]
    designs_vs_iid.py --data data/iris/iris.csv --normalize standard --label species --features 0 2 3 --n 3 --m 6 12
    designs_vs_iid.py --data FILE --pooled --normalize unit_range --n 784 --m 1568 --trials 10

Runs both designs on the same random matrices and prints, for each (n, m), the mean over matrices of
the mean over rows of alpha*_j / |w_j|, with standard errors of differences. Independent points in
half and double number tell what a difference means: "worth" is the number of independent points
that would give the same alpha*, as a share of the design's. Without --data the design is paired, on
the unit sphere; with it crossed, around the data (smoothing with --sigma). "speed" is the ratio of
the times of one more point, from N to 2 N: at first most time goes into points that lower alpha*.
"""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError as missing:
    sys.exit(f"designs_vs_iid.py: {sys.executable} has no module '{missing.name}'; it needs h5py and numpy")

SOURCE = Path(__file__).resolve().parents[1]
SIZES = ((10, 50), (30, 100), (30, 200))
SPHERE = "domain: {kind: sphere, radius: 1}"
CONFIG = """\
experiment: phase_diagram
seed: 7
trials: {trials}
grid: {{n: [{n}, {n}], m: [{m}, {m}]}}
{points}
sampling: {{design: {design}, samples: {samples}}}
bias_scale: row_norm
biases: [{{name: zero, kind: constant, value: 0}}]
"""


def around_data(arguments: argparse.Namespace) -> str:
    """The keys of points around data."""
    features = ", ".join(arguments.features)
    paths = ", ".join(str(Path(path).resolve()) for path in arguments.data)
    return (f"domain: {{kind: smoothing}}\nsmoothing: {{sigma: {arguments.sigma}}}\n"
            f"data: {{path: [{paths}], label: '{arguments.label}', features: [{features}], "
            f"normalize: {arguments.normalize}, pooled: {str(arguments.pooled).lower()}}}")


def run(program: Path, ranks: int, folder: Path, **settings: object) -> tuple[np.ndarray, float]:
    """Means of alpha* [matrix], and the mean time of a unit in seconds."""
    config, output = folder / "run.yaml", folder / "run.h5"
    config.write_text(CONFIG.format(**settings))
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    result = subprocess.run(["mpirun", "-n", str(ranks), program, "run", config, "-o", output,
                             "--fresh", "--progress", "none"], env=environment, check=False)
    if result.returncode != 0:
        sys.exit(f"designs_vs_iid.py: mcbe run ended with code {result.returncode}")
    with h5py.File(output) as file:
        return file["trials/alpha_mean"][0], float(file["timing/seconds"][0].mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", type=Path, default=SOURCE / "build" / "release" / "mcbe")
    parser.add_argument("--trials", type=int, default=250)
    parser.add_argument("--samples", type=int, default=262144)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--data", nargs="+", metavar="FILE", help="points around these data, crossed")
    parser.add_argument("--n", type=int, help="features of the data")
    parser.add_argument("--m", type=int, nargs="+", help="rows, with --data")
    parser.add_argument("--sigma", type=float, default=0.3)
    parser.add_argument("--normalize", default="none")
    parser.add_argument("--pooled", action="store_true")
    parser.add_argument("--label", default="")
    parser.add_argument("--features", nargs="*", default=[])
    arguments = parser.parse_args()
    if arguments.data and not (arguments.n and arguments.m):
        parser.error("--data needs --n and --m")
    shared = "crossed" if arguments.data else "paired"
    sizes = [(arguments.n, m) for m in arguments.m] if arguments.data else SIZES
    points = around_data(arguments) if arguments.data else SPHERE
    print(f"| n | m | points N | matrices | iid, N/2 | iid, N | iid, 2N | {shared}, N | {shared} - iid | worth | "
          "iid, s | {0}, s | speed |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|".format(shared))
    with tempfile.TemporaryDirectory(prefix="mcbe-designs-") as name:
        for n, m in sizes:
            def measure(design: str, factor: float, n: int = n, m: int = m) -> tuple[np.ndarray, float]:
                return run(arguments.program.resolve(), arguments.ranks, Path(name), n=n, m=m, trials=arguments.trials,
                           samples=int(arguments.samples * factor), design=design, points=points)

            (half, _), (same, iid_time), (double, iid_longer) = (measure("iid", factor) for factor in (0.5, 1, 2))
            (values, time), (_, longer) = (measure(shared, factor) for factor in (1, 2))
            difference = values - same
            error = difference.std(ddof=1) / np.sqrt(difference.size)
            doubling = (half.mean() - double.mean()) / 2  # what twice the points lower alpha* by
            worth = 2.0 ** (-difference.mean() / doubling)
            print(f"| {n} | {m} | {arguments.samples:,} | {difference.size} | {half.mean():.5f} | "
                  f"{same.mean():.5f} | {double.mean():.5f} | {values.mean():.5f} | "
                  f"{difference.mean():+.5f} +- {error:.5f} | "
                  f"{worth:.2f} +- {worth * np.log(2.0) * error / doubling:.2f} | {iid_time:.3g} | {time:.3g} | "
                  f"{(iid_longer - iid_time) / (longer - time):.1f} |", flush=True)


if __name__ == "__main__":
    main()
