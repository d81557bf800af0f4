"""A second family goes through the shared parts, none of which knows it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")

import offered  # noqa: E402
import toy_family  # noqa: E402
from clips import make_clip  # noqa: E402
from pairs import medium, pair  # noqa: E402
from pairs import turns as conversation  # noqa: E402
from PIL import Image  # noqa: E402
from qbuild_backends.checkpoints.folder import from_folder  # noqa: E402
from qbuild_backends.training.run import train  # noqa: E402
from running import rejected_of, rows_of  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from toy_family import FAMILY, WORDS  # noqa: E402
from vqa2_training import artifact, spec  # noqa: E402

from qbuild.quality.level_scores import score_from_logits  # noqa: E402

torch.set_num_threads(1)

TRAINING = {"plan": "all", "batch": 4, "per_device_batch": 2, "learning_rate": 0.01, "epochs": 20}
SUPPORT = Path(__file__).resolve().parent.parent / "support"
CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {support!r})
import torch
torch.set_num_threads(1)
from toy_family import FAMILY
from qbuild_backends.training.run import train
from vqa2_training import spec
place = Path({place!r})
train(FAMILY, "toy", spec(place, place / "pairs.parquet", **{settings!r}))
"""


def toy_pairs(folder: Path) -> Path:
    """Scoring pairs on five images, whose brightness is their level, and on a video."""
    rows = []
    (folder / "media").mkdir()
    for level, word in enumerate(WORDS):
        Image.new("RGB", (48, 32), (60 * level,) * 3).save(folder / "media" / f"{level}.png")
        rows.append(_row(level, medium(f"{level}.png", "image"), word))
    make_clip(folder / "media" / "v.mp4", frames=40, width=64, height=48)
    rows.append(_row(5, medium("v.mp4", "video"), "good"))
    rows.append(pair(sample_id=f"{6:032x}", media=[], turns=conversation(["Why ?"], ["good"])))
    return artifact(folder / "pairs.parquet", rows)


def _row(number, shown, word):
    question = [0, f" How is the quality of this {shown['kind']} ?"]
    turns = conversation(question, [f"The quality is {word}"])
    return pair(sample_id=f"{number:032x}", media=[shown], turns=turns)


def losses(checkpoint):
    lines = (checkpoint / "losses.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with pairs, their media and a checkpoint."""
    place = tmp_path_factory.mktemp("toy")
    train(FAMILY, "toy", spec(place, toy_pairs(place), **TRAINING))
    return place


@pytest.fixture
def toy(qbuild, tmp_path, monkeypatch):
    """Runs `qbuild ARGS` with the backend toy offered."""
    code = "from toy_family import toy as Constant\n"
    offered.offer(tmp_path, monkeypatch, "toy", code, "toy-models")
    return qbuild


def test_it_learns_and_its_checkpoint_is_described_like_any_other(trained):
    found = losses(trained / "checkpoint")
    assert found[-1] < found[0] - 1
    described = json.loads((trained / "checkpoint" / "qbuild.json").read_text())
    assert described["options"]["backend"] == "toy"
    assert described["report"]["parameters"].keys() == FAMILY.groups.keys()
    assert len(described["lineage"]) == 2


def test_a_plan_trains_only_its_groups(trained, tmp_path):
    given = spec(tmp_path, toy_pairs(tmp_path), **(TRAINING | {"plan": "images", "epochs": 1}))
    given.settings.update(base=str(trained / "checkpoint"), on_bad_sample="skip")
    train(FAMILY, "toy", given)
    before, after = (
        from_folder(FAMILY, place / "checkpoint")[0].state_dict() for place in (trained, tmp_path)
    )
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"model.patches.weight", "model.patches.bias"}


def test_adapters_are_merged(tmp_path):
    settings = TRAINING | {"lora_rank": 2, "epochs": 1, "gradient_checkpointing": True}
    made = train(FAMILY, "toy", spec(tmp_path, toy_pairs(tmp_path), **settings))
    model, _ = from_folder(FAMILY, made)
    before = FAMILY.tiny(0)[0].state_dict()
    name = "model.language_model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(model.state_dict()[name], before[name])


def test_a_killed_run_resumes_to_the_same_losses_and_weights(trained, tmp_path):
    toy_pairs(tmp_path)
    settings = TRAINING | {"save_every": 3, "log_every": 1}
    code = CHILD.format(support=str(SUPPORT), place=str(tmp_path), settings=settings)
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        next(line for line in child.stderr if line.startswith("step 8/"))
    finally:
        child.kill()
        child.communicate()
    assert not (tmp_path / "checkpoint").exists()
    made = train(FAMILY, "toy", spec(tmp_path, tmp_path / "pairs.parquet", **settings))
    assert losses(made) == pytest.approx(losses(trained / "checkpoint"), abs=1e-6)
    weights = load_file(made / "model.safetensors")
    for name, tensor in load_file(trained / "checkpoint" / "model.safetensors").items():
        assert torch.allclose(weights[name], tensor, atol=1e-6), name


def test_it_scores_from_the_command_line(toy, trained, tmp_path):
    (trained / "media" / "bad.mp4").write_text("no video")
    code, _, err = toy(
        *("score", trained / "media", "-o", "s.parquet", "--backend", "toy", "--words", "toy"),
        *("--model", trained / "checkpoint", "--device", "cpu", "--max-reject-share", 0.5),
    )
    (trained / "media" / "bad.mp4").unlink()
    assert code == 0, err
    rows = rows_of(tmp_path / "s.parquet")
    assert [row["path"] for row in rows] == [*(f"{n}.png" for n in range(5)), "v.mp4"]
    for row in rows:
        assert tuple(row["words"]) == WORDS
        assert row["score"] == score_from_logits(row["logits"])
    scores = [row["score"] for row in rows[:5]]
    assert scores == sorted(scores)  # the levels that it has learnt
    (rejected,) = rejected_of(tmp_path / "s.parquet")
    assert rejected["reason"] == "not-a-video"


def test_a_score_is_that_of_the_prompt_by_itself(trained):
    model, processor = from_folder(FAMILY, trained / "checkpoint")
    file = trained / "media" / "2.png"
    from qbuild_backends.data.media_reader import MediaReader

    from qbuild.backends.protocol import Computing, Scoring
    from qbuild.core.media_roots import Medium

    with MediaReader(processor.clips) as reader:
        encoded = processor.encode(FAMILY.scoring.turns("image"), reader.read(file), open_end=True)
    batch = processor.collate([encoded], labels=False)
    ids = [toy_family.VOCABULARY.index(word) for word in WORDS]
    with torch.inference_mode():
        expected = model(**batch).logits[0, -1, ids].tolist()
    how = Scoring(words="toy", computing=Computing("cpu"))
    media = [Medium(f"set:{n}", "p", trained / "media" / f"{n}.png") for n in range(5)]
    scores = list(toy_family.toy(str(trained / "checkpoint")).score(media, how))
    assert scores[2].logits == pytest.approx(expected, abs=2e-4)


def test_it_answers_from_the_command_line(toy, trained, tmp_path):
    code, _, err = toy(
        *("answer", trained / "pairs.parquet", "-o", "a.parquet", "--backend", "toy"),
        *("--model", trained / "checkpoint", "--media-root", trained / "media"),
        *("--device", "cpu", "--max-new-tokens", 8, "--max-reject-share", 0.5),
    )
    assert code == 0, err
    rows = rows_of(tmp_path / "a.parquet")
    answers = [row["answer"] for row in rows]
    assert len(answers) == 6  # the question without a medium is rejected
    assert answers[0] == "The quality is bad"
    assert len(set(answers)) > 1


def test_a_checkpoint_of_another_family_is_rejected(toy, trained):
    code, _, err = toy(
        "score", trained / "media", "-o", "s.parquet", "--model", trained / "checkpoint"
    )
    assert code == 1
    assert "describes a model of type 'toy'; expected vqa2" in err


def test_it_has_no_layout_to_import(toy, trained):
    (trained / "config").mkdir(exist_ok=True)
    code, _, err = toy("import-checkpoint", trained / "config", "-o", "b", "--backend", "toy")
    assert code == 1
    assert "holds no config.json" in err
