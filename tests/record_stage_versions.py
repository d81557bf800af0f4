"""Records in stage_versions.json the source of each stage's version.

    python tests/record_stage_versions.py                   record new stages and new versions
    python tests/record_stage_versions.py --waive "why"     same version: the rows did not change
    python tests/record_stage_versions.py --check           say what is not recorded

A stage's source is its module or package, the modules of stages that it imports, the layouts,
dialects and other parts that it imports (each as a whole, for they load their members by name),
the modules of `quality` and those of the core that decide rows. Comments, docstrings and
formatting do not count.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from qbuild.stages import STAGES, get_stage

ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(__file__).with_name("stage_versions.json")
COMMAND = "python tests/record_stage_versions.py"
PARTS = ("dialects", "labels", "language", "llm", "media", "pairs")  # each as a whole
DECIDES_ROWS = ("qbuild.quality.", "qbuild.core.rows.duplicates")  # by module
DRAWS = "qbuild.quality.plots"  # plots of rows


def imported(tree: ast.Module) -> set[str]:
    """Dotted names of everything a module imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(module: str, root: Path) -> list[Path]:
    """Possible paths of a module: its file, or `__init__.py` of a package."""
    place = root / Path(*module.split("."))
    return [place.with_suffix(".py"), place / "__init__.py"]


def source_files(module: str, root: Path = ROOT) -> list[Path]:
    """The files that decide a stage's rows, sorted."""
    found: set[Path] = set()
    waiting = files_of(f"qbuild.stages.{module}", root)
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file() or path.parts[-2:] == ("stages", "__init__.py"):
            continue
        found.add(path)
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            parts = name.split(".")
            if name.startswith(DRAWS):
                continue
            if name.startswith((*DECIDES_ROWS, "qbuild.stages.")):
                waiting += files_of(name, root)
            elif parts[0] == "qbuild" and len(parts) > 1 and parts[1] in PARTS:
                waiting += (root / "qbuild" / parts[1]).rglob("*.py")
    return sorted(found)


def shape(node: Any) -> Any:
    """A syntax tree as plain values, the same under every version of Python."""
    if isinstance(node, ast.AST):
        fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
        return [type(node).__name__, {name: shape(value) for name, value in fields}]
    return [shape(item) for item in node] if isinstance(node, list) else repr(node)


def without_docstrings(tree: ast.Module) -> ast.Module:
    """The same tree, every docstring taken out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(ast.Constant(str())), *rest]:
                    node.body = rest
    return tree


def source_hash(module: str, root: Path = ROOT) -> str:
    """`sha256:…` of the trees of a stage's files, with their names."""
    trees = {
        path.relative_to(root).as_posix(): shape(without_docstrings(ast.parse(path.read_text())))
        for path in source_files(module, root)
    }
    return "sha256:" + hashlib.sha256(json.dumps(trees, sort_keys=True).encode()).hexdigest()


def now() -> dict[str, dict[str, Any]]:
    """Version and source of every stage as they are."""
    return {
        name: {"version": get_stage(name).version, "source": source_hash(module)}
        for name, (module, _, _) in STAGES.items()
    }


def fault(name: str, current: dict[str, Any], known: dict[str, Any] | None) -> str:
    """What is wrong with one stage's record; `""` if it is up to date."""
    if known is None:
        return f"{name}: has no record. Run: {COMMAND}"
    if current["version"] != known["version"]:
        change = f"{known['version']} → {current['version']}"
        return f"{name}: version {change} is not recorded. Run: {COMMAND}"
    accepted = {known["source"]} | {waiver["source"] for waiver in known["waivers"]}
    if current["source"] in accepted:
        return ""
    return (
        f"{name}: its source changed and its version is still {current['version']}. "
        f"If rows change, raise the version and run: {COMMAND} ; "
        f'if they cannot, run: {COMMAND} --waive "why they stay the same"'
    )


def updated(
    recorded: dict[str, Any], current: dict[str, dict[str, Any]], why: str = ""
) -> dict[str, Any]:
    """The record brought up to date; a change without a new version is waived if `why` is given."""
    record: dict[str, Any] = {}
    for name, stage in current.items():
        known = recorded.get(name)
        if known is None or known["version"] != stage["version"]:
            record[name] = {**stage, "waivers": []}
        elif why and fault(name, stage, known):
            waiver = {"source": stage["source"], "why": why}
            record[name] = {**known, "waivers": [*known["waivers"], waiver]}
        else:
            record[name] = known
    return record


def read_record() -> dict[str, Any]:
    """The records; empty if the file is missing."""
    return dict(json.loads(RECORD.read_text())) if RECORD.is_file() else {}


def main() -> int:
    """Record, or check; 1 where something is not recorded."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--waive", metavar="WHY", default="", help="why the rows stay the same")
    given = parser.parse_args()
    record, current = read_record(), now()
    if not given.check:
        record = updated(record, current, given.waive)
        RECORD.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    faults = [fault(name, stage, record.get(name)) for name, stage in current.items()]
    faults += [f"{name}: is not a stage. Run: {COMMAND}" for name in record if name not in current]
    sys.stdout.write("".join(f"{text}\n" for text in faults if text))
    return int(any(faults))


if __name__ == "__main__":
    sys.exit(main())
