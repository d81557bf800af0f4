from __future__ import annotations

import pytest

from qbuild.language.claims import Claim, read_statement


def claims(question: str, answer: str) -> list[tuple[str, int, bool]]:
    return [_summary(claim) for claim in read_statement(question, answer).claims]


def _summary(claim: Claim) -> tuple[str, int, bool]:
    return claim.mention.attribute, claim.mention.polarity, claim.denied


def test_yes_states_what_is_asked_and_no_denies_it():
    assert claims("Is the picture sharp?", "Yes.") == [("sharpness", 1, False)]
    assert claims("Is the picture sharp?", "B. No") == [("sharpness", 1, True)]


def test_what_follows_the_yes_is_stated_too():
    assert ("noise", -1, False) in claims("Is the picture sharp?", "Yes, but there is noise.")


def test_a_bare_rating_is_of_what_is_asked():
    (claim,) = read_statement("How is the sharpness at the end?", "Relatively poor.").claims
    assert (claim.mention.polarity, claim.mention.degree) == (-1, "relatively severe")
    assert [time.part for time in claim.mention.times] == ["end"]


@pytest.mark.parametrize("answer", ["B", "B.", "B. Very severe", "(B) Very severe"])
def test_a_letter_means_its_option(answer):
    question = "How severe is the noise? A. Slight B. Very severe C. None"
    (claim,) = read_statement(question, answer).claims
    assert (claim.mention.attribute, claim.mention.degree) == ("noise", "very severe")


def test_the_answer_may_be_the_time_of_what_is_asked():
    (claim,) = read_statement("When does the picture get blurry?", "At the 5th second.").claims
    assert [time.span for time in claim.mention.times] == [(5, 5)]
    assert claim.mention.polarity == -1


def test_a_choice_between_times_is_a_comparison():
    question = "Which part has better lighting, in the first half or in the second half?"
    (compared,) = read_statement(question, "In the first half.").comparisons
    assert (compared.attribute, compared.sign) == ("light", 1)
    assert [time.part for time in compared.others] == ["second half"]


def test_the_answer_to_why_is_a_cause():
    assert (
        read_statement("Why is the color faded?", "The lens was dirty.").cause
        == "The lens was dirty."
    )
    assert read_statement("What is the color like?", "Faded.").cause is None


def test_an_answer_without_words_states_nothing_but_the_topic():
    assert claims("How is the sharpness?", "C") == [("sharpness", 0, False)]
