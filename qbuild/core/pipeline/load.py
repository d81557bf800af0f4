"""Pipelines: recipes of stages in YAML, run in order, each step only when something changed.

roots: {koniq: /data/koniq}          # as --media-root
steps:
  - id: levels                       # its artifact: WORKDIR/levels.parquet, or WORKDIR/levels/
    stage: mos-to-levels
    inputs: [ratings.csv]            # ids of steps, or paths from the pipeline's own folder
    options: {words: itu}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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

if TYPE_CHECKING:
    from collections.abc import Iterable

M = TypeVar("M", bound=BaseModel)

_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
_KEYS = {"roots", "steps", "title"}
_STEP_KEYS = {"id", "stage", "inputs", "options", "runtime"}
# PyYAML's constructors (of dates, numbers, binaries) let the errors of plain Python through.
_NO_YAML = (
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
    """One stage with its options and inputs; `inputs` name steps (`after`) or files."""

    id: str
    stage: Stage[Any, Any]
    options: Options
    inputs: tuple[str, ...]
    after: tuple[str, ...]
    runtime: Runtime | None = None  # how it is run, where the step says so
    notices: tuple[str, ...] = ()  # of options that were renamed

    def run_as(self, runtime: Runtime) -> Runtime:
        """How the step is run: as it says itself, else as the whole pipeline, else by default."""
        plain = Runtime()
        told = {n: v for n, v in runtime if v != getattr(plain, n)}
        own = self.runtime.model_dump(exclude_unset=True) if self.runtime is not None else {}
        return self.stage.runtime(**{**told, **own})

    def output(self, workdir: Path) -> Path:
        """Where the step's artifact or folder lies."""
        return workdir / (self.id if self.stage.folder else f"{self.id}.parquet")


@dataclass(frozen=True)
class Pipeline:
    """Steps in an order in which they can run."""

    path: Path
    title: str
    steps: tuple[Step, ...]
    roots: tuple[str, ...]

    @property
    def notices(self) -> list[str]:
        """A sentence for each option that the file gives under an old name, with its place."""
        return [f"{self.path}: step {s.id}: {notice}" for s in self.steps for notice in s.notices]

    def inputs(self, step: Step, workdir: Path) -> tuple[Path, ...]:
        """The files a step reads: artifacts of earlier steps, or files beside the pipeline."""
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
    """YAML's safe loader, which takes no key twice and reads `1:5` as the text it looks like."""

    # PyYAML's own table, by first sign: a list of tags and the pattern of each
    yaml_implicit_resolvers = {  # noqa: RUF012 - of the class, as PyYAML has it
        sign: [(tag, _NUMBERS.get(tag, pattern)) for tag, pattern in resolvers]
        for sign, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping; PipelineError names a key that stands twice."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable) or key in seen:
                fault = "stands twice" if isinstance(key, Hashable) else "is no name"
                where = f"{self.name}: line {key_node.start_mark.line + 1}"
                raise PipelineError(where, f"key {key!r} {fault}", "expected each name once")
            seen.add(key)
        return dict(super().construct_mapping(node, deep))


def find_pipeline(given: str) -> Path:
    """The file of that name, else the pipeline that ships under it, with `.yaml` or without."""
    if Path(given).is_file():
        return Path(given)
    shipped = {path.stem: path for path in sorted(data_dir("pipelines").glob("*.yaml"))}
    name = given.removesuffix(".yaml")
    if name not in shipped:
        is_there = "a folder" if Path(given).is_dir() else "no plain file"
        what = f"is {is_there}" if Path(given).exists() else "no such file"
        raise InputError(
            given,
            f"{what}, and no pipeline of that name ships",
            "expected a YAML file, or the name of a pipeline",
            suggest(name, shipped),
        )
    return shipped[name]


def load_pipeline(
    path: Path, stages: Iterable[str], get_stage: Callable[[str], Stage[Any, Any]]
) -> Pipeline:
    """The pipeline in a YAML file, ordered; PipelineError with all its problems at once."""
    document = _read(path)
    problems: list[QbuildError] = _unknown_keys(str(path), document, _KEYS)
    known = sorted(stages)
    steps: list[Step] = []
    entries = document.get("steps")
    if not isinstance(entries, list) or not entries:
        raise PipelineError(str(path), "has no steps", "expected a list under `steps:`")
    ids = [entry.get("id") if isinstance(entry, dict) else None for entry in entries]
    for number, entry in enumerate(entries, 1):
        identity = ids[number - 1]
        where = f"{path}: step {identity if isinstance(identity, str) else number}"
        found, step = _step(where, entry, ids, known, get_stage)
        problems += found
        steps += [step] if step is not None else []
    problems += _same_output(path, [i for i in ids if isinstance(i, str)])
    roots, found = _roots(path, document.get("roots") or {})
    raise_all([*problems, *found])
    title = str(document.get("title") or path.stem)
    return Pipeline(path, title, tuple(_ordered(path, steps)), roots)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as stream:  # whose name the loader's errors tell
            document = yaml.load(stream, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError as error:
        raise InputError(str(path), "no such file", "expected a pipeline (YAML)") from error
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} at offset {error.start} is not UTF-8"
        raise InputError(str(path), what, "expected UTF-8 text", "Save it as UTF-8.") from error
    except OSError as error:
        what = f"cannot be opened: {error.strerror}"
        raise InputError(str(path), what, "expected a pipeline (YAML)", "Check it.") from error
    except _NO_YAML as error:
        what = f"is no YAML ({' '.join(str(error).split())})"
        raise PipelineError(str(path), what, "expected valid YAML", "Correct it there.") from error
    if not isinstance(document, dict):
        raise PipelineError(
            str(path),
            "is no mapping",
            "expected `steps:` at the top",
            "`qbuild graph demo` shows a pipeline that ships.",
        )
    return document


def _roots(path: Path, given: object) -> tuple[tuple[str, ...], list[QbuildError]]:
    """`DATASET=DIR` for each root; a relative one starts from the pipeline's own folder."""
    if not isinstance(given, Mapping) or not all(isinstance(p, str) for p in given.values()):
        expected = "expected a mapping of data sets to folders"
        return (), [PipelineError(str(path), f"roots {given!r}", expected)]
    return tuple(f"{name}={path.parent / place}" for name, place in given.items()), []


def _step(
    where: str,
    entry: object,
    ids: list[Any],
    known: list[str],
    get_stage: Callable[[str], Stage[Any, Any]],
) -> tuple[list[QbuildError], Step | None]:
    if not isinstance(entry, dict):
        return [PipelineError(where, f"is {entry!r}", "expected id, stage, inputs, options")], None
    problems = _unknown_keys(where, entry, _STEP_KEYS)
    identity, name = entry.get("id"), entry.get("stage")
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        problems.append(
            PipelineError(where, f"id {identity!r}", "expected small letters, digits, - and _")
        )
    if name not in known:
        problems.append(
            PipelineError(where, f"unknown stage {name!r}", todo=suggest(str(name), known))
        )
    inputs = entry.get("inputs") or []
    if not isinstance(inputs, list) or not all(isinstance(i, str) for i in inputs):
        problems.append(PipelineError(where, f"inputs {inputs!r}", "expected a list of names"))
    if problems:
        return problems, None
    stage = get_stage(str(name))
    if len(inputs) < stage.reads.min_inputs:
        problems.append(
            PipelineError(
                where,
                f"{len(inputs)} inputs",
                f"stage {name} reads at least {stage.reads.min_inputs}",
            )
        )
    notices: list[str] = []
    options, found = _values(where, stage, stage.options, entry.get("options") or {}, notices)
    problems += found
    runtime, found = _values(where, stage, stage.runtime, entry.get("runtime") or {}, notices)
    problems += found
    if problems or options is None:
        return problems, None
    after = tuple(i for i in inputs if i in ids)
    return [], Step(str(identity), stage, options, tuple(inputs), after, runtime, tuple(notices))


def _values(
    where: str, stage: Stage[Any, Any], model: type[M], given: object, notices: list[str]
) -> tuple[M | None, list[QbuildError]]:
    """The options of a step, or how it is run, from what stands under that key.

    Adds a notice for each option that was renamed.
    """
    if not isinstance(given, Mapping):
        return None, [PipelineError(where, f"options {given!r}", "expected a mapping")]
    names = [str(name).replace("-", "_") for name in given]
    notices += rename_notices(dict(zip(names, given.values(), strict=True)), stage.renamed)
    present = [stage.renamed[name].name if name in stage.renamed else name for name in names]
    twice = sorted({name for name in present if present.count(name) > 1})
    if twice:
        return None, [PipelineError(where, f"option {n!r} stands twice") for n in twice]
    given = current_options(dict(zip(names, given.values(), strict=True)), stage.renamed)
    known = model.model_fields
    try:
        return model.model_validate(given), []
    except ValidationError as error:
        problems: list[QbuildError] = []
        for fault in error.errors():
            name = ".".join(str(part) for part in fault["loc"])
            if fault["type"] == "extra_forbidden":
                todo = suggest(name, known)
                problems.append(PipelineError(where, f"unknown option {name!r}", todo=todo))
            else:
                what, expected = describe_option_error(fault)
                todo = f"`qbuild {stage.name} --help` tells what it takes."
                problems.append(PipelineError(where, f"option {name}: {what}", expected, todo))
        return None, problems


def _unknown_keys(where: str, given: Mapping[Any, Any], known: set[str]) -> list[QbuildError]:
    return [
        PipelineError(where, f"unknown key {key!r}", todo=suggest(str(key), known))
        for key in given
        if key not in known
    ]


def _same_output(path: Path, ids: list[str]) -> list[QbuildError]:
    return [
        PipelineError(str(path), f"two steps write one artifact: {name}", "expected one id a step")
        for name in sorted({i for i in ids if ids.count(i) > 1})
    ]


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
