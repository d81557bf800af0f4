"""qbuild/labels/sessions/logs.py: layouts, recognition, and folders of logs."""

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from qbuild.core.errors import CombinedError, InputError, UsageError
from qbuild.core.rows.rejections import RejectedRow
from qbuild.labels.sessions.logs import get_layout, read_sessions, recognise
from qbuild.labels.sessions.options import SESSION_LAYOUTS, SessionOptions
from qbuild.labels.sessions.session import Session

ROOT = Path(__file__).parents[3]
EVENTS = "media,start_s,duration_s,fps,media_s\na,1,1,25,9\n"


def log(mat, name):
    return mat(name, is_rebuffered_bool=np.array([0, 1]), frame_rate=24.0)


def read(*paths, layout="auto"):
    return list(read_sessions(paths, SessionOptions(layout=layout)))


def test_listing_the_layouts_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from qbuild.labels.sessions.options import SESSION_LAYOUTS\n"
        "print([m for m in ('numpy', 'scipy', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", SESSION_LAYOUTS)
def test_a_layout_has_the_name_of_its_entry(name):
    assert get_layout(name).name == name


def test_an_unknown_session_layout_is_reported_with_similar_ones():
    with pytest.raises(UsageError, match=r"Did you mean .*live-nflx-2"):
        get_layout("live-nflx2")
    with pytest.raises(UsageError):
        read(layout="nonesuch")


def test_a_missing_path_is_an_error(tmp_path):
    for call in (recognise, read):
        with pytest.raises(InputError, match="no such file or folder"):
            call(tmp_path / "gone.mat")


def test_a_file_that_is_not_a_log_is_an_error_with_its_columns_and_all_layouts(write):
    path = write("a.csv", "name,colour\nx,red\n")
    for call in (recognise, read):
        with pytest.raises(InputError, match="'name', 'colour'; expected logs of waterloo"):
            call(path)


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"PK\x03\x04 no sheet", b"plain words"])
def test_any_other_file_is_an_error_too(write, content):
    with pytest.raises(InputError, match="no known layout of session logs fits"):
        read(write("a.bin", content))


def test_an_unknown_matlab_file_is_reported_with_its_variables(mat, write):
    with pytest.raises(InputError, match="it holds colour"):
        recognise(mat("a.mat", colour=1.0))
    with pytest.raises(InputError, match="not a complete MATLAB file"):
        recognise(write("b.mat", b"not MATLAB at all"))
    with pytest.raises(InputError, match="the file is empty"):
        recognise(write("c.mat", b""))


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="holds no log"):
        read(tmp_path)
    with pytest.raises(InputError, match="the folder holds nothing"):
        recognise(tmp_path)


def test_a_folder_of_logs_and_a_readme_fits_as_a_whole(mat, write):
    folder = log(mat, "db/b.mat").parent
    log(mat, "db/a.mat")
    write("db/readme.txt", "words")
    write("db/.DS_Store", b"\0")
    assert recognise(folder).name == "live-nflx-2"
    assert [session.path for _, session in read(folder)] == ["a", "b"]


def test_files_of_a_mixed_folder_are_recognised_in_the_order_of_names(mat, write):
    folder = log(mat, "db/b.mat").parent
    write("db/a.csv", EVENTS)
    log(mat, "db/c/deep.mat")
    write("db/README.md", "words")
    write("db/mos.csv", "pvs_id,context,mos\nx,pc,1\n")
    assert [(name, session.path) for name, session in read(folder)] == [
        (None, "a"),
        ("live-nflx-2", "b"),
        ("live-nflx-2", "deep"),
    ]


def test_a_log_with_the_name_of_a_side_file_is_read(write):
    folder = write("db/data.csv", EVENTS).parent
    write("db/a.csv", EVENTS.replace("\na,", "\nother,"))
    assert [session.path for _, session in read(folder)] == ["other", "a"]


def test_all_files_that_are_not_logs_are_named_before_anything_is_read(mat, write):
    folder = log(mat, "db/a.mat").parent
    write("db/x.mp4", b"\0\0")
    write("db/y.csv", "name,colour\nx,red\n")
    sessions = read_sessions([folder])
    with pytest.raises(CombinedError) as found:
        next(sessions)
    assert [Path(problem.where).name for problem in found.value.problems] == ["x.mp4", "y.csv"]


def test_a_broken_log_in_a_folder_is_rejected_and_the_others_are_read(mat, write):
    whole = log(mat, "db/a.mat")
    write("db/b.mat", whole.read_bytes()[:150])
    write("db/c.json", '{"cut')
    write("db/d.csv", b"a,b\n\xff,1\n")
    write("db/e.mat", b"")
    mat("db/f.mat", colour=1.0)
    (_, first), *rest = read(whole.parent)
    assert isinstance(first, Session)
    assert [(name, rejected.source, rejected.rejection.reason) for name, rejected in rest] == [
        (None, "b.mat", "unreadable"),
        (None, "c.json", "unreadable"),
        (None, "d.csv", "unreadable"),
        (None, "e.mat", "empty-log"),
        (None, "f.mat", "another-form"),
    ]


def test_a_named_layout_reads_every_file_of_a_folder(mat, write):
    folder = log(mat, "db/a.mat").parent
    mat("db/b.mat", colour=1.0)
    write("db/readme.txt", "words")
    found = [session for _, session in read(folder, layout="live-nflx-2")]
    assert [isinstance(session, RejectedRow) for session in found] == [False, True]


def test_the_rate_of_the_options_is_for_logs_without_one(write):
    path = write("a.csv", EVENTS + "b,1,1,,9\n")
    options = SessionOptions(fps="24000/1001")
    rates = [session.fps for _, session in read_sessions([path], options)]
    assert rates == [25, Fraction(24000, 1001)]


def test_several_paths_are_read_in_the_order_given(mat, write):
    late, early = write("z.csv", EVENTS), log(mat, "a.mat")
    assert [session.path for _, session in read(late, early)] == ["a", "a"]
    assert [session.source_file for _, session in read(late, early)] == ["z.csv", "a.mat"]


def test_a_link_to_a_folder_is_not_followed(mat):
    folder = log(mat, "db/a.mat").parent
    (folder / "loop").symlink_to(folder)
    with pytest.raises(InputError, match="loop"):
        read(folder)


def test_a_file_without_read_permission_is_an_error(write, monkeypatch):
    path = write("a.json", '{"I23": {}}')

    def deny(*_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("qbuild.labels.sessions.logs.find_layout", deny)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        read(path)


def test_every_layout_is_documented_in_the_order_of_recognition():
    lines = (ROOT / "docs/sessions.md").read_text(encoding="utf-8").splitlines()
    documented = [line.split("`")[1] for line in lines if line.startswith("| `")]
    assert documented[: len(SESSION_LAYOUTS)] == list(SESSION_LAYOUTS)


def test_every_reason_is_documented_and_every_documented_one_is_used():
    folder = ROOT / "qbuild/labels/sessions"
    files = [*folder.glob("formats/*.py"), *folder.glob("matlab/*.py")]
    files += [folder / "cells.py", folder / "rates.py"]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    used = set(re.findall(r'RejectedError\(\s*"([a-z-]+)"', code))
    docs = (ROOT / "docs/sessions.md").read_text(encoding="utf-8")
    table = docs[docs.index("## Rejected logs") : docs.index("## Published files")]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) == used


def test_every_name_of_a_field_is_documented():
    from qbuild.labels.sessions.formats.lfovia import FLAGS
    from qbuild.labels.sessions.formats.live_mobile_2 import FIELDS

    words = set(re.findall(r"\w+", (ROOT / "docs/sessions.md").read_text(encoding="utf-8").lower()))
    assert {name for names in FIELDS.values() for name in names} | set(FLAGS) <= words


def test_published_folders_are_recognised_as_a_whole_and_together(streaming):
    layouts = {
        "waterloo_sqoe_1": "waterloo",
        "live_nflx_2": "live-nflx-2",
        "p1203": "p1203",
        "p1203_examples": "p1203",
    }
    folders = [streaming / name for name in layouts]
    assert [recognise(folder).name for folder in folders] == list(layouts.values())
    sessions = [session for _, session in read(*folders)]
    assert len(sessions) == 180 + 224 + 150 + 16
    assert all(isinstance(session, Session) for session in sessions)
