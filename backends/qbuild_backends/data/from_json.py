"""Samples of JSON files in LLaVA's form or the VQA² release's, as `qbuild export` writes them.

A record is `{"id", "image"|"video": path, "conversations": [{"from", "value"}]}`; in the release
`image` also names videos, and `frames per sec` marks them. A record with neither key is only text.
Only what training needs is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from qbuild.backends.conversation import Role, conversation
from qbuild.core.canonical import media_id
from qbuild.core.engine.inputs import describe_input
from qbuild.core.errors import InputError
from qbuild.core.media_roots import MediaRoots
from qbuild.core.rows.rejections import RejectedError
from qbuild.quality.media_types import VIDEOS
from qbuild_backends.data.sample import Sample, Samples, source_ids
from qbuild_backends.models.inputs import Turn

_ROLES: dict[str, Role] = {"human": "user", "gpt": "assistant", "system": "system"}
_FPS = "frames per sec"
_IS_VIDEO = re.compile(rf"\.(?:{VIDEOS})\Z", re.IGNORECASE)


def read_json(path: Path, roots: MediaRoots, kind: str | None, samples: Samples) -> dict[str, Any]:
    """Add the samples of one file; its name and hash.

    Media lie below the media roots, and without any in the folder of the file.
    """
    roots = roots if roots.folders else MediaRoots({"": path.parent})
    for number, record in enumerate(_records(path), 1):
        if not samples.wants(_split(record)):
            continue
        identity = record.get("id") if isinstance(record, dict) else None
        name = f"{path.name} record {number} (id {identity})"
        samples.add(name, partial(_sample, record, name, path.stem, roots), kind)
    described: dict[str, Any] = describe_input(path).as_dict()
    return described


def _records(path: Path) -> list[Any]:
    if not path.is_file():
        raise InputError(
            str(path), "no such file", "expected an artifact or a JSON file", "Check the path."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            str(path),
            f"is neither an artifact nor JSON ({error})",
            "expected pairs that a stage made, or JSON in LLaVA's form",
            "Make it with `qbuild export --format llava`.",
        ) from error
    if not isinstance(records, list):
        expected = "expected a list of records"
        raise InputError(str(path), f"holds one {type(records).__name__}", expected)
    return records


def _sample(record: Any, name: str, dataset: str, roots: MediaRoots) -> Sample:
    medium = _medium(record)
    turns = tuple(Turn(role, text) for role, text in conversation(None, _turns(record)))
    if medium is None:
        return Sample(name, turns, "text")
    path, kind = medium
    known = _exported_medium(record)
    own = str(known.get("media_id") or media_id(dataset, path))
    fps = record.get(_FPS) or known.get("fps") or 0.0
    try:
        file = roots.locate(own, path).file
    except InputError as error:
        raise RejectedError("path-leaves-root", str(error)) from error
    return Sample(
        name=name,
        turns=turns,
        kind=kind,
        media_id=own,
        file=file,
        sha256=known.get("sha256"),
        num_frames=int(known.get("num_frames") or 0),
        fps=float(fps) if isinstance(fps, int | float) else 0.0,
        sources=source_ids(_exported_parents(record), own),
    )


def _medium(record: Any) -> tuple[str, Literal["image", "video"]] | None:
    """Path and kind of the medium, if there is one; a list may name one medium twice."""
    if not isinstance(record, dict):
        raise RejectedError("bad-record", "not a JSON object; expected a record")
    key = "image" if record.get("image") is not None else "video"
    value = record.get(key)
    paths = sorted(set(value)) if isinstance(value, list) else [value]
    if value is None or not paths:
        if _FPS in record:
            raise RejectedError("no-medium", f"`{_FPS}` without a video; expected its path")
        return None
    if len(paths) > 1:
        raise RejectedError("several-media", f"{len(paths)} media; expected one")
    if not isinstance(paths[0], str):
        raise RejectedError("bad-record", f"{key} is {paths[0]!r:.40}; expected a path")
    video = key == "video" or _FPS in record or _IS_VIDEO.search(paths[0]) is not None
    return paths[0], "video" if video else "image"


def _exported_medium(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The medium as `qbuild export` wrote it under the key `qbuild`."""
    extra = record.get("qbuild")
    media = extra.get("media") if isinstance(extra, dict) else None
    first = media[0] if isinstance(media, list) and media else None
    return first if isinstance(first, dict) else {}


def _exported_parents(record: Mapping[str, Any]) -> list[str]:
    """The parents of the row as `qbuild export` wrote them under the key `qbuild`."""
    extra = record.get("qbuild")
    provenance = extra.get("provenance") if isinstance(extra, dict) else None
    parents = provenance.get("parents") if isinstance(provenance, dict) else None
    return [one for one in parents if isinstance(one, str)] if isinstance(parents, list) else []


def _split(record: Any) -> str | None:
    """The split as `qbuild export` wrote it under the key `qbuild`; None where there is none."""
    extra = record.get("qbuild") if isinstance(record, dict) else None
    split = extra.get("split") if isinstance(extra, dict) else None
    return split if isinstance(split, str) and split else None


def _turns(record: Mapping[str, Any]) -> list[tuple[Role, str]]:
    given = record.get("conversations")
    if not isinstance(given, list) or not given:
        raise RejectedError("no-conversation", "no `conversations`; expected a list of turns")
    turns = []
    for number, turn in enumerate(given, 1):
        value = turn.get("value") if isinstance(turn, dict) else None
        role = _ROLES.get(str(turn.get("from"))) if isinstance(turn, dict) else None
        if role is None or not isinstance(value, str):
            message = f"turn {number} is {turn!r:.60}; expected `from` human or gpt, and `value`"
            raise RejectedError("no-conversation", message)
        turns.append((role, value))
    return turns
