"""qbuild/cli/complete.py: what the shell completes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from qbuild.cli.complete import artifacts, pipelines

PROGRAM = [sys.executable, "-c", "from qbuild.cli.main import main; main()"]


def completed(*words: str) -> list[str]:
    """What bash is given for a command line whose last word is to be completed."""
    asked = {"_QBUILD_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(["qbuild", *words])}
    done = subprocess.run(
        PROGRAM, capture_output=True, text=True, check=True,
        env={**os.environ, **asked, "COMP_CWORD": str(len(words))},
    )  # fmt: skip
    return done.stdout.split()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.parquet", "ab.csv", "own.yaml", "images/c.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()


def test_names_of_commands_are_completed():
    assert completed("scor") == ["scoring-qa", "score"]


def test_options_and_their_values_are_completed():
    assert "--every-nth-frame" in completed("streaming-qa", "--e")
    assert completed("export", "--format", "") == ["llava", "q-align"]
    assert completed("ingest-ratings", "--layout", "kon") == ["koniq"]
    assert completed("stalling", "--layout", "live-n") == ["live-nflx-2", "live-nflx-1"]


def test_an_option_that_a_stage_cannot_use_is_not_completed():
    assert completed("export", "--work") == []
    assert completed("probe", "--work") == ["--workers"]


def test_artifacts_are_completed_and_the_folders_next_to_them(folder):
    assert artifacts("") == ["a.parquet", "images/"]
    assert artifacts("a") == ["a.parquet"]
    assert artifacts("images/") == ["images/c.parquet"]
    assert completed("show", "a") == ["a.parquet"]


def test_nothing_is_proposed_where_no_artifact_matches_so_that_the_shell_completes(folder):
    assert artifacts("i") == []
    assert artifacts("none/") == []
    assert completed("mos-to-levels", "a") == []


def test_pipelines_that_ship_and_own_ones_are_completed(folder):
    assert pipelines("") == ["demo", "demo-train", "images/", "own.yaml"]
    assert completed("run", "de") == ["demo", "demo-train"]


def test_completion_of_names_loads_no_stage():
    code = (
        "import os, sys\n"
        "os.environ.update(_QBUILD_COMPLETE='complete_bash')\n"
        "os.environ.update(COMP_WORDS='qbuild m', COMP_CWORD='1')\n"
        "from qbuild.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not [name for name in sys.modules if name.startswith('qbuild.stages.')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_the_shell_is_printed(shell):
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [*PROGRAM, "--show-completion", shell], capture_output=True, text=True, env=environment,
        check=True,
    )  # fmt: skip
    assert "_QBUILD_COMPLETE" in done.stdout
