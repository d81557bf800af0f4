"""Model and processor in a folder of their own, and back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import vqa2_toys  # noqa: E402
from qbuild_backends.checkpoints import saving  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from safetensors import safe_open  # noqa: E402
from vqa2_toys import batch_of, drawn_clip, tiny_model, tiny_processor  # noqa: E402

from qbuild.core.errors import InputError  # noqa: E402


@torch.inference_mode()
@pytest.mark.parametrize("shard", ["5GB", "2MB"])
def test_a_model_comes_back_with_its_processor_to_the_bit(tmp_path, shard):
    model, processor = tiny_model(), tiny_processor()
    saving.save(tmp_path, model, processor)
    if shard != "5GB":
        (tmp_path / "model.safetensors").unlink()
        model.save_pretrained(tmp_path, max_shard_size=shard)
        assert len(list(tmp_path.glob("*.safetensors"))) > 1
    again, other = vqa2_toys.load(tmp_path)
    clip = drawn_clip()
    batches = batch_of(processor, clip), batch_of(other, clip)
    assert all(torch.equal(batches[0][name], batches[1][name]) for name in batches[0])
    assert torch.equal(model(**batches[0]).logits, again(**batches[1]).logits)
    assert (again.config.motion_size, again.config.motion_positions) == (48, 256)


def test_its_weights_bear_the_models_own_names(tmp_path):
    model = tiny_model()
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert set(file.keys()) == set(model.state_dict())


def test_a_type_may_be_asked_for(tmp_path):
    saving.save(tmp_path, tiny_model(), tiny_processor())
    model, _ = vqa2_toys.load(tmp_path, dtype=torch.bfloat16)
    assert model.dtype == torch.bfloat16


def test_an_unrelated_folder_is_rejected(tmp_path):
    with pytest.raises(InputError, match=r"holds no config\.json"):
        vqa2_toys.load(tmp_path)


def test_tiny_is_the_same_for_the_same_seed():
    one, other, third = (FAMILY.tiny(seed)[0].state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["lm_head.weight"], third["lm_head.weight"])


def test_a_folder_takes_the_place_of_the_old_one_whole(tmp_path):
    output = tmp_path / "model"
    for text in ("old", "new"):
        with saving.replace_folder(output) as place:
            (place / f"{text}.txt").write_text(text)
    assert [file.name for file in output.iterdir()] == ["new.txt"]
    assert list(tmp_path.iterdir()) == [output]


def test_a_folder_that_was_not_filled_leaves_the_old_one(tmp_path):
    output = tmp_path / "model"
    output.mkdir()
    (output / "old.txt").write_text("old")
    with pytest.raises(FileNotFoundError), saving.replace_folder(output) as place:
        (place / "no" / "new.txt").write_text("new")
    assert [file.name for file in output.iterdir()] == ["old.txt"]
    assert list(tmp_path.iterdir()) == [output]
