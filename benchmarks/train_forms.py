"""The two forms of a training step that `train_step.py` times, each a run of the backend's own.

Ours is the loop as it is. The naive form takes another loader's frames, all of SlowFast, and the
loss that the model itself takes; what else it does is the same code.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import torch
from made_media import children_peak, clip_of, peak, published_clip
from motion_branch import fast_output, full_network
from qbuild_backends.data.media_reader import MediaReader
from qbuild_backends.data.samples import read_samples
from qbuild_backends.models.family import Processor
from qbuild_backends.models.inputs import Clip, Encoded, Extent
from qbuild_backends.models.vqa2.clips import Vqa2Clips
from qbuild_backends.models.vqa2.family import FAMILY
from qbuild_backends.models.vqa2.fast_pathway import FastPathway
from qbuild_backends.models.vqa2.layouts import PARTS, PATHWAY
from qbuild_backends.training.base import make_accelerator
from qbuild_backends.training.levels import Counts
from qbuild_backends.training.loop import Loop
from qbuild_backends.training.run import Run
from qbuild_backends.training.settings import read_settings
from qbuild_backends.training.states import Progress
from qbuild_backends.training.validation import HeldOut
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from qbuild.backends.protocol import TrainSpec
from qbuild.core.media_roots import MediaRoots


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one contender: ours, cached or naive."""
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # or tiny would compute with one
    torch.set_num_threads(options.threads)
    naive, place = options.contender == "naive", options.place
    settings = {
        "base": str(place / "model"),
        "plan": "ugc-scorer",
        "batch": options.batch,
        "per_device_batch": 1 if naive else options.per_device_batch,
        "workers": 0 if naive else 2,
        "device": options.device,
        "lora_rank": options.lora_rank,
        "cache": str(place / "cache") if options.contender == "cached" else "",
        "save_every": 1_000_000,
    }
    spec = TrainSpec((place / "pairs.json",), place / "unwritten", (), 0, settings)
    given = read_settings(FAMILY.train_settings, settings)
    samples = read_samples(spec.artifacts, MediaRoots.parse(()))
    held_out = HeldOut(samples, [])
    run = Measured(FAMILY, "vqa2", spec, given, held_out, make_accelerator(given))
    run.naive, run.steps = naive, options.steps
    run.train()
    return run.figures


class Measured(Run):
    """A training run that ends with figures instead of a checkpoint."""

    naive, steps = False, 0
    figures: dict[str, Any]

    def _loop(self, model: Any, processor: Processor, lengths: list[int]) -> Loop:
        if not self.naive:
            return Timed(**vars(super()._loop(model, processor, lengths)), steps=self.steps)
        network, extractor = full_network(), model.model.motion_extractor
        if network is not None:
            extractor.pathway = WholeSlowFast(network, extractor.pathway)
        made = Naive(**vars(super()._loop(model, processor, lengths)), steps=self.steps)
        made.loader.reader = PublishedReader(processor.clips)
        return made

    def _write(self, loop: Any, progress: Progress, shares: Any, figures: dict[str, Any]) -> None:  # noqa: ARG002
        pathway = loop.trained.model.model.motion_extractor.pathway
        self.figures = figures | {"whole_slowfast": isinstance(pathway, WholeSlowFast)}

    def _check_variation(self, loop: Any) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def log(self, line: str) -> None:
        """Nothing."""


class Enough(Exception):  # noqa: N818 - no error
    """As many steps are done as were asked for."""


@dataclass
class Mark:
    """How far a loop was when a step ended."""

    at: float
    waited_s: float
    tokens: int
    flops: int


@dataclass
class Timed(Loop):
    """The loop of training, warmed up and then timed from the end of one step to that of another.

    Samples are decoded ahead of both, so what is timed is the middle of a long run.
    """

    steps: int = 0  # to time; 0: an epoch
    counter: FlopCounterMode | None = None
    children_mib: float = 0.0  # MiB of the processes that decode
    marks: list[Mark] = field(default_factory=list)
    wanted: int = 0

    def run(self, progress: Progress) -> dict[str, Any]:
        """What a step took; `losses` are those of an image and a video, before any."""
        device = self.accelerator.device.type
        figures: dict[str, Any] = {"losses": self.losses_on_our_frames()}
        if self.settings.cache:
            for _ in self.loader.stream([[one] for one in range(len(self.loader.samples))]):
                pass
        steps = self.steps or self.schedule.steps_per_epoch
        self._until(progress, 1)
        before = current_memory(device)
        first, last = self._until(progress, 1 + steps)
        figures["peak"] = peak(device) + (self.children_mib if device == "cpu" else 0) - before
        seconds = last.at - first.at
        figures |= {
            "seconds": seconds / steps,
            "waited": (last.waited_s - first.waited_s) / seconds,
        }
        figures["tokens"] = (last.tokens - first.tokens) / steps
        if device == "cuda":
            with FlopCounterMode(display=False) as self.counter:
                first, last = self._until(progress, 1 + steps)
            figures["flops"] = (last.flops - first.flops) / steps
        return figures

    def _until(self, progress: Progress, steps: int) -> tuple[Mark, Mark]:
        """The marks of the first and the last of these steps; more are begun to decode."""
        self.marks, self.children_mib, progress.step = [], 0.0, 0
        self.schedule = replace(self.schedule, steps=2 * steps + self.loader.workers)
        self.wanted = steps
        with suppress(Enough):
            super().run(progress)
        return self.marks[0], self.marks[-1]

    def _step(self, stream: Any, passes: int, samples: int) -> tuple[float, int, Counts]:
        loss, seen, counts = super()._step(stream, passes, samples)
        tokens = seen + (self.marks[-1].tokens if self.marks else 0)
        flops = self.counter.get_total_flops() if self.counter else 0
        self.marks.append(Mark(time.perf_counter(), self.loader.waited_s, tokens, flops))
        self.children_mib = max(self.children_mib, children_peak())
        if len(self.marks) == self.wanted:
            raise Enough
        return loss, seen, counts

    def losses_on_our_frames(self) -> list[float]:
        """Losses of an image and a video: their sum in one pass, in the naive form one each."""
        loader = replace(self.loader, reader=OurReader(self.loader.reader.clips), workers=0)
        kinds = [sample.kind for sample in loader.samples]
        chosen = [kinds.index("image"), kinds.index("video")]
        passes = [[one] for one in chosen] if self.settings.per_device_batch == 1 else [chosen]
        with torch.no_grad():
            return [float(self._loss(encoded, [])) for encoded in loader.stream(passes)]


class Naive(Timed):
    """Logits of the whole sequence; the model takes the loss itself."""

    def _loss(self, encoded: list[Encoded], counts: list[Counts]) -> Tensor:  # noqa: ARG002
        batch = self.loader.processor.collate(encoded)
        moved = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
        return cast("Tensor", self.model(**moved, use_cache=False).loss)


class OurReader(MediaReader):
    """Reads in this process."""

    def read(self, file: Path) -> Clip | Extent:
        """The medium's frames."""
        return clip_of(file, self.clips)


class PublishedReader(MediaReader):
    """Reads in this process, all frames at full size first."""

    def read(self, file: Path) -> Clip:
        """The medium's frames."""
        sizes = cast("Vqa2Clips", self.clips)
        return published_clip(file, sizes.key_size, sizes.motion_size or sizes.key_size)


class WholeSlowFast(nn.Module):
    """All of SlowFast-R50 in the fast pathway's place, the fast one's weights in it."""

    def __init__(self, network: nn.Module, fast: FastPathway) -> None:
        super().__init__()
        rules, own = PARTS["slowfast"], fast.state_dict()
        for theirs, tensor in network.state_dict().items():
            name = rules.ours(theirs)
            if name is not None:
                tensor.copy_(own[name.removeprefix(PATHWAY)])
        network.blocks = cast("nn.ModuleList", network.blocks)[:5]  # without pool and head
        self.network = network.train()

    def forward(self, frames: Tensor) -> Tensor:
        """Tokens (b, t, 256) of frames (b, 3, t, h, w)."""
        return fast_output(self.network, frames)


def current_memory(device: str) -> float:
    """MiB held now, with what was freed given back; the peak is counted from here on."""
    gc.collect()
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
    return peak("cpu", reset=True)
