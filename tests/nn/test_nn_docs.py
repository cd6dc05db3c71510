"""docs/networks.md does what it says."""

import doctest

import nn_tools  # noqa: F401  one thread
from cli_tools import ROOT


def test_the_page_runs():
    found = doctest.testfile(str(ROOT / "docs" / "networks.md"), module_relative=False)
    assert found.attempted > 15
    assert found.failed == 0
