"""What a reply means, whatever its form."""

from __future__ import annotations

import json

import pytest
from buying import ask

from qbuild.llm.reply_policy import Reply, judge
from qbuild.llm.request_body import BodyForm

BODY = BodyForm().body(ask(1, temperature=0))


def judged(status, body, **headers):
    text = body if isinstance(body, str) else json.dumps(body)
    return judge(Reply(status, text, headers), ask(1, temperature=0), BODY, "KEY")


def completion(model="gpt-4o", content="fair", **keys):
    choice = {"message": {"content": content}, "finish_reason": "stop"}
    return {"model": model, "choices": [choice], **keys}


@pytest.mark.parametrize("served", ["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o:latest"])
def test_a_dated_name_is_the_model_that_was_asked(served):
    assert judged(200, completion(served)).answer.message is None


@pytest.mark.parametrize("served", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4", "llama"])
def test_another_name_is_another_model(served):
    assert f"answered by '{served}'" in judged(200, completion(served)).answer.message


@pytest.mark.parametrize("body", ["", "null", "[]", '{"choices": null}', '{"choices": [3]}'])
def test_a_body_of_another_form_gives_no_answer(body):
    verdict = judged(200, body)
    assert verdict.answer.state in {"invalid", "http_error"}
    assert verdict.answer.message


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
def test_an_error_of_any_form_keeps_its_words(body):
    verdict = judged(500, body)
    assert "no" in verdict.answer.message
    assert verdict.answer.message.startswith("HTTP 500: ")
    assert verdict.again


@pytest.mark.parametrize(
    ("error", "refused"),
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
def test_only_a_parameter_that_was_sent_and_is_unknown_counts_as_refused(error, refused):
    assert judged(400, {"error": error}).refused == refused


def test_a_filter_on_the_prompt_is_a_refusal_that_cost_nothing():
    verdict = judged(400, {"error": {"code": "content_filter", "message": "filtered"}})
    assert (verdict.answer.state, verdict.answer.cost_usd) == ("refused", 0.0)


def test_long_words_of_a_service_are_shortened():
    assert len(judged(500, "x " * 5000).answer.message) < 400


def test_half_a_sign_in_an_answer_is_marked_and_no_file_breaks_on_it():
    said = {"choices": [{"message": {"content": "sharp \ud800"}, "finish_reason": "stop"}]}
    verdict = judge(Reply(200, json.dumps(said)), ask(1), {}, "K")
    assert verdict.answer.state == "ok"
    assert verdict.answer.raw == "sharp ?"


def test_an_answer_nested_beyond_reason_is_invalid_and_not_an_error():
    deep = "[" * 100_000
    said = {"choices": [{"message": {"content": deep}, "finish_reason": "stop"}]}
    verdict = judge(Reply(200, json.dumps(said)), ask(1), {"response_format": {}}, "K")
    assert verdict.answer.state == "invalid"
    assert judge(Reply(200, deep), ask(1), {}, "K").kind == "no JSON"


def test_a_prompt_too_long_for_the_model_is_final():
    said = {"error": {"code": "context_length_exceeded", "message": "too many tokens"}}
    verdict = judge(Reply(400, json.dumps(said)), ask(1), {}, "K")
    assert (verdict.answer.state, verdict.again) == ("truncated", False)
    assert verdict.answer.final
