import pandas as pd
import pytest

from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.registry import recognise

HEADER = "Image name,MOS,Brightness,Colorfulness,Contrast,Noisiness,Sharpness,ISO,Brightness\n"


def test_a_repeated_brightness_column_is_accepted(write):
    path = write("spaq.csv", HEADER + "00001.jpg,48.86,1,2,3,4,5,100,-1.21\n")
    row = read_ratings([path]).rows.to_pylist()[0]
    assert (row["media_id"], row["mos"], row["scale_high"]) == ("spaq:00001.jpg", 48.86, 100.0)


def test_a_rejected_row_keeps_both_brightness_columns(write):
    path = write("spaq.csv", HEADER + "1.jpg,9,1,2,3,4,5,6,7\n2.jpg,,8,2,3,4,5,6,9\n")
    record = read_ratings([path]).rejected["record"].to_pylist()[0]
    assert '"Brightness":"8"' in record
    assert '"Brightness.1":"9"' in record


def test_the_excel_copy_is_recognised_and_read(tmp_path):
    columns = HEADER.strip().split(",")[:7]
    path = tmp_path / "MOS and Image attribute scores.xlsx"
    frame = pd.DataFrame([["00001.jpg", 48.86, 1, 2, 3, 4, 5]], columns=columns)
    frame.to_excel(path, index=False)
    assert recognise(path).name == "spaq"
    assert read_ratings([path]).rows["mos"].to_pylist() == [48.86]


@pytest.fixture(scope="module")
def spaq(published):
    path = published / "scores/meta_info_SPAQDataset.csv"
    assert recognise(path).name == "spaq"
    return read_ratings([path])


def test_all_of_spaq_is_read_and_three_scores_lie_above_94(spaq):
    mos = spaq.rows["mos"].to_numpy()
    assert (spaq.rows.num_rows, spaq.rejected.num_rows, spaq.collapsed) == (11_125, 0, 0)
    assert (mos.min(), mos.max(), (mos > 94).sum()) == (2.0, 96.0, 3)


def test_spaqs_published_training_scores_are_its_own(published, spaq):
    own = dict(zip(spaq.rows["path"].to_pylist(), spaq.rows["mos"].to_pylist(), strict=True))
    train = read_ratings([published / "levels_published/q-align_train_spaq.json"]).rows
    pairs = zip(train["path"].to_pylist(), train["mos"].to_pylist(), strict=True)
    assert all(own[path.removeprefix("spaq/")] == mos for path, mos in pairs)
