"""The run log: when, where and with which versions a stage ran; artifacts hold none of it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qbuild import __version__
from qbuild.core.errors import QbuildError

NAME = "qbuild-runs.jsonl"


@contextmanager
def record(folder: Path, stage: str, output: str) -> Iterator[dict[str, Any]]:
    """Append one line to the folder's run log when the block ends, also with an error.

    A log that cannot be written does not stop the run: no rebuild needs it.
    """
    line: dict[str, Any] = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "stage": stage,
        "output": output,
        "qbuild": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "state": "done",
    }
    started = time.monotonic()
    try:
        yield line
    except BaseException as error:
        line["state"] = error.code if isinstance(error, QbuildError) else type(error).__name__
        raise
    finally:
        line["seconds"] = round(time.monotonic() - started, 3)
        with suppress(OSError), (folder / NAME).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False) + "\n")
