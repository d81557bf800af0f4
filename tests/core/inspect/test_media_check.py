"""qbuild/core/inspect/media_check.py: found, missing, extra and outside."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from pairs import medium, pair
from tables import rating_table, write_artifact

from qbuild.core.errors import SchemaError, UsageError
from qbuild.core.inspect.media_check import check_media, listing
from qbuild.core.rows.rejections import reject_rows
from qbuild.core.schema import load_schema


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root/clips").mkdir(parents=True)
    return tmp_path / "root"


def ratings(tmp_path, count=4, datasets=1, **columns):
    return write_artifact(tmp_path / "r.parquet", rating_table(count, datasets, **columns))


def test_all_found_is_complete(tmp_path, root):
    for at in range(4):
        (root / f"clips/{at:06d}.mp4").touch()
    report = check_media([ratings(tmp_path)], [str(root)])
    assert report.complete
    assert [(d.dataset, d.found) for d in report.datasets] == [("set0", 4)]
    assert report.roots[0].extra == []


def test_missing_and_extra_files_are_named_and_hidden_ones_left_out(tmp_path, root):
    for name in ("clips/000000.mp4", "notes.txt", ".hidden", "clips/.DS_Store"):
        (root / name).touch()
    report = check_media([ratings(tmp_path, 2)], [str(root)])
    assert not report.complete
    assert report.datasets[0].missing == ["clips/000001.mp4"]
    assert report.roots[0].extra == ["notes.txt"]


def test_a_hidden_file_that_a_row_names_is_found(tmp_path, root):
    (root / ".a.jpg").touch()
    table = rating_table(1, 1, path=[".a.jpg"], media_id=["set0:.a.jpg"])
    report = check_media([write_artifact(tmp_path / "r.parquet", table)], [str(root)])
    assert report.complete


def test_links_out_of_the_root_are_outside_and_links_inside_are_found(tmp_path, root):
    (tmp_path / "other").mkdir()
    (tmp_path / "other/000000.mp4").touch()
    (root / "clips/000000.mp4").symlink_to(tmp_path / "other/000000.mp4")
    (root / "real.mp4").touch()
    (root / "clips/000001.mp4").symlink_to(root / "real.mp4")
    (root / "away").symlink_to(tmp_path / "other")
    report = check_media([ratings(tmp_path, 2)], [str(root)])
    assert report.datasets[0].outside == ["clips/000000.mp4"]
    assert report.datasets[0].found == 1
    assert report.roots[0].outside == ["away", "clips/000000.mp4"]
    assert not report.complete


def test_a_circle_of_links_ends(root):
    (root / "clips/up").symlink_to(root)
    assert listing(root) == (set(), set())


def test_each_dataset_is_looked_up_in_its_own_root(tmp_path, root):
    other = root / "inner"
    other.mkdir()
    (other / "clips").mkdir()
    (root / "clips/000000.mp4").touch()
    (other / "clips/000001.mp4").touch()
    report = check_media([ratings(tmp_path, 2, 2)], [f"set0={root}", f"set1={other}"])
    assert report.complete
    assert [files.extra for files in report.roots] == [[], []]  # a root inside a root is its own


def test_datasets_of_one_root_share_its_extra_files(tmp_path, root):
    for name in ("clips/000000.mp4", "clips/000001.mp4", "clips/more.mp4"):
        (root / name).touch()
    report = check_media([ratings(tmp_path, 2, 2)], [str(root)])
    assert report.complete
    assert [(r.datasets, r.extra) for r in report.roots] == [(["set0", "set1"], ["clips/more.mp4"])]


def test_a_folder_with_its_own_media_needs_no_root(tmp_path):
    place = tmp_path / "made"
    (place / "media/clips").mkdir(parents=True)
    (place / "media/clips/000000.mp4").touch()
    write_artifact(place / "artifact.parquet", rating_table(1, 1))
    assert check_media([place], []).complete


def test_media_of_pairs_are_found_by_the_dataset_in_their_ids(tmp_path, root):
    shown = [medium("clips/a.jpg", media_id="a%3Ab:clips/a.jpg"), medium("x:y.jpg")]
    table = pa.Table.from_pylist(
        [pair(media=shown), pair(media=[])], load_schema("instruction").arrow
    )
    (root / "clips/a.jpg").touch()
    path = write_artifact(tmp_path / "qa.parquet", table, "instruction")
    report = check_media([path], [f"a:b={root}", f"koniq={root / 'clips'}"])
    assert [(d.dataset, d.found, d.missing) for d in report.datasets] == [
        ("a:b", 1, []), ("koniq", 0, ["x:y.jpg"]),
    ]  # fmt: skip


def test_a_dataset_without_a_root_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no folder for dataset 'set0'"):
        check_media([ratings(tmp_path)], [])


def test_rows_that_name_no_media_are_a_schema_error(tmp_path, root):
    rejected = reject_rows([{"source_file": "x", "source_row": 1}], "one", ["m"])
    path = write_artifact(tmp_path / "x.parquet", rejected, "rejected")
    with pytest.raises(SchemaError, match="name no media"):
        check_media([path], [str(root)])


def test_twenty_thousand_files_take_seconds(tmp_path, root):
    for at in range(20_000):
        (root / f"clips/{at:06d}.mp4").touch()
    path = ratings(tmp_path, 30_000)
    since = time.monotonic()
    report = check_media([path], [str(root)])
    assert (report.datasets[0].found, len(report.datasets[0].missing)) == (20_000, 10_000)
    assert time.monotonic() - since < 5


def test_two_folders_of_one_dataset_are_each_looked_up_in_their_own_media(tmp_path):
    places = [tmp_path / "one", tmp_path / "other"]
    for number, place in enumerate(places):
        (place / "media").mkdir(parents=True)
        (place / f"media/{number}.png").touch()
        table = rating_table(1, 1, path=[f"{number}.png"], media_id=[f"set0:{number}.png"])
        write_artifact(place / "artifact.parquet", table)
    report = check_media(places, [])
    assert report.complete
    assert [(d.dataset, d.found) for d in report.datasets] == [("set0", 1), ("set0", 1)]
    assert [r.extra for r in report.roots] == [[], []]
