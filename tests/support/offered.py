"""Third-party backends: a distribution on the path that offers one, as an installed wheel would."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# A backend whose scores follow the length of the model's name; `replies` decides how many.
CONSTANT = """
from pathlib import Path
from qbuild.backends.protocol import Answered, Needs, Scored
from qbuild.core.canonical import hash_bytes, hash_file

class Constant:
    def __init__(self, model=""):
        self.model = Path(model).name or "constant"
        self.file = Path(model)
    def needs(self):
        return Needs(distributions=NEEDS)
    def fingerprint(self):
        return hash_file(self.file) if self.file.is_file() else hash_bytes(self.model.encode())
    def train(self, spec):
        return spec.output
    def score(self, media, how=None):
        return (Scored(medium.media_id, 0.5) for medium in REPLIES(media))
    def answer(self, samples, how=None):
        return (Answered(sample.sample_id, "half") for sample in REPLIES(samples))
"""


def constant(needs: str = "()", replies: str = "iter") -> str:
    """The source of the backend; `replies` takes what is asked and gives what is answered."""
    return CONSTANT.replace("NEEDS", needs).replace("REPLIES", f"({replies})")


def offer(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    code: str,
    distribution: str = "third-party",
    target: str = "",
) -> None:
    """Puts a distribution into a folder of the path that offers one backend."""
    monkeypatch.syspath_prepend(str(folder))
    module = distribution.replace("-", "_")
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    entry = f"[qbuild.backends]\n{name} = {target or f'{module}:Constant'}\n"
    (info / "entry_points.txt").write_text(entry, encoding="utf-8")
    monkeypatch.delitem(sys.modules, module, raising=False)
