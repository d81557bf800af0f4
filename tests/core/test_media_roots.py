"""qbuild/core/media_roots.py: one folder a dataset, out of which no path leads."""

from __future__ import annotations

import pyarrow as pa
import pytest

from qbuild.core.errors import InputError, UsageError
from qbuild.core.media_roots import MediaRoots, media_of


def test_a_dataset_has_its_own_folder_and_the_nameless_one_serves_the_rest(tmp_path):
    own, rest = tmp_path / "own", tmp_path / "rest"
    own.mkdir()
    rest.mkdir()
    roots = MediaRoots.parse([f"koniq={own}", str(rest)])
    assert roots.root("koniq") == own
    assert roots.root("spaq") == rest


def test_a_dataset_without_a_folder_lists_the_near_ones(tmp_path):
    with pytest.raises(UsageError) as caught:
        MediaRoots.parse([f"koniq={tmp_path}"]).root("konik")
    assert str(caught.value) == (
        "--media-root: no folder for dataset 'konik'; expected --media-root konik=DIR. "
        "Did you mean koniq?"
    )


def test_a_missing_folder_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        MediaRoots.parse([f"koniq={tmp_path / 'none'}"])


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a//b", "", "./a"])
def test_a_path_that_leaves_its_root_is_rejected(tmp_path, path):
    with pytest.raises(InputError, match="leads out of its root"):
        MediaRoots.parse([str(tmp_path)]).find("set", path)


def test_two_dots_inside_a_name_are_fine(tmp_path):
    assert MediaRoots.parse([str(tmp_path)]).find("set", "a..b/..c") == tmp_path / "a..b/..c"


def test_a_link_out_of_the_root_is_rejected_and_one_inside_is_followed(tmp_path):
    root = tmp_path / "root"
    (root / "real").mkdir(parents=True)
    (tmp_path / "secret").touch()
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "in").symlink_to(root / "real")
    roots = MediaRoots.parse([str(root)])
    assert roots.find("set", "in/x.jpg") == root / "in/x.jpg"
    with pytest.raises(InputError, match="a symbolic link leads out of"):
        roots.find("set", "out")


def test_media_made_with_an_artifact_are_found_next_to_it(tmp_path):
    folder = tmp_path / "clips"
    (folder / "media").mkdir(parents=True)
    roots = MediaRoots.parse([f"koniq={tmp_path}", str(tmp_path)])
    made = roots.next_to(folder / "artifact.parquet")
    assert made.root("clips") == folder / "media"
    assert made.root("koniq") == tmp_path
    assert roots.next_to(folder / "other.parquet") == roots
    assert roots.next_to(tmp_path / "artifact.parquet") == roots


def test_a_folder_of_an_input_serves_only_its_dataset(tmp_path):
    roots = MediaRoots({}).with_made({"a": tmp_path})
    assert roots.locate("a:x.png", "x.png").file == tmp_path / "x.png"
    assert roots.has("a")
    assert not roots.has("b")


def test_media_are_read_from_flat_rows_and_from_pairs():
    columns = ["media_id", "dataset", "path", "sha256"]
    flat = pa.table({"path": ["x.png"], "media_id": ["a%3Ab:x.png"]})
    medium = {"media_id": "a%3Ab:x.png", "path": "x.png", "sha256": None, "kind": "image"}
    pairs = pa.table({"media": [[medium, medium], []]})
    row = {"media_id": "a%3Ab:x.png", "dataset": "a:b", "path": "x.png", "sha256": None}
    assert media_of(flat, columns).to_pylist() == [row]
    assert media_of(pairs, columns).to_pylist() == [row, row]
