"""LLaVA and LLaVA-NeXT: `{"id", "image"|"video", "conversations"}`, placeholder `<image>`.

A video is named under `video`, still with one `<image>`; the loader opens one video per record, and
takes `image` where both keys are present. There is no place for a system prompt. The loader does
not compare the numbers of placeholders and media, so both directions reject records in which they
differ. A record of several images lists one path per placeholder.
"""

from __future__ import annotations

from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.conversation import count_placeholders, read_turns, write_turns
from qbuild.dialects.dialect import Defaults, Dialect, Record, Row
from qbuild.dialects.extras import KEY, Content, make_extras, row_from
from qbuild.dialects.media import check_count, media_order, read_paths, shown_media
from qbuild.quality.published_text import LLAVA_PLACEHOLDER as PLACEHOLDER

_ID_DIGITS = frozenset("0123456789abcdef")


def write(row: Row) -> Record:
    """The record of a row; its `id` is the row's `sample_id`."""
    turns = write_turns(row, PLACEHOLDER)
    order = media_order(row)
    key = _media_key(row, order)
    paths = [row["media"][index]["path"] for index in order]
    media = {key: paths[0] if len(paths) == 1 else paths} if paths else {}
    return {
        "id": row["sample_id"],
        **media,
        "conversations": turns,
        KEY: make_extras(row, order, shown_media(paths, key), "mos"),
    }


def read(record: Record, defaults: Defaults) -> Row:
    """The row of a record; RejectedError where placeholders and media differ."""
    turns = read_turns(record)
    if record.get("image") is not None and record.get("video") is not None:
        message = "both `image` and `video` are given; expected one, as the loader drops the video"
        raise RejectedError("mixed-keys", message, "video")
    key = "video" if record.get("video") is not None else "image"
    paths = read_paths(record.get(key), key)
    if key == "video" and len(paths) > 1:
        message = f"{len(paths)} videos; expected one per record"
        raise RejectedError("several-videos", message, key)
    check_count(paths, count_placeholders(turns, PLACEHOLDER), PLACEHOLDER, key)
    own_id = _own_id(record) if record.get(KEY) is not None else None
    content = Content(turns, PLACEHOLDER, shown_media(paths, key), sample_id=own_id)
    return row_from(content, record, defaults)


def recognises(record: Record) -> bool:
    """Whether a turn of the record holds `<image>`, or the record a video under its key."""
    return "video" in record or PLACEHOLDER in str(record.get("conversations"))


def companions(names: list[str]) -> dict[str, str]:
    """The mix file `mix.yaml`: each data file whole, as its `random` sampling has no seed."""
    import yaml

    datasets: list[dict[str, Any]] = [
        {"json_path": name, "sampling_strategy": "all"} for name in names
    ]
    text: str = yaml.safe_dump({"datasets": datasets}, sort_keys=False, allow_unicode=True)
    return {"mix.yaml": text}


def _media_key(row: Row, order: list[int]) -> str:
    kinds = {medium["kind"] for medium in row["media"]}
    if len(kinds) > 1:
        message = "images and videos in one row; expected one kind, as the loader drops videos"
        raise RejectedError("mixed-kinds", message, "media")
    if kinds == {"video"} and len(order) > 1:
        message = f"{len(order)} places for videos; expected one, as the loader opens one a record"
        raise RejectedError("several-videos", message, "media")
    return kinds.pop() if kinds else "image"


def _own_id(record: Record) -> str:
    own = record.get("id")
    if not isinstance(own, str) or len(own) != 32 or not set(own) <= _ID_DIGITS:
        message = f"id is {str(own)[:40]!r}; expected the sample_id that was written"
        raise RejectedError("bad-id", message, "id", str(own)[:80])
    return own


DIALECT = Dialect("llava", write, read, recognises, companions)
