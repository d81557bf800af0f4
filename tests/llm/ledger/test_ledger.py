"""The ledger: durable before it counts, intact after a kill, one writer, small in memory."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import tracemalloc

import pytest
from buying import ask, asks, open_ledger, rows_of

from qbuild.core.errors import DiskError, InputError, UsageError
from qbuild.core.schema import load_schema
from qbuild.llm.answers import Answer, Usage
from qbuild.llm.ledger import Ledger
from qbuild.llm.ledger.segments import encode, segment_path

OK = Answer("ok", "fair", None, Usage(10, 5, 2), 0.25, "gpt-4o-x", "fp", "id", 1)


def fill(folder, count, **options):
    async def run():
        with open_ledger(folder, **options) as ledger:
            for request in asks(count):
                await ledger.record_sent(request, 1, 0.5)
                await ledger.record_answer(request, OK)

    asyncio.run(run())


def test_an_answer_comes_back_as_it_was_recorded(tmp_path):
    fill(tmp_path, 3)
    with Ledger.open(tmp_path) as ledger:
        assert ledger.answer(ask(1).request_id) == OK
        assert ledger.last_outcome(ask(2).request_id) == OK
        assert ledger.answer(ask(7).request_id) is None
        assert len(ledger) == 3


@pytest.mark.parametrize("state", ["refused", "truncated", "invalid"])
def test_an_unusable_answer_is_final_and_an_http_error_is_not(tmp_path, state):
    async def run():
        with open_ledger(tmp_path) as ledger:
            await ledger.record_answer(ask(1), Answer(state))
            await ledger.record_answer(ask(2), Answer("http_error"))

    asyncio.run(run())
    with Ledger.open(tmp_path) as ledger:
        assert ledger.answer(ask(1).request_id).state == state
        assert ledger.answer(ask(2).request_id) is None
        assert ledger.next_attempt(ask(2).request_id) == 2


def test_unanswered_attempts_are_listed_with_their_worst_price(tmp_path):
    async def run():
        with open_ledger(tmp_path) as ledger:
            await ledger.record_sent(ask(1), 1, 0.5)
            await ledger.record_sent(ask(2), 1, 0.5)
            await ledger.record_answer(ask(2), OK)

    asyncio.run(run())
    with Ledger.open(tmp_path) as ledger:
        [unanswered] = ledger.unanswered_attempts()
    assert (unanswered.request_id, unanswered.attempt, unanswered.estimate_usd) == (
        ask(1).request_id,
        1,
        0.5,
    )


def test_rows_are_those_of_the_schema_in_order_of_request_and_attempt(tmp_path):
    async def run():
        with open_ledger(tmp_path) as ledger:
            for request in asks(5):
                await ledger.record_sent(request, 1)
                await ledger.record_answer(request, Answer("http_error", message="HTTP 500: no"))
                await ledger.record_sent(request, 2)
            await ledger.record_answer(ask(0), Answer("ok", "fair", attempt=2))

    asyncio.run(run())
    rows = rows_of(tmp_path)
    schema = load_schema("response")
    assert list(rows[0]) == schema.arrow.names
    assert [(r["request_id"], r["attempt"]) for r in rows] == sorted(
        (request.request_id, attempt) for request in asks(5) for attempt in (1, 2)
    )
    assert sorted(r["state"] for r in rows) == ["http_error"] * 5 + ["ok"] + ["sent"] * 4


@pytest.mark.parametrize("cut", [1, 7, 60, 300])
def test_a_torn_last_line_is_moved_to_a_file_and_never_read(tmp_path, cut):
    fill(tmp_path, 2)
    path = segment_path(tmp_path, 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    with Ledger.open(tmp_path) as reader:
        assert len(reader) == 1
    assert path.read_bytes() == whole[:-cut]
    with open_ledger(tmp_path) as ledger:
        assert ledger.answer(ask(1).request_id) is None
        assert [each.request_id for each in ledger.unanswered_attempts()] == [ask(1).request_id]
    [torn] = tmp_path.glob("*.torn-*")
    assert path.read_bytes() + torn.read_bytes() == whole[:-cut]


def test_a_damaged_line_is_named_and_never_read(tmp_path):
    fill(tmp_path, 3)
    path = segment_path(tmp_path, 1)
    lines = path.read_bytes().splitlines(keepends=True)
    assert lines[3].count(b'"fair"') == 1
    lines[3] = lines[3].replace(b'"fair"', b'"pear"')
    path.write_bytes(b"".join(lines))
    with Ledger.open(tmp_path) as ledger:
        assert ledger.damaged == [f"{path.name}: byte {sum(map(len, lines[:3]))}"]
        assert ledger.answer(ask(1).request_id) is None
        assert len(ledger) == 2
        assert ledger.next_attempt(ask(1).request_id) == 2


def test_every_line_is_json_without_keys_or_addresses(tmp_path):
    fill(tmp_path, 1)
    lines = [json.loads(line) for line in segment_path(tmp_path, 1).read_text().splitlines()]
    head = {"crc", "is", "at", "request_id", "parent_id", "prompt", "model", "provider", "attempt"}
    assert lines[0].keys() == head | {"estimate_usd"}
    assert lines[1].keys() - head == {
        "state",
        "raw",
        "message",
        "usage",
        "cost_usd",
        "served_model",
        "fingerprint",
        "remote_id",
    }


def test_a_second_writer_is_rejected_and_readers_are_not(tmp_path):
    fill(tmp_path, 1)
    with open_ledger(tmp_path):
        with pytest.raises(UsageError, match="another run writes this ledger"):
            open_ledger(tmp_path)
        with Ledger.open(tmp_path) as reader:
            assert len(reader) == 1
    open_ledger(tmp_path).close()


def test_a_missing_ledger_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="no such ledger"):
        Ledger.open(tmp_path / "none")


def test_a_ledger_open_for_reading_records_nothing(tmp_path):
    fill(tmp_path, 1)
    with Ledger.open(tmp_path) as ledger, pytest.raises(UsageError, match="for reading only"):
        asyncio.run(ledger.record_sent(ask(1), 1))


def test_waiting_lines_share_one_sync(tmp_path, monkeypatch):
    syncs, fdatasync = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: syncs.append(fdatasync(handle)))

    async def run():
        with open_ledger(tmp_path) as ledger:
            await asyncio.gather(*(ledger.record_sent(request, 1) for request in asks(500)))

    asyncio.run(run())
    assert 0 < len(syncs) < 50


def test_a_full_segment_is_followed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("qbuild.llm.ledger.journal.SEGMENT_BYTES", 2000)
    fill(tmp_path, 20)
    fill(tmp_path, 0)
    assert len(list(tmp_path.glob("ledger-*.jsonl"))) > 5
    with Ledger.open(tmp_path) as ledger:
        assert all(ledger.answer(request.request_id) == OK for request in asks(20))


def test_the_reserve_is_gone_after_the_run(tmp_path):
    with open_ledger(tmp_path):
        assert (tmp_path / "ledger.reserve").stat().st_size == 1 << 16
    assert not (tmp_path / "ledger.reserve").exists()


LIMITED = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from buying import asks, open_ledger
    from qbuild.core.errors import DiskError
    from qbuild.llm.answers import Answer

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def run():
        ledger = open_ledger(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))
        sent = recorded = 0
        for request in asks(1000):
            try:
                await ledger.record_sent(request, 1)
            except DiskError as error:
                assert "File too large" in str(error), error
                break
            sent += 1
            await ledger.record_answer(request, Answer("ok", "fair"))
            recorded += 1
        ledger.close()
        print(sent, recorded)

    asyncio.run(run())
"""


def test_a_full_disk_ends_the_sending_and_keeps_every_answer(tmp_path):
    """The limit is on the size of a file: the answer in flight goes to the next segment."""
    code = textwrap.dedent(LIMITED)
    path = [*sys.path]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sent, recorded = map(int, done.stdout.split())
    assert 0 < sent == recorded < 1000
    with open_ledger(tmp_path) as ledger:
        assert len(ledger) == recorded
        assert ledger.damaged == []
    assert list(tmp_path.glob("*.torn-*")) == []


def test_an_answer_without_any_space_is_reported_as_not_on_the_disk(tmp_path, monkeypatch):
    async def run():
        ledger = open_ledger(tmp_path)
        await ledger.record_sent(ask(1), 1)
        monkeypatch.setattr("qbuild.llm.ledger.journal._write_all", no_space)
        with pytest.raises(DiskError, match="No space left"):
            await ledger.record_answer(ask(1), OK)
        with pytest.raises(DiskError):
            await ledger.record_sent(ask(2), 1)
        return ledger

    def no_space(handle, data):
        raise OSError(28, "No space left on device")

    ledger = asyncio.run(run())
    with pytest.raises(DiskError, match="1 paid answers are not on the disk"):
        ledger.close()
    monkeypatch.undo()
    with open_ledger(tmp_path) as again:
        assert len(again.unanswered_attempts()) == 1


def test_an_answer_held_in_memory_is_written_at_the_end_where_there_is_space_again(
    tmp_path, monkeypatch
):
    def no_space(handle, data):
        raise OSError(28, "No space left on device")

    async def run():
        ledger = open_ledger(tmp_path)
        await ledger.record_sent(ask(1), 1)
        with monkeypatch.context() as full:
            full.setattr("qbuild.llm.ledger.journal._write_all", no_space)
            with pytest.raises(DiskError):
                await ledger.record_answer(ask(1), OK)
        ledger.close()

    asyncio.run(run())
    with Ledger.open(tmp_path) as ledger:
        assert ledger.answer(ask(1).request_id) == OK


@pytest.mark.slow
def test_a_hundred_thousand_requests_take_less_than_200_mb(tmp_path):
    with segment_path(tmp_path, 1).open("wb") as stream:
        head = {"at": "", "parent_id": "d", "prompt": "p", "model": "m", "provider": "o"}
        for number in range(100_000):
            named = {**head, "request_id": f"{number:064x}", "attempt": 1}
            stream.write(encode({**named, "is": "sent", "estimate_usd": 0.1}))
            answer = {"state": "ok", "raw": "x" * 500, "cost_usd": 0.1}
            stream.write(encode({**named, **answer, "is": "answered"}))
    tracemalloc.start()
    try:
        with Ledger.open(tmp_path) as ledger:
            assert len(ledger) == 100_000
            assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
