"""The house's rules for names and rooms: what a reader may rely on without looking."""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from cli_tools import ROOT

PRONOUNS = {
    "one", "found", "given", "own", "made", "known", "kept", "asked", "wanted", "other", "others", "rest",
    "held", "named", "here", "there", "chosen", "which", "what", "who", "whose", "done", "said", "written", "same",
    "used", "shown", "seen", "taken", "needed", "some", "none", "both", "told", "gone", "it", "its", "this", "that",
    "these", "those", "each", "another", "such", "them", "they", "anything", "something", "nothing",
    "everything", "meant", "brought", "called", "got", "came", "went",
}  # fmt: skip
"""Words that stand for a thing without saying what it is, and participles that say what was done to it."""

CONTRACT = {
    ("xbarsim/nn/cell_writes.py", "known"),
    ("xbarsim/schemes/__init__.py", "named"),
    ("xbarsim/validate/case.py", "other"),
    ("xbarsim/validate/outcome.py", "other"),
    ("xbarsim/nn/attention.py", "need_weights"),
}
"""Names that users, readers of reports and torch were promised."""

SHARE = 0.004
LONGEST = 400
LOOSE = 12
VERBS = ("see_", "require_", "refuse_", "need_")
SOURCES = sorted(path for folder in ("xbarsim", "kernels") for path in (ROOT / folder).rglob("*.py"))
FILES = [path for path in SOURCES if ROOT / "xbarsim" / "kernels" not in path.parents]
"""Each file of the package once, though kernels are linked into it."""


def is_pronoun(name: str) -> bool:
    return name.strip("_").lower() in PRONOUNS


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def in_comprehensions(tree: ast.AST) -> set[ast.AST]:
    """Names bound by comprehensions and lambdas: they end with the line."""
    short = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.comprehension):
            short |= set(ast.walk(node.target))
        elif isinstance(node, ast.Lambda):
            short |= set(ast.walk(node.args))
    return short


def bindings(tree: ast.AST):
    """Every name that something is given, with its line: variables, arguments, attributes, functions, classes."""
    short = in_comprehensions(tree)
    reflected = {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("__") and node.name.endswith("__")
        for argument in node.args.args
        if argument.arg == "other"
    }
    for node in ast.walk(tree):
        if node in short or node in reflected:
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname, node.lineno


@pytest.mark.parametrize("path", FILES, ids=place)
def test_things_are_named_by_what_they_are(path):
    tree = ast.parse(path.read_text())
    bad = [(line, name) for name, line in bindings(tree) if is_pronoun(name) and (place(path), name) not in CONTRACT]
    assert not bad, f"{place(path)}: pronouns as names: {bad}"


def test_pronouns_are_rare_even_in_comprehensions():
    names = Counter(
        token.string
        for path in FILES
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string)
    )
    pronouns = Counter({name: count for name, count in names.items() if is_pronoun(name)})
    assert pronouns.total() < SHARE * names.total(), pronouns.most_common(10)


def test_no_two_classes_of_one_name():
    homes = defaultdict(list)
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(place(path))
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_no_two_files_of_one_name():
    homes = defaultdict(list)
    for path in FILES:
        if path.name != "__init__.py":
            homes[path.name].append(place(path))
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_what_validates_is_called_check_or_checked():
    bad = [
        f"{place(path)}:{line}: {name}"
        for path in FILES
        for name, line in bindings(ast.parse(path.read_text()))
        if name.lstrip("_").startswith(VERBS) and (place(path), name) not in CONTRACT
    ]
    assert not bad, bad


def test_files_are_read_in_one_sitting():
    lengths = {place(path): path.read_text().count("\n") for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
    assert len(list((ROOT / "xbarsim").glob("*.py"))) <= LOOSE


def imports(path: Path, modules: dict[str, Path]) -> set[str]:
    """Modules of the package that a file imports anywhere: at the top, inside functions, for types alone."""
    targets = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for item in node.names:
                inner = f"{node.module}.{item.name}"
                targets.add(inner if inner in modules else node.module)
        elif isinstance(node, ast.Import):
            targets |= {item.name for item in node.names}
    return targets & modules.keys()


def test_no_circle_of_imports():
    """Take away, again and again, modules that import none of those left; what stays goes round in circles."""
    modules = {}
    for path in FILES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = ("xbarsim", *parts) if parts[0] == "kernels" else parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {name: imports(path, modules) - {name} for name, path in modules.items()}
    while leaves := {name for name, targets in graph.items() if not targets & graph.keys()}:
        graph = {name: targets for name, targets in graph.items() if name not in leaves}
    assert not graph, sorted(graph)
