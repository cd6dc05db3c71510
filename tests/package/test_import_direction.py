"""What the linter of imports cannot see: modules that are loaded by their name, and public names that look upward."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_tools import ROOT

from xbarsim import netlist

PACKAGE = ROOT / "xbarsim"


def imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Return the module and the name of every ``from module import name``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)


def loads_by_name(tree: ast.AST) -> bool:
    """Tell whether a module of xbarsim is loaded whose name is a text."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    texts = [ast.unparse(call.args[0]) for call in calls if "import_module" in ast.unparse(call.func) and call.args]
    return any("xbarsim" in text for text in texts)


def layers() -> list[list[str]]:
    """Return the rooms of each layer, from the top, as the linter has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    return [[room.removeprefix("xbarsim.") for room in layer.split(" | ")] for layer in contracts[0]["layers"]]


def below_analyses() -> list[str]:
    """Return the rooms that stand no higher than analyses."""
    table = layers()
    top = table.index(["analysis"])
    return [room for layer in table[top:] for room in layer]


def files(room: str) -> list[Path]:
    """Return a room's files; a room may be one."""
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]


def test_only_packages_load_modules_by_name():
    """What a package's ``__init__`` lists is looked up; a module that loads another by name hides an import."""
    paths = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert len(paths) > 500
    assert [str(path) for path in paths if loads_by_name(ast.parse(path.read_text("utf-8")))] == []


@pytest.mark.parametrize("room", below_analyses())
def test_nothing_below_looks_up_names_of_netlists_that_stand_above(room: str):
    """``Circuit`` and its like come from analyses: for what analyses stand on they would be imports in a circle."""
    above = netlist._ABOVE
    wrong = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in files(room)
        for module, name in imports(ast.parse(path.read_text("utf-8")))
        if path != PACKAGE / "netlist" / "__init__.py"
        and ((module == "xbarsim.netlist" and name in above) or (module, name) == ("xbarsim", "netlist"))
    ]
    assert wrong == []
