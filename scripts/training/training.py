"""What the trainings of this folder share: one network trained in one way, parts of the repetitions, files.

Every script trains with the layer that is watched left alone, regularised, or set to alpha* before every batch (the
setting `methods`), with the same initial weights, data and order of batches. It writes the measures after each epoch, from
before the first one on, as METHOD/MEASURE[repetition][epoch]. With keep_weights it also writes the layer of repetition R as
METHOD/weight/R[epoch][m][n] and METHOD/bias/R[epoch][m], stacks that `mcbe run` takes, and with keep_data the inputs as
data/train/R and data/test/R. --networks writes every network of repetition 0 after every epoch as METHOD_EPOCH.h5, a
network file that `mcbe run` reads. --set changes a setting for this run.
Part I of N has the repetitions I, I + N, ... (counted from 0). Without --part, ranks under mpirun and tasks of a SLURM job
array (ranks first) take a part each, and write NAME_I.h5 instead of NAME.h5; the drawings take all parts. The file is
written anew after every repetition. Exit codes: 0 done, 64 wrong use, 65 not usable data, 74 not written.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, Optional

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
METHODS = ("unregularized", "regularized", "manual")
DESIGNS = ("crossed_small", "crossed", "iid")
AT_ONCE = 32  # images that go forward together where nothing is learnt; 500 take 2.7 times as long behind convolutions
MEASURES = ("accuracy", "p_injective", "hamming", "excess", "reconstruction_error")
Kinds = Mapping[str, tuple[type, Optional[float]]]  # of settings: the type, and for numbers the least value
SETTINGS: Kinds = {  # of every experiment
    "methods": (list, None), "redundancy": (int, 1), "repetitions": (int, 1), "seed": (int, 0),
    "learning_rate": (float, 0.0), "batch": (int, 1), "epochs": (int, 0), "penalty": (float, 0.0), "sigma": (float, 0.0),
    "samples": (int, 1), "design": (str, None), "monitor_samples": (int, 1), "inverse_points": (int, 0),
    "keep_weights": (bool, None), "keep_data": (bool, None)}


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
    from export_network import Refusal, export_network
    from mcbe.torch import InjectivityPenalty, Monitor, keep_memory
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
                                          design=settings["design"], seed=settings["seed"])
        # other points than those trained with
        self.monitor = Monitor(self.layer, train_seen, settings["sigma"], test_data=test_seen,
                               samples=settings["monitor_samples"], design=settings["design"],
                               seed=settings["seed"] + 1_000_000, inverse_points=settings["inverse_points"])
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

    def train(self, networks: Path | None) -> None:
        """The network goes into the folder `networks` after every epoch, and before the first one as epoch 0."""
        for epoch in range(self.settings["epochs"] + 1):
            if epoch > 0:
                for chosen in torch.randperm(len(self.inputs)).split(self.settings["batch"]):
                    self.step(chosen)
            self.record(epoch)
            if networks is not None:
                export_network(self.net, networks / f"{self.method}_{epoch}.h5", tuple(self.inputs.shape[1:]))


class Results:
    """What came out of the repetitions so far, for the file `path`; `name` of the experiment, `data` where its data came
    from. A training takes long: what cannot be written is said before."""

    def __init__(self, path: Path, name: str, data: Path, settings: dict[str, Any]) -> None:
        self.path, self.name, self.data, self.settings = path, name, data, settings
        if path.is_dir():
            fail(74, f"cannot write '{path}': it is a folder")
        self.unfinished = path.with_name(path.name + ".tmp")
        try:
            self.unfinished.touch()
            self.unfinished.unlink()
        except OSError as error:
            fail(74, f"cannot write '{path}': {error.strerror}")
        self.repetitions: list[int] = []
        self.shape: tuple[int, ...] = ()  # of the layer
        self.measures: dict[str, list[Any]] = {}  # METHOD/MEASURE: [repetition][epoch]
        self.kept: dict[str, Any] = {}  # other datasets

    def add(self, repetition: int, runs: list[Run]) -> None:
        """One repetition by all methods."""
        self.repetitions.append(repetition)
        self.shape = tuple(runs[0].layer.weight.shape)
        for run in runs:
            for name, values in run.monitor.arrays().items():
                if name in MEASURES:
                    self.measures.setdefault(f"{run.method}/{name}", []).append(values)
            if self.settings["keep_weights"]:
                self.kept[f"{run.method}/weight/{repetition}"] = np.array(run.weights)
                self.kept[f"{run.method}/bias/{repetition}"] = np.array(run.biases)
        if self.settings["keep_data"]:
            self.kept[f"data/train/{repetition}"] = runs[0].inputs.numpy()
            self.kept[f"data/test/{repetition}"] = runs[0].test_inputs.numpy()

    def write(self) -> None:
        """Whole, or not at all."""
        try:
            with h5py.File(self.unfinished, "w") as file:
                file.attrs.update(filetype="mcbe-training", experiment=self.name, settings=json.dumps(self.settings),
                                  data=self.data.name, m=self.shape[0], n=self.shape[1], repetitions=self.repetitions,
                                  mcbe_version=mcbe.__version__, torch_version=str(torch.__version__))
                for name, values in {**self.measures, **self.kept}.items():
                    file[name] = np.array(values)
            os.replace(self.unfinished, self.path)
        except OSError as error:
            self.unfinished.unlink(missing_ok=True)
            fail(74, f"cannot write '{self.path}': {error.strerror or error}")


def options_of(experiment: str, description: str, data: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description.split("\n", 1)[0])
    parser.add_argument("config", nargs="?", type=Path, default=HERE / f"{experiment}.toml")
    parser.add_argument("-o", "--output", type=Path, default=Path(f"training_{experiment}.h5"))
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--part", metavar="I/N")
    parser.add_argument("--networks", type=Path, metavar="FOLDER")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="changes")
    return parser


def read_settings(path: Path, changes: list[str], own: Kinds) -> dict[str, Any]:
    """Those of the file, with changes like redundancy=3. own: settings that not every experiment has."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(64, f"{path}: {error}")
    for change in changes:
        try:
            (key, value), = tomllib.loads(change).items()
        except ValueError:
            fail(64, f"--set {change}: KEY=VALUE is needed, VALUE as in {path.name}: 3, 0.1, true, \"a word\", [1, 2]")
        if type(value) is not type(settings.get(key)):
            known = f"takes one like {settings[key]!r}" if key in settings else f"has {', '.join(settings)}"
            fail(64, f"--set {change}: {path.name} {known}")
        settings[key] = value
    for key, (kind, least) in {**SETTINGS, **own}.items():
        if type(settings.get(key)) is not kind or (least is not None and settings[key] < least):
            found = f"{key} = {settings[key]!r}" if key in settings else f"{key} is missing"
            fail(64, f"{path.name}: {found}; {'a value' if least is None else f'at least {least}'} "
                     f"of type {kind.__name__} is needed")
    methods = settings["methods"]
    if not methods or any(method not in METHODS or methods.count(method) > 1 for method in methods):
        fail(64, f"{path.name}: methods = {methods}; some of {', '.join(METHODS)} are needed, each once")
    if settings["design"] not in DESIGNS:
        fail(64, f"{path.name}: design = {settings['design']!r}; possible are {', '.join(DESIGNS)}")
    return settings


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


def run_all(experiment: str, options: argparse.Namespace, own: Kinds,
            read: Callable[[Path, dict[str, Any], int], tuple[Any, ...]],
            make: Callable[[dict[str, Any], tuple[int, ...]], tuple[Any, Any]]) -> None:
    """Train every repetition of this part by all methods. own: the experiment's own settings. read(path, settings,
    repetition) gives training and test set, make(settings, shape of an input) a network and its layer."""
    settings = read_settings(options.config, options.changes, own)
    torch.set_num_threads(1)
    keep_memory()
    repetitions = take_part(options, settings["repetitions"])
    results = Results(options.output, experiment, options.data.resolve(), settings)
    try:
        if options.networks is not None:
            options.networks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail(74, f"cannot write into '{options.networks}': {error.strerror}")
    started = time.monotonic()
    for repetition in repetitions:
        data = read(options.data, settings, repetition)
        runs: list[Run] = []
        for method in settings["methods"]:
            try:
                runs.append(Run(settings, method, repetition, data, make))
                runs[-1].train(options.networks if repetition == 0 else None)
            except (mcbe.Error, Refusal) as error:  # weights that are no longer finite, say
                fail(65, f"repetition {repetition}, {method}: {error}")
            except OSError as error:
                fail(74, f"cannot write into '{options.networks}': {error.strerror or error}")
            print(f"repetition {repetition}, {method}: {time.monotonic() - started:.0f} s", file=sys.stderr)
        results.add(repetition, runs)
        results.write()
