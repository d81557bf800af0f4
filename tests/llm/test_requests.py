"""What makes two requests the same, and how their tokens are estimated."""

from __future__ import annotations

from dataclasses import replace

import pytest
from buying import SCHEMA, ask

from qbuild.llm.requests import estimate_tokens


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-5"},
        {"messages": (("user", "else"),)},
        {"answer_schema": SCHEMA},
        {"parameters": {"max_output_tokens": 61}},
    ],
)
def test_all_that_is_sent_makes_the_request(change):
    assert replace(ask(1), **change).request_id != ask(1).request_id


def test_what_is_not_sent_does_not_make_the_request():
    other = replace(ask(1), parent_id="another", prompt="binary@2 sha256:cd")
    assert other.request_id == ask(1).request_id
    assert len(other.request_id) == 64


def test_the_order_of_parameters_does_not_make_the_request():
    one, two = ask(1, seed=1, temperature=0), ask(1, temperature=0, seed=1)
    assert one.request_id == two.request_id


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("画质 ok", 3), ("é", 1)]
)
def test_four_ascii_characters_are_a_token_and_so_is_any_other_character(text, tokens):
    assert estimate_tokens(text) == tokens


def test_a_schema_is_counted_with_the_prompt():
    assert ask(1, schema=SCHEMA).estimated_tokens > ask(1).estimated_tokens + 20
