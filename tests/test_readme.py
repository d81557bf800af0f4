"""README's commands run in order, as printed, in a fresh folder.

Commands that install packages are not run; the others run on small made data under the printed
names. What is changed is listed in NOT_RUN, INSTEAD and ADDED, each with its reason.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml
from clips import make_clip
from command_line import run_command
from extending import serve_mock
from images import image_folder, write_image

from qbuild.core.resources import data_file

README = Path(__file__).parents[1] / "README.md"
PROSE = "The image is sharp, but there is strong noise in the dark areas."

NOT_RUN = {
    ("make", "test"): "installs packages",
    (".",): "activates the virtual environment that `make demo` installs",
    ("pip", "install"): "installs packages",
}
INSTEAD = {  # what a command does apart from what it needs a network or minutes for
    ("make", "demo"): "run demo",  # without the installation
    ("qbuild", "run", "demo-train"): "run small.yaml --workdir work/demo-train",  # fewer crops
}
ADDED = {
    ("--max-usd",): "--base-url {server}",  # a paid service: the mock server answers
    ("train", "pairs.parquet"): "--set max_steps=2",  # its 1,000 steps take minutes
}


def commands() -> Iterator[list[str]]:
    """The words of each command in the blocks of README, in order, without comments."""
    for block in README.read_text(encoding="utf-8").split("```")[1::2]:
        language, _, text = block.partition("\n")
        for line in text.replace("\\\n", " ").splitlines() if not language else ():
            words = shlex.split(line, comments=True)
            if words:
                yield words


def contains(words: list[str], part: tuple[str, ...]) -> bool:
    return any(tuple(words[at : at + len(part)]) == part for at in range(len(words)))


def arguments(words: list[str], server: str) -> list[str] | None:
    """What is given to `qbuild` for a command; None where it is not run."""
    for part, text in INSTEAD.items():
        if tuple(words) == part:
            return shlex.split(text)
    if any(tuple(words[: len(part)]) == part for part in NOT_RUN):
        return None
    assert words[0] == "qbuild", words
    more = [text.format(server=server) for part, text in ADDED.items() if contains(words, part)]
    return [*words[1:], *shlex.split(" ".join(more))]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A folder with the data that README's commands name, small and made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    image_folder(Path("photographs"), count=2)
    write_image(Path("photographs/one.jpg"), seed=9)
    Path("videos").mkdir()
    make_clip(Path("videos/street.mp4"), width=64, height=48, frames=60)
    scores = [f"photo-{at:02}.jpg,{1 + at * 4 / 40:.2f}\n" for at in range(41)]
    Path("ratings.csv").write_text("image,mos\n" + "".join(scores))
    Path("annotations.csv").write_text(
        "".join(["image,text,level\n", *(f'{at}.jpg,"{PROSE}",Fair\n' for at in range(3))])
    )
    _make_sessions(Path("waterloo_sqoe_1"))
    _make_smaller_pipeline(Path("small.yaml"))
    return tmp_path


def _make_sessions(folder: Path) -> None:
    """Sessions in the layout of Waterloo SQoE-I, with and without stalls."""
    (folder / "streaming_logs").mkdir(parents=True)
    for at in range(6):
        stalls = [f"{stall},2.0,25,1.0\n" for stall in (at % 3, 0, at % 2, 0)]
        text = "rebuffering_duration,chunk_duration,framerate,mos\n" + "".join(stalls)
        (folder / "streaming_logs" / f"s{at}.csv").write_text(text)
    rows = [f"s{at}.csv,{30 + 10 * at}\n" for at in range(6)]
    (folder / "data.csv").write_text("streaming_log,mos\n" + "".join(rows))


def _make_smaller_pipeline(place: Path) -> None:
    """The pipeline `demo-train` with 4 crops per photograph."""
    pipeline = yaml.safe_load(data_file("pipelines", "demo-train.yaml").read_text())
    pipeline["steps"][0]["options"]["crops"] = 4
    place.write_text(yaml.safe_dump(pipeline))


def test_every_change_to_a_command_of_readme_is_to_one_that_it_prints():
    printed = list(commands())
    assert len(printed) > 30
    for part in (*NOT_RUN, *INSTEAD, *ADDED):
        assert any(contains(words, part) for words in printed), part


@pytest.mark.slow
def test_the_commands_of_readme_run_in_order_as_printed(fresh, monkeypatch, capsys):
    pytest.importorskip("torch", reason="needs the model backends' torch")
    pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")
    qbuild = partial(run_command, monkeypatch, capsys)
    with serve_mock() as server:
        for words in commands():
            given = arguments(words, server.base_url)
            if given is not None:
                done = qbuild(*given)
                assert done.code == 0, f"{shlex.join(words)}\n{done.err}"
    assert Path("metrics.parquet").is_file()
    assert Path("train/q-align.json").is_file()
