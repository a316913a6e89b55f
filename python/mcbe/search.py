"""Guided search: points that refute a layer, and lower entries of alpha*, where sampling finds none.

The points found depend on the seed, the CPU type and the number of threads of the BLAS; what is said of them
is computed canonically. Searches run on sphere, ball and shell.
"""
from __future__ import annotations

import ctypes as c
from dataclasses import dataclass
from typing import Any, Iterator, Optional
from contextlib import contextmanager

import numpy as np

from ._arrays import ArrayLike, Floats, address, taken, vector
from ._estimate import STORED_POINT, Estimate, finish
from ._frame import DomainLike, Frame, Weights, as_domain, as_frame, stream_key, whole
from ._library import BiasState, CertificatesData, DomainData, ErrorText, Points, RefutationData, check, lib
from ._measures import split

BATCH = 128 * 150  # evaluations, MCBE_REFUTE_EVALUATIONS
BATCHES_OF_A_BIAS = 2**32  # as in the program: batches of different biases have different walkers
PASSES = 4


@dataclass(frozen=True)
class Refutation:
    """x: a point of K with fewer than n active rows, (n,), or None; active: how many, or the fewest seen;
    evaluations: points looked at."""

    x: Optional[Floats]
    active: int
    evaluations: int

    @property
    def refuted(self) -> bool:
        """Is the layer known not to be alpha-rectifying? False is no proof of the contrary."""
        return self.x is not None


def _check_domain(domain: DomainData) -> None:
    error = ErrorText()
    check(lib.mcbe_search_check(c.byref(domain), c.byref(error)), error)


@contextmanager
def _workspace(create: Any, destroy: Any, *arguments: Any) -> Iterator[c.c_void_p]:
    handle = c.c_void_p()
    check(create(c.byref(handle), *arguments))
    try:
        yield handle
    finally:
        destroy(c.byref(handle))


@contextmanager
def _state(frame: Frame, start: Optional[Estimate]) -> Iterator[BiasState]:
    state = BiasState()
    check(lib.mcbe_bias_state_init(c.byref(state), frame.m))
    try:
        if start is not None:
            np.ctypeslib.as_array(state.alpha, (frame.m,))[:] = start.direction
            np.ctypeslib.as_array(state.witness, (frame.m,))[:] = start.witness
            for name in ("samples", "updates", "last_update", "min_active", "min_active_sample"):
                setattr(state, name, getattr(start, name))
        yield state
    finally:
        lib.mcbe_bias_state_free(c.byref(state))


@contextmanager
def _certificate(frame: Frame) -> Iterator[CertificatesData]:
    certificates = CertificatesData()
    try:
        check(lib.mcbe_certificates_init(c.byref(certificates), 1, frame.n))
        yield certificates
    finally:
        lib.mcbe_certificates_free(c.byref(certificates))


def refute(W: Weights, domain: DomainLike = "sphere", bias: Optional[ArrayLike] = None,
           evaluations: int = 100_000, seed: int = 0, *, trial: int = 0) -> Refutation:
    """Look for a point of K with fewer than n active rows: it shows that ReLU(Wx - bias) is not injective there.

    W            (m, n) array or Frame
    domain       sphere, ball or shell
    bias         (m,), the layer is ReLU(Wx - bias); None for 0
    evaluations  points to look at, in batches of 19,200, at least one batch
    At bias 0 and m < 3n - 1 a construction is tried first. Other threads run meanwhile.
    Raises ArgumentError, OutOfMemory.
    """
    frame, where = as_frame(W), as_domain(domain)
    data, key = where.data, stream_key(frame, seed, trial)
    _check_domain(data)
    level = np.zeros(frame.m) if bias is None else vector(bias, "bias", frame.m)
    fewest, used = frame.m + 1, 0
    with _certificate(frame) as certificates:
        def offer(direction: int, radius: float) -> bool:
            check(lib.mcbe_certificates_offer(c.byref(data), c.byref(frame.data), direction, radius,
                                              address(level), c.byref(certificates)))
            return bool(certificates.active[0] >= 0)

        def answer() -> Refutation:
            return Refutation(taken(certificates.x, frame.n, c.c_double), int(certificates.active[0]), used)

        if frame.m < 3 * frame.n - 1 and not where.nonnegative:
            x, active = np.empty(frame.n), c.c_int()
            check(lib.mcbe_refute_small(c.byref(frame.data), address(x), c.byref(active)))
            used += 1
            if offer(address(x) or 0, where.radius):
                return answer()
        base = BATCHES_OF_A_BIAS if level.any() else 0
        with _state(frame, None) as state, _workspace(
                lib.mcbe_refute_create, lib.mcbe_refute_destroy, c.byref(frame.data), c.byref(data),
                c.byref(key), address(level)) as handle:
            for batch in range(max(1, whole(evaluations, "evaluations", 1) // BATCH)):
                points, found = Points(n=frame.n), RefutationData()
                try:
                    check(lib.mcbe_refute_batch(handle, base + batch, c.byref(state), c.byref(points),
                                                c.byref(found)))
                    used, fewest = used + found.evaluations, min(fewest, found.active)
                    size = 8 * frame.n
                    if found.active < frame.n and offer(
                            c.addressof(points.x.contents) + found.point * size, found.radius):
                        return answer()
                finally:
                    lib.mcbe_points_free(c.byref(points))
    return Refutation(None, fewest, used)


def _starts(pass_number: int, row: int, budget: int, witnesses: Floats) -> Floats:
    """Where the descent for a row begins: at its own witness, and in later passes at those of others too."""
    order = [row]
    if pass_number > 0:
        order += [i for i in range(len(witnesses)) if i != row][:max(budget // 2 - 1, 0)]
    chosen = witnesses[order]
    return np.ascontiguousarray(chosen[~np.isnan(chosen[:, 0])])


def _visit(handle: c.c_void_p, state: BiasState, x: Floats, number: int) -> bool:
    """Visit a direction as an ordinary point; did it lower anything?"""
    _, a, b = split(x)
    before = (state.updates, state.min_active)
    norm = lib.mcbe_point_norm(x.size, address(a), address(b), 1)
    check(lib.mcbe_estimator_point(handle, address(a), address(b), 1.0 / norm, STORED_POINT + number,
                                   c.byref(state), None))
    return before != (state.updates, state.min_active)


def lower(start: Estimate, evaluations: int = 1_000_000) -> Estimate:
    """Lower the entries of alpha* one by one, by descent from the points that are known.

    start        an Estimate on sphere, ball or shell, not restricted to non-negative points
    evaluations  points to look at, all rows together
    Returns an Estimate whose alpha is nowhere above that of `start`; `samples` and `updates` are those of
    `start`, and points found have ids from 2**62 on, which name rows of `points`.
    Raises ArgumentError, OutOfMemory.
    """
    frame, domain = start.frame, start.domain
    data = domain.data
    _check_domain(data)
    budget = max(1, whole(evaluations, "evaluations", 1) // PASSES // frame.m)
    kept = [np.array(x) for x in start.points]
    current = start
    sphere = as_domain("sphere").data
    with _state(frame, start) as state:
        counts = (state.samples, state.updates, state.last_update)
        key = stream_key(frame, start.seed, start.trial)
        with _workspace(lib.mcbe_estimator_create, lib.mcbe_estimator_destroy, c.byref(frame.data),
                        c.byref(sphere), c.byref(key), 0) as visitor:
            for number in range(PASSES):
                found = _lower_rows(frame, data, stream_key(frame, start.seed, start.trial, number), number,
                                    budget, current.witness_points())
                for x in found:
                    if _visit(visitor, state, x, len(kept)):
                        kept.append(split(x)[0])
                state.samples, state.updates, state.last_update = counts
                current = finish(frame, domain, state, start.design, start.seed, start.trial,
                                 np.array(kept).reshape(-1, frame.n))
    return current


def _lower_rows(frame: Frame, domain: DomainData, key: Any, number: int, budget: int,
                witnesses: Floats) -> list[Floats]:
    """The lowest point found for every row that has one."""
    found = []
    with _workspace(lib.mcbe_lower_create, lib.mcbe_lower_destroy, c.byref(frame.data), c.byref(domain),
                    c.byref(key)) as handle:
        for row in range(frame.m):
            starts = _starts(number, row, budget, witnesses)
            x, value, used = np.empty(frame.n), c.c_double(), c.c_int64()
            check(lib.mcbe_lower_row(handle, row, address(starts), len(starts), budget, address(x),
                                     c.byref(value), c.byref(used)))
            if np.isfinite(value.value):
                found.append(x)
    return found


__all__ = ["Refutation", "lower", "refute"]
