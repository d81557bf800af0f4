"""Who is asked: rules, a service, or the ledger for what is missing."""

from __future__ import annotations

import asyncio
import json

from extending import overall

from qbuild.llm.answers import Answer
from qbuild.llm.ledger import Ledger
from qbuild.llm.replay import NOT_THERE, Replay
from qbuild.pairs.answerers import Gathering, Rules, Service
from qbuild.pairs.tasks import Style, request_of, tasks_of
from qbuild.pairs.templates import load_templates

STYLE = Style("gpt-4o", True, {})
TASKS = tasks_of(overall(), load_templates(), 0)


def ask(asker, task=TASKS[1]):
    return asyncio.run(asker.ask(task, ()))


def test_the_rules_answer_in_the_contract_of_the_task():
    asked = ask(Rules(0))
    assert asked.request_id is None
    assert [pair["form"] for pair in json.loads(asked.answer.raw)["pairs"]] == ["temporal"]


def test_the_rules_put_the_yes_no_question_as_wanted():
    for task in TASKS[:1]:
        (pair, *_) = json.loads(ask(Rules(0), task).answer.raw)["pairs"]
        assert ["Yes", "No"]["AB".index(pair["answer"])] == task.want


def test_the_rules_say_what_they_cannot_make():
    (_, task, _) = tasks_of(overall("The sharpness is good."), load_templates(), 0)
    asked = ask(Rules(0), task)
    assert (asked.answer.state, asked.fault.reason) == ("invalid", "cannot-make")
    assert "no-time" in asked.fault.message


def test_a_service_is_sent_the_request_of_the_task(tmp_path):
    request = request_of(TASKS[1], STYLE)
    with Ledger.open(tmp_path, write=True, reserve_bytes=0) as ledger:

        async def record():
            await ledger.sent(request, 1)
            await ledger.answered(request, Answer("ok", raw="{}"))

        asyncio.run(record())
        asked = ask(Service(Replay(ledger), STYLE))
        assert (asked.answer.raw, asked.request_id) == ("{}", request.request_id)
        gathering = Gathering(ledger, STYLE)
        assert ask(gathering).answer.raw == "{}"
        assert gathering.missing == []
        assert ask(gathering, TASKS[0]).answer.message == NOT_THERE
    assert [missing.request_id for missing in gathering.missing] == [
        request_of(TASKS[0], STYLE).request_id
    ]


def test_without_a_ledger_everything_is_missing():
    gathering = Gathering(None, STYLE)
    assert [ask(gathering, task).answer.state for task in TASKS] == ["http_error"] * 3
    assert len(gathering.missing) == 3
