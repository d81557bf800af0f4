"""The media that a record shows: a path and a kind for each placeholder."""

from __future__ import annotations

from dataclasses import dataclass

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.dialect import Row
from qbuild.quality.media_types import media_kind


@dataclass(frozen=True)
class ShownMedium:
    """The medium at a placeholder: its path, and its kind according to the record."""

    path: str
    kind: str


def media_order(row: Row) -> list[int]:
    """The index of the medium at each placeholder; RejectedError unless all media are shown."""
    parts = [part for turn in row["turns"] for part in turn["parts"]]
    order = [part["media"] for part in parts if part["media"] is not None]
    if set(order) != set(range(len(row["media"]))):
        message = f"{len(row['media'])} media, of which the turns show {sorted(set(order))}"
        raise RejectedError("media-mismatch", f"{message}; expected each of them", "media")
    return order


def shown_media(paths: list[str], key: str = "image") -> list[ShownMedium]:
    """The media of these paths; kinds follow from the record's key and the file names."""
    return [
        ShownMedium(path, "video" if "video" in (key, media_kind(path)) else "image")
        for path in paths
    ]


def read_paths(value: object, key: str) -> list[str]:
    """The paths under a record's key: a text is one path, a list holds several, null none."""
    paths = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or (value is not None and not paths):
        message = f"`{key}` is {str(value)[:40]!r}; expected a path or a list of paths"
        raise RejectedError("bad-media", message, key, str(value)[:80])
    for path in paths:
        if not isinstance(path, str) or not is_safe(path):
            message = f"{str(path)[:80]!r} is not a path below a media root"
            expected = "expected a relative path with forward slashes and no `..`"
            raise RejectedError("unsafe-path", f"{message}; {expected}", key, str(path)[:80])
    return paths


def is_safe(path: str) -> bool:
    """Whether a path follows the rule of the schemas; two dots inside a name are fine."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    printable = "\\" not in path and all(ord(character) >= 32 for character in path)
    return printable and not {"", ".", ".."} & set(path.split("/"))


def check_count(paths: list[str], count: int, placeholder: str, key: str) -> None:
    """Raise RejectedError unless there are as many paths as placeholders."""
    if len(paths) != count:
        message = f"{count} times {placeholder} for {len(paths)} media; expected one for each"
        raise RejectedError("placeholder-count", message, key)
