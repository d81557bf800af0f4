"""Which tensors of a checkpoint go where, as a table, before any is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

from qbuild.core.errors import InputError
from qbuild_backends.models.family import HEAD
from qbuild_backends.models.layout import Layout


@dataclass
class KeyTable:
    """The match of a checkpoint's tensors with a model's.

    matched maps their names to ours. missing and wrong_shape are our names; unexpected and
    left_out theirs, the latter of no use to the family. absent are ours that the layout never has:
    they keep the values they had.
    """

    layout: str
    matched: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    wrong_shape: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)

    def check(self, where: str) -> None:
        """Raise InputError, with the first of each kind and the counts, unless all fits."""
        faults = [
            f"{len(keys):,} {title}, the first {_first(keys)}"
            for title, keys in (
                ("of another shape", self.wrong_shape),
                ("missing", self.missing),
                ("unexpected", self.unexpected),
            )
            if keys
        ]
        if faults:
            raise InputError(
                where,
                f"tensors do not fit the model: {'; '.join(faults)}",
                f"expected the layout {self.layout} at the model's sizes "
                f"({len(self.matched):,} tensors fit)",
                "Use the configuration that the checkpoint was made with, or name its layout.",
            )


def _first(keys: Iterable[str]) -> str:
    return next(iter(keys), "")


def match(
    expected: Mapping[str, torch.Size],
    found: Mapping[str, torch.Size],
    layout: Layout,
    *,
    tied: bool = False,
) -> KeyTable:
    """The table for a model's shapes and a checkpoint's; where `tied`, the head may be missing."""
    table = KeyTable(layout.name)
    for theirs, shape in found.items():
        ours = layout.ours(theirs)
        if ours is not None and ours in expected:
            if shape == expected[ours]:
                table.matched[theirs] = ours
            else:
                wanted = list(expected[ours])
                table.wrong_shape.append(f"{theirs} {list(shape)} instead of {wanted}")
        elif layout.leaves_out(theirs):
            table.left_out.append(theirs)
        else:
            table.unexpected.append(theirs)
    renamed = {layout.ours(theirs) for theirs in found}
    for ours in expected:
        if ours not in renamed:
            kept = not ours.startswith(layout.holds) or (tied and ours == HEAD)
            (table.absent if kept else table.missing).append(ours)
    return table
