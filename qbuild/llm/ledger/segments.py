"""Lines of the ledger: one JSON object each with a checksum, in numbered append-only segments.

A line is `{"crc":"xxxxxxxx",…}` with the CRC-32 of all that follows the checksum's comma. What is
not whole, or whose checksum does not fit, is never read as data.
"""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.canonical import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEGMENT_BYTES = 64 << 20
_NAME = re.compile(r"ledger-(\d+)\.jsonl\Z", re.ASCII)
_HEAD = len('{"crc":"00000000",')


@dataclass(frozen=True)
class Line:
    """A whole line: where it starts, and its object; None where it is damaged."""

    start: int
    value: dict[str, Any] | None


def encode(value: dict[str, Any]) -> bytes:
    """The line of an object, with its checksum and its line feed."""
    rest = canonical_json(value)[1:].encode()
    return b'{"crc":"%08x",' % zlib.crc32(rest) + rest + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """The object of a line without its line feed; None where the checksum does not fit."""
    if line[:8] != b'{"crc":"' or line[8:16] != b"%08x" % zlib.crc32(line[_HEAD:]):
        return None
    value: dict[str, Any] = json.loads(b"{" + line[_HEAD:])
    return value


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Number and path of each segment, in order."""
    found = [(_NAME.match(path.name), path) for path in folder.glob("ledger-*.jsonl")]
    return sorted((int(match[1]), path) for match, path in found if match)


def segment_path(folder: Path, number: int) -> Path:
    """Where segment `number` lies."""
    return folder / f"ledger-{number:05}.jsonl"


def read_lines(path: Path) -> Iterator[Line]:
    """All whole lines of a segment; a last one without its line feed is being written or torn."""
    start = 0
    with path.open("rb") as stream:
        for raw in stream:
            if raw.endswith(b"\n"):
                yield Line(start, decode(raw[:-1]))
            start += len(raw)


def set_torn_apart(path: Path) -> Path | None:
    """Cut a torn last line off a segment and save it beside; where it was saved, if there was one.

    The fragment is durable before the segment is cut, so that nothing is lost in between.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        whole = _whole(stream, size)
        if whole == size:
            return None
        stream.seek(whole)
        fragment = stream.read()
    apart = path.with_name(f"{path.stem}.torn-{whole}")
    with disk_errors(apart):
        apart.write_bytes(fragment)
        sync(apart)
        with path.open("r+b") as target:
            target.truncate(whole)
        sync(path)
        sync(path.parent)
    return apart


def _whole(stream: Any, size: int) -> int:
    """Bytes up to and with the last line feed."""
    at = size
    while at:
        begin = max(0, at - (1 << 16))
        stream.seek(begin)
        found = stream.read(at - begin).rfind(b"\n")
        if found >= 0:
            return int(begin + found + 1)
        at = begin
    return 0
