"""A Label Studio project for depictions: the labelling configuration and the tasks.

The annotator sees the medium with its normalised MOS and its level, as in VQA² (Figure 6). The
names of the fields are those that `ingest-depictions` reads. Forms: `ugc`, an overall depiction
and a note, either in-context or a conversation (appendix B.2, B.3); `aigc`, five aspects, each with
a level from 1 to 4 (B.4); `pathway`, one feedback (Q-Instruct).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote
from xml.etree import ElementTree as ET

from qbuild.labels.depictions.label_studio import CHOICE
from qbuild.labels.depictions.names import ASPECTS
from qbuild.labels.tables.columns import normalise_name

Form = Literal["ugc", "aigc", "pathway"]
Medium = Literal["image", "video"]

IN_CONTEXT, CONVERSATION = "in-context depiction", "own conversation"


def make_config(form: Form, medium: Medium) -> str:
    """The labelling configuration as XML, ending in a newline."""
    view = ET.Element("View")
    ET.SubElement(view, "Header", value="MOS, 0 to 100: $mos_norm · quality level: $level_word")
    ET.SubElement(view, medium.capitalize(), name=medium, value=f"${medium}")
    _FORMS[form](view, medium)
    ET.indent(view)
    return ET.tostring(view, encoding="unicode") + "\n"


def make_task(row: Mapping[str, Any], medium: Medium, prefix: str) -> dict[str, Any]:
    """The task of one `level` row; its URL is the prefix and the quoted path."""
    shown = {
        "media_id": row["media_id"],
        "mos_norm": round(row["mos_norm"], 1),
        "level": row["level"],
        "level_word": row["word"],
    }
    return {"data": {medium: prefix + quote(row["path"]), **shown}}


def _ugc(view: ET.Element, medium: Medium) -> None:
    _text(view, medium, "overall", "Overall quality depiction", required=True)
    ET.SubElement(view, "Header", value="A note: a place or moment, or a question of your own")
    choice = ET.SubElement(
        view, "Choices", name=CHOICE, toName=medium, choice="single-radio", showInline="true"
    )
    for value in (IN_CONTEXT, CONVERSATION):
        ET.SubElement(choice, "Choice", value=value)
    _text(_shown_for(view, IN_CONTEXT), medium, "in_context", "In-context depiction")
    talk = _shown_for(view, CONVERSATION)
    _text(talk, medium, "question", "Your question")
    _text(talk, medium, "answer", "Your answer")


def _aigc(view: ET.Element, medium: Medium) -> None:
    ET.SubElement(view, "Header", value="Five aspects, each with a level: 1 bad to 4 perfect")
    for aspect in ASPECTS:
        name = normalise_name(aspect)
        _text(view, medium, name, aspect.capitalize(), required=True)
        levels = ET.SubElement(
            view, "Choices", name=f"{name}_level", toName=medium, choice="single-radio",
            showInline="true", required="true",
        )  # fmt: skip
        for level in range(1, 5):
            ET.SubElement(levels, "Choice", value=str(level))


def _pathway(view: ET.Element, medium: Medium) -> None:
    _text(view, medium, "pathway", "Pathway feedback", required=True)


_FORMS = {"ugc": _ugc, "aigc": _aigc, "pathway": _pathway}


def _shown_for(view: ET.Element, choice: str) -> ET.Element:
    """A part of the view that is visible once this note was chosen."""
    return ET.SubElement(
        view, "View", visibleWhen="choice-selected", whenTagName=CHOICE, whenChoiceValue=choice
    )


def _text(
    view: ET.Element, medium: Medium, name: str, title: str, *, required: bool = False
) -> None:
    ET.SubElement(view, "Header", value=title)
    ET.SubElement(
        view, "TextArea", name=name, toName=medium, required=str(required).lower(), rows="4",
        maxSubmissions="1", editable="true",
    )  # fmt: skip
