"""Small VQA² models with weights that a seed fixes, random clips, and PyTorchVideo to compare.

`fixed_init` gives no weight its default: a mistake in any of them moves the output.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from qbuild_backends.checkpoints.folder import from_folder
from qbuild_backends.inference.loading import Loaded
from qbuild_backends.models.inputs import Clip, Turn
from qbuild_backends.models.vqa2.clips import Vqa2Clips
from qbuild_backends.models.vqa2.family import FAMILY
from qbuild_backends.models.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.models.vqa2.presets import preset
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.models.vqa2.tokenizer import tiny_tokenizer
from torch import nn

from qbuild.media.images.read_write import image_format, read_image

torch.set_num_threads(1)

QUESTION = "How would you rate the quality of this video?"


def fixed_init(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module, each weight and statistic drawn anew by the seed, at a scale that carries far."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("running_var", "norm.weight")) and tensor.ndim == 1:
                tensor.copy_(1 + 0.2 * noise.abs())
            elif tensor.ndim < 2:
                tensor.copy_(0.1 * noise)
            else:
                tensor.copy_(noise * (2 / tensor[0].numel()) ** 0.5)
    return module


def tiny_model(seed: int = 0) -> Vqa2ForConditionalGeneration:
    return fixed_init(Vqa2ForConditionalGeneration(preset("tiny")), seed).eval()


def tiny_processor() -> Vqa2Processor:
    return FAMILY.processor(preset("tiny"), tiny_tokenizer())


def load(folder: Path, **options):
    """Model and processor of a checkpoint."""
    return from_folder(FAMILY, folder, **options)


def loaded(model: nn.Module) -> Loaded:
    """The model and the tiny processor, on the CPU."""
    return Loaded(FAMILY, model, tiny_processor(), torch.device("cpu"))


def read_clip(file: Path, *, key_size: int, motion_size: int | None) -> Clip:
    """The frames of an image or video file, read in this process."""
    clips = Vqa2Clips(key_size, motion_size)
    if image_format(file) is not None:
        return clips.read_image(read_image(file).buffer)
    clip = clips.read_video(file)
    assert isinstance(clip, Clip)
    return clip


def drawn_clip(keys: int = 2, motion: int | None = 8, seed: int = 0) -> Clip:
    """A clip of noise of the tiny preset's sizes."""
    rng = np.random.default_rng(seed)

    def frames(count: int, size: int) -> np.ndarray:
        return rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)

    moving = None if motion is None else frames(motion, 48)
    return Clip(frames(keys, 112), moving, motion or 1, (motion or 0) / 30)


def turns(marks: int = 2, answer: str = "The quality of the video is good.") -> list[Turn]:
    return [Turn("user", "<image>" * marks + QUESTION), Turn("assistant", answer)]


def batch_of(processor: Vqa2Processor, *clips: Clip, **how) -> dict[str, torch.Tensor]:
    """A batch of one question about each clip, with its answer."""
    samples = [processor.encode(turns(1 + (c.motion is not None)), c) for c in clips]
    return processor.collate(samples, **how)


@contextmanager
def _without_torchvision():
    """`torchvision.ops`, which PyTorchVideo imports a name of, as an empty stand-in."""
    package, ops = ModuleType("torchvision"), ModuleType("torchvision.ops")
    ops.RoIAlign = nn.Identity
    package.ops = ops
    stand_ins = {"torchvision": package, "torchvision.ops": ops}
    added = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(added)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def pytorchvideo_slowfast(seed: int = 0) -> nn.Module:
    """PyTorchVideo's SlowFast-R50 with fixed weights, in eval mode; skips where it is absent."""
    pytest.importorskip("pytorchvideo", reason="compares with PyTorchVideo, not a dependency")
    with _without_torchvision(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit, at import of the peer
        from pytorchvideo.models.slowfast import create_slowfast
    return fixed_init(create_slowfast(), seed).eval()
