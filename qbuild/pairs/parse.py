"""The pairs in a raw answer: read from JSON or from text, held to what was asked for.

A fault is told in words that a model can act on: it is sent back with the next request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.errors import shortened
from qbuild.pairs.text_form import NoSuchLetterError, chosen, pairs_in_text
from qbuild.quality.choices import letters

if TYPE_CHECKING:
    from qbuild.pairs.templates import Template

YES_NO = ("Yes", "No")
LONGEST = 2_000  # signs of a question or an answer
CHOICES, MOST_CHOICES = 4, 8
# What no text of a language holds: a file of pairs could not hold it either.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


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

    Raises UnusableAnswerError with reason not-json, not-pairs, not-text, count, form, options,
    letter, empty, too-long, or nothing-to-ask where the answer says so itself.
    """
    found = _entries(raw)
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


def _entries(raw: str) -> list[Any]:
    """The pairs as an answer has them, be it JSON, JSON between words, or text."""
    text = _unfenced(raw)
    if text.startswith(("{", "[")):
        return _from_json(text)
    found = pairs_in_text(text)
    if found is None and "{" in text:
        return _from_json(text[text.index("{") : text.rfind("}") + 1])
    if found is None:
        raise UnusableAnswerError("not-pairs", "expected lines `Question: …` and `Answer: …`")
    return found


def _unfenced(raw: str) -> str:
    """The text without the code fence around it."""
    text = raw.strip()
    if text.startswith("```"):
        text = text.removesuffix("```").partition("\n")[2]
    return text.strip()


def _from_json(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableAnswerError("not-json", f"the answer is no JSON: {error}") from error
    if isinstance(value, dict):
        value = value.get("pairs", [value] if "question" in value else None)
    if not isinstance(value, list):
        raise UnusableAnswerError("not-pairs", "expected an object with a list `pairs`")
    return value


def _pair(entry: Any, number: int, template: Template) -> Pair:
    """One pair, every part of it checked."""
    if not isinstance(entry, dict):
        raise UnusableAnswerError("not-pairs", f"pair {number} is no object")
    options = _options(entry.get("options"), number)
    form = entry.get("form") or _form_of(options, template)
    if form not in template.forms:
        expected = ", ".join(template.forms)
        shown = _shown(form)
        raise UnusableAnswerError("form", f"pair {number} has form {shown}; expected {expected}")
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
    for option in options:
        _refuse_unwritable(option, "choice", number)
    if len({option.casefold().rstrip(".") for option in options}) < len(options):
        raise UnusableAnswerError("options", f"pair {number}: two choices are the same")
    if not 2 <= len(options) <= MOST_CHOICES or not all(options):
        raise UnusableAnswerError("options", f"pair {number}: {len(options)} choices or empty ones")
    if max(map(len, options)) > LONGEST:
        raise UnusableAnswerError("too-long", f"a choice of pair {number} is over {LONGEST} signs")
    return options


def _yes_no(options: tuple[str, ...], number: int) -> tuple[str, ...]:
    plain = tuple(option.rstrip(" .").capitalize() for option in options)
    if sorted(plain) != sorted(YES_NO):
        raise UnusableAnswerError(
            "options", f"pair {number}: choices {_shown(options)}; expected Yes, No"
        )
    return plain


def _letter(answer: str, options: tuple[str, ...], number: int) -> str:
    try:
        letter = chosen(answer, options)
    except NoSuchLetterError as error:
        raise UnusableAnswerError("letter", f"pair {number}: {error}") from error
    if letter is None:
        expected = ", ".join(letters(len(options)))
        message = f"pair {number}: answer {_shown(answer)}; expected {expected}"
        raise UnusableAnswerError("letter", message)
    return letter


def _text(given: Any, key: str, number: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise UnusableAnswerError("empty", f"pair {number} has no {key}")
    if len(given) > LONGEST:
        message = f"the {key} of pair {number} has {len(given)} signs; expected {LONGEST} at most"
        raise UnusableAnswerError("too-long", message)
    text = " ".join(given.split())
    _refuse_unwritable(text, key, number)
    return text


def _refuse_unwritable(text: str, key: str, number: int) -> None:
    found = _UNWRITABLE.search(text)
    if found is not None:
        message = f"the {key} of pair {number} holds the sign U+{ord(found[0]):04X}, expected text"
        raise UnusableAnswerError("not-text", message)


def _shown(value: Any) -> str:
    """A value for a message, short; of anything but text or a tuple of texts, its type."""
    return shortened(repr(value), 80) if isinstance(value, str | tuple) else type(value).__name__
