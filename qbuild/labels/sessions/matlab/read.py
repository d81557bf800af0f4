"""MATLAB files: names of what they hold, vectors, numbers and text from it. Nothing is unpickled.

Files of MATLAB 5 to 7 are read by scipy; those of 7.3 are HDF5 and are refused.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from qbuild.labels.sessions.matlab.verify import Unsound, check
from qbuild.labels.sessions.rejection import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_Read = TypeVar("_Read")
_SHOWN = 30
_HDF5 = (b"MATLAB 7.3", b"\x89HDF")


def is_mat(path: Path) -> bool:
    """Whether a file goes by the name of a MATLAB file."""
    return path.suffix.lower() == ".mat" and path.is_file()


def names_in(path: Path) -> tuple[str, ...]:
    """The names of the variables; refused where the file cannot be read."""
    state = path.stat()
    return _names_in(path, state.st_mtime_ns, state.st_size)


def holds(path: Path, *names: str) -> bool:
    """Whether the file is a MATLAB file with all these variables; never raises for its content."""
    if not is_mat(path):
        return False
    try:
        return set(names) <= set(names_in(path))
    except Refusal:
        return False


def variables(path: Path, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The variables of those names (default: all) without their dimensions of one."""
    from scipy.io import loadmat

    _refuse_other_kinds(path)
    wanted = None if names is None else [name for name in names_in(path) if name in set(names)]

    def load() -> dict[str, Any]:
        check(path.read_bytes(), wanted)
        found: dict[str, Any] = loadmat(
            str(path), squeeze_me=True, struct_as_record=True, variable_names=wanted
        )
        return found

    found = _guarded(load)
    return {name: value for name, value in found.items() if not name.startswith("__")}


def fields(path: Path, needed: tuple[str, ...], more: Iterable[str]) -> dict[str, Any]:
    """The variables of those names; refused as another form where a needed one is missing."""
    found = variables(path, (*needed, *more))
    if not found.keys() >= set(needed):
        raise another_form(path, " and ".join(needed))
    return found


def another_form(path: Path, expected: str) -> Refusal:
    """The refusal of a file that holds other variables than its layout has."""
    names = names_in(path)
    return Refusal(
        "another-form",
        f"it holds {seen(names)}; expected {expected}",
        {"fields": sorted(names)},
    )


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of a MATLAB struct; None where the value is none."""
    names = getattr(getattr(value, "dtype", None), "names", None)
    if not names or getattr(value, "shape", None) != ():
        return None
    return {name: value[name].item() for name in names}


def vector(value: Any, name: str) -> NDArray[np.float64]:
    """The numbers of a vector; refused where it holds anything else."""
    import numpy as np

    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind not in "biuf":
        raise Refusal("not-a-number", f"{name} holds no plain numbers; expected a vector of them")
    if array.ndim != 1 and array.size:
        shape = " by ".join(str(n) for n in array.shape)
        raise Refusal("another-form", f"{name} is {shape}; expected a vector")
    return array.ravel().astype(np.float64)


def number(value: Any, name: str) -> float | None:
    """The one number in a variable; None where it is empty or NaN."""
    import numpy as np

    numbers = vector(value, name)
    if len(numbers) > 1:
        raise Refusal("another-form", f"{name} holds {len(numbers)} numbers; expected one")
    if not len(numbers) or np.isnan(numbers[0]):
        return None
    if np.isinf(numbers[0]):
        raise Refusal("not-a-number", f"{name} is infinite; expected a number")
    return float(numbers[0])


def number_of(found: dict[str, Any], name: str) -> float | None:
    """The one number in a variable; None where it is missing, empty or NaN."""
    return number(found[name], name) if name in found else None


def text(value: Any) -> str:
    """The text in a variable; empty where it holds none."""
    import numpy as np

    array = np.asarray(value)
    if array.size != 1:
        return ""
    found = array.reshape(-1)[0]
    return str(found).strip() if isinstance(found, str) else ""


def items_of(value: Any) -> list[Any]:
    """The elements of a cell array; a list of one where the value is no cell array."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return list(value.reshape(-1))
    return [value]


def digits(values: NDArray[np.float64], name: str, highs: tuple[int, ...]) -> NDArray[np.int8]:
    """0/1 from numbers that are all 0 or one of the `highs`; anything else is refused."""
    import numpy as np

    if not len(values):
        raise Refusal("empty-log", f"{name} is empty")
    high = next((h for h in highs if bool((values == h).any())), highs[0])
    wrong = np.flatnonzero((values != 0) & (values != high))
    if len(wrong):
        at = int(wrong[0])
        raise Refusal(
            "bad-digit",
            f"{name} holds {values[at]:g} at {at + 1:,}; expected 0 or {high} throughout",
        )
    found: NDArray[np.int8] = (values == high).astype(np.int8)
    return found


def seen(names: Iterable[str]) -> str:
    """Names in words for a message, at most 30 of them."""
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (", ".join(listed[:_SHOWN]) + more) or "nothing"


@lru_cache(maxsize=64)
def _names_in(path: Path, _changed: int, _size: int) -> tuple[str, ...]:
    from scipy.io import whosmat

    _refuse_other_kinds(path)
    return tuple(_guarded(lambda: [name for name, _, _ in whosmat(str(path))]))


def _refuse_other_kinds(path: Path) -> None:
    with path.open("rb") as stream:
        start = stream.read(16)
    if not start:
        raise Refusal("empty-log", "the file is empty")
    if start.startswith(_HDF5):
        raise Refusal(
            "unreadable", "it is a file of MATLAB 7.3 (HDF5); expected one saved with -v7 or older"
        )


def _guarded(load: Callable[[], _Read]) -> _Read:
    """What scipy reads; a broken file makes it fail in every way that numpy and zlib know."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, about itself
            return load()
    except Unsound as error:
        raise Refusal("unreadable", f"it is no sound MATLAB file: {error}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the system's word on the file, not scipy's
        raise Refusal(
            "unreadable",
            f"it is no complete MATLAB file ({type(error).__name__}); fetch it again",
        ) from error
