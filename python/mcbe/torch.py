"""Injectivity while a network trains, for PyTorch 1.13 and later.

A layer is torch.nn.Linear with a bias, m = out_features >= n = in_features, and a ReLU behind it. PyTorch
computes ReLU(Wx + b), so alpha = -b throughout.

    penalty = mcbe.torch.InjectivityPenalty(net.fc1, train_inputs, sigma=0.3)
    for x, y in batches:
        loss = loss_function(net(x), y) + 0.1 * penalty()
        ...
    monitor = mcbe.torch.Monitor(net.fc1, train_inputs, sigma=0.3, test_data=test_inputs)
    monitor.record(epoch)                       # p_I, p_H and more, as a dict

What is new against the thesis: alpha* is a function of W. At the point x_j where row j reached its minimum
alpha*_j = <x_j, w_j>, so away from ties its derivative by w_j is x_j, and the penalty's gradient reaches W as
well as the bias. `through_weights=False` treats alpha* as a constant, as the thesis words it.
"""
from __future__ import annotations

import ctypes
import time
from typing import Any, Optional, Union

import numpy as np

from ._arrays import ArrayLike, Floats
from ._estimate import Estimate, Estimator, estimate
from ._frame import Domain
from ._library import DIMENSION, fail
from ._measures import hamming, p_injective
from .inverse import reconstruct, stability

try:
    import torch
except ImportError as missing:
    raise ImportError("mcbe.torch needs PyTorch 1.13 or later (Debian: python3-torch)") from missing

DOUBLE, SINGLE = torch.float64, torch.float32


def _numpy(values: Any) -> Any:
    """A tensor's numbers, where they lie if they are float32 or float64 in this machine's memory."""
    if not isinstance(values, torch.Tensor):
        return values
    values = values.detach().cpu()
    return (values if values.dtype in (SINGLE, DOUBLE) else values.to(SINGLE)).numpy()


def _inputs(data: Any, n: int) -> Any:
    """Data as inputs of a layer of dimension n: images become vectors."""
    array = np.asarray(_numpy(data))
    flat = array.reshape(len(array), -1) if array.ndim > 1 else array
    if flat.ndim != 2 or flat.shape[1] != n:
        raise fail(f"data: shape {array.shape}; the layer's inputs have {n} entries", DIMENSION)
    return flat


def _check(layer: Any) -> None:
    if not isinstance(layer, torch.nn.Linear) or layer.bias is None:
        raise fail(f"layer: {layer}; a torch.nn.Linear with a bias is needed")
    if layer.out_features < layer.in_features:
        raise fail(f"layer: {layer}; it needs at least as many outputs as inputs to be injective", DIMENSION)


def _domain(layer: Any, data: Any, sigma: Optional[float]) -> Domain:
    if isinstance(data, Domain):
        if sigma is not None:
            raise fail("sigma: has no meaning beside a Domain, which has its own")
        return data
    if sigma is None:
        raise fail("sigma: is missing; data become points by noise of this standard deviation")
    return Domain.smoothing(_inputs(data, layer.in_features), sigma)


def _estimator(domain: Domain, samples: int, design: str) -> Estimator:
    """Around data a few points are best drawn with few centers."""
    return Estimator(domain, samples, design="crossed_small" if design == "auto" and domain.kind == "cloud" else design)


def alpha_star(weight: Any, domain: Domain, samples: int = 1000, seed: int = 0, *, trial: int = 0,
               design: str = "auto") -> Any:
    """alpha*(W) as a tensor that can be differentiated by W.

    weight   (m, n) tensor, m >= n
    others   as for mcbe.estimate
    Returns (m,) of weight's type and device; +inf, with derivative 0, for rows never among the n largest.
    """
    found = estimate(_numpy(weight), domain, samples, seed, trial=trial, design=design, count_updates=False)
    x, which, factor = _points(weight, found, np.arange(len(found.alpha)))
    values = (weight * x[which]).sum(dim=1) * factor
    there = np.isfinite(found.alpha)
    return values if there.all() else values.masked_fill(torch.as_tensor(~there, device=weight.device), float("inf"))


def _points(weight: Any, found: Estimate, rows: Any) -> tuple[Any, Any, Any]:
    """Where some rows reached alpha*: different points x, and for each of the m rows of the layer the number of its
    point and the factor that takes it to where <x, w_j> is alpha*_j, 0 for rows that are not asked for or have none."""
    m = len(found.alpha)
    which, factor = np.zeros(m, np.int64), np.zeros(m)
    rows = rows[found.witness[rows] != -1]
    samples, which[rows] = np.unique(found.witness[rows], return_inverse=True)
    direction, alpha = found.direction[rows], found.alpha[rows]
    factor[rows] = np.divide(alpha, direction, out=np.ones(len(rows)), where=direction != 0)  # the radius of K
    x = found.coordinates(samples) if len(samples) else np.zeros((1, found.frame.n))
    return (torch.as_tensor(x, dtype=weight.dtype, device=weight.device), torch.as_tensor(which, device=weight.device),
            torch.as_tensor(factor, dtype=weight.dtype, device=weight.device))


class _Excess(torch.autograd.Function):
    """|max(0, alpha - alpha*)|_2 by weight and alpha, given alpha* and its points."""

    @staticmethod
    def forward(ctx: Any, weight: Any, alpha: Any, star: Any,  # type: ignore[override]
                points: tuple[Any, Any, Any]) -> Any:
        excess = torch.relu(alpha - star)
        value = torch.linalg.vector_norm(excess)
        # the norm has no derivative at 0, where there is nothing to do
        ctx.save_for_backward(excess / value if value > 0 else excess, *points)
        return value

    @staticmethod
    @torch.autograd.function.once_differentiable  # type: ignore[misc]
    def backward(ctx: Any, slope: Any) -> tuple[Any, ...]:
        share, x, which, factor = ctx.saved_tensors
        by_alpha = slope * share
        by_weight = x[which].mul_((-by_alpha * factor)[:, None]) if ctx.needs_input_grad[0] else None
        return by_weight, by_alpha, None, None


class InjectivityPenalty(torch.nn.Module):
    """rho_inj = |max(0, alpha - alpha*(X))|_2 of a layer (thesis, section 7.1), to be added to a loss.

    layer    torch.nn.Linear followed by ReLU
    data     (count, ...) inputs of the layer, array or tensor, around which points are drawn; or a Domain
    sigma    standard deviation of the noise around them (with a Domain: not given)
    samples  points for each alpha*
    every    compute alpha*'s points anew in every so many calls; in between the old points serve with the new W
    design   as for mcbe.estimate, and "auto" takes crossed_small around data
    seed     every estimate draws other points, the same in every run with this seed
    through_weights  let the gradient reach W through alpha*; False: alpha* is a constant

    Calling it gives a tensor of one number. `estimate` is the last mcbe.Estimate (its frame is that of the next),
    `estimates` how many there were, `seconds` what they cost in all.
    Raises ArgumentError.
    """

    def __init__(self, layer: Any, data: Union[ArrayLike, Domain], sigma: Optional[float] = None, *,
                 samples: int = 1000, every: int = 1, design: str = "auto", seed: int = 0,
                 through_weights: bool = True) -> None:
        super().__init__()
        _check(layer)
        if every < 1:
            raise fail(f"every: {every}; an integer from 1 is needed")
        self._layer = (layer,)  # in a tuple: its parameters are the network's, not the penalty's
        self.domain = _domain(layer, data, sigma)
        self.samples, self.every, self.design, self.seed = samples, every, design, seed
        self.through_weights = through_weights
        self.calls = self.estimates = 0
        self.seconds = 0.0
        self.estimate: Optional[Estimate] = None
        self._estimator = _estimator(self.domain, samples, design)
        self._points: Any = None  # kept between estimates

    @property
    def layer(self) -> Any:
        """The layer that is watched."""
        return self._layer[0]

    def set_data(self, data: Union[ArrayLike, Domain], sigma: Optional[float] = None) -> None:
        """Other data from the next call on: for a layer whose inputs change as the layers before it learn."""
        self.domain = _domain(self.layer, data, sigma)
        self._estimator = _estimator(self.domain, self.samples, self.design)
        self.estimate = None

    def update(self) -> Estimate:
        """Estimate alpha* of the layer as it is now."""
        started = time.perf_counter()
        self.estimate = self._estimator(_numpy(self.layer.weight), self.seed, self.estimates)
        self.estimates += 1
        self._points = None
        self.seconds += time.perf_counter() - started
        return self.estimate

    def forward(self) -> Any:
        """The penalty of the layer as it is now."""
        fresh = self.calls % self.every == 0
        self.calls += 1
        found = self.estimate
        if fresh or found is None:
            found = self.update()
        weight, alpha = self.layer.weight, -self.layer.bias
        if self.every == 1:  # only the points of the rows that are above their alpha* are needed
            points = _points(weight, found, np.flatnonzero(_numpy(alpha) > found.alpha))
            star = torch.as_tensor(found.alpha, dtype=weight.dtype, device=weight.device)
        else:
            if self._points is None:
                self._points = _points(weight, found, np.arange(len(found.alpha)))
            points = x, which, factor = self._points
            with torch.no_grad():
                none = torch.as_tensor(np.isposinf(found.alpha), device=weight.device)
                star = ((weight * x[which]).sum(dim=1) * factor).masked_fill(none, torch.inf)
        return _Excess.apply(weight if self.through_weights else weight.detach(), alpha, star, points)

    def enforce_(self) -> Estimate:
        """Set the layer's bias as mcbe.torch.enforce_ does, by the points of the next estimate."""
        found = self.update()
        _set_bias(self.layer, found)
        return found

    def extra_repr(self) -> str:
        """What print(network) shows."""
        return f"samples={self.samples}, every={self.every}, design={self.design!r}"


def enforce_(layer: Any, data: Union[ArrayLike, Domain], sigma: Optional[float] = None, *, samples: int = 1000,
             seed: int = 0, trial: int = 0, design: str = "auto") -> Estimate:
    """Set the layer's bias so that alpha = alpha*(X), in place ("manual enforcement", thesis, section 7.1).

    Rounding to the bias' type goes downwards, so alpha <= alpha* in every row and p_H = 1. Rows with
    alpha* = +inf keep their bias: any value will do there. Arguments as for InjectivityPenalty; `trial` chooses
    other points. Returns the Estimate. For every batch of a training InjectivityPenalty.enforce_ takes less time.
    """
    _check(layer)
    found = _estimator(_domain(layer, data, sigma), samples, design)(_numpy(layer.weight), seed, trial)
    _set_bias(layer, found)
    return found


def _set_bias(layer: Any, found: Estimate) -> None:
    alpha = found.alpha
    if layer.bias.dtype != DOUBLE:
        single = alpha.astype(np.float32)
        alpha = np.where(single > alpha, np.nextafter(single, np.float32(-np.inf)), single)
    with torch.no_grad():
        bias = torch.as_tensor(-alpha, dtype=layer.bias.dtype, device=layer.bias.device)
        layer.bias.copy_(torch.where(torch.isinf(bias), layer.bias, bias))


class Monitor:
    """What training does to the injectivity of a layer, epoch by epoch.

    layer      torch.nn.Linear followed by ReLU
    data       inputs of the layer, or a Domain, and sigma: where alpha* is estimated, as for InjectivityPenalty
    test_data  (count, ...) inputs of the layer that p_I and what else looks at points is measured on
    samples    points for alpha*; the same points in every epoch, so that curves show the layer alone
    inverse_points  the first so many test points are also reconstructed and looked at for A and B, which takes
               n^3 operations each; 0 for none
    Raises ArgumentError.
    """

    def __init__(self, layer: Any, data: Union[ArrayLike, Domain], sigma: Optional[float] = None, *,
                 test_data: ArrayLike, samples: int = 10_000, inverse_points: int = 100,
                 design: str = "auto", seed: int = 0) -> None:
        _check(layer)
        self.inverse_points = inverse_points
        self.layer, self.domain = layer, _domain(layer, data, sigma)
        self.samples, self.design, self.seed = samples, design, seed
        self.test_data = np.ascontiguousarray(_inputs(test_data, layer.in_features))
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0

    def set_data(self, data: Union[ArrayLike, Domain], sigma: Optional[float] = None, *, test_data: ArrayLike) -> None:
        """Other data from the next measurement on: for a layer whose inputs change as the layers before it learn."""
        self.domain = _domain(self.layer, data, sigma)
        self.test_data = np.ascontiguousarray(_inputs(test_data, self.layer.in_features))

    def measure(self) -> dict[str, float]:
        """The measures of the layer as it is now:

        p_injective  share of test points at which at least n rows are active (p_I)
        hamming      share of rows with alpha <= alpha* (p_H)
        unconstrained  rows with alpha* = +inf, which count as satisfied
        excess       rho_inj
        reconstruction_error  mean |x - x*| over the test points, x* from the layer's output
        stability_low, stability_high  smallest element of A, largest of B at the test points
        """
        weight, bias = _numpy(self.layer.weight), -_numpy(self.layer.bias).astype(np.float64)
        found = estimate(weight, self.domain, self.samples, self.seed, design=self.design, count_updates=False)
        counted = hamming(found, bias)
        excess: Floats = np.maximum(0.0, bias - found.alpha)
        values = {"p_injective": p_injective(weight, bias, self.test_data).share, "hamming": counted.share,
                  "unconstrained": float(counted.unconstrained), "excess": float(np.linalg.norm(excess))}
        x = self.test_data[:self.inverse_points].astype(np.float64)
        if len(x):
            back = reconstruct(weight, bias, np.maximum(0.0, x @ weight.astype(np.float64).T - bias)).x
            sets = stability(weight, bias, x)
            values.update(reconstruction_error=float(np.linalg.norm(x - back, axis=1).mean()),
                          stability_low=float(sets.smallest.min()), stability_high=float(sets.largest.max()))
        return values

    def record(self, epoch: int, **more: float) -> dict[str, float]:
        """Measure and keep: `history` grows by one entry, with `epoch` and whatever else is given."""
        started = time.perf_counter()
        entry = {"epoch": float(epoch), **self.measure(), **more}
        self.seconds += time.perf_counter() - started
        self.history.append(entry)
        return entry

    def arrays(self) -> dict[str, Floats]:
        """`history` as one array a quantity, over the epochs."""
        return {name: np.array([entry[name] for entry in self.history]) for name in
                (self.history[0] if self.history else ())}


def keep_memory() -> bool:
    """Let the C library keep the memory that is freed, for the whole process; for a training on a CPU.

    Otherwise glibc gives large tensors back to the kernel after every batch, which maps them anew and fills them
    with zeros: most of the time of a batch where weights have some 10^6 entries or more. The process then stays as
    large as it ever was, up to 40 % larger than without in our trials. Returns False where the C library is another
    one, and does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    no_mapping, never_trim = (-4, 0), (-1, 2**31 - 1)  # M_MMAP_MAX, M_TRIM_THRESHOLD of malloc.h
    return all(mallopt(*setting) == 1 for setting in (no_mapping, never_trim))


__all__ = ["InjectivityPenalty", "Monitor", "alpha_star", "enforce_", "keep_memory"]
