import json
import re

import pytest
from annotated import GOOD, PERSON, read, save
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qbuild.core.errors import UsageError
from qbuild.core.schema import load_schema
from qbuild.labels.depictions.options import DepictionOptions
from qbuild.labels.depictions.read import read_depictions


def table(tmp_path, *records, **options):
    """Rows, rejected rows and tally of records, by default a depiction of a.mp4 each."""
    given = [{"path": "a.mp4", "overall": "Sharp.", **record} for record in records]
    return read(save(tmp_path / "set.json", given), **options)


# columns of a record, the reason of its rejection, a part of the message
REJECTED = [
    ({"overall": ""}, "missing-text", "expected a text"),
    ({"overall": " \n\t "}, "missing-text", "expected a text"),
    ({"overall": 7}, "not-a-text", "'7' is not text"),
    ({"overall": "a\x07b"}, "control-character", r"U\+0007"),
    ({"overall": "a" * 200_001}, "too-long", "200,001 characters"),
    ({"overall": None, "question": "Why?"}, "missing-text", "the answer is empty"),
    ({"overall": None, "answer": "Dusk."}, "missing-text", "the question is empty"),
    ({"overall": None, "visual quality": "Fine."}, "missing-aspect-level", r"1 \(bad\)"),
    ({"overall": None, "visual quality": "Fine.", "visual quality level": 5}, "out-of-range", "1"),
    ({"level": 6}, "out-of-range", "not within 1 to 5"),
    ({"level": 0}, "out-of-range", "not within 1 to 5"),
    ({"level": 2.5}, "out-of-range", "not a whole number"),
    ({"level": "superb"}, "unknown-level", "'superb' is not the word of a level"),
    ({"level": 2, "word": "Good"}, "conflict", "not that of the word"),
    ({"mos_norm": "high"}, "not-a-number", "is not a number"),
    ({"mos_norm": 100.5}, "out-of-range", "not within 0 to 100"),
    ({"date": "07.03.2024"}, "bad-date", "expected one such as 2024-03-07"),
    ({"date": "2024-02-30"}, "bad-date", "is not a date"),
    ({"date": 45358}, "bad-date", "is not a date"),
    ({"path": "../a.mp4"}, "unsafe-path", "not safely below a root"),
    ({"path": "/data/a.mp4"}, "unsafe-path", "not safely below a root"),
    ({"path": "https://host/a.mp4"}, "unsafe-path", "not safely below a root"),
    ({"path": ""}, "missing-path", "names no media file"),
    ({"path": "a.txt"}, "unknown-medium", "not that of an image or a video"),
]


@pytest.mark.parametrize(("record", "reason", "message"), REJECTED)
def test_a_bad_row_is_rejected_with_a_typed_reason(tmp_path, record, reason, message):
    rows, rejected, _ = table(tmp_path, {}, record)
    assert [row["source_row"] for row in rows] == [1]
    assert [(row["source"], row["row"], row["reason"]) for row in rejected] == [
        ("set.json", 2, reason)
    ]
    assert re.search(message, rejected[0]["message"])
    assert json.loads(rejected[0]["record"])["path"] == record.get("path", "a.mp4")


def test_an_unknown_kind_and_an_unknown_aspect_are_rejected(tmp_path):
    lines = "path,kind,text,aspect,aspect_level\na.mp4,opinion,Fine.,,\na.mp4,aspect,Fine.,tone,3\n"
    _, rejected, _ = read(save(tmp_path / "set.csv", lines + "a.mp4,overall,Fine.,,\n"))
    assert [row["reason"] for row in rejected] == ["unknown-kind", "unknown-aspect"]
    assert "overall, in-context, conversation" in rejected[0]["message"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2024-3-7", "2024-03-07"),
        ("2024/03/07", "2024-03-07"),
        ("2024.03.07", "2024-03-07"),
        ("2024-03-07T23:59:59.123456Z", "2024-03-07"),
        ("2024-03-07 00:00:00", "2024-03-07"),
        ("", None),
    ],
)
def test_days_are_written_in_one_form(tmp_path, written, day):
    rows, _, _ = table(tmp_path, {"date": written})
    assert rows[0]["annotated_on"] == day


@pytest.mark.parametrize(
    ("shown", "level", "word"),
    [
        ("Low", 1, "Low"),
        ("bad", 1, "bad"),
        ("excellent", 5, "excellent"),
        ("good", 4, "good"),
        ("GOOD", 4, "Good"),
        ("4", 4, None),
        (4.0, 4, None),
        (None, None, None),
    ],
)
def test_a_level_is_read_from_its_number_or_its_word(tmp_path, shown, level, word):
    rows, _, _ = table(tmp_path, {"level": shown})
    assert (rows[0]["level"], rows[0]["word"]) == (level, word)


def test_texts_are_trimmed_composed_and_have_line_feeds(tmp_path):
    rows, _, _ = table(tmp_path, {"overall": "  cafe\u0301\r\nlight\rand\tshade \n"})
    assert rows[0]["text"] == "café\nlight\nand\tshade"


def test_a_depiction_of_a_hundred_kilobytes_is_accepted(tmp_path):
    long = f"{GOOD} " * (100_000 // len(GOOD))
    rows, rejected, _ = table(tmp_path, {"overall": long})
    assert rejected == []
    assert rows[0]["text"] == long.strip()


def test_identical_rows_collapse_and_those_of_other_people_and_texts_are_kept(tmp_path):
    records = [
        {"annotator": "ann"},
        {"annotator": "ann"},
        {"annotator": "bob"},
        {"annotator": "ann", "overall": "Sharp!"},
        {"annotator": "ann", "overall": " Sharp. "},
    ]
    rows, _, tally = table(tmp_path, *records)
    assert [row["source_row"] for row in rows] == [1, 3, 4]
    assert tally["collapsed"] == 2
    assert len({row["depiction_id"] for row in rows}) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", row["depiction_id"]) for row in rows)


def test_a_media_id_in_the_row_names_dataset_and_path(tmp_path):
    rows, _, _ = table(tmp_path, {"media_id": "a%3Ab:clips/x.mp4", "path": "/data/upload/y.mp4"})
    assert [(row["media_id"], row["dataset"], row["path"]) for row in rows] == [
        ("a%3Ab:clips/x.mp4", "a:b", "clips/x.mp4")
    ]


def test_a_media_id_that_leaves_its_root_is_rejected(tmp_path):
    _, rejected, _ = table(tmp_path, {}, {"media_id": "set:../x.mp4"})
    assert [row["reason"] for row in rejected] == ["unsafe-path"]


def test_dataset_medium_and_prefixes_can_be_given(tmp_path):
    rows, _, _ = table(
        tmp_path,
        {"path": "old/a", "dataset": "own"},
        dataset="mine",
        medium="image",
        strip_prefix="old/",
        add_prefix="new/",
        licence="CC0-1.0",
        source="A study",
    )
    assert [(r["media_id"], r["medium"], r["licence"], r["source"]) for r in rows] == [
        ("mine:new/a", "image", "CC0-1.0", "A study")
    ]


def test_a_prefix_that_no_path_has_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no path begins with 'other/'"):
        table(tmp_path, {}, strip_prefix="other/")


def test_people_become_pseudonyms_that_depend_on_the_salt(tmp_path):
    def name(salt, who=PERSON):
        return table(tmp_path, {"annotator": who}, salt=salt)[0][0]["annotator"]

    assert re.fullmatch("a-[0-9a-f]{12}", name("one"))
    assert name("one") == name("one")
    assert name("one") != name("two")
    assert name("two", name("one")) == name("one")  # a pseudonym stays


def test_a_salt_can_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_SALT", "one")
    from_there = table(tmp_path, {"annotator": PERSON}, salt="env:STUDY_SALT")[0][0]["annotator"]
    assert from_there == table(tmp_path, {"annotator": PERSON}, salt="one")[0][0]["annotator"]
    monkeypatch.delenv("STUDY_SALT")
    with pytest.raises(UsageError, match="'STUDY_SALT' is not set"):
        table(tmp_path, {"annotator": PERSON}, salt="env:STUDY_SALT")


@pytest.mark.parametrize("record", [case[0] for case in REJECTED])
def test_a_rejected_row_does_not_name_its_annotator(tmp_path, record):
    extra = {"annotator": PERSON, "phone": "555-0100", "e-mail": f"private-{PERSON}"}
    _, rejected, _ = table(tmp_path, {}, {**record, **extra})
    text = json.dumps(rejected, ensure_ascii=False)
    assert len(rejected) == 1
    assert PERSON not in text
    assert "555-0100" not in text


def test_a_limit_returns_the_first_rows_and_the_rejected_ones_before(tmp_path):
    records = [{"overall": ""}, {}, {"overall": "Dark."}, {"overall": ""}, {"overall": "Grey."}]
    rows, rejected, _ = table(tmp_path, *records, limit=2)
    assert [row["source_row"] for row in rows] == [2, 3]
    assert [row["row"] for row in rejected] == [1]


@pytest.mark.parametrize("columns", ["path", "path=", "=name", "path=a,path=b"])
def test_columns_that_are_not_pairs_are_errors(tmp_path, columns):
    with pytest.raises(ValueError, match=r"is not such a pair|is given twice"):
        table(tmp_path, {}, columns=columns)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
NAMES = ("path", "media_id", "overall", "question", "visual quality", "visual quality level",
         "level", "word", "mos_norm", "annotator", "date", "split", "dataset")  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, VALUES)))
def test_any_record_gives_valid_rows_or_rejected_ones(tmp_path_factory, record):
    folder = tmp_path_factory.mktemp("any")
    path = folder / "set.json"
    path.write_text(json.dumps([{"path": "a.mp4", "overall": "Sharp."}, record]))
    (output,) = read_depictions([path], DepictionOptions())
    rejected = 0 if output.rejected is None else output.rejected.num_rows
    assert output.rows.num_rows + rejected + output.tally["collapsed"] >= 2
    assert not load_schema("depiction").check(output.rows)
    assert not load_schema("rejected").check(output.rejected)
