import pytest

from qbuild.core.errors import InputError
from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.registry import recognise


def test_the_first_key_that_holds_a_value_is_read(write):
    records = [
        {"img_path": "a.jpg", "mos": " 3.5 "},
        {"video_path": "b.mp4", "gt_score": "2"},
        {"image": "c.jpg", "mos": None, "gt_score": 1},
        {"img_path": "d.jpg"},
    ]
    ratings = read_ratings([write("p.json", records)])
    assert ratings.rows["path"].to_pylist() == ["a.jpg", "b.mp4", "c.jpg"]
    assert ratings.rows["mos"].to_pylist() == [3.5, 2.0, 1.0]
    assert ratings.rejected["record"].to_pylist() == ['{"img_path":"d.jpg"}']


def test_concatenated_objects_are_records(write):
    path = write("p.json", '{"img_path": "a", "gt_score": "1"}{"img_path": "b", "gt_score": 2}\n')
    assert read_ratings([path], "vqa2").rows["source_row"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "rows", "low", "high"),
    [("agi", 2_982, 0.0, 4.49), ("koniq", 10_073, 1.1, 4.31), ("livec", 1_169, 3.42, 92.43)],
)
def test_q_bench_prediction_files_are_read_completely(published, name, rows, low, high):
    path = published / f"predictions/q-bench_llava_v1.5/{name}.json"
    ratings = read_ratings([path])
    mos = ratings.rows["mos"].to_numpy()
    assert recognise(path).name == "vqa2"
    assert (ratings.rows.num_rows, ratings.rejected.num_rows) == (rows, 0)
    assert (round(mos.min(), 2), round(mos.max(), 2)) == (low, high)


def test_q_bench_koniq_conflicts_with_koniqs_own_scores_under_one_name(published):
    own = published / "scores/koniq10k_distributions_sets.csv"
    other = published / "predictions/q-bench_llava_v1.5/koniq.json"
    with pytest.raises(InputError, match=r"none of 20146 rows can be used.*conflict"):
        read_ratings([own, other])
