#!/usr/bin/env python3
"""Train networks on images with a layer left alone, regularised or set to alpha*.

    images.py [images.toml | cifar10.toml] [-o training_images.h5] [--data FOLDER] [--set KEY=VALUE]...
              [--networks FOLDER] [--part I/N]

--data has the files of MNIST, Fashion-MNIST or CIFAR-10; Debian's dataset-fashion-mnist is the default. images.toml
watches the first of two dense layers, cifar10.toml a dense one behind five convolutions. training.py says what all this
writes, and how repetitions are shared.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

from training import fail, np, options_of, run_all, torch
from mcbe_images import TEST, TRAINING, Unreadable, read_set  # in a folder that training.py makes known

nn = torch.nn
DEBIAN = Path("/usr/share/datasets/fashion-mnist")
SETTINGS = {"network": (str, None), "normalize": (str, None), "train_images": (int, 1), "test_images": (int, 1)}


def read(path: Path, settings: dict[str, Any], repetition: int) -> tuple[Any, ...]:
    """As many images as the settings say, others in every repetition; pixels in 0 .. 1, or all of them together with mean
    0 and deviation 1 over the training set."""
    parts: list[Any] = []
    flat = settings["network"] == "dense"
    if settings["normalize"] not in ("unit_range", "standard"):
        fail(64, f"normalize = {settings['normalize']!r}; unit_range or standard is needed")
    try:
        for files, wanted in ((TRAINING, settings["train_images"]), (TEST, settings["test_images"])):
            images, labels = read_set(path, files)
            chosen = np.random.default_rng((settings["seed"], repetition)).permutation(len(images))[:wanted]
            parts += [images[chosen].reshape(len(chosen), -1) if flat else images[chosen], labels[chosen]]
    except Unreadable as error:
        fail(65, str(error))
    if settings["normalize"] == "standard":
        mean, deviation = parts[0].mean(dtype=np.float64), parts[0].std(dtype=np.float64)
        parts[0], parts[2] = (np.float32((images - mean) / deviation) for images in parts[::2])
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


if __name__ == "__main__":
    run_all("images", options_of("images", __doc__ or "", DEBIAN).parse_args(), SETTINGS, read, make)
