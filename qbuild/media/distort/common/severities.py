"""What each kernel is told at severities 1 to 5, as `imagecorruptions` 1.1.2 has it.

Values and deviations of light are shares of full scale (1 is 255 grey levels), lengths and blurs
are in pixels, angles are drawn.
"""

from __future__ import annotations

SEVERITIES = range(1, 6)

Five = tuple[float, float, float, float, float]

TABLES: dict[str, dict[str, Five]] = {
    "gaussian_noise": {"sigma": (0.08, 0.12, 0.18, 0.26, 0.38)},
    "shot_noise": {"photons": (60, 25, 12, 5, 3)},  # a pixel at full scale
    "impulse_noise": {"amount": (0.03, 0.06, 0.09, 0.17, 0.27)},  # share of values, half to 255
    "defocus_blur": {"radius": (3, 4, 6, 8, 10), "alias_sigma": (0.1, 0.5, 0.5, 0.5, 0.5)},
    "glass_blur": {
        "sigma": (0.7, 0.9, 1.0, 1.1, 1.5),
        "reach": (1, 2, 2, 3, 4),
        "iterations": (2, 1, 3, 2, 2),
    },
    "motion_blur": {"radius": (10, 15, 15, 15, 20), "sigma": (3, 5, 8, 12, 15)},
    "zoom_blur": {  # the zooms are numpy.arange(1, stop, step)
        "stop": (1.11, 1.16, 1.21, 1.26, 1.31),
        "step": (0.01, 0.01, 0.02, 0.02, 0.03),
    },
    "snow": {
        "mean": (0.1, 0.2, 0.55, 0.55, 0.55),
        "deviation": (0.3, 0.3, 0.3, 0.3, 0.3),
        "zoom": (3, 2, 4, 4.5, 2.5),
        "threshold": (0.5, 0.5, 0.9, 0.85, 0.85),
        "radius": (10, 12, 12, 12, 12),
        "sigma": (4, 4, 8, 8, 12),
        "picture": (0.8, 0.7, 0.7, 0.65, 0.55),  # its weight, against itself whitened
    },
    "frost": {"picture": (1, 0.8, 0.7, 0.65, 0.6), "texture": (0.4, 0.6, 0.7, 0.7, 0.75)},
    "fog": {"amount": (1.5, 2.0, 2.5, 2.5, 3.0), "decay": (2, 2, 1.7, 1.5, 1.4)},
    "brightness": {"amount": (0.1, 0.2, 0.3, 0.4, 0.5)},  # added to the value of HSV
    "contrast": {"factor": (0.4, 0.3, 0.2, 0.1, 0.05)},
    "elastic_transform": {"alpha": (12.5, 16.25, 21.25, 25.0, 30.0)},
    "pixelate": {"factor": (0.6, 0.5, 0.4, 0.3, 0.25)},
    "jpeg_compression": {"quality": (25, 18, 15, 10, 7)},
}
