"""The command `train`: settings from file and command line, its report, its errors."""

from __future__ import annotations

import json

import pytest

BACKEND = "qbuild_backends.backend:vqa2"


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """An empty file: the fake backend does not read it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pairs.parquet").write_bytes(b"")
    return "pairs.parquet"


@pytest.fixture
def vqa2(tmp_path, monkeypatch):
    """Pictures and pairs; the backend is offered whether or not this environment installed it."""
    pytest.importorskip("torch", reason="needs the model backends' torch")
    pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")
    from vqa2_training import QUICK, image_pairs

    offer = tmp_path / "offer" / "made-0.dist-info"
    offer.mkdir(parents=True)
    (offer / "METADATA").write_text("Metadata-Version: 2.1\nName: made\nVersion: 0\n")
    (offer / "entry_points.txt").write_text(f"[qbuild.backends]\nvqa2 = {BACKEND}\n")
    monkeypatch.syspath_prepend(offer.parent)
    monkeypatch.chdir(tmp_path)
    image_pairs(tmp_path, 4)
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in QUICK.items())
    (tmp_path / "quick.yaml").write_text(f"backend: vqa2\n{lines}")
    return ["train", "images.parquet", "--backend", "vqa2", "--media-root", "media"]


def test_a_backend_without_a_report_still_reports_its_checkpoint(qbuild_cli, pairs):
    done = qbuild_cli("train", pairs, "-o", "made", "--backend", "fake", "--json")
    assert done.code == 0
    assert done.json["output"] == "made"


def test_a_config_for_another_backend_is_rejected(qbuild_cli, pairs, tmp_path):
    (tmp_path / "c.yaml").write_text("backend: qalign\nepochs: 1\n")
    done = qbuild_cli(
        "train", pairs, "-o", "made", "--backend", "fake", "--config", "c.yaml", "--json"
    )
    assert done.code == 2
    assert "is for backend qalign" in done.error["what"]


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "1: 2"])
def test_a_config_that_is_not_a_mapping_is_rejected(qbuild_cli, pairs, tmp_path, text):
    (tmp_path / "c.yaml").write_text(text)
    done = qbuild_cli("train", pairs, "-o", "made", "--backend", "fake", "--config", "c.yaml")
    assert done.code == 2
    assert "--config c.yaml" in done.err


def test_invalid_assignments_are_reported_together(qbuild_cli, pairs):
    given = ("--set", "epochs", "--set", "=3", "--set", "a=[")
    done = qbuild_cli("train", pairs, "-o", "made", "--backend", "fake", *given)
    assert done.code == 2
    assert done.err.count("is not an assignment") == 3


def test_a_backend_that_is_not_installed_ends_with_code_5(qbuild_cli, pairs):
    done = qbuild_cli("train", pairs, "-o", "made", "--backend", "vqa3", "--json")
    assert done.code == 5


def test_what_is_set_on_the_command_line_goes_before_the_file(qbuild_cli, vqa2):
    done = qbuild_cli(
        *vqa2, "-o", "made", "--config", "quick.yaml", "--set", "epochs=2", "--seed", 3, "--json"
    )
    assert done.code == 0, done.err
    assert "step 2/2: loss" in done.err
    assert (done.json["steps"], done.json["samples"], done.json["skipped"]) == (2, 4, 0)
    assert set(done.json["run"]) >= {"seconds", "tokens_a_second", "waited_share", "peak_gib"}


def test_the_report_lists_what_was_trained(qbuild_cli, vqa2):
    done = qbuild_cli(*vqa2, "-o", "made", "--config", "quick.yaml", "--set", "plan=1-spatial")
    assert done.code == 0, done.err
    assert "1-spatial from tiny: 4 samples (0 skipped), 1 step, loss" in done.out
    assert "language_model: 0 of 722,560 trained" in done.out
    assert "waiting for data" in done.out


def test_unknown_settings_end_with_code_2_and_near_names(qbuild_cli, vqa2):
    done = qbuild_cli(
        *vqa2, "-o", "made", "--config", "quick.yaml", "--set", "learning_rat=1", "--set", "epoch=2"
    )
    assert done.code == 2
    assert "learning_rat: is not known. Did you mean learning_rate" in done.err
    assert "epoch: is not known. Did you mean epochs?" in done.err


def test_a_misspelt_split_ends_with_code_2_and_the_splits(qbuild_cli, vqa2):
    done = qbuild_cli(*vqa2, "-o", "out", "--config", "quick.yaml", "--split", "trian", "--json")
    assert done.code == 2
    assert done.error["where"] == "--split trian"
    assert done.error["expected"] == "expected one of train (4 rows)"
    assert done.error["todo"] == "Did you mean train?"
