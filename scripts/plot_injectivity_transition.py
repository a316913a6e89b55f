#!/usr/bin/env python3
"""Draw how the share of injective layers turns with m/n at bias 0, and where for n to infinity.

    plot_injectivity_transition.py FILE.h5... [-o OUT.png] [-o OUT.pdf] [--mcbe PATH]

Left: shares against m/n with 95 % Wilson intervals, one colour an n: exact answers, guided search (not
refuted) and uniform points alone. Right: the m/n at which half of the layers are injective against 1/n, and
what it tends to. All counts and fits are those of `mcbe show FILE.h5 --midpoints --json`; only the
extrapolation is made here. Several files make one picture, named after the first. The same files give the
same picture, byte for byte. Exit codes: 0 done, 64 wrong use, 65 not a file this script can draw, 74 not
written.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mcbe_figures as figures
from mcbe_figures import EXIT_USAGE, Refusal, bias_families, fail, parse_listing

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

COLOUR_MAP = "viridis"  # perceptually uniform, colour-blind safe, monotone in grey print
NORMAL_QUANTILE = 1.959963984540054  # of the intervals, `mcbe show`'s included: 95 %

# m/n for Gaussian weights, bias 0 and n to infinity; sources in docs/method.md, section 17.
THEORY = ((3.3, "none injective below 3.3"), (6.698, "predicted threshold 6.698"),
          (7.65, "all injective above 7.65"), (8.34, "Euler characteristic conjecture 8.34"),
          (9.0, "all injective above 9"))
EXPONENTS = {1.0: "$1/n$", 2 / 3: "$n^{-2/3}$"}  # corrections that are tried
# The search finds what there is to find up to this n (method.md, section 17); beyond, its midpoints say
# how far it gets.
LARGEST_TRUSTED_N = 30
FEWEST_POINTS = 4  # of an extrapolation


@dataclass(frozen=True)
class Curve:
    """One n, one kind of answer: shares over m, and the m at which half of the layers say yes."""

    n: int
    by: str  # exact, guided or uniform
    m: np.ndarray
    layers: np.ndarray
    yes: np.ndarray
    midpoint: float  # in m, NaN where there is none
    low: float  # its interval, infinite where the data set no end
    high: float


@dataclass(frozen=True)
class Result(figures.Run):
    """What is drawn of one file."""

    curves: list[Curve]


@dataclass(frozen=True)
class Extrapolation:
    """Weighted least squares of midpoint / n = limit + slope / n^exponent."""

    exponent: float
    limit: float
    limit_error: float
    slope: float
    misfit: float  # chi squared
    points: int


# --- reading -------------------------------------------------------------------------------------


def ask_mcbe(program: str, path: Path) -> dict:
    """What mcbe says of a file."""
    command = [program, "show", str(path), "--midpoints", "--json"]
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        fail(EXIT_USAGE, f"cannot run '{program}': {error.strerror}; --mcbe PATH names the program")
    if finished.returncode != 0:
        last = (finished.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise Refusal(last.removeprefix("mcbe: error: "))
    try:
        return json.loads(finished.stdout)
    except json.JSONDecodeError as error:
        raise Refusal(f"'{program}' answered about '{path}' what is not JSON: {error}") from error


def number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def read_curve(entry: Mapping) -> Curve:
    m, layers, yes = (np.array([cell[name] for cell in entry["cells"]])
                      for name in ("m", "layers", "yes"))
    return Curve(entry["n"], entry["by"], m, layers, yes, number(entry["x0"], np.nan),
                 number(entry["low"], -np.inf), number(entry["high"], np.inf))


def read_result(program: str, path: Path) -> Result:
    said = ask_mcbe(program, path)
    try:
        settings = parse_listing(said["config_resolved"])
        zero = [family["name"] for family in bias_families(settings)
                if family["kind"] == "constant" and float(family["value"]) == 0]
        if not zero:
            raise Refusal(f"'{path}' has no bias family that is constant 0, which this figure is about")
        curves = [read_curve(entry) for entry in said["midpoints"]
                  if entry["bias"] == zero[0] and entry["layers"] > 0]
        if not curves:
            raise Refusal(f"'{path}' holds no finished layer yet, so there is nothing to draw")
        return Result(said["units_done"], said["units"], said["trials"], said["seed"],
                      said["fingerprint"], said["mcbe_version"], settings, curves)
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(f"'{program}' answered about '{path}' something else than expected: "
                      f"{error!r}") from error


# --- numbers -------------------------------------------------------------------------------------


def wilson(yes: np.ndarray, layers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the score interval of a share; layers > 0."""
    share, z = yes / layers, NORMAL_QUANTILE
    centre = share + z * z / (2 * layers)
    half = z * np.sqrt(share * (1 - share) / layers + (z / (2 * layers)) ** 2)
    scale = 1 + z * z / layers
    return np.clip((centre - half) / scale, 0, share), np.clip((centre + half) / scale, share, 1)


def best_known(curves: Sequence[Curve]) -> list[Curve]:
    """For each n the curve that knows most and has a midpoint with finite interval, ascending in n:
    exact, else guided where that can be trusted; of several the one with more layers."""
    chosen: dict[int, Curve] = {}
    for curve in curves:
        trusted = curve.by == "exact" or (curve.by == "guided" and curve.n <= LARGEST_TRUSTED_N)
        if not trusted or not np.isfinite([curve.low, curve.high]).all():
            continue
        rank = (curve.by == "exact", curve.layers.sum())
        other = chosen.get(curve.n)
        if other is None or rank > (other.by == "exact", other.layers.sum()):
            chosen[curve.n] = curve
    return [chosen[n] for n in sorted(chosen)]


def fit(curves: Sequence[Curve], exponent: float) -> Extrapolation:
    n = np.array([curve.n for curve in curves], dtype=float)
    midpoint = np.array([curve.midpoint for curve in curves]) / n
    error = np.array([curve.high - curve.low for curve in curves]) / (2 * NORMAL_QUANTILE * n)
    design = np.stack([np.ones_like(n), n ** -exponent], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    limit, slope = covariance @ (design.T @ (midpoint / error))
    misfit = float((((limit + slope * n ** -exponent) - midpoint) ** 2 / error ** 2).sum())
    # where the form does not fit, its errors are too small by as much as the misfit is too large
    stretch = max(1.0, misfit / (len(curves) - 2))
    return Extrapolation(exponent, float(limit), float(np.sqrt(covariance[0, 0] * stretch)),
                         float(slope), misfit, len(curves))


def extrapolate(curves: Sequence[Curve]) -> list[Extrapolation]:
    """All corrections that are tried, the one that fits best first; none for too few points."""
    points = best_known(curves)
    if len(points) < FEWEST_POINTS:
        return []
    return sorted((fit(points, exponent) for exponent in EXPONENTS), key=lambda f: f.misfit)


# --- words ---------------------------------------------------------------------------------------


def budget_text(results: Sequence[Result]) -> str:
    budgets = {int(result.settings["search.evaluations"]) for result in results
               if result.settings["search.enabled"] == "true"}
    return " or ".join(f"{budget:,}" for budget in sorted(budgets)) or "no"


def subtitle(results: Sequence[Result]) -> str:
    lines = [f"Guided search with {budget_text(results)} evaluations a layer: what it refutes is refuted, "
             "what it does not is not proven, so its shares are upper estimates and its midpoints lower "
             "bounds of the true ones",
             "Uniform points miss the rare directions that matter, the more so the larger n: the transition "
             "they show is their own"]
    missing = [f"{r.units_done:,} of {r.units:,} units" for r in results if r.units_done < r.units]
    if missing:
        lines.append("incomplete: " + "; ".join(missing))
    return "\n".join(lines)


def footer(results: Sequence[Result]) -> str:
    return "\n".join(
        f"{r.settings['frame.ensemble']} weights, bias 0, {r.trials} weight matrices for each (n, m); "
        f"{int(r.settings['sampling.samples']):,} uniform points; seed {r.seed}; "
        f"config {r.fingerprint[:12]}; mcbe {r.version}" for r in results)


def extrapolation_text(found: Sequence[Extrapolation]) -> str:
    first = found[0]
    return (f"exact, then guided to $n = {LARGEST_TRUSTED_N}$, to $n \\to \\infty$ in "
            f"{EXPONENTS[first.exponent]}: ${first.limit:.2f} \\pm "
            f"{NORMAL_QUANTILE * first.limit_error:.2f}$\n"
            + "; ".join(f"{EXPONENTS[f.exponent]}: $\\chi^2 = {f.misfit:.1f}$, limit {f.limit:.2f}"
                        for f in found) + f"; {first.points} points")


# --- drawing -------------------------------------------------------------------------------------

STYLES = {"exact": {"marker": "o", "linestyle": "none", "markersize": 4.5, "zorder": 3},
          "guided": {"marker": "o", "linestyle": "solid", "markersize": 6.5, "markerfacecolor": "none",
                     "linewidth": 1.1, "markeredgewidth": 0.9, "zorder": 2},
          "uniform": {"marker": "", "linestyle": (0, (3, 2)), "linewidth": 0.9, "alpha": 0.55,
                      "zorder": 1}}
WORDS = {"exact": "exact", "guided": "guided search: not refuted", "uniform": "uniform points alone"}


def draw_shares(axes: Axes, curves: Sequence[Curve], colours: Mapping[int, tuple]) -> None:
    for curve in curves:
        known = curve.layers > 0
        m, layers, yes = curve.m[known], curve.layers[known], curve.yes[known]
        axes.plot(m / curve.n, yes / layers, color=colours[curve.n], **STYLES[curve.by])
        if curve.by != "uniform":
            low, high = wilson(yes, layers)
            axes.vlines(m / curve.n, low, high, color=colours[curve.n], linewidth=0.7,
                        zorder=STYLES[curve.by]["zorder"])
    axes.axhline(0.5, color="0.7", linewidth=0.8, zorder=0)
    axes.set_xlabel("redundancy $m/n$")
    axes.set_ylabel("share of layers that are injective at bias 0")
    axes.set_ylim(-0.03, 1.03)
    many = [Line2D([], [], color=colours[n], linewidth=3, label=f"{n}") for n in sorted(colours)]
    kinds = [Line2D([], [], color="0.3", label=WORDS[by], **STYLES[by]) for by in STYLES
             if any(curve.by == by for curve in curves)]
    axes.add_artist(axes.legend(handles=many, title="$n$", loc="lower right", fontsize=8,
                                title_fontsize=9, ncols=2, frameon=False))
    axes.legend(handles=kinds, loc="upper left", fontsize=8, frameon=False)


def draw_midpoints(axes: Axes, curves: Sequence[Curve], colours: Mapping[int, tuple],
                   found: Sequence[Extrapolation]) -> None:
    right = 1.08 / min(colours)
    for value, words in THEORY:
        axes.axhline(value, color="0.55", linewidth=0.9,
                     linestyle="solid" if "predicted" in words else (0, (4, 3)), zorder=0)
        axes.annotate(words, (right, value), xytext=(-2, 2), textcoords="offset points",
                      ha="right", va="bottom", fontsize=7.5, color="0.35")
    for curve in curves:
        if np.isnan(curve.midpoint):
            continue
        style = {**STYLES[curve.by], "linestyle": "none"}
        if curve.by == "uniform":
            style["marker"] = "x"
        ends = np.clip([curve.low, curve.high], curve.m[0], curve.m[-1]) / curve.n
        axes.plot([1 / curve.n], [curve.midpoint / curve.n], color=colours[curve.n], **style)
        axes.vlines(1 / curve.n, *ends, color=colours[curve.n], linewidth=1.2)
    for line, extrapolation in zip(("solid", "dotted"), found):
        inverse = np.linspace(0, 0.5, 400)
        axes.plot(inverse, extrapolation.limit + extrapolation.slope * inverse ** extrapolation.exponent,
                  color="tab:red", linewidth=1, linestyle=line, zorder=0,
                  label=extrapolation_text(found) if line == "solid" else None)
    beyond = [curve for curve in curves if curve.by == "guided" and curve.n > LARGEST_TRUSTED_N
              and np.isfinite(curve.midpoint)]
    if beyond:
        last = max(beyond, key=lambda curve: curve.n)
        axes.annotate(f"$n > {LARGEST_TRUSTED_N}$: here the search gives up",
                      (1 / last.n, last.midpoint / last.n), xytext=(8, 0),
                      textcoords="offset points", fontsize=7.5, color="0.35", va="center")
    if found:
        axes.errorbar([0], [found[0].limit], yerr=[NORMAL_QUANTILE * found[0].limit_error], marker="D",
                      markersize=5, color="tab:red", capsize=3, clip_on=False, zorder=4)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 0.0), fontsize=7.5, frameon=False)
    axes.set_xlim(0, right)
    axes.set_ylim(1.5, 9.5)
    axes.set_xlabel("$1/n$")
    axes.set_ylabel("$m/n$ at which half of the layers are injective")


def draw(results: Sequence[Result]) -> Figure:
    curves = [curve for result in results for curve in result.curves]
    many = sorted({curve.n for curve in curves})
    norm = LogNorm(many[0], 1.3 * many[-1])  # leaves out the palest end
    colours = {n: matplotlib.colormaps[COLOUR_MAP](norm(n)) for n in many}
    width, height = 13.0, 6.9
    figure = Figure(figsize=(width, height))
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.6 / width, right=1 - 0.25 / width, bottom=0.95 / height,
                           top=1 - 1.15 / height, wspace=0.16)
    draw_shares(left, curves, colours)
    draw_midpoints(right, curves, colours, extrapolate(curves))
    figure.suptitle("When random ReLU layers become injective", x=0.6 / width, y=1 - 0.1 / height,
                    ha="left", va="top", fontsize=13)
    figure.text(0.6 / width, 1 - 0.42 / height, subtitle(results), ha="left", va="top", fontsize=9)
    figure.text(0.6 / width, 0.1 / height, footer(results), fontsize=6.8, color="0.35", ha="left",
                va="bottom")
    return figure


# --- command line --------------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = figures.argument_parser(__doc__, several=True)
    parser.add_argument("--mcbe", default="mcbe", metavar="PATH",
                        help="the program that reads the files (default: mcbe in PATH)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    figures.make_pictures(
        options, lambda: draw([read_result(options.mcbe, path) for path in options.files]))


if __name__ == "__main__":
    main(sys.argv[1:])
