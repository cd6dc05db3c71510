"""The commands under validation/ fit the package: what they import is there."""

import subprocess
import sys

import pytest
from cli_tools import ROOT, environment

FOLDERS = [ROOT / "validation", ROOT / "validation" / "papers"]
PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


@pytest.mark.slow
def test_every_command_imports():
    """Would break if a name that a long-running command takes were renamed, which it would tell hours later."""
    pytest.importorskip("torch")
    names = [path.stem for folder in FOLDERS for path in sorted(folder.glob("*.py"))]
    assert len(names) > 50
    paths = ":".join(map(str, [ROOT, *FOLDERS]))
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, check=True,
        env=environment(PYTHONPATH=paths), cwd=ROOT,
    )  # fmt: skip
    assert answer.stdout == ""
