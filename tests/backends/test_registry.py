"""Backends: found by entry point, imported only when used, rejected with helpful errors."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import offered
import pytest
from images import image_folder
from offered import constant
from running import rows_of, run_stage

from qbuild.backends.registry import backend_names, load_backend
from qbuild.core.errors import MissingPartError
from qbuild.core.media_roots import Medium
from qbuild.stages.score import STAGE as SCORE

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def offer(tmp_path, monkeypatch) -> Callable[..., None]:
    """Puts a distribution on the path that offers one backend, as an installed wheel would."""
    return partial(offered.offer, tmp_path, monkeypatch)


def test_the_backends_distribution_offers_the_fake_one():
    assert "fake" in backend_names()


def test_a_third_partys_backend_is_found_and_works(offer, tmp_path):
    offer("constant", constant())
    assert {"constant", "fake"} <= set(backend_names())
    backend = load_backend("constant", "large")
    scored = list(backend.score([Medium("d:a", "a", tmp_path / "a")]))
    assert backend.model == "large"
    assert [(score.media_id, score.score) for score in scored] == [("d:a", 0.5)]


def test_a_third_partys_backend_scores_as_the_stage_asks(offer, tmp_path):
    offer("constant", constant())
    folder, output = image_folder(tmp_path / "in", count=2), tmp_path / "scores.parquet"
    run_stage(SCORE, folder, output, backend="constant")
    rows = rows_of(output)
    told = [(row["path"], row["backend"], row["model"], row["score"]) for row in rows]
    assert told == [(f"p{n}.png", "constant", "constant", 0.5) for n in range(2)]
    assert rows[0]["logits"] is None


def test_names_are_listed_without_importing_any_backend(offer):
    offer("broken", "raise RuntimeError('imported')")
    assert "broken" in backend_names()
    assert "third_party" not in sys.modules


def test_importing_the_registry_imports_no_backend():
    code = "import sys, qbuild.backends.registry; sys.exit('qbuild_backends' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_backend_is_reported_with_similar_names_and_how_to_install():
    with pytest.raises(MissingPartError) as caught:
        load_backend("fakke")
    assert caught.value.exit_code == 5
    message = str(caught.value)
    assert message.startswith("backend fakke: is not installed. Did you mean fake?")
    assert message.endswith("pip install -e . -e ./backends")


def test_a_backend_whose_import_fails_names_what_is_missing(offer):
    offer("broken", "import a_package_nobody_has")
    with pytest.raises(MissingPartError, match="No module named 'a_package_nobody_has'") as caught:
        load_backend("broken")
    assert "install third-party again" in str(caught.value)


def test_an_entry_point_that_does_not_exist_is_reported(offer):
    offer("broken", "", target="third_party:Absent")
    with pytest.raises(MissingPartError, match="third_party:Absent cannot be imported"):
        load_backend("broken")


def test_a_backend_without_required_methods_is_rejected_with_their_names(offer):
    offer("half", constant().replace("def answer", "def reply"))
    with pytest.raises(MissingPartError, match="third_party:Constant lacks answer; expected"):
        load_backend("half")


def test_all_missing_requirements_of_a_backend_are_reported_at_once(offer):
    offer("heavy", constant("('numpy', 'nobody-has-this', 'nor-this')"))
    with pytest.raises(Exception, match="needs nobody-has-this") as caught:
        load_backend("heavy")
    assert caught.value.exit_code == 5
    assert "pip install nor-this" in str(caught.value)
    assert "numpy" not in str(caught.value)


def test_one_name_from_two_distributions_is_rejected(offer):
    offer("constant", constant())
    offer("constant", constant(), distribution="another-party")
    with pytest.raises(MissingPartError, match=r"offered twice: another_party:.*third_party:"):
        load_backend("constant")
