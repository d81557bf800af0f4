"""qbuild/core/renamed.py: old option names in pipelines and in descriptions of artifacts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from toys import READ, SCALE, scale

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.stage import Options, Runtime
from qbuild.core.errors import PipelineError
from qbuild.core.inspect.diff import compare
from qbuild.core.pipeline.load import load_pipeline
from qbuild.core.pipeline.run import plan, run
from qbuild.core.renamed import Renamed, current_options, rename_notices

RENAMED = {
    "factor": Renamed("scale_by"),
    "note": Renamed("remark", {"gut": "good"}),
    "side": Renamed("side", {"links": "left"}),
    "batch": Renamed("batch_rows"),
}


class NewOptions(Options):
    """The options of the toy stage `scale`, renamed."""

    scale_by: float = 1.0
    remark: str = ""

    @property
    def factor(self) -> float:
        """What the stage's function reads."""
        return self.scale_by


NEW_SCALE = replace(SCALE, options=NewOptions, renamed=RENAMED, transform=scale)
OLD, NEW = ({stage.name: stage for stage in (READ, each)} for each in (SCALE, NEW_SCALE))
RECIPE = """
steps:
  - {id: ratings, stage: read, inputs: [scores.txt]}
  - {id: half, stage: scale, inputs: [ratings], options: {factor: 0.5, note: gut}}
"""


@pytest.fixture
def load(tmp_path):
    def loaded(stages, text=RECIPE):
        (tmp_path / "toy.yaml").write_text(text)
        (tmp_path / "scores.txt").write_text("10 20 30")
        return load_pipeline(tmp_path / "toy.yaml", stages, stages.__getitem__)

    return loaded


def test_names_and_values_become_the_present_ones_in_the_same_order():
    given = {"note": "gut", "other": 1, "factor": 2.0, "side": ["links", "top"]}
    current = current_options(given, RENAMED)
    assert list(current.items()) == [
        ("remark", "good"),
        ("other", 1),
        ("scale_by", 2.0),
        ("side", ["left", "top"]),
    ]


def test_a_notice_names_the_old_and_the_new_name_or_value():
    assert rename_notices({"factor": 2.0, "other": 1, "side": "links"}, RENAMED, "--") == [
        "--factor was renamed to --scale-by; the old name works until 0.3",
        "--side links was renamed to left; the old value works until 0.3",
    ]
    assert rename_notices({"side": "left", "scale_by": 2.0}, RENAMED) == []


def test_a_pipeline_accepts_the_old_names_with_a_notice_per_option(load, tmp_path):
    text = RECIPE.replace("options:", "runtime: {batch: 7}, options:")
    pipeline = load(NEW, text)
    step = pipeline.steps[1]
    assert step.options == NewOptions(scale_by=0.5, remark="good")
    assert step.runtime is not None
    assert step.runtime.batch_rows == 7
    where = f"{tmp_path / 'toy.yaml'}: step half: "
    assert pipeline.notices == [
        f"{where}{old} was renamed to {new}; the old name works until 0.3"
        for old, new in (("factor", "scale_by"), ("note", "remark"), ("batch", "batch_rows"))
    ]


def test_a_pipeline_rejects_an_option_under_both_names(load):
    with pytest.raises(PipelineError, match="option 'scale_by' is given twice"):
        load(NEW, RECIPE.replace("factor: 0.5", "factor: 0.5, scale-by: 0.5"))


def test_an_artifact_is_up_to_date_after_its_options_were_renamed(load, tmp_path):
    run(load(OLD), tmp_path / "work", Runtime())
    before = Artifact.open(tmp_path / "work/half.parquet").description
    assert before.options == {"factor": 0.5, "note": "gut"}
    renamed = load(NEW, RECIPE.replace("factor", "scale_by").replace("note: gut", "remark: good"))
    assert [v.reasons for v in plan(renamed, tmp_path / "work")] == [(), ()]
    changed = load(NEW, RECIPE.replace("0.5", "0.6"))
    (reason,) = plan(changed, tmp_path / "work")[1].reasons
    assert str(reason) == "option changed: scale_by: 0.5 → 0.6"


def test_a_comparison_of_artifacts_shows_no_renamed_option(load, tmp_path):
    run(load(OLD), tmp_path / "old", Runtime())
    run(load(NEW), tmp_path / "new", Runtime())
    old, new = (Artifact.open(tmp_path / name / "half.parquet") for name in ("old", "new"))
    assert old.description.content_hash == new.description.content_hash
    assert compare(old, new, RENAMED)["made_from"] == {}
    assert compare(old, new)["made_from"].keys() == {"options"}
