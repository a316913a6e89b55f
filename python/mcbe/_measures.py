"""How far from injective a layer is: p_I, p_H, and points that refute it."""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from ._arrays import ArrayLike, Floats, Singles, address, finite, matrix, vector
from ._estimate import Estimate
from ._frame import DomainLike, Weights, as_domain, as_frame
from ._library import HammingData, PInjectiveData, check, fail, lib

COORDINATE_MAX = 1e30  # of a point as the library splits it


@dataclass(frozen=True)
class PInjective:
    """Counts of points: how many there are, how many have at least n active rows, of how many of these the active
    rows do not span R^n (0 unless ranks were asked for), and the smallest number of active rows."""

    points: int
    injective: int
    rank_fails: int
    min_active: int

    @property
    def share(self) -> float:
        """p_I: the share of points at which the layer can be inverted; NaN without points."""
        return (self.injective - self.rank_fails) / self.points if self.points else float("nan")


def p_injective(W: Weights, bias: Optional[ArrayLike], points: ArrayLike,
                check_rank: bool = False) -> PInjective:
    """p_I: at how many points at least n rows are active, <x, w_j> >= bias_j (thesis, Definition 6.1.1).

    W           (m, n) array or Frame
    bias        (m,), the layer is ReLU(Wx - bias): for PyTorch's Linear that is -layer.bias; None for 0
    points      (count, n), float32 or float64, without a copy; |x_k| <= 1e30
    check_rank  also compute the rank of the active rows, which may be less than n where rows are dependent
    Raises ArgumentError.
    """
    frame = as_frame(W)
    level = None if bias is None else vector(bias, "bias", frame.m)
    x = np.ascontiguousarray(matrix(points, "points", frame.n))
    finite(x, "points")
    if x.size and np.abs(x).max() > COORDINATE_MAX:
        raise fail(f"points: a coordinate is {np.abs(x).max():g} in size; allowed are at most {COORDINATE_MAX:g}")
    found = PInjectiveData()
    arguments = (len(x), int(check_rank), c.byref(found))
    if x.dtype == np.float32:
        check(lib.mcbe_p_injective(c.byref(frame.data), address(level), address(x), None, *arguments))
    else:
        check(lib.mcbe_p_injective_f64(c.byref(frame.data), address(level), address(x), *arguments))
    return PInjective(found.points, found.injective, found.rank_fails, found.min_active)


@dataclass(frozen=True)
class Hamming:
    """Counts of rows: how many there are, how many have a bias of at most alpha*, and of how many of these
    alpha* is +inf."""

    rows: int
    satisfied: int
    unconstrained: int

    @property
    def share(self) -> float:
        """p_H."""
        return self.satisfied / self.rows


def hamming(alpha_star: Union[Estimate, ArrayLike], bias: ArrayLike,
            unit: Optional[ArrayLike] = None) -> Hamming:
    """p_H: how many rows have bias_j <= alpha*_j (thesis, Definition 6.1.2).

    alpha_star  (m,) or an Estimate
    bias        (m,), the layer is ReLU(Wx - bias): for PyTorch's Linear that is -layer.bias
    unit        (m,) > 0: bias_j is compared with alpha*_j / unit_j; None for 1
    Raises ArgumentError.
    """
    star = np.asarray(alpha_star.alpha if isinstance(alpha_star, Estimate) else alpha_star)
    if star.ndim != 1 or star.size == 0:
        raise fail(f"alpha_star: shape {star.shape}; one axis with at least one entry is needed")
    m = star.size
    level, by = vector(bias, "bias", m), None if unit is None else vector(unit, "unit", m)
    if by is not None and not (by > 0).all():
        raise fail(f"unit: entry {int((by > 0).argmin())} is {by.min():g}; every entry must be above 0")
    star = vector(star, "alpha_star", m)
    found = HammingData()
    lib.mcbe_hamming(m, address(star), address(level), address(by), c.byref(found))
    return Hamming(found.rows, found.satisfied, found.unconstrained)


@dataclass(frozen=True)
class Certificate:
    """What one point of K says: its active rows (doubtful ones counted as active), whether it is a point of K, and
    whether it refutes the layer: it is one, and fewer than n rows are active."""

    x: Floats
    active: int
    inside: bool
    refutes: bool


def split(x: Floats) -> tuple[Floats, Singles, Singles]:
    """A point as the library visits it: a sum of two float32 vectors, about 48 bits."""
    kept = np.array(x, dtype=np.float64)
    a, b = np.empty(kept.size, np.float32), np.empty(kept.size, np.float32)
    lib.mcbe_point_split(kept.size, address(kept), address(a), address(b))
    return kept, a, b


def certificate(W: Weights, x: ArrayLike, bias: Optional[ArrayLike] = None,
                domain: DomainLike = "sphere") -> Certificate:
    """Does the point x show that ReLU(Wx - bias) is not alpha-rectifying on K?

    W       (m, n) array or Frame
    x       (n,), in K up to 1e-13 of its radius; kept to about 48 bits, as `Certificate.x` shows
    bias    (m,), None for 0
    domain  as for estimate
    The answer is computed in the library's canonical arithmetic, whatever found the point.
    Raises ArgumentError.
    """
    frame, where = as_frame(W), as_domain(domain)
    point = vector(x, "x", frame.n)
    if not (np.abs(point) <= COORDINATE_MAX).all():
        raise fail(f"x: a coordinate is {np.abs(point).max():g} in size; allowed are at most {COORDINATE_MAX:g}")
    level = np.zeros(frame.m) if bias is None else vector(bias, "bias", frame.m)
    point = split(point)[0]
    active, inside = c.c_int(), c.c_int()
    check(lib.mcbe_certificate_count(c.byref(where.data), c.byref(frame.data), address(point), address(level),
                                     c.byref(active), c.byref(inside)))
    return Certificate(point, active.value, bool(inside.value), bool(inside.value) and active.value < frame.n)


__all__ = ["Certificate", "Hamming", "PInjective", "certificate", "hamming", "p_injective"]
