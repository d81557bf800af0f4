"""What the functions return: artifacts that open as pandas or Arrow, and export folders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import QbuildError, UsageError, suggest

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Artifact", "Export", "IncompleteWarning", "QbuildError", "open_artifact"]


class IncompleteWarning(UserWarning):
    """A stage stopped before its last row; running it again continues."""


class Export:
    """A folder of files that a stage wrote, such as a training file in a dialect."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        return f"Export({str(self.path)!r})"

    @cached_property
    def description(self) -> dict[str, Any]:
        """The content of `qbuild.json`: stage, options, inputs, hashes, report."""
        from qbuild.core.artifact.lineage import open_output

        return open_output(self.path).description.as_dict()

    @property
    def report(self) -> dict[str, Any]:
        """What the stage reported: counts and figures, as in `--json`."""
        return dict(self.description["report"])

    @property
    def files(self) -> list[Path]:
        """The files of the folder, sorted by name."""
        return [self.path / name for name in self.description["files"]]


class Artifact:
    """An artifact: a Parquet file whose rows are checked against a schema."""

    def __init__(self, path: Path) -> None:
        from qbuild.core.artifact.reader import Artifact as Reader

        self._reader = Reader.open(path)
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)

    def __len__(self) -> int:
        return self._reader.rows

    def __repr__(self) -> str:
        return f"Artifact({str(self.path)!r}, schema={self.schema!r}, rows={len(self)})"

    @property
    def schema(self) -> str:
        """The name of the schema that its rows are checked against, such as `level`."""
        return self._reader.schema.name

    @property
    def description(self) -> dict[str, Any]:
        """The description in the artifact: stage, options, inputs, hashes, report."""
        return self._reader.description.as_dict()

    @property
    def report(self) -> dict[str, Any]:
        """What its stage reported: counts and figures, as in `--json`."""
        return dict(self.description.get("report", {}))

    @property
    def complete(self) -> bool:
        """Whether every row of the inputs was handled."""
        return bool(self.description["complete"])

    @property
    def rejected(self) -> Artifact | None:
        """The rejected rows, each with its reason; None where no row was rejected."""
        from qbuild.core.artifact.reader import rejected_path

        path = rejected_path(self._reader.path)
        return Artifact(path) if path.exists() else None

    def to_arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, or some of their columns."""
        return self._reader.table(self._known(columns))

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows as a DataFrame, or some of their columns."""
        return self.to_arrow(columns).to_pandas()

    def _known(self, columns: Sequence[str] | None) -> list[str] | None:
        names = self._reader.schema.arrow.names
        for name in columns or ():
            if name not in names:
                raise UsageError(
                    str(self.path),
                    f"has no column {name!r}",
                    f"expected columns of schema {self.schema}",
                    suggest(name, names),
                )
        return None if columns is None else list(columns)


def open_artifact(path: str | Path) -> Artifact:
    """The artifact at `path`, or in that folder.

    Raises InputError where there is no readable Parquet file, SchemaError where it is not an
    artifact or its schema is unknown.
    """
    return Artifact(Path(path))
