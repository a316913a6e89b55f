#!/usr/bin/env python3
"""Draw how the singular values of a network's linearisation change from layer to layer.

    plot_network_spectrum.py FILE.h5 [-o OUT.png] [-o OUT.pdf] [--view condition|decay|relu]
                             [--layers L...] [--beside OTHER.h5]

condition: outputs, positive singular values and condition number over the layers (the default),
with --beside those of another network of as many layers of the same kinds as well.
decay: all singular values after each ReLU and after the last layer. relu: all singular values
before and after each ReLU, or after those of number L alone. Lines are medians over the points. Without -o it writes FILE.png and
FILE.pdf next to the input. The same file gives the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import Refusal, Run, argument_parser, make_pictures, result_file, run_facts

import matplotlib  # after mcbe_figures, which says what is missing
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

EXPERIMENT = "network_spectrum"
VIEWS = ("condition", "decay", "relu")
KINDS = ("dense", "conv", "relu", "max-pool", "flatten")  # numbers of /spectrum/kind
RELU = 2
MOST_PANELS_ACROSS = 3
BEFORE, AFTER = "#0072B2", "#D55E00"  # colour-blind safe (Okabe and Ito)
REMARKS = {
    "condition": "Condition: of the positive singular values alone, so it may fall with\ntheir number.",
    "decay": "Singular values above rounding, in descending order, after each ReLU and after the\nlast layer.",
    "relu": "Singular values above rounding, in descending order, before and after each ReLU.",
}


@dataclass(frozen=True)
class Spectra(Run):
    """Medians over the points that are finished."""

    kinds: list[int]
    outputs: np.ndarray
    rank: np.ndarray  # [layer]
    condition: np.ndarray  # [layer]; NaN without a positive singular value
    values: list[np.ndarray]  # of each layer, descending; empty if they were not stored
    points: int


# --- reading -------------------------------------------------------------------------------------


def read_spectra(path: Path, view: str) -> Spectra:
    with result_file(path, EXPERIMENT) as file:
        done = file["cells/done"][...] == 1
        facts = run_facts(file, path, done)
        if view != "condition" and "sigma" not in file:
            raise Refusal(f"'{path}' holds no singular values but the largest and smallest; the run needs "
                          "spectrum.values: true")
        group = file["spectrum"]
        rank = group["rank"][...][done]
        largest, smallest = (group[name][...][done] for name in ("largest", "smallest"))
        with np.errstate(divide="ignore", invalid="ignore"):
            condition = np.where(smallest > 0, largest / smallest, np.nan)
        values = []
        if "sigma" in file:
            owner, all_values = file["sigma/layer"][...], file["sigma/value"][...][done]
            values = [above_rounding(all_values[:, owner == layer], rank[:, layer])
                      for layer in range(rank.shape[1])]
        return Spectra(**facts, kinds=group["kind"][...].tolist(), outputs=group["outputs"][...],
                       rank=np.median(rank, axis=0), condition=medians(condition), values=values,
                       points=len(rank))


def above_rounding(values: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Medians of [point][number]; what a point's rank does not count is rounding and stands for 0."""
    counted = np.arange(values.shape[1]) < rank[:, None]
    return np.median(np.where(counted, values, 0.0), axis=0)


def medians(values: np.ndarray) -> np.ndarray:
    """Over the points that have a value; NaN where none has."""
    return np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan
                     for column in values.T])


# --- drawing -------------------------------------------------------------------------------------


def network_name(run: Spectra) -> str:
    return Path(run.settings["network.path"]).name


def layer_name(run: Spectra, layer: int) -> str:
    return f"{layer} {KINDS[run.kinds[layer]]}"


def draw_condition(figure: Figure, run: Spectra, beside: Spectra | None) -> None:
    layers = np.arange(len(run.kinds))
    grid = figure.subplots(3, 1, sharex=True)
    panels = (("outputs", "outputs", False), ("rank", "positive\nsingular values", False),
              ("condition", "condition", True))
    for axes, (name, label, is_log) in zip(grid, panels):
        axes.plot(layers, getattr(run, name), "o-", color=BEFORE, linewidth=1.5, markersize=4,
                  label=f"{network_name(run)}, {run.points:,} points")
        if beside:
            axes.plot(layers, getattr(beside, name), "s--", color=AFTER, linewidth=1.5, markersize=3.5,
                      label=f"{network_name(beside)}, {beside.points:,} points")
        axes.set_ylabel(label, fontsize=9)
        axes.set_yscale("log" if is_log else "linear")
        if not is_log:
            axes.set_ylim(0, None)
        axes.grid(color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    if beside:
        grid[0].legend(frameon=False, fontsize=8)
    grid[-1].set_xticks(layers, [layer_name(run, layer) for layer in layers], rotation=45,
                        ha="right", fontsize=8)


def draw_values(axes: Axes, values: np.ndarray, **style: object) -> None:
    positive = np.where(values > 0, values, np.nan)
    axes.plot(np.arange(1, len(values) + 1), positive, linewidth=1.5, **style)
    axes.set_yscale("log")
    axes.set_xlabel("number of the singular value")
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def draw_decay(figure: Figure, run: Spectra) -> None:
    axes = figure.subplots()
    last = len(run.kinds) - 1
    chosen = [layer for layer, kind in enumerate(run.kinds) if kind == RELU or layer == last]
    for number, layer in enumerate(chosen):
        place = 0.9 * number / max(len(chosen) - 1, 1)
        draw_values(axes, run.values[layer], color=matplotlib.colormaps["viridis"](place),
                    label=f"after layer {layer_name(run, layer)}")
    axes.set_ylabel("singular value")
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def relu_layers(run: Spectra, asked: Sequence[int] | None) -> list[int]:
    there = [layer for layer, kind in enumerate(run.kinds) if kind == RELU and layer > 0]
    if not there:
        raise Refusal("the network has no ReLU behind another layer, so there is nothing to compare")
    for layer in asked or []:
        if layer not in there:
            raise Refusal(f"layer {layer} is no ReLU behind another layer; these are: {', '.join(map(str, there))}")
    return list(asked or there)


def draw_relu(figure: Figure, run: Spectra, chosen: Sequence[int]) -> None:
    columns = min(len(chosen), MOST_PANELS_ACROSS)
    grid = figure.subplots(-(-len(chosen) // columns), columns, squeeze=False)
    for axes, layer in zip(grid.flat, chosen):
        draw_values(axes, run.values[layer - 1], color=BEFORE, label="before ReLU")
        draw_values(axes, run.values[layer], color=AFTER, label="after ReLU")
        axes.set_title(f"layers {layer_name(run, layer - 1)}, {layer_name(run, layer)}", fontsize=9.5)
        axes.legend(frameon=False, fontsize=8)
    for axes in grid.flat[len(chosen):]:
        axes.remove()
    for axes in grid[:, 0]:
        axes.set_ylabel("singular value")


def size_of(run: Spectra, view: str, panels: int) -> tuple[float, float]:
    if view != "relu":
        return (max(0.45 * len(run.kinds) + 1.6, 7.5), 6.2) if view == "condition" else (8.5, 5.0)
    columns = min(panels, MOST_PANELS_ACROSS)
    return max(3.6 * columns + 0.9, 7.5), 3.2 * -(-panels // columns) + 1.6


# --- words around the panels ---------------------------------------------------------------------


def title(run: Spectra) -> str:
    if run.settings["spectrum.of"] == "single":
        return "Singular values of each layer"
    return "Singular values of the network up to each layer"


def subtitle(run: Spectra, view: str, beside: Spectra | None = None) -> str:
    points = "One point." if run.points == 1 else f"Medians over {run.points:,} points."
    lines = [f"{'Medians over points.' if beside else points} {REMARKS[view]}"]
    for each in filter(None, (run, beside)):
        if each.units_done < each.units:
            lines.append(f"Incomplete: {each.units_done:,} of {each.units:,} units.")
    return "\n".join(lines)


def footer(run: Spectra) -> str:
    return (f"{network_name(run)}; points: {run.settings['points.kind']}; seed {run.seed}; "
            f"config {run.fingerprint[:12]}; mcbe {run.version}")


def draw(run: Spectra, view: str, asked: Sequence[int] | None = None, beside: Spectra | None = None) -> Figure:
    chosen = relu_layers(run, asked) if view == "relu" else []
    if beside and beside.kinds != run.kinds:
        raise Refusal(f"{network_name(beside)} has other layers than {network_name(run)}; only networks of as many layers "
                      "of the same kinds can be drawn beside each other")
    width, height = size_of(run, view, len(chosen))
    figure = Figure(figsize=(width, height))
    if view == "condition":
        draw_condition(figure, run, beside)
    elif view == "decay":
        draw_decay(figure, run)
    else:
        draw_relu(figure, run, chosen)
    figure.subplots_adjust(left=0.85 / width, right=1 - (1.7 if view == "decay" else 0.3) / width,
                           bottom=(1.25 if view == "condition" else 0.85) / height,
                           top=1 - 1.05 / height, wspace=0.3, hspace=0.15 if view == "condition" else 0.5)
    figure.suptitle(title(run), x=0.6 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=13)
    figure.text(0.6 / width, 1 - 0.42 / height, subtitle(run, view, beside), ha="left", va="top", fontsize=8)
    figure.text(0.6 / width, 0.1 / height, footer(run), fontsize=6.8, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("--view", choices=VIEWS, default="condition",
                        help="what to draw (default: condition)")
    parser.add_argument("--layers", type=int, nargs="+", metavar="L", help="with --view relu: these alone")
    parser.add_argument("--beside", type=Path, metavar="OTHER.h5", help="with --view condition: a second result")
    options = parser.parse_args(arguments)
    for name, view in (("layers", "relu"), ("beside", "condition")):
        if getattr(options, name) is not None and options.view != view:
            parser.error(f"--{name} has no meaning for --view {options.view}")
    return options


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)

    def picture() -> Figure:
        beside = read_spectra(options.beside, options.view) if options.beside else None
        return draw(read_spectra(options.file, options.view), options.view, options.layers, beside)

    make_pictures(options, picture)


if __name__ == "__main__":
    main(sys.argv[1:])
