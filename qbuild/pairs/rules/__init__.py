"""The provider `rules`: pairs made from what a depiction states, without a model.

    facts.py      what can be asked about      states.py        states that words of a text name
    areas.py      subjects, counts, severities wording.py       topics, remedies, degrees, forms
    sentences.py  facts as sentences           phrases.py       grammar: times, causes, plurals
    choices.py    degrees, wrong choices       draws.py         seeded draws
    quality.py    yes/no, choice, open,        temporal.py      when, how often, which moment
                  what and how (Q-Instruct)    conversation.py  own conversations, aspects
    extended.py   causes, remedies, advice

It answers in the JSON form of the tasks, like a model, and rejects what it cannot make. See
docs/language.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qbuild.core.canonical import canonical_json
from qbuild.core.errors import suggest
from qbuild.core.rows.rejections import RejectedError
from qbuild.language.mentions import Reading, read
from qbuild.pairs.conversations import judged_form
from qbuild.pairs.grounding import judge
from qbuild.pairs.rules.conversation import aspect_pair, conversation_pair
from qbuild.pairs.rules.draws import Draw, Pair, right_answer
from qbuild.pairs.rules.extended import extended_pair, pathway_extended_pair
from qbuild.pairs.rules.facts import facts_of
from qbuild.pairs.rules.quality import quality_pairs, what_how_pairs, yes_no_pair
from qbuild.pairs.rules.temporal import in_context_pair, temporal_pair

_Maker = Callable[[Mapping[str, Any], str, Draw, bool | None], list[Pair]]

_MAKERS: dict[str, _Maker] = {
    "vqa2/quality-centric": lambda row, it, draw, yes: quality_pairs(facts_of(row), it, draw, yes),
    "vqa2/temporal": lambda row, it, draw, _: [temporal_pair(facts_of(row), it, draw)],
    "vqa2/extended": lambda row, it, draw, _: [extended_pair(facts_of(row), it, draw)],
    "vqa2/in-context": lambda row, it, draw, _: [in_context_pair(facts_of(row), it, draw)],
    "vqa2/conversation": lambda row, it, draw, _: [conversation_pair(row, it, draw)],
    "vqa2/aspect": lambda row, it, draw, _: [aspect_pair(row, it, draw)],
    "q-instruct/what-how": lambda row, it, draw, _: what_how_pairs(facts_of(row), it, draw),
    "q-instruct/yes-no": lambda row, it, draw, yes: [
        yes_no_pair(draw.one(facts_of(row)), it, draw, yes)
    ],
    "q-instruct/extended": lambda row, it, draw, _: [
        pathway_extended_pair(facts_of(row), it, draw)
    ],
}
TASKS: tuple[str, ...] = tuple(_MAKERS)
_ATTEMPTS = 8


def rules_answer(
    task: str, depiction: Mapping[str, Any], seed: int, want_yes: bool | None = None
) -> str:
    """The pairs of a task as JSON text, as a model would answer: `{"pairs": [...]}`.

    `depiction` is a row of its schema. The wording depends on task, row and seed; `want_yes` is
    the right answer of a yes/no question. Raises RejectedError where the depiction does not state
    what the task needs, ValueError for an unknown task.
    """
    if task not in _MAKERS:
        raise ValueError(f"unknown task {task!r}. {suggest(task, TASKS)}")
    name = str(depiction.get("depiction_id") or depiction["text"])
    it = "this video" if depiction["medium"] == "video" else "this image"
    reading = read("\n".join(filter(None, (depiction.get("question"), str(depiction["text"])))))
    for attempt in range(_ATTEMPTS):
        pairs = _MAKERS[task](depiction, it, Draw(seed, task, name, str(attempt)), want_yes)
        form = judged_form(task, depiction.get("question"))
        if not any(_is_rejected(pair, reading, form) for pair in pairs):
            return canonical_json({"pairs": pairs})
    raise RejectedError("not-grounded", "what was made says otherwise than the depiction")


def _is_rejected(pair: Pair, reading: Reading, form: str | None) -> bool:
    """Whether the pair fails the check that a model's pairs have to pass."""
    findings = judge(pair["question"], right_answer(pair), reading, form or pair["form"])
    return any(finding.severity == "reject" for finding in findings)
