"""Undoing a layer: inputs from outputs, and how stably that can be done. Values go through LAPACK: the same for the
same call on one machine, within rounding elsewhere."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._arrays import ArrayLike, Floats, address, finite, matrix, vector
from ._frame import Weights, as_frame
from ._library import ErrorText, Extremes, Lipschitz, PreimageResult, ReconstructionInfo, check, lib

Counts = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Reconstruction:
    """Inputs of a layer from its outputs.

    x         (count, n) float64: the input, or where rank < n the shortest of many
    active    (count,) rows with z_j > 0
    rank      (count,) of these: n where the input is known, less where it is not
    rcond     (count,) smallest positive singular value of the active rows by their largest
    residual  (count,) |W_I x - z_I - bias_I|: rounding alone if z is an output of this layer
    """

    x: Floats
    active: Counts
    rank: Counts
    rcond: Floats
    residual: Floats


def _doubles(values: ArrayLike, name: str, columns: int) -> Floats:
    array: Floats = np.ascontiguousarray(matrix(values, name, columns), dtype=np.float64)
    return array


def reconstruct(W: Weights, bias: Optional[ArrayLike], outputs: ArrayLike) -> Reconstruction:
    """Inputs x from outputs z = ReLU(Wx - bias), by least squares on the rows with z_j > 0 (thesis, section 7.3).

    W        (m, n) array or Frame
    bias     (m,), for PyTorch's Linear -layer.bias; None for 0
    outputs  (count, m), not negative; float64 without a copy
    Other threads run meanwhile. Raises ArgumentError naming output and row of a value that cannot be.
    """
    frame = as_frame(W)
    weights, level = frame.weights, None if bias is None else vector(bias, "bias", frame.m)
    z = _doubles(outputs, "outputs", frame.m)
    x = np.empty((len(z), frame.n))
    info: npt.NDArray[Any] = np.zeros(len(z), np.dtype(ReconstructionInfo))
    handle, error = c.c_void_p(), ErrorText()
    check(lib.mcbe_reconstruct_create(c.byref(handle), frame.m, frame.n, address(weights), frame.n, address(level),
                                      c.byref(error)), error)
    try:
        check(lib.mcbe_reconstruct_least_squares(handle, len(z), address(z), frame.m, address(x), frame.n,
                                                 address(info), c.byref(error)), error)
    finally:
        lib.mcbe_reconstruct_destroy(c.byref(handle))
    return Reconstruction(x, info["active"], info["rank"], info["rcond"], info["residual"])


@dataclass(frozen=True)
class Stability:
    """Singular values of the active rows at points: the sets A and B of the thesis (Definition 7.4.2).

    smallest  (count,) A: the n-th singular value, 0 where the point cannot be told from others
    largest   (count,) B
    active    (count,) active rows
    rank      (count,) of these
    lower_at_most, upper_at_least, upper_at_most  bounds on the layer's Lipschitz constants that hold
    lower_estimate  lower_at_most / sqrt(2): an estimate of the lower one, no bound
    """

    smallest: Floats
    largest: Floats
    active: Counts
    rank: Counts
    lower_at_most: float
    lower_estimate: float
    upper_at_least: float
    upper_at_most: float


def stability(W: Weights, bias: Optional[ArrayLike], points: ArrayLike) -> Stability:
    """How stably ReLU(Wx - bias) maps, and can be undone, at points.

    W       (m, n) array or Frame
    bias    (m,), for PyTorch's Linear -layer.bias; None for 0
    points  (count, n), finite
    Rows with <x, w_j> > bias_j are active, as in reconstruct. Other threads run meanwhile. Raises ArgumentError.
    """
    frame = as_frame(W)
    weights, level = frame.weights, np.zeros(frame.m) if bias is None else vector(bias, "bias", frame.m)
    x = _doubles(points, "points", frame.n)
    finite(x, "points")
    active = np.ascontiguousarray(x @ weights.T > level).view(np.uint8)
    found: npt.NDArray[Any] = np.zeros(len(x), np.dtype(Extremes))
    handle, error, whole, bounds = c.c_void_p(), ErrorText(), Extremes(), Lipschitz()
    check(lib.mcbe_stability_create(c.byref(handle), frame.m, frame.n, c.byref(error)), error)
    try:
        check(lib.mcbe_stability_matrix(handle, frame.m, frame.n, address(weights), frame.n, c.byref(error)), error)
        check(lib.mcbe_stability_extremes(handle, None, c.byref(whole)))
        for i, rows in enumerate(active):
            check(lib.mcbe_stability_extremes(handle, address(rows), address(found[i:i + 1])))
    finally:
        lib.mcbe_stability_destroy(c.byref(handle))
    smallest, largest = (np.ascontiguousarray(found[name]) for name in ("smallest", "largest"))
    lib.mcbe_lipschitz(len(x), address(smallest), address(largest), whole.largest, c.byref(bounds))
    return Stability(smallest, largest, found["rows"], found["rank"], bounds.lower_at_most, bounds.lower_estimate,
                     bounds.upper_at_least, bounds.upper_at_most)


VERDICTS = ("singleton", "compact", "unbounded", "undecided")
PROOFS = ("rank", "pinned", "combination", "direction", "count", "sign", "dependence", "program")


@dataclass(frozen=True)
class Preimage:
    """All inputs with the same output as x.

    verdict    "singleton" (x alone), "compact" (bounded, more than one point), "unbounded" (holds a ray), or
               "undecided" (rounding leaves it open); all but the last are proven, rounding included
    proof      what it stands on: "rank", "pinned", "combination", "direction", "count"; of what is undecided,
               what hides it: "sign", "dependence", "program"
    dimension  of the preimage; -1 where rounding leaves it open
    positive, doubtful  rows with y_j > 0 for certain; rows of which rounding hides it
    margin     what the proof has, over what rounding can take: above 1
    direction  (n,) if unbounded, a direction in which the output does not change; else 0
    combination  (m,) if compact, c with W^T c = 0, positive where y_j = 0; else 0
    """

    verdict: str
    proof: str
    dimension: int
    positive: int
    doubtful: int
    margin: float
    direction: Floats
    combination: Floats


def preimage(W: Weights, bias: Optional[ArrayLike], x: ArrayLike) -> Preimage:
    """What ReLU(Wx - bias) cannot tell from x.

    W     (m, n) array or Frame
    bias  (m,), for PyTorch's Linear -layer.bias; None for 0
    x     (n,), finite
    Other threads run meanwhile. Raises ArgumentError.
    """
    frame = as_frame(W)
    weights, level = frame.weights, None if bias is None else vector(bias, "bias", frame.m)
    point = vector(x, "x", frame.n)
    direction, combination = np.zeros(frame.n), np.zeros(frame.m)
    handle, error, found = c.c_void_p(), ErrorText(), PreimageResult()
    check(lib.mcbe_preimage_create(c.byref(handle), frame.m, frame.n, address(weights), address(level),
                                   c.byref(error)), error)
    try:
        check(lib.mcbe_preimage_classify(handle, address(point), c.byref(found), address(direction),
                                         address(combination), c.byref(error)), error)
    finally:
        lib.mcbe_preimage_destroy(c.byref(handle))
    return Preimage(VERDICTS[found.verdict], PROOFS[found.proof], found.dimension, found.positive, found.doubtful,
                    found.margin, direction, combination)


__all__ = ["Preimage", "Reconstruction", "Stability", "preimage", "reconstruct", "stability"]
