"""The outcome of a request, and how the body of a chat completion becomes one.

Messages of final answers are part of later requests (a faulty answer is sent back with its
message), and so of their ids in the ledger: their wording must not change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

State = Literal["ok", "refused", "truncated", "invalid", "http_error", "over_budget"]

# The model answered, usable or not, and the answer was paid: the request is not sent again.
FINAL_STATES = frozenset({"ok", "refused", "truncated", "invalid"})


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; `cached_tokens` are included in `prompt_tokens`."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None


@dataclass(frozen=True)
class Answer:
    """The outcome of one attempt; `message` is the fault, or a note on what was changed."""

    state: State
    raw: str | None = None
    message: str | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    served_model: str | None = None
    fingerprint: str | None = None
    remote_id: str | None = None
    attempt: int = 1

    @property
    def final(self) -> bool:
        """Whether the model answered, so that the request is not sent again."""
        return self.state in FINAL_STATES

    def with_note(self, note: str) -> Answer:
        """This answer with a note added to its message."""
        return replace(self, message=f"{self.message}; {note}" if self.message else note)


def read_completion(body: Any, structured: bool) -> Answer:
    """The answer in the body of a chat completion; `structured`: its text must be a JSON object."""
    if not isinstance(body, dict):
        return Answer("invalid", message=f"the body is {type(body).__name__}, expected an object")
    answer = Answer(
        "ok",
        usage=read_usage(body.get("usage")),
        served_model=_text(body.get("model")),
        fingerprint=_text(body.get("system_fingerprint")),
        remote_id=_text(body.get("id")),
    )
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return replace(answer, state="invalid", message="the answer holds no choices")
    state, raw, message = _read_choice(choices[0], structured)
    return replace(answer, state=state, raw=raw, message=message)


def _read_choice(choice: dict[str, Any], structured: bool) -> tuple[State, str | None, str | None]:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    content, refusal = message.get("content"), message.get("refusal")
    raw = _encodable(content) if isinstance(content, str) else None
    if refusal:
        return "refused", raw, _encodable(f"refused: {refusal}")
    if choice.get("finish_reason") == "content_filter":
        return "refused", raw, "stopped by the content filter"
    if choice.get("finish_reason") == "length":
        return "truncated", raw, "cut at the limit of output tokens"
    if not raw or not raw.strip():
        return "invalid", raw, "the answer is empty"
    if structured and not _is_object(raw):
        return "invalid", raw, "the answer is no JSON object"
    return "ok", raw, None


def read_usage(usage: Any) -> Usage | None:
    """The tokens of a completion; None where the server gave no valid counts."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (_is_count(prompt) and _is_count(completion)):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(prompt, completion, cached if _is_count(cached) else None)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_object(raw: str) -> bool:
    try:
        return isinstance(json.loads(raw), dict)
    except (ValueError, RecursionError):
        return False


def _encodable(text: str) -> str:
    """The text with `?` for lone surrogates, which JSON can spell and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def _text(value: Any) -> str | None:
    return _encodable(value) if isinstance(value, str) and value else None
