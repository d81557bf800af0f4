"""Checkpoint files read safely: whole, in shards, of torch's own kind, and none of those."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("safetensors", reason="needs the model backends' safetensors")

from qbuild_backends.checkpoints.stored import stored  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from qbuild.core.errors import InputError  # noqa: E402

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(7)}


def sharded(folder: Path) -> Path:
    """A folder of two shards and their index; the index."""
    save_file({"a": TENSORS["a"]}, folder / "one.safetensors")
    save_file({"b": TENSORS["b"]}, folder / "two.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    return index


def single(folder: Path) -> Path:
    save_file(TENSORS, folder / "model.safetensors")
    return folder / "model.safetensors"


def of_torch(folder: Path) -> Path:
    torch.save({"epoch": 3, "model_state": TENSORS}, folder / "pytorch_model.bin")
    return folder / "pytorch_model.bin"


@pytest.mark.parametrize("write", [sharded, single, of_torch])
def test_tensors_are_listed_by_shape_and_read(tmp_path, write):
    write(tmp_path)
    found = stored(tmp_path)
    assert found.shapes == {"a": (2, 3), "b": ()}
    read = dict(found.read())
    assert all(torch.equal(read[name], TENSORS[name]) for name in TENSORS)


def test_one_file_may_be_named_itself(tmp_path):
    assert set(stored(single(tmp_path)).shapes) == {"a", "b"}


class Trap:
    """What a pickle may hold: a call that the reader would make."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_a_file_that_would_run_code_is_rejected_and_runs_none(tmp_path):
    torch.save({"a": TENSORS["a"], "trap": Trap(tmp_path / "ran")}, tmp_path / "slowfast.pth")
    with pytest.raises(InputError) as caught:
        stored(tmp_path / "slowfast.pth")
    assert "slowfast.pth: holds more than tensors: reading it could run code" in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("write", [single, of_torch])
def test_a_truncated_file_is_rejected_by_name(tmp_path, write):
    file = write(tmp_path)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputError, match=f"{file.name}: cannot be read") as caught:
        stored(tmp_path)
    assert "Fetch the file again." in str(caught.value)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ({"weight_map": {"a": "three.safetensors"}}, "names the shard three.safetensors, which is"),
        ({"weight_map": {"a": "../one.safetensors"}}, "names the shard '../one.safetensors'"),
        ({"weights": {}}, "is not a valid index of shards"),
        ([], "is not a valid index of shards"),
    ],
)
def test_an_invalid_index_is_rejected(tmp_path, index, said):
    sharded(tmp_path).write_text(json.dumps(index))
    with pytest.raises(InputError) as caught:
        stored(tmp_path)
    assert said in str(caught.value)


def test_a_folder_without_weights_is_rejected(tmp_path):
    with pytest.raises(InputError, match=r"holds no checkpoint; expected one of model\.safe"):
        stored(tmp_path)
    with pytest.raises(InputError, match="nowhere: does not exist"):
        stored(tmp_path / "nowhere")


def test_a_file_without_tensors_is_rejected(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no tensors"):
        stored(tmp_path)
