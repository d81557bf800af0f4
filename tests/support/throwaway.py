"""Two throw-away stages that show what the engine carries: media one-to-many, and a service.

`spots` writes several images per row and rejects some; `echo` answers out of order and may stop
half-way. Neither changes the engine; both are found by workers through `tests/support`.
"""

from __future__ import annotations

import asyncio
import hashlib

import pyarrow as pa

from qbuild.core.artifact.output_folder import File
from qbuild.core.canonical import media_id, row_seed
from qbuild.core.engine.stage import Options, Output, Reads, Stage, StoppedEarlyError
from qbuild.core.engine.tally import Tally
from qbuild.core.rows.rejections import reject_rows


class SpotOptions(Options):
    copies: int = 3
    seed: int = 0


def spots(batch, state, options):
    """`copies` files per row; rows whose score is a multiple of 50 are rejected."""
    rows, files, bad = [], [], []
    for row in batch.rows.to_pylist():
        if row["mos"] % 50 == 0:
            bad.append(row)
            continue
        for copy in range(options.copies):
            name = f"{row['path']}/copy-{copy}-s{options.seed}.bin"
            data = hashlib.sha256(str(row_seed(options.seed, name)).encode()).digest() * 4
            files.append(File(name, data))
            rows.append({**row, "path": name, "media_id": media_id(row["dataset"], name)})
    table = pa.Table.from_pylist(rows, schema=batch.rows.schema) if rows else None
    messages = [f"mos {row['mos']:g} is a multiple of 50" for row in bad]
    return Output(
        rows=table,
        rejected=reject_rows(bad, "multiple", messages, "mos") if bad else None,
        files=tuple(files),
        tally=Tally(files=len(files)),
    )


SPOTS = Stage(
    name="spots",
    version=1,
    options=SpotOptions,
    reads=Reads("rating"),
    writes="rating",
    media=True,
    transform=spots,
    finish=lambda _state, tally, _options: {"files": tally["files"]},
)


class EchoOptions(Options):
    stop_after: int = 0
    fail: bool = False


async def echo(inputs, state, options):
    """Each row back, in another order; stops after `stop_after` answers."""
    rows = [
        (batch.start + at, batch.rows.slice(at, 1))
        for batch in inputs.scan()
        for at in range(len(batch.rows))
    ]
    ahead = sorted(rows, key=lambda numbered: row_seed(0, str(numbered[0])))
    for answered, (at, row) in enumerate(ahead, 1):
        await asyncio.sleep(0)
        if options.fail:
            raise RuntimeError("the service broke")
        yield Output(rows=row, at=at)
        if answered == options.stop_after:
            raise StoppedEarlyError("budget")


ECHO = Stage(
    name="echo",
    version=1,
    options=EchoOptions,
    reads=Reads("rating"),
    writes="rating",
    serve=echo,
)
