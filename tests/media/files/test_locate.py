"""qbuild/media/files/locate.py: the files of rows, and files with the same bytes."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tables
from images import image_folder, write_image

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import RunInputs
from qbuild.core.errors import UsageError
from qbuild.core.media_roots import MediaRoots
from qbuild.core.rows.rejections import RejectedError
from qbuild.media.files.locate import MediaFiles, find_copies


def row(dataset, path):
    return {"dataset": dataset, "path": path}


def media_of(tmp_path, files=(), media_roots=()):
    inputs = RunInputs(list(files), tmp_path, 10, media_roots=tuple(media_roots))
    return MediaFiles.of(inputs, dataset="")


def test_media_are_found_in_the_input_folder_or_below_the_media_root(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    media = media_of(tmp_path, [folder], [f"koniq={tmp_path}"])
    assert media.find(0, row("a", "p0.png")) == folder / "p0.png"
    assert media.find(0, row("koniq", "a/p0.png")).is_file()
    with pytest.raises(UsageError, match="no folder for dataset 'spaq'"):
        media.find(0, row("spaq", "p0.png"))


def test_the_media_root_of_a_dataset_overrides_the_input_folder(tmp_path):
    folder = image_folder(tmp_path / "a", count=1)
    media = media_of(tmp_path, [folder], [f"a={tmp_path}"])
    assert media.find(0, row("a", "a/p0.png")).is_file()


def test_a_path_that_leaves_its_root_is_rejected(tmp_path):
    with pytest.raises(RejectedError, match="leads out of its root") as rejected:
        MediaFiles(MediaRoots({"": tmp_path})).find(0, row("d", "../x.png"))
    assert rejected.value.reason == "outside-root"


def test_a_copy_is_rejected_with_the_path_of_the_first(tmp_path):
    media = MediaFiles(MediaRoots({"": tmp_path}), {1: "a.png"})
    assert media.find(0, row("d", "a.png")) == tmp_path / "a.png"
    with pytest.raises(RejectedError, match=r"duplicate-content: the same bytes as a\.png"):
        media.find(1, row("d", "b.png"))


def copies(tmp_path, *names):
    rows = [{"media_id": f"d:{n}#{i}", "dataset": "d", "path": n} for i, n in enumerate(names)]
    artifact = tables.write_artifact(tmp_path / "f.parquet", pa.Table.from_pylist(rows), "file")
    inputs = RunInputs([], tmp_path, 2, artifacts=[Artifact.open(artifact)])
    return find_copies(inputs, MediaFiles(MediaRoots({"": tmp_path})))


def test_a_copy_is_reported_with_the_first_file_of_the_same_bytes(tmp_path):
    first = write_image(tmp_path / "a.png")
    for copy in ("b.png", "c.png"):
        (tmp_path / copy).write_bytes(first.read_bytes())
    write_image(tmp_path / "d.png", seed=1)
    assert copies(tmp_path, "a.png", "d.png", "b.png", "c.png") == {2: "a.png", 3: "a.png"}


def test_files_of_equal_size_and_other_bytes_are_not_copies(tmp_path):
    for name, data in (("a.png", b"one"), ("b.png", b"two")):
        (tmp_path / name).write_bytes(data)
    assert copies(tmp_path, "a.png", "b.png") == {}


def test_a_medium_named_twice_and_a_missing_file_are_not_copies(tmp_path):
    write_image(tmp_path / "a.png")
    assert copies(tmp_path, "a.png", "gone.png", "a.png", "gone.png") == {}


def test_empty_files_are_not_copies_since_each_is_rejected_anyway(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    assert copies(tmp_path, "a.png", "b.png") == {}
