import subprocess
import sys
from pathlib import Path

from qbuild.labels.ratings.options import LAYOUTS
from qbuild.labels.tables.columns import SYNONYMS

DOCS = Path(__file__).parents[3] / "docs"


def test_the_example_layout_runs_and_prints_its_rows_and_the_rejected_one():
    script = DOCS / "examples/layout_example.py"
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "stars:plane.png 3.0 12",
        "stars:parrots.png 5.0 9",
        'stars.txt row 3: missing-score: {"line":"house.png"}',
    ]


def test_every_layout_is_documented_in_the_order_of_recognition():
    lines = (DOCS / "layouts.md").read_text(encoding="utf-8").splitlines()
    documented = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert documented[: len(LAYOUTS)] == list(LAYOUTS)


def test_every_synonym_is_documented():
    text = (DOCS / "layouts.md").read_text(encoding="utf-8")
    tables = text[text.index("## Tables") : text.index("## Rejected rows")]
    words = set(tables.translate(str.maketrans("|,()", "    ")).split())
    assert {name for names in SYNONYMS.values() for name in names} <= words
