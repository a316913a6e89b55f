"""Weight matrices and the sets K of inputs."""
from __future__ import annotations

import ctypes as c
import weakref
from dataclasses import dataclass
from typing import Optional, Union

import numpy as np

from ._arrays import ArrayLike, Floats, Singles, address, finite, matrix, taken
from ._library import DomainData, ErrorText, FrameData, StreamKey, check, fail, lib

ENSEMBLES = {"gaussian": 0, "sphere": 1}
KINDS = {"sphere": 0, "ball": 1, "shell": 2, "gaussian": 3, "cloud": 4}
RADIAL = {"analytic": 0, "sampled": 1}
BANDWIDTHS = {"diagonal": 0, "full": 1}


def choice(words: dict[str, int], word: str, name: str) -> int:
    if word not in words:
        raise fail(f"{name}: '{word}'; possible are {', '.join(words)}")
    return words[word]


def whole(value: int, name: str, least: int = 0, most: int = 2**63 - 1) -> int:
    if not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise fail(f"{name}: {value!r}; an integer from {least} to {most} is needed")
    return int(value)


def stream_key(frame: "Frame", seed: int, trial: int, block: int = 0) -> StreamKey:
    return StreamKey(seed=whole(seed, "seed", 0, 2**64 - 1), n=frame.n, m=frame.m,
                     trial=whole(trial, "trial"), block=block)


class Frame:
    """The weight matrix W of a layer ReLU(Wx - alpha), in the library's form.

    Every function takes W as an array; give a Frame instead where the same W serves several calls, since
    making one copies W (8 bytes an entry, and 8 more for its transpose, filled when something asks for it).

    W: shape (m, n), n <= m, float32 or float64, finite, without zero rows.
    normalize_rows: divide every row by its norm.
    Raises ArgumentError naming the row that is wrong.
    """

    def __init__(self, W: ArrayLike, normalize_rows: bool = False) -> None:
        self.data = FrameData()
        self._own()
        self.assign(W, normalize_rows)

    def assign(self, W: ArrayLike, normalize_rows: bool = False) -> None:
        """Hold another matrix from now on, in the same memory if its shape is the same. Estimates made before keep
        their numbers but share the frame. After an error the frame is empty."""
        rows, error = matrix(W, "W"), ErrorText()
        assign = lib.mcbe_frame_assign_f32 if rows.dtype == np.float32 else lib.mcbe_frame_assign
        check(assign(c.byref(self.data), rows.shape[0], rows.shape[1], address(rows),
                     rows.strides[0] // rows.itemsize, int(normalize_rows), c.byref(error)), error)

    def _own(self) -> None:
        weakref.finalize(self, lib.mcbe_frame_free, c.byref(self.data))

    @classmethod
    def random(cls, n: int, m: int, seed: int = 0, trial: int = 0, ensemble: str = "gaussian",
               normalize_rows: bool = False) -> "Frame":
        """The random matrix that a run of the program uses for the same (seed, n, m, trial).

        ensemble: "gaussian" (independent N(0, 1) entries) or "sphere" (rows uniform on the unit sphere).
        """
        frame = cls.__new__(cls)
        frame.data = FrameData()
        frame._own()
        key = StreamKey(seed=whole(seed, "seed", 0, 2**64 - 1), n=whole(n, "n"), m=whole(m, "m"),
                        trial=whole(trial, "trial"))
        check(lib.mcbe_frame_random(c.byref(frame.data), choice(ENSEMBLES, ensemble, "ensemble"),
                                    c.byref(key), int(normalize_rows)))
        return frame

    @property
    def m(self) -> int:
        """Rows: the layer's outputs."""
        return int(self.data.m)

    @property
    def n(self) -> int:
        """Columns: the layer's inputs."""
        return int(self.data.n)

    @property
    def weights(self) -> Floats:
        """W as float64, shape (m, n); a copy."""
        return taken(self.data.w, self.m * self.n, c.c_double).reshape(self.m, self.n)

    @property
    def row_norms(self) -> Floats:
        """|w_j|, shape (m,); a copy."""
        return taken(self.data.norm, self.m, c.c_double)

    def __repr__(self) -> str:
        return f"Frame(m={self.m}, n={self.n})"


Weights = Union[Frame, ArrayLike]


def as_frame(W: Weights) -> Frame:
    return W if isinstance(W, Frame) else Frame(W)


@dataclass(frozen=True)
class Domain:
    """The set K of inputs on which a layer is to be injective, or a distribution of inputs.

    Made by sphere, ball, shell, gaussian, smoothing and kde; wherever a Domain is taken, the names
    "sphere", "ball" and "gaussian" stand for those of radius 1.
    """

    kind: str
    radius: float = 1.0
    inner_radius: float = 0.0
    nonnegative: bool = False
    radial: str = "analytic"
    _cloud: Optional["_Cloud"] = None

    @staticmethod
    def sphere(radius: float = 1.0, nonnegative: bool = False) -> "Domain":
        """|x| = radius; nonnegative: only points without negative coordinates."""
        return Domain("sphere", radius, 0.0, nonnegative)._checked()

    @staticmethod
    def ball(radius: float = 1.0, nonnegative: bool = False, radial: str = "analytic") -> "Domain":
        """|x| <= radius. radial: "analytic" draws directions and treats the radius exactly, "sampled" draws
        points inside."""
        return Domain("ball", radius, 0.0, nonnegative, radial)._checked()

    @staticmethod
    def shell(inner_radius: float, radius: float, nonnegative: bool = False,
              radial: str = "analytic") -> "Domain":
        """inner_radius <= |x| <= radius."""
        return Domain("shell", radius, inner_radius, nonnegative, radial)._checked()

    @staticmethod
    def gaussian(nonnegative: bool = False) -> "Domain":
        """x ~ N(0, I), unbounded."""
        return Domain("gaussian", nonnegative=nonnegative)._checked()

    @staticmethod
    def smoothing(data: ArrayLike, sigma: float) -> "Domain":
        """Randomised smoothing: one of the rows of `data`, each as likely, plus N(0, sigma^2 I).

        data: shape (count, n), finite; float32 is used without a copy (do not change it meanwhile), anything
        else is rounded to it. sigma: standard deviation, not variance, >= 0. Thesis, Algorithm 2.
        """
        return Domain("cloud", _cloud=_Cloud(data, sigma=float(sigma)))

    @staticmethod
    def kde(data: ArrayLike, bandwidth: str = "diagonal") -> "Domain":
        """Gaussian kernel density estimate with Scott's rule, h = count^(-1/(n + 4)).

        data: as for smoothing, at least 2 rows. bandwidth: "diagonal" (deviation h s_k in coordinate k)
        or "full" (covariance h^2 S). Thesis, Algorithm 3.
        """
        return Domain("cloud", _cloud=_Cloud(data, bandwidth=bandwidth))

    def _checked(self) -> "Domain":
        error = ErrorText()
        check(lib.mcbe_domain_check(c.byref(self.data), c.byref(error)), error)
        return self

    @property
    def data(self) -> DomainData:
        """The library's structure, valid while this object lives."""
        return DomainData(choice(KINDS, self.kind, "domain"), choice(RADIAL, self.radial, "radial"),
                          self.radius, self.inner_radius, int(self.nonnegative),
                          self._cloud.pointer if self._cloud else None)

    @property
    def deviations(self) -> Floats:
        """Standard deviation of the noise in every coordinate, shape (n,); for smoothing and kde."""
        if self._cloud is None:
            raise fail(f"domain: a {self.kind} has no noise")
        values = np.empty(self._cloud.centers.shape[1])
        lib.mcbe_cloud_deviations(self._cloud.pointer, address(values))
        return values


class _Cloud:
    """Points around data, with the array that the library borrows."""

    def __init__(self, data: ArrayLike, sigma: Optional[float] = None, bandwidth: str = "") -> None:
        rows = matrix(data, "data")
        finite(rows, "data")
        self.centers: Singles = np.ascontiguousarray(rows, dtype=np.float32)
        count, n = self.centers.shape
        pointer, error = c.c_void_p(), ErrorText()
        if sigma is not None:
            check(lib.mcbe_cloud_smoothing(c.byref(pointer), n, count, address(self.centers), sigma,
                                           c.byref(error)), error)
        else:
            check(lib.mcbe_cloud_density(c.byref(pointer), n, count, address(self.centers),
                                         choice(BANDWIDTHS, bandwidth, "bandwidth"), c.byref(error)), error)
        self.pointer = pointer.value
        weakref.finalize(self, lib.mcbe_cloud_destroy, c.byref(pointer))


DomainLike = Union[Domain, str]


def as_domain(domain: DomainLike) -> Domain:
    if isinstance(domain, Domain):
        return domain
    if domain not in ("sphere", "ball", "gaussian"):
        raise fail(f"domain: {domain!r}; a Domain or one of sphere, ball, gaussian is needed")
    return Domain(domain)


__all__ = ["Domain", "Frame"]
