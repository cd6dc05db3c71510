"""docs/networks.md does what it says."""

import doctest

import nn_tools  # noqa: F401  one thread
import pytest
from cli_tools import ROOT


@pytest.mark.slow
def test_the_page_runs():
    results = doctest.testfile(str(ROOT / "docs" / "networks.md"), module_relative=False)
    assert results.attempted > 15
    assert results.failed == 0
