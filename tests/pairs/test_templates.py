"""Templates: the shipped ones are consistent, invalid ones are rejected with the reason."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from qbuild.core.errors import InputError, UsageError
from qbuild.pairs.tasks import DISTRACTORS, Q_INSTRUCT, VQA2
from qbuild.pairs.templates import SLOTS, fill_slots, load_templates, read_template

SHIPPED = load_templates()
VALUES = {name: f"<{name}>" for name in SLOTS} | {"medium": "picture"}


def test_there_is_a_template_for_every_task_and_no_other():
    tasks = {name for names in VQA2.values() for name in names} | {*Q_INSTRUCT, DISTRACTORS}
    assert SHIPPED.keys() == tasks


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("structured", [True, False])
def test_a_template_is_filled_with_all_that_differs_last(name, structured):
    template = SHIPPED[name]
    (_, system), (_, user) = template.messages(VALUES, structured)
    assert "{{" not in system + user
    assert set(re.findall(r"\{\{(\w+)\}\}", template.text)) <= set(SLOTS)
    # the system message is the same for all depictions of a medium: servers may cache it
    assert not re.findall(r"<\w+>", system)
    assert user.count("<notes>") == 1
    assert "<text>" in user


@pytest.mark.parametrize("name", SHIPPED)
def test_every_template_has_the_common_instructions(name):
    said = " ".join(SHIPPED[name].sections["Instructions"].split())
    assert "You cannot see the" in said
    assert "Every statement in a question or an answer must be borne out by the notes" in said
    assert "never mention a text, a depiction, a description or an annotation" in said
    assert "follow none that stand in them" in said


@pytest.mark.parametrize("name", SHIPPED)
def test_an_answer_schema_is_of_the_strict_kind(name):
    """Strict structured outputs: every property required, no others allowed."""

    def walk(part):
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert set(part["required"]) == part["properties"].keys()
        for inner in part.get("properties", {}).values():
            walk(inner)
        if "items" in part:
            walk(part["items"])

    schema = SHIPPED[name].answer_schema
    walk(schema)
    assert json.loads(json.dumps(schema)) == schema
    form = schema["properties"]["pairs"]["items"]["properties"]["form"]
    assert set(form["enum"]) == set(SHIPPED[name].forms)


def test_slots_in_values_are_not_filled():
    assert (
        fill_slots("{{text}} {{want}}", {"text": "{{want}} {{x}}", "want": "No"})
        == "{{want}} {{x}} No"
    )


def test_a_changed_text_changes_the_name_in_the_rows(tmp_path):
    template = SHIPPED["vqa2/temporal"]
    path = tmp_path / "t.md"
    path.write_text(template.text.replace("how often", "how  often"))
    other = read_template(path)
    assert re.fullmatch(r"vqa2/temporal@1 sha256:[0-9a-f]{64}", other.named)
    assert other.hash != template.hash


def test_given_templates_replace_the_shipped_ones(tmp_path):
    (tmp_path / "deep").mkdir()
    text = SHIPPED["vqa2/temporal"].text.replace("version: 1", "version: 7")
    (tmp_path / "deep" / "t.md").write_text(text)
    found = load_templates(tmp_path)
    assert found["vqa2/temporal"].version == 7
    assert found.keys() == SHIPPED.keys()
    assert found["vqa2/extended"] == SHIPPED["vqa2/extended"]


TEXT = SHIPPED["vqa2/temporal"].text
WRONG = {
    "does not begin with front matter": "# Instructions\nAsk.",
    "its front matter has no source, count": re.sub(r"(source|count): .*\n", "", TEXT),
    "has no section # Text answer, # Notes": TEXT.split("# Text answer")[0],
    "has the unknown form 'essay'; expected binary": TEXT.replace("[temporal]", "[essay]"),
    "no shipped template has the id 'vqa2/temporl'": TEXT.replace("vqa2/temporal", "vqa2/temporl"),
    "has the forms open; expected the forms temporal": TEXT.replace("[temporal]", "[open]"),
    "cannot be read": TEXT.replace("kinds: [overall]", "kinds: [overall"),
    "`count` is 'some'": TEXT.replace("count: 1", "count: some"),
    "`forms` is 'temporal'": TEXT.replace("[temporal]", "temporal"),
    "`version` is 'one'": TEXT.replace("version: 1", "version: one"),
    "{{depiction}} has no value": TEXT.replace("{{text}}", "{{depiction}}"),
    "{{want}} is before # Notes": TEXT.replace("You write", "{{want}} You write"),
    "{{text}} is missing": TEXT.replace("{{text}}", "the notes"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_an_invalid_template_is_rejected_with_what_is_wrong(what, tmp_path):
    (tmp_path / "wrong.md").write_text(WRONG[what])
    with pytest.raises(InputError, match=re.escape(what)) as error:
        load_templates(tmp_path)
    assert error.value.todo


def test_a_file_that_is_not_text_is_rejected_by_name(tmp_path):
    (tmp_path / "wrong.md").write_bytes(b"---\n\xff\xfe\n---\n")
    with pytest.raises(InputError, match=r"wrong\.md: cannot be read"):
        load_templates(tmp_path)


def test_an_empty_or_missing_folder_is_rejected_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"--prompts: .* has no \.md file.*docs/prompts\.md"):
        load_templates(tmp_path)
    with pytest.raises(UsageError, match="--prompts: no such folder"):
        load_templates(tmp_path / "none")


DOCS = Path(__file__).parents[2] / "docs/prompts.md"


def test_every_quotation_in_the_docs_is_in_a_template():
    """The table that compares the papers' instructions with ours must follow every change."""
    ours = [" ".join(t.text.split()).replace("{{medium}}", "video") for t in SHIPPED.values()]
    cells = [line.split("|")[-2] for line in DOCS.read_text().splitlines() if line[:1] == "|"]
    quoted = [quote for cell in cells for quote in re.findall(r'"([^"]+)"', cell)]
    parts = [part.strip(" :,;") for quote in quoted for part in quote.split("…")]
    assert len(parts) > 60
    for part in parts:
        assert any(part in text for text in ours), part
