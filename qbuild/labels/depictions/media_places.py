"""Where the media of annotations lie: relative paths, by media id, path or shown address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import dataset_of
from qbuild.labels.depictions.cells import Fault
from qbuild.labels.depictions.entries import is_empty
from qbuild.labels.tables import rejections

if TYPE_CHECKING:
    from qbuild.labels.depictions.entries import Found
    from qbuild.labels.depictions.options import DepictionOptions


@dataclass(frozen=True)
class Place:
    """Where a medium lies: its dataset, where the row says it, and its path; or why it does not."""

    dataset: str | None
    path: str
    fault: Fault | None


def places_of(found: Found, options: DepictionOptions) -> tuple[list[Place], int]:
    """The place of each annotation's medium, and how many paths lack the prefix."""
    import pyarrow as pa

    from qbuild.labels.depictions.media_urls import path_of
    from qbuild.labels.tables.layout import ReadOptions
    from qbuild.labels.tables.media_paths import prefixed, tidy, unsafe

    about = [one.about for one in found.annotations]
    named = [_named(cells.get("media_id")) for cells in about]
    given = [
        None if name or is_empty(cells.get("path")) else path_of(str(cells["path"]).strip())
        for name, cells in zip(named, about, strict=True)
    ]
    rules = ReadOptions(strip_prefix=options.strip_prefix, add_prefix=options.add_prefix)
    text, foreign = prefixed(pa.array(given, pa.large_string()), rules)
    paths = [
        name[1] if name else (path or "")
        for name, path in zip(named, text.to_pylist(), strict=True)
    ]
    spelled = tidy(pa.array(paths, pa.large_string()))
    return [
        Place(
            name[0] if name else None,
            str(path),
            _fault(str(path), bad, cells["media_id" if name else "path"] if path else None),
        )
        for name, path, bad, cells in zip(
            named, spelled.to_pylist(), unsafe(spelled).tolist(), about, strict=True
        )
    ], foreign


def _named(cell: Any) -> tuple[str, str] | None:
    """Dataset and path of a media id; None where the row names none."""
    if not isinstance(cell, str) or ":" not in cell:
        return None
    return dataset_of(cell.strip()), cell.strip().partition(":")[2]


def _fault(path: str, bad: bool, cell: Any) -> Fault | None:
    if not path:
        return Fault(rejections.MISSING_PATH, "the row names no media file", "path", cell)
    if bad:
        told = f"{rejections.as_text(cell)!r} is not safely below a root"
        expected = "expected a relative path with / and no .. component"
        return Fault(rejections.UNSAFE_PATH, f"{told}; {expected}", "path", cell)
    return None
