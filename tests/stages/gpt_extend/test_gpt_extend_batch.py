"""gpt-extend by the Batch API: the same rows as one by one, also after failures of a batch."""

from __future__ import annotations

import json

import pytest
from buying import KEY_ENV
from extending import assert_no_key, extend, ledger_rows, of_kind, serve_mock, write_depictions
from running import rows_of

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import StageError
from qbuild.llm.mock.answers import completion
from qbuild.pairs.mock_answers import depiction_answer

COUNT = 4


@pytest.fixture
def source(tmp_path):
    rows = [*of_kind("overall", COUNT, seed=1), *of_kind("pathway", 1, seed=1)]
    return write_depictions(tmp_path / "depictions.parquet", rows)


def batch(source, output, server, **given):
    given = {"provider": "openai-batch", "poll_interval": 0.01, **given}
    return extend(source, output, server.base_url, **given)


def test_batches_give_the_same_bytes_at_half_the_price(source, whole, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock() as server:
        result = batch(source, output, server)
        assert server.requests == server.distinct == result.report["run"]["sent"]
        # the wrong choices of what and how questions can be asked for only in a second batch
        assert len(server.store.batches) == 2
    assert output.read_bytes() == whole.read_bytes()
    one_by_one = sum(row["cost_usd"] for row in ledger_rows(whole.parent / "ledger"))
    assert result.report["run"]["usd"] == pytest.approx(one_by_one / 2, abs=1e-5)
    assert {row["provider"] for row in ledger_rows(tmp_path / "ledger")} == {"openai-batch"}
    assert_no_key(tmp_path)


def test_two_depictions_of_the_same_words_are_sent_and_counted_once(tmp_path):
    row = of_kind("overall", 1, seed=1)[0]
    twin = {**row, "depiction_id": "0" * 32, "media_id": "x:y.mp4", "path": "y.mp4"}
    source = write_depictions(tmp_path / "twins.parquet", [row, twin])
    with serve_mock() as server:
        result = batch(source, tmp_path / "out.parquet", server)
        assert server.requests == result.report["run"]["sent"] <= 4


@pytest.mark.parametrize("do", ["batch-expire", "batch-twice", "batch-fail", "batch-lose-reply"])
def test_whatever_happens_to_a_batch_the_rows_are_the_same(do, source, whole, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock([{"do": do}]) as server:
        result = batch(source, output, server)
        assert result.complete
        assert output.read_bytes() == whole.read_bytes()
        assert server.served.total() == server.distinct
        sent = server.requests
        batch(source, output, server)
        assert server.requests == sent
    assert_no_key(tmp_path)


def test_a_batch_that_always_fails_leaves_the_run_incomplete_and_resumable(source, whole, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock([{"do": "batch-fail", "nth": 2, "times": 0}]) as server:
        result = batch(source, output, server)
        assert (result.complete, result.pending) == (False, 1)
        assert len(rows_of(output)) == 5 * COUNT
        assert "token_limit_exceeded" not in str(result.report["warnings"])
        server.faults.clear()
        assert batch(source, output, server).complete
        assert server.served.total() == server.distinct
    assert output.read_bytes() == whole.read_bytes()


def test_a_faulty_answer_is_sent_back_in_the_next_batch(source, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock([{"do": "blank", "nth": 2, "times": 1}]) as server:
        result = batch(source, output, server)
        assert (result.complete, result.report["asked_again"]) == (True, 1)
        assert len(server.store.batches) == 2
    assert result.report["refused"] == {}


def test_a_reached_cap_keeps_what_the_batches_answered(source, whole, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock() as server:
        result = batch(source, output, server, max_usd="0.07")
        assert not result.complete
        assert 0 < result.rows < len(rows_of(whole))
        assert Artifact.open(output).description.complete is False
        assert result.report["run"]["usd"] <= 0.07
        assert "cap of $0.0700" in result.report["run"]["stopped"]
        assert batch(source, output, server).complete
        assert server.served.total() == server.distinct
    assert output.read_bytes() == whole.read_bytes()


def answer_files(folder):
    """What `vllm run-batch` would do: an answers file next to each requests file."""
    for path in sorted(folder.glob("round-*/requests-*.jsonl")):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        done = [
            {
                "custom_id": row["custom_id"],
                "response": {
                    "status_code": 200,
                    "body": completion(row["body"], depiction_answer(row["body"])),
                },
                "error": None,
            }
            for row in reversed(rows)
        ]
        place = path.with_name(path.name.replace("requests", "answers"))
        place.write_text("".join(json.dumps(row) + "\n" for row in done))


def test_batches_go_by_files_without_a_server_or_a_key(source, whole, tmp_path, monkeypatch):
    monkeypatch.delenv(KEY_ENV)
    output, files = tmp_path / "out.parquet", tmp_path / "files"
    given = {"provider": "openai-batch", "model": "gpt-4o", "batch_files": str(files)}
    for _ in range(2):  # asked again before it was answered: no second round
        with pytest.raises(StageError, match=r"stopped before its first row: .* requests wait in"):
            extend(source, output, "", **given)
    assert [place.name for place in sorted(files.glob("*"))] == ["round-001"]
    answer_files(files)
    second = extend(source, output, "", **given)
    assert not second.complete  # the wrong choices of what and how questions
    answer_files(files)
    assert extend(source, output, "", **given).complete
    assert output.read_bytes() == whole.read_bytes()
