"""Who answers a task: the rules, or a model by its service or the ledger."""

from __future__ import annotations

import asyncio
import json

from extending import overall

from qbuild.llm.answers import Answer
from qbuild.llm.client import NOT_IN_LEDGER, Replay
from qbuild.llm.ledger import Ledger
from qbuild.pairs.answerers import ModelSource, RulesSource
from qbuild.pairs.tasks import Style, request_of, tasks_of
from qbuild.pairs.templates import load_templates

STYLE = Style("gpt-4o", True, {})
TASKS = tasks_of(overall(), load_templates(), 0)


def ask(source, task=TASKS[1]):
    return asyncio.run(source.ask(task, ()))


def test_the_rules_answer_in_the_json_form_of_the_task():
    asked = ask(RulesSource(0))
    assert asked.request_id is None
    assert [pair["form"] for pair in json.loads(asked.answer.raw)["pairs"]] == ["temporal"]


def test_the_rules_ask_the_yes_no_question_with_the_wanted_answer():
    for task in TASKS[:1]:
        (pair, *_) = json.loads(ask(RulesSource(0), task).answer.raw)["pairs"]
        assert ["Yes", "No"]["AB".index(pair["answer"])] == task.want


def test_the_rules_reject_what_they_cannot_make():
    (_, task, _) = tasks_of(overall("The sharpness is good."), load_templates(), 0)
    asked = ask(RulesSource(0), task)
    assert (asked.answer.state, asked.rejection.reason) == ("invalid", "cannot-make")
    assert "no-time" in asked.rejection.message


def test_the_rules_reject_five_thousand_words():
    (task, *_) = tasks_of(overall("It is blurry. " + "word " * 5_000), load_templates(), 0)
    asked = ask(RulesSource(0), task)
    assert "too-long: 5,003 words; expected 1,000 at most" in asked.rejection.message


def test_a_model_is_sent_the_request_of_the_task(tmp_path):
    request = request_of(TASKS[1], STYLE)
    with Ledger.open(tmp_path, write=True, reserve_bytes=0) as ledger:

        async def record():
            await ledger.record_sent(request, 1)
            await ledger.record_answer(request, Answer("ok", raw="{}"))

        asyncio.run(record())
        replay = Replay(ledger)
        source = ModelSource(replay.submit, STYLE)
        asked = ask(source)
        assert (asked.answer.raw, asked.request_id) == ("{}", request.request_id)
        assert replay.missing == {}
        assert ask(source, TASKS[0]).answer.message == NOT_IN_LEDGER
    assert replay.missing.keys() == {request_of(TASKS[0], STYLE).request_id}


def test_without_a_ledger_every_request_is_missing():
    replay = Replay(None)
    source = ModelSource(replay.submit, STYLE)
    assert [ask(source, task).answer.state for task in TASKS] == ["http_error"] * 3
    assert len(replay.missing) == 3
