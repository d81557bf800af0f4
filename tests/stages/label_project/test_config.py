from xml.etree import ElementTree as ET

import pytest

from qbuild.labels.depictions.names import ASPECTS, WIDE
from qbuild.stages.label_project.config import make_config, make_task

FIELDS = {
    "ugc": ["overall", "note", "in_context", "question", "answer"],
    "aigc": [
        name.replace(" ", "_").replace("-", "_") + ending
        for name in ASPECTS
        for ending in ("", "_level")
    ],
    "pathway": ["pathway"],
}


@pytest.mark.parametrize("medium", ["image", "video"])
@pytest.mark.parametrize("form", sorted(FIELDS))
def test_a_configuration_is_xml_whose_fields_the_reader_knows(form, medium):
    view = ET.fromstring(make_config(form, medium))
    shown = view.find(medium.capitalize())
    assert shown is not None
    assert shown.attrib == {"name": medium, "value": f"${medium}"}
    fields = [tag for tag in view.iter() if "toName" in tag.attrib]
    assert [tag.attrib["name"] for tag in fields] == FIELDS[form]
    assert {tag.attrib["toName"] for tag in fields} == {medium}
    known = {name for names in WIDE.values() for name in names} | {"note"}
    assert {tag.attrib["name"] for tag in fields} <= known


def test_the_score_and_the_level_are_shown():
    header = ET.fromstring(make_config("ugc", "video")).find("Header")
    assert header is not None
    assert {"$mos_norm", "$level_word"} <= set(header.attrib["value"].split())


def test_each_note_is_visible_once_it_was_chosen():
    view = ET.fromstring(make_config("ugc", "video"))
    choices = [tag.attrib["value"] for tag in view.iter("Choice")]
    parts = {
        part.attrib["whenChoiceValue"]: [tag.attrib["name"] for tag in part.iter("TextArea")]
        for part in view.iter("View")
        if part.attrib.get("visibleWhen") == "choice-selected"
    }
    assert list(parts) == choices
    assert list(parts.values()) == [["in_context"], ["question", "answer"]]


def test_a_task_quotes_its_path_and_rounds_its_score():
    row = {
        "media_id": "s:a b/ü#1.mp4",
        "path": "a b/ü#1.mp4",
        "mos_norm": 71.4567,
        "level": 4,
        "word": "Good",
    }
    assert make_task(row, "video", "/data/local-files/?d=") == {
        "data": {
            "video": "/data/local-files/?d=a%20b/%C3%BC%231.mp4",
            "media_id": "s:a b/ü#1.mp4",
            "mos_norm": 71.5,
            "level": 4,
            "level_word": "Good",
        }
    }
    assert make_task(row, "video", "https://host/")["data"]["video"].startswith(
        "https://host/a%20b"
    )
