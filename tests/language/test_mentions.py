from __future__ import annotations

import pytest
from depictions import depictions
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.language.attributes import ATTRIBUTES
from qbuild.language.lexicon import LEXICON
from qbuild.language.mentions import read


def judged(text: str) -> list[tuple[str, int]]:
    return [(mention.attribute, mention.polarity) for mention in read(text).mentions]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("There is no flicker.", [("flicker", 1)]),
        ("It plays without any noise or stuttering.", [("noise", 1), ("fluency", 1)]),
        ("The picture is free of blur.", [("sharpness", 1)]),
        ("The picture is jitter-free.", [("flicker", 1)]),
        ("The picture is not very sharp.", [("sharpness", -1)]),
        ("The picture isn\u2019t sharp.", [("sharpness", -1)]),
        ("The picture is not blurry.", [("sharpness", 1)]),
        ("The lighting isn't good.", [("light", -1)]),
        ("A lack of clarity is felt.", [("sharpness", -1)]),
        ("It is neither sharp nor stable.", [("sharpness", -1), ("flicker", -1)]),
        ("No noise and severe flicker.", [("noise", 1), ("flicker", -1)]),
        ("The picture is not only sharp.", [("sharpness", 1)]),
    ],
)
def test_negation_turns_the_judgement(text, found):
    assert judged(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Noise is moderate.", [("noise", -1)]),
        ("Moderate camera shake.", [("flicker", -1)]),
        ("The exposure is too high.", [("exposure", -1)]),
        ("The contrast is too high.", [("light", -1)]),
        ("The focus hunts.", [("focus", -1)]),
        ("The focus never hunts.", [("focus", 1)]),
        ("The picture is not free of blur.", [("sharpness", -1)]),
        ("The motion is anything but fluid.", [("fluency", -1)]),
        ("The light is not too bright.", [("light", 1)]),
        ("The picture is not too noisy.", [("noise", -1)]),
        ("The brightness is moderate.", [("light", 1)]),
        ("The sharpness is moderate.", [("sharpness", 0)]),
        ("The noise is well controlled.", [("noise", 1)]),
        ("The picture is less noisy than the first one.", [("noise", 0)]),
        ("The stutter is gone.", [("fluency", 0)]),
        ("I wish the picture were sharper.", [("sharpness", -1)]),
        ("Were it not for the noise, the picture would be excellent.", [("noise", -1)]),
        ("The lamp is so bright that the face is overexposed.", [("light", 0), ("exposure", -1)]),
        ("The brightness suddenly increases.", [("light", 0)]),
        ("Noise and blockiness are absent.", [("noise", 1), ("compression artifact", 1)]),
        ("The sound is noisy.", []),
        ("Only the center is sharp.", [("sharpness", 0)]),
        ("You can't miss the noise.", [("noise", 0)]),
        ("I do not like the grain.", [("noise", 0)]),
        ("The flicker won't stop.", [("flicker", 0)]),
        ("The noise does not come from the lamp.", [("noise", 0)]),
        ("Nothing can be seen in the overexposed sky.", [("exposure", 0)]),
        ("It must not flicker.", [("flicker", 0)]),
        ("There is no shortage of noise.", [("noise", -1)]),
        ("No flicker, just noise.", [("flicker", 1), ("noise", -1)]),
        ("With a tripod it would have been sharp.", [("sharpness", 0)]),
        ("He tries to keep the camera steady.", [("flicker", 0)]),
        ("The picture is seldom sharp.", [("sharpness", 0)]),
        ("The picture is clearly blurry.", [("sharpness", -1)]),
        ("The blur is clearly visible.", [("sharpness", -1)]),
        ("The camera isnt steady.", [("flicker", -1)]),
        ("The exposure is higher than it should be.", [("exposure", -1)]),
        ("The blur is not rare.", [("sharpness", 0)]),
        ("The noise can't be denied.", [("noise", -1)]),
        ("Neither the sky nor the ground is overexposed.", [("exposure", 1)]),
        ("The colors are too cold to be natural.", [("color", -1)]),
        ("The sharpness is gone.", [("sharpness", -1)]),
        ("The image would benefit from more light.", [("light", -1)]),
        ("The focus is neither precise nor reliable.", [("focus", -1)]),
        ("The composition has no flaws.", [("composition", 1)]),
        ("The colors have no punch.", [("color", 0)]),
        ("The narrative jumps without reason.", [("contents", -1)]),
        ("Instead of the singer, the wall is in focus.", [("focus", 0)]),
    ],
)
def test_a_named_fault_is_not_praise(text, found):
    assert judged(text) == found


@pytest.mark.parametrize("rating", ["good", "great", "acceptable", "perfect", "fair", "average"])
def test_a_rating_of_a_fault_is_never_praise(rating):
    assert all(polarity < 1 for _, polarity in judged(f"The blur is {rating}."))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The picture freezes.", [("fluency", -1)]),
        ("The camera wanders.", [("camera trajectory", -1)]),
        ("The quality drops.", [("quality switch", -1)]),
        ("The quality does not drop.", [("quality switch", 1)]),
        ("The white balance often jumps.", [("color", -1)]),
        ("The man drops the ball and jumps.", []),
        ("The content shows a man who jumps.", [("contents", 0)]),
        ("A sharp knife lies on the table.", []),
        ("A sharp picture.", [("sharpness", 1)]),
    ],
)
def test_an_event_judges_the_subject_right_before_it_only(text, found):
    assert judged(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The light is natural.", [("light", 1)]),
        ("The colors are natural.", [("color", 1)]),
        ("The light is dark and unnatural.", [("light", -1), ("light", -1)]),
        ("The camera movement is smooth.", [("camera trajectory", 1)]),
        ("The playback is smooth.", [("fluency", 1)]),
        ("High sharpness, low noise.", [("sharpness", 1), ("noise", 1)]),
        ("Low sharpness, high noise.", [("sharpness", -1), ("noise", -1)]),
        ("The light and the colors are natural.", [("light", 1), ("color", 1)]),
        ("The sharpness and brightness decrease.", [("sharpness", -1), ("light", -1)]),
        ("How is the sharpness?", [("sharpness", 0)]),
        ("The sharpness suddenly drops.", [("sharpness", -1)]),
        ("Out-of-focus blur occurs.", [("focus", -1)]),
    ],
)
def test_a_judgement_belongs_to_the_noun_next_to_it(text, found):
    assert judged(text) == found


def test_a_word_of_several_attributes_follows_what_the_text_is_about():
    assert read("Smooth.").mentions[0].attribute == "fluency"
    assert read("Smooth.", about="camera trajectory").mentions[0].attribute == "camera trajectory"


def test_what_follows_a_contrast_is_a_turn():
    text = "The color is rich. However, it is noisy. The light is dim, but the focus is good."
    assert [mention.turn for mention in read(text).mentions] == [False, True, False, True]


@pytest.mark.parametrize("cause", ["due to", "because of", "caused by", "as a result of"])
def test_a_cause_is_kept_with_what_it_causes(cause):
    picture, color = read(f"It is blurry {cause} the Heavy Rain. The color is rich.").mentions
    assert (picture.cause, color.cause) == ("the Heavy Rain", None)


def test_a_cause_may_come_first():
    (mention,) = read("Due to the rain, the picture is blurry.").mentions
    assert mention.cause == "the rain"


def test_words_are_those_of_the_text():
    (mention,) = read("Terribly BLURRY when Anna waves.").mentions
    assert mention.words == "BLURRY"
    assert [time.words for time in mention.times] == ["when Anna waves"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\u89c6\u9891\u5f88\u6e05\u6670\uff0c\u6ca1\u6709\u566a\u70b9\u3002",
        "Das Bild ist unscharf und verrauscht.",
        "A man walks his dog along the river.",
        "La vid\u00e9o est floue, mais les couleurs sont belles.",
        "\u753b\u9762\u6a21\u7cca\u3002",
        "Video.",
        "Twice",
        "\x00\ud800 \U0001f600",
    ],
)
def test_a_text_that_is_not_about_quality_has_no_mentions(text):
    assert read(text).mentions == ()


_WORDS = sorted({*LEXICON, "when", "the", "3", "-", "7", "seconds", "n't", "in", "half", ".", ","})


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.lists(st.sampled_from(_WORDS)).map(" ".join)))
def test_any_text_can_be_read(text):
    for mention in read(text).mentions:
        assert mention.attribute in ATTRIBUTES
        assert mention.polarity in (-1, 0, 1)
        assert mention.words in text


def test_every_invented_depiction_has_a_judgement():
    for row in depictions(300, seed=5):
        assert any(mention.polarity for mention in read(row["text"]).mentions), row["text"]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "3 - ",
        "in the ",
        "when ",
        "on the a b ",
        "n't",
        "from 3 to ",
        "sharp, ",
        "not ",
        "the ",
        "too ",
        "not too ",
        "the focus never hunts ",
        "the camera and the picture ",
        "instead of less ",
    ],
)
def test_a_long_text_is_read_in_linear_time(piece):
    text = piece * (100_000 // len(piece))
    reading = read(text)
    assert reading.text == text
    assert len(reading.mentions) <= text.count("sharp") + text.count("focus")


def test_a_very_long_sentence_is_read_to_its_end():
    assert len(read("no noise " * 5000).mentions) == 5000


def test_on_the_other_hand_is_a_turn_and_not_a_place():
    reading = read("The picture is sharp. On the other hand, the colors are faded.")
    assert reading.places == ()
    assert [(m.attribute, m.turn) for m in reading.mentions] == [
        ("sharpness", False),
        ("color", True),
    ]


def test_a_depiction_of_5000_words_that_contradicts_itself_has_both_sides():
    text = "The picture is sharp. The focus hunts. The picture is blurry. " * 500
    reading = read(text)
    assert len(text.split()) >= 5000
    assert len(reading.mentions) == 3 * 500
    assert reading.contradictions == ("sharpness",)


def test_different_times_are_no_contradiction():
    assert read("Sharp at first, but blurry at the end.").contradictions == ()


def test_a_clause_with_a_subject_keeps_its_time_to_itself():
    text = "There are compression artifacts, and the picture shakes from 3 to 6 seconds."
    artifacts, shake = read(text).mentions
    assert (artifacts.times, [time.span for time in shake.times]) == ((), [(3.0, 6.0)])


@pytest.mark.parametrize(
    "text", ["The market stalls are in the sun.", "The fish is at a market stall."]
)
def test_the_stalls_of_a_market_are_not_those_of_a_player(text):
    assert read(text).mentions == ()


def test_a_camera_that_is_badly_focused_is_a_fault():
    (mention,) = read("The camera is badly focused.").mentions
    assert (mention.attribute, mention.polarity) == ("focus", -1)
