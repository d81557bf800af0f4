"""Every state is read as the attribute and polarity under which it is listed."""

from __future__ import annotations

import pytest

from qbuild.language.attributes import RELATED
from qbuild.language.mentions import read
from qbuild.pairs.rules.phrases import be
from qbuild.pairs.rules.states import STATES, State, find_state

ALL = [(*key, state) for key, states in STATES.items() for state in states]


def polarities(attribute: str, text: str) -> set[int]:
    mentions = read(text).of((attribute, RELATED.get(attribute, attribute)))
    return {mention.polarity for mention in mentions}


def sentence(state: State, adjective: str) -> str:
    return f"The {state.subject} {be(state.subject)} {adjective}."


@pytest.mark.parametrize(
    ("attribute", "polarity", "state"), ALL, ids=[f"{a}: {s.noun}" for a, _, s in ALL]
)
def test_a_state_is_read_with_its_polarity(attribute, polarity, state):
    if state.amount:
        assert polarities(attribute, f"There {be(state.noun)} {state.noun}.") == {polarity}
    if state.adjective:
        assert polarities(attribute, sentence(state, state.adjective)) == {polarity}
    if state.opposite:
        assert polarities(attribute, sentence(state, state.opposite)) == {-polarity}


@pytest.mark.parametrize(
    ("attribute", "polarity", "stated", "adjective"),
    [
        ("color", 1, "colors are natural", "natural"),
        ("color", 1, "vivid", "vivid"),
        ("flicker", -1, "flicker", ""),
        ("flicker", -1, "shakes", "shaky"),
        ("exposure", -1, "over-exposed", "overexposed"),
    ],
)
def test_a_state_is_named_as_stated(attribute, polarity, stated, adjective):
    state = find_state(attribute, polarity, stated)
    assert state is not None
    assert state.adjective == adjective


@pytest.mark.parametrize("attribute", ["sharpness", "color", "light", "composition"])
def test_a_rated_noun_has_no_state(attribute):
    assert find_state(attribute, 1, {"light": "contrast"}.get(attribute, attribute)) is None
