#!/usr/bin/env python3
"""Train small networks on Iris with the first layer left alone, regularised or set to alpha*.

    iris.py [iris.toml] [-o training_iris.h5] [--data data/iris/iris.csv] [--part I/N]

Writes for every method and repetition the measures after each epoch and the first layer's weights and bias
(from before the first epoch on), so that everything can be measured again. Part I of N has the
repetitions I, I + N, ... (counted from 0), as a job array runs them; plot_training.py takes all parts.
Exit codes: 0 done, 64 wrong use, 65 not usable data, 74 not written.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
METHODS = ("unregularized", "regularized", "manual")
MEASURES = ("accuracy", "p_injective", "hamming", "excess")


def fail(code: int, sentence: str) -> NoReturn:
    print(f"iris.py: {sentence}", file=sys.stderr)
    sys.exit(code)


for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # small matrices: threads only cost
    os.environ.setdefault(_variable, "1")
try:
    import h5py
    import numpy as np
    import torch

    import mcbe
    from mcbe.torch import InjectivityPenalty, Monitor, enforce_
except ImportError as error:
    fail(64, f"{error}; it needs the package mcbe, h5py and PyTorch (scripts/install-deps --torch)")


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


def split(settings: dict[str, Any], x: np.ndarray, y: np.ndarray, repetition: int) -> tuple[Any, ...]:
    """Training and test set of one repetition, standardised by the training set."""
    order = np.random.default_rng((settings["seed"], repetition)).permutation(len(x))
    tests = round(settings["test_share"] * len(x))
    test, train = order[:tests], order[tests:]
    mean, deviation = x[train].mean(axis=0), x[train].std(axis=0)
    return ((x[train] - mean) / deviation, y[train], (x[test] - mean) / deviation, y[test])


class Run:
    """One network, trained by one method."""

    def __init__(self, settings: dict[str, Any], method: str, repetition: int, data: tuple[Any, ...]) -> None:
        train_x, train_y, test_x, test_y = data
        self.settings, self.method = settings, method
        self.inputs, self.targets = torch.as_tensor(train_x), torch.as_tensor(train_y)
        self.test_inputs, self.test_targets = torch.as_tensor(test_x), torch.as_tensor(test_y)
        torch.manual_seed(1000 * settings["seed"] + repetition)  # the same start for all methods
        n, m, hidden = train_x.shape[1], settings["m"], settings["hidden"]
        self.layer = torch.nn.Linear(n, m)
        self.net = torch.nn.Sequential(self.layer, torch.nn.ReLU(), torch.nn.Linear(m, hidden), torch.nn.ReLU(),
                                       torch.nn.Linear(hidden, 3))
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=settings["learning_rate"])
        self.loss = torch.nn.CrossEntropyLoss()
        self.penalty = InjectivityPenalty(self.layer, train_x, settings["sigma"], samples=settings["samples"],
                                          seed=settings["seed"])
        # other points than those trained with
        self.monitor = Monitor(self.layer, train_x, settings["sigma"], test_data=test_x,
                               samples=settings["monitor_samples"], seed=settings["seed"] + 1_000_000)
        self.steps = 0
        self.weights, self.biases = [], []

    def enforce(self) -> None:
        enforce_(self.layer, self.penalty.domain, samples=self.settings["samples"], seed=self.settings["seed"],
                 trial=self.steps)

    def step(self, chosen: Any) -> None:
        if self.method == "manual":
            self.enforce()
        self.optimizer.zero_grad()
        loss = self.loss(self.net(self.inputs[chosen]), self.targets[chosen])
        if self.method == "regularized":
            loss = loss + self.settings["penalty"] * self.penalty()
        loss.backward()
        self.optimizer.step()
        self.steps += 1

    def record(self, epoch: int) -> None:
        if self.method == "manual":
            self.enforce()
        with torch.no_grad():
            right = (self.net(self.test_inputs).argmax(dim=1) == self.test_targets).double().mean().item()
        self.monitor.record(epoch, accuracy=right)
        self.weights.append(self.layer.weight.detach().numpy().copy())
        self.biases.append(self.layer.bias.detach().numpy().copy())

    def train(self) -> None:
        self.record(0)
        for epoch in range(1, self.settings["epochs"] + 1):
            for chosen in torch.randperm(len(self.inputs)).split(self.settings["batch"]):
                self.step(chosen)
            self.record(epoch)


def write(path: Path, settings: dict[str, Any], repetitions: list[int], runs: dict[str, list[Run]]) -> None:
    try:
        with h5py.File(path, "w") as file:
            file.attrs.update(filetype="mcbe-training", experiment="iris", settings=json.dumps(settings),
                              mcbe_version=mcbe.__version__, torch_version=str(torch.__version__), repetitions=repetitions)
            for method, members in runs.items():
                for name in MEASURES:
                    file[f"{method}/{name}"] = np.array([run.monitor.arrays()[name] for run in members])
                file.create_dataset(f"{method}/weight", data=np.array([run.weights for run in members]), compression=9)
                file.create_dataset(f"{method}/bias", data=np.array([run.biases for run in members]), compression=9)
    except OSError as error:
        fail(74, f"cannot write '{path}': {error}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("config", nargs="?", type=Path, default=HERE / "iris.toml")
    parser.add_argument("-o", "--output", type=Path, default=Path("training_iris.h5"))
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "data" / "iris" / "iris.csv")
    parser.add_argument("--part", default="0/1", metavar="I/N")
    options = parser.parse_args()
    try:
        settings = tomllib.loads(options.config.read_text(encoding="utf-8"))
        part, parts = map(int, options.part.split("/"))
    except (OSError, ValueError) as error:
        fail(64, f"{options.config}, --part {options.part}: {error}")
    x, y = read_iris(options.data, settings["features"])
    torch.set_num_threads(1)
    repetitions = list(range(part, settings["repetitions"], parts))
    if not 0 <= part < parts or not repetitions:
        fail(64, f"--part {options.part}: there is no such part of {settings['repetitions']} repetitions")
    runs: dict[str, list[Run]] = {method: [] for method in METHODS}
    started = time.monotonic()
    for repetition in repetitions:
        data = split(settings, x, y, repetition)
        for method in METHODS:
            run = Run(settings, method, repetition, data)
            run.train()
            runs[method].append(run)
        print(f"repetition {repetition}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    write(options.output, settings, repetitions, runs)


if __name__ == "__main__":
    main()
