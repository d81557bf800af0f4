"""qbuild/media/files/listing.py: folders as rows, and the files of rows."""

from __future__ import annotations

import os

import pytest
from images import image_folder, write_image

from qbuild.core.engine.inputs import Sources
from qbuild.core.errors import InputError, UsageError
from qbuild.core.media_roots import MediaRoots
from qbuild.media.files.listing import FileOptions, listed, roots_of


def rows_of(*paths, kinds=("image", "video"), limit=None, **options):
    (output,) = listed(list(paths), FileOptions(**options), kinds, limit)
    rejected = output.rejected.to_pylist() if output.rejected is not None else []
    return output.rows.to_pylist(), rejected, output.tally


def test_a_folder_is_a_dataset_and_its_files_are_rows_in_the_order_of_their_names(tmp_path):
    folder = image_folder(tmp_path / "coco", count=2)
    write_image(folder / "deep/er/z.jpg")
    rows, rejected, _ = rows_of(folder)
    assert [row["media_id"] for row in rows] == ["coco:p0.png", "coco:p1.png", "coco:deep/er/z.jpg"]
    assert rejected == []


def test_what_is_said_of_the_files_stands_in_every_row(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    ((row,), _, _) = rows_of(folder, dataset="kodak", licence="CC0", source="page")
    assert (row["dataset"], row["licence"], row["source"]) == ("kodak", "CC0", "page")


def test_files_of_other_endings_are_counted_and_hidden_ones_are_not(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_text("x")
    (folder / ".git").mkdir()
    write_image(folder / ".git/x.png")
    rows, _, tally = rows_of(folder)
    assert len(rows) == 1
    assert tally["ignored"] == 1


def test_a_stage_that_takes_pictures_leaves_videos_out(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "v.mp4").write_text("x")
    rows, _, tally = rows_of(folder, kinds=("image",))
    assert [row["path"] for row in rows] == ["p0.png"]
    assert tally["ignored"] == 1


def test_a_file_given_by_its_name_is_a_row_whatever_its_ending(tmp_path):
    picture = write_image(tmp_path / "a/p.png").rename(tmp_path / "a/p.data")
    rows, _, _ = rows_of(picture)
    assert [row["media_id"] for row in rows] == ["a:p.data"]


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_not(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "inside.png").symlink_to(folder / "p0.png")
    (folder / "outside.png").symlink_to(write_image(tmp_path / "other.png"))
    rows, (rejected,), _ = rows_of(folder)
    assert [row["path"] for row in rows] == ["inside.png", "p0.png"]
    assert rejected["reason"] == "outside-root"
    assert "outside.png" in rejected["message"]


def test_a_linked_folder_outside_is_refused_and_one_inside_is_not_listed_twice(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    write_image(folder / "sub/in.png")
    (folder / "again").symlink_to("sub")
    (folder / "sub/up").symlink_to("..")
    (folder / "sub/out").symlink_to(image_folder(tmp_path / "other", count=1))
    rows, (rejected,), _ = rows_of(folder)
    assert [row["path"] for row in rows] == ["p0.png", "sub/in.png"]
    assert (rejected["reason"], rejected["value"]) == ("outside-root", "sub/out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_refused_by_name(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    closed = folder / "closed"
    closed.mkdir(mode=0o000)
    try:
        _, (rejected,), _ = rows_of(folder)
    finally:
        closed.chmod(0o700)
    assert (rejected["reason"], rejected["value"]) == ("no-permission", "closed")


def test_a_folder_without_media_is_an_error_that_tells_what_was_left_out(tmp_path):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/a.heic").touch()
    with pytest.raises(InputError, match=r"holds no image; 1 file of other endings.*\.heic 1"):
        rows_of(tmp_path / "photographs", kinds=("image",))


def test_numbers_of_a_pipeline_stand_for_text():
    assert FileOptions(dataset=2024).dataset == "2024"


@pytest.mark.parametrize("name", [b"\xff.png", b"a\\b.png", b"a\nb.png"])
def test_a_name_that_no_row_can_hold_is_refused(tmp_path, name):
    folder = image_folder(tmp_path / "a", count=1)
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - no text name
        file.write(b"x")
    rows, (rejected,), _ = rows_of(folder)
    assert len(rows) == 1
    assert rejected["reason"] == "unusable-name"


def test_the_limit_counts_usable_rows(tmp_path):
    rows, _, _ = rows_of(image_folder(tmp_path / "a", count=5), limit=2)
    assert len(rows) == 2


def test_a_folder_given_twice_is_listed_once(tmp_path):
    folder = image_folder(tmp_path / "a", count=2)
    rows, _, _ = rows_of(folder, folder / "p0.png", folder)
    assert len(rows) == 2


def test_two_folders_of_one_name_are_an_error_that_names_both(tmp_path):
    folders = [image_folder(tmp_path / n / "images", count=1) for n in ("one", "two")]
    with pytest.raises(UsageError, match="dataset 'images' already stands for"):
        rows_of(*folders)


def inputs(tmp_path, files=(), media_roots=()):
    return Sources(list(files), tmp_path, 10, media_roots=tuple(media_roots))


def test_media_are_found_below_the_folder_given_or_the_root_named(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    places = roots_of(inputs(tmp_path, [folder], [f"koniq={tmp_path}"]), FileOptions())
    assert places.find("a", "p0.png") == folder / "p0.png"
    assert places.find("koniq", "a/p0.png").is_file()
    with pytest.raises(UsageError, match="no folder for dataset 'spaq'"):
        places.find("spaq", "p0.png")


def test_a_root_named_for_a_dataset_goes_before_the_folder_given(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    places = roots_of(inputs(tmp_path, [folder], [f"a={tmp_path}"]), FileOptions())
    assert places.find("a", "a/p0.png").is_file()


def test_a_path_that_leaves_its_root_is_refused(tmp_path):
    places = MediaRoots({"": tmp_path})
    with pytest.raises(InputError, match="leaves its root"):
        places.find("a", "../x.png")
