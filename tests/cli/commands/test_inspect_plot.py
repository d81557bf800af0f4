from __future__ import annotations

import pytest
from PIL import Image

from qbuild.core.artifact.reader import Artifact
from qbuild.quality.plots.artifact_plot import panels_of


@pytest.fixture
def sampled(work, qbuild_cli):
    """Three of the pipeline's five levels."""
    done = qbuild_cli("sample", work / "levels.parquet", "-o", work / "some.parquet", "--size", 3)
    assert done.code == 0, done.err
    return work / "some.parquet"


def test_levels_are_drawn_as_they_are(work, qbuild_cli, tmp_path):
    done = qbuild_cli("plot", work / "levels.parquet", "-o", tmp_path / "a.png")
    assert (done.code, done.out) == (0, f"toy → {tmp_path / 'a.png'}\n")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (768, 468)
    panel = panels_of(Artifact.open(work / "levels.parquet"))[0]
    assert (panel.title, panel.low, panel.high) == ("toy", 0, 100)
    assert [sum(series.counts) for series in panel.series] == [5]


def test_a_sample_is_drawn_before_and_after(sampled, qbuild_cli, tmp_path):
    done = qbuild_cli("plot", sampled, "-o", tmp_path / "a.png", "--json")
    assert done.json == {"output": str(tmp_path / "a.png"), "datasets": ["toy"]}
    panel = panels_of(Artifact.open(sampled))[0]
    assert [(series.name, sum(series.counts)) for series in panel.series] == [
        ("before", 5),
        ("after", 3),
    ]


@pytest.mark.parametrize(
    ("name", "output", "code", "what"),
    [
        ("ratings.parquet", "a.png", 3, "rows of schema rating have no mos_norm"),
        ("levels.parquet", "a.pdf", 2, "does not end in .png"),
        ("none.parquet", "a.png", 1, "no such file"),
    ],
)
def test_data_that_cannot_be_plotted_is_an_error(
    work, qbuild_cli, tmp_path, name, output, code, what
):
    done = qbuild_cli("plot", work / name, "-o", tmp_path / output)
    assert done.code == code
    assert what in done.err
    assert not (tmp_path / output).exists()


def test_a_folder_is_not_an_image(work, qbuild_cli, tmp_path):
    (tmp_path / "a.png").mkdir()
    done = qbuild_cli("plot", work / "levels.parquet", "-o", tmp_path / "a.png")
    assert (done.code, "is a folder" in done.err) == (2, True)
