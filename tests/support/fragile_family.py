"""VQA² models that read videos with a clip reader of `fragile`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fragile import FragileClips
from qbuild_backends.backend import FamilyBackend
from qbuild_backends.models.vqa2.clips import Vqa2Clips
from qbuild_backends.models.vqa2.family import Vqa2Family
from qbuild_backends.models.vqa2.processor import Vqa2Processor

# The source of a backend of that kind, for `offered.offer`.
CRASH = "from fragile_family import fragile_backend as Constant\n"


def fragile_processor(plain: Vqa2Processor, reader: type[Vqa2Clips] = FragileClips):
    """The processor, with another reader of clips."""

    class FragileProcessor(Vqa2Processor):
        @property
        def clips(self) -> Vqa2Clips:
            sizes = super().clips
            return reader(sizes.key_size, sizes.motion_size, sizes.context)

    return FragileProcessor(plain.tokenizer, plain.settings)


@dataclass
class FragileFamily(Vqa2Family):
    """VQA² with another reader of clips."""

    reader: type[Vqa2Clips] = FragileClips

    def tiny(self, seed: int = 0, motion: str = "paper"):
        model, processor = super().tiny(seed, motion)
        return model, fragile_processor(processor, self.reader)

    def load_processor(self, folder: Path, config: Any):
        return fragile_processor(super().load_processor(folder, config), self.reader)


def fragile_backend(model: str = "", reader: type[Vqa2Clips] = FragileClips) -> FamilyBackend:
    return FamilyBackend("fragile", lambda: FragileFamily(reader), model)
