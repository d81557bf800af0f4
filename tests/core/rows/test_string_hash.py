from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qbuild.core.rows.string_hash import string_hashes

TEXTS = st.lists(st.one_of(st.none(), st.text(max_size=40)), max_size=20)


@given(TEXTS, TEXTS)
def test_a_strings_hash_does_not_depend_on_its_neighbours(before, texts):
    separate = string_hashes(pa.array(texts, pa.string()))
    among = string_hashes(pa.array(before + texts, pa.string()).slice(len(before)))
    assert np.array_equal(separate, among)


@given(st.lists(st.text(max_size=40), unique=True, min_size=2, max_size=50))
def test_different_strings_have_different_hashes(texts):
    assert len(set(string_hashes(pa.array(texts)).tolist())) == len(texts)


def test_a_million_ids_collide_nowhere():
    ids = pa.array([f"set{i % 20}:clips/{i:07d}.mp4" for i in range(1_000_000)])
    assert len(np.unique(string_hashes(ids))) == 1_000_000
