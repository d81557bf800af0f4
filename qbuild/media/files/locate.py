"""Locate the files of the media that rows name, find copies, and transform media row by row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import hash_file
from qbuild.core.engine.stage import Inputs, Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError
from qbuild.core.media_roots import MediaRoots
from qbuild.core.rows.rejections import RejectedError, RejectedRow, rejected_table
from qbuild.media.files.listing import DecodingOptions, folders_of, rejected_medium

Row = dict[str, Any]


@dataclass(frozen=True)
class MediaFiles:
    """Finds the files of rows: below a `--media-root`, or in the inputs.

    `copies` are the rows, numbered from 0, whose file has the bytes of an earlier one, and the path
    of that one.
    """

    roots: MediaRoots
    copies: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Inputs, dataset: str, files: Sequence[Path] | None = None) -> Self:
        """The media of input files and folders, and of artifacts; copies are kept."""
        made = folders_of(inputs.files if files is None else files, dataset) | inputs.made_media
        return cls(MediaRoots.parse(inputs.media_roots).with_made(made))

    @classmethod
    def without_copies(cls, inputs: Inputs, options: DecodingOptions) -> Self:
        """As `of`, with copies rejected unless the options keep them."""
        media = cls.of(inputs, options.dataset)
        if options.duplicates == "keep":
            return media
        return replace(media, copies=find_copies(inputs, media))

    def find(self, number: int, row: Row) -> Path:
        """The file of row `number`, whether or not it exists.

        RejectedError `duplicate-content`, or `outside-root` if the path leaves its root; UsageError
        for an unknown root.
        """
        if number in self.copies:
            message = f"the same bytes as {self.copies[number]}"
            raise RejectedError("duplicate-content", message)
        try:
            return self.roots.find(row["dataset"], row["path"])
        except InputError as error:
            raise RejectedError("outside-root", error.what) from error


def find_copies(inputs: Inputs, media: MediaFiles) -> dict[int, str]:
    """The number of each row whose file has the bytes of an earlier one, and the path of that.

    Only files of equal size are read. Files that cannot be read are left out, to be rejected where
    they are read; so are rows that name one file twice.
    """
    by_size: dict[int, list[tuple[int, Path, str]]] = defaultdict(list)
    for batch in inputs.scan(["dataset", "path"]):
        for number, row in enumerate(batch.rows.to_pylist(), batch.start):
            try:
                file = media.find(number, row)
                by_size[file.stat().st_size].append((number, file, row["path"]))
            except (RejectedError, OSError):
                continue
    copies: dict[int, str] = {}
    for size, candidates in by_size.items():
        if size and len(candidates) > 1:
            copies |= _copies_among(candidates)
    return copies


def _copies_among(candidates: list[tuple[int, Path, str]]) -> dict[int, str]:
    first_by_hash: dict[str, tuple[Path, str]] = {}
    copies = {}
    for number, file, path in candidates:
        try:
            first_file, first_path = first_by_hash.setdefault(hash_file(file), (file, path))
        except OSError:
            continue
        if first_file != file:
            copies[number] = first_path
    return copies


def transform_media(
    rows: Iterable[tuple[int, Row]],
    make: Callable[[int, Row], Iterable[tuple[Row, File | None]]],
    schema: str,
    tally: Tally,
    rejected: Sequence[tuple[int, RejectedRow]] = (),
) -> Output:
    """The rows of `schema`, and their files, that `make` returns for each numbered row.

    A row for which `make` raises RejectedError is rejected; `rejected` are others, with numbers.
    """
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    made: list[tuple[Row, File | None]] = []
    all_rejected = list(rejected)
    for number, row in rows:
        try:
            made += make(number, row)
        except RejectedError as error:
            all_rejected.append((number, rejected_medium(row, number + 1, error.rejection)))
    in_order = sorted(all_rejected, key=lambda each: each[0])
    return Output(
        rows=pa.Table.from_pylist([row for row, _ in made], schema=load_schema(schema).arrow),
        rejected=rejected_table(row for _, row in in_order),
        files=tuple(file for _, file in made if file is not None),
        tally=tally,
    )
