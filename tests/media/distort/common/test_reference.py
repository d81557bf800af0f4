"""The released package through our wrapper: it runs by seed and changes nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qbuild
from qbuild.media.distort.common import CORRUPTIONS
from qbuild.media.distort.common.reference import corrupt_by_reference
from qbuild.quality.distortions import SEVERITIES

HOME = Path(qbuild.__file__).parent


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_it_runs_at_every_severity_from_32_pixels(photo, name):
    source = photo("coffee", 32, 45)
    for severity in SEVERITIES:
        made = corrupt_by_reference(source, name, severity, seed=3)
        assert (made.shape, made.dtype) == (source.shape, np.uint8)
        again = corrupt_by_reference(source, name, severity, seed=3)
        assert np.array_equal(made, again)


def test_impulse_noise_follows_the_seed_as_well(photo):
    source = photo("coffee", 64, 64)
    one, other = (corrupt_by_reference(source, "impulse_noise", 3, seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


def state() -> tuple[bytes, str]:
    """The state of numpy's global generator, which the package uses."""
    _, words, *place = np.random.get_state()  # noqa: NPY002
    return words.tobytes(), repr(place)


def test_the_state_of_numpy_s_global_generator_is_restored(photo):
    before = state()
    corrupt_by_reference(photo("coffee", 32, 32), "gaussian_noise", 1, seed=0)
    assert state() == before


def test_the_generator_is_restored_after_a_failure(photo, monkeypatch):
    from qbuild.media.distort.common import reference

    monkeypatch.setattr(reference.load(), "np", None)
    before = state()
    with pytest.raises(AttributeError):
        corrupt_by_reference(photo("coffee", 32, 32), "gaussian_noise", 1, seed=0)
    assert state() == before


def test_it_rejects_what_corrupt_rejects():
    with pytest.raises(ValueError, match="severity 6; expected"):
        corrupt_by_reference(np.zeros((32, 32, 3), np.uint8), "fog", 6, 0)


TRACES = """
import sys
import numpy as np
import scipy.ndimage, skimage.filters, skimage.util
from qbuild.media.distort.common.reference import corrupt_by_reference
provided = "pkg_resources", "scipy.ndimage.interpolation"  # scipy may still have the latter
originals = [sys.modules.get(name) for name in provided]
before = skimage.filters.gaussian, skimage.util.random_noise, hasattr(np, 'float_')
corrupt_by_reference(np.zeros((32, 32, 3), np.uint8), "glass_blur", 1, 0)
assert "imagecorruptions" in sys.modules
assert [sys.modules.get(name) for name in provided] == originals
assert "pkg_resources" not in sys.modules
assert (skimage.filters.gaussian, skimage.util.random_noise, hasattr(np, 'float_')) == before
"""


def test_other_users_of_the_libraries_do_not_see_the_provided_modules():
    done = subprocess.run(
        [sys.executable, "-c", TRACES], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def importers(package: str) -> set[str]:
    found = set()
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == package for name in names):
                found.add(path.relative_to(HOME).as_posix())
    return found


def test_no_module_names_the_package_in_an_import():
    assert importers("imagecorruptions") == set()  # the wrapper imports it dynamically


KERNELS_ALONE = """
import sys
import numpy as np
from qbuild.media.distort.common import CORRUPTIONS, corrupt
for name in CORRUPTIONS:
    corrupt(np.zeros((32, 32, 3), np.uint8), name, 3, 0)
print({"imagecorruptions", "skimage", "matplotlib"} & set(sys.modules))
"""


def test_our_kernels_do_not_use_the_package_s_code():
    loaded = subprocess.run(
        [sys.executable, "-c", KERNELS_ALONE], check=True, capture_output=True, text=True
    ).stdout
    assert loaded == "set()\n"
