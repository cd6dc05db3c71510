"""Blocks of code on pages of documentation: found, run, and what they print compared with what the page shows."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from cli_tools import environment

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
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


def run_session(block: Block, names: dict, page: Path) -> None:
    """Run a block of ``>>>`` and compare what it prints."""
    test = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), block.line - 1)
    lines: list[str] = []
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=lines.append, clear_globs=False)
    names.update(test.globs)
    assert not lines, "".join(lines)


def missing_imports(text: str) -> list[str]:
    """Return the packages that a block imports and that are not installed; the block must be Python."""
    tree = ast.parse(text)
    names = [item.name for node in ast.walk(tree) if isinstance(node, ast.Import) for item in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return [name for name in names if importlib.util.find_spec(name.partition(".")[0]) is None]


def run_python(block: Block, names: dict, page: Path) -> None:
    """Run a block: a session, whose page is left out where it needs what is not installed, or a script, then parsed."""
    if block.text.startswith(">>>"):
        examples = doctest.DocTestParser().get_examples(block.text)
        missing = missing_imports("".join(example.source for example in examples))
        if missing:
            pytest.skip(f"{missing[0]} is not installed")
        run_session(block, names, page)
    elif not missing_imports(block.text):
        exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), names)
