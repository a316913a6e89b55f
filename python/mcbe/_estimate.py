"""alpha* of one layer."""
from __future__ import annotations

import ctypes as c
import weakref
from dataclasses import dataclass, field
from typing import Optional

import numpy as np

from ._arrays import Floats, Integers, address, taken
from ._frame import Domain, DomainLike, Frame, Weights, as_domain, as_frame, choice, stream_key, whole
from ._library import BiasState, ErrorText, EstimateOptions, Points, check, lib

DESIGNS = {"iid": 0, "paired": 1, "crossed": 2, "crossed_small": 3}
PRECISIONS = {"mixed": 0, "double": 1}
STORED_POINT = 2**62


@dataclass(frozen=True)
class Estimate:
    """What points say of alpha*, with the evidence.

    alpha       (m,) alpha* on K; +inf for a row that was never among the n largest
    direction   (m,) the minima over the points as they were drawn, before the radius of K
    witness     (m,) int64, id of the point at which alpha[j] was reached, -1 for none
    samples, updates, last_update   points drawn, how many lowered something (-1: not counted), id of the last
                (-1: none)
    min_active, min_active_sample   smallest number of rows active at bias 0, and the first point with it
    frame, domain, design, seed, trial   what it was computed from
    points      (k, n) directions found by search; those have ids from 2**62 on
    """

    alpha: Floats
    direction: Floats
    witness: Integers
    samples: int
    updates: int
    last_update: int
    min_active: int
    min_active_sample: int
    frame: Frame = field(repr=False)
    domain: Domain = field(repr=False)
    design: str
    seed: int
    trial: int
    points: Floats = field(repr=False, default_factory=lambda: np.empty((0, 0)))

    @property
    def unconstrained(self) -> int:
        """Rows with alpha* = +inf."""
        return int(np.isposinf(self.alpha).sum())

    def witness_points(self) -> Floats:
        """The point of every row at which its `direction` was reached, shape (m, n); NaN where there is none.

        W[j] @ witness_points()[j] is direction[j] up to rounding: alpha* as a function of W.
        """
        return self.coordinates(self.witness)

    def coordinates(self, samples: Integers) -> Floats:
        """Drawn points by their ids, shape (len(samples), n); -1 gives NaN.

        Raises ArgumentError for an id that names no point.
        """
        ids = np.ascontiguousarray(samples, dtype=np.int64)
        x = np.empty((ids.size, self.frame.n))
        found = np.ascontiguousarray(self.points, dtype=np.float64)
        stored = Points(n=self.frame.n, count=len(found),
                        x=c.cast(c.c_void_p(address(found)), c.POINTER(c.c_double)))
        key = stream_key(self.frame, self.seed, self.trial)
        check(lib.mcbe_sample_coordinates(
            DESIGNS[self.design], c.byref(self.domain.data), c.byref(self.frame.data), c.byref(key),
            c.byref(stored), ids.size, address(ids), address(x)))
        return x


def finish(frame: Frame, domain: Domain, state: BiasState, design: str, seed: int, trial: int,
           points: Optional[Floats] = None) -> Estimate:
    """An Estimate of what a state holds."""
    direction = taken(state.alpha, frame.m, c.c_double)
    alpha = np.empty(frame.m)
    lib.mcbe_domain_finish(c.byref(domain.data), frame.m, address(direction), address(alpha))
    return Estimate(alpha, direction, taken(state.witness, frame.m, c.c_int64), state.samples, state.updates,
                    state.last_update, state.min_active, state.min_active_sample, frame, domain, design,
                    seed, trial, np.empty((0, frame.n)) if points is None else points)


def resolved(design: str, domain: Domain) -> str:
    """What "auto" stands for."""
    if design != "auto":
        return design
    plain = not domain.nonnegative and domain.radial == "analytic"
    return "crossed" if domain.kind == "cloud" else "paired" if plain else "iid"


def estimate(W: Weights, domain: DomainLike = "sphere", samples: int = 100_000, seed: int = 0, *,
             trial: int = 0, design: str = "auto", precision: str = "mixed", unchanged: int = 0,
             init_rows: bool = False, count_updates: bool = True) -> Estimate:
    """alpha* of the layer ReLU(Wx - alpha) on K, by Monte Carlo bias estimation.

    W           (m, n) array, n <= m, or a Frame
    domain      a Domain, or "sphere", "ball", "gaussian"
    samples     points to draw
    seed, trial choose the points: with W of the program's own making the result has the bits of
                `mcbe run` for the same (seed, n, m, trial)
    design      "iid" (independent points), "paired" (sums of two banks of directions, far cheaper),
                "crossed" (for smoothing and kde: 256 centers with each of 64 noises), "crossed_small" (64 centers
                with each of 64 noises, for some 1,000 points; not known to the program); "auto" takes paired
                or crossed where the domain allows it
    precision   of the products that rule points out: "mixed" or "double"; the result has the same bits
    unchanged   stop after so many points without an update; 0 for never
    init_rows   visit the directions of the rows first
    count_updates  False: `updates` is -1, and everything else takes far less work where few points meet a
                large layer

    Other threads run meanwhile. Only more points can lower alpha*: it is an upper estimate.
    Raises ArgumentError for a value that is not allowed, OutOfMemory.
    """
    frame, where = as_frame(W), as_domain(domain)
    design = resolved(design, where)
    options = EstimateOptions(choice(DESIGNS, design, "design"), choice(PRECISIONS, precision, "precision"),
                              whole(samples, "samples", 1), whole(unchanged, "unchanged"), int(not count_updates), int(init_rows))
    key, state, error = stream_key(frame, seed, trial), BiasState(), ErrorText()
    try:
        check(lib.mcbe_bias_state_init(c.byref(state), frame.m))
        check(lib.mcbe_estimate_layer(c.byref(options), c.byref(frame.data), c.byref(where.data),
                                      c.byref(key), c.byref(state), c.byref(error)), error)
        return finish(frame, where, state, design, int(seed), int(trial))
    finally:
        lib.mcbe_bias_state_free(c.byref(state))


class Estimator:
    """alpha* of one layer again and again while it changes, in memory that is kept.

    domain, samples, design, precision   as for mcbe.estimate
    Calling it with W (an array, or a Frame), seed and trial gives the Estimate of
    `mcbe.estimate(W, domain, samples, seed, trial=trial, design=design, count_updates=False)`, bit for bit. An array is
    copied into one Frame, which is that of all Estimates made of arrays. Not for several threads at once.
    Raises ArgumentError, OutOfMemory.
    """

    def __init__(self, domain: DomainLike = "sphere", samples: int = 1000, *, design: str = "auto",
                 precision: str = "mixed") -> None:
        self.domain, self.samples = as_domain(domain), whole(samples, "samples", 1)
        self.design = resolved(design, self.domain)
        self._options = EstimateOptions(choice(DESIGNS, self.design, "design"),
                                        choice(PRECISIONS, precision, "precision"), self.samples, 0, 1, 0)
        self._frame: Optional[Frame] = None
        self._pointer = c.c_void_p()
        self._shape = (0, 0)
        weakref.finalize(self, lib.mcbe_estimator_destroy, c.byref(self._pointer))

    def __call__(self, W: Weights, seed: int = 0, trial: int = 0) -> Estimate:
        """Estimate alpha* of W."""
        frame, state = self._taken(W), BiasState()
        self._turn_to(frame, seed, trial)
        try:
            check(lib.mcbe_bias_state_init(c.byref(state), frame.m))
            check(lib.mcbe_estimate_with(c.byref(self._options), c.byref(frame.data), self._pointer, c.byref(state)))
            return finish(frame, self.domain, state, self.design, int(seed), int(trial))
        finally:
            lib.mcbe_bias_state_free(c.byref(state))

    def _taken(self, W: Weights) -> Frame:
        if isinstance(W, Frame):
            return W
        if self._frame is None:
            self._frame = Frame(W)
        else:
            self._frame.assign(W)
        return self._frame

    def _turn_to(self, frame: Frame, seed: int, trial: int) -> None:
        key, data, error = stream_key(frame, seed, trial), self.domain.data, ErrorText()
        if self._pointer and self._shape == (frame.m, frame.n):
            status = lib.mcbe_estimator_reset(self._pointer, c.byref(frame.data), c.byref(key))
            if status == 0:
                return
            lib.mcbe_estimator_destroy(c.byref(self._pointer))
            check(status)
        lib.mcbe_estimator_destroy(c.byref(self._pointer))
        check(lib.mcbe_estimate_check(c.byref(self._options), c.byref(data), frame.n, c.byref(error)), error)
        check(lib.mcbe_estimator_create_design(c.byref(self._pointer), c.byref(frame.data), c.byref(data), c.byref(key),
                                               self._options.precision, self._options.design, self.samples))
        self._shape = (frame.m, frame.n)
