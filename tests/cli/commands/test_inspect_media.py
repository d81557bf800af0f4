"""qbuild/cli/commands/inspect.py: check-media."""

from __future__ import annotations

import pytest


@pytest.fixture
def images(work, tmp_path):
    place = tmp_path / "images"
    for name in ("a.jpg", "b.jpg", "c/d.jpg", "e.jpg", "f.jpg"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(b"x")
    return place


def test_all_found_ends_with_code_0(work, images, qbuild_cli):
    done = qbuild_cli("check-media", work / "levels.parquet", "--media-root", images)
    assert done.code == 0
    assert done.out.splitlines()[0] == f"toy in {images}: 5 found, 0 missing, 0 outside"


def test_missing_files_end_with_code_1_and_are_named(work, images, qbuild_cli):
    (images / "a.jpg").unlink()
    (images / "extra.txt").touch()
    done = qbuild_cli("check-media", work / "levels.parquet", "--media-root", f"toy={images}")
    assert done.code == 1
    assert "  missing: a.jpg" in done.out
    assert "  extra: extra.txt" in done.out
    printed = qbuild_cli("check-media", work / "levels.parquet", "--media-root", images, "--json")
    assert printed.code == 1
    assert printed.json["datasets"][0]["missing_names"] == ["a.jpg"]


def test_list_names_every_file(work, images, qbuild_cli):
    for number in range(30):
        (images / f"more-{number:02}").touch()
    asked = ("check-media", work / "levels.parquet", "--media-root", images)
    assert qbuild_cli(*asked).out.count("  extra: ") == 20
    assert "… 30 extra in all; --list shows them" in qbuild_cli(*asked).out
    assert qbuild_cli(*asked, "--list").out.count("  extra: ") == 30


def test_a_dataset_without_a_root_is_a_usage_error(work, qbuild_cli, images):
    done = qbuild_cli("check-media", work / "levels.parquet", "--json")
    assert done.code == 2
    assert done.error["expected"] == "expected --media-root toy=DIR"


def test_the_media_of_pairs_are_looked_for(work, images, qbuild_cli):
    asked = ("check-media", work / "pairs.parquet", "--media-root", f"toy={images}")
    assert qbuild_cli(*asked).out.splitlines()[0] == (
        f"toy in {images}: 5 found, 0 missing, 0 outside"
    )
    (images / "c/d.jpg").unlink()
    done = qbuild_cli(*asked, "--json")
    assert done.code == 1
    assert done.json["datasets"][0]["missing_names"] == ["c/d.jpg"]
