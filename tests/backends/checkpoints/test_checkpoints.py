"""Published layouts in and out: full key sets by shape, tiny ones with weights, bad by name."""

from __future__ import annotations

import json
from functools import cache

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import vqa2_layouts  # noqa: E402
from qbuild_backends.checkpoints.matching import match  # noqa: E402
from qbuild_backends.checkpoints.stored import Stored  # noqa: E402
from qbuild_backends.checkpoints.transfer import (  # noqa: E402
    _recognise,
    _shapes,
    export_checkpoint,
    import_model,
    import_part,
)
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.models.vqa2.layouts import LAYOUTS, PARTS  # noqa: E402
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from qbuild_backends.models.vqa2.settings import Vqa2ImportSettings  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import LlavaOnevisionConfig, LlavaOnevisionForConditionalGeneration  # noqa: E402
from vqa2_toys import (  # noqa: E402
    batch_of,
    drawn_clip,
    pytorchvideo_slowfast,
    tiny_model,
    tiny_processor,
)

from qbuild.core.errors import InputError, UsageError  # noqa: E402

SPELT_OUT = {
    "llava-hf": vqa2_layouts.llava_hf,
    "llava-qwen": vqa2_layouts.llava_qwen,
    "vqa2": vqa2_layouts.vqa2,
}


def read_config(folder):
    given = json.loads((folder / "config.json").read_text())
    return FAMILY.read_config(given, Vqa2ImportSettings(), "config.json")


def recognised(names):
    """The name of the layout that these tensors are of."""
    return _recognise(FAMILY, Stored("x.safetensors", dict.fromkeys(names), None)).name


@cache
def expected(name: str) -> dict[str, torch.Size]:
    with torch.device("meta"):
        return dict(_shapes(Vqa2ForConditionalGeneration(preset(name))))


def sizes(shapes: vqa2_layouts.Shapes) -> dict[str, torch.Size]:
    return {name: torch.Size(shape) for name, shape in shapes.items()}


def drawn(shapes: vqa2_layouts.Shapes, seed: int = 0) -> dict[str, torch.Tensor]:
    """Tensors of these shapes; counters are whole numbers, deviations positive."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name, shape in shapes.items():
        noise = torch.randn(shape, generator=generator) * 0.1
        found[name] = noise.long() if name.endswith("tracked") else noise
        if name.endswith("running_var"):
            found[name] = 1 + noise.abs()
    return found


@pytest.mark.parametrize("size", ["0.5b", "7b"])
@pytest.mark.parametrize("layout", SPELT_OUT)
def test_every_tensor_of_the_published_models_finds_its_place(size, layout):
    found = sizes(SPELT_OUT[layout](preset(size)))
    assert recognised(found) == layout
    table = match(expected(size), found, LAYOUTS[layout], tied=size == "0.5b")
    table.check("here")
    body = [name for name in expected(size) if "motion" not in name]
    assert len(table.matched) + table.absent.count("lm_head.weight") == (
        len(expected(size)) if layout == "vqa2" else len(body)
    )
    slow = [name for name in found if "multipathway_blocks.0" in name or "fusion" in name]
    assert table.left_out == slow
    assert set(table.absent) == set(expected(size)) - set(table.matched.values())


@pytest.mark.parametrize("layout", SPELT_OUT)
def test_names_go_out_as_they_came_in(layout):
    rules = LAYOUTS[layout]
    found = sizes(SPELT_OUT[layout](preset("7b")))
    table = match(expected("7b"), found, rules)
    assert {rules.theirs(ours): ours for ours in table.matched.values()} == table.matched


def test_the_whole_slowfast_of_pytorchvideo_is_known_by_name():
    whole = {name: tensor.shape for name, tensor in pytorchvideo_slowfast().state_dict().items()}
    spelt = sizes(vqa2_layouts.slowfast("blocks."))
    assert whole == spelt | {name: whole[name] for name in whole if name.startswith("blocks.6.")}


def test_a_27th_layer_and_the_head_of_siglip_are_left_out():
    found = sizes(vqa2_layouts.vqa2(preset("7b"), layers=27))
    before = "model.vision_tower.vision_tower.vision_model.head."
    found[f"{before}probe"] = torch.Size((1, 1, 1152))
    table = match(expected("7b"), found, LAYOUTS["vqa2"])
    table.check("here")
    assert sum("vision_tower" in name for name in table.left_out) == 16 + 1


@torch.inference_mode()
@pytest.mark.parametrize("layout", SPELT_OUT)
def test_a_model_goes_through_each_layout_with_the_same_logits(tmp_path, layout):
    model = tiny_model()
    export_checkpoint(FAMILY, model, tmp_path, layout)
    again, table = import_model(FAMILY, tmp_path, model.config)
    clip = drawn_clip(2, 8 if layout == "vqa2" else None)
    batch = batch_of(tiny_processor(), clip)
    assert table.layout == layout
    assert torch.equal(again(**batch).logits, model(**batch).logits)


@torch.inference_mode()
def test_the_slow_pathway_of_a_release_changes_nothing(tmp_path):
    tensors = drawn(vqa2_layouts.vqa2(preset("tiny")))
    slow = {name: tensor for name, tensor in tensors.items() if "multipathway_blocks.0." in name}
    batch, logits = batch_of(tiny_processor(), drawn_clip()), []
    for factor in (1.0, 5.0):
        changed = {name: tensor * factor for name, tensor in slow.items()}
        save_file(tensors | changed, tmp_path / "model.safetensors")
        model, table = import_model(FAMILY, tmp_path, preset("tiny"))
        logits.append(model(**batch).logits)
    assert len(table.left_out) == len(slow) + 24  # and what fuses the pathways
    assert torch.equal(*logits)


@torch.inference_mode()
def test_what_is_written_as_llava_hf_is_read_by_transformers(tmp_path):
    model, batch = tiny_model(), batch_of(tiny_processor(), drawn_clip(2, None))
    export_checkpoint(FAMILY, model, tmp_path, "llava-hf")
    assert set(load_file(tmp_path / "model.safetensors")) == set(
        vqa2_layouts.llava_hf(model.config)
    )
    peer, report = LlavaOnevisionForConditionalGeneration.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert (report["missing_keys"], report["unexpected_keys"]) == (set(), set())
    pixels = ((batch["key_frames"] / 255 - 0.5) / 0.5).permute(0, 3, 1, 2)[None]
    theirs = peer.eval()(input_ids=batch["input_ids"], pixel_values_videos=pixels).logits
    assert torch.equal(theirs, model(**batch).logits)


@torch.inference_mode()
@pytest.mark.parametrize("original", [True, False])
def test_what_transformers_writes_of_a_base_is_read_with_its_own_configuration(tmp_path, original):
    config = LlavaOnevisionConfig(**FAMILY.write_config(preset("tiny"), "llava-hf"))
    peer = LlavaOnevisionForConditionalGeneration(config).eval()
    peer.save_pretrained(tmp_path, save_original_format=original)
    model, table = import_model(FAMILY, tmp_path, read_config(tmp_path))
    assert (table.layout, model.config.motion_token_id) == ("llava-hf", 5)
    assert all(torch.equal(w, model.state_dict()[n]) for n, w in peer.state_dict().items())
    norm = model.model.motion_extractor.pathway.stem.norm
    assert (norm.running_var.unique(), norm.running_mean.unique()) == (1, 0)  # begun, not left


@torch.inference_mode()
def test_a_pytorchvideo_file_fills_the_pathway_and_nothing_else(tmp_path):
    whole, model, before = pytorchvideo_slowfast(), tiny_model(), tiny_model()
    torch.save({"model_state": whole.state_dict()}, tmp_path / "SLOWFAST_8x8_R50.pyth")
    table = import_part(model, tmp_path / "SLOWFAST_8x8_R50.pyth", PARTS["slowfast"])
    assert (len(table.matched), len(table.left_out)) == (318, 344)
    video = torch.randn(1, 3, 8, 64, 64, generator=torch.Generator().manual_seed(0))
    both = [video[:, :, ::4], video]
    for block in whole.blocks[:5]:
        both = block(both)
    assert torch.equal(model.model.motion_extractor.pathway.maps(video), both[1])
    kept = [name for name in model.state_dict() if "pathway" not in name]
    assert all(torch.equal(model.state_dict()[n], before.state_dict()[n]) for n in kept)


def test_a_tied_head_is_neither_written_nor_missed(tmp_path):
    config = preset("tiny")
    config.tie_word_embeddings = config.text.tie_word_embeddings = True
    model = Vqa2ForConditionalGeneration(config)
    export_checkpoint(FAMILY, model, tmp_path, "vqa2")
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    again, table = import_model(FAMILY, tmp_path, config)
    assert table.absent == ["lm_head.weight"]
    assert again.lm_head.weight is again.get_input_embeddings().weight
    assert torch.equal(again.lm_head.weight, model.lm_head.weight)


def test_faults_are_counted_by_kind_with_the_first_of_each():
    found = sizes(vqa2_layouts.vqa2(preset("tiny")))
    del found["model.mm_projector.0.weight"], found["model.mm_projector.2.bias"]
    found["model.extra"] = torch.Size((1,))
    found["lm_head.weight"] = torch.Size((600, 128))
    table = match(expected("tiny"), found, LAYOUTS["vqa2"])
    with pytest.raises(InputError) as caught:
        table.check("scorer.safetensors")
    assert str(caught.value).startswith(
        "scorer.safetensors: tensors do not fit the model: "
        "1 of another shape, the first lm_head.weight [600, 128] instead of [512, 128]; "
        "2 missing, the first model.multi_modal_projector.linear_1.weight; "
        "1 unexpected, the first model.extra; expected the layout vqa2"
    )
    assert table.wrong_shape == ["lm_head.weight [600, 128] instead of [512, 128]"]


def test_a_checkpoint_of_another_size_is_rejected_before_it_is_read(tmp_path):
    export_checkpoint(FAMILY, tiny_model(), tmp_path, "vqa2")
    with pytest.raises(InputError, match=r"of another shape, the first .* instead of \["):
        import_model(FAMILY, tmp_path, preset("0.5b"))


@pytest.mark.parametrize(
    ("layout", "size", "motion"),
    [("llava-hf", "7b", "paper"), ("vqa2", "7b", "release"), ("vqa2", "0.5b", "release")],
)
def test_a_configuration_goes_out_and_in(tmp_path, layout, size, motion):
    config = preset(size, motion)
    (tmp_path / "config.json").write_text(json.dumps(FAMILY.write_config(config, layout)))
    again = read_config(tmp_path)  # the motion size is the layout's, without a setting
    for part in ("text_config", "vision_config"):
        one, other = (getattr(c, part).to_dict() for c in (config, again))
        assert {k for k in one if one[k] != other[k]} <= {"pad_token_id", "dtype"}
    plain = (
        "video_token_id",
        "motion_token_id",
        "motion_size",
        "motion_mean",
        "tie_word_embeddings",
    )
    assert all(getattr(config, name) == getattr(again, name) for name in plain)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model_type": "qwen2"}, "is the configuration of 'qwen2'; expected llava_onevision or"),
        (
            {"model_type": "llava_qwen", "mm_newline_position": "grid"},
            "mm_newline_position is 'grid'; expected 'one_token'",
        ),
        (
            {"model_type": "llava_qwen", "mm_vision_tower": "clip"},
            "mm_vision_tower is 'clip'; expected SigLIP-SO400M",
        ),
    ],
)
def test_a_configuration_of_another_model_is_rejected(tmp_path, given, said):
    (tmp_path / "config.json").write_text(json.dumps(given))
    with pytest.raises(InputError) as caught:
        read_config(tmp_path)
    assert said in str(caught.value)


def test_a_vocabulary_without_a_free_row_is_rejected(tmp_path):
    export_checkpoint(FAMILY, tiny_model(), tmp_path, "llava-hf")
    given = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(given | {"video_token_index": 511}))
    with pytest.raises(UsageError, match="its vocabulary of 512 has no row 512 for motion tokens"):
        read_config(tmp_path)


def test_tensors_of_an_unknown_layout_are_rejected_by_name():
    with pytest.raises(InputError, match=r"its 1 tensors \(foo.weight …\) are of no known layout"):
        recognised(["foo.weight"])


def test_an_unknown_layout_is_reported_with_similar_ones(tmp_path):
    with pytest.raises(UsageError, match=r"layout llava_hf: is not known\. Did you mean llava-hf"):
        export_checkpoint(FAMILY, tiny_model(), tmp_path, "llava_hf")
    with pytest.raises(UsageError, match="layout slowfast: is not known"):
        export_checkpoint(FAMILY, tiny_model(), tmp_path, "slowfast")


def test_each_layout_has_a_marker_that_no_other_needs():
    for name, spelt in SPELT_OUT.items():
        assert recognised(spelt(preset("tiny"))) == name
