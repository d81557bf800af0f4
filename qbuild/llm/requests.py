"""What is asked of a language model, and the id that says it was asked before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from qbuild.core.canonical import canonical_json

# A chat turn costs 3 tokens beside its text and the answer is primed with 3 more: OpenAI's own
# account of how chat messages are counted.
TOKENS_A_MESSAGE = 3
TOKENS_OF_THE_PRIMER = 3
CHARACTERS_A_TOKEN = 4

Parameter = int | float | str


class Asked(Protocol):
    """What the ledger writes of a request: its id, and what it was made from."""

    @property
    def request_id(self) -> str:
        """64 hex digits."""

    @property
    def parent_id(self) -> str:
        """Depiction that the request is about."""

    @property
    def prompt(self) -> str:
        """`id@version sha256:…` of the template."""

    @property
    def model(self) -> str:
        """Model asked for."""


@dataclass(frozen=True)
class Heading:
    """A request as the ledger remembers it: without its text."""

    request_id: str
    parent_id: str
    prompt: str
    model: str


@dataclass(frozen=True)
class ChatRequest:
    """One question to a chat model; `messages` are (role, text), in order."""

    parent_id: str
    prompt: str
    model: str
    messages: tuple[tuple[str, str], ...]
    answer_schema: dict[str, Any] | None = None
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @cached_property
    def request_id(self) -> str:
        """64 hex digits: the hash of all that is sent, and of nothing else.

        Not of the parent, nor of the server's address: the same question is bought once.
        """
        sent = [self.model, self.messages, self.answer_schema, self.parameters]
        return hashlib.sha256(canonical_json(sent).encode()).hexdigest()

    def estimated_tokens(self) -> int:
        """Tokens of the prompt, estimated: four ASCII characters a token, one sign else.

        Adds what chat turns cost beside their text, and the schema of a structured answer.
        """
        return self._estimate

    @cached_property
    def _estimate(self) -> int:
        text = "".join(text for _, text in self.messages)
        if self.answer_schema is not None:
            text += canonical_json(self.answer_schema)
        return text_tokens(text) + TOKENS_A_MESSAGE * len(self.messages) + TOKENS_OF_THE_PRIMER

    @property
    def max_output_tokens(self) -> int | None:
        """The most tokens that may be answered, where the request says so."""
        limit = self.parameters.get("max_output_tokens")
        return int(limit) if limit is not None else None

    @property
    def tier(self) -> str:
        """`flex` or `priority` where the request asks for that service, else `standard`."""
        tier = str(self.parameters.get("service_tier", "standard"))
        return "standard" if tier in {"auto", "default"} else tier


def text_tokens(text: str) -> int:
    """Tokens of a text, estimated: four ASCII characters a token, rounded up, one sign else."""
    if text.isascii():
        return -(-len(text) // CHARACTERS_A_TOKEN)
    ascii_signs = sum(1 for sign in text if sign.isascii())
    return -(-ascii_signs // CHARACTERS_A_TOKEN) + len(text) - ascii_signs
