"""Rows divided into splits: shares, groups that stay together, and what is wrong with them."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice

import distorted
import pairs
import pyarrow as pa
import pytest
from depictions import depictions
from images import write_image
from running import rejected_of, rows_of, run_stage
from tables import rating_table, write_artifact

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import CombinedError, InputError, QbuildError, SchemaError, UsageError
from qbuild.core.pipeline.load import load_pipeline
from qbuild.core.pipeline.run import run as run_pipeline
from qbuild.core.schema import load_schema
from qbuild.stages.split import STAGE, render


def ratings(tmp_path, paths, name="ratings.parquet", **columns):
    ids = [f"d:{path}" for path in paths]
    given = {"media_id": ids, "path": list(paths), "dataset": ["d"] * len(ids), **columns}
    return write_artifact(tmp_path / name, rating_table(len(ids), **given))


def split(inputs, output, **given):
    result = run_stage(STAGE, inputs, output, **given)
    return result, {row["media_id"]: row["split"] for row in rows_of(output)}


def kadid(references=10, each=5):
    return [f"I{r:02d}_{t:02d}_01.png" for r in range(1, references + 1) for t in range(each)]


def splits_per_group(splits, group_of):
    found = defaultdict(set)
    for media_id, name in splits.items():
        found[group_of(media_id)].add(name)
    return found


def test_the_rows_are_those_of_the_input_but_for_the_split(tmp_path):
    artifact = ratings(tmp_path, [f"{at}.png" for at in range(10)], split=["old"] * 10)
    done, splits = split([artifact], tmp_path / "out.parquet")
    assert Counter(splits.values()) == {"train": 8, "test": 2}
    old, new = rows_of(artifact), rows_of(tmp_path / "out.parquet")
    assert [{**row, "split": None} for row in new] == [{**row, "split": None} for row in old]
    assert Artifact.open(tmp_path / "out.parquet").schema.name == "rating"
    assert done.report["replaced"] == 10
    assert "train  8 rows, 80.0% (requested 80.0%), 8 groups" in render(done.report)
    assert "10 rows had another split before" in render(done.report)


def test_three_splits_are_stratified_by_fifths_of_the_scores(tmp_path):
    artifact = ratings(tmp_path, [f"{at}.png" for at in range(500)])
    shares = "train=0.8,val=0.1,test=0.1"
    done, splits = split([artifact], tmp_path / "out.parquet", shares=shares)
    assert Counter(splits.values()) == {"train": 400, "val": 50, "test": 50}
    scores = sorted((row["mos"], row["media_id"]) for row in rows_of(artifact))
    for at in range(5):
        fifth = scores[100 * at : 100 * at + 100]
        counts = Counter(splits[media_id] for _, media_id in fifth)
        assert abs(counts["test"] - 10) <= 1
        assert abs(counts["val"] - 10) <= 1
    assert [one["reached"] for one in done.report["splits"]] == [0.8, 0.1, 0.1]


def test_distorted_copies_of_a_kadid_reference_stay_together(tmp_path):
    done, splits = split([ratings(tmp_path, kadid())], tmp_path / "out.parquet")
    found = splits_per_group(splits, lambda media_id: media_id[2:5])
    assert all(len(names) == 1 for names in found.values())
    assert done.report["groups"] == 10
    assert Counter(splits.values()) == {"train": 40, "test": 10}


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("workers", [1, 2])
def test_batches_and_workers_do_not_change_a_byte(tmp_path, batch_rows, workers):
    artifact = ratings(tmp_path, kadid())
    split([artifact], tmp_path / "one.parquet")
    split([artifact], tmp_path / "two.parquet", batch_rows=batch_rows, workers=workers)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_the_order_of_the_rows_decides_nothing_and_the_seed_does(tmp_path):
    names = kadid(each=4)
    mos = [float(at) for at in range(len(names))]
    forward = ratings(tmp_path, names, mos=mos)
    backward = ratings(tmp_path, names[::-1], "backward.parquet", mos=mos[::-1])
    first = split([forward], tmp_path / "a.parquet")[1]
    assert split([backward], tmp_path / "b.parquet")[1] == first
    assert split([forward], tmp_path / "c.parquet", seed=1)[1] != first


def test_pairs_about_a_source_and_its_distorted_copies_stay_together(tmp_path):
    rows = [
        pairs.pair(
            sample_id=f"{source:016x}{copy:016x}",
            media=[pairs.medium(f"{source}-{copy}.jpg")],
            provenance={"parents": [f"koniq:{source}-{copy}.jpg", f"photos:{source}.jpg"]},
        )
        for source in range(10)
        for copy in range(3)
    ]
    table = pa.Table.from_pylist(rows, schema=load_schema("instruction").arrow)
    artifact = write_artifact(tmp_path / "pairs.parquet", table, "instruction", "distortion-qa")
    done = run_stage(STAGE, [artifact], tmp_path / "out.parquet", shares="train=0.7,test=0.3")
    found = defaultdict(set)
    for row in rows_of(tmp_path / "out.parquet"):
        found[row["provenance"]["parents"][1]].add(row["split"])
    assert sorted(Counter(tuple(names) for names in found.values()).values()) == [3, 7]
    assert done.report["grouped_by"]["source-medium"] == 30


def test_labels_of_distortions_stay_with_their_source(tmp_path):
    rows = [
        distorted.row(f"{at}.jpg", "spatial blur", source_media_id=f"photos:{at // 2}.jpg")
        for at in range(10)
    ]
    artifact = write_artifact(
        tmp_path / "labels.parquet", distorted.table(rows), "distortion", "distortion-qa"
    )
    _, splits = split([artifact], tmp_path / "out.parquet")
    found = splits_per_group(splits, lambda name: int(name.split(":")[1].split(".")[0]) // 2)
    assert all(len(names) == 1 for names in found.values())


def test_depictions_of_one_medium_stay_together(tmp_path):
    rows = pa.Table.from_pylist(depictions(40, 0), schema=load_schema("depiction").arrow)
    artifact = write_artifact(tmp_path / "d.parquet", rows, "depiction", "ingest-depictions")
    run_stage(STAGE, [artifact], tmp_path / "out.parquet")
    found = defaultdict(set)
    for row in rows_of(tmp_path / "out.parquet"):
        found[row["media_id"]].add(row["split"])
    assert all(len(names) == 1 for names in found.values())


def test_files_of_equal_bytes_stay_together(tmp_path):
    for at in range(10):
        write_image(tmp_path / "media" / f"{at}.png", seed=at // 2)
    artifact = ratings(tmp_path, [f"{at}.png" for at in range(10)])
    given = {"group_by": "content", "roots": (str(tmp_path / "media"),)}
    done, splits = split([artifact], tmp_path / "out.parquet", **given)
    assert done.report["groups"] == 5
    assert all(splits[f"d:{at}.png"] == splits[f"d:{at + 1}.png"] for at in range(0, 10, 2))


def test_a_column_of_a_table_groups_rows_by_path(tmp_path):
    prompts = ["".join(["id,Prompt\n", *(f"{at}.png,prompt {at % 4}\n" for at in range(20))])]
    (tmp_path / "prompts.csv").write_text(prompts[0].replace("id,", "file_name,"))
    artifact = ratings(tmp_path, [f"{at}.png" for at in range(20)])
    given = {"group_by": "prompt", "groups": (str(tmp_path / "prompts.csv"),)}
    done, splits = split(
        [artifact], tmp_path / "out.parquet", shares="train=0.75,test=0.25", **given
    )
    found = splits_per_group(splits, lambda name: int(name[2:].removesuffix(".png")) % 4)
    assert sorted(tuple(names) for names in found.values()) == [("test",), *[("train",)] * 3]
    assert done.report["grouped_by"] == {"prompt": 20}


def test_an_artifact_names_the_sources_of_media(tmp_path):
    rows = [distorted.row(f"{at}.jpg", source_media_id=f"x:{at % 2}.jpg") for at in range(6)]
    dataset = rows[0]["dataset"]
    sources = write_artifact(
        tmp_path / "sources.parquet", distorted.table(rows), "distortion", "distortion-qa"
    )
    ids = [row["media_id"] for row in rows]
    artifact = ratings(
        tmp_path, [f"{at}.jpg" for at in range(6)], media_id=ids, dataset=[dataset] * 6
    )
    given = {"groups": (str(sources),), "shares": "a=0.5,b=0.5"}
    done, splits = split([artifact], tmp_path / "out.parquet", **given)
    assert splits[ids[0]] == splits[ids[2]] != splits[ids[1]]
    assert "no split is named train" in done.report["warnings"][0]


def test_a_pattern_reads_the_reference_from_the_path(tmp_path):
    artifact = ratings(tmp_path, [f"DALLE_{at:02d}_{at % 5}.jpg" for at in range(20)])
    given = {"group_by": ("reference",), "reference_pattern": r"_([0-9])\.jpg"}
    _, splits = split([artifact], tmp_path / "out.parquet", **given)
    found = splits_per_group(splits, lambda name: name[-5])
    assert Counter(tuple(names) for names in found.values()) == {("train",): 4, ("test",): 1}


def test_rows_whose_sources_are_not_known_are_split_with_a_warning(tmp_path):
    known, unknown = ratings(tmp_path, kadid(10, 4)), tmp_path / "unknown"
    unknown.mkdir()
    done, _ = split([known], tmp_path / "out.parquet")
    assert not any("copies" in warning for warning in done.report["warnings"])
    plain = ratings(unknown, [f"photo-{at}.png" for at in range(20)])
    done, _ = split([plain], tmp_path / "other.parquet")
    assert done.report["warnings"][0] == (
        "no row names its source medium or its reference: copies of one source may be in several"
        " splits; name them with --reference-pattern or --groups"
    )


def test_rows_without_a_value_are_groups_of_their_own_and_counted(tmp_path):
    artifact = ratings(tmp_path, [*kadid(4, 4), "other.png"])
    done, _ = split([artifact], tmp_path / "out.parquet", group_by=("reference",))
    assert done.report["groups"] == 5
    assert done.report["warnings"][0].startswith(
        "--group-by reference: 1 row without a value; each of their media is a separate group"
    )


def test_a_group_larger_than_a_share_is_reported(tmp_path):
    artifact = ratings(tmp_path, kadid(3, 10))
    done, splits = split([artifact], tmp_path / "out.parquet")
    assert Counter(splits.values()) == {"train": 20, "test": 10}
    assert done.report["warnings"] == [
        "train has 66.7% of the rows instead of 80.0%; groups have up to 10 rows",
        (
            "3 groups with more rows than the share of test (6 rows); the largest,"
            " medium:d:I01_00_01.png, has 10"
        ),
    ]


def test_identical_rows_collapse_and_conflicting_rows_are_rejected(tmp_path):
    names = [f"{at}.png" for at in range(10)]
    first = ratings(tmp_path, names, mos=[1.0] * 10)
    second = ratings(tmp_path, names[:2], "second.parquet", mos=[1.0, 2.0], mos_std=[3.0, 3.0])
    third = ratings(tmp_path, names[:1], "third.parquet", mos=[1.0], mos_std=[3.0])
    inputs = [second, third, first]
    done, _ = split(inputs, tmp_path / "out.parquet", max_reject_share=1.0)
    assert done.report["rows"] == 8
    assert {row["reason"] for row in rejected_of(tmp_path / "out.parquet")} == {"conflict"}


# ---- errors


def error_of(artifact, tmp_path, kind: type[QbuildError] = UsageError, **given):
    with pytest.raises(kind) as raised:
        split([artifact], tmp_path / "out.parquet", **given)
    assert not (tmp_path / "out.parquet").exists()
    return str(raised.value)


def test_a_missing_column_is_an_error_with_near_names(tmp_path):
    artifact = ratings(tmp_path, ["a.png", "b.png"])
    assert error_of(artifact, tmp_path, group_by="refrence") == (
        "--group-by refrence: is not a column of the rows or of a table given with --groups;"
        " expected medium, source-medium, reference, content, or a column."
        " Did you mean reference, licence?"
    )


def test_a_constant_column_is_an_error(tmp_path):
    artifact = ratings(tmp_path, ["a.png", "b.png"])
    assert error_of(artifact, tmp_path, group_by="dataset") == (
        "--group-by dataset: 2 rows are in 1 group (such as 'dataset:d'); expected at least 2, one"
        " per split: train, test. Group by another column, or add rows."
    )


def test_a_column_without_a_value_is_an_error(tmp_path):
    artifact = ratings(tmp_path, ["a.png", "b.png"])
    assert "--group-by source-medium: no row has a value" in error_of(
        artifact, tmp_path, group_by="source-medium"
    )
    message = error_of(artifact, tmp_path, group_by="content")
    assert "Give the folder with --media-root." in message


def test_a_share_that_no_group_fits_is_an_empty_split_and_an_error(tmp_path):
    artifact = ratings(tmp_path, kadid(3, 10))
    given = {"shares": "train=0.5,val=0.49,test=0.01"}
    assert error_of(artifact, tmp_path, InputError, **given) == (
        "--shares test: the split is empty: train 20 rows, val 10 rows, test 0 rows; the smallest"
        " of 3 groups has 10 rows; expected at least one row in each split. Give the split a"
        " larger share, or group by another column."
    )


def test_a_missing_table_and_one_with_two_values_are_errors(tmp_path):
    artifact = ratings(tmp_path, ["a.png", "b.png"])
    message = error_of(artifact, tmp_path, InputError, groups=("none.csv",))
    assert message.startswith("--groups none.csv: no such file")
    table = tmp_path / "twice.csv"
    table.write_text("path,prompt\na.png,x\na.png,y\n")
    message = error_of(artifact, tmp_path, InputError, groups=(str(table),), group_by="prompt")
    assert "a.png: has two values of prompt, 'x' and 'y'; expected one per medium" in message


def test_artifacts_of_two_schemas_are_an_error(tmp_path):
    table = pa.Table.from_pylist(pairs.many(3), schema=load_schema("instruction").arrow)
    other = write_artifact(tmp_path / "pairs.parquet", table, "instruction", "scoring-qa")
    artifact = ratings(tmp_path, ["a.png", "b.png"])
    with pytest.raises((SchemaError, CombinedError), match="expected schema rating"):
        split([artifact, other], tmp_path / "out.parquet")


def test_a_pipeline_splits_once(tmp_path):
    ratings(tmp_path, kadid())
    (tmp_path / "p.yaml").write_text(
        "steps:\n- id: parts\n  stage: split\n  inputs: [ratings.parquet]\n"
        "  options: {shares: 'train=0.6,val=0.2,test=0.2', group-by: reference}\n"
    )
    pipeline = load_pipeline(tmp_path / "p.yaml", {"split": STAGE}, {"split": STAGE}.__getitem__)
    first, second = (run_pipeline(pipeline, tmp_path / "work", Runtime()) for _ in range(2))
    assert [bool(decision.reasons) for decision, _ in (*first, *second)] == [True, False]
    rows = rows_of(next(islice((tmp_path / "work").rglob("parts.parquet"), 1)))
    assert Counter(row["split"] for row in rows) == {"train": 30, "val": 10, "test": 10}
