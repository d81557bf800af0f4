"""Pipelines: recipes of stages in YAML, run in order, each step only if it is stale.

roots: {koniq: /data/koniq}          # as --media-root
steps:
  - id: levels                       # its artifact: WORKDIR/levels.parquet, or WORKDIR/levels/
    stage: mos-to-levels
    inputs: [ratings.csv]            # ids of steps, or paths relative to the pipeline's folder
    options: {words: itu}
    runtime: {workers: 4}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from qbuild.core.engine.stage import Options, Runtime, Stage
from qbuild.core.errors import (
    InputError,
    PipelineError,
    QbuildError,
    describe_option_error,
    raise_all,
    suggest,
)
from qbuild.core.renamed import current_options, rename_notices
from qbuild.core.resources import data_dir

M = TypeVar("M", bound=BaseModel)

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_KEYS = {"roots", "steps", "title"}
_STEP_KEYS = {"id", "stage", "inputs", "options", "runtime"}
# PyYAML's constructors of dates, numbers and binaries raise plain Python errors.
_YAML_ERRORS = (
    yaml.YAMLError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Step:
    """A stage with its options and inputs; `inputs` name steps (`after`) or files."""

    id: str
    stage: Stage[Any, Any]
    options: Options
    inputs: tuple[str, ...]
    after: tuple[str, ...]
    runtime: Runtime  # only what the step sets
    notices: tuple[str, ...] = ()  # of options that were renamed

    def run_as(self, runtime: Runtime) -> Runtime:
        """The runtime options of the step: its own, else the pipeline's, else the defaults."""
        default = Runtime()
        given = {name: value for name, value in runtime if value != getattr(default, name)}
        return self.stage.runtime(**{**given, **self.runtime.model_dump(exclude_unset=True)})

    def output(self, workdir: Path) -> Path:
        """The path of the step's artifact or folder."""
        return workdir / (self.id if self.stage.folder else f"{self.id}.parquet")


@dataclass(frozen=True)
class Pipeline:
    """The steps of a pipeline, in topological order."""

    path: Path
    title: str
    steps: tuple[Step, ...]
    roots: tuple[str, ...]

    @property
    def notices(self) -> list[str]:
        """A notice for each option that the file gives under an old name, with its position."""
        return [f"{self.path}: step {s.id}: {notice}" for s in self.steps for notice in s.notices]

    def inputs(self, step: Step, workdir: Path) -> tuple[Path, ...]:
        """The files that a step reads: outputs of earlier steps, or files of the user."""
        outputs = {other.id: other.output(workdir) for other in self.steps}
        return tuple(
            outputs[name] if name in step.after else self.path.parent / name for name in step.inputs
        )


# Numbers without YAML 1.1's base 60, in which `1:5` would be 65.
_NUMBERS = {
    "tag:yaml.org,2002:int": re.compile(
        r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+)\Z"
    ),
    "tag:yaml.org,2002:float": re.compile(
        r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, without duplicate keys, and with `1:5` as text."""

    # PyYAML's own table: tags and their patterns by first character
    yaml_implicit_resolvers = {  # noqa: RUF012 - of the class, as PyYAML has it
        first: [(tag, _NUMBERS.get(tag, pattern)) for tag, pattern in resolvers]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; PipelineError for a duplicate key, or one that is not a scalar."""
        keys: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in keys:
                where = f"{self.name}: line {key_node.start_mark.line + 1}"
                is_name = isinstance(key, Hashable)
                what = f"duplicate key {key!r}" if is_name else f"key {key!r} is not a name"
                raise PipelineError(where, what, "expected each name once")
            keys.add(key)
        return dict(super().construct_mapping(node, deep))


def find_pipeline(name_or_path: str) -> Path:
    """The file of that name, else the shipped pipeline of that name, with or without `.yaml`."""
    path = Path(name_or_path)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(data_dir("pipelines").glob("*.yaml"))}
    name = name_or_path.removesuffix(".yaml")
    if name not in shipped:
        kind = "is a folder" if path.is_dir() else "is not a regular file"
        raise InputError(
            name_or_path,
            f"{kind if path.exists() else 'no such file'}, and no shipped pipeline",
            "expected a YAML file, or the name of a shipped pipeline",
            suggest(name, shipped),
        )
    return shipped[name]


def load_pipeline(
    path: Path, stages: Iterable[str], get_stage: Callable[[str], Stage[Any, Any]]
) -> Pipeline:
    """The pipeline in a YAML file, in order; all its problems are reported at once."""
    document = _read(path)
    entries = document.get("steps")
    if not isinstance(entries, list) or not entries:
        raise PipelineError(str(path), "has no steps", "expected a list under `steps:`")
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    reader = _StepReader([i for i in ids if isinstance(i, str)], sorted(stages), get_stage)
    reader.check_keys(str(path), document, _KEYS)
    steps = []
    for number, (identity, entry) in enumerate(zip(ids, entries, strict=True), 1):
        where = f"{path}: step {identity if isinstance(identity, str) else number}"
        steps.append(reader.read(where, entry))
    reader.check_ids(str(path))
    roots = document.get("roots") or {}
    if not isinstance(roots, Mapping) or not all(isinstance(p, str) for p in roots.values()):
        expected = "expected a mapping of datasets to folders"
        reader.add(str(path), f"roots {roots!r}", expected)
    raise_all(reader.problems)
    title = str(document.get("title") or path.stem)
    ordered = _ordered(path, [step for step in steps if step is not None])
    folders = tuple(f"{name}={path.parent / folder}" for name, folder in roots.items())
    return Pipeline(path, title, tuple(ordered), folders)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as stream:  # errors of the loader name it
            document = yaml.load(stream, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", "expected a pipeline (YAML)") from error
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not UTF-8"
        raise InputError(str(path), what, "expected UTF-8 text", "Save it as UTF-8.") from error
    except OSError as error:
        what = f"cannot be opened: {error.strerror}"
        raise InputError(str(path), what, "expected a pipeline (YAML)", "Check it.") from error
    except _YAML_ERRORS as error:
        what = f"is not valid YAML ({' '.join(str(error).split())})"
        raise PipelineError(str(path), what, "expected a pipeline", "Correct the file.") from error
    if not isinstance(document, dict):
        raise PipelineError(
            str(path),
            "is not a mapping",
            "expected `steps:` at the top",
            "`qbuild graph demo` shows a shipped pipeline.",
        )
    return document


class _StepReader:
    """Reads the steps of one pipeline and collects their problems."""

    def __init__(
        self, ids: list[str], stages: list[str], get_stage: Callable[[str], Stage[Any, Any]]
    ) -> None:
        self._ids, self._stages, self._get_stage = ids, stages, get_stage
        self.problems: list[QbuildError] = []

    def add(self, where: str, what: str, expected: str = "", todo: str = "") -> None:
        """Add a problem."""
        self.problems.append(PipelineError(where, what, expected, todo))

    def check_keys(self, where: str, given: Mapping[Any, Any], known: set[str]) -> None:
        """Add a problem for each unknown key."""
        for key in given:
            if key not in known:
                self.add(where, f"unknown key {key!r}", todo=suggest(str(key), known))

    def check_ids(self, where: str) -> None:
        """Add a problem for each id of several steps."""
        for name in sorted({i for i in self._ids if self._ids.count(i) > 1}):
            self.add(where, f"two steps write one artifact: {name}", "expected one id per step")

    def read(self, where: str, entry: object) -> Step | None:
        """A step; None if it has problems."""
        before = len(self.problems)
        if not isinstance(entry, dict):
            self.add(where, f"is {entry!r}", "expected id, stage, inputs, options")
            return None
        self.check_keys(where, entry, _STEP_KEYS)
        identity, name, inputs = entry.get("id"), entry.get("stage"), entry.get("inputs") or []
        if not isinstance(identity, str) or not _ID.fullmatch(identity):
            self.add(where, f"id {identity!r}", "expected lower-case letters, digits, - and _")
        if name not in self._stages:
            self.add(where, f"unknown stage {name!r}", todo=suggest(str(name), self._stages))
        if not isinstance(inputs, list) or not all(isinstance(i, str) for i in inputs):
            self.add(where, f"inputs {inputs!r}", "expected a list of names")
        if len(self.problems) > before:
            return None
        stage = self._get_stage(str(name))
        if len(inputs) < stage.reads.min_inputs:
            expected = f"stage {name} reads at least {stage.reads.min_inputs}"
            self.add(where, f"{len(inputs)} inputs", expected)
        notices: list[str] = []
        options = self._values(where, stage, stage.options, entry.get("options") or {}, notices)
        runtime = self._values(where, stage, stage.runtime, entry.get("runtime") or {}, notices)
        if options is None or runtime is None or len(self.problems) > before:
            return None
        after = tuple(i for i in inputs if i in self._ids)
        return Step(str(identity), stage, options, tuple(inputs), after, runtime, tuple(notices))

    def _values(
        self, where: str, stage: Stage[Any, Any], model: type[M], given: object, notices: list[str]
    ) -> M | None:
        """The options or runtime options of a step; adds a notice for each renamed one."""
        if not isinstance(given, Mapping):
            self.add(where, f"options {given!r}", "expected a mapping")
            return None
        names = [str(name).replace("-", "_") for name in given]
        values = dict(zip(names, given.values(), strict=True))
        notices += rename_notices(values, stage.renamed)
        present = [stage.renamed[name].name if name in stage.renamed else name for name in names]
        if twice := sorted({name for name in present if present.count(name) > 1}):
            for name in twice:
                self.add(where, f"option {name!r} is given twice")
            return None
        try:
            return model.model_validate(current_options(values, stage.renamed))
        except ValidationError as error:
            for fault in error.errors():
                name = ".".join(str(part) for part in fault["loc"])
                if fault["type"] == "extra_forbidden":
                    todo = suggest(name, model.model_fields)
                    self.add(where, f"unknown option {name!r}", todo=todo)
                else:
                    what, expected = describe_option_error(fault)
                    todo = f"`qbuild {stage.name} --help` lists its options."
                    self.add(where, f"option {name}: {what}", expected, todo)
        return None


def _ordered(path: Path, steps: list[Step]) -> list[Step]:
    by_id = {step.id: step for step in steps}
    sorter = TopologicalSorter({step.id: step.after for step in steps})
    try:
        sorter.prepare()
    except CycleError as error:
        raise PipelineError(
            str(path), f"has a cycle: {' → '.join(error.args[1])}", "expected a graph"
        ) from error
    done: list[Step] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=list(by_id).index)
        done += [by_id[name] for name in ready]
        sorter.done(*ready)
    return done
