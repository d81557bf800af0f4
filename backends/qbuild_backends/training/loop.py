"""The steps of training: batches in, losses out, a state saved every so many steps.

A step's loss is the mean over its samples of each one's mean over its answer's tokens, so it does
not depend on how a batch is cut into passes and devices; with one sample per pass, as published,
it is the usual loss. A sample that was skipped adds nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from qbuild.backends.conversation import PLACE
from qbuild.backends.protocol import Rejected
from qbuild.core.errors import InputError, StageError
from qbuild_backends.data import batching
from qbuild_backends.data.loader import Loader
from qbuild_backends.data.sample import FIX
from qbuild_backends.models.family import TEXT
from qbuild_backends.models.inputs import Encoded, Turn
from qbuild_backends.training.base import autocast
from qbuild_backends.training.distributed import Branches
from qbuild_backends.training.evaluation import Evaluator
from qbuild_backends.training.levels import Counts, LevelTokens, total
from qbuild_backends.training.losses import sample_losses
from qbuild_backends.training.optimiser import rate_share, set_rates
from qbuild_backends.training.progress_lines import ProgressLines
from qbuild_backends.training.settings import TrainSettings
from qbuild_backends.training.states import Progress, Trained, write_state, write_weights
from qbuild_backends.training.validation import Best


@dataclass(frozen=True)
class Schedule:
    """How many steps there are, and how a step is cut."""

    lengths: Sequence[int]  # of the samples, in tokens
    batch: int
    passes: int  # per step, over all devices
    steps_per_epoch: int
    steps: int
    seed: int

    @classmethod
    def of(
        cls, lengths: Sequence[int], settings: TrainSettings, devices: int, seed: int
    ) -> Schedule:
        """The schedule of these samples, for a batch that `check_devices` accepts."""
        per_epoch = math.ceil(len(lengths) / settings.batch)
        steps = per_epoch * settings.epochs
        return cls(
            lengths=lengths,
            batch=settings.batch,
            passes=max(devices, settings.batch // (settings.per_device_batch or 1)),
            steps_per_epoch=per_epoch,
            steps=min(steps, settings.max_steps or steps),
            seed=seed,
        )

    @property
    def drawn(self) -> int:
        """How many samples the steps show: all, unless `max_steps` ends the first epoch early."""
        return len({number for batch in self.batches(0) for number in batch})

    def batches(self, first: int) -> Iterator[list[int]]:
        """The samples of each step from `first` on."""
        epoch, batches = -1, list[list[int]]()
        for step in range(first, self.steps):
            if step // self.steps_per_epoch != epoch:
                epoch = step // self.steps_per_epoch
                batches = batching.batches(self.lengths, self.batch, self.seed, epoch)
            yield batches[step % self.steps_per_epoch]


@dataclass
class Loop:
    """One process's part of a run."""

    accelerator: Any
    model: nn.Module  # as accelerate prepared it
    optimiser: Any
    trained: Trained
    branches: Branches
    loader: Loader
    schedule: Schedule
    settings: TrainSettings
    states: Path
    lines: ProgressLines
    levels: LevelTokens
    validation: Evaluator | None = None

    def run(self, progress: Progress) -> dict[str, Any]:
        """Train from `progress` to the end, updating it; returns time, speed and memory.

        Raises InputError for a bad sample unless they are skipped, StageError for a loss that is
        not finite.
        """
        start, first, tokens = time.perf_counter(), progress.step, 0
        self.lines.done = first
        batches = list(self.schedule.batches(first))
        mine = [self._my_passes(batch) for batch in batches]
        with closing(self.loader.stream([part for parts in mine for part in parts])) as stream:
            for batch, parts in zip(batches, mine, strict=True):
                warmup, hold = self.settings.warmup, self.settings.hold
                share = rate_share(progress.step, self.schedule.steps, warmup, hold)
                set_rates(self.optimiser, share)
                loss, step_tokens, counts = self._step(stream, len(parts), len(batch))
                tokens += step_tokens
                self._record(progress, loss, batch)
                self.lines.update(progress.step, loss, counts, len(batch))
                self._validate(progress)
                self._save(progress)
        seconds = time.perf_counter() - start
        return {
            "steps": progress.step - first,
            "seconds": round(seconds, 3),
            "tokens_a_second": round(tokens / seconds) if seconds else 0,
            "waited_share": round(self.loader.waited_s / seconds, 4) if seconds else 0.0,
            "peak_gib": _peak_gib(),
            "threads": torch.get_num_threads(),
            "per_device_batch": self.settings.per_device_batch,
            "gradient_checkpointing": self.settings.gradient_checkpointing,
        }

    def _my_passes(self, batch: Sequence[int]) -> list[list[int]]:
        """The passes of this process, one of every group of neighbours in length."""
        parts = batching.passes(batch, self.schedule.passes)
        index, processes = self.accelerator.process_index, self.accelerator.num_processes
        return parts[index::processes]

    def _step(
        self, stream: Iterator[list[Encoded]], passes: int, samples: int
    ) -> tuple[float, int, Counts]:
        """One update; its loss over all devices, and the tokens and level words of this one."""
        device = self.accelerator.device
        loss_sum, tokens = torch.zeros((), device=device), 0
        # accelerate takes the mean over passes and devices, the loss is one over samples
        scale = passes * self.accelerator.num_processes / samples
        seen, counts = set[str](), list[Counts]()
        for _ in range(passes):
            encoded = next(stream)
            if self.loader.skipped and self.settings.on_bad_sample == "stop":
                raise bad_sample(self.loader.skipped[0], FIX)
            tokens += sum(len(sample.ids) for sample in encoded)
            seen.update(*({TEXT, *sample.media} for sample in encoded))
            with self.accelerator.accumulate(self.model):
                loss = self._loss(encoded, counts)
                if self.accelerator.sync_gradients:
                    self.branches.seen = self._seen_anywhere(seen)  # DeepSpeed updates in backward
                self.accelerator.backward(loss * scale)
                if self.accelerator.sync_gradients and self.settings.max_norm:
                    self.accelerator.clip_grad_norm_(
                        self.model.parameters(), self.settings.max_norm
                    )
                self.optimiser.step()
                self.optimiser.zero_grad()
            loss_sum += loss.detach() / samples
        if self.accelerator.num_processes > 1:
            self.branches.share_statistics(self.accelerator, self.trained.model, seen)
        return float(self.accelerator.reduce(loss_sum, "sum")), tokens, total(counts)

    def _seen_anywhere(self, seen: set[str]) -> set[str]:
        """The branches that samples of the step went through in any process."""
        names = self.branches.names
        mine = torch.tensor([float(name in seen) for name in names])
        counts = self.accelerator.reduce(mine.to(self.accelerator.device), "sum")
        return {name for name, count in zip(names, counts.tolist(), strict=True) if count}

    def _loss(self, encoded: list[Encoded], counts: list[Counts]) -> Tensor:
        """The sum of the samples' losses; 0 of a blank sample where a pass has none.

        Every process makes the same number of passes: a sharded model waits for all of them.
        """
        self.branches.fill_all = self.trained.sharded is not None or not encoded
        batch = self.loader.processor.collate(encoded or [self._blank()])
        device = self.accelerator.device
        moved = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}

        def observe(logits: Tensor, expected: Tensor) -> None:
            counts.append(self.levels.count(logits, expected) if encoded else Counts())

        with autocast(self.accelerator):
            losses = sample_losses(self.model, moved, observe)
        return losses.sum() * (1.0 if encoded else 0.0)

    def _blank(self) -> Encoded:
        processor = self.loader.processor
        clip = processor.clips.read_image(np.zeros((8, 8, 3), np.uint8))
        return processor.encode([Turn("user", PLACE), Turn("assistant", "-")], clip)

    def _record(self, progress: Progress, loss: float, batch: Sequence[int]) -> None:
        """Record a step's loss; StageError where it is not finite."""
        if not math.isfinite(loss):
            names = ", ".join(self.loader.samples[number].name for number in batch[:3])
            raise StageError(
                f"step {progress.step + 1}",
                f"the loss is {loss} on {names} …",
                "expected a finite number",
                "Lower learning_rate, or resume from the last state in float32.",
            )
        progress.step += 1
        progress.losses.append(loss)

    def _validate(self, progress: Progress) -> None:
        """Validate where it is due, and keep the weights if they are the best so far."""
        every = self.settings.validate_every or max(1, self.schedule.steps // 10)
        is_due = progress.step % every == 0 or progress.step == self.schedule.steps
        if self.validation is None or not is_due:
            return
        found = self.validation.evaluate(range(len(self.validation.loader.samples)))
        if self.validation.loader.skipped and self.settings.on_bad_sample == "stop":
            raise bad_sample(self.validation.loader.skipped[0], FIX)
        accuracy = found.counts.accuracy()
        progress.validations.append({"step": progress.step, "loss": found.loss})
        best = Best(self.states, progress.validations)
        words = "" if accuracy is None else f", level words {accuracy:.0%} right"
        mark = " (best so far)" if best.step == progress.step else ""
        self.lines.log(f"validation at step {progress.step}: loss {found.loss:.4f}{words}{mark}")
        if best.step == progress.step and self.trained.main:
            write_weights(self.trained.model, best.path(progress.step))

    def _save(self, progress: Progress) -> None:
        """Save a state where one is due, with the best weights that it refers to."""
        if progress.step % self.settings.save_every == 0 and progress.step < self.schedule.steps:
            collect_skipped(progress, self.loader, self.accelerator)
            write_state(self.states, progress, self.trained, self.settings.keep)
            if self.trained.main:
                Best(self.states, progress.validations).prune()


def bad_sample(rejected: Rejected, todo: str, expected: str = "") -> InputError:
    """The error of a sample that ends a run."""
    reason, message = rejected.rejection.reason, rejected.rejection.message
    return InputError(rejected.of, f"{reason}: {message.removesuffix('.')}", expected, todo)


def collect_skipped(progress: Progress, loader: Loader, accelerator: Any) -> None:
    """Move what every process has skipped into the progress, each sample once."""
    skipped = loader.skipped
    if accelerator.num_processes > 1:
        from accelerate.utils import gather_object

        skipped = gather_object(skipped)
    known = set(progress.skipped)
    progress.skipped += [one for one in dict.fromkeys(skipped) if one not in known]
    loader.skipped = []


def _peak_gib() -> float:
    """The most memory used: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**30, 3)
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 3)
