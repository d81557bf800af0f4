"""The layout of the code: which way imports go, what `--help` may load, what stages promise."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from qbuild.stages import STAGES, get_stage

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("pyarrow", "pandas", "numpy", "pydantic", "yaml", "scipy", "torch", "openai", "PIL")

# Who may import whom; every part may import itself. The package's own face is `qbuild.__version__`.
FIELD = {"qbuild.quality", "qbuild.language", "qbuild.core"}
TOOLKIT = {"qbuild.backends", "qbuild.media", "qbuild.quality", "qbuild.core"}
LEAVES = {
    "qbuild_backends.level_reader",
    "qbuild_backends.memory",
    "qbuild_backends.settings",
    "qbuild_backends.threads",
}
MODELS = {"qbuild_backends.models", *LEAVES, *TOOLKIT}
FED = {"qbuild_backends.checkpoints", "qbuild_backends.data", *MODELS}
ALLOWED = {
    "qbuild": set(),
    "qbuild.core": {"qbuild"},
    "qbuild.language": set(),
    "qbuild.quality": {"qbuild.language", "qbuild.core"},
    "qbuild.labels": FIELD,
    "qbuild.media": FIELD,
    "qbuild.dialects": FIELD,
    "qbuild.llm": {"qbuild.core"},
    "qbuild.pairs": {"qbuild.llm", *FIELD},
    "qbuild.backends": {"qbuild.quality", "qbuild.core"},
    "qbuild.stages": {
        "qbuild.labels",
        "qbuild.media",
        "qbuild.dialects",
        "qbuild.pairs",
        "qbuild.llm",  # `gpt-extend` chooses who is asked, `responses` reads the ledger
        "qbuild.backends",
        *FIELD,
    },
    "qbuild.api": {"qbuild.stages", "qbuild.backends", "qbuild.core"},
    "qbuild.cli": {"qbuild", "qbuild.stages", "qbuild.backends", "qbuild.core"},
    "qbuild_backends": set(),
    "qbuild_backends.fake": TOOLKIT,
    "qbuild_backends.backend": {"qbuild_backends.inference", "qbuild_backends.training", *FED},
    **dict.fromkeys(LEAVES, TOOLKIT),
    "qbuild_backends.models": {*LEAVES, *TOOLKIT},
    "qbuild_backends.checkpoints": MODELS,
    "qbuild_backends.data": MODELS,
    "qbuild_backends.inference": FED,
    "qbuild_backends.training": FED,
}
EXCEPTIONS = {
    # no stages: the mock server of a provider, and a plot of an artifact's scores
    "qbuild.cli.commands.mock_server": {"qbuild.llm", "qbuild.pairs"},
    "qbuild.cli.commands.inspect": {"qbuild.quality"},
}
COMMON_CORRUPTIONS = "qbuild.media.distort.common"  # their name in the field


def modules() -> dict[str, Path]:
    """Every module of the two packages by its dotted name."""
    found = {}
    for base in (ROOT, ROOT / "backends"):
        for package in ("qbuild", "qbuild_backends"):
            for path in sorted((base / package).rglob("*.py")):
                parts = path.relative_to(base).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


class Imports(ast.NodeVisitor):
    """Collects the names that a module imports; those only for the type checker if asked to."""

    def __init__(self, inside_functions: bool, for_types: bool = False) -> None:
        self.inside_functions = inside_functions
        self.for_types = for_types
        self.names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        checked = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        if self.for_types or not checked:
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if self.inside_functions:
            self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        if self.inside_functions:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        assert node.level == 0, "imports are absolute"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            self.names.add(whole if whole in MODULES else str(node.module))


def imports(module: str, for_types: bool = False) -> set[str]:
    visitor = Imports(inside_functions=True, for_types=for_types)
    visitor.visit(ast.parse(MODULES[module].read_text(encoding="utf-8")))
    return visitor.names


def part(module: str) -> str:
    """`qbuild.core` for `qbuild.core.engine.run`: the two first names."""
    return ".".join(module.split(".")[:2])


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in {"qbuild", "qbuild_backends"}}


def test_imports_are_seen_in_functions_but_not_under_type_checking():
    text = (
        "if TYPE_CHECKING:\n    import hidden\n"
        "import plain\n"
        "def f():\n    from qbuild.core import errors\n"
    )
    everywhere, loading = Imports(inside_functions=True), Imports(inside_functions=False)
    everywhere.visit(ast.parse(text))
    loading.visit(ast.parse(text))
    assert everywhere.names == {"plain", "qbuild.core.errors"}
    assert loading.names == {"plain"}


def test_every_part_is_known_to_this_test():
    assert {part(module) for module in MODULES} <= ALLOWED.keys()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_follow_the_layers(module):
    allowed = ALLOWED[part(module)] | {part(module)} | EXCEPTIONS.get(module, set())
    assert {name for name in ours(imports(module)) if part(name) not in allowed} == set()


def test_the_core_takes_nothing_of_the_package_but_its_version():
    for module in MODULES:
        if part(module) == "qbuild.core":
            names = {
                alias.name
                for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom) and node.module == "qbuild"
                for alias in node.names
            }
            assert names <= {"__version__"}, module


def test_no_files_import_each_other():
    """Not in a circle either, inside functions and for the type checker included."""
    graph = {m: ours(imports(m, for_types=True)) - {m} for m in MODULES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_nothing_in_the_toolkit_imports_torch():
    for module in MODULES:
        if module.split(".")[0] == "qbuild":
            assert {n.split(".")[0] for n in imports(module)}.isdisjoint({"torch", "transformers"})


def test_click_is_never_imported():
    for module in MODULES:
        assert "click" not in {name.split(".")[0] for name in imports(module)}


def test_no_module_has_a_meaningless_name():
    for module in MODULES:
        last = module.split(".")[-1].strip("_")
        if module == COMMON_CORRUPTIONS:
            continue
        assert last not in {"util", "utils", "helper", "helpers", "common", "misc"}


def loaded_by(*arguments: str) -> set[str]:
    """The packages of HEAVY that are loaded after the command line was run."""
    code = (
        "import json, sys\n"
        "from qbuild.cli.main import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "sys.stderr.write(json.dumps([name for name in sys.modules if '.' not in name]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout
    return set(json.loads(done.stderr)) & set(HEAVY)


def test_the_help_of_the_program_loads_nothing_heavy():
    assert loaded_by("--help") == set()


@pytest.mark.parametrize("stage", STAGES)
def test_the_help_of_a_stage_loads_no_table_library(stage):
    assert loaded_by(stage, "--help") <= {"pydantic"}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_has_the_name_of_its_entry(name):
    module = STAGES[name].module
    assert import_module(f"qbuild.stages.{module}").STAGE.name == name
    assert module == name.replace("-", "_")


@pytest.mark.parametrize("name", STAGES)
def test_every_option_of_a_stage_is_described(name):
    fields = get_stage(name).options.model_fields
    assert [option for option, field in fields.items() if not field.description] == []


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_has_a_test_of_its_own_and_a_schema(name):
    module = STAGES[name].module
    stage = get_stage(name)
    assert list((ROOT / "tests/stages").rglob(f"test_{module}*.py"))
    for schema in (stage.reads.schema, stage.writes):
        assert schema is None or (ROOT / "schemas" / f"{schema}.json").is_file()
