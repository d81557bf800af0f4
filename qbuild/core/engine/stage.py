"""What a stage is: its options, what it reads and writes, and the functions that make its rows.

Three kinds, told apart by the function that makes the rows:

    transform   map      rows of a batch depend on that batch and on the prepared state alone
    produce     reduce   rows are made from the whole of the inputs
    serve       service  rows come back in any order from one asynchronous loop that may stop early

Nothing here imports pyarrow: `--help` of a stage reads this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from qbuild.core.engine.tally import Tally
from qbuild.core.renamed import RenamedOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from qbuild.core.artifact.description import Description

StageKind = Literal["map", "reduce", "service"]
O = TypeVar("O", bound="Options")  # noqa: E741
S = TypeVar("S")


@dataclass(frozen=True)
class ValueHint:
    """How help and shell completion show an option: `ledger: Annotated[str, ValueHint("DIR")]`.

    Without one, the placeholder is the last word of the option's name. `choices` is the place
    of names to complete, `MODULE:NAME`, which is imported only then.
    """

    metavar: str
    choices: str = ""


class Options(BaseModel):
    """What changes the rows of a stage; flat, frozen, part of the fingerprint.

    Fields are plain types without unions: a value such as `3|random` is a string that a
    validator parses. Each field's description is its help text.
    """

    # defer_build: `--help` reads the fields and validates nothing; numbers may stand for text,
    # as in a pipeline's `severity: 3`
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        coerce_numbers_to_str=True,
        defer_build=True,
    )


class Runtime(BaseModel):
    """How a stage is run: changes neither its rows nor its fingerprint."""

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
    """Consecutive rows of the inputs, `start` counted over all of them in order."""

    rows: pa.Table
    start: int


@dataclass(frozen=True)
class File:
    """A file made by a stage: a name below its folder, and its bytes or a scratch file to move."""

    name: str
    data: bytes | Path


@dataclass(frozen=True)
class Output:
    """What came of some input rows; a service says which: `answers` of them from `at` on."""

    rows: pa.Table | None = None
    rejected: pa.Table | None = None
    files: tuple[File, ...] = ()
    tally: Tally = field(default_factory=Tally)
    at: int | None = None
    answers: int = 1


class StoppedEarlyError(Exception):
    """Raised by a service that ends before its last row; the artifact says `complete: false`."""


class Inputs(Protocol):
    """The inputs of a run, which may be scanned more than once."""

    @property
    def files(self) -> list[Path]:
        """The input files, in the order given."""

    @property
    def rows(self) -> int:
        """Rows of all input artifacts together."""

    @property
    def scratch(self) -> Path:
        """A folder of this run, on the output's disk, gone after it."""

    @property
    def media_roots(self) -> tuple[str, ...]:
        """`[DATASET=]DIR` as given with `--media-root`."""

    @property
    def made_media(self) -> dict[str, Path]:
        """The folder of each dataset whose media were made together with an input artifact."""

    @property
    def runtime(self) -> Runtime:
        """How the stage is run, of the class that it names."""

    @property
    def limit(self) -> int | None:
        """The rows asked for with `--limit`; a stage that reads nothing keeps to it itself."""

    @property
    def lengths(self) -> list[tuple[str, int]]:
        """Base name and number of rows of each input artifact, in the order of a scan."""

    @property
    def descriptions(self) -> list[Description]:
        """The description of each input artifact."""

    @property
    def paths(self) -> list[Path]:
        """The path of each input artifact, in the order of a scan."""

    def scan(self, columns: list[str] | None = None) -> Iterator[Batch]:
        """The rows of all inputs in order, or some columns of them."""

    def side_inputs(self, schema: str) -> Iterator[pa.Table]:
        """The rows of the inputs of a schema that the stage reads beside its own."""

    def rows_at(self, numbers: NDArray[np.int64]) -> list[dict[str, Any]]:
        """The rows of these ascending numbers; only their row groups are read."""


@dataclass(frozen=True)
class Reads:
    """What a stage takes: artifacts of one schema, or files (`schema` is None).

    `otherwise` turns files that are no artifacts into rows of that schema, all or the first few.
    `like` names schemas that hold every column of `schema`: of their artifacts, those are read.
    `beside` names schemas whose artifacts may stand among the inputs and are read apart from them.
    `empty` says that a file of no bytes is the stage's to refuse, as one among many.
    """

    schema: str | None
    from_files: Callable[[list[Path], Any, int | None], Iterator[Output]] | None = None
    min_inputs: int = 1
    compatible: tuple[str, ...] = ()
    side_inputs: tuple[str, ...] = ()
    accepts_empty: bool = False


@dataclass(frozen=True)
class Stage(Generic[O, S]):
    """A transformation, named by its command.

    `writes` is the schema of the artifact, or None for a folder of files (an export).
    `media` says that the artifact lies in a folder beside the media its rows name.
    `piece` is the most rows that `transform` gets at a time, where a row is much work (a video).
    `runtime` adds to how it is run what no other stage has, such as where answers are kept.
    `prompts` gives the hash of each template that decides rows; `plan` what a run would send, and
    `status` how far one is, in words for the progress bar.
    `example` is a command line that the help shows and a test runs.
    `reads_media` says that the stage opens media files, so `--media-root` matters; `unused` names
    other runtime options, or `limit`, that make no difference to it. The help leaves those out.
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
            raise TypeError(f"stage {self.name}: exactly one of transform, produce, serve is given")

    @property
    def kind(self) -> StageKind:
        """`map`, `reduce` or `service`."""
        if self.transform is not None:
            return "map"
        return "reduce" if self.produce is not None else "service"

    @property
    def folder(self) -> bool:
        """Whether the output is a folder: media beside an artifact, or an export."""
        return self.media or self.writes is None

    @property
    def unused_options(self) -> set[str]:
        """Runtime options, and `limit`, that make no difference to this stage."""
        unused = set(self.unused)
        unused |= {"workers"} if self.kind != "map" else set()
        unused |= {"batch_rows"} if self.reads.schema is None else set()
        return unused | (set() if self.reads_media else {"media_roots"})
