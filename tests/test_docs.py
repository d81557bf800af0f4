"""The pages written by hand: every file, target, command and option that they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qbuild.cli.main import listings
from qbuild.core.pipeline.load import load_pipeline
from qbuild.stages import STAGES, get_stage

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "docs/commands.md"
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if page != REFERENCE and page.name != "CHANGELOG.md"
)
TOP = r"qbuild|tests|docs|pipelines|schemas|benchmarks|backends|\.ci"

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def options_of(command: str) -> set[str]:
    own = REFERENCE.read_text(encoding="utf-8").split(f"## `qbuild {command}`\n", 1)[1]
    return set(re.findall(r"--[a-z][a-z-]*|(?<= )-[a-z]\b", own.split("\n## ", 1)[0]))


@pages
def test_every_file_that_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(rf"(?<![\w/.-])(?:{TOP})/[\w./-]+", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    missing = {name for name in named if "NAME" not in name and not (ROOT / name).exists()}
    missing |= {link for link in linked if not (page.parent / link).exists()}
    assert missing == set()


@pages
def test_every_make_target_that_a_page_names_is_in_the_makefile(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pages
def test_every_command_that_a_page_shows_has_the_options_it_shows(page):
    blocks = page.read_text(encoding="utf-8").split("```")
    shown = re.findall(r"^qbuild ([a-z][\w-]*)([^\n#]*)", "".join(blocks[1::2]), re.MULTILINE)
    shown += re.findall(r"`qbuild ([a-z][\w-]*)([^`]*)`", "".join(blocks[::2]))
    for command, rest in shown:
        assert command in listings()
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= options_of(command)


def test_the_example_of_a_pipeline_loads(tmp_path):
    text = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
    (tmp_path / "example.yaml").write_text(text.split("```yaml\n")[1].split("```")[0])
    pipeline = load_pipeline(tmp_path / "example.yaml", STAGES, get_stage)
    assert [step.id for step in pipeline.steps] == ["levels", "pairs", "train"]
    assert pipeline.roots == (f"study={tmp_path / 'images'}",)
