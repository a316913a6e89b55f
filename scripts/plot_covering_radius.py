#!/usr/bin/env python3
"""Draw a covering-radius run: the radius against N and n, and alpha* before and after correction.

    plot_covering_radius.py FILE.h5 [-o OUT.png] [-o OUT.pdf] [--points N]

Above, the radius: filled where it is exact, open where a search knows it from below, lines for the
asymptotic value. Below, box plots over the weight matrices from the first N points. Without -o it
writes FILE.png and FILE.pdf next to the input. The same file gives the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import Refusal, Run, argument_parser, make_pictures, result_file, run_facts

import h5py  # after mcbe_figures, which says what is missing
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

EXPERIMENT = "covering_radius"
COLOUR_MAP = "viridis"  # perceptually uniform, colour-blind safe, monotone in grey print
SERIES = ("radius_upper", "radius_search", "radius_expected", "alpha_min", "corrected_min",
          "rectified", "corrected_rectified")
MOST_RADIUS = 2.0  # of anything on the unit sphere: beyond it the asymptotic value means nothing
MARKERS = [Line2D([], [], color="0.3", marker="o", linestyle="none", label="exact"),
           Line2D([], [], color="0.3", marker="o", markerfacecolor="white", linestyle="none",
                  label="at least (search)"),
           Line2D([], [], color="0.3", label="asymptotic value, no bound")]


@dataclass(frozen=True)
class Shape:
    """What the finished trials of one shape measured, [trial][number of points] each."""

    n: int
    m: int
    series: dict[str, np.ndarray]
    exact_min: np.ndarray  # [trial]


@dataclass(frozen=True)
class CoveringRadius(Run):
    """What is drawn of a result file."""

    points: np.ndarray
    shapes: list[Shape]


# --- reading -------------------------------------------------------------------------------------


def read_covering_radius(path: Path) -> CoveringRadius:
    with result_file(path, EXPERIMENT) as file:
        return collect(file, path)


def collect(file: h5py.File, path: Path) -> CoveringRadius:
    done = file["cells/done"][...] == 1
    facts = run_facts(file, path, done)
    points = file["curves/points"][...]
    series = {name: file[f"curves/{name}"][...] for name in SERIES}
    for name, values in series.items():
        if values.shape != (*done.shape, len(points)):
            raise ValueError(f"dataset 'curves/{name}' has shape {values.shape}, "
                             f"not {(*done.shape, len(points))}")
    exact = (file["trials/exact_min"][...] if "trials/exact_min" in file
             else np.full(done.shape, np.nan))
    shapes = [Shape(int(n), int(m), {name: values[cell, there] for name, values in series.items()},
                    exact[cell, there])
              for cell, (n, m, there) in enumerate(zip(file["cells/n"][...], file["cells/m"][...],
                                                       done)) if there.any()]
    return CoveringRadius(**facts, points=points, shapes=shapes)


def place_of(run: CoveringRadius, points: int, path: Path) -> int:
    places = np.flatnonzero(run.points == points)
    if len(places) == 0:
        known = ", ".join(f"{count}" for count in run.points)
        raise Refusal(f"'{path}' has no curves at {points} points; --points may be one of {known}")
    return int(places[0])


def pooled(run: CoveringRadius, n: int, name: str) -> np.ndarray:
    """All trials of all shapes with this n: the radius does not depend on m."""
    return np.concatenate([shape.series[name] for shape in run.shapes if shape.n == n])


def corrected_shapes(run: CoveringRadius, place: int) -> list[Shape]:
    """The shapes every trial of which has an exact radius there."""
    return [shape for shape in run.shapes
            if not np.isnan(shape.series["corrected_min"][:, place]).any()]


def order_holds(shapes: Iterable[Shape], place: int) -> tuple[int, int]:
    """In how many trials corrected <= exact <= sampled, smallest entries each, and of how many."""
    holds = count = 0
    for shape in shapes:
        known = ~np.isnan(shape.exact_min)
        corrected, sampled = (shape.series[name][known, place]
                              for name in ("corrected_min", "alpha_min"))
        exact = shape.exact_min[known]
        holds += int(((corrected <= exact) & (exact <= sampled)).sum())
        count += int(known.sum())
    return holds, count


# --- words around the panels ---------------------------------------------------------------------


def subtitle(run: CoveringRadius) -> str:
    lines = ["Radius: mean over the sets of points, bars from the smallest to the largest exact "
             "one. Boxes: quartiles over the weight matrices, whiskers to the extremes."]
    if run.units_done < run.units:
        lines.append(f"Incomplete: {run.units_done:,} of {run.units:,} units.")
    return "\n".join(lines)


def footer(run: CoveringRadius) -> str:
    settings = run.settings
    matrices = "1 weight matrix" if run.trials == 1 else f"{run.trials} weight matrices"
    return (f"{settings['frame.ensemble']} weights, {matrices} a shape; K = "
            f"{settings['domain.kind']}; {int(settings['test.samples']):,} test points; search of "
            f"{int(settings['covering.visits']):,} places; seed {run.seed}; "
            f"config {run.fingerprint[:12]}; mcbe {run.version}")


# --- drawing -------------------------------------------------------------------------------------


def draw_radii(axes: Axes, x: np.ndarray, radii: dict[str, np.ndarray], colour: object,
               label: str) -> None:
    """One curve. `radii` are [trial][place on x]."""
    exact = ~np.isnan(radii["radius_upper"]).any(axis=0)
    expected = radii["radius_expected"][0]
    axes.plot(x, np.where(expected <= MOST_RADIUS, expected, np.nan), color=colour, linewidth=1.0)
    if exact.any():
        known = radii["radius_upper"][:, exact]
        mean = known.mean(axis=0)
        axes.errorbar(x[exact], mean, yerr=(mean - known.min(axis=0), known.max(axis=0) - mean),
                      color=colour, marker="o", markersize=4.5, linestyle="none", elinewidth=0.9,
                      label=label)
    axes.plot(x[~exact], radii["radius_search"][:, ~exact].mean(axis=0), color=colour, marker="o",
              markersize=4.5, markerfacecolor="white", linestyle="none",
              label=None if exact.any() else label)


def colour_of(number: int, count: int) -> object:
    return matplotlib.colormaps[COLOUR_MAP](0.9 * number / max(count - 1, 1))


def radius_against_points(axes: Axes, run: CoveringRadius) -> None:
    dimensions = sorted({shape.n for shape in run.shapes})
    for number, n in enumerate(dimensions):
        radii = {name: pooled(run, n, name) for name in SERIES}
        draw_radii(axes, run.points, radii, colour_of(number, len(dimensions)), f"$n = {n}$")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("points $N$")
    axes.set_ylabel("covering radius")
    axes.set_title("Radius against the number of points", fontsize=10.5)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda at: int(labels[at].strip("$n= ")))
    axes.legend([handles[at] for at in order], [labels[at] for at in order], frameon=False,
                fontsize=8, loc="lower left")


def radius_against_dimension(axes: Axes, run: CoveringRadius) -> None:
    dimensions = np.array(sorted({shape.n for shape in run.shapes}))
    for place, count in enumerate(run.points):
        # as many trials as the n with the fewest
        pools = {name: [pooled(run, int(n), name)[:, place] for n in dimensions] for name in SERIES}
        fewest = min(len(values) for values in pools["radius_upper"])
        radii = {name: np.stack([values[:fewest] for values in lists], axis=1)
                 for name, lists in pools.items()}
        draw_radii(axes, dimensions, radii, colour_of(place, len(run.points)),
                   f"$N = {count:,}$")
    axes.set_xscale("log")
    axes.set_xticks(dimensions, [str(n) for n in dimensions])
    axes.minorticks_off()
    axes.set_ylim(0, MOST_RADIUS)
    axes.set_xlabel("dimension $n$")
    axes.set_ylabel("covering radius")
    axes.set_title("Radius against the dimension", fontsize=10.5)
    axes.add_artist(axes.legend(frameon=False, fontsize=7.5, loc="upper left", ncols=2))
    axes.legend(handles=MARKERS, frameon=False, fontsize=8, loc="lower right")


def boxes(axes: Axes, shapes: Sequence[Shape],
          groups: Sequence[tuple[str, list[np.ndarray]]], legend: str) -> None:
    """Box plots side by side. Each group: a label and [shape][trial], left out where any is NaN."""
    if not shapes:
        axes.text(0.5, 0.5, "no shape has an exact radius here", transform=axes.transAxes,
                  ha="center", fontsize=9)
        return
    width = 0.8 / len(groups)
    handles = []
    for number, (label, values) in enumerate(groups):
        places = np.arange(len(shapes)) + (number - (len(groups) - 1) / 2) * width
        colour = matplotlib.colormaps[COLOUR_MAP](0.15 + 0.75 * number / max(len(groups) - 1, 1))
        shown = [(place, trials) for place, trials in zip(places, values)
                 if not np.isnan(trials).any()]
        if not shown:
            continue
        parts = axes.boxplot([trials for _, trials in shown],
                             positions=[place for place, _ in shown],
                             widths=0.85 * width, whis=(0, 100), patch_artist=True,
                             medianprops={"color": "black"})
        for box in parts["boxes"]:
            box.set(facecolor=colour, alpha=0.75)
        handles.append(Line2D([], [], color=colour, linewidth=6, alpha=0.75, label=label))
    axes.set_xticks(range(len(shapes)), [f"({shape.n}, {shape.m})" for shape in shapes])
    axes.set_xlim(-0.6, len(shapes) - 0.4)
    axes.set_xlabel("shape $(n, m)$")
    axes.legend(handles=handles, frameon=False, fontsize=8, loc=legend)


def draw(run: CoveringRadius, place: int) -> Figure:
    width, height = 11.0, 8.6
    figure = Figure(figsize=(width, height))
    (against_points, against_dimension), (shares, entries) = figure.subplots(2, 2)
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.09, top=0.89, wspace=0.2, hspace=0.33)
    radius_against_points(against_points, run)
    radius_against_dimension(against_dimension, run)
    shapes = corrected_shapes(run, place)
    points = f"{run.points[place]:,} points"
    boxes(shares, shapes,
          [(label, [shape.series[name][:, place] for shape in shapes])
           for label, name in (("$\\alpha^*$", "rectified"),
                               ("corrected by the exact radius", "corrected_rectified"))],
          "lower left")
    shares.set_ylabel("share of test points rectified")
    shares.set_title(f"Before and after correction, {points}", fontsize=10.5)
    boxes(entries, shapes,
          [("corrected", [shape.series["corrected_min"][:, place] for shape in shapes]),
           ("exact", [shape.exact_min for shape in shapes]),
           ("$\\alpha^*$ of the points",
            [shape.series["alpha_min"][:, place] for shape in shapes])], "upper right")
    entries.set_ylabel("smallest entry of the bias")
    holds, count = order_holds(shapes, place)
    if count:
        low, high = entries.get_ylim()
        entries.set_ylim(low - 0.08 * (high - low), high + 0.12 * (high - low))
        entries.text(0.02, 0.03, "corrected $\\leq$ exact $\\leq$ that of the points in "
                     f"{holds:,} of {count:,}", transform=entries.transAxes, fontsize=8)
    entries.set_title(f"Smallest entry, {points}", fontsize=10.5)
    for axes in figure.axes:
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    figure.suptitle("Covering radius of random points, and the error-corrected bias",
                    x=0.62 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=13)
    figure.text(0.62 / width, 1 - 0.42 / height, subtitle(run), ha="left", va="top", fontsize=8)
    figure.text(0.62 / width, 0.1 / height, footer(run), fontsize=6.8, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--points", type=int, default=100,
                        help="number of points of the box plots (default: 100)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)

    def picture() -> Figure:
        run = read_covering_radius(options.file)
        return draw(run, place_of(run, options.points, options.file))

    make_pictures(options, picture)


if __name__ == "__main__":
    main(sys.argv[1:])
