"""What the trainings of this folder share: one network trained in one way, parts of the repetitions, files.

Every script trains with the layer that is watched left alone, regularised, or set to alpha* before every batch, with the
same initial weights, data and order of batches. It writes the measures after each epoch, from before the first one on.
Part I of N has the repetitions I, I + N, ... (counted from 0). Without --part, ranks under mpirun and tasks of a SLURM job
array (ranks first) take a part each, and write NAME_I.h5 instead of NAME.h5; plot_training.py takes all
parts. Exit codes: 0 done, 64 wrong use, 65 not usable data, 74 not written.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
METHODS = ("unregularized", "regularized", "manual")
AT_ONCE = 32  # images that go forward together where nothing is learnt; 500 take four times as long behind convolutions
MEASURES = ("accuracy", "p_injective", "hamming", "excess", "reconstruction_error")


def fail(code: int, sentence: str) -> NoReturn:
    print(f"{Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(code)


for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # small matrices: threads only cost
    os.environ.setdefault(_variable, "1")
try:
    import h5py
    import numpy as np
    import torch

    import mcbe
    from mcbe.torch import InjectivityPenalty, Monitor
except ImportError as error:
    fail(64, f"{error}; it needs the package mcbe, h5py and PyTorch (scripts/install-deps --torch)")


class Run:
    """One network, trained by one method. `layer` is the one of the Sequential `net` that is watched; data are the
    network's inputs, and what arrives at the layer changes with the layers before it."""

    def __init__(self, settings: dict[str, Any], method: str, repetition: int, data: tuple[Any, ...],
                 make: Callable[[dict[str, Any], tuple[int, ...]], tuple[Any, Any]]) -> None:
        train_x, train_y, test_x, test_y = data
        self.settings, self.method = settings, method
        self.inputs, self.targets = torch.as_tensor(train_x), torch.as_tensor(train_y)
        self.test_inputs, self.test_targets = torch.as_tensor(test_x), torch.as_tensor(test_y)
        torch.manual_seed(1000 * settings["seed"] + repetition)  # the same start for all methods
        self.net, self.layer = make(settings, train_x.shape[1:])
        self.front = self.net[:list(self.net).index(self.layer)]
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=settings["learning_rate"])
        self.loss = torch.nn.CrossEntropyLoss()
        train_seen, test_seen = self.seen(self.inputs), self.seen(self.test_inputs)
        self.penalty = InjectivityPenalty(self.layer, train_seen, settings["sigma"], samples=settings["samples"],
                                          seed=settings["seed"])
        # other points than those trained with
        self.monitor = Monitor(self.layer, train_seen, settings["sigma"], test_data=test_seen,
                               samples=settings["monitor_samples"], seed=settings["seed"] + 1_000_000,
                               inverse_points=settings["inverse_points"])
        self.weights: list[Any] = []
        self.biases: list[Any] = []

    def seen(self, inputs: Any) -> Any:
        """What the layer sees of the network's inputs as the network is now, without dropout."""
        if not len(self.front):
            return inputs
        self.net.eval()
        with torch.no_grad():
            values = torch.cat([self.front(some) for some in inputs.split(AT_ONCE)])
        self.net.train()
        return values

    def step(self, chosen: Any) -> None:
        if len(self.front) and self.method != "unregularized":
            self.penalty.set_data(self.seen(self.inputs[chosen]), self.settings["sigma"])
        if self.method == "manual":
            self.penalty.enforce_()
        self.optimizer.zero_grad()
        loss = self.loss(self.net(self.inputs[chosen]), self.targets[chosen])
        if self.method == "regularized":
            loss = loss + self.settings["penalty"] * self.penalty()
        loss.backward()
        self.optimizer.step()

    def record(self, epoch: int) -> None:
        if len(self.front):
            seen = self.seen(self.inputs)
            self.monitor.set_data(seen, self.settings["sigma"], test_data=self.seen(self.test_inputs))
            if self.method == "manual":
                self.penalty.set_data(seen, self.settings["sigma"])
        if self.method == "manual":
            self.penalty.enforce_()
        self.net.eval()
        with torch.no_grad():
            guesses = torch.cat([self.net(some).argmax(dim=1) for some in self.test_inputs.split(AT_ONCE)])
        self.net.train()
        right = (guesses == self.test_targets).double().mean().item()
        self.monitor.record(epoch, accuracy=right)
        if self.settings["keep_weights"]:
            self.weights.append(self.layer.weight.detach().numpy().copy())
            self.biases.append(self.layer.bias.detach().numpy().copy())

    def train(self, after: Callable[[Run, int], None]) -> None:
        """after(run, epoch) is called after every epoch, and before the first one for 0."""
        for epoch in range(self.settings["epochs"] + 1):
            if epoch > 0:
                for chosen in torch.randperm(len(self.inputs)).split(self.settings["batch"]):
                    self.step(chosen)
            self.record(epoch)
            after(self, epoch)


def write(path: Path, experiment: str, settings: dict[str, Any], repetitions: list[int],
          runs: dict[str, list[Run]]) -> None:
    try:
        with h5py.File(path, "w") as file:
            file.attrs.update(filetype="mcbe-training", experiment=experiment, settings=json.dumps(settings),
                              mcbe_version=mcbe.__version__, torch_version=str(torch.__version__), repetitions=repetitions)
            for method, members in runs.items():
                for name in MEASURES:
                    if name in members[0].monitor.history[0]:
                        file[f"{method}/{name}"] = np.array([run.monitor.arrays()[name] for run in members])
                if settings["keep_weights"]:
                    for name in ("weight", "bias"):
                        kept = np.array([run.weights if name == "weight" else run.biases for run in members])
                        file.create_dataset(f"{method}/{name}", data=kept, compression=9)
    except OSError as error:
        fail(74, f"cannot write '{path}': {error}")


def options_of(experiment: str, description: str, data: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("config", nargs="?", type=Path, default=HERE / f"{experiment}.toml")
    parser.add_argument("-o", "--output", type=Path, default=Path(f"training_{experiment}.h5"))
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--part", metavar="I/N")
    return parser


def place_in_job() -> tuple[int, int] | None:
    """This process among the ranks of mpirun or else the tasks of a SLURM job array: number, from 0, and count."""
    for number, count, first in (("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", ""),
                                 ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN")):
        if int(os.environ.get(count, "1")) > 1:
            return int(os.environ[number]) - int(os.environ.get(first, "0")), int(os.environ[count])
    return None


def take_part(options: argparse.Namespace, repetitions: int) -> list[int]:
    """The repetitions of this process. The number of a part that the job gave joins the name of the output."""
    place = None if options.part else place_in_job()
    if place:
        part, parts = place
        options.output = options.output.with_stem(f"{options.output.stem}_{part}")
        if part >= repetitions:
            print(f"part {part} of {parts}: nothing to do for {repetitions} repetitions", file=sys.stderr)
            sys.exit(0)  # another code would make mpirun end the other ranks
    else:
        try:
            part, parts = map(int, (options.part or "0/1").split("/"))
        except ValueError as error:
            fail(64, f"--part {options.part}: {error}; I/N is needed")
        if not 0 <= part < parts or part >= repetitions:
            fail(64, f"--part {options.part}: there is no such part of {repetitions} repetitions")
    return list(range(part, repetitions, parts))


def run_all(experiment: str, options: argparse.Namespace,
            read: Callable[[Path, dict[str, Any], int], tuple[Any, ...]],
            make: Callable[[dict[str, Any], tuple[int, ...]], tuple[Any, Any]],
            after: Callable[[Run, int, int], None] = lambda run, repetition, epoch: None) -> None:
    """Train every repetition of this part by all methods. read(path, settings, repetition) gives training and test
    set, make(settings, shape of an input) a network and its layer."""
    try:
        settings = tomllib.loads(options.config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(64, f"{options.config}: {error}")
    torch.set_num_threads(1)
    repetitions = take_part(options, settings["repetitions"])
    runs: dict[str, list[Run]] = {method: [] for method in METHODS}
    started = time.monotonic()
    for repetition in repetitions:
        data = read(options.data, settings, repetition)
        for method in METHODS:
            run = Run(settings, method, repetition, data, make)
            run.train(lambda run, epoch, repetition=repetition: after(run, repetition, epoch))  # type: ignore[misc]
            runs[method].append(run)
            print(f"repetition {repetition}, {method}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    write(options.output, experiment, settings, repetitions, runs)
