"""`import qbuild`: one light entry point, whose stub lists its functions."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

import qbuild
from qbuild.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent.parent
STAGE_FUNCTIONS = [name.replace("-", "_") for name in STAGES]


def test_every_public_name_is_importable():
    for name in qbuild.__all__:
        assert getattr(qbuild, name) is not None


def test_nothing_but_the_public_names_and_the_packages_is_listed():
    assert set(dir(qbuild)) == set(qbuild.__all__)


def test_every_stage_has_its_function():
    assert set(STAGE_FUNCTIONS) <= set(qbuild.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'qbuild' has no attribute 'mos_to_level'"):
        _ = qbuild.mos_to_level


def test_importing_the_package_loads_no_library():
    code = (
        "import json, sys; import qbuild; "
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    third_party = set(json.loads(done.stdout)) - set(sys.stdlib_module_names)
    assert third_party & {"pydantic", "pyarrow", "pandas", "numpy", "yaml", "typer"} == set()


@pytest.mark.parametrize("name", STAGE_FUNCTIONS)
def test_a_stage_function_shows_its_options_and_describes_each(name):
    function = getattr(qbuild, name)
    options = [
        option
        for option, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and option != "limit"
    ]
    assert options
    assert [option for option in options if f"\n{option}: " not in function.__doc__] == []


def test_the_stub_is_up_to_date():
    path = ROOT / "docs" / "python_stubs.py"
    spec = importlib.util.spec_from_file_location("python_stubs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = ast.dump(ast.parse(module.STUB.read_text()))
    assert written == ast.dump(ast.parse(module.stub())), "Run: python docs/python_stubs.py"
