from __future__ import annotations

import hashlib
import resource
import signal

import pyarrow as pa
import pytest
import tables
import throwaway
from running import file_hashes, run_stage

from qbuild.core.artifact import output_folder as folder
from qbuild.core.artifact.output_folder import File
from qbuild.core.artifact.reader import Artifact, rejected_path
from qbuild.core.canonical import hash_file
from qbuild.core.engine.stage import Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import (
    CombinedError,
    DiskError,
    InputError,
    SchemaError,
    StageError,
    TooManyRejectedError,
    UsageError,
)
from qbuild.core.pipeline import run as runner
from qbuild.core.rows.rejections import reject_rows
from qbuild.stages import get_stage


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """A thousand ratings, three of them rejected by `spots`."""
    mos = [50.0 if at in (3, 400, 999) else at % 97 + 0.5 for at in range(1000)]
    table = tables.rating_table(1000, mos=pa.array(mos))
    return tables.write_artifact(tmp_path_factory.mktemp("ratings") / "ratings.parquet", table)


def level_stage():
    return get_stage("mos-to-levels")


@pytest.mark.parametrize("name", ["mos-to-levels", "spots", "echo"])
def test_one_hash_at_any_batch_size_and_number_of_workers(tmp_path, ratings, name):
    stage = {"spots": throwaway.SPOTS, "echo": throwaway.ECHO}.get(name) or level_stage()
    found = set()
    for batch_rows, workers in [(1, 1), (7, 1), (65_536, 1), (7, 2), (65_536, 2)]:
        folder = tmp_path / f"{batch_rows}-{workers}"
        output = folder / ("out" if stage.folder else "out.parquet")
        run_stage(stage, [ratings], output, batch_rows=batch_rows, workers=workers)
        found.add(str(file_hashes(folder)))
    assert len(found) == 1


@pytest.mark.slow
def test_one_hash_over_several_row_groups(tmp_path):
    big = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(150_000, datasets=7))
    found = set()
    for batch_rows, workers in [(1009, 1), (65_536, 1), (65_536, 2)]:
        output = tmp_path / f"{batch_rows}-{workers}.parquet"
        run_stage(level_stage(), [big], output, batch_rows=batch_rows, workers=workers)
        found.add(hash_file(output))
    assert len(found) == 1


def test_shuffled_rows_give_the_same_set_of_rows(tmp_path):
    table = tables.rating_table(500)
    shuffled = table.take(pa.array([at * 7 % 500 for at in range(500)]))
    rows = []
    for name, given in (("a", table), ("b", shuffled)):
        path = tables.write_artifact(tmp_path / f"{name}.parquet", given)
        run_stage(level_stage(), [path], tmp_path / f"{name}.levels.parquet")
        made = Artifact.open(tmp_path / f"{name}.levels.parquet").table().to_pylist()
        rows.append(sorted(map(repr, made)))
    assert rows[0] == rows[1]


def test_rejected_rows_are_kept_with_their_reason(tmp_path, ratings):
    result = run_stage(throwaway.SPOTS, [ratings], tmp_path / "out")
    kept = Artifact.open(rejected_path(tmp_path / "out" / "artifact.parquet"))
    assert result.rejected == kept.rows == 3
    assert kept.table().column("reason").to_pylist() == ["multiple"] * 3
    assert kept.table().column("row").to_pylist() == [4, 401, 1000]
    assert result.description.rejected.content_hash == kept.content_hash()


def test_a_rejected_file_of_an_earlier_run_is_gone_when_nothing_is_rejected(tmp_path, ratings):
    run_stage(throwaway.SPOTS, [ratings], tmp_path / "out")
    clean = tables.write_artifact(tmp_path / "clean.parquet", tables.rating_table(10))
    run_stage(throwaway.SPOTS, [clean], tmp_path / "out")
    assert not rejected_path(tmp_path / "out" / "artifact.parquet").exists()


def test_too_many_rejected_leave_the_old_artifact_and_keep_the_reasons(tmp_path):
    good = tables.write_artifact(tmp_path / "good.parquet", tables.rating_table(10))
    output = tmp_path / "out"
    run_stage(throwaway.SPOTS, [good], output)
    before = hash_file(output / "artifact.parquet")
    mos = pa.array([50.0] * 5 + [1.0] * 5)
    bad = tables.write_artifact(tmp_path / "bad.parquet", tables.rating_table(10, mos=mos))
    with pytest.raises(TooManyRejectedError, match=r"5 of 10 rows rejected.*failed\.parquet"):
        run_stage(throwaway.SPOTS, [bad], output)
    assert hash_file(output / "artifact.parquet") == before
    assert Artifact.open(output / "artifact.failed.parquet").rows == 5
    run_stage(throwaway.SPOTS, [bad], output, share=0.5)
    assert not (output / "artifact.failed.parquet").exists()


def test_rejections_are_reported_by_reason_with_counts_and_the_first_row_of_each(tmp_path):
    scores = ["1"] * 10 + ["x"] * 2_000 + ["inf"]
    file = tmp_path / "d.csv"
    file.write_text("image,mos\n" + "".join(f"{n}.jpg,{s}\n" for n, s in enumerate(scores)))
    stage = get_stage("ingest-ratings")
    with pytest.raises(TooManyRejectedError) as caught:
        run_stage(stage, [file], tmp_path / "d.parquet")
    what = caught.value.what
    assert what.startswith("2,001 of 2,011 rows rejected (2,000 \u00d7 not-a-number, first: d.csv ")
    assert "d.csv row 11: 'x' is not a number; " in what
    assert "1 \u00d7 not-finite, first: d.csv row 2011: " in what
    assert what.count("row ") == 2


def test_no_usable_row_is_an_input_error(tmp_path):
    mos = pa.array([50.0] * 4)
    bad = tables.write_artifact(tmp_path / "bad.parquet", tables.rating_table(4, mos=mos))
    with pytest.raises(InputError, match="no usable row"):
        run_stage(throwaway.SPOTS, [bad], tmp_path / "out", share=1.0)


def test_media_of_an_earlier_run_are_swept_and_fitting_files_are_kept(tmp_path, ratings):
    output = tmp_path / "out"
    run_stage(throwaway.SPOTS, [ratings], output)
    kept = output / "media" / "clips/000000.mp4" / "copy-0-s0.bin"
    stamp = kept.stat().st_mtime_ns
    run_stage(throwaway.SPOTS, [ratings], output, copies=1)
    assert kept.stat().st_mtime_ns == stamp
    assert len(list(output.rglob("*.bin"))) == 997


def test_a_service_that_stops_half_way_is_never_taken_for_finished(tmp_path, ratings):
    output = tmp_path / "out.parquet"
    stopped = run_stage(throwaway.ECHO, [ratings], output, stop_after=400)
    assert (stopped.rows, stopped.pending, stopped.complete) == (400, 600, False)
    rows = Artifact.open(output).table().column("source_row").to_pylist()
    assert rows == sorted(rows)
    with pytest.raises(InputError, match="600 rows are pending"):
        run_stage(level_stage(), [output], tmp_path / "levels.parquet")


def test_a_service_that_breaks_leaves_the_old_artifact(tmp_path, ratings):
    output = tmp_path / "out.parquet"
    run_stage(throwaway.ECHO, [ratings], output)
    before = hash_file(output)
    with pytest.raises(RuntimeError, match="the service broke"):
        run_stage(throwaway.ECHO, [ratings], output, fail=True)
    assert hash_file(output) == before


def test_ctrl_c_in_a_service_keeps_what_was_answered(tmp_path, ratings):
    async def interrupted(inputs, state, options):
        async for output in throwaway.echo(inputs, state, options):
            yield output
            if output.at == 10:
                signal.raise_signal(signal.SIGINT)

    stage = Stage(**{**throwaway.ECHO.__dict__, "serve": interrupted})
    result = run_stage(stage, [ratings], tmp_path / "out.parquet")
    assert 0 < result.pending < 1000


def test_limit_takes_the_first_rows_and_is_recorded_in_the_description(tmp_path, ratings):
    result = run_stage(level_stage(), [ratings], tmp_path / "a.parquet", limit=100)
    assert result.rows == 100
    assert result.description.limit == 100
    assert "on a sample (--limit 100)" in result.report["warnings"][-1]
    batched = run_stage(level_stage(), [ratings], tmp_path / "b.parquet", limit=100, batch_rows=7)
    assert batched.description.content_hash == result.description.content_hash


def test_all_unreadable_inputs_are_reported_at_once(tmp_path):
    (tmp_path / "text.parquet").write_text("no parquet")
    inputs = [tmp_path / "gone.parquet", tmp_path / "text.parquet"]
    with pytest.raises(CombinedError) as caught:
        run_stage(throwaway.ECHO, inputs, tmp_path / "out.parquet")
    assert "gone.parquet: no such file" in str(caught.value)
    assert "text.parquet: not an artifact" in str(caught.value)


def test_an_artifact_of_another_kind_is_a_schema_error(tmp_path, ratings):
    run_stage(level_stage(), [ratings], tmp_path / "levels.parquet")
    with pytest.raises(SchemaError, match=r"schema level; expected schema rating.*mos-to-levels"):
        run_stage(level_stage(), [tmp_path / "levels.parquet"], tmp_path / "again.parquet")


def test_an_output_that_is_an_input_a_folder_or_not_a_parquet_name_is_rejected(tmp_path, ratings):
    for output in (ratings, tmp_path, tmp_path / "levels.csv"):
        with pytest.raises(UsageError):
            run_stage(level_stage(), [ratings], output)


def test_a_folder_of_someone_else_is_not_filled(tmp_path, ratings):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="not written by a stage of qbuild"):
        run_stage(throwaway.SPOTS, [ratings], tmp_path / "mine")


def test_two_runs_do_not_fill_one_folder_at_once(tmp_path, ratings):
    output, messages = tmp_path / "out", []

    def produce(inputs, options):
        rows = next(inputs.scan()).rows.slice(0, 1)
        yield Output(rows=rows, files=(File("mine.bin", b"mine"),))
        with pytest.raises(UsageError) as caught:
            run_stage(throwaway.SPOTS, [ratings], output)
        messages.append(str(caught.value))

    stage = Stage("x", 1, Options, Reads("rating"), "rating", produce=produce, media=True)
    run_stage(stage, [ratings], output)
    assert [p.read_bytes() for p in (output / "media").iterdir()] == [b"mine"]
    what = "is in use by another run; expected one run at a time"
    assert messages == [f"{output}: {what}. Wait until it ends, or choose another output."]
    assert run_stage(throwaway.SPOTS, [ratings], output).complete


@pytest.mark.parametrize("name", ["../out.bin", "/etc/x", "a/../../b", "a\\..\\b", ""])
def test_a_file_that_leaves_its_folder_is_rejected(tmp_path, ratings, name):
    def climb(batch, state, options):
        return Output(rows=batch.rows, files=(File(name, b"x"),))

    stage = Stage(**{**throwaway.SPOTS.__dict__, "transform": climb})
    with pytest.raises(StageError, match="leaves its folder"):
        run_stage(stage, [ratings], tmp_path / "out", batch_rows=10_000)


def test_a_file_made_twice_is_a_stage_error(tmp_path, ratings):
    def twice(batch, state, options):
        return Output(rows=batch.rows, files=(File("a", b"x"), File("a", b"y")))

    stage = Stage(**{**throwaway.SPOTS.__dict__, "transform": twice})
    with pytest.raises(StageError, match="made twice"):
        run_stage(stage, [ratings], tmp_path / "out")


def test_a_row_that_breaks_the_schema_is_a_stage_error_and_is_not_written(tmp_path, ratings):
    def wrong(batch, state, options):
        at = batch.rows.column_names.index("mos_std")
        worse = pa.array([-1.0] * len(batch.rows))
        return Output(rows=batch.rows.set_column(at, "mos_std", worse))

    stage = Stage("wrong", 1, Options, Reads("rating"), "rating", transform=wrong)
    with pytest.raises((StageError, CombinedError), match="violates schema rating: mos_std"):
        run_stage(stage, [ratings], tmp_path / "out.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["qbuild-runs.jsonl"]


def test_an_exception_in_a_stage_names_the_stage_and_the_rows(tmp_path, ratings):
    def broken(batch, state, options):
        raise KeyError("colour")

    stage = Stage("broken", 1, Options, Reads("rating"), "rating", transform=broken)
    with pytest.raises(StageError, match=r"broken: failed at row 1 or later \(KeyError"):
        run_stage(stage, [ratings], tmp_path / "out.parquet")


def test_an_artifact_with_forged_rows_is_rejected_when_read(tmp_path):
    table = tables.rating_table(50)
    at = table.column_names.index("num_ratings")
    forged = table.set_column(at, "num_ratings", pa.array([0] * 50, pa.int32()))
    path = tables.write_artifact(tmp_path / "forged.parquet", forged)
    with pytest.raises(CombinedError, match=r"row 1, column num_ratings"):
        run_stage(level_stage(), [path], tmp_path / "out.parquet")


def test_a_full_disk_is_one_error_and_leaves_the_old_artifact(tmp_path, ratings):
    output = tmp_path / "levels.parquet"
    run_stage(level_stage(), [ratings], output)
    before = hash_file(output)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    big = tables.write_artifact(tmp_path / "big.parquet", tables.rating_table(70_000))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(DiskError, match="cannot be written"):
            run_stage(level_stage(), [big], output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert hash_file(output) == before
    assert not list(tmp_path.glob(".*"))


class ShortOptions(Options):
    rejections: int = 1


def short(batch, state, options):
    rows = batch.rows.slice(0, options.rejections).to_pylist()
    bad = reject_rows(rows, "first", ["is the first row"] * len(rows), "mos")
    return Output(rows=batch.rows.slice(options.rejections), rejected=bad)


SHORT = Stage("short", 1, ShortOptions, Reads("rating"), "rating", transform=short)


def test_a_disk_that_fills_up_at_the_last_rows_leaves_the_old_rejected_rows_too(tmp_path):
    ratings = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(40_000))
    output = tmp_path / "out.parquet"
    run_stage(SHORT, [ratings], output, rejections=1)
    before = file_hashes(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(DiskError, match="existing files were not changed"):
            run_stage(SHORT, [ratings], output, rejections=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file_hashes(tmp_path) == before


def test_just_the_share_of_rejected_rows_that_is_allowed_passes(tmp_path):
    ratings = tables.write_artifact(tmp_path / "r.parquet", tables.rating_table(100))
    assert run_stage(SHORT, [ratings], tmp_path / "o.parquet", rejections=29, share=0.29).rows == 71
    with pytest.raises(TooManyRejectedError):
        run_stage(SHORT, [ratings], tmp_path / "o.parquet", rejections=29, share=0.28)


def test_the_hash_of_an_exports_file_is_of_what_was_made_whoever_else_writes_there(
    tmp_path, ratings, monkeypatch
):
    def produce(inputs, options):
        yield Output(files=(File("a.json", b"mine"),), tally=Tally(rows=1))

    def another_run_writes_too(place, file):
        put(place, file)
        (place / file.name).write_bytes(b"another's")

    put = folder.put
    monkeypatch.setattr(folder, "put", another_run_writes_too)
    stage = Stage("x", 1, Options, Reads("rating"), None, produce=produce)
    described = run_stage(stage, [ratings], tmp_path / "out").description
    assert described.files == {"a.json": "sha256:" + hashlib.sha256(b"mine").hexdigest()}


def test_media_in_the_place_of_an_export_leave_nothing_that_describes_it(tmp_path, ratings):
    def produce(inputs, options):
        yield Output(files=(File("a.json", b"a"),), tally=Tally(rows=1))

    output = tmp_path / "out"
    run_stage(Stage("x", 1, Options, Reads("rating"), None, produce=produce), [ratings], output)
    run_stage(throwaway.SPOTS, [ratings], output)
    assert runner.read_output(output).stage.name == "spots"


@pytest.mark.parametrize("kind", ["rejected", "failed"])
def test_an_input_at_the_path_of_the_rejected_rows_is_rejected(tmp_path, ratings, kind):
    given = tmp_path / f"out.{kind}.parquet"
    given.write_bytes(ratings.read_bytes())
    with pytest.raises(UsageError, match="would overwrite the input"):
        run_stage(level_stage(), [given], tmp_path / "out.parquet")
    assert given.exists()


def test_an_export_of_forged_rows_is_rejected(tmp_path):
    forged = tables.rating_table(50, num_ratings=pa.array([0] * 50, pa.int32()))
    path = tables.write_artifact(tmp_path / "forged.parquet", forged)

    def produce(inputs, options):
        for batch in inputs.scan():
            yield Output(rows=batch.rows)

    stage = Stage("x", 1, Options, Reads("rating"), "rating", produce=produce)
    with pytest.raises(CombinedError, match=r"forged.parquet: row 1, column num_ratings"):
        run_stage(stage, [path], tmp_path / "out.parquet")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_bad_row_is_named_by_its_number_in_its_own_file(tmp_path, ratings, workers):
    forged = tables.rating_table(5, num_ratings=pa.array([5, 5, 0, 5, 5], pa.int32()))
    path = tables.write_artifact(tmp_path / "forged.parquet", forged)
    with pytest.raises(SchemaError, match=r"forged.parquet: row 3, column num_ratings"):
        run_stage(level_stage(), [ratings, path], tmp_path / "out.parquet", workers=workers)


def test_an_export_replaces_the_old_one_whole_and_leaves_no_file_of_it(tmp_path, ratings):
    def exporter(names):
        def produce(inputs, options):
            for name in names:
                scratch = inputs.scratch / name
                scratch.write_text(name)
                yield Output(files=(File(name, scratch),), tally=Tally(rows=1))

        return Stage("x", 1, Options, Reads("rating"), None, produce=produce)

    output = tmp_path / "out"
    run_stage(exporter(["a.json", "b.json"]), [ratings], output)
    run_stage(exporter(["b.json", "c.json"]), [ratings], output)
    names = {p.name for p in output.iterdir()}
    assert names == {".qbuild-output", "b.json", "c.json", "qbuild.json"}


def test_the_run_log_holds_time_and_state_and_the_artifact_does_not(tmp_path, ratings):
    run_stage(level_stage(), [ratings], tmp_path / "a.parquet")
    log = (tmp_path / "qbuild-runs.jsonl").read_text()
    assert '"state": "done"' in log
    described = Artifact.open(tmp_path / "a.parquet").description.to_json()
    assert str(tmp_path) not in described
    assert "started" not in described
