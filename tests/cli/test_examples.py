"""The example in the help of every command runs, in a folder with the small inputs it names."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import offered
import pytest
from clips import make_clip
from images import write_image

from qbuild.cli import main as cli

PHOTOS = ["bridge.png", *(f"photo-{number:02}.png" for number in range(11))]
SERVER = [sys.executable, "-c", "from qbuild.cli.main import main; main()"]
MODELS = {"train", "import-checkpoint", "score", "answer"}
SLOW = {*MODELS, "run"}
COMMANDS = [
    pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in cli.listings()
]


def example_of(name: str) -> list[str]:
    """The arguments of a command's example."""
    command, *arguments = shlex.split(
        cli.LazyGroup().get_command(None, name).example.replace("\\\n", " ")
    )
    assert command == "qbuild"
    assert arguments[0] == name
    return arguments


class Workshop:
    """Makes the inputs that examples name, in the current folder."""

    def __init__(self, run: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.monkeypatch = run, monkeypatch

    def make(self, name: str) -> None:
        """An input, unless it exists or is an output of the example."""
        maker = getattr(self, name.partition("/")[0].replace(".", "_").replace("-", "_"), None)
        if maker is not None and not Path(name).exists():
            maker()

    def run_example(self, name: str) -> None:
        """A command's example, after its inputs were made."""
        arguments = example_of(name)
        outputs = {arguments[at + 1] for at, word in enumerate(arguments) if word == "-o"}
        for word in arguments[1:]:
            if word not in outputs:
                self.make(word)
        self.run(*arguments)

    def photos(self) -> None:
        for seed, name in enumerate(PHOTOS):
            write_image(Path("photos", name), seed=seed)

    def videos(self) -> None:
        Path("videos").mkdir()
        make_clip(Path("videos/street.mp4"), width=64, height=48, frames=60)

    def ratings_csv(self) -> None:
        self.make("photos")
        rows = [f"{name},{1 + at * 4 / 11:.3f}\n" for at, name in enumerate(PHOTOS)]
        Path("ratings.csv").write_text("image,mos\n" + "".join(rows))

    def ratings_parquet(self) -> None:
        self.run_example("ingest-ratings")

    def levels_parquet(self) -> None:
        self.run_example("mos-to-levels")

    def levels_old_parquet(self) -> None:
        self.make("ratings.csv")
        self.run("mos-to-levels", "ratings.csv", "-o", "levels-old.parquet", "--words", "vqa2")

    def pairs_parquet(self) -> None:
        self.run_example("scoring-qa")

    def sessions_csv(self) -> None:
        Path("sessions.csv").write_text(
            "media,start_s,duration_s,fps,media_s,mos\na.mp4,2,1.5,25,10,3.5\nb.mp4,4,1,25,10,4.1\n"
        )

    def stalls_parquet(self) -> None:
        self.run_example("stalling")
        Path("study.csv").write_text(
            "video,mos\n"
            + "".join(
                f"{v}.mp4,{v_mos}\n"
                for v, v_mos in zip("abcdef", (3.5, 4.1, 1, 2, 3, 5), strict=True)
            )
        )
        self.run("mos-to-levels", "study.csv", "-o", "levels.parquet", "--dataset", "sessions")

    def depictions_csv(self) -> None:
        Path("depictions.csv").write_text(
            "video,overall,level\n"
            'a.mp4,"The video is sharp throughout. However, there is slight noise.",Good\n'
            'b.mp4,"There is severe noise, and the video shakes.",Poor\n'
        )

    def depictions_parquet(self) -> None:
        self.run_example("ingest-depictions")

    def attributes_csv(self) -> None:
        labels = ["noise", "blur", "", "overexposed"]
        rows = [f"{name},{labels[at % 4]}\n" for at, name in enumerate(PHOTOS)]
        Path("attributes.csv").write_text("image,distortions\n" + "".join(rows))

    def scores_csv(self) -> None:
        rows = [f"{name},{at % 7 + at}\n" for at, name in enumerate(PHOTOS)]
        Path("scores.csv").write_text("image,score\n" + "".join(rows))

    def llava_json(self) -> None:
        self.run_example("export")
        shutil.copy(next(Path("training").glob("[!q]*.json")), "llava.json")

    def ledger(self) -> None:
        self.make("depictions.parquet")
        self.monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        with mock_server("mock-server") as address:
            given = ("--provider", "openai", "--model", "gpt-4o", "--base-url", address)
            self.run("gpt-extend", "depictions.parquet", "-o", "asked.parquet", *given)

    def checkpoint(self) -> None:
        self.run_example("train")

    def training_yaml(self) -> None:
        from vqa2_training import QUICK

        lines = [f"{name}: {json.dumps(value)}\n" for name, value in QUICK.items()]
        Path("training.yaml").write_text("".join(lines))

    def published(self) -> None:
        from qbuild_backends.checkpoints.transfer import export_checkpoint
        from qbuild_backends.models.vqa2.family import FAMILY
        from vqa2_toys import tiny_model, tiny_processor

        export_checkpoint(FAMILY, tiny_model(), Path("published"), "llava-hf")
        tiny_processor().tokenizer.save_pretrained("published")


@contextmanager
def mock_server(*arguments: str):
    """The address of a mock server in a process of its own."""
    process = subprocess.Popen([*SERVER, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.fixture
def workshop(tmp_path, monkeypatch, qbuild_cli):
    """Runs examples in an empty folder; each must end with code 0."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> None:
        done = qbuild_cli(*arguments)
        assert done.code == 0, done.err

    return Workshop(run, monkeypatch)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_runs(workshop, name, tmp_path, monkeypatch):
    if name in MODELS:
        pytest.importorskip("torch", reason="needs the model backends' torch")
        pytest.importorskip("accelerate", reason="needs accelerate, which training runs on")
        (tmp_path / "offer").mkdir()
        target = "qbuild_backends.backend:vqa2"
        offered.offer(tmp_path / "offer", monkeypatch, "vqa2", "", target=target)
    if name in {"demo-media", "run", "graph", "status"}:
        pytest.importorskip("skimage", reason="needs scikit-image, whose photographs it takes")
    if name == "plot":
        pytest.importorskip("matplotlib", reason="needs matplotlib")
    if name == "mock-server":
        with mock_server(*example_of(name)) as address:
            assert address.startswith("http://127.0.0.1:8080")
        return
    if name == "why":  # finds its artifacts in the current folder
        workshop.make("pairs.parquet")
    workshop.run_example(name)


@pytest.mark.parametrize("name", cli.listings())
def test_an_example_fits_on_lines_of_80_columns_and_shows_in_the_help(name):
    command = cli.LazyGroup().get_command(None, name)
    lines = [f"  {line}" for line in command.example.splitlines()]
    assert max(map(len, lines)) <= 80
    done = subprocess.run(
        [*SERVER, name, "--help"], capture_output=True, text=True, check=True,
        env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert done.stdout.endswith("\n\nExample:\n" + "\n".join(lines) + "\n")
    assert max(map(len, done.stdout.splitlines())) <= 80
