from __future__ import annotations

from qbuild.language.lexicon import LEXICON, term_at


def test_the_longest_expression_wins():
    term, end = term_at(["out", "of", "focus", "blur", "here"], 0)
    assert (term.kind, term.senses, end) == ("fault", (("focus", -1),), 4)


def test_an_expression_cut_off_by_the_end_is_not_found():
    assert term_at(["out", "of"], 0) is None


def test_a_word_outside_the_lexicon_is_not_found():
    assert "giraffe" not in LEXICON
    assert term_at(["giraffe"], 0) is None


def test_a_noun_of_one_attribute_does_not_judge():
    term, _ = term_at(["sharpness"], 0)
    assert (term.kind, term.senses) == ("noun", (("sharpness", 0),))
