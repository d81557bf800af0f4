import re
from pathlib import Path

import pytest
from annotated import read, save

from qbuild.labels.depictions.names import ABOUT, KINDS, LONG, TEXTS
from qbuild.labels.depictions.read import read_file

PAGE = Path(__file__).parents[3] / "docs/depictions.md"
SOURCES = Path(read_file.__code__.co_filename).parent


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(("number", "count"), [(0, 4), (1, 2), (2, 3)])
def test_the_tables_of_the_page_are_read(tmp_path, number, count):
    rows, rejected, _ = read(save(tmp_path / "set.csv", blocks("csv")[number]))
    assert (len(rows), rejected) == (count, [])


def test_the_export_of_the_page_is_read(tmp_path):
    rows, rejected, _ = read(save(tmp_path / "export.json", blocks("json")[0]))
    assert rejected == []
    assert [(row["media_id"], row["level"], row["word"]) for row in rows] == [
        ("set:clips/a.mp4", 4, "Good")
    ]


def test_every_name_of_a_column_is_documented():
    prose = "".join(PAGE.read_text(encoding="utf-8").split("```")[::2])
    words = set(re.findall(r"`([^`]+)`", prose))
    names = {name: ABOUT[name] for name in ABOUT if name != "path"}
    names |= {kind: TEXTS[kind] for kind in ("overall", "in-context", "question", "answer")}
    names |= {"pathway": KINDS["pathway"]}
    names |= {name: LONG[name] for name in LONG if name not in ABOUT}
    assert {one for each in names.values() for one in each} <= words


def test_every_reason_of_a_rejected_row_is_documented():
    page = PAGE.read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in sorted(SOURCES.glob("*.py")))
    reasons = set(re.findall(r'RejectedError\(\s*"([a-z-]+)"', code))
    assert len(reasons) > 9
    assert {reason for reason in reasons if f"`{reason}`" not in page} == set()
