"""Pictures spoiled by seed: rows that tell all, the same bytes, bad pictures told and left out."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from images import draw_image, image_folder, write_image
from PIL import Image
from tables import rating_table, write_artifact

from qbuild.core.artifact.reader import Artifact
from qbuild.core.canonical import hash_file
from qbuild.core.engine.request import Request
from qbuild.core.engine.run import run
from qbuild.core.engine.stage import Runtime
from qbuild.core.errors import InputError, TooManyRejected, UsageError
from qbuild.media.distort.common import CORRUPTIONS, corrupt
from qbuild.media.images.read_write import MAX_SIDES
from qbuild.media.images.similarity import psnr, ssim
from qbuild.stages.corrupt import STAGE, CorruptOptions
from qbuild.stages.demo_media import find_photographs


def spoil(inputs, folder, limit=None, batch_rows=65_536, workers=1, share=1.0, roots=(), **options):
    runtime = Runtime(
        batch_rows=batch_rows, workers=workers, max_reject_share=share, media_roots=roots
    )
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    return run(Request(STAGE, CorruptOptions(**options), given, folder, runtime, limit))


def rows_of(folder):
    return Artifact.open(folder).table().to_pylist()


def rejected_of(folder):
    return Artifact.open(folder / "artifact.rejected.parquet").table().to_pylist()


def contents(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in files}


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    return image_folder(tmp_path_factory.mktemp("in") / "coco", count=9)


@pytest.fixture(scope="module")
def made(coco, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "spoiled"
    spoil(coco, folder, seed=3)
    return folder


def test_each_picture_gets_one_corruption_and_its_row_tells_how_to_make_it_again(coco, made):
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


def test_rows_name_source_hashes_and_a_synthetic_origin(coco, made):
    for row in rows_of(made):
        assert row["source_media_id"] == f"coco:{row['source_path']}"
        assert row["media_id"] == f"coco-corrupt:{row['path']}"
        assert "sha256:" + row["source_sha256"] == hash_file(coco / row["source_path"])
        assert "sha256:" + row["sha256"] == hash_file(made / "media" / row["path"])
        assert row["source"].startswith("synthetic")


@pytest.mark.parametrize(("batch_rows", "workers"), [(1, 1), (7, 1), (65_536, 2), (1, 2)])
def test_batches_and_workers_do_not_change_a_byte(coco, made, tmp_path, batch_rows, workers):
    spoil(coco, tmp_path / "again", seed=3, batch_rows=batch_rows, workers=workers)
    assert contents(tmp_path / "again") == contents(made)


def test_a_second_run_leaves_every_file_as_it_is(coco, tmp_path):
    spoil(coco, tmp_path / "out", limit=2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out/media").rglob("*.png")}
    spoil(coco, tmp_path / "out", limit=2)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_run_into_the_folder_sweeps_what_it_did_not_make(coco, tmp_path):
    spoil(coco, tmp_path / "out", limit=2, seed=1)
    spoil(coco, tmp_path / "out", limit=2, seed=2)
    names = {p.relative_to(tmp_path / "out/media").as_posix() for p in tmp_path.rglob("*.png")}
    assert names == {row["path"] for row in rows_of(tmp_path / "out")}


def test_all_by_all_makes_75_pictures_of_one(coco, tmp_path):
    result = spoil(coco / "p0.png", tmp_path / "all", corruption="all", severity="all")
    rows = rows_of(tmp_path / "all")
    assert {(row["corruption"], row["severity"]) for row in rows} == {
        (name, severity) for name in CORRUPTIONS for severity in range(1, 6)
    }
    assert (result.report["images"], result.report["written"]) == (1, 75)


def test_the_family_vqa2_labels_each_picture_with_its_distortion(coco, tmp_path):
    spoil(coco / "p0.png", tmp_path / "v", family="vqa2", corruption="all", severity="4")
    rows = rows_of(tmp_path / "v")
    assert len(rows) == 11
    for row in rows:
        name = row["corruption"].replace("-", " ")
        assert row["distortions"] == [{"name": name, "severity": 4}]
        assert row["others"] == []


def test_common_corruptions_outside_the_thirteen_say_so(coco, tmp_path):
    spoil(coco / "p0.png", tmp_path / "f", corruption="frost,contrast", severity="2")
    frost, contrast = rows_of(tmp_path / "f")
    assert (frost["distortions"], frost["others"]) == ([], ["frost"])
    assert contrast["distortions"] == [{"name": "low contrast", "severity": 2}]


def test_ratings_name_pictures_below_their_media_root_and_hand_on_split_and_licence(tmp_path):
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
    spoil(artifact, tmp_path / "o", roots=(f"set0={tmp_path / 'root'}",))
    assert [(r["split"], r["licence"]) for r in rows_of(tmp_path / "o")] == [
        ("train", "CC0"),
        ("test", "CC0"),
    ]


def test_the_pictures_of_one_run_can_be_spoiled_again(made, tmp_path):
    spoil(made, tmp_path / "twice", corruption="jpeg_compression", limit=2)
    for row in rows_of(tmp_path / "twice"):
        assert row["source_media_id"].startswith("coco-corrupt:")


def test_a_picture_spoiled_twice_is_not_said_to_lack_what_it_had_before(coco, tmp_path):
    how = {"family": "vqa2", "severity": "5", "limit": 2}
    spoil(coco, tmp_path / "once", corruption="noise", **how)
    spoil(tmp_path / "once", tmp_path / "twice", corruption="spatial-blur", **how)
    assert all(len(row["judged"]) == 11 for row in rows_of(tmp_path / "once"))
    assert all(row["judged"] == ["spatial blur"] for row in rows_of(tmp_path / "twice"))


def test_transparency_is_kept_and_a_grey_picture_comes_out_in_colour(tmp_path):
    alpha = np.dstack([draw_image(), np.full((48, 64, 1), 77, np.uint8)])
    (tmp_path / "in").mkdir()
    Image.fromarray(alpha).save(tmp_path / "in/alpha.png")
    Image.fromarray(draw_image()[..., 0]).save(tmp_path / "in/grey.png")
    spoil(tmp_path / "in", tmp_path / "out", corruption="gaussian_noise")
    made = {r["source_path"]: tmp_path / "out/media" / r["path"] for r in rows_of(tmp_path / "out")}
    with Image.open(made["alpha.png"]) as opened:
        assert opened.mode == "RGBA"
        assert (np.asarray(opened)[..., 3] == 77).all()
    with Image.open(made["grey.png"]) as opened:
        assert opened.mode == "RGB"


def test_metadata_are_not_handed_on_and_the_orientation_is_carried_out(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    write_image(tmp_path / "in/turned.jpg", exif=exif)
    for kind in ("png", "jpg", "webp"):
        spoil(tmp_path / "in", tmp_path / kind, corruption="contrast", format=kind)
        (row,) = rows_of(tmp_path / kind)
        data = (tmp_path / kind / "media" / row["path"]).read_bytes()
        assert b"secret" not in data
        with Image.open(io.BytesIO(data)) as opened:
            assert opened.size == (row["width"], row["height"]) == (48, 64)
            assert not opened.getexif()


def test_psnr_is_of_the_picture_as_written(coco, tmp_path):
    made = {}
    for quality in (30, 95):
        folder = tmp_path / str(quality)
        spoil(coco / "p0.png", folder, corruption="brightness", format="jpg", quality=quality)
        (made[quality],) = rows_of(folder)
    assert made[30]["psnr"] != made[95]["psnr"]
    assert made[30]["path"].endswith(".jpg")


def test_bad_pictures_are_rejected_by_type_and_the_rest_goes_on(tmp_path):
    folder = image_folder(tmp_path / "in", count=2)
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("no picture")
    cut = write_image(folder / "cut.jpg")
    cut.write_bytes(cut.read_bytes()[:-200])
    write_image(folder / "small.png", width=31, height=200)
    (folder / "copy.png").write_bytes((folder / "p0.png").read_bytes())
    (folder / "link.png").symlink_to(write_image(tmp_path / "outside.png"))
    spoil(folder, tmp_path / "out")
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


def test_a_picture_of_the_longest_name_gives_one_that_the_disk_can_hold(tmp_path):
    long = write_image(tmp_path / "in" / f"{'n' * 251}.png")
    spoil(long, tmp_path / "out", corruption="glass_blur", severity=3)
    (row,) = rows_of(tmp_path / "out")
    assert (row["source_path"], row["severity"]) == (long.name, 3)
    assert (tmp_path / "out/media" / row["path"]).is_file()


@pytest.mark.parametrize("dataset", [".", "a/", "a/b", "..", "2024"])
def test_a_dataset_named_by_signs_is_a_folder_of_its_own(coco, tmp_path, dataset):
    spoil(coco / "p0.png", tmp_path / "out", dataset=dataset)
    (row,) = rows_of(tmp_path / "out")
    assert row["dataset"] == f"{dataset}-corrupt"
    assert len(list((tmp_path / "out/media").iterdir())) == 1


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_a_picture_that_came_out_as_it_was_has_no_distortion(tmp_path, kind):
    write_image(tmp_path / "in/colour.png")
    Image.fromarray(draw_image()[..., 0]).save(tmp_path / "in/grey.png")
    how = {"family": "vqa2", "corruption": "desaturation", "severity": "3", "format": kind}
    result = spoil(tmp_path / "in", tmp_path / "out", **how)
    colour, grey = rows_of(tmp_path / "out")
    assert (colour["distortions"], colour["others"]) == (
        [{"name": "desaturation", "severity": 3}],
        [],
    )
    assert (grey["distortions"], grey["others"]) == ([], ["desaturation, unchanged"])
    assert result.report["unchanged"] == 1


def test_a_change_of_colour_alone_leaves_an_ssim_of_one(tmp_path):
    with Image.open(find_photographs()["chelsea"]) as photograph:
        green = np.asarray(photograph.convert("RGB"))[..., 1]
    tinted = np.dstack([green, green, np.minimum(green, 254) + 1])  # by less than luma rounds to
    (tmp_path / "in").mkdir()
    Image.fromarray(tinted).save(tmp_path / "in/a.png")
    spoil(tmp_path / "in", tmp_path / "out", family="vqa2", corruption="desaturation", severity="5")
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
def test_a_picture_too_long_for_kernel_or_format_is_rejected(tmp_path, width, options, most):
    folder = image_folder(tmp_path / "in", count=1)
    Image.new("RGB", (width, 32)).save(folder / "strip.png")
    spoil(folder, tmp_path / "out", **options)
    assert [row["source_path"] for row in rows_of(tmp_path / "out")] == ["p0.png"]
    (rejected,) = rejected_of(tmp_path / "out")
    assert rejected["reason"] == "too-large"
    assert f"expected at most {most} a side" in rejected["message"]


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_the_longest_strip_that_a_format_takes_is_written(tmp_path, format):  # noqa: A002
    write_image(tmp_path / "in/a.png", width=MAX_SIDES[format], height=32)
    spoil(tmp_path / "in", tmp_path / "out", family="vqa2", corruption="noise", format=format)
    assert len(rows_of(tmp_path / "out")) == 1


def test_more_rejections_than_allowed_fail_the_run_and_keep_the_reasons(tmp_path):
    folder = image_folder(tmp_path / "in", count=2)
    (folder / "empty.png").touch()
    with pytest.raises(TooManyRejected, match=r"1 of 3 rows rejected .*empty-file"):
        spoil(folder, tmp_path / "out", share=0.05)
    assert (tmp_path / "out/artifact.failed.parquet").is_file()


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(coco, tmp_path):
    with pytest.raises(InputError, match="too-many-pixels"):
        spoil(coco, tmp_path / "out", max_pixels=64 * 48 - 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corruption": "gausian_noise"}, "Did you mean gaussian_noise"),
        ({"corruption": "random,fog"}, "'random' is no corruption of family common"),
        ({"corruption": "fog", "family": "vqa2"}, "'fog' is no corruption of family vqa2"),
        ({"engine": "imagecorruptions", "family": "vqa2"}, "expected --family common"),
    ],
)
def test_options_that_do_not_fit_are_told(coco, tmp_path, options, message):
    with pytest.raises(UsageError, match=message):
        spoil(coco, tmp_path / "out", **options)


def test_the_reference_engine_makes_files_of_other_names(coco, tmp_path):
    given = {"corruption": "contrast", "severity": "3"}
    spoil(coco / "p0.png", tmp_path / "ours", **given)
    spoil(coco / "p0.png", tmp_path / "theirs", engine="imagecorruptions", **given)
    ((ours,), (theirs,)) = rows_of(tmp_path / "ours"), rows_of(tmp_path / "theirs")
    assert ours["path"] != theirs["path"]
    assert theirs["engine"] == "imagecorruptions"
    assert ours["psnr"] == pytest.approx(theirs["psnr"], abs=0.5)


def test_the_command_reports_images_and_written(coco, tmp_path, capsys):
    from qbuild.cli.main import app

    app(["corrupt", str(coco), "-o", str(tmp_path / "o"), "--json"], standalone_mode=False)
    said = json.loads(capsys.readouterr().out)
    assert (said["images"], said["written"], said["rejected"]) == (9, 9, 0)
    assert said["output"] == str(tmp_path / "o")
