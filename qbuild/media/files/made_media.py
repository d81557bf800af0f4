"""Names and rows of media made from other media."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from qbuild.core.canonical import hash_bytes, media_id

MAX_NAME_BYTES = 240  # file systems allow 255, and a temporary name is a few bytes longer


def made_name(dataset: str, path: str, operation: str) -> str:
    """`<dataset>/<path>.<operation>`, a relative path; `operation` decides the file's bytes.

    A dataset or file name of more than 240 bytes is shortened and ends in a hash of the full name.
    """
    folder = quote(dataset, safe=" ")
    if not folder.strip("."):  # `.` and `..` are not folder names
        folder = folder.replace(".", "%2E")
    above, slash, last = path.rpartition("/")
    file = _shorten(last, MAX_NAME_BYTES - len(f".{operation}".encode()))
    return f"{_shorten(folder, MAX_NAME_BYTES)}/{above}{slash}{file}.{operation}"


def made_columns(row: dict[str, Any], suffix: str, name: str, seed: int) -> dict[str, Any]:
    """The columns that identify a made medium and its source, the medium of `row`."""
    dataset = f"{row['dataset']}-{suffix}"
    return {
        "media_id": media_id(dataset, name),
        "dataset": dataset,
        "path": name,
        "split": row["split"],
        "licence": row["licence"],
        "seed": f"{seed:016x}",
        "source_media_id": row["media_id"],
        "source_path": row["path"],
    }


def synthetic_source(row: dict[str, Any], operation: str) -> str:
    """The column `source` of a medium that was distorted, from that of its source."""
    return f"synthetic: {operation}" + (f" from {row['source']}" if row["source"] else "")


def _shorten(name: str, limit: int) -> str:
    """The name, in at most `limit` bytes of UTF-8."""
    encoded = name.encode()
    if len(encoded) <= limit:
        return name
    mark = f"~{hash_bytes(encoded)[7:23]}"
    return encoded[: limit - len(mark)].decode(errors="ignore") + mark
