"""The figures of every spatial distortion at severities 1 to 5, chosen by eye on photographs.

Lengths in `_at_480` are pixels in a picture whose shorter side is 480, and grow with that side.
`docs/spatial.md` says what each does in smaller and larger ones.
"""

from __future__ import annotations

REFERENCE_SIDE = 480  # pixels

Steps = tuple[float, float, float, float, float]

TABLES: dict[str, dict[str, Steps]] = {
    "compression-artifact": {"quality": (36, 20, 12, 8, 5)},
    "spatial-blur": {"sigma_px_at_480": (1.0, 1.8, 2.9, 4.5, 7.0)},
    "motion-blur": {"length_px_at_480": (6, 12, 20, 32, 50)},
    "noise": {
        "electrons_at_white": (800, 280, 100, 36, 13),
        "read_noise_electrons": (1, 1, 1, 1, 1),
    },
    "overexposure": {"stops": (0.4, 0.8, 1.25, 1.8, 2.5)},
    "underexposure": {"stops": (-0.8, -1.6, -2.4, -3.3, -4.3)},
    "low-contrast": {"gain": (0.75, 0.56, 0.4, 0.28, 0.18)},
    "high-contrast": {"gain": (1.3, 1.7, 2.3, 3.3, 5.0)},
    "oversaturation": {"gain": (1.35, 1.75, 2.3, 3.1, 4.5)},
    "desaturation": {"gain": (0.7, 0.5, 0.32, 0.15, 0.0)},
    "block-effect": {
        "block_px_at_480": (16, 16, 16, 16, 16),
        "frequencies_kept": (10, 7, 5, 3, 1),  # along each side, the mean among them
        "gain": (0.85, 0.7, 0.55, 0.4, 0.0),  # of those but the mean
    },
}
