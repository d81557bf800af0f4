import json
import math

import numpy as np
import pandas as pd

from qbuild.labels.tables.rejections import Refusals, as_json, as_text


def test_the_first_thing_found_wrong_stands():
    bad = Refusals()
    cells = pd.Series(["x", "y"])
    bad.refuse(np.array([True, False]), "first", "a", cells, "{value} is wrong")
    bad.refuse(np.array([True, True]), "second", "b", cells, "{value} is wrong too")
    frame = bad.frame(np.array([5, 6]), lambda at: [{"at": place} for place in at])
    assert frame["reason"].tolist() == ["first", "second"]
    assert frame["message"].tolist() == ["'x' is wrong", "'y' is wrong too"]
    assert frame["row"].tolist() == [5, 6]
    assert frame["record"].tolist() == ['{"at":0}', '{"at":1}']


def test_nothing_refused_is_an_empty_frame_with_its_columns():
    frame = Refusals().frame(np.array([1]), lambda at: [])
    assert frame.empty
    assert list(frame) == ["row", "reason", "message", "column", "value", "record"]


def test_a_record_is_json_whatever_its_cells_hold():
    record = {"nan": math.nan, "inf": math.inf, "np": np.float64(2), "list": np.array([1, 2])}
    record |= {"none": None, "na": pd.NA, "day": pd.Timestamp("2020-01-02"), "text": "ü"}
    assert json.loads(as_json(record)) == {
        "nan": None, "inf": "inf", "np": 2, "list": [1, 2], "none": None, "na": None,
        "day": "2020-01-02 00:00:00", "text": "ü",
    }  # fmt: skip


def test_a_quoted_value_is_text_or_nothing():
    assert [as_text(cell) for cell in ("a", 2.5, None, math.nan, ["a"])] == [
        "a", "2.5", None, None, '["a"]',
    ]  # fmt: skip
