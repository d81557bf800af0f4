"""The distortions that stage 1 of VQA² asks about: eleven of pictures, two of motion (section 3.2).

One spelling for each, as the paper names it; `flicker` is its "flickers (camera shake)".
"""

from __future__ import annotations

SPATIAL = (
    "compression artifact",
    "spatial blur",
    "motion blur",
    "noise",
    "overexposure",
    "underexposure",
    "low contrast",
    "high contrast",
    "oversaturation",
    "desaturation",
    "block effect",
)
MOTION = ("flicker", "stuttering")
DISTORTIONS = SPATIAL + MOTION
SEVERITIES = (1, 2, 3, 4, 5)

# What the common corruptions are seen as. Snow, frost, fog and elastic_transform are none of the
# thirteen, and zoom_blur would pass for two of them: a question about those has no sure answer.
OF_CORRUPTION = {
    "gaussian_noise": "noise",
    "shot_noise": "noise",
    "impulse_noise": "noise",
    "defocus_blur": "spatial blur",
    "glass_blur": "spatial blur",
    "motion_blur": "motion blur",
    "brightness": "overexposure",
    "contrast": "low contrast",
    "pixelate": "block effect",
    "jpeg_compression": "compression artifact",
}


def slug(name: str) -> str:
    """A distortion's name as it stands in options and file names: `block-effect`."""
    return name.replace(" ", "-")


BY_SLUG = {slug(name): name for name in DISTORTIONS}
