from __future__ import annotations

import pytest

from qbuild.language.attributes import ALONE, ATTRIBUTES
from qbuild.language.mentions import read


def test_the_fourteen_attributes_of_the_table_are_there():
    assert len(ATTRIBUTES) == 14
    assert list(ATTRIBUTES)[:3] == ["sharpness", "focus", "noise"]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_fault_is_read_as_bad_and_its_absence_as_good(name):
    for fault in ATTRIBUTES[name].faults:
        here, gone = (
            read(f"There is {fault} here.").mentions,
            read(f"There is no {fault}.").mentions,
        )
        assert (here[0].attribute, here[0].polarity) == (name, -1), fault
        assert (gone[0].attribute, gone[0].polarity) == (name, 1), fault


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_adjective_next_to_the_noun_judges_the_attribute(name):
    attribute = ATTRIBUTES[name]
    for noun in attribute.nouns[:1]:
        for polarity, words in ((1, attribute.good), (-1, attribute.bad)):
            for word in words:
                found = [m for m in read(f"The {noun} is {word}.").mentions if m.polarity]
                assert {(m.attribute, m.polarity) for m in found} == {(name, polarity)}, word


def test_only_an_ambiguous_expression_without_context_belongs_to_one_attribute():
    for word, name in ALONE.items():
        assert read(f"It is {word}.").mentions[0].attribute == name


def test_no_expression_has_a_capital_or_a_hyphen():
    for attribute in ATTRIBUTES.values():
        cells = (attribute.nouns, attribute.faults, attribute.good, attribute.bad)
        for phrase in (phrase for cell in cells for phrase in cell):
            assert phrase == phrase.lower().replace("-", " ").strip()
