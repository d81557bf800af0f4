"""A backend that knows nothing: scores from the hash of a file's bytes, one form of answer.

It stands in where a real model would be slow: in tests, and to see a pipeline run to its end.
Every name and answer it gives says that it is fake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.backends import Answered, Backend, Needs, Scored
from qbuild.core.canonical import canonical_json, hash_file, hash_value
from qbuild.core.interface import LEVEL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from qbuild.backends import Medium, Sample, TrainSpec

WORDS = LEVEL_WORDS["itu"]


class FakeBackend(Backend):
    """Same file, same score; nothing is learnt and nothing is understood."""

    def __init__(self, model: str = "") -> None:
        self.model = f"fake ({model})" if model else "fake"

    def needs(self) -> Needs:
        """Nothing."""
        return Needs()

    def train(self, spec: TrainSpec) -> Path:
        """The output folder, with a file that says that nothing was trained."""
        spec.output.mkdir(parents=True, exist_ok=True)
        note = {"fake": True, "trained": False, "seed": spec.seed}
        (spec.output / "fake.json").write_text(canonical_json(note) + "\n", encoding="utf-8")
        return spec.output

    def score(self, media: Iterable[Medium]) -> Iterator[Scored]:
        """A score from the bytes of each file; the logits favour the word nearest to it."""
        for medium in media:
            score = _share(hash_file(medium.file))
            logits = tuple(-4 * abs(score - place / 4) for place in range(5))
            yield Scored(medium.media_id, score, WORDS, logits)

    def answer(self, samples: Iterable[Sample]) -> Iterator[Answered]:
        """`fake answer: WORD`, the word drawn from the media's bytes and the question."""
        for sample in samples:
            seen = [hash_file(medium.file) for medium in sample.media]
            word = WORDS[int(_share(hash_value([seen, sample.question])) * 5)]
            yield Answered(sample.sample_id, f"fake answer: {word}")


def _share(digest: str) -> float:
    """A number in [0, 1) from the first 32 bits of a `sha256:…`."""
    return int(digest.removeprefix("sha256:")[:8], 16) / 2**32
