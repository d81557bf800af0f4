"""The pairs in a raw answer: read from JSON or from text, held to what was asked for.

A fault is told in words that a model can act on: it is sent back with the next request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.choices import letters

if TYPE_CHECKING:
    from qbuild.llm.templates import Template

YES_NO = ("Yes", "No")
LONGEST = 2_000  # signs of a question or an answer
CHOICES = 4


@dataclass(frozen=True)
class Pair:
    """A question and its answer; with choices, `answer` is the letter of the right one."""

    form: str
    question: str
    options: tuple[str, ...] | None
    answer: str

    @property
    def right(self) -> str:
        """The answer in words, whether it was chosen or not."""
        if self.options is None:
            return self.answer
        return self.options[letters(len(self.options)).index(self.answer)]


@dataclass(frozen=True)
class Fault:
    """Why an answer or a pair cannot be used: a word to count by, and words to send back."""

    reason: str
    message: str


class UnusableAnswerError(Exception):
    """An answer that holds no pairs of the form asked for."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.fault = Fault(reason, message)


def read_pairs(raw: str, template: Template) -> list[Pair]:
    """The pairs of an answer, as many and of the forms that the template asks for.

    Raises UnusableAnswerError with reason not-json, not-pairs, count, form, options, letter,
    empty, too-long, or nothing-to-ask where the answer says so itself.
    """
    found = _from_json(raw) if raw.lstrip().startswith(("{", "[", "```")) else _from_text(raw)
    if not found:
        raise UnusableAnswerError("nothing-to-ask", "the notes bear no such question")
    pairs = [_pair(entry, number, template) for number, entry in enumerate(found, 1)]
    if not template.least <= len(pairs) <= template.most:
        least, most = template.least, template.most
        asked = str(least) if least == most else f"{least} to {most}"
        raise UnusableAnswerError("count", f"{len(pairs)} pairs; expected {asked}")
    if template.least == template.most == len(template.forms):
        forms = tuple(pair.form for pair in pairs)
        if sorted(forms) != sorted(template.forms):
            expected = ", ".join(template.forms)
            raise UnusableAnswerError("form", f"forms {', '.join(forms)}; expected {expected}")
    return pairs


def _from_json(raw: str) -> list[Any]:
    text = re.sub(r"\A```(?:json)?\s*|\s*```\s*\Z", "", raw.strip())
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UnusableAnswerError("not-json", f"the answer is no JSON: {error}") from error
    pairs = value.get("pairs") if isinstance(value, dict) else None
    if not isinstance(pairs, list):
        raise UnusableAnswerError("not-pairs", "expected an object with a list `pairs`")
    return pairs


_BLOCK = re.compile(
    r"^\s*(?:\*\*)?Question(?:\s*\d+)?\s*:(?:\*\*)?[ \t]*(?P<question>.*?)"
    r"^\s*(?:\*\*)?Answer(?:\s*\d+)?\s*:(?:\*\*)?[ \t]*(?P<answer>.*?)(?=^\s*(?:\*\*)?Question|\Z)",
    re.DOTALL | re.MULTILINE,
)
_TITLE = re.compile(r"^\s*(?:\*\*)?Question\s*\d+\s*:?(?:\*\*)?\s*$", re.MULTILINE)
_CHOICE = re.compile(r"(?:^|\s)([A-H])[.)]\s+(.*?)(?=\s[A-H][.)]\s|\Z)", re.DOTALL)


def _from_text(raw: str) -> list[Any]:
    """Pairs in the text form of VQA² appendix C.1: `Question: … A. … B. …`, `Answer: …`."""
    if raw.strip().strip(".").lower() == "none":
        return []
    blocks = list(_BLOCK.finditer(_TITLE.sub("", raw)))
    if not blocks:
        raise UnusableAnswerError("not-pairs", "expected lines `Question: …` and `Answer: …`")
    return [_in_text(block["question"].strip(), block["answer"].strip()) for block in blocks]


def _in_text(asked: str, answer: str) -> dict[str, Any]:
    choices = list(_CHOICE.finditer(asked))
    if len(choices) < 2 or [c[1] for c in choices] != list(letters(len(choices))):
        return {"form": None, "question": asked, "options": None, "answer": answer}
    options = [" ".join(choice[2].split()).rstrip(" .") for choice in choices]
    question = asked[: choices[0].start()].strip()
    letter = re.match(r"\(?([A-H])\b", answer)
    chosen = letter[1] if letter else answer
    said = re.sub(r"\A\(?[A-H][.):]*\s*", "", answer).rstrip(" .") if letter else ""
    if letter and said and chosen in letters(len(options)):
        meant = options[letters(len(options)).index(chosen)]
        if said.casefold() != meant.casefold():
            message = f"the answer {chosen} is {meant!r} among the choices, and {said!r} behind it"
            raise UnusableAnswerError("letter", message)
    return {"form": None, "question": question, "options": options, "answer": chosen}


def _pair(entry: Any, number: int, template: Template) -> Pair:
    """One pair, every part of it checked."""
    if not isinstance(entry, dict):
        raise UnusableAnswerError("not-pairs", f"pair {number} is no object")
    options = _options(entry.get("options"), number)
    form = entry.get("form") or _form_of(options, template)
    if form not in template.forms:
        expected = ", ".join(template.forms)
        raise UnusableAnswerError("form", f"pair {number} has form {form!r}; expected {expected}")
    question, answer = (_text(entry.get(key), key, number) for key in ("question", "answer"))
    if options is None:
        if form in {"binary", "multi"}:
            raise UnusableAnswerError("options", f"pair {number} ({form}) has no choices")
        return Pair(form, question, None, answer)
    if form == "open":
        raise UnusableAnswerError("options", f"pair {number} is open and has choices")
    if form == "binary":
        options = _yes_no(options, number)
    elif len(options) != CHOICES and form == "multi":
        raise UnusableAnswerError(
            "options", f"pair {number} has {len(options)} choices; expected {CHOICES}"
        )
    return Pair(form, question, options, _letter(answer, options, number))


def _form_of(options: tuple[str, ...] | None, template: Template) -> str:
    """The form of a pair that does not name it, by its choices or by its place."""
    if len(set(template.forms)) == 1:
        return template.forms[0]
    if options is None:
        return "open"
    yes_no = {option.casefold() for option in options} == {"yes", "no"}
    return "binary" if yes_no else "multi"


def _options(given: Any, number: int) -> tuple[str, ...] | None:
    if given is None or given == []:
        return None
    if not isinstance(given, list) or not all(isinstance(option, str) for option in given):
        raise UnusableAnswerError("options", f"pair {number}: choices are not a list of texts")
    options = tuple(re.sub(r"\A[A-H][.)]\s+", "", " ".join(o.split())) for o in given)
    if len({option.casefold().rstrip(".") for option in options}) < len(options):
        raise UnusableAnswerError("options", f"pair {number}: two choices are the same")
    if not 2 <= len(options) <= 8 or not all(options):
        raise UnusableAnswerError("options", f"pair {number}: {len(options)} choices or empty ones")
    return options


def _yes_no(options: tuple[str, ...], number: int) -> tuple[str, ...]:
    plain = tuple(option.rstrip(" .").capitalize() for option in options)
    if sorted(plain) != sorted(YES_NO):
        raise UnusableAnswerError("options", f"pair {number}: choices {options}; expected Yes, No")
    return plain


def _letter(answer: str, options: tuple[str, ...], number: int) -> str:
    known = letters(len(options))
    plain = re.match(r"\(?([A-Za-z])\)?(?:[.:)]|\s*\Z)", answer)
    if plain and plain[1].upper() in known:
        return plain[1].upper()
    for letter, option in zip(known, options, strict=True):
        if answer.rstrip(" .").casefold() == option.rstrip(" .").casefold():
            return letter
    expected = ", ".join(known)
    raise UnusableAnswerError("letter", f"pair {number}: answer {answer!r}; expected {expected}")


def _text(given: Any, key: str, number: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise UnusableAnswerError("empty", f"pair {number} has no {key}")
    if len(given) > LONGEST:
        message = f"the {key} of pair {number} has {len(given)} signs; expected {LONGEST} at most"
        raise UnusableAnswerError("too-long", message)
    return " ".join(given.split())
