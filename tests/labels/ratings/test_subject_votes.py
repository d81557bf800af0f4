import numpy as np
import pytest

from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.registry import recognise


def votes_file(write, rows, header="subject,path,score"):
    return write("votes.csv", header + "\n" + "".join(f"{row}\n" for row in rows))


def test_votes_become_mean_sample_deviation_and_count(write):
    path = votes_file(write, ["s1,b,3", "s1,a,1", "s2,b,4", "s2,a,5", "s3,b,4"])
    assert recognise(path).name == "subject-votes"
    rows = read_ratings([path]).rows.to_pylist()
    assert [row["path"] for row in rows] == ["b", "a"]
    assert [row["source_row"] for row in rows] == [1, 2]
    assert rows[0]["mos"] == pytest.approx(np.mean([3, 4, 4]))
    assert rows[0]["mos_std"] == pytest.approx(np.std([3, 4, 4], ddof=1))
    assert [row["num_ratings"] for row in rows] == [3, 2]


def test_whole_scores_from_1_to_5_are_counted_on_the_five_grade_scale(write):
    ratings = read_ratings([votes_file(write, ["s1,a,2", "s2,a,4", "s3,a,4"])])
    row = ratings.rows.to_pylist()[0]
    assert row["votes"] == [0.0, 1.0, 0.0, 2.0, 0.0]
    assert (row["scale_low"], row["scale_high"]) == (1.0, 5.0)
    assert ratings.notes == ["votes.csv: votes are whole numbers: grades 1 to 5 are the scale"]


@pytest.mark.parametrize(
    ("scores", "votes"),
    [([0, 10], [1.0] + [0.0] * 9 + [1.0]), ([0, 100], None), ([1.5, 2], None), ([7, 7], None)],
)
def test_grades_are_counted_only_where_they_are_few_whole_numbers(write, scores, votes):
    path = votes_file(write, [f"s{i},a,{score}" for i, score in enumerate(scores)])
    assert read_ratings([path]).rows["votes"].to_pylist() == [votes]


def test_a_single_vote_has_no_deviation(write):
    row = read_ratings([votes_file(write, ["s1,a,2.5"])]).rows.to_pylist()[0]
    assert (row["mos_std"], row["num_ratings"]) == (None, 1)


def test_a_second_vote_of_a_subject_counts(write):
    path = votes_file(write, ["s1,a,2", "s1,a,2", "s1,./a,5"])
    assert read_ratings([path]).rows["num_ratings"].to_pylist() == [3]


def test_only_the_bad_vote_is_rejected(write):
    path = votes_file(write, ["s1,a,2", "s2,a,x", ",a,3", "s3,,3", "s4,a,", "s5,a,inf", "s6,a,4"])
    ratings = read_ratings([path])
    assert ratings.rows["mos"].to_pylist() == [3.0]
    rejected = ratings.rejected
    assert rejected["row"].to_pylist() == [2, 3, 4, 5, 6]
    assert rejected["reason"].to_pylist() == [
        "not-a-number", "missing-subject", "missing-path", "missing-score", "not-finite",
    ]  # fmt: skip
    assert rejected["record"].to_pylist()[0] == '{"path":"a","score":"x","subject":"s2"}'


def test_a_medium_with_an_unsafe_path_is_rejected_at_its_first_vote(write):
    path = votes_file(write, ["s1,a,2", "s1,../b,2", "s2,../b,3"])
    rejected = read_ratings([path]).rejected.to_pylist()
    assert [(row["row"], row["reason"]) for row in rejected] == [(2, "unsafe-path")]


def test_datasets_keep_their_votes_apart(write):
    header = "dataset,subject,path,score"
    path = votes_file(write, ["p,s1,a,1", "q,s1,a,5", "p,s2,a,2"], header)
    rows = read_ratings([path]).rows.to_pylist()
    assert [(row["media_id"], row["mos"]) for row in rows] == [("p:a", 1.5), ("q:a", 5.0)]


def test_columns_can_be_named(write):
    path = votes_file(write, ["s1,a,4"], "who,what,how")
    options = RatingOptions(columns="subject=who,path=what,score=how")
    assert read_ratings([path], options=options).rows["mos"].to_pylist() == [4]


def test_direction_down_mirrors_mean_and_votes(write):
    path = votes_file(write, ["s1,a,1", "s2,a,2"])
    row = read_ratings([path], options=RatingOptions(direction="down")).rows.to_pylist()[0]
    assert (row["mos"], row["votes"]) == (4.5, [0.0, 0.0, 0.0, 1.0, 1.0])


def panel_with_outlier(media=60, observers=16):
    """A panel in which observer s3 deviates to both sides of all others."""
    rng = np.random.default_rng(5)
    votes = rng.uniform(30, 70, (media, 1)) + rng.normal(0, 3, (media, observers))
    votes[:, 3] += np.where(np.arange(media) % 2, 15, -15)
    return [
        f"s{observer},m{medium}.mp4,{votes[medium, observer]:.3f}"
        for medium in range(media)
        for observer in range(observers)
    ]


def test_screening_excludes_deviating_observers_and_notes_it(write):
    path = votes_file(write, panel_with_outlier())
    ratings = read_ratings([path], options=RatingOptions(screen="bt500"))
    assert ratings.notes == ["votes.csv: screened by ITU-R BT.500: excluded 1 of 16 observers: s3"]
    assert set(ratings.rows["num_ratings"].to_pylist()) == {15}
    assert set(read_ratings([path]).rows["num_ratings"].to_pylist()) == {16}


def test_a_medium_whose_every_observer_is_screened_out_is_rejected(write):
    path = votes_file(write, [*panel_with_outlier(), "s3,alone.mp4,50"])
    ratings = read_ratings([path], options=RatingOptions(screen="bt500"))
    assert "alone.mp4" not in ratings.rows["path"].to_pylist()
    rejected = ratings.rejected.to_pylist()
    assert [(row["row"], row["reason"]) for row in rejected] == [(961, "missing-score")]
    assert rejected[0]["message"] == "every observer of the medium was screened out"
