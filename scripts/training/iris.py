#!/usr/bin/env python3
"""Train small networks on Iris with the first layer left alone, regularised or set to alpha*.

    iris.py [iris.toml] [-o training_iris.h5] [--data data/iris/iris.csv] [--set KEY=VALUE]... [--networks FOLDER]
            [--part I/N]

Keeps the first layer's weights and bias of every epoch and the standardised data as well, so that `mcbe run` can measure
everything again: configs/training_iris.yaml. training.py says what else it writes, and how repetitions are shared.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

from training import ROOT, fail, np, options_of, run_all, torch

SETTINGS = {"features": (list, None), "hidden": (int, 1), "test_share": (float, 0.0)}


def read_iris(path: Path, features: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The lines of four numbers and a class, a number or a name; any first line that is none is passed over."""
    rows, names = [], []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        fail(65, f"cannot read '{path}': {error.strerror}")
    for line in lines:
        fields = line.split(",")
        try:
            rows.append([float(value) for value in fields[:4]])
            names.append(fields[4].strip())
        except (ValueError, IndexError):
            if rows:
                fail(65, f"'{path}' has a line that is not four numbers and a class: '{line}'")
    if len(rows) != 150 or len(set(names)) != 3:
        fail(65, f"'{path}' has {len(rows)} flowers of {len(set(names))} classes; Iris has 150 of 3")
    return np.array(rows, np.float32)[:, features], np.unique(names, return_inverse=True)[1]


def read(path: Path, settings: dict[str, Any], repetition: int) -> tuple[Any, ...]:
    """Training and test set of one repetition, standardised by the training set."""
    x, y = read_iris(path, settings["features"])
    order = np.random.default_rng((settings["seed"], repetition)).permutation(len(x))
    tests = round(settings["test_share"] * len(x))
    test, train = order[:tests], order[tests:]
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    return ((x[train] - mean) / deviation, y[train], (x[test] - mean) / deviation, y[test])


def make(settings: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    hidden = settings["hidden"]
    layer = torch.nn.Linear(shape[0], settings["redundancy"] * shape[0])
    return torch.nn.Sequential(layer, torch.nn.ReLU(), torch.nn.Linear(layer.out_features, hidden), torch.nn.ReLU(),
                               torch.nn.Linear(hidden, 3)), layer


if __name__ == "__main__":
    run_all("iris", options_of("iris", __doc__ or "", ROOT / "data" / "iris" / "iris.csv").parse_args(), SETTINGS, read, make)
