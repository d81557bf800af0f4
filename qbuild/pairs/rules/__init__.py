"""The provider without a model: pairs made from what a depiction itself holds.

    facts.py     what can be asked for         wording.py       how it is said
    quality.py   yes-no, choice, open          temporal.py      when, how often, which moment
    extended.py  causes, remedies, advice      conversation.py  own conversations, aspects
    pathway.py   what and how (Q-Instruct)     draw.py          choices by seed and depiction

It answers in the JSON of the tasks' contract, like a model, and says what it cannot make. See
docs/language.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qbuild.core.canonical import canonical_json
from qbuild.core.errors import near
from qbuild.language import Reading, read
from qbuild.pairs.grounding import judge
from qbuild.pairs.rules.conversation import aspect_pair, conversation_pair
from qbuild.pairs.rules.draw import Draw
from qbuild.pairs.rules.extended import extended_pair, pathway_extended_pair
from qbuild.pairs.rules.facts import CannotMake, depicted
from qbuild.pairs.rules.pathway import what_how_pairs
from qbuild.pairs.rules.quality import Pair, binary, quality_pairs, right
from qbuild.pairs.rules.temporal import in_context_pair, temporal_pair

__all__ = ["TASKS", "CannotMake", "rules_answer"]

_Maker = Callable[[Mapping[str, Any], str, Draw, bool | None], list[Pair]]

_MAKERS: dict[str, _Maker] = {
    "vqa2/quality-centric": lambda row, it, draw, yes: quality_pairs(depicted(row), it, draw, yes),
    "vqa2/temporal": lambda row, it, draw, _: [temporal_pair(depicted(row), it, draw)],
    "vqa2/extended": lambda row, it, draw, _: [extended_pair(depicted(row), it, draw)],
    "vqa2/in-context": lambda row, it, draw, _: [in_context_pair(depicted(row), it, draw)],
    "vqa2/conversation": lambda row, it, draw, _: [conversation_pair(row, it, draw)],
    "vqa2/aspect": lambda row, it, draw, _: [aspect_pair(row, it, draw)],
    "q-instruct/what-how": lambda row, it, draw, _: what_how_pairs(depicted(row), it, draw),
    "q-instruct/yes-no": lambda row, it, draw, yes: [
        binary(draw.one(depicted(row)), it, draw, yes)
    ],
    "q-instruct/extended": lambda row, it, draw, _: [
        pathway_extended_pair(depicted(row), it, draw)
    ],
}
TASKS: tuple[str, ...] = tuple(_MAKERS)
_ATTEMPTS = 4


def rules_answer(
    task: str, depiction: Mapping[str, Any], seed: int, want_yes: bool | None = None
) -> str:
    """The pairs of a task as JSON text, as a model would answer: `{"pairs": [...]}`.

    `depiction` is a row of its schema. The wording depends on task, row and seed; `want_yes` says
    what a yes/no question is to be answered with. Raises CannotMake where the depiction does not
    hold what is asked, ValueError for a task that is none.
    """
    if task not in _MAKERS:
        raise ValueError(f"no task is called {task!r}. {near(task, TASKS)}")
    name = str(depiction.get("depiction_id") or depiction["text"])
    it = "this video" if depiction["medium"] == "video" else "this picture"
    held = read(str(depiction["text"]))
    for attempt in range(_ATTEMPTS):
        pairs = _MAKERS[task](depiction, it, Draw(seed, task, name, str(attempt)), want_yes)
        if not any(_is_rejected(pair, held) for pair in pairs):
            return canonical_json({"pairs": pairs})
    raise CannotMake("not-grounded", "what was made says otherwise than the depiction")


def _is_rejected(pair: Pair, held: Reading) -> bool:
    """Whether the pair fails the check that a model's pairs have to pass."""
    found = judge(pair["question"], right(pair), held, pair["form"])
    return any(finding.severity == "reject" for finding in found)
