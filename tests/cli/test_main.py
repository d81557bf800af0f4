"""qbuild/cli/main.py: exit codes, errors as text and as JSON, quiet ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from qbuild.cli import main as cli
from qbuild.cli.main import PANELS, PLAIN, listings


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["show"], "Missing argument"),
        (["show", "x", "--rowss", "3"], "--rowss"),
        (["show", "x", "--rows", "many"], "Invalid value for '--rows'"),
        (["shwo", "x"], "No such command 'shwo'. Did you mean show"),
        (["mos-to-levels"], "Missing"),
        (["run", "demo", "--executor", "cloud"], "'cloud'"),
    ],
)
def test_usage_errors_end_with_code_2_as_text_and_as_json(qbuild_cli, arguments, what):
    text = qbuild_cli(*arguments)
    assert (text.code, text.out) == (2, "")
    assert what in text.err
    assert "Usage: qbuild" in text.err
    printed = qbuild_cli(*arguments, "--json")
    assert (printed.code, printed.err) == (2, "")
    assert printed.error["code"] == "usage"
    assert what in printed.error["what"]


def test_no_argument_prints_the_help(qbuild_cli):
    done = qbuild_cli()
    assert done.code == 2
    assert "mos-to-levels" in done.out + done.err


def test_the_version_is_printed(qbuild_cli):
    done = qbuild_cli("--version")
    assert done.code == 0
    assert done.out.startswith("qbuild ")


@pytest.mark.parametrize("columns", ["80", "120"])
def test_the_help_lists_every_command_with_its_whole_summary_by_panel(
    qbuild_cli, monkeypatch, columns
):
    monkeypatch.setenv("COLUMNS", columns)
    lines = qbuild_cli("--help").out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    for panel in PANELS:
        listed = lines[lines.index(f"{panel}:") + 1 :]
        own = {name: item for name, item in listings().items() if item.panel == panel}
        assert listed[: len(own)] == [f"  {n:<17}  {item.summary}" for n, item in own.items()]


def test_the_help_shows_version_and_completion_among_the_options(qbuild_cli):
    options = qbuild_cli("--help").out.split("Options:\n")[1].split("\n\n")[0]
    for option in ("--version", "--install-completion", "--show-completion", "--help"):
        assert option in options


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("name", listings())
def test_help_fits_the_terminal_and_shows_no_python_types(qbuild_cli, monkeypatch, name, columns):
    monkeypatch.setenv("COLUMNS", columns)
    done = qbuild_cli(name, "--help")
    assert max(map(len, done.out.splitlines())) <= int(columns)
    assert not re.search(r"<[a-z]|\blist\[|\bPath\b|\bint\b|\bstr\b|\bfloat\b", done.out)
    assert "\N{NO-BREAK SPACE}" not in done.out
    assert "\N{NON-BREAKING HYPHEN}" not in done.out


@pytest.mark.parametrize("name", PLAIN)
def test_every_command_has_help_with_json_and_debug(qbuild_cli, name):
    done = qbuild_cli(name, "--help")
    assert done.code == 0
    assert "--json" in done.out
    assert "--debug" in done.out


@pytest.mark.parametrize(
    ("name", "output", "limit"),
    [
        ("mos-to-levels", "The Parquet file to write.", "Take only the first rows of the inputs."),
        ("export", "The folder to write.", "Take only the first rows of the inputs."),
        ("demo-media", "The folder to write.", "Make only the first rows."),
    ],
)
def test_help_describes_what_a_stage_writes_and_what_a_limit_is(qbuild_cli, name, output, limit):
    printed = " ".join(qbuild_cli(name, "--help").out.split())
    assert output in printed
    assert limit in printed


def test_one_row_is_reported_in_the_singular(qbuild_cli, pipeline):
    one = ("ingest-ratings", "toy.csv", "-o", "one.parquet", "--limit", "1")
    assert qbuild_cli(*one).out == "1 row → one.parquet\ntoy: 1 rating\n"


def test_an_error_is_one_message_without_a_traceback(qbuild_cli):
    done = qbuild_cli("show", "none.parquet")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: none.parquet: no such file; expected an artifact. Check the path.\n"
    )


def test_an_error_as_json_has_its_five_parts(qbuild_cli):
    done = qbuild_cli("show", "none.parquet", "--json")
    assert done.code == 1
    assert done.error == {
        "code": "input",
        "where": "none.parquet",
        "what": "no such file",
        "expected": "expected an artifact",
        "todo": "Check the path.",
    }


def test_debug_raises_the_error_itself(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["qbuild", "show", "none.parquet", "--debug"])
    with pytest.raises(Exception, match="no such file"):
        cli.main()


def test_interruption_ends_with_code_130_and_one_line(qbuild_cli, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("qbuild.core.inspect.summary.summarise", interrupted)
    done = qbuild_cli("show", "any.parquet")
    assert (done.code, done.out, done.err) == (130, "", "interrupted\n")


def test_help_of_a_command_imports_no_pyarrow():
    code = (
        "import sys; from qbuild.cli.main import app\n"
        "for name in ('show', 'run', 'why', 'validate', 'check-media', 'doctor'):\n"
        "    app([name, '--help'], standalone_mode=False)\n"
        "assert not {'pyarrow', 'pandas', 'numpy', 'yaml'} & sys.modules.keys()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_ends_the_command_without_a_word(work):
    code = "from qbuild.cli.main import main; main()"
    command = [sys.executable, "-c", code, "show", str(work / "pairs.parquet")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert errors == b""


def test_the_installed_command_prints_json(work):
    code = "from qbuild.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "show", str(work / "levels.parquet"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["summary"]["rows"] == 5
