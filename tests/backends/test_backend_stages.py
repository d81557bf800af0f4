"""`qbuild score` and `qbuild answer` with a real model, from the command line to the artifact."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch", reason="needs the model backends' torch")
pytest.importorskip("transformers", reason="needs the model backends' transformers")

import fragile_family  # noqa: E402
import offered  # noqa: E402
import pairs  # noqa: E402
import pyarrow as pa  # noqa: E402
from clips import make_clip  # noqa: E402
from images import write_image  # noqa: E402
from running import rejected_of, rows_of  # noqa: E402
from tables import write_artifact  # noqa: E402

from qbuild.core.schema import load_schema  # noqa: E402
from qbuild.quality.level_scores import score_from_logits  # noqa: E402


@pytest.fixture
def fragile_backend(tmp_path, monkeypatch):
    """Offers the backend `fragile`, whose decoder `crash.mp4` ends."""
    offered.offer(tmp_path, monkeypatch, "fragile", fragile_family.CRASH, "fragile-decoder")


@pytest.fixture
def media(tmp_path):
    place = tmp_path / "koniq"
    write_image(place / "p.png")
    make_clip(place / "a.mp4", frames=35)
    (place / "bad.mp4").write_text("no video")
    return place


def test_a_folder_is_scored_in_one_line(qbuild, media, tmp_path):
    code, out, err = qbuild(
        *("score", media, "-o", "s.parquet", "--device", "cpu", "--max-reject-share", 0.5)
    )
    assert code == 0, err
    assert out.splitlines()[2].endswith(" of 5  a.mp4")
    rows = rows_of(tmp_path / "s.parquet")
    assert [row["path"] for row in rows] == ["a.mp4", "p.png"]
    for row in rows:
        assert row["words"] == ["low", "poor", "fair", "good", "high"]
        assert row["score"] == score_from_logits(row["logits"])
        assert (row["backend"], row["model"]) == ("vqa2", "tiny (untrained)")
    (refused,) = rejected_of(tmp_path / "s.parquet")
    assert refused["reason"] == "not-a-video"


@pytest.mark.usefixtures("fragile_backend")
def test_a_video_that_crashes_its_decoder_ends_no_run(qbuild, media, tmp_path):
    make_clip(media / "crash.mp4")
    (media / "bad.mp4").unlink()
    how = ("--backend", "fragile", "--device", "cpu", "--max-reject-share", 0.5)
    code, _, err = qbuild("score", media, "-o", "s.parquet", *how)
    assert code == 0, err
    assert [row["path"] for row in rows_of(tmp_path / "s.parquet")] == ["a.mp4", "p.png"]
    (refused,) = rejected_of(tmp_path / "s.parquet")
    assert (refused["reason"], refused["value"]) == ("decoder-crashed", "crash.mp4")

    rows = [
        pairs.pair(sample_id=f"{n:032x}", media=[pairs.medium(name, "video")])
        for n, name in enumerate(("crash.mp4", "a.mp4"))
    ]
    table = pa.Table.from_pylist(rows, schema=load_schema("instruction").arrow)
    write_artifact(tmp_path / "qa.parquet", table, "instruction", "scoring-qa")
    code, _, err = qbuild(
        *("answer", "qa.parquet", "-o", "a.parquet", "--media-root", f"koniq={media}", *how),
        *("--max-new-tokens", 2),
    )
    assert code == 0, err
    assert [row["path"] for row in rows_of(tmp_path / "a.parquet")] == ["a.mp4"]
    (refused,) = rejected_of(tmp_path / "a.parquet")
    assert refused["reason"] == "decoder-crashed"


def test_scores_repeat_to_the_byte(qbuild, media, tmp_path):
    for name in ("one", "two"):
        code, _, err = qbuild("score", media / "a.mp4", "-o", f"{name}.parquet", "--device", "cpu")
        assert code == 0, err
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_questions_are_answered(qbuild, media, tmp_path):
    shown = [pairs.medium("p.png"), pairs.medium("a.mp4", "video"), pairs.medium("bad.mp4")]
    rows = [pairs.pair(sample_id=f"{n:032x}", media=[one]) for n, one in enumerate(shown)]
    table = pa.Table.from_pylist(rows, schema=load_schema("instruction").arrow)
    write_artifact(tmp_path / "qa.parquet", table, "instruction", "scoring-qa")
    code, out, err = qbuild(
        *("answer", "qa.parquet", "-o", "a.parquet", "--media-root", f"koniq={media}"),
        *("--device", "cpu", "--max-new-tokens", 4, "--max-reject-share", 0.5, "--json"),
    )
    assert code == 0, err
    assert json.loads(out)["rows"] == 2
    found = rows_of(tmp_path / "a.parquet")
    assert [row["sample_id"] for row in found] == [f"{n:032x}" for n in range(2)]
    (refused,) = rejected_of(tmp_path / "a.parquet")
    assert refused["reason"] == "not-a-video"


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (["--words", "poor,marvellous"], 2, "'marvellous' after"),
        (["--model", "tinny"], 2, "Did you mean tiny?"),
        (["--model", "koniq"], 1, "holds no config.json"),
        (["--temperature", "0"], 2, "--temperature"),
        (["--backend", "vqa"], 5, "Did you mean vqa2?"),
    ],
)
def test_what_cannot_be_ends_with_its_code_and_leaves_nothing(
    qbuild, media, tmp_path, given, code, told
):
    ended, _, err = qbuild("score", media / "p.png", "-o", "s.parquet", "--device", "cpu", *given)
    assert (ended, told in err) == (code, True), err
    assert not (tmp_path / "s.parquet").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_ends_with_code_2(qbuild, media):
    code, _, err = qbuild("score", media / "p.png", "-o", "s.parquet", "--device", "cuda")
    assert code == 2
    assert "--device cuda: there is no GPU" in err
