"""qbuild/core/pipeline/load.py: which recipes are rejected, and how steps are ordered."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import TOYS

from qbuild.core.errors import InputError, PipelineError, QbuildError
from qbuild.core.pipeline.load import find_pipeline, load_pipeline
from qbuild.stages import STAGES, get_stage


def load(tmp_path: Path, text: str):
    path = tmp_path / "toy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_pipeline(path, TOYS, TOYS.__getitem__)


def load_error(tmp_path: Path, text: str) -> QbuildError:
    with pytest.raises(QbuildError) as caught:
        load(tmp_path, text)
    assert caught.value.exit_code == 4
    return caught.value


def test_steps_come_in_an_order_in_which_they_can_run(tmp_path):
    pipeline = load(
        tmp_path,
        """
        steps:
          - {id: last, stage: scale, inputs: [first]}
          - {id: first, stage: read, inputs: [scores.txt]}
        """,
    )
    assert [step.id for step in pipeline.steps] == ["first", "last"]
    assert pipeline.inputs(pipeline.steps[0], tmp_path / "work") == (tmp_path / "scores.txt",)
    assert pipeline.inputs(pipeline.steps[1], tmp_path / "work") == (
        tmp_path / "work/first.parquet",
    )


def test_a_cycle_is_reported_with_its_steps(tmp_path):
    error = load_error(
        tmp_path,
        "steps: [{id: a, stage: scale, inputs: [b]}, {id: b, stage: scale, inputs: [a]}]",
    )
    assert "has a cycle: a → b → a" in str(error) or "has a cycle: b → a → b" in str(error)


def test_an_unknown_stage_lists_the_near_ones(tmp_path):
    error = load_error(tmp_path, "steps: [{id: a, stage: scael, inputs: [x]}]")
    assert str(error).endswith("toy.yaml: step a: unknown stage 'scael'. Did you mean scale?")


def test_an_unknown_option_lists_the_near_ones(tmp_path):
    error = load_error(tmp_path, "steps: [{id: a, stage: scale, inputs: [x], options: {facto: 2}}]")
    assert "step a: unknown option 'facto'. Did you mean factor?" in str(error)


def test_a_wrong_option_is_reported_with_its_value(tmp_path):
    error = load_error(
        tmp_path, "steps: [{id: a, stage: scale, inputs: [x], options: {factor: much}}]"
    )
    assert "option factor: " in str(error)
    assert "the value 'much' cannot be used" in str(error)


@pytest.mark.parametrize("text", ["1:5", "0:94", "1:30.5", "190:20:30"])
def test_a_range_without_quotes_is_text_not_a_number_of_base_60(tmp_path, text):
    pipeline = load(
        tmp_path, f"steps: [{{id: a, stage: read, inputs: [x], options: {{note: {text}}}}}]"
    )
    assert pipeline.steps[0].options.note == text


@pytest.mark.parametrize(("text", "value"), [("2", 2.0), ("-0.5", -0.5), ("1.5e+3", 1500.0)])
def test_numbers_without_quotes_are_numbers(tmp_path, text, value):
    pipeline = load(
        tmp_path, f"steps: [{{id: a, stage: scale, inputs: [x], options: {{factor: {text}}}}}]"
    )
    assert pipeline.steps[0].options.factor == value


def test_two_steps_that_write_one_artifact_are_rejected(tmp_path):
    error = load_error(
        tmp_path, "steps: [{id: a, stage: read, inputs: [x]}, {id: a, stage: read, inputs: [y]}]"
    )
    assert "two steps write one artifact: a; expected one id per step" in str(error)


def test_a_duplicate_key_is_reported_with_file_and_line(tmp_path):
    error = load_error(tmp_path, "steps:\n  - id: a\n    stage: read\n    id: b\n")
    assert str(error).endswith("toy.yaml: line 4: duplicate key 'id'; expected each name once")


def test_a_key_that_is_not_a_name_is_rejected(tmp_path):
    assert "is not a name" in str(load_error(tmp_path, "? [a]\n: b\n"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("steps: [", "is not valid YAML"),
        ("- a", "is not a mapping"),
        ("", "is not a mapping"),
        ("title: nothing", "has no steps"),
        ("steps: []", "has no steps"),
        ("steps: [7]", "is 7"),
        ("stepps: []\nsteps: [{id: a, stage: read, inputs: [x]}]", "Did you mean steps?"),
        ("steps: [{id: a, stage: read, input: [x]}]", "Did you mean inputs?"),
        ("steps: [{id: A B, stage: read, inputs: [x]}]", "id 'A B'"),
        ("steps: [{id: a, stage: read, inputs: x}]", "inputs 'x'"),
        ("steps: [{id: a, stage: scale}]", "0 inputs; stage scale reads at least 1"),
        ("steps: [{id: a, stage: read, inputs: [x], options: 3}]", "options 3"),
        ("roots: [a]\nsteps: [{id: a, stage: read, inputs: [x]}]", "roots ['a']"),
        ("roots: {a: 3}\nsteps: [{id: a, stage: read, inputs: [x]}]", "roots {'a': 3}"),
    ],
)
def test_a_file_that_is_not_a_pipeline_is_reported(tmp_path, text, what):
    assert what in str(load_error(tmp_path, text))


def test_all_problems_are_reported_at_once(tmp_path):
    error = load_error(
        tmp_path, "steps: [{id: a, stage: raed, inputs: [x]}, {id: b, stage: scael, inputs: [a]}]"
    )
    assert "raed" in str(error)
    assert "scael" in str(error)


def test_roots_start_from_the_folder_of_the_pipeline(tmp_path):
    pipeline = load(tmp_path, "roots: {koniq: images}\nsteps: [{id: a, stage: read, inputs: [x]}]")
    assert pipeline.roots == (f"koniq={tmp_path / 'images'}",)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file; expected a pipeline"):
        load_pipeline(tmp_path / "none.yaml", TOYS, TOYS.__getitem__)


def test_the_demo_is_found_by_name_with_or_without_its_ending():
    assert find_pipeline("demo") == find_pipeline("demo.yaml")


def test_a_folder_of_the_same_name_does_not_hide_a_shipped_pipeline(tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_pipeline("demo").name == "demo.yaml"


def test_a_name_that_is_nothing_lists_the_near_ones():
    expected = r"no shipped pipeline; .* Did you mean demo, demo-train\?"
    with pytest.raises(InputError, match=expected):
        find_pipeline("demoo.yaml")


def test_an_option_in_both_spellings_is_rejected(tmp_path):
    options = "{split-files: true, split_files: false}"
    path = tmp_path / "twice.yaml"
    path.write_text(f"steps: [{{id: a, stage: export, inputs: [x], options: {options}}}]")
    with pytest.raises(PipelineError, match="option 'split_files' is given twice"):
        load_pipeline(path, STAGES, get_stage)
