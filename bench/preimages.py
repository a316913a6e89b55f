#!/usr/bin/env python3
"""Preimages of a ReLU layer against SciPy doing the same (linprog, HiGHS), one thread each, in turns.

    bench/preimages.py [--program build/release/bench/mcbe_preimages] [--case NAME]...
    bench/preimages.py --images IMAGES.npy [--count N] [--rows 3500]      all of these points on two processes

One JSON line a case: median processor seconds a point of both, on the same points, whose verdicts must agree. Gaussian layers
with one bias for all rows; "positive" is the share of rows that it leaves active. Needs numpy and scipy.
"""
from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # read while NumPy is loaded

import numpy as np  # noqa: E402
import scipy  # noqa: E402

SOURCE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(SOURCE / "tests" / "support"), str(SOURCE / "bench")]
import preimages_scipy  # noqa: E402
from numpy_baseline import cpu_model  # noqa: E402

# n, m, share of positive rows, points
CASES = {
    "10_50": (10, 50, 0.15, 300), "30_150": (30, 150, 0.15, 200), "100_300": (100, 300, 0.2, 60),
    "100_300_half": (100, 300, 0.5, 60), "100_170": (100, 170, 0.1, 60),
    "784_3500_singleton": (784, 3500, 0.5, 5),
    "784_3500_compact": (784, 3500, 0.2, 3),
}
SEED = 20240101


def layer(n: int, m: int, share: float, random: np.random.Generator):
    """W with rows of norm about 1, and the bias that a share of the rows passes at points of norm 1."""
    w = random.standard_normal((m, n)) / np.sqrt(n)
    level = statistics.NormalDist(0, 1 / np.sqrt(n)).inv_cdf(1 - share)
    return w, np.full(m, level)


def save(folder: Path, w, bias, points) -> list[str]:
    names = [str(folder / name) for name in ("w.npy", "bias.npy", "points.npy")]
    for name, array in zip(names, (w, bias[:, None], points)):
        np.save(name, array)
    return names


def classify(program: Path, names: list[str], processes: int = 1) -> list[dict]:
    """What the program says of the points, which the processes share."""
    running = []
    for rank in range(processes):
        out = tempfile.TemporaryFile("w+")  # a pipe would hold up the process that is read last
        running.append((subprocess.Popen([program, *names, str(rank), str(processes)], stdout=out), out))
    lines = []
    for process, out in running:
        if process.wait() != 0:
            sys.exit(f"bench/preimages.py: {' '.join(map(str, process.args))} failed")
        out.seek(0)
        lines += [json.loads(line) for line in out]
        out.close()
    return lines


def measure(name: str, program: Path) -> dict:
    n, m, share, count = CASES[name]
    random = np.random.default_rng(SEED)
    w, bias = layer(n, m, share, random)
    points = random.standard_normal((count, n))
    points /= np.linalg.norm(points, axis=1)[:, None]
    theirs, verdicts = [], []
    with tempfile.TemporaryDirectory() as folder:
        names = save(Path(folder), w, bias, points)
        ours = classify(program, names)
        for x in points:
            before = time.process_time()
            verdicts.append(preimages_scipy.verdict(w, bias, x))
            theirs.append(time.process_time() - before)
        ours += classify(program, names)
    if [line["verdict"] for line in ours] != 2 * verdicts:
        sys.exit(f"bench/preimages.py: {name}: the verdicts differ; nothing is timed")
    times = [line["seconds"] for line in ours]
    return {"kind": "preimages", "case": name, "n": n, "m": m, "points": count,
            "positive_median": statistics.median(line["positive"] for line in ours),
            "verdicts": collections.Counter(verdicts), "linear_programs": sum(line["programs"] for line in ours),
            "seconds_median": statistics.median(times), "scipy_seconds_median": statistics.median(theirs),
            "speedup": statistics.median(theirs) / statistics.median(times), "scipy": scipy.__version__,
            "cpu": cpu_model(), "load": os.getloadavg()[0]}


def measure_images(path: Path, count: int | None, rows: int, share: float, program: Path) -> dict:
    points = np.load(path).astype(np.float64)[:count]
    points = points.reshape(len(points), -1)
    random = np.random.default_rng(SEED)
    w, bias = layer(points.shape[1], rows, 0.5, random)
    bias += statistics.NormalDist(0, np.linalg.norm(points, axis=1).mean() / np.sqrt(points.shape[1])).inv_cdf(1 - share)
    with tempfile.TemporaryDirectory() as folder:
        names = save(Path(folder), w, bias, points)
        before = time.perf_counter()
        lines = classify(program, names, 2)
        seconds = time.perf_counter() - before
    return {"kind": "preimages_images", "n": points.shape[1], "m": rows, "points": len(points), "processes": 2,
            "seconds": seconds, "processor_seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime,
            "verdicts": collections.Counter(line["verdict"] for line in lines),
            "positive": [min(line["positive"] for line in lines), max(line["positive"] for line in lines)],
            "linear_programs": sum(line["programs"] for line in lines),
            "seconds_median": statistics.median(line["seconds"] for line in lines),
            "seconds_max": max(line["seconds"] for line in lines), "cpu": cpu_model(), "load": os.getloadavg()[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--program", type=Path, default=SOURCE / "build" / "release" / "bench" / "mcbe_preimages")
    parser.add_argument("--case", action="append", choices=sorted(CASES), help="default: all")
    parser.add_argument("--images", type=Path, help="a .npy file, one image a row")
    parser.add_argument("--count", type=int, help="of the images; default: all")
    parser.add_argument("--rows", type=int, default=3500)
    parser.add_argument("--share", type=float, default=0.5, help="of rows that are positive at a typical image")
    arguments = parser.parse_args()
    if not arguments.program.exists():
        sys.exit(f"bench/preimages.py: there is no {arguments.program}; build it, or name it with --program")
    if arguments.images:
        print(json.dumps(measure_images(arguments.images, arguments.count, arguments.rows, arguments.share,
                                        arguments.program)))
        return
    for name in arguments.case or CASES:
        print(json.dumps(measure(name, arguments.program)), flush=True)


if __name__ == "__main__":
    main()
