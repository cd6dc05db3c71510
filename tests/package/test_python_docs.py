"""The pages for work in Python do what they say."""

import doctest

import pytest
from cli_tools import ROOT

PAGES = {"python": ("pandas", "xarray", "matplotlib"), "interop": (), "measured": ()}
"""Each with what it needs beside the core."""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs(page, tmp_path, monkeypatch):
    for module in PAGES[page]:
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    results = doctest.testfile(str(ROOT / "docs" / f"{page}.md"), module_relative=False, optionflags=flags)
    assert results.attempted > 10
    assert results.failed == 0
