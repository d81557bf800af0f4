"""Places that cannot be written or read: full disks, no permission, outputs that are inputs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import tables
from pairs import many
from refusal import LOG, Place, tree

from qbuild.core.schema import load_schema

COMMAND = [sys.executable, "-W", "error", "-c", "from qbuild.cli.main import main; main()"]
MEDIA = ("demo-media", "--size", "64", "--strengths", "2")


@pytest.fixture
def place(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Place(tmp_path, qbuild_cli)
    found.ratings()
    found.makes("ingest-ratings", "toy.csv", "-o", "old.parquet")
    pairs(found.folder / "pairs.parquet", 40)
    return found


def pairs(path: Path, count: int) -> Path:
    import pyarrow as pa

    rows = pa.Table.from_pylist(many(count), schema=load_schema("instruction").arrow)
    return tables.write_artifact(path, rows, "instruction", "scoring-qa")


def limited(*arguments: object, most: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, whose files hold at most `most` bytes."""

    def limit() -> None:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, text=True, check=False, preexec_fn=limit, timeout=60,
    )  # fmt: skip


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small disk below the test's folder, read-only on demand."""
    where: list[Path] = []

    def mount(options: str) -> Path:
        point = tmp_path / f"disk{len(where)}"
        point.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this test may not mount a small disk")
        where.append(point)
        return point

    yield mount
    for point in where:
        subprocess.run(["umount", str(point)], check=True)


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if p.name != ".qbuild-output"]


def told(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert (done.returncode, done.stderr) == (1, "")
    return json.loads(done.stdout)["error"]


def test_a_full_disk_leaves_the_old_artifact(place):
    big = tables.write_artifact(place.folder / "big.parquet", tables.rating_table(2000))
    before = tree(place.folder)
    for workers in (1, 2):
        run = ("mos-to-levels", big.name, "-o", "old.parquet", "--workers", workers, "--json")
        error = told(limited(*run, most=5000))
        assert (error["code"], error["where"]) == ("disk", "old.parquet")
        assert error["what"] == "cannot be written: File too large"
        assert "what stood there is untouched" in error["todo"]
    assert tree(place.folder) == before


def test_a_full_disk_while_reading_rating_files_names_the_output_not_the_scratch(place):
    place.write("big.csv", "image,mos\n" + "".join(f"{n}.jpg,{n}\n" for n in range(5000)))
    before = tree(place.folder)
    error = told(limited("mos-to-levels", "big.csv", "-o", "old.parquet", "--json", most=5000))
    assert (error["code"], error["where"]) == ("disk", "old.parquet")
    assert tree(place.folder) == before


def test_a_full_disk_while_media_are_written_leaves_no_half_file(place):
    done = limited(*MEDIA, "-o", "demo", most=6000)
    assert done.returncode == 1
    assert done.stderr.startswith("error: demo/media/")
    assert "cannot be written: File too large; expected a folder with room" in done.stderr
    assert done.stderr.count("\n") == 1
    assert hidden(place.folder) == []
    assert not (place.folder / "demo/artifact.parquet").exists()
    assert limited(*MEDIA, "-o", "demo").returncode == 0


def test_a_full_disk_while_an_export_is_written_leaves_the_old_export(place):
    place.makes("export", "pairs.parquet", "-o", "out")
    pairs(place.folder / "more.parquet", 400)
    before = tree(place.folder)
    error = told(limited("export", "more.parquet", "-o", "out", "--json", most=20_000))
    assert (error["code"], error["where"]) == ("disk", "out")
    assert tree(place.folder) == before
    assert place.run("validate", "out").code == 0


@pytest.mark.parametrize("stage", ["parquet", "media", "export"])
def test_a_disk_that_is_full_in_truth(place, mounted, stage):
    disk = mounted("size=64k")
    pairs(place.folder / "more.parquet", 2000)
    place.write("big.csv", "image,mos\n" + "".join(f"{n}.jpg,{n}\n" for n in range(9000)))
    command = {
        "parquet": ("mos-to-levels", "big.csv", "-o", disk / "new.parquet"),
        "media": (*MEDIA, "-o", disk / "demo"),
        "export": ("export", "more.parquet", "-o", disk / "out"),
    }[stage]
    done = place.run(*command, "--json")
    assert (done.code, done.err) == (1, "")
    assert done.error["code"] == "disk"
    assert done.error["what"] == "cannot be written: No space left on device"
    assert str(disk) in done.error["where"]
    assert hidden(disk) == []
    assert not list(disk.rglob("*.parquet"))
    assert not list(disk.rglob("qbuild.json"))


def test_a_disk_that_may_only_be_read(place, mounted):
    disk = mounted("size=64k,ro")
    for command, output in (
        (("mos-to-levels", "old.parquet"), disk / "new.parquet"),
        (("export", "pairs.parquet"), disk / "out"),
        (("demo-media",), disk / "demo"),
        (("run", "demo"), disk / "work"),
    ):
        flag = "--workdir" if command[0] == "run" else "-o"
        place.refuses(
            *command, flag, output, code=1, kind="disk", what="Read-only file system",
            where=str(disk),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("toy.csv/new.parquet", "toy.csv is no folder"),
        ("/proc/none/new.parquet", "cannot be written: No such file or directory"),
        ("/proc/new.parquet", "cannot be written: No such file or directory"),
        ("x" * 300 + ".parquet", "File name too long"),
    ],
)
def test_a_place_where_nothing_can_be_written(place, output, what):
    place.refuses("mos-to-levels", "old.parquet", "-o", output, code=1, kind="disk", what=what)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("show", "--help"),
        ("show", "old.parquet"),
        ("show", "old.parquet", "--json"),
        ("show", "none.parquet", "--json"),
        ("show", "--json"),
    ],
)
def test_stdout_that_is_full_is_told_once_and_ends_with_code_1(place, arguments, unbuffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "error: stdout: cannot be written: No space left on device;"
        " expected a disk with free space. Write it elsewhere.\n"
    )


def test_missing_folders_of_an_output_are_made(place):
    place.makes("mos-to-levels", "old.parquet", "-o", "a/b/new.parquet")
    assert {p.name for p in (place.folder / "a/b").iterdir()} == {"new.parquet", LOG}


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("mos-to-levels", "old.parquet", "-o", "old.parquet"), "is also an input"),
        (("mos-to-levels", "old.parquet", "-o", "d/../old.parquet"), "overwrite the input old"),
        (("mos-to-levels", "old.parquet", "-o", "link.parquet"), "overwrite the input old"),
        (("mos-to-levels", "demo", "-o", "demo/artifact.parquet"), "overwrite the input demo"),
        (("export", "demo/pairs.parquet", "-o", "demo"), "overwrite the input demo/pairs"),
        (("ingest-ratings", "toy.csv", "-o", "toy.csv"), "does not end in .parquet"),
        (("ingest-ratings", "toy.csv", "-o", "."), "is a folder"),
        (("export", "pairs.parquet", "-o", "old.parquet"), "is a file"),
        (("export", "pairs.parquet", "-o", "."), "would overwrite the input pairs.parquet"),
        (("demo-media", "-o", "."), "holds files that no stage of qbuild wrote"),
        (("demo-media", "-o", "mine"), "holds files that no stage of qbuild wrote"),
    ],
)
def test_an_output_that_would_take_the_place_of_something_else(place, arguments, what):
    (place.folder / "d").mkdir()
    (place.folder / "link.parquet").symlink_to("old.parquet")
    place.write("mine/notes.txt", "mine")
    place.makes(*MEDIA, "-o", "demo")
    place.write("demo/pairs.parquet", (place.folder / "pairs.parquet").read_bytes())
    place.refuses(*arguments, code=2, kind="usage", what=what)


@pytest.mark.parametrize("schema", ["rating", "instruction"])
def test_an_empty_selection_makes_nothing(place, schema):
    empty = load_schema(schema).arrow.empty_table()
    tables.write_artifact(place.folder / "none.parquet", empty, schema)
    command, output = {
        "rating": ("mos-to-levels", "old.parquet"),
        "instruction": ("export", "out"),
    }[schema]
    leaves = ("out/.qbuild-output",) if schema == "instruction" else ()
    place.refuses(
        command, "none.parquet", "-o", output, code=1, kind="input",
        what="no usable row: there is none", where="none.parquet", leaves=leaves,
    )  # fmt: skip


@pytest.fixture
def media(place):
    """Three media: one there, one behind a link out of the root, one a link to itself."""
    tables.write_artifact(place.folder / "m.parquet", tables.rating_table(3, datasets=1))
    place.write("root/clips/000000.mp4", "there")
    place.write("secret.mp4", "outside")
    (place.folder / "root/clips/000001.mp4").symlink_to("../../secret.mp4")
    (place.folder / "root/clips/000002.mp4").symlink_to("000002.mp4")
    return place


def test_a_link_out_of_the_root_is_outside_and_a_link_to_itself_is_missing(media):
    done = media.run("check-media", "m.parquet", "--media-root", "root", "--json")
    assert (done.code, done.err) == (1, "")
    (found,) = done.json["datasets"]
    assert (found["found"], found["outside_names"]) == (1, ["clips/000001.mp4"])
    assert found["missing_names"] == ["clips/000002.mp4"]
    checked = media.run("validate", "m.parquet", "--media-root", "root")
    assert checked.code == 1
    assert "a symbolic link leads out of root" in checked.out


@pytest.mark.parametrize("given", ["none", "set0=none", "", "set0=", "secret.mp4"])
@pytest.mark.parametrize("command", [("check-media", "m.parquet"), ("validate", "m.parquet")])
def test_a_media_root_that_is_not_there(media, command, given):
    media.refuses(
        *command, f"--media-root={given}", code=2, kind="usage", what="no such folder: ",
        where="--media-root",
    )  # fmt: skip
