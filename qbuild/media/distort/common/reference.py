"""The reference: the released package `imagecorruptions` 1.1.2, kept running on today's libraries.

The only module that imports the package. What it was written for and is gone since, or about to go:
`pkg_resources` and `scipy.ndimage.interpolation` are lent to it while it is imported; `float_` and
`gaussian(multichannel=…)` are given to its own modules alone. numpy, scipy, scikit-image and
`sys.modules` are left as they were.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from qbuild.media.distort.common import check
from qbuild.media.distort.common.textures import package_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NAME = "imagecorruptions"


def corrupt_by_reference(
    pixels: NDArray[np.uint8], name: str, severity: int, seed: int
) -> NDArray[np.uint8]:
    """`[h, w, 3]` as the released package makes it, the same for the same seed.

    The package draws from numpy's global generator, which is seeded here and put back afterwards:
    not for use in threads. Seeds are cut to 32 bits. Refuses what `corrupt` refuses.
    """
    check(pixels, name, severity, seed)
    module = load()
    word = seed % 2**32
    before = np.random.get_state()  # noqa: NPY002 - it is this generator that the package uses
    try:
        np.random.seed(word)  # noqa: NPY002
        module.sk.util.seed = word
        with redirect_stdout(StringIO()):  # it tells of its own exceptions by print
            made = module.corrupt(pixels, severity=severity, corruption_name=name)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return np.ascontiguousarray(made)


@cache
def load() -> Any:
    """The package's functions with `corrupt` among them; MissingPartError if it is absent."""
    package_folder()
    with _lent(_old_modules()):
        package = import_module(NAME)
    module: Any = sys.modules[f"{NAME}.corruptions"]
    module.np = _Numpy()
    module.gaussian = _with_channel_axis(module.gaussian)
    module.sk = SimpleNamespace(color=import_module("skimage.color"), util=_SeededNoise())
    module.corrupt = package.corrupt
    return module


class _Numpy:
    """numpy, with the name `float_` that it had before 2.0."""

    float_ = np.float64

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class _SeededNoise:
    """`skimage.util` as far as the package uses it, drawing from `seed` instead of the system."""

    seed = 0

    def random_noise(self, picture: Any, **options: Any) -> Any:
        """The picture with noise; numpy's global generator has no say in it."""
        util: Any = import_module("skimage.util")
        return util.random_noise(picture, rng=self.seed, **options)


def _with_channel_axis(gaussian: Any) -> Any:
    """`skimage.filters.gaussian` that still takes `multichannel`."""

    def blurred(picture: Any, *given: Any, multichannel: bool = False, **options: Any) -> Any:
        axis = -1 if multichannel else None
        return gaussian(picture, *given, channel_axis=axis, **options)

    return blurred


def _old_modules() -> dict[str, ModuleType]:
    """Stand-ins for the modules that the package imports from and that are no more."""
    from scipy import ndimage

    resources: Any = ModuleType("pkg_resources")
    resources.resource_filename = lambda _package, name: str(Path(package_folder(), name))
    interpolation: Any = ModuleType("scipy.ndimage.interpolation")
    interpolation.map_coordinates = ndimage.map_coordinates
    return {module.__name__: module for module in (resources, interpolation)}


@contextmanager
def _lent(modules: dict[str, ModuleType]) -> Iterator[None]:
    """These modules in `sys.modules` for as long as the block runs, then what was there before."""
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
