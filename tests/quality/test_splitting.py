"""How groups are divided among splits."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from qbuild.quality.splitting import Group, assign_groups, parse_shares

EIGHTY_TWENTY = [Decimal("0.8"), Decimal("0.2")]


def rows_per_split(groups, assigned, count=2, stratum=None):
    sizes = [0] * count
    for group, at in zip(groups, assigned, strict=True):
        sizes[at] += group.rows if stratum is None else group.strata.get(stratum, 0)
    return sizes


def test_shares_are_read_in_their_order():
    parsed = parse_shares("train=0.8, val=0.1,test=0.1")
    assert parsed == {"train": Decimal("0.8"), "val": Decimal("0.1"), "test": Decimal("0.1")}
    assert list(parsed) == ["train", "val", "test"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train=0.8,test=0.1", "has 2 with sum 0.9"),
        ("train=1", "has 1 with sum 1"),
        ("train=0.8,test", "not 'test'"),
        ("train=1.2,test=-0.2", "not 'test=-0.2'"),
        ("=0.8,test=0.2", "not '=0.8'"),
        ("train=nan,test=0.2", "not 'train=nan'"),
        ("test=0.8,test=0.2", "split test is given twice"),
        ("all=0.8,test=0.2", "all is not a name for a split"),
    ],
)
def test_shares_that_are_not_valid_are_errors(text, message):
    with pytest.raises(ValueError, match=message):
        parse_shares(text)


def test_single_rows_give_the_exact_shares_overall_and_in_each_stratum():
    groups = [Group(f"m{at}", {str(at % 5): 1}) for at in range(1000)]
    assigned = assign_groups(groups, EIGHTY_TWENTY, 0)
    assert rows_per_split(groups, assigned) == [800, 200]
    for stratum in "01234":
        assert rows_per_split(groups, assigned, stratum=stratum) == [160, 40]


def test_the_order_of_the_groups_decides_nothing():
    groups = [Group(f"m{at}", {str(at % 3): at % 7 + 1}) for at in range(60)]
    mixed = groups.copy()
    random.Random(1).shuffle(mixed)
    first, again = (
        {group.name: at for group, at in zip(given, assigned, strict=True)}
        for given in (groups, mixed)
        for assigned in [assign_groups(given, EIGHTY_TWENTY, 3)]
    )
    assert first == again


def test_another_seed_draws_other_groups_of_the_same_number():
    groups = [Group(f"m{at}", {"d": 5}) for at in range(50)]
    first, second = (assign_groups(groups, EIGHTY_TWENTY, seed) for seed in (0, 1))
    assert first != second
    assert rows_per_split(groups, first) == rows_per_split(groups, second) == [200, 50]


def test_groups_of_different_sizes_come_as_close_as_one_of_the_smallest():
    groups = [Group(f"m{at}", {"d": 1 + at % 12}) for at in range(100)]
    total = sum(group.rows for group in groups)
    train, _ = rows_per_split(groups, assign_groups(groups, EIGHTY_TWENTY, 0))
    assert abs(train - 0.8 * total) <= 1


def test_a_group_larger_than_the_small_share_goes_to_the_large_one():
    groups = [Group("large", {"d": 60}), *(Group(f"m{at}", {"d": 1}) for at in range(40))]
    assigned = assign_groups(groups, EIGHTY_TWENTY, 0)
    assert assigned[0] == 0
    assert rows_per_split(groups, assigned) == [80, 20]
