#!/usr/bin/env python3
"""The MCBE estimate as one writes it in NumPy, batched, on one thread: the baseline of docs/performance.md.

    numpy_baseline.py [--seconds S] [--case NAME]...

Every variant is tried with float32 and float64, with np.partition and np.argpartition, at several
batch sizes; the fastest is reported as one JSON line a case. Points are drawn inside the timing, as
they are by `mcbe bench`.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read while NumPy is loaded

import numpy as np  # noqa: E402

CASES = {"30_150": (30, 150), "10_67": (10, 67), "784_1568": (784, 1568)}
BATCHES = (64, 256, 1024, 4096, 16384)
MAX_COEFFICIENTS = 1 << 22  # in a batch; beyond the caches larger ones only get slower
SEED = 20240101
REPEATS = 5

Lower = Callable[[np.ndarray, int, np.ndarray], None]


def lower_by_partition(c: np.ndarray, n: int, alpha: np.ndarray) -> None:
    """alpha_j = min(alpha_j, c_j) for the n largest c_j of every row, found by their smallest."""
    limit = np.partition(c, c.shape[1] - n, axis=1)[:, c.shape[1] - n]
    np.copyto(c, np.inf, where=c < limit[:, None])
    np.minimum(alpha, c.min(axis=0), out=alpha)


def lower_by_argpartition(c: np.ndarray, n: int, alpha: np.ndarray) -> None:
    """The same, found by their indices."""
    others = np.argpartition(c, c.shape[1] - n, axis=1)[:, :c.shape[1] - n]
    np.put_along_axis(c, others, np.inf, axis=1)
    np.minimum(alpha, c.min(axis=0), out=alpha)


SELECTIONS: dict[str, Lower] = {"partition": lower_by_partition, "argpartition": lower_by_argpartition}


@dataclass(frozen=True)
class Variant:
    dtype: str
    selection: str
    batch: int


def estimate(w: np.ndarray, samples: int, variant: Variant, seed: int = SEED) -> np.ndarray:
    """alpha* over uniform points of the unit sphere, `samples` of them, a multiple of the batch."""
    m, n = w.shape
    weights = np.ascontiguousarray(w.T, dtype=variant.dtype)
    lower = SELECTIONS[variant.selection]
    random = np.random.Generator(np.random.SFC64(seed))  # the fastest generator NumPy has
    x = np.empty((variant.batch, n), variant.dtype)
    c = np.empty((variant.batch, m), variant.dtype)
    alpha = np.full(m, np.inf, variant.dtype)
    for _ in range(samples // variant.batch):
        random.standard_normal(out=x, dtype=variant.dtype)
        x /= np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
        np.matmul(x, weights, out=c)
        lower(c, n, alpha)
    return alpha


def check() -> None:
    """Both selections against a plain loop over sorted indices."""
    random = np.random.default_rng(1)
    c = random.standard_normal((50, 12))
    expected = np.full(12, np.inf)
    for row in c:
        for j in sorted(range(12), key=lambda j: -row[j])[:4]:
            expected[j] = min(expected[j], row[j])
    for name, lower in SELECTIONS.items():
        alpha = np.full(12, np.inf)
        lower(c.copy(), 4, alpha)
        if not np.array_equal(alpha, expected):
            sys.exit(f"numpy_baseline.py: {name} is wrong; nothing is timed")


def seconds_per_sample(w: np.ndarray, variant: Variant, samples: int) -> float:
    start = time.perf_counter()
    estimate(w, samples, variant)
    return (time.perf_counter() - start) / samples


def measure(name: str, seconds: float) -> dict:
    n, m = CASES[name]
    w = np.random.default_rng(SEED).standard_normal((m, n))
    variants = [Variant(dtype, selection, batch) for dtype in ("float32", "float64")
                for selection in SELECTIONS for batch in BATCHES if batch * m <= MAX_COEFFICIENTS]
    first = {variant: seconds_per_sample(w, variant, variant.batch) for variant in variants}
    tried = {variant: seconds_per_sample(
        w, variant, variant.batch * max(1, int(0.2 * seconds / first[variant] / variant.batch)))
        for variant in variants}
    best = min(tried, key=tried.__getitem__)
    samples = best.batch * max(1, int(seconds / tried[best] / best.batch))
    times = [1e9 * seconds_per_sample(w, best, samples) for _ in range(REPEATS)]
    return {"kind": "numpy", "case": name, "n": n, "m": m, "samples": samples, "ranks": 1,
            "repeats": REPEATS, "ns_min": min(times), "ns_median": statistics.median(times),
            "dtype": best.dtype, "selection": best.selection, "batch": best.batch,
            **{f"{selection}_ns": 1e9 * min(tried[variant] for variant in variants
                                            if variant.selection == selection)
               for selection in SELECTIONS},
            "numpy": np.__version__, "cpu": cpu_model()}


def cpu_model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
            return next((line.split(":", 1)[1].strip() for line in cpuinfo
                         if line.startswith("model name")), "unknown")
    except OSError:
        return "unknown"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="of one timing (default 1)")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="default: all")
    arguments = parser.parse_args()
    check()
    for name in arguments.case or CASES:
        print(json.dumps(measure(name, arguments.seconds)), flush=True)


if __name__ == "__main__":
    main()
