"""The layout of the package, held to: which package may import which, and where each library is at home.

One direction: scenario -> plan -> run -> observe -> analyse -> report. What is pure reads no clock, no file
and no network. An import inside a function counts like any other.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import battlectl

ROOT = Path(battlectl.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
MOST_LINES = 300

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "quantities": set(),
    "scenario": {"errors", "lab", "quantities"},
    "plan": {"scenario", "quantities"},
    "observe": set(),
    "jsonrpc": {"observe", "plan"},
    "analyse": {"observe", "plan", "scenario", "quantities"},
    "report": {"analyse", "observe", "plan", "scenario", "quantities", "errors"},
    "transport": {"observe"},
    "chaos": {"observe", "plan", "scenario", "errors", "quantities", "jsonrpc"},
    "run": {"chaos", "transport", "jsonrpc", "observe", "plan", "quantities"},
    "targets": {"transport", "plan", "observe", "scenario", "lab", "errors", "quantities"},
    "lab": set(),
    "commands": {
        "analyse",
        "chaos",
        "errors",
        "jsonrpc",
        "lab",
        "observe",
        "plan",
        "quantities",
        "report",
        "run",
        "scenario",
        "targets",
        "transport",
    },
    "cli": {"cli_chaos", "cli_lab", "commands", "errors"},
    "cli_chaos": {"commands", "errors"},
    "cli_lab": {"commands", "errors", "lab"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""Package or module -> what it may import beside itself."""

FAULT_TABLE = {"battlectl.lab.faults.kind", "battlectl.lab.faults.table"}
"""What a scenario may know of the lab: the kinds of faults and their parameters, so that what can be written
is what can be done, and no second list of them grows old. It is read when a file has faults, and only then:
those modules do nothing at import but import trio."""

DEFECT_TABLE = "battlectl.lab.gateway.defects.table"
"""And what a config file may plant in the lab's gateway, read when it plants anything."""

PURE = {"errors", "quantities", "scenario", "plan", "jsonrpc", "observe", "analyse", "report"}
IMPURE_LIBRARIES = {
    *("asyncio", "ctypes", "datetime", "io", "multiprocessing", "os", "pathlib", "platform", "resource"),
    *("secrets", "select", "selectors", "shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "trio", "httpx", "h11", "psutil"),
}
HOMES: dict[str, set[str]] = {
    "h11": {"lab"},
    "httptools": {"transport/reply_parser.py"},
    "httpx": {
        "chaos",
        "transport/httpx_client.py",
        "targets/asking.py",
        "targets/control.py",
        "targets/lab_truth.py",
        "commands/lab_status.py",
    },
    "prometheus_client": {"targets/telemetry/prometheus.py"},
    "psutil": {"run", "commands", "chaos", "targets/telemetry/process.py"},
    "pydantic": {"scenario"},
    "pydantic_core": {"scenario"},
    "rich": {"commands"},
    "scipy": {"analyse/routing/sample.py"},
    "tabulate": {"report", "commands"},
    "tdigest": {"observe/digest.py"},
    "tenacity": {"targets", "chaos"},
    "trio": {"chaos", "run", "transport", "targets", "lab", "commands"},
    "trio_websocket": {"lab", "targets"},
    "typer": {"cli.py", "cli_chaos.py", "cli_lab.py"},
    "wsproto": {"lab", "transport"},
    "yaml": {"scenario/yamltext.py"},
}
"""Third-party library -> the packages or files that may import it; `msgspec` is at home everywhere."""

EVERYWHERE = {"msgspec"}

CALLBACKS = ("transport/reply_parser.py", "on_")
"""Methods that httptools calls by name: their meaning is its own."""


def tree(module: str) -> ast.Module:
    """The syntax of a module."""
    return ast.parse((ROOT / module).read_text("utf-8"))


def package_of(module: str) -> str:
    """`plan` of plan/build.py, `cli` of cli.py."""
    return module.partition("/")[0].removesuffix(".py")


def imports(module: str) -> Iterator[str]:
    """Every absolute name that a module imports, wherever in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1, f"{module}:{node.lineno} reaches out of its package by dots"


def test_every_package_is_in_the_table():
    assert {package_of(module) for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_package_may(module):
    own = package_of(module)
    found = {name.split(".")[1] for name in imports(module) if name.startswith("battlectl.")}
    assert found - {own} <= MAY_IMPORT[own]


def test_of_the_lab_a_scenario_knows_the_kinds_of_faults_and_the_names_of_defects_only():
    found = {
        (module, name.rpartition(".")[0])
        for module in MODULES
        if package_of(module) == "scenario"
        for name in imports(module)
        if name.startswith("battlectl.lab")
    }
    kinds = {("scenario/chaos_kinds.py", name) for name in FAULT_TABLE}
    assert found == kinds | {("scenario/target.py", DEFECT_TABLE)}


def test_the_table_has_no_circle():
    done: set[str] = set()
    while len(done) < len(MAY_IMPORT):
        ready = {package for package, needs in MAY_IMPORT.items() if needs <= done} - done
        assert ready, f"a circle among {set(MAY_IMPORT) - done}"
        done |= ready


@pytest.mark.parametrize("module", [m for m in MODULES if package_of(m) in PURE])
def test_pure_packages_know_no_clock_no_file_and_no_network(module):
    found = {name.partition(".")[0] for name in imports(module)} & IMPURE_LIBRARIES
    assert not found


@pytest.mark.parametrize("module", MODULES)
def test_each_library_is_imported_at_home_only(module):
    known = set(sys.stdlib_module_names) | EVERYWHERE | {"battlectl"}
    for library in {name.partition(".")[0] for name in imports(module)} - known:
        assert HOMES.get(library, set()) & {module, package_of(module)}, library


def test_each_draw_of_chance_has_a_module_of_its_own():
    measuring = (module for module in MODULES if package_of(module) != "lab")
    drawing = {module for module in measuring if any(n.startswith("random.") for n in imports(module))}
    assert drawing == {"plan/pacing.py", "plan/calls.py", "plan/chaos.py", "plan/streams.py"}


def test_no_drawer_for_everything():
    names = {Path(module).stem for module in MODULES}
    assert not names & {"utils", "util", "helpers", "helper", "misc", "common", "manager"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long_to_read(module):
    assert len((ROOT / module).read_text("utf-8").splitlines()) <= MOST_LINES


def without_docstring(module: str) -> Iterator[str]:
    """The module itself and its public classes, functions and methods that have no docstring."""
    syntax = tree(module)
    if not ast.get_docstring(syntax):
        yield "the module"
    for node in syntax.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _bare(node)
            for member in node.body if isinstance(node, ast.ClassDef) and node.name[0] != "_" else ():
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield from (f"{node.name}.{name}" for name in _bare(member))


def _bare(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    if not node.name.startswith("_") and not ast.get_docstring(node):
        yield node.name


@pytest.mark.parametrize("module", MODULES)
def test_every_module_and_public_name_says_what_it_is(module):
    file, prefix = CALLBACKS
    missing = [
        name
        for name in without_docstring(module)
        if not (module == file and name.partition(".")[2].startswith(prefix))
    ]
    assert not missing
