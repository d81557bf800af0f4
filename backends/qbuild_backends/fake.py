"""A backend that knows nothing: scores from the hash of a file's bytes, one form of answer.

It stands in where a real model would be slow: in tests, and to see a pipeline run to its end.
Every name and answer it gives says that it is fake.
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
    Refused,
    Scored,
    Scoring,
)
from qbuild.core.canonical import canonical_json, hash_file, hash_value
from qbuild.media.unreadable import UnreadableMediaError, file_size
from qbuild.quality.published_text import LEVEL_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from qbuild.backends.protocol import Prompt, TrainSpec
    from qbuild.core.media_roots import Medium

WORDS = LEVEL_WORDS["itu"]


class FakeBackend(Backend):
    """Same file, same score; nothing is learnt and nothing is understood."""

    def __init__(self, model: str = "") -> None:
        self.model = f"fake ({model})" if model else "fake"

    def needs(self) -> Needs:
        """Nothing."""
        return Needs()

    def fingerprint(self) -> str:
        """The hash of its name."""
        return hash_value(self.model)

    def train(self, spec: TrainSpec) -> Path:
        """The output folder, with a file that says that nothing was trained."""
        spec.output.mkdir(parents=True, exist_ok=True)
        note = {"fake": True, "trained": False, "seed": spec.seed}
        (spec.output / "fake.json").write_text(canonical_json(note) + "\n", encoding="utf-8")
        return spec.output

    def score(
        self, media: Iterable[Medium], _: Scoring = AS_PUBLISHED
    ) -> Iterator[Scored | Refused]:
        """A score from the bytes of each file; the logits favour the word nearest to it."""
        for medium in media:
            try:
                file_size(medium.file)
            except UnreadableMediaError as error:
                yield Refused(medium.media_id, error.reason, error.message)
                continue
            score = _share(hash_file(medium.file))
            logits = tuple(-4 * abs(score - place / 4) for place in range(5))
            yield Scored(medium.media_id, score, WORDS, logits)

    def answer(
        self, prompts: Iterable[Prompt], how: Answering = GREEDY
    ) -> Iterator[Answered | Refused]:
        """`fake answer: WORD`, the word drawn from the media's bytes and what is asked."""
        for prompt in prompts:
            try:
                for medium in prompt.media:
                    file_size(medium.file)
            except UnreadableMediaError as error:
                yield Refused(prompt.sample_id, error.reason, error.message)
                continue
            seen = [hash_file(medium.file) for medium in prompt.media]
            said = [seen, prompt.question, *map(list, prompt.before)]
            word = WORDS[int(_share(hash_value(said)) * 5)]
            words = f"fake answer: {word}".split()[: how.max_new_tokens]
            yield Answered(prompt.sample_id, " ".join(words))


def _share(digest: str) -> float:
    """A number in [0, 1) from the first 32 bits of a `sha256:…`."""
    return int(digest.removeprefix("sha256:")[:8], 16) / 2**32
