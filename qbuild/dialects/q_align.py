"""Q-Align: LLaVA's keys with the score in `id` (`name->score`), placeholder `<|image|>`.

Videos are named under `image` too; the loader recognises them only by `.mp4` and opens all paths of
a list as images. A medium may have several placeholders, as in the released files: 1,263 records of
SPAQ ask two questions about one image, and a video has one placeholder per key frame. Such a record
names its one path as a text. Here a video keeps the placeholders that its row has.
"""

from __future__ import annotations

import math

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.conversation import count_placeholders, read_turns, write_turns
from qbuild.dialects.dialect import Defaults, Dialect, Record, Row
from qbuild.dialects.extras import KEY, Content, make_extras, row_from
from qbuild.dialects.media import check_count, media_order, read_paths, shown_media
from qbuild.quality.published_text import ID_ARROW
from qbuild.quality.published_text import Q_ALIGN_PLACEHOLDER as PLACEHOLDER


def write(row: Row) -> Record:
    """The record of a row with a score; rows of the split `test` hold `gt_score` as well."""
    mos = row["labels"]["mos"]
    if mos is None:
        message = "the row has no mos; expected one, since the record's id holds it"
        raise RejectedError("missing-mos", message, "labels")
    turns = write_turns(row, PLACEHOLDER)
    order = media_order(row)
    _check_media(row["media"])
    paths = [row["media"][index]["path"] for index in order]
    name = paths[0].rpartition("/")[2]
    return {
        "id": f"{name}{ID_ARROW}{mos!r}",
        "image": paths[0] if len(row["media"]) == 1 else paths,
        **({"gt_score": mos} if row["split"] == "test" else {}),
        "conversations": turns,
        KEY: make_extras(row, order, shown_media(paths), "sample_id"),
    }


def read(record: Record, defaults: Defaults) -> Row:
    """The row of a record; `mos` is the score in its id, or `gt_score`."""
    turns = read_turns(record)
    if record.get("video") is not None:
        message = "`video` is given; expected every medium under `image`"
        raise RejectedError("mixed-keys", message, "video")
    count = count_placeholders(turns, PLACEHOLDER)
    paths = read_paths(record.get("image"), "image")
    if len(paths) == 1 and count > 1:
        paths *= count
    check_count(paths, count, PLACEHOLDER, "image")
    content = Content(turns, PLACEHOLDER, shown_media(paths), mos=_score(record))
    return row_from(content, record, defaults)


def recognises(record: Record) -> bool:
    """Whether a turn of the record holds `<|image|>`."""
    return PLACEHOLDER in str(record.get("conversations"))


def _check_media(media: list[Row]) -> None:
    if not media:
        message = "the row shows no medium; expected one, for the id"
        raise RejectedError("no-media", message, "media")
    for medium in media:
        if medium["kind"] == "video" and not medium["path"].endswith("mp4"):
            message = "a video whose name does not end in mp4, which the loader opens as an image"
            path = medium["path"]
            raise RejectedError("video-not-mp4", f"{message}; expected .mp4", "media", path)
        if medium["kind"] == "video" and len(media) > 1:
            message = f"a video among {len(media)} media; expected it alone, as lists hold images"
            raise RejectedError("several-videos", message, "media")


def _score(record: Record) -> float | None:
    name = record.get("id")
    _, arrow, text = name.rpartition(ID_ARROW) if isinstance(name, str) else ("", "", "")
    in_id = _number(text, "id") if arrow else None
    gt_score = record.get("gt_score")
    score = None if gt_score is None else _number(gt_score, "gt_score")
    if None not in (in_id, score) and in_id != score:
        message = f"the score is {in_id!r} in the id, {score!r} in gt_score; expected the same"
        raise RejectedError("score-conflict", message, "gt_score", str(gt_score)[:80])
    return score if in_id is None else in_id


def _number(value: object, key: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"the score is {str(value)[:40]!r}; expected a finite number"
        raise RejectedError("bad-score", message, key, str(value)[:80])
    return number


DIALECT = Dialect("q-align", write, read, recognises)
