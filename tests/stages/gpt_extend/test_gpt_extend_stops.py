"""gpt-extend stopped early: by its cap, by Ctrl-C, by a full disk, by `kill -9`."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time

import pytest
from buying import KEY_ENV
from extending import (
    assert_no_key,
    extend,
    ledger_rows,
    serve_mock,
)
from running import rows_of

from qbuild.core.artifact.reader import Artifact
from qbuild.core.errors import UsageError
from qbuild.llm.ledger import Ledger
from qbuild.llm.prices import Prices

COUNT, CONCURRENCY = 24, 4


def command(source, output, url, *more):
    """The command line of a run in a separate process."""
    given = ["gpt-extend", source, "-o", output, "--provider", "openai", "--model", "gpt-4o"]
    given += ["--base-url", url, "--key-env", KEY_ENV, "--concurrency", CONCURRENCY, *more]
    return [sys.executable, "-c", "from qbuild.cli.main import main; main()", *map(str, given)]


def test_the_cap_is_a_hard_stop_and_the_run_is_resumed(source, whole, tmp_path):
    output, cap = tmp_path / "out.parquet", 0.12
    with serve_mock(latency=0.01) as server:
        result = extend(source, output, server.base_url, max_usd=str(cap))
        run, prices = result.report["run"], Prices.load()
        paid = sum(row["cost_usd"] for row in ledger_rows(tmp_path / "ledger"))
        assert 0.5 * cap < paid <= cap
        assert run["usd"] == pytest.approx(paid, abs=1e-6)
        # even had each request in flight cost its worst, the cap would have held
        worst = prices.rate("gpt-4o").cost(0, 1200)
        assert server.most_in_flight * worst < cap
        assert "cap of $0.1200 leaves no room" in run["stopped"]
        assert any("cap of $0.1200" in warning for warning in result.report["warnings"])
        assert not result.complete
        assert Artifact.open(output).description.complete is False
        assert run["states"]["ok"] == server.requests < 3 * COUNT
        again = extend(source, output, server.base_url, max_usd=str(cap))
        assert 0 < again.report["run"]["usd"] <= cap
        while not again.complete:
            again = extend(source, output, server.base_url, max_usd=str(cap))
        assert server.requests == server.distinct == 3 * COUNT
    assert output.read_bytes() == whole.read_bytes()


def test_a_reached_cap_ends_the_command_with_code_1_and_a_warning(source, tmp_path):
    with serve_mock() as server:
        done = subprocess.run(
            command(source, tmp_path / "out.parquet", server.base_url, "--max-usd", "0.05"),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "incomplete: " in done.stdout
    assert "warning: stopped early: the cap of $0.0500 leaves no room" in done.stderr
    assert "Traceback" not in done.stderr
    assert_no_key(tmp_path, done.stdout, done.stderr)


def test_a_cap_without_a_price_of_the_model_sends_nothing(source, tmp_path):
    with serve_mock() as server:
        with pytest.raises(UsageError, match=r"--max-usd: .*none for 'own'.*Give --prices FILE"):
            extend(source, tmp_path / "o.parquet", server.base_url, model="own", max_usd="1")
        assert server.requests == 0
        result = extend(source, tmp_path / "o.parquet", server.base_url, model="own", limit=1)
        assert (result.complete, result.report["run"]["usd"]) == (True, 0.0)


def test_a_given_price_file_makes_a_cap_hold(source, tmp_path):
    prices = tmp_path / "prices.json"
    rate = {"input": 1000.0, "output": 1000.0}
    prices.write_text(json.dumps({"dated": "2026-01-02", "models": {"own": rate}}))
    with serve_mock() as server:
        given = {"model": "own", "max_usd": "9", "prices": str(prices)}
        result = extend(source, tmp_path / "o.parquet", server.base_url, **given)
        assert server.requests > 0
    assert result.report["run"]["prices_dated"] == "2026-01-02"
    assert 0 < result.report["run"]["usd"] <= 9
    assert not result.complete


def test_ctrl_c_ends_cleanly_and_the_run_is_resumed(source, whole, tmp_path):
    output = tmp_path / "out.parquet"
    with serve_mock(latency=0.1) as server:
        process = subprocess.Popen(
            command(source, output, server.base_url, "--json"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while server.requests < 20 and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, "Traceback" in err) == (1, False), err
        report = json.loads(out)
        assert (report["complete"], report["run"]["stopped"]) == (False, "interrupted")
        assert report["rows"] == len(rows_of(output)) > 0
        assert report["pending"] == COUNT - report["rows"] / 5
        assert report["run"]["sent"] == server.requests
        states = [row["state"] for row in ledger_rows(tmp_path / "ledger")]
        assert states == ["ok"] * server.requests  # what was in flight was waited for
        assert Artifact.open(output).description.complete is False
        result = extend(source, output, server.base_url)
        assert result.complete
        assert server.requests == server.distinct == 3 * COUNT
    assert output.read_bytes() == whole.read_bytes()
    assert_no_key(tmp_path, out, err)


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4_300_000, 4_300_000))
import qbuild.llm.ledger.journal as journal
from qbuild.llm.ledger import segments
from qbuild.cli.main import main
main()
"""


def test_a_disk_full_under_the_ledger_stops_the_run_and_keeps_every_answer(source, whole, tmp_path):
    """A limit on the size of a file simulates it: the ledger is already nearly as large."""
    output, ledger = tmp_path / "out.parquet", tmp_path / "ledger"
    with serve_mock() as server:
        extend(source, output, server.base_url, limit=2)
        output.unlink()
        segment = ledger / "ledger-00001.jsonl"
        with segment.open("ab") as stream:  # damaged lines are recognised and never read
            stream.write((b"x" * 999 + b"\n") * 4_270)
        paid = server.requests
        line = command(source, output, server.base_url)
        done = subprocess.run(
            [sys.executable, "-c", FULL, *line[3:]], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, done.stderr
        assert "the ledger cannot be written: File too large" in done.stderr
        assert "Free some space and run again" in done.stderr
        assert "Traceback" not in done.stderr
        assert not output.exists()
        assert paid < server.requests < 3 * COUNT
        with Ledger.open(ledger) as opened:
            assert len(opened) == server.requests == server.distinct
        assert extend(source, output, server.base_url).complete
        assert server.served.total() == server.distinct == 3 * COUNT
    assert output.read_bytes() == whole.read_bytes()
    assert_no_key(tmp_path, done.stdout, done.stderr)


KILLS = 20


@pytest.mark.slow
def test_a_run_killed_at_random_moments_loses_nothing_and_ends_with_the_same_bytes(
    source, whole, tmp_path
):
    draw, output, ledger = random.Random(5), tmp_path / "out.parquet", tmp_path / "ledger"
    with serve_mock(latency=0.05) as server:
        for _ in range(KILLS):
            before, held = server.requests, ledger_rows(ledger) if ledger.exists() else []
            process = subprocess.Popen(
                command(source, output, server.base_url), stderr=subprocess.PIPE
            )
            while server.requests == before and process.poll() is None:
                time.sleep(0.005)
            time.sleep(draw.uniform(0, 0.1))
            process.kill()
            process.communicate()
            time.sleep(0.1)  # what was in flight arrives
            assert not output.exists() or Artifact.open(output).description.complete
            kept = {row["request_id"] for row in ledger_rows(ledger) if row["state"] == "ok"}
            assert {row["request_id"] for row in held if row["state"] == "ok"} <= kept
            with Ledger.open(ledger) as opened:
                unanswered = len(opened.unanswered_attempts())
            assert unanswered <= CONCURRENCY * KILLS
            assert len(kept) <= server.served.total() <= len(kept) + unanswered
        result = extend(source, output, server.base_url)
        assert result.complete
        assert result.report["run"]["possibly_paid_twice"] == unanswered
        assert server.distinct == 3 * COUNT
        assert server.served.total() - 3 * COUNT <= unanswered
    assert output.read_bytes() == whole.read_bytes()
    assert_no_key(tmp_path)
