"""Turns as `[{"from": "human"|"gpt", "value": …}]`, media as placeholders in the text, and back.

The way back is exact: text parts are cut at the placeholders, so a row whose text holds the
placeholder, or that has two text parts side by side, cannot be written.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from qbuild.dialects.dialect import Record, Row, Unreadable, Unwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEAKERS = {"user": "human", "assistant": "gpt"}
_ROLES = {speaker: role for role, speaker in SPEAKERS.items()}


def conversations(row: Row, placeholder: str) -> list[dict[str, str]]:
    """The turns of a row; Unwritable where they would not be read as they are."""
    if row["system"] is not None or any(turn["role"] == "system" for turn in row["turns"]):
        message = "the record has no place for a system prompt; expected none"
        raise Unwritable("system-not-supported", message, "system", row["system"])
    speakers = [SPEAKERS[turn["role"]] for turn in row["turns"]]
    if fault := _fault(speakers):
        raise Unwritable("roles-not-alternating", fault, "turns")
    values = [_value(turn["parts"], placeholder) for turn in row["turns"]]
    return [
        {"from": speaker, "value": value} for speaker, value in zip(speakers, values, strict=True)
    ]


def spoken(record: Record) -> list[tuple[str, str]]:
    """Role and text of each turn of a record; Unreadable where it is no conversation."""
    talk = record.get("conversations")
    if not isinstance(talk, list) or not talk:
        raise _no_conversation(record, talk)
    for number, turn in enumerate(talk, start=1):
        _refuse_bad_turn(number, turn)
    speakers = [turn["from"] for turn in talk]
    if fault := _fault(speakers):
        raise Unreadable("roles-not-alternating", fault, "conversations")
    return [(_ROLES[turn["from"]], turn["value"]) for turn in talk]


def placeholders(talk: list[tuple[str, str]], placeholder: str) -> int:
    """How often the placeholder stands in a conversation."""
    return sum(value.count(placeholder) for _, value in talk)


def turns(talk: list[tuple[str, str]], placeholder: str, shown: list[int]) -> list[dict[str, Any]]:
    """The turns of a conversation whose n-th placeholder shows the medium `shown[n]`."""
    media = iter(shown)
    return [
        {"role": role, "parts": list(_parts(value.split(placeholder), media))}
        for role, value in talk
    ]


def _parts(texts: list[str], media: Iterator[int]) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(texts):
        if number:
            yield {"text": None, "media": next(media)}
        if text:
            yield {"text": text, "media": None}


def _value(parts: list[dict[str, Any]], placeholder: str) -> str:
    texts = [part["text"] for part in parts]
    if any(text is not None and placeholder in text for text in texts):
        message = f"a text holds {placeholder} itself; expected it to stand for a medium alone"
        raise Unwritable("placeholder-in-text", message, "turns", placeholder)
    if "" in texts:
        raise Unwritable("empty-text", "a text part is empty; expected text", "turns")
    if any(one is not None is not two for one, two in pairwise(texts)):
        message = "two text parts stand side by side; expected one, as they would be read as one"
        raise Unwritable("adjacent-text", message, "turns")
    value = "".join(placeholder if text is None else text for text in texts)
    if not value.strip():
        raise Unwritable("empty-value", "a turn says nothing; expected text or a medium", "turns")
    return value


def _fault(speakers: list[str]) -> str:
    """What is wrong with the order of speakers: human first, gpt last, in turn."""
    expected = ["human", "gpt"] * ((len(speakers) + 1) // 2)
    if speakers == expected:
        return ""
    return f"the speakers are {', '.join(speakers[:6])}; expected human and gpt in turn, gpt last"


def _no_conversation(record: Record, talk: object) -> Unreadable:
    if talk is None and ("img_path" in record or "gt_score" in record):
        message = (
            "a rating without a conversation; expected `conversations`."
            " Read rating files with `qbuild ingest-ratings`"
        )
        return Unreadable("rating-file", message, "conversations")
    message = f"`conversations` is {str(talk)[:40]!r}; expected a list of turns"
    if talk is None:
        return Unreadable("missing-conversations", message, "conversations")
    return Unreadable("bad-conversations", message, "conversations")


def _refuse_bad_turn(number: int, turn: object) -> None:
    if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
        message = f"turn {number} has no text; expected `from` and `value`, both text"
        raise Unreadable("bad-conversations", message, "conversations", str(turn)[:80])
    if turn.get("from") not in list(SPEAKERS.values()):
        message = f"turn {number} is from {str(turn.get('from'))[:40]!r}; expected human or gpt"
        raise Unreadable("unknown-speaker", message, "conversations", str(turn.get("from"))[:80])
    value: str = turn["value"]
    if not value.strip():
        raise Unreadable(
            "empty-value", f"turn {number} says nothing; expected text", "conversations"
        )
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        message = (
            f"turn {number} holds half a surrogate pair at {error.start}; expected Unicode text"
        )
        raise Unreadable("not-unicode", message, "conversations") from error
