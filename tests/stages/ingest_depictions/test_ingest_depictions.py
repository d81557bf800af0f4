from __future__ import annotations

import json

import pyarrow as pa
import pytest
from annotated import GOOD, HIGH, LOW, PERSON, done, labelled, result, save
from depictions import depictions
from running import rows_of, run_stage
from tables import write_artifact

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.errors import InputError, SchemaError, TooManyRejectedError, UsageError
from qbuild.labels.depictions.options import DepictionOptions
from qbuild.stages.ingest_depictions import STAGE, IngestOptions

TABLE = (
    "video,overall,in-context,worker,level,date\n"
    f'a.mp4,"{GOOD}",,{PERSON},4,2024-03-07\n'
    f'a.mp4,"{GOOD}",At the end it is dark.,bob,4,2024-03-07\n'
    f'b.mp4,"{LOW}",,bob,5,2024-03-08\n'
)


def ingest(tmp_path, *inputs, name="out", **given):
    """Run the stage on texts (`notes0.csv`, …) or paths; return the result and the output."""
    paths = [
        save(tmp_path / f"notes{number}.csv", one) if isinstance(one, str) else one
        for number, one in enumerate(inputs)
    ]
    output = tmp_path / f"{name}.parquet"
    return run_stage(STAGE, paths, output, **{"share": 0.5, **given}), output


def levels(tmp_path, *rows, name="levels", dataset="notes0"):
    """A `level` artifact of these paths, levels and scores."""
    words = ("Low", "Poor", "Fair", "Good", "High")
    table = pa.Table.from_pylist(
        [
            {
                "media_id": f"{dataset}:{path}",
                "dataset": dataset,
                "path": path,
                "mos": mos,
                "source_file": "made.csv",
                "source_row": number,
                "mos_norm": mos,
                "level": level,
                "word": words[level - 1],
            }
            for number, (path, level, mos) in enumerate(rows, 1)
        ]
    )
    return write_artifact(tmp_path / f"{name}.parquet", table, "level", "mos-to-levels")


def test_a_file_becomes_rows_and_a_report(tmp_path):
    result, output = ingest(tmp_path, TABLE)
    rows = rows_of(output)
    assert [(row["media_id"], row["kind"]) for row in rows] == [
        ("notes0:a.mp4", "overall"),
        ("notes0:a.mp4", "overall"),
        ("notes0:a.mp4", "in-context"),
        ("notes0:b.mp4", "overall"),
    ]
    report = result.report
    assert report["totals"]["policy"]["violations"] == {"High": 1}
    assert report["totals"]["agreement"] == {
        "media": 1,
        "pairs": 1,
        "attributes": 1.0,
        "sides": 1.0,
    }
    assert [one["depictions"] for one in report["annotators"]] in ([1, 3], [3, 1])
    assert "4 depictions of 2 media by 2 annotators" in STAGE.render(report)


def test_no_output_file_names_an_annotator(tmp_path):
    folder = tmp_path / "made"
    folder.mkdir()
    bad = TABLE + f'../c.mp4,"{GOOD}",,{PERSON},4,\n' + f"d.mp4,,,{PERSON},4,\n"
    result, output = ingest(tmp_path, bad, name="made/out", salt="secret")
    assert result.rejected == 2
    text = STAGE.render(result.report) + json.dumps(result.report)
    for path in [output, rejected_path(output)]:
        artifact = Artifact.open(path)
        text += json.dumps([rows_of(path), artifact.description.as_dict()])
    assert "a-" in text
    for part in (PERSON, "Example", "somewhere.test", "bob"):
        assert part not in text
        for path in folder.iterdir():
            assert part.encode() not in path.read_bytes(), path


def test_a_failed_run_names_no_annotator(tmp_path):
    with pytest.raises(TooManyRejectedError) as error:
        ingest(tmp_path, TABLE + f'c.mp4,"{GOOD}",,{PERSON},9,\n', share=0.0, name="out")
    assert PERSON not in str(error.value)
    kept = tmp_path / "out.failed.parquet"
    assert PERSON.encode() not in kept.read_bytes()


def test_a_level_artifact_overrides_the_file_with_a_warning(tmp_path):
    level_artifact = levels(tmp_path, ("a.mp4", 3, 55.5), ("other.mp4", 1, 5.0))
    result, output = ingest(tmp_path, TABLE, level_artifact)
    assert [(row["level"], row["word"], row["mos_norm"]) for row in rows_of(output)] == [
        *[(3, "Fair", 55.5)] * 3,
        (5, None, None),
    ]
    assert result.report["warnings"] == [
        "3 depictions with another level than the level artifact, which is used",
        "1 depiction of media that no level artifact contains",
    ]
    assert (result.report["levels_joined"], result.report["levels_at_odds"]) == (3, 3)


def test_a_score_rounded_for_display_is_not_a_difference(tmp_path):
    text = f'video,overall,mos_norm\na.mp4,"{GOOD}",71.5\nb.mp4,"{GOOD}",60\n'
    level_artifact = levels(tmp_path, ("a.mp4", 4, 71.4567), ("b.mp4", 4, 61.0))
    result, output = ingest(tmp_path, text, level_artifact)
    assert [row["mos_norm"] for row in rows_of(output)] == [71.4567, 61.0]
    assert result.report["warnings"] == [
        "1 depiction with another mos_norm than the level artifact, which is used"
    ]


def test_the_rows_are_the_same_bytes_at_any_batch_size(tmp_path):
    wide = TABLE + "".join(f'c{n}.mp4,"{HIGH}",It is dark.,w{n % 3},5,\n' for n in range(20))
    hashes = {
        ingest(tmp_path, wide, name=f"out{size}", batch_rows=size)[1].read_bytes()
        for size in (1, 7, 65_536)
    }
    assert len(hashes) == 1


def test_depiction_artifacts_can_be_merged_without_duplicates(tmp_path):
    _, first = ingest(tmp_path, TABLE, name="first")
    _, second = ingest(tmp_path, TABLE.replace("bob", "eve"), name="second")
    result, both = ingest(tmp_path, first, second, name="both")
    assert result.rows == 7
    assert result.report["collapsed"] == 1
    assert rows_of(both)[:4] == rows_of(first)


def test_options_of_files_are_errors_for_artifacts(tmp_path):
    _, first = ingest(tmp_path, TABLE, name="first")
    with pytest.raises(UsageError, match="every input is an artifact"):
        ingest(tmp_path, first, name="again", salt="x")
    assert IngestOptions.model_fields.keys() == DepictionOptions.model_fields.keys()


def test_an_artifact_of_another_schema_is_an_error(tmp_path):
    from tables import rating_table

    other = write_artifact(tmp_path / "ratings.parquet", rating_table(3))
    with pytest.raises(SchemaError, match="an artifact of schema rating"):
        ingest(tmp_path, other)


def test_cancelled_annotations_are_counted(tmp_path):
    data = {"video": "/data/local-files/?d=a.mp4"}
    task = labelled(
        data, done(result("overall", GOOD)), done(result("overall", LOW), was_cancelled=True)
    )
    ended, _ = ingest(tmp_path, save(tmp_path / "export.json", [task]))
    assert (ended.rows, ended.report["cancelled"]) == (1, 1)
    assert "1 cancelled annotation left out" in STAGE.render(ended.report)


def test_no_usable_row_is_an_error_with_the_reasons(tmp_path):
    with pytest.raises((InputError, TooManyRejectedError), match="missing-text"):
        ingest(tmp_path, "video,overall\na.mp4,\n", share=1.0)


def test_warnings_reject_no_row(tmp_path):
    text = "video,overall,level,date\n" + "".join(
        f'{n}.mp4,"{LOW}",5,2024-03-0{n}\n' for n in range(1, 6)
    )
    result, _ = ingest(tmp_path, text, share=0.0)
    assert (result.rows, result.rejected) == (5, 0)
    total = result.report["totals"]
    assert total["policy"]["violations"] == {"High": 5}
    assert total["degrees"]["misplaced"] == 10
    assert total["days"]["outside"] == 5


def test_a_limit_takes_the_first_rows(tmp_path):
    result, output = ingest(tmp_path, TABLE, limit=2)
    assert (result.rows, [row["source_row"] for row in rows_of(output)]) == (2, [1, 2])


def test_three_hundred_generated_depictions_are_read_unchanged(tmp_path):
    given = depictions(300, seed=3)
    left_out = ("depiction_id", "media_id", "medium", "source_file", "source_row", "licence")
    lines = [
        json.dumps({name: value for name, value in row.items() if name not in left_out})
        for row in given
    ]
    result, output = ingest(tmp_path, save(tmp_path / "notes.jsonl", "\n".join(lines)))
    rows = rows_of(output)
    assert (result.rows, result.rejected, result.report["warnings"]) == (300, 0, [])
    same = ("media_id", "medium", "kind", "text", "question", "aspect", "aspect_level", "level",
            "word", "mos_norm", "annotated_on")  # fmt: skip
    assert [[row[name] for name in same] for row in rows] == [
        [row[name] for name in same] for row in given
    ]
    people = {row["annotator"] for row in given}
    assert len({row["annotator"] for row in rows}) == len(people)
    assert len(result.report["annotators"]) == len(people)


def test_levels_without_texts_are_not_depictions(tmp_path):
    with pytest.raises(InputError, match=r"no usable row|no row"):
        ingest(tmp_path, levels(tmp_path, ("a.mp4", 3, 55.5)))
