"""One 256-d token per frame: the fast pathway of SlowFast-R50 (8x8), without the slow one.

The lateral connections of SlowFast run from fast to slow only, so what VQA² takes from it (section
4.1) never sees the slow pathway: 514,152 parameters instead of 34.6 million, the same bits.
Widths, kernels and strides are those of `create_slowfast` in PyTorchVideo 0.1.5.

Shapes: b videos, t frames, h x w pixels; nothing here strides in time.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTH = 256
DEPTHS = (3, 4, 6, 3)
INNER = (8, 16, 32, 64)
STRIDES = (1, 2, 2, 2)
RADIUS = 2 + sum(DEPTHS)  # frames on either side that a token sees: 2 by the stem, 1 per bottleneck
CHUNK = 256  # frames; each chunk is computed with RADIUS more on either side


class SplitConv3d(nn.Conv3d):
    """A convolution whose kernel spans only time or only space, never both.

    Where it is `split`, and in training, it runs in two dimensions: with channels last in memory,
    3x1x1 is 3x1 over one image of t rows and h · w columns, 1x3x3 is 3x3 over b · t images.
    Both are views of the same memory, and 2 to 9 times faster than in three dimensions. In eval
    mode it is the convolution of PyTorchVideo, to the bit.
    """

    split = False

    def forward(self, x: Tensor) -> Tensor:
        """(b, inside, t, h, w) → (b, outside, t, h / stride, w / stride)."""
        if not (self.split or self.training):
            return super().forward(x)
        last = x.permute(0, 2, 3, 4, 1).contiguous()  # (b, t, h, w, inside)
        convolved = self._over_time(last) if self.kernel_size[0] > 1 else self._in_space(last)
        return convolved.permute(0, 4, 1, 2, 3)  # channels stay last in memory

    def _over_time(self, last: Tensor) -> Tensor:
        tall = last.flatten(2, 3).permute(0, 3, 1, 2)  # (b, inside, t, h · w)
        padding = (self.kernel_size[0] // 2, 0)
        convolved = nn.functional.conv2d(tall, self.weight[..., 0], self.bias, padding=padding)
        return convolved.permute(0, 2, 3, 1).reshape(*last.shape[:4], -1)

    def _in_space(self, last: Tensor) -> Tensor:
        images = last.flatten(0, 1).permute(0, 3, 1, 2)  # (b · t, inside, h, w)
        stride, padding = self.stride[1:], (self.kernel_size[1] // 2, self.kernel_size[2] // 2)
        weight = self.weight[:, :, 0]
        convolved = nn.functional.conv2d(images, weight, self.bias, stride, padding)
        return convolved.permute(0, 2, 3, 1).reshape(*last.shape[:2], *convolved.shape[2:], -1)


def _unit(inside: int, outside: int, kernel: tuple[int, int, int], stride: int = 1) -> nn.Module:
    """A convolution that keeps t, strides in space, and its batch norm."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    spans_both = kernel[0] > 1 and kernel[1] > 1
    kind = nn.Conv3d if spans_both else SplitConv3d
    conv = kind(inside, outside, kernel, (1, stride, stride), padding, bias=False)
    return nn.Sequential(OrderedDict(conv=conv, norm=nn.BatchNorm3d(outside)))


class Bottleneck(nn.Module):
    """A residual block: 3x1x1, 1x3x3, 1x1x1."""

    def __init__(self, inside: int, inner: int, stride: int) -> None:
        super().__init__()
        self.a = _unit(inside, inner, (3, 1, 1))
        self.b = _unit(inner, inner, (1, 3, 3), stride)
        self.c = _unit(inner, 4 * inner, (1, 1, 1))
        changes = inside != 4 * inner or stride != 1
        self.shortcut = _unit(inside, 4 * inner, (1, 1, 1), stride) if changes else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(b, inside, t, h, w) → (b, 4 · inner, t, h / stride, w / stride)."""
        branch = self.c(self.relu(self.b(self.relu(self.a(x)))))
        return cast("Tensor", self.relu(self.shortcut(x) + branch))


class FastPathway(nn.Module):
    """Frames (b, 3, t, h, w), normalised, → tokens (b, t, 256), each averaged over its frame.

    In eval mode videos longer than `chunk` + 2 · RADIUS go through in chunks that overlap by the
    receptive field: the tokens are those of the whole video, up to rounding, and memory does not
    grow with t. In training they are not split: batch norm takes its statistics from one pass.
    """

    split = False  # whether it runs in two dimensions in eval mode as well

    def __init__(self, chunk: int = CHUNK) -> None:
        super().__init__()
        self.chunk = chunk
        self.stem = _unit(3, INNER[0], (5, 7, 7), stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        widths = (INNER[0], *(4 * inner for inner in INNER))
        self.stages = nn.ModuleList(
            _stage(*shape) for shape in zip(widths, INNER, DEPTHS, STRIDES, strict=False)
        )

    def maps(self, frames: Tensor) -> Tensor:
        """Feature maps (b, 256, t, h/32, w/32) of all frames at once."""
        if self.split or self.training:
            frames = frames.contiguous(memory_format=torch.channels_last_3d)
        x: Tensor = self.pool(self.relu(self.stem(frames)))  # (b, 8, t, h/4, w/4)
        for stage in self.stages:
            x = stage(x)
        return x

    def forward(self, frames: Tensor) -> Tensor:
        """Tokens (b, t, 256)."""
        if self.goes_whole(frames.shape[2]):
            return self._tokens(frames)
        return torch.cat(list(self.stream(torch.split(frames, self.chunk, dim=2))), dim=1)

    def goes_whole(self, count: int) -> bool:
        """Whether a video of that many frames goes through in one piece."""
        return self.training or count <= self.chunk + 2 * RADIUS

    def stream(self, chunks: Iterable[Tensor]) -> Iterator[Tensor]:
        """Tokens (b, tᵢ, 256) of a video that comes in chunks (b, 3, tᵢ, h, w) of any length.

        They come RADIUS frames late; 2 · RADIUS frames are held from one chunk to the next.
        """
        held, done = None, 0  # the tokens of the first `done` frames of `held` were yielded
        for chunk, last in _until_last(chunks):
            held = chunk if held is None else torch.cat((held, chunk), dim=2)
            ready = held.shape[2] if last else held.shape[2] - RADIUS
            if ready <= done:
                continue
            yield self._tokens(held)[:, done:ready]
            begin = max(0, ready - RADIUS)
            held, done = held[:, :, begin:], ready - begin

    def _tokens(self, frames: Tensor) -> Tensor:
        return self.maps(frames).mean((3, 4)).transpose(1, 2)  # (b, t, 256)

    def folded(self) -> FastPathway:
        """A copy for inference, more than twice as fast; its tokens differ only by rounding."""
        if self.split:
            return self
        folded = copy.deepcopy(self).eval().requires_grad_(False)
        for parent, name, unit in list(_units(folded)):
            setattr(parent, name, _fused(unit))
        for module in folded.modules():
            if isinstance(module, FastPathway | SplitConv3d):
                module.split = True
        folded.stem = folded.stem.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        return folded


def _units(pathway: FastPathway) -> Iterator[tuple[nn.Module, str, nn.Sequential]]:
    """Each convolution with its batch norm, its parent and name; none once they are folded."""
    for parent in pathway.modules():
        for name, child in parent.named_children():
            if isinstance(child, nn.Sequential) and hasattr(child, "norm"):
                yield parent, name, child


def _fused(unit: nn.Sequential) -> nn.Conv3d:
    """The convolution of a unit with its batch norm folded into it, as in eval mode."""
    conv, norm = unit
    return fuse_conv_bn_eval(cast("nn.Conv3d", conv), cast("nn.BatchNorm3d", norm))


def _stage(inside: int, inner: int, depth: int, stride: int) -> nn.Sequential:
    first = Bottleneck(inside, inner, stride)
    return nn.Sequential(first, *(Bottleneck(4 * inner, inner, 1) for _ in range(depth - 1)))


def _until_last(chunks: Iterable[Tensor]) -> Iterator[tuple[Tensor, bool]]:
    """Each chunk, and whether it is the last one."""
    for chunk, following in pairwise(chain(chunks, (None,))):
        if chunk is not None:
            yield chunk, following is None
