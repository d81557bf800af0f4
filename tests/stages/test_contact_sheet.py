from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from running import run_stage

from qbuild.core.errors import InputError, UsageError
from qbuild.media.distort.contact_sheet import draw_sheet, grid_for
from qbuild.media.distort.parameters import NAMES
from qbuild.stages.contact_sheet import SHEET, STAGE, ContactSheetOptions
from qbuild.stages.demo_media import find_photographs


@pytest.fixture
def image(tmp_path):
    """A photograph of 180 x 120 pixels as a PNG file."""
    path = tmp_path / "coffee.png"
    with Image.open(find_photographs()["coffee"]) as opened:
        opened.convert("RGB").resize((180, 120)).save(path)
    return path


def draw(inputs, output, **options):
    return run_stage(STAGE, inputs, output, **options)


def pixels(path):
    with Image.open(path) as opened:
        assert opened.format == "PNG"
        return np.asarray(opened.convert("RGB"))


def test_the_folder_holds_the_sheet_and_its_description(image, tmp_path):
    result = draw([image], tmp_path / "out", cell=48)
    names = {path.name for path in (tmp_path / "out").iterdir() if path.name[0] != "."}
    assert names == {"contact-sheet.png", "qbuild.json"}
    assert result.complete
    width, height = grid_for(48, 32, NAMES["common"], 48).size
    assert pixels(tmp_path / "out" / SHEET).shape == (height, width, 3)
    assert result.report == {"family": "common", "file": SHEET, "width": width, "height": height}
    assert STAGE.render is not None
    line = f"contact-sheet.png: family common, {width} x {height} pixels"
    assert STAGE.render(result.report) == line


def test_the_same_image_and_options_give_the_same_bytes(image, tmp_path):
    for folder in ("one", "two"):
        draw([image], tmp_path / folder, cell=48, seed=3)
    for name in (SHEET, "qbuild.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_seed_draws_another_sheet(image, tmp_path):
    for seed in (0, 1):
        draw([image], tmp_path / str(seed), cell=48, family="vqa2", seed=seed)
    assert (tmp_path / "0" / SHEET).read_bytes() != (tmp_path / "1" / SHEET).read_bytes()


@pytest.mark.parametrize("family", ["common", "vqa2"])
def test_the_sheet_is_that_of_its_family(image, tmp_path, family):
    draw([image], tmp_path / "out", cell=40, family=family, seed=2)
    wanted = draw_sheet(pixels(image), family, 2, 40)
    assert np.array_equal(pixels(tmp_path / "out" / SHEET), wanted)


def test_transparency_is_ignored(image, tmp_path):
    with Image.open(image) as opened:
        opened.putalpha(90)
        opened.save(tmp_path / "glass.png")
    draw([image], tmp_path / "opaque", cell=40, family="vqa2")
    draw([tmp_path / "glass.png"], tmp_path / "glass", cell=40, family="vqa2")
    assert (tmp_path / "opaque" / SHEET).read_bytes() == (tmp_path / "glass" / SHEET).read_bytes()


def test_a_large_jpeg_of_the_published_data_is_drawn(data_folder, tmp_path):
    draw([data_folder / "images/koniq_2415943373.jpg"], tmp_path / "out", family="vqa2", cell=64)
    assert pixels(tmp_path / "out" / SHEET).shape[1] > 6 * 64


@pytest.mark.parametrize("count", [0, 2])
def test_any_number_of_inputs_other_than_one_is_a_usage_error(image, tmp_path, count):
    with pytest.raises(UsageError, match=f"{count} inputs given; expected"):
        draw([image] * count, tmp_path / "out")
    assert not (tmp_path / "out" / SHEET).exists()


def truncated(path, kind, share):
    """The first share of the image's file in that format."""
    stream = io.BytesIO()
    with Image.open(path) as opened:
        opened.save(stream, kind)
    return stream.getvalue()[: int(len(stream.getvalue()) * share)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_file_is_rejected_by_name_and_reason(image, tmp_path, kind):
    broken = tmp_path / "broken.img"
    broken.write_bytes(truncated(image, kind, 0.5))
    with pytest.raises(InputError, match=r"broken\.img: truncated: .*Give another"):
        draw([broken], tmp_path / "out")


def test_text_and_folders_are_rejected_by_name_and_reason(tmp_path):
    (tmp_path / "notes.png").write_text("not an image")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"notes\.png: not-a-picture"):
        draw([tmp_path / "notes.png"], tmp_path / "out")
    with pytest.raises(InputError, match="folder: not-a-file"):
        draw([tmp_path / "folder"], tmp_path / "out")


@pytest.mark.parametrize(
    ("size", "message"),
    [((40, 20), "40 x 20 pixels; expected at least 32 per side"), ((900, 40), "16 times as long")],
)
def test_an_image_too_small_or_too_long_is_rejected_by_name(tmp_path, size, message):
    Image.new("RGB", size).save(tmp_path / "odd.png")
    with pytest.raises(InputError, match=rf"odd\.png: .*{message}") as caught:
        draw([tmp_path / "odd.png"], tmp_path / "out")
    assert str(caught.value).endswith("Give another image.")


@pytest.mark.parametrize("options", [{"cell": 31}, {"cell": 513}, {"seed": -1}, {"family": "x"}])
def test_options_out_of_bounds_are_rejected(options):
    with pytest.raises(ValidationError):
        ContactSheetOptions(**options)
