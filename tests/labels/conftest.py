import json
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def published():
    """The folder of published rating files, which the repository does not contain."""
    folder = os.environ.get("QBUILD_TEST_DATA")
    if not folder:
        pytest.skip("QBUILD_TEST_DATA is not set: published rating files are not available")
    return Path(folder)


@pytest.fixture
def write(tmp_path):
    """Write a file of that name, from text, bytes or a JSON value; return its path."""

    def _write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, str):
            path.write_text(content, encoding="utf-8", newline="")
        else:
            path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return _write
