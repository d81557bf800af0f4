import numpy as np
import pytest
from scipy.io import savemat


@pytest.fixture
def mat(tmp_path):
    """Write a MATLAB file of these variables; return its path."""

    def _mat(name, **variables):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, variables, do_compression=True)
        return path

    return _mat


@pytest.fixture
def cell():
    """A MATLAB cell array of these values."""

    def _cell(*values):
        array = np.empty(len(values), dtype=object)
        for at, value in enumerate(values):
            array[at] = value
        return array

    return _cell


@pytest.fixture
def streaming(data_folder):
    """The folder of published session logs."""
    folder = data_folder / "streaming"
    if not folder.is_dir():
        pytest.skip("the folder of published data holds no streaming logs")
    return folder
