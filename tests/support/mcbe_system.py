"""Helpers of the system tests, which see the program only from outside: start it, end it, read its file.

ctest passes MCBE (the program), MCBE_SOURCE (root of the sources) and MCBE_MPIEXEC (mpirun)."""

import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from typing import NamedTuple

import h5py
import numpy as np

PROGRAM = os.environ["MCBE"]
SOURCE = pathlib.Path(os.environ["MCBE_SOURCE"])
MPIEXEC = os.environ["MCBE_MPIEXEC"]

OK, BAD_USAGE, BAD_FILE, BAD_SYSTEM = 0, 64, 65, 74
IDENTICAL = ("cells", "trials", "curves", "alpha", "witness", "certificates", "points", "data", "spectrum", "sigma")
TIMEOUT = 120

# Dotted keys, nested when written. 6 cells, 12 units, well under a second.
BASE = {
    "experiment": "phase_diagram",
    "seed": 20240101,
    "trials": 2,
    "grid.n": {"values": [2, 3]},
    "grid.m": {"values": [3, 6, 9]},
    "sampling.samples": 600,
    "biases": [
        {"name": "zero", "kind": "constant", "value": 0},
        {"name": "quarter", "kind": "constant", "value": 0.25},
        {"name": "normal_1", "kind": "normal", "variance": 1},
    ],
}

# The same for `convergence`: 4 cells, 8 units.
CONVERGENCE = {
    "experiment": "convergence",
    "seed": 20240101,
    "trials": 2,
    "cells": [{"n": 2, "m": 5}, {"n": 3, "m": 3}, {"n": 3, "m": 12}, {"n": 10, "m": 30}],
    "sampling.samples": 600,
    "test.samples": 50,
    "exact.enabled": True,
}

# The same for `covering_radius`: 3 cells, 6 units. All of n = 2 and 3 is exact, of n = 10 nothing.
COVERING = {
    "experiment": "covering_radius",
    "seed": 20240101,
    "trials": 2,
    "cells": [{"n": 2, "m": 5}, {"n": 3, "m": 9}, {"n": 10, "m": 30}],
    "sampling.samples": 600,
    "covering.counts": {"values": [20, 100]},
    "covering.visits": 200,
    "covering.work_limit": 2000,
    "test.samples": 50,
    "exact.enabled": True,
    "exact.work_limit": 1e6,
}

# Three features of the Iris data, as the thesis takes them.
IRIS = {
    "data.path": str(SOURCE / "data/iris/iris.csv"),
    "data.label": "last",
    "data.features": [0, 2, 3],
    "data.normalize": "standard",
    "data.test_share": 0.2,
}

# The same for `sampler_comparison` and `smoothing_sigma`: 2 cells, 4 units, around points in R^3 that the test names.
COMPARISON = {
    "experiment": "sampler_comparison",
    "seed": 20240101,
    "trials": 2,
    "cells": [{"n": 3, "m": 6}, {"n": 3, "m": 12}],
    "smoothing.sigma": 0.25,
    "sampling.samples": 300,
}
SWEEP = {
    "experiment": "smoothing_sigma",
    "seed": 20240101,
    "trials": 2,
    "cells": [{"n": 3, "m": 6}, {"n": 3, "m": 12}],
    "sigmas": [{"sigma": 0.125}, {"sigma": 0.5}, {"sigma": 2}],
    "sampling.samples": 300,
}
# The same for `layer`: 2 cells, 16 units.
LAYER = {
    "experiment": "layer",
    "seed": 20240101,
    "layer.n": 5,
    "layer.m": {"values": [8, 12]},
    "points.kind": "domain",
    "points.count": 250,
    "points.block": 32,
    "measure.reconstruction": True,
    "measure.stability": True,
    "measure.preimage": True,
}
BASES = {base["experiment"]: base for base in (CONVERGENCE, COVERING, COMPARISON, SWEEP, LAYER)}


def flow(value):
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def config_text(changes=None, drop=()):
    """BASE, or that of another experiment if it is named, with some keys changed or dropped, as YAML: one line a key
    of the top level."""
    changes = changes or {}
    base = BASES.get(changes.get("experiment"), BASE)
    settings = {key: value for key, value in {**base, **changes}.items() if key not in drop}
    tree = {}
    for path, value in settings.items():
        *parents, last = path.split(".")
        node = tree
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = value
    return "".join(f"{key}: {flow(value)}\n" for key, value in tree.items())


class Finished(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float


class Process:
    """The program, under mpirun if ranks are given, in a session of its own so that all of it can be ended."""

    def __init__(self, args, ranks=None, env=None, prefix=()):
        command = [*prefix]
        if ranks:
            command += [MPIEXEC, "-n", str(ranks)]
        command += [PROGRAM, *map(str, args)]
        # With 0 mpirun adds nothing of its own to the time a failing run takes.
        environment = {**os.environ, "OMPI_MCA_odls_base_sigkill_timeout": "0", **(env or {})}
        self.streams = [tempfile.TemporaryFile() for _ in range(2)]
        self.started = time.monotonic()
        self.popen = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=self.streams[0],
                                      stderr=self.streams[1], start_new_session=True)

    def members(self):
        """Process ids of the session that still run."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                        state, _, _, session = stat.read().rpartition(")")[2].split()[:4]
                except OSError:
                    continue
                if int(session) == self.popen.pid and state not in "ZX":
                    found.append(int(entry))
        return found

    def rank(self, number):
        """Process id of a rank, or None while it has not started."""
        wanted = b"OMPI_COMM_WORLD_RANK=%d" % number
        for pid in self.members():
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    if wanted in environ.read().split(b"\0"):
                        return pid
            except OSError:
                continue
        return None

    def wait(self, timeout=TIMEOUT):
        """Wait for the end; what is left of the session by then is ended too."""
        try:
            code = self.popen.wait(timeout)
            seconds = time.monotonic() - self.started
        finally:
            self.end()
        texts = []
        for stream in self.streams:
            stream.seek(0)
            texts.append(stream.read().decode(errors="replace"))
        return Finished(code, *texts, seconds)

    def gone(self, timeout):
        """Wait until no process of the session is left; say whether that came true."""
        deadline = time.monotonic() + timeout
        while self.popen.poll() is None or self.members():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def end(self):
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.popen.wait()

    def close(self):
        self.end()
        for stream in self.streams:
            stream.close()


class SystemTest(unittest.TestCase):
    """A test with its own folder and with processes that never outlive it."""

    maxDiff = 4000

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mcbe-test-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def start(self, *args, **options):
        process = Process(args, **options)
        self.addCleanup(process.close)
        return process

    def mcbe(self, *args, timeout=TIMEOUT, **options):
        """Run the program to its end."""
        return self.start(*args, **options).wait(timeout)

    def config(self, changes=None, name="config.yaml", drop=()):
        path = self.dir / name
        path.write_text(config_text(changes, drop))
        return path

    def run_ok(self, config, out, *more, **options):
        """`mcbe run` that must succeed; returns the result file."""
        result = self.mcbe("run", config, "-o", out, *more, **options)
        self.assertEqual(result.code, OK, f"{config} -o {out}: {result.err}")
        return out

    def compute(self, changes=None, name=None, **options):
        """Write a configuration and run it; returns the result file, a new one unless it is named."""
        name = name or f"result{len(os.listdir(self.dir))}.h5"
        return self.run_ok(self.config(changes, name + ".yaml"), self.dir / name, **options)

    def assert_identical(self, expected, actual):
        """Same datasets, types, shapes, bytes and attributes in the groups that promise it."""
        if not isinstance(expected, dict):
            expected = contents(expected)
        actual = contents(actual)
        self.assertEqual(sorted(expected), sorted(actual))
        differ = [path for path in expected if expected[path] != actual[path]]
        self.assertEqual(differ, [], "these datasets differ")


def attributes(item):
    return {name: (np.asarray(value).dtype.str, np.asarray(value).tolist()) for name, value in item.attrs.items()}


def contents(path, groups=IDENTICAL):
    """{path: (type, shape, bytes, attributes)} of everything below some groups of a result file."""
    found = {}
    with h5py.File(path, "r") as file:
        for group in groups:
            if group in file:
                found[group] = attributes(file[group])
                file[group].visititems(lambda name, item, group=group: found.update({
                    f"{group}/{name}": (item.dtype.str, item.shape, item[()].tobytes(), attributes(item))
                    if isinstance(item, h5py.Dataset) else attributes(item)}))
    return found


def read(path, *names):
    """Datasets of a result file as arrays."""
    with h5py.File(path, "r") as file:
        arrays = [file[name][()] for name in names]
    return arrays if len(arrays) > 1 else arrays[0]


def facts(path):
    """Build and run facts of a result file, by name."""
    with h5py.File(path, "r") as file:
        return dict(file["provenance"].attrs)


def segments(path):
    """Starts of the run: a table with started_utc, stopped_utc, ranks, units, reason."""
    return read(path, "provenance/segments")


def listing(folder):
    """What lies in a folder and below: names, times of last change and contents. Locks come and go."""
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) if path.is_file() else None
            for path in sorted(pathlib.Path(folder).rglob("*")) if path.suffix != ".lock"}


class Record(NamedTuple):
    unit: tuple  # cell, trial
    seconds: float
    data: bytes  # all of it


class Journal:
    """Finished units in OUT.h5.journal, read as it grows; the layout stands in docs/file-format.md."""

    HEADER, RECORD, UNIT, CHECKSUM = struct.Struct("=8sIIQ"), struct.Struct("=IIQ"), struct.Struct("=qqdq"), 4
    MAGIC, KIND_UNIT = 0x6A52434D, 1

    def __init__(self, path):
        self.path = path
        self.end = 0  # of the part that was read
        self.records = []

    def update(self):
        """Read what has come since; returns how many units there are."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self.end)
                data = file.read()
        except FileNotFoundError:
            return len(self.records)
        at = 0
        if self.end == 0 and len(data) >= self.HEADER.size:
            at = self.HEADER.size + self.HEADER.unpack_from(data)[3] + self.CHECKSUM
        while at + self.RECORD.size <= len(data):
            magic, kind, length = self.RECORD.unpack_from(data, at)
            end = at + self.RECORD.size + length + self.CHECKSUM
            if magic != self.MAGIC or end > len(data):
                break
            if kind == self.KIND_UNIT:
                cell, trial, seconds, _ = self.UNIT.unpack_from(data, at + self.RECORD.size)
                self.records.append(Record((cell, trial), seconds, data[at:end]))
            at = end
        self.end += at
        return len(self.records)


def recorded(out):
    """The units in the journal of a result file."""
    journal = Journal(f"{out}.journal")
    journal.update()
    return journal.records


def until(condition, timeout=TIMEOUT):
    """Wait for a condition; say whether it came true."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def cpu_flags():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    return set()
