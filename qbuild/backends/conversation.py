"""A conversation as a model reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from qbuild.quality.published_text import LLAVA_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Role: TypeAlias = Literal["system", "user", "assistant"]


PLACE = LLAVA_PLACEHOLDER  # where a medium stands in a question


def conversation(system: str | None, said: Iterable[tuple[Role, str]]) -> list[tuple[Role, str]]:
    """Roles and texts as a model reads them: one system turn first, then sides that alternate.

    Neighbours of one role join with a newline, and so do a row's system prompt and the system
    turns among its others. Training, scores and answers see the same conversation through this.
    """
    turns, prompts = list[tuple[Role, str]](), [system or ""]
    for role, text in said:
        if role == "system":
            prompts.append(text)
        elif turns and turns[-1][0] == role:
            turns[-1] = (role, f"{turns[-1][1]}\n{text}")
        else:
            turns.append((role, text))
    prompt = "\n".join(filter(None, prompts))
    return [("system", prompt), *turns] if prompt else turns


def turns_of(row: Mapping[str, Any]) -> list[tuple[Role, str]]:
    """The conversation of an `instruction` row, `PLACE` where a medium is shown."""
    return conversation(row["system"], ((turn["role"], _text(turn)) for turn in row["turns"]))


def _text(turn: Mapping[str, Any]) -> str:
    return "".join(PLACE if part["text"] is None else part["text"] for part in turn["parts"])
