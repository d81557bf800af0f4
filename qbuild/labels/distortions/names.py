"""Labels in any wording as names of the thirteen distortions.

A label is compared without case, blanks, hyphens, underscores and plural: `Over-exposed` is
`overexposed`. The table holds words that mean exactly one distortion; a label that names an
attribute without its direction (`contrast`) is none of the thirteen.
"""

from __future__ import annotations

import re

from qbuild.quality.distortions import DISTORTIONS, MOTION, SPATIAL

SYNONYMS: dict[str, tuple[str, ...]] = {
    "compression artifact": (
        "compression", "compressed", "compression artefact", "artifact", "artefact", "jpeg",
        "jpeg artifact", "jpeg artefact", "jpeg compression", "jpeg2000", "jpeg 2000", "jp2k",
        "coding artifact", "coding artefact", "h264", "h265", "hevc",
    ),
    "spatial blur": (
        "blur", "blurry", "blurred", "blurriness", "gaussian blur", "lens blur", "defocus",
        "defocus blur", "defocused", "out of focus", "unfocused", "unsharp",
    ),
    "motion blur": ("motion blurred", "motion blurry", "movement blur"),
    "noise": (
        "noisy", "noised", "grain", "grainy", "white noise", "gaussian noise", "impulse noise",
        "shot noise", "salt and pepper noise", "multiplicative noise", "sensor noise",
    ),
    "overexposure": ("overexposed", "over exposure", "overexposing", "too bright", "overbright"),
    "underexposure": ("underexposed", "underexposing", "too dark", "dark"),
    "low contrast": ("contrast too low", "lack of contrast", "washed out"),
    "high contrast": ("contrast too high", "overcontrast", "excessive contrast"),
    "oversaturation": ("oversaturated", "high saturation", "too colorful", "too colourful"),
    "desaturation": (
        "desaturated", "undersaturated", "undersaturation", "low saturation", "faded",
        "faded color", "faded colour",
    ),
    "block effect": (
        "block", "blocky", "blocking", "blockiness", "blocking artifact", "blocking artefact",
        "block artifact", "block artefact", "pixelate", "pixelated", "pixelation",
    ),
    "flicker": (
        "flickering", "shake", "shaky", "shaking", "shakiness", "camera shake", "camera shaking",
        "unstable camera",
    ),
    "stuttering": (
        "stutter", "stuttered", "playback jitter", "judder", "frame drop", "dropped frame",
        "frame freeze", "freezing",
    ),
}  # fmt: skip

# Further meanings of a label: none of them counts as judged and absent where it is used.
AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "blur": ("motion blur",),
    "blurry": ("motion blur",),
    "blurred": ("motion blur",),
    "blurriness": ("motion blur",),
    "artifact": ("block effect",),
    "artefact": ("block effect",),
    "contrast": ("low contrast", "high contrast"),
    "color": ("oversaturation", "desaturation"),
    "colour": ("oversaturation", "desaturation"),
    "saturation": ("oversaturation", "desaturation"),
    "exposure": ("overexposure", "underexposure"),
    "brightness": ("overexposure", "underexposure"),
    "light": ("overexposure", "underexposure"),
    "jitter": ("flicker", "stuttering"),
}
NONE = frozenset({"none", "no", "nothing", "clean", "pristine", "undistorted", "nodistortion"})


def normalise_label(label: str) -> str:
    """A label without case, blanks, hyphens and plural: `Over-exposed` becomes `overexposed`."""
    bare = re.sub(r"[\s_-]+", "", label.strip().lower())
    return bare[:-1] if bare.endswith("s") and not bare.endswith("ss") else bare


_BY_LABEL = {normalise_label(w): name for name in DISTORTIONS for w in (name, *SYNONYMS[name])}
_AMBIGUOUS = {normalise_label(word): names for word, names in AMBIGUOUS.items()}
_NONE = frozenset(map(normalise_label, NONE))


def find_distortion(label: str) -> str | None:
    """The distortion that a label means; None for one outside the thirteen."""
    return _BY_LABEL.get(normalise_label(label))


def other_meanings(label: str) -> tuple[str, ...]:
    """The distortions that a label may mean besides the one it names."""
    return _AMBIGUOUS.get(normalise_label(label), ())


def is_attribute(label: str) -> bool:
    """Whether a label names an attribute without its direction."""
    return normalise_label(label) in _AMBIGUOUS and find_distortion(label) is None


def is_none(label: str) -> bool:
    """Whether a label states that there is no distortion."""
    return normalise_label(label) in _NONE


def possible_distortions(kind: str) -> tuple[str, ...]:
    """The distortions that a medium of this kind can have: only videos have those of motion."""
    return SPATIAL + MOTION if kind == "video" else SPATIAL


def similar_distortions(label: str) -> str:
    """A hint `similar: …` with the distortions whose names resemble a label, or `""`."""
    import difflib

    close = difflib.get_close_matches(normalise_label(label), _BY_LABEL, n=3, cutoff=0.6)
    names = dict.fromkeys(_BY_LABEL[word] for word in close)
    return f"similar: {', '.join(names)}" if names else ""
