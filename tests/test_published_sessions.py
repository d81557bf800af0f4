"""Published streaming sessions through the real command line, from logs to pairs."""

from __future__ import annotations

import pytest

from qbuild.cli import main
from qbuild.core.artifact.reader import Artifact

SETS = {"waterloo_sqoe_1": 180, "live_nflx_2": 224}


@pytest.fixture
def command(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["qbuild", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main.main()
        assert ended.value.code == 0

    return run


@pytest.mark.parametrize("name", SETS)
def test_each_session_gives_two_pairs(command, data_folder, tmp_path, name):
    command("stalling", data_folder / "streaming" / name, "-o", "stalls.parquet")
    command("mos-to-levels", "stalls.parquet", "-o", "levels.parquet")
    command("streaming-qa", "stalls.parquet", "levels.parquet", "-o", "pairs.parquet")
    pairs = Artifact.open(tmp_path / "pairs.parquet").table()
    assert len(pairs) == 2 * SETS[name]
    assert len(set(pairs.column("sample_id").to_pylist())) == len(pairs)
    command("validate", "stalls.parquet", "levels.parquet", "pairs.parquet")
    command("export", "pairs.parquet", "-o", "train", "--format", "llava")
