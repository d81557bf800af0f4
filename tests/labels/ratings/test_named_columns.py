import json

import pandas as pd
import pytest

from qbuild.core.errors import SchemaError
from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.registry import recognise

ROWS = [{"video": "a.mp4", "mos": 1.5}, {"video": "b.mp4", "mos": 2.5}]


def as_file(folder, kind):
    path, frame = folder / f"t.{kind}", pd.DataFrame(ROWS)
    if kind in ("csv", "tsv", "txt"):
        frame.to_csv(path, index=False, sep={"csv": ";", "tsv": "\t", "txt": "|"}[kind])
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, ROWS)))
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_excel(path, index=False)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "txt", "json", "jsonl", "parquet", "xlsx"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, kind):
    path = as_file(tmp_path, kind)
    assert recognise(path).name == "table"
    rows = read_ratings([path]).rows
    assert rows["media_id"].to_pylist() == ["t:a.mp4", "t:b.mp4"]
    assert rows["mos"].to_pylist() == [1.5, 2.5]


def test_dmos_is_read_only_with_its_direction(write):
    path = write("t.csv", "video,dmos\na,10\nb,40\n")
    with pytest.raises(SchemaError, match="--direction down"):
        read_ratings([path])
    ratings = read_ratings([path], options=RatingOptions(direction="down"))
    assert ratings.rows["mos"].to_pylist() == [40.0, 10.0]
    up = RatingOptions(columns="mos=dmos")
    assert read_ratings([path], options=up).rows["mos"].to_pylist() == [10.0, 40.0]


def test_dover_predictions_hold_konvids_scores(published):
    path = published / "predictions/dover_konvid.csv"
    assert recognise(path).name == "table"
    table = read_ratings([path]).rows
    konvid = read_ratings([published / "scores/KoNViD.txt"]).rows
    assert table.num_rows == 1_200
    assert table["path"].to_pylist() == konvid["path"].to_pylist()
    assert table["mos"].to_pylist() == konvid["mos"].to_pylist()


def test_waterloos_sessions_are_rated_in_its_data_file(published):
    path = published / "streaming/waterloo_sqoe_1/data.csv"
    ratings = read_ratings([path], options=RatingOptions(dataset="waterloo-1"))
    mos = ratings.rows["mos"].to_numpy()
    assert recognise(path).name == "table"
    assert (ratings.rows.num_rows, ratings.rejected.num_rows) == (180, 0)
    assert (mos.min(), mos.max()) == (16.609, 92.826)
    assert ratings.rows["media_id"][0].as_py() == "waterloo-1:001.csv"


def test_p1203_sessions_rated_on_two_devices_conflict(published):
    ratings = read_ratings([published / "streaming/p1203/mos.csv"])
    assert ratings.rows.num_rows == 15
    assert ratings.rejected["reason"].to_pylist() == ["conflict"] * 120


def test_p1203_sessions_are_distinguished_by_device_and_name(published):
    options = RatingOptions(columns="path=context+pvs_id")
    ratings = read_ratings([published / "streaming/p1203/mos.csv"], options=options)
    assert (ratings.rows.num_rows, ratings.rejected.num_rows) == (135, 0)
    paths = ratings.rows["path"].to_pylist()
    assert sum(path.startswith("pc/") for path in paths) == 75
    assert sum(path.startswith("mobile/") for path in paths) == 60
    assert ratings.rows["num_ratings"].to_numpy().max() == 28
    assert None not in ratings.rows["mos_std"].to_pylist()
