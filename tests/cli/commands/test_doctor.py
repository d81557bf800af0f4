"""qbuild/cli/commands/inspect.py: versions, what is missing and how to get it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from qbuild.core.inspect import environment


def test_doctor_ends_with_code_0_where_all_that_is_required_is_there(qbuild_cli):
    done = qbuild_cli("doctor")
    assert done.code == 0
    assert "pyarrow" in done.out
    printed = qbuild_cli("doctor", "--json").json
    assert printed["complete"]
    assert {"name": "pyarrow", "version": version("pyarrow")}.items() <= next(
        part for part in printed["required"] if part["name"] == "pyarrow"
    ).items()


def test_doctor_names_the_command_that_brings_a_missing_part(qbuild_cli, monkeypatch):
    def without_scikit_learn(name: str) -> str:
        if name == "scikit-learn":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(environment, "version", without_scikit_learn)
    monkeypatch.setattr(environment, "entry_points", lambda **_group: [])
    done = qbuild_cli("doctor")
    assert done.code == 0
    hint = "install with: pip install 'scikit-learn>=1.6' (in a checkout: pip install -e '.[demo]')"
    assert hint in done.out
    assert done.out.count("install with: pip install -e . -e ./backends") == 1


@pytest.mark.parametrize("found", [None, "1.0.0"])
def test_a_required_part_that_does_not_fit_ends_with_code_5(qbuild_cli, monkeypatch, found):
    def other_pandas(name: str) -> str:
        if name != "pandas":
            return version(name)
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr(environment, "version", other_pandas)
    done = qbuild_cli("doctor")
    assert done.code == 5
    assert ("other version" if found else "missing") in done.out
    hint = "install with: pip install 'pandas<4,>=3.0' (in a checkout: pip install -e .)"
    assert hint in done.out
    assert not qbuild_cli("doctor", "--json").json["complete"]


@pytest.mark.parametrize(
    ("found", "bounds", "fits"),
    [
        ("3.0", ">=3.0,<4", True),
        ("3", ">=3.0.0", True),
        ("2.9.9", ">=3.0,<4", False),
        ("4.0.0", "<4,>=3.0", False),
        ("10.1", ">=9", True),
        ("1.2.3+cu12", "==1.2.3", True),
        ("5", "", True),
    ],
)
def test_versions_are_held_against_their_bounds_as_numbers(found, bounds, fits):
    assert environment.fits(found, bounds) is fits
