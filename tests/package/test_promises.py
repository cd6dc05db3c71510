"""What pyproject.toml promises is what ``make lowest`` installs."""

from __future__ import annotations

import re
import tomllib

import pytest
from cli_tools import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = ("nn", "plot", "spice", "study", "test")
PROMISES = [*PROJECT["dependencies"], *(words for extra in EXTRAS for words in PROJECT["optional-dependencies"][extra])]


@pytest.mark.parametrize("promise", PROMISES)
def test_the_lowest_version_is_the_one_that_is_tried(promise):
    name, _, version = promise.partition(">=")
    lines = (ROOT / "constraints-lowest.txt").read_text("utf-8").splitlines()
    (constraint,) = (line.partition("==")[2] for line in lines if line.startswith(f"{name}=="))
    parts = version.split(".")
    assert constraint.split(".") == parts + ["0"] * (constraint.count(".") + 1 - len(parts))


def test_no_expression_has_a_possessive_group():
    """Python 3.11 up to 3.11.4 takes a part of such a group for the whole (CPython's issue 106052)."""
    group = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")
    assert [path for path in sorted((ROOT / "xbarsim").rglob("*.py")) if group.search(path.read_text("utf-8"))] == []
