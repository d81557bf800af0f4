"""LLaVA and LLaVA-NeXT: `{"id", "image"|"video", "conversations"}`, placeholder `<image>`.

A video stands under `video`, still with one `<image>`; the loader opens one video a record, and
takes `image` where both keys stand. There is no place for a system prompt. The loader does not
compare placeholders with media, so both ways refuse records in which they differ. A record of
several pictures lists one path a placeholder.
"""

from __future__ import annotations

from typing import Any

from qbuild.dialects.conversation import conversations, placeholders, spoken
from qbuild.dialects.dialect import Defaults, Dialect, Record, Row, Unreadable, Unwritable
from qbuild.dialects.extras import KEY, Said, extras, row_of
from qbuild.dialects.places import Place, kind_of, one_each, paths_of, shown
from qbuild.quality.published_text import LLAVA_PLACEHOLDER as PLACEHOLDER

_ID_DIGITS = frozenset("0123456789abcdef")


def write(row: Row) -> Record:
    """The record of a row; its `id` is the row's `sample_id`."""
    talk = conversations(row, PLACEHOLDER)
    order = shown(row)
    key = _key(row, order)
    paths = [row["media"][index]["path"] for index in order]
    places = [Place(path, kind_of(path, key)) for path in paths]
    media = {key: paths[0] if len(paths) == 1 else paths} if paths else {}
    return {
        "id": row["sample_id"],
        **media,
        "conversations": talk,
        KEY: extras(row, order, places, "mos"),
    }


def read(record: Record, defaults: Defaults) -> Row:
    """The row of a record; Unreadable where placeholders and media differ."""
    talk = spoken(record)
    if record.get("image") is not None and record.get("video") is not None:
        message = "both `image` and `video` stand; expected one, as the loader drops the video"
        raise Unreadable("mixed-keys", message, "video")
    key = "video" if record.get("video") is not None else "image"
    paths = paths_of(record.get(key), key)
    if key == "video" and len(paths) > 1:
        raise Unreadable("several-videos", f"{len(paths)} videos; expected one a record", key)
    one_each(paths, placeholders(talk, PLACEHOLDER), PLACEHOLDER, key)
    places = [Place(path, kind_of(path, key)) for path in paths]
    own = _own_id(record) if record.get(KEY) is not None else None
    return row_of(Said(talk, PLACEHOLDER, places, sample_id=own), record, defaults)


def recognises(record: Record) -> bool:
    """Whether `<image>` stands in a turn of the record, or a video under its key."""
    return "video" in record or PLACEHOLDER in str(record.get("conversations"))


def companions(names: list[str]) -> dict[str, str]:
    """The mix file `mix.yaml`: each data file whole, as its `random` sampling has no seed."""
    import yaml

    datasets: list[dict[str, Any]] = [
        {"json_path": name, "sampling_strategy": "all"} for name in names
    ]
    text: str = yaml.safe_dump({"datasets": datasets}, sort_keys=False, allow_unicode=True)
    return {"mix.yaml": text}


def _key(row: Row, order: list[int]) -> str:
    kinds = {medium["kind"] for medium in row["media"]}
    if len(kinds) > 1:
        message = "pictures and videos in one row; expected one kind, as the loader drops videos"
        raise Unwritable("mixed-kinds", message, "media")
    if kinds == {"video"} and len(order) > 1:
        message = f"{len(order)} places for videos; expected one, as the loader opens one a record"
        raise Unwritable("several-videos", message, "media")
    return kinds.pop() if kinds else "image"


def _own_id(record: Record) -> str:
    own = record.get("id")
    if not isinstance(own, str) or len(own) != 32 or not set(own) <= _ID_DIGITS:
        message = f"id is {str(own)[:40]!r}; expected the sample_id that was written"
        raise Unreadable("bad-id", message, "id", str(own)[:80])
    return own


DIALECT = Dialect(
    "llava",
    "LLaVA and LLaVA-NeXT: JSON with <image>, and a mix file",
    write,
    read,
    recognises,
    companions,
)
