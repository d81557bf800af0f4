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
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_origin

from qbuild.api.artifacts import Artifact, Export, IncompleteWarning
from qbuild.core.errors import UsageError, raise_all, suggest
from qbuild.core.media_roots import MediaRoots
from qbuild.core.renamed import current_options, rename_notices
from qbuild.stages import STAGES, get_stage

if TYPE_CHECKING:
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
        inputs=tuple(Path(path) for path in listed(inputs)),
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
    known = stage.option_fields
    raise_all(
        UsageError(stage.name, f"has no option {name!r}", todo=suggest(name, known))
        for name in current
        if name not in known
    )
    for name, value in current.items():
        takes_several = get_origin(known[name].annotation) is tuple
        if takes_several and isinstance(value, (str, int, float)):
            current[name] = (value,)
    return current


def _plain(value: Any) -> Any:
    """A value as an option takes it: paths as text, lists as tuples."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return tuple(map(_plain, value)) if isinstance(value, (list, tuple)) else value


def call_outside_event_loop(call: Callable[[], T]) -> T:
    """The result of a call that may start an event loop, also inside that of a notebook."""
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
    """The function of a stage, made from its options on first access."""
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

    function: Any = with_inputs if stage.has_inputs else without_inputs
    function.__name__ = function.__qualname__ = name
    function.__module__ = "qbuild"
    options = (f"{option}: {field.description}" for option, field in stage.option_fields.items())
    function.__doc__ = "\n".join([STAGES[command].summary, "", *options])
    function.__signature__ = _signature(stage)
    return cast("Callable[..., Artifact | Export]", function)


def _signature(stage: Stage[Any, Any]) -> inspect.Signature:
    """The paths, then every option with its default, as `help` and completion show them."""
    paths = ["inputs", "output"] if stage.has_inputs else ["output"]
    defaults: dict[str, Any] = {
        name: field.get_default(call_default_factory=True)
        for name, field in stage.option_fields.items()
    }
    defaults["limit"] = None
    return inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in paths]
        + [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in defaults.items()
        ]
    )
