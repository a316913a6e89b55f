"""The files of iris.py and images.py, read for drawing."""
from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from mcbe_figures import Refusal

import h5py  # after mcbe_figures, which says what is missing
import numpy as np

NAMES = {"iris.csv": "Iris", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}
ALWAYS, SOMETIMES = ("accuracy", "p_injective", "hamming"), ("reconstruction_error",)


@dataclass(frozen=True)
class Training:
    """One experiment with one choice of settings, all its parts together."""

    experiment: str
    data: str  # what its data are called, or else the file or folder they came from
    m: int
    n: int
    settings: dict[str, Any]
    repetitions: list[int]
    curves: dict[str, dict[str, np.ndarray]]  # [method][measure]: [repetition][epoch]


def read_part(path: Path) -> Training:
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("filetype") != "mcbe-training":
                raise Refusal(f"'{path}' holds no training")
            settings = json.loads(file.attrs["settings"])
            curves = {method: {name: file[f"{method}/{name}"][...] for name in ALWAYS + SOMETIMES
                               if name in ALWAYS or f"{method}/{name}" in file} for method in settings["methods"]}
            data = file.attrs["data"]
            return Training(file.attrs["experiment"], NAMES.get(data, data), int(file.attrs["m"]), int(file.attrs["n"]),
                            settings, [int(number) for number in file.attrs["repetitions"]], curves)
    except (OSError, KeyError, ValueError) as error:
        raise Refusal(f"'{path}' cannot be read: {error}") from error


def read_trainings(paths: Sequence[Path]) -> list[Training]:
    """Parts that agree in everything but their repetitions are put together, in the order of the first of each."""
    found: dict[str, Training] = {}
    for path in paths:
        part = read_part(path)
        curve_settings = {key: value for key, value in part.settings.items() if not key.startswith("keep_")}
        key = json.dumps([part.experiment, part.data, part.m, part.n, curve_settings], sort_keys=True)
        before = found.setdefault(key, part)
        if before is not part:
            twice = set(before.repetitions) & set(part.repetitions)
            if twice:
                raise Refusal(f"'{path}' has repetition {min(twice)}, which another file has, too")
            curves = {method: {name: np.concatenate((before.curves[method][name], values))
                               for name, values in measures.items()} for method, measures in part.curves.items()}
            found[key] = replace(before, repetitions=before.repetitions + part.repetitions, curves=curves)
    return list(found.values())


def error_of_mean(values: np.ndarray) -> np.ndarray:
    """Standard error over the first axis, 0 for a single value."""
    return values.std(axis=0, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(values.shape[1:])


def draw_mean(axes: Any, values: np.ndarray, **style: Any) -> None:
    """A line of means over the repetitions, and a band of their standard errors. values: [repetition][epoch]"""
    epochs, mean, error = np.arange(values.shape[1]), values.mean(axis=0), error_of_mean(values)
    axes.fill_between(epochs, mean - error, mean + error, color=style["color"], alpha=0.18, linewidth=0)
    axes.plot(epochs, mean, **style)
