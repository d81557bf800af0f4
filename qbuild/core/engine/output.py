"""Writes the output of one run: to temporary files, renamed into place when all is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from qbuild.core.artifact import output_folder
from qbuild.core.artifact.atomic_write import disk_errors
from qbuild.core.artifact.description import Description, Recipe, RejectedRef, StageRef
from qbuild.core.artifact.output_folder import File
from qbuild.core.artifact.reader import rejected_path
from qbuild.core.artifact.writer import ArtifactWriter
from qbuild.core.engine.request import Request, Result
from qbuild.core.engine.stage import Output
from qbuild.core.engine.tally import Tally
from qbuild.core.errors import InputError, StageError, TooManyRejectedError, shorten
from qbuild.core.plural import plural
from qbuild.core.schema import load_schema

REASONS_SHOWN = 3
# Parts of a report that are not stored in an artifact: warnings may depend on how the inputs were
# made, which is not part of the recipe; what a run sent and spent differs each time.
NOT_STORED = ("warnings", "run")


class OutputWriter:
    """Collects the rows, rejected rows and files of one run until `commit`."""

    def __init__(self, request: Request, scratch: Path) -> None:
        self.path = request.artifact_path
        self.folder = request.output if request.stage.folder else None
        writes = request.stage.writes
        # a folder may be a mount point: files next to it cannot be renamed into it
        temporary = None if request.stage.folder else scratch
        self.rows = (
            ArtifactWriter(self.path, load_schema(writes), scratch=temporary) if writes else None
        )
        self.rejected = ArtifactWriter(
            rejected_path(self.path), load_schema("rejected"), scratch=temporary
        )
        self.tally = Tally()
        self.files: dict[str, File] = {}
        self.reasons: Counter[str] = Counter()  # of rejected rows
        self.examples: dict[str, str] = {}  # the first row of each reason
        self.rejected_on_reading = 0  # rows of input files that were rejected before the stage ran

    @classmethod
    @contextmanager
    def open(cls, request: Request, scratch: Path) -> Iterator[OutputWriter]:
        """A writer whose temporary files are removed when the run fails."""
        writer = cls(request, scratch)
        with ExitStack() as stack:
            if writer.folder is not None:
                stack.enter_context(output_folder.claimed(writer.folder))
            stack.callback(writer.discard)
            yield writer

    @property
    def media_folder(self) -> Path | None:
        """The folder for media while the stage runs; an export's files are written at commit."""
        if self.folder is None or self.rows is None:
            return None
        return self.folder / output_folder.MEDIA

    def count(self, output: Output) -> None:
        """Add the counts and the files of an output."""
        self.tally.update(output.tally)
        for file in output.files:
            if file.name in self.files:
                raise StageError(file.name, "made twice", "expected one file per name")
            self.files[file.name] = file

    def store(self, output: Output) -> None:
        """Write rows and rejected rows; called only by the writing thread."""
        if output.rows is not None and self.rows is not None:
            self.rows.add(output.rows)
        if output.rejected is not None and output.rejected.num_rows:
            rejected = self.rejected.schema.cast(output.rejected, "rejected rows")
            self.rejected.add(rejected)
            reasons: list[Any] = rejected.column("reason").to_pylist()
            self.reasons.update(reasons)
            for reason in self.reasons.keys() - self.examples.keys():
                (row,) = rejected.slice(reasons.index(reason), 1).to_pylist()
                self.examples[reason] = f"{row['source']} row {row['row']}: {row['message']}"

    def check_rejections(self, request: Request, input_rows: int, stopped: str = "") -> None:
        """Raise TooManyRejectedError above the allowed share, InputError without a usable row.

        StageError where a service `stopped` before its first row.
        """
        rejected = self.rejected.rows
        made = self.rows.rows if self.rows is not None else self.tally["rows"]
        considered = input_rows + self.rejected_on_reading if input_rows else made + rejected
        # divided, since 29 of 100 is 0.29 while 0.29 * 100 is less than 29
        too_many = rejected > 0 and rejected / considered > request.runtime.max_reject_share
        if not too_many and made:
            return
        kept = self._keep_failed(request) if rejected else None
        where = ", ".join(str(path) for path in request.inputs) or request.stage.name
        if kept is None and stopped:
            what = f"stopped before its first row: {stopped}"
            raise StageError(request.stage.name, what, "", "Answers so far are kept.")
        if kept is None:
            raise InputError(
                where, "no usable row: the input is empty", "expected a row", "Check the input."
            )
        why = self._why()
        todo = f"`qbuild show {kept}` prints them all; fix the input"
        if not made:
            what = f"no usable row ({rejected:,} of {considered:,} rejected: {why})"
            raise InputError(where, what, "expected at least one", f"{todo}.")
        raise TooManyRejectedError(
            where,
            f"{rejected:,} of {considered:,} rows rejected ({why})",
            f"expected at most a share of {request.runtime.max_reject_share:g}",
            f"{todo}, or allow more with --max-reject-share.",
        )

    def _why(self) -> str:
        """The most frequent reasons, each with its count and its first row."""
        most = self.reasons.most_common(REASONS_SHOWN)
        times = "\N{MULTIPLICATION SIGN}"
        texts = [f"{n:,} {times} {why}, first: {shorten(self.examples[why])}" for why, n in most]
        more = len(self.reasons) - len(most)
        return "; ".join([*texts, plural(more, "other reason")] if more else texts)

    def commit(
        self, request: Request, recipe: Recipe, pending: int, report: dict[str, Any]
    ) -> Result:
        """Rename all files into place, the artifact last, and remove files of earlier runs."""
        rejected = self._seal_rejected(recipe.stage)
        rows, content_hash = self.rows.finish_rows() if self.rows else (self.tally["rows"], None)
        description = Description.of_run(
            recipe,
            rows=rows,
            content_hash=content_hash,
            pending=pending,
            rejected=rejected,
            report={name: value for name, value in report.items() if name not in NOT_STORED},
        )
        if self.rows is not None:
            self.rows.seal(description.to_json())  # may fill the disk, so before any rename
        if rejected.rows:
            self.rejected.commit()
        if self.rows is not None:
            self.rows.commit()
        elif self.folder is not None:
            files = output_folder.export(self.folder, self.files.values())
            description = description.model_copy(update={"files": files})
            output_folder.describe(self.folder, description.to_json())
        self._sweep(rejected.rows)
        return Result(request.output, rows, rejected.rows, pending, report, description)

    def discard(self) -> None:
        """Remove temporary files; committed files are kept."""
        if self.rows is not None:
            self.rows.discard()
        self.rejected.discard()

    def _seal_rejected(self, stage: StageRef) -> RejectedRef:
        """Close the temporary file of rejected rows, if there are any."""
        rows, content_hash = self.rejected.finish_rows()
        if not rows:
            return RejectedRef(rows=0, content_hash=None)
        described = Description.of_rows(self.rejected.schema, stage, rows, content_hash)
        self.rejected.seal(described.to_json())
        return RejectedRef(rows=rows, content_hash=content_hash)

    def _keep_failed(self, request: Request) -> Path:
        self._seal_rejected(request.stage_ref)
        kept = failed_path(self.path)
        with disk_errors(kept):
            self.rejected.temporary.replace(kept)
        return kept

    def _sweep(self, rejected_rows: int) -> None:
        failed_path(self.path).unlink(missing_ok=True)
        if not rejected_rows:
            rejected_path(self.path).unlink(missing_ok=True)
        if self.folder is None:
            return
        if self.media_folder is not None:
            output_folder.sweep(self.media_folder, set(self.files))
            stale = self.folder / output_folder.DESCRIPTION  # of an earlier export
            stale.unlink(missing_ok=True)
        else:
            own = {output_folder.DESCRIPTION, rejected_path(self.path).name}
            output_folder.sweep(self.folder, set(self.files) | own)


def failed_path(path: Path) -> Path:
    """Where the rejected rows of a failed run are kept: `<name>.failed.parquet`."""
    return path.with_name(f"{path.name.removesuffix('.parquet')}.failed.parquet")
