"""qbuild/cli/command.py: options that were renamed work under both names."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from qbuild.cli.command import current_arguments
from qbuild.core.renamed import Renamed
from qbuild.stages import LABELS, STAGES, Listing, get_stage
from qbuild.stages import mos_to_levels as levels

ROOT = Path(__file__).resolve().parents[2]
RENAMED = {"cut": Renamed("closed", {"rechts": "right"}), "flip": Renamed("turn")}
NOTICE = "--cut was renamed to --closed; the old name works until 0.3"


@pytest.fixture
def renaming_stage(monkeypatch):
    """mos-to-levels as if `--closed` had been `--cut`."""
    stage = replace(levels.STAGE, name="cut-levels", renamed=RENAMED)
    monkeypatch.setitem(STAGES, "cut-levels", Listing("cut_levels", LABELS, "Cut levels."))
    monkeypatch.setitem(sys.modules, "qbuild.stages.cut_levels", SimpleNamespace(STAGE=stage))


@pytest.mark.parametrize("argument", [("--cut", "rechts"), ("--cut=rechts",)])
def test_an_old_name_works_with_one_line_on_stderr(qbuild_cli, pipeline, renaming_stage, argument):
    done = qbuild_cli("cut-levels", "toy.csv", "-o", "levels.parquet", *argument)
    assert done.code == 0
    assert done.err.splitlines()[0] == f"warning: {NOTICE}"
    shown = qbuild_cli("show", "levels.parquet", "--json").json
    assert shown["lineage"]["options"]["closed"] == "right"


def test_help_shows_only_the_new_name(qbuild_cli, renaming_stage):
    text = qbuild_cli("cut-levels", "--help").out
    assert "--closed" in text
    assert "--cut" not in text


def test_an_error_names_the_present_option(qbuild_cli, pipeline, renaming_stage):
    done = qbuild_cli("cut-levels", "toy.csv", "-o", "levels.parquet", "--cut")
    assert done.code == 2
    assert "'--closed' requires an argument" in done.err.splitlines()[-1]


def test_a_plain_command_has_a_table_of_its_own(qbuild_cli, work, monkeypatch):
    from qbuild.cli.commands import inspect

    monkeypatch.setattr(inspect, "RENAMED", {"show": {"first": Renamed("rows")}}, raising=False)
    done = qbuild_cli("show", work / "levels.parquet", "--first", "1")
    assert done.code == 0
    assert done.err == "warning: --first was renamed to --rows; the old name works until 0.3\n"
    assert "row 2" not in done.out


def test_a_pipeline_prints_a_line_per_old_name(qbuild_cli, pipeline, renaming_stage):
    text = pipeline.read_text().replace("mos-to-levels", "cut-levels")
    pipeline.write_text(text.replace("{words: itu}", "{words: itu, cut: rechts}"))
    done = qbuild_cli("run", pipeline, "--workdir", "work")
    assert done.code == 0
    notice = NOTICE.replace("--", "")
    assert done.err.splitlines()[0] == f"warning: {pipeline}: step levels: {notice}"


def test_negated_flags_are_renamed_and_what_follows_two_dashes_is_kept(capsys):
    given = ["--no-flip", "--flip", "--", "--flip"]
    assert current_arguments(given, RENAMED) == ["--no-turn", "--turn", "--", "--flip"]
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize("name", list(STAGES))
def test_a_renamed_option_of_a_stage_leads_to_one_that_it_has(name):
    stage = get_stage(name)
    fields = {**stage.options.model_fields, **stage.runtime.model_fields}
    assert {new.name for new in stage.renamed.values()} <= fields.keys()
    old_names = {old for old, new in stage.renamed.items() if old != new.name}
    assert not old_names & fields.keys()


@pytest.mark.parametrize("name", list(STAGES))
def test_media_roots_are_shown_for_the_stages_that_look_for_media(qbuild_cli, name):
    place = ROOT / "qbuild/stages" / STAGES[name].module
    sources = place.glob("*.py") if place.is_dir() else [place.with_suffix(".py")]
    opens = any(
        re.search(r"\.media_roots|files\.locate import", path.read_text()) for path in sources
    )
    assert ("--media-root" in qbuild_cli(name, "--help").out.split("Run options:")[1]) is opens


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("export", {"--workers", "--media-root"}),
        ("import-qa", {"--workers", "--batch-rows", "--media-root"}),
        ("contact-sheet", {"--limit", "--max-reject-share"}),
        ("probe", set()),
    ],
)
def test_options_that_a_stage_cannot_use_are_accepted_but_not_shown(
    qbuild_cli, tmp_path, monkeypatch, name, hidden
):
    monkeypatch.chdir(tmp_path)
    shown = qbuild_cli(name, "--help").out
    run_options = {"--workers", "--batch-rows", "--max-reject-share", "--media-root", "--limit"}
    assert {option for option in run_options if option not in shown} >= hidden
    for option in hidden:
        done = qbuild_cli(name, "missing.file", "-o", "out.parquet", option, "1")
        assert "No such option" not in done.err
