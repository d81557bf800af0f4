"""The body of a request, without the parameters that the service rejected."""

from __future__ import annotations

import pytest
from buying import SCHEMA, ask

from qbuild.core.errors import UsageError
from qbuild.llm.request_body import BodyForm


def test_fixed_text_comes_first_and_the_limit_has_its_newer_name():
    body = BodyForm().body(ask(1, temperature=0))
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert (body["max_completion_tokens"], body["temperature"]) == (60, 0)
    assert "max_output_tokens" not in body


def test_without_structured_answers_no_form_is_requested():
    assert "response_format" not in BodyForm(structured=False).body(ask(1, schema=SCHEMA))


def test_a_limit_of_tokens_rejected_under_both_names_ends_the_run():
    form = BodyForm()
    form.drop("max_completion_tokens")
    assert form.body(ask(1))["max_tokens"] == 60
    with pytest.raises(UsageError, match="no cap can hold"):
        form.drop("max_tokens")


def test_only_answers_to_requests_with_the_parameter_note_that_it_was_left_out():
    form = BodyForm()
    form.drop("seed")
    assert "seed" not in form.body(ask(1, seed=3))
    assert form.note(ask(1, seed=3)) == "sent without seed: the service does not take it"
    assert form.note(ask(1)) is None
