"""A hundred pairs by rules that a person judged one by one.

A pair that the rules word in another way is not in the list any more and has to be judged again:
`python tests/support/judged.py > judged_pairs.tsv`, then y or n for each `?`.
"""

from __future__ import annotations

from judged import COLUMNS, COUNT, draw_pairs, read_judged


def test_the_rules_still_write_exactly_the_judged_pairs(tmp_path):
    judged = [{name: row[name] for name in COLUMNS[:4]} for row in read_judged()]
    drawn = draw_pairs(tmp_path)
    new = [pair for pair in drawn if pair not in judged]
    assert not new, f"{len(new)} pairs have not been judged, the first: {new[0]}"
    assert drawn == judged


def test_ninety_five_of_a_hundred_are_right_and_well_formed():
    judged = read_judged()
    assert len(judged) == COUNT
    assert {row[name] for row in judged for name in COLUMNS[4:]} <= {"y", "n"}
    for name in ("right", "well_formed"):
        assert sum(row[name] == "y" for row in judged) >= 95
