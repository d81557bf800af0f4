"""What a picture, a camera or a recording does, where only subject and verb together judge.

"The focus hunts", "the picture freezes", "the quality drops": a verb is an event of the subject
right before it, with only auxiliary words and degrees between; elsewhere it states nothing ("the
man jumps"). The subject `noun` is any noun of an attribute, which the event then judges.
"""

from __future__ import annotations

SUBJECTS: dict[str, str] = {
    "camera": "camera, lens, cameraman, handheld camera, operator, phone",
    "picture": "picture, image, frame, screen, footage, recording, video, clip, shot, scene, view",
    "frames": "frames, single frames, several frames, some frames",
    "motion": "playback, motion, movement, movements, playing",
    "quality": """quality, video quality, picture quality, image quality, visual quality,
        overall quality, resolution""",
    "background": "background",
    "head": "head, heads, feet, subject, hair, face, person, body, arm, legs, hands, top",
    "tonal": """blacks, shadows, whites, dress, window, windows, sky, sun, forehead,
        lamp, skin, snow""",
    "dark": "face, room, scene, stage, hall, street, faces",
    "lamp": "lamp, lamps, light, lights, neon lamp, bulb",
    "story": "plot, story, storyline, narrative",
    "horizon": "horizon, building, buildings",
    "edges": "edges, lines, contours, diagonals, gradient, gradients, edge, texture, textures",
    "branches": "branches, text, letters, contours",
}  # fmt: skip

_SHAKES = """sways, sway, bounces, bounce, bobs, vibrates, trembles, tremble, judders, rattles,
    jiggles, wiggles, pulses, pulsates, throbs, tears, sways from side to side, rocks, rolls,
    ripples, warps, never stands still, does not stand still"""
_STALLS = """hangs, hang, hung, skips, skip, skipped, sticks, stuck, stops, stop, halts, halt,
    pauses, frozen, freezes, froze, stutters, stuttered, stalls, stalled, lags, buffers,
    buffering, jumps ahead, stands still, comes to a halt, comes to a stop, breaks off,
    hesitates, jerks"""
_SWITCHES = """drops, drop, dropped, jumps, jump, switches, switch, collapses, collapse,
    alternates, changes, change, changed, changing, varies, vary, fluctuates, fluctuate,
    fluctuated, degrades, degrade, degraded, deteriorates, declines, falls, decreases, goes up
    and down, worsens, wavers, switches down, keeps changing, plummets, tumbles, crashes,
    slumps, comes and goes, oscillates, swings, sinks, dips, breaks down, plunges, unstable,
    inconsistent, unsteady, uneven, lacks consistency, lack consistency, drifts"""

# Subject, attribute (empty: that of the noun), polarity, verbs and other predicates.
EVENTS: tuple[tuple[str, str, int, str], ...] = (
    (
        "noun", "", -1,
        """hunts, hunt, hunted, hunting, pumps, pump, pumping, pumped, drifts, drift, drifting,
        drifted, wanders, wander, wandering, jumps, jump, jumped, jumping, misses, miss, missed,
        fails, failed, fail, breathes, breathing, searches, searching, seeks, seeking, off,
        amiss, bleeds, bleed, bleeding, shifts, shift, shifting, shifted, slips, slipped,
        oscillates, switches, switches down, fluctuates, fluctuate, varies, vary, wavers, clips,
        falls apart, fall apart, drags, collapses, deviates, pulses, pulsates, flickers,
        bounces, sways, dips, swings, alternates, cut off, flat, lost, gone, stutters,
        hesitates, changes, changed, fades, fade, jerks, lags, suffers, burns out, tears, breaks
        down, breaks up, dies, crawls, dances, smears, goes up and down, keeps changing, keeps
        switching, switching, overreacts, reacts slowly, gets confused, confused, struggles,
        lurches, plummets, slides, hesitant, tears apart, unstable, inconsistent""",
    ),
    ("noun", "", 1, """follows, tracks, holds, constant, remains the same, stays the same, sits,
        reacts quickly, works well, works, locks on"""),
    ("camera", "flicker", -1, _SHAKES + ", jumps, jump, shakes, shake, unstable, restless"),
    ("camera", "flicker", 1, "still, motionless"),
    ("camera", "camera trajectory", -1,
     """jerks, jerk, whips, whips around, wanders, wander, drifts, drift, swings, swing,
         lurches, rushes, zigzags, stumbles, swerves, loses the subject, races, darts, wanders
         aimlessly"""),
    ("camera", "camera trajectory", 1, "glides, glide, floats, smoothly, steadily, calmly"),
    ("camera", "camera trajectory", -1, "abruptly, erratically, jerkily, hectically"),
    ("camera", "focus", -1, "hunts, loses focus, pumps, misfocuses"),
    ("picture", "flicker", -1, _SHAKES + ", jumps, jump, jumped, restless"),
    ("picture", "flicker", 1, "still, motionless"),
    ("picture", "fluency", -1, _STALLS),
    ("picture", "sharpness", -1, "smears, smear, blurs, mush, mushy, dissolves, turns into mush"),
    ("picture", "compression artifact", -1,
     """breaks up, breaks into blocks, falls apart into blocks, breaks up into blocks,
         pixelates, disintegrates"""),
    ("picture", "exposure", -1, "burns out, clips, pumps"),
    ("picture", "light", -1, "darkens, flat"),
    ("frames", "fluency", -1,
     """drop, drops, dropped, skipped, skip, missing, lost, repeat, repeated, stuck, left out,
         disappear"""),
    ("motion", "fluency", -1, _STALLS + ", jumps, jump, judders, jerks, hops, breaks"),
    ("motion", "motion blur", 1, "clear, sharp, crisp, distinct"),
    ("motion", "motion blur", -1, "smears, smear, smeared, blurred, blurry, blurs, unclear"),
    ("quality", "quality switch", -1, _SWITCHES),
    ("quality", "quality switch", 1,
     """consistent, constant, stable, steady, even, uniform, unchanged, holds, holds steady,
         stays the same, remains the same, maintained, same, holds up"""),
    ("background", "composition", -1, "distracting, busy, messy, disturbing"),
    ("head", "composition", -1,
     "cut off, cropped, out of frame, out of the frame, truncated, off center, too small"),
    ("head", "composition", 1, "stands out, stand out, well placed, placed well"),
    ("horizon", "composition", -1, "tilted, crooked, slanted, skewed, not level, leans"),
    ("tonal", "exposure", -1,
     """clipped, crushed, burns out, burnt out, burned out, burns, blown, clip, blows out, turns
         white, washes out, saturated, eats away"""),
    (
        "tonal",
        "exposure",
        1,
        "preserved, well preserved, retained",
    ),
    ("lamp", "flicker", -1, "pulses, pulsates, flickers, strobes, blinks"),
    ("story", "contents", -1, "holes, gaps, contradictions"),
    ("dark", "light", -1, "backlit, unlit, in the dark, in darkness"),
    ("edges", "compression artifact", -1, "jagged, banded, frayed, stepped, washed away"),
)  # fmt: skip

# Words that may occur between a subject and its verb.
FILLERS = frozenset((
    "moves", "move", "moving", "pans", "travels",
    "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "gets", "get", "keeps",
    "keep", "becomes", "become", "looks", "look", "seems", "seem", "appears", "appear", "stays",
    "stay", "remains", "remain", "do", "does", "did", "always", "then", "also", "suddenly", "even",
    "visibly", "briefly", "still", "abruptly", "constantly", "permanently", "ever", "just", "again",
    "partly", "starts", "begins", "to", "can", "could", "often", "sharply", "itself", "s", "so",
    "full", "of",
))  # fmt: skip
