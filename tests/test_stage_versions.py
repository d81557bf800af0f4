"""Versions of the stages: a stage whose source changed has a new version or a recorded waiver."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def recorder():
    path = Path(__file__).with_name("record_stage_versions.py")
    spec = importlib.util.spec_from_file_location("record_stage_versions", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_stage_changed_without_a_new_version_or_a_recorded_waiver(recorder):
    record, current = recorder.read_record(), recorder.now()
    assert record.keys() == current.keys()
    faults = [recorder.fault(name, stage, record[name]) for name, stage in current.items()]
    assert not any(faults), "\n".join(filter(None, faults))


KNOWN = {"version": 1, "source": "sha256:a", "waivers": [{"source": "sha256:b", "why": "a name"}]}


@pytest.mark.parametrize(
    ("version", "source", "fault"),
    [
        (1, "sha256:a", ""),
        (1, "sha256:b", ""),
        (1, "sha256:c", "its source changed and its version is still 1"),
        (2, "sha256:a", "version 1 → 2 is not recorded"),
    ],
)
def test_a_fault_is_reported_with_the_command_that_fixes_it(recorder, version, source, fault):
    told = recorder.fault("cut", {"version": version, "source": source}, KNOWN)
    assert fault in told
    assert bool(fault) == ("python tests/record_stage_versions.py" in told)


def test_recording_takes_new_versions_but_not_a_silent_change(recorder):
    changed = {"cut": {"version": 1, "source": "sha256:c"}}
    assert recorder.updated({"cut": KNOWN}, changed) == {"cut": KNOWN}
    waived = recorder.updated({"cut": KNOWN}, changed, "a shorter loop")["cut"]["waivers"]
    assert waived[-1] == {"source": "sha256:c", "why": "a shorter loop"}
    raised = {"cut": {"version": 2, "source": "sha256:c"}}
    assert recorder.updated({"cut": KNOWN}, raised)["cut"]["waivers"] == []


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"""Another docstring."""\n\n\ndef f(x):\n    return x + 1  # why\n', True),
        ("def f(x):\n    return x + 2\n", False),
        ("def f(x):\n    return x + True\n", False),
        ("def f(x, y=None):\n    return x + 1\n", False),
    ],
)
def test_words_may_change_where_code_may_not(recorder, tmp_path, text, same):
    stages = tmp_path / "qbuild/stages"
    stages.mkdir(parents=True)
    (stages / "one.py").write_text('"""One."""\ndef f(x):\n    """More."""\n    return x + 1\n')
    (stages / "two.py").write_text(text)
    hashes = []
    for name in ("one", "two"):
        (stages / "it.py").write_text((stages / f"{name}.py").read_text())
        hashes.append(recorder.source_hash("it", tmp_path))
    assert (hashes[0] == hashes[1]) == same


def test_a_module_next_to_the_stage_counts_as_its_source(recorder, tmp_path):
    stages = tmp_path / "qbuild/stages"
    labels = tmp_path / "qbuild/labels"
    stages.mkdir(parents=True)
    labels.mkdir()
    (stages / "it.py").write_text("def f():\n    from qbuild.stages.beside import g\n    g()\n")
    (stages / "beside.py").write_text("from qbuild.labels.ratings import read\n")
    (labels / "__init__.py").write_text("")
    (labels / "layout.py").write_text("")
    names = [path.name for path in recorder.source_files("it", tmp_path)]
    assert names == ["__init__.py", "layout.py", "beside.py", "it.py"]


def test_a_stage_may_be_a_package_and_plots_do_not_count_as_its_source(recorder, tmp_path):
    lines = {
        "stages/it/__init__.py": "from qbuild.stages.it.rows import f\n",
        "stages/it/rows.py": "from qbuild.quality import levels; import qbuild.core.rows.lookup\n",
        "quality/levels.py": "from qbuild.quality.plots.scatter import draw\n",
        "quality/plots/scatter.py": "",
        "core/rows/lookup.py": "",
    }
    for name, text in lines.items():
        (tmp_path / "qbuild" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "qbuild" / name).write_text(text)
    names = [path.name for path in recorder.source_files("it", tmp_path)]
    assert names == ["levels.py", "__init__.py", "rows.py"]
