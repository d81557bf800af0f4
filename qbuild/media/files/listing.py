"""List the media of files and folders as rows of schema `file`.

A folder is a dataset, named like the folder unless the options set a name, and the paths of its
media are relative to it. Hidden files and files with other suffixes than those of images and videos
are ignored. A link that leads out of the folder is rejected, and so is a folder that cannot be
listed; a link to a folder inside is not followed: its files are listed under their own paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field

from qbuild.core.artifact.output_folder import safe_name
from qbuild.core.canonical import canonical_json, media_id
from qbuild.core.engine.stage import Options, Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, UsageError
from qbuild.core.media_roots import MediaRoots, real_path
from qbuild.core.plural import plural
from qbuild.core.rows.rejections import RejectedRow, Rejection, rejected_table
from qbuild.quality.media_types import SUFFIXES

KINDS = tuple(SUFFIXES)
_LISTED_SUFFIXES = 8  # in the report


class FileOptions(Options):
    """Properties of the media of input files and folders."""

    dataset: str = Field(
        default="", description="Dataset name of input files and folders; default: folder name."
    )
    licence: str = Field(default="", description="Licence of the media of input files and folders.")
    source: str = Field(default="", description="Origin of the media: a paper, page or study.")


class DecodingOptions(FileOptions):
    """Which files are decoded."""

    duplicates: Literal["reject", "keep"] = Field(
        default="reject", description="Files with the same bytes as an earlier file."
    )
    max_pixels: int = Field(
        default=64_000_000, ge=1024, description="Largest image or video frame, in pixels."
    )


@dataclass(frozen=True)
class ListedFile:
    """A file below the folder of its dataset; `rejection` is why it cannot be used."""

    dataset: str
    path: str
    rejection: Rejection | None = None


def list_media(
    paths: Sequence[Path],
    options: FileOptions,
    limit: int | None = None,
    kinds: Sequence[str] = KINDS,
) -> Iterator[Output]:
    """Yield the media of files and folders, ordered by name, as rows of schema `file`.

    Other files below a folder are only counted (`ignored_report`). An input file is always a
    row, whatever its suffix. InputError if there is nothing to read or to reject.
    """
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    folders_of(paths, options.dataset)
    rows, rejected, tally = [], [], Tally()
    listed: set[tuple[str, str]] = set()
    for file in _walk(paths, options.dataset, kinds, tally):
        if (file.dataset, file.path) in listed:
            continue
        listed.add((file.dataset, file.path))
        if file.rejection is not None:
            row = {"dataset": file.dataset, "path": printable(file.path)}
            rejected.append(rejected_medium(row, len(listed), file.rejection))
            continue
        rows.append(_file_row(file, options))
        if len(rows) == limit:
            break
    if not rows and not rejected:
        raise _nothing_found(paths, kinds, tally)
    table = pa.Table.from_pylist(rows, schema=load_schema("file").arrow)
    yield Output(rows=table, rejected=rejected_table(rejected), tally=tally)


def folders_of(paths: Iterable[Path], dataset: str) -> dict[str, Path]:
    """The folder of each dataset; UsageError for two folders with the same dataset name."""
    folders: dict[str, Path] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        name = dataset or dataset_name(folder)
        if real_path(folders.setdefault(name, folder)) != real_path(folder):
            raise UsageError(
                str(path),
                f"dataset {name!r} is already the folder {folders[name]}",
                "expected one folder per dataset",
                "Give the folder that contains both, or run the stage on each.",
            )
    return folders


def dataset_name(folder: Path) -> str:
    """The dataset name of a folder."""
    return printable(real_path(folder).name) or "media"


def printable(name: str) -> str:
    """A file name as valid UTF-8 text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def rejected_medium(row: dict[str, Any], number: int, rejection: Rejection) -> RejectedRow:
    """The rejected row of a medium; `number` counts rows from 1.

    The row's own `source_file` and `source_row`, if any, replace its dataset and `number`.
    """
    named = PurePosixPath(row["path"]).name in rejection.message
    message = rejection.message if named else f"{row['path']}: {rejection.message}"
    return RejectedRow(
        row.get("source_file") or row["dataset"],
        row.get("source_row") or number,
        Rejection(rejection.reason, message, "path", row["path"]),
        canonical_json(row),
    )


def ignored_report(tally: Tally) -> dict[str, Any]:
    """`ignored` and `ignored_endings` of a report, the most frequent suffix first."""
    suffixes = sorted(tally.of("ignored").items(), key=lambda each: (-each[1], each[0]))
    return {"ignored": tally["ignored"], "ignored_endings": dict(suffixes)}


def format_ignored(report: dict[str, Any]) -> list[str]:
    """The line of a report about ignored files; none if there are none."""
    if not report["ignored"]:
        return []
    suffixes = [f"{suffix} {count}" for suffix, count in report["ignored_endings"].items()]
    more = len(suffixes) - _LISTED_SUFFIXES
    shown = suffixes[:_LISTED_SUFFIXES] + ([f"{more:,} more suffixes"] if more > 0 else [])
    return [f"{plural(report['ignored'], 'file')} with other suffixes ignored: {', '.join(shown)}"]


def _count_ignored(name: str, tally: Tally) -> None:
    tally.add("ignored")
    tally.add("ignored", PurePosixPath(name).suffix.lower() or "no ending")


def _nothing_found(paths: Sequence[Path], kinds: Sequence[str], tally: Tally) -> InputError:
    suffixes = ", ".join(sorted(suffix for kind in kinds for suffix in SUFFIXES[kind]))
    return InputError(
        ", ".join(map(str, paths)),
        "; ".join([f"holds no {' or '.join(kinds)}", *format_ignored(ignored_report(tally))]),
        f"expected files with the suffixes {suffixes}",
        "Check the folder; a file given by its own path is read whatever its suffix.",
    )


def _file_row(file: ListedFile, options: FileOptions) -> dict[str, Any]:
    return {
        "media_id": media_id(file.dataset, file.path),
        "dataset": file.dataset,
        "path": file.path,
        "split": None,
        "licence": options.licence or None,
        "source": options.source or None,
    }


def _walk(
    paths: Sequence[Path], dataset: str, kinds: Sequence[str], tally: Tally
) -> Iterator[ListedFile]:
    suffixes = frozenset().union(*(SUFFIXES[kind] for kind in kinds))
    for path in paths:
        if path.is_dir():
            yield from _walk_folder(path, dataset or dataset_name(path), suffixes, tally)
        else:
            yield _checked(dataset or dataset_name(path.parent), path.parent, path.name)


def _walk_folder(
    folder: Path, dataset: str, suffixes: frozenset[str], tally: Tally
) -> Iterator[ListedFile]:
    """The media below a folder, sorted, and the links and folders that cannot be followed."""
    errors: list[OSError] = []
    for directory, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = _visible(folders)
        inside = Path(directory).relative_to(folder)
        links = [inside / name for name in folders if Path(directory, name).is_symlink()]
        checked = [_checked(dataset, folder, link.as_posix()) for link in links]
        yield from (link for link in checked if link.rejection is not None)
        for name in _visible(files):
            if name.rpartition(".")[2].lower() in suffixes:
                yield _checked(dataset, folder, (inside / name).as_posix())
            else:
                _count_ignored(printable(name), tally)
    for error in errors:
        name = Path(error.filename).relative_to(folder).as_posix()
        rejection = Rejection("no-permission", "the folder may not be listed")
        yield ListedFile(dataset, printable(name), rejection)


def _visible(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("."))


def _checked(dataset: str, folder: Path, name: str) -> ListedFile:
    rejection = None
    if name.encode(errors="replace").decode() != name:
        rejection = Rejection("unusable-name", "the name is not UTF-8; rename the file")
    elif not safe_name(name) or not name.isprintable():
        rejection = Rejection("unusable-name", f"expected a plain name, not {name!r}")
    else:
        try:
            MediaRoots({dataset: folder}).find(dataset, name)
        except InputError as error:
            rejection = Rejection("outside-root", error.what)
    return ListedFile(dataset, name, rejection)
