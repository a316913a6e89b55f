"""libmcbe through ctypes: where it is, how its structures lie in memory, how its errors become exceptions.

ctypes comes with Python and needs no compiler where the package is installed; it lets other threads run
during every call. The structures below mirror the public headers of one version of the library, so
another version is refused; tests/python compares them with what the compiler says.
"""
from __future__ import annotations

import ctypes as c
import os
from pathlib import Path
from typing import Any, Optional

from ._version import __version__

FILE = "libmcbe.so"
SONAME = "libmcbe.so.0"
VARIABLE = "MCBE_LIBRARY"


# --- errors --------------------------------------------------------------------------------------


class Error(Exception):
    """The library's sentence on what went wrong. `status` is its number, as in mcbe/status.h."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class ArgumentError(Error, ValueError):
    """An argument is out of range, of the wrong shape or not finite."""


class LimitError(Error):
    """More work than was allowed."""


class FileError(Error, OSError):
    """A file cannot be read, or is not what it should be."""

    def __str__(self) -> str:
        return str(self.args[0])


class OutOfMemory(Error, MemoryError):
    """The library found no memory."""


class LibraryNotFound(ImportError):
    """There is no usable libmcbe."""


ARGUMENT, DIMENSION, VALUE, LIMIT, NO_MEMORY = -101, -102, -103, -104, -403
KINDS = {ARGUMENT: ArgumentError, DIMENSION: ArgumentError, VALUE: ArgumentError, LIMIT: LimitError,
         -301: FileError, -302: FileError, -303: FileError, -401: FileError, NO_MEMORY: OutOfMemory}


# --- structures ----------------------------------------------------------------------------------

Doubles, Integers = c.POINTER(c.c_double), c.POINTER(c.c_int64)


class ErrorText(c.Structure):
    C_NAME = "mcbe_error_t"
    _fields_ = [("status", c.c_int), ("file", c.c_char_p), ("line", c.c_int), ("text", c.c_char * 4096)]


class FrameData(c.Structure):
    C_NAME = "mcbe_frame_t"
    _fields_ = [("m", c.c_int), ("n", c.c_int), ("w", Doubles), ("transpose", c.c_void_p), ("norm", Doubles),
                ("norm_max", c.c_double)]


class DomainData(c.Structure):
    C_NAME = "mcbe_domain_t"
    _fields_ = [("kind", c.c_int), ("radial", c.c_int), ("radius", c.c_double),
                ("inner_radius", c.c_double), ("nonnegative", c.c_int), ("cloud", c.c_void_p)]


class StreamKey(c.Structure):
    C_NAME = "mcbe_stream_key_t"
    _fields_ = [("seed", c.c_uint64), ("n", c.c_int64), ("m", c.c_int64), ("trial", c.c_int64),
                ("purpose", c.c_int), ("block", c.c_int64)]


class BiasState(c.Structure):
    C_NAME = "mcbe_bias_state_t"
    _fields_ = [("m", c.c_int), ("alpha", Doubles), ("witness", Integers), ("samples", c.c_int64),
                ("updates", c.c_int64), ("last_update", c.c_int64), ("min_active", c.c_int64),
                ("min_active_sample", c.c_int64)]


class EstimateOptions(c.Structure):
    C_NAME = "mcbe_estimate_t"
    _fields_ = [("design", c.c_int), ("precision", c.c_int), ("samples", c.c_int64),
                ("unchanged", c.c_int64), ("uncounted", c.c_int), ("init_rows", c.c_int)]


class Points(c.Structure):
    C_NAME = "mcbe_points_t"
    _fields_ = [("n", c.c_int), ("count", c.c_int64), ("capacity", c.c_size_t), ("x", Doubles)]


class RefutationData(c.Structure):
    C_NAME = "mcbe_refutation_t"
    _fields_ = [("active", c.c_int), ("radius", c.c_double), ("point", c.c_int64),
                ("evaluations", c.c_int64)]


class PInjectiveData(c.Structure):
    C_NAME = "mcbe_p_injective_t"
    _fields_ = [("points", c.c_int64), ("injective", c.c_int64), ("rank_fails", c.c_int64),
                ("min_active", c.c_int64)]


class HammingData(c.Structure):
    C_NAME = "mcbe_hamming_t"
    _fields_ = [("rows", c.c_int), ("satisfied", c.c_int), ("unconstrained", c.c_int)]


class CertificatesData(c.Structure):
    C_NAME = "mcbe_certificates_t"
    _fields_ = [("count", c.c_int), ("n", c.c_int), ("x", Doubles), ("active", c.POINTER(c.c_int))]


class ReconstructionInfo(c.Structure):
    C_NAME = "mcbe_reconstruction_t"
    _fields_ = [("active", c.c_int), ("rank", c.c_int), ("rcond", c.c_double), ("residual", c.c_double),
                ("by_svd", c.c_int)]


class Extremes(c.Structure):
    C_NAME = "mcbe_extremes_t"
    _fields_ = [("rows", c.c_int), ("rank", c.c_int), ("smallest", c.c_double),
                ("smallest_positive", c.c_double), ("largest", c.c_double)]


class Lipschitz(c.Structure):
    C_NAME = "mcbe_lipschitz_t"
    _fields_ = [("lower_at_most", c.c_double), ("lower_estimate", c.c_double), ("upper_at_least", c.c_double),
                ("upper_at_most", c.c_double)]


class PreimageResult(c.Structure):
    C_NAME = "mcbe_preimage_result_t"
    _fields_ = [("verdict", c.c_int), ("proof", c.c_int), ("positive", c.c_int), ("doubtful", c.c_int),
                ("dimension", c.c_int), ("programs", c.c_int), ("margin", c.c_double)]


class Invariance(c.Structure):
    C_NAME = "mcbe_invariance_t"
    _fields_ = [("value", c.c_double), ("start", c.c_double), ("bound", c.c_double), ("difference", c.c_double),
                ("tolerance", c.c_double), ("moved", c.c_double), ("iterations", c.c_int)]


class Correlation(c.Structure):
    C_NAME = "mcbe_correlation_t"
    _fields_ = [("rows", c.c_int), ("removed", c.c_int), ("lemma", c.c_double), ("lemma_row", c.c_int),
                ("sharp", c.c_double), ("sharp_row", c.c_int)]


class Extent(c.Structure):
    C_NAME = "mcbe_extent_t"
    _fields_ = [("channels", c.c_int), ("height", c.c_int), ("width", c.c_int)]


class Window(c.Structure):
    C_NAME = "mcbe_window_t"
    _fields_ = [("size", 2 * c.c_int), ("stride", 2 * c.c_int), ("padding", 2 * c.c_int)]


class NetworkLayer(c.Structure):
    C_NAME = "mcbe_network_layer_t"
    _fields_ = [("kind", c.c_int), ("outputs", c.c_int), ("window", Window), ("in", Extent), ("out", Extent),
                ("weight", Doubles), ("bias", Doubles)]


class NetworkData(c.Structure):
    C_NAME = "mcbe_network_t"
    _fields_ = [("input", Extent), ("count", c.c_int), ("layers", c.POINTER(NetworkLayer)), ("capacity", c.c_int)]


STRUCTURES = (ErrorText, FrameData, DomainData, StreamKey, BiasState, EstimateOptions, Points,
              RefutationData, PInjectiveData, HammingData, CertificatesData, ReconstructionInfo, Extremes,
              Lipschitz, PreimageResult, Invariance, Correlation, Extent, Window, NetworkLayer, NetworkData)


# --- functions -----------------------------------------------------------------------------------

P, INT, LONG, REAL, STATUS = c.c_void_p, c.c_int, c.c_int64, c.c_double, c.c_int
# arrays and structures are handed over as addresses; their types stand in the headers
FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "mcbe_version": (c.c_char_p, ()),
    "mcbe_strerror": (c.c_char_p, (STATUS,)),
    "mcbe_blas_single_thread": (None, ()),
    "mcbe_frame_assign": (STATUS, (P, INT, INT, P, c.c_ssize_t, INT, P)),
    "mcbe_frame_assign_f32": (STATUS, (P, INT, INT, P, c.c_ssize_t, INT, P)),
    "mcbe_frame_random": (STATUS, (P, INT, P, INT)),
    "mcbe_frame_free": (None, (P,)),
    "mcbe_cloud_smoothing": (STATUS, (P, INT, LONG, P, REAL, P)),
    "mcbe_cloud_density": (STATUS, (P, INT, LONG, P, INT, P)),
    "mcbe_cloud_destroy": (None, (P,)),
    "mcbe_cloud_deviations": (None, (P, P)),
    "mcbe_domain_check": (STATUS, (P, P)),
    "mcbe_domain_finish": (None, (P, INT, P, P)),
    "mcbe_bias_state_init": (STATUS, (P, INT)),
    "mcbe_bias_state_free": (None, (P,)),
    "mcbe_estimate_layer": (STATUS, (P, P, P, P, P, P)),
    "mcbe_sample_coordinates": (STATUS, (INT, P, P, P, P, LONG, P, P)),
    "mcbe_estimate_check": (STATUS, (P, P, INT, P)),
    "mcbe_estimate_with": (STATUS, (P, P, P, P)),
    "mcbe_estimator_create_design": (STATUS, (P, P, P, P, INT, INT, LONG)),
    "mcbe_estimator_reset": (STATUS, (P, P, P)),
    "mcbe_estimator_create": (STATUS, (P, P, P, P, INT)),
    "mcbe_estimator_destroy": (None, (P,)),
    "mcbe_estimator_point": (STATUS, (P, P, P, REAL, LONG, P, P)),
    "mcbe_points_add": (STATUS, (P, P)),
    "mcbe_points_free": (None, (P,)),
    "mcbe_point_split": (None, (INT, P, P, P)),
    "mcbe_point_norm": (REAL, (INT, P, P, c.c_ssize_t)),
    "mcbe_search_check": (STATUS, (P, P)),
    "mcbe_refute_create": (STATUS, (P, P, P, P, P)),
    "mcbe_refute_destroy": (None, (P,)),
    "mcbe_refute_batch": (STATUS, (P, LONG, P, P, P)),
    "mcbe_refute_small": (STATUS, (P, P, P)),
    "mcbe_lower_create": (STATUS, (P, P, P, P)),
    "mcbe_lower_destroy": (None, (P,)),
    "mcbe_lower_row": (STATUS, (P, INT, P, LONG, LONG, P, P, P)),
    "mcbe_certificate_count": (STATUS, (P, P, P, P, P, P)),
    "mcbe_certificates_init": (STATUS, (P, INT, INT)),
    "mcbe_certificates_free": (None, (P,)),
    "mcbe_certificates_offer": (STATUS, (P, P, P, REAL, P, P)),
    "mcbe_p_injective": (STATUS, (P, P, P, P, LONG, INT, P)),
    "mcbe_p_injective_f64": (STATUS, (P, P, P, LONG, INT, P)),
    "mcbe_hamming": (None, (INT, P, P, P, P)),
    "mcbe_reconstruct_create": (STATUS, (P, INT, INT, P, c.c_ssize_t, P, P)),
    "mcbe_reconstruct_destroy": (None, (P,)),
    "mcbe_reconstruct_least_squares": (STATUS, (P, LONG, P, c.c_ssize_t, P, c.c_ssize_t, P, P)),
    "mcbe_stability_create": (STATUS, (P, INT, INT, P)),
    "mcbe_stability_destroy": (None, (P,)),
    "mcbe_stability_matrix": (STATUS, (P, INT, INT, P, c.c_ssize_t, P)),
    "mcbe_stability_extremes": (STATUS, (P, P, P)),
    "mcbe_stability_values": (STATUS, (P, P, P, P)),
    "mcbe_stability_correlation": (STATUS, (P, P, INT, P, P, P)),
    "mcbe_removal_bound": (REAL, (P, INT, LONG)),
    "mcbe_preimage_create": (STATUS, (P, INT, INT, P, P, P)),
    "mcbe_preimage_destroy": (None, (P,)),
    "mcbe_preimage_classify": (STATUS, (P, P, P, P, P, P)),
    "mcbe_preimage_most_like": (STATUS, (P, P, P, INT, REAL, REAL, P, P, P)),
    "mcbe_network_init": (STATUS, (P, P, P)),
    "mcbe_network_free": (None, (P,)),
    "mcbe_layer_shape": (STATUS, (P, INT, P, P, P, P)),
    "mcbe_network_add": (STATUS, (P, P, P, P, P)),
    "mcbe_network_forward": (STATUS, (P, INT, LONG, P, P)),
    "mcbe_linearization_create": (STATUS, (P, P, P)),
    "mcbe_linearization_destroy": (None, (P,)),
    "mcbe_linearization_matrix": (STATUS, (P, INT, INT, P)),
    "mcbe_lipschitz": (None, (LONG, P, P, REAL, P)),
}


def candidates() -> list[str]:
    """Where the library is looked for, in this order: the variable MCBE_LIBRARY, the file named when the
    package was installed with the library, beside the package, the system's."""
    named = os.environ.get(VARIABLE)
    if named:
        return [named]
    package = Path(__file__).resolve().parent
    found = []
    note = package / "library.txt"
    if note.is_file():
        found.append(str((package / note.read_text(encoding="utf-8").strip()).resolve()))
    found += [str(package / name) for name in (SONAME, FILE) if (package / name).is_file()]
    return found + [SONAME, FILE]


def load() -> c.CDLL:
    names = candidates()
    reasons = []
    for name in names:
        try:
            library = c.CDLL(name)
        except OSError as error:
            reasons.append(str(error))
            continue
        try:
            library.mcbe_version.restype = c.c_char_p
            version = (library.mcbe_version() or b"").decode()
        except AttributeError:
            version = "unknown"
        if version != __version__:
            raise LibraryNotFound(f"'{name}' is libmcbe {version}; this package needs {__version__}")
        for function, (result, arguments) in FUNCTIONS.items():
            entry = getattr(library, function, None)
            if entry is None:
                raise LibraryNotFound(f"'{name}' is libmcbe {version} but has no function {function}")
            entry.restype, entry.argtypes = result, arguments
        return library
    raise LibraryNotFound(f"no libmcbe: {reasons[0]}; install it, or set {VARIABLE} to the file {FILE}")


lib = load()


def check(status: int, text: Optional[ErrorText] = None) -> None:
    """Raise what a status means, with the library's own sentence where there is one."""
    if status == 0:
        return
    sentence = text.text.decode(errors="replace") if text is not None else ""
    if not sentence:
        sentence = lib.mcbe_strerror(status).decode()
    raise KINDS.get(status, Error)(sentence, status)


def fail(sentence: str, status: int = ARGUMENT) -> Error:
    """An exception for what the package itself finds wrong."""
    return KINDS.get(status, Error)(sentence, status)
