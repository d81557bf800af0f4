"""qbuild/media/files/duplicates.py: the same bytes under two names."""

from __future__ import annotations

import pyarrow as pa
import tables
from images import write_image

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import Sources
from qbuild.core.media_roots import MediaRoots
from qbuild.media.files.duplicates import duplicates


def repeated(tmp_path, *names):
    paths = [{"media_id": f"d:{n}#{i}", "dataset": "d", "path": n} for i, n in enumerate(names)]
    artifact = tables.write_artifact(tmp_path / "f.parquet", pa.Table.from_pylist(paths), "file")
    sources = Sources([], tmp_path, 2, artifacts=[Artifact.open(artifact)])
    return duplicates(sources, MediaRoots({"": tmp_path}))


def test_a_copy_is_a_duplicate_of_the_first_of_its_bytes(tmp_path):
    first = write_image(tmp_path / "a.png")
    for copy in ("b.png", "c.png"):
        (tmp_path / copy).write_bytes(first.read_bytes())
    write_image(tmp_path / "d.png", seed=1)
    assert repeated(tmp_path, "a.png", "d.png", "b.png", "c.png") == {2: "a.png", 3: "a.png"}


def test_files_of_one_length_and_other_bytes_are_none(tmp_path):
    for name, data in (("a.png", b"one"), ("b.png", b"two")):
        (tmp_path / name).write_bytes(data)
    assert repeated(tmp_path, "a.png", "b.png") == {}


def test_a_medium_named_twice_and_a_file_that_is_gone_are_none(tmp_path):
    write_image(tmp_path / "a.png")
    assert repeated(tmp_path, "a.png", "gone.png", "a.png", "gone.png") == {}


def test_empty_files_are_none_since_each_is_refused_for_itself(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).touch()
    assert repeated(tmp_path, "a.png", "b.png") == {}
