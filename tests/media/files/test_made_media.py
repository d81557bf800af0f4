"""qbuild/media/files/made_media.py: names of made media that any file system accepts."""

from __future__ import annotations

import pytest

from qbuild.core.artifact.output_folder import safe_name
from qbuild.media.files.made_media import MAX_NAME_BYTES, made_name


def test_a_name_contains_dataset_path_and_operation():
    assert made_name("my set", "a/b.jpg", "noise-3-s0.png") == "my set/a/b.jpg.noise-3-s0.png"


@pytest.mark.parametrize("dataset", [".", "..", "a/b", "a/", "/", "ki:d", "a\\b", "x\ny"])
def test_every_dataset_is_a_separate_folder(dataset):
    name = made_name(dataset, "b.jpg", "noise.png")
    assert safe_name(name)
    assert name.isprintable()
    assert name.count("/") == 1


@pytest.mark.parametrize("letter", ["n", "é", "日"])
def test_no_part_of_a_name_is_too_long_for_a_file_system(letter):
    long = letter * (240 // len(letter.encode()))
    name = made_name(long, f"sub/{long}.jpg", "noise-3-s0.png")
    assert max(len(part.encode()) for part in name.split("/")) <= MAX_NAME_BYTES
    assert name.startswith(made_name(long, "x", "y").split("/")[0])
    assert name.endswith(".noise-3-s0.png")


def test_shortened_names_of_two_sources_differ():
    names = {made_name("d", "n" * 245 + end, "noise.png") for end in ("1.jpg", "2.jpg")}
    assert len(names) == 2
