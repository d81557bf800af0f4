"""The JSON body of a chat completion, and what a service turned out not to take of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qbuild.llm.reply_policy import parameter_refused

if TYPE_CHECKING:
    from qbuild.llm.requests import ChatRequest

LIMIT_NAMES = ("max_completion_tokens", "max_tokens")  # the newer first: GPT-5 takes no other
_KEPT = {
    "service_tier": "without it the price is another",
    "response_format": "without it the answer has no sure form",
}


class BodyForm:
    """How requests become bodies for one service; learns once what the service refuses."""

    def __init__(self, structured: bool = True) -> None:
        self.structured = structured
        self.limit_name = LIMIT_NAMES[0]
        self.dropped: list[str] = []

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The body of a request, without what the service does not take."""
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [{"role": role, "content": text} for role, text in request.messages],
        }
        for name, value in request.parameters.items():
            sent = self.limit_name if name == "max_output_tokens" else name
            if sent not in self.dropped:
                body[sent] = value
        if self.structured and request.answer_schema is not None:
            form = {"name": "answer", "strict": True, "schema": request.answer_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def without(self, name: str) -> str:
        """Leave a parameter out from now on; a note of what is done instead.

        Raises UsageError for one that must not be missing: a tier, a form, a limit of tokens.
        """
        if name == LIMIT_NAMES[0]:
            self.limit_name = LIMIT_NAMES[1]
            return f"sent with {LIMIT_NAMES[1]}: the service does not take {name}"
        if name == LIMIT_NAMES[1]:
            raise parameter_refused(name, "without a limit of tokens no cap holds")
        if name in _KEPT:
            raise parameter_refused(name, _KEPT[name])
        if name not in self.dropped:
            self.dropped.append(name)
        return f"sent without {name}: the service does not take it"

    def note(self, request: ChatRequest) -> str | None:
        """What an answer must say of how its request was sent."""
        left_out = [name for name in self.dropped if name in request.parameters]
        if not left_out:
            return None
        return f"sent without {', '.join(left_out)}: the service does not take it"
