"""Which rows a command takes by their split."""

from __future__ import annotations

import pytest

from qbuild.core.errors import UsageError
from qbuild.core.rows.split_filter import (
    SplitFilter,
    format_left_out,
    format_split_counts,
    is_training,
)


def filtered(splits, *names, training=False):
    made = SplitFilter(names, training)
    made.count(splits)
    return made


@pytest.mark.parametrize(
    ("split", "expected"),
    [(None, True), ("train", True), ("Training", True), ("trainval", False), ("test", False)],
)
def test_rows_of_train_and_rows_without_a_split_are_trained_on(split, expected):
    assert is_training(split) is expected
    assert SplitFilter(training=True).takes(split) is expected


def test_without_names_every_row_is_taken():
    made = filtered(["test", None, "train"])
    assert made.taken == {"none": 1, "test": 1, "train": 1}
    assert made.left_out == {}


def test_names_take_their_splits_and_count_the_others():
    made = filtered(["test", "test", None, "train"], "train", "none")
    assert made.taken == {"none": 1, "train": 1}
    assert made.left_out == {"test": 2}
    assert filtered(["test", None], "all").left_out == {}


def test_a_misspelt_split_is_an_error_with_the_near_names_and_all_counts():
    with pytest.raises(UsageError) as raised:
        filtered(["test", "train", "train", None], "tset").check("pairs.parquet")
    assert str(raised.value) == (
        "--split tset: no row of pairs.parquet has this split; expected one of test (1 row),"
        " train (2 rows), none (1 row). Did you mean test?"
    )


def test_a_split_without_rows_is_an_error_that_lists_the_splits():
    with pytest.raises(UsageError, match=r"expected one of test \(1 row\)\. Use --split NAME"):
        filtered(["test"], "none").check("pairs.parquet")


def test_rows_of_other_splits_alone_are_nothing_to_train_on():
    made = filtered(["test", "val", "val"], training=True)
    with pytest.raises(UsageError, match=r"holds no row to train on, only test \(1 row\), val"):
        made.check("pairs.parquet")


def test_the_rows_left_out_are_reported_by_split():
    assert format_split_counts({"none": 1, "val": 2}) == "val (2 rows), none (1 row)"
    assert format_left_out({"val": 2}) == "2 rows of other splits left out: val (2 rows)"
    assert format_left_out({}) == ""
