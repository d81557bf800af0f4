"""`corrupt`: complete rows, reproducible bytes, bad images rejected by type."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from images import draw_image, image_folder, write_image
from PIL import Image
from running import file_hashes, rejected_of, rows_of, run_stage
from tables import rating_table, write_artifact

from qbuild.core.canonical import hash_file
from qbuild.core.errors import InputError, TooManyRejectedError, UsageError
from qbuild.media.distort.common import CORRUPTIONS, corrupt
from qbuild.media.images.read_write import MAX_SIDES
from qbuild.media.images.similarity import psnr, ssim
from qbuild.stages.corrupt import STAGE
from qbuild.stages.demo_media import find_photographs


def distort(inputs, folder, share=1.0, **given):
    return run_stage(STAGE, inputs, folder, share=share, **given)


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    return image_folder(tmp_path_factory.mktemp("in") / "coco", count=9)


@pytest.fixture(scope="module")
def made(coco, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "distorted"
    distort(coco, folder, seed=3)
    return folder


def test_each_image_gets_one_corruption_that_its_row_reproduces(coco, made):
    rows = rows_of(made)
    assert [row["source_path"] for row in rows] == [f"p{n}.png" for n in range(9)]
    for row in rows:
        with Image.open(coco / row["source_path"]) as source:
            before = np.asarray(source)
        with Image.open(made / "media" / row["path"]) as written:
            after = np.asarray(written)
        again = corrupt(before, row["corruption"], row["severity"], int(row["seed"], 16))
        assert np.array_equal(after, again)
        assert row["psnr"] == pytest.approx(psnr(before, after))
        assert row["ssim"] == pytest.approx(ssim(before, after))


def test_rows_hold_source_hashes_and_a_synthetic_origin(coco, made):
    for row in rows_of(made):
        assert row["source_media_id"] == f"coco:{row['source_path']}"
        assert row["media_id"] == f"coco-corrupt:{row['path']}"
        assert "sha256:" + row["source_sha256"] == hash_file(coco / row["source_path"])
        assert "sha256:" + row["sha256"] == hash_file(made / "media" / row["path"])
        assert row["source"].startswith("synthetic")


@pytest.mark.parametrize(("batch_rows", "workers"), [(1, 1), (7, 1), (65_536, 2), (1, 2)])
def test_batches_and_workers_do_not_change_a_byte(coco, made, tmp_path, batch_rows, workers):
    distort(coco, tmp_path / "again", seed=3, batch_rows=batch_rows, workers=workers)
    assert file_hashes(tmp_path / "again") == file_hashes(made)


def test_a_second_run_changes_no_file(coco, tmp_path):
    distort(coco, tmp_path / "out", limit=2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/media").rglob("*.png")}
    distort(coco, tmp_path / "out", limit=2)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_run_into_the_folder_removes_files_it_did_not_make(coco, tmp_path):
    distort(coco, tmp_path / "out", limit=2, seed=1)
    distort(coco, tmp_path / "out", limit=2, seed=2)
    names = {p.relative_to(tmp_path / "out/media").as_posix() for p in tmp_path.rglob("*.png")}
    assert names == {row["path"] for row in rows_of(tmp_path / "out")}


def test_all_by_all_makes_75_images_of_one(coco, tmp_path):
    result = distort(coco / "p0.png", tmp_path / "all", corruption="all", severity="all")
    rows = rows_of(tmp_path / "all")
    assert {(row["corruption"], row["severity"]) for row in rows} == {
        (name, severity) for name in CORRUPTIONS for severity in range(1, 6)
    }
    assert (result.report["images"], result.report["written"]) == (1, 75)


def test_the_family_vqa2_labels_each_image_with_its_distortion(coco, tmp_path):
    distort(coco / "p0.png", tmp_path / "v", family="vqa2", corruption="all", severity="4")
    rows = rows_of(tmp_path / "v")
    assert len(rows) == 11
    for row in rows:
        name = row["corruption"].replace("-", " ")
        assert row["distortions"] == [{"name": name, "severity": 4}]
        assert row["others"] == []


def test_common_corruptions_outside_the_thirteen_are_other_labels(coco, tmp_path):
    distort(coco / "p0.png", tmp_path / "f", corruption="frost,contrast", severity="2")
    frost, contrast = rows_of(tmp_path / "f")
    assert (frost["distortions"], frost["others"]) == ([], ["frost"])
    assert contrast["distortions"] == [{"name": "low contrast", "severity": 2}]


def test_images_of_ratings_lie_below_their_media_root_and_keep_split_and_licence(tmp_path):
    for n in range(2):
        write_image(tmp_path / f"root/clips/{n:06d}.mp4.png", seed=n)
    paths = [f"clips/{n:06d}.mp4.png" for n in range(2)]
    ratings = rating_table(
        2,
        datasets=1,
        path=paths,
        media_id=[f"set0:{p}" for p in paths],
        split=["train", "test"],
        licence=["CC0", "CC0"],
    )
    artifact = write_artifact(tmp_path / "r.parquet", ratings)
    distort(artifact, tmp_path / "o", roots=(f"set0={tmp_path / 'root'}",))
    assert [(r["split"], r["licence"]) for r in rows_of(tmp_path / "o")] == [
        ("train", "CC0"),
        ("test", "CC0"),
    ]


def test_the_images_of_one_run_can_be_distorted_again(made, tmp_path):
    distort(made, tmp_path / "twice", corruption="jpeg_compression", limit=2)
    for row in rows_of(tmp_path / "twice"):
        assert row["source_media_id"].startswith("coco-corrupt:")


def test_an_image_distorted_twice_is_judged_for_its_last_distortion_only(coco, tmp_path):
    options = {"family": "vqa2", "severity": "5", "limit": 2}
    distort(coco, tmp_path / "once", corruption="noise", **options)
    distort(tmp_path / "once", tmp_path / "twice", corruption="spatial-blur", **options)
    assert all(len(row["judged"]) == 11 for row in rows_of(tmp_path / "once"))
    assert all(row["judged"] == ["spatial blur"] for row in rows_of(tmp_path / "twice"))


def test_transparency_is_kept_and_a_grey_image_becomes_a_colour_image(tmp_path):
    alpha = np.dstack([draw_image(), np.full((48, 64, 1), 77, np.uint8)])
    (tmp_path / "in").mkdir()
    Image.fromarray(alpha).save(tmp_path / "in/alpha.png")
    Image.fromarray(draw_image()[..., 0]).save(tmp_path / "in/grey.png")
    distort(tmp_path / "in", tmp_path / "out", corruption="gaussian_noise")
    made = {r["source_path"]: tmp_path / "out/media" / r["path"] for r in rows_of(tmp_path / "out")}
    with Image.open(made["alpha.png"]) as opened:
        assert opened.mode == "RGBA"
        assert (np.asarray(opened)[..., 3] == 77).all()
    with Image.open(made["grey.png"]) as opened:
        assert opened.mode == "RGB"


def test_metadata_are_dropped_and_the_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    write_image(tmp_path / "in/turned.jpg", exif=exif)
    for kind in ("png", "jpg", "webp"):
        distort(tmp_path / "in", tmp_path / kind, corruption="contrast", format=kind)
        (row,) = rows_of(tmp_path / kind)
        data = (tmp_path / kind / "media" / row["path"]).read_bytes()
        assert b"secret" not in data
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.size == (row["width"], row["height"]) == (48, 64)
            assert not opened.getexif()


def test_psnr_is_that_of_the_written_image(coco, tmp_path):
    made = {}
    for quality in (30, 95):
        folder = tmp_path / str(quality)
        distort(coco / "p0.png", folder, corruption="brightness", format="jpg", quality=quality)
        (made[quality],) = rows_of(folder)
    assert made[30]["psnr"] != made[95]["psnr"]
    assert made[30]["path"].endswith(".jpg")


def test_bad_images_are_rejected_by_type_and_the_others_distorted(tmp_path):
    folder = image_folder(tmp_path / "in", count=2)
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("not an image")
    cut = write_image(folder / "cut.jpg")
    cut.write_bytes(cut.read_bytes()[:-200])
    write_image(folder / "small.png", width=31, height=200)
    (folder / "copy.png").write_bytes((folder / "p0.png").read_bytes())
    (folder / "link.png").symlink_to(write_image(tmp_path / "outside.png"))
    distort(folder, tmp_path / "out")
    assert {row["source_path"] for row in rows_of(tmp_path / "out")} == {"copy.png", "p1.png"}
    reasons = {row["value"]: row["reason"] for row in rejected_of(tmp_path / "out")}
    assert reasons == {
        "empty.png": "empty-file",
        "text.png": "not-a-picture",
        "cut.jpg": "truncated",
        "small.png": "too-small",
        "p0.png": "duplicate-content",
        "link.png": "outside-root",
    }


def test_an_image_with_the_longest_name_gives_a_name_that_the_disk_can_hold(tmp_path):
    long = write_image(tmp_path / "in" / f"{'n' * 251}.png")
    distort(long, tmp_path / "out", corruption="glass_blur", severity=3)
    (row,) = rows_of(tmp_path / "out")
    assert (row["source_path"], row["severity"]) == (long.name, 3)
    assert (tmp_path / "out/media" / row["path"]).is_file()


@pytest.mark.parametrize("dataset", [".", "a/", "a/b", "..", "2024"])
def test_a_dataset_named_by_special_characters_is_a_separate_folder(coco, tmp_path, dataset):
    distort(coco / "p0.png", tmp_path / "out", dataset=dataset)
    (row,) = rows_of(tmp_path / "out")
    assert row["dataset"] == f"{dataset}-corrupt"
    assert len(list((tmp_path / "out/media").iterdir())) == 1


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_an_image_that_did_not_change_has_no_distortion(tmp_path, kind):
    write_image(tmp_path / "in/colour.png")
    Image.fromarray(draw_image()[..., 0]).save(tmp_path / "in/grey.png")
    options = {"family": "vqa2", "corruption": "desaturation", "severity": "3", "format": kind}
    result = distort(tmp_path / "in", tmp_path / "out", **options)
    colour, grey = rows_of(tmp_path / "out")
    assert (colour["distortions"], colour["others"]) == (
        [{"name": "desaturation", "severity": 3}],
        [],
    )
    assert (grey["distortions"], grey["others"]) == ([], ["desaturation, unchanged"])
    assert result.report["unchanged"] == 1


def test_a_change_only_of_colour_has_an_ssim_of_one(tmp_path):
    with Image.open(find_photographs()["chelsea"]) as photograph:
        green = np.asarray(photograph.convert("RGB"))[..., 1]
    tinted = np.dstack(
        [green, green, np.minimum(green, 254) + 1]
    )  # by less than the rounding of luma
    (tmp_path / "in").mkdir()
    Image.fromarray(tinted).save(tmp_path / "in/a.png")
    distort(
        tmp_path / "in", tmp_path / "out", family="vqa2", corruption="desaturation", severity="5"
    )
    (row,) = rows_of(tmp_path / "out")
    assert row["psnr"] is not None
    assert row["ssim"] == 1


@pytest.mark.parametrize(
    ("width", "options", "most"),
    [
        (32_767, {"corruption": "contrast"}, "32,766"),
        (16_384, {"corruption": "contrast", "format": "webp"}, "16,383"),
        (65_501, {"family": "vqa2", "corruption": "noise", "format": "jpg"}, "65,500"),
    ],
)
def test_an_image_too_long_for_kernel_or_format_is_rejected(tmp_path, width, options, most):
    folder = image_folder(tmp_path / "in", count=1)
    Image.new("RGB", (width, 32)).save(folder / "strip.png")
    distort(folder, tmp_path / "out", **options)
    assert [row["source_path"] for row in rows_of(tmp_path / "out")] == ["p0.png"]
    (rejected,) = rejected_of(tmp_path / "out")
    assert rejected["reason"] == "too-large"
    assert f"expected at most {most} per side" in rejected["message"]


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_the_longest_strip_that_a_format_supports_is_written(tmp_path, format):  # noqa: A002
    write_image(tmp_path / "in/a.png", width=MAX_SIDES[format], height=32)
    distort(tmp_path / "in", tmp_path / "out", family="vqa2", corruption="noise", format=format)
    assert len(rows_of(tmp_path / "out")) == 1


def test_more_rejections_than_allowed_fail_the_run_and_keep_the_reasons(tmp_path):
    folder = image_folder(tmp_path / "in", count=2)
    (folder / "empty.png").touch()
    with pytest.raises(TooManyRejectedError, match=r"1 of 3 rows rejected .*empty-file"):
        distort(folder, tmp_path / "out", share=0.05)
    assert (tmp_path / "out/artifact.failed.parquet").is_file()


def test_an_image_over_the_limit_is_rejected_before_decoding(coco, tmp_path):
    with pytest.raises(InputError, match="too-many-pixels"):
        distort(coco, tmp_path / "out", max_pixels=64 * 48 - 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corruption": "gausian_noise"}, "Did you mean gaussian_noise"),
        ({"corruption": "random,fog"}, "'random' is not a corruption of family common"),
        ({"corruption": "fog", "family": "vqa2"}, "'fog' is not a corruption of family vqa2"),
        ({"engine": "imagecorruptions", "family": "vqa2"}, "expected --family common"),
    ],
)
def test_options_that_cannot_be_combined_are_rejected(coco, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        distort(coco, tmp_path / "out", **options)


def test_the_reference_engine_writes_other_file_names(coco, tmp_path):
    given = {"corruption": "contrast", "severity": "3"}
    distort(coco / "p0.png", tmp_path / "ours", **given)
    distort(coco / "p0.png", tmp_path / "theirs", engine="imagecorruptions", **given)
    ((ours,), (theirs,)) = rows_of(tmp_path / "ours"), rows_of(tmp_path / "theirs")
    assert ours["path"] != theirs["path"]
    assert theirs["engine"] == "imagecorruptions"
    assert ours["psnr"] == pytest.approx(theirs["psnr"], abs=0.5)


def test_the_command_reports_images_and_written(coco, tmp_path, capsys):
    from qbuild.cli.main import app

    app(["corrupt", str(coco), "-o", str(tmp_path / "o"), "--json"], standalone_mode=False)
    result = json.loads(capsys.readouterr().out)
    assert (result["images"], result["written"], result["rejected"]) == (9, 9, 0)
    assert result["output"] == str(tmp_path / "o")
