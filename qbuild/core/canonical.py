"""Canonical JSON, and the hashes, ids and seeds made from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


def canonical_json(value: Any) -> str:
    """`value` as JSON with sorted keys and no spaces; ValueError for NaN and infinities."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def hash_value(value: Any) -> str:
    """`sha256:…` of a value's canonical JSON."""
    return hash_bytes(canonical_json(value).encode())


def hash_bytes(data: bytes) -> str:
    """`sha256:…` of these bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hash_file(path: Path) -> str:
    """`sha256:…` of a file's bytes, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return "sha256:" + digest.hexdigest()


def media_id(dataset: str, path: str) -> str:
    """`<dataset>:<path>`, with `:` and the escape character `%` escaped in the dataset."""
    return f"{escape_dataset(dataset)}:{path}"


def escape_dataset(dataset: str) -> str:
    """The dataset as part of a media id: `%` → `%25`, `:` → `%3A`."""
    return dataset.replace("%", "%25").replace(":", "%3A")


def dataset_of(medium: str) -> str:
    """The dataset's name in a media id."""
    return medium.partition(":")[0].replace("%3A", ":").replace("%25", "%")


def sample_id(media: list[str], task: str, *text: str) -> str:
    """32 hex digits of the hash of a sample's media, task and text."""
    return hashlib.sha256(canonical_json([media, task, *text]).encode()).hexdigest()[:32]


def row_seed(seed: int, *names: str) -> int:
    """A 64-bit seed from the run's seed and a row's id, independent of order and workers."""
    text = canonical_json([seed, *names]).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
