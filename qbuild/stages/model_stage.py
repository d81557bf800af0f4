"""What the stages that ask a model share: which model, how it computes, and answers in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import Field, field_serializer

from qbuild.core.engine.stage import Options, Output, Runtime

if TYPE_CHECKING:
    from qbuild.backends.protocol import Computing
    from qbuild.core.rows.rejections import RejectedRow

A = TypeVar("A")  # what is asked: a medium, a sample
PIECE = 64  # rows handed on at a time


class ModelOptions(Options):
    """Which model answers."""

    backend: str = Field(default="vqa2", min_length=1, description="Backend; see `qbuild doctor`.")
    model: str = Field(
        default="", description="Folder of a checkpoint, or a preset; else the backend's own."
    )
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="What is computed in; auto is bfloat16 on a GPU."
    )

    @field_serializer("model", when_used="json")
    def _named(self, model: str) -> str:
        """Its own name: where a checkpoint lies decides no row, and its hash is beside this."""
        return Path(model).resolve().name if model and Path(model).exists() else model


class ModelRuntime(Runtime):
    """How the model is run; the batch moves no more than a logit's last digits."""

    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to compute; auto is the GPU where there is one."
    )
    batch: int = Field(default=8, ge=1, description="Media or questions computed at a time.")
    readers: int = Field(default=2, ge=1, description="Threads that read media meanwhile.")


def model_hash(options: ModelOptions) -> dict[str, str]:
    """The content of the model under the name `model`, for the fingerprint.

    Raises MissingPartError where the backend is not there.
    """
    from qbuild.backends.registry import load_backend

    return {"model": load_backend(options.backend, options.model).fingerprint()}


def computing(options: ModelOptions, runtime: Runtime) -> Computing:
    """How a backend is to compute."""
    from qbuild.backends.protocol import Computing

    how = ModelRuntime(**runtime.model_dump())
    return Computing(how.device, options.dtype, how.batch, how.readers)


@dataclass(frozen=True)
class Asked(Generic[A]):
    """What a row asks, or why it cannot: `number` counts the rows from 1, `row` is what is kept."""

    number: int
    row: dict[str, Any]
    what: A | None
    fault: tuple[str, str] | None = None  # reason, message


@dataclass
class Run:
    """What a run told so far; seconds count from the first question to the last answer."""

    model: str
    rows: int = 0
    collapsed: int = 0
    seconds: float = 0.0
    first: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Speed and first rows, which no artifact keeps."""
        speed = self.rows / self.seconds if self.seconds else 0.0
        return {"seconds": self.seconds, "rows_per_s": speed, "first": self.first}


def replies(
    asked: Iterable[Asked[A]], reply: Callable[[Iterable[A]], Iterator[Any]], run: Run
) -> Iterator[tuple[Asked[A], Any]]:
    """Each row with the backend's reply, in order; None for a row that asks nothing.

    Raises StageError where the backend gives more replies or fewer than it was asked for.
    """
    waiting: deque[Asked[A]] = deque()
    begun = perf_counter()

    def questions() -> Iterator[A]:
        for one in asked:
            waiting.append(one)
            if one.what is not None:
                yield one.what

    for said in reply(questions()):
        while waiting and waiting[0].what is None:
            yield waiting.popleft(), None
        if not waiting:
            raise _miscounted(run.model, "more")
        yield waiting.popleft(), said
    run.seconds = perf_counter() - begun
    for one in waiting:
        if one.what is not None:
            raise _miscounted(run.model, "fewer")
        yield one, None


def _miscounted(model: str, how: str) -> Exception:
    from qbuild.core.errors import StageError

    todo = "This is a fault of the backend; please report it."
    return StageError(f"model {model}", f"gave {how} replies than questions", "one each", todo)


def outputs(
    answered: Iterable[tuple[Asked[A], Any]],
    row_of: Callable[[Asked[A], Any], dict[str, Any]],
    run: Run,
) -> Iterator[Output]:
    """The `prediction` rows of the replies, and the rejected rows of what was refused."""
    from qbuild.backends.protocol import Rejected
    from qbuild.core.rows.rejections import Rejection
    from qbuild.media.files.listing import rejected_medium

    rows: list[dict[str, Any]] = []
    rejected: list[RejectedRow] = []
    for asked, said in answered:
        fault = asked.fault
        if isinstance(said, Rejected):
            fault = said.rejection.reason, said.rejection.message
        if fault is not None:
            rejected.append(rejected_medium(asked.row, asked.number, Rejection(*fault)))
        else:
            rows.append(row_of(asked, said))
            run.rows += 1
        if len(rows) + len(rejected) >= PIECE:
            yield _output(rows, rejected)
            rows, rejected = [], []
    yield _output(rows, rejected)


def _output(rows: list[dict[str, Any]], rejected: list[RejectedRow]) -> Output:
    import pyarrow as pa

    from qbuild.core.rows.rejections import rejected_table
    from qbuild.core.schema import load_schema

    return Output(
        rows=pa.Table.from_pylist(rows, schema=load_schema("prediction").arrow) if rows else None,
        rejected=rejected_table(rejected),
    )
