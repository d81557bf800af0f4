import json

import pandas as pd
import pytest
from annotated import GOOD, PERSON, read, save

from qbuild.core.errors import InputError, SchemaError, UsageError

WIDE = (
    "video,overall,in-context,question,answer,worker,level,mos_norm,date\n"
    f'a.mp4,"{GOOD}",When she turns the face is dark.,,,ann,4,71.5,2024-3-7\n'
    f'b.mp4,"{GOOD}",,Why is it dark?,Because of the dusk.,bob,Good,,2024/03/07\n'
)
LONG = (
    "path,kind,text,question,aspect,aspect_level\n"
    "a.mp4,overall,Sharp.,,,\n"
    "a.mp4,In Context,The face is dark.,,,\n"
    "a.mp4,own conversation,Dusk.,Why?,,\n"
    "a.mp4,aspect,Nothing moves.,,Dynamic Degree,2\n"
    "a.mp4,temporal consistency,It holds.,,,3\n"
    "a.mp4,feedback,Blurry; so the quality is bad.,,,\n"
)


def test_a_wide_table_gives_one_row_per_depiction(tmp_path):
    rows, rejected, _ = read(save(tmp_path / "set.csv", WIDE))
    assert rejected == []
    assert [(row["path"], row["kind"]) for row in rows] == [
        ("a.mp4", "overall"),
        ("a.mp4", "in-context"),
        ("b.mp4", "overall"),
        ("b.mp4", "conversation"),
    ]
    assert {row["media_id"] for row in rows} == {"set:a.mp4", "set:b.mp4"}
    assert {row["annotated_on"] for row in rows} == {"2024-03-07"}
    assert [(row["level"], row["word"], row["mos_norm"]) for row in rows[1:3]] == [
        (4, None, 71.5),
        (4, "Good", None),
    ]
    talk = rows[3]
    assert (talk["question"], talk["text"]) == ("Why is it dark?", "Because of the dusk.")
    assert [row["source_row"] for row in rows] == [1, 1, 2, 2]


def test_a_long_table_gives_every_kind(tmp_path):
    rows, rejected, _ = read(save(tmp_path / "set.csv", LONG))
    assert rejected == []
    assert [(r["kind"], r["aspect"], r["aspect_level"], r["question"]) for r in rows] == [
        ("overall", None, None, None),
        ("in-context", None, None, None),
        ("conversation", None, None, "Why?"),
        ("aspect", "dynamic degree", 2, None),
        ("aspect", "temporal alignment", 3, None),
        ("pathway", None, None, None),
    ]


def test_aspects_have_columns_with_their_levels(tmp_path):
    text = (
        "video,visual quality,visual quality level,Text-to-Video Alignment,"
        "text_to_video_alignment_score,factual consistency,factual consistency level\n"
        "a.mp4,Clear.,4,The dog is missing.,1,,3\n"
    )
    rows, rejected, tally = read(save(tmp_path / "g.csv", text))
    assert rejected == []
    assert [(r["aspect"], r["aspect_level"], r["text"]) for r in rows] == [
        ("visual quality", 4, "Clear."),
        ("text-to-video alignment", 1, "The dog is missing."),
    ]
    assert tally["note", "g.csv: 1 aspect level without a text left out"] == 1


@pytest.mark.parametrize("ending", ["tsv", "jsonl", "json", "xlsx", "parquet"])
def test_every_kind_of_table_file_gives_the_same_rows(tmp_path, ending):
    frame = pd.DataFrame([line.split(",") for line in LONG.splitlines()[1:]], columns=None)
    frame.columns = pd.Index(LONG.splitlines()[0].split(","))
    path = tmp_path / f"set.{ending}"
    if ending == "tsv":
        frame.to_csv(path, sep="\t", index=False)
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    elif ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=ending == "jsonl")
    first, _, _ = read(save(tmp_path / "set.csv", LONG))
    rows, rejected, _ = read(path)
    assert rejected == []
    names = ("depiction_id", "kind", "text", "aspect_level", "source_row")
    assert [[row[name] for name in names] for row in rows] == [
        [row[name] for name in names] for row in first
    ]


def test_columns_can_be_named(tmp_path):
    text = "clip,words,who\na.mp4,Sharp.,ann\n"
    rows, _, _ = read(
        save(tmp_path / "set.csv", text), columns="path=clip,overall=words,annotator=who"
    )
    assert [(row["path"], row["text"]) for row in rows] == [("a.mp4", "Sharp.")]
    assert rows[0]["annotator"].startswith("a-")


def test_an_unknown_column_name_is_an_error_with_similar_names(tmp_path):
    with pytest.raises(UsageError, match=r"'overal' is not the name .* Did you mean overall"):
        read(save(tmp_path / "set.csv", WIDE), columns="overal=overall")


def test_a_missing_column_is_an_error_that_names_similar_ones(tmp_path):
    with pytest.raises(SchemaError, match=r"no column is named 'worked'.*Did you mean worker"):
        read(save(tmp_path / "set.csv", WIDE), columns="annotator=worked")


def test_a_table_without_a_text_column_is_an_error_with_similar_columns(tmp_path):
    path = save(tmp_path / "set.csv", "video,overal_depiction,worker\na.mp4,Sharp.,ann\n")
    with pytest.raises(SchemaError, match=r"no column holds a depiction.*mean overal_depiction"):
        read(path)


def test_a_table_without_a_path_column_is_an_error(tmp_path):
    with pytest.raises(SchemaError, match="no column holds the medium"):
        read(save(tmp_path / "set.csv", "overall,worker\nSharp.,ann\n"))


def test_a_table_without_a_header_is_an_error_that_names_no_annotator(tmp_path):
    path = save(tmp_path / "set.csv", f"a.mp4,Sharp.,{PERSON}\nb.mp4,Blurry.,{PERSON}\n")
    for columns in ("", "annotator=who"):
        with pytest.raises(SchemaError, match=r"is it a header\?") as error:
            read(path, columns=columns)
        assert PERSON not in str(error.value)


def test_broken_json_is_an_error_with_its_line(tmp_path):
    line = json.dumps({"video": "a.mp4", "overall": "Sharp."})
    with pytest.raises(InputError, match="line 3"):
        read(save(tmp_path / "set.jsonl", f"{line}\n{line}\n{line[:20]}\n"))


def test_utf_16_is_an_error_with_the_byte(tmp_path):
    path = tmp_path / "set.csv"
    path.write_bytes(WIDE.encode("utf-16"))
    with pytest.raises(InputError, match="byte 0xff at offset 0 is not UTF-8"):
        read(path)


def test_an_empty_file_and_a_file_with_only_a_header_are_errors(tmp_path):
    with pytest.raises(InputError, match="the file is empty"):
        read(save(tmp_path / "set.csv", ""))
    with pytest.raises(InputError, match="no row below its header"):
        read(save(tmp_path / "set.csv", WIDE.splitlines()[0] + "\n"))


def test_the_errors_of_all_files_are_raised_at_once(tmp_path):
    from qbuild.labels.depictions.options import DepictionOptions
    from qbuild.labels.depictions.read import read_depictions

    bad = [save(tmp_path / f"{n}.csv", "") for n in "ab"]
    with pytest.raises(InputError, match="empty") as one:
        list(read_depictions([bad[0]], DepictionOptions()))
    assert "a.csv" in str(one.value)
    with pytest.raises(Exception, match=r"a\.csv[^\0]*b\.csv"):
        list(read_depictions(bad, DepictionOptions()))


def test_lists_and_numbers_of_parquet_are_read_as_those_of_json(tmp_path):
    frame = pd.DataFrame(
        {
            "video": ["a.mp4", "b.mp4"],
            "overall": [["Sharp.", "Bright."], ["Dark."]],
            "annotator": [7, None],
            "date": pd.to_datetime(["2024-03-07", None]),
        }
    )
    frame.to_parquet(tmp_path / "set.parquet")
    records = [
        {"video": "a.mp4", "overall": ["Sharp.", "Bright."], "annotator": 7, "date": "2024-3-7"},
        {"video": "b.mp4", "overall": ["Dark."]},
    ]
    first, rejected, _ = read(tmp_path / "set.parquet")
    second, _, _ = read(save(tmp_path / "set.json", records))
    assert rejected == []
    assert [row["depiction_id"] for row in first] == [row["depiction_id"] for row in second]
    assert [row["annotated_on"] for row in first] == ["2024-03-07", "2024-03-07", None]


def test_the_kind_of_a_row_comes_from_its_other_columns(tmp_path):
    text = (
        "path,kind,text,question,aspect,aspect_level\n"
        "a.mp4,,Sharp.,,,\na.mp4,,Dusk.,Why?,,\na.mp4,,Fine.,,visual quality,3\n"
    )
    rows, _, _ = read(save(tmp_path / "set.csv", text))
    assert [row["kind"] for row in rows] == ["overall", "conversation", "aspect"]


def test_a_wide_table_may_have_a_column_named_kind(tmp_path):
    rows, _, _ = read(save(tmp_path / "set.csv", "video,kind,overall\na.mp4,UGC,Sharp.\n"))
    assert [(row["kind"], row["text"]) for row in rows] == [("overall", "Sharp.")]
