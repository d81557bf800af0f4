"""A backend without a model: scores from the hash of a file's bytes, answers of one form.

It replaces a real model where that would be slow: in tests, and to try a pipeline. Every name and
answer of it contains `fake`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qbuild.backends.protocol import (
    AS_PUBLISHED,
    GREEDY,
    Answered,
    Answering,
    Backend,
    Needs,
    Rejected,
    Scored,
    Scoring,
)
from qbuild.core.canonical import canonical_json, hash_file, hash_value
from qbuild.core.rows.rejections import Rejection
from qbuild.media.unreadable import UnreadableMediaError, file_size
from qbuild.quality.published_text import LEVEL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from qbuild.backends.protocol import Prompt, TrainSpec
    from qbuild.core.media_roots import Medium

WORDS = LEVEL_WORDS["itu"]


class FakeBackend(Backend):
    """The same score for the same file; training learns nothing."""

    def __init__(self, model: str = "") -> None:
        self.model = f"fake ({model})" if model else "fake"

    def needs(self) -> Needs:
        """Nothing."""
        return Needs()

    def fingerprint(self) -> str:
        """The hash of its name."""
        return hash_value(self.model)

    def train(self, spec: TrainSpec) -> Path:
        """The output folder, with a file that records that nothing was trained."""
        spec.output.mkdir(parents=True, exist_ok=True)
        note = {"fake": True, "trained": False, "seed": spec.seed}
        (spec.output / "fake.json").write_text(canonical_json(note) + "\n", encoding="utf-8")
        return spec.output

    def score(
        self, media: Iterable[Medium], _: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Rejected]:
        """A score from the bytes of each file; the logits favour the word nearest to it."""
        for medium in media:
            try:
                score = _fraction(_hash_medium(medium))
            except UnreadableMediaError as error:
                yield Rejected(medium.media_id, Rejection(error.reason, error.message))
                continue
            logits = tuple(-4 * abs(score - place / 4) for place in range(5))
            yield Scored(medium.media_id, score, WORDS, logits)

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Rejected]:
        """`fake answer: WORD`; the word depends on the media's bytes and the conversation."""
        for prompt in prompts:
            try:
                hashes = [_hash_medium(medium) for medium in prompt.media]
            except UnreadableMediaError as error:
                yield Rejected(prompt.sample_id, Rejection(error.reason, error.message))
                continue
            asked = [hashes, prompt.question, *map(list, prompt.before)]
            word = WORDS[int(_fraction(hash_value(asked)) * 5)]
            words = f"fake answer: {word}".split()[: how.max_new_tokens]
            yield Answered(prompt.sample_id, " ".join(words))


def _hash_medium(medium: Medium) -> str:
    """`sha256:…` of its bytes; raises UnreadableMediaError."""
    file_size(medium.file)
    return hash_file(medium.file)


def _fraction(digest: str) -> float:
    """A number in [0, 1) from the first 32 bits of a `sha256:…`."""
    return int(digest.removeprefix("sha256:")[:8], 16) / 2**32
