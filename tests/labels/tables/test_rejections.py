import json
import math

import numpy as np
import pandas as pd

from qbuild.labels.tables.rejections import RowRejections, cell_text, record_json


def test_a_row_keeps_its_first_rejection():
    rejections = RowRejections()
    cells = pd.Series(["x", "y"])
    rejections.reject(np.array([True, False]), "first", "a", cells, "{value} is wrong")
    rejections.reject(np.array([True, True]), "second", "b", cells, "{value} is wrong too")

    def records(positions):
        return [{"at": at} for at in positions]

    rows = rejections.rows("t.csv", records, np.array([5, 6]))
    assert [row.rejection.reason for row in rows] == ["first", "second"]
    assert [row.rejection.message for row in rows] == ["'x' is wrong", "'y' is wrong too"]
    assert [(row.source, row.row) for row in rows] == [("t.csv", 5), ("t.csv", 6)]
    assert [row.record for row in rows] == ['{"at":0}', '{"at":1}']
    assert [row.row for row in rejections.rows("t.csv", records)] == [1, 2]


def test_without_rejections_no_record_is_read():
    assert RowRejections().rows("t.csv", records=None) == []


def test_a_record_is_json_for_cells_of_any_type():
    record = {"nan": math.nan, "inf": math.inf, "np": np.float64(2), "list": np.array([1, 2])}
    record |= {"none": None, "na": pd.NA, "day": pd.Timestamp("2020-01-02"), "text": "ü"}
    assert json.loads(record_json(record)) == {
        "nan": None, "inf": "inf", "np": 2, "list": [1, 2], "none": None, "na": None,
        "day": "2020-01-02 00:00:00", "text": "ü",
    }  # fmt: skip


def test_a_quoted_value_is_text_or_none():
    assert [cell_text(cell) for cell in ("a", 2.5, None, math.nan, ["a"])] == [
        "a", "2.5", None, None, '["a"]',
    ]  # fmt: skip
