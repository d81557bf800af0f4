"""What a service's reply means for its request: an answer, another attempt, or the end of the run.

No network here: a reply is a status, headers and text, whichever client fetched it. The messages
of final answers must not change (see answers.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from qbuild.core.errors import QbuildError, UsageError
from qbuild.llm.answers import Answer, State, read_completion
from qbuild.llm.rate_limit import read_retry_after
from qbuild.llm.requests import ChatRequest, RequestHead

LONGEST_MESSAGE = 300  # characters kept of a service's message
RETRIED_STATUSES = frozenset({408, 409, 429})  # and all from 500
# Errors about the request itself, which another attempt would not change.
_FINAL_CODES: dict[str, State] = {
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "context_length_exceeded": "truncated",
}
_FAILURES = {"refused": "refusal", "invalid": "invalid answer", "truncated": "truncated answer"}
_PARAMETER_CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
_PARAMETER_WORDS = (
    "unsupported", "not support", "unrecognized", "unknown", "unexpected", "not permitted"
)  # fmt: skip


class ServiceError(QbuildError):
    """A service that keeps failing; the run ends, and its answers are kept."""

    code: ClassVar[str] = "service"


class KeyRejectedError(UsageError):
    """The service rejects the key, or the key has no right to this request."""

    code = "key"

    def __init__(self, key_env: str, message: str) -> None:
        super().__init__(
            key_env,
            f"the service rejects this key ({message})",
            "expected a key with the right to use this model",
            f"Set {key_env}, or name another variable with --key-env.",
        )


class UnknownModelError(UsageError):
    """The service has no model of that name, or not for this key."""

    code = "model"

    def __init__(self, model: str, message: str) -> None:
        super().__init__(
            model,
            f"the service has no such model ({message})",
            "expected a model that it serves to this key",
            "Check --model and --base-url.",
        )


@dataclass(frozen=True)
class Reply:
    """A complete HTTP reply; header names are in lower case."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NoReply:
    """No complete reply came; `sent`: the request may have arrived, and may have been charged."""

    reason: str
    sent: bool = True


@dataclass(frozen=True)
class ReplyDecision:
    """What a reply means.

    `retry`: worth another attempt, after `wait_s` if the service gives one. `failure` is the kind
    of failure for the circuit breaker, None for none. `fatal` ends the run. `rejected_parameter`
    is one that the service does not support. `maybe_charged`: the cost is unknown, so that the
    worst price is charged.
    """

    answer: Answer
    retry: bool = False
    wait_s: float | None = None
    failure: str | None = None
    fatal: QbuildError | None = None
    rejected_parameter: str | None = None
    maybe_charged: bool = False


def decide(
    reply: Reply | NoReply,
    request: ChatRequest | RequestHead,
    body: Mapping[str, Any],
    key_env: str,
) -> ReplyDecision:
    """What a reply to a request means that was sent with this body."""
    if isinstance(reply, NoReply):
        message = f"{reply.reason}; it may have been charged" if reply.sent else reply.reason
        return ReplyDecision(
            _failed(message), retry=True, failure="no answer", maybe_charged=reply.sent
        )
    if reply.status == 200:
        return _decide_success(reply, request.model, "response_format" in body)
    return _decide_error(reply, request.model, body, key_env)


def _decide_success(reply: Reply, model: str, structured: bool) -> ReplyDecision:
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        message = f"the body is no JSON: {_short(reply.text)!r}; it may have been charged"
        return ReplyDecision(_failed(message), retry=True, failure="no JSON", maybe_charged=True)
    answer = read_completion(body, structured)
    if answer.served_model is not None and not _same_model(answer.served_model, model):
        answer = answer.with_note(f"answered by {answer.served_model!r}, asked for {model!r}")
    return ReplyDecision(answer, failure=_FAILURES.get(answer.state))


def _decide_error(reply: Reply, model: str, body: Mapping[str, Any], key_env: str) -> ReplyDecision:
    code, parameter, text = _read_error(reply)
    message = f"HTTP {reply.status}: {text}"
    answer, failure = _failed(message), f"HTTP {reply.status}"
    if reply.status in {401, 403}:
        return ReplyDecision(answer, fatal=KeyRejectedError(key_env, message))
    if reply.status == 404:
        return ReplyDecision(answer, fatal=UnknownModelError(model, message))
    if code == "insufficient_quota":
        return ReplyDecision(answer, failure=code)
    if is_retried(reply.status):
        failure = "HTTP 5xx" if reply.status >= 500 else failure
        wait_s = read_retry_after(reply.headers)
        return ReplyDecision(answer, retry=True, wait_s=wait_s, failure=failure)
    if code in _FINAL_CODES:
        final = Answer(_FINAL_CODES[code], message=message, cost_usd=0.0)
        return ReplyDecision(final, failure=code)
    rejected = _rejected_parameter(code, parameter, text, body) if reply.status == 400 else None
    return ReplyDecision(answer, failure=failure, rejected_parameter=rejected)


def is_retried(status: int) -> bool:
    """Whether another attempt may change this status."""
    return status in RETRIED_STATUSES or status >= 500


def _read_error(reply: Reply) -> tuple[str, str | None, str]:
    """Code, parameter and message of an error body, whatever its form."""
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        return "", None, _short(reply.text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", None, _short(str(error))
    parameter = error.get("param")
    text = _short(str(error.get("message", reply.text)))
    code = str(error.get("code") or error.get("type") or "")
    return code, parameter if isinstance(parameter, str) else None, text


def _rejected_parameter(
    code: str, parameter: str | None, text: str, body: Mapping[str, Any]
) -> str | None:
    """The name, as sent, of a parameter that the service does not support."""
    if code not in _PARAMETER_CODES and not any(w in text.lower() for w in _PARAMETER_WORDS):
        return None
    sent = body.keys() - {"model", "messages"}
    if parameter is not None and parameter.split(".")[0] in sent:
        return parameter.split(".")[0]
    named = [name for name in sent if name in text]
    # the first one, the longest: `max_tokens` is also in the advice to use `max_completion_tokens`
    return min(named, key=lambda name: (text.index(name), -len(name))) if named else None


def _same_model(served: str, requested: str) -> bool:
    """Whether one name is the other with a date, or without a path.

    `gpt-4o` is served as `gpt-4o-2024-08-06`; `gpt-4o-mini` is another model.
    """
    dated = re.fullmatch(re.escape(requested) + r"[-:@](\d[\d-]*|latest)", served)
    return served == requested or dated is not None or requested.endswith(f"/{served}")


def _failed(message: str) -> Answer:
    return Answer("http_error", message=message, cost_usd=0.0)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
