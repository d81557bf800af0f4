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
        ("vqa2/extended", {"text": "It is sharp. It is blurry."}, "contradictory"),
        ("vqa2/quality-centric", {"text": "Blurry"}, "one-word"),
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
    for seed in range(20):
        (stated,) = pairs("vqa2/extended", row("The picture is blurry due to the rain."), seed)
        assert stated["answer"] in (
            "Because of the rain.",
            "The picture is blurry because of the rain.",
        )
    for seed in range(20):
        (other,) = pairs("vqa2/extended", row("The picture is blurry."), seed)
        assert "ecause of the" not in other["answer"]


def test_two_times_of_one_attribute_are_compared():
    text = "In the first half the lighting is good. In the second half the lighting is very poor."
    (pair,) = pairs("vqa2/temporal", row(text))
    assert pair["question"].startswith("When is the lighting of this video better, in the ")
    assert pair["answer"] in ("In the first half.", "The lighting is better in the first half.")


def test_a_moment_is_asked_for_or_asked_about():
    text = "Out-of-focus blur occurs when the person starts running."
    for seed in range(20):
        (pair,) = pairs("vqa2/in-context", row(text, kind="in-context"), seed)
        assert "when the person starts running" in (pair["question"] + right(pair)).lower()


def test_the_side_of_a_wrong_exposure_is_kept():
    text = "There is local overexposure in the center."
    for seed in range(20):
        (pair,) = pairs("vqa2/in-context", row(text, kind="in-context"), seed)
        if pair["question"].startswith("Where"):
            assert "overexposed" in pair["question"]
            assert pair["answer"].endswith("n the center.")
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
    found = judge(pair["question"], right(pair), "The sharpness is very poor.", "open")
    assert (pair["form"], found) == ("in-context", ())


def test_an_aspect_is_answered_by_its_level():
    given = row("The picture is very blurry.", aspect="visual quality", aspect_level=1)
    (pair,) = pairs("vqa2/aspect", given)
    assert "visual quality" in pair["question"]
    assert pair["answer"].startswith("The visual quality is bad: ")
    assert "blur" in pair["answer"]


def test_how_is_answered_by_an_adjective_and_what_by_a_noun():
    made = pairs("q-instruct/what-how", row("There is slight noise.", medium="image"))
    assert [pair["form"] for pair in made] == ["open", "multi", "open", "multi"]
    assert made[0]["answer"] in ("Slight", "Mild")
    assert made[2]["answer"] == "Noise"
    assert all("this image" in pair["question"] for pair in made)


def all_of(task: str, depiction: dict[str, Any], seeds: int = 25) -> list[str]:
    """Question and right answer of each pair of many seeds."""
    found = []
    for seed in range(seeds):
        with suppress(RejectedError):
            found += [f"{p['question']} {right(p)}" for p in pairs(task, depiction, seed)]
    assert found
    return found


def test_natural_colors_do_not_become_vivid():
    for task in ("vqa2/quality-centric", "vqa2/extended"):
        for text in all_of(task, row("The colors are natural.")):
            assert "vivid" not in text
            assert "rich" not in text


def test_two_times_of_a_fact_are_joined_by_and():
    text = "The picture is blurry at the beginning and at the end."
    for made in all_of("vqa2/temporal", row(text)) + all_of("vqa2/quality-centric", row(text)):
        assert "at the beginning at the end" not in made


def test_a_clause_is_never_due_to():
    text = "The picture shakes due to the person filming starts running."
    for made in all_of("vqa2/extended", row(text)):
        assert "due to" not in made
        assert "ecause the person filming starts running." in made


def test_what_to_keep_is_a_sentence():
    for made in all_of("vqa2/extended", row("The playback is smooth.")):
        assert "for they" not in made
        assert made.endswith("The smooth playback should be kept: it makes for pleasant viewing.")


def test_no_topic_is_a_fault():
    for made in all_of("vqa2/quality-centric", row("There is severe noise.")):
        assert "How good is the noise level" not in made


@pytest.mark.parametrize(
    ("text", "answer"),
    [("The image freezes twice.", "wice."), ("The picture is blurry after 3 seconds.", "fter 3")],
)
def test_counts_and_seconds_support_a_temporal_question(text, answer):
    for made in all_of("vqa2/temporal", row(text)):
        assert answer in made.partition("?")[2]


def test_how_often_is_no_part_of_a_question_of_degree():
    text = "The playback stutters frequently."
    for made in all_of("vqa2/quality-centric", row(text)):
        assert "frequently?" not in made


def test_the_faults_of_an_image_are_those_that_an_image_can_have():
    depiction = row("There is slight noise.", medium="image")
    for seed in range(25):
        options = [
            o for p in pairs("q-instruct/what-how", depiction, seed) for o in p["options"] or []
        ]
        assert not {"Stuttering", "Camera shake", "Quality fluctuations"} & set(options)


def test_what_is_answered_by_both_classes_of_nouns():
    text = "The sky is overexposed and there is noise in the background."
    answers = set()
    for seed in range(25):
        made = pairs("q-instruct/what-how", row(text, medium="image"), seed)
        answers |= {pair["answer"] for pair in made if pair["options"] is None}
    assert "Overexposure and noise" in answers
    assert {"The sky", "In the background"} & answers


def test_a_place_and_a_moment_are_asked_for_together():
    text = "There is severe noise in the background when the lamp goes out."
    asked = all_of("vqa2/in-context", row(text, kind="in-context"))
    assert any(
        made.startswith("When and where") and "in the background when the lamp goes out." in made
        for made in asked
    )


def test_open_answers_are_full_sentences_and_vary_in_length():
    answers = [
        p["answer"] for task, _, p in MADE if p["form"] == "open" and task.startswith("vqa2")
    ]
    lengths = {len(answer.split()) for answer in answers}
    assert min(lengths) >= 3
    assert len(lengths) > 10
    assert all(answer.endswith(".") for answer in answers)


def test_a_conversation_that_asks_for_advice_keeps_the_words_of_the_person():
    given = row("Use a tripod, then it is stable", kind="conversation",
                question="How could the camera shake be avoided")  # fmt: skip
    (pair,) = pairs("vqa2/conversation", given)
    assert pair["question"] == "How could the camera shake be avoided?"
    assert pair["answer"] == "Use a tripod, then it is stable."


def test_blur_is_not_listed_next_to_another_blur():
    text = "The picture is blurry. It is out of focus. There is motion blur."
    for made in all_of("vqa2/extended", row(text)):
        assert "the blur" not in made


def test_a_focus_that_hunts_is_named_so():
    made = all_of("vqa2/temporal", row("The focus hunts at the beginning."))
    assert any("focus hunting" in text for text in made)


def test_what_the_depiction_calls_good_is_a_wrong_fault():
    text = (
        "There is slight noise. The colors are vivid, it is sharp, well composed and well exposed."
    )
    found = set()
    for seed in range(25):
        for pair in pairs("q-instruct/what-how", row(text, medium="image"), seed):
            found |= set(pair["options"] or []) if "Noise" in (pair["options"] or []) else set()
    assert {"Blur", "Poor color", "Poor composition", "Poor exposure"} <= found


def test_a_wrong_area_is_not_part_of_the_right_one():
    text = "The peacock in the middle is in focus and the right part is dark."
    for seed in range(25):
        for pair in pairs("q-instruct/what-how", row(text, medium="image"), seed):
            if right(pair) in ("The peacock in the middle", "The right part"):
                assert not {"The center", "The right side"} & set(pair["options"] or [])


def test_a_moderate_fault_is_neither_slight_nor_severe():
    for seed in range(25):
        for pair in pairs(
            "q-instruct/what-how", row("There is moderate noise.", medium="image"), seed
        ):
            if pair["question"].startswith("How") and pair["options"]:
                assert right(pair) == "Moderate"
                assert not {"Slight", "Severe"} & set(pair["options"])


@pytest.mark.parametrize("text", ["There is no noise.", "There is no flicker."])
def test_an_absent_fault_is_not_rated_as_a_level(text):
    for task in ("vqa2/quality-centric", "q-instruct/what-how"):
        for made in all_of(task, row(text)):
            assert "noise level" not in made
            assert "stability" not in made


def test_an_area_is_only_asked_for_by_an_adjective():
    text = "The faces are blurred by motion. The faces show motion blur."
    for made in all_of("q-instruct/what-how", row(text, medium="image")):
        assert "What is motion blur" not in made


def test_a_place_and_the_medium_are_not_named_in_a_row():
    text = "There are severe compression artifacts in the sky."
    for task in ("q-instruct/what-how", "vqa2/quality-centric", "vqa2/in-context"):
        for made in all_of(task, row(text)):
            assert "this video in the sky" not in made


def test_what_is_called_moderate_is_neither_good_nor_bad():
    with pytest.raises(RejectedError, match="no-attribute"):
        rules_answer("vqa2/quality-centric", row("The brightness is moderate."), 1)


def test_what_causes_something_is_answered_by_a_sentence():
    for made in all_of("vqa2/extended", row("It shakes because the person starts walking.")):
        assert made.endswith("he picture is shaky because the person starts walking.")


def test_a_place_without_its_owner_is_not_asked_about():
    text = "There is heavy motion blur on their arms."
    for made in all_of("vqa2/quality-centric", row(text)):
        assert "their" not in made
