import math

import pandas as pd
import pytest

from qbuild.core.errors import StageError
from qbuild.labels.ratings.layout import LayoutTable
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.validate import validate_rows


def typed(tmp_path, columns, options=None, **table):
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    return validate_rows(
        LayoutTable(frame, **table), tmp_path / "file.csv", options or RatingOptions()
    )


def one(tmp_path, **cells):
    """The reason and column of the only row's rejection."""
    row = {"path": "a.jpg", "mos": "3"} | cells
    file = typed(tmp_path, {name: [cell] for name, cell in row.items()})
    rejections = [rejected.rejection for rejected in file.rejected]
    return (rejections[0].reason, rejections[0].column) if rejections else None


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"path": ""}, ("missing-path", "path")),
        ({"path": None}, ("missing-path", "path")),
        ({"path": "."}, ("missing-path", "path")),
        ({"path": "../a"}, ("unsafe-path", "path")),
        ({"mos": ""}, ("missing-score", "mos")),
        ({"mos": "good"}, ("not-a-number", "mos")),
        ({"mos": "inf"}, ("not-finite", "mos")),
        ({"mos_std": "wide"}, ("not-a-number", "mos_std")),
        ({"mos_std": "-0.1"}, ("out-of-range", "mos_std")),
        ({"mos_std": ""}, None),
        ({"num_ratings": "2.5"}, ("out-of-range", "num_ratings")),
        ({"num_ratings": "0"}, ("out-of-range", "num_ratings")),
        ({"num_ratings": "3000000000"}, ("out-of-range", "num_ratings")),
        ({"num_ratings": "30.0"}, None),
        ({"scale_low": 5, "scale_high": 1}, ("out-of-range", "scale_low")),
        ({"scale_low": 1, "scale_high": None}, None),
        ({"votes": [1, 2]}, None),
        ({"votes": "[1, 2]"}, None),
        ({"votes": None}, None),
        ({"votes": "many"}, ("not-a-number", "votes")),
        ({"votes": [1, "x"]}, ("not-a-number", "votes")),
        ({"votes": [3]}, ("not-a-number", "votes")),
        ({"votes": [1, -1]}, ("not-a-number", "votes")),
        ({"mos": "-5", "scale_low": 1, "scale_high": 5}, None),
    ],
)
def test_each_fault_has_its_reason_and_names_its_column(tmp_path, cells, reason):
    assert one(tmp_path, **cells) == reason


def test_a_layout_that_misspells_a_column_is_an_error(tmp_path):
    with pytest.raises(StageError, match="misspells the columns std, mos"):
        typed(tmp_path, {"path": ["a"], "std": [1]})


def test_scores_and_votes_are_mirrored_in_the_declared_scale(tmp_path):
    columns = {"path": ["a"], "mos": [4.5], "scale_low": [1], "scale_high": [5], "votes": [[1, 2]]}
    rows = typed(tmp_path, columns, RatingOptions(direction="down")).rows
    assert rows["mos"].tolist() == [1.5]
    assert rows["votes"].tolist() == [[2.0, 1.0]]


def test_without_a_scale_scores_are_mirrored_in_the_range_of_the_dataset(tmp_path):
    columns = {
        "path": list("abcdx"), "mos": [10, 30, 1, 2, "bad"], "dataset": ["p", "p", "q", "q", "q"],
    }  # fmt: skip
    file = typed(tmp_path, columns, RatingOptions(direction="down"))
    assert file.rows["mos"].tolist() == [30, 10, 2, 1]
    assert file.notes == [
        "p: scores mirrored as 40 - score, from the observed range",
        "q: scores mirrored as 3 - score, from the observed range",
    ]


def test_the_dataset_is_the_options_else_the_rows_else_the_layouts_else_the_stem(tmp_path):
    columns = {"path": ["a", "b"], "mos": [1, 2]}
    assert set(typed(tmp_path, columns).rows["dataset"]) == {"file"}
    assert set(typed(tmp_path, columns, default_dataset="own").rows["dataset"]) == {"own"}
    columns["dataset"] = ["x", ""]
    assert typed(tmp_path, columns, default_dataset="own").rows["dataset"].tolist() == ["x", "own"]
    file = typed(tmp_path, columns, RatingOptions(dataset="all"))
    assert set(file.rows["dataset"]) == {"all"}
    assert file.notes == ["the dataset column (x) was replaced by all"]


def test_a_media_id_escapes_the_dataset_and_keeps_the_path(tmp_path):
    rows = typed(tmp_path, {"path": ["ab:c%.jpg"], "mos": [1]}, RatingOptions(dataset="x:y%")).rows
    assert rows["media_id"].tolist() == ["x%3Ay%25:ab:c%.jpg"]


def test_licence_and_source_are_looked_up_by_dataset_else_for_all(tmp_path):
    options = RatingOptions(licence=("p=CC0", "other"), source=("p=paper",))
    columns = {"path": ["a", "b"], "mos": [1, 2], "dataset": ["p", "q"]}
    rows = typed(tmp_path, columns, options).rows
    assert rows["licence"].tolist() == ["CC0", "other"]
    assert rows["source"].fillna("").tolist() == ["paper", ""]


def test_the_layouts_own_row_numbers_are_kept(tmp_path):
    file = typed(tmp_path, {"path": ["a", ""], "mos": [1, 2], "source_row": [7, 9]})
    assert file.rows["source_row"].tolist() == [7]
    assert [rejected.row for rejected in file.rejected] == [9]


def test_missing_optional_numbers_are_missing_not_zero(tmp_path):
    rows = typed(tmp_path, {"path": ["a"], "mos": [1]}).rows
    assert all(math.isnan(rows[name].iloc[0]) for name in ("mos_std", "num_ratings", "scale_low"))


@pytest.mark.parametrize("votes", [[1, 10**400], [1, True]])
def test_votes_that_are_not_counts_are_rejected(tmp_path, votes):
    assert one(tmp_path, votes=votes) == ("not-a-number", "votes")
