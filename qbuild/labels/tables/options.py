"""Options and errors that the readers of all kinds of label files share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import Field, field_validator

from qbuild.core.engine.stage import Options
from qbuild.core.errors import (
    CombinedError,
    InputError,
    QbuildError,
    UsageError,
    raise_all,
    suggest,
)

T = TypeVar("T")


class LabelFileOptions(Options):
    """Options of a stage that reads label files; they apply to files, not to artifacts."""

    FILES: ClassVar[str]  # the files in a message
    EXAMPLE: ClassVar[str]  # the column named next to the path in a message

    dataset: str = Field(
        default="", description="Dataset name; default: the file's own, else the file's stem."
    )
    columns: str = Field(default="", description="Columns of a table: path=NAME,….")
    strip_prefix: str = Field(default="", description="Prefix to remove from every path.")
    add_prefix: str = Field(default="", description="Prefix to add to every path.")

    @field_validator("columns")
    @classmethod
    def _check_columns(cls, text: str) -> str:
        _parse_columns(text, cls.EXAMPLE)
        return text

    @property
    def column_names(self) -> dict[str, str]:
        """Canonical name → the file's column."""
        return _parse_columns(self.columns, self.EXAMPLE)


def _parse_columns(text: str, example: str) -> dict[str, str]:
    """Canonical name → column, of `path=NAME,mos=NAME,…`; ValueError for anything else."""
    columns: dict[str, str] = {}
    for pair in text.split(",") if text else []:
        name, _, column = (part.strip() for part in pair.partition("="))
        if not name or not column:
            raise ValueError(f"expected path=NAME,{example}=NAME; {pair!r} is not such a pair")
        if name in columns:
            raise ValueError(f"expected each name once; {name!r} is given twice")
        columns[name] = column
    return columns


def reject_file_options(options: Options, of_files: type[LabelFileOptions], stage: str) -> None:
    """Raise a UsageError for an option of label files where every input is an artifact."""
    for name, field in of_files.model_fields.items():
        if getattr(options, name) != field.get_default():
            raise UsageError(
                f"--{name.replace('_', '-')}",
                f"applies to {of_files.FILES}, and every input is an artifact",
                f"expected {stage} without it",
                "Leave it out, or give the files themselves.",
            )


def read_each(paths: Iterable[Path], read: Callable[[Path], T], what: str) -> list[T]:
    """What `read` returns for each file; the errors of all files are raised together.

    A UsageError is raised at once. `what` names the files in the InputError for none at all.
    """
    results: list[T] = []
    errors: list[QbuildError] = []
    for path in paths:
        try:
            results.append(read(path))
        except UsageError:
            raise
        except QbuildError as error:
            errors.extend(error.problems if isinstance(error, CombinedError) else [error])
    raise_all(errors)
    if not results:
        raise InputError("", f"no {what} was given", "expected at least one")
    return results


def load_layout(name: str, modules: Mapping[str, str], package: str) -> Any:
    """The `LAYOUT` of the module of that name; UsageError with similar names if unknown."""
    if name not in modules:
        raise UsageError(
            "--layout",
            f"no layout is named {name!r}",
            "expected auto or the name of a layout",
            suggest(name, modules),
        )
    return import_module(f"{package}.{modules[name]}").LAYOUT
