#!/usr/bin/env python3
"""Train a plain classifier of images and write it as a network file of mcbe.

    classifier.py NAME [-o networks/NAME.h5] [--data data/mnist] [--config classifier.toml]

NAME is a table of classifier.toml: the networks of the inverse-stability paper's appendix A4. --data is a folder with
the files of MNIST, Fashion-MNIST or CIFAR-10. The file ends with the layer before the softmax, which
is no part of a piecewise linear network. Minutes on one core; the accuracy is printed after each epoch.
Exit codes: 0 done, 64 wrong use, 65 not usable data or settings, 69 a library is missing, 74 not written.
"""
from __future__ import annotations

import argparse
import os
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the same sums in any place, and the other cores stay free
from export_network import EXIT_DATA, EXIT_IO, OneSentenceParser, export_network, fail  # says what is missing
from mcbe_images import TEST, TRAINING, Unreadable, read_set

import numpy as np
import torch
from torch import nn

OPTIMIZERS = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
SETTINGS = {"conv": list, "dense": list, "optimizer": str, "learning_rate": float, "batch": int, "epochs": int,
            "seed": int}


def tensors(folder: Path, patterns: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    try:
        images, labels = read_set(folder, patterns)
    except Unreadable as error:
        fail(EXIT_DATA, str(error))
    return torch.as_tensor(images), torch.as_tensor(labels)


def read_settings(path: Path, name: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fail(EXIT_DATA, f"'{path}' cannot be read: {error}")
    networks = [key for key, value in tables.items() if isinstance(value, dict)]
    if name not in networks:
        fail(EXIT_DATA, f"'{path}' has no network '{name}'; it has {', '.join(networks)}")
    settings = {key: value for key, value in tables.items() if key not in networks} | tables[name]
    for key, kind in SETTINGS.items():
        if not isinstance(settings.get(key), kind):
            fail(EXIT_DATA, f"'{path}': {name}.{key} is {settings.get(key)!r}; it must be of type {kind.__name__}")
    if settings["optimizer"] not in OPTIMIZERS:
        fail(EXIT_DATA, f"'{path}': {name}.optimizer is '{settings['optimizer']}'; possible are {', '.join(OPTIMIZERS)}")
    return settings


def build(settings: dict[str, Any], shape: tuple[int, ...], classes: int) -> nn.Sequential:
    """Convolutions, then dense layers, ReLU after each but the last. shape: (n,) or (channels, height, width)."""
    layers: list[nn.Module] = []
    channels, example = shape[0], torch.zeros((1, *shape))
    for features, size, stride in settings["conv"]:
        layers += [nn.Conv2d(channels, features, size, stride, padding=size // 2), nn.ReLU()]
        channels = features
    if settings["conv"]:
        layers.append(nn.Flatten())
    width = nn.Sequential(*layers)(example).shape[1]
    for outputs in settings["dense"]:
        layers += [nn.Linear(width, outputs), nn.ReLU()]
        width = outputs
    return nn.Sequential(*layers, nn.Linear(width, classes))


def accuracy(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    with torch.no_grad():
        right = [(net(x).argmax(dim=1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000))]
    return sum(right) / len(labels)


def train(net: nn.Module, settings: dict[str, Any], images: torch.Tensor, labels: torch.Tensor,
          test: tuple[torch.Tensor, torch.Tensor]) -> None:
    optimizer = OPTIMIZERS[settings["optimizer"]](net.parameters(), lr=settings["learning_rate"])
    started = time.monotonic()
    for epoch in range(1, settings["epochs"] + 1):
        for chosen in torch.randperm(len(images)).split(settings["batch"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[chosen]), labels[chosen]).backward()
            optimizer.step()
        print(f"epoch {epoch}: accuracy {accuracy(net, *test):.4f} on the test set, "
              f"{time.monotonic() - started:.0f} s", flush=True)


def main(arguments: Sequence[str]) -> None:
    parser = OneSentenceParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name", metavar="NAME", help="a table of the configuration")
    parser.add_argument("-o", "--output", type=Path, metavar="NET.h5", help="default: networks/NAME.h5")
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "data" / "mnist")
    parser.add_argument("--config", type=Path, default=HERE / "classifier.toml")
    options = parser.parse_args(arguments)
    settings = read_settings(options.config, options.name)
    output = options.output or Path("networks") / f"{options.name}.h5"
    torch.set_num_threads(1)
    torch.manual_seed(settings["seed"])
    (images, labels), (test_images, test_labels) = (tensors(options.data, names) for names in (TRAINING, TEST))
    if not settings["conv"]:  # the file then begins with its first layer of weights
        images, test_images = images.flatten(1), test_images.flatten(1)
    shape = tuple(images.shape[1:])
    net = build(settings, shape, int(labels.max()) + 1)
    train(net, settings, images, labels, (test_images, test_labels))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        export_network(net, output, shape)
    except OSError as error:
        fail(EXIT_IO, f"cannot write '{output}': {error.strerror or error}")


if __name__ == "__main__":
    main(sys.argv[1:])
