"""Lines of the ledger: one JSON object each with a checksum, in numbered append-only segments.

A line is `{"crc":"xxxxxxxx",…}` with the CRC-32 of all that follows the checksum's comma. An
incomplete line, or one whose checksum does not match, is never read as data.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from qbuild.core.artifact.atomic_write import disk_errors, sync
from qbuild.core.canonical import canonical_json

SEGMENT_BYTES = 64 << 20
_NAME = re.compile(r"ledger-(\d+)\.jsonl\Z", re.ASCII)
_PREFIX_LENGTH = len('{"crc":"00000000",')


@dataclass(frozen=True)
class Line:
    """A complete line: the byte where it starts, and its object; None where it is damaged."""

    start: int
    value: dict[str, Any] | None


def encode(value: dict[str, Any]) -> bytes:
    """The line of an object, with its checksum and its line feed."""
    rest = canonical_json(value)[1:].encode()
    return b'{"crc":"%08x",' % zlib.crc32(rest) + rest + b"\n"


def decode(line: bytes) -> dict[str, Any] | None:
    """The object of a line without its line feed; None where the checksum does not match."""
    if line[:8] != b'{"crc":"' or line[8:16] != b"%08x" % zlib.crc32(line[_PREFIX_LENGTH:]):
        return None
    value: dict[str, Any] = json.loads(b"{" + line[_PREFIX_LENGTH:])
    return value


def list_segments(folder: Path) -> list[tuple[int, Path]]:
    """Number and path of each segment, in order."""
    names = [(_NAME.match(path.name), path) for path in folder.glob("ledger-*.jsonl")]
    return sorted((int(match[1]), path) for match, path in names if match)


def segment_path(folder: Path, number: int) -> Path:
    """The path of segment `number`."""
    return folder / f"ledger-{number:05}.jsonl"


def read_lines(path: Path) -> Iterator[Line]:
    """All complete lines; a last one without its line feed is incomplete or still being written."""
    start = 0
    with path.open("rb") as stream:
        for raw in stream:
            if raw.endswith(b"\n"):
                yield Line(start, decode(raw[:-1]))
            start += len(raw)


def cut_torn_line(path: Path) -> None:
    """Move an incomplete last line from a segment to a file next to it, `….torn-BYTE`.

    The fragment is durable before the segment is cut, so that nothing is lost in between.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        complete = _complete_bytes(stream, size)
        if complete == size:
            return
        stream.seek(complete)
        fragment = stream.read()
    torn = path.with_name(f"{path.stem}.torn-{complete}")
    with disk_errors(torn):
        torn.write_bytes(fragment)
        sync(torn)
        with path.open("r+b") as target:
            target.truncate(complete)
        sync(path)
        sync(path.parent)


def _complete_bytes(stream: IO[bytes], size: int) -> int:
    end = size
    while end:
        begin = max(0, end - (1 << 16))
        stream.seek(begin)
        at = stream.read(end - begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0
