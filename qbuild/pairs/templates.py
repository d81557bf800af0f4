"""Prompt templates: Markdown with front matter, four sections, and slots in double braces.

    # Instructions         what is asked, the same for every depiction: the system message
    # Structured answer    appended to it where the server supports JSON schemas
    # Text answer          appended to it where the server does not
    # Notes                the user's message, with all that differs between depictions

The fixed text comes first, so that servers can keep it in their prompt cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qbuild.core.canonical import hash_bytes
from qbuild.core.errors import InputError, UsageError, suggest
from qbuild.core.resources import data_dir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SECTIONS = ("Instructions", "Structured answer", "Text answer", "Notes")
FORMS = ("binary", "multi", "open", "temporal", "extended", "in-context")
SLOTS = ("text", "question", "answer", "aspect", "aspect_level", "medium", "area", "want")
MEDIA = ("picture", "video")
KEYS = ("id", "version", "source", "kinds", "forms", "count", "medium")
_TODO = "Check the path; docs/prompts.md says how to write templates."
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_FRONT = re.compile(r"\A---\n(.*?)\n---\n(.*)\Z", re.DOTALL)
_COUNT = re.compile(r"\d{1,2}(-\d{1,2})?\Z", re.ASCII)
_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Template:
    """A prompt template; `least` to `most` pairs are asked for, of these `forms` in order."""

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
        """`id@version sha256:…`, as in rows and in the ledger."""
        return f"{self.id}@{self.version} {self.hash}"

    def messages(self, slots: Mapping[str, str], structured: bool) -> tuple[tuple[str, str], ...]:
        """System and user message; slots in the values themselves are not filled."""
        return (
            ("system", self._systems[structured, slots["medium"]]),
            ("user", fill_slots(self.sections["Notes"], slots)),
        )

    @cached_property
    def _systems(self) -> dict[tuple[bool, str], str]:
        """Instructions and form of the answer, by form and medium: the same for all depictions."""
        return {
            (structured, medium): fill_slots(
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
        """The JSON schema of its answer, as strict structured outputs require it."""
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


def fill_slots(text: str, slots: Mapping[str, str]) -> str:
    """The text with each slot replaced by its value; KeyError for a slot without one."""
    return _SLOT.sub(lambda slot: slots[slot[1]], text)


def load_templates(folder: Path | None = None) -> dict[str, Template]:
    """All templates by id: the shipped ones, replaced by those of `folder` with the same id.

    Raises UsageError for a folder that does not exist, InputError for a file that is not a valid
    template, or whose id or forms are not those of a shipped one.
    """
    templates = {template.id: template for template in _read_all(data_dir("prompts"))}
    if folder is None:
        return templates
    if not folder.is_dir():
        raise UsageError(
            "--prompts", f"no such folder: {folder}", "expected a folder of templates", _TODO
        )
    own = _read_all(folder)
    if not own:
        raise UsageError("--prompts", f"{folder} has no .md file", "expected templates", _TODO)
    for template in own:
        shipped = templates.get(template.id)
        if shipped is None:
            what = f"no shipped template has the id {template.id!r}"
            raise InputError(str(folder), what, "", suggest(template.id, templates))
        if set(template.forms) != set(shipped.forms):
            expected = f"expected the forms {', '.join(shipped.forms)}"
            what = f"template {template.id!r} has the forms {', '.join(template.forms)}"
            raise InputError(str(folder), what, expected, _TODO)
        templates[template.id] = template
    return templates


def _read_all(folder: Path) -> list[Template]:
    return [read_template(path) for path in sorted(folder.rglob("*.md"))]


def read_template(path: Path) -> Template:
    """The template in a file; InputError says what is missing or invalid."""
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        front = _FRONT.match(text)
        head = yaml.safe_load(front[1]) if front else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _invalid(path, f"cannot be read ({error})") from error
    if front is None or not isinstance(head, dict):
        raise _invalid(path, "does not begin with front matter between lines of ---")
    missing = [key for key in KEYS if key not in head]
    if missing:
        raise _invalid(path, f"its front matter has no {', '.join(missing)}")
    sections = _sections(front[2])
    missing = [name for name in SECTIONS if not sections.get(name)]
    if missing:
        raise _invalid(path, f"has no section {', '.join(f'# {name}' for name in missing)}")
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
    if not isinstance(head["version"], int):
        raise _invalid(path, f"`version` is {head['version']!r}", "expected a whole number")
    if not _COUNT.match(str(head["count"])):
        raise _invalid(path, f"`count` is {head['count']!r}", "expected 3, or 1-6")
    for key in ("kinds", "forms"):
        if not isinstance(head[key], list):
            raise _invalid(path, f"`{key}` is {head[key]!r}", "expected a list")
    unknown = [form for form in head["forms"] if form not in FORMS]
    if unknown:
        raise _invalid(path, f"has the unknown form {unknown[0]!r}", f"expected {', '.join(FORMS)}")


def _check_slots(path: Path, sections: Mapping[str, str]) -> None:
    """Raise InputError for an unknown or misplaced slot, or notes without the depiction."""
    named = {slot for text in sections.values() for slot in _SLOT.findall(text)}
    unknown = sorted(named.difference(SLOTS))
    if unknown:
        listed = ", ".join(SLOTS)
        raise _invalid(path, f"{{{{{unknown[0]}}}}} has no value", f"expected one of {listed}")
    early = {slot for name in SECTIONS[:-1] for slot in _SLOT.findall(sections[name])} - {"medium"}
    if early:
        what = f"{{{{{min(early)}}}}} is before # Notes"
        raise _invalid(path, what, "expected only {{medium}} in the fixed text")
    if "text" not in _SLOT.findall(sections["Notes"]):
        raise _invalid(path, "{{text}} is missing", "expected it under # Notes")


def _sections(body: str) -> dict[str, str]:
    pieces = _HEADING.split(body)
    return {
        name.strip(): text.strip() for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
    }


def _invalid(path: Path, what: str, expected: str = "expected a prompt template") -> InputError:
    return InputError(str(path), what, expected, "See the shipped ones in prompts/.")
