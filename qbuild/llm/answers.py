"""What came of a request, and how the body of a chat completion is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeGuard

State = Literal["ok", "refused", "truncated", "invalid", "http_error", "over_budget"]

# What a model answered, be it of use or not, was paid: it is not asked again by itself.
ANSWERED = frozenset({"ok", "refused", "truncated", "invalid"})


@dataclass(frozen=True)
class Usage:
    """Tokens as the server counted them; `cached_tokens` are some of the prompt's."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int | None = None

    def as_dict(self) -> dict[str, int | None]:
        """The object of schema `response`."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cached_tokens": self.cached_tokens,
        }


@dataclass(frozen=True)
class Answer:
    """What came of one attempt; `message` says in words what went wrong or was done otherwise."""

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
        """Whether a model answered: such a request is not sent again by itself."""
        return self.state in ANSWERED

    def noting(self, note: str) -> Answer:
        """This answer with one more sentence in its message."""
        return replace(self, message=f"{self.message}; {note}" if self.message else note)


def read_completion(body: Any, structured: bool) -> Answer:
    """The answer in the body of a chat completion: its state, its text, what it used."""
    if not isinstance(body, dict):
        return Answer("invalid", message=f"the body is {type(body).__name__}, expected an object")
    found = Answer(
        "ok",
        usage=read_usage(body.get("usage")),
        served_model=_text(body.get("model")),
        fingerprint=_text(body.get("system_fingerprint")),
        remote_id=_text(body.get("id")),
    )
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return replace(found, state="invalid", message="the answer holds no choices")
    state, raw, message = _judge(choices[0], structured)
    return replace(found, state=state, raw=raw, message=message)


def _judge(choice: dict[str, Any], structured: bool) -> tuple[State, str | None, str | None]:
    """State, text and message of a choice."""
    message = choice.get("message")
    said = message if isinstance(message, dict) else {}
    raw = _whole(said["content"]) if isinstance(said.get("content"), str) else None
    if said.get("refusal"):
        return "refused", raw, _whole(f"refused: {said['refusal']}")
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
    """The tokens of a completion; None where the server counted none, or not in whole numbers."""
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


def _whole(text: str) -> str:
    """The text with a mark for halves of signs, which JSON may spell and no file can hold."""
    return text.encode("utf-8", "replace").decode()


def _text(value: Any) -> str | None:
    return _whole(value) if isinstance(value, str) and value else None
