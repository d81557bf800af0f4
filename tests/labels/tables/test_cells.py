import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qbuild.labels.tables.cells import to_numbers, to_text


def text_column(*cells):
    return pd.Series(list(cells), dtype="str")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (" 3.5 ", 3.5),
        ("+2", 2),
        ("-1.", -1),
        (".5", 0.5),
        ("1e2", 100),
        ("007", 7),
        ("1E-3", 0.001),
    ],
)
def test_numbers_in_text_are_read_with_blanks_around_them(cell, value):
    assert to_numbers(text_column(cell)).values.tolist() == [value]


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "NA", "n/a", "null", "None"])
def test_an_empty_cell_and_the_words_for_one_are_missing(cell):
    assert to_numbers(text_column(cell)).missing.all()


@pytest.mark.parametrize(
    "cell", ["3,5", "abc", "1 2", "0x10", "1_000", "--1", "1e", "True", "\uff13"]
)
def test_other_text_is_not_a_number(cell):
    number = to_numbers(text_column(cell))
    assert number.unreadable.all()
    assert math.isnan(number.values[0])


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_infinite_numbers_are_distinguished(cell):
    number = to_numbers(text_column(cell))
    assert number.infinite.all()
    assert not number.unreadable.any()


def test_json_cells_are_parsed_by_their_types():
    number = to_numbers(pd.Series([1, "2.5", None, True, [3], math.nan, math.inf], dtype=object))
    assert number.values[:2].tolist() == [1, 2.5]
    assert number.missing.tolist() == [False, False, True, False, False, True, False]
    assert number.unreadable.tolist() == [False, False, False, True, True, False, False]
    assert number.infinite.tolist() == [False] * 6 + [True]


def test_numeric_columns_are_kept_unchanged():
    number = to_numbers(pd.Series([1.5, math.nan, math.inf]))
    assert number.missing.tolist() == [False, True, False]
    assert number.infinite.tolist() == [False, False, True]
    assert to_numbers(pd.Series([1, None], dtype="Int64")).missing.tolist() == [False, True]


@settings(derandomize=True, database=None, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_text_is_read_to_the_nearest_float(values):
    read = to_numbers(text_column(*map(repr, values))).values
    assert np.array_equal(read, np.array(values))


def test_text_is_trimmed_and_empty_cells_are_null():
    column = pd.Series([" a ", None, 7, math.nan, pd.NA, b"b", b"\xff"], dtype=object)
    assert to_text(column).to_pylist() == ["a", None, "7", None, None, "b", "\\xff"]
