"""The mock's answers: pairs for the requests of gpt-extend, the default for all others."""

from __future__ import annotations

import json

import pytest
from depictions import depictions
from extending import of_kind

from qbuild.core.rows.rejections import RejectedError
from qbuild.llm.mock.answers import default_answer
from qbuild.llm.request_body import BodyForm
from qbuild.pairs.mock_answers import depiction_answer
from qbuild.pairs.parse import Pair, read_pairs
from qbuild.pairs.tasks import Style, distractor_task, request_of, tasks_of
from qbuild.pairs.templates import load_templates

TEMPLATES = load_templates()


def bodies(rows, structured):
    form, style = BodyForm(structured), Style("gpt-4o", structured, {})
    for row in rows:
        for task in tasks_of(row, TEMPLATES, 0):
            yield task, form.body(request_of(task, style))


@pytest.mark.parametrize("structured", [True, False])
def test_every_task_is_answered_in_its_form(structured):
    """The few depictions without a time have no temporal pair, and the answer reports it."""
    answered = rejected = 0
    for task, body in bodies(depictions(120, 3), structured):
        raw = depiction_answer(body)
        assert raw.startswith("{") == structured
        try:
            answered += len(read_pairs(raw, task.template)) >= task.template.least
        except RejectedError as error:
            rejected += error.reason == "nothing-to-ask"
            assert task.id == "vqa2/temporal"
    assert answered > 200
    assert rejected < 10


def test_the_yes_no_question_is_answered_as_asked_for():
    for task, body in bodies(of_kind("overall", 30, seed=2), True):
        if task.id == "vqa2/quality-centric":
            (binary, *_) = read_pairs(depiction_answer(body), task.template)
            assert binary.right == task.want


def test_wrong_choices_keep_question_and_right_answer():
    (row,) = of_kind("pathway", 1)
    first = tasks_of(row, TEMPLATES, 0)[0]
    task = distractor_task(first, Pair("open", "How?", None, "Dim"), TEMPLATES)
    body = BodyForm().body(request_of(task, Style("gpt-4o", True, {})))
    (pair,) = read_pairs(depiction_answer(body), task.template)
    assert (pair.question, pair.right, len(pair.options)) == ("How?", "Dim", 4)


@pytest.mark.parametrize(
    "body",
    [{}, {"messages": []}, {"messages": [{"role": "user", "content": "Hello?"}]},
     {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]}],
)  # fmt: skip
def test_anything_else_gets_the_default_answer(body):
    assert depiction_answer(body) == default_answer(body)


def test_the_same_request_gets_the_same_answer():
    (_, body), *_ = bodies(of_kind("overall", 1), True)
    assert depiction_answer(body) == depiction_answer(json.loads(json.dumps(body)))
