#!/usr/bin/env python3
"""Train networks on images with a layer left alone, regularised or set to alpha*.

    images.py [images.toml | cifar10.toml] [-o training_images.h5] [--data FOLDER] [--networks FOLDER] [--part I/N]

--data has the files of MNIST, Fashion-MNIST or CIFAR-10; Debian's dataset-fashion-mnist is the default. images.toml
watches the first of two dense layers, cifar10.toml a dense one behind five convolutions. --networks writes every
network of repetition 0 after every epoch as METHOD_EPOCH.h5, a network file that `mcbe run` reads:
configs/training_layer.yaml measures its layer again. training.py says what else it writes.
"""
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from training import ROOT, Run, fail, np, options_of, run_all, torch

sys.path.insert(0, str(ROOT / "scripts"))
from export_network import export_network
from mcbe_images import TEST, TRAINING, Unreadable, read_set

nn = torch.nn
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def read(path: Path, settings: dict[str, Any], repetition: int) -> tuple[Any, ...]:
    """As many images as the settings say, others in every repetition; pixels in 0 .. 1."""
    parts: list[Any] = []
    flat = settings["network"] == "dense"
    try:
        for files, wanted in ((TRAINING, settings["train_images"]), (TEST, settings["test_images"])):
            images, labels = read_set(path, files)
            chosen = np.random.default_rng((settings["seed"], repetition)).permutation(len(images))[:wanted]
            parts += [images[chosen].reshape(len(chosen), -1) if flat else images[chosen], labels[chosen]]
    except Unreadable as error:
        fail(65, str(error))
    return tuple(parts)


def make_dense(settings: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Thesis, A.1.2; m = redundancy n."""
    layer = nn.Linear(shape[0], settings["redundancy"] * shape[0])
    return nn.Sequential(layer, nn.ReLU(), nn.Linear(layer.out_features, 10)), layer


def make_convolutional(settings: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Thesis, A.1.3, for images of 32 x 32. The first convolution has no ReLU there, and needs padding 1 so that
    6 x 6 x 256 numbers arrive at FC1. The layer watched is FC2, the first one that raises the dimension."""
    layer = nn.Linear(256, settings["redundancy"] * 256)
    return nn.Sequential(
        nn.Conv2d(shape[0], 8, 3, padding=1), nn.Conv2d(8, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(128, 256, 3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(6 * 6 * 256, 256),
        nn.ReLU(), layer, nn.ReLU(), nn.Linear(layer.out_features, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(),
        nn.Linear(64, 10)), layer


def make(settings: dict[str, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    kind = settings["network"]
    if kind == "convolutional" and shape[1:] != (32, 32):
        fail(65, f"images of {shape[1]} x {shape[2]} pixels; the convolutional network takes 32 x 32")
    if kind not in ("dense", "convolutional"):
        fail(64, f"network = {kind!r}; dense or convolutional is needed")
    return (make_dense if kind == "dense" else make_convolutional)(settings, shape)


def main() -> None:
    parser = options_of("images", __doc__ or "", DEBIAN)
    parser.add_argument("--networks", type=Path, metavar="FOLDER")
    options = parser.parse_args()

    def after(run: Run, repetition: int, epoch: int) -> None:
        if options.networks is not None and repetition == 0:
            try:
                options.networks.mkdir(parents=True, exist_ok=True)
                export_network(run.net, options.networks / f"{run.method}_{epoch}.h5", tuple(run.inputs.shape[1:]))
            except OSError as error:
                fail(74, f"cannot write into '{options.networks}': {error}")

    run_all("images", options, read, make, after)


if __name__ == "__main__":
    main()
