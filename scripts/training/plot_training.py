#!/usr/bin/env python3
"""Draw what training does to accuracy, p_I and p_H, method by method, and print the table of the last epoch.

    plot_training.py PART.h5... [-o OUT.png]

Takes the parts of one experiment that iris.py or images.py wrote. Lines are means over the repetitions, bands their standard
errors. The same files give the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not files the script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from mcbe_figures import OneSentenceParser, Refusal, add_output_option, make_pictures

import h5py  # after mcbe_figures, which says what is missing
import numpy as np
from matplotlib.figure import Figure

STYLES = {"regularized": ("#35608d", "solid"), "manual": ("#1f9e89", (0, (5, 1.5))),
          "unregularized": ("#d95f02", (0, (1.5, 1.5)))}
PANELS = {"accuracy": "accuracy on the test set", "p_injective": "$p_I$ on the test set",
          "hamming": "$p_H$, by points not trained with"}
ROWS = (*PANELS, "reconstruction_error")
TITLES = {"iris": "The first layer of a network on Iris", "images": "The first layer of a network on images",
          "cifar10": "A dense layer behind five convolutions"}
# experiment, measure, method: Table 7.1 of the thesis; Tables 7.2 and 7.3, MNIST and CIFAR-10
THESIS = {"iris": {"p_injective": {"regularized": 0.98, "manual": 0.9, "unregularized": 0.67},
                   "hamming": {"regularized": 0.7, "manual": 1.0, "unregularized": 0.16}},
          "images": {"p_injective": {"regularized": 0.73, "unregularized": 0},
                     "reconstruction_error": {"regularized": 0.79, "unregularized": 1.63}},
          "cifar10": {"p_injective": {"regularized": 1, "unregularized": 0},
                      "reconstruction_error": {"regularized": 0.006, "unregularized": 57.87}}}
TABLES = {"iris": "Table 7.1", "images": "Table 7.2 (MNIST)", "cifar10": "Table 7.2 (CIFAR-10)"}


def read(paths: list[Path]) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, object], str]:
    """[method][measure] -> [repetition][epoch], the settings and the experiment."""
    found: dict[str, dict[str, list[np.ndarray]]] = {method: {name: [] for name in ROWS} for method in STYLES}
    settings, experiment = "", ""
    for path in paths:
        try:
            with h5py.File(path, "r") as file:
                if file.attrs.get("filetype") != "mcbe-training":
                    raise Refusal(f"'{path}' holds no training")
                if settings not in ("", file.attrs["settings"]):
                    raise Refusal(f"'{path}' has other settings than '{paths[0]}'")
                settings, experiment = file.attrs["settings"], file.attrs["experiment"]
                for method, measures in found.items():
                    for name, parts in measures.items():
                        if name in PANELS or f"{method}/{name}" in file:
                            parts.append(file[f"{method}/{name}"][...])
        except (OSError, KeyError) as error:
            raise Refusal(f"'{path}' cannot be read: {error}") from error
    if experiment not in THESIS:
        raise Refusal(f"'{paths[0]}' is of the experiment '{experiment}'; iris and images can be drawn")
    chosen = json.loads(settings)
    if chosen.get("network") == "convolutional":
        experiment = "cifar10"
    return ({method: {name: np.concatenate(parts) for name, parts in measures.items() if parts}
             for method, measures in found.items()}, chosen, experiment)


def error_of_mean(values: np.ndarray) -> np.ndarray:
    return values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1:])


def print_table(curves: dict[str, dict[str, np.ndarray]], thesis: dict[str, dict[str, float]]) -> None:
    print("| | " + " | ".join(STYLES) + " |\n|---|" + "---|" * len(STYLES))
    for name in next(iter(curves.values())):
        ends = [curves[method][name][:, -1] for method in STYLES]
        print(f"| {name} | " + " | ".join(f"{end.mean():.3f} +- {error_of_mean(end):.3f}" for end in ends) + " |")
        if name in thesis:
            print("| thesis | " + " | ".join(f"{thesis[name].get(method, np.nan):g}" for method in STYLES) + " |")


def draw(paths: list[Path]) -> Figure:
    curves, settings, experiment = read(paths)
    thesis = THESIS[experiment]
    print_table(curves, thesis)
    figure = Figure(figsize=(10.5, 3.9))
    for axes, (name, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items()):
        for method, (colour, dashes) in STYLES.items():
            values = curves[method][name]
            epochs, mean, error = np.arange(values.shape[1]), values.mean(axis=0), error_of_mean(values)
            axes.fill_between(epochs, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0)
            axes.plot(epochs, mean, color=colour, linestyle=dashes, linewidth=1.6, label=method)
            if method in thesis.get(name, {}):
                axes.plot([1.03 * epochs[-1]], [thesis[name][method]], marker="<", color=colour, clip_on=False,
                          linestyle="none", markersize=5)
        axes.set(title=label, xlabel="epoch", xlim=(0, epochs[-1]), ylim=(0, 1.02))
        axes.title.set_fontsize(10)
        axes.grid(color="0.9", linewidth=0.6)
    high = min(curve["accuracy"][:, -1].mean() for curve in curves.values()) > 0.5
    figure.axes[0].legend(frameon=False, fontsize=8.5, loc="lower right" if high else "upper right")
    repetitions = len(next(iter(curves.values()))["accuracy"])
    figure.suptitle(TITLES[experiment] + ": left alone, regularised, set to $\\alpha^*$",
                    x=0.05, y=0.985, ha="left", fontsize=12.5)
    figure.text(0.05, 0.02, f"Means and standard errors of {repetitions} repetitions; triangles: thesis, {TABLES[experiment]}. "
                f"m = {settings.get('m') or '%d n' % settings['redundancy']}, lambda = {settings['penalty']:g}, sigma = {settings['sigma']:g}, "
                f"{settings['samples']:,} points a batch, seed {settings['seed']}.", fontsize=7.5, color="0.35")
    figure.subplots_adjust(left=0.05, right=0.98, top=0.83, bottom=0.2, wspace=0.16)
    return figure


def main() -> None:
    parser = OneSentenceParser(description=(__doc__ or "").partition("\n")[0],
                               formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="PART.h5")
    add_output_option(parser)
    options = parser.parse_args()
    make_pictures(options, lambda: draw(options.files))


if __name__ == "__main__":
    main()
