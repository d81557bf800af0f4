"""gpt-extend without a network: rules, replay, plan, provenance, report, options."""

from __future__ import annotations

import json
import random
import re
import socket
from collections import Counter

import pytest
from buying import KEY_ENV
from depictions import depictions
from extending import (
    answer_of,
    extend,
    of_kind,
    overall,
    question_of,
    request,
    serve_mock,
    write_depictions,
)
from running import rejected_of, rows_of, run_stage

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine import run as engine
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import InputError, UsageError
from qbuild.core.pipeline.load import load_pipeline
from qbuild.core.pipeline.run import plan, run
from qbuild.core.renamed import current_options
from qbuild.pairs.mock_answers import depiction_answer
from qbuild.pairs.templates import load_templates
from qbuild.stages import STAGES, get_stage
from qbuild.stages.causal_qa import STAGE as CAUSAL
from qbuild.stages.gpt_extend import STAGE
from qbuild.stages.gpt_extend.options import ExtendOptions, ExtendRuntime
from qbuild.stages.gpt_extend.report import TABLE_1


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    """What the rules make of 1,000 depictions of all kinds: artifact and report."""
    folder = tmp_path_factory.mktemp("rules")
    source = write_depictions(folder / "depictions.parquet", depictions(1000, 7))
    result = extend(source, folder / "out.parquet")
    return folder / "out.parquet", result


@pytest.fixture
def mixed(tmp_path):
    """Eighteen depictions of all kinds."""
    rows = [row for kind in ("overall", "in-context", "conversation", "aspect", "pathway")
            for row in of_kind(kind, 6 if kind == "overall" else 3, seed=5)]  # fmt: skip
    return write_depictions(tmp_path / "depictions.parquet", rows)


def test_an_overall_depiction_and_a_note_give_six_pairs_and_a_causal_one(tmp_path):
    (note,) = of_kind("in-context", 1, seed=2)
    rows = [overall(), {**note, "media_id": overall()["media_id"]}]
    source = write_depictions(tmp_path / "d.parquet", rows)
    result = extend(source, tmp_path / "out.parquet")
    causal = run_stage(CAUSAL, source, tmp_path / "c.parquet")
    assert (result.rows, causal.rows) == (6, 1)
    assert result.report["forms"] == {
        "binary": 1, "extended": 1, "in-context": 1, "multi": 1, "open": 1, "temporal": 1
    }  # fmt: skip
    parents = {tuple(row["provenance"]["parents"]) for row in rows_of(tmp_path / "out.parquet")}
    assert parents == {(row["depiction_id"], row["media_id"]) for row in rows}


def test_a_generated_video_with_five_aspects_gives_five_pairs(tmp_path):
    pool = of_kind("aspect", 60, seed=1)
    rows = list({row["aspect"]: row for row in pool}.values())
    medium = {name: rows[0][name] for name in ("media_id", "path", "dataset")}
    source = write_depictions(tmp_path / "d.parquet", [{**row, **medium} for row in rows])
    assert len(rows) == 5
    assert extend(source, tmp_path / "out.parquet").report["forms"] == {"open": 5}


def test_an_image_gets_the_questions_of_q_instruct(tmp_path):
    source = write_depictions(tmp_path / "d.parquet", of_kind("pathway", 5, seed=1))
    report = extend(source, tmp_path / "out.parquet").report
    assert report["forms"].keys() == {"binary", "extended", "multi", "open"}
    assert {row["media"][0]["kind"] for row in rows_of(tmp_path / "out.parquet")} == {"image"}


def test_the_report_counts_by_form_and_kind_next_to_the_paper(thousand):
    output, result = thousand
    report, rows = result.report, rows_of(output)
    assert report["forms"] == dict(sorted(Counter(row["task"] for row in rows).items()))
    assert result.rows == sum(report["forms"].values()) == len(rows)
    assert sum(kind["depictions"] for kind in report["kinds"].values()) == 1000
    made = sum(kind["pairs"] for kind in report["kinds"].values())
    assert made == len(rows) + report["repeated"]
    assert report["table_1"] == TABLE_1
    text = STAGE.render(report)
    assert re.search(r"overall: \d+ depictions, \d\.\d\d pairs each \(VQA²: 5\)", text)
    assert "yes/no questions: " in text


def test_the_rules_word_at_least_200_different_questions_per_1000_pairs(thousand):
    questions = [question_of(row).splitlines()[0] for row in rows_of(thousand[0])]
    for begin in range(0, len(questions) - 1000, 1000):
        assert len(set(questions[begin : begin + 1000])) >= 200


def test_yes_and_no_are_one_to_one_and_letters_are_uniform(thousand):
    """Of n fair draws the share strays by 3 deviations, 1.3/√n, in 3 of 1,000 seeds."""
    report = thousand[1].report
    assert report["yes"] + report["no"] > 500
    assert abs(report["yes"] - report["no"]) <= 1
    letters = report["letters"]["multi"]
    count = sum(letters.values())
    assert letters.keys() == set("ABCD")
    assert all(abs(n / count - 0.25) < 1.3 / count**0.5 for n in letters.values())


def test_another_seed_gives_other_choices(mixed, tmp_path):
    keys = []
    for seed in (0, 1):
        extend(mixed, tmp_path / "out.parquet", seed=seed)
        keys.append(
            [(question_of(row), row["answer_key"]) for row in rows_of(tmp_path / "out.parquet")]
        )
    assert keys[0] != keys[1]


def test_rules_record_in_provenance_that_they_made_the_pair(thousand):
    for row in rows_of(thousand[0])[:200]:
        provenance = row["provenance"]
        assert provenance["origin"] == "rules"
        assert provenance["prompt"].startswith("rules ")
        assert provenance["response_id"] is None
        assert provenance["stage"] == "gpt-extend"


def test_rules_report_what_they_cannot_make(tmp_path):
    rows = [*of_kind("overall", 5), overall("The sharpness is good.", 9), overall("画面很清晰", 8)]
    source = write_depictions(tmp_path / "d.parquet", rows)
    result = extend(source, tmp_path / "out.parquet")
    messages = [row["message"] for row in rejected_of(tmp_path / "out.parquet")]
    assert [message.split(": ")[:2] for message in messages[-4:]] == [
        ["vqa2/temporal", "no-time"],
        ["vqa2/quality-centric", "other-language"],
        ["vqa2/temporal", "other-language"],
        ["vqa2/extended", "other-language"],
    ]
    assert result.report["refused"] == {"cannot-make": len(messages)}


def test_invented_depictions_are_called_so_in_provenance(tmp_path):
    source = write_depictions(tmp_path / "d.parquet", [overall(source="synthetic: invented")])
    extend(source, tmp_path / "out.parquet")
    assert {r["provenance"]["origin"] for r in rows_of(tmp_path / "out.parquet")} == {"synthetic"}


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
def test_rows_do_not_depend_on_the_size_of_batches(batch_rows, mixed, tmp_path):
    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    extend(mixed, whole)
    extend(mixed, part, batch_rows=batch_rows)
    assert part.read_bytes() == whole.read_bytes()


@pytest.fixture
def paid(mixed, tmp_path):
    """The artifact of a model's answers, next to its ledger."""
    output = tmp_path / "paid" / "out.parquet"
    with serve_mock() as server:
        assert extend(mixed, output, server.base_url, concurrency=1).complete
    return output


def test_the_ledger_is_next_to_the_output(paid):
    assert (paid.parent / "ledger" / "ledger-00001.jsonl").is_file()


@pytest.mark.parametrize("concurrency", [1, 5, 64])
def test_rows_do_not_depend_on_the_concurrency(concurrency, mixed, paid, tmp_path, monkeypatch):
    draw, output = random.Random(concurrency), tmp_path / "other" / "out.parquet"
    with serve_mock([{"do": "status:500", "nth": draw.randint(1, 9)}], latency=0.01) as server:
        extend(mixed, output, server.base_url, concurrency=concurrency)
    assert output.read_bytes() == paid.read_bytes()


def test_replay_opens_no_socket_and_gives_the_same_bytes(mixed, paid, monkeypatch):
    def refuse(*_given, **_named):
        raise AssertionError("a socket was opened")

    before = paid.read_bytes()
    output = paid.with_name("replayed.parquet")
    monkeypatch.delenv(KEY_ENV)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    result = extend(mixed, output, provider="replay", model="gpt-4o")
    assert output.read_bytes() == before
    run = result.report["run"]
    assert (run["sent"], run["usd"], run["prompt_tokens"]) == (0, 0.0, 0)
    assert run["from_ledger"] == run["states"]["ok"] > 20


def test_replay_leaves_pending_what_the_ledger_does_not_have(mixed, paid, tmp_path):
    rows = [*Artifact.open(mixed).table().to_pylist(), overall(number=81)]
    source = write_depictions(tmp_path / "more.parquet", rows)
    output = paid.with_name("more.parquet")
    result = extend(source, output, provider="replay", model="gpt-4o")
    assert (result.complete, result.pending, result.rows) == (False, 1, len(rows_of(paid)))
    assert Artifact.open(output).description.complete is False
    assert result.report["run"]["pending"] == {"not in the ledger": 1}
    assert "pending: not in the ledger 1" in STAGE.render(result.report)


def test_replay_without_a_ledger_names_the_folder(mixed, tmp_path):
    with pytest.raises(InputError, match="ledger: no such ledger; expected a folder"):
        extend(mixed, tmp_path / "out.parquet", provider="replay", model="gpt-4o")


def test_a_models_pair_leads_to_template_answer_person_and_medium(mixed, paid):
    given = {row["depiction_id"]: row for row in Artifact.open(mixed).table().to_pylist()}
    known = {template.named for template in load_templates().values()}
    lines = (paid.parent / "ledger" / "ledger-00001.jsonl").read_text().splitlines()
    answers = {json.loads(line)["request_id"]: json.loads(line).get("raw") for line in lines}
    for row in rows_of(paid):
        provenance = row["provenance"]
        depiction = given[provenance["parents"][0]]
        assert provenance["prompt"] in known
        assert question_of(row).splitlines()[0] in json.dumps(answers[provenance["response_id"]])
        assert provenance["annotator"] == depiction["annotator"]
        assert provenance["origin"] == "model gpt-4o"
        assert row["labels"]["level"] == depiction["level"]


def test_the_right_choice_has_its_letter(paid):
    choices = [row for row in rows_of(paid) if row["options"]]
    assert len(choices) > 10
    for row in choices:
        right = row["options"]["ABCDEFGH".index(row["answer_key"])]
        assert answer_of(row) == f"{row['answer_key']}. {right}"
        assert f"\n{answer_of(row)}" in question_of(row)


def test_a_plan_sends_nothing_and_counts_what_would_be(mixed, tmp_path):
    with serve_mock() as server:
        asking = request(mixed, tmp_path / "out.parquet", server.base_url)
        made = engine.plan(asking)
        assert server.requests == 0
        figures = made["plan"]
        assert figures["requests"] == figures["to_send"] == 6 * 3 + 3 + 3 + 3 + 3 * 2 + 1
        assert figures["prompt_tokens"] > 300 * figures["requests"]
        standard, batch = (figures["price_usd"][tier] for tier in ("standard", "batch"))
        assert batch == pytest.approx([price / 2 for price in standard])
        assert "34 requests, 0 answered in the ledger" in made["text"]
        assert "standard: about $" in made["text"]
        assert not (tmp_path / "ledger").exists()
        extend(mixed, tmp_path / "out.parquet", server.base_url)
        again = engine.plan(asking)["plan"]
        assert (again["in_ledger"], again["to_send"]) == (34, 0)


def test_a_plan_is_near_what_a_run_uses(tmp_path):
    """The mock counts four characters per token, as the plan does, but no schema."""
    source = write_depictions(tmp_path / "overall.parquet", of_kind("overall", 6, seed=5))
    with serve_mock() as server:
        asking = request(source, tmp_path / "out.parquet", server.base_url, structured=False)
        planned = engine.plan(asking)["plan"]
        used = engine.run(asking).report["run"]
    assert planned["prompt_tokens"] == pytest.approx(used["prompt_tokens"], rel=0.05)
    assert used["completion_tokens"] <= planned["worst_completion_tokens"]


def test_a_plan_names_a_model_without_a_price(mixed, tmp_path):
    asking = request(mixed, tmp_path / "o.parquet", provider="replay", model="own-model")
    assert "standard: no price for own-model" in engine.plan(asking)["text"]


def test_rules_plan_nothing(mixed, tmp_path):
    assert "sends nothing" in engine.plan(request(mixed, tmp_path / "o.parquet"))["text"]


def own_template(folder, greeting, version):
    """A folder with one template that replaces the shipped one."""
    text = load_templates()["vqa2/temporal"].text
    folder.mkdir(exist_ok=True)
    text = text.replace("version: 1", f"version: {version}").replace("You write", greeting)
    (folder / "any-name.md").write_text(text)
    return str(folder)


def to_own_template(body):
    """The mock's answer to a template with another greeting: it knows only the shipped one."""
    first = body["messages"][0]
    plain = {**first, "content": first["content"].replace("Please write", "You write")}
    return depiction_answer({**body, "messages": [plain, *body["messages"][1:]]})


def test_a_given_template_is_sent_and_named_in_its_rows(tmp_path):
    own = own_template(tmp_path / "own", "Please write", 9)
    source = write_depictions(tmp_path / "d.parquet", [overall()])
    with serve_mock(answer=to_own_template) as server:
        extend(source, tmp_path / "out.parquet", server.base_url)
        sent = server.requests
        extend(source, tmp_path / "own.parquet", server.base_url, prompts=own)
        assert server.requests == sent + 1
        assert server.bodies[-1]["messages"][0]["content"].startswith("Please write questions")
    prompts = {
        row["task"]: row["provenance"]["prompt"] for row in rows_of(tmp_path / "own.parquet")
    }
    assert prompts.pop("temporal").startswith("vqa2/temporal@9 sha256:")
    assert set(prompts.values()) < {template.named for template in load_templates().values()}
    described = Artifact.open(tmp_path / "own.parquet").description
    assert str(tmp_path) not in described.to_json()
    ours = Artifact.open(tmp_path / "out.parquet").description
    assert described.fingerprint != ours.fingerprint


PIPELINE = """
title: Extended
steps:
  - id: qa
    stage: gpt-extend
    inputs: [depictions.parquet]
    options: {{provider: replay, model: gpt-4o, prompts: {prompts}}}
"""


def test_a_changed_template_is_the_reason_to_run_again(tmp_path):
    own = own_template(tmp_path / "own", "You write", 1)
    source = write_depictions(tmp_path / "depictions.parquet", [overall()])
    (tmp_path / "extended.yaml").write_text(PIPELINE.format(prompts=own))
    work = tmp_path / "work"
    with serve_mock() as server:
        ledger = str(work / "ledger")
        extend(source, tmp_path / "out.parquet", server.base_url, ledger=ledger, prompts=own)
    pipeline = load_pipeline(tmp_path / "extended.yaml", STAGES, get_stage)
    run(pipeline, work, Runtime())
    assert [verdict.runs for verdict in plan(pipeline, work)] == [False]
    own_template(tmp_path / "own", "Please write", 2)
    (verdict,) = plan(pipeline, work)
    assert [str(reason) for reason in verdict.reasons] == ["prompt changed: vqa2/temporal"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"provider": "openai"}, "--model: is missing; .*openai.* Name a model"),
        ({"provider": "replay"}, "--model: is missing"),
        ({"provider": "openai-batch", "model": "m", "tier": "flex"}, "--tier: .*flex"),
        ({"provider": "replay", "model": "m", "prompts": "/no/such"}, "--prompts: .*/no/such"),
    ],
)
def test_incompatible_options_are_named_with_what_to_do(given, message, mixed, tmp_path):
    with pytest.raises(UsageError, match=message) as error:
        extend(mixed, tmp_path / "out.parquet", **given)
    assert error.value.expected
    assert error.value.todo


@pytest.mark.parametrize("text", ["two", "-1", "nan", "inf", "1e999"])
def test_a_temperature_that_is_not_a_number_is_rejected(text):
    with pytest.raises(ValueError, match="expected a number from 0"):
        ExtendOptions(temperature=text)


def test_options_are_accepted_under_the_names_of_0_1_0():
    old = {"again": 3, "attempts": 2, "breaker": 4, "poll": 1.5, "time_limit": 9.0, "seed": 1}
    new = current_options(old, STAGE.renamed)
    options, runtime = ExtendOptions.model_fields, ExtendRuntime.model_fields
    assert new == {
        "max_revisions": 3,
        "max_attempts": 2,
        "max_consecutive_failures": 4,
        "poll_interval": 1.5,
        "timeout": 9.0,
        "seed": 1,
    }
    assert new.keys() <= options.keys() | runtime.keys()


def test_rows_of_one_answer_do_not_depend_on_the_provider():
    """The same ledger gives the same artifact, whoever fill_slots it."""
    dumps = {
        ExtendOptions(provider=name, model="m").model_dump_json()
        for name in ("openai", "openai-batch", "replay")
    }
    assert len(dumps) == 1
    assert ExtendOptions(model="m").model_dump_json() not in dumps


def test_a_limit_takes_the_first_depictions(mixed, tmp_path):
    result = extend(mixed, tmp_path / "out.parquet", limit=2)
    assert (result.rows, result.complete) == (10, True)


def test_yes_and_no_stay_one_to_one_in_any_order_and_number_of_requests(tmp_path):
    rows = of_kind("overall", 31, seed=9)
    pairs = []
    for name, given, concurrency in (("a", rows, 1), ("b", rows[::-1], 16)):
        source = write_depictions(tmp_path / f"{name}.parquet", given)
        report = extend(source, tmp_path / f"{name}.out.parquet", concurrency=concurrency).report
        assert abs(report["yes"] - report["no"]) == 1
        pairs.append({row["sample_id"] for row in rows_of(tmp_path / f"{name}.out.parquet")})
    assert pairs[0] == pairs[1]


def test_depictions_that_the_rules_cannot_use_do_not_count_for_the_balance(tmp_path):
    rows = of_kind("overall", 20, seed=9)
    rows += [overall("A man walks his dog.", number=n) for n in range(100, 105)]
    source = write_depictions(tmp_path / "d.parquet", rows)
    report = extend(source, tmp_path / "out.parquet").report
    assert (report["yes"], report["no"]) == (10, 10)
    assert "not 1:1" not in STAGE.render(report)


def test_what_is_left_of_the_balance_is_explained():
    lines = STAGE.render(
        {
            **{key: {} for key in ("letters", "refused", "flags", "kinds", "forms")},
            "asked_again": 0,
            "repeated": 0,
            "yes": 9,
            "no": 4,
            "asked_yes_no": {"Yes": 10, "No": 10},
        }
    )
    assert "not 1:1, since 7 of 20 yes/no questions were rejected or duplicates" in lines


@pytest.mark.parametrize(("share", "made"), [(0.207, 8), (0, 0), (1, 40)])
def test_pathway_feedbacks_get_extended_conversations_to_their_share(share, made, tmp_path):
    source = write_depictions(tmp_path / "d.parquet", of_kind("pathway", 40, seed=1))
    report = extend(source, tmp_path / "out.parquet", extended_share=share).report
    assert report["forms"].get("extended", 0) == made


def test_the_aspects_of_a_video_may_be_one_overall_depiction(tmp_path):
    aspects = of_kind("aspect", 5, media_id="a:b.mp4", path="b.mp4", annotator="one")
    texts = [f"The picture is blurry. There is noise number {n}" for n in range(5)]
    rows = [{**row, "text": text} for row, text in zip(aspects, texts, strict=True)]
    source = write_depictions(tmp_path / "d.parquet", rows)
    each = extend(source, tmp_path / "each.parquet").report
    assert each["forms"] == {"open": 5}
    together = extend(source, tmp_path / "out.parquet", aspects="together").report
    assert together["forms"] == {"binary": 1, "extended": 1, "multi": 1, "open": 1}
