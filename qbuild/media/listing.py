"""Files and folders of media as rows of schema `file`, and where the media of rows lie.

A folder is a dataset: it bears the folder's name unless another is given, and the paths of its
media start below it. Hidden files are left out, and files whose ending is none of a picture or
video. A link that leads out of the folder is refused.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from qbuild.core.canonical import canonical_json, media_id
from qbuild.core.errors import InputError, UsageError
from qbuild.core.folder import safe_name
from qbuild.core.roots import MediaRoots, resolved
from qbuild.core.stage import Inputs, Options, Output
from qbuild.core.suffixes import IMAGES, VIDEOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

ENDINGS = {"image": frozenset(IMAGES.split("|")), "video": frozenset(VIDEOS.split("|"))}
KINDS = tuple(ENDINGS)


class FileOptions(Options):
    """What is said of media that are given as files or folders."""

    dataset: str = Field(
        default="", description="Name of the dataset of files and folders; else the folder's name."
    )
    licence: str = Field(default="", description="Licence of the media of files and folders.")
    source: str = Field(default="", description="Where they come from: a paper, page or study.")


@dataclass(frozen=True)
class Found:
    """A file below the folder of its dataset; `fault` is why it cannot be taken, if so."""

    dataset: str
    path: str
    fault: tuple[str, str] | None = None  # reason, message


def listed(
    paths: Sequence[Path],
    options: FileOptions,
    kinds: Sequence[str] = KINDS,
    limit: int | None = None,
) -> Iterator[Output]:
    """The media of files and folders in order of their names, as rows of schema `file`.

    Files of other kinds below a folder are not rows: they are counted under `ignored`. A file
    given by its own name is always a row, whatever its ending.
    """
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    folders_of(paths, options.dataset)
    rows, refusals, tally = [], [], Counter[str]()
    seen: set[tuple[str, str]] = set()
    for found in _walk(paths, options.dataset, kinds, tally):
        if (found.dataset, found.path) in seen:
            continue
        seen.add((found.dataset, found.path))
        if found.fault is not None:
            row = {"dataset": found.dataset, "path": printable(found.path)}
            refusals.append(refusal(row, len(seen), *found.fault))
            continue
        rows.append(_row(found, options))
        if len(rows) == limit:
            break
    schema = load_schema("file").arrow
    table = pa.Table.from_pylist(rows, schema=schema)
    yield Output(rows=table, rejected=pa.concat_tables(refusals) if refusals else None, tally=tally)


@dataclass(frozen=True)
class Places:
    """Where the media of rows lie: below a `--media-root`, or where the inputs have them."""

    roots: MediaRoots
    given: MediaRoots

    @classmethod
    def of(cls, inputs: Inputs, options: FileOptions) -> Self:
        """The places of all inputs: files, folders, and artifacts with media made for them."""
        given = folders_of(inputs.files, options.dataset) | inputs.made_media
        return cls(MediaRoots.parse(inputs.media_roots), MediaRoots(given))

    def find(self, dataset: str, path: str) -> Path:
        """The file of a medium, there or not.

        InputError where the path leaves its root, UsageError where no root is known.
        """
        known = dataset in self.given.folders and dataset not in self.roots.folders
        return (self.given if known else self.roots).find(dataset, path)


def folders_of(paths: Iterable[Path], dataset: str) -> dict[str, Path]:
    """The folder of each dataset; UsageError where one name would stand for two folders."""
    found: dict[str, Path] = {}
    for path in paths:
        folder = path if path.is_dir() else path.parent
        name = dataset or named(folder)
        if resolved(found.setdefault(name, folder)) != resolved(folder):
            raise UsageError(
                str(path),
                f"dataset {name!r} already stands for the folder {found[name]}",
                "expected one folder a dataset",
                "Give the folder that holds both, or run the stage on each.",
            )
    return found


def named(folder: Path) -> str:
    """The name of the dataset that a folder is."""
    return printable(resolved(folder).name) or "media"


def printable(name: str) -> str:
    """A name from the disk as text that UTF-8 can hold."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def refusal(row: dict[str, Any], number: int, reason: str, message: str) -> pa.Table:
    """A rejected row for one medium, told by its path; `number` counts the rows read, from 1."""
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    told = PurePosixPath(row["path"]).name in message
    rejected = {
        "source": row["dataset"],
        "row": number,
        "reason": reason,
        "message": message if told else f"{row['path']}: {message}",
        "column": "path",
        "value": row["path"],
        "record": canonical_json(row),
    }
    return pa.Table.from_pylist([rejected], schema=load_schema("rejected").arrow)


def _row(found: Found, options: FileOptions) -> dict[str, Any]:
    return {
        "media_id": media_id(found.dataset, found.path),
        "dataset": found.dataset,
        "path": found.path,
        "split": None,
        "licence": options.licence or None,
        "source": options.source or None,
    }


def _walk(
    paths: Sequence[Path], dataset: str, kinds: Sequence[str], tally: Counter[str]
) -> Iterator[Found]:
    endings = frozenset().union(*(ENDINGS[kind] for kind in kinds))
    for path in paths:
        if not path.is_dir():
            yield _judged(dataset or named(path.parent), path.parent, path.name)
            continue
        for name in _below(path):
            if name.rpartition(".")[2].lower() in endings:
                yield _judged(dataset or named(path), path, name)
            else:
                tally["ignored"] += 1


def _below(folder: Path) -> Iterator[str]:
    """Relative names of the files below a folder, sorted; hidden ones and linked folders not."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place).relative_to(folder)
        for name in sorted(files):
            if not name.startswith("."):
                yield (inside / name).as_posix()


def _judged(dataset: str, folder: Path, name: str) -> Found:
    if name.encode(errors="replace").decode() != name:
        return Found(dataset, name, ("unusable-name", "the name is not UTF-8; rename the file"))
    if not safe_name(name) or not name.isprintable():
        return Found(dataset, name, ("unusable-name", f"expected a plain name, not {name!r}"))
    try:
        MediaRoots({dataset: folder}).find(dataset, name)
    except InputError as error:
        return Found(dataset, name, ("outside-root", error.what))
    return Found(dataset, name)
