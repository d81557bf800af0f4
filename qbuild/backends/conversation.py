"""A conversation as a model reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from qbuild.quality.published_text import LLAVA_PLACEHOLDER

Role: TypeAlias = Literal["system", "user", "assistant"]
PLACE = LLAVA_PLACEHOLDER  # in a question, for a medium


def conversation(
    system: str | None, messages: Iterable[tuple[Role, str]]
) -> list[tuple[Role, str]]:
    """Roles and texts as a model reads them: one system turn first, then alternating roles.

    Neighbours of one role are joined with a newline, and so are a row's system prompt and the
    system turns among its others. Training, scores and answers all use this function.
    """
    turns, prompts = list[tuple[Role, str]](), [system or ""]
    for role, text in messages:
        if role == "system":
            prompts.append(text)
        elif turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{text}")
        else:
            turns.append((role, text))
    prompt = "\n".join(filter(None, prompts))
    return [("system", prompt), *turns] if prompt else turns


def turns_of(row: Mapping[str, Any]) -> list[tuple[Role, str]]:
    """The conversation of an `instruction` row, with `PLACE` for each medium."""
    return conversation(row["system"], ((turn["role"], _text(turn)) for turn in row["turns"]))


def _text(turn: Mapping[str, Any]) -> str:
    return "".join(PLACE if part["text"] is None else part["text"] for part in turn["parts"])
