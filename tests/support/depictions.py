"""Invented depictions in the form that VQA² asks annotators for, and pairs with planted faults.

`depictions` returns rows in the columns of schemas/depiction.json; `planted` returns pairs with the
fault that was planted in each. The sentences are our own.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quality_words import (
    ASKED,
    DIRECT,
    FAULT_NOUN,
    FAULTY,
    FREQUENT,
    HOW_OPEN,
    HOW_SEVERE,
    JUDGED,
    MERIT_NOUN,
    MOMENTS,
    MORE,
    OVERALL,
    RATE,
    SAID,
    SIZE,
    SIZED,
    TOPIC,
    WHAT,
    WHEN,
)

from qbuild.core.canonical import hash_value, media_id
from qbuild.quality.published_text import LEVEL_WORDS

COLUMNS = json.loads(
    (Path(__file__).parents[2] / "schemas/depiction.json").read_text(encoding="utf-8")
)["required"]
_BAD = {1: ("very severe", "relatively severe"), 2: ("relatively severe", "very severe"),
        3: ("relatively severe", "mild"), 4: ("mild",)}  # fmt: skip
_GOOD = {4: ("good",), 5: ("excellent", "good")}
_MOVING = {"motion blur", "flicker", "fluency", "camera trajectory", "quality switch"}
_CAUSES = ("due to the strong wind", "because of the low bitrate", "caused by the moving lamp")
_PLACES = ("on the left", "in the background", "in the lower right corner", "at the top")
_ASPECTS = {
    "visual quality": ("the picture is {w} clear and the colors look {w} natural",
                       "the picture is {w} blurry and the colors look {w} faded"),
    "temporal alignment": ("the motion of the people is {w} coherent from frame to frame",
                           "the picture is {w} jittery and objects change their shape"),
    "dynamic degree": ("the camera movement is {w} smooth and people move freely",
                       "hardly anything moves and the playback is {w} choppy"),
    "text-to-video alignment": ("the content is {w} logical and shows what was asked for",
                                "the content is {w} confusing and lacks the wanted objects"),
    "factual consistency": ("the content is {w} logical and people have the right shape",
                            "the content is {w} illogical and a hand has seven fingers"),
}  # fmt: skip
_ASPECT_WORDS = {1: "extremely", 2: "rather", 3: "quite", 4: "perfectly"}


@dataclass(frozen=True)
class Fact:
    """One statement of a depiction; `time` is its wording and another person's."""

    attribute: str
    degree: str
    time: tuple[str, str] | None = None
    extra: str = ""

    @property
    def good(self) -> bool:
        return self.degree in ("good", "excellent")


@dataclass(frozen=True)
class Planted:
    """A depiction's text and a pair, with the fault planted in it; None where it is faithful."""

    text: str
    question: str
    answer: str
    fault: str | None


def depictions(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` rows in the columns of a depiction, the same for the same seed."""
    draw = random.Random(seed)
    return [_row(draw, number) for number in range(1, count + 1)]


def _row(draw: random.Random, number: int) -> dict[str, Any]:
    kinds = ("overall", "in-context", "conversation", "aspect", "pathway")
    kind = draw.choices(kinds, weights=(60, 12, 8, 12, 8))[0]
    level = draw.randint(1, 5)
    columns = _kind_columns(draw, kind, level)
    image = kind == "pathway"
    dataset = {"aspect": "videofeedback", "pathway": "spaq"}.get(kind)
    dataset = dataset or draw.choice(("lsvq", "lsvq_1080p", "live_vqc"))
    path = (
        f"{'photos' if image else 'clips'}/{draw.randrange(10**8):08d}.{'jpg' if image else 'mp4'}"
    )
    row = dict.fromkeys(COLUMNS) | {
        "media_id": media_id(dataset, path),
        "dataset": dataset,
        "path": path,
        "medium": "image" if image else "video",
        "kind": kind,
        "annotator": f"annotator-{draw.randint(1, 33):02d}",
        "annotated_on": f"2024-{draw.randint(5, 6):02d}-{draw.randint(1, 30):02d}",
        "source_file": "depictions.json",
        "source_row": number,
        **columns,
    }
    if kind != "aspect":
        row |= {
            "level": level,
            "word": LEVEL_WORDS["vqa2"][level - 1],
            "mos_norm": round(20 * (level - 1) + 0.5 + draw.random() * 19, 2),
        }
    what = [row[c] for c in ("media_id", "kind", "aspect", "question", "text", "annotator")]
    return row | {"depiction_id": hash_value(what)[7:39]}


def _kind_columns(draw: random.Random, kind: str, level: int) -> dict[str, Any]:
    """Text, question and aspect of a row."""
    if kind == "aspect":
        aspect = draw.choice(sorted(_ASPECTS))
        mark = draw.randint(1, 4)
        said = _ASPECTS[aspect][mark < 3].format(w=_ASPECT_WORDS[mark])
        opening = draw.choice(("In this clip ", "Here ", "One sees that ", "On the whole, "))
        return {"text": f"{opening}{said}.", "aspect": aspect, "aspect_level": mark}
    if kind == "in-context":
        fact = replace(facts(draw, level, 1)[0], time=draw.choice(MOMENTS))
        return {"text": write_text(draw, [fact])}
    if kind == "conversation":
        fact = facts(draw, level, 1)[0]
        question = draw.choice(HOW_OPEN).format(
            topic=TOPIC[fact.attribute], when="", When="In this video, "
        )
        return {"text": write_text(draw, [fact]), "question": question}
    many = facts(draw, level, still=kind == "pathway")
    if kind == "pathway":
        closing = f" The quality of the picture is {LEVEL_WORDS['itu'][level - 1]}."
        return {"text": write_text(draw, many) + closing}
    return {"text": write_text(draw, many)}


def facts(
    draw: random.Random, level: int, count: int | None = None, still: bool = False
) -> list[Fact]:
    """The facts that a person may state at a level: good ones at 5, both at 4, bad ones below."""
    count = count or draw.randint(2, 4)
    goods = count if level == 5 else (max(1, count // 2) if level == 4 else 0)
    chosen = draw.sample(sorted(set(SAID) - (_MOVING if still else set())), count)
    return [
        Fact(
            name,
            draw.choice((_GOOD if at < goods else _BAD)[level]),
            None if still else _time(draw),
        )
        for at, name in enumerate(chosen)
    ]


def _time(draw: random.Random) -> tuple[str, str] | None:
    pool = draw.choices((MOMENTS, DIRECT, OVERALL, FREQUENT, None), weights=(4, 3, 3, 1, 2))[0]
    return draw.choice(pool) if pool else None


def write_text(draw: random.Random, many: list[Fact]) -> str:
    """The facts as sentences, with a word of contrast between good and bad."""
    sentences: list[str] = []
    for at, fact in enumerate(many):
        said = _clause(draw, fact)
        turn = at > 0 and many[at - 1].good and not fact.good
        if turn:
            said = draw.choice(("however, ", "unfortunately, ", "on the other hand, ")) + said
        elif sentences and draw.random() < 0.35:
            sentences[-1] += ", and " + said
            continue
        sentences.append(said)
    text = " ".join(said[0].upper() + said[1:] + "." for said in sentences)
    if not many[-1].good and draw.random() < 0.3:
        text += " " + draw.choice(("All this tires the viewer.", "The viewer can hardly enjoy it."))
    return text


def _clause(draw: random.Random, fact: Fact) -> str:
    """One fact, its time before or after it."""
    said = sentence(draw, fact)
    if not fact.good and draw.random() < 0.08:
        said += " " + draw.choice(_PLACES)
    when = fact.time[0] if fact.time else ""
    if when and draw.random() < 0.3 and when not in dict(FREQUENT):
        said = f"{when}, {said}"
    elif when:
        said = f"{said} {when}"
    if not fact.good and draw.random() < 0.08:
        said += " " + draw.choice(_CAUSES)
    return said


def sentence(draw: random.Random, fact: Fact) -> str:
    """A fact without its time."""
    form = draw.choice(SAID[fact.attribute][not fact.good])
    size = draw.choice(SIZE[fact.degree]) + " " if fact.degree in SIZE else ""
    more, rate = draw.choice(MORE[fact.degree]) + " ", draw.choice(RATE[fact.degree])
    return form.format(more=more, size=size, rate=rate)


def planted(faithful: int, each: int, seed: int) -> list[Planted]:
    """`faithful` pairs without a fault, and `each` with each: polarity, degree, time, attribute."""
    draw = random.Random(seed)
    makers = {
        None: (faithful, _faithful), "polarity": (each, _flipped), "degree": (each, _regraded),
        "time": (each, _moved), "attribute": (each, _invented),
    }  # fmt: skip
    found: list[Planted] = []
    for fault, (count, make) in makers.items():
        left = count
        while left:
            many = facts(draw, draw.randint(1, 5))
            pair = make(draw, many)
            if pair is not None:
                found.append(Planted(write_text(draw, many), *pair, fault))
                left -= 1
    return found


Made = tuple[str, str] | None


def _faithful(draw: random.Random, many: list[Fact]) -> Made:
    fact = draw.choice(many)
    return draw.choice((_verdict, _verdict, _graded, _timed, _named))(draw, fact)


def _flipped(draw: random.Random, many: list[Fact]) -> Made:
    fact = draw.choice(many)
    degree = {"very severe": "good", "relatively severe": "excellent", "mild": "excellent",
              "good": "very severe", "excellent": "relatively severe"}[fact.degree]  # fmt: skip
    if draw.random() < 0.5:
        question, answer = _verdict(draw, fact)
        return question, answer.replace("Yes", "X").replace("No", "Yes").replace("X", "No")
    return draw.choice((_graded, _named))(draw, replace(fact, degree=degree))


def _regraded(draw: random.Random, many: list[Fact]) -> Made:
    far = {"very severe": "mild", "mild": "very severe"}
    fit = [
        fact
        for fact in many
        if fact.degree in far and all("{" in form for form in SAID[fact.attribute][1])
    ]
    if not fit:
        return None
    fact = draw.choice(fit)
    return _graded(draw, replace(fact, degree=far[fact.degree]))


def _moved(draw: random.Random, many: list[Fact]) -> Made:
    fact = draw.choice(many)
    if fact.time not in MOMENTS and fact.time not in DIRECT:
        return None
    others = [time for time in (*MOMENTS, *DIRECT) if not _alike(time, fact.time)]
    moved = replace(fact, time=draw.choice(others))
    return draw.choice((_timed, _verdict, _named))(draw, moved, always=True)


def _alike(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two times share a content word, or are in the same half."""
    halves = ({*DIRECT[0], *DIRECT[2]}, {*DIRECT[1], *DIRECT[3]}, {*DIRECT[4], *DIRECT[6]})
    return one == other or any(one[0] in half and other[0] in half for half in halves)


def _invented(draw: random.Random, many: list[Fact]) -> Made:
    held = {fact.attribute for fact in many}
    held |= {"light", "exposure"} if held & {"light", "exposure"} else set()
    fact = replace(draw.choice(many), attribute=draw.choice(sorted(set(SAID) - held)), time=None)
    return draw.choice((_verdict, _graded, _named))(draw, fact)


def _when(draw: random.Random, fact: Fact, always: bool) -> str:
    known = fact.time is not None and (always or draw.random() < 0.7)
    return f" {fact.time[1]}" if known and fact.time else ""


def _verdict(draw: random.Random, fact: Fact, always: bool = False) -> tuple[str, str]:
    when = _when(draw, fact, always)
    yes = always or draw.random() < 0.5
    side = fact.good if yes else not fact.good
    question = draw.choice(ASKED[fact.attribute][not side]).format(when=when)
    if draw.random() < 0.3:
        return question + " A. Yes B. No", "A. Yes" if yes else "B. No"
    return question, ("Yes" if yes else "No") + draw.choice(("", "."))


def _graded(draw: random.Random, fact: Fact, always: bool = False) -> tuple[str, str]:
    when = _when(draw, fact, always)
    topic = TOPIC[fact.attribute]
    faulty = fact.attribute in FAULTY
    if faulty and fact.good:
        return _verdict(draw, fact, always)
    words = (SIZED if faulty else JUDGED)[fact.degree]
    opening = f"{when[1:].capitalize()}, " if when else "In this video, "
    forms = HOW_SEVERE if faulty else HOW_OPEN
    question = draw.choice(forms).format(topic=topic, when=when, When=opening)
    if draw.random() < 0.3:
        return _with_options(draw, question, words, SIZED if faulty else JUDGED)
    return question, draw.choice(words) + draw.choice(("", "."))


def _with_options(
    draw: random.Random, question: str, words: tuple[str, ...], table: dict[str, Any]
) -> tuple[str, str]:
    right = draw.choice(words)
    wrong = [draw.choice(given) for given in table.values() if given != words]
    options = [right, *wrong[:3]]
    draw.shuffle(options)
    letter = "ABCD"[options.index(right)]
    listed = " ".join(f"{sign}. {text}" for sign, text in zip("ABCD", options, strict=False))
    return f"{question} {listed}", letter if draw.random() < 0.5 else f"{letter}. {right}"


def _timed(draw: random.Random, fact: Fact, always: bool = False) -> tuple[str, str]:
    if fact.time is None:
        return _verdict(draw, fact, always)
    noun = (MERIT_NOUN if fact.good else FAULT_NOUN)[fact.attribute]
    said = fact.time[1]
    return draw.choice(WHEN).format(noun=noun), said[0].upper() + said[1:] + "."


def _named(draw: random.Random, fact: Fact, always: bool = False) -> tuple[str, str]:
    noun = (MERIT_NOUN if fact.good else FAULT_NOUN)[fact.attribute]
    question, answer = draw.choice(WHAT)
    return question.format(when=_when(draw, fact, always)), answer.format(
        noun=noun, Noun=noun[0].upper() + noun[1:]
    )
