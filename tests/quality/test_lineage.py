"""qbuild/quality/lineage.py: what a checkpoint records as its training data."""

from __future__ import annotations

import pyarrow as pa
import pytest
import tables
from pairs import medium, pair
from predicted import ids, ratings
from trained import record_training

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import CombinedError, InputError
from qbuild.quality.exclusion import read_media_sets
from qbuild.quality.lineage import (
    TRAINED_ON,
    find_overlaps,
    read_trained_media,
    trained_on_digest,
)

HASH, OTHER = "a" * 64, "b" * 64


def instructions(path, *media):
    rows = [pair(sample_id=f"s{at}", media=[one]) for at, one in enumerate(media)]
    table = pa.Table.from_pylist(rows)
    return tables.write_artifact(path, table, "instruction", "scoring-qa")


def checkpoint(tmp_path, name, *artifacts, base=None):
    folder = tmp_path / name
    folder.mkdir()
    lineage = record_training(folder, artifacts, base)
    return folder, lineage


def test_a_checkpoint_names_every_medium_once_in_order(tmp_path):
    one = ratings(tmp_path / "a.parquet", ids(3)[::-1], [1, 2, 3])
    other = ratings(tmp_path / "b.parquet", ids(3, start=1), [2, 1, 4])
    folder, lineage = checkpoint(tmp_path, "model", one, other)
    stored = Artifact.open(folder / TRAINED_ON)
    assert stored.table().column("media_id").to_pylist() == ids(4)
    assert [one.as_dict() for one in stored.description.inputs] == lineage
    assert [(given["name"], given["hash"]) for given in lineage] == [
        (path.name, Artifact.open(path).description.content_hash) for path in (one, other)
    ]


def test_training_on_the_same_media_writes_the_same_bytes(tmp_path):
    one = ratings(tmp_path / "a.parquet", ids(3), [1, 2, 3])
    files = [checkpoint(tmp_path, name, one)[0] / TRAINED_ON for name in ("m1", "m2")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_the_base_was_trained_on_counts_too(tmp_path):
    base, _ = checkpoint(tmp_path, "base", ratings(tmp_path / "a.parquet", ids(2), [1, 2]))
    later = ratings(tmp_path / "b.parquet", ids(1, start=7), [3])
    folder, lineage = checkpoint(tmp_path, "model", later, base=base)
    assert read_trained_media(folder).ids == {*ids(2), *ids(1, start=7)}
    assert [given["name"] for given in lineage] == ["b.parquet", TRAINED_ON]


def test_hashes_of_training_media_are_kept(tmp_path):
    given = instructions(tmp_path / "qa.parquet", medium("x.jpg", sha256=HASH), medium("y.jpg"))
    folder, _ = checkpoint(tmp_path, "model", given)
    sets = read_trained_media(folder)
    assert (sets.name, sets.ids) == ("model", {"koniq:x.jpg", "koniq:y.jpg"})
    assert sets.hashes == {HASH}


def test_the_description_of_a_checkpoint_is_read_as_its_folder(tmp_path):
    folder, _ = checkpoint(tmp_path, "model", ratings(tmp_path / "a.parquet", ids(2), [1, 2]))
    (folder / "qbuild.json").write_text("{}")
    assert read_trained_media(folder / "qbuild.json") == read_trained_media(folder)


def test_artifacts_and_lists_of_ids_name_media_too(tmp_path):
    (tmp_path / "media.txt").write_text("\n".join(ids(2)))
    artifact = ratings(tmp_path / "a.parquet", ids(3), [1, 2, 3])
    sets = read_media_sets([str(tmp_path / "media.txt"), str(artifact)], read_trained_media)
    assert [(one.name, len(one.ids)) for one in sets] == [("media.txt", 2), ("a.parquet", 3)]


def test_a_checkpoint_without_lineage_is_an_error_and_all_errors_are_reported(tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match=f"model: holds no {TRAINED_ON}.*is not known"):
        read_trained_media(tmp_path / "model")
    with pytest.raises(CombinedError) as caught:
        read_media_sets(
            [str(tmp_path / "model"), str(tmp_path / "none.parquet")], read_trained_media
        )
    assert len(caught.value.problems) == 2


def test_a_source_is_recorded_by_its_content_and_not_its_path(tmp_path):
    one = ratings(tmp_path / "a.parquet", ids(2), [1, 2])
    first, _ = checkpoint(tmp_path, "m1", one)
    second, _ = checkpoint(tmp_path, "m2", one)
    assert trained_on_digest(str(first)) == trained_on_digest(str(second))
    assert trained_on_digest(str(first)).startswith(f"{TRAINED_ON}@sha256:")
    assert trained_on_digest(str(tmp_path / "none")) == "none@none"


def test_media_overlap_by_id_by_another_id_and_by_hash(tmp_path):
    given = instructions(tmp_path / "qa.parquet", medium("x.jpg", sha256=HASH), medium("y.jpg"))
    sources = read_media_sets([str(given)], read_trained_media)
    tested = {
        "koniq:y.jpg": [],
        "mine:y.jpg": ["koniq:y.jpg"],
        "mine:x.jpg": [HASH],
        "mine:z.jpg": [OTHER],
    }
    (sets,) = find_overlaps(sources, tested)
    assert sets.source == "qa.parquet"
    assert sets.media == {"koniq:y.jpg", "mine:y.jpg", "mine:x.jpg"}
    assert find_overlaps(sources, {"mine:z.jpg": [OTHER]}) == []
