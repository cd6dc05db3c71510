"""Examples of docstrings and of the page of closed loops do what they say."""

import doctest
import importlib
import re

import pytest
from cli_tools import ROOT


@pytest.mark.parametrize("module", ["inverse", "error_split"])
def test_docstrings(module):
    tried = doctest.testmod(importlib.import_module(f"xbarsim.loop.{module}"))
    assert tried.attempted >= 5
    assert tried.failed == 0


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "loops.md").read_text("utf-8"), re.M | re.S)
    names: dict = {}
    for block in blocks:
        exec(block, names)
    assert len(blocks) >= 4
    assert names["closed"].residual < 1e-10
    assert names["solved"].x.shape == (64,)
    assert capsys.readouterr().out.splitlines()[-1].startswith("together")
