"""The definition of a stage: options, inputs, output, and the functions that make its rows.

There are three kinds, by the function that makes the rows:

    transform   map      rows of a batch depend only on that batch and the prepared state
    produce     reduce   rows depend on all inputs
    serve       service  rows come in any order from one asynchronous loop that may stop early

Nothing here imports pyarrow: `--help` of a stage imports this module.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from qbuild.core.artifact.output_folder import File
from qbuild.core.engine.tally import Tally
from qbuild.core.renamed import RenamedOptions

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from pydantic.fields import FieldInfo

    from qbuild.core.artifact.reader import Artifact


StageKind = Literal["map", "reduce", "service"]
O = TypeVar("O", bound="Options")  # noqa: E741
S = TypeVar("S")


@dataclass(frozen=True)
class ValueHint:
    """How help and shell completion show an option: `ledger: Annotated[str, ValueHint("DIR")]`.

    Without one, the placeholder is the last word of the option's name. `choices` is `MODULE:NAME`
    of the values for completion, which is imported only when needed.
    """

    metavar: str
    choices: str = ""


class Options(BaseModel):
    """The options of a stage that change its rows; flat, frozen, part of the fingerprint.

    Fields are plain types without unions: a value such as `3|random` is a string that a
    validator parses. Each field's description is its help text.
    """

    # defer_build: `--help` reads the fields and validates nothing; a number is accepted for text,
    # as in a pipeline's `severity: 3`
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        defer_build=True,
    )


class Runtime(BaseModel):
    """How a stage runs; changes neither its rows nor its fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    workers: int = Field(default=1, ge=1, description="Processes that transform rows.")
    batch_rows: int = Field(default=65_536, ge=1, description="Rows handled at a time.")
    max_reject_share: float = Field(
        default=0.05, ge=0, le=1, description="Share of rejected rows above which the run fails."
    )
    media_roots: Annotated[tuple[str, ...], ValueHint("[DATASET=]DIR")] = Field(
        default=(), description="Folder of media files; repeatable."
    )


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of the inputs; `start` is the number of the first, over all inputs."""

    rows: pa.Table
    start: int


@dataclass(frozen=True)
class Output:
    """The result of some input rows; a service gives the first of them (`at`) and their number."""

    rows: pa.Table | None = None
    rejected: pa.Table | None = None
    files: tuple[File, ...] = ()
    tally: Tally = field(default_factory=Tally)
    at: int | None = None
    answers: int = 1


class StoppedEarlyError(Exception):
    """Raised by a service that ends before its last row; the artifact is incomplete."""


class Inputs(Protocol):
    """The inputs of a run; they can be scanned more than once."""

    @property
    def files(self) -> list[Path]:
        """The input files, in their order on the command line."""

    @property
    def rows(self) -> int:
        """Rows of all input artifacts together."""

    @property
    def scratch(self) -> Path:
        """A folder for this run on the output's disk, removed at its end."""

    @property
    def media_roots(self) -> tuple[str, ...]:
        """The values of `--media-root`, `[DATASET=]DIR`."""

    @property
    def made_media(self) -> dict[str, Path]:
        """The folder of each dataset whose media were made together with an input artifact."""

    @property
    def runtime(self) -> Runtime:
        """The runtime options, of the class that the stage names."""

    @property
    def limit(self) -> int | None:
        """The value of `--limit`; a stage that reads no artifacts applies it itself."""

    @property
    def artifacts(self) -> list[Artifact]:
        """The input artifacts, in the order of a scan."""

    def scan(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """The rows of all inputs in order, or some columns of them."""

    def side_inputs(self, schema: str) -> Iterator[pa.Table]:
        """The rows of the side inputs of a schema."""

    def rows_at(self, numbers: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The rows of these ascending numbers; only their row groups are read."""


@dataclass(frozen=True)
class Reads:
    """What a stage reads: artifacts of one schema, or files (`schema` is None).

    `from_files` converts files that are not artifacts to rows of that schema, all or the first few.
    `compatible` names schemas with all columns of `schema`; those columns are read.
    `alternatives` names schemas that are read in place of `schema`, one per run, and whose rows the
    stage then writes: those of the first input (`qbuild.core.engine.inputs.adapt_stage`).
    `side_inputs` names schemas whose artifacts are accepted among the inputs and read separately.
    `accepts_empty`: the stage itself reports a file of 0 bytes, as one of many.
    """

    schema: str | None
    from_files: Callable[[list[Path], Any, int | None], Iterator[Output]] | None = None
    min_inputs: int = 1
    compatible: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()
    side_inputs: tuple[str, ...] = ()
    accepts_empty: bool = False


@dataclass(frozen=True)
class Stage(Generic[O, S]):
    """A transformation, named by its command.

    `writes` is the schema of the artifact, or None for a folder of files (an export).
    `media`: the output is a folder that holds the artifact and the media that its rows name.
    `max_batch_rows` limits the rows per call of `transform`, for rows that take long (videos).
    `runtime` adds runtime options, such as where answers are stored.
    `prompts` gives the hash of each template that decides rows, `plan` the requests a run would
    send, and `status` a text for the progress bar.
    `example` is a command line that the help shows and a test runs.
    `reads_media`: the stage opens media files, so the help shows `--media-root`; `unused` names
    other runtime options, or `limit`, that have no effect, and that the help leaves out.
    `renamed` maps the old name of an option, or of a runtime option, to its present one.
    `version` changes whenever the rows made from the same inputs and options change.
    """

    name: str
    version: int
    options: type[O]
    reads: Reads
    writes: str | None
    media: bool = False
    max_batch_rows: int | None = None
    runtime: type[Runtime] = Runtime
    prompts: Callable[[O], dict[str, str]] | None = None
    plan: Callable[[Inputs, S, O], dict[str, Any]] | None = None
    status: Callable[[S], str] | None = None
    prepare: Callable[[Inputs, O], S] | None = None
    transform: Callable[[Batch, S, O], Output] | None = None
    produce: Callable[[Inputs, O], Iterator[Output]] | None = None
    serve: Callable[[Inputs, S, O], AsyncIterator[Output]] | None = None
    finish: Callable[[S, Tally, O], dict[str, Any]] | None = None
    render: Callable[[dict[str, Any]], str] | None = None
    renamed: RenamedOptions = field(default_factory=dict)
    example: str = ""
    reads_media: bool = False
    unused: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        makers = [m for m in (self.transform, self.produce, self.serve) if m is not None]
        if len(makers) != 1:
            raise TypeError(f"stage {self.name}: expected exactly one of transform, produce, serve")

    @property
    def kind(self) -> StageKind:
        """`map`, `reduce` or `service`."""
        if self.transform is not None:
            return "map"
        return "reduce" if self.produce is not None else "service"

    @property
    def folder(self) -> bool:
        """Whether the output is a folder: an artifact with media, or an export."""
        return self.media or self.writes is None

    @property
    def has_inputs(self) -> bool:
        """Whether the stage reads artifacts or files; others make rows from their options."""
        return bool(self.reads.min_inputs or self.reads.schema)

    @property
    def option_fields(self) -> dict[str, FieldInfo]:
        """Options and runtime options by name."""
        return {**self.options.model_fields, **self.runtime.model_fields}

    @property
    def unused_options(self) -> set[str]:
        """Runtime options, and `limit`, that have no effect on this stage."""
        unused = set(self.unused)
        unused |= {"workers"} if self.kind != "map" else set()
        unused |= {"batch_rows"} if self.reads.schema is None else set()
        return unused | (set() if self.reads_media else {"media_roots"})
