#!/usr/bin/env python3
"""Train networks on Fashion-MNIST or MNIST with the first layer left alone, regularised or set to alpha*.

    images.py [images.toml] [-o training_images.h5] [--data FOLDER] [--networks FOLDER] [--part I/N]

--data has the four .gz files as their authors name them; Debian's dataset-fashion-mnist is the default. --networks
writes every network of repetition 0 after every epoch as METHOD_EPOCH.h5, a network file that `mcbe run` reads:
configs/training_layer.yaml measures its first layer again. training.py says what else it writes.
"""
from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

from training import ROOT, Run, fail, np, options_of, run_all, torch

sys.path.insert(0, str(ROOT / "scripts"))
from export_network import export_network

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Bytes in the IDX format: two zeros, type 8, number of dimensions, the sizes big-endian, the entries."""
    try:
        data = gzip.decompress(path.read_bytes())
    except (OSError, EOFError) as error:
        fail(65, f"cannot read '{path}': {error}")
    shape = np.frombuffer(data, ">u4", dimensions, 4) if len(data) >= 4 + 4 * dimensions else np.zeros(1)
    if data[:4] != bytes((0, 0, 8, dimensions)) or len(data) != 4 + 4 * dimensions + int(np.prod(shape, dtype=np.int64)):
        fail(65, f"'{path}' is no whole IDX file of bytes with {dimensions} dimensions")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(tuple(map(int, shape)))


def read(path: Path, settings: dict[str, Any], repetition: int) -> tuple[Any, ...]:
    """As many images as the settings say, others in every repetition; pixels in 0 .. 1."""
    parts: list[Any] = []
    for name, wanted in (("train", settings["train_images"]), ("t10k", settings["test_images"])):
        images = read_idx(path / f"{name}-images-idx3-ubyte.gz", 3)
        labels = read_idx(path / f"{name}-labels-idx1-ubyte.gz", 1)
        if len(images) != len(labels):
            fail(65, f"'{path}' has {len(images)} images {name} and {len(labels)} labels")
        chosen = np.random.default_rng((settings["seed"], repetition)).permutation(len(images))[:wanted]
        parts += [images[chosen].reshape(len(chosen), -1).astype(np.float32) / 255, labels[chosen].astype(np.int64)]
    return tuple(parts)


def make(settings: dict[str, Any], n: int) -> tuple[Any, Any]:
    """Thesis, A.1.2; m = redundancy n."""
    layer = torch.nn.Linear(n, settings["redundancy"] * n)
    return torch.nn.Sequential(layer, torch.nn.ReLU(), torch.nn.Linear(layer.out_features, 10)), layer


def main() -> None:
    parser = options_of("images", __doc__ or "", DEBIAN)
    parser.add_argument("--networks", type=Path, metavar="FOLDER")
    options = parser.parse_args()

    def after(run: Run, repetition: int, epoch: int) -> None:
        if options.networks is not None and repetition == 0:
            try:
                options.networks.mkdir(parents=True, exist_ok=True)
                export_network(run.net, options.networks / f"{run.method}_{epoch}.h5", (run.layer.in_features,))
            except OSError as error:
                fail(74, f"cannot write into '{options.networks}': {error}")

    run_all("images", options, read, make, after)


if __name__ == "__main__":
    main()
