from __future__ import annotations

import pytest
from running import rejected_of, run_stage

from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError, TooManyRejectedError, UsageError
from qbuild.labels.ratings.options import RatingOptions
from qbuild.stages.ingest_ratings import STAGE, IngestOptions

TABLE = "path,mos,other\nshots/a.jpg,1,40\nshots/b.jpg,2,50\nshots/c.jpg,5,60\n"
KONIQ = (
    "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"
    "a.jpg,0.5,0.5,0,0,0,10,20,0.5,training\n"
    "b.jpg,0,0,0,0.5,0.5,10,80,0.5,test\n"
)
CROWD = 30  # observers who all vote 3, and as many media; one more observer varies


def votes():
    lines = [f"o{o},m{m}.mp4,3" for m in range(CROWD) for o in range(CROWD)]
    lines += [f"odd,m{m}.mp4,{1 if m % 2 else 5}" for m in range(CROWD)]
    return "\n".join(["subject,path,score", *lines]) + "\n"


def ingest(tmp_path, *to_text, name="out", **given):
    """Run the stage on files of these texts (`scores0.csv`, …); return result and output."""
    paths = [tmp_path / f"scores{number}.csv" for number in range(len(to_text))]
    for path, text in zip(paths, to_text, strict=True):
        path.write_text(text)
    output = tmp_path / f"{name}.parquet"
    return run_stage(STAGE, paths, output, **{"share": 1.0, **given}), output


def column(output, name):
    return Artifact.open(output).table([name]).column(name).to_pylist()


# option, text, its value, column, without the option, with it
CASES = [
    ("layout", KONIQ, "table", "dataset", ["koniq"] * 2, ["scores0"] * 2),
    ("dataset", TABLE, "mine", "media_id", "scores0:", "mine:"),
    ("direction", TABLE, "down", "mos", [1, 2, 5], [5, 4, 1]),
    ("columns", TABLE, "path=path, mos=other", "mos", [1, 2, 5], [40, 50, 60]),
    ("strip_prefix", TABLE, "shots/", "path", "shots/a", "a.jpg"),
    ("add_prefix", TABLE, "set/", "path", "shots/", "set/shots/"),
    ("licence", TABLE, ("CC0-1.0",), "licence", [None] * 3, ["CC0-1.0"] * 3),
    ("source", TABLE, ("A study, 2020",), "source", [None] * 3, ["A study, 2020"] * 3),
    ("screen", votes(), "bt500", "num_ratings", [CROWD + 1] * CROWD, [CROWD] * CROWD),
]


def test_every_option_of_rating_files_has_a_case():
    assert {case[0] for case in CASES} == set(RatingOptions.model_fields)
    assert IngestOptions.model_fields.keys() == RatingOptions.model_fields.keys()


@pytest.mark.parametrize(("option", "text", "value", "what", "without", "given"), CASES)
def test_each_option_changes_the_rows(tmp_path, option, text, value, what, without, given):
    for expected, options in ((without, {}), (given, {option: value})):
        values = column(ingest(tmp_path, text, **options)[1], what)
        if isinstance(expected, str):
            assert values[0].startswith(expected)
        else:
            assert values == expected


def test_licence_and_source_can_be_given_a_dataset(tmp_path):
    text = "path,mos,dataset\na.jpg,1,x\nb.jpg,2,y\n"
    given = {"licence": ("x=MIT", "y=CC0-1.0"), "source": ("y=Study=2",)}
    _, output = ingest(tmp_path, text, **given)
    assert column(output, "licence") == ["MIT", "CC0-1.0"]
    assert column(output, "source") == [None, "Study=2"]


def test_a_licence_for_a_dataset_without_rows_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no row is of dataset 'scores1'"):
        ingest(tmp_path, TABLE, licence=("scores1=MIT",))


@pytest.mark.parametrize("columns", ["path", "path=", "=name", "path=a,mos"])
def test_columns_that_are_not_pairs_are_errors(columns):
    with pytest.raises(ValueError, match="is not such a pair"):
        IngestOptions(columns=columns)


def test_several_files_keep_their_order_and_rows_name_their_place(tmp_path):
    result, output = ingest(tmp_path, "path,mos\nb.jpg,1\na.jpg,2\n", "path,mos\nc.jpg,3\n")
    assert column(output, "path") == ["b.jpg", "a.jpg", "c.jpg"]
    assert column(output, "source_file") == ["scores0.csv", "scores0.csv", "scores1.csv"]
    assert column(output, "source_row") == [1, 2, 1]
    assert result.report["datasets"] == {"scores0": 2, "scores1": 1}


def test_identical_rows_collapse_and_are_counted(tmp_path):
    again = TABLE + "shots/a.jpg,1,40\nshots/a.jpg,1,40\n"
    result, output = ingest(tmp_path, again, TABLE, dataset="one")
    assert (result.rows, result.rejected, result.report["collapsed"]) == (3, 0, 5)
    assert column(output, "source_row") == [1, 2, 3]
    assert "5 identical duplicates collapsed" in STAGE.render(result.report)


def test_rows_that_conflict_are_all_rejected_with_their_records(tmp_path):
    result, output = ingest(tmp_path, TABLE + "shots/a.jpg,4,40\n")
    assert (result.rows, result.rejected, result.report["collapsed"]) == (2, 2, 0)
    assert column(output, "path") == ["shots/b.jpg", "shots/c.jpg"]
    rejected = rejected_of(output)
    assert [(row["reason"], row["row"]) for row in rejected] == [("conflict", 1), ("conflict", 4)]
    assert '"40"' in rejected[0]["record"]


def test_notes_of_a_layout_are_in_the_report(tmp_path):
    result, _ = ingest(tmp_path, TABLE, direction="down")
    assert result.report["notes"] == [
        "scores0.csv: scores0: scores mirrored as 6 - score, from the observed range"
    ]
    assert result.report["notes"][0] in STAGE.render(result.report)


def test_the_report_as_text_counts_the_ratings_of_each_dataset(tmp_path):
    result, _ = ingest(tmp_path, KONIQ)
    assert STAGE.render(result.report) == "koniq: 2 ratings"


def test_limit_takes_the_first_rows_over_all_files(tmp_path):
    whole, _ = ingest(tmp_path, TABLE, "path,mos\nd.jpg,3\n", name="whole")
    part, output = ingest(tmp_path, TABLE, "path,mos\nd.jpg,3\n", limit=2)
    assert (whole.rows, part.rows) == (4, 2)
    assert column(output, "path") == ["shots/a.jpg", "shots/b.jpg"]
    assert part.report["datasets"] == {"scores0": 2}
    assert part.description.limit == 2


def test_limit_distinguishes_files_of_one_name(tmp_path):
    places = [tmp_path / "a/scores.csv", tmp_path / "b/scores.csv"]
    to_text = ["path,mos\na.jpg,1\nb.jpg,2\nc.jpg,\n", "path,mos\nd.jpg,\ne.jpg,3\nf.jpg,\n"]
    for path, text in zip(places, to_text, strict=True):
        path.parent.mkdir()
        path.write_text(text)
    output = tmp_path / "out.parquet"
    run_stage(STAGE, places, output, limit=3, share=1, dataset="x")
    assert column(output, "path") == ["a.jpg", "b.jpg", "e.jpg"]
    assert column(rejected_path(output), "row") == [3, 1]


def test_too_many_rejected_rows_fail_the_run(tmp_path):
    text = TABLE + "shots/d.jpg,,1\n"
    with pytest.raises(TooManyRejectedError, match="1 of 4 rows rejected"):
        ingest(tmp_path, text, share=0.24)
    result, _ = ingest(tmp_path, text, share=0.25)
    assert (result.rows, result.rejected) == (3, 1)


def test_a_file_without_a_usable_row_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"usable.*missing-score"):
        ingest(tmp_path, "path,mos\na.jpg,\n")


def test_one_hash_at_any_batch_size(tmp_path):
    hashes = set()
    for batch_rows in (1, 7, 65_536):
        _, output = ingest(tmp_path, TABLE + "shots/a.jpg,4,40\n", batch_rows=batch_rows)
        files = (output, rejected_path(output))
        hashes.add(tuple(map(hash_file, files)))
    assert len(hashes) == 1


def test_another_stage_reads_the_output(tmp_path):
    _, output = ingest(tmp_path, KONIQ)
    artifact = Artifact.open(output)
    assert artifact.schema.name == "rating"
    assert artifact.schema.check(artifact.table()).total == 0
    assert artifact.description.options["layout"] == "auto"
