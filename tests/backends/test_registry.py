"""Backends: found by entry point, imported only when used, refused in words that help."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from qbuild.backends import Medium, backend_names, load_backend
from qbuild.core.errors import MissingPartError

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = """
from qbuild.backends import Answered, Needs, Scored

class Constant:
    def __init__(self, model=""):
        self.model = model or "constant"
    def needs(self):
        return Needs(distributions=NEEDS)
    def train(self, spec):
        return spec.output
    def score(self, media):
        return (Scored(medium.media_id, 0.5) for medium in media)
    def answer(self, samples):
        return (Answered(sample.sample_id, "half") for sample in samples)
"""


@pytest.fixture
def offer(tmp_path, monkeypatch) -> Callable[..., None]:
    """Puts a distribution on the path that offers one backend, as an installed wheel would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, code: str, distribution: str = "third-party", target: str = "") -> None:
        module = distribution.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        entry = f"[qbuild.backends]\n{name} = {target or f'{module}:Constant'}\n"
        (info / "entry_points.txt").write_text(entry, encoding="utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return put


def test_the_backends_distribution_offers_the_fake_one():
    assert "fake" in backend_names()


def test_a_third_partys_backend_is_found_and_works(offer, tmp_path):
    offer("constant", GOOD.replace("NEEDS", "()"))
    assert backend_names() == ["constant", "fake"]
    backend = load_backend("constant", "large")
    scored = list(backend.score([Medium("d:a", "a", tmp_path / "a")]))
    assert backend.model == "large"
    assert [(score.media_id, score.score) for score in scored] == [("d:a", 0.5)]


def test_names_are_listed_without_importing_any_backend(offer):
    offer("broken", "raise RuntimeError('imported')")
    assert "broken" in backend_names()
    assert "third_party" not in sys.modules


def test_importing_the_registry_imports_no_backend():
    code = "import sys, qbuild.backends; sys.exit('qbuild_backends' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_backend_that_is_absent_is_told_with_near_names_and_how_to_install():
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


def test_an_entry_point_that_names_nothing_is_told(offer):
    offer("broken", "", target="third_party:Absent")
    with pytest.raises(MissingPartError, match="third_party:Absent cannot be imported"):
        load_backend("broken")


def test_a_backend_that_lacks_methods_is_refused_by_their_names(offer):
    offer("half", GOOD.replace("NEEDS", "()").replace("def answer", "def reply"))
    with pytest.raises(MissingPartError, match="third_party:Constant lacks answer; expected"):
        load_backend("half")


def test_everything_a_backend_needs_and_lacks_is_told_at_once(offer):
    offer("heavy", GOOD.replace("NEEDS", "('numpy', 'nobody-has-this', 'nor-this')"))
    with pytest.raises(Exception, match="needs nobody-has-this") as caught:
        load_backend("heavy")
    assert caught.value.exit_code == 5
    assert "pip install nor-this" in str(caught.value)
    assert "numpy" not in str(caught.value)


def test_one_name_from_two_distributions_is_refused(offer):
    offer("constant", GOOD.replace("NEEDS", "()"))
    offer("constant", GOOD.replace("NEEDS", "()"), distribution="another-party")
    with pytest.raises(MissingPartError, match=r"offered twice: another_party:.*third_party:"):
        load_backend("constant")
