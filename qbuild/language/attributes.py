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
        """blur, blurs, blurring, blurriness, fuzziness, haze, haziness, smear, smears,
        smearing, softness, loss of sharpness, lack of sharpness""",
        """sharp, sharper, clear, clearly, clearer, crisp, crisply, well defined, detailed,
        distinct, high resolution, high definition, legible, easy to make out, easily
        distinguished, distinguished to a high degree, razor sharp, readable, sharply, clear
        cut, pin sharp, well resolved""",
        """blurry, blurred, blurrier, fuzzy, unclear, hazy, low resolution, low definition,
        vague, indistinct, unsharp, soft, barely distinguishable, hardly distinguishable,
        illegible, indistinguishable, hard to make out, difficult to make out, mushy, smeared,
        unrecognisable, unrecognizable, unreadable, could be sharper, could be clearer, should
        be sharper, blurred out, out of detail""",
    ),
    _row(
        "focus",
        """focus, focusing, focussing, autofocus, auto focus, focal plane, focal point, point of
        focus""",
        """defocus, defocus blur, out of focus blur, focus hunting, missed focus, focus loss,
        loses focus, lose focus, losing focus, lost focus, loss of focus, misses focus, fails to
        focus, failed to focus, fails to find focus, focusing errors, focusing error, focus
        errors, focus error, focus breathing, focus pulsing, front focus, back focus, focus
        drift, focus shift, hunts for focus, hunting for focus, searches for focus, searching
        for focus, autofocus hunting, focus pumping, struggles to focus, cannot focus""",
        "in focus, well focused, accurately focused, properly focused, focused",
        "out of focus, defocused, unfocused, poorly focused, badly focused, misfocused",
    ),
    _row(
        "noise",
        "noise control, noise suppression, noise performance, noise reduction",
        """noise, noises, noise level, noise levels, grain, graininess, speckle, speckles, noise
        spots, chroma noise, color noise, colour noise, luminance noise, film grain, snow noise""",
        "noiseless, clean, noise free, grain free",
        "noisy, grainy, speckled",
    ),
    _row(
        "motion blur",
        "motion clarity",
        """motion blur, motion blurring, movement blur, ghosting, ghost images, motion smear,
        motion trails, motion smearing, ghosts, ghost image, trailing, leaves a trail, leave a
        trail, leaves trails, leave trails, blurred by motion, blurred by movement, smeared by
        motion, smears in motion, afterimages""",
        "clear motion, clear in motion",
        "blur motion, blurry motion, smeared in motion, blurred in motion",
    ),
    _row(
        "flicker",
        "stability, steadiness, picture stability, image stability, stabilization, stabilisation",
        """flicker, flickers, flickering, shake, shakes, shaking, camera shake, camera shakes,
        camera shaking, lens shake, lens shakes, jitter, jitters, wobble, wobbles, wobbling,
        tremor, tremors, vibration, vibrations, trembling, hand shake, handshake, camera wobble,
        swaying, rolling shutter, rolling shutter effect, rolling shutter distortion, jello
        effect, tearing, screen tearing, frame tearing, image tearing, camera jitter, strobing,
        luminance flicker, brightness flicker, unsteadiness, instability""",
        """stable, steady, steadier, steadily, stabilised, stabilized, rock solid, rock steady,
        steadied""",
        "shaky, unstable, unsteady, wobbly, jittery, bumpy, trembles, wavering, shakes a lot",
    ),
    _row(
        "exposure",
        "exposure, exposure level, auto exposure, autoexposure, highlights, exposure compensation",
        """overexposure, underexposure, over exposure, under exposure, blown highlights,
        exposure error, exposure errors, exposure pumping, exposure jumps, exposure jump, blown
        out areas, burnt out highlights, burned out highlights, clipping, blown out highlights,
        clipped highlights, highlight clipping, crushed shadows""",
        "well exposed, properly exposed, correctly exposed, accurately exposed",
        """overexposed, underexposed, over exposed, under exposed, blown out, badly exposed,
        incorrectly exposed, wrongly exposed, burnt out, burned out, clipped, crushed, poorly
        exposed, too exposed""",
    ),
    _row(
        "compression artifact",
        """compression quality, edge detail, edge details, texture detail, texture details,
        bitrate, bit rate, encoding quality, encoding""",
        """compression, compression artifact, compression artifacts, compression artefact,
        compression artefacts, artifact, artifacts, artefact, artefacts, compression blur,
        blockiness, blocking, block artifacts, blocking artifacts, block effect, block effects,
        blocks, macroblocks, macroblocking, mosaic, pixelation, ringing, banding, loss of
        detail, loss of details, loss of edge details, loss of texture details, loss of texture,
        edge loss, edge halos, halo, halos, haloes, haloing, mosquito noise, interlacing,
        interlace lines, interlacing lines, interlacing artifacts, combing, comb artifacts,
        combs, aliasing, jaggies, moire, moire pattern, moire patterns, posterization,
        posterisation, staircasing, low bitrate, low bit rate, codec artifacts, color banding,
        colour banding, dct blocks, block noise, block boundaries, contouring, pixellation,
        macroblock, ringing artifacts, over sharpening, oversharpening, compression noise, block
        edges, false contours""",
        "uncompressed, cleanly encoded",
        "blocky, pixelated, pixellated, compressed, overcompressed, lost, interlaced, posterized",
    ),
    _row(
        "fluency",
        "fluency, smoothness, playback fluency, playback smoothness, frame rate, framerate, fps",
        """stutter, stutters, stuttering, playback jitter, frame jitter, lag, lags, lagging,
        freeze, freezes, freezing, stall, stalls, stalling, frame drops, frames drop, dropped
        frames, judder, judders, juddering, hitch, hitches, hiccups, skipped frames, skipping,
        missing frames, frame skips, frame skipping, duplicated frames, repeated frames, frame
        loss, lost frames, frame drop, buffering, rebuffering, slide show, slideshow, frame
        freeze, frame freezes, drops frames, drop frames, dropping frames, loses frames, skips
        frames, gets stuck, stuck, stutter effect, stuttered, freeze frames, jerks, playback
        interruptions, interruptions, jerkiness, choppiness, pauses""",
        "smooth, smoothly, smoother, fluent, fluently, fluid, uninterrupted, without interruption",
        """choppy, jerky, jerkily, laggy, stuttery, discontinuous, halting, intermittent,
        interrupted""",
    ),
    _row(
        "contents",
        "content, contents, storyline, narrative, subject matter, story, plot, logic",
        "logical errors, logical error, plot holes, plot hole, holes in the plot, inconsistencies",
        """logical, logically, logically presented, meaningful, coherent, easy to follow,
        sensible, easy to understand, makes sense, make sense, understandable, comprehensible,
        engaging, follow logically, well structured, informative""",
        """illogical, meaningless, confusing, incoherent, absurd, hard to follow, chaotic, hard
        to understand, difficult to understand, difficult to follow, makes no sense, makes
        little sense, make little sense, impossible to follow, make no sense, incomprehensible,
        nonsensical, pointless, contradictory, senseless, falls apart, full of holes,
        disjointed, uninteresting""",
    ),
    _row(
        "composition",
        "composition, framing, layout, arrangement, horizon",
        "clutter",
        """well composed, well organized, well organised, well arranged, well framed, balanced,
        harmonious, well placed, placed well, rule of thirds, uncluttered, arranged neatly,
        neatly arranged, carefully arranged, arranged well, well balanced, well laid out, well
        proportioned""",
        """poorly arranged, poorly composed, poorly framed, badly framed, chaotic, cluttered,
        messy, disorganized, disorganised, unbalanced, lopsided, tilted, crooked, slanted, off
        center, off centre, out of frame, cut off by the frame, cut off at the edge, ill
        composed, imbalanced, overcrowded, crowded, badly composed, badly arranged, haphazard""",
    ),
    _row(
        "color",
        """color, colors, colour, colours, saturation, color richness, colour richness, hue,
        hues, tone, tones, white balance, color reproduction, colour reproduction, color
        accuracy""",
        """color cast, colour cast, color casts, colour casts, color shift, colour shift, color
        bleeding, colour bleeding, discoloration, discolouration, oversaturation, desaturation,
        any cast, strong cast, tint, tints, tinge, color fringing, colour fringing, fringing,
        purple fringing, purple fringes, color fringes, chromatic aberration, chromatic
        aberrations, color deviation, colour deviation, color distortion, green cast, green
        tint, green tinge, greenish cast, greenish tint, greenish tinge, blue cast, blue tint,
        blue tinge, bluish cast, bluish tint, bluish tinge, yellow cast, yellow tint, yellow
        tinge, yellowish cast, yellowish tint, yellowish tinge, red cast, red tint, red tinge,
        reddish cast, reddish tint, reddish tinge, magenta cast, magenta tint, magenta tinge,
        orange cast, orange tint, orange tinge, purple cast, purple tint, purple tinge, pink
        cast, pink tint, pink tinge, warm cast, warm tint, warm tinge, cold cast, cold tint,
        cold tinge""",
        """vibrant, vivid, natural, rich, colorful, colourful, bright, true to life, lifelike,
        well saturated, full of life, lively, faithful, realistic""",
        """faded, fading, single, unnatural, dull, monotonous, washed out, oversaturated,
        desaturated, pale, drab, muted, lifeless, discolored, discoloured, sickly, garish,
        gaudy, unsaturated, undersaturated, colorless, colourless, greyish, grayish, tinted,
        false, fade, fades, bleached""",
    ),
    _row(
        "light",
        "light, lighting, brightness, illumination, luminance, contrast",
        "glare, darkness, uneven lighting, harsh shadows, lens flare, flare, flares, backlight",
        """well lit, brightly lit, evenly lit, bright, brighter, natural, soft, even, balanced,
        evenly distributed, sufficient, adequate, ample, comfortable""",
        """dark, darker, dim, dimly lit, poorly lit, badly lit, underlit, uneven, unnatural,
        harsh, unevenly distributed, uneven distribution, insufficient, gloomy, murky, dazzling,
        dull, overexposed, underexposed, flat, backlit, glaring, blinding, dazzles, shadowy, ill
        lit, badly illuminated, poorly illuminated, darkened""",
    ),
    _row(
        "camera trajectory",
        """camera trajectory, camera movement, camera movements, camera motion, camera work,
        camerawork, trajectory, camera path, panning, camera pans, camera moves, pan, pans,
        zoom, zooms, zooming, tracking shot, panning shot, camera pan, camera zoom, camera
        operation, tracking, panning motion, dolly shot, camera handling""",
        """abrupt camera moves, abrupt camera movements, abrupt camera movement, jerky pans,
        whip pans""",
        """coherent, consistent, stable, steady, steadily, smooth, smoothly, smoother, fluid,
        controlled, well coordinated, gentle, deliberate, coordinated""",
        """erratic, inconsistent, uncoordinated, abrupt, disordered, incoherent, shaky,
        unsteady, jerky, unstable, lack consistency, lacks consistency, lack coordination, lacks
        coordination, all over the place, erratically, abruptly, hectic, hectically, clumsy,
        clumsily, aimless, aimlessly, jerkily, chaotic, restless, uncontrolled""",
    ),
    _row(
        "quality switch",
        "quality level, quality consistency, consistency of quality",
        """quality switch, quality switches, quality drop, quality drops, quality change,
        quality changes, quality jump, quality jumps, quality variation, quality variations,
        quality degradation, drop in quality, drops in quality, changes in quality, change in
        quality, resolution switch, resolution switches, bitrate switch, quality switching,
        quality fluctuation, quality fluctuations, sudden change, sudden changes, sudden drop,
        sudden drops, sharpness changes, violent changes, sharpness fluctuations""",
        """consistent quality, constant quality, consistent level, consistent, constant,
        uniform, even, stable, quality stays the same, same quality""",
        """suddenly drops, suddenly drop, suddenly rises, suddenly falls, suddenly changes,
        drops suddenly, drops abruptly, changes abruptly, abruptly drops, fluctuates,
        fluctuating, varies wildly, quality fluctuates, inconsistent, unstable, uneven,
        fluctuate, switches abruptly, changes suddenly, change suddenly, lacks consistency""",
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
