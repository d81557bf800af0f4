"""`probe`: properties of media, counted frames, bad files rejected by type."""

from __future__ import annotations

import json
import os
import signal
import time
from fractions import Fraction

import pytest
from clips import make_clip, make_sound, truncate
from images import draw_image, image_folder, write_image
from PIL import Image
from running import rejected_of, rows_of, run_stage
from tables import rating_table, write_artifact

from qbuild.core.canonical import hash_file
from qbuild.core.errors import TooManyRejectedError
from qbuild.media.files import probe as probing
from qbuild.stages.probe import STAGE


def probe(inputs, output, share=1.0, **given):
    return run_stage(STAGE, inputs, output, share=share, **given)


def rows_by_path(output):
    return {row["path"]: row for row in rows_of(output)}


def reasons_of(output):
    return {row["value"]: row["reason"] for row in rejected_of(output)}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """A folder of good and bad media."""
    folder = image_folder(tmp_path_factory.mktemp("in") / "mixed", count=2)
    make_clip(folder / "portrait.mp4", width=64, height=96, rate=Fraction(30_000, 1001))
    make_clip(folder / "slow.mp4", rate=5, frames=7)
    make_clip(folder / "turned.mp4", rotation=90)
    make_clip(folder / "one.mp4", frames=1)
    (folder / "zero.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n" * 40)
    make_sound(folder / "sound.m4v")
    truncate(make_clip(folder / "whole.mp4", frames=30), 0.5)
    (folder / "copy.png").write_bytes((folder / "p0.png").read_bytes())
    (folder / "out.png").symlink_to(write_image(folder.parent / "elsewhere.png"))
    return folder


def test_every_file_is_a_row_or_a_typed_rejection(mixed, tmp_path):
    result = probe(mixed, tmp_path / "m.parquet")
    assert set(rows_by_path(tmp_path / "m.parquet")) == {
        "copy.png",
        "p1.png",
        "one.mp4",
        "portrait.mp4",
        "slow.mp4",
        "turned.mp4",
        "whole.mp4",
    }
    assert reasons_of(tmp_path / "m.parquet") == {
        "zero.mp4": "empty-file",
        "text.mp4": "not-a-video",
        "sound.m4v": "no-video-stream",
        "cut-whole.mp4": "truncated",
        "p0.png": "duplicate-content",
        "out.png": "outside-root",
    }
    assert (result.report["images"], result.report["videos"]) == (2, 5)


def test_a_row_holds_the_properties_of_the_video(mixed, tmp_path):
    probe(mixed, tmp_path / "m.parquet")
    rows = rows_by_path(tmp_path / "m.parquet")
    portrait, turned = rows["portrait.mp4"], rows["turned.mp4"]
    assert (portrait["width"], portrait["height"]) == (64, 96)
    assert (portrait["fps_num"], portrait["fps_den"]) == (30_000, 1001)
    assert portrait["duration_s"] == pytest.approx(12 * 1001 / 30_000)
    assert (turned["width"], turned["height"]) == (64, 96)
    assert turned["rotation"] in {90, 270}
    assert rows["slow.mp4"]["num_frames"] == 7
    assert "sha256:" + portrait["sha256"] == hash_file(mixed / "portrait.mp4")
    assert rows["p1.png"]["codec"] == "png"
    assert rows["p1.png"]["num_frames"] is None


@pytest.mark.parametrize(("batch_rows", "workers"), [(1, 1), (7, 1), (1, 2)])
def test_batches_and_workers_do_not_change_a_byte(mixed, tmp_path, batch_rows, workers):
    probe(mixed, tmp_path / "m.parquet")
    probe(mixed, tmp_path / "again.parquet", batch_rows=batch_rows, workers=workers)
    assert hash_file(tmp_path / "again.parquet") == hash_file(tmp_path / "m.parquet")


def test_duplicates_are_kept_on_request(mixed, tmp_path):
    probe(mixed, tmp_path / "m.parquet", duplicates="keep")
    rows = rows_by_path(tmp_path / "m.parquet")
    assert rows["p0.png"]["sha256"] == rows["copy.png"]["sha256"]


def test_too_many_bad_files_fail_the_run(mixed, tmp_path):
    with pytest.raises(TooManyRejectedError, match="6 of 13 rows rejected"):
        probe(mixed, tmp_path / "m.parquet", share=0.05)


def test_ratings_are_probed_below_their_media_root(tmp_path):
    write_image(tmp_path / "root/clips/000000.mp4", format="png")
    ratings = write_artifact(tmp_path / "r.parquet", rating_table(1, datasets=1))
    probe(ratings, tmp_path / "m.parquet", roots=(f"set0={tmp_path / 'root'}",))
    (row,) = rows_by_path(tmp_path / "m.parquet").values()
    assert (row["media_id"], row["kind"]) == ("set0:clips/000000.mp4", "image")


def test_a_missing_file_is_rejected_by_name(tmp_path):
    write_image(tmp_path / "root/clips/000000.mp4", format="png")
    ratings = write_artifact(tmp_path / "r.parquet", rating_table(2, datasets=1))
    probe(ratings, tmp_path / "m.parquet", roots=(str(tmp_path / "root"),))
    assert reasons_of(tmp_path / "m.parquet") == {"clips/000001.mp4": "missing-file"}


def _crash_or_hang(path, *_):
    if path.name == "p1.png":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == "p2.png":
        time.sleep(600)
    return probing.MediaProperties("image", "png", 1, 1, "0" * 64, 1)


def test_a_file_that_crashes_or_blocks_the_decoder_costs_only_its_own_row(tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "probe", _crash_or_hang)
    folder = image_folder(tmp_path / "in", count=4)
    probe(folder, tmp_path / "m.parquet", time_limit=2)
    assert set(rows_by_path(tmp_path / "m.parquet")) == {"p0.png", "p3.png"}
    assert reasons_of(tmp_path / "m.parquet") == {
        "p1.png": "decoder-crashed",
        "p2.png": "decoder-hung",
    }


def test_a_header_bomb_is_rejected_before_decoding(tmp_path):
    folder = image_folder(tmp_path / "in", count=1)
    Image.new("1", (10_000, 10_000)).save(folder / "bomb.png")
    probe(folder, tmp_path / "m.parquet")
    assert reasons_of(tmp_path / "m.parquet") == {"bomb.png": "too-many-pixels"}


def test_published_videos_have_the_documented_frames(data_folder, tmp_path):
    probe(data_folder / "videos", tmp_path / "m.parquet")
    rows = rows_by_path(tmp_path / "m.parquet")
    assert rows["17734.mp4"]["num_frames"] == 234
    assert Fraction(rows["17734.mp4"]["fps_num"], rows["17734.mp4"]["fps_den"]) == Fraction(
        30_000, 1001
    )
    assert rows["10053703034.mp4"]["num_frames"] == 240
    assert reasons_of(tmp_path / "m.parquet") == {"zero_bytes.mp4": "empty-file"}


def test_the_command_accepts_empty_files_among_others(tmp_path, capsys):
    from qbuild.cli.main import app

    good, empty = write_image(tmp_path / "in/a.png"), tmp_path / "in/b.mp4"
    empty.touch()
    output = tmp_path / "m.parquet"
    arguments = ["probe", str(good), str(empty), "-o", str(output), "--max-reject-share", "0.5"]
    app([*arguments, "--json"], standalone_mode=False)
    result = json.loads(capsys.readouterr().out)
    assert (result["rows"], result["rejected"], result["images"]) == (1, 1, 1)


def test_grey_16_bit_cmyk_and_palette_images_are_images(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(draw_image()[..., 0].astype("uint16") * 257).save(folder / "deep.png")
    Image.fromarray(draw_image()).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(draw_image()).convert("P").save(folder / "palette.gif")
    probe(folder, tmp_path / "m.parquet")
    assert {row["kind"] for row in rows_by_path(tmp_path / "m.parquet").values()} == {"image"}
