from __future__ import annotations

import asyncio
from functools import partial

import pytest
from buying import asks, open_ledger
from running import rows_of, run_stage

from qbuild.core.errors import InputError
from qbuild.llm.answers import Answer, Usage
from qbuild.llm.ledger import Ledger
from qbuild.llm.ledger.segments import segment_path
from qbuild.stages import responses
from qbuild.stages.responses import STAGE


def filled(folder, count, first=0):
    async def run():
        with open_ledger(folder) as ledger:
            for request in asks(count)[first:]:
                await ledger.record_sent(request, 1, 0.1)
                await ledger.record_answer(request, Answer("http_error", message="HTTP 500: no"))
                await ledger.record_sent(request, 2, 0.1)
                await ledger.record_answer(
                    request,
                    Answer("ok", "fair", None, Usage(9, 3, 1), 0.01, "gpt-4o-x", "fp", "id", 2),
                )
            await ledger.record_sent(request, 3, 0.1)

    asyncio.run(run())
    return folder


made = partial(run_stage, STAGE)


def test_every_attempt_is_a_row_by_request_and_attempt(tmp_path):
    folder = filled(tmp_path / "ledger", 4)
    result = made([folder], tmp_path / "responses.parquet")
    assert result.report["states"] == {"http_error": 4, "ok": 4, "sent": 1}
    rows = rows_of(tmp_path / "responses.parquet")
    keys = [(row["request_id"], row["attempt"]) for row in rows]
    assert keys == sorted(keys)
    with Ledger.open(folder) as ledger:
        assert rows == list(ledger.rows())
    assert STAGE.render(result.report) == "http_error 4, ok 4, sent 1"


def test_several_ledgers_are_one_sorted_table(tmp_path):
    folders = [filled(tmp_path / "a", 3), filled(tmp_path / "b", 6, first=3)]
    made(folders, tmp_path / "out.parquet")
    keys = [(row["request_id"], row["attempt"]) for row in rows_of(tmp_path / "out.parquet")]
    assert keys == sorted(keys)
    assert len({request_id for request_id, _ in keys}) == 6


@pytest.mark.parametrize("chunk", [1, 7])
def test_the_bytes_do_not_depend_on_the_chunks(tmp_path, monkeypatch, chunk):
    folder = filled(tmp_path / "ledger", 9)
    made([folder], tmp_path / "whole.parquet")
    monkeypatch.setattr(responses, "CHUNK", chunk)
    made([folder], tmp_path / "pieces.parquet", batch_rows=chunk)
    whole, pieces = tmp_path / "whole.parquet", tmp_path / "pieces.parquet"
    assert whole.read_bytes() == pieces.read_bytes()


def test_a_limit_takes_the_first_rows(tmp_path):
    folder = filled(tmp_path / "ledger", 4)
    made([folder], tmp_path / "out.parquet", limit=3)
    assert len(rows_of(tmp_path / "out.parquet")) == 3


def test_a_damaged_line_is_reported(tmp_path):
    folder = filled(tmp_path / "ledger", 3)
    path = segment_path(folder, 1)
    path.write_bytes(path.read_bytes().replace(b'"HTTP 500: no"', b'"HTTP 500: on"', 1))
    result = made([folder], tmp_path / "out.parquet")
    assert len(result.report["damaged"]) == 1
    assert "1 damaged line left out: ledger-00001.jsonl: byte " in STAGE.render(result.report)


def test_a_folder_that_is_not_a_ledger_is_rejected(tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="is not a ledger"):
        made([folder], tmp_path / "out.parquet")
