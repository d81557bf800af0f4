from __future__ import annotations

import subprocess
import sys

import pytest

from qbuild.core.errors import UsageError
from qbuild.dialects import DIALECTS, get_dialect, recognise


def test_an_unknown_dialect_names_the_near_ones():
    with pytest.raises(UsageError, match="Did you mean llava"):
        get_dialect("lava")


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_has_the_name_of_its_entry(name):
    assert get_dialect(name).name == name


def test_a_file_is_of_the_first_dialect_that_one_of_its_records_fits():
    plain = {"conversations": [{"from": "human", "value": "Q?"}]}
    shows = {"conversations": [{"from": "human", "value": "<|image|>"}]}
    assert recognise([3, plain, shows]).name == "q-align"


def test_a_file_without_media_is_read_as_llava():
    assert recognise([{"conversations": []}]).name == "llava"


def test_no_dialect_loads_a_table_library():
    code = (
        "import sys; from qbuild.dialects import *; from qbuild import dialects\n"
        "for name in dialects.DIALECTS: dialects.get_dialect(name)\n"
        "assert not {'pyarrow', 'pandas', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
