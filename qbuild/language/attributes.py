"""The quality attributes of VQA², Table 11: fourteen names, and the expressions for each.

An expression may belong to several attributes ("natural": color or light): the noun next to it
decides; without one, `ALONE` does, else the order of the table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; all expressions in lower case, their words separated by blanks, no hyphens.

    `nouns` name it without judging, `faults` are nouns for defects, `good` and `bad` are adjectives
    and phrases that judge it.
    """

    name: str
    nouns: tuple[str, ...]
    faults: tuple[str, ...]
    good: tuple[str, ...]
    bad: tuple[str, ...]


def split_expressions(text: str) -> tuple[str, ...]:
    """The expressions of a comma-separated list, with single blanks."""
    return tuple(part for one in text.split(",") if (part := " ".join(one.split())))


def _row(name: str, nouns: str, faults: str, good: str, bad: str) -> Attribute:
    return Attribute(name, *map(split_expressions, (nouns, faults, good, bad)))


_TABLE = (
    _row(
        "sharpness",
        "sharpness, clarity, definition, resolution, detail, details, clearness",
        "blur, blurs, blurring, blurriness, fuzziness, haze, haziness",
        """sharp, sharper, clear, clearly, clearer, crisp, crisply, well defined, detailed,
        distinct, high resolution, high definition, legible, easy to make out, easily distinguished,
        distinguished to a high degree, razor sharp""",
        """blurry, blurred, blurrier, fuzzy, unclear, hazy, low resolution, low definition, vague,
        indistinct, unsharp, soft, barely distinguishable, hardly distinguishable, illegible,
        indistinguishable, hard to make out, difficult to make out, mushy, smeared""",
    ),
    _row(
        "focus",
        "focus, focusing, focussing, autofocus",
        "defocus, defocus blur, out of focus blur, focus hunting, missed focus, focus loss",
        "in focus, well focused, accurately focused, properly focused, focused",
        "out of focus, defocused, unfocused, poorly focused, misfocused",
    ),
    _row(
        "noise",
        "",
        "noise, noises, noise level, grain, graininess, speckle, speckles, noise spots",
        "noiseless, clean",
        "noisy, grainy, speckled",
    ),
    _row(
        "motion blur",
        "motion clarity",
        """motion blur, motion blurring, movement blur, ghosting, ghost images, motion smear,
        motion trails""",
        "clear motion, clear in motion",
        "blur motion, blurry motion, smeared in motion, blurred in motion",
    ),
    _row(
        "flicker",
        "stability, steadiness, picture stability, image stability",
        """flicker, flickers, flickering, shake, shakes, shaking, camera shake, camera shakes,
        camera shaking, lens shake, lens shakes, jitter, jitters, wobble, wobbles, wobbling, tremor,
        tremors, vibration, vibrations, trembling""",
        "stable, steady, steadily, stabilised, stabilized, rock solid",
        "shaky, unstable, unsteady, wobbly, jittery, bumpy, trembles, wavering, shakes a lot",
    ),
    _row(
        "exposure",
        "exposure, exposure level",
        """overexposure, underexposure, over exposure, under exposure, blown highlights,
        blown out highlights, clipped highlights, highlight clipping, crushed shadows""",
        "well exposed, properly exposed, correctly exposed, accurately exposed",
        "overexposed, underexposed, over exposed, under exposed, blown out, badly exposed",
    ),
    _row(
        "compression artifact",
        "compression quality, edge detail, edge details, texture detail, texture details",
        """compression, compression artifact, compression artifacts, compression artefact,
        compression artefacts, artifact, artifacts, artefact, artefacts, compression blur,
        blockiness, blocking, block artifacts, blocking artifacts, block effect, block effects,
        blocks, macroblocks, macroblocking, mosaic, pixelation, ringing, banding, loss of detail,
        loss of details, loss of edge details, loss of texture details, loss of texture,
        edge loss""",
        "uncompressed, cleanly encoded",
        "blocky, pixelated, compressed, overcompressed, lost",
    ),
    _row(
        "fluency",
        "fluency, smoothness, playback fluency, playback smoothness, frame rate",
        """stutter, stutters, stuttering, playback jitter, frame jitter, lag, lags, lagging, freeze,
        freezes, freezing, stall, stalls, stalling, frame drops, frames drop,
        dropped frames, judder, hitch,
        hitches, hiccups""",
        "smooth, smoothly, fluent, fluently, fluid, uninterrupted, without interruption",
        "choppy, jerky, laggy, stuttery, halting, intermittent, interrupted",
    ),
    _row(
        "contents",
        "content, contents, storyline, narrative, subject matter",
        "logical errors, logical error, plot holes",
        "logical, logically, logically presented, meaningful, coherent, easy to follow, sensible",
        "illogical, meaningless, confusing, incoherent, absurd, hard to follow, chaotic",
    ),
    _row(
        "composition",
        "composition, framing, layout, arrangement",
        "clutter",
        """well composed, well organized, well organised, well arranged, well framed, balanced,
        harmonious""",
        """poorly arranged, poorly composed, poorly framed, badly framed, chaotic, cluttered, messy,
        disorganized, disorganised, unbalanced, lopsided""",
    ),
    _row(
        "color",
        """color, colors, colour, colours, saturation, color richness, colour richness, hue, hues,
        tone, tones, white balance, color reproduction, colour reproduction, color accuracy""",
        """color cast, colour cast, color shift, colour shift, color bleeding, discoloration,
        oversaturation, desaturation""",
        """vibrant, vivid, natural, rich, colorful, colourful, bright, true to life, lifelike,
        well saturated, full of life""",
        """faded, fading, single, unnatural, dull, monotonous, washed out, oversaturated,
        desaturated, pale, drab, muted, lifeless, discolored""",
    ),
    _row(
        "light",
        "light, lighting, brightness, illumination, luminance, contrast",
        "glare, darkness, uneven lighting, harsh shadows",
        """well lit, brightly lit, evenly lit, bright, brighter, natural, soft, even, balanced,
        evenly distributed, sufficient, adequate, ample, comfortable""",
        """dark, darker, dim, dimly lit, poorly lit, badly lit, underlit, uneven, unnatural, harsh,
        unevenly distributed, uneven distribution, insufficient, gloomy, murky, dazzling,
        too bright, too dark, dull, overexposed, underexposed""",
    ),
    _row(
        "camera trajectory",
        """camera trajectory, camera movement, camera movements, camera motion, camera work,
        camerawork, trajectory, camera path, panning, camera pans, camera moves""",
        "abrupt camera moves, abrupt camera movements",
        """coherent, consistent, stable, steady, steadily, smooth, smoothly, fluid, controlled,
        well coordinated""",
        """erratic, inconsistent, uncoordinated, abrupt, disordered, incoherent, shaky, unsteady,
        jerky, unstable, lack consistency, lacks consistency, lack coordination,
        lacks coordination, all over the place""",
    ),
    _row(
        "quality switch",
        "quality level, quality consistency, consistency of quality",
        """quality switch, quality switches, quality drop, quality drops, quality change,
        quality changes, quality fluctuation, quality fluctuations, sudden change, sudden changes,
        sudden drop, sudden drops, sharpness changes, violent changes, sharpness fluctuations""",
        """consistent quality, constant quality, consistent level, consistent, constant, uniform,
        even, stable, quality stays the same, same quality""",
        """suddenly drops, suddenly drop, suddenly rises, suddenly falls, suddenly changes,
        drops suddenly, drops abruptly, changes abruptly, abruptly drops, fluctuates, fluctuating,
        varies wildly, quality fluctuates, inconsistent""",
    ),
)

ATTRIBUTES: dict[str, Attribute] = {attribute.name: attribute for attribute in _TABLE}

# The attribute of an ambiguous expression where no noun next to it decides.
ALONE: dict[str, str] = {
    "bright": "light",
    "chaotic": "composition",
    "coherent": "contents",
    "consistent": "quality switch",
    "inconsistent": "quality switch",
    "overexposed": "exposure",
    "underexposed": "exposure",
}

# Attributes that overlap: a statement about one also counts for the other (Table 11 has under- and
# overexposure in both rows).
RELATED: dict[str, str] = {"exposure": "light", "light": "exposure"}
