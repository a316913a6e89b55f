#!/usr/bin/env python3
"""Draw p_I and p_H of a layer left alone through its training, for several redundancies m / n.

    plot_redundancy.py FILE.h5... [-o OUT.png]

Takes what iris.py and images.py wrote with other settings of `redundancy` and, if wanted, `learning_rate`: one column a
data set, by n; colours are redundancies, solid the smallest learning rate. Lines are means over the repetitions, bands
their standard errors. The same files give the same picture, byte for byte.
Exit codes: 0 done, 64 wrong use, 65 not files the script can draw, 74 not written.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from training_results import Training, draw_mean, error_of_mean, read_trainings
from mcbe_figures import Refusal, draw_files  # training_results knows where

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

METHOD = "unregularized"
PANELS = {"p_injective": "$p_I$ on the test set", "hamming": "$p_H$"}
COLOURS = ("#d95f02", "#35608d", "#1f9e89", "#7a4fa0", "#666666")
DASHES = ("solid", (0, (2.5, 1.5)), (0, (1, 1.5)))


def place(training: Training) -> tuple[Any, ...]:
    """What tells its line from others, in the order of drawing."""
    return training.n, training.data, training.m, training.settings["learning_rate"]


def read(paths: list[Path]) -> list[Training]:
    trainings = read_trainings(paths)
    for training in trainings:
        if METHOD not in training.curves:
            raise Refusal(f"a file of {training.data} lacks the method {METHOD}")
    trainings.sort(key=place)
    for one, other in zip(trainings, trainings[1:]):
        if place(one) == place(other):
            different = [key for key, value in one.settings.items() if value != other.settings.get(key)]
            raise Refusal(f"two files of {one.data} with m = {one.m} and learning rate {one.settings['learning_rate']:g} differ "
                          f"in {', '.join(different) or 'their experiment'}; one of them can be drawn")
    return trainings


def print_table(trainings: list[Training]) -> None:
    print("| data | m / n | learning rate | accuracy | p_I before | p_I after | p_H before | p_H after |\n|---|" + "---|" * 7)
    for each in trainings:
        curves = each.curves[METHOD]
        ends = [curves["accuracy"][:, -1], *(curves[name][:, at] for name in PANELS for at in (0, -1))]
        print(f"| {each.data} | {each.settings['redundancy']} | {each.settings['learning_rate']:g} | "
              + " | ".join(f"{end.mean():.3f} +- {error_of_mean(end):.3f}" for end in ends) + " |")


def draw(paths: list[Path]) -> Figure:
    trainings = read(paths)
    print_table(trainings)
    columns = list(dict.fromkeys((each.data, each.n) for each in trainings))
    redundancies = sorted({each.settings["redundancy"] for each in trainings})
    rates = sorted({each.settings["learning_rate"] for each in trainings})
    if len(redundancies) > len(COLOURS) or len(rates) > len(DASHES):
        raise Refusal(f"{len(redundancies)} redundancies and {len(rates)} learning rates; {len(COLOURS)} and "
                      f"{len(DASHES)} can be told apart")
    figure = Figure(figsize=(3.6 * len(columns) + 0.8, 6.2))
    panels = figure.subplots(len(PANELS), len(columns), squeeze=False, sharex="col")
    for column, (data, n) in enumerate(columns):
        for row, (name, label) in enumerate(PANELS.items()):
            axes, last = panels[row][column], 1
            for each in trainings:
                if (each.data, each.n) == (data, n):
                    values = each.curves[METHOD][name]
                    draw_mean(axes, values, color=COLOURS[redundancies.index(each.settings["redundancy"])],
                              linestyle=DASHES[rates.index(each.settings["learning_rate"])], linewidth=1.6)
                    last = max(last, values.shape[1] - 1)
            axes.set(xlim=(0, last), ylim=(-0.02, 1.02), ylabel="" if column else label)
            axes.grid(color="0.9", linewidth=0.6)
        panels[0][column].set_title(f"{data}, n = {n}", fontsize=10)
        panels[-1][column].set_xlabel("epoch")
    handles = [Line2D([], [], color=COLOURS[i], label=f"m = {redundancy} n") for i, redundancy in enumerate(redundancies)]
    handles += [Line2D([], [], color="0.3", linestyle=DASHES[i], label=f"learning rate {rate:g}")
                for i, rate in enumerate(rates) if len(rates) > 1]
    figure.legend(handles=handles, frameon=False, fontsize=8.5, ncol=len(handles), loc="lower center",
                  bbox_to_anchor=(0.5, 0.035))
    figure.suptitle("A layer left alone, through its training", x=0.06, y=0.985, ha="left", fontsize=12.5)
    repetitions = sorted({len(each.repetitions) for each in trainings})
    figure.text(0.06, 0.015, f"Means and standard errors of {' or '.join(map(str, repetitions))} repetitions.", fontsize=7.5,
                color="0.35")
    figure.subplots_adjust(left=0.065 + 0.05 / len(columns), right=0.98, top=0.9, bottom=0.15, wspace=0.14, hspace=0.08)
    return figure


if __name__ == "__main__":
    draw_files(__doc__, sys.argv[1:], draw)
