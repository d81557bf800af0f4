"""qbuild/cli/commands/inspect.py: show, validate, diff and why."""

from __future__ import annotations

import pytest
from tables import rating_table, write_artifact

LOOKS = ["show", "validate", "diff", "why"]


def sample_of(qbuild_cli, work) -> str:
    return qbuild_cli("show", work / "pairs.parquet", "--json").json["first"][0]["sample_id"]


def lines_fit(text: str) -> bool:
    return max(map(len, text.splitlines())) <= 80


# ---------------------------------------------------------------------------------------- show


def test_show_prints_schema_lineage_statistics_and_rows_in_80_columns(work, qbuild_cli):
    done = qbuild_cli("show", work / "levels.parquet", "--rows", "2")
    assert done.code == 0
    assert "schema level (version 1)" in done.out
    assert "made by mos-to-levels" in done.out
    assert "made by ingest-ratings" in done.out  # followed to the artifact next to it
    assert "mos_std" in done.out
    assert "[mos]" in done.out  # a unit
    assert "word: " in done.out
    assert "row 2" in done.out
    assert "row 3" not in done.out
    assert lines_fit(done.out.replace(str(work), "work"))


def test_show_prints_the_figures_that_the_stage_printed(work, qbuild_cli):
    shown = qbuild_cli("show", work / "levels.parquet").out
    assert "toy: 5 rows on [10, 99]  SRCC 0.975" in shown
    assert "    bad 2  poor 0  fair 1  good 1  excellent 1\n" in shown
    assert "warning" not in shown, "the run reports warnings; the artifact does not keep them"
    assert "vqa2: 5 images, 0 videos" in qbuild_cli("show", work / "pairs.parquet").out


def test_show_of_pairs_prints_the_turns_and_counts_the_words(work, qbuild_cli):
    shown = qbuild_cli("show", work / "pairs.parquet", "--rows", "1").out
    assert "  image toy:a.jpg\n" in shown
    assert "  user: <image> How would you rate the quality of this image?\n" in shown
    assert "  assistant: The quality of the image is low.\n" in shown
    assert "labels.word: Low 2, Fair 1, Good 1, High 1\n" in shown
    assert '"parts"' not in shown
    assert lines_fit(shown.replace(str(work), "work"))


def test_show_as_json_holds_the_figures(work, qbuild_cli):
    report = qbuild_cli("show", work / "levels.parquet", "--json", "--rows", "1").json
    assert report["columns"]["numbers"]["mos"] == {
        "min": 10.0, "mean": 52.9, "max": 99.0, "nulls": 0,
    }  # fmt: skip
    assert report["columns"]["counts"]["dataset"] == {
        "values": {"toy": 5},
        "others": 0,
        "nulls": 0,
    }
    assert report["lineage"]["inputs"][0]["made_by"]["stage"] == "ingest-ratings"
    assert len(report["first"]) == 1


def test_show_of_an_export_names_its_files(work, qbuild_cli):
    place = work / "out"
    assert qbuild_cli("export", work / "pairs.parquet", "-o", place, "--format", "llava").code == 0
    report = qbuild_cli("show", place, "--json").json
    assert report["files"]
    assert report["lineage"]["inputs"][0]["made_by"]["stage"] == "scoring-qa"
    assert "made by export" in qbuild_cli("show", place / "qbuild.json").out


def test_show_of_rejected_and_failed_rows_prints_the_reasons(pipeline, qbuild_cli):
    scores = pipeline.parent / "toy.csv"
    scores.write_text(scores.read_text() + "x.jpg,abc\n")
    assert qbuild_cli("run", pipeline, "--workdir", "work").code == 1
    shown = qbuild_cli("show", "work/ratings.failed.parquet")
    assert shown.code == 0
    assert "not-a-number" in shown.out
    assert "  1 row\n" in shown.out


@pytest.mark.parametrize(
    ("made", "code", "what"),
    [
        (lambda path: path.write_bytes(b"no parquet"), 1, "cannot be read as Parquet"),
        (lambda path: path.mkdir(), 1, "holds no artifact.parquet"),
        (lambda path: None, 1, "no such file"),
    ],
)
def test_show_of_a_file_that_is_not_an_artifact_is_an_error(tmp_path, qbuild_cli, made, code, what):
    made(tmp_path / "x.parquet")
    done = qbuild_cli("show", tmp_path / "x.parquet", "--json")
    assert done.code == code
    assert what in done.error["what"]


def test_show_of_a_foreign_parquet_file_is_a_schema_error(tmp_path, qbuild_cli):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    done = qbuild_cli("show", tmp_path / "x.parquet", "--json")
    assert done.code == 3
    assert done.error["what"] == "a Parquet file without a description of qbuild"


# ------------------------------------------------------------------------------------ validate


def test_validate_ends_with_code_0_where_all_is_good(work, qbuild_cli):
    done = qbuild_cli("validate", *sorted(work.glob("*.parquet")))
    assert done.code == 0
    assert done.out.count(": valid (5 rows of ") == 3


def test_validate_ends_with_code_1_for_damage_and_3_for_a_schema(work, qbuild_cli, tmp_path):
    torn = tmp_path / "torn.parquet"
    torn.write_bytes((work / "levels.parquet").read_bytes()[:-50])
    assert qbuild_cli("validate", work / "levels.parquet", torn).code == 1
    bad = write_artifact(tmp_path / "bad.parquet", rating_table(3, mos_std=[-1.0, 1.0, -2.0]))
    done = qbuild_cli("validate", torn, bad)
    assert done.code == 3
    assert "row 1, column mos_std: -1.0 is less than the minimum of 0" in done.out
    report = qbuild_cli("validate", bad, "--json")
    assert report.code == 3
    assert report.json["ok"] is False
    assert report.json["outputs"][0]["total"] == 2


def test_validate_wants_folders_that_are_there(work, qbuild_cli):
    done = qbuild_cli("validate", work / "levels.parquet", "--media-root", "none", "--json")
    assert done.code == 2
    assert done.error["where"] == "--media-root"


# ---------------------------------------------------------------------------------------- diff


def test_diff_reports_that_rows_are_the_same(work, qbuild_cli):
    done = qbuild_cli("diff", work / "levels.parquet", work / "levels.parquet")
    assert (done.code, done.out) == (0, "same rows (5)\n")


def test_diff_reports_rows_columns_and_options(work, pipeline, qbuild_cli):
    old = (work / "levels.parquet").rename(work / "old.parquet")
    pipeline.write_text(pipeline.read_text().replace("words: itu", "words: vqa2, closed: left"))
    (pipeline.parent / "toy.csv").write_text("image,mos\na.jpg,10\nb.jpg,21\nz.jpg,99\n")
    assert qbuild_cli("run", pipeline, "--workdir", work).code == 0
    done = qbuild_cli("diff", old, work / "levels.parquet")
    assert done.code == 0
    assert "5 → 3 rows: 1 added, 3 removed, 2 changed" in done.out
    assert "added: toy:z.jpg" in done.out
    assert "word: 2 changed" in done.out
    assert "options words: itu → vqa2" in done.out
    report = qbuild_cli("diff", old, work / "levels.parquet", "--json").json
    assert report["made_from"]["options"]["closed"] == ["right", "left"]


def test_diff_of_two_stages_leaves_their_options_out(work, tmp_path, qbuild_cli):
    made = ("-o", tmp_path / "s.parquet", "--size", "3")
    assert qbuild_cli("sample", work / "levels.parquet", *made).code == 0
    done = qbuild_cli("diff", work / "levels.parquet", tmp_path / "s.parquet")
    assert "stage: mos-to-levels 1 → sample 2" in done.out
    assert "options" not in done.out


def test_diff_quotes_empty_values(work, qbuild_cli):
    for name, prefix in (("a", ""), ("b", "lab/")):
        place = work / f"{name}.parquet"
        given = ("--add-prefix", prefix) if prefix else ()
        assert qbuild_cli("ingest-ratings", "toy.csv", "-o", place, *given).code == 0
    done = qbuild_cli("diff", work / "a.parquet", work / "b.parquet")
    assert 'options add_prefix: "" → lab/' in done.out


def test_diff_of_two_kinds_is_a_schema_error(work, qbuild_cli):
    done = qbuild_cli("diff", work / "levels.parquet", work / "ratings.parquet", "--json")
    assert done.code == 3
    assert done.error["what"] == "an artifact of schema rating"


# ----------------------------------------------------------------------------------------- why


def test_why_traces_a_sample_to_file_and_record(work, qbuild_cli):
    done = qbuild_cli("why", sample_of(qbuild_cli, work), "--workdir", "work")
    assert done.code == 0
    report = [line.strip() for line in done.out.splitlines()]
    steps = [report.index(f"{kind} in work/{name}.parquet") for kind, name in
             (("instruction", "pairs"), ("level", "levels"), ("rating", "ratings"))]  # fmt: skip
    assert steps == sorted(steps)
    assert "mos 10 → mos_norm 0, level 1 (bad)" in report
    assert "levels cut on 10 … 99" in report
    assert any(
        line.startswith("in toy.csv (sha256 ") and line.endswith("), record 1") for line in report
    )
    assert lines_fit(done.out)


def test_why_takes_the_beginning_of_an_id(work, qbuild_cli):
    whole = sample_of(qbuild_cli, work)
    assert qbuild_cli("why", whole[:6], "--json").json["id"] == whole


def test_why_takes_the_path_of_a_medium_or_its_end(work, qbuild_cli):
    for path in ("c/d.jpg", "d.jpg"):
        assert qbuild_cli("why", path, "--json").json["id"] == "toy:c/d.jpg"


def test_why_of_a_path_in_two_datasets_names_both_media(work, qbuild_cli):
    table = rating_table(2, 2, path=["a.jpg"] * 2, media_id=["x:a.jpg", "y:a.jpg"])
    write_artifact(work / "more.parquet", table)
    done = qbuild_cli("why", "a.jpg", "--json")
    assert done.code == 1
    assert done.error["what"] == "3 media have this path"
    assert done.error["todo"] == "They are toy:a.jpg, x:a.jpg, y:a.jpg."


def test_why_reports_why_a_medium_was_rejected(pipeline, qbuild_cli):
    scores = pipeline.parent / "toy.csv"
    scores.write_text(scores.read_text() + "x.jpg,abc\n")
    qbuild_cli("run", pipeline, "--workdir", "work", "--max-reject-share", "1")
    done = qbuild_cli("why", "toy:x.jpg")
    assert done.code == 0
    assert "toy.csv row 6, not-a-number: 'abc' is not a number" in " ".join(done.out.split())


def test_why_of_an_unknown_id_lists_near_ones(work, qbuild_cli):
    done = qbuild_cli("why", "toy:a.jpeg", "--json")
    assert done.code == 1
    assert "Did you mean toy:a.jpg" in done.error["todo"]
    assert qbuild_cli("why", "toy:a.jpg", "--workdir", "none").code == 1


def test_why_leaves_out_unreadable_files_with_a_warning(work, qbuild_cli):
    (work / "torn.parquet").write_bytes(b"PAR1")
    done = qbuild_cli("why", "toy:a.jpg", "--json")
    assert done.code == 0
    assert "warning: skipped: " in done.err
    assert len(done.json["skipped"]) == 1
