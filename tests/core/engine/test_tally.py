"""Tallies count by kind and key, add up, and read back by the next part of a key."""

import pickle

from qbuild.core.engine.tally import Tally


def test_counts_are_read_by_kind_and_by_key():
    tally = Tally(rows=3, collapsed=0)
    tally.add("rejected", "koniq", count=2)
    tally.add_each("letter", ["A", "B", "A"])
    tally.add("level", "koniq", "1")
    tally.add("level", "spaq", "1")
    assert tally["rows"] == 3
    assert tally["collapsed"] == tally["never"] == 0
    assert tally["rejected", "koniq"] == 2
    assert tally.of("letter") == {"A": 2, "B": 1}
    assert tally.of("level", "koniq") == {"1": 1}
    assert tally.of("level") == {}


def test_keys_are_sorted_and_hold_any_text():
    tally = Tally()
    tally.add_each("note", ["x.csv: 2 rows", "a.csv: 1 row"])
    assert list(tally.of("note")) == ["a.csv: 1 row", "x.csv: 2 rows"]


def test_a_count_that_comes_to_nothing_is_not_listed():
    tally = Tally(rows=1)
    tally.add("rows", count=-1)
    tally.add("kind", "image", count=0)
    assert tally["rows"] == 0
    assert tally.of("kind") == {}


def test_tallies_of_workers_add_up():
    whole = Tally(rows=1)
    part = Tally(rows=2)
    part.add("kind", "video")
    whole.update(pickle.loads(pickle.dumps(part)))
    assert (whole["rows"], whole["kind", "video"]) == (3, 1)
