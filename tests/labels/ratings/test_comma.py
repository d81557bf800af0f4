import pytest

from qbuild.labels.ratings.comma import LAYOUT
from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.registry import recognise
from qbuild.labels.tables.sniff import sniff


def layout_of(path):
    return recognise(path).name


def test_names_may_hold_commas_blanks_and_dots(write):
    path = write("x.txt", "v/a, b..c....mp4, -1, -1, 3.5\r\nw/a.mp4, 8.0, 29.97, 4\r\n\r\n")
    rows = read_ratings([path]).rows
    assert rows["path"].to_pylist() == ["v/a, b..c....mp4", "w/a.mp4"]
    assert rows["mos"].to_pylist() == [3.5, 4.0]


def test_only_a_line_with_fewer_commas_is_rejected(write):
    path = write("x.txt", "a.mp4, 1, 2, 3\nb.mp4, 1\nc.mp4, 1, 2, 4\n")
    ratings = read_ratings([path])
    assert ratings.rows["path"].to_pylist() == ["a.mp4", "c.mp4"]
    assert ratings.rows["source_row"].to_pylist() == [1, 3]
    assert ratings.rejected["reason"].to_pylist() == ["missing-score"]


@pytest.mark.parametrize("score", ["", "nan"])
def test_a_line_without_a_score_is_recognised_and_rejected(write, score):
    path = write("x.txt", f"a.mp4, 1, 2, {score}\nb.mp4, 1, 2, 3\n")
    assert read_ratings([path]).rejected["reason"].to_pylist() == ["missing-score"]


@pytest.mark.parametrize(
    "text",
    ["path,duration,fps,mos\na,1,2,3\n", "a,1,2,3,4\nb,1,2,3,4\n", "1,2,3,4\n", "a,1,2\n", "\n"],
)
def test_a_file_with_a_header_or_another_number_of_columns_does_not_match(write, text):
    assert not LAYOUT.matches(sniff(write("x.csv", text)))


def test_lsvq_distinguishes_equal_names_by_their_folders(published):
    rows = read_ratings([published / "scores/LSVQ_train_labels.txt"]).rows
    paths, mos = rows["path"].to_pylist(), rows["mos"].to_numpy()
    assert len(paths) == len(set(paths)) == 28_056
    assert (round(mos.min(), 2), round(mos.max(), 2)) == (2.45, 90.52)
    assert sum(".." in path for path in paths) == 75
    assert len(paths) - len({path.rsplit("/", 1)[-1] for path in paths}) == 220


@pytest.mark.parametrize(
    ("name", "rows", "low", "high"), [("KoNViD", 1_200, 1.22, 4.64), ("LIVE_VQC", 585, 6.22, 94.29)]
)
def test_konvid_and_live_vqc_are_read_completely(published, name, rows, low, high):
    path = published / f"scores/{name}.txt"
    ratings = read_ratings([path])
    mos = ratings.rows["mos"].to_numpy()
    assert layout_of(path) == "comma"
    assert (ratings.rows.num_rows, ratings.rejected.num_rows, ratings.collapsed) == (rows, 0, 0)
    assert (round(mos.min(), 2), round(mos.max(), 2)) == (low, high)
    assert set(ratings.rows["dataset"].to_pylist()) == {name}
