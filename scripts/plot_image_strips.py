#!/usr/bin/env python3
"""Draw what a layer keeps of images: reconstructions, or other images with the same output.

    plot_image_strips.py reconstruction IMAGES [--rows M...] [--bias B] [--network NET.h5...] [--pick I...]
    plot_image_strips.py invariance IMAGES (--network NET.h5 | --rows M) [--bias B] [--pairs A:B...]

IMAGES: MNIST's or Fashion-MNIST's images-idx3-ubyte, packed or not, or a batch of CIFAR-10 (*.bin). A layer is the first
one of a network file (docs/network-format.md), or random: M rows, at least as many as numbers in an image, and
alpha = B |w_j|, the weights of `mcbe run` for the same seed.
reconstruction: each image, its least-squares reconstruction from the active rows, and the difference.
invariance: image A, image B, and of all images with the same output as A those most like B, by each --likeness. Without
--pairs the A are those with fewest positive outputs, one a class, and B is the image of another class that is nearest to the
points with A's positive outputs, both of images that the network classifies as they are. That the outputs are the same is checked here by NumPy alone, printed, and a point that
fails ends the script.
Without -o it writes reconstruction.png and .pdf, or invariance.png and .pdf.
Exit codes: 0 done, 64 wrong use, 65 not files the script can use, 70 a point has another output, 74 not written.
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
from matplotlib.lines import Line2D

try:
    import mcbe
except ImportError as error:
    fail(EXIT_USAGE, f"{error}; the script needs the Python package mcbe (docs/python.md)")

EXIT_CHECK = 70
SAME_OUTPUT = 1e-9  # of the largest output that images can give: what MCBE_PREIMAGE_SAME_FEATURES stands for
SHOWN_DIFFERENCE = 0.5  # darkest colour of a difference
LIKENESSES = {"product": "largest product with B", "l1": "least sum of\ndifferences to B",
              "linf": "least largest\ndifference to B"}
CELL = 1.3  # inches an image takes


@dataclass(frozen=True)
class Images:
    name: str
    vectors: np.ndarray  # [number][channel, row, column], 0 to 1
    shape: tuple[int, int, int]
    labels: np.ndarray | None

    def label(self, number: int) -> str:
        return "" if self.labels is None else f": {self.labels[number]}"


@dataclass(frozen=True)
class Layer:
    """ReLU(Wx - alpha)."""

    name: str
    W: np.ndarray
    alpha: np.ndarray
    network: mcbe.Network | None  # it begins with this layer, behind flattening alone

    def outputs(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(0.0, x @ self.W.T - self.alpha)


@dataclass(frozen=True)
class Found:
    """An image with the same output as image a."""

    a: int
    b: int
    likeness: str
    x: np.ndarray
    difference: float  # largest of two outputs
    allowed: float


# --- what is drawn -------------------------------------------------------------------------------


def load_images(path: Path) -> Images:
    try:
        pixels, labels = read_images(path)
    except Unreadable as error:
        raise Refusal(str(error)) from error
    return Images(path.name.split(".")[0], pixels.reshape(len(pixels), -1).astype(float), pixels.shape[1:], labels)


def trained_layer(path: Path, n: int) -> Layer:
    try:
        net = mcbe.Network(path)
    except mcbe.Error as error:
        raise Refusal(str(error)) from error
    number = next((i for i, kind in enumerate(net.kinds) if kind in ("dense", "conv")), 0)
    before, after = net.kinds[:number], net.kinds[number + 1:number + 2]
    if set(before) > {"flatten"} or after != ("relu",) or net.kinds[number] not in ("dense", "conv"):
        raise Refusal(f"'{path}' begins with {', '.join(net.kinds[:3])}; a dense or conv layer followed by relu is needed")
    if net.sizes[0] != n:
        raise Refusal(f"'{path}' takes {net.sizes[0]} numbers, but the images have {n}")
    W, alpha = net.layer(number)
    return Layer(f"{path.stem}: {len(W):,} rows, trained", W, alpha, net)


def random_layer(n: int, rows: int, bias: float, seed: int) -> Layer:
    try:
        frame = mcbe.Frame.random(n, rows, seed=seed)
    except mcbe.Error as error:
        raise Refusal(f"{rows} random rows of {n} numbers: {error}") from error
    return Layer(f"{rows:,} random rows, {rows / n:.3g} n", frame.weights, bias * frame.row_norms, None)


def layers_of(options: argparse.Namespace, n: int) -> list[Layer]:
    rows = options.rows or ([2 * n, 3 * n] if not options.network else [])
    return ([trained_layer(path, n) for path in options.network]
            + [random_layer(n, m, options.bias, options.seed) for m in rows])


def chosen(number: int, images: Images) -> int:
    if not 0 <= number < len(images.vectors):
        raise Refusal(f"there is no image {number}; '{images.name}' has 0 to {len(images.vectors) - 1}")
    return number


def pairs_of(options: argparse.Namespace, images: Images, layer: Layer) -> list[tuple[int, int]]:
    if options.pairs:
        return [(chosen(a, images), chosen(b, images)) for a, b in options.pairs]
    if images.labels is None:
        raise Refusal(f"'{images.name}' has no file of classes beside it; choose images by --pairs")
    known = np.arange(len(images.labels))
    if layer.network and layer.network.sizes[-1] > images.labels.max():
        known = known[layer.network.forward(images.vectors).argmax(axis=1) == images.labels]
    if len(np.unique(images.labels[known])) < 2:
        raise Refusal(f"'{images.name}' has no two classes of images that the network knows; choose them by --pairs")
    active = (layer.outputs(images.vectors[known]) > 0).sum(axis=1)
    order = known[np.argsort(active, kind="stable")]
    _, first = np.unique(images.labels[order], return_index=True)
    return [(int(a), nearest_other(images, layer, int(a), known)) for a in order[np.sort(first)[:options.count]]]


def nearest_other(images: Images, layer: Layer, a: int, among: np.ndarray) -> int:
    """Of another class and nearest to the points whose positive outputs are those of a, the others left aside."""
    x = images.vectors
    normal, _ = np.linalg.qr(layer.W[layer.outputs(x[a]) > 0].T)
    distance = np.linalg.norm((x[among] - x[a]) @ normal, axis=1)
    distance[images.labels[among] == images.labels[a]] = np.inf
    return int(among[distance.argmin()])


def check_output(layer: Layer, a: int, b: int, likeness: str, x: np.ndarray, found: np.ndarray) -> Found:
    """By NumPy, from the weights alone: is it an image, with the same output?"""
    difference = float(np.abs(layer.outputs(found) - layer.outputs(x)).max())
    allowed = SAME_OUTPUT * float((np.abs(layer.W).sum(axis=1) + np.abs(layer.alpha)).max())
    same = difference <= allowed and found.min() >= 0 and found.max() <= 1
    print(f"image {a} towards {b} by {likeness}: {np.linalg.norm(found - x):.3g} away; outputs differ by at most "
          f"{difference:.1e}, allowed {allowed:.1e}: {'the same' if same else 'NOT the same'}", flush=True)
    if not same:
        fail(EXIT_CHECK, f"the point found for image {a} towards {b} by {likeness} has another output: a difference of "
                         f"{difference:.1e} where {allowed:.1e} is allowed, entries from {found.min():g} to {found.max():g}")
    return Found(a, b, likeness, found, difference, allowed)


def search(layer: Layer, images: Images, pairs: Sequence[tuple[int, int]], likenesses: Sequence[str]) -> list[list[Found]]:
    x, rows = images.vectors, []
    for a, b in pairs:
        row = []
        for likeness in likenesses:
            try:
                found = mcbe.most_like(layer.W, layer.alpha, x[a], x[b], likeness)
            except mcbe.Error as error:
                raise Refusal(f"image {a} towards {b} by {likeness}: {error}") from error
            row.append(check_output(layer, a, b, likeness, x[a], found.x))
        rows.append(row)
    return rows


# --- drawing -------------------------------------------------------------------------------------


def show(axes: Axes, vector: np.ndarray, shape: tuple[int, int, int], words: str) -> None:
    picture = np.moveaxis(np.clip(vector, 0, 1).reshape(shape), 0, -1)
    axes.imshow(picture[..., 0] if shape[0] == 1 else picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_xlabel(words, fontsize=6.8, labelpad=2)


def show_difference(axes: Axes, vector: np.ndarray, shape: tuple[int, int, int], words: str) -> None:
    axes.imshow(vector.reshape(shape).mean(axis=0), cmap="RdBu_r", vmin=-SHOWN_DIFFERENCE, vmax=SHOWN_DIFFERENCE,
                interpolation="nearest")
    axes.set_xlabel(words, fontsize=6.8, labelpad=2)


def strips(rows: int, columns: int, title: str, subtitle: str, footer: str) -> tuple[Figure, np.ndarray]:
    width, height = max(CELL * columns + 0.5, 6.5), (CELL + 0.25) * rows + 1.6
    figure = Figure(figsize=(width, height))
    grid = figure.subplots(rows, columns, squeeze=False)
    figure.subplots_adjust(left=0.25 / width, right=1 - 0.25 / width, bottom=0.6 / height, top=1 - 1.15 / height,
                           wspace=0.06, hspace=0.28)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set_color("0.8")
    figure.suptitle(title, x=0.25 / width, y=1 - 0.1 / height, ha="left", va="top", fontsize=13)
    figure.text(0.25 / width, 1 - 0.42 / height, subtitle, ha="left", va="top", fontsize=8)
    figure.text(0.25 / width, 0.1 / height, footer, fontsize=6.8, color="0.35", ha="left", va="bottom")
    return figure, grid


def footer(images: Images, layers: Sequence[Layer], options: argparse.Namespace) -> str:
    random = any(layer.network is None for layer in layers)
    return (f"{images.name}; {f'bias {options.bias:g}, seed {options.seed}; ' if random else ''}"
            f"mcbe {mcbe.__version__}")


def draw_reconstruction(options: argparse.Namespace) -> Figure:
    images = load_images(options.images)
    picked = [chosen(number, images) for number in options.pick]
    layers, x = layers_of(options, images.vectors.shape[1]), images.vectors[picked]
    figure, grid = strips(len(picked), 1 + 2 * len(layers), "Images back from a layer's output",
                          "Least squares on the active rows. Errors: by the norm of the image. "
                          f"Differences: from {-SHOWN_DIFFERENCE:g} (blue) to {SHOWN_DIFFERENCE:g} (red).",
                          footer(images, layers, options))
    for axes, number, vector in zip(grid[:, 0], picked, x):
        show(axes, vector, images.shape, f"image {number}{images.label(number)}")
    for column, layer in zip(range(1, 2 * len(layers), 2), layers):
        back = mcbe.reconstruct(layer.W, layer.alpha, layer.outputs(x))
        errors = np.linalg.norm(back.x - x, axis=1) / np.maximum(np.linalg.norm(x, axis=1), np.finfo(float).tiny)
        grid[0, column].set_title("\n".join(layer.name.split(", ")), fontsize=8.5)
        grid[0, column + 1].set_title("difference", fontsize=8.5)
        for row, error in enumerate(errors):
            print(f"image {picked[row]}, {layer.name}: {back.active[row]} active rows, rank {back.rank[row]}, "
                  f"relative error {error:.1e}", flush=True)
            show(grid[row, column], back.x[row], images.shape, f"{back.active[row]:,} active rows")
            show_difference(grid[row, column + 1], back.x[row] - x[row], images.shape, f"error {error:.1e}")
    return figure


def draw_invariance(options: argparse.Namespace) -> Figure:
    images = load_images(options.images)
    layers = layers_of(options, images.vectors.shape[1])
    if len(layers) != 1 or not (options.network or options.rows):
        raise Refusal("invariance is of one layer; give one --network or one number of --rows")
    layer, x = layers[0], images.vectors
    found = search(layer, images, pairs_of(options, images, layer), options.likeness)
    largest = max(each.difference for row in found for each in row)
    figure, grid = strips(len(found), 2 + len(options.likeness), "Images that a layer cannot tell from A",
                          f"{layer.name}. Right of the line: images with the output of A that are most like B.\n"
                          f"Checked: no output differs by more than {largest:.1e}.",
                          footer(images, layers, options))
    for column, words in enumerate(["A", "B"] + [LIKENESSES[name] for name in options.likeness]):
        grid[0, column].set_title(words, fontsize=8.5)

    def says(point: np.ndarray) -> str:
        return f"network says {layer.network.forward(point[None]).argmax()}" if layer.network else ""

    for axes, row in zip(grid, found):
        a, b = row[0].a, row[0].b
        positive = int((layer.outputs(x[a]) > 0).sum())
        show(axes[0], x[a], images.shape, f"image {a}{images.label(a)}, {positive} positive\n{says(x[a])}")
        show(axes[1], x[b], images.shape, f"image {b}{images.label(b)}\n{says(x[b])}")
        for each, place in zip(row, axes[2:]):
            show(place, each.x, images.shape, f"outputs differ by {each.difference:.0e}\n{says(each.x)}")
    middle = (grid[0, 1].get_position().x1 + grid[0, 2].get_position().x0) / 2
    ends = [grid[-1, 0].get_position().y0, grid[0, 0].get_position().y1]
    figure.add_artist(Line2D([middle, middle], ends, color="0.4", linewidth=1))
    return figure


# --- command line --------------------------------------------------------------------------------


def pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition(":")
    return int(first), int(second)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = OneSentenceParser(description=(__doc__ or "").partition("\n")[0])
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="reconstruction|invariance",
                                  parser_class=OneSentenceParser)
    for name in ("reconstruction", "invariance"):
        kind = kinds.add_parser(name)
        kind.add_argument("images", type=Path, metavar="IMAGES", help="IDX images, or a CIFAR-10 batch (.bin)")
        kind.add_argument("--network", type=Path, nargs="+", default=[], metavar="NET.h5", help="its first layer")
        kind.add_argument("--rows", type=int, nargs="+", metavar="M", help="of random layers (reconstruction: 2n and 3n)")
        kind.add_argument("--bias", type=float, default=0.0, help="of random layers, by the rows' norms (default: 0)")
        kind.add_argument("--seed", type=int, default=20240101, help="of random layers (default: 20240101)")
        add_output_option(kind)
        if name == "reconstruction":
            kind.add_argument("--pick", type=int, nargs="+", default=[0, 1, 2, 3], metavar="I", help="images (0 1 2 3)")
        else:
            kind.add_argument("--pairs", type=pair, nargs="+", metavar="A:B", help="images, by number")
            kind.add_argument("--count", type=int, default=4, metavar="N", help="pairs to be chosen (default: 4)")
            kind.add_argument("--likeness", nargs="+", choices=LIKENESSES, default=["product", "l1"],
                              help="default: product l1")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    options.file = Path(options.kind + ".png")
    draw = draw_reconstruction if options.kind == "reconstruction" else draw_invariance
    make_pictures(options, lambda: draw(options))


if __name__ == "__main__":
    main(sys.argv[1:])
