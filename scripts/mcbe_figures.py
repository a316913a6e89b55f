"""What the figure scripts share: reading a result file, refusing what cannot be drawn, saving.

Exit codes: 0 done, 64 wrong use, 65 not a file the script can draw, 74 not written.
"""
from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

EXIT_USAGE, EXIT_DATA, EXIT_IO = 64, 65, 74


def fail(code: int, sentence: str) -> NoReturn:
    """End the script with one sentence, which its own name precedes."""
    print(f"{Path(sys.argv[0]).name}: {sentence}", file=sys.stderr)
    sys.exit(code)


try:
    import h5py
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.figure import Figure
except ImportError as error:
    fail(EXIT_USAGE, f"{sys.executable} has no module '{error.name}'; it needs h5py, "
                     "numpy and matplotlib (Debian: python3-h5py python3-matplotlib)")

FILE_TYPE, MAJOR_VERSION = "mcbe-results", 1
DOTS_PER_INCH = {".png": 150, ".pdf": 150}  # the formats; in a PDF only what is rasterised


class Refusal(Exception):
    """Input that cannot be drawn; the text is the sentence the user is shown."""


@dataclass(frozen=True)
class Run:
    """Where the numbers of a figure come from."""

    units_done: int
    units: int
    trials: int
    seed: int
    fingerprint: str
    version: str
    settings: Mapping[str, str]  # every key of the config, resolved


# --- reading -------------------------------------------------------------------------------------


def text_attribute(node: h5py.HLObject, name: str) -> str:
    value = node.attrs[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def check_file_type(file: h5py.File, path: Path, experiment: str) -> None:
    if "filetype" not in file.attrs or text_attribute(file, "filetype") != FILE_TYPE:
        raise Refusal(f"'{path}' is an HDF5 file but not a result file of mcbe "
                      f"(its attribute 'filetype' is not '{FILE_TYPE}')")
    major = int(np.ravel(file.attrs["version"])[0])
    if major != MAJOR_VERSION:
        raise Refusal(f"'{path}' has format version {major}; "
                      f"this script reads version {MAJOR_VERSION}")
    stored = text_attribute(file, "experiment")
    if stored != experiment:
        raise Refusal(f"'{path}' holds the experiment '{stored}'; "
                      f"this script draws '{experiment}'")


@contextmanager
def result_file(path: Path, experiment: str) -> Iterator[h5py.File]:
    """A result file of this experiment, open. What h5py finds missing in it is a Refusal."""
    if not path.is_file():
        raise Refusal(f"'{path}' does not exist or is not a file")
    if not h5py.is_hdf5(path):
        raise Refusal(f"'{path}' is not an HDF5 file")
    try:
        with h5py.File(path, "r") as file:
            check_file_type(file, path, experiment)
            yield file
    except (KeyError, OSError, ValueError) as error:
        raise Refusal(f"'{path}' is damaged or cut short: {error.args[0]}") from error


def parse_listing(listing: str) -> dict[str, str]:
    """The resolved config, 'path = value' a line; '~', '+' or '*' before a path: it may change."""
    pairs = (line.partition(" = ") for line in listing.splitlines() if " = " in line)
    return {path.lstrip("~+*"): value for path, _, value in pairs}


def bias_families(settings: Mapping[str, str]) -> list[dict[str, str]]:
    """The fields of every bias family, in the order of the config."""
    families: dict[int, dict[str, str]] = {}
    for path, value in settings.items():
        if match := re.fullmatch(r"biases\[(\d+)\]\.(\w+)", path):
            families.setdefault(int(match[1]), {})[match[2]] = value
    return [families[index] for index in sorted(families)]


def data_name(settings: Mapping[str, str]) -> str:
    """The data of a run by the name of their first file or, where that names a part alone, folder."""
    first = Path(re.sub(r":/.*", "", settings["data.path"].split(", ")[0]))
    name = first.name.split(".")[0]
    is_part = re.match(r"(train|data_batch|test)", name)
    return first.parent.name if is_part and first.parent.name else name


def data_line(run: Run) -> str:
    """What a run over data was, for the foot of a figure."""
    return (f"{data_name(run.settings)}: {run.settings['frame.ensemble']} weights; data "
            f"{run.settings.get('data.normalize', 'none')}; seed {run.seed}; config "
            f"{run.fingerprint[:12]}; mcbe {run.version}")


def run_facts(file: h5py.File, path: Path, done: np.ndarray) -> dict[str, Any]:
    """The fields of a Run. `done` holds for each [cell][trial] whether it is finished."""
    if not done.any():
        raise Refusal(f"'{path}' holds no finished cell yet, so there is nothing to draw")
    return {"units_done": int(done.sum()), "units": done.size, "trials": done.shape[1],
            "seed": int(file.attrs["seed"]),
            "fingerprint": text_attribute(file, "config_fingerprint"),
            "version": text_attribute(file, "mcbe_version"),
            "settings": parse_listing(text_attribute(file["config"], "resolved"))}


# --- command line and writing --------------------------------------------------------------------


class OneSentenceParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(EXIT_USAGE, f"{message}; see --help")


def add_output_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=Path, action="append", metavar="OUT",
                        help="picture to write, .png or .pdf; may be repeated "
                             "(default: both, next to FILE.h5)")


def argument_parser(documentation: str | None, several: bool = False) -> OneSentenceParser:
    """The arguments every figure script takes: the file, or several, and where to write."""
    summary, _, _ = (documentation or "").partition("\n")
    parser = OneSentenceParser(description=summary)
    if several:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE.h5",
                            help="files to draw, of one kind")
    else:
        parser.add_argument("file", type=Path, metavar="FILE.h5", help="result of 'mcbe run'")
    add_output_option(parser)
    return parser


def draw_files(documentation: str | None, arguments: Sequence[str], draw: Callable[[list[Path]], Figure]) -> None:
    """The whole command of a script that takes files and nothing else."""
    options = argument_parser(documentation, several=True).parse_args(arguments)
    make_pictures(options, lambda: draw(options.files))


def output_paths(asked: Iterable[Path] | None, source: Path) -> list[Path]:
    paths = list(asked) if asked else [source.with_suffix(suffix) for suffix in DOTS_PER_INCH]
    for path in paths:
        if path.suffix not in DOTS_PER_INCH:
            fail(EXIT_USAGE, f"cannot write '{path}': the name must end in .png or .pdf")
    return paths


def save(figure: Figure, path: Path, dots_per_inch: Mapping[str, int] = DOTS_PER_INCH) -> None:
    """Write without any date, so that the same input gives the same bytes."""
    metadata = {"CreationDate": None} if path.suffix == ".pdf" else {}
    try:
        figure.savefig(path, metadata=metadata, dpi=dots_per_inch[path.suffix])
    except OSError as error:
        fail(EXIT_IO, f"cannot write '{path}': {error.strerror}")


def make_pictures(options: argparse.Namespace, picture: Callable[[], Figure],
                  dots_per_inch: Mapping[str, int] = DOTS_PER_INCH) -> None:
    """Check the outputs, then read and draw, then write: a refused file leaves no picture."""
    outputs = output_paths(options.output, options.file if "file" in options else options.files[0])
    try:
        figure = picture()
    except Refusal as refusal:
        fail(EXIT_DATA, str(refusal))
    for path in outputs:
        save(figure, path, dots_per_inch)
