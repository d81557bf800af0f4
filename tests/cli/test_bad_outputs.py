"""Paths that cannot be written or read: full disks, missing permission, outputs that are inputs."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import tables
from failing import Workspace
from pairs import many
from running import file_hashes

from qbuild.core.schema import load_schema

COMMAND = [sys.executable, "-W", "error", "-c", "from qbuild.cli.main import main; main()"]
MEDIA = ("demo-media", "--size", "64", "--strengths", "2")


@pytest.fixture
def workspace(tmp_path, qbuild_cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = Workspace(tmp_path, qbuild_cli)
    found.ratings()
    found.succeeds("ingest-ratings", "toy.csv", "-o", "old.parquet")
    pairs(found.folder / "pairs.parquet", 40)
    return found


def pairs(path: Path, count: int) -> Path:
    import pyarrow as pa

    rows = pa.Table.from_pylist(many(count), schema=load_schema("instruction").arrow)
    return tables.write_artifact(path, rows, "instruction", "scoring-qa")


def limited(*arguments: object, most: int | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose files can have at most `most` bytes."""

    def limit() -> None:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        capture_output=True, text=True, check=False, preexec_fn=limit, timeout=60,
    )  # fmt: skip


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small disk in the test's folder, read-only on request."""
    where: list[Path] = []

    def mount(options: str) -> Path:
        point = tmp_path / f"disk{len(where)}"
        point.mkdir(exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(point)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs permission to mount a small disk")
        where.append(point)
        return point

    yield mount
    for point in where:
        subprocess.run(["umount", str(point)], check=True)


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob(".*") if p.name != ".qbuild-output"]


def error_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    assert (done.returncode, done.stderr) == (1, "")
    return json.loads(done.stdout)["error"]


def test_a_full_disk_leaves_the_old_artifact(workspace):
    big = tables.write_artifact(workspace.folder / "big.parquet", tables.rating_table(2000))
    before = file_hashes(workspace.folder)
    for workers in (1, 2):
        run = ("mos-to-levels", big.name, "-o", "old.parquet", "--workers", workers, "--json")
        error = error_of(limited(*run, most=5000))
        assert (error["code"], error["where"]) == ("disk", "old.parquet")
        assert error["what"] == "cannot be written: File too large"
        assert "existing files were not changed" in error["todo"]
    assert file_hashes(workspace.folder) == before


def test_a_full_disk_while_reading_rating_files_names_the_output(workspace):
    workspace.write("big.csv", "image,mos\n" + "".join(f"{n}.jpg,{n}\n" for n in range(5000)))
    before = file_hashes(workspace.folder)
    error = error_of(limited("mos-to-levels", "big.csv", "-o", "old.parquet", "--json", most=5000))
    assert (error["code"], error["where"]) == ("disk", "old.parquet")
    assert file_hashes(workspace.folder) == before


def test_a_full_disk_while_media_are_written_leaves_no_partial_file(workspace):
    done = limited(*MEDIA, "-o", "demo", most=6000)
    assert done.returncode == 1
    assert done.stderr.startswith("error: demo/media/")
    assert "cannot be written: File too large; expected a folder with room" in done.stderr
    assert done.stderr.count("\n") == 1
    assert hidden(workspace.folder) == []
    assert not (workspace.folder / "demo/artifact.parquet").exists()
    assert limited(*MEDIA, "-o", "demo").returncode == 0


def test_a_full_disk_while_an_export_is_written_leaves_the_old_export(workspace):
    workspace.succeeds("export", "pairs.parquet", "-o", "out")
    pairs(workspace.folder / "more.parquet", 400)
    before = file_hashes(workspace.folder)
    error = error_of(limited("export", "more.parquet", "-o", "out", "--json", most=20_000))
    assert (error["code"], error["where"]) == ("disk", "out")
    assert file_hashes(workspace.folder) == before
    assert workspace.run("validate", "out").code == 0


@pytest.mark.parametrize("stage", ["parquet", "media", "export"])
def test_a_disk_that_is_really_full(workspace, mounted, stage):
    disk = mounted("size=64k")
    pairs(workspace.folder / "more.parquet", 2000)
    workspace.write("big.csv", "image,mos\n" + "".join(f"{n}.jpg,{n}\n" for n in range(9000)))
    command = {
        "parquet": ("mos-to-levels", "big.csv", "-o", disk / "new.parquet"),
        "media": (*MEDIA, "-o", disk / "demo"),
        "export": ("export", "more.parquet", "-o", disk / "out"),
    }[stage]
    done = workspace.run(*command, "--json")
    assert (done.code, done.err) == (1, "")
    assert done.error["code"] == "disk"
    assert done.error["what"] == "cannot be written: No space left on device"
    assert str(disk) in done.error["where"]
    assert hidden(disk) == []
    assert not list(disk.rglob("*.parquet"))
    assert not list(disk.rglob("qbuild.json"))


def test_a_read_only_disk(workspace, mounted):
    disk = mounted("size=64k,ro")
    for command, output in (
        (("mos-to-levels", "old.parquet"), disk / "new.parquet"),
        (("export", "pairs.parquet"), disk / "out"),
        (("demo-media",), disk / "demo"),
        (("run", "demo"), disk / "work"),
    ):
        flag = "--workdir" if command[0] == "run" else "-o"
        workspace.fails(
            *command, flag, output, code=1, kind="disk", what="Read-only file system",
            where=str(disk),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("toy.csv/new.parquet", "toy.csv is not a folder"),
        ("/proc/none/new.parquet", "cannot be written: No such file or directory"),
        ("/proc/new.parquet", "cannot be written: No such file or directory"),
        ("x" * 300 + ".parquet", "File name too long"),
    ],
)
def test_an_output_that_cannot_be_written(workspace, output, what):
    workspace.fails("mos-to-levels", "old.parquet", "-o", output, code=1, kind="disk", what=what)


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
def test_a_full_stdout_is_reported_once_and_ends_with_code_1(workspace, arguments, unbuffered):
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


def test_missing_folders_of_an_output_are_created(workspace):
    workspace.succeeds("mos-to-levels", "old.parquet", "-o", "a/b/new.parquet")
    assert {p.name for p in (workspace.folder / "a/b").iterdir()} == {
        "new.parquet",
        "qbuild-runs.jsonl",
    }


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
        (("demo-media", "-o", "."), "holds files that were not written by a stage of qbuild"),
        (("demo-media", "-o", "mine"), "holds files that were not written by a stage of qbuild"),
    ],
)
def test_an_output_that_would_overwrite_something_else(workspace, arguments, what):
    (workspace.folder / "d").mkdir()
    (workspace.folder / "link.parquet").symlink_to("old.parquet")
    workspace.write("mine/notes.txt", "mine")
    workspace.succeeds(*MEDIA, "-o", "demo")
    workspace.write("demo/pairs.parquet", (workspace.folder / "pairs.parquet").read_bytes())
    workspace.fails(*arguments, code=2, kind="usage", what=what)


@pytest.mark.parametrize("schema", ["rating", "instruction"])
def test_an_artifact_without_rows_writes_nothing(workspace, schema):
    empty = load_schema(schema).arrow.empty_table()
    tables.write_artifact(workspace.folder / "none.parquet", empty, schema)
    command, output = {
        "rating": ("mos-to-levels", "old.parquet"),
        "instruction": ("export", "out"),
    }[schema]
    leaves = ("out/.qbuild-output",) if schema == "instruction" else ()
    workspace.fails(
        command, "none.parquet", "-o", output, code=1, kind="input",
        what="no usable row: the input is empty", where="none.parquet", leaves=leaves,
    )  # fmt: skip


@pytest.fixture
def media(workspace):
    """Three media: one exists, one is a link out of the root, one is a link to itself."""
    tables.write_artifact(workspace.folder / "m.parquet", tables.rating_table(3, datasets=1))
    workspace.write("root/clips/000000.mp4", "there")
    workspace.write("secret.mp4", "outside")
    (workspace.folder / "root/clips/000001.mp4").symlink_to("../../secret.mp4")
    (workspace.folder / "root/clips/000002.mp4").symlink_to("000002.mp4")
    return workspace


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
def test_a_missing_media_root(media, command, given):
    media.fails(
        *command, f"--media-root={given}", code=2, kind="usage", what="no such folder: ",
        where="--media-root",
    )  # fmt: skip
