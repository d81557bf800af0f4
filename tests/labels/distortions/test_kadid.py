"""qbuild/labels/distortions/kadid.py: the label in an image's name."""

from __future__ import annotations

import csv
from collections import Counter
from statistics import mean

import pytest

from qbuild.core.errors import UsageError
from qbuild.labels.distortions.kadid import OF_CONTRAST, OF_TYPE, TYPES, parse_name
from qbuild.quality.distortions import SPATIAL

HEADER = "ref_name,dist_name,dmos,std\n"
TABLE = "scores/meta_info_KADID10kDataset.csv"


@pytest.mark.parametrize(
    ("name", "distortion"),
    [
        ("I01_01_01.png", ("spatial blur", 1)),
        ("I81_02_05.png", ("spatial blur", 5)),
        ("sub/I01_03_02.png", ("motion blur", 2)),
        ("I01_09_03.png", ("compression artifact", 3)),
        ("I01_10_04.bmp", ("compression artifact", 4)),
        ("I01_14_01", ("noise", 1)),
        ("I01_16_01.png", ("overexposure", 1)),
        ("I01_17_01.png", ("underexposure", 1)),
        ("I01_21_01.png", ("block effect", 1)),
        ("I01_07_04.png", ("desaturation", 4)),
        ("I01_08_02.png", ("oversaturation", 2)),
        ("I01_25_01.png", ("high contrast", 3)),
        ("I01_25_02.png", ("high contrast", 2)),
        ("I01_25_04.png", ("low contrast", 1)),
        ("I01_25_05.png", ("low contrast", 3)),
    ],
)
def test_type_and_level_in_a_name_are_a_distortion_and_its_severity(name, distortion):
    label = parse_name(name)
    assert (label.distortions, label.others, label.judged) == ((distortion,), (), SPATIAL)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("I01_04_01.png", "color diffusion"),
        ("I01_15_01.png", "denoise"),
        ("I01_24_05.png", "high sharpen"),
        ("I01_07_05.png", "color saturation 1, inverted"),
        ("I01_08_01.png", "color saturation 2, unchanged"),
        ("I01_25_03.png", "contrast change, unchanged"),
    ],
)
def test_types_outside_the_eleven_keep_their_own_name(name, other):
    label = parse_name(name)
    assert (label.distortions, label.others) == ((), (other,))


@pytest.mark.parametrize(
    "name", ["I01.png", "I01_26_01.png", "I01_00_01.png", "I01_01_06.png", "I01_01_00.png",
             "I01_1_1.png", "x_01_01.png", "I01_01_01.png.txt~", "I\u0660\u0661_01_01.png"],
)  # fmt: skip
def test_a_name_without_a_type_is_rejected_with_the_value(read, write, name):
    path = write("dmos.csv", f"{HEADER}I01.png,I01_10_01.png,4,0.5\nI01.png,{name},4,0.5\n")
    rows, rejected, _ = read(path)
    assert [row["path"] for row in rows] == ["I01_10_01.png"]
    assert [(row["reason"], row["value"], row["row"]) for row in rejected] == [
        ("bad-name", name, 2)
    ]
    assert "expected I, number, type 01 to 25" in rejected[0]["message"]


@pytest.mark.parametrize("reference", ["I02.png", "", "pristine.png"])
def test_a_reference_of_another_image_is_rejected(read, write, reference):
    path = write("dmos.csv", f"{HEADER}{reference},I01_10_01.png,4,0.5\n")
    rows, (rejected,), _ = read(path)
    assert (rows, rejected["reason"]) == ([], "bad-reference")
    assert rejected["column"] == "source_media_id"


@pytest.mark.parametrize(
    "header", ["ref_name,dist_name,dmos,std", "ref_img,dist_img,dmos,var"]
)  # fmt: skip
def test_both_published_copies_are_read_with_the_reference(read, write, header):
    path = write("x.csv", f"{header}\nI01.png,I01_10_02.png,4.5,0.5\n")
    ((row,), _, _) = read(path, add_prefix="kadid10k/images/")
    assert row["media_id"] == "kadid:kadid10k/images/I01_10_02.png"
    assert row["source_media_id"] == "kadid:kadid10k/images/I01.png"
    assert (row["kind"], row["dataset"], row["source_row"]) == ("image", "kadid", 1)
    assert row["judged"] == list(SPATIAL)


def test_options_of_tables_are_errors(read, write):
    path = write("x.csv", f"{HEADER}I01.png,I01_10_02.png,4.5,0.5\n")
    with pytest.raises(UsageError, match=r"--judged: the layout kadid of x\.csv does not use it"):
        read(path, judged="noise")
    with pytest.raises(UsageError, match="--columns: the layout kadid"):
        read(path, layout="kadid", columns="path=dist_name")


def test_all_of_kadid_is_read(data_folder, read):
    rows, rejected, tally = read(data_folder / TABLE)
    assert (len(rows), rejected, tally["collapsed"]) == (10_125, [], 0)
    counts = Counter(one["name"] for row in rows for one in row["distortions"])
    assert counts == {
        "spatial blur": 810, "motion blur": 405, "compression artifact": 810, "noise": 1620,
        "overexposure": 405, "underexposure": 405, "block effect": 405, "desaturation": 324,
        "oversaturation": 324, "high contrast": 162, "low contrast": 162,
    }  # fmt: skip
    assert sum(bool(row["others"]) for row in rows) == 4_293
    assert {row["source_media_id"] for row in rows} == {f"kadid:I{n:02}.png" for n in range(1, 82)}


def test_contrast_is_as_severe_as_the_level_of_nearest_mean_dmos(data_folder):
    with (data_folder / TABLE).open(newline="") as lines:
        scores = {}
        for row in csv.DictReader(lines):
            _, kind, level = row["dist_name"].removesuffix(".png").split("_")
            scores.setdefault((int(kind), int(level)), []).append(float(row["dmos"]))
    ordered = OF_TYPE.keys() - {7, 8}
    means = {level: mean(s for t in ordered for s in scores[t, level]) for level in range(1, 6)}
    for level, (_, severity) in OF_CONTRAST.items():
        own = mean(scores[len(TYPES), level])
        assert min(means, key=lambda at: abs(means[at] - own)) == severity
