#!/usr/bin/env python3
"""Draw what a layer does to points: preimages, reconstruction, stability, or a map of a plane.

    plot_layer.py FILE.h5 [-o OUT.png] [-o OUT.pdf]
                  [--view classes|reconstruction|stability|plane|networks]

Without --view it draws the plane of a grid, several networks beside each other, else preimages,
stability or reconstruction, the first that was measured. One panel a layer. Networks whose names
differ in a number at the end, as NAME_0.h5, NAME_1.h5, are one line. Without -o it writes FILE.png
and FILE.pdf next to the input. The same file gives the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import re
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
from matplotlib.ticker import MaxNLocator

EXPERIMENT = "layer"
MOST_PANELS_ACROSS = 3
NEEDS = {"plane": "active", "networks": "active", "classes": "class", "stability": "smallest", "reconstruction": "error"}
TITLES = {
    "plane": "A layer along a plane",
    "networks": "A layer through a training",
    "classes": "What shares the layer's output with a point",
    "stability": "How stably the layer can be undone",
    "reconstruction": "Reconstruction from the active rows",
}
REMARKS = {
    "plane": "Condition: largest by smallest positive singular value of the active rows; white where there is none.",
    "networks": "The same points through the same layer of one network after the other. Shaded: from the least to the\n"
                "largest of the points.",
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
    """One cell, or one network of it: what was measured at each point, by name."""

    n: int
    m: int
    points: dict[str, np.ndarray]
    network: str = ""


@dataclass(frozen=True)
class Measured(Run):
    """What is drawn of a result file."""

    view: str
    layers: list[Layer]


# --- reading -------------------------------------------------------------------------------------


def choose_view(file: h5py.File, asked: str | None, is_plane: bool, path: Path) -> str:
    fits = {"plane": is_plane, "networks": "trials/network" in file}
    there = [view for view, name in NEEDS.items() if name in file["points"] and fits.get(view, True)]
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
        layers, names, networks = [], [""], np.zeros(done.shape, dtype=int)
        if chosen == "networks":
            names = [Path(name).stem for name in facts["settings"]["layer.network"].split(", ")]
            networks = file["trials/network"][...]
        for cell, (n, m) in enumerate(zip(file["cells/n"][...], file["cells/m"][...])):
            for number, name in enumerate(names):
                # the last unit may have places without a point
                there = (arrays["active"][cell] >= 0) & (networks[cell] == number)[:, np.newaxis]
                if there.any():
                    layers.append(Layer(int(n), int(m), {key: values[cell][there]
                                                         for key, values in arrays.items()}, name))
        return Measured(**facts, view=chosen, layers=layers)


# --- drawing -------------------------------------------------------------------------------------


def relative_errors(layer: Layer) -> np.ndarray:
    norm = layer.points["norm"]
    return np.maximum(layer.points["error"] / np.where(norm > 0, norm, 1.0), LEAST_ERROR)


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
    error = relative_errors(layer)
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


def lines_of(layers: Sequence[Layer]) -> dict[str, list[tuple[int, Layer]]]:
    """Networks by their name without the number at its end, each with that number, ascending."""
    lines: dict[str, list[tuple[int, Layer]]] = {}
    for place, layer in enumerate(layers):
        found = re.fullmatch(r"(.*?)[_-]?(\d+)", layer.network)
        name, number = (found[1], int(found[2])) if found else ("", place)
        lines.setdefault(name, []).append((number, layer))
    return {name: sorted(members, key=lambda member: member[0]) for name, members in lines.items()}


def network_panels(layer: Layer) -> list[str]:
    """What is drawn of each network, as far as it was measured."""
    wanted = {"injective": "active", "relative error": "error", "smallest": "smallest", "largest": "largest"}
    return [name for name, needed in wanted.items() if needed in layer.points]


def draw_networks(axes: Axes, layers: Sequence[Layer], name: str) -> None:
    for place, (line, members) in enumerate(lines_of(layers).items()):
        numbers = [number for number, _ in members]
        colour = f"C{place}"
        if name == "injective":
            shares = [(layer.points["active"] >= layer.n).mean() for _, layer in members]
            axes.plot(numbers, shares, "o-", color=colour, markersize=4, label=line)
            continue
        values = [relative_errors(layer) if name == "relative error" else layer.points[name] for _, layer in members]
        axes.plot(numbers, [np.median(some) for some in values], "o-", color=colour, markersize=4, label=line)
        axes.fill_between(numbers, [some.min() for some in values], [some.max() for some in values], color=colour,
                          alpha=0.15, linewidth=0)
    if name == "injective":
        axes.set_ylim(-0.03, 1.03)
    elif name in ("relative error", "largest"):  # of several powers of ten
        axes.set_yscale("log")
    axes.set_ylabel({"injective": "share of points with n positive outputs", "relative error": "relative error, median",
                     "smallest": "smallest singular value, median", "largest": "largest singular value, median"}[name])
    axes.set_xlabel("number in the name of the network")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


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
    names = [Path(name).name for name in network.split(", ")]
    of = names[0] if len(names) == 1 else f"{len(names)} networks, {names[0]} to {names[-1]}"
    source = (f"layer {settings['layer.number']} of {of}" if network
              else f"{settings['frame.ensemble']} weights, bias {float(settings['layer.bias']):g}")
    count = len(run.layers[0].points["active"])
    kind = settings["points.kind"]
    return (f"{source}; {count:,} points ({kind}); seed {run.seed}; config {run.fingerprint[:12]}; "
            f"mcbe {run.version}")


def draw(run: Measured) -> Figure:
    panels = {"classes": draw_classes, "reconstruction": draw_reconstruction}
    maps = maps_of(run.layers[0]) if run.view == "plane" else []
    ends = ("smallest", "largest") if run.view == "stability" else ()
    networks = network_panels(run.layers[0]) if run.view == "networks" else []
    count = len(networks) or len(run.layers) * max(len(maps), len(ends), 1)
    columns = len(maps) or min(len(networks), 2) or (len(run.layers) if ends else min(count, MOST_PANELS_ACROSS))
    rows = -(-count // columns)
    width, height = max(4.0 * columns + 0.8, 7.5), (3.1 if maps else 3.4) * rows + 1.6
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(left=(1.0 if maps else 0.8) / width, right=1 - 0.3 / width, bottom=0.85 / height,
                           top=1 - (0.95 if maps else 1.1) / height, wspace=0.35, hspace=0.45)
    for axes in grid.flat[count:]:
        axes.remove()
    if networks:
        for axes, name in zip(grid.flat, networks):
            draw_networks(axes, run.layers, name)
        grid.flat[0].legend(frameon=False, fontsize=8)
        grid.flat[0].set_title(f"$n = {run.layers[0].n}$, $m = {run.layers[0].m}$", fontsize=10.5)
    elif run.view == "plane":
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
