"""Result files of `mcbe run` as NumPy arrays, and as pandas tables where pandas is installed. Needs h5py."""
from __future__ import annotations

import os
from typing import Any, Iterator, Mapping, Union

import numpy as np
import numpy.typing as npt

from ._library import FileError

try:
    import h5py
except ImportError as missing:
    raise ImportError("mcbe.results needs h5py (Debian: python3-h5py)") from missing

FILE_TYPE, MAJOR_VERSION = "mcbe-results", 1
DATA = -301  # MCBE_ERR_DATA
Array = npt.NDArray[Any]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


class Results:
    """A result file, open for reading; docs/file-format.md lists what it may hold.

        with mcbe.Results("phase_diagram.h5") as run:
            run.experiment, run.seed, run.complete, run.settings["sampling.samples"]
            run.n, run.m                        # (cells,)
            run["trials/updates"]               # (cells, trials)
            run.rows("alpha/data", 3, 0)        # alpha* of cell 3, trial 0: (m,)
            run.table()                         # one row a unit

    Raises FileError for a file that is none of the program's, or of another format version.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        name = os.fspath(path)
        try:
            self.file = h5py.File(name, "r")
        except OSError as error:
            raise FileError(f"'{name}' cannot be read as an HDF5 file: {error}", DATA) from error
        attributes = self.file.attrs
        if "filetype" not in attributes or _text(attributes["filetype"]) != FILE_TYPE:
            self.file.close()
            raise FileError(f"'{name}' is an HDF5 file but not a result file of mcbe", DATA)
        major = int(np.ravel(attributes["version"])[0])
        if major != MAJOR_VERSION:
            self.file.close()
            raise FileError(f"'{name}' has format version {major}; this package reads version {MAJOR_VERSION}",
                            DATA)
        self.path = name

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; arrays that were read stay."""
        self.file.close()

    @property
    def experiment(self) -> str:
        """Name of the experiment."""
        return _text(self.file.attrs["experiment"])

    @property
    def seed(self) -> int:
        """Master seed."""
        return int(self.file.attrs["seed"])

    @property
    def complete(self) -> bool:
        """Is every unit finished?"""
        return bool(self.file.attrs["complete"])

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Root attributes: program, commit, time, fingerprint."""
        return {name: _text(value) if isinstance(value, (bytes, str)) else value
                for name, value in self.file.attrs.items()}

    @property
    def settings(self) -> Mapping[str, str]:
        """Every configuration key with its value."""
        lines = _text(self.file["config"].attrs["resolved"]).splitlines()
        pairs = (line.partition(" = ") for line in lines if " = " in line)
        return {path.lstrip("~+*"): value for path, _, value in pairs}

    @property
    def n(self) -> Array:
        """Input dimensions, shape (cells,)."""
        return self["cells/n"]

    @property
    def m(self) -> Array:
        """Rows, shape (cells,)."""
        return self["cells/m"]

    @property
    def done(self) -> Array:
        """Which units are finished, bool, shape (cells, trials)."""
        return np.asarray(self["cells/done"] == 1)

    def names(self) -> list[str]:
        """Paths of all datasets."""
        found: list[str] = []
        self.file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        return found

    def __contains__(self, name: str) -> bool:
        return isinstance(self.file.get(name), h5py.Dataset)

    def __getitem__(self, name: str) -> Array:
        """A dataset as it is stored."""
        if name not in self:
            raise FileError(f"'{self.path}' has no dataset '{name}'", DATA)
        return np.asarray(self.file[name][()])

    def describe(self, name: str) -> str:
        """What a dataset holds, in words."""
        return _text(self.file[name].attrs["description"])

    def rows(self, name: str, cell: int, trial: int = 0) -> Array:
        """The part of one unit of a dataset that holds one value a row, coordinate or point, such as
        "alpha/data" or "witness/sample"."""
        if name not in self:
            raise FileError(f"'{self.path}' has no dataset '{name}'", DATA)
        group = name.rpartition("/")[0]
        unit = cell * self.file["cells/done"].shape[1] + trial
        first, end = self[f"{group}/offset"][unit:unit + 2]
        return np.asarray(self.file[name][first:end])

    def _scalars(self) -> Iterator[tuple[str, Array]]:
        shape = self.file["cells/done"].shape
        for name in self.names():
            if self.file[name].shape == shape and name != "cells/done":
                yield name, self[name]

    def records(self) -> Array:
        """One record a finished unit: cell, trial, n, m and every quantity that is one number a unit; names
        lose the part "trials/"."""
        cell, trial = np.nonzero(self.done)
        columns = {"cell": cell, "trial": trial, "n": self.n[cell], "m": self.m[cell]}
        columns.update({name[7:] if name.startswith("trials/") else name: values[cell, trial]
                        for name, values in self._scalars()})
        table = np.empty(len(cell), [(name, values.dtype) for name, values in columns.items()])
        for name, values in columns.items():
            table[name] = values
        return table

    def table(self) -> Any:
        """`records` as a pandas.DataFrame. Raises ImportError where pandas is missing."""
        try:
            import pandas
        except ImportError as missing:
            raise ImportError("Results.table needs pandas (Debian: python3-pandas); "
                              "Results.records does without") from missing
        return pandas.DataFrame(self.records())


__all__ = ["Results"]
