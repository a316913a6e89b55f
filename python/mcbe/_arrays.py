"""NumPy arrays as the library takes them: checked, and copied only where they have to be."""
from __future__ import annotations

import ctypes as c
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from ._library import DIMENSION, VALUE, fail

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
ArrayLike = Any  # whatever numpy.asarray takes


def address(array: Optional[npt.NDArray[Any]]) -> Optional[int]:
    """Where an array begins; the caller keeps it alive during the call."""
    return None if array is None else int(array.ctypes.data)


def real(values: ArrayLike, name: str) -> Union[Floats, Singles]:
    """float32 and float64 as they are, everything else as float64."""
    array = np.asarray(values)
    if array.dtype == np.float32:
        return array
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise fail(f"{name}: type {array.dtype}; numbers are needed, float32 or float64 without a copy")
    return array.astype(np.float64, copy=False)


def matrix(values: ArrayLike, name: str, columns: Optional[int] = None) -> Union[Floats, Singles]:
    """[rows][columns], rows contiguous; a view of rows of a larger array is no copy."""
    array = real(values, name)
    if array.ndim != 2 or (columns is not None and array.shape[1] != columns):
        wanted = "two axes are" if columns is None else f"shape (any, {columns}) is"
        raise fail(f"{name}: shape {array.shape}; {wanted} needed", DIMENSION)
    dense = array.strides[1] == array.itemsize and array.strides[0] >= array.shape[1] * array.itemsize
    aligned = array.flags.aligned and array.strides[0] % array.itemsize == 0
    return array if dense and aligned and array.dtype.isnative else np.ascontiguousarray(array)


def vector(values: ArrayLike, name: str, length: int) -> Floats:
    """[length] in float64, without NaN."""
    array = np.ascontiguousarray(real(values, name), dtype=np.float64)
    if array.shape != (length,):
        raise fail(f"{name}: shape {array.shape}; shape ({length},) is needed", DIMENSION)
    if np.isnan(array).any():
        raise fail(f"{name}: entry {int(np.isnan(array).argmax())} is NaN", VALUE)
    return array


def finite(array: npt.NDArray[Any], name: str) -> None:
    if not np.isfinite(array).all():
        place = np.unravel_index(int((~np.isfinite(array)).argmax()), array.shape)
        raise fail(f"{name}: entry {tuple(map(int, place))} is {array[place]}; every entry must be finite",
                   VALUE)


def taken(pointer: Any, length: int, kind: type) -> npt.NDArray[Any]:
    """A copy of what the library holds."""
    return np.array(np.ctypeslib.as_array(c.cast(pointer, c.POINTER(kind)), (length,)))
