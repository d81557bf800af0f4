"""A function for each stage, with the options, checks and errors of its command."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from qbuild.api.artifacts import Artifact, Export, IncompleteWarning
from qbuild.core.errors import UsageError, raise_all, suggest
from qbuild.core.media_roots import MediaRoots
from qbuild.core.renamed import current_options, rename_notices
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from qbuild.core.engine.request import Request
    from qbuild.core.engine.stage import Stage

T = TypeVar("T")
Place = str | os.PathLike[str]
ALIASES = {"read_ratings": "ingest-ratings"}


def run_stage(
    name: str,
    inputs: Place | Iterable[Place],
    output: Place,
    *,
    limit: int | None = None,
    **options: Any,
) -> Artifact | Export:
    """Run a stage and return what it wrote.

    `inputs` is a path, an Artifact, or several of them; `options` are those of the command, with
    `_` for `-`, its runtime options (`workers`, `media_roots`, …) included. `limit` takes the first
    rows of the inputs only.

    Warns with IncompleteWarning where the stage stopped early. Raises the command's errors, all of
    them subclasses of QbuildError, and leaves an earlier output as it was.
    """
    from qbuild.core.engine.run import run

    request = _request(name, inputs, output, limit, options)
    result = call_outside_event_loop(lambda: run(request))
    for note in result.report.get("warnings", []):
        warnings.warn(note, stacklevel=_caller())
    if not result.complete:
        message = f"{request.output}: {result.pending} rows are pending; run the stage again"
        warnings.warn(message, IncompleteWarning, stacklevel=_caller())
    if request.stage.writes is None:
        return Export(request.output)
    return Artifact(request.output)


def plan_stage(
    name: str, inputs: Place | Iterable[Place], output: Place, **options: Any
) -> dict[str, Any]:
    """What a run of the stage would send and cost, as `--plan --json` prints it; sends nothing."""
    from qbuild.core.engine.run import plan

    request = _request(name, inputs, output, None, options)
    if request.stage.plan is None:
        raise UsageError(name, "sends nothing that could be planned", "expected gpt-extend")
    return plan(request)


def _request(
    name: str,
    inputs: Place | Iterable[Place],
    output: Place,
    limit: int | None,
    given: dict[str, Any],
) -> Request:
    from qbuild.core.engine.request import Request, build_options

    stage = get_stage(name.replace("_", "-"))
    if limit is not None and limit < 1:
        raise UsageError("limit", f"is {limit}", "expected at least 1 row")
    given = _current(stage, {name: _plain(value) for name, value in given.items()})
    request = Request(
        stage=stage,
        options=build_options(stage.options, given),
        inputs=tuple(Path(place) for place in listed(inputs)),
        output=Path(output),
        runtime=build_options(stage.runtime, given),
        limit=limit,
    )
    MediaRoots.parse(request.runtime.media_roots)
    return request


def listed(inputs: Place | Iterable[Place]) -> list[Place]:
    """One path or several, as a list."""
    return [inputs] if isinstance(inputs, (str, os.PathLike)) else list(inputs)


def _current(stage: Stage[Any, Any], given: dict[str, Any]) -> dict[str, Any]:
    """The options under their present names; UsageError for those that the stage does not have."""
    for notice in rename_notices(given, stage.renamed):
        warnings.warn(notice, FutureWarning, stacklevel=_caller())
    current = current_options(given, stage.renamed)
    known = _fields(stage)
    raise_all(
        UsageError(stage.name, f"has no option {name!r}", todo=suggest(name, known))
        for name in current
        if name not in known
    )
    return {name: _as_taken(value, known[name].annotation) for name, value in current.items()}


def _as_taken(value: Any, annotation: Any) -> Any:
    """One value for an option that takes several is a list of one."""
    several = getattr(annotation, "__origin__", None) is tuple
    return (value,) if several and isinstance(value, (str, int, float)) else value


def _plain(value: Any) -> Any:
    """A value as an option takes it: paths as text, lists as tuples."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def call_outside_event_loop(call: Callable[[], T]) -> T:
    """The result of a call that may start an event loop, which a notebook's own would refuse."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return call()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call).result()


def _caller() -> int:
    """The stack level of the first frame outside this package's functions, for warnings."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001 - the documented way to walk the stack
    while frame is not None and frame.f_globals.get("__name__", "").startswith("qbuild.api"):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level


def __getattr__(name: str) -> Any:
    """The function of a stage, made from its options when it is first asked for."""
    command = ALIASES.get(name, name.replace("_", "-"))
    if command not in STAGES:
        raise AttributeError(f"no stage {command!r}")
    function = _function_of(name, command)
    globals()[name] = function
    return function


def _function_of(name: str, command: str) -> Callable[..., Artifact | Export]:
    stage = get_stage(command)

    def with_inputs(inputs: Any, output: Place, **options: Any) -> Artifact | Export:
        return run_stage(command, inputs, output, **options)

    def without_inputs(output: Place, **options: Any) -> Artifact | Export:
        return run_stage(command, (), output, **options)

    reads = bool(stage.reads.min_inputs or stage.reads.schema)
    function: Any = with_inputs if reads else without_inputs
    function.__name__ = function.__qualname__ = name
    function.__module__ = "qbuild"
    function.__doc__ = _documentation(stage)
    function.__signature__ = _signature(stage, reads)
    return cast("Callable[..., Artifact | Export]", function)


def _fields(stage: Stage[Any, Any]) -> dict[str, FieldInfo]:
    return {**stage.options.model_fields, **stage.runtime.model_fields}


def _signature(stage: Stage[Any, Any], reads: bool) -> inspect.Signature:
    """The places, then every option with its default, as `help` and completion show them."""
    places = ["inputs", "output"] if reads else ["output"]
    defaults = {
        name: field.get_default(call_default_factory=True) for name, field in _fields(stage).items()
    }
    defaults["limit"] = None
    return inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in places]
        + [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in defaults.items()
        ]
    )


def _documentation(stage: Stage[Any, Any]) -> str:
    lines = [f"{name}: {field.description}" for name, field in _fields(stage).items()]
    return "\n".join([STAGES[stage.name].summary, "", *lines])
