"""One depiction: its tasks asked, answers parsed, checked and asked again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from extending import of_kind, overall

from qbuild.llm.answers import Answer
from qbuild.pairs.answerers import AskResult, RulesSource
from qbuild.pairs.generate import PairGenerator
from qbuild.pairs.tasks import DISTRACTORS, WHAT_HOW
from qbuild.pairs.templates import load_templates

TEMPLATES = load_templates()


class Scripted:
    """Answers each task with its next answer; the last one is repeated."""

    def __init__(self, **answers):
        self.answers = {name.replace("__", "/").replace("_", "-"): a for name, a in answers.items()}
        self.asked = []

    async def ask(self, task, retries):
        self.asked.append((task.id, retries))
        await asyncio.sleep(0)
        answers = self.answers.get(task.id)
        if answers is None:
            return AskResult((await RulesSource(0).ask(task, retries)).answer, f"id {task.id}")
        answer = answers[min(len(retries), len(answers) - 1)]
        answer = answer if isinstance(answer, Answer) else Answer("ok", raw=answer)
        return AskResult(answer, f"id {task.id} {len(retries)}")


def generate(source, row=None, max_revisions=2, seed=0):
    generator = PairGenerator(source, TEMPLATES, seed, max_revisions)
    return asyncio.run(generator.generate(row or overall()))


def one(form, question, answer, options=None):
    pair = {"form": form, "question": question, "options": options, "answer": answer}
    return json.dumps({"pairs": [pair]})


def forms(result):
    return [accepted.pair.form for accepted in result.accepted]


def reasons(result):
    return [rejected.rejection.reason for rejected in result.rejected]


def test_pairs_come_in_the_order_of_their_tasks():
    assert forms(generate(RulesSource(0))) == ["binary", "multi", "open", "temporal", "extended"]


def test_a_faulty_answer_is_sent_back_with_all_faults_so_far():
    good = one("temporal", "When is there flicker in this video?", "When the dog jumps.")
    source = Scripted(vqa2__temporal=["nonsense", one("temporal", "", "x"), good])
    result = generate(source)
    assert result.counts["asked-again"] == 2
    assert result.rejected == []
    last = [retries for name, retries in source.asked if name == "vqa2/temporal"][-1]
    assert [[one.reason for one in retry.rejections] for retry in last] == [
        ["not-pairs"],
        ["empty"],
    ]
    assert [retry.raw for retry in last] == ["nonsense", one("temporal", "", "x")]
    assert result.accepted[3].request_id == "id vqa2/temporal 2"


@pytest.mark.parametrize("revisions", [0, 1, 3])
def test_what_stays_faulty_is_rejected_after_so_many_revisions(revisions):
    source = Scripted(vqa2__temporal=["nonsense"])
    result = generate(source, max_revisions=revisions)
    assert sum(name == "vqa2/temporal" for name, _ in source.asked) == 1 + revisions
    assert [(r.rejection.reason, r.raw) for r in result.rejected] == [("not-pairs", "nonsense")]
    assert len(result.accepted) == 4


def test_the_good_pairs_of_a_partly_faulty_answer_are_accepted_in_the_end():
    def quality(last):
        pairs = [
            {"form": "binary", "question": "Is this video sharp?", "options": ["Yes", "No"],
             "answer": "A"},
            {"form": "multi", "question": "How severe is the flicker when the dog jumps?",
             "options": ["Mild", "Very severe", "Slight", "None"], "answer": "B"},
            {"form": "open", "question": "How is the sharpness of this video?", "options": None,
             "answer": last},
        ]  # fmt: skip
        return json.dumps({"pairs": pairs})

    result = generate(Scripted(vqa2__quality_centric=[quality("Very poor.")]), max_revisions=1)
    assert forms(result)[:2] == ["binary", "multi"]
    assert reasons(result) == ["contradicted-polarity"]
    fixed = Scripted(vqa2__quality_centric=[quality("Very poor."), quality("It is good.")])
    assert forms(generate(fixed, max_revisions=1))[:3] == ["binary", "multi", "open"]


@pytest.mark.parametrize("state", ["http_error", "over_budget"])
def test_a_depiction_not_answered_in_full_is_pending(state):
    source = Scripted(vqa2__temporal=[Answer(state, message="the service was asleep")])
    assert generate(source).pending == "the service was asleep"


def test_a_refusal_is_not_sent_back():
    source = Scripted(vqa2__temporal=[Answer("refused", message="refused: no")])
    result = generate(source)
    assert reasons(result) == ["refused"]
    assert len(source.asked) == 3


def test_nothing_to_ask_is_not_sent_back():
    source = Scripted(vqa2__temporal=['{"pairs": []}'])
    result = generate(source)
    assert reasons(result) == ["nothing-to-ask"]
    assert len(source.asked) == 3


def test_the_same_question_in_two_tasks_is_accepted_once():
    same = one("temporal", "How is this video?", "Sharp.")
    source = Scripted(vqa2__temporal=[same], vqa2__extended=[same.replace("temporal", "extended")])
    result = generate(source)
    assert forms(result) == ["binary", "multi", "open", "temporal"]
    assert reasons(result) == ["repeat"]


def test_the_right_choice_keeps_its_words_wherever_the_seed_puts_it():
    letters = Counter()
    for number in range(200):
        for made in generate(RulesSource(0), overall(number=number)).accepted:
            if made.pair.form == "multi":
                letters[made.pair.answer] += 1
                assert made.pair.right in made.pair.options
            if made.pair.form == "binary":
                assert made.pair.options == ("Yes", "No")
    assert letters.keys() == set("ABCD")
    assert min(letters.values()) > 25


def test_order_of_choices_follows_seed_question_and_words_not_the_order_given():
    def answer(options, right):
        return one("temporal", "When is there flicker?", "ABCD"[options.index(right)], options)

    options = ["At the end", "When the dog jumps", "At dusk", "At night"]
    pairs = [
        generate(Scripted(vqa2__temporal=[answer(given, options[1])]), seed=seed).accepted[3].pair
        for given, seed in ((options, 0), (options[::-1], 0), (options, 1), (options, 2))
    ]
    assert pairs[0] == pairs[1]
    assert len({pair.options for pair in pairs}) > 1
    assert {pair.right for pair in pairs} == {"When the dog jumps"}


def test_wrong_choices_are_asked_for_each_what_or_how_pair():
    (row,) = of_kind("pathway", 1)
    row = {**row, "text": "The light is dim. There is severe noise."}
    said = (("How is the light?", "Dim"), ("How is the noise?", "Severe"))
    pairs = [json.loads(one("open", *pair))["pairs"][0] for pair in said]
    wrong = ["fair", "good", "excellent"]
    source = Scripted(
        **{WHAT_HOW.replace("/", "__").replace("-", "_"): [json.dumps({"pairs": pairs})]}
    )
    source.answers[DISTRACTORS] = [one("multi", "How is the light?", "A", ["dim.", *wrong])]
    result = generate(source, row, max_revisions=0)
    assert forms(result)[:3] == ["open", "open", "multi"]
    assert reasons(result) == ["changed"]
    assert sum(name == DISTRACTORS for name, _ in source.asked) == 2


def test_an_answer_of_the_rules_is_not_sent_back():
    result = generate(RulesSource(0), overall("The sharpness is good."))
    assert result.counts["asked-again"] == 0
    assert reasons(result) == ["cannot-make"]
