#!/usr/bin/env python3
"""Draw p_I of the test set against the deviation of the noise in randomised smoothing.

    plot_smoothing_sigma.py FILE.h5 [FILE.h5 ...] [-o OUT.png] [-o OUT.pdf]

One column a data set, in the order of the files; one colour a shape. Above: solid on the test set,
dashed on the training set, means over the weight matrices with a band from the smallest to the
largest. Below: the mean entry of alpha*, the price of it. Without -o it writes FILE.png and FILE.pdf
next to the first file. The same files give the same picture, byte for byte.
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

EXPERIMENT = "smoothing_sigma"
COLOUR_MAP = "viridis"  # perceptually uniform, colour-blind safe, monotone in grey print
SERIES = ("p_injective", "p_injective_training", "alpha_mean")
KINDS = [Line2D([], [], color="0.3", label="test points"),
         Line2D([], [], color="0.3", linestyle=(0, (4, 2)), linewidth=1.0, label="training points"),
         Line2D([], [], color="crimson", linewidth=0.9, label="deviation of the data")]


@dataclass(frozen=True)
class Shape:
    """What the finished trials of one shape measured, [trial][sigma] each."""

    n: int
    m: int
    series: dict[str, np.ndarray]


@dataclass(frozen=True)
class Sweep(Run):
    """What is drawn of a result file."""

    sigma: np.ndarray
    deviation: float
    shapes: list[Shape]


# --- reading -------------------------------------------------------------------------------------


def read_sweep(path: Path) -> Sweep:
    with result_file(path, EXPERIMENT) as file:
        return collect(file, path)


def collect(file: h5py.File, path: Path) -> Sweep:
    done = file["cells/done"][...] == 1
    facts = run_facts(file, path, done)
    sigma = file["curves/sigma"][...]
    series = {name: file[f"curves/{name}"][...] for name in SERIES}
    for name, values in series.items():
        if values.shape != (*done.shape, len(sigma)):
            raise ValueError(f"dataset 'curves/{name}' has shape {values.shape}, "
                             f"not {(*done.shape, len(sigma))}")
    shapes = [Shape(int(n), int(m), {name: values[cell, there] for name, values in series.items()})
              for cell, (n, m, there) in enumerate(zip(file["cells/n"][...], file["cells/m"][...],
                                                       done)) if there.any()]
    return Sweep(**facts, sigma=sigma, deviation=float(file["data/deviation"][0]), shapes=shapes)


def best_sigma(run: Sweep, shape: Shape) -> float:
    """Where the mean of p_I on the test set is largest; the smallest of several."""
    return float(run.sigma[np.argmax(shape.series["p_injective"].mean(axis=0))])


# --- drawing -------------------------------------------------------------------------------------


def draw_shape(axes: Axes, run: Sweep, shape: Shape, colour: object) -> None:
    values = shape.series["p_injective"]
    label = f"$m = {shape.m:,}$ (best $\\sigma$ = {best_sigma(run, shape):g})".replace(",", "{,}")
    axes.fill_between(run.sigma, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15,
                      linewidth=0)
    axes.plot(run.sigma, values.mean(axis=0), color=colour, marker="o", markersize=3.5, label=label)
    axes.plot(run.sigma, shape.series["p_injective_training"].mean(axis=0), color=colour,
              linewidth=1.0, linestyle=(0, (4, 2)))


def set_scale(axes: Axes, run: Sweep) -> None:
    positive = run.sigma[run.sigma > 0]
    if len(positive) == len(run.sigma):
        axes.set_xscale("log")
    elif len(positive) > 0:
        axes.set_xscale("symlog", linthresh=float(positive[0]))
    axes.axvline(run.deviation, color="crimson", linewidth=0.9)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def panels(axes: Axes, below: Axes, run: Sweep) -> None:
    for number, shape in enumerate(run.shapes):
        colour = matplotlib.colormaps[COLOUR_MAP](0.85 * number / max(len(run.shapes) - 1, 1))
        draw_shape(axes, run, shape, colour)
        below.plot(run.sigma, shape.series["alpha_mean"].mean(axis=0), color=colour, marker="o",
                   markersize=3.5)
    set_scale(axes, run)
    set_scale(below, run)
    axes.set_ylim(-0.03, 1.03)
    below.set_yscale("symlog", linthresh=1.0)
    below.set_xlabel("standard deviation $\\sigma$ of the noise")
    shapes = {shape.n for shape in run.shapes}
    axes.set_title(f"{data_name(run.settings)}: $n = {min(shapes)}$, "
                   f"{int(run.settings['sampling.samples']):,} points, {run.trials} matrices",
                   fontsize=9.5)
    axes.add_artist(axes.legend(frameon=False, fontsize=8, loc="lower left",
                                bbox_to_anchor=(0, 0.17)))
    axes.legend(handles=KINDS, frameon=False, fontsize=8, loc="lower left")


def footer(runs: Sequence[Sweep]) -> str:
    lines = []
    for run in runs:
        units = ("" if run.units_done == run.units
                 else f"; incomplete: {run.units_done:,} of {run.units:,} units")
        lines.append(data_line(run) + units)
    return "\n".join(lines)


def draw(runs: Sequence[Sweep]) -> Figure:
    width, height = max(5.6 * len(runs), 6.6) + 0.6, 6.6 + 0.11 * len(runs)
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(2, len(runs), squeeze=False, height_ratios=(2.4, 1), sharex="col")
    figure.subplots_adjust(left=0.75 / width, right=1 - 0.15 / width, wspace=0.18, hspace=0.07,
                           bottom=(0.7 + 0.11 * len(runs)) / height, top=1 - 0.95 / height)
    for axes, below, run in zip(*grid, runs):
        panels(axes, below, run)
    grid[0][0].set_ylabel("$p_I$")
    grid[1][0].set_ylabel("mean entry of $\\alpha^*$")
    figure.suptitle("Randomised smoothing: how much noise?", x=0.75 / width, y=1 - 0.1 / height,
                    ha="left", va="top", fontsize=12)
    figure.text(0.75 / width, 1 - 0.38 / height, "Share of points at which the layer is injective "
                "with $\\alpha^*$: means, bands from the smallest to the largest.", ha="left",
                va="top", fontsize=8)
    figure.text(0.75 / width, 0.08 / height, footer(runs), fontsize=6.5, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def main(arguments: Sequence[str]) -> None:
    draw_files(__doc__, arguments, lambda paths: draw([read_sweep(path) for path in paths]))


if __name__ == "__main__":
    main(sys.argv[1:])
