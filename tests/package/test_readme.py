"""The README, and its long form for Python, do what they say: commands and Python are run in their order."""

from __future__ import annotations

import doctest
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_tools import ROOT, environment

README = ROOT / "README.md"
PAGES = [README, ROOT / "docs" / "arrays_in_python.md"]
FENCE = re.compile(r"^```(console|bash|python)\n(.*?)^```$", re.M | re.S)
NOT_RUN = ("make", "git", "pip", "python", "python3", "apt-get", "sudo", "source", ".")
"""They would install or fetch."""


class Block(NamedTuple):
    language: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks; ``line`` is that of their first line, from 1."""
    return [Block(m[1], m[2], text.count("\n", 0, m.start(2)) + 1) for m in FENCE.finditer(text)]


def commands(block: Block) -> list[tuple[str, str | None]]:
    """Return each command with the output that follows it; None where a block shows no output."""
    text = re.sub(r"\\\n\s*", "", block.text)
    if block.language == "bash":
        return [(line, None) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    parts: list[tuple[str, str | None]] = []
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        parts.append((command, output))
    return parts


def pattern(output: str) -> str:
    """Return a regular expression: ``...`` is anything, blank ends do not count, times and residuals vary."""
    lines = []
    for line in output.strip().splitlines():
        if re.match(r"time\b|residual\b", line):
            line = line.split()[0] + " ..."
        lines.append(re.escape(line.rstrip()).replace(re.escape("..."), ".*"))
    return r"\n".join(lines).replace(r"\n.*\n", r"\n(?:.*\n)?") + r"\s*"


def run_command(command: str, expected: str | None, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.run(
        command, shell=True, cwd=folder, env=environment(PATH=path),
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    if expected and expected.strip():
        out = "\n".join(line.rstrip() for line in process.stdout.splitlines())
        assert re.fullmatch(pattern(expected), out, re.S), (
            f"the page shows\n{expected}\nand it prints\n{process.stdout}"
        )


def run_python(block: Block, names: dict, page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line - 1)
    assert test.examples, f"{page.name}:{block.line}: a python block without >>> is not run"
    lines: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=lines.append, clear_globs=False)
    names.update(test.globs)
    assert not lines, "".join(lines)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or shutil.which("xbarsim", path=Path(sys.executable).parent) is None,
                    reason="needs a shell, and xbarsim installed beside this Python")  # fmt: skip
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_every_session_of_a_page(tmp_path, monkeypatch, page):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict = {}
    ran = {"console": 0, "bash": 0, "python": 0}
    for block in blocks(page.read_text("utf-8")):
        if block.language == "python":
            run_python(block, names, page)
            ran["python"] += 1
            continue
        for command, expected in commands(block):
            if command.split()[0] not in NOT_RUN:
                run_command(command, expected, tmp_path)
                ran[block.language] += 1
    assert ran["python"], "no python block was found"
    assert ran["console"] + ran["bash"] or page != README, "no command was found"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_of_a_kind_that_is_run(page):
    """A block in another language, or a fence that the extraction misses, would go unchecked."""
    text = page.read_text("utf-8")
    assert len(re.findall(r"^```", text, re.M)) == 2 * len(blocks(text))


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
