"""The key `qbuild` of a record: what its dialect's own keys cannot hold, so that rows come back.

Loaders ignore keys that they do not know. A record's own keys take precedence when it is read: a
text edited by hand makes a new sample that names the old one as its parent; a path edited by hand
is rejected, since everything else known of the medium would belong to another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qbuild.core.canonical import canonical_json, hash_value, media_id, sample_id
from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.conversation import split_turns
from qbuild.dialects.dialect import Defaults, Record, Row
from qbuild.dialects.media import ShownMedium

KEY = "qbuild"
IMPORTED = "import-qa"
_OBJECT = "\ufffc"  # Unicode's object replacement character: the place of a medium in a text

_MEDIUM = ("media_id", "kind", "path", "sha256", "fps", "num_frames", "start_s", "end_s")
_LABELS = ("mos", "mos_norm", "mos_std", "level", "word", "level_probs")
_PROVENANCE = ("stage", "prompt", "response_id", "annotator", "origin")


@dataclass(frozen=True)
class Content:
    """What a record holds in its dialect's own keys; `shown` has one medium per placeholder."""

    turns: list[tuple[str, str]]
    placeholder: str
    shown: list[ShownMedium]
    sample_id: str | None = None
    mos: float | None = None


def make_extras(row: Row, order: list[int], shown: list[ShownMedium], *missing: str) -> Record:
    """The value of `qbuild`: all of `row` but turns, media paths and kinds as in `shown`.

    `missing` names what else the record's own keys do not hold: `sample_id`, `mos`.
    """
    labels = {name: row["labels"][name] for name in _LABELS if name != "mos" or "mos" in missing}
    provenance = {**row["provenance"], "parents": row["provenance"]["parents"] or None}
    kinds = {index: medium.kind for index, medium in zip(order, shown, strict=True)}
    extras = {
        "sample_id": row["sample_id"] if "sample_id" in missing else None,
        "text": _text_hash(row["turns"]),
        "media": [_entry(medium, kinds[n]) for n, medium in enumerate(row["media"])] or None,
        "shown": None if order == _default_order(len(row["media"]), len(order)) else order,
        **{name: row[name] for name in ("task", "options", "answer_key", "split")},
        "labels": _without_nulls(labels) or None,
        "provenance": _without_nulls(provenance),
    }
    return _without_nulls(extras)


def row_from(content: Content, record: Record, defaults: Defaults) -> Row:
    """The row of a record: with its key `qbuild` the one it was written from."""
    if record.get(KEY) is None:
        return _foreign_row(content, defaults)
    extras = _Extras(record[KEY])
    entries = extras.media()
    order = extras.order(content.shown, entries)
    kinds = {index: medium.kind for index, medium in zip(order, content.shown, strict=True)}
    labels, provenance = extras.struct("labels"), extras.struct("provenance")
    row = _row(
        content,
        order,
        sample_id=extras.get("sample_id") if content.sample_id is None else content.sample_id,
        media=[_medium(entry, kinds[n]) for n, entry in enumerate(entries)],
        options=extras.items("options", extras.get("options")),
        labels=_with_nulls(labels, _LABELS),
        provenance=_with_nulls(provenance, _PROVENANCE),
        **{name: extras.get(name) for name in ("task", "answer_key", "split")},
    )
    row["provenance"]["parents"] = extras.items("parents", provenance.get("parents")) or []
    if content.mos is not None:
        row["labels"]["mos"] = content.mos
    if extras.get("text", "") not in ("", _text_hash(row["turns"])):
        _make_new_sample(row, order)
    return row


def _foreign_row(content: Content, defaults: Defaults) -> Row:
    distinct = list(dict.fromkeys(content.shown))
    order = [distinct.index(medium) for medium in content.shown]
    ids = [{"media_id": media_id(defaults.dataset, medium.path)} for medium in distinct]
    row = _row(
        content,
        order,
        sample_id="",
        media=[_medium(one, medium.kind) for one, medium in zip(ids, distinct, strict=True)],
        task=defaults.task,
        options=None,
        answer_key=None,
        labels=_with_nulls({"mos": content.mos}, _LABELS),
        split=None,
        provenance={**_with_nulls({"stage": IMPORTED}, _PROVENANCE), "parents": []},
    )
    row["sample_id"] = _sample_id(row, order)
    return row


def _row(content: Content, order: list[int], **columns: Any) -> Row:
    turns = split_turns(content.turns, content.placeholder, order)
    return {"system": None, "turns": turns, **columns}


def _make_new_sample(row: Row, order: list[int]) -> None:
    for name in ("sample_id", "task"):
        if not isinstance(row[name], str):
            raise _bad_value(name, row[name])
    parents = [*row["provenance"]["parents"], row["sample_id"]]
    row["provenance"] |= {"stage": IMPORTED, "parents": parents}
    try:
        row["sample_id"] = _sample_id(row, order)
    except UnicodeEncodeError as error:
        raise _bad_value("media or task", "half a surrogate pair") from error


def _sample_id(row: Row, order: list[int]) -> str:
    media = [row["media"][index]["media_id"] for index in order]
    texts = ("".join(part["text"] or _OBJECT for part in turn["parts"]) for turn in row["turns"])
    return sample_id(media, row["task"], *texts)


class _Extras:
    """The value of `qbuild`, checked as far as rows are built from it; the schema does the rest."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise _bad_value(KEY, value)
        self.get = value.get

    def struct(self, name: str) -> dict[str, Any]:
        """The object under `name`, empty where there is none."""
        value = self.get(name, {})
        if not isinstance(value, dict):
            raise _bad_value(name, value)
        return value

    @staticmethod
    def items(name: str, value: Any) -> list[Any] | None:
        """A list or null: Arrow would split a text into its characters."""
        if value is not None and not isinstance(value, list):
            raise _bad_value(name, value)
        return value

    def media(self) -> list[dict[str, Any]]:
        """The entry of each medium."""
        entries: list[dict[str, Any]] = self.get("media", [])
        valid = isinstance(entries, list) and all(
            isinstance(entry, dict) and isinstance(entry.get("media_id"), str) for entry in entries
        )
        if not valid:
            raise _bad_value("media", entries)
        return entries

    def order(self, shown: list[ShownMedium], entries: list[dict[str, Any]]) -> list[int]:
        """The index of the medium at each placeholder; RejectedError for another path."""
        order: list[int] = self.get("shown", _default_order(len(entries), len(shown)))
        valid = isinstance(order, list) and all(type(index) is int for index in order)
        if not valid or len(order) != len(shown) or set(order) != set(range(len(entries))):
            message = f"{len(shown)} placeholders, but `qbuild` knows {len(entries)} media"
            raise RejectedError("media-mismatch", f"{message}; expected as it was written", KEY)
        for medium, index in zip(shown, order, strict=True):
            if medium.path != (known := _path(entries[index])):
                message = f"the record shows {medium.path}, its `qbuild` key {known}"
                expected = "expected the same path. Remove the key to import it as a new sample"
                raise RejectedError("path-conflict", f"{message}; {expected}", KEY, medium.path)
        return order


def _default_order(media: int, placeholders: int) -> list[int]:
    """The media at the placeholders by default: in order, or the only one at all of them."""
    return [0] * placeholders if media == 1 else list(range(media))


def _entry(medium: dict[str, Any], kind: str) -> dict[str, Any]:
    entry = _without_nulls(medium)
    if entry["kind"] == kind:
        del entry["kind"]
    if medium["media_id"].partition(":")[2] == medium["path"]:
        del entry["path"]
    return entry


def _medium(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    return _with_nulls({"kind": kind, **entry, "path": _path(entry)}, _MEDIUM)


def _path(entry: dict[str, Any]) -> Any:
    return entry.get("path", entry["media_id"].partition(":")[2])


def _without_nulls(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _with_nulls(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def _text_hash(turns: list[dict[str, Any]]) -> str:
    """16 hexadecimal digits that show whether the text was edited since."""
    return hash_value(turns).removeprefix("sha256:")[:16]


def _bad_value(name: str, value: object) -> RejectedError:
    message = f"`{name}` is {canonical_json(str(value)[:40])}; expected it as qbuild wrote it"
    return RejectedError("bad-extras", message, KEY)
