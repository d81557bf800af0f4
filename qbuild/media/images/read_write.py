"""Read images as a viewer shows them, and encode images to files."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from qbuild.media.unreadable import UnreadableMediaError, check_pixels, file_size

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]

MAX_PIXELS = 64_000_000  # twice that of most phone cameras; below a 10,000 x 10,000 header bomb

# The formats that Pillow may try. EPS would start a program, MPEG is a video.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# longest side of written images in pixels: the limits of libjpeg and libwebp
MAX_SIDES: dict[str, int | None] = {"png": None, "jpg": 65_500, "webp": 16_383}
MODES_16_BIT = ("I;16", "I;16L", "I;16B", "I;16N")  # grey
# anticlockwise quarter turns of each EXIF orientation
_TURNS = {3: 2, 6: 3, 8: 1, 4: 2, 5: 3, 7: 1}
_header_lock = threading.Lock()


@dataclass(frozen=True)
class DecodedImage:
    """An image with its EXIF orientation applied and its colour profile ignored.

    buffer is uint8 [h, w, 3], RGB, or [h, w, 4] whose fourth channel is alpha or, without
    has_alpha, undefined; it may be read-only memory of the decoder. mode is that of the file, by
    Pillow's names (RGB, L, P, CMYK, I;16) or RGB;16.
    """

    buffer: Pixels
    has_alpha: bool
    mode: str

    @cached_property
    def pixels(self) -> Pixels:
        """RGB, uint8 [h, w, 3], not premultiplied by alpha."""
        if self.buffer.shape[2] == 3:
            return np.ascontiguousarray(self.buffer)
        import cv2

        return np.asarray(cv2.cvtColor(self.buffer, cv2.COLOR_RGBA2RGB), dtype=np.uint8)

    @cached_property
    def alpha(self) -> Pixels | None:
        """uint8 [h, w], 255 is opaque; None without alpha."""
        return np.ascontiguousarray(self.buffer[..., 3]) if self.has_alpha else None


def read_image(path: Path, max_pixels: int = MAX_PIXELS) -> DecodedImage:
    """Read the image in a file, the first frame of an animation.

    Raises UnreadableMediaError for other content, a truncated or damaged file, or an image that is
    too large: the size is checked in the header, before decoding.
    """
    file_size(path)
    with _open_image(path) as image:
        check_pixels(path.name, image.width, image.height, max_pixels)
        mode = "RGB;16" if _is_16_bit_png(path) else image.mode
        try:
            image.load()
            orientation = image.getexif().get(0x0112, 1)  # after load, which rotates TIFF
            has_alpha, pixels = (
                _decode_16_bit_png(path) if mode == "RGB;16" else _decode(image, path.name)
            )
        except UnreadableMediaError:
            raise
        except Exception as error:  # Pillow's plug-ins raise errors of any type
            raise _decoding_error(path, error) from error
    return DecodedImage(_apply_orientation(pixels, orientation), has_alpha, mode)


def image_format(path: Path) -> str | None:
    """The format of the content, such as png or jpeg; None if it is not an image."""
    try:
        with _open_image(path) as image:
            name = str(image.format).lower()
    except UnreadableMediaError as error:
        if error.reason == "not-a-picture":
            return None
        raise
    return {"mpo": "jpeg", "dib": "bmp"}.get(name, name)


@contextmanager
def _open_image(path: Path) -> Iterator[Image]:
    """Open an image and read its header, without Pillow's own limit on pixels and its warnings."""
    from PIL import Image, UnidentifiedImageError

    warnings.filterwarnings("ignore", module=r"PIL\.")
    with _header_lock:
        Image.init()  # the plug-ins of FORMATS
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(path, formats=[kind for kind in FORMATS if kind in Image.OPEN])
        except UnidentifiedImageError as error:
            message = f"{path.name} is not a readable image; expected PNG, JPEG or a similar format"
            raise UnreadableMediaError("not-a-picture", message) from error
        except Exception as error:  # as in read_image
            raise _decoding_error(path, error) from error
        finally:
            Image.MAX_IMAGE_PIXELS = before
    with image:
        yield image


def _decoding_error(path: Path, error: Exception) -> UnreadableMediaError:
    truncated = "truncat" in str(error).lower() or isinstance(error, EOFError)
    reason, what = ("truncated", "is truncated") if truncated else ("damaged", "cannot be decoded")
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    return UnreadableMediaError(reason, f"{path.name} {what} ({first_line})")


def _decode(image: Image, name: str) -> tuple[bool, Pixels]:
    """Whether the image has alpha, and its pixels [h, w, 3 or 4] before the EXIF orientation."""
    if image.mode in MODES_16_BIT or (image.mode == "I" and image.format == "PNG"):
        return False, _grey_to_rgb(_to_8_bits(np.asarray(image).astype(np.uint16)))
    if image.mode in {"I", "F"}:
        raise UnreadableMediaError(
            "unsupported-mode",
            f"{name} holds 32-bit values ({image.mode}) without a defined white level; "
            "expected 8 or 16 bits per channel",
        )
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return mode == "RGBA", _pixel_memory(image if image.mode == mode else image.convert(mode))


def _pixel_memory(image: Image) -> Pixels:
    """Pillow's own memory of an RGB or RGBA image, [h, w, 4], without a copy.

    A copy into newly allocated memory would take as long as decoding. An image that Pillow keeps
    in several blocks, beyond 4 million pixels, is copied: [h, w, 3] for RGB.
    """
    import pyarrow as pa

    try:
        shared: Any = pa.array(image)  # type: ignore[call-overload] # not in its stubs
    except ValueError:
        return np.asarray(image)
    pixels: Any = np.from_dlpack(shared.values)  # to_numpy would import pandas
    return np.asarray(pixels, dtype=np.uint8).reshape(image.height, image.width, 4)


def _to_8_bits(values: npt.NDArray[Any]) -> Pixels:
    """Scale 65,535 to 255, rounding to nearest; Pillow's own conversion of grey clips at 255."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _grey_to_rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey[..., None], 3, axis=2)


def _is_16_bit_png(path: Path) -> bool:
    """Whether a file is a 16-bit PNG with colour or alpha, of which Pillow drops the low bytes."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[24:25] == b"\x10" and head[25] in {2, 4, 6}


def _decode_16_bit_png(path: Path) -> tuple[bool, Pixels]:
    import cv2

    values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise UnreadableMediaError("damaged", f"{path.name} cannot be decoded as 16-bit PNG")
    if values.ndim == 2:
        return False, _grey_to_rgb(_to_8_bits(values))
    channels = values.shape[2]
    return channels == 4, _to_8_bits(values)[..., [2, 1, 0, 3][:channels]]


def _apply_orientation(pixels: Pixels, orientation: int) -> Pixels:
    """Rotate by quarter turns, then mirror for orientations 2, 4, 5 and 7."""
    pixels = np.rot90(pixels, _TURNS.get(orientation, 0))
    return pixels[:, ::-1] if orientation in {2, 4, 5, 7} else pixels


def check_rgb(pixels: Any) -> None:
    """Raise ValueError unless pixels are a numpy array, uint8 `[h, w, 3]`."""
    if not isinstance(pixels, np.ndarray):
        raise ValueError(f"pixels {type(pixels).__name__}; expected uint8 [height, width, 3]")  # noqa: TRY004
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        shape = list(pixels.shape)
        raise ValueError(f"pixels {pixels.dtype} {shape}; expected uint8 [height, width, 3]")


def encode_image(
    pixels: Pixels,
    alpha: Pixels | None,
    format: Literal["png", "jpg", "webp"],  # noqa: A002 - as in Pillow and OpenCV
    quality: int = 95,
) -> bytes:
    """Encode an image without metadata; the same pixels give the same bytes.

    pixels is uint8 [h, w, 3] RGB, alpha uint8 [h, w]: kept by png and webp, blended onto black for
    jpg. quality is 1 to 100, for jpg (4:4:4) and webp; png is lossless.
    """
    if format == "png":
        return _encode_png(pixels, alpha)
    if format == "jpg":
        opaque = _blend_on_black(pixels, alpha)
        return _encode_by_pillow(opaque, "JPEG", quality=quality, subsampling=0)
    channels = pixels if alpha is None else np.dstack([pixels, alpha])
    return _encode_by_pillow(channels, "WEBP", quality=quality)


def _encode_png(pixels: Pixels, alpha: Pixels | None) -> bytes:
    """Level 1 with the filter Sub: 2 to 7 times faster than zlib's level 6, similar size."""
    import cv2

    order = cv2.COLOR_RGB2BGR if alpha is None else cv2.COLOR_RGBA2BGRA
    channels = pixels if alpha is None else np.dstack([pixels, alpha])
    flags = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12; the filter is Sub before it
        flags += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
    _, data = cv2.imencode(".png", cv2.cvtColor(channels, order), flags)
    return data.tobytes()


def _blend_on_black(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    if alpha is None:
        return pixels
    product = pixels.astype(np.uint16) * alpha[..., None]
    return ((product + 127) // 255).astype(np.uint8)


def _encode_by_pillow(pixels: Pixels, kind: str, **options: int) -> bytes:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()
