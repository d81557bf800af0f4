"""Answers to the questions of instruction artifacts: what is asked, and what cannot be."""

from __future__ import annotations

import offered
import pairs
import pyarrow as pa
import pytest
from images import image_folder
from offered import constant
from running import rejected_of, rows_of, run_stage
from tables import write_artifact

from qbuild.backends.conversation import PLACE
from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import SchemaError
from qbuild.core.media_roots import MediaRoots, Medium
from qbuild.core.schema import load_schema
from qbuild.stages.answer import STAGE, make_request, render


@pytest.fixture
def root(tmp_path):
    """Pictures p0.png to p3.png, the media of dataset koniq."""
    return image_folder(tmp_path / "koniq", count=4)


def rows(count: int = 4, **given):
    return [
        pairs.pair(sample_id=f"{at:032x}", media=[pairs.medium(f"p{at}.png")], **given)
        for at in range(count)
    ]


def answer(given, root, tmp_path, name="out.parquet", **options):
    table = pa.Table.from_pylist(given, schema=load_schema("instruction").arrow)
    artifact = write_artifact(tmp_path / "qa.parquet", table, "instruction", "scoring-qa")
    how = {"backend": "fake", "share": 1.0, "roots": (f"koniq={root}",)}
    output = tmp_path / name
    return output, run_stage(STAGE, artifact, output, **{**how, **options})


def request_of(row, root):
    return make_request(1, row, MediaRoots.parse((f"koniq={root}",)))


def test_each_sample_has_an_answer_under_its_id(root, tmp_path):
    output, result = answer(rows(), root, tmp_path)
    predictions = rows_of(output)
    assert [row["sample_id"] for row in predictions] == [f"{at:032x}" for at in range(4)]
    assert [row["media_id"] for row in predictions] == [f"koniq:p{at}.png" for at in range(4)]
    assert all(row["answer"].startswith("fake answer: ") for row in predictions)
    assert {row["score"] for row in predictions} == {None}
    assert result.report["answers"] == 4
    lines = render(result.report).splitlines()
    assert lines[0] == f"p0.png: {predictions[0]['answer']}"
    assert lines[-1].startswith("4 answers by fake: ")
    assert "run" not in Artifact.open(output).description.report


@pytest.mark.parametrize("how", [{"batch_rows": 1}, {"batch_rows": 7}, {"batch": 1, "readers": 1}])
def test_the_bytes_do_not_depend_on_batches(root, tmp_path, how):
    one, _ = answer(rows(), root, tmp_path)
    two, _ = answer(rows(), root, tmp_path, "two.parquet", **how)
    assert one.read_bytes() == two.read_bytes()


def test_an_answer_has_at_most_max_new_tokens(root, tmp_path):
    output, _ = answer(rows(1), root, tmp_path, max_new_tokens=1)
    assert rows_of(output)[0]["answer"] == "fake"


def test_media_made_with_an_artifact_are_found_next_to_it_and_others_below_their_root(tmp_path):
    made = image_folder(tmp_path / "made" / "media", count=1).parent
    elsewhere = image_folder(tmp_path / "elsewhere", count=3)
    (elsewhere / "p0.png").unlink()

    def write(place, row):
        table = pa.Table.from_pylist([row], schema=load_schema("instruction").arrow)
        return write_artifact(place, table, "instruction", "scoring-qa")

    first, second = rows(2)
    write(made / "artifact.parquet", first)
    plain = write(tmp_path / "qa.parquet", second)
    inputs, roots = (plain, made), (str(elsewhere),)
    result = run_stage(STAGE, inputs, tmp_path / "a.parquet", backend="fake", roots=roots)
    assert (result.rows, result.rejected) == (2, 0)


def test_a_root_given_for_a_dataset_overrides_the_media_next_to_its_artifact(root, tmp_path):
    made = tmp_path / "made"
    (made / "media").mkdir(parents=True)
    table = pa.Table.from_pylist(rows(1), schema=load_schema("instruction").arrow)
    write_artifact(made / "artifact.parquet", table, "instruction", "scoring-qa")
    output = tmp_path / "a.parquet"
    result = run_stage(STAGE, made, output, backend="fake", roots=(f"koniq={root}",))
    assert result.rows == 1


def test_the_medium_is_in_the_question_where_the_row_has_it(root):
    turns = pairs.turns(["Look: ", 0, "\nIs it sharp?"], ["Yes."])
    prompt = request_of(pairs.pair(media=[pairs.medium("p1.png")], turns=turns), root).payload
    assert prompt.question == f"Look: {PLACE}\nIs it sharp?"
    assert prompt.media == (Medium("koniq:p1.png", "p1.png", root / "p1.png"),)
    assert prompt.before == ()


def test_earlier_turns_are_the_conversation_and_the_last_answer_is_left_out(root):
    turns = pairs.turns([0, "\nSharp?"], ["No."], ["Why?"], ["It moves."], ["Where?"], ["Left."])
    prompt = request_of(pairs.pair(turns=turns, system="Be brief."), root).payload
    assert prompt.system == "Be brief."
    assert prompt.before == ((f"{PLACE}\nSharp?", "No."), ("Why?", "It moves."))
    assert prompt.question == "Where?"


def test_a_system_turn_among_the_turns_is_kept_and_neighbours_of_one_role_join(root):
    turns = [
        {"role": "system", "parts": [pairs.part("Be brief.")]},
        {"role": "user", "parts": [pairs.part(0)]},
        {"role": "user", "parts": [pairs.part("Sharp?")]},
    ]
    prompt = request_of(pairs.pair(turns=turns), root).payload
    assert (prompt.system, prompt.question) == ("Be brief.", f"{PLACE}\nSharp?")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"media": [], "turns": pairs.turns(["How?"], ["So."])}, "no-medium"),
        ({"media": [pairs.medium("p0.png", start_s=1.0)]}, "part-of-video"),
        ({"turns": [{"role": "assistant", "parts": [pairs.part("So.")]}]}, "no-question"),
        ({"media": [pairs.medium("gone.png")]}, "missing-file"),
        ({"media": [pairs.medium("out.png")]}, "outside-root"),
    ],
)
def test_a_sample_that_cannot_be_asked_is_rejected_with_its_reason(root, tmp_path, given, reason):
    (root / "out.png").symlink_to(tmp_path)
    bad = pairs.pair(sample_id="f" * 32, **given)
    output, result = answer([*rows(2), bad], root, tmp_path)
    (rejected,) = rejected_of(output)
    assert (rejected["reason"], rejected["row"]) == (reason, 3)
    assert "f" * 32 in rejected["record"]
    assert result.rows == 2


def test_a_duplicate_sample_is_asked_once(root, tmp_path):
    _, result = answer([*rows(), *rows()], root, tmp_path)
    assert (result.rows, result.report["collapsed"]) == (4, 4)


def test_a_third_partys_backend_answers(root, tmp_path, monkeypatch):
    offered.offer(tmp_path, monkeypatch, "constant", constant())
    output, _ = answer(rows(), root, tmp_path, backend="constant")
    assert {row["answer"] for row in rows_of(output)} == {"half"}


def test_predictions_cannot_be_answered(root, tmp_path):
    output, _ = answer(rows(1), root, tmp_path)
    with pytest.raises(SchemaError, match="expected schema instruction"):
        run_stage(STAGE, output, tmp_path / "again.parquet", backend="fake")
