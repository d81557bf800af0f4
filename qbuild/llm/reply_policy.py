"""What a service replied, and what is to be made of it: an answer, another try, or the end.

No network here: a reply is a status, headers and text, from whichever client fetched it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import QbuildError, UsageError
from qbuild.llm.answers import Answer, State, read_completion
from qbuild.llm.errors import KeyRefused, ModelUnknown
from qbuild.llm.rate_limit import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qbuild.llm.requests import Asked

SHOWN = 300  # characters of a service's message
AGAIN = frozenset({408, 409, 429})
_REFUSED = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})
# Complaints about the request itself, which would be the same again.
_FINAL: dict[str, State] = {
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "context_length_exceeded": "truncated",
}
_KINDS = {"refused": "refusal", "invalid": "invalid answer", "truncated": "truncated answer"}
_REFUSING = ("unsupported", "not support", "unrecognized", "unknown", "unexpected", "not permitted")


@dataclass(frozen=True)
class Reply:
    """A whole HTTP reply; header names are in lower case."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lost:
    """No whole reply came; `sent` says that the request may have arrived and been paid."""

    what: str
    sent: bool = True


@dataclass(frozen=True)
class Verdict:
    """What a reply means.

    `again`: worth another attempt, after `wait_s` where the service says how long. `kind` is the
    failure for the breaker, None for none. `fatal` ends the run. `refused` is the parameter that
    the service does not take. `lost`: charged at its worst price, for nobody knows.
    """

    answer: Answer
    again: bool = False
    wait_s: float | None = None
    kind: str | None = None
    fatal: QbuildError | None = None
    refused: str | None = None
    lost: bool = False


def judge(reply: Reply | Lost, request: Asked, body: Mapping[str, Any], key_env: str) -> Verdict:
    """What a reply to a request means that was sent with this body."""
    if isinstance(reply, Lost):
        message = f"{reply.what}; it may have been charged" if reply.sent else reply.what
        return Verdict(_failed(message), again=True, kind="no answer", lost=reply.sent)
    if reply.status == 200:
        return _judge_answer(reply, request, "response_format" in body)
    return _judge_error(reply, request, body, key_env)


def _judge_error(reply: Reply, request: Asked, body: Mapping[str, Any], key_env: str) -> Verdict:
    """What a status other than 200 means."""
    code, parameter, said = _complaint(reply)
    message = f"HTTP {reply.status}: {said}"
    answer, kind = _failed(message), f"HTTP {reply.status}"
    if reply.status in {401, 403}:
        return Verdict(answer, fatal=_key_refused(key_env, message))
    if reply.status == 404:
        return Verdict(answer, fatal=_model_unknown(request.model, message))
    if code == "insufficient_quota":
        return Verdict(answer, kind=code)
    if reply.status in AGAIN or reply.status >= 500:
        kind = "HTTP 5xx" if reply.status >= 500 else kind
        return Verdict(answer, again=True, wait_s=retry_after(reply.headers), kind=kind)
    if code in _FINAL:
        return Verdict(Answer(_FINAL[code], message=message, cost_usd=0.0), kind=code)
    refused = _refused_parameter(code, parameter, said, body) if reply.status == 400 else None
    return Verdict(answer, kind=kind, refused=refused)


def _judge_answer(reply: Reply, request: Asked, structured: bool) -> Verdict:
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        message = f"the body is no JSON: {_short(reply.text)!r}; it may have been charged"
        return Verdict(_failed(message), again=True, kind="no JSON", lost=True)
    answer = read_completion(body, structured)
    if answer.served_model is not None and not _same_model(answer.served_model, request.model):
        answer = answer.noting(f"answered by {answer.served_model!r}, asked for {request.model!r}")
    kind = _KINDS.get(answer.state)
    return Verdict(answer, kind=kind)


def _complaint(reply: Reply) -> tuple[str, str | None, str]:
    """Code, parameter and message of an error body, whatever it looks like."""
    try:
        body = json.loads(reply.text)
    except (ValueError, RecursionError):
        return "", None, _short(reply.text)
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return "", None, _short(str(error))
    parameter = error.get("param")
    said = _short(str(error.get("message", reply.text)))
    code = str(error.get("code") or error.get("type") or "")
    return code, parameter if isinstance(parameter, str) else None, said


def _refused_parameter(
    code: str, parameter: str | None, said: str, body: Mapping[str, Any]
) -> str | None:
    """The name, as sent, of a parameter that the service does not take."""
    if code not in _REFUSED and not any(word in said.lower() for word in _REFUSING):
        return None
    sent = body.keys() - {"model", "messages"}
    if parameter is not None and parameter.split(".")[0] in sent:
        return parameter.split(".")[0]
    named = [name for name in sent if name in said]
    # the longest: `max_tokens` may stand in the advice to use `max_completion_tokens`
    return min(named, key=lambda name: (said.index(name), -len(name))) if named else None


def _same_model(served: str, asked: str) -> bool:
    """Whether one name is the other dated, or without a path.

    `gpt-4o` is served as `gpt-4o-2024-08-06`; `gpt-4o-mini` is another model.
    """
    dated = re.fullmatch(re.escape(asked) + r"[-:@](\d[\d-]*|latest)", served)
    return served == asked or dated is not None or asked.endswith(f"/{served}")


def _key_refused(key_env: str, message: str) -> QbuildError:
    return KeyRefused(
        key_env,
        f"the service does not take this key ({message})",
        "expected a key with the right to this model",
        f"Set {key_env}, or name another variable with --key-env.",
    )


def _model_unknown(model: str, message: str) -> QbuildError:
    return ModelUnknown(
        model,
        f"the service has no such model ({message})",
        "expected a model it serves to this key",
        "Check --model and --base-url.",
    )


def parameter_refused(name: str, why: str) -> UsageError:
    """The error for a parameter that must not be left out."""
    return UsageError(
        name,
        "the service does not take this parameter",
        f"expected it to: {why}",
        "Use another model, or leave the option out.",
    )


def _failed(message: str) -> Answer:
    return Answer("http_error", message=message, cost_usd=0.0)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
