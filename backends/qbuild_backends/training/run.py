"""`train`: a checkpoint's folder out of pairs, a base model and settings; new or resumed.

While it runs, states are written to `<output>.training`; the same command resumes from the newest.
The checkpoint is written next to its place and renamed when it is complete, then the states are
removed.
"""

from __future__ import annotations

import math
import random
import shutil
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, replace
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
from qbuild.core.rows.split_filter import SplitFilter, format_left_out
from qbuild_backends.checkpoints import description, folder, saving
from qbuild_backends.checkpoints.level_words import write_level_words
from qbuild_backends.data.loader import Loader
from qbuild_backends.data.media_reader import MediaReader
from qbuild_backends.data.sample import FIX, Sample, Samples
from qbuild_backends.data.samples import read_samples
from qbuild_backends.memory import memory_errors
from qbuild_backends.models.family import HEAD, LANGUAGE_MODEL, ModelFamily, Processor
from qbuild_backends.threads import limit_threads
from qbuild_backends.training import adapters, lineage, states
from qbuild_backends.training.base import (
    base_model,
    check_devices,
    check_packages,
    make_accelerator,
)
from qbuild_backends.training.distributed import (
    Branches,
    check_validation,
    is_sharded,
    register_direct_reads,
)
from qbuild_backends.training.evaluation import Evaluator
from qbuild_backends.training.freezing import (
    Share,
    freeze,
    idle_groups,
    parameter_shares,
    train_mode,
)
from qbuild_backends.training.levels import LevelTokens, format_variation
from qbuild_backends.training.loop import Loop, Schedule, bad_sample, collect_skipped
from qbuild_backends.training.optimiser import make_optimiser
from qbuild_backends.training.passes import choose_passes, trains_norms
from qbuild_backends.training.progress_lines import ProgressLines
from qbuild_backends.training.settings import TrainSettings, read_settings
from qbuild_backends.training.validation import Best, HeldOut, hold_out, validation_reader

EVALUATED = 64  # samples at most whose predicted levels are compared at the end
_FIX_ALL = "Fix the samples or their media."


def train(family: ModelFamily, backend: str, spec: TrainSpec) -> Path:
    """The folder of the checkpoint; returns at once where this run has already ended there.

    Raises UsageError for settings that do not fit each other or the machine, InputError for what
    cannot be read and for bad samples unless they are skipped, StageError for out of memory.
    """
    check_packages(backend)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    settings = read_settings(family.train_settings, spec.settings)
    kind = family.plans[settings.plan].kind
    splits = SplitFilter(spec.splits, training=True)
    samples = read_samples(spec.artifacts, MediaRoots.parse(spec.media_roots), kind, splits)
    _check_samples(samples, settings)
    held_out = hold_out(samples, settings.validation, spec.seed, validation_reader(spec, kind))
    accelerator = make_accelerator(settings)
    check_devices(settings, accelerator.num_processes)
    check_validation(accelerator, settings)
    with ExitStack() as stack:
        run = Run(family, backend, spec, settings, held_out, accelerator)
        if not run.is_done():
            if accelerator.is_main_process:
                stack.enter_context(claimed(run.states))
                stack.callback(states.remove_if_empty, run.states)
            accelerator.wait_for_everyone()
            run.train()
    if accelerator.is_main_process and run.states.exists():
        shutil.rmtree(run.states)
    accelerator.wait_for_everyone()
    return spec.output


class Run:
    """One training run: what it is made of, and the fingerprint that identifies it."""

    def __init__(
        self,
        family: ModelFamily,
        backend: str,
        spec: TrainSpec,
        settings: TrainSettings,
        held_out: HeldOut,
        accelerator: Any,
    ) -> None:
        self.family, self.spec, self.settings = family, spec, settings
        self.samples, self.accelerator = held_out.training, accelerator
        self.validation, samples = held_out.validation, held_out.training
        self.states = spec.output.with_name(f"{spec.output.name}.training")
        folder.check_name(family, settings.base, f"setting base {settings.base}")
        self.options = {**settings.decisive(), "backend": backend, "seed": spec.seed}
        if held_out.hashes:  # of the file that the setting names
            self.options["validation"] = held_out.hashes
        if samples.splits.left_out:  # else the checkpoint is the same whatever was asked for
            self.options["split"] = list(samples.splits.taken)
        base_fingerprint = folder.fingerprint(family, settings.base)
        self.lineage = lineage.lineage_of(samples, settings.base, base_fingerprint)
        self.fingerprint = hash_value([self.options, self.lineage])

    def is_done(self) -> bool:
        """Whether the output is the complete checkpoint of this run."""
        described = description.read_existing(self.spec.output, lineage.STAGE)
        return described is not None and described["report"].get("run") == self.fingerprint

    def train(self) -> None:
        """Train and write the checkpoint."""
        if left_out := self.samples.splits.left_out:
            self.log(format_left_out(left_out))
        torch.manual_seed(self.spec.seed)
        with train_memory(self.settings):
            model, processor = base_model(self.family, self.settings, self.spec.seed)
            shares = self._prepare(model)
            lengths = [self._estimated_length(processor, sample) for sample in self.samples.good]
            self._choose_passes(model, processor, lengths)
        with train_memory(self.settings), limit_threads(model):
            loop = self._loop(model, processor, lengths)
            progress = states.resume(self.states, self.fingerprint, loop.trained)
            if progress.step:
                self.log(f"resuming from step {progress.step}")
            figures = loop.run(progress)
            self._take_best(loop, progress)
            figures["levels"] = self._check_variation(loop)
        collect_skipped(progress, loop.loader, self.accelerator)
        self._check_not_all_skipped(progress, loop.schedule.drawn)
        self._write(loop, progress, shares, figures)

    def _prepare(self, model: Any) -> dict[str, Share]:
        """Freeze the model, add adapters and set its mode; the parameters of each group."""
        settings, plan = self.settings, self.family.plans[self.settings.plan]
        freeze(self.family, model, settings.plan, settings.frozen())
        if settings.lora_rank and LANGUAGE_MODEL in plan.groups:
            adapters.add_lora(model, settings)
        shares = parameter_shares(self.family, model)
        if settings.qlora:
            shares[LANGUAGE_MODEL] = adapters.unpacked_share(model, shares[LANGUAGE_MODEL])
        train_mode(model)
        return shares

    def _choose_passes(self, model: Any, processor: Processor, lengths: list[int]) -> None:
        """Choose what is auto: batch norms see the samples of a pass together, so only one each."""
        accelerator, used = self.accelerator, self._branches(processor)
        together = not is_sharded(accelerator) and not trains_norms(self.family, model, used)
        devices = accelerator.num_processes
        self.settings = choose_passes(self.settings, model, lengths, devices, together=together)
        if not is_sharded(accelerator):
            per_pass = (self.settings.per_device_batch or 1) * devices
            accelerator.gradient_accumulation_steps = max(1, self.settings.batch // per_pass)
        if self.settings.gradient_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})

    def _branches(self, processor: Processor) -> set[str]:
        """The branches that the samples' media go through."""
        kinds = {sample.kind for sample in self.samples.good} & {"video"} | {"image"}
        return {branch for kind in kinds for branch in processor.branches(kind)}  # type: ignore[arg-type]

    def _loop(self, model: Any, processor: Processor, lengths: list[int]) -> Loop:
        settings, accelerator = self.settings, self.accelerator
        optimiser = make_optimiser(self.family, model, settings)
        branches = Branches(self.family, model, optimiser)
        prepared, prepared_optimiser = accelerator.prepare(model, optimiser)
        branches.add_blank_clips(model, self._branches(processor))
        if accelerator.distributed_type.value == "DEEPSPEED":
            register_direct_reads(self.family, model)
        cache = Path(settings.cache) if settings.cache else None
        schedule = Schedule.of(lengths, settings, accelerator.num_processes, self.spec.seed)
        loop = Loop(
            accelerator=accelerator,
            model=prepared,
            optimiser=prepared_optimiser,
            trained=states.Trained(
                model,
                optimiser,
                main=accelerator.is_main_process,
                sharded=accelerator if is_sharded(accelerator) else None,
            ),
            branches=branches,
            loader=Loader(
                samples=self.samples.good,
                processor=processor,
                reader=MediaReader(processor.clips, cache),
                video_prompt=settings.video_prompt,
                workers=settings.workers,
            ),
            schedule=schedule,
            settings=settings,
            states=self.states,
            lines=ProgressLines(schedule.steps, settings.log_every, accelerator.is_main_process),
            levels=LevelTokens.of(self.family, processor),
        )
        if self.validation:
            loop.validation = self._evaluator(loop, self.validation)
        return loop

    def _evaluator(self, loop: Loop, samples: Sequence[Sample]) -> Evaluator:
        """Evaluates samples with the model of a loop; reads them as the loop does."""
        reader = replace(loop.loader.reader)
        loader = replace(loop.loader, samples=samples, reader=reader, skipped=[], waited_s=0.0)
        together = self.settings.per_device_batch or 1
        return Evaluator(self.accelerator, loop.model, loader, loop.levels, together)

    def _take_best(self, loop: Loop, progress: states.Progress) -> None:
        """Give the model the weights of the best validation."""
        best = Best(self.states, progress.validations)
        if best.step and best.step < progress.step:
            if not best.path(best.step).is_file():
                self.log(f"the weights of step {best.step} are missing; the last ones are kept")
                return
            states.read_weights(loop.trained.model, best.path(best.step))
            self.log(f"kept the checkpoint of step {best.step}, the best on the validation data")

    def _check_variation(self, loop: Loop) -> dict[str, Any]:
        """How much the predicted levels vary; warns where it is hardly. Not for a sharded model."""
        if loop.trained.sharded is not None:
            return {}
        where = "validation" if self.validation else "training"
        samples = self.validation or self.samples.good
        draw = random.Random(self.spec.seed)  # noqa: S311 - no secret
        chosen = sorted(draw.sample(range(len(samples)), min(EVALUATED, len(samples))))
        try:
            found = self._evaluator(loop, samples).evaluate(chosen)
        except InputError:  # none of them can be read: the run reports that by itself
            return {}
        figures = found.scores.figures()
        if warning := format_variation(figures, where):
            self.log(warning)
        return {"on": where, **figures} if figures else {}

    def _estimated_length(self, processor: Processor, sample: Sample) -> int:
        characters = sum(len(turn.text) for turn in sample.turns)
        prompt = self.settings.video_prompt
        extent = sample.num_frames, sample.fps
        return processor.estimate_tokens(sample.kind, characters, *extent, prompt)

    def _check_not_all_skipped(self, progress: states.Progress, drawn: int) -> None:
        """Raise InputError where every sample that was drawn was skipped as it was read."""
        if len(progress.skipped) >= drawn:
            drawn_samples = plural(drawn, "sample")
            expected = f"expected a sample to train on, but all {drawn_samples} were skipped"
            raise bad_sample(progress.skipped[0], _FIX_ALL, expected)

    def _write(
        self, loop: Loop, progress: states.Progress, shares: dict[str, Share], figures: Any
    ) -> None:
        """Write the checkpoint next to its place and rename it, only in the main process."""
        model, weights = self._merged(loop)
        if not self.accelerator.is_main_process:
            return
        report = self._report(progress, loop, shares)
        output = self.spec.output
        with disk_errors(output), saving.replace_folder(output) as place:
            model.eval().save_pretrained(place, state_dict=weights)
            loop.loader.processor.save(place)
            conversations = (sample.turns for sample in self.samples.good)
            write_level_words(place, conversations, Path(self.settings.base))
            lineage.write_trained_on(place, self.samples, self.settings.base, self.lineage)
            skipped = [*self.samples.bad, *progress.skipped]
            lineage.write_records(place, progress.losses, skipped, figures)
            description.describe(
                place, report["samples"], self.options, self.lineage, report, lineage.STAGE
            )

    def _merged(self, loop: Loop) -> tuple[Any, dict[str, Any]]:
        """The model to write and all its weights, in the main process; adapters are merged."""
        model = self.accelerator.unwrap_model(loop.model)
        if not self.settings.qlora:
            if self.settings.lora_rank:
                adapters.merge_lora(model)
            weights = self.accelerator.get_state_dict(loop.model)
            if loop.trained.sharded is not None and model.config.tie_word_embeddings:
                weights.pop(HEAD, None)  # gathered twice
            return model, weights
        if not self.accelerator.is_main_process:
            return model, {}
        settings = self.settings.model_copy(update={"qlora": False})
        plain, _ = base_model(self.family, settings, self.spec.seed)
        return plain, adapters.merge_into(plain, model)

    def _report(
        self, progress: states.Progress, loop: Loop, shares: dict[str, Share]
    ) -> dict[str, Any]:
        """The report in `qbuild.json`, which is printed too: the same for the same run.

        The last loss is the mean over the last tenth of the steps.
        """
        last = progress.losses[-math.ceil(progress.step / 10) :]
        base = Path(self.settings.base)
        skipped = {one.of for one in progress.skipped}
        kinds = {sample.kind for sample in self.samples.good if sample.name not in skipped}
        idle = idle_groups(self.family, loop.loader.processor, shares, kinds)
        trained = {g: replace(s, trained=0) if g in idle else s for g, s in shares.items()}
        validated = {"samples": len(self.validation), "steps": progress.validations}
        best = Best(self.states, progress.validations).step
        return {
            "run": self.fingerprint,
            "plan": self.settings.plan,
            "base": base.resolve().name if base.is_dir() else self.settings.base,
            "samples": loop.schedule.drawn - len(progress.skipped),
            "left_out": self.samples.splits.left_out,
            "skipped": len(self.samples.bad) + len(progress.skipped),
            "steps": progress.step,
            "first_loss": progress.losses[0],
            "last_loss": sum(last) / len(last),
            "parameters": {group: asdict(share) for group, share in trained.items()},
            **({"no_gradient": idle} if idle else {}),
            **({"validation": {**validated, "best_step": best}} if self.validation else {}),
        }

    def log(self, line: str) -> None:
        """Print a line on stderr, once for all processes."""
        if self.accelerator.is_main_process:
            sys.stderr.write(line + "\n")


def _check_samples(samples: Samples, settings: TrainSettings) -> None:
    """Raise for bad samples that are not to be skipped, and where none is good."""
    stops = settings.on_bad_sample == "stop"
    if stops or not samples.good:
        raise_all(bad_sample(bad, FIX if stops else _FIX_ALL) for bad in samples.bad)
    if not samples.good:
        names = ", ".join(str(given["name"]) for given in samples.inputs)
        raise InputError(names, "holds no sample", "expected at least one to train on")


def train_memory(settings: TrainSettings) -> AbstractContextManager[None]:
    """A context in which out of memory is a StageError that names the setting to change."""
    where = f"setting per_device_batch {settings.per_device_batch or 'auto'}"
    return memory_errors(where, "", "expected a pass that fits", memory_advice(settings))


def memory_advice(settings: TrainSettings) -> str:
    """Which setting to change where memory does not suffice."""
    per_device = settings.per_device_batch or 1
    if per_device > 1:
        return f"Lower per_device_batch to {per_device // 2}; batch stays as it is."
    if settings.gradient_checkpointing is False:
        return "Turn gradient_checkpointing on."
    if not settings.lora_rank:
        return "Train with lora_rank=64, or shard the model over devices (docs/training.md)."
    return "Shard the model over devices (docs/training.md), or use shorter videos."
