import pytest

from qbuild.labels.ratings.merge import read_ratings


def test_equal_rows_collapse_to_the_first_across_files(write):
    one = write("one.csv", "path,mos,dataset\na,1,d\nb,2,d\na,1.0,d\n")
    two = write("two.csv", "path,mos,dataset\n./a,1,d\nc,3,d\n")
    ratings = read_ratings([one, two])
    assert ratings.rows["path"].to_pylist() == ["a", "b", "c"]
    assert ratings.rows["source_file"].to_pylist() == ["one.csv", "one.csv", "two.csv"]
    assert ratings.collapsed == 2
    assert ratings.rejected.num_rows == 0


def test_rows_that_conflict_are_all_rejected_and_name_each_other(write):
    one = write("one.csv", "path,mos,dataset\na,1,d\nb,2,d\na,1,d\n")
    two = write("two.csv", "path,mos,dataset\na,5,d\n")
    ratings = read_ratings([one, two])
    assert ratings.rows["path"].to_pylist() == ["b"]
    assert ratings.collapsed == 0
    rejected = ratings.rejected.to_pylist()
    assert [(r["source"], r["row"], r["reason"]) for r in rejected] == [
        ("one.csv", 1, "conflict"),
        ("one.csv", 3, "conflict"),
        ("two.csv", 1, "conflict"),
    ]
    words = "the same media has another mos in"
    assert rejected[0]["message"] == f"{words} one.csv row 3, two.csv row 1"
    assert rejected[2]["message"] == f"{words} one.csv row 1, one.csv row 3"
    assert [r["value"] for r in rejected] == ["1.0", "1.0", "5.0"]
    assert rejected[2]["record"] == '{"dataset":"d","mos":"5","path":"a"}'


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [("std", "0.1", "0.2"), ("n", "30", ""), ("split", "train", "test"), ("scale_low", "0", "1")],
)
def test_any_value_can_conflict(write, column, first, second):
    path = write("a.csv", f"path,mos,{column}\na,1,{first}\na,1,{second}\nb,1,{first}\n")
    rejected = read_ratings([path]).rejected.to_pylist()
    assert len(rejected) == 2
    assert {r["column"] for r in rejected} <= {"mos_std", "num_ratings", "split", "scale_low"}


def test_votes_are_compared_grade_by_grade(write):
    rows = [{"path": "a", "mos": 1, "votes": v} for v in ([1, 2], [1, 2])]
    rows += [{"path": "b", "mos": 1, "votes": v} for v in ([1, 2], [2, 1])]
    ratings = read_ratings([write("a.json", rows)])
    assert ratings.collapsed == 1
    assert set(ratings.rejected["column"].to_pylist()) == {"votes"}


def test_the_same_path_in_two_datasets_is_two_media(write):
    path = write("a.csv", "path,mos,dataset\na,1,d\na,2,e\n")
    assert read_ratings([path]).rows["media_id"].to_pylist() == ["d:a", "e:a"]


def test_many_conflicting_rows_name_five_places_and_count_the_rest(write):
    lines = "".join(f"a,{score}\n" for score in range(10))
    path = write("a.csv", "path,mos\n" + lines + "b,1\n")
    messages = read_ratings([path]).rejected["message"].to_pylist()
    assert messages[0].endswith("a.csv row 2, a.csv row 3, a.csv row 4, a.csv row 5, "
                                "a.csv row 6 and 4 more")  # fmt: skip
    assert messages[9].endswith("a.csv row 5 and 4 more")
