"""`qbuild import-checkpoint`: published layouts into a folder that `score` and `train` take."""

from __future__ import annotations

import json
import resource

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import offered  # noqa: E402
import vqa2_layouts  # noqa: E402
import vqa2_toys  # noqa: E402
from images import write_image  # noqa: E402
from qbuild_backends.checkpoints import importing  # noqa: E402
from qbuild_backends.checkpoints.folder import check_folder, check_name, fingerprint  # noqa: E402
from qbuild_backends.checkpoints.transfer import export_checkpoint  # noqa: E402
from qbuild_backends.inference.loading import load_model  # noqa: E402
from qbuild_backends.models.vqa2 import published_config  # noqa: E402
from qbuild_backends.models.vqa2.family import FAMILY  # noqa: E402
from qbuild_backends.models.vqa2.layouts import PATHWAY  # noqa: E402
from qbuild_backends.models.vqa2.presets import preset  # noqa: E402
from running import rows_of  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from vqa2_toys import (  # noqa: E402
    batch_of,
    drawn_clip,
    tiny_model,
    tiny_processor,
)

from qbuild.backends.protocol import Computing, ImportSpec  # noqa: E402
from qbuild.core.artifact.output_folder import DESCRIPTION, claimed  # noqa: E402
from qbuild.core.canonical import hash_file  # noqa: E402
from qbuild.core.errors import CombinedError, DiskError, InputError, UsageError  # noqa: E402


def published(place, model=None, layout="llava-hf"):
    """A folder as weights are published: tensors, configuration and tokenizer of that layout."""
    export_checkpoint(FAMILY, model or tiny_model(), place, layout)
    tiny_processor().tokenizer.save_pretrained(place)
    return place


@pytest.fixture
def source(tmp_path):
    return published(tmp_path / "llava-tiny")


def imported(source, output, **settings):
    return importing.import_checkpoint(FAMILY, "vqa2", ImportSpec(source, output, settings))


def refusal(source, output, error=InputError, **settings):
    """The error of a rejected import, which leaves nothing next to the source."""
    before = sorted(output.parent.iterdir())
    with pytest.raises(error) as caught:
        imported(source, output, **settings)
    assert sorted(output.parent.iterdir()) == before
    return str(caught.value)


def report_of(place):
    return json.loads((place / DESCRIPTION).read_text())["report"]


@torch.inference_mode()
def test_a_base_comes_in_with_the_same_logits(qbuild, source, tmp_path):
    code, out, err = qbuild("import-checkpoint", source, "-o", "base", "--backend", "vqa2")
    assert (code, err) == (0, "")
    shapes = vqa2_layouts.llava_hf(preset("tiny"))
    assert out.splitlines() == [
        "→ base",
        f"  llava-hf from llava-tiny: {len(shapes)} tensors matched, 0 left out",
        "  random weights: motion_extractor (319 tensors), motion_projector (4 tensors)",
    ]
    model, processor = vqa2_toys.load(tmp_path / "base")
    batch = batch_of(processor, drawn_clip(1, None))
    assert torch.equal(model(**batch).logits, tiny_model()(**batch).logits)


def test_json_output_has_the_names(qbuild, source):
    code, out, _ = qbuild("import-checkpoint", source, "-o", "b", "--backend", "vqa2", "--json")
    told = json.loads(out)
    assert (code, told["output"], told["layout"]) == (0, "b", "llava-hf")
    assert told["random"] == {"motion_extractor": 319, "motion_projector": 4}
    assert len(told["absent"]) == 323
    assert "model.motion_projector.linear_1.weight" in told["absent"]
    assert told["left_out"] == []


def test_an_imported_folder_is_scored_with(qbuild, source, tmp_path):
    imported(source, tmp_path / "base")
    write_image(tmp_path / "media" / "p.png")
    code, _, err = qbuild(
        *("score", "media", "--backend", "vqa2", "--model", "base", "-o", "s.parquet")
    )
    assert code == 0, err
    (row,) = rows_of(tmp_path / "s.parquet")
    assert (row["backend"], row["model"]) == ("vqa2", "base")


def test_an_imported_folder_is_trained_from(source, tmp_path):
    pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")
    from vqa2_training import image_pairs, spec, train

    base = imported(source, tmp_path / "base")
    told = spec(tmp_path, image_pairs(tmp_path, 4), base=str(base), plan="1-spatial")
    done = json.loads((train(told) / DESCRIPTION).read_text())
    assert done["report"]["base"] == "base"
    assert done["lineage"][-1]["hash"] == fingerprint(FAMILY, str(base))


@torch.inference_mode()
def test_a_slowfast_file_fills_only_the_pathway(source, tmp_path):
    shapes = vqa2_layouts.slowfast("blocks.")
    whole = {name: torch.full(shape, 2.0) for name, shape in shapes.items()}
    file = tmp_path / "SLOWFAST_8x8_R50.pyth"
    torch.save({"model_state": whole}, file)
    plain, _ = vqa2_toys.load(imported(source, tmp_path / "plain"))
    place = imported(source, tmp_path / "filled", slowfast=str(file))
    filled, _ = vqa2_toys.load(place)
    pathway = [name for name in filled.state_dict() if name.startswith(PATHWAY)]
    assert all((filled.state_dict()[name] == 2).all() for name in pathway)
    rest = filled.state_dict().keys() - set(pathway)
    assert all(torch.equal(filled.state_dict()[name], plain.state_dict()[name]) for name in rest)
    told = report_of(place)
    assert told["random"] == {"motion_extractor": 1, "motion_projector": 4}
    assert told["absent"][0] == "model.motion_extractor.position_embedding.weight"
    part = {
        "layout": "slowfast",
        "source": file.name,
        "matched": 318,
        "left_out": len(shapes) - 318,
    }
    assert told["parts"][1] == part
    assert len(told["left_out"]) == len(shapes) - 318
    inputs = json.loads((place / DESCRIPTION).read_text())["inputs"]
    assert inputs[1] == {"name": file.name, "hash": hash_file(file)}


@torch.inference_mode()
def test_a_release_comes_in_whole_but_for_the_slow_pathway(tmp_path, monkeypatch):
    """Tiny shapes: the configuration names only SO400M; the tower of tiny replaces it here."""
    config = preset("tiny", "release")
    monkeypatch.setattr(published_config, "so400m", lambda: config.vision)
    ids = {name: getattr(config, name) for name in published_config.QWEN2_TOKENS}
    monkeypatch.setattr(published_config, "QWEN2_TOKENS", ids | {"motion_positions": 256})
    source = published(tmp_path / "release", layout="vqa2")
    shapes = vqa2_layouts.vqa2(config)
    slow = {name: torch.zeros(shapes[name]) for name in shapes if "multipathway_blocks.0." in name}
    save_file(load_file(source / "model.safetensors") | slow, source / "model.safetensors")
    place = imported(source, tmp_path / "scorer")
    told = report_of(place)
    assert (told["layout"], told["absent"], told["random"]) == ("vqa2", [], {})
    assert set(told["left_out"]) == set(slow)
    model, processor = vqa2_toys.load(place)
    assert processor.settings.motion_size == 384  # the release's size, without a setting
    assert all(torch.equal(w, model.state_dict()[n]) for n, w in tiny_model().state_dict().items())
    file = tmp_path / "slowfast.pyth"
    file.write_bytes(b"")
    refused = refusal(source, tmp_path / "again", UsageError, slowfast=str(file))
    assert "release has these weights itself; expected a base" in refused


def test_weights_keep_their_type(tmp_path):
    source = published(tmp_path / "halved", tiny_model().to(torch.bfloat16))
    place = imported(source, tmp_path / "base")
    kinds = {t.dtype for t in load_file(place / "model.safetensors").values()}
    assert kinds == {torch.bfloat16, torch.int64}  # counters of batch norms
    assert report_of(place)["dtype"] == "bfloat16"


def test_a_tied_head_does_not_begin_at_random(tmp_path):
    model = tiny_model()
    model.config.tie_word_embeddings = model.config.text.tie_word_embeddings = True
    model.tie_weights()
    place = imported(published(tmp_path / "tied", model), tmp_path / "base")
    assert set(report_of(place)["random"]) == {"motion_extractor", "motion_projector"}
    weight = vqa2_toys.load(place)[0].lm_head.weight
    assert torch.equal(weight, model.get_input_embeddings().weight)


def test_the_same_import_gives_the_same_bytes_and_replaces_the_earlier(source, tmp_path):
    one, other = (imported(source, tmp_path / name) for name in ("one", "other"))
    assert (one / DESCRIPTION).read_bytes() == (other / DESCRIPTION).read_bytes()
    (one / "model.safetensors").write_bytes(b"damaged")
    imported(source, one)
    assert fingerprint(FAMILY, str(one)) == fingerprint(FAMILY, str(other))
    beside = {place.name for place in tmp_path.iterdir()}
    assert beside == {"llava-tiny", "one", "other"}


def test_the_description_names_the_source_and_every_file(source, tmp_path):
    place = imported(source, tmp_path / "base", motion="release")
    told = json.loads((place / DESCRIPTION).read_text())
    assert told["stage"] == {"name": "import-checkpoint", "version": 1}
    assert told["options"] == {"backend": "vqa2", "layout": "auto", "motion": "release"}
    assert [one["name"] for one in told["lineage"]] == ["llava-tiny"]
    files = {path.name for path in place.iterdir()} - {DESCRIPTION}
    assert set(told["files"]) == files
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= files


def test_other_weights_are_another_source(source, tmp_path):
    other = published(tmp_path / "other" / "llava-tiny", tiny_model(seed=1))
    one, two = (imported(place, tmp_path / name) for place, name in ((source, "1"), (other, "2")))
    hashes = [json.loads((p / DESCRIPTION).read_text())["inputs"][0]["hash"] for p in (one, two)]
    assert hashes[0] != hashes[1]


def test_a_source_that_is_not_a_folder_is_rejected(tmp_path):
    told = refusal(tmp_path / "lmms" / "none", tmp_path / "base")
    assert "none: is not a folder; expected the folder of a published checkpoint" in told


def test_a_source_without_tokenizer_is_rejected_before_its_weights_are_read(source, tmp_path):
    (source / "tokenizer.json").unlink()
    (source / "model.safetensors").unlink()
    told = refusal(source, tmp_path / "base")
    assert "llava-tiny: holds no tokenizer.json; expected the tokenizer that was published" in told


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json"])
def test_a_damaged_file_next_to_the_weights_is_named(source, tmp_path, name):
    (source / name).write_text("{")
    told = refusal(source, tmp_path / "base")
    assert f"{name}: cannot be read (" in told
    assert "Fetch the file again." in told


def test_a_qbuild_checkpoint_is_reported_to_need_no_import(source, tmp_path):
    place = imported(source, tmp_path / "base")
    told = refusal(place, tmp_path / "again", UsageError)
    assert "base: was made by qbuild; expected weights as they were published" in told


def test_a_missing_tensor_is_named(source, tmp_path):
    tensors = load_file(source / "model.safetensors")
    del tensors["multi_modal_projector.linear_1.weight"]
    save_file(tensors, source / "model.safetensors")
    told = refusal(source, tmp_path / "base")
    assert "1 missing, the first model.multi_modal_projector.linear_1.weight" in told


def test_truncated_weights_are_rejected_by_name(source, tmp_path):
    file = source / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    assert "model.safetensors: cannot be read (" in refusal(source, tmp_path / "base")


def test_a_tokenizer_of_another_form_is_rejected(source, tmp_path):
    text = (source / "tokenizer.json").read_text()
    (source / "tokenizer.json").write_text(text.replace("<|im_start|>", "<|other|>"))
    told = refusal(source, tmp_path / "base", UsageError)
    assert "the tokenizer has no <|im_start|>" in told


def test_all_invalid_settings_are_reported_together(source, tmp_path):
    told = refusal(
        source, tmp_path / "base", CombinedError, layot="vqa2", motion="slow", slowfast=3
    )
    assert "setting layot: is not known. Did you mean layout?" in told
    assert "setting motion: the value 'slow' cannot be used; expected 'paper'" in told
    assert "setting slowfast: the value 3 cannot be used" in told


def test_a_missing_slowfast_file_is_rejected(source, tmp_path):
    told = refusal(source, tmp_path / "base", slowfast="none.pyth")
    assert "none.pyth: is not a file; expected: PyTorchVideo's SlowFast-R50" in told


@pytest.mark.parametrize("described", [None, {"stage": {"name": "train", "version": 1}}])
def test_an_output_that_is_something_else_stays(source, tmp_path, described):
    place = tmp_path / "thesis"
    place.mkdir()
    (place / "thesis.tex").write_text("mine")
    if described:
        (place / DESCRIPTION).write_text(json.dumps(described))
    told = refusal(source, place, UsageError)
    assert "holds something other than a checkpoint of `qbuild import-checkpoint`" in told
    assert (place / "thesis.tex").read_text() == "mine"


def test_two_imports_into_one_folder_are_rejected(source, tmp_path):
    with claimed(tmp_path / "base.importing"):
        told = refusal(source, tmp_path / "base", UsageError)
    assert "base.importing: is in use by another run" in told


def test_an_output_below_a_file_is_an_error_of_the_disk(source, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"base\.importing: cannot be written: "):
        imported(source, tmp_path / "file" / "base")


def test_a_disk_that_takes_no_more_leaves_nothing(source, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        told = refusal(source, tmp_path / "base", DiskError)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "base: cannot be written: " in told
    assert "File too large" in told


def test_unknown_settings_end_the_command_with_code_2(qbuild, source):
    code, _, err = qbuild(
        *("import-checkpoint", source, "-o", "b", "--backend", "vqa2", "--set", "layot=vqa2")
    )
    assert code == 2
    assert "layot: is not known. Did you mean layout?" in err


def test_a_backend_without_the_method_is_rejected(qbuild, source, tmp_path, monkeypatch):
    offered.offer(tmp_path, monkeypatch, "constant", offered.constant(), "other-party")
    code, _, err = qbuild("import-checkpoint", source, "-o", "b", "--backend", "constant")
    assert code == 2
    assert "--backend constant: cannot import checkpoints; expected a backend that can" in err


def test_the_error_on_a_foreign_folder_names_the_import_command(source, tmp_path):
    with pytest.raises(InputError, match="or import it first: `qbuild import-checkpoint`"):
        check_folder(FAMILY, source)
    place = imported(source, tmp_path / "base")
    (place / "vqa2_processor.json").unlink()
    with pytest.raises(InputError, match="Import published weights: `qbuild import-checkpoint`"):
        vqa2_toys.load(place)
    for name_model in (
        lambda: load_model(FAMILY, "7b", Computing(device="cpu")),
        lambda: check_name(FAMILY, "7b", "setting base 7b"),
    ):
        with pytest.raises(UsageError, match="Import published weights: `qbuild import-check"):
            name_model()
