"""Files that were saved with a model: missing or damaged ones are errors with four parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qbuild.core.errors import InputError

TOKENIZER = "tokenizer.json"


def require_files(folder: Path, *names: str) -> None:
    """Raise InputError for the first file that the folder lacks."""
    for name in names:
        if not (folder / name).is_file():
            raise InputError(
                str(folder),
                f"holds no {name}",
                "expected the folder of a checkpoint that qbuild saved, with all its files",
                "Import published weights: `qbuild import-checkpoint`. Copy all of qbuild's files.",
            )


@contextmanager
def read_errors(file: Path, expected: str, todo: str) -> Iterator[None]:
    """A context in which every error is an InputError: a damaged tokenizer raises any."""
    try:
        yield
    except Exception as error:
        raise InputError(
            str(file),
            f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})",
            expected,
            todo,
        ) from error
