"""The README does what it says: its commands and its Python are run in the order in which they stand."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from cli_tools import ROOT
from page_tools import NOT_RUN, blocks, commands, pattern, run_command, run_session

README = ROOT / "README.md"
RUN = ("python", "console", "bash")


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or shutil.which("xbarsim", path=Path(sys.executable).parent) is None,
                    reason="needs a shell, and xbarsim installed beside this Python")  # fmt: skip
def test_every_command_and_every_session_of_the_readme(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict = {}
    ran = {"console": 0, "bash": 0, "python": 0}
    for block in blocks(README.read_text("utf-8")):
        if block.language == "python":
            run_session(block, names, README)
            ran["python"] += 1
            continue
        for command, expected in commands(block):
            if command.split()[0] not in NOT_RUN:
                run_command(command, expected, tmp_path)
                ran[block.language] += 1
    assert ran["python"], "no python block was found"
    assert ran["console"] + ran["bash"], "no command was found"


def test_every_block_is_of_a_kind_that_is_run():
    """A block in another language, or a fence that the extraction misses, would go unchecked."""
    text = README.read_text("utf-8")
    assert len(re.findall(r"^```", text, re.M)) == 2 * len(blocks(text))
    assert all(block.language in RUN for block in blocks(text))
    assert all(">>>" in block.text for block in blocks(text) if block.language == "python")


@pytest.mark.parametrize(
    ("template", "printed", "alike"),
    [
        ("a 1.5\nb 2\n", "a 1.5\nb 2", True),
        ("a 1.5\nb 2\n", "a 1.5\nb 2.0", False),
        ("a 1.5\n", "a 1.5\nb 2", False),
        ("a\n...\nd\n", "a\nb\nc\nd", True),
        ("a\n...\nd\n", "a\nd", True),
        ("a\n...\nd\n", "a\nb\nc", False),
        ("a\n...\n", "a\nb\nc", True),
        ("read 1, ... done", "read 1, 2, done", True),
        ("read 1, ... done", "read 3, 2, done", False),
        ("time      read 0.1 s", "time      read 7 s", True),
        ("1.5 (a|b)", "1x5 a", False),
    ],
)
def test_the_comparison_sees_differences(template, printed, alike):
    assert bool(re.fullmatch(pattern(template), printed, re.S)) is alike
