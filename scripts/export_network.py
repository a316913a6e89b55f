#!/usr/bin/env python3
"""Write a PyTorch network as a network file of mcbe, which docs/network-format.md describes.

    export_network.py MODEL.pt -o NET.h5 --input 784
    export_network.py MODEL.pt -o NET.h5 --input 3 32 32

MODEL.pt is a torch.nn.Sequential saved whole by torch.save(model, "MODEL.pt"). Reading such a file
runs code that is in it, so read your own ones only. In a program of your own:

    from export_network import export_network
    export_network(model, "NET.h5", (3, 32, 32))

Linear, Conv2d, ReLU, MaxPool2d, Flatten and Sequential are written; Dropout and Identity, which do
nothing to a trained network, are left out; anything else is refused by name.
Exit codes: 0 done, 64 wrong use, 65 not a network that can be written, 69 a library is missing,
74 not written.
"""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

EXIT_USAGE, EXIT_DATA, EXIT_MISSING, EXIT_IO = 64, 65, 69, 74


def fail(code: int, sentence: str) -> NoReturn:
    """End the script with one sentence, which its own name precedes."""
    print(f"{Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(code)


try:
    import h5py
    import numpy as np
    import torch
    from torch import nn
except ImportError as missing:
    fail(EXIT_MISSING, f"Python cannot import {missing.name}; scripts/install-deps --torch gets it")

VERSION = (1, 0)


class Refusal(Exception):
    """A sentence that says what cannot be written."""


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """Rows and columns of what may be one number for both."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def padding_of(conv: nn.Conv2d) -> tuple[int, int]:
    if conv.padding == "valid":
        return 0, 0
    if conv.padding == "same":
        if any(size % 2 == 0 for size in conv.kernel_size):
            raise Refusal(f"{conv} pads its two sides differently; use a kernel of odd size")
        return conv.kernel_size[0] // 2, conv.kernel_size[1] // 2
    return pair(conv.padding)


def require(module: nn.Module, **wanted: Any) -> None:
    """Refuse a module whose options are not these."""
    for name, value in wanted.items():
        found = getattr(module, name)
        if found != value and pair_or_self(found) != value:
            raise Refusal(f"{module} has {name} {found}; only {value} can be written")


def pair_or_self(value: Any) -> Any:
    return pair(value) if isinstance(value, int) and not isinstance(value, bool) else value


def numbers(tensor: torch.Tensor | None, outputs: int, like: torch.Tensor) -> np.ndarray:
    """Weights or biases, float32 or float64 as the module has them; 0 for a bias that is not there."""
    if tensor is None:
        tensor = torch.zeros(outputs, dtype=like.dtype)
    array = tensor.detach().cpu().numpy()
    if array.dtype not in (np.float32, np.float64):
        raise Refusal(f"weights of type {array.dtype} cannot be written; float32 and float64 can")
    if not np.isfinite(array).all():
        raise Refusal("a weight or bias is not finite")
    return array


def layer_of(module: nn.Module) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    """Attributes and datasets of one layer, or None for a module that does nothing."""
    if isinstance(module, nn.Linear):
        return {"kind": "dense"}, {
            "weight": numbers(module.weight, module.out_features, module.weight),
            "bias": numbers(module.bias, module.out_features, module.weight)}
    if isinstance(module, nn.Conv2d):
        require(module, groups=1, dilation=(1, 1), padding_mode="zeros")
        window = {"stride": pair(module.stride), "padding": padding_of(module)}
        return {"kind": "conv", **window}, {
            "weight": numbers(module.weight, module.out_channels, module.weight),
            "bias": numbers(module.bias, module.out_channels, module.weight)}
    if isinstance(module, nn.MaxPool2d):
        require(module, dilation=(1, 1), ceil_mode=False, return_indices=False)
        return {"kind": "max-pool", "size": pair(module.kernel_size),
                "stride": pair(module.stride), "padding": pair(module.padding)}, {}
    if isinstance(module, nn.Flatten):
        if (module.start_dim, module.end_dim) != (1, -1):
            raise Refusal(f"{module} keeps some dimensions; only Flatten() can be written")
        return {"kind": "flatten"}, {}
    if isinstance(module, nn.ReLU):
        return {"kind": "relu"}, {}
    if isinstance(module, (nn.Dropout, nn.Dropout2d, nn.Identity)):
        return None
    raise Refusal(f"a layer {type(module).__name__} cannot be written; Linear, Conv2d, ReLU, "
                  "MaxPool2d and Flatten can")


def modules_of(module: nn.Module) -> Iterator[nn.Module]:
    """The modules of nested Sequentials in the order of application."""
    if isinstance(module, nn.Sequential):
        for child in module:
            yield from modules_of(child)
    else:
        yield module


def input_of(shape: Sequence[int]) -> tuple[int, int, int]:
    if len(shape) == 1:
        return shape[0], 1, 1
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    raise Refusal(f"an input of {len(shape)} dimensions cannot be written; give the length of a "
                  "vector, or channels, height and width of an image")


def check_runs(model: nn.Module, shape: Sequence[int]) -> None:
    """PyTorch itself says best whether the layers fit."""
    parameter = next(model.parameters(), None)
    kind = torch.float32 if parameter is None else parameter.dtype
    try:
        with torch.no_grad():
            model(torch.zeros((1, *shape), dtype=kind))
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise Refusal(f"the network does not take an input of shape {tuple(shape)}: "
                      f"{reason}") from error


def export_network(model: nn.Module, path: str | os.PathLike[str], shape: Sequence[int]) -> None:
    """Write a Sequential for inputs of this shape: (n,) or (channels, height, width).

    Raises Refusal with a sentence, OSError; the file is there whole or not at all."""
    extent = input_of(shape)
    layers = [layer for layer in map(layer_of, modules_of(model)) if layer]
    if not layers:
        raise Refusal("the network has no layers")
    was_training = model.training
    check_runs(model.eval(), shape)
    model.train(was_training)
    temporary = Path(f"{os.fspath(path)}.tmp.{os.getpid()}")
    try:
        with h5py.File(temporary, "w") as file:
            file.attrs["filetype"] = "mcbe-network"
            file.attrs["version"] = np.array(VERSION, dtype=np.int32)
            file.attrs["input"] = np.array(extent, dtype=np.int32)
            file.attrs["layers"] = np.int64(len(layers))
            for number, (attributes, arrays) in enumerate(layers):
                group = file.create_group(f"layers/{number}")
                for name, value in attributes.items():
                    group.attrs[name] = value if name == "kind" else np.array(value, dtype=np.int32)
                for name, array in arrays.items():
                    group.create_dataset(name, data=array, fletcher32=True, track_times=False)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(EXIT_USAGE, f"{message}; see --help")


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    summary, _, _ = (__doc__ or "").partition("\n")
    parser = OneSentenceParser(description=summary)
    parser.add_argument("model", type=Path, metavar="MODEL.pt", help="a Sequential, saved whole")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="NET.h5")
    parser.add_argument("--input", type=int, nargs="+", required=True, metavar="N",
                        help="length of a vector, or channels, height and width of an image")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    options = parse_arguments(arguments)
    try:
        model = torch.load(options.model, map_location="cpu")
    except OSError as error:
        fail(EXIT_IO, f"cannot open '{options.model}': {error.strerror}")
    except Exception as error:  # unpickling raises whatever it likes
        fail(EXIT_DATA, f"'{options.model}' is not a network saved by PyTorch: "
                        f"{str(error).splitlines()[0] if str(error) else type(error).__name__}")
    if not isinstance(model, nn.Module):
        fail(EXIT_DATA, f"'{options.model}' holds a {type(model).__name__}, not a network; save the "
                        "model itself, not its state_dict")
    try:
        export_network(model, options.output, options.input)
    except Refusal as refusal:
        fail(EXIT_DATA, str(refusal))
    except OSError as error:
        fail(EXIT_IO, f"cannot write '{options.output}': {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
