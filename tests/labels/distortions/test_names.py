"""qbuild/labels/distortions/names.py: labels in any wording as distortion names."""

from __future__ import annotations

from pathlib import Path

import pytest

from qbuild.labels.distortions import names
from qbuild.quality.distortions import DISTORTIONS, MOTION, SPATIAL


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_is_found_in_any_spelling(name):
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
def test_common_labels_are_known(label, name):
    assert names.find_distortion(label) == name


@pytest.mark.parametrize("label", ["contrast", "color", "colour", "exposure", "jitter"])
def test_a_label_without_a_direction_is_outside_the_thirteen(label):
    assert names.find_distortion(label) is None
    assert names.is_attribute(label)
    assert len(names.other_meanings(label)) == 2


def test_no_label_means_two_distortions():
    means: dict[str, set[str]] = {}
    for name in DISTORTIONS:
        for word in (name, *names.SYNONYMS[name]):
            means.setdefault(names.normalise_label(word), set()).add(name)
    assert [word for word, found in means.items() if len(found) > 1] == []


def test_an_image_has_no_motion_distortions():
    assert names.possible_distortions("image") == SPATIAL
    assert names.possible_distortions("video") == SPATIAL + MOTION


def test_an_unknown_label_is_reported_with_similar_names():
    assert names.similar_distortions("noisse") == "similar: noise"
    assert names.similar_distortions("qqq") == ""


def test_every_label_is_documented():
    page = (Path(__file__).resolve().parents[3] / "docs/distortions.md").read_text("utf-8")
    for name in DISTORTIONS:
        assert f"| {name} | {', '.join(names.SYNONYMS[name])} |" in page
    for word, meant in names.AMBIGUOUS.items():
        (line,) = (at for at in page.splitlines() if at.endswith(f"| {' or '.join(meant)} |"))
        assert word in line
