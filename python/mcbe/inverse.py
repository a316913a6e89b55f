"""Undoing a layer: inputs from outputs, and how stably that can be done. Values go through LAPACK: the same for the
same call on one machine, within rounding elsewhere."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

from ._arrays import ArrayLike, Floats, address, finite, matrix, vector
from ._frame import Frame, Weights, choice
from ._library import (Correlation, DIMENSION, ErrorText, Extremes, Invariance, Lipschitz, PreimageResult,
                       ReconstructionInfo, check, fail, lib)

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


def _doubles(values: ArrayLike, name: str, columns: Optional[int] = None) -> Floats:
    array: Floats = np.ascontiguousarray(matrix(values, name, columns), dtype=np.float64)
    return array


def _weights(W: Weights) -> Floats:
    """W in float64. Not by way of a Frame, which layers of fewer rows than columns are not."""
    return W.weights if isinstance(W, Frame) else _doubles(W, "W")


def reconstruct(W: Weights, bias: Optional[ArrayLike], outputs: ArrayLike) -> Reconstruction:
    """Inputs x from outputs z = ReLU(Wx - bias), by least squares on the rows with z_j > 0 (thesis, section 7.3).

    W        (m, n) array or Frame; also m < n
    bias     (m,), for PyTorch's Linear -layer.bias; None for 0
    outputs  (count, m), not negative; float64 without a copy
    Other threads run meanwhile. Raises ArgumentError naming output and row of a value that cannot be.
    """
    weights = _weights(W)
    m, n = weights.shape
    level = None if bias is None else vector(bias, "bias", m)
    z = _doubles(outputs, "outputs", m)
    x = np.empty((len(z), n))
    info: npt.NDArray[Any] = np.zeros(len(z), np.dtype(ReconstructionInfo))
    handle, error = c.c_void_p(), ErrorText()
    check(lib.mcbe_reconstruct_create(c.byref(handle), m, n, address(weights), n, address(level),
                                      c.byref(error)), error)
    try:
        check(lib.mcbe_reconstruct_least_squares(handle, len(z), address(z), m, address(x), n,
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

    W       (m, n) array or Frame; also m < n
    bias    (m,), for PyTorch's Linear -layer.bias; None for 0
    points  (count, n), finite
    Rows with <x, w_j> > bias_j are active, as in reconstruct. Other threads run meanwhile. Raises ArgumentError.
    """
    weights = _weights(W)
    m, n = weights.shape
    level = np.zeros(m) if bias is None else vector(bias, "bias", m)
    x = _doubles(points, "points", n)
    finite(x, "points")
    active = np.ascontiguousarray(x @ weights.T > level).view(np.uint8)
    found: npt.NDArray[Any] = np.zeros(len(x), np.dtype(Extremes))
    handle, error, whole, bounds = c.c_void_p(), ErrorText(), Extremes(), Lipschitz()
    check(lib.mcbe_stability_create(c.byref(handle), m, n, c.byref(error)), error)
    try:
        check(lib.mcbe_stability_matrix(handle, m, n, address(weights), n, c.byref(error)), error)
        check(lib.mcbe_stability_extremes(handle, None, c.byref(whole)))
        for i, rows in enumerate(active):
            check(lib.mcbe_stability_extremes(handle, address(rows), address(found[i:i + 1])))
    finally:
        lib.mcbe_stability_destroy(c.byref(handle))
    smallest, largest = (np.ascontiguousarray(found[name]) for name in ("smallest", "largest"))
    lib.mcbe_lipschitz(len(x), address(smallest), address(largest), whole.largest, c.byref(bounds))
    return Stability(smallest, largest, found["rows"], found["rank"], bounds.lower_at_most, bounds.lower_estimate,
                     bounds.upper_at_least, bounds.upper_at_most)


@dataclass(frozen=True)
class Removal:
    """What taking rows away did to the singular values of a matrix.

    rows, removed  active rows M; the others
    smallest, largest  positive singular values of the active rows; 0 if there is none
    by_count   bound on `smallest` by the number of removed rows alone: Lemma 8 of the inverse-stability paper
    lemma      the least c for which its Lemma 9 says smallest <= c, of removed row lemma_row; inf, -1 if no row will do
    sharp      what the lemma's proof gives at best, at most lemma, of removed row sharp_row
    counts     for each c the most active rows a_j with |<a_j, a_k>| <= c |a_k| / sqrt(M) that one removed a_k has
    """

    rows: int
    removed: int
    smallest: float
    largest: float
    by_count: float
    lemma: float
    lemma_row: int
    sharp: float
    sharp_row: int
    counts: npt.NDArray[np.int64]


def removal(A: ArrayLike, active: ArrayLike, c_values: ArrayLike = ()) -> Removal:
    """How ReLU's removal of rows bounds the smallest singular value of those that stay.

    A         (m, n): a layer's weights, or the linearisation of a network before its ReLU (Network.matrix)
    active    (m,) true where a row stays
    c_values  constants c to count for, increasing
    Source: inverse-stability paper, Lemmas 8 and 9, appendix A5. Other threads run meanwhile. Raises ArgumentError.
    """
    rows = _doubles(A, "A")
    m, n = rows.shape
    kept = np.ascontiguousarray(np.asarray(active, dtype=bool)).view(np.uint8)
    if kept.shape != (m,):
        raise fail(f"active: shape {kept.shape}; shape ({m},) is needed", DIMENSION)
    constants = vector(c_values, "c_values", len(np.atleast_1d(c_values)))
    if (np.diff(constants) < 0).any():
        raise fail("c_values: the constants must be increasing")
    counts, sigma, rank = np.zeros(len(constants), np.int64), np.zeros(min(m, n)), c.c_int()
    handle, error, found, ends = c.c_void_p(), ErrorText(), Correlation(), Extremes()
    check(lib.mcbe_stability_create(c.byref(handle), m, n, c.byref(error)), error)
    try:
        check(lib.mcbe_stability_matrix(handle, m, n, address(rows), n, c.byref(error)), error)
        check(lib.mcbe_stability_values(handle, None, address(sigma), c.byref(rank)))
        check(lib.mcbe_stability_extremes(handle, address(kept), c.byref(ends)))
        check(lib.mcbe_stability_correlation(handle, address(kept), len(constants), address(constants),
                                             address(counts), c.byref(found)))
    finally:
        lib.mcbe_stability_destroy(c.byref(handle))
    bound = lib.mcbe_removal_bound(address(sigma), rank, found.removed)
    return Removal(found.rows, found.removed, ends.smallest_positive, ends.largest, bound, found.lemma,
                   found.lemma_row, found.sharp, found.sharp_row, counts)


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

    W     (m, n) array or Frame; also m < n
    bias  (m,), for PyTorch's Linear -layer.bias; None for 0
    x     (n,), finite
    Other threads run meanwhile. Raises ArgumentError.
    """
    weights = _weights(W)
    m, n = weights.shape
    level = None if bias is None else vector(bias, "bias", m)
    point = vector(x, "x", n)
    direction, combination = np.zeros(n), np.zeros(m)
    handle, error, found = c.c_void_p(), ErrorText(), PreimageResult()
    check(lib.mcbe_preimage_create(c.byref(handle), m, n, address(weights), address(level),
                                   c.byref(error)), error)
    try:
        check(lib.mcbe_preimage_classify(handle, address(point), c.byref(found), address(direction),
                                         address(combination), c.byref(error)), error)
    finally:
        lib.mcbe_preimage_destroy(c.byref(handle))
    return Preimage(VERDICTS[found.verdict], PROOFS[found.proof], found.dimension, found.positive, found.doubtful,
                    found.margin, direction, combination)


LIKENESSES = {"product": 0, "l1": 1, "linf": 2}


@dataclass(frozen=True)
class MostLike:
    """The point with the same output as x that is most like a target.

    x           (n,) the point found; its output was computed and is that of x within `tolerance`
    value       its likeness to the target: <target, x>, or a distance
    start       the same of the x that was given
    bound       no point of the preimage in the box is better than this, up to the linear program's tolerance
    difference  largest difference between an output of the two
    tolerance   what that had to stay within: 1e-9 of the largest output the box allows
    moved       distance between the two
    """

    x: Floats
    value: float
    start: float
    bound: float
    difference: float
    tolerance: float
    moved: float


def most_like(W: Weights, bias: Optional[ArrayLike], x: ArrayLike, target: ArrayLike, likeness: str = "product",
              low: float = 0.0, high: float = 1.0) -> MostLike:
    """The point of [low, high]^n with the same output ReLU(Wx - bias) as x that is most like a target.

    W         (m, n) array or Frame; also m < n
    bias      (m,), for PyTorch's Linear -layer.bias; None for 0
    x         (n,), within the box
    target    (n,), finite
    likeness  "product" (largest <target, x'>, as published), "l1" or "linf" (least distance in that norm)
    Source: inverse-stability paper, appendix A7, Figures 7 and 12. Other threads run meanwhile. Raises ArgumentError,
    also where the linear program finds no point whose output is that of x.
    """
    weights = _weights(W)
    m, n = weights.shape
    level = None if bias is None else vector(bias, "bias", m)
    point, wanted = vector(x, "x", n), vector(target, "target", n)
    kind, found = choice(LIKENESSES, likeness, "likeness"), np.zeros(n)
    handle, error, result = c.c_void_p(), ErrorText(), Invariance()
    check(lib.mcbe_preimage_create(c.byref(handle), m, n, address(weights), address(level),
                                   c.byref(error)), error)
    try:
        check(lib.mcbe_preimage_most_like(handle, address(point), address(wanted), kind, low, high, address(found),
                                          c.byref(result), c.byref(error)), error)
    finally:
        lib.mcbe_preimage_destroy(c.byref(handle))
    return MostLike(found, result.value, result.start, result.bound, result.difference, result.tolerance,
                    result.moved)


__all__ = ["MostLike", "Preimage", "Reconstruction", "Removal", "Stability", "most_like", "preimage", "reconstruct",
           "removal", "stability"]
