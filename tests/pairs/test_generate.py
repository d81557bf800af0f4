"""One depiction through asking, reading, checking, asking again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from extending import of_kind, overall

from qbuild.llm.answers import Answer
from qbuild.pairs.answerers import Rules
from qbuild.pairs.generate import Asked, Extension
from qbuild.pairs.tasks import DISTRACTORS, WHAT_HOW
from qbuild.pairs.templates import load_templates

TEMPLATES = load_templates()


class Scripted:
    """Answers each task with what is next for it, the last one again and again."""

    def __init__(self, **answers):
        self.answers = {name.replace("__", "/").replace("_", "-"): a for name, a in answers.items()}
        self.asked = []

    async def ask(self, task, again):
        self.asked.append((task.id, again))
        await asyncio.sleep(0)
        found = self.answers.get(task.id)
        if found is None:
            return Asked((await Rules(0).ask(task, again)).answer, f"id {task.id}")
        answer = found[min(len(again), len(found) - 1)]
        answer = answer if isinstance(answer, Answer) else Answer("ok", raw=answer)
        return Asked(answer, f"id {task.id} {len(again)}")


def extended(asker, row=None, again=2, seed=0):
    return asyncio.run(Extension(asker, TEMPLATES, seed, again).extend(row or overall()))


def one(form, question, answer, options=None):
    pair = {"form": form, "question": question, "options": options, "answer": answer}
    return json.dumps({"pairs": [pair]})


def forms(found):
    return [made.pair.form for made in found.made]


def test_pairs_come_in_the_order_of_their_tasks():
    assert forms(extended(Rules(0))) == ["binary", "multi", "open", "temporal", "extended"]


def test_a_faulty_answer_is_asked_again_with_all_faults_so_far():
    good = one("temporal", "When is there flicker in this video?", "When the dog jumps.")
    asker = Scripted(vqa2__temporal=["nonsense", one("temporal", "", "x"), good])
    found = extended(asker)
    assert found.counts["asked-again"] == 2
    assert found.refused == []
    last = [again for name, again in asker.asked if name == "vqa2/temporal"][-1]
    assert [[fault.reason for fault in each.faults] for each in last] == [["not-pairs"], ["empty"]]
    assert [each.raw for each in last] == ["nonsense", one("temporal", "", "x")]
    assert found.made[3].request_id == "id vqa2/temporal 2"


@pytest.mark.parametrize("again", [0, 1, 3])
def test_what_stays_faulty_is_kept_apart_after_so_many_times(again):
    asker = Scripted(vqa2__temporal=["nonsense"])
    found = extended(asker, again=again)
    assert sum(name == "vqa2/temporal" for name, _ in asker.asked) == 1 + again
    assert [(r.fault.reason, r.raw) for r in found.refused] == [("not-pairs", "nonsense")]
    assert len(found.made) == 4


def test_of_an_answer_with_one_bad_pair_the_good_ones_stay_in_the_end():
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

    found = extended(Scripted(vqa2__quality_centric=[quality("Very poor.")]), again=1)
    assert forms(found)[:2] == ["binary", "multi"]
    assert [refused.fault.reason for refused in found.refused] == ["contradicted-polarity"]
    mended = Scripted(vqa2__quality_centric=[quality("Very poor."), quality("It is good.")])
    assert forms(extended(mended, again=1))[:3] == ["binary", "multi", "open"]


@pytest.mark.parametrize("state", ["http_error", "over_budget"])
def test_a_depiction_not_answered_in_full_is_pending(state):
    asker = Scripted(vqa2__temporal=[Answer(state, message="the service was asleep")])
    assert extended(asker).pending == "the service was asleep"


def test_a_refusal_is_not_asked_again():
    asker = Scripted(vqa2__temporal=[Answer("refused", message="refused: no")])
    found = extended(asker)
    assert [refused.fault.reason for refused in found.refused] == ["refused"]
    assert len(asker.asked) == 3


def test_nothing_to_ask_is_taken_at_its_word():
    asker = Scripted(vqa2__temporal=['{"pairs": []}'])
    found = extended(asker)
    assert [refused.fault.reason for refused in found.refused] == ["nothing-to-ask"]
    assert len(asker.asked) == 3


def test_the_same_question_in_two_tasks_is_taken_once():
    same = one("temporal", "How is this video?", "Sharp.")
    asker = Scripted(vqa2__temporal=[same], vqa2__extended=[same.replace("temporal", "extended")])
    found = extended(asker)
    assert forms(found) == ["binary", "multi", "open", "temporal"]
    assert [refused.fault.reason for refused in found.refused] == ["repeat"]


def test_the_right_choice_keeps_its_words_wherever_the_seed_puts_it():
    letters = Counter()
    for number in range(200):
        for made in extended(Rules(0), overall(number=number)).made:
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
    made = [
        extended(Scripted(vqa2__temporal=[answer(given, options[1])]), seed=seed).made[3].pair
        for given, seed in ((options, 0), (options[::-1], 0), (options, 1), (options, 2))
    ]
    assert made[0] == made[1]
    assert len({pair.options for pair in made}) > 1
    assert {pair.right for pair in made} == {"When the dog jumps"}


def test_each_what_or_how_pair_is_asked_wrong_choices_for():
    (row,) = of_kind("pathway", 1)
    row = {**row, "text": "The light is dim. There is severe noise."}
    said = (("How is the light?", "Dim"), ("How is the noise?", "Severe"))
    pairs = [json.loads(one("open", *pair))["pairs"][0] for pair in said]
    wrong = ["fair", "good", "excellent"]
    asker = Scripted(
        **{WHAT_HOW.replace("/", "__").replace("-", "_"): [json.dumps({"pairs": pairs})]}
    )
    asker.answers[DISTRACTORS] = [one("multi", "How is the light?", "A", ["dim.", *wrong])]
    found = extended(asker, row, again=0)
    assert forms(found)[:3] == ["open", "open", "multi"]
    assert [refused.fault.reason for refused in found.refused] == ["changed"]
    assert sum(name == DISTRACTORS for name, _ in asker.asked) == 2


def test_the_rules_are_not_asked_again():
    found = extended(Rules(0), overall("The sharpness is good."))
    assert found.counts["asked-again"] == 0
    assert [refused.fault.reason for refused in found.refused] == ["cannot-make"]
