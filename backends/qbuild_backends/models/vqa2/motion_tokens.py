"""Frames of a file to motion tokens: normalised, convolved, with positions in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from qbuild_backends.models.vqa2.config import Vqa2Config
from qbuild_backends.models.vqa2.fast_pathway import WIDTH, FastPathway

MAX_PIXELS = 256 * 224 * 224  # of one batch of videos


class MotionExtractor(nn.Module):
    """The fast pathway, and a learned absolute position for each frame (VQA², section 4.1)."""

    def __init__(self, config: Vqa2Config) -> None:
        super().__init__()
        self.pathway = FastPathway()
        self.position_embedding = nn.Embedding(config.motion_positions, WIDTH)
        self.mean, self.deviation = config.motion_mean, config.motion_deviation

    def forward(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Tokens with their positions (n, 256) of videos uint8 (n, s, s, 3), one after another.

        counts (b,) are the frames of each video; 0 for a sample without motion.
        """
        lengths = [length for length in counts.tolist() if length]
        positions = torch.cat([self.positions(length) for length in lengths])
        return self.features(frames, counts) + positions

    def fold(self) -> None:
        """Fold the pathway for inference; then it cannot be trained or saved."""
        self.pathway = self.pathway.folded()

    def features(self, frames: Tensor, counts: Tensor) -> Tensor:
        """Features (n, 256) without positions; videos of one length go through together."""
        videos = torch.split(frames, counts.tolist())
        tokens: dict[int, Tensor] = {}
        for group in _groups(videos):
            chosen = [videos[place] for place in group]
            together = torch.stack(chosen) if len(chosen) > 1 else chosen[0][None]
            tokens |= zip(group, self._computed(together).unbind(), strict=True)
        return torch.cat([tokens[place] for place in sorted(tokens)])

    def _computed(self, videos: Tensor) -> Tensor:
        """Features (b, t, 256) of videos uint8 (b, t, s, s, 3), long ones in chunks."""
        if self.pathway.goes_whole(videos.shape[1]):
            return cast("Tensor", self.pathway(self.normalised(videos)))
        parts = map(self.normalised, torch.split(videos, self.pathway.chunk, dim=1))
        return torch.cat(list(self.pathway.stream(parts)), dim=1)

    def normalised(self, videos: Tensor) -> Tensor:
        """Videos uint8 (b, t, s, s, 3) as (b, 3, t, s, s) in the pathway's own type."""
        weight = next(self.pathway.parameters())
        scaled = videos.to(weight.device, weight.dtype).div_(255).sub_(self.mean)
        return scaled.div_(self.deviation).permute(0, 4, 1, 2, 3)

    def positions(self, count: int) -> Tensor:
        """Positions (count, 256): the first rows of the table, stretched for a longer video.

        A video with more frames than the table has rows keeps all its frames, since motion is read
        from the steps between them; the table is interpolated linearly over them.
        """
        table = self.position_embedding.weight
        if count <= len(table):
            return table[:count]
        rows = table.T[None].float()  # (1, 256, rows)
        stretched = nn.functional.interpolate(rows, count, mode="linear", align_corners=True)
        return stretched[0].T.to(table.dtype)


def _groups(videos: tuple[Tensor, ...]) -> Iterator[list[int]]:
    """Places of videos of one length and size, as many as fit together; empty ones left out."""
    alike: dict[torch.Size, list[int]] = {}
    for place, video in enumerate(videos):
        if len(video):
            alike.setdefault(video.shape, []).append(place)
    for shape, places in alike.items():
        most = max(1, MAX_PIXELS // shape[:3].numel())
        yield from (places[first : first + most] for first in range(0, len(places), most))


class MotionProjector(nn.Module):
    """Motion tokens (n, 256) into the language model's width: Linear, GELU, Linear."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(WIDTH, hidden)
        self.act = nn.GELU()
        self.linear_2 = nn.Linear(hidden, hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, hidden)."""
        projected: Tensor = self.linear_2(self.act(self.linear_1(tokens)))
        return projected
