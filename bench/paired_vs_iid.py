#!/usr/bin/env python3
"""Does a point of the paired design tell as much as an independent one? alpha* after the same number.

    paired_vs_iid.py [--program build/release/mcbe] [--trials 250] [--samples 262144] [--ranks 2]

Runs both designs on the same random matrices and prints, for each (n, m), the mean over matrices of
the mean over rows of alpha*_j / |w_j|, with standard errors of differences. Independent points in
half and double number tell what a difference means: "worth" is the number of independent points
that would give the same alpha*, as a share of the paired ones.
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
    sys.exit(f"paired_vs_iid.py: {sys.executable} has no module '{missing.name}'; it needs h5py and numpy")

SOURCE = Path(__file__).resolve().parents[1]
SIZES = ((10, 50), (30, 100), (30, 200))
CONFIG = """\
experiment: phase_diagram
seed: 7
trials: {trials}
grid: {{n: [{n}, {n}], m: [{m}, {m}]}}
domain: {{kind: sphere, radius: 1}}
sampling: {{design: {design}, samples: {samples}}}
bias_scale: row_norm
biases: [{{name: zero, kind: constant, value: 0}}]
"""


def alpha_means(program: Path, ranks: int, folder: Path, **settings: object) -> np.ndarray:
    """[matrix]"""
    config, output = folder / "run.yaml", folder / "run.h5"
    config.write_text(CONFIG.format(**settings))
    environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    result = subprocess.run(["mpirun", "-n", str(ranks), program, "run", config, "-o", output,
                             "--fresh", "--progress", "none"], env=environment, check=False)
    if result.returncode != 0:
        sys.exit(f"paired_vs_iid.py: mcbe run ended with code {result.returncode}")
    with h5py.File(output) as file:
        return file["trials/alpha_mean"][0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", type=Path, default=SOURCE / "build" / "release" / "mcbe")
    parser.add_argument("--trials", type=int, default=250)
    parser.add_argument("--samples", type=int, default=262144)
    parser.add_argument("--ranks", type=int, default=2)
    arguments = parser.parse_args()
    print("| n | m | points N | matrices | iid, N/2 | iid, N | iid, 2N | paired, N | paired - iid | worth |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="mcbe-paired-") as name:
        for n, m in SIZES:
            def measure(design: str, samples: int, n: int = n, m: int = m) -> np.ndarray:
                return alpha_means(arguments.program.resolve(), arguments.ranks, Path(name), n=n, m=m,
                                   trials=arguments.trials, samples=samples, design=design)

            half, same, double = (measure("iid", arguments.samples * factor // 2) for factor in (1, 2, 4))
            paired = measure("paired", arguments.samples)
            difference = paired - same
            error = difference.std(ddof=1) / np.sqrt(difference.size)
            doubling = (half.mean() - double.mean()) / 2  # what twice the points lower alpha* by
            worth = 2.0 ** (-difference.mean() / doubling)
            print(f"| {n} | {m} | {arguments.samples:,} | {difference.size} | {half.mean():.5f} | "
                  f"{same.mean():.5f} | {double.mean():.5f} | {paired.mean():.5f} | "
                  f"{difference.mean():+.5f} +- {error:.5f} | "
                  f"{worth:.2f} +- {worth * np.log(2.0) * error / doubling:.2f} |", flush=True)


if __name__ == "__main__":
    main()
