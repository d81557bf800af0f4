"""qbuild/labels/distortions/names.py: anybody's labels as names of the thirteen."""

from __future__ import annotations

from pathlib import Path

import pytest

from qbuild.labels.distortions import names
from qbuild.quality.distortions import DISTORTIONS, MOTION, SPATIAL


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_name_means_itself_in_any_spelling(name):
    for spelling in (
        name,
        name.upper(),
        name.replace(" ", "_"),
        name.replace(" ", "-"),
        f" {name}s",
    ):
        assert names.find_distortion(spelling) == name


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("blur", "spatial blur"),
        ("Gaussian Blur", "spatial blur"),
        ("out of focus", "spatial blur"),
        ("out-of-focus", "spatial blur"),
        ("artifacts", "compression artifact"),
        ("JPEG", "compression artifact"),
        ("over-exposed", "overexposure"),
        ("under_exposed", "underexposure"),
        ("camera shake", "flicker"),
        ("flickers", "flicker"),
        ("stutter", "stuttering"),
        ("blockiness", "block effect"),
    ],
)
def test_words_of_the_field_are_known(label, name):
    assert names.find_distortion(label) == name


@pytest.mark.parametrize("label", ["contrast", "color", "colour", "exposure", "jitter"])
def test_a_label_that_leaves_open_which_way_it_went_is_outside(label):
    assert names.find_distortion(label) is None
    assert names.is_attribute(label)
    assert len(names.other_meanings(label)) == 2


def test_no_word_means_two_distortions():
    means: dict[str, set[str]] = {}
    for name in DISTORTIONS:
        for word in (name, *names.SYNONYMS[name]):
            means.setdefault(names.normalise_label(word), set()).add(name)
    assert [word for word, found in means.items() if len(found) > 1] == []


def test_a_picture_has_no_motion():
    assert names.possible_distortions("image") == SPATIAL
    assert names.possible_distortions("video") == SPATIAL + MOTION


def test_an_unknown_label_is_told_with_the_near_names():
    assert names.similar_distortions("noisse") == "similar: noise"
    assert names.similar_distortions("qqq") == ""


def test_every_word_stands_in_the_page_about_labels():
    page = (Path(__file__).resolve().parents[3] / "docs/distortions.md").read_text("utf-8")
    for name in DISTORTIONS:
        assert f"| {name} | {', '.join(names.SYNONYMS[name])} |" in page
    for word, meant in names.AMBIGUOUS.items():
        (line,) = (at for at in page.splitlines() if at.endswith(f"| {' or '.join(meant)} |"))
        assert word in line
