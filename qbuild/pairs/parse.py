"""The pairs in a raw answer: parsed from JSON or text, in the form and number asked for.

The messages of rejections are sent back to the model: see verify.py.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qbuild.core.rows.rejections import RejectedError
from qbuild.pairs.text_form import choice_letter, pairs_in_text, shortened
from qbuild.quality.published_text import letters

if TYPE_CHECKING:
    from qbuild.pairs.templates import Template

YES_NO = ("Yes", "No")
MAX_LENGTH = 2_000  # characters of a question, a choice or an answer
CHOICES, MAX_CHOICES = 4, 8
# Control characters and surrogates, which no file of pairs can hold.
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
        """The answer in words, with or without choices."""
        if self.options is None:
            return self.answer
        return self.options[letters(len(self.options)).index(self.answer)]


def read_pairs(raw: str, template: Template) -> list[Pair]:
    """The pairs of an answer, as many and of the forms that the template asks for.

    Raises RejectedError with reason not-json, not-pairs, not-text, count, form, options, letter,
    empty, too-long, or nothing-to-ask where the answer says so itself.
    """
    entries = _read_entries(raw)
    if not entries:
        raise RejectedError("nothing-to-ask", "the notes bear no such question")
    pairs = [_read_pair(entry, number, template) for number, entry in enumerate(entries, 1)]
    if not template.least <= len(pairs) <= template.most:
        least, most = template.least, template.most
        expected = str(least) if least == most else f"{least} to {most}"
        raise RejectedError("count", f"{len(pairs)} pairs; expected {expected}")
    if template.least == template.most == len(template.forms):
        forms = [pair.form for pair in pairs]
        if sorted(forms) != sorted(template.forms):
            expected = ", ".join(template.forms)
            raise RejectedError("form", f"forms {', '.join(forms)}; expected {expected}")
    return pairs


def _read_entries(raw: str) -> list[Any]:
    """The pairs as the answer has them: JSON, JSON between words, or text."""
    text = _strip_fence(raw)
    if text.startswith(("{", "[")):
        return _read_json(text)
    entries = pairs_in_text(text)
    if entries is None and "{" in text:
        return _read_json(text[text.index("{") : text.rfind("}") + 1])
    if entries is None:
        raise RejectedError("not-pairs", "expected lines `Question: …` and `Answer: …`")
    return entries


def _strip_fence(raw: str) -> str:
    text = raw.strip()
    if text.startswith("```"):
        text = text.removesuffix("```").partition("\n")[2]
    return text.strip()


def _read_json(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RejectedError("not-json", f"the answer is no JSON: {error}") from error
    if isinstance(value, dict):
        value = value.get("pairs", [value] if "question" in value else None)
    if not isinstance(value, list):
        raise RejectedError("not-pairs", "expected an object with a list `pairs`")
    return value


def _read_pair(entry: Any, number: int, template: Template) -> Pair:
    if not isinstance(entry, dict):
        raise RejectedError("not-pairs", f"pair {number} is no object")
    options = _read_options(entry.get("options"), number)
    form = entry.get("form") or _infer_form(options, template)
    if form not in template.forms:
        expected = ", ".join(template.forms)
        message = f"pair {number} has form {_repr(form)}; expected {expected}"
        raise RejectedError("form", message)
    question, answer = (_read_text(entry.get(key), key, number) for key in ("question", "answer"))
    if options is None:
        if form in {"binary", "multi"}:
            raise RejectedError("options", f"pair {number} ({form}) has no choices")
        return Pair(form, question, None, answer)
    if form == "open":
        raise RejectedError("options", f"pair {number} is open and has choices")
    if form == "binary":
        options = _read_yes_no(options, number)
    elif len(options) != CHOICES and form == "multi":
        message = f"pair {number} has {len(options)} choices; expected {CHOICES}"
        raise RejectedError("options", message)
    return Pair(form, question, options, _read_letter(answer, options, number))


def _infer_form(options: tuple[str, ...] | None, template: Template) -> str:
    """The form of a pair that does not name it, by its choices or its template."""
    if len(set(template.forms)) == 1:
        return template.forms[0]
    if options is None:
        return "open"
    yes_no = {option.casefold() for option in options} == {"yes", "no"}
    return "binary" if yes_no else "multi"


def _read_options(given: Any, number: int) -> tuple[str, ...] | None:
    if given is None or given == []:
        return None
    if not isinstance(given, list) or not all(isinstance(option, str) for option in given):
        raise RejectedError("options", f"pair {number}: choices are not a list of texts")
    options = tuple(re.sub(r"\A[A-H][.)]\s+", "", " ".join(o.split())) for o in given)
    for option in options:
        _check_writable(option, "choice", number)
    if len({option.casefold().rstrip(".") for option in options}) < len(options):
        raise RejectedError("options", f"pair {number}: two choices are the same")
    if not 2 <= len(options) <= MAX_CHOICES or not all(options):
        raise RejectedError("options", f"pair {number}: {len(options)} choices or empty ones")
    if max(map(len, options)) > MAX_LENGTH:
        raise RejectedError("too-long", f"a choice of pair {number} is over {MAX_LENGTH} signs")
    return options


def _read_yes_no(options: tuple[str, ...], number: int) -> tuple[str, ...]:
    plain = tuple(option.rstrip(" .").capitalize() for option in options)
    if sorted(plain) != sorted(YES_NO):
        message = f"pair {number}: choices {_repr(options)}; expected Yes, No"
        raise RejectedError("options", message)
    return plain


def _read_letter(answer: str, options: tuple[str, ...], number: int) -> str:
    try:
        letter = choice_letter(answer, options)
    except RejectedError as error:
        raise RejectedError("letter", f"pair {number}: {error.message}") from error
    if letter is None:
        expected = ", ".join(letters(len(options)))
        message = f"pair {number}: answer {_repr(answer)}; expected {expected}"
        raise RejectedError("letter", message)
    return letter


def _read_text(given: Any, key: str, number: int) -> str:
    if not isinstance(given, str) or not given.strip():
        raise RejectedError("empty", f"pair {number} has no {key}")
    if len(given) > MAX_LENGTH:
        length = f"has {len(given)} signs; expected {MAX_LENGTH} at most"
        raise RejectedError("too-long", f"the {key} of pair {number} {length}")
    text = " ".join(given.split())
    _check_writable(text, key, number)
    return text


def _check_writable(text: str, key: str, number: int) -> None:
    match = _UNWRITABLE.search(text)
    if match is not None:
        code = f"U+{ord(match[0]):04X}"
        message = f"the {key} of pair {number} holds the sign {code}, expected text"
        raise RejectedError("not-text", message)


def _repr(value: Any) -> str:
    """A value for a message, short; its type where it is neither text nor a tuple of texts."""
    return shortened(repr(value)) if isinstance(value, str | tuple) else type(value).__name__
