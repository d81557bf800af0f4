"""A picture as a viewer shows it, whatever its file holds, and the bytes of a picture to write."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from qbuild.media.unreadable import UnreadableMediaError, check_pixels, file_size

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]

MAX_PIXELS = 64_000_000  # twice what most telephones take; a 10,000 x 10,000 header bomb is beyond

# What Pillow may try: pictures that say what they are. EPS would start a program, MPEG is a video.
FORMATS = (
    "AVIF",
    "BMP",
    "DIB",
    "GIF",
    "ICO",
    "JPEG",
    "JPEG2000",
    "PNG",
    "PPM",
    "TIFF",
    "WEBP",
)
# px a side of what is written: libjpeg's and libwebp's own limits
MOST_SIDE_OF: dict[str, int | None] = {"png": None, "jpg": 65_500, "webp": 16_383}
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")  # 16-bit grey
_TURNS = {3: 2, 6: 3, 8: 1, 4: 2, 5: 3, 7: 1}  # quarter turns anticlockwise for an EXIF orientation
_header = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """What a viewer shows, EXIF orientation applied; a colour profile is not.

    stored is uint8 [h, w, 3], RGB, or [h, w, 4] whose fourth place is alpha or, without has_alpha,
    nothing; it may be read-only, the decoder's own memory. mode is what the file has, in Pillow's
    words (RGB, L, P, CMYK, I;16) or RGB;16 and the like.
    """

    stored: Pixels
    has_alpha: bool
    mode: str

    @cached_property
    def pixels(self) -> Pixels:
        """RGB, uint8 [h, w, 3], not multiplied by alpha."""
        if self.stored.shape[2] == 3:
            return np.ascontiguousarray(self.stored)
        import cv2

        return np.asarray(cv2.cvtColor(self.stored, cv2.COLOR_RGBA2RGB), dtype=np.uint8)

    @cached_property
    def alpha(self) -> Pixels | None:
        """uint8 [h, w], 255 is opaque."""
        return np.ascontiguousarray(self.stored[..., 3]) if self.has_alpha else None


def read_picture(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file, the first one of an animation.

    Raises UnreadableMediaError for whatever else it is, cut off, damaged or too large: the size
    is taken from the header, before anything is decoded.
    """
    file_size(path)
    with _opened(path) as image:
        check_pixels(path.name, image.width, image.height, max_pixels)
        mode = "RGB;16" if _is_deep_colour(path) else image.mode
        try:
            image.load()
            orientation = image.getexif().get(0x0112, 1)  # after load: TIFF is turned by then
            has_alpha, pixels = (
                _deep_colour(path) if mode == "RGB;16" else _decoded(image, path.name)
            )
        except UnreadableMediaError:
            raise
        except Exception as error:  # Pillow's plug-ins raise what their parsers happen to raise
            raise _refusal(path, error) from error
    return Picture(_turned(pixels, orientation), has_alpha, mode)


def picture_format(path: Path) -> str | None:
    """What kind of picture the content is, such as png or jpeg; None where it is no picture."""
    try:
        with _opened(path) as image:
            name = str(image.format).lower()
    except UnreadableMediaError as error:
        if error.reason == "not-a-picture":
            return None
        raise
    return {"mpo": "jpeg", "dib": "bmp"}.get(name, name)


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """The picture with its header read; the limit on pixels is ours alone, not Pillow's as well.

    Nor does Pillow warn: what it doubts and decodes counts as read.
    """
    from PIL import Image, UnidentifiedImageError

    warnings.filterwarnings("ignore", module=r"PIL\.")
    with _header:
        Image.init()  # the plug-ins of FORMATS
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(path, formats=[kind for kind in FORMATS if kind in Image.OPEN])
        except UnidentifiedImageError as error:
            message = f"{path.name} is no picture that can be read; expected PNG, JPEG or the like"
            raise UnreadableMediaError("not-a-picture", message) from error
        except Exception as error:  # as in read_picture
            raise _refusal(path, error) from error
        finally:
            Image.MAX_IMAGE_PIXELS = before
    with image:
        yield image


def _refusal(path: Path, error: Exception) -> UnreadableMediaError:
    cut = "truncat" in str(error).lower() or isinstance(error, EOFError)
    what = "is cut off" if cut else "cannot be decoded"
    return UnreadableMediaError(
        "truncated" if cut else "damaged", f"{path.name} {what} ({_first_line(error)})"
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _decoded(image: Image, name: str) -> tuple[bool, Pixels]:
    """Whether there is alpha, and pixels [h, w, 3 or 4] as they lie in the file."""
    if image.mode in DEEP or (image.mode == "I" and image.format == "PNG"):
        return False, _as_rgb(_eight_bits(np.asarray(image).astype(np.uint16)))
    if image.mode in {"I", "F"}:
        raise UnreadableMediaError(
            "unsupported-mode",
            f"{name} holds 32-bit values ({image.mode}) whose white is not stated; "
            "expected 8 or 16 bits a channel",
        )
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return mode == "RGBA", _memory(image if image.mode == mode else image.convert(mode))


def _memory(image: Image) -> Pixels:
    """The pixels of an RGB or RGBA image, four bytes each, where Pillow has them.

    A copy would cost as much as decoding where memory is new to the process. A picture that Pillow
    keeps in several blocks, beyond 4 million pixels, is copied: [h, w, 3] of RGB.
    """
    import pyarrow as pa

    try:
        shared: Any = pa.array(image)  # type: ignore[call-overload] # its stubs ask for more
    except ValueError:
        return np.asarray(image)
    pixels: Any = np.from_dlpack(shared.values)  # to_numpy would import pandas
    return np.asarray(pixels, dtype=np.uint8).reshape(image.height, image.width, 4)


def _eight_bits(deep: npt.NDArray[Any]) -> Pixels:
    """65,535 becomes 255, to the nearest; Pillow's own conversion of grey clips at 255."""
    return ((deep.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _as_rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey[..., None], 3, axis=2)


def _is_deep_colour(path: Path) -> bool:
    """Whether it is a PNG of 16 bits a channel with colour or alpha: Pillow drops the low bytes."""
    with path.open("rb") as file:
        head = file.read(26)
    return head[:8] == b"\x89PNG\r\n\x1a\n" and head[24:25] == b"\x10" and head[25] in {2, 4, 6}


def _deep_colour(path: Path) -> tuple[bool, Pixels]:
    import cv2

    deep = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16:
        raise UnreadableMediaError("damaged", f"{path.name} cannot be decoded as 16-bit PNG")
    if deep.ndim == 2:
        return False, _as_rgb(_eight_bits(deep))
    places = deep.shape[2]
    return places == 4, _eight_bits(deep)[..., [2, 1, 0, 3][:places]]


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Upright pixels: quarter turns first, then the mirror of orientations 2, 4, 5 and 7."""
    pixels = np.rot90(pixels, _TURNS.get(orientation, 0))
    return pixels[:, ::-1] if orientation in {2, 4, 5, 7} else pixels


def encode_picture(
    pixels: Pixels,
    alpha: Pixels | None,
    format: Literal["png", "jpg", "webp"],  # noqa: A002 - what Pillow and OpenCV call it
    quality: int = 95,
) -> bytes:
    """The bytes of a file without metadata, the same for the same pixels.

    pixels is uint8 [h, w, 3] RGB, alpha uint8 [h, w]: kept by png and webp, laid on black for jpg.
    quality is 1 to 100, for jpg (4:4:4) and webp; png is lossless.
    """
    if format == "png":
        return _png(pixels, alpha)
    if format == "jpg":
        return _saved(_on_black(pixels, alpha), "JPEG", quality=quality, subsampling=0)
    whole = pixels if alpha is None else np.dstack([pixels, alpha])
    return _saved(whole, "WEBP", quality=quality)


def _png(pixels: Pixels, alpha: Pixels | None) -> bytes:
    """Level 1 with the filter Sub: 2 to 7 times faster than zlib's level 6, about as small."""
    import cv2

    order = cv2.COLOR_RGB2BGR if alpha is None else cv2.COLOR_RGBA2BGRA
    whole = pixels if alpha is None else np.dstack([pixels, alpha])
    flags = [cv2.IMWRITE_PNG_COMPRESSION, 1]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12; the filter is Sub before it
        flags += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB]
    _, data = cv2.imencode(".png", cv2.cvtColor(whole, order), flags)
    return data.tobytes()


def _on_black(pixels: Pixels, alpha: Pixels | None) -> Pixels:
    if alpha is None:
        return pixels
    product = pixels.astype(np.uint16) * alpha[..., None]
    return ((product + 127) // 255).astype(np.uint8)


def _saved(pixels: Pixels, kind: str, **options: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    place = BytesIO()
    Image.fromarray(pixels).save(place, kind, **options)
    return place.getvalue()
