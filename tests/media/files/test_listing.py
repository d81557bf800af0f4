"""qbuild/media/files/listing.py: the media of folders as rows."""

from __future__ import annotations

import os

import pytest
from images import image_folder, write_image

from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, UsageError
from qbuild.media.files.listing import (
    FileOptions,
    _count_ignored,
    format_ignored,
    ignored_report,
    list_media,
)


def rows_of(*paths, kinds=("image", "video"), limit=None, **options):
    (output,) = list_media(list(paths), FileOptions(**options), limit, kinds)
    rejected = output.rejected.to_pylist() if output.rejected is not None else []
    return output.rows.to_pylist(), rejected, output.tally


def test_a_folder_is_a_dataset_and_its_files_are_rows_ordered_by_name(tmp_path):
    folder = image_folder(tmp_path / "coco", count=2)
    write_image(folder / "deep/er/z.jpg")
    rows, rejected, _ = rows_of(folder)
    assert [row["media_id"] for row in rows] == ["coco:p0.png", "coco:p1.png", "coco:deep/er/z.jpg"]
    assert rejected == []


def test_the_options_are_columns_of_every_row(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    ((row,), _, _) = rows_of(folder, dataset="kodak", licence="CC0", source="page")
    assert (row["dataset"], row["licence"], row["source"]) == ("kodak", "CC0", "page")


def test_files_with_other_suffixes_are_counted_and_hidden_ones_are_not(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "notes.txt").write_text("x")
    (folder / ".hidden.png").write_text("x")
    (folder / ".git").mkdir()
    write_image(folder / ".git/x.png")
    rows, _, tally = rows_of(folder)
    assert len(rows) == 1
    assert tally["ignored"] == 1


def test_a_stage_that_reads_images_ignores_videos(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "v.mp4").write_text("x")
    rows, _, tally = rows_of(folder, kinds=("image",))
    assert [row["path"] for row in rows] == ["p0.png"]
    assert tally["ignored"] == 1


def test_a_file_given_by_its_path_is_a_row_whatever_its_suffix(tmp_path):
    image = write_image(tmp_path / "a/p.png").rename(tmp_path / "a/p.data")
    rows, _, _ = rows_of(image)
    assert [row["media_id"] for row in rows] == ["a:p.data"]


def test_a_link_out_of_the_folder_is_rejected_and_one_inside_is_not(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    (folder / "inside.png").symlink_to(folder / "p0.png")
    (folder / "outside.png").symlink_to(write_image(tmp_path / "other.png"))
    rows, (rejected,), _ = rows_of(folder)
    assert [row["path"] for row in rows] == ["inside.png", "p0.png"]
    assert rejected["reason"] == "outside-root"
    assert "outside.png" in rejected["message"]


def test_a_linked_folder_outside_is_rejected_and_one_inside_is_not_listed_twice(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    write_image(folder / "sub/in.png")
    (folder / "again").symlink_to("sub")
    (folder / "sub/up").symlink_to("..")
    (folder / "sub/out").symlink_to(image_folder(tmp_path / "other", count=1))
    rows, (rejected,), _ = rows_of(folder)
    assert [row["path"] for row in rows] == ["p0.png", "sub/in.png"]
    assert (rejected["reason"], rejected["value"]) == ("outside-root", "sub/out")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_rejected_by_name(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    closed = folder / "closed"
    closed.mkdir(mode=0o000)
    try:
        _, (rejected,), _ = rows_of(folder)
    finally:
        closed.chmod(0o700)
    assert (rejected["reason"], rejected["value"]) == ("no-permission", "closed")


def test_a_folder_without_media_is_an_error_that_lists_ignored_files(tmp_path):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs/a.heic").touch()
    with pytest.raises(InputError, match=r"holds no image; 1 file with other suffixes.*\.heic 1"):
        rows_of(tmp_path / "photographs", kinds=("image",))


def test_numbers_in_a_pipeline_are_accepted_as_text():
    assert FileOptions(dataset=2024).dataset == "2024"


@pytest.mark.parametrize("name", [b"\xff.png", b"a\\b.png", b"a\nb.png"])
def test_a_name_that_no_row_can_hold_is_rejected(tmp_path, name):
    folder = image_folder(tmp_path / "a", count=1)
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - the name is not text
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


def test_two_folders_with_one_name_are_an_error_that_names_both(tmp_path):
    folders = [image_folder(tmp_path / n / "images", count=1) for n in ("one", "two")]
    with pytest.raises(UsageError, match="dataset 'images' is already the folder"):
        rows_of(*folders)


def report_of(*names):
    tally = Tally()
    for name in names:
        _count_ignored(name, tally)
    return ignored_report(tally)


def test_suffixes_are_counted_in_lower_case_and_the_most_frequent_is_first():
    report = report_of("a.heic", "b.HEIC", "c.d/notes", "c.tga", "x.jp2")
    assert report["ignored"] == 5
    assert list(report["ignored_endings"].items()) == [
        (".heic", 2),
        (".jp2", 1),
        (".tga", 1),
        ("no ending", 1),
    ]


def test_the_line_names_the_suffixes():
    assert format_ignored(report_of("a.heic", "b.heic")) == [
        "2 files with other suffixes ignored: .heic 2"
    ]


def test_many_suffixes_are_summarised_and_none_give_no_line():
    (line,) = format_ignored(report_of(*(f"x.e{n:02}" for n in range(11))))
    assert line.startswith("11 files with other suffixes ignored: .e00 1, .e01 1")
    assert line.endswith(".e07 1, 3 more suffixes")
    assert format_ignored(report_of()) == []
