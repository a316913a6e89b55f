#!/usr/bin/env python3
"""Draw what bounds the smallest singular value after ReLU has removed rows: Lemmas 8 and 9 at one image.

    plot_row_removal.py NET.h5 IMAGES [--image I] [--layers L...] [-o OUT.png] [-o OUT.pdf]

NET.h5: a network file (docs/network-format.md). IMAGES: MNIST's or Fashion-MNIST's images-idx3-ubyte, packed or not, or a
batch of CIFAR-10 (*.bin). L: numbers of ReLU layers (default: all). For each, A is the network's linearisation up to it,
at the image; rows that ReLU makes 0 are removed, M stay. Drawn: the most rows of these that meet Lemma 9's condition
with one removed row, against its constant c, beside the singular values and bounds (docs/method.md, section 21).
Without -o it writes NET_removal.png and .pdf where it runs. The numbers are printed as well.
Exit codes: 0 done, 64 wrong use, 65 not files the script can use, 74 not written.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcbe_figures import EXIT_USAGE, OneSentenceParser, Refusal, add_output_option, fail, make_pictures
from mcbe_images import Unreadable, read_images

import numpy as np  # after mcbe_figures, which says what is missing
from matplotlib.axes import Axes
from matplotlib.figure import Figure

try:
    import mcbe
except ImportError as error:
    fail(EXIT_USAGE, f"{error}; the script needs the Python package mcbe (docs/python.md)")

CONSTANTS = 80  # values of c
DECADES = 3  # they reach down from where all rows meet the condition, at least
MOST_PANELS_ACROSS = 3
# colour-blind safe (Okabe and Ito), dashes tell them apart as well
LINES = (("smallest", "#0072B2", "solid", "smallest, after ReLU"), ("largest", "0.3", "solid", "largest, after ReLU"),
         ("by_count", "#E69F00", (0, (1.5, 1.5)), "Lemma 8"), ("lemma", "#D55E00", (0, (5, 2)), "Lemma 9"),
         ("sharp", "#009E73", (0, (5, 1.5, 1, 1.5)), "its proof at best"))


@dataclass(frozen=True)
class Removed:
    """What one ReLU layer did."""

    layer: int
    shape: tuple[int, int]
    constants: np.ndarray
    found: mcbe.Removal


# --- measuring -----------------------------------------------------------------------------------


def load(options: argparse.Namespace) -> tuple[mcbe.Network, np.ndarray]:
    try:
        net = mcbe.Network(options.network)
        pixels, _ = read_images(options.images)
    except (mcbe.Error, Unreadable) as error:
        raise Refusal(str(error)) from error
    if not 0 <= options.image < len(pixels):
        raise Refusal(f"there is no image {options.image}; '{options.images}' has 0 to {len(pixels) - 1}")
    x = pixels[options.image].ravel().astype(float)
    if net.sizes[0] != len(x):
        raise Refusal(f"'{options.network}' takes {net.sizes[0]} numbers, but the images have {len(x)}")
    return net, x


def relu_layers(net: mcbe.Network, asked: Sequence[int] | None) -> list[int]:
    there = [number for number, kind in enumerate(net.kinds) if kind == "relu" and number > 0]
    for number in asked or there[:1]:
        if number not in there:
            raise Refusal(f"layer {number} is no ReLU behind another layer; these are: {', '.join(map(str, there))}")
    if not there:
        raise Refusal("the network has no ReLU behind another layer, so no rows are removed")
    return list(asked or there)


def measure(net: mcbe.Network, x: np.ndarray, layer: int) -> Removed:
    before = net.matrix(x, 0, layer)
    active = net.forward(x[None], layer)[0] > 0
    found = mcbe.removal(before, active)
    if not found.rows or not found.removed:
        raise Refusal(f"at this image ReLU layer {layer} leaves {found.rows} rows and removes {found.removed}; "
                      "there must be both")
    # beyond sqrt(M) times the largest singular value no product can be
    most = 1.25 * min(found.lemma, np.sqrt(found.rows) * found.largest)
    constants = np.geomspace(min(most / 10**DECADES, found.smallest), most, CONSTANTS)
    found = mcbe.removal(before, active, constants)
    print(f"layer {layer}: {found.rows} of {len(before)} rows stay; singular values {found.smallest:.3g} to "
          f"{found.largest:.3g}; bounds on the smallest: {found.by_count:.3g} (Lemma 8), {found.lemma:.3g} (Lemma 9), "
          f"{found.sharp:.3g} (its proof)", flush=True)
    return Removed(layer, before.shape, constants, found)


# --- drawing -------------------------------------------------------------------------------------


def draw_removed(axes: Axes, removed: Removed) -> None:
    found = removed.found
    axes.plot(removed.constants, found.counts, color="0.1", linewidth=1.5)
    axes.axhline(found.rows, color="#CC79A7", linewidth=1.2, label=f"all that stay: M = {found.rows:,}")
    for name, colour, dashes, words in LINES:
        value = getattr(found, name)
        if np.isfinite(value) and value > 0:
            axes.axvline(value, color=colour, linewidth=1.2, linestyle=dashes, label=f"{words}: {value:.3g}")
        else:
            axes.plot([], [], color=colour, linestyle=dashes, label=f"{words}: none")
    axes.set_xscale("log")
    axes.set_ylim(0, found.rows * 1.04)
    axes.set_xlabel("$c$, singular values")
    axes.set_ylabel("rows that meet the condition")
    axes.set_title(f"ReLU layer {removed.layer}: {found.rows:,} of {removed.shape[0]:,} rows stay, "
                   f"$n = {removed.shape[1]:,}$", fontsize=9)
    axes.legend(frameon=False, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncol=2)
    axes.grid(color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)


def draw(options: argparse.Namespace) -> Figure:
    net, x = load(options)
    layers = [measure(net, x, layer) for layer in relu_layers(net, options.layers)]
    columns = min(len(layers), MOST_PANELS_ACROSS)
    rows = -(-len(layers) // columns)
    width, height = max(4.0 * columns + 0.6, 7.5), 4.2 * rows + 1.2
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(left=0.8 / width, right=1 - 0.25 / width, bottom=1.45 / height, top=1 - 1.25 / height,
                           wspace=0.28, hspace=0.6)
    for axes, removed in zip(grid.flat, layers):
        draw_removed(axes, removed)
    for axes in grid.flat[len(layers):]:
        axes.remove()
    figure.suptitle("Rows that ReLU removes, and what they say of the smallest singular value", x=0.3 / width,
                    y=1 - 0.1 / height, ha="left", va="top", fontsize=13)
    figure.text(0.3 / width, 1 - 0.42 / height,
                "Black: the most rows $a_j$ that stay and have $|\\langle a_j, a_k\\rangle| \\leq c\\,|a_k|/\\sqrt{M}$ with "
                "one removed row $a_k$.\nLemma 9 bounds the smallest positive singular value by the $c$ at which all M do.",
                ha="left", va="top", fontsize=8)
    figure.text(0.3 / width, 0.1 / height, f"{options.network.name}; image {options.image} of {options.images.name}; "
                f"mcbe {mcbe.__version__}", fontsize=6.8, color="0.35", ha="left", va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = OneSentenceParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", type=Path, metavar="NET.h5", help="a network file")
    parser.add_argument("images", type=Path, metavar="IMAGES", help="IDX images, or a CIFAR-10 batch (.bin)")
    parser.add_argument("--image", type=int, default=0, metavar="I", help="number of the image (default: 0)")
    parser.add_argument("--layers", type=int, nargs="+", metavar="L", help="ReLU layers by number (default: all)")
    add_output_option(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    options.file = Path(f"{options.network.stem}_removal.png")
    make_pictures(options, lambda: draw(options))


if __name__ == "__main__":
    main(sys.argv[1:])
