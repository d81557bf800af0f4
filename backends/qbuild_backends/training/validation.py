"""Validation: which samples are held out of training, and the loss of the model on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from qbuild.backends.protocol import TrainSpec
from qbuild.core.canonical import hash_file, row_seed
from qbuild.core.errors import InputError, UsageError, raise_all
from qbuild.core.media_roots import MediaRoots
from qbuild.core.plural import plural
from qbuild.core.rows.split_filter import SplitFilter
from qbuild_backends.data.sample import Sample, Samples
from qbuild_backends.data.samples import read_samples

FIX_SAMPLE = "Fix the sample, or leave it out of the validation data."
FIX = "Make splits by group (`qbuild split`), or give a share (validation=0.1)."


@dataclass(frozen=True)
class HeldOut:
    """The samples to train on and those to validate on."""

    training: Samples
    validation: list[Sample]
    hashes: str = ""  # of the file that the validation samples are from; empty for other settings


def is_share(given: str) -> bool:
    """Whether the setting is a number, not the name of a split or a file."""
    try:
        float(given)
    except ValueError:
        return False
    return True


def hold_out(
    samples: Samples, given: str, seed: int, read: Callable[[str], tuple[list[Sample], str]]
) -> HeldOut:
    """The samples without those to validate on: a share of the media, or what `read` returns.

    UsageError for a share outside (0, 1) or that leaves one side empty, InputError for media that
    are on both sides.
    """
    if not given:
        return HeldOut(samples, [])
    hashes = ""
    if is_share(given):
        chosen = _choose_media(samples.good, float(given), seed)
        held = [sample for sample in samples.good if _group(sample) in chosen]
        rest = [sample for sample in samples.good if _group(sample) not in chosen]
        training = replace(samples, good=rest)
    else:
        (held, hashes), training = read(given), samples
    if not held:
        raise UsageError(f"setting validation {given}", "holds no sample", "expected at least one")
    check_apart(training.good, held, given)
    return HeldOut(training, held, hashes)


def validation_reader(
    spec: TrainSpec, kind: Literal["image", "video"] | None
) -> Callable[[str], tuple[list[Sample], str]]:
    """Reads the samples of a file, with its hash, or those of a split of the training files."""
    roots = MediaRoots.parse(spec.media_roots)

    def read(given: str) -> tuple[list[Sample], str]:
        is_file = Path(given).exists()
        paths = (Path(given),) if is_file else spec.artifacts
        splits = SplitFilter(("all" if is_file else given,))
        samples = read_samples(paths, roots, kind, splits)
        raise_all(
            InputError(one.of, f"{one.rejection.reason}: {one.rejection.message}", "", FIX_SAMPLE)
            for one in samples.bad
        )
        return samples.good, str(samples.inputs[0]["hash"]) if is_file else ""

    return read


def _group(sample: Sample) -> str:
    """What samples have in common that must be on one side: the source of the medium, or itself."""
    return sample.source_media_id or sample.media_id


def _choose_media(samples: Iterable[Sample], share: float, seed: int) -> set[str]:
    """The groups that are held out, drawn by seed; samples without a medium are trained on."""
    where, expected = f"setting validation {share:g}", "expected a share above 0 and below 1"
    if not 0 < share < 1:
        raise UsageError(where, "is not a share", expected, "Give a number such as 0.1.")
    groups = sorted({_group(sample) for sample in samples if _group(sample)})
    if len(groups) < 2:
        what = f"cannot be taken of {plural(len(groups), 'medium', 'media')}"
        raise UsageError(where, what, "expected two or more", "Add media, or leave it out.")
    count = min(len(groups) - 1, max(1, round(share * len(groups))))
    return set(sorted(groups, key=lambda group: row_seed(seed, "validation", group))[:count])


def check_apart(training: Iterable[Sample], held: Iterable[Sample], given: str) -> None:
    """Raise an InputError for media of both sides, by id, by source or by content."""
    trained: dict[str, str] = {}
    sizes: dict[int, list[Sample]] = {}
    for sample in training:
        trained |= dict.fromkeys(_names(sample), sample.media_id)
        if sample.file is not None:
            sizes.setdefault(sample.file.stat().st_size, []).append(sample)
    shared: dict[str, str] = {}
    for sample in held:
        names = [trained[name] for name in _names(sample) if name in trained]
        same = [] if names or sample.file is None else sizes.get(sample.file.stat().st_size, [])
        names += [other.media_id for other in same if _is_copy(sample, other)]
        if names:
            shared[sample.media_id] = min(names)
    if shared:
        first, other = next(iter(shared.items()))
        raise InputError(
            f"setting validation {given}",
            f"shares {plural(len(shared), 'medium', 'media')} with the training data: {first} "
            f"({other} there)",
            "expected media, and sources of distorted media, that are not trained on",
            FIX,
        )


def _is_copy(one: Sample, other: Sample) -> bool:
    if one.file is None or other.file is None:
        return False
    return hash_file(one.file) == hash_file(other.file)


def _names(sample: Sample) -> set[str]:
    """The ids and the hash by which a medium and its source are known."""
    names = {sample.media_id, sample.source_media_id or "", sample.sha256 or ""}
    return names - {""}


@dataclass
class Best:
    """The validations of a run, and the weights of the best of them in a file."""

    folder: Path
    history: list[dict[str, Any]]

    @property
    def step(self) -> int:
        """The step of the lowest loss; 0 before the first validation."""
        return min(self.history, key=lambda one: one["loss"])["step"] if self.history else 0

    def path(self, step: int) -> Path:
        """The file of the weights after a step."""
        return self.folder / f"best-{step:08d}.safetensors"

    def prune(self) -> None:
        """Remove the weights of all validations but the best."""
        for file in self.folder.glob("best-*.safetensors"):
            if file != self.path(self.step):
                file.unlink()
