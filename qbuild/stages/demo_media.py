"""Make distorted images of known strength with SYNTHETIC scores.

The photographs come from the installed packages scikit-image and scikit-learn; nothing is
downloaded. Each is shrunk, then written clean and distorted by each kind at each strength: blur
(Gaussian, standard deviation in pixels) and noise (white Gaussian, standard deviation in grey
levels) as PNG, jpeg (compression, quality) as the JPEG file itself. With `--crops`, squares of each
photograph are written instead, each mirrored, turned and recoloured at random and with one
distortion.

No human rated these images. With s the strength, 0 for the clean image, and u in [0, 1) drawn from
the seed and the image's name, mos = 90 - 15 s + 10 (u - 0.5) on a scale of 0 to 100.

Reads nothing; writes `rating` rows of dataset `synthetic-demo` and the images they name. All images
of one scene are in one split.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pydantic import Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import media_id, row_seed
from qbuild.core.engine.stage import Inputs, Options, Output, Reads, Stage
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import MissingPartError, raise_all
from qbuild.core.inspect.environment import DEMO, install_hint

if TYPE_CHECKING:
    from PIL.Image import Image

DATASET = "synthetic-demo"
SOURCE = "synthetic: score computed from the strength of the distortion, no human rated it"
TEST_SCENES = 2
CANDIDATES = 4  # squares of which a crop is the one with the most detail
CROPPED_FROM = 6  # longest side of a photograph before it is cropped, in sides of a crop

PACKAGES = {"skimage": "scikit-image", "sklearn": "scikit-learn"}  # import name, distribution

# In the units above: strength 1 is just visible at 320 pixels, strength 5 hides most detail.
STRENGTHS: dict[str, tuple[float, float, float, float, float]] = {
    "blur": (0.7, 1.3, 2.2, 3.6, 6.0),
    "jpeg": (50, 28, 16, 9, 4),
    "noise": (6, 12, 22, 38, 64),
}


@dataclass(frozen=True)
class Photograph:
    """An image file in an installed package; images of one scene are in one split."""

    name: str
    scene: str
    file: str
    licence: str


# Licences from skimage/data/_fetchers.py and sklearn/datasets/images/README.txt; the latter names
# danielbuechele for the flower as well, but links to the page of vultilion.
_STEREO = "no licence stated (Middlebury stereo benchmark 2014)"
PHOTOGRAPHS = (
    Photograph("astronaut", "astronaut", "skimage/data/astronaut.png", "public domain (NASA)"),
    Photograph("chelsea", "chelsea", "skimage/data/chelsea.png", "CC0 (Stefan van der Walt)"),
    Photograph("coffee", "coffee", "skimage/data/coffee.png", "CC0 (Rachel Michetti)"),
    Photograph("rocket", "rocket", "skimage/data/rocket.jpg", "public domain (SpaceX)"),
    Photograph("motorcycle-left", "motorcycle", "skimage/data/motorcycle_left.png", _STEREO),
    Photograph("motorcycle-right", "motorcycle", "skimage/data/motorcycle_right.png", _STEREO),
    Photograph("china", "china", "sklearn/datasets/images/china.jpg", "CC BY 2.0 (danielbuechele)"),
    Photograph("flower", "flower", "sklearn/datasets/images/flower.jpg", "CC BY 2.0 (vultilion)"),
)


class DemoMediaOptions(Options):
    """Number, size and seed of the images."""

    seed: int = Field(default=0, ge=0, description="Seed of noise, scores and split.")
    size: int = Field(
        default=320,
        ge=32,
        le=2048,
        description="Longest side in pixels; images are never enlarged.",
    )
    strengths: int = Field(
        default=5, ge=1, le=5, description="Strengths per kind, from the weakest."
    )
    crops: int = Field(
        default=0,
        ge=0,
        le=10_000,
        description="Squares per photograph, each with one distortion; 0: whole photographs.",
    )


@dataclass(frozen=True)
class Variant:
    """One image to make: its photograph, its distortion, and its number there from 1."""

    photograph: Photograph
    kind: str
    strength: int
    number: int
    is_crop: bool = False

    @property
    def amount(self) -> float:
        """The parameter of its kind at its strength."""
        return STRENGTHS[self.kind][self.strength - 1]

    def path(self, seed: int, size: int) -> str:
        """Its file name, which contains everything that determines the file's bytes."""
        return self._name(f"{size}px-s{seed}")

    def seed_key(self, seed: int) -> str:
        """The key from which its noise and its score are drawn; independent of the size."""
        return self._name(f"s{seed}")

    def _name(self, end: str) -> str:
        suffix = "jpg" if self.kind == "jpeg" else "png"
        end = f"crop{self.number}-{end}" if self.is_crop else end
        return f"{self.photograph.name}-{self.kind}-{self.strength}-{end}.{suffix}"


def variants(strengths: int, crops: int = 0) -> Iterator[Variant]:
    """All images to make, photograph by photograph, the clean one first; crops take turns."""
    kinds = [("clean", 0)]
    kinds += [(kind, s) for kind in STRENGTHS for s in range(1, strengths + 1)]
    for photograph in PHOTOGRAPHS:
        for number in range(1, (crops or len(kinds)) + 1):
            kind, strength = kinds[(number - 1) % len(kinds)]
            yield Variant(photograph, kind, strength, number, crops > 0)


def produce(inputs: Inputs, options: DemoMediaOptions) -> Iterator[Output]:
    """One row and one file at a time; MissingPartError first if a package is not installed."""
    import pyarrow as pa

    files, tests = find_photographs(), choose_test_scenes(options.seed)
    for variant in islice(variants(options.strengths, options.crops), inputs.limit):
        photograph = variant.photograph
        longest = CROPPED_FROM * options.size if variant.is_crop else options.size
        image = read_photograph(files[photograph.name], longest)
        if variant.is_crop:
            image = crop(image, options.size, row_seed(options.seed, "crop", variant.seed_key(0)))
        path = variant.path(options.seed, options.size)
        row = rating(variant, path, options.seed)
        row["split"] = "test" if photograph.scene in tests else "train"
        yield Output(
            rows=pa.Table.from_pylist([row]),
            files=(File(path, encode(distort(image, variant, options.seed), variant)),),
            tally=Tally(**{variant.kind: 1}, photographs=int(variant.number == 1)),
        )


def rating(variant: Variant, path: str, seed: int) -> dict[str, Any]:
    """An image's row without its split; columns that need human ratings are null."""
    return {
        "media_id": media_id(DATASET, path),
        "dataset": DATASET,
        "path": path,
        "mos": synthetic_score(variant.strength, variant.seed_key(seed), seed),
        "scale_low": 0.0,
        "scale_high": 100.0,
        "licence": variant.photograph.licence,
        "source": SOURCE,
        "source_file": PurePosixPath(variant.photograph.file).name,
        "source_row": variant.number,
    }


def synthetic_score(strength: int, name: str, seed: int) -> float:
    """The score by the formula above, rounded to two decimals."""
    drawn = row_seed(seed, "score", name) / 2**64
    return round(90 - 15 * strength + 10 * (drawn - 0.5), 2)


def choose_test_scenes(seed: int) -> set[str]:
    """The scenes of the test split, chosen by seed."""
    scenes = {photograph.scene for photograph in PHOTOGRAPHS}
    return set(sorted(scenes, key=lambda scene: row_seed(seed, "split", scene))[:TEST_SCENES])


def find_photographs() -> dict[str, Path]:
    """The file of each photograph by name; the packages are not imported."""
    files = {photograph.name: _file_path(photograph.file) for photograph in PHOTOGRAPHS}
    missing = {PACKAGES[p.file.split("/")[0]] for p in PHOTOGRAPHS if not files[p.name].is_file()}
    missing |= set() if find_spec("PIL") else {"pillow"}
    raise_all(
        MissingPartError(
            "demo-media",
            f"{distribution} is not installed, or without its images",
            "expected the packages that contain the photographs",
            f"Install it: {install_hint([distribution], DEMO)}.",
        )
        for distribution in sorted(missing)
    )
    return files


@lru_cache(maxsize=1)  # the variants of one photograph follow each other
def read_photograph(path: Path, size: int) -> Image:
    """The photograph in RGB, longest side at most `size`, without profile or comment."""
    from PIL import Image

    with Image.open(path) as opened:
        image = opened.convert("RGB")
    image.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=None)
    image.info.clear()  # otherwise Pillow writes its ICC profile into every file
    return image


def crop(image: Image, size: int, seed: int) -> Image:
    """A square of `size` pixels, 1 to 2.5 times as large in the photograph, and varied.

    Of several squares it is the one with the most detail: in an empty sky no distortion shows. It
    is mirrored and turned, its channels are exchanged in half of the cases, and each gets another
    tone curve: a few photographs then teach more than their own colours.
    """
    import numpy as np
    from PIL import Image

    draw = np.random.Generator(np.random.PCG64(seed))
    square = max((_draw_square(image, size, draw) for _ in range(CANDIDATES)), key=_detail)
    pixels = np.asarray(square.resize((size, size), Image.Resampling.LANCZOS))  # [h, w, 3]
    pixels = np.rot90(pixels, int(draw.integers(4)))[:, :: int(draw.choice([-1, 1]))]
    if draw.random() < 0.5:
        pixels = pixels[..., draw.permutation(3)]
    powers = np.exp(draw.uniform(-0.3, 0.3) + draw.uniform(-0.2, 0.2, 3))
    curves = (255 * (np.arange(256)[:, None] / 255) ** powers).round().astype(np.uint8)  # [256, 3]
    return Image.fromarray(curves[pixels, np.arange(3)])


def _draw_square(image: Image, size: int, draw: Any) -> Image:
    """A square of 1 to 2.5 times `size` pixels at a random place, as far as the image allows."""
    shortest = min(image.size)
    side = int(draw.integers(min(size, shortest), min(int(2.5 * size), shortest) + 1))
    left, top = (int(draw.integers(0, edge - side + 1)) for edge in image.size)
    return image.crop((left, top, left + side, top + side))


def _detail(image: Image) -> float:
    """The mean difference of vertical neighbours in grey levels."""
    import numpy as np

    grey = np.asarray(image.convert("L"), dtype=np.int16)  # [h, w]
    return float(np.abs(np.diff(grey, axis=0)).mean())


def distort(image: Image, variant: Variant, seed: int) -> Image:
    """Distort the image; JPEG is applied by encoding."""
    from PIL import ImageFilter

    if variant.kind == "blur":
        return image.filter(ImageFilter.GaussianBlur(variant.amount))
    if variant.kind == "noise":
        return _add_noise(image, variant.amount, row_seed(seed, "noise", variant.seed_key(seed)))
    return image


def encode(image: Image, variant: Variant) -> bytes:
    """Encode as JPEG if that is the distortion, else as lossless PNG."""
    stream = BytesIO()
    if variant.kind == "jpeg":
        image.save(stream, "JPEG", quality=int(variant.amount), subsampling="4:2:0")
    else:
        image.save(stream, "PNG")
    return stream.getvalue()


def finish(_state: None, tally: Tally, _options: DemoMediaOptions) -> dict[str, Any]:
    """Photographs read, images written, and how many of each kind."""
    kinds = {kind: tally[kind] for kind in ("clean", *STRENGTHS)}
    return {"images": tally["photographs"], "written": sum(kinds.values()), "kinds": kinds}


def render(report: dict[str, Any]) -> str:
    """The report as two lines."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in report["kinds"].items())
    written = f"{report['written']} images of {report['images']} photographs: {kinds}"
    return f"{written}\nthe scores are synthetic: computed from the strength, not rated by humans"


def _add_noise(image: Image, deviation: float, seed: int) -> Image:
    import numpy as np
    from PIL import Image

    grey = np.asarray(image, dtype=np.float64)  # [h, w, 3], 0 to 255
    noise = np.random.Generator(np.random.PCG64(seed)).standard_normal(grey.shape)
    noisy = np.clip(np.rint(grey + deviation * noise), 0, 255)
    return Image.fromarray(noisy.astype(np.uint8))


def _file_path(file: str) -> Path:
    module, below = file.split("/", 1)
    spec = find_spec(module)
    return Path(spec.origin).parent / below if spec is not None and spec.origin else Path()


STAGE = Stage(
    name="demo-media",
    version=2,
    options=DemoMediaOptions,
    reads=Reads(schema=None, min_inputs=0),
    writes="rating",
    media=True,
    produce=produce,
    finish=finish,
    render=render,
    example="qbuild demo-media -o demo --strengths 2",
    unused=("max_reject_share",),
)
