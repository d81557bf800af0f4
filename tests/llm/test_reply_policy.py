"""The decision on a reply, for every form of reply."""

from __future__ import annotations

import json

import pytest
from buying import ask

from qbuild.llm.reply_policy import Reply, decide
from qbuild.llm.request_body import BodyForm

BODY = BodyForm().body(ask(1, temperature=0))


def judged(status, body, **headers):
    text = body if isinstance(body, str) else json.dumps(body)
    return decide(Reply(status, text, headers), ask(1, temperature=0), BODY, "KEY")


def completion(model="gpt-4o", content="fair", **keys):
    choice = {"message": {"content": content}, "finish_reason": "stop"}
    return {"model": model, "choices": [choice], **keys}


@pytest.mark.parametrize("served", ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o:latest"])
def test_a_dated_name_is_the_requested_model(served):
    assert judged(200, completion(served)).answer.message is None


@pytest.mark.parametrize("served", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4", "llama"])
def test_another_name_is_another_model(served):
    assert f"answered by '{served}'" in judged(200, completion(served)).answer.message


@pytest.mark.parametrize("body", ["", "null", "[]", '{"choices": null}', '{"choices": [3]}'])
def test_a_body_of_another_form_gives_no_answer(body):
    decision = judged(200, body)
    assert decision.answer.state in {"invalid", "http_error"}
    assert decision.answer.message


@pytest.mark.parametrize(
    "usage",
    [None, [], {}, {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": "7"}],
)
def test_usage_that_counts_nothing_is_none(usage):
    assert judged(200, completion(usage=usage)).answer.usage is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "no", "param": None, "code": None, "type": None}},
        {"error": "no"},
        {"detail": "no", "message": "no"},
        "no",
        "<html>no</html>",
        '["no"]',
    ],
)
def test_an_error_of_any_form_keeps_its_message(body):
    decision = judged(500, body)
    assert "no" in decision.answer.message
    assert decision.answer.message.startswith("HTTP 500: ")
    assert decision.retry


@pytest.mark.parametrize(
    ("error", "rejected"),
    [
        ({"param": "temperature", "code": "unsupported_value", "message": "x"}, "temperature"),
        ({"message": "Unrecognized request argument supplied: temperature"}, "temperature"),
        (
            {
                "message": "Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens'.",
                "code": "unsupported_parameter",
            },
            "max_completion_tokens",
        ),
        ({"param": "seed", "code": "unsupported_parameter", "message": "x"}, None),
        ({"param": "temperature", "code": "invalid_value", "message": "too high"}, None),
        ({"param": "messages", "code": "unsupported_value", "message": "x"}, None),
    ],
)
def test_only_a_parameter_that_was_sent_and_is_unknown_counts_as_rejected(error, rejected):
    assert judged(400, {"error": error}).rejected_parameter == rejected


def test_a_filter_on_the_prompt_is_a_refusal_that_cost_nothing():
    decision = judged(400, {"error": {"code": "content_filter", "message": "filtered"}})
    assert (decision.answer.state, decision.answer.cost_usd) == ("refused", 0.0)


def test_a_long_message_of_a_service_is_shortened():
    assert len(judged(500, "x " * 5000).answer.message) < 400


def test_a_lone_surrogate_in_an_answer_is_replaced():
    body = {"choices": [{"message": {"content": "sharp \ud800"}, "finish_reason": "stop"}]}
    decision = decide(Reply(200, json.dumps(body)), ask(1), {}, "K")
    assert decision.answer.state == "ok"
    assert decision.answer.raw == "sharp ?"


def test_an_answer_nested_beyond_reason_is_invalid_and_not_an_error():
    deep = "[" * 100_000
    body = {"choices": [{"message": {"content": deep}, "finish_reason": "stop"}]}
    decision = decide(Reply(200, json.dumps(body)), ask(1), {"response_format": {}}, "K")
    assert decision.answer.state == "invalid"
    assert decide(Reply(200, deep), ask(1), {}, "K").failure == "no JSON"


def test_a_prompt_too_long_for_the_model_is_final():
    body = {"error": {"code": "context_length_exceeded", "message": "too many tokens"}}
    decision = decide(Reply(400, json.dumps(body)), ask(1), {}, "K")
    assert (decision.answer.state, decision.retry) == ("truncated", False)
    assert decision.answer.final
