"""Images and their classes from the files that MNIST, Fashion-MNIST and CIFAR-10 come in, with NumPy alone."""
from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

TRAINING, TEST = ("train-images-idx3-ubyte*", "data_batch_*.bin"), ("t10k-images-idx3-ubyte*", "test_batch.bin")
CIFAR10_RECORD, CIFAR10_SHAPE = 3073, (3, 32, 32)  # a class and three planes of 32 x 32


class Unreadable(Exception):
    """A sentence that says what is wrong with a file."""


def contents(path: Path) -> bytes:
    try:
        packed = path.read_bytes()
        return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unreadable(f"cannot read '{path}': {reason}") from error


def read_idx(path: Path) -> np.ndarray:
    """An array of bytes in the format of MNIST, packed by gzip or not."""
    data = contents(path)
    rank = data[3] if len(data) > 4 and data[:3] == b"\0\0\x08" else 0
    shape = tuple(int(side) for side in np.frombuffer(data, ">i4", min(rank, (len(data) - 4) // 4), 4)) if rank else ()
    if not rank or len(shape) < rank or len(data) != 4 + 4 * rank + int(np.prod(shape, dtype=np.int64)):
        raise Unreadable(f"'{path}' is neither an IDX file of bytes (MNIST's format) nor a CIFAR-10 batch (*.bin)")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def labels_beside(path: Path) -> np.ndarray | None:
    """The classes in the file that MNIST keeps beside its images."""
    other = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    return read_idx(other).astype(np.int64) if other != path and other.is_file() else None


def read_images(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Images as [number][channel][row][column], 0 to 1 in float32, and their classes, None where there are none."""
    if path.suffix == ".bin":
        records = np.frombuffer(contents(path), np.uint8)
        if not len(records) or len(records) % CIFAR10_RECORD:
            raise Unreadable(f"'{path}' has {len(records)} bytes, not a multiple of {CIFAR10_RECORD} as CIFAR-10 has")
        records = records.reshape(-1, CIFAR10_RECORD)
        pixels, labels = records[:, 1:].reshape(-1, *CIFAR10_SHAPE), records[:, 0].astype(np.int64)
    else:
        pixels, labels = read_idx(path), labels_beside(path)
        if pixels.ndim != 3:
            raise Unreadable(f"'{path}' has {pixels.ndim} dimensions; images have 3: number, row, column")
        pixels = pixels[:, None]
    if labels is not None and len(labels) != len(pixels):
        raise Unreadable(f"'{path}' has {len(pixels)} images but {len(labels)} classes")
    return pixels.astype(np.float32) / np.float32(255), labels


def read_set(folder: Path, patterns: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Images and classes of all files of the first pattern that is there: TRAINING or TEST."""
    paths = next((found for pattern in patterns if (found := sorted(folder.glob(pattern)))), None)
    if paths is None:
        raise Unreadable(f"'{folder}' holds neither {patterns[0]} nor {patterns[1]}; scripts/fetch_datasets brings them")
    images, labels = zip(*(read_images(path) for path in paths))
    if any(each is None for each in labels):
        raise Unreadable(f"'{folder}' has no file of classes beside '{paths[0].name}'")
    return np.concatenate(images), np.concatenate(labels)
