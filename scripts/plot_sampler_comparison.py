#!/usr/bin/env python3
"""Draw sampler comparisons: p_I of the test set by uniform points, smoothing and density estimate.

    plot_sampler_comparison.py FILE.h5 [FILE.h5 ...] [-o OUT.png] [-o OUT.pdf]

One panel a data set and shape, in the order of the files: box plots over the weight matrices, their
means in numbers, and the means the thesis published (Figure 5.4) where the shape is one of its own.
Without -o it writes FILE.png and FILE.pdf next to the first file. The same files give the same
picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import Run, data_line, data_name, draw_files, result_file, run_facts

import h5py  # after mcbe_figures, which says what is missing
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

EXPERIMENT = "sampler_comparison"
COLOUR_MAP = "viridis"  # perceptually uniform, colour-blind safe, monotone in grey print
BIASES = {"kde": "density\nestimate", "smoothing": "smoothing", "uniform": "uniform,\nball of data",
          "unit_ball": "uniform,\nunit ball", "zero": "bias 0"}
# Thesis, Figure 5.4, by the shape (n, m): means over 10 trained layers. Its uniform points stand beside
# those of the unit ball, as the authors' program draws them on the unit sphere.
PUBLISHED = {(3, 6): {"kde": 1.0, "smoothing": 1.0, "unit_ball": 0.90},
             (784, 1568): {"kde": 0.9847, "smoothing": 0.9830, "unit_ball": 0.018},
             (3072, 6144): {"kde": 0.9138, "smoothing": 0.9097, "unit_ball": 0.664}}
FEW = 5  # boxes of fewer values say less than the values themselves


@dataclass(frozen=True)
class Shape:
    """p_I and the mean entry of the finished trials of one shape, [trial] for each bias."""

    n: int
    m: int
    test: dict[str, np.ndarray]
    mean: dict[str, np.ndarray]


@dataclass(frozen=True)
class Comparison(Run):
    """What is drawn of a result file."""

    shapes: list[Shape]


# --- reading -------------------------------------------------------------------------------------


def read_comparison(path: Path) -> Comparison:
    with result_file(path, EXPERIMENT) as file:
        return collect(file, path)


def collect(file: h5py.File, path: Path) -> Comparison:
    done = file["cells/done"][...] == 1
    facts = run_facts(file, path, done)
    found = {}
    for group in ("p_injective", "alpha_mean"):
        found[group] = {name: file[f"trials/{group}/{name}"][...] for name in BIASES}
        for name, values in found[group].items():
            if values.shape != done.shape:
                raise ValueError(f"dataset 'trials/{group}/{name}' has shape {values.shape}, "
                                 f"not {done.shape}")
    shapes = [Shape(int(n), int(m), *({name: values[cell, there] for name, values in group.items()}
                                      for group in found.values()))
              for cell, (n, m, there) in enumerate(zip(file["cells/n"][...], file["cells/m"][...],
                                                       done)) if there.any()]
    return Comparison(**facts, shapes=shapes)


# --- words around the panels ---------------------------------------------------------------------


def noise(run: Comparison) -> str:
    sigma, relative = (float(run.settings.get(f"smoothing.{key}", 0)) for key in
                       ("sigma", "relative"))
    return f"{sigma:g}" if sigma > 0 else f"{relative:g} times the deviation"


def panel_title(run: Comparison, shape: Shape) -> str:
    return (f"{data_name(run.settings)}: $n = {shape.n:,}$, $m = {shape.m:,}$\n"
            f"{int(run.settings['sampling.samples']):,} points, "
            f"{len(shape.test['kde'])} of {run.trials} matrices, $\\sigma$ = {noise(run)}")


# --- drawing -------------------------------------------------------------------------------------


def share_text(share: float) -> str:
    """Enough digits to tell it from 0 and 1."""
    text = f"{share:.3f}"
    if text in ("1.000", "0.000") and share not in (0.0, 1.0):
        text = f"{share:.5f}"
    return text


def panel(axes: Axes, run: Comparison, shape: Shape) -> None:
    names = list(BIASES)
    published = PUBLISHED.get((shape.n, shape.m), {})
    for place, name in enumerate(names):
        values = shape.test[name]
        colour = matplotlib.colormaps[COLOUR_MAP](0.1 + 0.8 * place / (len(names) - 1))
        if len(values) >= FEW:
            parts = axes.boxplot([values], positions=[place], widths=0.45, whis=(0, 100),
                                 patch_artist=True, medianprops={"color": "black"})
            parts["boxes"][0].set(facecolor=colour, alpha=0.75)
        else:
            axes.plot(np.full(len(values), place), values, "o", color=colour, markersize=6,
                      markeredgecolor="black", markeredgewidth=0.6)
        axes.text(place, 1.04, f"{share_text(values.mean())}\n({shape.mean[name].mean():.2f})",
                  ha="center", va="bottom", fontsize=8)
        if name in published:
            axes.plot(place + 0.36, published[name], "D", color="crimson", markersize=5,
                      clip_on=False)
    axes.set_xticks(range(len(names)), list(BIASES.values()), fontsize=7.5)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(-0.03, 1.19)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_title(panel_title(run, shape), fontsize=9.5)
    axes.grid(axis="y", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def draw(runs: Sequence[Comparison]) -> Figure:
    panels = [(run, shape) for run in runs for shape in run.shapes]
    width, height = max(4.4 * len(panels), 6.6) + 0.6, 4.6 + 0.11 * len(runs)
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    figure.subplots_adjust(left=0.62 / width, right=1 - 0.15 / width, wspace=0.16,
                           bottom=(0.58 + 0.11 * len(runs)) / height, top=1 - 1.05 / height)
    for axes, (run, shape) in zip(grid, panels):
        panel(axes, run, shape)
    grid[0].set_ylabel("$p_I$ on the test set")
    if any((shape.n, shape.m) in PUBLISHED for _, shape in panels):
        grid[-1].legend(handles=[Line2D([], [], color="crimson", marker="D", linestyle="none",
                                        markersize=5, label="published mean (trained layers)")],
                        loc="lower left", fontsize=8, framealpha=0.9)
    figure.suptitle("Share of test points at which the layer is injective with $\\alpha^*$ of each "
                    "sampler", x=0.62 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=12)
    figure.text(0.62 / width, 1 - 0.4 / height, "Boxes: quartiles over the weight matrices, "
                "whiskers to the extremes." + ("\n" if len(panels) == 1 else " ") + "Numbers: mean of "
                "$p_I$, and in brackets the mean entry of the bias, the price of it.", ha="left", va="top", fontsize=8)
    figure.text(0.62 / width, 0.08 / height, "\n".join(map(data_line, runs)), fontsize=6.5, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> None:
    draw_files(__doc__, arguments, lambda paths: draw([read_comparison(path) for path in paths]))


if __name__ == "__main__":
    main(sys.argv[1:])
