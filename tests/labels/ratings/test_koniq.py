import numpy as np
import pandas as pd
import pytest

from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.registry import recognise

SHARES = "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"
COUNTS = '"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"\n'


def test_shares_and_counts_give_the_same_votes(write):
    shares = read_ratings([write("a.csv", SHARES + "1.jpg,0,0.1,0.2,0.3,0.4,10,70,1.05,test\n")])
    counts = read_ratings([write("b.csv", COUNTS + "1.jpg,0,1,2,3,4,10,4.0,1.05,70\n")])
    for ratings in (shares, counts):
        row = ratings.rows.to_pylist()[0]
        assert row["votes"] == [0.0, 1.0, 2.0, 3.0, 4.0]
        assert (row["mos"], row["num_ratings"], row["dataset"]) == (70.0, 10, "koniq")
        assert row["mos_std"] == pytest.approx(1.05 * 25)
    assert shares.rows["split"].to_pylist() == ["test"]
    assert counts.rows["split"].to_pylist() == [None]


def test_votes_with_an_unknown_sum_are_left_out(write):
    path = write("a.csv", SHARES + "1.jpg,0,0.1,0.2,0.3,0.1,10,70,1,test\n")
    assert read_ratings([path]).rows["votes"].to_pylist() == [None]


def test_a_deviation_that_is_not_a_number_rejects_the_row(write):
    good = "1.jpg,0,0.1,0.2,0.3,0.4,10,70,1.05,test\n"
    path = write("a.csv", SHARES + good + good.replace("1.05", "wide").replace("1.jpg", "2.jpg"))
    assert read_ratings([path]).rejected["column"].to_pylist() == ["mos_std"]


@pytest.fixture(scope="module")
def koniq(published):
    path = published / "scores/koniq10k_distributions_sets.csv"
    assert recognise(path).name == "koniq"
    return read_ratings([path])


@pytest.fixture(scope="module")
def votes(koniq):
    return np.array(koniq.rows["votes"].to_pylist())  # [image, grade]


def test_all_of_koniq_is_read_on_0_to_100(koniq):
    mos = koniq.rows["mos"].to_numpy()
    assert (koniq.rows.num_rows, koniq.rejected.num_rows, koniq.collapsed) == (10_073, 0, 0)
    assert (round(mos.min(), 2), round(mos.max(), 2)) == (3.91, 88.39)
    assert set(koniq.rows["scale_high"].to_pylist()) == {100.0}


def test_koniqs_sets_are_its_splits(koniq):
    splits = pd.Series(koniq.rows["split"].to_pylist()).value_counts().to_dict()
    assert splits == {"training": 7_058, "test": 2_015, "validation": 1_000}


def test_koniqs_votes_are_counts_that_add_up_to_their_number(koniq, votes):
    assert (votes.sum(axis=1) == koniq.rows["num_ratings"].to_numpy()).all()
    assert (votes == votes.round()).all()


def test_koniqs_deviation_is_that_of_n_minus_1_on_the_scale_of_the_votes(koniq, votes):
    count, grade = votes.sum(axis=1), np.arange(1, 6)
    mean = votes @ grade / count
    squares = (votes * (grade - mean[:, None]) ** 2).sum(axis=1)
    stated = koniq.rows["mos_std"].to_numpy() / 25
    assert np.abs(np.sqrt(squares / (count - 1)) - stated).max() < 1e-10
    assert np.abs(np.sqrt(squares / count) - stated).max() > 0.004


def test_koniqs_mos_is_not_an_affine_map_of_the_votes_mean(koniq, votes):
    mean = votes @ np.arange(1, 6) / votes.sum(axis=1)
    mos = koniq.rows["mos"].to_numpy()
    slope, offset = np.polyfit(mean, mos, 1)
    assert np.abs(slope * mean + offset - mos).max() > 5
    assert slope == pytest.approx(27.8, abs=0.05)
