import pytest
from published import published_words

from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.registry import recognise

FIVE = ["bad", "poor", "fair", "good", "excellent"]


def record(name, score, image=None, **more):
    answer = {"from": "gpt", "value": "The quality of the image is good."}
    return {"id": f"{name}->{score}", "image": image or name, "conversations": [answer], **more}


def test_the_score_is_what_follows_the_last_arrow(write):
    path = write("q.json", [record("a->b.jpg", "3.25"), record("c.jpg", " 2 ")])
    assert read_ratings([path]).rows["mos"].to_pylist() == [3.25, 2.0]


def test_an_image_may_be_a_list_of_one_but_not_of_two(write):
    path = write("q.json", [record("a", 1, ["k/a.jpg"]), record("b", 2, ["k/b.jpg", "k/c.jpg"])])
    ratings = read_ratings([path])
    assert ratings.rows["path"].to_pylist() == ["k/a.jpg"]
    assert ratings.rejected["reason"].to_pylist() == ["missing-path"]


def test_gt_score_is_read_and_a_difference_is_noted(write):
    records = [record("a.jpg", 1, gt_score="1.0"), record("b.jpg", 1, gt_score=2)]
    ratings = read_ratings([write("q.json", records)])
    assert ratings.rows["mos"].to_pylist() == [1.0, 2.0]
    assert ratings.notes == [
        "q.json: 1 records hold another gt_score than their id; gt_score was read"
    ]


def test_an_id_without_an_arrow_has_no_score(write):
    bare = record("a", 1) | {"id": "b.jpg", "image": "b.jpg"}
    assert read_ratings([write("q.json", [record("a", 1), bare])]).rejected[
        "reason"
    ].to_pylist() == ["missing-score"]


def test_the_level_is_the_answers_last_word(write):
    words = published_words(write("q.json", [record("a.jpg", "3.5", "k/a.jpg")]))
    assert words.to_dict("records") == [{"path": "k/a.jpg", "score": 3.5, "word": "good"}]


@pytest.mark.parametrize(
    ("name", "rows", "low", "high"),
    [
        ("koniq", 7_046, 6.684873949579832, 85.06081081081081),
        ("spaq", 8_897, 2, 93.67),
        ("kadid", 8_106, 1.07, 4.84),
    ],
)
def test_the_published_training_files_are_read_completely(published, name, rows, low, high):
    path = published / f"levels_published/q-align_train_{name}.json"
    ratings = read_ratings([path])
    mos = ratings.rows["mos"].to_numpy()
    assert recognise(path).name == "q-align"
    assert (ratings.rows.num_rows, ratings.rejected.num_rows, ratings.collapsed) == (rows, 0, 0)
    assert (mos.min(), mos.max()) == pytest.approx((low, high), abs=1e-9)
    folders = {path.split("/")[0] for path in ratings.rows["path"].to_pylist()}
    assert folders == {"kadid10k" if name == "kadid" else name}


@pytest.mark.parametrize("name", ["koniq", "spaq"])
def test_koniq_and_spaq_answers_contain_only_the_five_words(published, name):
    words = published_words(published / f"levels_published/q-align_train_{name}.json")
    assert set(words["word"]) == set(FIVE)


def test_kadid_answers_hold_other_words_17_times_and_5_scores_have_two(published):
    words = published_words(published / "levels_published/q-align_train_kadid.json")
    usual = words["word"].isin(FIVE)
    assert (~usual).sum() == 17
    assert (words[~usual]["word"] == "average").sum() == 3
    assert (words[usual].groupby("score")["word"].nunique() == 2).sum() == 5
