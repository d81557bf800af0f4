"""qbuild/core/pipeline/run.py: which steps run, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from toys import TOYS

from qbuild.core.artifact import description
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.engine.fingerprint import find_changes
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import QbuildError, UsageError
from qbuild.core.pipeline.load import load_pipeline
from qbuild.core.pipeline.run import plan, run
from qbuild.core.schema import load_schema

RECIPE = """
steps:
  - {id: ratings, stage: read, inputs: [scores.txt]}
  - {id: half, stage: scale, inputs: [ratings], options: {factor: 0.5}}
  - {id: third, stage: scale, inputs: [half], options: {factor: 0.3}}
  - {id: names, stage: list, inputs: [half]}
"""
ALL = ["ratings", "half", "third", "names"]


class Recipe:
    """A pipeline in a folder of its own."""

    def __init__(self, folder: Path, text: str = RECIPE, scores: str = "10 20 30") -> None:
        folder.mkdir(exist_ok=True)
        self.path, self.work = folder / "toy.yaml", folder / "work"
        self.scores = folder / "scores.txt"
        self.path.write_text(text, encoding="utf-8")
        self.scores.write_text(scores)

    def load(self):
        return load_pipeline(self.path, TOYS, TOYS.__getitem__)

    def run(self, *force: str) -> dict[str, list[str]]:
        """The steps that ran, with their reasons."""
        done = run(self.load(), self.work, Runtime(max_reject_share=0.9), force)
        return {
            verdict.step.id: [str(reason) for reason in verdict.reasons]
            for verdict, result in done
            if result is not None
        }

    def plan(self, *force: str) -> dict[str, list[str]]:
        """The steps that would run, with their reasons."""
        verdicts = plan(self.load(), self.work, force)
        return {v.step.id: [str(r) for r in v.reasons] for v in verdicts if v.runs}

    def change(self, old: str, new: str) -> None:
        self.path.write_text(self.path.read_text().replace(old, new))


@pytest.fixture
def recipe(tmp_path):
    made = Recipe(tmp_path)
    assert list(made.run()) == ALL
    return made


def test_run_twice_and_nothing_runs_again(recipe):
    assert recipe.run() == {}
    assert recipe.plan() == {}


def test_the_first_plan_reports_everything_as_missing(tmp_path):
    reasons = Recipe(tmp_path).plan()
    assert reasons["ratings"] == ["missing: ratings.parquet"]
    assert reasons["names"] == ["missing: names"]


def test_deleting_one_artifact_runs_just_that_step_when_its_content_comes_back(recipe):
    (recipe.work / "half.parquet").unlink()
    plan = recipe.plan()
    assert plan["half"] == ["missing: half.parquet"]
    assert plan["third"] == ["upstream: half"]
    assert recipe.run() == {"half": ["missing: half.parquet"]}


def test_an_option_names_its_old_and_new_value_and_runs_what_is_below(recipe):
    recipe.change("factor: 0.5", "factor: 0.25")
    ran = recipe.run()
    assert ran["half"] == ["option changed: factor: 0.5 → 0.25"]
    assert ran["third"] == ["input changed: half.parquet"]
    assert list(ran) == ["half", "third", "names"]


def test_an_option_that_changes_no_row_reruns_only_its_step(recipe):
    recipe.change("{factor: 0.5}", "{factor: 0.5, note: new}")
    assert recipe.run() == {"half": ["option changed: note:  → new"]}


def test_changed_scores_run_everything(recipe):
    recipe.scores.write_text("10 20 31")
    ran = recipe.run()
    assert ran["ratings"] == ["input changed: scores.txt"]
    assert list(ran) == ALL


def test_a_touched_file_with_the_same_bytes_runs_nothing(recipe):
    recipe.scores.write_text(recipe.scores.read_text())
    assert recipe.run() == {}


def test_another_version_of_a_stage_runs_its_step(recipe, monkeypatch):
    monkeypatch.setitem(TOYS, "list", replace(TOYS["list"], version=2))
    assert recipe.run() == {"names": ["stage changed: 1 → 2"]}


def test_force_runs_a_step_that_is_up_to_date(recipe):
    assert recipe.run("third") == {"third": ["forced"]}
    assert recipe.plan("third") == {"third": ["forced"]}


def test_force_of_an_unknown_step_lists_the_near_ones(recipe):
    with pytest.raises(UsageError, match=r"has no step 'thrid'.*Did you mean third"):
        recipe.run("thrid")


def test_the_rejected_rows_of_another_run_are_noticed(tmp_path):
    made = Recipe(tmp_path, scores="10 -20 30")
    made.run()
    mine = rejected_path(made.work / "ratings.parquet")
    (tmp_path / "other").mkdir()
    other = Recipe(tmp_path / "other", scores="10 -21 -3")
    other.run()
    mine.write_bytes(rejected_path(other.work / "ratings.parquet").read_bytes())
    assert made.run() == {"ratings": ["damaged: ratings.rejected.parquet belongs to another run"]}
    assert made.run() == {}


@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more"])
def test_rejected_rows_that_cannot_be_read_are_noticed(tmp_path, damage):
    made = Recipe(tmp_path, scores="10 -20 30")
    made.run()
    rejected_path(made.work / "ratings.parquet").write_bytes(damage)
    assert list(made.run()) == ["ratings"]
    assert made.run() == {}


def test_rejected_rows_whose_description_is_broken_are_noticed(tmp_path):
    made = Recipe(tmp_path, scores="10 -20 30")
    made.run()
    mine = rejected_path(made.work / "ratings.parquet")
    table = pq.read_table(mine).replace_schema_metadata({"qbuild": "{}"})
    pq.write_table(table, mine)
    assert list(made.run()) == ["ratings"]
    assert made.run() == {}


def test_a_step_that_has_another_stage_names_both():
    old, new = (description.Recipe(stage={"name": n, "version": 1}) for n in ("scale", "keep"))
    assert [str(r) for r in find_changes(old, new)] == ["stage changed: scale 1 → keep 1"]


def test_a_truncated_artifact_is_made_again(recipe):
    path = recipe.work / "half.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert recipe.run() == {"half": ["missing: half.parquet"]}


def test_a_changed_file_of_an_export_is_made_again(recipe):
    (recipe.work / "names/names.txt").write_text("changed")
    assert recipe.run() == {"names": ["damaged: names.txt is missing or was changed"]}


def test_a_medium_that_is_gone_is_made_again(tmp_path):
    made = Recipe(
        tmp_path,
        """
        steps:
          - {id: ratings, stage: read, inputs: [scores.txt]}
          - {id: spots, stage: spots, inputs: [ratings], options: {copies: 1}}
        """,
    )
    made.run()
    next((made.work / "spots/media").rglob("*.bin")).unlink()
    reasons = made.run()
    assert list(reasons) == ["spots"]
    assert reasons["spots"][0].startswith("damaged: media/")
    assert made.run() == {}


def test_an_artifact_of_an_older_schema_is_made_again(recipe, monkeypatch):
    newer = replace(load_schema("rating"), version=2, hash="sha256:newer")

    def load(name: str):
        return newer if name == "rating" else load_schema(name)

    monkeypatch.setattr("qbuild.core.engine.fingerprint.load_schema", load)
    monkeypatch.setattr("qbuild.core.artifact.reader.load_schema", load)
    assert recipe.plan()["ratings"] == ["schema changed: rating"]


def test_what_stops_early_is_incomplete_and_runs_again(tmp_path):
    made = Recipe(
        tmp_path,
        """
        steps:
          - {id: ratings, stage: read, inputs: [scores.txt]}
          - {id: echo, stage: echo, inputs: [ratings], options: {stop_after: 2}}
          - {id: below, stage: scale, inputs: [echo]}
        """,
    )
    assert list(made.run()) == ["ratings", "echo"]
    assert not Artifact.open(made.work / "echo.parquet").description.complete
    assert made.plan()["echo"] == ["incomplete: 1 row pending"]
    made.change("stop_after: 2", "stop_after: 0")
    assert list(made.run()) == ["echo", "below"]


def test_all_missing_inputs_are_reported_before_anything_runs(tmp_path):
    made = Recipe(
        tmp_path,
        """
        steps:
          - {id: ratings, stage: read, inputs: [scores.txt]}
          - {id: half, stage: scale, inputs: [ratigns]}
          - {id: more, stage: read, inputs: [none.txt]}
        """,
    )
    with pytest.raises(QbuildError) as caught:
        made.run()
    assert "step half: input 'ratigns' is neither a step nor a file" in str(caught.value)
    assert "Did you mean ratings?" in str(caught.value)
    assert "'none.txt'" in str(caught.value)
    assert caught.value.exit_code == 1
    assert not made.work.exists()


def test_the_plan_of_a_pipeline_reports_a_missing_input(recipe):
    recipe.scores.unlink()
    assert recipe.plan()["ratings"][0].startswith("input changed: ")
    assert "no such file" in recipe.plan()["ratings"][0]


def test_run_settings_of_a_step_apply_and_change_no_row(tmp_path):
    text = "steps:\n  - {id: ratings, stage: read, inputs: [scores.txt], runtime: RUNTIME}\n"
    plain, explicit = (
        Recipe(tmp_path / name, text.replace("RUNTIME", runtime))
        for name, runtime in (("a", "{}"), ("b", "{batch-rows: 7, max-reject-share: 1}"))
    )
    step = explicit.load().steps[0]
    how = step.run_as(Runtime(workers=2, max_reject_share=0.5))
    assert (how.workers, how.batch_rows, how.max_reject_share) == (2, 7, 1)
    for recipe in (plain, explicit):
        run(recipe.load(), recipe.work, Runtime())
    made = [(recipe.work / "ratings.parquet").read_bytes() for recipe in (plain, explicit)]
    assert made[0] == made[1]


def test_the_stage_default_applies_where_no_option_is_given(tmp_path):
    step = Recipe(tmp_path).load().steps[0]

    class Patient(Runtime):
        max_reject_share: float = 1

    patient = replace(step, stage=replace(step.stage, runtime=Patient))
    assert patient.run_as(Runtime(workers=2)).max_reject_share == 1
    assert patient.run_as(Runtime(max_reject_share=0.2)).max_reject_share == 0.2
