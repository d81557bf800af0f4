"""The JSON body of a chat completion, without the parameters that the service does not support."""

from __future__ import annotations

from typing import Any

from qbuild.core.errors import UsageError
from qbuild.llm.requests import ChatRequest

LIMIT_NAMES = ("max_completion_tokens", "max_tokens")  # the newer first: GPT-5 accepts no other
_REQUIRED = {
    LIMIT_NAMES[1]: "without a limit of tokens no cap can hold",
    "service_tier": "without it the price is another",
    "response_format": "without it the form of the answer is not certain",
}


class BodyForm:
    """Builds the bodies of requests to one service, without parameters that it rejected."""

    def __init__(self, structured: bool = True) -> None:
        self.structured = structured
        self.limit_name = LIMIT_NAMES[0]
        self.dropped: list[str] = []

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The body of a request, without the dropped parameters."""
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

    def drop(self, name: str) -> str:
        """Leave a parameter out from now on; returns a note on what is done instead.

        Raises UsageError for one that is required: tier, answer form, limit of tokens.
        """
        if name == LIMIT_NAMES[0]:
            self.limit_name = LIMIT_NAMES[1]
            return f"sent with {LIMIT_NAMES[1]}: the service does not take {name}"
        if name in _REQUIRED:
            raise UsageError(
                name,
                "the service does not support this parameter",
                f"expected it to: {_REQUIRED[name]}",
                "Use another model, or leave the option out.",
            )
        if name not in self.dropped:
            self.dropped.append(name)
        return f"sent without {name}: the service does not take it"

    def note(self, request: ChatRequest) -> str | None:
        """The note on dropped parameters in an answer's message; its wording must not change."""
        dropped = [name for name in self.dropped if name in request.parameters]
        if not dropped:
            return None
        return f"sent without {', '.join(dropped)}: the service does not take it"
