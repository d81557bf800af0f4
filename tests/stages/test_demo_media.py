"""`demo-media`: images from installed packages, reproducible, and marked as synthetic."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageFilter
from running import file_hashes, rows_of, run_stage

from qbuild.core.artifact.reader import Artifact
from qbuild.core.engine.inputs import RunInputs
from qbuild.core.engine.stage_call import StageCall
from qbuild.core.errors import CombinedError, MissingPartError
from qbuild.stages import demo_media
from qbuild.stages.demo_media import STAGE, DemoMediaOptions

if TYPE_CHECKING:
    from pathlib import Path

    from qbuild.core.engine.request import Result

SMALL = DemoMediaOptions(
    size=48, strengths=2
)  # 8 photographs, each clean and with 3 * 2 distortions: 56


def make(folder: Path, **given) -> Result:
    return run_stage(STAGE, (), folder, **{**SMALL.model_dump(), **given})


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "images"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def rows(made) -> list[dict]:
    return rows_of(made)


@pytest.mark.parametrize("batch_rows", [1, 7])
def test_the_same_options_give_the_same_bytes(made, tmp_path, batch_rows):
    make(tmp_path / "again", batch_rows=batch_rows)
    assert file_hashes(tmp_path / "again") == file_hashes(made)


def test_another_seed_gives_other_names_and_other_noise(made, tmp_path):
    make(tmp_path / "seed", limit=7, seed=1)
    other = (tmp_path / "seed/media/astronaut-noise-2-48px-s1.png").read_bytes()
    assert other != (made / "media/astronaut-noise-2-48px-s0.png").read_bytes()


def test_every_row_names_an_image_and_every_image_has_a_row(made, rows):
    images = {p.relative_to(made / "media").as_posix() for p in made.glob("media/*")}
    assert {row["path"] for row in rows} == images
    assert len(rows) == len(images) == 56


def test_names_contain_source_operation_strength_size_and_seed(rows):
    assert [row["path"] for row in rows[:7]] == [
        "astronaut-clean-0-48px-s0.png",
        "astronaut-blur-1-48px-s0.png",
        "astronaut-blur-2-48px-s0.png",
        "astronaut-jpeg-1-48px-s0.jpg",
        "astronaut-jpeg-2-48px-s0.jpg",
        "astronaut-noise-1-48px-s0.png",
        "astronaut-noise-2-48px-s0.png",
    ]


def test_every_row_is_marked_as_synthetic(rows):
    for row in rows:
        assert row["media_id"].startswith("synthetic-demo:")
        assert row["source"].startswith("synthetic:")
        assert "no human rated it" in row["source"]
        assert row["num_ratings"] is row["mos_std"] is row["votes"] is None


def test_scores_decrease_with_strength_and_stay_on_the_scale(rows):
    for row in rows:
        strength = int(row["path"].split("-")[-3])
        assert 85 - 15 * strength <= row["mos"] <= 95 - 15 * strength
        assert row["scale_low"] <= row["mos"] <= row["scale_high"]
    assert len({row["mos"] for row in rows}) > 50


def test_the_strongest_distortion_still_scores_above_zero():
    assert min(demo_media.synthetic_score(5, str(n), 0) for n in range(2000)) >= 10


def test_both_views_of_one_scene_are_in_one_split():
    for seed in range(30):
        tests = demo_media.choose_test_scenes(seed)
        assert len(tests) == demo_media.TEST_SCENES
    scenes = {p.name: p.scene for p in demo_media.PHOTOGRAPHS}
    assert scenes["motorcycle-left"] == scenes["motorcycle-right"]


def test_each_photograph_is_in_one_split_and_no_split_is_empty(rows):
    splits = {(row["source_file"], row["split"]) for row in rows}
    assert len(splits) == 8
    assert {split for _, split in splits} == {"train", "test"}


def test_rows_number_the_variants_of_their_file_from_one(rows):
    coffee = [row["source_row"] for row in rows if row["source_file"] == "coffee.png"]
    assert coffee == [1, 2, 3, 4, 5, 6, 7]


def test_png_is_lossless(made):
    clean = Image.open(made / "media/chelsea-clean-0-48px-s0.png")
    blurred = Image.open(made / "media/chelsea-blur-2-48px-s0.png")
    wanted = clean.filter(ImageFilter.GaussianBlur(demo_media.STRENGTHS["blur"][1]))
    assert np.array_equal(np.asarray(blurred), np.asarray(wanted))


def test_jpeg_is_compressed_once_from_the_clean_image(made):
    stream = io.BytesIO()
    quality = int(demo_media.STRENGTHS["jpeg"][0])
    with Image.open(made / "media/chelsea-clean-0-48px-s0.png") as clean:
        clean.save(stream, "JPEG", quality=quality, subsampling="4:2:0")
    assert (made / "media/chelsea-jpeg-1-48px-s0.jpg").read_bytes() == stream.getvalue()


def test_noise_has_the_documented_strength(tmp_path):
    make(tmp_path / "large", size=320, limit=7)
    media = tmp_path / "large/media"
    clean = np.asarray(Image.open(media / "astronaut-clean-0-320px-s0.png")).astype(float)
    noisy = np.asarray(Image.open(media / "astronaut-noise-1-320px-s0.png")).astype(float)
    inner = (clean > 40) & (clean < 215)  # where nothing is clipped
    assert np.std((noisy - clean)[inner]) == pytest.approx(6, rel=0.03)


def test_images_hold_no_profile_or_comment(made):
    for path in made.glob("media/*.png"):
        with Image.open(path) as image:
            assert image.info == {}


def test_the_longest_side_has_the_requested_size_and_nothing_is_enlarged(tmp_path):
    make(tmp_path / "small", size=64, limit=1)
    make(tmp_path / "huge", size=2048, limit=1)
    with Image.open(tmp_path / "small/media/astronaut-clean-0-64px-s0.png") as image:
        assert max(image.size) == 64
    with Image.open(tmp_path / "huge/media/astronaut-clean-0-2048px-s0.png") as image:
        assert image.size == (512, 512)


def test_images_of_another_size_have_other_names(made, tmp_path):
    make(tmp_path / "small", size=32)
    names = {path.name for path in (tmp_path / "small/media").iterdir()}
    assert not names & {path.name for path in (made / "media").iterdir()}
    hashes = {Artifact.open(place).description.content_hash for place in (made, tmp_path / "small")}
    assert len(hashes) == 2


def test_a_limit_makes_only_the_first_images(tmp_path):
    result = make(tmp_path / "few", limit=3)
    assert result.rows == 3
    assert len(list((tmp_path / "few/media").glob("*"))) == 3


def test_the_bytes_of_a_written_image_are_not_kept_in_memory(tmp_path):
    job = StageCall(STAGE, SMALL, None, tmp_path / "media")
    outputs = list(STAGE.produce(RunInputs([], tmp_path, 1, limit=5), SMALL))
    taken = [job.accept(output, None, None) for output in outputs]
    assert all(len(file.data) > 500 for output in outputs for file in output.files)
    assert [file.data for output in taken for file in output.files] == [b""] * 5


def test_the_report_counts_images_of_each_kind(tmp_path):
    report = make(tmp_path / "few", limit=8).report
    kinds = {"clean": 2, "blur": 2, "jpeg": 2, "noise": 2}
    assert report == {"images": 2, "written": 8, "kinds": kinds}
    assert STAGE.render is not None
    assert "8 images of 2 photographs" in STAGE.render(report)
    assert "synthetic" in STAGE.render(report)


def test_a_second_run_with_fewer_strengths_removes_the_other_images(tmp_path):
    make(tmp_path / "out", limit=7)
    make(tmp_path / "out", limit=4, strengths=1)
    names = {path.name for path in (tmp_path / "out/media").iterdir()}
    remaining = {
        "clean-0-48px-s0.png",
        "blur-1-48px-s0.png",
        "jpeg-1-48px-s0.jpg",
        "noise-1-48px-s0.png",
    }
    assert names == {f"astronaut-{name}" for name in remaining}


def test_missing_packages_are_listed_together_with_how_to_install_them(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_media, "find_spec", lambda name: None)
    with pytest.raises(CombinedError) as caught:
        make(tmp_path / "out")
    assert caught.value.exit_code == MissingPartError.exit_code == 5
    for distribution in ("pillow", "scikit-image", "scikit-learn"):
        assert f"{distribution} is not installed" in str(caught.value)
    assert "Install it: pip install scikit-image (in a checkout: pip install -e '.[demo]')." in str(
        caught.value
    )


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", fail)
    make(tmp_path / "out", limit=60)
    code = (
        "import sys, json; from qbuild.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted({'pooch', 'skimage', 'sklearn'} & set(sys.modules))))"
    )
    arguments = ["demo-media", "-o", str(tmp_path / "cli"), "--limit", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_the_global_generator_does_not_change(tmp_path):
    np.random.seed(7)  # noqa: NPY002 - the generator that must not change
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    make(tmp_path / "out", limit=7)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_crops_differ_and_each_has_one_distortion_in_turn(tmp_path):
    cropped = tmp_path / "crops"
    make(cropped, size=32, strengths=1, crops=5)
    rows = [row for row in rows_of(cropped) if row["source_file"] == "coffee.png"]
    kinds = [row["path"].split("-")[1] for row in rows]
    assert kinds == ["clean", "blur", "jpeg", "noise", "clean"]
    assert rows[4]["path"] == "coffee-clean-0-crop5-32px-s0.png"
    first, fifth = (
        np.asarray(Image.open(cropped / "media" / rows[at]["path"]).convert("RGB")) for at in (0, 4)
    )
    assert first.shape == fifth.shape == (32, 32, 3)
    assert not np.array_equal(first, fifth)


def test_a_crop_is_a_part_of_the_photograph_without_a_border():
    red = Image.new("RGB", (300, 200), (200, 0, 0))
    for seed in range(5):
        pixels = np.asarray(demo_media.crop(red, 64, seed)).reshape(-1, 3)
        assert len(np.unique(pixels, axis=0)) == 1
        assert np.count_nonzero(pixels[0]) == 1


def test_crops_avoid_areas_without_detail():
    pixels = np.full((200, 400, 3), 90, np.uint8)
    pixels[:, 200:] = np.random.default_rng(0).integers(0, 256, (200, 200, 3))
    crops = [demo_media.crop(Image.fromarray(pixels), 32, seed) for seed in range(20)]
    assert sum(np.asarray(one).std() > 10 for one in crops) == 20


def test_a_photograph_smaller_than_the_crop_is_enlarged():
    assert demo_media.crop(Image.new("RGB", (20, 30)), 64, 0).size == (64, 64)
