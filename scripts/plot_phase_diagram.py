#!/usr/bin/env python3
"""Draw the phase diagram of a result file: one panel a bias family, n across, m upwards.

A run with guided search gives three rows: what uniform points alone say, what is left of it after the
search, and what is certain: refuted by a certificate, proven, or neither.

    plot_phase_diagram.py FILE.h5 [-o OUT.png] [-o OUT.pdf] [--quantity hamming|mcbe_injective]

Without -o it writes FILE.png and FILE.pdf next to the input. The same file gives the same picture,
byte for byte. Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import (Refusal, Run, argument_parser, bias_families, make_pictures, result_file,
                          run_facts)

import h5py  # after mcbe_figures, which says what is missing
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

EXPERIMENT = "phase_diagram"
DOTS_PER_INCH = {".png": 150, ".pdf": 600}  # the formats; in a PDF only the tiles are an image
COLOUR_MAP = "cividis"  # perceptually uniform, colour-blind safe, monotone in grey print

# m/n of the lines, all about bias 0: below 2 no layer is injective; for Gaussian weights and n to
# infinity none is below 3.3, all are above 9, and the change is predicted at 6.698 (thesis, ch. 2).
REDUNDANCIES = (2.0, 3.3, 6.7, 9.0)
PREDICTED_THRESHOLD = 6.7
FEW_VALUES = 6  # up to so many values of n or m each gets its own tick
LINES_TEXT = ("lines: m/n, as numbered; for bias 0, Gaussian weights and n to infinity: "
              "not injective below 3.3, injective above 9, threshold predicted at 6.7 (solid)")
MISSING_STYLE = {"facecolor": "0.88", "edgecolor": "0.6", "hatch": "//////", "linewidth": 0}

QUANTITIES = {
    "hamming": ("Hamming proportion $p_H$ of random ReLU layers",
                "$p_H$: share of rows with bias $\\leq \\alpha^*$"),
    "mcbe_injective": ("MCBE-injective random ReLU layers",
                       "share of matrices with bias $\\leq \\alpha^*$"),
}
REFUTED, PROVEN = 0.0, 1.0  # verdicts of a file; 2 is undecided, drawn halfway


@dataclass(frozen=True)
class Panel:
    """One bias family: its title and the mean over the trials that ran of each cell, or NaN."""

    title: str
    cell_means: np.ndarray


@dataclass(frozen=True)
class Row:
    """One way to look at all bias families; the label is empty if there is no other."""

    label: str
    panels: list[Panel]


@dataclass(frozen=True)
class PhaseDiagram(Run):
    """What is drawn of a result file."""

    n: np.ndarray
    m: np.ndarray
    rows: list[Row]
    samples: tuple[int, int]  # smallest and largest number of points of a finished unit


# --- reading -------------------------------------------------------------------------------------


def family_title(family: Mapping[str, str]) -> str:
    if family["kind"] == "normal":
        return f"bias $\\alpha \\sim \\mathcal{{N}}(0,\\ {float(family['variance']):g})$"
    return f"bias $\\alpha = {float(family['value']):g}$"


def mean_over_trials(values: np.ndarray) -> np.ndarray:
    """Mean over the finished trials of each cell ([cell][trial]; NaN = not run), NaN for none."""
    done = ~np.isnan(values)
    count = done.sum(axis=1)
    total = np.where(done, values, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


def read_trials(file: h5py.File, name: str) -> np.ndarray:
    """One quantity as [cell][trial] doubles, NaN where the unit was not run."""
    values = file[f"trials/{name}"][...].astype(float)
    cells = len(file["cells/n"])
    if values.ndim != 2 or len(values) != cells or len(file["cells/m"]) != cells:
        raise ValueError(f"dataset 'trials/{name}' has shape {values.shape}, not ({cells}, trials)")
    return np.where(values < 0, np.nan, values)


def read_phase_diagram(path: Path, quantity: str) -> PhaseDiagram:
    with result_file(path, EXPERIMENT) as file:
        return collect(file, path, quantity)


def collect(file: h5py.File, path: Path, quantity: str) -> PhaseDiagram:
    samples = read_trials(file, "samples")
    done = ~np.isnan(samples)
    facts = run_facts(file, path, done)
    families = bias_families(facts["settings"])
    if not families:
        raise ValueError("its config names no bias")
    return PhaseDiagram(
        **facts, n=file["cells/n"][...], m=file["cells/m"][...],
        rows=collect_rows(file, families, quantity),
        samples=(int(samples[done].min()), int(samples[done].max())))


def certainty(verdicts: np.ndarray) -> np.ndarray:
    """Verdicts on the scale of the colours: 0 refuted, 1 proven, 1/2 neither; NaN where not run."""
    decided = np.isnan(verdicts) | (verdicts == REFUTED) | (verdicts == PROVEN)
    return np.where(decided, verdicts, 0.5)


def uniform_alone(file: h5py.File, family: str, quantity: str) -> np.ndarray:
    share = read_trials(file, f"hamming_uniform/{family}")
    return share if quantity == "hamming" else np.where(np.isnan(share), share, share == 1)


def collect_rows(file: h5py.File, families: list[dict[str, str]], quantity: str) -> list[Row]:
    def row(label: str, values: Callable[[str], np.ndarray]) -> Row:
        return Row(label, [Panel(family_title(family), mean_over_trials(values(family["name"])))
                           for family in families])

    searched = "trials/hamming_uniform" in file
    visited = row("with guided search" if searched else "",
                  lambda family: read_trials(file, f"{quantity}/{family}"))
    if not searched:
        return [visited]
    return [row("uniform points alone", lambda family: uniform_alone(file, family, quantity)),
            visited,
            row("0 refuted, 1 proven, 1/2 neither",
                lambda family: certainty(read_trials(file, f"verdict/{family}")))]


# --- words around the panels ---------------------------------------------------------------------


def points_text(samples: tuple[int, int]) -> str:
    low, high = samples
    return f"{high:,}" if low == high else f"{low:,} to {high:,}"


def subtitle(diagram: PhaseDiagram) -> str:
    lines = [f"Monte Carlo estimate from {points_text(diagram.samples)} points a cell: "
             "an upper estimate of injectivity, which more points can only lower"]
    if len(diagram.rows) > 1:
        lines.append("Guided search looks for points with fewer than n active rows; each one found "
                     "is a certificate that can be checked")
    if diagram.units_done < diagram.units:
        lines.append(f"incomplete: {diagram.units_done:,} of {diagram.units:,} units")
    return "\n".join(lines)


def footer(diagram: PhaseDiagram) -> str:
    settings = diagram.settings
    matrices = "1 weight matrix" if diagram.trials == 1 else f"{diagram.trials} weight matrices"
    scale = "in units of the row norm" if settings["bias_scale"] == "row_norm" else "as they are"
    return (f"{settings['frame.ensemble']} weights, {matrices} a cell; "
            f"N = {points_text(diagram.samples)}, K = {settings['domain.kind']}; "
            f"biases {scale}; seed {diagram.seed}; "
            f"config {diagram.fingerprint[:12]}; mcbe {diagram.version}\n{LINES_TEXT}")


# --- drawing -------------------------------------------------------------------------------------


def tile_edges(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Edges of tiles centred on the distinct values, and for each value the number of its tile.

    All tiles are as wide as the smallest step; values left out of a list leave a gap.
    """
    distinct, position = np.unique(values, return_inverse=True)
    width = np.diff(distinct).min() if len(distinct) > 1 else 1
    starts = distinct - width / 2
    edges = np.unique(np.concatenate([starts, distinct + width / 2]))
    return edges, np.searchsorted(edges, starts)[position]


def draw_tiles(axes: Axes, diagram: PhaseDiagram, panel: Panel) -> matplotlib.cm.ScalarMappable:
    """Paint from below: hatching where units are missing, white outside the sweep, results."""
    x_edges, columns = tile_edges(diagram.n)
    y_edges, rows = tile_edges(diagram.m)
    means = np.full((len(y_edges) - 1, len(x_edges) - 1), np.nan)
    outside = np.ones(means.shape)
    means[rows, columns], outside[rows, columns] = panel.cell_means, np.nan

    if np.isnan(panel.cell_means).any():
        axes.patch.set(**MISSING_STYLE)
        axes.pcolormesh(x_edges, y_edges, np.ma.masked_invalid(outside), cmap="gray",
                        vmin=0, vmax=1, rasterized=True)
    image = axes.pcolormesh(x_edges, y_edges, np.ma.masked_invalid(means), cmap=COLOUR_MAP,
                            vmin=0, vmax=1, rasterized=True)
    for axis, values in ((axes.xaxis, diagram.n), (axes.yaxis, diagram.m)):
        distinct = np.unique(values)
        if len(distinct) <= FEW_VALUES:
            axis.set_ticks(distinct)
    axes.set_xlim(max(0, x_edges[0]), x_edges[-1])
    axes.set_ylim(max(0, y_edges[0]), y_edges[-1])
    return image


def draw_redundancy_lines(axes: Axes) -> None:
    """Lines m = r n, each labelled where it leaves the panel."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    outline = [withStroke(linewidth=2.4, foreground="black")]
    for redundancy in REDUNDANCIES:
        if redundancy * right <= bottom or redundancy * left >= top:
            continue
        axes.plot([left, right], [redundancy * left, redundancy * right], color="white",
                  linewidth=1.1, path_effects=outline,
                  linestyle="solid" if redundancy == PREDICTED_THRESHOLD else (0, (4, 3)))
        if redundancy * right > top:
            end, offset, across, upwards = (top / redundancy, top), (0, 2.5), "center", "bottom"
        else:
            end, offset, across, upwards = (right, redundancy * right), (2.5, 0), "left", "center"
        axes.annotate(f"{redundancy:g}", end, xytext=offset, textcoords="offset points",
                      ha=across, va=upwards, fontsize=8, annotation_clip=False)


def draw(diagram: PhaseDiagram, quantity: str) -> Figure:
    title, label = QUANTITIES[quantity]
    count = len(diagram.rows[0].panels)
    columns = min(count, 4)
    lines = -(-count // columns)  # of panels, in each row of the diagram
    rows = lines * len(diagram.rows)
    width, height = max(2.6 * columns + 1.2, 8.4), 3.6 * rows + 1.4
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    left = 0.62 if len(diagram.rows) == 1 else 0.82
    figure.subplots_adjust(left=left / width, right=1 - 1.15 / width, bottom=0.85 / height,
                           top=1 - 1.25 / height, wspace=0.2, hspace=0.3)

    for number, row in enumerate(diagram.rows):
        places = list(grid[number * lines:(number + 1) * lines].flat)
        for axes, panel in zip(places, row.panels):
            image = draw_tiles(axes, diagram, panel)
            draw_redundancy_lines(axes)
            axes.set_title(panel.title, fontsize=10.5, pad=14)
            axes.set_xlabel("input dimension $n$")
            axes.tick_params(labelbottom=True)
        for axes in places[count:]:
            axes.remove()
        for axes in grid[number * lines:(number + 1) * lines, 0]:
            axes.set_ylabel(f"{row.label}\nrows $m$" if row.label else "rows $m$")

    right = (width - 0.75) / width
    bar = figure.add_axes((right, 0.85 / height, 0.16 / width, 1 - 2.0 / height))
    figure.colorbar(image, cax=bar, label=label)
    figure.suptitle(title, x=0.62 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=13)
    figure.text(0.62 / width, 1 - 0.42 / height, subtitle(diagram), ha="left", va="top", fontsize=9)
    figure.text(0.62 / width, 0.1 / height, footer(diagram), fontsize=6.8, color="0.35",
                ha="left", va="bottom")
    if diagram.units_done < diagram.units:
        figure.legend(handles=[Patch(label="not run yet", **MISSING_STYLE)], loc="upper right",
                      frameon=False, fontsize=8)
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--quantity", choices=QUANTITIES, default="hamming",
                        help="what the colour shows (default: hamming)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    make_pictures(options, lambda: draw(read_phase_diagram(options.file, options.quantity),
                                        options.quantity), DOTS_PER_INCH)


if __name__ == "__main__":
    main(sys.argv[1:])
