"""Wheels and source archives: complete, without stray files, and working outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTIONS = {"qbuild_toolkit": ROOT, "qbuild_backends": ROOT / "backends"}


def call(*command: str | Path, cwd: Path) -> str:
    """The command's stdout, run in `cwd` without this project on any path."""
    kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, out: Path) -> Path:
    """The wheel or sdist of a source tree, made with what is installed here."""
    python = [sys.executable, "-m", "build", "--no-isolation"]
    call(*python, f"--{kind}", "--outdir", out, source, cwd=out.parent)
    return next(out.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("wheels")
    return {name: build("wheel", root, out / name) for name, root in DISTRIBUTIONS.items()}


@pytest.fixture(scope="module")
def sdists(tmp_path_factory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("sdists")
    return {name: build("sdist", root, out / name) for name, root in DISTRIBUTIONS.items()}


@pytest.fixture(scope="module")
def installed(wheels, tmp_path_factory) -> Path:
    """The `bin` of an environment that holds the wheels, and sees the libraries of this one.

    The wheels go in first: pip must not find the editable install of this environment.
    """
    home = tmp_path_factory.mktemp("installed")
    call(sys.executable, "-m", "venv", "--without-pip", home / "env", cwd=home)
    binaries = home / "env/bin"
    pip = [sys.executable, "-m", "pip", "--python", binaries / "python", "install"]
    call(*pip, "--no-deps", "--no-index", *wheels.values(), cwd=home)
    site = call(
        binaries / "python",
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'), end='')",
        cwd=home,
    )
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # .pth files in a folder that a .pth names are ignored: no editable install comes along
    (Path(site) / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n")
    return binaries


def names(archive: Path) -> set[str]:
    """The files of a wheel, or of an sdist without its top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return set(wheel.namelist())
    with tarfile.open(archive) as sdist:
        return {member.name.split("/", 1)[1] for member in sdist if member.isfile()}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_brings_no_name_but_its_own(wheels, name):
    package = "qbuild" if name == "qbuild_toolkit" else name
    top = {file.split("/")[0] for file in names(wheels[name])}
    assert top == {package, f"{name}-0.1.0.dist-info"}


@pytest.mark.parametrize("kind", ["schemas", "pipelines", "prompts", "prices"])
def test_the_wheel_holds_every_data_file_of_the_checkout(wheels, kind):
    files = [p.relative_to(ROOT).as_posix() for p in (ROOT / kind).rglob("*") if p.is_file()]
    assert files
    assert {f"qbuild/_data/{file}" for file in files} <= names(wheels["qbuild_toolkit"])


def unpacked(archive: Path, out: Path) -> Path:
    """The top folder of an sdist, unpacked below `out`."""
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from Python 3.11.4 on
    with tarfile.open(archive) as sdist:
        sdist.extractall(out, **safe)
    (top,) = out.iterdir()
    return top


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_wheel_built_from_the_source_archive_holds_the_same_files(wheels, sdists, tmp_path, name):
    again = build("wheel", unpacked(sdists[name], tmp_path / "source"), tmp_path / "out")
    assert names(again) == names(wheels[name])


def test_the_source_archive_holds_all_that_make_demo_installs(sdists, tmp_path):
    top = unpacked(sdists["qbuild_toolkit"], tmp_path / "source")
    assert {"Makefile", "constraints.txt", "README.md", "pipelines/demo.yaml"} <= {
        path.relative_to(top).as_posix() for path in top.rglob("*")
    }
    again = build("wheel", top / "backends", tmp_path / "out")  # as `pip install -e ./backends`
    assert any(file.startswith("qbuild_backends/") for file in names(again))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_nothing_built_or_cached_is_packed(wheels, sdists, name):
    """But the outputs of an earlier version, which tests read and the source archive holds."""
    for file in names(wheels[name]) | names(sdists[name]):
        if "tests/data/" not in file:
            assert not file.endswith((".pyc", ".parquet"))
            assert not {"__pycache__", ".venv", "work", ".mypy_cache"} & set(file.split("/"))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_no_wheel_can_be_uploaded_or_pull_in_the_other_from_an_index(wheels, name):
    with zipfile.ZipFile(wheels[name]) as wheel:
        metadata = wheel.read(f"{name}-0.1.0.dist-info/METADATA").decode()
    assert "Classifier: Private :: Do Not Upload" in metadata
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: qbuild")]
    assert required == []


def test_code_and_data_come_from_the_wheel(installed, tmp_path):
    code = (
        "import qbuild, qbuild_backends\n"
        "from qbuild.core.resources import data_dir\n"
        "print(qbuild.__file__, qbuild_backends.__file__, data_dir('schemas'), sep='\\n')"
    )
    places = call(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    assert len(places) == 3
    assert all(Path(place).is_relative_to(installed.parent) for place in places)
    assert places[2].endswith("qbuild/_data/schemas")


def test_the_command_lists_its_stages(installed, tmp_path):
    text = call(installed / "qbuild", "--help", cwd=tmp_path)
    assert "mos-to-levels" in text
    assert "demo-media" in text


def test_the_demo_runs_from_the_wheel(installed, tmp_path):
    call(installed / "qbuild", "run", "demo", "--workdir", tmp_path / "work", cwd=tmp_path)
    assert list((tmp_path / "work").rglob("*.json"))


def test_backends_of_the_other_wheel_are_found(installed, tmp_path):
    code = (
        "import json; from qbuild.backends.registry import backend_names, load_backend\n"
        "print(json.dumps([backend_names(), load_backend('fake').model]))"
    )
    known, model = json.loads(call(installed / "python", "-c", code, cwd=tmp_path))
    assert "fake" in known
    assert model == "fake"
