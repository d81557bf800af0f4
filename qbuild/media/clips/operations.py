"""What can be done to a video, by name, and what the least clip is."""

from __future__ import annotations

CUT, INJECT = ("temporal", "spatial"), ("shake", "flicker", "stutter")
GROUPS = {"cut": CUT, "inject": INJECT}
# VQA² section 3.2 knows one flicker: "flickers (camera shake)".
SEEN_AS = {"shake": "flicker", "flicker": "flicker", "stutter": "stuttering"}

WHOLE = "whole"  # instead of lengths: all of a video, or of a shot
MIN_FRAMES = 4  # the stride of VQA²'s motion branch: fewer give it no token
MIN_SIDE = 32  # px
