"""Instruction rows (pairs) built in code."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

EMPTY = {
    "labels": ["mos", "mos_norm", "mos_std", "level", "word", "level_probs"],
    "provenance": ["prompt", "response_id", "annotator", "origin"],
}


def medium(path: str = "koniq/1.jpg", kind: str = "image", **known: Any) -> Row:
    given = dict.fromkeys(["sha256", "fps", "num_frames", "start_s", "end_s"])
    return {"media_id": f"koniq:{path}", "kind": kind, "path": path, **given, **known}


def part(content: str | int) -> Row:
    return {
        "text": content if isinstance(content, str) else None,
        "media": content if isinstance(content, int) else None,
    }


def turns(*contents: list[str | int]) -> list[Row]:
    return [
        {"role": ("user", "assistant")[n % 2], "parts": [part(one) for one in parts]}
        for n, parts in enumerate(contents)
    ]


def pair(**given: Any) -> Row:
    """A scoring pair on one image; labels and provenance are merged, other columns replaced."""
    labels = {**dict.fromkeys(EMPTY["labels"]), "mos": 77.3836206897, **given.pop("labels", {})}
    provenance = {
        "stage": "scoring-qa",
        **dict.fromkeys(EMPTY["provenance"]),
        "parents": [],
        **given.pop("provenance", {}),
    }
    return {
        "sample_id": "0123456789abcdef0123456789abcdef",
        "media": [medium()],
        "system": None,
        "turns": turns([0, "\nHow good is it?"], ["The quality of the image is good."]),
        "task": "scoring",
        "options": None,
        "answer_key": None,
        "labels": labels,
        "split": "train",
        "provenance": provenance,
        **given,
    }


def many(
    count: int,
    start: int = 0,
    splits: tuple[str | None, ...] | list[str | None] = ("train",),
    answer: str = "Good.",
) -> list[Row]:
    """`count` pairs, each on its own image, with the splits in rotation."""
    return [
        pair(
            sample_id=f"{at:032x}",
            media=[medium(f"koniq/{at}.jpg")],
            turns=turns([0, "\nHow good is it?"], [answer]),
            labels={"mos": at + 0.5},
            split=splits[at % len(splits)],
        )
        for at in range(start, start + count)
    ]
