from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from depictions import depictions
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.core.rows.rejections import RejectedError
from qbuild.language.lexicon import LEXICON
from qbuild.language.mentions import read
from qbuild.pairs.grounding import judge
from qbuild.pairs.rules import TASKS, rules_answer
from qbuild.quality.published_text import letters

BY_KIND = {
    "overall": ("vqa2/quality-centric", "vqa2/temporal", "vqa2/extended"),
    "in-context": ("vqa2/in-context",),
    "conversation": ("vqa2/conversation",),
    "aspect": ("vqa2/aspect",),
    "pathway": ("q-instruct/what-how", "q-instruct/yes-no", "q-instruct/extended"),
}
ROWS = depictions(600, seed=21)
WORDS = sorted({*LEXICON, "when the dog jumps", "at the 5th second", "the end", "is", ".", ","})


def row(text: str, **given: Any) -> dict[str, Any]:
    return {
        **ROWS[0],
        "kind": "overall",
        "medium": "video",
        "question": None,
        "text": text,
        **given,
    }


def pairs(
    task: str, depiction: dict[str, Any], seed: int = 1, **given: Any
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(rules_answer(task, depiction, seed, **given))["pairs"]
    return made


def right(pair: dict[str, Any]) -> str:
    """The answer in words."""
    if pair["options"] is None:
        return str(pair["answer"])
    return str(pair["options"][letters(len(pair["options"])).index(pair["answer"])])


def made(seed: int = 1) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Task, row and pair of all that can be made."""
    found = []
    for depiction in ROWS:
        for task in BY_KIND[depiction["kind"]]:
            with suppress(RejectedError):
                found += [(task, depiction, pair) for pair in pairs(task, depiction, seed)]
    return found


MADE = made()


def test_every_task_makes_pairs_in_its_form():
    assert {task for task, _, _ in MADE} == set(TASKS)
    for _, _, pair in MADE:
        assert set(pair) == {"form", "question", "options", "answer"}
        assert pair["question"].endswith("?")
        if pair["options"] is None:
            assert pair["form"] not in ("binary", "multi")
            assert pair["answer"]
        else:
            assert len(set(pair["options"])) == len(pair["options"])
            assert len(pair["options"]) == (2 if "Yes" in pair["options"] else 4)
            assert pair["answer"] in letters(len(pair["options"]))


def test_every_pair_passes_the_grounding_check():
    for _, depiction, pair in MADE:
        found = judge(pair["question"], right(pair), depiction["text"], pair["form"])
        assert not found, (depiction["text"], pair, found)


def test_only_questions_about_time_cannot_be_made_of_every_invented_depiction():
    lacking = {depiction["depiction_id"] for depiction in ROWS}
    lacking -= {depiction["depiction_id"] for _, depiction, _ in MADE}
    assert lacking == set()
    timeless = [one for one in ROWS if one["kind"] == "overall" and not read(one["text"]).times]
    made_of_time = [depiction for task, depiction, _ in MADE if task == "vqa2/temporal"]
    overall = [one for one in ROWS if one["kind"] == "overall"]
    assert len(made_of_time) == len(overall) - len(timeless)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join), st.sampled_from(TASKS))
def test_no_random_words_make_a_pair_that_is_rejected(text, task):
    with suppress(RejectedError):
        for pair in pairs(task, row(text, question="How is it?")):
            found = judge(pair["question"], right(pair), text, pair["form"])
            assert all(finding.severity == "flag" for finding in found)


def test_a_quality_task_has_one_pair_of_each_form():
    for depiction in ROWS[:50]:
        if depiction["kind"] == "overall":
            forms = [pair["form"] for pair in pairs("vqa2/quality-centric", depiction)]
            assert forms == ["binary", "multi", "open"]


def test_questions_vary():
    asked = [pair["question"] for _, _, pair in MADE][:1000]
    assert len(set(asked)) >= 200


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_words():
    one = [rules_answer("vqa2/extended", row(f"It is blurry. {n}"), 7) for n in range(20)]
    assert one == [rules_answer("vqa2/extended", row(f"It is blurry. {n}"), 7) for n in range(20)]
    asked = {rules_answer("vqa2/extended", row("It is blurry."), seed) for seed in range(20)}
    assert len(asked) > 3


@pytest.mark.parametrize("task", ["vqa2/quality-centric", "q-instruct/yes-no"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_yes_no_question_has_the_answer_that_is_wanted(task, wanted):
    for text in ("The picture is sharp.", "There is noise.", "The color is faded at the end."):
        for seed in range(10):
            pair = pairs(task, row(text), seed, want_yes=wanted)[0]
            assert pair["form"] == "binary"
            assert right(pair) == ("Yes" if wanted else "No")
            assert judge(pair["question"], right(pair), text, "binary") == ()


def test_right_letters_are_uniform():
    answers = [pair["answer"] for _, _, pair in MADE if pair["form"] == "multi"]
    for letter in "ABCD":
        assert 0.15 < answers.count(letter) / len(answers) < 0.35


@pytest.mark.parametrize(
    ("task", "given", "reason"),
    [
        ("vqa2/temporal", {"text": "The picture is blurry."}, "no-time"),
        ("vqa2/quality-centric", {"text": "A man walks his dog."}, "no-attribute"),
        (
            "vqa2/quality-centric",
            {"text": "\u89c6\u9891\u5f88\u6e05\u6670\u3002"},
            "other-language",
        ),
        ("vqa2/in-context", {"text": "The picture is blurry."}, "no-moment"),
        ("vqa2/conversation", {"text": "The picture is blurry."}, "no-question"),
        ("vqa2/aspect", {"text": "The picture is blurry.", "aspect": None}, "no-aspect"),
        ("vqa2/extended", {"text": "It is sharp. It is blurry."}, "no-attribute"),
    ],
)
def test_what_the_depiction_does_not_state_is_rejected(task, given, reason):
    with pytest.raises(RejectedError) as error:
        rules_answer(task, row(**given), 1)
    assert error.value.reason == reason
    assert str(error.value).startswith(f"{reason}: ")


def test_an_unknown_task_is_rejected_by_name():
    with pytest.raises(ValueError, match=r"unknown task 'vqa2/temporl'. Did you mean vqa2/te"):
        rules_answer("vqa2/temporl", row("It is blurry."), 1)


def test_a_cause_is_asked_for_only_where_one_is_stated():
    (stated,) = pairs("vqa2/extended", row("The picture is blurry due to the heavy rain."))
    assert stated["answer"] == "Because of the heavy rain."
    for seed in range(20):
        (other,) = pairs("vqa2/extended", row("The picture is blurry."), seed)
        assert "ecause of the" not in other["answer"]


def test_two_times_of_one_attribute_are_compared():
    text = "In the first half the lighting is good. In the second half the lighting is very poor."
    (pair,) = pairs("vqa2/temporal", row(text))
    assert "better lighting" in pair["question"]
    assert pair["answer"] == "In the first half."


def test_a_moment_is_asked_for_or_asked_about():
    text = "Out-of-focus blur occurs when the person starts running."
    for seed in range(20):
        (pair,) = pairs("vqa2/in-context", row(text, kind="in-context"), seed)
        assert "when the person starts running" in (pair["question"] + right(pair)).lower()


def test_the_side_of_a_wrong_exposure_is_kept():
    text = "There is local overexposure in the center and on the right."
    for seed in range(20):
        (pair,) = pairs("vqa2/in-context", row(text, kind="in-context"), seed)
        if pair["question"].startswith("Where"):
            assert "overexposure" in pair["question"]
            assert pair["answer"] == "In the center and on the right."
            return
    pytest.fail("no question asks for the place")


def test_a_wrong_choice_is_not_similar_to_the_right_one():
    for seed in range(60):
        for pair in pairs(
            "q-instruct/what-how", row("The picture is blurry.", medium="image"), seed
        ):
            if pair["options"]:
                assert not {"Out-of-focus blur", "Motion blur"} & set(pair["options"])


def test_a_conversation_keeps_the_claims_of_question_and_answer_together():
    given = row("Very poor.", kind="conversation", question="How is the sharpness?")
    (pair,) = pairs("vqa2/conversation", given)
    found = judge(pair["question"], right(pair), "The sharpness is very poor.", "in-context")
    assert (pair["form"], found) == ("in-context", ())


def test_an_aspect_is_answered_by_its_level():
    given = row("The picture is very blurry.", aspect="visual quality", aspect_level=1)
    (pair,) = pairs("vqa2/aspect", given)
    assert "visual quality" in pair["question"]
    assert pair["answer"].startswith("The visual quality is bad.")
    assert "blur" in pair["answer"]


def test_how_is_answered_by_an_adjective_and_what_by_a_noun():
    made = pairs("q-instruct/what-how", row("There is slight noise.", medium="image"))
    assert [pair["form"] for pair in made] == ["open", "multi", "open", "multi"]
    assert made[0]["answer"] in ("Slight", "Mild")
    assert made[2]["answer"] == "Noise"
    assert all("this picture" in pair["question"] for pair in made)
