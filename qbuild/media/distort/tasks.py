"""Which distortions are applied to an image: chosen by seed, applied by the kernels of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qbuild.core.canonical import row_seed
from qbuild.media.distort.parameters import ALL, NAMES, RANDOM, Family, parameters
from qbuild.quality.distortions import BY_SLUG, OF_CORRUPTION, SEVERITIES

if TYPE_CHECKING:
    from qbuild.media.images.read_write import Pixels


Engine = Literal["qbuild", "imagecorruptions"]


@dataclass(frozen=True)
class Task:
    """One distortion of one image; `seed` has 64 bits."""

    family: Family
    name: str
    severity: int
    seed: int

    @property
    def distortion(self) -> str | None:
        """Which of the thirteen distortions it is; None if it is none of them."""
        return BY_SLUG[self.name] if self.family == "vqa2" else OF_CORRUPTION.get(self.name)

    @property
    def parameters(self) -> list[dict[str, str | float]]:
        """The parameters of the kernel, sorted by name."""
        values = parameters(self.family, self.name, self.severity)
        return [{"name": name, "value": values[name]} for name in sorted(values)]

    def apply(self, pixels: Pixels, engine: Engine) -> Pixels:
        """Return the distorted image `[h, w, 3]`."""
        if engine == "imagecorruptions":
            from qbuild.media.distort.common.reference import corrupt_by_reference

            return corrupt_by_reference(pixels, self.name, self.severity, self.seed)
        if self.family == "common":
            from qbuild.media.distort.common import corrupt

            return corrupt(pixels, self.name, self.severity, self.seed)
        from qbuild.media.distort.spatial import distort

        return distort(pixels, self.name, self.severity, self.seed)


def plan_tasks(
    medium: str, family: Family, names: Sequence[str], severity: str, seed: int
) -> list[Task]:
    """The distortions of one medium; `names` may be `["random"]`, severity `random` or `all`."""
    if list(names) == [RANDOM]:
        known = NAMES[family]
        names = [known[row_seed(seed, medium, family, "which") % len(known)]]
    return [
        Task(family, name, chosen, row_seed(seed, medium, family, name, str(chosen)))
        for name in names
        for chosen in _severities(severity, seed, medium, family, name)
    ]


def _severities(severity: str, seed: int, *key: str) -> tuple[int, ...]:
    if severity == ALL:
        return SEVERITIES
    if severity == RANDOM:
        return (SEVERITIES[row_seed(seed, *key, "how much") % len(SEVERITIES)],)
    return (int(severity),)
