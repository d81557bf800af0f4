"""Makes the files beside it: one of each thing that qbuild writes. It ran with the code of 0.1.0.

    python tests/data/made_by_0_1_0/make.py

Kept to show how the files came to be. A later version reads them and need not be able to make them
again: this script uses internals of 0.1.0, of qbuild and of qbuild_backends.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image
from qbuild_backends.vqa2 import folder
from qbuild_backends.vqa2.config import Vqa2Config
from qbuild_backends.vqa2.model import Vqa2ForConditionalGeneration
from qbuild_backends.vqa2.processor import Vqa2Processor
from qbuild_backends.vqa2.tokenizer import tiny_tokenizer
from transformers import Qwen2Config, SiglipVisionConfig

HERE = Path(__file__).resolve().parent
KEPT = {"make.py", "pipeline.yaml"}
COMMAND = [sys.executable, "-c", "from qbuild.cli.main import main; main()"]
INTERRUPTED = """
from qbuild.cli.main import main
from qbuild_backends.vqa2 import loop

write_state = loop.write_state

def stop(place, progress, *rest):
    write_state(place, progress, *rest)
    if progress.step == 2:
        raise KeyboardInterrupt

loop.write_state = stop
main()
"""
SCORES = """image,mos,std,num_ratings,split
a.png,1.25,0.5,20,train
b.png,2.1,0.6,21,train
c.png,2.9,0.7,22,train
d.png,3.6,0.6,20,test
e.png,4.2,0.5,19,train
f.png,4.75,0.4,20,train
g.png,,0.5,20,train
"""
EVENTS = """media,start_s,duration_s,fps,media_s,mos,mos_std,num_ratings,split
s1.mp4,0,1.5,25,10,61.2,9.5,20,train
s1.mp4,2.5,1.2,25,10,61.2,9.5,20,train
s2.mp4,,,30000/1001,12,80.1,8.5,20,test
s3.mp4,4,3,24,9,30.5,7.5,19,train
s4.mp4,x,3,25,9,30.5,7.5,19,train
"""
DEPICTIONS = """video,overall,in-context,question,answer,worker,level,mos_norm,date
clips/a.mp4,"Sharp and bright throughout. However, there is slight noise at the end.",\
The face is dark when she turns at the beginning.,,,ann,4,71.5,2024-3-7
clips/b.mp4,"There is severe noise, and the picture shakes in the middle of the video.",\
,Why does it shake?,It was filmed while walking.,bob,2,25,2024-3-8
../c.mp4,Sharp.,,,,ann,3,50,2024-3-8
"""
PREDICTIONS = """path,score
a.png,0.11
b.png,0.35
c.png,0.31
d.png,0.62
e.png,0.8
f.png,0.77
"""
LOOSE = ["--max-reject-share", "0.5"]
SETTINGS = {
    "base": "base",
    "plan": "1-spatial",
    "frame": "none",
    "batch": 2,
    "per_device_batch": 2,
    "learning_rate": 0.01,
    "workers": 0,
    "device": "cpu",
    "gradient_checkpointing": False,
    "epochs": 2,
    "max_steps": 4,
    "save_every": 1,
}
# Logits are kept to four decimals. Of fourteen seeds, with this one they lie farthest from where
# the last decimal turns (4.8e-6), so that another processor's rounding does not show.
SEED = 9


def main() -> None:
    """Make everything anew."""
    for place in HERE.iterdir():
        if place.name not in KEPT:
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    sources()
    ask()
    qbuild("run", "pipeline.yaml", "--workdir", "work", *LOOSE)
    models()
    for place in (*HERE.rglob("qbuild-runs.jsonl"), *HERE.rglob("ledger.lock")):
        place.unlink()  # the machine that ran it, and who wrote


def qbuild(*arguments: str, code: int = 0, command: list[str] = COMMAND) -> str:
    """What `qbuild ARGUMENTS` printed, in this folder; raises where it ended otherwise."""
    done = subprocess.run(
        [*command, *arguments], cwd=HERE, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != code:
        raise SystemExit(f"{arguments} ended with {done.returncode}")
    return done.stdout


def sources() -> None:
    """Tables, pictures and a clip that the other files are made of."""
    tables = {"scores": SCORES, "events": EVENTS, "depictions": DEPICTIONS}
    for name, text in {**tables, "predictions": PREDICTIONS}.items():
        (HERE / f"{name}.csv").write_text(text, encoding="utf-8")
    for place in ("pictures", "clips"):
        (HERE / place).mkdir()
    for at, name in enumerate("abcdef"):
        Image.fromarray(drawn(at)).save(HERE / "pictures" / f"{name}.png", optimize=True)
    with av.open(str(HERE / "clips/moving.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=6)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.thread_count = 1
        for at in range(12):
            frame = av.VideoFrame.from_ndarray(drawn(2, at), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def drawn(kind: int, shift: int = 0) -> np.ndarray:
    """A picture of 32 x 32 with slopes and boxes."""
    y, x = np.mgrid[0:32, 0:32]
    slope = np.stack([x * 6 + kind * 8, y * (7 - kind), (x + y) * 3], -1)
    boxes = ((x + shift) // (3 + kind) + y // 5) % 2 * 60
    return np.clip(slope + boxes[..., None], 0, 255).astype(np.uint8)


def ask() -> None:
    """A ledger of what the mock server answered about the depictions."""
    shown = ["mock-server", "--json"]
    with subprocess.Popen([*COMMAND, *shown], stdout=subprocess.PIPE, text=True) as server:
        address = json.loads(server.stdout.readline())["base_url"]
        qbuild("ingest-depictions", "depictions.csv", "-o", "told.parquet", *LOOSE)
        asked = ["--provider", "openai", "--model", "mock-model", "--base-url", address]
        told = ["told.parquet", "-o", "asked.parquet", "--ledger", "ledger"]
        qbuild("gpt-extend", *told, *asked, "--concurrency", "1")
        server.terminate()
    for place in HERE.glob("*.parquet"):
        place.unlink()


def models() -> None:
    """A base, a checkpoint trained from it, the same training cut off, and what they give."""
    folder.save(HERE / "base", *smallest())
    train("checkpoint")
    train("cut-off", code=130, command=[sys.executable, "-c", INTERRUPTED])
    further = {**SETTINGS, "base": "checkpoint", "plan": "ugc-scorer", "max_steps": 1}
    train("further", further)
    loss = json.loads((HERE / "further/losses.jsonl").read_text())["loss"]
    shutil.rmtree(HERE / "further")
    given = ["work/ratings.parquet", "clips", "--media-root", "scores=pictures"]
    model = ["--backend", "vqa2", "--model", "checkpoint", "--device", "cpu", "--batch", "2"]
    qbuild("score", *given, *model, "-o", "predictions.parquet")
    pairs = ["work/pairs.parquet", "--media-root", "scores=pictures", "--max-new-tokens", "4"]
    qbuild("answer", *pairs, *model, "-o", "answers.parquet")
    told = {
        "further_loss": loss,
        "scores": {
            row["media_id"]: row["score"]
            for row in pq.read_table(HERE / "predictions.parquet").to_pylist()
        },
        "seed": SEED,
        "settings": SETTINGS,
    }
    (HERE / "expected.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    with tarfile.open(HERE / "models.tar.xz", "w:xz", preset=9) as packed:
        for name in ("base", "checkpoint", "cut-off.training"):
            packed.add(HERE / name, name, filter=anonymous)
            shutil.rmtree(HERE / name)


def train(output: str, settings: dict[str, object] = SETTINGS, **how: object) -> None:
    """Train on the pairs of the pipeline."""
    told = [f"--set={name}={json.dumps(value)}" for name, value in settings.items()]
    given = ["work/pairs.parquet", "--backend", "vqa2", "--media-root", "scores=pictures"]
    qbuild("train", *given, "-o", output, "--seed", str(SEED), *told, **how)


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member without its owner and time."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def smallest() -> tuple[Vqa2ForConditionalGeneration, Vqa2Processor]:
    """The smallest model that can be: only the motion branch has a size of its own.

    Its 514,152 weights repeat 31 numbers, each tensor at a scale that carries, so that they pack.
    """
    vision = SiglipVisionConfig(
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        vision_use_head=False,
    )
    text = Qwen2Config(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        vocab_size=512,
        max_position_embeddings=512,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        rope_parameters={"rope_theta": 1_000_000.0, "rope_type": "default"},
    )
    config = Vqa2Config(
        vision_config=vision,
        text_config=text,
        image_token_index=3,
        video_token_index=4,
        motion_token_id=5,
        motion_positions=16,
        motion_size=32,
        motion_mean=0.45,
        motion_deviation=0.225,
    )
    model = Vqa2ForConditionalGeneration(config)
    numbers = torch.randn(31, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for at, (name, tensor) in enumerate(model.state_dict().items()):
            if tensor.is_floating_point():
                tensor.copy_(repeated(numbers.roll(at), name, tensor))
    return model, Vqa2Processor.of(config, tiny_tokenizer())


def repeated(numbers: torch.Tensor, name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The numbers, over and over, in the shape of a tensor and at a scale for its place."""
    many = numbers.repeat(-(-tensor.numel() // len(numbers)))[: tensor.numel()].view(tensor.shape)
    if name.endswith(("running_var", "norm.weight")) and tensor.ndim == 1:
        return 1 + 0.2 * many.abs()
    return 0.1 * many if tensor.ndim < 2 else many * (2 / tensor[0].numel()) ** 0.5


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "TZ": "UTC"}
    torch.set_num_threads(1)
    main()
