"""Files and folders of media as rows of schema `file`, and where the media of rows lie.

A folder is a dataset: it bears the folder's name unless another is given, and the paths of its
media start below it. Hidden files are left out, and files whose ending is none of a picture or
video. A link that leads out of the folder is refused, and so is a folder that cannot be listed; a
link to a folder inside is not followed, for its files have names of their own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import Field

from qbuild.core.artifact.output_folder import safe_name
from qbuild.core.canonical import canonical_json, media_id
from qbuild.core.engine.stage import Inputs, Options, Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, UsageError
from qbuild.core.media_roots import MediaRoots, resolved
from qbuild.media.files.ignored import leave_out, left_out, left_out_line
from qbuild.quality.media_types import IMAGES, VIDEOS

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

    Files of other kinds below a folder are not rows: `left_out` tells how many. A file given by
    its own name is always a row, whatever its ending. Raises InputError where there is nothing to
    read or to reject.
    """
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    folders_of(paths, options.dataset)
    rows, refusals, tally = [], [], Tally()
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
    if not rows and not refusals:
        raise _nothing(paths, kinds, tally)
    schema = load_schema("file").arrow
    table = pa.Table.from_pylist(rows, schema=schema)
    yield Output(rows=table, rejected=pa.concat_tables(refusals) if refusals else None, tally=tally)


def roots_of(inputs: Inputs, options: FileOptions) -> MediaRoots:
    """Where the media of rows lie: below a `--media-root`, or where the inputs have them."""
    given = folders_of(inputs.files, options.dataset) | inputs.made_media
    return MediaRoots.parse(inputs.media_roots).with_made(given)


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


def _nothing(paths: Sequence[Path], kinds: Sequence[str], tally: Tally) -> InputError:
    endings = ", ".join(sorted(ending for kind in kinds for ending in ENDINGS[kind]))
    return InputError(
        ", ".join(map(str, paths)),
        "; ".join([f"holds no {' or '.join(kinds)}", *left_out_line(left_out(tally))]),
        f"expected files that end in {endings}",
        "Check the folder; a file given by its own name is read whatever its ending.",
    )


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
    paths: Sequence[Path], dataset: str, kinds: Sequence[str], tally: Tally
) -> Iterator[Found]:
    endings = frozenset().union(*(ENDINGS[kind] for kind in kinds))
    for path in paths:
        if path.is_dir():
            yield from _below(path, dataset or named(path), endings, tally)
        else:
            yield _judged(dataset or named(path.parent), path.parent, path.name)


def _below(folder: Path, dataset: str, endings: frozenset[str], tally: Tally) -> Iterator[Found]:
    """The media below a folder, sorted, and what keeps others from being seen."""
    closed: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=closed.append):
        folders[:] = _not_hidden(folders)
        inside = Path(place).relative_to(folder)
        links = [inside / name for name in folders if Path(place, name).is_symlink()]
        judged = [_judged(dataset, folder, link.as_posix()) for link in links]
        yield from (link for link in judged if link.fault is not None)
        for name in _not_hidden(files):
            if name.rpartition(".")[2].lower() in endings:
                yield _judged(dataset, folder, (inside / name).as_posix())
            else:
                leave_out(printable(name), tally)
    for error in closed:
        name = Path(error.filename).relative_to(folder).as_posix()
        yield Found(dataset, printable(name), ("no-permission", "the folder may not be listed"))


def _not_hidden(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("."))


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
