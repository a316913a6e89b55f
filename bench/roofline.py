#!/usr/bin/env python3
"""The roofline of docs/performance.md from the lines that bench/run writes.

    roofline.py BENCH.jsonl [-o FIGURE.png] [--path x86-64-v4]

Operations and bytes a sample are those of the cost model in docs/performance.md; times and ceilings
are measured. The same input gives the same picture.
"""
from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

try:
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.figure import Figure
except ImportError as missing:
    sys.exit(f"roofline.py: {sys.executable} has no module '{missing.name}'; it needs matplotlib")

CEILINGS = (("peak_bytes", "8-bit integers", "tab:green"), ("peak_f32", "fp32, fused", "tab:blue"),
            ("peak_f64", "fp64, fused", "tab:red"))
SLOPES = (("load_first", "first level cache"), ("load_second", "second level cache"))


@dataclass(frozen=True)
class Point:
    label: str
    colour: str
    operations: float  # a sample
    loaded: float  # bytes a sample
    ns: float

    @property
    def intensity(self) -> float:
        return self.operations / self.loaded

    @property
    def rate(self) -> float:
        return 1e9 * self.operations / self.ns


def points(line: dict) -> list[Point]:
    n, m = line["n"], line["m"]
    size = f"({n},{m})"
    if line["design"] == "paired":
        # add, two comparisons, two counters a row; the norm: a multiplication and an addition a coordinate
        return [Point(f"paired {size}", "tab:green", 5 * m + 2 * n, m + 4 * n, line["ns_median"])]
    products, coefficients = 2 * m * n, 12 * m + 20 * n
    return [Point(f"iid {size}, all of it", "tab:blue", products, coefficients, line["ns_median"]),
            Point(f"sgemm {size} alone", "tab:cyan", products, 4 * (m + n), line["sgemm_ns"]),
            Point(f"dgemm {size} alone", "tab:red", products, 8 * (m + n), line["dgemm_ns"])]


def draw(path: Path, lines: list[dict]) -> None:
    first = lines[0]
    found = [point for line in lines for point in points(line)]
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.add_subplot()
    x = np.geomspace(0.5, 10 * max(point.intensity for point in found), 200)
    top = max(first[name] for name, _, _ in CEILINGS)
    for name, text in SLOPES:
        axes.plot(x, np.minimum(x * first[name], top) / 1e9, color="0.5", linewidth=1,
                  linestyle="-" if name == "load_first" else "--", label=text)
    for name, text, colour in CEILINGS:
        axes.axhline(first[name] / 1e9, color=colour, linewidth=1)
        axes.text(x[-1], first[name] / 1e9, text, color=colour, fontsize="small", ha="right", va="bottom")
    for point in found:
        axes.plot(point.intensity, point.rate / 1e9, "o", color=point.colour, markersize=5)
        axes.annotate(point.label, (point.intensity, point.rate / 1e9), xytext=(5, -9),
                      textcoords="offset points", fontsize="x-small")
    axes.set(xscale="log", yscale="log", xlabel="operations a byte loaded", ylabel="G operations / s",
             xlim=(x[0], x[-1]), title=f"{first['cpu']}, one core, {first['path']}")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False, fontsize="small", loc="lower right")
    figure.savefig(path, dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="default: BENCH-roofline.png")
    parser.add_argument("--path", help="instruction set (default: that of the first line)")
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.bench.read_text().splitlines()]
    kernels = [line for line in lines if line["kind"] == "kernel"]
    wanted = arguments.path or (kernels[0]["path"] if kernels else "")
    kernels = [line for line in kernels if line["path"] == wanted]
    if not kernels:
        sys.exit(f"roofline.py: '{arguments.bench}' has no kernels of path '{wanted}'")
    output = arguments.output or arguments.bench.with_name(arguments.bench.stem + "-roofline.png")
    draw(output, kernels)
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
