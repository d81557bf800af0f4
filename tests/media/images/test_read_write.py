from __future__ import annotations

import struct
import zlib
from io import BytesIO

import cv2
import numpy as np
import pytest
from clips import draw_frame, make_clip, truncate
from PIL import Image

from qbuild.media.images.read_write import encode_image, image_format, read_image
from qbuild.media.unreadable import UnreadableMediaError

RGB = draw_frame(0, 60, 40)
GREY = RGB[..., 0]
ALPHA = np.tile(np.linspace(0, 255, 60).astype(np.uint8), (40, 1))


def save(path, pixels, **options):
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **options)
    return path


def mean_difference(a, b):
    return np.abs(a.astype(int) - b.astype(int)).mean()


def rejection_reason(path, **options):
    with pytest.raises(UnreadableMediaError) as rejected:
        read_image(path, **options)
    assert path.name in rejected.value.message
    return rejected.value.reason


def grey_of(image: np.ndarray) -> np.ndarray:
    assert (image == image[..., :1]).all()
    return image[..., 0]


def test_colours_are_read_unchanged(tmp_path):
    for name in ("a.png", "a.bmp", "a.tif", "a.ppm"):
        read = read_image(save(tmp_path / name, RGB))
        assert np.array_equal(read.pixels, RGB)
        assert (read.alpha, read.mode, read.pixels.dtype) == (None, "RGB", np.uint8)
        assert read.pixels.flags.c_contiguous


def test_grey_one_bit_and_palette_become_rgb(tmp_path):
    read = read_image(save(tmp_path / "l.png", GREY))
    assert (read.mode, np.array_equal(grey_of(read.pixels), GREY)) == ("L", True)
    read = read_image(save(tmp_path / "1.png", GREY > 128))
    assert (read.mode, np.array_equal(grey_of(read.pixels), (GREY > 128) * 255)) == ("1", True)
    palette = Image.fromarray(RGB).quantize(64)
    read = read_image(save(tmp_path / "p.png", palette))
    assert np.array_equal(read.pixels, np.asarray(palette.convert("RGB")))
    assert (read.mode, read.alpha) == ("P", None)


def test_transparency_is_kept_next_to_the_colours(tmp_path):
    rgba = np.dstack([RGB, ALPHA])
    read = read_image(save(tmp_path / "rgba.png", rgba))
    assert np.array_equal(np.dstack([read.pixels, read.alpha]), rgba)
    read = read_image(save(tmp_path / "la.png", np.dstack([GREY, ALPHA])))
    assert read.mode == "LA"
    assert np.array_equal(grey_of(read.pixels), GREY)
    assert np.array_equal(read.alpha, ALPHA)
    indexed = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2), mode=None)
    indexed = indexed.convert("P")
    indexed.putpalette([10, 20, 30] * 4)
    read = read_image(save(tmp_path / "p.png", indexed, transparency=bytes([0, 99, 255, 255])))
    assert (read.mode, read.alpha.ravel().tolist()) == ("P", [0, 99, 255, 255])


def test_cmyk_and_ycbcr_are_converted_to_rgb(tmp_path):
    flat = np.full((40, 60, 3), (200, 120, 40), np.uint8)
    read = read_image(save(tmp_path / "c.jpg", Image.fromarray(flat).convert("CMYK")))
    assert read.mode == "CMYK"
    assert mean_difference(read.pixels, flat) < 3
    tiff = save(tmp_path / "y.tif", Image.fromarray(flat).convert("YCbCr"), compression=None)
    assert mean_difference(read_image(tiff).pixels, flat) < 3


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 2400).astype(np.uint16).reshape(40, 60)
    expected = np.round(values / 257)
    for name in ("g.png", "g.tif"):
        read = read_image(save(tmp_path / name, values))
        assert read.mode.startswith("I;16")
        assert np.array_equal(grey_of(read.pixels), expected)
    colour = np.dstack([values, values[::-1], values // 2, values[:, ::-1]])
    for channels, order in ((3, [2, 1, 0]), (4, [2, 1, 0, 3])):
        path = tmp_path / f"{channels}.png"
        cv2.imwrite(str(path), colour[..., order])
        read = read_image(path)
        assert read.mode == "RGB;16"
        assert np.array_equal(read.pixels, np.round(colour[..., :3] / 257))
    assert np.array_equal(read.alpha, np.round(colour[..., 3] / 257))


def test_32_bit_values_are_rejected(tmp_path):
    assert rejection_reason(save(tmp_path / "f.tif", GREY.astype(np.float32))) == "unsupported-mode"
    assert rejection_reason(save(tmp_path / "i.tif", GREY.astype(np.int32))) == "unsupported-mode"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.png", "a.tif"):
        save(tmp_path / name, RGB, exif=exif)
        from PIL import ImageOps

        with Image.open(tmp_path / name) as image:
            expected = np.asarray(ImageOps.exif_transpose(image))
        assert np.array_equal(read_image(tmp_path / name).pixels, expected)


@pytest.mark.parametrize("name", ["a.gif", "a.webp"])
def test_the_first_frame_of_an_animation_is_read(tmp_path, name):
    first = Image.fromarray(np.full((40, 60, 3), 250, np.uint8))
    second = Image.fromarray(np.zeros((40, 60, 3), np.uint8))
    first.save(tmp_path / name, save_all=True, append_images=[second], duration=100)
    assert read_image(tmp_path / name).pixels.min() > 240


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.tif", "a.webp"])
def test_an_image_cut_in_half_is_rejected(tmp_path, name):
    complete = save(tmp_path / name, draw_frame(0, 300, 200))
    assert rejection_reason(truncate(complete, 0.5)) in {"truncated", "damaged", "not-a-picture"}


def test_a_truncated_jpeg_and_damaged_bytes_have_reasons_of_their_own(tmp_path):
    assert (
        rejection_reason(truncate(save(tmp_path / "a.jpg", draw_frame(0, 300, 200)), 0.5))
        == "truncated"
    )
    path = save(tmp_path / "a.png", RGB)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    assert rejection_reason(path) == "damaged"


def test_a_file_that_is_not_an_image_is_rejected_with_its_reason(tmp_path):
    (tmp_path / "text.png").write_text("words, not pixels")
    (tmp_path / "empty.png").write_bytes(b"")
    assert rejection_reason(tmp_path / "text.png") == "not-a-picture"
    assert rejection_reason(tmp_path / "empty.png") == "empty-file"
    assert rejection_reason(tmp_path / "gone.png") == "missing-file"
    assert rejection_reason(tmp_path) == "not-a-file"
    assert rejection_reason(make_clip(tmp_path / "clip.png.mp4")) == "not-a-picture"


def bomb(path, side):
    """A PNG whose header declares side x side pixels but that holds none."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_a_header_bomb_is_rejected_before_decoding(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    for side in (10_000, 60_000):  # Pillow warns about the first and rejects the second
        assert rejection_reason(bomb(tmp_path / "bomb.png", side)) == "too-many-pixels"
    assert before == Image.MAX_IMAGE_PIXELS
    assert rejection_reason(save(tmp_path / "a.png", RGB), max_pixels=2399) == "too-many-pixels"


def test_the_format_is_that_of_the_content(tmp_path):
    save(tmp_path / "a.png", RGB, format="JPEG")
    assert image_format(tmp_path / "a.png") == "jpeg"
    assert image_format(make_clip(tmp_path / "a.mp4")) is None


def test_png_keeps_every_pixel_and_its_alpha(tmp_path):
    for alpha in (None, ALPHA):
        (tmp_path / "a.png").write_bytes(encode_image(RGB, alpha, "png", 0))
        read = read_image(tmp_path / "a.png")
        assert np.array_equal(read.pixels, RGB)
        assert np.array_equal(read.alpha, alpha) if alpha is not None else read.alpha is None


def test_jpg_keeps_full_colour_resolution_and_blends_alpha_onto_black():
    data = encode_image(RGB, ALPHA, "jpg", 95)
    with Image.open(BytesIO(data)) as image:
        assert image.layer[0][1:3] == image.layer[1][1:3]  # chroma has the resolution of luma
        expected = RGB * (ALPHA[..., None] / 255)
        assert mean_difference(np.asarray(image), expected) < 2


def test_webp_keeps_alpha(tmp_path):
    (tmp_path / "a.webp").write_bytes(encode_image(RGB, ALPHA, "webp", 90))
    read = read_image(tmp_path / "a.webp")
    assert mean_difference(read.alpha, ALPHA) < 1
    assert mean_difference(read.pixels[:, 30:], RGB[:, 30:]) < 10


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_the_bytes_are_reproducible_and_hold_no_metadata(kind):
    data = encode_image(RGB, None, kind, 90)
    assert data == encode_image(RGB.copy(), None, kind, 90)
    with Image.open(BytesIO(data)) as image:
        assert not image.getexif()
        assert set(image.info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "loop",
            "background",
            "timestamp",
            "duration",
        }


@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_in_one_block_share_pillows_memory(tmp_path, channels):
    expected = draw_frame(1, 60, 40) if channels == 3 else np.dstack([RGB, ALPHA])
    path = save(tmp_path / "a.png", expected)
    read = read_image(path)
    for _ in range(5):
        read_image(save(tmp_path / "b.png", 255 - expected))  # reuses memory that was freed
    assert read.buffer.shape == (40, 60, 4)
    assert not read.buffer.flags.writeable
    assert np.array_equal(read.buffer[..., :channels], expected)
    assert np.array_equal(read.pixels, expected[..., :3])


def test_an_image_that_pillow_keeps_in_several_blocks_is_copied(tmp_path):
    expected = np.tile(draw_frame(1, 512, 512), (5, 5, 1))
    read = read_image(save(tmp_path / "a.bmp", expected))
    assert read.buffer.shape == expected.shape
    assert np.array_equal(read.pixels, expected)
