import numpy as np
import pytest

from qbuild.labels.ratings.merge import read_ratings
from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.ratings.registry import recognise


@pytest.mark.parametrize(
    "text",
    [
        "ref_name,dist_name,dmos,std\nI01.png,I01_01_01.png,4.57,0.496\n",
        "dist_img,ref_img,dmos,var\nI01_01_01.png,I01.png,4.57,0.496\n",
    ],
)
def test_both_published_headers_give_the_distorted_image_and_its_deviation(write, text):
    path = write("dmos.csv", text)
    assert recognise(path).name == "kadid"
    row = read_ratings([path]).rows.to_pylist()[0]
    assert (row["media_id"], row["mos"], row["mos_std"]) == ("kadid:I01_01_01.png", 4.57, 0.496)
    assert (row["scale_low"], row["scale_high"]) == (1.0, 5.0)


def test_direction_down_mirrors_in_the_declared_scale(write):
    path = write("dmos.csv", "ref_name,dist_name,dmos,std\nI.png,I01_01_01.png,4.5,0.5\n")
    ratings = read_ratings([path], options=RatingOptions(direction="down"))
    assert ratings.rows["mos"].to_pylist() == [1.5]


@pytest.fixture(scope="module")
def kadid(published):
    path = published / "scores/meta_info_KADID10kDataset.csv"
    assert recognise(path).name == "kadid"
    return read_ratings([path])


def test_all_of_kadid_is_read(kadid):
    mos = kadid.rows["mos"].to_numpy()
    assert (kadid.rows.num_rows, kadid.rejected.num_rows, kadid.collapsed) == (10_125, 0, 0)
    assert (mos.min(), mos.max()) == (1.0, 4.93)


def test_kadids_dmos_falls_as_distortion_grows_so_higher_is_better(kadid):
    level = np.array([path[7:9] for path in kadid.rows["path"].to_pylist()])
    mos = kadid.rows["mos"].to_numpy()
    means = [mos[level == f"0{grade}"].mean() for grade in range(1, 6)]
    assert means == sorted(means, reverse=True)
    assert means[0] - means[4] > 1


def test_kadids_deviations_are_of_n_votes_and_not_variances(kadid):
    """Where all votes are on two neighbouring grades, the mean determines the deviation."""
    mos, std = kadid.rows["mos"].to_numpy(), kadid.rows["mos_std"].to_numpy()
    two_grades = np.sqrt(mos % 1 * (1 - mos % 1))
    assert (np.abs(std - two_grades) < 0.003).sum() > 1_000
    assert (std > two_grades - 0.01).all()
