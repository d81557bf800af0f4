"""qbuild/media/distort/tasks.py: what is chosen for an image, and which kernel is applied."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from images import draw_image

from qbuild.media.distort import common, spatial
from qbuild.media.distort.parameters import NAMES, TABLES
from qbuild.media.distort.tasks import Task, plan_tasks
from qbuild.quality.distortions import OF_CORRUPTION, SPATIAL


def test_every_distortion_has_a_kernel_and_parameters_of_five_severities():
    kernels = {"common": {*common._FIXED, *common._DRAWING}, "vqa2": set(spatial._KERNELS)}
    assert {family: set(names) for family, names in NAMES.items()} == kernels
    values = [v for table in TABLES.values() for row in table.values() for v in row.values()]
    assert {len(steps) for steps in values} == {5}


def test_only_common_corruptions_are_mapped_to_distortions():
    assert set(OF_CORRUPTION) <= set(common.CORRUPTIONS)
    assert set(OF_CORRUPTION.values()) <= set(SPATIAL)


def test_random_chooses_each_corruption_and_each_severity_equally_often():
    chosen = [plan_tasks(f"d:{n}", "common", ["random"], "random", 0) for n in range(3_000)]
    assert all(len(found) == 1 for found in chosen)
    for what in ("name", "severity"):
        counts = Counter(getattr(found[0], what) for found in chosen)
        expected = 3_000 / len(counts)
        assert len(counts) == (15 if what == "name" else 5)
        assert max(abs(n - expected) for n in counts.values()) < 5 * expected**0.5


def test_all_by_all_gives_75_tasks_with_different_seeds():
    planned = plan_tasks("d:a", "common", list(NAMES["common"]), "all", 0)
    assert len(planned) == 75
    assert len({task.seed for task in planned}) == 75


def test_seeds_depend_on_run_medium_corruption_and_severity_only():
    def one(medium="d:a", seed=0, name="fog", severity="3"):
        (task,) = plan_tasks(medium, "common", [name], severity, seed)
        return task.seed

    assert one() == one()
    assert len({one(), one(medium="d:b"), one(seed=1), one(name="snow"), one(severity="4")}) == 5
    everything = plan_tasks("d:a", "common", list(NAMES["common"]), "all", 0)
    assert one() in {task.seed for task in everything}


@pytest.mark.parametrize(("family", "name"), [("common", "fog"), ("vqa2", "noise")])
def test_a_task_is_applied_by_the_kernel_of_its_family(family, name):
    task = Task(family, name, 2, 7)
    kernel = common.corrupt if family == "common" else spatial.distort
    assert np.array_equal(task.apply(draw_image(), "qbuild"), kernel(draw_image(), name, 2, 7))
    assert [p["name"] for p in task.parameters] == sorted(p["name"] for p in task.parameters)


def test_the_reference_engine_runs_the_installed_package():
    task = Task("common", "contrast", 3, 7)
    ours, theirs = (task.apply(draw_image(), engine) for engine in ("qbuild", "imagecorruptions"))
    assert np.abs(ours.astype(int) - theirs).mean() <= 1
