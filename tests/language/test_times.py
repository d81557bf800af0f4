from __future__ import annotations

import pytest

from qbuild.language.mentions import read
from qbuild.language.times import Time, content_words, same_time


def time(words: str) -> Time:
    """The one time in a sentence on noise."""
    (mention,) = read(f"There is noise {words}.").mentions
    (found,) = mention.times
    return found


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("throughout the playback", "throughout"),
        ("from start to finish", "throughout"),
        ("during the video playback process", "throughout"),
        ("with high frequency", "frequent"),
        ("on multiple occasions", "frequent"),
        ("from time to time", "rare"),
    ],
)
def test_an_overall_time_states_how_often(words, part):
    assert (time(words).kind, time(words).part) == ("overall", part)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("at the very beginning of the video", "beginning"),
        ("when the video is about to end", "end"),
        ("near the end", "end"),
        ("in the middle of the clip", "middle"),
        ("in the first half", "first half"),
        ("in the latter half of the video", "second half"),
    ],
)
def test_a_direct_time_names_a_part(words, part):
    assert (time(words).kind, time(words).part) == ("direct", part)


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ("at the 3rd second", (3, 3)),
        ("at the 3-rd second mark", (3, 3)),
        ("from 3-7 seconds", (3, 7)),
        ("from 3 to 7 seconds in the video", (3, 7)),
        ("between the third and the seventh second", (3, 7)),
        ("during 2.5\u20134 s", (2.5, 4)),
        ("in the first 5 seconds", (0, 5)),
        ("from second 5 on", (5, None)),
    ],
)
def test_a_direct_time_names_seconds(words, span):
    assert (time(words).kind, time(words).span) == ("direct", span)


@pytest.mark.parametrize(
    "words",
    [
        "when the camera switches to the woman",
        "as the camera pans to Main Street",
        "before the scene transition",
        "during the dance",
        "in the scene with the red car",
        "while he is running",
    ],
)
def test_a_time_in_context_keeps_its_words(words):
    assert (time(words).kind, time(words).words) == ("in-context", words)


def test_several_times_of_one_mention_are_kept_and_the_one_in_context_comes_first():
    (mention,) = read("In the first half, noise appears when the lamp goes out.").mentions
    assert [one.part for one in mention.times] == ["first half", None]
    assert mention.time is not None
    assert mention.time.words == "when the lamp goes out"


def test_each_mention_has_the_time_next_to_it():
    first, second = read("There is noise in the first half and blur at the 9th second.").mentions
    assert [one.part for one in first.times] == ["first half"]
    assert [one.span for one in second.times] == [(9, 9)]


def test_a_leading_time_holds_until_a_turn():
    text = "When the door opens, the light is dim, and there is noise, but the color is vivid."
    light, noise, color = read(text).mentions
    assert light.times == noise.times != ()
    assert color.times == ()


def test_a_later_clause_with_a_time_of_its_own_leaves_the_leading_one():
    text = "In the first half, the light is dim at night, and it is noisy at the 9th second."
    light, noise = read(text).mentions
    assert [one.part for one in light.times] == ["first half"]
    assert [one.span for one in noise.times] == [(9, 9)]


def test_a_moment_ends_where_another_judgement_begins():
    light, noise = read("It is dark when the door opens and there is noise at the end.").mentions
    assert [one.words for one in light.times] == ["when the door opens"]
    assert [one.part for one in noise.times] == ["end"]


def test_a_list_shares_the_time_at_its_end():
    found = read("There is severe noise, blockiness and blur throughout the video.").mentions
    assert [[one.part for one in mention.times] for mention in found] == [["throughout"]] * 3


def test_an_added_moment_belongs_to_the_clause_before():
    (mention,) = read("The picture is shaky, mostly when the car turns.").mentions
    assert [one.words for one in mention.times] == ["when the car turns"]


@pytest.mark.parametrize("words", ["on the left", "in the background", "on the woman's face"])
def test_a_place_is_not_a_time(words):
    (mention,) = read(f"There is overexposure {words}.").mentions
    assert (mention.place, mention.times) == (words, ())


def test_as_well_as_and_questions_begin_no_moment():
    assert read("The color is rich as well as natural.").times == ()
    assert read("When does the video show noise?").times == ()
    assert read("During which part is there noise?").times == ()


def test_times_agree_by_what_they_name_and_not_by_their_words():
    assert same_time(time("in the first half"), time("during the first half of the video"))
    assert same_time(time("from 4 to 6 seconds"), time("from 3-7 seconds"))
    assert same_time(time("when the dog jumps"), time("as the dog is jumping"))
    assert not same_time(time("from 3-7 seconds"), time("from 4 to 6 seconds"))
    assert not same_time(time("at the beginning"), time("at the end"))
    assert not same_time(time("when the dog jumps"), time("when the cat sleeps"))


def test_the_words_of_a_moment_lose_their_endings():
    assert content_words("when the dogs are jumping") == content_words("as the dog jumps")
