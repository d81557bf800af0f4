"""Shared by the stages that use a model: its options, and predictions in order of the rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, field_serializer

from qbuild.backends.protocol import Backend, Computing, Rejected
from qbuild.backends.registry import load_backend
from qbuild.core.engine.stage import Inputs, Options, Output, Runtime
from qbuild.core.errors import StageError
from qbuild.core.rows.rejections import RejectedRow, Rejection, rejected_table
from qbuild.core.rows.split_filter import SplitFilter
from qbuild.media.files.listing import rejected_medium

A = TypeVar("A")  # input of the model: a medium or a prompt
CHUNK = 64  # rows per output
Row = dict[str, Any]


class ModelOptions(Options):
    """The model and its backend."""

    backend: str = Field(default="vqa2", min_length=1, description="Backend; see `qbuild doctor`.")
    model: str = Field(
        default="", description="Folder of a checkpoint, or a preset; else the backend's default."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="Type to compute in; auto is bfloat16 on a GPU."
    )

    @field_serializer("model", when_used="json")
    def _name_only(self, model: str) -> str:
        """The checkpoint's name: moving it changes no row, and its hash is recorded too."""
        return Path(model).resolve().name if model and Path(model).exists() else model


class ModelRuntime(Runtime):
    """How the model is run; the batch size affects at most the last digits of a logit."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to compute; auto uses a GPU if there is one."
    )
    batch: int = Field(default=8, ge=1, description="Media or questions per batch.")
    readers: int = Field(default=2, ge=1, description="Threads that read media in the background.")


def model_hash(options: ModelOptions) -> dict[str, str]:
    """The hash of the model, for the fingerprint; MissingPartError without its backend."""
    return {"model": load_backend(options.backend, options.model).fingerprint()}


def open_model(options: ModelOptions, runtime: Runtime) -> tuple[Backend, Computing]:
    """The backend with its model, and the settings of the computation."""
    how = ModelRuntime(**runtime.model_dump())
    computing = Computing(how.device, options.dtype, how.batch, how.readers)
    return load_backend(options.backend, options.model), computing


@dataclass(frozen=True)
class Request(Generic[A]):
    """The model's input for a row, or why there is none; `number` counts rows from 1."""

    number: int
    row: Row
    payload: A | None
    rejection: Rejection | None = None


@dataclass
class RunStats:
    """Counts, and seconds from the first request to the last reply; `first` are examples."""

    model: str
    rows: int = 0
    collapsed: int = 0
    seconds: float = 0.0
    first: list[Row] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)  # rows of other splits

    def other_splits(self) -> Row:
        """`left_out` of a report; nothing where every row is used."""
        return {"left_out": self.left_out} if self.left_out else {}

    def as_dict(self) -> Row:
        """Speed and first rows; they are reported, but not part of the artifact."""
        speed = self.rows / self.seconds if self.seconds else 0.0
        return {"seconds": self.seconds, "rows_per_s": speed, "first": self.first}


def first_rows(
    inputs: Inputs, key: str, splits: SplitFilter, stats: RunStats
) -> Iterator[tuple[int, Row]]:
    """Each row of the splits whose `key` is new, with its number from 1; counts the others."""
    stats.left_out = splits.left_out
    known: set[str] = set()
    for batch in inputs.scan():
        for number, row in enumerate(batch.rows.to_pylist(), batch.start + 1):
            if not splits.takes(row["split"]):
                continue
            if row[key] in known:
                stats.collapsed += 1
            else:
                known.add(row[key])
                yield number, row


def predict(
    requests: Iterable[Request[A]],
    reply: Callable[[Iterable[A]], Iterator[Any]],
    to_row: Callable[[Request[A], Any], Row],
    stats: RunStats,
) -> Iterator[Output]:
    """The `prediction` rows of the backend's replies in order of the requests, and rejected rows.

    Raises StageError where the backend gives more or fewer replies than it got payloads.
    """
    rows: list[Row] = []
    rejected: list[RejectedRow] = []
    for request, answer in _pair_replies(requests, reply, stats):
        rejection = answer.rejection if isinstance(answer, Rejected) else request.rejection
        if rejection is not None:
            rejected.append(rejected_medium(request.row, request.number, rejection))
        else:
            rows.append(to_row(request, answer))
            stats.rows += 1
        if len(rows) + len(rejected) >= CHUNK:
            yield _output(rows, rejected)
            rows, rejected = [], []
    yield _output(rows, rejected)


def _pair_replies(
    requests: Iterable[Request[A]], reply: Callable[[Iterable[A]], Iterator[Any]], stats: RunStats
) -> Iterator[tuple[Request[A], Any]]:
    """Each request with its reply, in order; None for one without a payload."""
    waiting: deque[Request[A]] = deque()
    start = perf_counter()

    def payloads() -> Iterator[A]:
        for request in requests:
            waiting.append(request)
            if request.payload is not None:
                yield request.payload

    for answer in reply(payloads()):
        while waiting and waiting[0].payload is None:
            yield waiting.popleft(), None
        if not waiting:
            raise _miscounted(stats.model, "more")
        yield waiting.popleft(), answer
    stats.seconds = perf_counter() - start
    for request in waiting:
        if request.payload is not None:
            raise _miscounted(stats.model, "fewer")
        yield request, None


def _miscounted(model: str, how: str) -> StageError:
    todo = "This is a fault of the backend; please report it."
    return StageError(f"model {model}", f"gave {how} replies than questions", "one each", todo)


def _output(rows: list[Row], rejected: list[RejectedRow]) -> Output:
    import pyarrow as pa

    from qbuild.core.schema import load_schema

    return Output(
        rows=pa.Table.from_pylist(rows, schema=load_schema("prediction").arrow) if rows else None,
        rejected=rejected_table(rejected),
    )
