"""The reader on statements labelled by hand: `pytest -s` prints the confusion tables."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from statements import HALVES, LATER, format_confusions, load_statements, read_statements

from qbuild.language.attributes import ATTRIBUTES
from qbuild.language.degrees import DEGREES

ROWS = load_statements()


def test_there_are_600_statements_and_40_per_attribute():
    assert len({row.statement for row in ROWS}) >= 600
    rows = Counter(name for row in ROWS for name in row.attributes)
    assert min(rows[name] for name in ATTRIBUTES) >= 40


def test_each_half_has_each_attribute_and_the_half_follows_the_statement():
    for half in HALVES:
        assert set(ATTRIBUTES) <= {
            name for row in ROWS if row.half == half for name in row.attributes
        }
    for row in (row for row in ROWS if row.half != LATER):
        is_first = hashlib.sha256(row.statement.encode()).digest()[0] % 2 == 0
        assert row.half == HALVES[not is_first], row.statement


def test_the_labels_are_names_of_the_tables():
    for row in ROWS:
        assert row.polarity in ("+1", "-1", "0", "nothing")
        assert row.degree in (*DEGREES, "-")
        assert row.attributes == ("-",) or set(row.attributes) <= set(ATTRIBUTES)


@pytest.mark.parametrize("half", HALVES)
def test_the_polarity_is_right_and_no_fault_is_read_as_praise(half):
    results = read_statements(row for row in ROWS if row.half == half)
    print(f"\n{half}\n{format_confusions(results)}")  # noqa: T201
    wrong = [one for one in results if not one.right]
    assert [one for one in results if one.inverted] == []
    assert len(wrong) <= 0.02 * len(results), [one.expected.statement for one in wrong]


def test_of_the_later_statements_at_most_one_fault_is_read_as_praise():
    results = read_statements(row for row in ROWS if row.half == LATER)
    print(f"\n{LATER}\n{format_confusions(results)}")  # noqa: T201
    wrong = [one.expected.statement for one in results if not one.right]
    assert len(wrong) <= 0.05 * len(results), wrong
    assert sum(one.inverted for one in results) <= 1  # "only at the beginning is it not blurry"
