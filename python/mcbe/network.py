"""Networks from network files (docs/network-format.md): outputs, layers as matrices, linearisations. Needs h5py."""
from __future__ import annotations

import ctypes as c
import os
import weakref
from typing import Any, Optional, Union

import numpy as np

from ._arrays import ArrayLike, Floats, address, finite, matrix, vector
from ._frame import whole
from ._library import ErrorText, Error, Extent, FileError, NetworkData, NetworkLayer, check, fail, lib

try:
    import h5py
except ImportError as missing:
    raise ImportError("mcbe.network needs h5py (Debian: python3-h5py)") from missing

FILE_TYPE, MAJOR_VERSION, DATA = "mcbe-network", 1, -301
KINDS = ("dense", "conv", "relu", "max-pool", "flatten")  # in the order of mcbe_layer_kind_t
MOST_LAYERS = 10_000


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Network:
    """A network file, read whole.

        net = mcbe.Network("networks/mlp.h5")
        net.kinds, net.input, net.sizes     # ("dense", "relu", ...), (784, 1, 1), (784, 100, 100, ...)
        net.forward(images)                 # (count, sizes[-1])
        W, alpha = net.layer(0)             # layer 0 as ReLU(Wx - alpha) has it
        net.matrix(images[0], 0, 3)         # the linear part of layers 0, 1, 2 at a point

    kinds   of each layer: dense, conv, relu, max-pool, flatten
    input   channels, height and width; n, 1, 1 for a vector
    sizes   numbers before layer 0, 1, ..., and after the last
    Raises FileError for a file that is no network file or breaks a rule, naming the layer.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self.path, self.data = os.fspath(path), NetworkData()
        weakref.finalize(self, lib.mcbe_network_free, c.byref(self.data))
        try:
            with h5py.File(self.path, "r") as file:
                self._read(file)
        except FileError:
            raise
        except (OSError, KeyError, TypeError, ValueError, Error) as error:
            raise FileError(f"'{self.path}' cannot be read as a network file: {error.args[0]}", DATA) from error

    def _read(self, file: Any) -> None:
        if "filetype" not in file.attrs or _text(file.attrs["filetype"]) != FILE_TYPE:
            raise FileError(f"'{self.path}' is an HDF5 file but not a network file of mcbe", DATA)
        major = int(np.ravel(file.attrs["version"])[0])
        if major != MAJOR_VERSION:
            raise FileError(f"'{self.path}' is a network file of version {major}; this package reads version "
                            f"{MAJOR_VERSION}", DATA)
        error, extent = ErrorText(), Extent(*map(int, file.attrs["input"]))
        check(lib.mcbe_network_init(c.byref(self.data), c.byref(extent), c.byref(error)), error)
        count = whole(int(file.attrs["layers"]), "layers", 1, MOST_LAYERS)
        self.kinds = tuple(self._add(file[f"layers/{number}"], number) for number in range(count))
        extents = [self.data.input] + [self.data.layers[number].out for number in range(count)]
        self.input = (extent.channels, extent.height, extent.width)
        self.sizes = tuple(each.channels * each.height * each.width for each in extents)

    def _add(self, group: Any, number: int) -> str:
        kind = _text(group.attrs["kind"])
        if kind not in KINDS:
            raise fail(f"layer {number} is of kind '{kind}'; {', '.join(KINDS)} are known")
        layer, weight, bias = NetworkLayer(kind=KINDS.index(kind)), None, None
        for name in {"conv": ("stride", "padding"), "max-pool": ("size", "stride", "padding")}.get(kind, ()):
            getattr(layer.window, name)[:] = [int(value) for value in group.attrs[name]]
        if kind in ("dense", "conv"):
            weight, bias = (np.ascontiguousarray(group[name], dtype=np.float64) for name in ("weight", "bias"))
            if weight.ndim != (2 if kind == "dense" else 4) or bias.shape != weight.shape[:1]:
                raise fail(f"layer {number} ({kind}) has weights of shape {weight.shape} and a bias of shape {bias.shape}")
            layer.outputs = weight.shape[0]
            layer.window.size[:] = weight.shape[2:] or (0, 0)
        error, out, needed = ErrorText(), Extent(), c.c_int64()
        before = self.data.layers[number - 1].out if number else self.data.input
        check(lib.mcbe_layer_shape(c.byref(layer), number, c.byref(before), c.byref(out), c.byref(needed),
                                   c.byref(error)), error)
        if weight is not None and weight.size != needed.value:
            raise fail(f"layer {number} ({kind}) has {weight.size} weights; its input needs {needed.value}")
        check(lib.mcbe_network_add(c.byref(self.data), c.byref(layer), address(weight), address(bias),
                                   c.byref(error)), error)
        return kind

    def _range(self, first: int, last: int) -> None:
        if not 0 <= first <= last <= len(self.kinds):
            raise fail(f"layers {first} to {last}: a range within 0 to {len(self.kinds)} is needed")

    def forward(self, points: ArrayLike, layers: Optional[int] = None) -> Floats:
        """The outputs of the first `layers` layers (default: all): (count, sizes[layers]).

        points  (count, sizes[0]), finite, images channel by channel and row by row
        """
        last = len(self.kinds) if layers is None else layers
        self._range(0, last)
        x = np.ascontiguousarray(matrix(points, "points", self.sizes[0]), dtype=np.float64)
        finite(x, "points")
        outputs = np.empty((len(x), self.sizes[last]))
        check(lib.mcbe_network_forward(c.byref(self.data), last, len(x), address(x), address(outputs)))
        return outputs

    def matrix(self, x: ArrayLike, first: int, last: int) -> Floats:
        """The linear part of layers first, ..., last - 1 at a point: (sizes[last], sizes[first]).

        x  (sizes[0],), a point of the network's input, finite
        """
        self._range(first, last)
        point = vector(x, "x", self.sizes[0])
        finite(point, "x")
        handle, linear = c.c_void_p(), np.empty((self.sizes[last], self.sizes[first]))
        check(lib.mcbe_linearization_create(c.byref(handle), c.byref(self.data), address(point)))
        try:
            check(lib.mcbe_linearization_matrix(handle, first, last, address(linear)))
        finally:
            lib.mcbe_linearization_destroy(c.byref(handle))
        return linear

    def layer(self, number: int) -> tuple[Floats, Floats]:
        """W and alpha of a dense or convolutional layer, which gives Wx - alpha; a convolution as its matrix."""
        self._range(number, number + 1)
        if self.kinds[number] not in ("dense", "conv"):
            raise fail(f"layer {number} is of kind '{self.kinds[number]}'; dense and conv have weights")
        layer = self.data.layers[number]
        bias = np.repeat(np.ctypeslib.as_array(layer.bias, (layer.outputs,)), layer.out.height * layer.out.width)
        return self.matrix(np.zeros(self.sizes[0]), number, number + 1), -bias


__all__ = ["Network"]
