import pyarrow as pa
import pytest

from qbuild.labels.ratings.options import RatingOptions
from qbuild.labels.tables.media_paths import is_unsafe, normalise_paths, tidy


def paths(*names):
    return pa.array(names, type=pa.large_string())


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("./a", "a"), ("a//b", "a/b"), ("a/./b", "a/b"), ("a/././b", "a/b"), ("a/", "a"),
        (".", ""), ("./", ""), ("a/.", "a"), ("a..b//c", "a..b/c"), ("...", "..."), (".a", ".a"),
    ],
)  # fmt: skip
def test_a_path_has_one_spelling(raw, plain):
    assert tidy(paths(raw)).to_pylist() == [plain]


@pytest.mark.parametrize(
    "path",
    [
        "../a",
        "a/../b",
        "a/..",
        "..",
        "/a",
        "//a",
        "C:/a",
        "c:a",
        "a\\b",
        "https://a/b",
        "a\nb",
        "a\0b",
    ],
)
def test_a_path_that_could_leave_its_root_is_unsafe(path):
    assert is_unsafe(tidy(paths(path))).tolist() == [True]


@pytest.mark.parametrize(
    "path", ["a..b/c....mp4", "..a", "a..", "a b,c.jpg", "Ünï/ç.png", "ab:c/d"]
)
def test_dots_blanks_and_letters_inside_a_name_are_safe(path):
    assert is_unsafe(tidy(paths(path))).tolist() == [False]


def test_prefixes_are_removed_before_others_are_added():
    options = RatingOptions(strip_prefix="/data/", add_prefix="k/")
    found, unprefixed = normalise_paths(paths("/data/a.jpg", "b.jpg", None), options)
    assert found.to_pylist() == ["k/a.jpg", "k/b.jpg", None]
    assert unprefixed == 1


def test_a_prefix_without_a_name_is_not_a_path():
    options = RatingOptions(strip_prefix="a/", add_prefix="k/")
    assert normalise_paths(paths("", "a/"), options)[0].to_pylist() == [None, None]


def test_missing_paths_are_not_unsafe():
    assert is_unsafe(tidy(paths(None, "a//b"))).tolist() == [False, False]
