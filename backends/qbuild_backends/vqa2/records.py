"""Samples of JSON files in LLaVA's form or the VQA² release's, as `qbuild export` writes them.

A record is `{"id", "image"|"video": path, "conversations": [{"from", "value"}]}`; in the release a
video stands under `image` and `frames per sec` marks it. Only what training needs is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from qbuild.core.canonical import dataset_of, media_id
from qbuild.core.errors import InputError
from qbuild.core.media_files import Medium, place_of
from qbuild.core.roots import MediaRoots
from qbuild.core.sources import describe_input
from qbuild.core.suffixes import VIDEOS
from qbuild_backends.vqa2.processor import Turn
from qbuild_backends.vqa2.samples import BadSampleError, Sample, Samples, take

_ROLES: dict[str, Literal["user", "assistant", "system"]] = {
    "human": "user",
    "gpt": "assistant",
    "system": "system",
}
_FPS = "frames per sec"
_IS_VIDEO = re.compile(rf"\.(?:{VIDEOS})\Z", re.IGNORECASE)


def read_json(path: Path, roots: MediaRoots, kind: str | None, found: Samples) -> dict[str, Any]:
    """Add the samples of one file; the file by name and hash.

    Media lie below the media roots, and without any beside the file.
    """
    roots = roots if roots.folders else MediaRoots({"": path.parent})
    for number, record in enumerate(_records(path), 1):
        told = record.get("id") if isinstance(record, dict) else None
        name = f"{path.name} record {number} (id {told})"
        take(found, _sample(record, name, path.stem, roots), name, kind)
    return describe_input(path)


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
            "expected pairs that a stage made, or LLaVA's JSON",
            "Make it with `qbuild export --format llava`.",
        ) from error
    if not isinstance(records, list):
        expected = "expected a list of records"
        raise InputError(str(path), f"holds one {type(records).__name__}", expected)
    return records


def _sample(record: Any, name: str, dataset: str, roots: MediaRoots) -> Sample | BadSampleError:
    try:
        place, kind = _medium(record)
        known = _known(record)
        own = str(known.get("media_id") or media_id(dataset, place))
        digest = known.get("sha256")
        fps = record.get(_FPS) or known.get("fps") or 0.0
        return Sample(
            name=name,
            turns=tuple(_turns(record)),
            kind=kind,
            media_id=own,
            file=place_of(Medium(dataset_of(own), place, digest), None, roots),
            sha256=digest,
            num_frames=int(known.get("num_frames") or 0),
            fps=float(fps) if isinstance(fps, int | float) else 0.0,
        )
    except InputError as error:
        return BadSampleError("path-leaves-root", str(error))
    except BadSampleError as error:
        return error


def _medium(record: Any) -> tuple[str, Literal["image", "video"]]:
    """Path and kind of the one medium; a list that names one several times is one."""
    if not isinstance(record, dict):
        raise BadSampleError("bad-record", "no JSON object; expected a record")
    key = "image" if record.get("image") is not None else "video"
    value = record.get(key)
    paths = sorted(set(value)) if isinstance(value, list) else [value]
    if value is None or not paths:
        raise BadSampleError("no-medium", "neither image nor video; expected one of them")
    if len(paths) > 1:
        raise BadSampleError("several-media", f"{len(paths)} media; expected one")
    if not isinstance(paths[0], str):
        raise BadSampleError("bad-record", f"{key} is {paths[0]!r:.40}; expected a path")
    video = key == "video" or _FPS in record or _IS_VIDEO.search(paths[0]) is not None
    return paths[0], "video" if video else "image"


def _known(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `qbuild export` kept of the medium under the key `qbuild`."""
    extra = record.get("qbuild")
    media = extra.get("media") if isinstance(extra, dict) else None
    first = media[0] if isinstance(media, list) and media else None
    return first if isinstance(first, dict) else {}


def _turns(record: Mapping[str, Any]) -> list[Turn]:
    talk = record.get("conversations")
    if not isinstance(talk, list) or not talk:
        raise BadSampleError("no-conversation", "no `conversations`; expected a list of turns")
    turns = []
    for number, turn in enumerate(talk, 1):
        value = turn.get("value") if isinstance(turn, dict) else None
        role = _ROLES.get(str(turn.get("from"))) if isinstance(turn, dict) else None
        if role is None or not isinstance(value, str):
            message = f"turn {number} is {turn!r:.60}; expected `from` human or gpt, and `value`"
            raise BadSampleError("no-conversation", message)
        turns.append(Turn(role, value))
    return turns
