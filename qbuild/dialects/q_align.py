"""Q-Align: LLaVA's keys with the score in `id` (`name->score`), placeholder `<|image|>`.

Videos stand under `image` too; the loader knows them by `.mp4` alone and opens the paths of a list
as pictures. The same medium may stand at several placeholders, as it does in the released files:
twice in 1,263 records of SPAQ (two questions on one picture), and once a key frame of a video.
Such a record names its one path as a text. Here a video keeps the placeholders that its row has.
"""

from __future__ import annotations

import math

from qbuild.dialects.conversation import conversations, placeholders, spoken
from qbuild.dialects.dialect import Defaults, Dialect, Record, Row, Unreadable, Unwritable
from qbuild.dialects.extras import KEY, Said, extras, row_of
from qbuild.dialects.places import Place, kind_of, one_each, paths_of, shown
from qbuild.quality.published_text import ID_ARROW
from qbuild.quality.published_text import Q_ALIGN_PLACEHOLDER as PLACEHOLDER


def write(row: Row) -> Record:
    """The record of a row with a score; rows of the split `test` hold `gt_score` as well."""
    mos = row["labels"]["mos"]
    if mos is None:
        message = "the row has no mos; expected one, since the record's id holds it"
        raise Unwritable("missing-mos", message, "labels")
    talk = conversations(row, PLACEHOLDER)
    order = shown(row)
    _refuse_media(row)
    paths = [row["media"][index]["path"] for index in order]
    places = [Place(path, kind_of(path)) for path in paths]
    name = paths[0].rpartition("/")[2]
    return {
        "id": f"{name}{ID_ARROW}{mos!r}",
        "image": paths[0] if len(row["media"]) == 1 else paths,
        **({"gt_score": mos} if row["split"] == "test" else {}),
        "conversations": talk,
        KEY: extras(row, order, places, "sample_id"),
    }


def read(record: Record, defaults: Defaults) -> Row:
    """The row of a record; `mos` is the score in its id, or `gt_score`."""
    talk = spoken(record)
    if record.get("video") is not None:
        raise Unreadable(
            "mixed-keys", "`video` stands; expected every medium under `image`", "video"
        )
    count = placeholders(talk, PLACEHOLDER)
    paths = paths_of(record.get("image"), "image")
    if len(paths) == 1 and count > 1:
        paths *= count
    one_each(paths, count, PLACEHOLDER, "image")
    places = [Place(path, kind_of(path)) for path in paths]
    return row_of(Said(talk, PLACEHOLDER, places, mos=_score(record)), record, defaults)


def recognises(record: Record) -> bool:
    """Whether `<|image|>` stands in a turn of the record."""
    return PLACEHOLDER in str(record.get("conversations"))


def _refuse_media(row: Row) -> None:
    media = row["media"]
    if not media:
        raise Unwritable("no-media", "the row shows no medium; expected one, for the id", "media")
    for medium in media:
        if medium["kind"] == "video" and not medium["path"].endswith("mp4"):
            message = "a video whose name does not end in mp4, which the loader opens as a picture"
            raise Unwritable("video-not-mp4", f"{message}; expected .mp4", "media", medium["path"])
        if medium["kind"] == "video" and len(media) > 1:
            message = f"a video among {len(media)} media; expected it alone"
            raise Unwritable("several-videos", f"{message}, as lists hold pictures", "media")


def _score(record: Record) -> float | None:
    name = record.get("id")
    _, arrow, text = name.rpartition(ID_ARROW) if isinstance(name, str) else ("", "", "")
    in_id = _number(text, "id") if arrow else None
    given = record.get("gt_score")
    score = None if given is None else _number(given, "gt_score")
    if None not in (in_id, score) and in_id != score:
        message = f"the id says {in_id!r}, gt_score {score!r}; expected the same score"
        raise Unreadable("score-conflict", message, "gt_score", str(given)[:80])
    return score if in_id is None else in_id


def _number(value: object, key: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        message = f"the score is {str(value)[:40]!r}; expected a finite number"
        raise Unreadable("bad-score", message, key, str(value)[:80])
    return number


DIALECT = Dialect(
    "q-align", "Q-Align: JSON with <|image|>, the score in the id", write, read, recognises
)
