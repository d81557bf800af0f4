"""What is to be done to a picture, and the two families of doing it.

common   the 15 common corruptions of `imagecorruptions` (Hendrycks & Dietterich 2019), as
         Q-SiT spoils pristine pictures with them
vqa2     the eleven spatial distortions of VQA² stage 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qbuild.core.canonical import row_seed
from qbuild.media.distort.severities import ALL, RANDOM
from qbuild.quality.distortions import BY_SLUG, OF_CORRUPTION, SEVERITIES, SPATIAL, slug

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Family = Literal["common", "vqa2"]
Engine = Literal["qbuild", "imagecorruptions"]

# Hendrycks & Dietterich's names, in their order; `qbuild.media.distort.common` holds the kernels.
COMMON = (
    "gaussian_noise",
    "shot_noise",
    "impulse_noise",
    "defocus_blur",
    "glass_blur",
    "motion_blur",
    "zoom_blur",
    "snow",
    "frost",
    "fog",
    "brightness",
    "contrast",
    "elastic_transform",
    "pixelate",
    "jpeg_compression",
)
NAMES: dict[str, tuple[str, ...]] = {"common": COMMON, "vqa2": tuple(map(slug, SPATIAL))}


@dataclass(frozen=True)
class Task:
    """One corruption of one picture; `seed` is of 64 bits."""

    family: Family
    name: str
    severity: int
    seed: int

    @property
    def distortion(self) -> str | None:
        """Which of the thirteen distortions it is, if any."""
        return BY_SLUG[self.name] if self.family == "vqa2" else OF_CORRUPTION.get(self.name)

    @property
    def parameters(self) -> list[dict[str, str | float]]:
        """What the kernel works with, by name."""
        from qbuild.media.distort import common, spatial

        of_family = common if self.family == "common" else spatial
        found = of_family.parameters(self.name, self.severity)
        return [{"name": name, "value": float(found[name])} for name in sorted(found)]

    def apply(self, pixels: NDArray[np.uint8], engine: Engine) -> NDArray[np.uint8]:
        """The spoiled picture; `[h, w, 3]` both."""
        if engine == "imagecorruptions":
            from qbuild.media.distort.common.reference import corrupt_by_reference

            return corrupt_by_reference(pixels, self.name, self.severity, self.seed)
        if self.family == "common":
            from qbuild.media.distort.common import corrupt

            return corrupt(pixels, self.name, self.severity, self.seed)
        from qbuild.media.distort.spatial import distort

        return distort(pixels, self.name, self.severity, self.seed)


def tasks(
    medium: str, family: Family, names: Sequence[str], severities: str, seed: int
) -> list[Task]:
    """What is done to one medium: `names` may be `["random"]`, severities `random` or `all`."""
    if list(names) == [RANDOM]:
        known = NAMES[family]
        names = [known[row_seed(seed, medium, family, "which") % len(known)]]
    return [
        Task(family, name, severity, row_seed(seed, medium, family, name, str(severity)))
        for name in names
        for severity in _severities(severities, seed, medium, family, name)
    ]


def _severities(given: str, seed: int, *of: str) -> tuple[int, ...]:
    if given == ALL:
        return SEVERITIES
    if given == RANDOM:
        return (SEVERITIES[row_seed(seed, *of, "how much") % len(SEVERITIES)],)
    return (int(given),)
