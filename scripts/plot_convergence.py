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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

EXIT_USAGE, EXIT_DATA, EXIT_IO = 64, 65, 74

try:
    import h5py
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    print(f"plot_convergence.py: {sys.executable} has no module '{error.name}'; it needs h5py, "
          "numpy and matplotlib (Debian: python3-h5py python3-matplotlib)", file=sys.stderr)
    sys.exit(EXIT_USAGE)

FILE_TYPE, MAJOR_VERSION, EXPERIMENT = "mcbe-results", 1, "convergence"
DOTS_PER_INCH = {".png": 150, ".pdf": 150}  # the formats
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


class Refusal(Exception):
    """Input that cannot be drawn; the text is the sentence the user is shown."""


@dataclass(frozen=True)
class Curve:
    """One shape: mean and standard deviation over the trials that ran, NaN where there is none."""

    n: int
    m: int
    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Convergence:
    """What is drawn of a result file."""

    iterations: np.ndarray
    curves: list[Curve]
    units_done: int
    units: int
    trials: int
    seed: int
    fingerprint: str
    version: str
    settings: Mapping[str, str]  # every key of the config, resolved


# --- reading -------------------------------------------------------------------------------------


def text_attribute(node: h5py.HLObject, name: str) -> str:
    value = node.attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def check_file_type(file: h5py.File, path: Path) -> None:
    if "filetype" not in file.attrs or text_attribute(file, "filetype") != FILE_TYPE:
        raise Refusal(f"'{path}' is an HDF5 file but not a result file of mcbe "
                      f"(its attribute 'filetype' is not '{FILE_TYPE}')")
    major = int(np.ravel(file.attrs["version"])[0])
    if major != MAJOR_VERSION:
        raise Refusal(f"'{path}' has format version {major}; "
                      f"this script reads version {MAJOR_VERSION}")
    experiment = text_attribute(file, "experiment")
    if experiment != EXPERIMENT:
        raise Refusal(f"'{path}' holds the experiment '{experiment}'; "
                      f"this script draws '{EXPERIMENT}'")


def parse_listing(listing: str) -> dict[str, str]:
    """The resolved config, 'path = value' a line; '~' or '+' before a path: it may change."""
    pairs = (line.partition(" = ") for line in listing.splitlines() if " = " in line)
    return {path.lstrip("~+"): value for path, _, value in pairs}


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
    if not path.is_file():
        raise Refusal(f"'{path}' does not exist or is not a file")
    if not h5py.is_hdf5(path):
        raise Refusal(f"'{path}' is not an HDF5 file")
    try:
        with h5py.File(path, "r") as file:
            check_file_type(file, path)
            return collect(file, path, quantity)
    except (KeyError, OSError, ValueError) as error:
        raise Refusal(f"'{path}' is damaged or cut short: {error.args[0]}") from error


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
    settings = parse_listing(text_attribute(file["config"], "resolved"))
    done = file["cells/done"][...] == 1
    if not done.any():
        raise Refusal(f"'{path}' holds no finished cell yet, so there is nothing to draw")
    if quantity not in file["curves"]:
        raise Refusal(f"'{path}' has no '{quantity}'; the run needs exact.enabled: true")
    iterations = file["curves/iteration"][...]
    curves = read_curves(file, quantity, done, len(iterations))
    if not curves:
        raise Refusal(f"'{path}' has '{quantity}' of no shape; a larger exact.work_limit may help")
    return Convergence(
        iterations=iterations, curves=curves, units_done=int(done.sum()), units=done.size,
        trials=done.shape[1], seed=int(file.attrs["seed"]),
        fingerprint=text_attribute(file, "config_fingerprint"),
        version=text_attribute(file, "mcbe_version"), settings=settings)


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


def save(figure: Figure, path: Path) -> None:
    """Write without any date, so that the same input gives the same bytes."""
    metadata = {"CreationDate": None} if path.suffix == ".pdf" else {}
    try:
        figure.savefig(path, metadata=metadata, dpi=DOTS_PER_INCH[path.suffix])
    except OSError as error:
        fail(EXIT_IO, f"cannot write '{path}': {error.strerror}")


# --- command line --------------------------------------------------------------------------------


def fail(code: int, sentence: str) -> NoReturn:
    print(f"plot_convergence.py: {sentence}", file=sys.stderr)
    sys.exit(code)


class OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(EXIT_USAGE, f"{message}; see --help")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = OneSentenceParser(description=summary)
    parser.add_argument("file", type=Path, metavar="FILE.h5", help="result of 'mcbe run'")
    parser.add_argument("-o", "--output", type=Path, action="append", metavar="OUT",
                        help="picture to write, .png or .pdf; may be repeated "
                             "(default: both, next to FILE.h5)")
    parser.add_argument("--quantity", choices=QUANTITIES, default="no_update",
                        help="what the curves show (default: no_update)")
    return parser.parse_args(arguments)


def output_paths(asked: Iterable[Path] | None, source: Path) -> list[Path]:
    paths = list(asked) if asked else [source.with_suffix(suffix) for suffix in DOTS_PER_INCH]
    for path in paths:
        if path.suffix not in DOTS_PER_INCH:
            fail(EXIT_USAGE, f"cannot write '{path}': the name must end in .png or .pdf")
    return paths


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    outputs = output_paths(options.output, options.file)
    try:
        run = read_convergence(options.file, options.quantity)
    except Refusal as refusal:
        fail(EXIT_DATA, str(refusal))
    figure = draw(run, options.quantity)
    for path in outputs:
        save(figure, path)


if __name__ == "__main__":
    main(sys.argv[1:])
