"""MATLAB files: the names of their variables, and vectors, numbers and text from them.

Files of MATLAB 5 to 7 are read by scipy; those of 7.3 are HDF5 and are rejected. No object in them
is unpickled.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qbuild.core.rows.rejections import RejectedError
from qbuild.labels.sessions.matlab.verify import check
from qbuild.quality.arrays import Floats
from qbuild.quality.stalls import vector_run_lengths

T = TypeVar("T")
_NAMES_SHOWN = 30
_HDF5 = (b"MATLAB 7.3", b"\x89HDF")


def is_mat(path: Path) -> bool:
    """Whether a file has the suffix of MATLAB files."""
    return path.suffix.lower() == ".mat" and path.is_file()


def variable_names(path: Path) -> tuple[str, ...]:
    """The names of the variables; RejectedError where the file cannot be read."""
    state = path.stat()
    return _variable_names(path, state.st_mtime_ns, state.st_size)


def has_variables(path: Path, *names: str) -> bool:
    """Whether the file is a readable MATLAB file with all these variables."""
    if not is_mat(path):
        return False
    try:
        return set(names) <= set(variable_names(path))
    except RejectedError:
        return False


def read_variables(path: Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The variables of those names (default: all), dimensions of length 1 removed."""
    from scipy.io import loadmat

    _check_kind(path)
    wanted = None if names is None else [n for n in variable_names(path) if n in set(names)]

    def load() -> dict[str, Any]:
        check(path.read_bytes(), wanted)
        variables: dict[str, Any] = loadmat(
            str(path), squeeze_me=True, struct_as_record=True, variable_names=wanted
        )
        return variables

    return {name: value for name, value in _guard(load).items() if not name.startswith("__")}


def read_required(path: Path, required: tuple[str, ...], more: Iterable[str]) -> dict[str, Any]:
    """The variables of those names; RejectedError where a required one is missing."""
    variables = read_variables(path, (*required, *more))
    if not variables.keys() >= set(required):
        raise other_form(path, " and ".join(required))
    return variables


def other_form(path: Path, expected: str, names: Iterable[str] | None = None) -> RejectedError:
    """The rejection of a file with other variables than its layout has."""
    fields = sorted(variable_names(path) if names is None else names)
    return RejectedError(
        "another-form",
        f"it holds {format_names(fields)}; expected {expected}",
        record={"fields": fields},
    )


def struct_fields(value: Any) -> dict[str, Any] | None:
    """The fields of a MATLAB struct; None for any other value."""
    names = getattr(getattr(value, "dtype", None), "names", None)
    if not names or getattr(value, "shape", None) != ():
        return None
    return {name: value[name].item() for name in names}


def to_vector(value: Any, name: str) -> Floats:
    """The numbers of a vector; RejectedError for anything else."""
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind not in "biuf":
        raise RejectedError("not-a-number", f"{name} holds no real numbers; expected a vector")
    if array.ndim != 1 and array.size:
        shape = " by ".join(str(n) for n in array.shape)
        raise RejectedError("another-form", f"{name} is {shape}; expected a vector")
    return array.ravel().astype(np.float64)


def number_in(variables: dict[str, Any], name: str) -> float | None:
    """The only number of the named variable; None where it is missing, empty or NaN."""
    numbers = to_vector(variables.get(name, ()), name)
    if len(numbers) > 1:
        raise RejectedError("another-form", f"{name} holds {len(numbers)} numbers; expected one")
    if not len(numbers) or np.isnan(numbers[0]):
        return None
    if np.isinf(numbers[0]):
        raise RejectedError("not-a-number", f"{name} is infinite; expected a number")
    return float(numbers[0])


def to_text(value: Any) -> str:
    """The text of a variable; empty where it holds none."""
    array = np.asarray(value)
    if array.size != 1:
        return ""
    text = array.reshape(-1)[0]
    return str(text).strip() if isinstance(text, str) else ""


def to_items(value: Any) -> list[Any]:
    """The elements of a cell array; any other value as a list of one."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return list(value.reshape(-1))
    return [value]


def to_digits(values: Floats, name: str, highs: tuple[int, ...]) -> NDArray[np.int8]:
    """0/1 from numbers that are all 0 or the same one of `highs`; RejectedError for others."""
    if not len(values):
        raise RejectedError("empty-log", f"{name} is empty")
    high = next((h for h in highs if bool((values == h).any())), highs[0])
    wrong = np.flatnonzero((values != 0) & (values != high))
    if len(wrong):
        at = int(wrong[0])
        raise RejectedError(
            "bad-digit",
            f"{name} holds {values[at]:g} at {at + 1:,}; expected 0 or {high} throughout",
        )
    digits: NDArray[np.int8] = (values == high).astype(np.int8)
    return digits


def stalls_of_seconds(flags: NDArray[np.int8]) -> tuple[tuple[float, float], ...]:
    """Start and duration on the wall clock of every run of ones, of 0/1 per second."""
    runs = vector_run_lengths(flags).tolist()
    stalls = list(zip(accumulate(runs), runs, strict=True))[1::2]
    return tuple((float(end - run), float(run)) for end, run in stalls)


def format_names(names: Iterable[str]) -> str:
    """At most 30 names for a message."""
    listed = sorted(names)
    more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
    return (", ".join(listed[:_NAMES_SHOWN]) + more) or "nothing"


@lru_cache(maxsize=64)
def _variable_names(path: Path, _changed: int, _size: int) -> tuple[str, ...]:
    from scipy.io import whosmat

    _check_kind(path)
    return tuple(_guard(lambda: [name for name, _, _ in whosmat(str(path))]))


def _check_kind(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(16)
    if not start:
        raise RejectedError("empty-log", "the file is empty")
    if start.startswith(_HDF5):
        raise RejectedError(
            "unreadable", "it is a file of MATLAB 7.3 (HDF5); expected one saved with -v7 or older"
        )


def _guard(load: Callable[[], T]) -> T:
    """What scipy reads; on a damaged file it raises errors of all types of numpy and zlib."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy about its own interfaces
            return load()
    except RejectedError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the file system, not of scipy
        raise RejectedError(
            "unreadable",
            f"not a complete MATLAB file ({type(error).__name__}); fetch it again",
        ) from error
