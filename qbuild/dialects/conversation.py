"""Turns as `[{"from": "human"|"gpt", "value": …}]`, media as placeholders in the text, and back.

Reading is exact: text is split at the placeholders, so a row whose text holds the placeholder, or
that has two adjacent text parts, cannot be written.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.dialects.dialect import Record, Row

SPEAKERS = {"user": "human", "assistant": "gpt"}
_ROLES = {speaker: role for role, speaker in SPEAKERS.items()}


def write_turns(row: Row, placeholder: str) -> list[dict[str, str]]:
    """The turns of a row; RejectedError where they would not be read as they are."""
    if row["system"] is not None or any(turn["role"] == "system" for turn in row["turns"]):
        message = "the record has no place for a system prompt; expected none"
        raise RejectedError("system-not-supported", message, "system", row["system"])
    speakers = [SPEAKERS[turn["role"]] for turn in row["turns"]]
    if fault := _order_fault(speakers):
        raise RejectedError("roles-not-alternating", fault, "turns")
    values = [_join_parts(turn["parts"], placeholder) for turn in row["turns"]]
    return [
        {"from": speaker, "value": value} for speaker, value in zip(speakers, values, strict=True)
    ]


def read_turns(record: Record) -> list[tuple[str, str]]:
    """Role and text of each turn of a record; RejectedError where it is not a conversation."""
    turns = record.get("conversations")
    if not isinstance(turns, list) or not turns:
        raise _missing_conversation(record, turns)
    for number, turn in enumerate(turns, start=1):
        _check_turn(number, turn)
    if fault := _order_fault([turn["from"] for turn in turns]):
        raise RejectedError("roles-not-alternating", fault, "conversations")
    return [(_ROLES[turn["from"]], turn["value"]) for turn in turns]


def count_placeholders(turns: list[tuple[str, str]], placeholder: str) -> int:
    """How many placeholders a conversation holds."""
    return sum(value.count(placeholder) for _, value in turns)


def split_turns(
    turns: list[tuple[str, str]], placeholder: str, order: list[int]
) -> list[dict[str, Any]]:
    """The turns of a row: the n-th placeholder of the conversation becomes medium `order[n]`."""
    media = iter(order)
    return [
        {"role": role, "parts": list(_split_parts(value.split(placeholder), media))}
        for role, value in turns
    ]


def _split_parts(texts: list[str], media: Iterator[int]) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(texts):
        if number:
            yield {"text": None, "media": next(media)}
        if text:
            yield {"text": text, "media": None}


def _join_parts(parts: list[dict[str, Any]], placeholder: str) -> str:
    texts = [part["text"] for part in parts]
    if any(text is not None and placeholder in text for text in texts):
        message = f"a text holds {placeholder} itself; expected it only in place of a medium"
        raise RejectedError("placeholder-in-text", message, "turns", placeholder)
    if "" in texts:
        raise RejectedError("empty-text", "a text part is empty; expected text", "turns")
    if any(one is not None is not two for one, two in pairwise(texts)):
        message = "two text parts are adjacent; expected one, as they would be read as one"
        raise RejectedError("adjacent-text", message, "turns")
    value = "".join(placeholder if text is None else text for text in texts)
    if not value.strip():
        raise RejectedError("empty-value", "a turn is blank; expected text or a medium", "turns")
    return value


def _order_fault(speakers: list[str]) -> str:
    """What is wrong with the order of speakers, or `""`."""
    if speakers == ["human", "gpt"] * ((len(speakers) + 1) // 2):
        return ""
    return f"the speakers are {', '.join(speakers[:6])}; expected human and gpt in turn, gpt last"


def _missing_conversation(record: Record, turns: object) -> RejectedError:
    if turns is None and ("img_path" in record or "gt_score" in record):
        message = (
            "a rating without a conversation; expected `conversations`."
            " Read rating files with `qbuild ingest-ratings`"
        )
        return RejectedError("rating-file", message, "conversations")
    message = f"`conversations` is {str(turns)[:40]!r}; expected a list of turns"
    if turns is None:
        return RejectedError("missing-conversations", message, "conversations")
    return RejectedError("bad-conversations", message, "conversations")


def _check_turn(number: int, turn: object) -> None:
    if not isinstance(turn, dict) or not isinstance(turn.get("value"), str):
        message = f"turn {number} has no text; expected `from` and `value`, both text"
        raise RejectedError("bad-conversations", message, "conversations", str(turn)[:80])
    speaker, value = turn.get("from"), turn["value"]
    if speaker not in list(_ROLES):
        message = f"turn {number} is from {str(speaker)[:40]!r}; expected human or gpt"
        raise RejectedError("unknown-speaker", message, "conversations", str(speaker)[:80])
    if not value.strip():
        message = f"turn {number} is blank; expected text"
        raise RejectedError("empty-value", message, "conversations")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        message = f"turn {number} holds half a surrogate pair at {error.start}; expected Unicode"
        raise RejectedError("not-unicode", message, "conversations") from error
