"""The page on mitigation: its index has every method and says of each what the method says, and its Python runs."""

import doctest
import re
from dataclasses import fields

import pytest
from cli_tools import ROOT

from xbarsim.mitigation import catalogue
from xbarsim.mitigation.method_list import MethodList
from xbarsim.mitigation.record import COUNTS

PAGE = (ROOT / "docs" / "mitigation.md").read_text("utf-8")
FOLDER = ROOT / "docs" / "methods"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def test_the_index_has_every_method_as_it_is():
    expected = [
        f"| [{method.name}](methods/{method.name}.md) | {method.about} | {method.level('data')} | "
        f"{method.level('knows')} | {method.level('chip')} |"
        for method in MethodList.of_catalogue().methods
    ]
    index = re.findall(r"^\| \[.*\]\(methods/.*\|$", PAGE, re.M)
    assert index == expected, "docs/mitigation.md is to have:\n" + "\n".join(expected)


def test_every_method_has_a_page_and_every_page_a_method():
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == sorted([*catalogue.methods(), *catalogue.shorthands()])


@pytest.mark.parametrize("name", [*catalogue.methods(), *catalogue.shorthands()])
def test_a_page_has_its_methods_name_and_commands(name):
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    assert re.match(rf"# `?{re.escape(name)}\b", text)
    assert "xbarsim mitigate " in text
    rows = re.findall(r"--method ([^\s`]+)", text)
    assert rows
    for row in rows:
        assert catalogue.chain(row)


@pytest.mark.parametrize("name", list(catalogue.methods()))
def test_a_page_or_one_that_it_links_to_has_every_option(name):
    text = (FOLDER / f"{name}.md").read_text("utf-8")
    linked = [FOLDER / page for page in re.findall(r"\]\((\w[\w-]*\.md)", text)]
    texts = [text, *(page.read_text("utf-8") for page in linked)]
    for option in fields(catalogue.methods()[name]):
        assert any(re.search(rf"`{option.name}\b", part) for part in texts), option.name


def test_every_count_is_explained():
    for name in COUNTS:
        assert re.search(rf"^\| .*`{name}`.* \|", PAGE, re.M), name


@pytest.mark.slow
def test_the_method_of_ones_own_runs(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})
    code, example = BLOCK.findall(PAGE)
    names = {"__name__": "clip_weights"}
    exec(compile(code, "clip_weights.py", "exec"), names)
    test = doctest.DocTestParser().get_doctest(example, {}, "mitigation.md", None, 0)
    lines = []
    doctest.DocTestRunner(verbose=False).run(test, out=lines.append)
    assert not lines, "".join(lines)
