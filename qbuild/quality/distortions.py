"""The distortions that stage 1 of VQA² asks about: eleven spatial, two of motion (section 3.2).

Names are spelled as in the paper; `flicker` is its "flickers (camera shake)".
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

# The distortion that each common corruption resembles. Snow, frost, fog and elastic_transform are
# none of the thirteen, and zoom_blur resembles two of them: questions about those have no certain
# answer.
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

# by the name in options and file names, such as `block-effect`
BY_SLUG = {name.replace(" ", "-"): name for name in DISTORTIONS}
