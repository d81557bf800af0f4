"""Requests to a chat model, with an id by which repeated ones are recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qbuild.core.canonical import canonical_json

# As OpenAI documents the count for chat messages: 3 tokens per message in addition to its text,
# and 3 that prime the answer.
TOKENS_PER_MESSAGE = 3
PRIMING_TOKENS = 3
CHARACTERS_PER_TOKEN = 4

Parameter = int | float | str


@dataclass(frozen=True)
class RequestHead:
    """A request as the ledger records it, without its text; fields as in ChatRequest."""

    request_id: str
    parent_id: str
    prompt: str
    model: str


@dataclass(frozen=True)
class ChatRequest:
    """One request to a chat model.

    `parent_id` is the depiction it is about, `prompt` the template as `id@version sha256:…`,
    `messages` are (role, text) in order.
    """

    parent_id: str
    prompt: str
    model: str
    messages: tuple[tuple[str, str], ...]
    answer_schema: dict[str, Any] | None = None
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @cached_property
    def request_id(self) -> str:
        """64 hex digits: the hash of all that is sent, and of nothing else.

        Neither the parent nor the server's address is part of it: the same question is paid once.
        """
        sent = [self.model, self.messages, self.answer_schema, self.parameters]
        return hashlib.sha256(canonical_json(sent).encode()).hexdigest()

    @cached_property
    def estimated_tokens(self) -> int:
        """Estimated tokens of the prompt, with the overhead per message and the answer's schema."""
        text = "".join(text for _, text in self.messages)
        if self.answer_schema is not None:
            text += canonical_json(self.answer_schema)
        return estimate_tokens(text) + TOKENS_PER_MESSAGE * len(self.messages) + PRIMING_TOKENS

    @property
    def max_output_tokens(self) -> int | None:
        """The limit on the tokens of the answer, where the request sets one."""
        limit = self.parameters.get("max_output_tokens")
        return int(limit) if limit is not None else None

    @property
    def tier(self) -> str:
        """The service tier that is paid: `flex` or `priority` where requested, else `standard`."""
        tier = str(self.parameters.get("service_tier", "standard"))
        return "standard" if tier in {"auto", "default"} else tier


def estimate_tokens(text: str) -> int:
    """Estimated tokens of a text: four ASCII characters, or one other character, per token."""
    if text.isascii():
        return -(-len(text) // CHARACTERS_PER_TOKEN)
    ascii_count = sum(1 for character in text if character.isascii())
    return -(-ascii_count // CHARACTERS_PER_TOKEN) + len(text) - ascii_count
