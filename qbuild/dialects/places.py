"""The media that a record shows: one place a placeholder, each with a path and a kind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qbuild.dialects.dialect import Row, Unreadable, Unwritable
from qbuild.quality.media_types import VIDEOS

_VIDEO = re.compile(rf"\.({VIDEOS})\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """What stands at a placeholder: a medium's path, and its kind as the record tells it."""

    path: str
    kind: str


def shown(row: Row) -> list[int]:
    """The index of the medium at each placeholder; Unwritable where media and turns disagree."""
    parts = [part for turn in row["turns"] for part in turn["parts"]]
    found = [part["media"] for part in parts if part["media"] is not None]
    if set(found) != set(range(len(row["media"]))):
        message = f"{len(row['media'])} media, of which the turns show {sorted(set(found))}"
        raise Unwritable("media-mismatch", f"{message}; expected each of them", "media")
    return found


def kind_of(path: str, key: str = "image") -> str:
    """What a medium is, from the record's key and the file name's suffix."""
    is_video = key == "video" or _VIDEO.search(path)
    return "video" if is_video else "image"


def paths_of(value: object, key: str) -> list[str]:
    """The paths under a record's key: a text is one path, a list holds several, null none."""
    paths = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(paths, list) or (value is not None and not paths):
        message = f"`{key}` is {str(value)[:40]!r}; expected a path or a list of paths"
        raise Unreadable("bad-media", message, key, str(value)[:80])
    for path in paths:
        if not isinstance(path, str) or not safe(path):
            message = f"{str(path)[:80]!r} is no path below a media root"
            expected = "expected a relative path with forward slashes and no `..`"
            raise Unreadable("unsafe-path", f"{message}; {expected}", key, str(path)[:80])
    return paths


def safe(path: str) -> bool:
    """Whether a path keeps the rule of the schemas; two dots inside a name are fine."""
    plain = "\\" not in path and all(ord(sign) >= 32 for sign in path)
    return plain and not {"", ".", ".."} & set(path.split("/")) and _is_unicode(path)


def one_each(paths: list[str], count: int, placeholder: str, key: str) -> list[str]:
    """The path at each of `count` placeholders; Unreadable unless there are as many paths."""
    if len(paths) != count:
        message = f"{count} times {placeholder} for {len(paths)} media; expected one for each"
        raise Unreadable("placeholder-count", message, key)
    return paths


def _is_unicode(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
