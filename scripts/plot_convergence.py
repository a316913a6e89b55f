#!/usr/bin/env python3
"""Draw the curves of a convergence run: one panel an n, one line an m, over the number of points.

    plot_convergence.py FILE.h5 [-o OUT.png] [-o OUT.pdf]
                        [--quantity no_update|rectified|excess_max|excess_mean]

Lines are means over the weight matrices, bands one standard deviation. Without -o it writes
FILE.png and FILE.pdf next to the input. The same file gives the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import Refusal, Run, argument_parser, make_pictures, result_file, run_facts

import h5py  # after mcbe_figures, which says what is missing
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

EXPERIMENT = "convergence"
COLOUR_MAP = "viridis"  # perceptually uniform, colour-blind safe, monotone in grey print
MOST_PANELS_ACROSS = 3
DASHES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))


@dataclass(frozen=True)
class Quantity:
    """What may be drawn, in words."""

    title: str
    label: str
    is_share: bool
    remark: str


SETTLING = ("Tends to 1 for every layer, as new points find less and less to change; says nothing of "
            "the distance to the true $\\alpha^*$.")
DISTANCE = ("Of the shapes small enough for an exact answer; lines begin where every row of every "
            "matrix has an estimate.")
QUANTITIES = {
    "no_update": Quantity("How $\\alpha^*$ settles",
                          "share of test points that would not lower $\\alpha^*$", True, SETTLING),
    "rectified": Quantity("Test points that $\\alpha^*$ rectifies",
                          "share of test points with $n$ rows active at $\\alpha^*$", True, SETTLING),
    "excess_max": Quantity("Distance of $\\alpha^*$ to the exact one",
                           "largest distance of a row", False, DISTANCE),
    "excess_mean": Quantity("Distance of $\\alpha^*$ to the exact one",
                            "mean distance of the rows", False, DISTANCE),
}


@dataclass(frozen=True)
class Curve:
    """One shape: mean and standard deviation over the trials that ran, NaN where there is none."""

    n: int
    m: int
    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Convergence(Run):
    """What is drawn of a result file."""

    iterations: np.ndarray
    curves: list[Curve]


# --- reading -------------------------------------------------------------------------------------


def over_trials(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sample standard deviation of [trial][iteration].

    NaN where any trial is infinite: a mean over the others would flatter. One trial deviates by 0.
    """
    known = np.isfinite(values).all(axis=0)
    count = len(values)
    safe = np.where(known, values, 0.0)
    mean = safe.mean(axis=0)
    deviation = np.sqrt(((safe - mean) ** 2).sum(axis=0) / max(count - 1, 1))
    return np.where(known, mean, np.nan), np.where(known, deviation, np.nan)


def read_convergence(path: Path, quantity: str) -> Convergence:
    with result_file(path, EXPERIMENT) as file:
        return collect(file, path, quantity)


def read_curves(file: h5py.File, quantity: str, done: np.ndarray, length: int) -> list[Curve]:
    """The shapes with a value at the last iteration, from their finished trials."""
    values = file[f"curves/{quantity}"][...]
    if values.shape != (*done.shape, length):
        raise ValueError(f"dataset 'curves/{quantity}' has shape {values.shape}, "
                         f"not {(*done.shape, length)}")
    curves = []
    for n, m, trials, there in zip(file["cells/n"][...], file["cells/m"][...], values, done):
        if there.any() and not np.isnan(trials[there]).any():
            curves.append(Curve(int(n), int(m), *over_trials(trials[there])))
    return curves


def collect(file: h5py.File, path: Path, quantity: str) -> Convergence:
    done = file["cells/done"][...] == 1
    facts = run_facts(file, path, done)
    if quantity not in file["curves"]:
        raise Refusal(f"'{path}' has no '{quantity}'; the run needs exact.enabled: true")
    iterations = file["curves/iteration"][...]
    curves = read_curves(file, quantity, done, len(iterations))
    if not curves:
        raise Refusal(f"'{path}' has '{quantity}' of no shape; a larger exact.work_limit may help")
    return Convergence(**facts, iterations=iterations, curves=curves)


# --- words around the panels ---------------------------------------------------------------------


def subtitle(run: Convergence, quantity: str) -> str:
    matrices = "1 weight matrix" if run.trials == 1 else f"{run.trials} weight matrices"
    lines = [f"Mean and standard deviation over {matrices}.", QUANTITIES[quantity].remark]
    if run.units_done < run.units:
        lines.append(f"Incomplete: {run.units_done:,} of {run.units:,} units.")
    return "\n".join(lines)


def footer(run: Convergence) -> str:
    settings = run.settings
    return (f"{settings['frame.ensemble']} weights; K = {settings['domain.kind']}; "
            f"{int(settings['test.samples']):,} test points; seed {run.seed}; "
            f"config {run.fingerprint[:12]}; mcbe {run.version}")


# --- drawing -------------------------------------------------------------------------------------


def draw_curve(axes: Axes, run: Convergence, curve: Curve, place: float, number: int,
               bounds: tuple[float, float]) -> None:
    lowest, highest = bounds
    colour = matplotlib.colormaps[COLOUR_MAP](place)
    axes.fill_between(run.iterations, np.maximum(curve.mean - curve.deviation, lowest),
                      np.minimum(curve.mean + curve.deviation, highest), color=colour, alpha=0.18,
                      linewidth=0)
    axes.plot(run.iterations, curve.mean, color=colour, linewidth=1.6,
              linestyle=DASHES[number % len(DASHES)], label=f"$m = {curve.m}$")


def draw_panel(axes: Axes, run: Convergence, n: int, quantity: Quantity) -> None:
    curves = [curve for curve in run.curves if curve.n == n]
    positive = [value for curve in curves for value in curve.mean[curve.mean > 0]]
    bounds = (0.0, 1.0) if quantity.is_share else (0.1 * min(positive, default=1.0), np.inf)
    for number, curve in enumerate(curves):
        place = 0.85 * number / max(len(curves) - 1, 1)
        draw_curve(axes, run, curve, place, number, bounds)
    axes.set_xscale("log")
    axes.set_xlim(run.iterations[0], max(run.iterations[-1], 2))
    if quantity.is_share:
        axes.set_ylim(0, 1.02)
    else:
        axes.set_yscale("log")
    axes.set_title(f"$n = {n}$", fontsize=10.5)
    axes.set_xlabel("iterations (points)")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=8, loc="lower right" if quantity.is_share else "lower left")


def draw(run: Convergence, quantity: str) -> Figure:
    words = QUANTITIES[quantity]
    dimensions = sorted({curve.n for curve in run.curves})
    columns = min(len(dimensions), MOST_PANELS_ACROSS)
    rows = -(-len(dimensions) // columns)
    width, height = max(3.6 * columns + 1.0, 9.0), 3.4 * rows + 1.5
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    figure.subplots_adjust(left=0.75 / width, right=1 - 0.25 / width, bottom=0.9 / height,
                           top=1 - 1.2 / height, wspace=0.08, hspace=0.4)
    for axes in grid.flat[len(dimensions):]:
        axes.remove()
    for axes, n in zip(grid.flat, dimensions):
        draw_panel(axes, run, n, words)
    for axes in grid[:, 0]:
        axes.set_ylabel(words.label, fontsize=9)
    figure.suptitle(words.title, x=0.62 / width, y=1 - 0.1 / height, ha="left", va="top",
                    fontsize=13)
    figure.text(0.62 / width, 1 - 0.42 / height, subtitle(run, quantity), ha="left", va="top",
                fontsize=8)
    figure.text(0.62 / width, 0.1 / height, footer(run), fontsize=6.8, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--quantity", choices=QUANTITIES, default="no_update",
                        help="what the curves show (default: no_update)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    make_pictures(options, lambda: draw(read_convergence(options.file, options.quantity),
                                        options.quantity))


if __name__ == "__main__":
    main(sys.argv[1:])
