"""`train`: a checkpoint's folder out of pairs, a base and settings; begun anew or gone on with.

While it runs, states lie in `<output>.training`; the same command goes on from the newest. The
checkpoint is made beside its place and renamed when it is whole, then the states are removed.
"""

from __future__ import annotations

import math
import shutil
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from qbuild.backends.protocol import TrainSpec
from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.output_folder import claimed
from qbuild.core.canonical import hash_value
from qbuild.core.errors import InputError, raise_all
from qbuild.core.media_roots import MediaRoots
from qbuild.core.plural import plural
from qbuild_backends.checkpoints import description
from qbuild_backends.checkpoints.matching import TIED
from qbuild_backends.data import batching
from qbuild_backends.data.loader import Loader
from qbuild_backends.data.media_reader import FrameReader
from qbuild_backends.data.sample import MEND, Samples
from qbuild_backends.data.samples import read_samples
from qbuild_backends.models.vqa2 import save_load
from qbuild_backends.models.vqa2.freezing import PLANS, Share, shares, train_mode, trainable
from qbuild_backends.models.vqa2.processor import Vqa2Processor
from qbuild_backends.models.vqa2.video_prompts import NONE
from qbuild_backends.training import adapters, lineage, states
from qbuild_backends.training.base import (
    accelerator_of,
    base_model,
    base_name,
    check_devices,
    check_parts,
)
from qbuild_backends.training.distributed import Branches, is_spread, share_positions
from qbuild_backends.training.loop import Loop, Schedule, collect_skipped
from qbuild_backends.training.memory import training_memory
from qbuild_backends.training.optimiser import optimiser
from qbuild_backends.training.settings import TrainSettings, settings_of


def train(spec: TrainSpec) -> Path:
    """The folder of the checkpoint; at once where this very run has ended there before.

    Raises UsageError for settings that do not fit each other or the machine, InputError for what
    cannot be read and for bad samples unless they are skipped, StageError where memory ends.
    """
    check_parts()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    settings = settings_of(spec.settings)
    samples = read_samples(spec.artifacts, MediaRoots.parse(spec.media_roots), _kind(settings))
    _check_samples(samples, settings)
    accelerator = accelerator_of(settings)
    check_devices(settings, accelerator.num_processes)
    with ExitStack() as stack:
        stack.enter_context(training_memory(settings))
        run = Run(spec, settings, samples, accelerator)
        if not run.stands():
            if accelerator.is_main_process:
                stack.enter_context(claimed(run.states))
                stack.callback(states.remove_unbegun, run.states)
            accelerator.wait_for_everyone()
            run.train()
    if accelerator.is_main_process and run.states.exists():
        shutil.rmtree(run.states)
    accelerator.wait_for_everyone()
    return spec.output


class Run:
    """One training run: what it is made of, and the fingerprint that it is known by."""

    def __init__(
        self, spec: TrainSpec, settings: TrainSettings, samples: Samples, accelerator: Any
    ) -> None:
        self.spec, self.settings, self.samples = spec, settings, samples
        self.accelerator = accelerator
        self.states = spec.output.with_name(f"{spec.output.name}.training")
        self.base = base_name(settings.base)
        self.options = {**settings.what_counts(), "backend": "vqa2", "seed": spec.seed}
        self.lineage = lineage.lineage_of(samples, settings.base, self.base.fingerprint)
        self.fingerprint = hash_value([self.options, self.lineage])

    def stands(self) -> bool:
        """Whether the output is the whole checkpoint of this run."""
        told = description.standing(self.spec.output, lineage.STAGE)
        return told is not None and bool(told["report"].get("run") == self.fingerprint)

    def train(self) -> None:
        """Train and put the checkpoint in place."""
        torch.manual_seed(self.spec.seed)
        model, processor = base_model(self.settings, self.spec.seed)
        trainable(model, self.settings.plan)
        if self.settings.lora_rank and "language_model" in PLANS[self.settings.plan].groups:
            adapters.add_lora(model, self.settings)
        found = shares(model)
        if self.settings.qlora:
            found["language_model"] = adapters.whole_share(model, found["language_model"])
        train_mode(model)
        if self.settings.gradient_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        loop = self._loop(model, processor)
        progress = states.resume(self.states, self.fingerprint, loop.trained)
        if progress.step:
            self.tell(f"going on from step {progress.step}")
        took = loop.run(progress)
        collect_skipped(progress, loop.loader, self.accelerator)
        self._check_learnt(progress, loop.schedule.drawn)
        self._finish(loop, progress, found, took)

    def _loop(self, model: Any, processor: Vqa2Processor) -> Loop:
        settings, sizes = self.settings, processor.settings
        chosen = optimiser(model, settings)
        spread = is_spread(self.accelerator)
        branches = Branches(model, chosen)
        prepared, prepared_optimiser = self.accelerator.prepare(model, chosen)
        shows_videos = any(sample.kind == "video" for sample in self.samples.good)
        branches.fill(model, sizes, motion=sizes.motion and shows_videos)
        if self.accelerator.distributed_type.value == "DEEPSPEED":
            share_positions(model)
        frame = 0 if settings.frame == NONE else _FRAME_TOKENS
        lengths = batching.sizes(self.samples.good, sizes.tokens_per_key, frame)
        keeps = Path(settings.cache) if settings.cache else None
        return Loop(
            accelerator=self.accelerator,
            model=prepared,
            optimiser=prepared_optimiser,
            trained=states.Trained(
                model,
                chosen,
                main=self.accelerator.is_main_process,
                sharded=self.accelerator if spread else None,
            ),
            branches=branches,
            loader=Loader(
                samples=self.samples.good,
                processor=processor,
                reader=FrameReader(sizes.key_size, sizes.shown_motion_size, keeps),
                frame=settings.frame,
                workers=settings.workers,
            ),
            schedule=Schedule.of(lengths, settings, self.accelerator.num_processes, self.spec.seed),
            settings=settings,
            states=self.states,
            tell=self.tell,
        )

    def _check_learnt(self, progress: states.Progress, drawn: int) -> None:
        """Raise InputError where every sample that was drawn was skipped as it was read."""
        if len(progress.skipped) < drawn:
            return
        first = progress.skipped[0]
        raise InputError(
            first.sample,
            f"{first.reason}: {first.message.removesuffix('.')}",
            f"expected a sample to train on, of {plural(drawn, 'sample')} all were skipped",
            "Mend the samples or their media.",
        )

    def _finish(
        self, loop: Loop, progress: states.Progress, found: dict[str, Share], took: dict[str, Any]
    ) -> None:
        """Write the checkpoint beside its place and rename it; only the main process writes."""
        model, weights = self._whole(loop)
        if not self.accelerator.is_main_process:
            return
        report = self._report(progress, loop.schedule.drawn, found)
        output = self.spec.output
        with disk_errors(output), save_load.replacing(output) as place:
            model.eval().save_pretrained(place, state_dict=weights)
            loop.loader.processor.save(place)
            lineage.write_trained_on(place, self.samples, self.settings.base, self.lineage)
            skipped = [*self.samples.bad, *progress.skipped]
            lineage.write_records(place, progress.losses, skipped, took)
            description.describe(
                place, report["samples"], self.options, self.lineage, report, lineage.STAGE
            )

    def _whole(self, loop: Loop) -> tuple[Any, dict[str, Any]]:
        """The model to write and all its weights, in the main process; adapters are merged."""
        model = self.accelerator.unwrap_model(loop.model)
        if not self.settings.qlora:
            if self.settings.lora_rank:
                adapters.merge_lora(model)
            weights = self.accelerator.get_state_dict(loop.model)
            if loop.trained.sharded is not None and model.config.tie_word_embeddings:
                weights.pop(TIED, None)  # gathered twice
            return model, weights
        if not self.accelerator.is_main_process:
            return model, {}
        plain, _ = base_model(self.settings.model_copy(update={"qlora": False}), self.spec.seed)
        return plain, adapters.merged(model, plain)

    def _report(
        self, progress: states.Progress, drawn: int, found: dict[str, Share]
    ) -> dict[str, Any]:
        """What stands in `qbuild.json` and is printed: the same for the same run.

        The last loss is the mean over the last tenth of the steps.
        """
        last = progress.losses[-math.ceil(progress.step / 10) :]
        return {
            "run": self.fingerprint,
            "plan": self.settings.plan,
            "base": self.base.name,
            "samples": drawn - len(progress.skipped),
            "skipped": len(self.samples.bad) + len(progress.skipped),
            "steps": progress.step,
            "first_loss": progress.losses[0],
            "last_loss": sum(last) / len(last),
            "parameters": {group: asdict(share) for group, share in found.items()},
        }

    def tell(self, line: str) -> None:
        """Print a line on stderr, once for all processes."""
        if self.accelerator.is_main_process:
            sys.stderr.write(line + "\n")


_FRAME_TOKENS = 130  # the training frame in Qwen2's vocabulary, about


def _kind(settings: TrainSettings) -> Any:
    return PLANS[settings.plan].kind


def _check_samples(samples: Samples, settings: TrainSettings) -> None:
    """Raise for bad samples that are not to be skipped, and where none is good."""
    stops = settings.on_bad_sample == "stop"
    if stops or not samples.good:
        todo = MEND if stops else "Mend the samples or their media."
        raise_all(
            InputError(bad.sample, f"{bad.reason}: {bad.message}", todo=todo) for bad in samples.bad
        )
    if not samples.good:
        names = ", ".join(str(given["name"]) for given in samples.inputs)
        raise InputError(names, "holds no sample", "expected at least one to train on")
