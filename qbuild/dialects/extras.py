"""The key `qbuild` of a record: what its dialect's own keys cannot hold, so that rows come back.

Loaders ignore keys that they do not know. Whatever the record's own keys say wins when it is read:
a text edited by hand is taken, as a new sample that names the old one as its parent; a path edited
by hand is refused, since all else that is known of the medium would be another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import canonical_json, hash_value, media_id, sample_id
from qbuild.dialects.conversation import turns
from qbuild.dialects.dialect import Defaults, Record, Row, Unreadable

if TYPE_CHECKING:
    from qbuild.dialects.places import Place

KEY = "qbuild"
IMPORTED = "import-qa"
_OBJECT = "\ufffc"  # Unicode's own sign for an object in a text: the place of a medium

_MEDIUM = ("media_id", "kind", "path", "sha256", "fps", "num_frames", "start_s", "end_s")
_LABELS = ("mos", "mos_norm", "mos_std", "level", "word", "level_probs")
_PROVENANCE = ("stage", "prompt", "response_id", "annotator", "origin")


@dataclass(frozen=True)
class Said:
    """What a record says in its dialect's own keys; `places` has one item a placeholder."""

    talk: list[tuple[str, str]]
    placeholder: str
    places: list[Place]
    sample_id: str | None = None
    mos: float | None = None


def extras(row: Row, shown: list[int], places: list[Place], *unsaid: str) -> Record:
    """The value of `qbuild`: all of `row` but turns, media paths and kinds as in `places`.

    `unsaid` names what else the record's keys do not hold: `sample_id`, `mos`.
    """
    labels = {name: row["labels"][name] for name in _LABELS if name != "mos" or "mos" in unsaid}
    provenance = {**row["provenance"], "parents": row["provenance"]["parents"] or None}
    kinds = dict(zip(shown, (place.kind for place in places), strict=True))
    found = {
        "sample_id": row["sample_id"] if "sample_id" in unsaid else None,
        "text": _text_hash(row["turns"]),
        "media": [_entry(medium, kinds[n]) for n, medium in enumerate(row["media"])] or None,
        "shown": None if shown == _usual(len(row["media"]), len(shown)) else shown,
        **{name: row[name] for name in ("task", "options", "answer_key", "split")},
        "labels": _present(labels) or None,
        "provenance": _present(provenance),
    }
    return _present(found)


def row_of(said: Said, record: Record, defaults: Defaults) -> Row:
    """The row that a record stands for: with its key `qbuild` the one it was written from."""
    if record.get(KEY) is None:
        return _foreign(said, defaults)
    extra = _Checked(record[KEY])
    entries = extra.entries()
    shown = extra.shown(said.places, entries)
    kinds = dict(zip(shown, (place.kind for place in said.places), strict=True))
    row: Row = {
        "sample_id": extra.value.get("sample_id") if said.sample_id is None else said.sample_id,
        "media": [_medium(entry, kinds[n]) for n, entry in enumerate(entries)],
        "system": None,
        "turns": turns(said.talk, said.placeholder, shown),
        "task": extra.value.get("task"),
        "options": extra.items("options", extra.value.get("options")),
        "answer_key": extra.value.get("answer_key"),
        "labels": _filled(extra.part("labels"), _LABELS),
        "split": extra.value.get("split"),
        "provenance": _filled(extra.part("provenance"), _PROVENANCE),
    }
    parents = extra.part("provenance").get("parents")
    row["provenance"]["parents"] = extra.items("parents", parents) or []
    if said.mos is not None:
        row["labels"]["mos"] = said.mos
    if extra.value.get("text", "") not in ("", _text_hash(row["turns"])):
        _as_new_sample(row, shown)
    return row


def _foreign(said: Said, defaults: Defaults) -> Row:
    places = list(dict.fromkeys(said.places))
    shown = [places.index(place) for place in said.places]
    row: Row = {
        "sample_id": "",
        "media": [
            _medium({"media_id": media_id(defaults.dataset, place.path)}, place.kind)
            for place in places
        ],
        "system": None,
        "turns": turns(said.talk, said.placeholder, shown),
        "task": defaults.task,
        "options": None,
        "answer_key": None,
        "labels": _filled({"mos": said.mos}, _LABELS),
        "split": None,
        "provenance": {**_filled({"stage": IMPORTED}, _PROVENANCE), "parents": []},
    }
    row["sample_id"] = _sample_id(row, shown)
    return row


def _as_new_sample(row: Row, shown: list[int]) -> None:
    for name in ("sample_id", "task"):
        if not isinstance(row[name], str):
            raise _bad(name, row[name])
    parents = [*row["provenance"]["parents"], row["sample_id"]]
    row["provenance"] |= {"stage": IMPORTED, "parents": parents}
    try:
        row["sample_id"] = _sample_id(row, shown)
    except UnicodeEncodeError as error:
        raise _bad("media or task", "half a surrogate pair") from error


def _sample_id(row: Row, shown: list[int]) -> str:
    media = [row["media"][index]["media_id"] for index in shown]
    said = ("".join(part["text"] or _OBJECT for part in turn["parts"]) for turn in row["turns"])
    return sample_id(media, row["task"], *said)


class _Checked:
    """The value of `qbuild` as far as rows are built from it; the schema judges the rest."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise _bad(KEY, value)
        self.value: dict[str, Any] = value

    def part(self, name: str) -> dict[str, Any]:
        """The object under `name`, empty where there is none."""
        found = self.value.get(name, {})
        if not isinstance(found, dict):
            raise _bad(name, found)
        return found

    @staticmethod
    def items(name: str, found: Any) -> list[Any] | None:
        """A list or nothing: a table would take a text apart into its signs."""
        if found is not None and not isinstance(found, list):
            raise _bad(name, found)
        return found

    def entries(self) -> list[dict[str, Any]]:
        """What is known of each medium, its path among it."""
        found: list[dict[str, Any]] = self.value.get("media", [])
        good = isinstance(found, list) and all(
            isinstance(entry, dict) and isinstance(entry.get("media_id"), str) for entry in found
        )
        if not good:
            raise _bad("media", found)
        return found

    def shown(self, places: list[Place], entries: list[dict[str, Any]]) -> list[int]:
        """The medium at each placeholder; Unreadable where the record shows another path."""
        shown: list[int] = self.value.get("shown", _usual(len(entries), len(places)))
        good = isinstance(shown, list) and all(type(index) is int for index in shown)
        if not good or len(shown) != len(places) or set(shown) != set(range(len(entries))):
            message = f"{len(places)} placeholders, but `qbuild` knows {len(entries)} media"
            raise Unreadable("media-mismatch", f"{message}; expected as it was written", KEY)
        for place, index in zip(places, shown, strict=True):
            if place.path != (known := _path(entries[index])):
                message = f"the record shows {place.path}, its `qbuild` key {known}"
                expected = "expected the same path. Remove the key to import it as a new sample"
                raise Unreadable("path-conflict", f"{message}; {expected}", KEY, place.path)
        return shown


def _usual(media: int, places: int) -> list[int]:
    """The media at the placeholders when nothing is said: in order, or the only one everywhere."""
    return [0] * places if media == 1 else list(range(media))


def _entry(medium: dict[str, Any], kind: str) -> dict[str, Any]:
    entry = _present(medium)
    if entry["kind"] == kind:
        del entry["kind"]
    if medium["media_id"].partition(":")[2] == medium["path"]:
        del entry["path"]
    return entry


def _medium(entry: dict[str, Any], kind: str) -> dict[str, Any]:
    return _filled({"kind": kind, **entry, "path": _path(entry)}, _MEDIUM)


def _path(entry: dict[str, Any]) -> Any:
    return entry.get("path", entry["media_id"].partition(":")[2])


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _filled(values: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: values.get(name) for name in names}


def _text_hash(turns: list[dict[str, Any]]) -> str:
    """16 hexadecimal digits that tell whether the text was edited since."""
    return hash_value(turns).removeprefix("sha256:")[:16]


def _bad(name: str, value: object) -> Unreadable:
    message = f"`{name}` is {canonical_json(str(value)[:40])}; expected it as qbuild wrote it"
    return Unreadable("bad-extras", message, KEY)
