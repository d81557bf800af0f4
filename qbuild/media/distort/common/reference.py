"""The reference: the released package `imagecorruptions` 1.1.2, run with current libraries.

The only module that imports the package. It depends on modules that no longer exist or will be
removed: `pkg_resources` and `scipy.ndimage.interpolation` are provided while it is imported;
`float_` and `gaussian(multichannel=…)` are set in its own modules only. numpy, scipy, scikit-image
and `sys.modules` do not change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from qbuild.media.distort.common.textures import package_folder
from qbuild.media.distort.parameters import check_image, parameters
from qbuild.media.images.read_write import Pixels

NAME = "imagecorruptions"


def corrupt_by_reference(pixels: Pixels, name: str, severity: int, seed: int) -> Pixels:
    """Corrupt an image `[h, w, 3]` with the released package; the same seed gives the same result.

    The package draws from numpy's global generator, which is seeded here and restored afterwards:
    not thread-safe. Seeds are reduced to 32 bits. Raises the same errors as `corrupt`.
    """
    parameters("common", name, severity)
    check_image(pixels, seed, "common")
    module = load()
    word = seed % 2**32
    before = np.random.get_state()  # noqa: NPY002 - the generator that the package uses
    try:
        np.random.seed(word)  # noqa: NPY002
        module.sk.util.seed = word
        with redirect_stdout(StringIO()):  # the package prints its exceptions
            made = module.corrupt(pixels, severity=severity, corruption_name=name)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return np.ascontiguousarray(made)


@cache
def load() -> Any:
    """The package's functions, including `corrupt`; MissingPartError if it is not installed."""
    package_folder()
    with _provided(_old_modules()):
        package = import_module(NAME)
    module: Any = sys.modules[f"{NAME}.corruptions"]
    module.np = SimpleNamespace(**vars(np), float_=np.float64)  # which numpy had before 2.0
    module.gaussian = _with_channel_axis(module.gaussian)
    module.sk = SimpleNamespace(color=import_module("skimage.color"), util=_SeededNoise())
    module.corrupt = package.corrupt
    return module


class _SeededNoise:
    """The part of `skimage.util` that the package uses, with `seed` as its seed."""

    seed = 0

    def random_noise(self, image: Any, **options: Any) -> Any:
        """The image with noise, independent of numpy's global generator."""
        util: Any = import_module("skimage.util")
        return util.random_noise(image, rng=self.seed, **options)


def _with_channel_axis(gaussian: Any) -> Any:
    """`skimage.filters.gaussian` that still accepts `multichannel`."""

    def blur(image: Any, *args: Any, multichannel: bool = False, **options: Any) -> Any:
        axis = -1 if multichannel else None
        return gaussian(image, *args, channel_axis=axis, **options)

    return blur


def _old_modules() -> dict[str, ModuleType]:
    """Replacements for the removed modules that the package imports from."""
    from scipy import ndimage

    resources: Any = ModuleType("pkg_resources")
    resources.resource_filename = lambda _package, name: str(Path(package_folder(), name))
    interpolation: Any = ModuleType("scipy.ndimage.interpolation")
    interpolation.map_coordinates = ndimage.map_coordinates
    return {module.__name__: module for module in (resources, interpolation)}


@contextmanager
def _provided(modules: dict[str, ModuleType]) -> Iterator[None]:
    """Put these modules into `sys.modules` during the block; restore it afterwards."""
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
