"""The mock server's answers: the smallest value that a schema allows, as a chat completion."""

from __future__ import annotations

import hashlib
import json
from typing import Any

_MAX_DEPTH = 32


def example(schema: dict[str, Any], root: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """A value of a JSON schema: every property, the first of an enum, the shortest list."""
    root = root if root is not None else schema
    if depth > _MAX_DEPTH:
        return None
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return example(target, root, depth + 1)
    for key in ("const", "enum", "default"):
        if key in schema:
            return schema[key][0] if key == "enum" else schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return example(schema[key][0], root, depth + 1)
    kind = schema.get("type", "object")
    return _example_of_type(kind[0] if isinstance(kind, list) else kind, schema, root, depth)


def _example_of_type(kind: str, schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: example(part, root, depth + 1) for name, part in properties.items()}
    if kind == "array":
        item = example(schema.get("items", {"type": "string"}), root, depth + 1)
        return [item] * max(1, schema.get("minItems", 1))
    plain = {"integer": schema.get("minimum", 0), "number": schema.get("minimum", 0.0)}
    plain |= {"boolean": True, "null": None}
    return plain.get(kind, "x" * max(4, schema.get("minLength", 4)))


def default_answer(body: dict[str, Any]) -> str:
    """JSON of the requested schema; else a sentence that depends on the question."""
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(example(form["json_schema"]["schema"]))
    mark = hashlib.sha256(last_text(body).encode()).hexdigest()[:8]
    return f"The quality of the picture is fair ({mark})."


def last_text(body: dict[str, Any]) -> str:
    """The text of the last message."""
    messages = body.get("messages") or [{}]
    content = messages[-1].get("content")
    return content if isinstance(content, str) else ""


def completion(body: dict[str, Any], text: str, fault: str = "") -> dict[str, Any]:
    """The body of a completion with this text, changed by the fault."""
    identity = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish = "stop"
    if fault == "refusal":
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif fault == "content-filter":
        message["content"], finish = "", "content_filter"
    elif fault == "length":
        message["content"], finish = text[: len(text) // 2], "length"
    elif fault == "blank":
        message["content"] = ""
    elif fault == "prose":
        message["content"] = "Certainly! Here is your JSON:"
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    reply: dict[str, Any] = {
        "id": f"chatcmpl-{identity}",
        "object": "chat.completion",
        "created": 0,
        "model": "some-other-model" if fault == "wrong-model" else str(body.get("model")),
        "system_fingerprint": "fp_mock",
        "choices": [] if fault == "empty" else [choice],
    }
    if fault != "no-usage":
        reply["usage"] = _usage(body, text)
    return reply


def _usage(body: dict[str, Any], text: str) -> dict[str, Any]:
    sent = sum(len(str(message.get("content"))) for message in body.get("messages", []))
    prompt, completion = sent // 4 + 6, len(text) // 4 + 1
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
