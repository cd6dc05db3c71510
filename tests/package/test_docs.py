"""Pages and docstrings name files, modules and sections that are there."""

import ast
import pkgutil
import re

import pytest
from cli_tools import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "examples" / "README.md",
    ROOT / "validation" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
SOURCES = sorted([*(ROOT / "xbarsim").rglob("*.py"), *(ROOT / "kernels").glob("*.py")])
NOTES = (
    "analysis",
    "mna",
    "netlist.behaviour",
    "netlist.graph",
    "netlist.language",
    "netlist.reading",
    "nn",
    "nonlinear",
    "solvers",
)
"""Packages whose first docstring says which of their files does what."""

GROUPS = {"xbarsim.methods"}
"""Groups of entry points that are no modules."""

NAME = re.compile(r"\bxbarsim(?:\.[A-Za-z_]\w*)+")
FILE = re.compile(r"(?<![\w/.])(?:docs|examples|kernels|spice_models|tests|validation|xbarsim)/[\w./-]*\w")
LINK = re.compile(r"\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)")
ROLE = re.compile(r":(?:mod|class|func|meth|data):`~?([\w.]+)`")
WORD = re.compile(r"``([a-z_]+)``")


def resolves(name):
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def anchors(page):
    """Return what a page's headings are linked by."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def package_of(path):
    """Return the dotted name of the package that a source file is in."""
    inside = path.relative_to(ROOT).parent.as_posix()
    return ("xbarsim/kernels" if inside == "kernels" else inside).replace("/", ".")


def docstrings(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield ast.get_docstring(node) or ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_what_resolves(page):
    text = page.read_text("utf-8")
    names = sorted(name for name in set(NAME.findall(text)) - GROUPS if not resolves(name))
    assert names == [], "no such module, or nothing of that name in it"
    files = sorted(file for file in set(FILE.findall(text)) if not (ROOT / file).exists())
    assert files == [], "no such file"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_links_to_what_resolves(page):
    for target, anchor in LINK.findall(page.read_text("utf-8")):
        place = (page.parent / target).resolve() if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


@pytest.mark.slow
def test_docstrings_refer_to_what_resolves():
    missing = []
    for path in SOURCES:
        package = package_of(path)
        for name in {name for text in docstrings(path) for name in ROLE.findall(text)}:
            places = (name, f"{package}.{name}", f"{package}.{path.stem}.{name}")
            if not any(resolves(place) for place in places if place.startswith("xbarsim")):
                missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []


@pytest.mark.parametrize("package", NOTES)
def test_a_packages_note_names_its_files(package):
    path = ROOT.joinpath("xbarsim", *package.split("."), "__init__.py")
    note = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    words = set(WORD.findall(note))
    missing = sorted(word for word in words if not resolves(f"xbarsim.{package}.{word}"))
    assert missing == [], "neither a file of the package nor a name in it"
    assert len(words) + len(ROLE.findall(note)) >= 5, "which file does what?"


def test_every_page_of_docs_is_linked_from_another():
    targets = {
        (page.parent / target).resolve() for page in PAGES for target, _ in LINK.findall(page.read_text("utf-8"))
    }
    assert [page.name for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in targets] == []
