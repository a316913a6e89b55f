#!/usr/bin/env python3
"""Draw what a layer does to points: preimages, reconstruction, stability, or a map of a plane.

    plot_layer.py FILE.h5 [-o OUT.png] [-o OUT.pdf]
                  [--view classes|reconstruction|stability|plane]

Without --view it draws the plane of a grid, else preimages, stability or reconstruction, the first
that was measured. One panel a layer. Without -o it writes FILE.png and FILE.pdf next to the input.
The same file gives the same picture, byte for byte.
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
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure

EXPERIMENT = "layer"
MOST_PANELS_ACROSS = 3
NEEDS = {"plane": "active", "classes": "class", "stability": "smallest", "reconstruction": "error"}
TITLES = {
    "plane": "A layer along a plane",
    "classes": "What shares the layer's output with a point",
    "stability": "How stably the layer can be undone",
    "reconstruction": "Reconstruction from the active rows",
}
REMARKS = {
    "plane": "Condition: largest by smallest positive singular value of the active rows; white where there is none.",
    "classes": "Points by the number of positive outputs; at $n$ (line) the active rows can span $R^n$.",
    "stability": "Singular values of the active rows at each point. The least of the smallest and the largest of the\n"
                 "largest are estimates of the Lipschitz constants of the layer and its inverse from points alone.",
    "reconstruction": "Error of the least-squares reconstruction, by the norm of the point; line: $n$ rows.",
}
# colour-blind safe (Okabe and Ito), in the order of /points/class
CLASSES = ("the point alone", "bounded set", "unbounded set", "undecided")
COLOURS = ("#0072B2", "#009E73", "#D55E00", "#999999")
LEAST_ERROR = 1e-17  # what an error of 0 is drawn as


@dataclass(frozen=True)
class Layer:
    """One cell: what was measured at each point, by name."""

    n: int
    m: int
    points: dict[str, np.ndarray]


@dataclass(frozen=True)
class Measured(Run):
    """What is drawn of a result file."""

    view: str
    layers: list[Layer]


# --- reading -------------------------------------------------------------------------------------


def choose_view(file: h5py.File, asked: str | None, is_plane: bool, path: Path) -> str:
    there = [view for view, name in NEEDS.items()
             if name in file["points"] and (view != "plane" or is_plane)]
    if asked is None and there:
        return there[0]
    if asked is None or asked not in there:
        names = ", ".join(there) or "nothing"
        raise Refusal(f"'{path}' has no points for '{asked}'; it can be drawn as: {names}")
    return asked


def read_measured(path: Path, view: str | None) -> Measured:
    with result_file(path, EXPERIMENT) as file:
        done = file["cells/done"][...] == 1
        facts = run_facts(file, path, done)
        is_plane = facts["settings"]["points.kind"] == "plane"
        chosen = choose_view(file, view, is_plane, path)
        if chosen == "plane" and not done.all():
            raise Refusal(f"'{path}' is not complete; a plane needs all of its points")
        arrays = {name: file["points"][name][...] for name in file["points"] if name != "point"}
        layers = []
        for cell, (n, m) in enumerate(zip(file["cells/n"][...], file["cells/m"][...])):
            there = arrays["active"][cell] >= 0  # the last unit may have places without a point
            if there.any():
                layers.append(Layer(int(n), int(m), {name: values[cell][there]
                                                     for name, values in arrays.items()}))
        return Measured(**facts, view=chosen, layers=layers)


# --- drawing -------------------------------------------------------------------------------------


def draw_classes(axes: Axes, layer: Layer) -> None:
    active, kind = layer.points["active"], layer.points["class"]
    low, high = int(active.min()), int(active.max())
    width = max(1, (high - low + 1) // 60)
    edges = np.arange(low, high + width + 1, width) - 0.5
    for number, (name, colour) in enumerate(zip(CLASSES, COLOURS)):
        counts, _ = np.histogram(active[kind == number], edges)
        if counts.any():
            axes.stairs(counts, edges, color=colour, fill=True, alpha=0.25)
            axes.stairs(counts, edges, color=colour, linewidth=1.4,
                        label=f"{name}: {counts.sum():,}")
    axes.axvline(layer.n, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set_xlabel("positive outputs")
    axes.set_ylabel("points" if width == 1 else f"points in {width} numbers")
    axes.legend(frameon=False, fontsize=8)


def draw_reconstruction(axes: Axes, layer: Layer) -> None:
    points = layer.points
    norm = np.where(points["norm"] > 0, points["norm"], 1.0)
    error = np.maximum(points["error"] / norm, LEAST_ERROR)
    whole = points["rank"] == layer.n
    for chosen, colour, name in ((~whole, COLOURS[2], "rank below n"), (whole, COLOURS[0], "rank n")):
        if chosen.any():
            axes.plot(points["active"][chosen], error[chosen], ".", color=colour, markersize=2.5,
                      alpha=0.5, label=f"{name}: {int(chosen.sum()):,}", rasterized=True)
    axes.axvline(layer.n, color="0.3", linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set_yscale("log")
    axes.set_xlabel("active rows")
    axes.set_ylabel("relative error")
    axes.legend(frameon=False, fontsize=8, markerscale=4)


def draw_stability(axes: Axes, layer: Layer, name: str) -> None:
    values = layer.points[name]
    extreme = values.min() if name == "smallest" else values.max()
    counts, edges = np.histogram(values, bins=50)
    colour = COLOURS[0] if name == "smallest" else COLOURS[2]
    axes.stairs(counts, edges, color=colour, fill=True, alpha=0.3)
    axes.stairs(counts, edges, color=colour, linewidth=1.4,
                label=f"{'least' if name == 'smallest' else 'largest'}: {extreme:.3g}")
    lost = int((values == 0).sum())
    if lost and name == "smallest":
        axes.plot([], [], " ", label=f"rank below n: {lost:,}")
    axes.set_xlabel(f"{name} singular value")
    axes.set_ylabel("points")
    axes.legend(frameon=False, fontsize=8)


def square(values: np.ndarray) -> np.ndarray:
    side = round(len(values) ** 0.5)
    return values.reshape(side, side)


def draw_map(axes: Axes, run: Measured, layer: Layer, name: str) -> None:
    low, high = float(run.settings["plane.low"]), float(run.settings["plane.high"])
    options = {"origin": "lower", "extent": (low, high, low, high), "interpolation": "nearest",
               "aspect": "equal"}
    if name == "class":
        colours = ListedColormap(COLOURS)
        image = axes.imshow(square(layer.points[name]), cmap=colours,
                            norm=BoundaryNorm(np.arange(-0.5, 4), colours.N), **options)
        bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, ticks=range(len(CLASSES)))
        bar.ax.set_yticklabels(["\n".join(words.rsplit(" ", 1)) for words in CLASSES], fontsize=7.5)
        axes.set_title("preimage", fontsize=9.5)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = (layer.points["largest"] / layer.points["smallest_positive"]
                      if name == "condition" else layer.points[name].astype(float))
        image = axes.imshow(square(values), cmap="viridis", **options)
        axes.figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02)
        axes.set_title({"condition": "condition", "active": "active rows"}[name], fontsize=9.5)
    axes.set_xlabel("$s$")
    axes.set_ylabel("$t$")


def maps_of(layer: Layer) -> list[str]:
    wanted = {"class": "class", "condition": "smallest_positive", "active": "active"}
    return [name for name, needed in wanted.items() if needed in layer.points]


# --- words around the panels ---------------------------------------------------------------------


def subtitle(run: Measured) -> str:
    lines = [REMARKS[run.view]]
    if run.units_done < run.units:
        lines.append(f"Incomplete: {run.units_done:,} of {run.units:,} units.")
    return "\n".join(lines)


def footer(run: Measured) -> str:
    settings = run.settings
    network = settings.get("layer.network", "")
    source = (f"layer {settings['layer.number']} of {Path(network).name}" if network
              else f"{settings['frame.ensemble']} weights, bias {float(settings['layer.bias']):g}")
    count = len(run.layers[0].points["active"])
    kind = settings["points.kind"]
    return (f"{source}; {count:,} points ({kind}); seed {run.seed}; config {run.fingerprint[:12]}; "
            f"mcbe {run.version}")


def draw(run: Measured) -> Figure:
    panels = {"classes": draw_classes, "reconstruction": draw_reconstruction}
    maps = maps_of(run.layers[0]) if run.view == "plane" else []
    ends = ("smallest", "largest") if run.view == "stability" else ()
    count = len(run.layers) * max(len(maps), len(ends), 1)
    columns = len(maps) or (len(run.layers) if ends else min(count, MOST_PANELS_ACROSS))
    rows = -(-count // columns)
    width, height = max(4.0 * columns + 0.8, 7.5), (3.1 if maps else 3.4) * rows + 1.6
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(left=(1.0 if maps else 0.8) / width, right=1 - 0.3 / width, bottom=0.85 / height,
                           top=1 - (0.95 if maps else 1.1) / height, wspace=0.35, hspace=0.45)
    for axes in grid.flat[count:]:
        axes.remove()
    if run.view == "plane":
        for row, layer in zip(grid, run.layers):
            for axes, name in zip(row, maps):
                draw_map(axes, run, layer, name)
            row[0].set_ylabel(f"$m = {layer.m}$\n$t$")
    else:
        for number, axes in enumerate(grid.flat[:count]):
            layer = run.layers[number % len(run.layers)]
            if ends:
                draw_stability(axes, layer, ends[number // len(run.layers)])
            else:
                panels[run.view](axes, layer)
            axes.set_title(f"$n = {layer.n}$, $m = {layer.m}$", fontsize=10.5)
            axes.grid(color="0.9", linewidth=0.6)
            axes.set_axisbelow(True)
    figure.suptitle(TITLES[run.view], x=0.6 / width, y=1 - 0.1 / height, ha="left", va="top",
                    fontsize=13)
    figure.text(0.6 / width, 1 - 0.42 / height, subtitle(run), ha="left", va="top", fontsize=8)
    figure.text(0.6 / width, 0.1 / height, footer(run), fontsize=6.8, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--view", choices=NEEDS, help="what to draw (default: see above)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    make_pictures(options, lambda: draw(read_measured(options.file, options.view)))


if __name__ == "__main__":
    main(sys.argv[1:])
