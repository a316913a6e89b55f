"""How much information a ReLU layer x -> max(0, Wx - alpha) destroys.

    >>> import mcbe, numpy as np
    >>> W = np.random.default_rng(1).standard_normal((12, 3))
    >>> found = mcbe.estimate(W, "sphere", samples=100_000, seed=1)
    >>> found.alpha                         # alpha*: any constant bias above its minimum is refuted
    >>> mcbe.hamming(found, np.zeros(12)).share
    >>> mcbe.refute(W).refuted              # a point with fewer than 3 active rows?

estimate     alpha* with witnesses and counts        Domain      the set K: sphere, ball, shell, gaussian,
refute       search for a point that refutes                     smoothing, kde
lower        lower alpha* by search                  Frame       W, prepared for several calls
certificate  does a point refute?                    Results     result files of `mcbe run`
p_injective  p_I of points                           mcbe.torch  training with PyTorch
hamming      p_H of a bias
reconstruct  inputs from outputs                     stability   singular values of the active rows
preimage     all inputs with one output              most_like   the one of them most like a target
removal      singular values after ReLU's removal    Network     network files: outputs and linearisations
Estimator    alpha* again and again while W changes

Arrays are float32 or float64; data and points are not copied. `alpha` and `bias` have the sign of
ReLU(Wx - alpha): for PyTorch's Linear, alpha = -bias. Functions are thread-safe and let other threads run.
What the library finds wrong is an Error with its sentence; bad arguments are also ValueErrors.
"""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._estimate import Estimate, Estimator, estimate
from ._frame import Domain, Frame
from ._library import ArgumentError, Error, FileError, LibraryNotFound, LimitError, OutOfMemory, lib
from ._measures import Certificate, Hamming, PInjective, certificate, hamming, p_injective
from ._version import __version__
from .inverse import (MostLike, Preimage, Reconstruction, Removal, Stability, most_like, preimage, reconstruct,
                      removal, stability)
from .search import Refutation, lower, refute

if TYPE_CHECKING:
    from .network import Network
    from .results import Results


def single_thread() -> None:
    """Keep the BLAS behind the library, often NumPy's too, to one thread, as the program does: the points that
    searches find are then those of the program on this CPU. Estimates have the same bits in any case."""
    lib.mcbe_blas_single_thread()


def __getattr__(name: str) -> Any:
    if name == "Results":  # only who reads files needs h5py
        from .results import Results

        return Results
    if name == "Network":
        from .network import Network

        return Network
    raise AttributeError(f"module 'mcbe' has no attribute '{name}'")


__all__ = [
    "ArgumentError", "Certificate", "Domain", "Error", "Estimate", "Estimator", "FileError", "Frame", "Hamming",
    "LibraryNotFound", "LimitError", "MostLike", "Network", "OutOfMemory", "PInjective", "Preimage", "Reconstruction",
    "Refutation", "Removal", "Results", "Stability", "__version__", "certificate", "estimate", "hamming", "lower",
    "most_like", "p_injective", "preimage", "reconstruct", "refute", "removal", "single_thread", "stability",
]
