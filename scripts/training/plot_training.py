#!/usr/bin/env python3
"""Draw what training does to accuracy, p_I and p_H, method by method, and print the table of the last epoch.

    plot_training.py PART.h5... [-o OUT.png]

Takes the parts of one experiment that iris.py or images.py wrote. Lines are means over the repetitions, bands their standard
errors. The same files give the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not files the script can draw, 74 not written.
"""
from __future__ import annotations

import sys
from pathlib import Path

from training_results import Training, draw_mean, error_of_mean, read_trainings
from mcbe_figures import Refusal, draw_files  # training_results knows where

import numpy as np
from matplotlib.figure import Figure

STYLES = {"regularized": ("#35608d", "solid"), "manual": ("#1f9e89", (0, (5, 1.5))),
          "unregularized": ("#d95f02", (0, (1.5, 1.5)))}
WORDS = {"unregularized": "left alone", "regularized": "regularised", "manual": "set to $\\alpha^*$"}
PANELS = {"accuracy": "accuracy on the test set", "p_injective": "$p_I$ on the test set",
          "hamming": "$p_H$, by points not trained with"}
TITLES = {"iris": "The first layer of a network", "dense": "The first layer of a network",
          "convolutional": "A dense layer behind five convolutions"}
# network, measure, method: Table 7.1 of the thesis; Tables 7.2 and 7.3
THESIS: dict[str, dict[str, dict[str, float]]] = {
    "iris": {"p_injective": {"regularized": 0.98, "manual": 0.9, "unregularized": 0.67},
             "hamming": {"regularized": 0.7, "manual": 1.0, "unregularized": 0.16},
             "reconstruction_error": {"regularized": 0.84, "unregularized": 2.02}},
    "dense": {"p_injective": {"regularized": 0.73, "unregularized": 0},
              "reconstruction_error": {"regularized": 0.79, "unregularized": 1.63}},
    "convolutional": {"p_injective": {"regularized": 1, "unregularized": 0},
                      "reconstruction_error": {"regularized": 0.006, "unregularized": 57.87}}}
TABLES = {"iris": "Table 7.1", "dense": "Table 7.2 (MNIST)", "convolutional": "Table 7.2 (CIFAR-10)"}


def read(paths: list[Path]) -> tuple[Training, str]:
    """The one experiment of these parts, and its network."""
    first, *others = read_trainings(paths)
    if others:
        raise Refusal(f"'{paths[0]}' and another file are of different settings; the parts of one experiment are needed")
    network = first.settings.get("network", first.experiment)
    if network not in THESIS:
        raise Refusal(f"'{paths[0]}' is of the experiment '{first.experiment}'; iris and images can be drawn")
    return first, network


def print_table(training: Training, thesis: dict[str, dict[str, float]]) -> None:
    methods = [method for method in STYLES if method in training.curves]
    print("| | " + " | ".join(methods) + " |\n|---|" + "---|" * len(methods))
    for name in training.curves[methods[0]]:
        ends = [training.curves[method][name][:, -1] for method in methods]
        print(f"| {name} | " + " | ".join(f"{end.mean():.3f} +- {error_of_mean(end):.3f}" for end in ends) + " |")
        if name in thesis:
            print("| thesis | " + " | ".join(f"{thesis[name].get(method, np.nan):g}" for method in methods) + " |")


def draw(paths: list[Path]) -> Figure:
    training, network = read(paths)
    settings, thesis = training.settings, THESIS[network]
    print_table(training, thesis)
    figure = Figure(figsize=(10.5, 3.9))
    for axes, (name, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items()):
        for method, (colour, dashes) in STYLES.items():
            if method not in training.curves:
                continue
            values = training.curves[method][name]
            last = values.shape[1] - 1
            draw_mean(axes, values, color=colour, linestyle=dashes, linewidth=1.6, label=method)
            if method in thesis.get(name, {}):
                axes.plot([1.03 * last], [thesis[name][method]], marker="<", color=colour, clip_on=False,
                          linestyle="none", markersize=5)
        axes.set(title=label, xlabel="epoch", xlim=(0, last), ylim=(0, 1.02))
        axes.title.set_fontsize(10)
        axes.grid(color="0.9", linewidth=0.6)
    high = min(curve["accuracy"][:, -1].mean() for curve in training.curves.values()) > 0.5
    figure.axes[0].legend(frameon=False, fontsize=8.5, loc="lower right" if high else "upper right")
    figure.suptitle(f"{TITLES[network]} on {training.data}: "
                    + ", ".join(words for method, words in WORDS.items() if method in training.curves),
                    x=0.05, y=0.985, ha="left", fontsize=12.5)
    figure.text(0.05, 0.02, f"Means and standard errors of {len(training.repetitions)} repetitions; triangles: thesis, {TABLES[network]}. "
                f"n = {training.n}, m = {training.m}, lambda = {settings['penalty']:g}, sigma = {settings['sigma']:g}, "
                f"{settings['samples']:,} points a batch, seed {settings['seed']}.", fontsize=7.5, color="0.35")
    figure.subplots_adjust(left=0.05, right=0.98, top=0.83, bottom=0.2, wspace=0.16)
    return figure


if __name__ == "__main__":
    draw_files(__doc__, sys.argv[1:], draw)
