"""Prompt templates: Markdown with front matter, four sections, and slots in double braces.

    # Instructions         what is asked, the same for every depiction: the system message
    # Structured answer    its end where the server can be held to a JSON schema
    # Text answer          its end where it cannot
    # Notes                the user's message, with all that differs between depictions

The fixed text comes first, so that servers can keep it in their prompt cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import hash_bytes
from qbuild.core.errors import InputError, UsageError, near
from qbuild.core.resources import data_dir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECTIONS = ("Instructions", "Structured answer", "Text answer", "Notes")
FORMS = ("binary", "multi", "open", "temporal", "extended", "in-context")
SLOTS = ("text", "question", "answer", "aspect", "aspect_level", "medium", "area", "want")
MEDIA = ("picture", "video")
KEYS = ("id", "version", "source", "kinds", "forms", "count", "medium")
CHECK = "Check the path; docs/prompts.md says how templates are written."
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_COUNT = re.compile(r"\d{1,2}(-\d{1,2})?\Z", re.ASCII)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Template:
    """A prompt as its file has it; `forms` are those of its pairs, in order, `least` to `most`."""

    id: str
    version: int
    source: str
    kinds: tuple[str, ...]
    forms: tuple[str, ...]
    least: int
    most: int
    text: str
    sections: Mapping[str, str]

    @cached_property
    def hash(self) -> str:
        """`sha256:…` of the file's text."""
        return hash_bytes(self.text.encode())

    @property
    def named(self) -> str:
        """`id@version sha256:…`, as rows and the ledger name it."""
        return f"{self.id}@{self.version} {self.hash}"

    def messages(self, slots: Mapping[str, str], structured: bool) -> tuple[tuple[str, str], ...]:
        """System and user message; the slots' values are put in once and never looked at again."""
        return (
            ("system", self._systems[structured, slots["medium"]]),
            ("user", filled(self.sections["Notes"], slots)),
        )

    @cached_property
    def _systems(self) -> dict[tuple[bool, str], str]:
        """Instructions and form of the answer: the same for all depictions of a medium."""
        return {
            (structured, medium): filled(
                f"{self.sections['Instructions']}\n\n{form}", {"medium": medium}
            )
            for structured, form in (
                (True, self.sections["Structured answer"]),
                (False, self.sections["Text answer"]),
            )
            for medium in MEDIA
        }

    @cached_property
    def answer_schema(self) -> dict[str, Any]:
        """The JSON schema of its answer, in the form that strict structured outputs take."""
        forms = sorted(set(self.forms))
        pair = {
            "type": "object",
            "additionalProperties": False,
            "required": ["form", "question", "options", "answer"],
            "properties": {
                "form": {"type": "string", "enum": forms},
                "question": {"type": "string"},
                "options": {"type": ["array", "null"], "items": {"type": "string"}},
                "answer": {"type": "string"},
            },
        }
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["pairs"],
            "properties": {"pairs": {"type": "array", "items": pair}},
        }


def filled(text: str, slots: Mapping[str, str]) -> str:
    """The text with each slot's value in its place; KeyError for a slot that has none."""
    return _SLOT.sub(lambda found: slots[found[1]], text)


def load_templates(folder: Path | None = None) -> dict[str, Template]:
    """All templates by id: those that ship with qbuild, and in their place those of `folder`.

    Raises UsageError for a folder that is not there, InputError for a file that is no template or
    whose id qbuild does not use: all it knows what to do with are the ids that ship with it.
    """
    found = {template.id: template for template in _read_all(data_dir("prompts"))}
    if folder is None:
        return found
    if not folder.is_dir():
        raise UsageError(
            "--prompts", f"no such folder: {folder}", "expected a folder of templates", CHECK
        )
    own = _read_all(folder)
    if not own:
        raise UsageError("--prompts", f"{folder} holds no .md file", "expected templates", CHECK)
    for template in own:
        shipped = found.get(template.id)
        if shipped is None:
            raise InputError(
                str(folder), f"template {template.id!r} replaces none", "", near(template.id, found)
            )
        if set(template.forms) != set(shipped.forms):
            expected = f"expected the forms {', '.join(shipped.forms)}"
            what = f"template {template.id!r} has the forms {', '.join(template.forms)}"
            raise InputError(str(folder), what, expected, CHECK)
        found[template.id] = template
    return found


def _read_all(folder: Path) -> list[Template]:
    return [read_template(path) for path in sorted(folder.rglob("*.md"))]


def read_template(path: Path) -> Template:
    """The template in a file; InputError that says what is missing where it is none."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        front = _FRONT.match(text)
        head = yaml.safe_load(front[1]) if front else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _fault(path, f"cannot be read ({error})") from error
    if front is None or not isinstance(head, dict):
        raise _fault(path, "begins with no front matter between lines of ---")
    gone = [key for key in KEYS if key not in head]
    if gone:
        raise _fault(path, f"its front matter has no {', '.join(gone)}")
    sections = _sections(front[2])
    gone = [name for name in SECTIONS if not sections.get(name)]
    if gone:
        raise _fault(path, f"has no section {', '.join(f'# {name}' for name in gone)}")
    _check_head(path, head)
    _check_slots(path, sections)
    least, _, most = str(head["count"]).partition("-")
    return Template(
        id=str(head["id"]),
        version=int(head["version"]),
        source=str(head["source"]),
        kinds=tuple(head["kinds"]),
        forms=tuple(head["forms"]),
        least=int(least),
        most=int(most or least),
        text=text,
        sections=sections,
    )


def _check_head(path: Path, head: dict[str, Any]) -> None:
    """Raise InputError for a value of the front matter that cannot be used."""
    if not isinstance(head["version"], int):
        raise _fault(path, f"`version` is {head['version']!r}", "expected a whole number")
    if not _COUNT.match(str(head["count"])):
        raise _fault(path, f"`count` is {head['count']!r}", "expected 3, or 1-6")
    for key in ("kinds", "forms"):
        if not isinstance(head[key], list):
            raise _fault(path, f"`{key}` is {head[key]!r}", "expected a list")
    unknown = [form for form in head["forms"] if form not in FORMS]
    if unknown:
        raise _fault(path, f"names the form {unknown[0]!r}", f"expected {', '.join(FORMS)}")


def _check_slots(path: Path, sections: Mapping[str, str]) -> None:
    """Raise InputError for a slot that nothing fills, or notes without the depiction."""
    named = {slot for text in sections.values() for slot in _SLOT.findall(text)}
    unknown = sorted(named.difference(SLOTS))
    if unknown:
        listed = ", ".join(SLOTS)
        raise _fault(path, f"{{{{{unknown[0]}}}}} has no value", f"expected one of {listed}")
    early = {slot for name in SECTIONS[:-1] for slot in _SLOT.findall(sections[name])} - {"medium"}
    if early:
        what = f"{{{{{min(early)}}}}} stands before # Notes"
        raise _fault(path, what, "expected {{medium}} alone in what is the same for all")
    if "text" not in _SLOT.findall(sections["Notes"]):
        raise _fault(path, "never asks for {{text}}", "expected it under # Notes")


def _sections(body: str) -> dict[str, str]:
    pieces = _HEADING.split(body)
    return {
        name.strip(): text.strip() for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _fault(path: Path, what: str, expected: str = "expected a prompt template") -> InputError:
    return InputError(str(path), what, expected, "See the ones that ship with qbuild in prompts/.")
