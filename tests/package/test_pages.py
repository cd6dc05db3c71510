"""Every Python and console block of the pages in docs/ runs, those of a page in their order."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import page_tools
import pytest
from cli_tools import ROOT

ELSEWHERE = (
    "interop.md", "measured.md", "mitigation.md", "networks.md", "nonideal.md", "python.md", "transient.md",
)  # fmt: skip
"""Pages of whose blocks a test of their own says more."""

PAGES = [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name not in ELSEWHERE
    and any(block.language in ("python", "console", "bash") for block in page_tools.blocks(page.read_text("utf-8")))
]
NOT_RUN = (*page_tools.NOT_RUN, "dask", "npm")
STUDY = """
title = "Faults"
seeds = 1
methods = ["none", "gain"]
[data]
name = "digits"
test = 40
validation = 50
[[model]]
source = "mlp"
epochs = 1
[hardware]
base = "rram-64"
fidelity = "ideal"
[sweep]
"cells.faults.rate" = [0.05]
"""


def prepare_devices(page: str) -> dict:
    """Give the page its Verilog-A, where there is a compiler, and cells."""
    from xbarsim.veriloga import va_compiler

    if va_compiler.compiler() is None:
        pytest.skip("no compiler of Verilog-A")
    source = next(block for block in page_tools.blocks(page) if block.language == "verilog")
    Path("cells.va").write_text(source.text, "utf-8")
    names: dict = {"conductance": np.full((2, 3), 1e-4)}
    exec("from xbarsim import Crossbar\nfrom xbarsim.devices import DynamicVerilogA, VerilogA", names)
    return names


def prepare_studies(page: str) -> dict:
    """Give the page a study."""
    pytest.importorskip("torch")
    pytest.importorskip("pandas")
    Path("wires.toml").write_text(STUDY, "utf-8")
    return {}


PREPARE = {"devices.md": prepare_devices, "studies.md": prepare_studies}


@pytest.mark.slow
@pytest.mark.skipif(
    os.name != "posix" or shutil.which("xbarsim", path=Path(sys.executable).parent) is None,
    reason="needs a shell, and xbarsim installed beside this Python",
)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT / "docs").as_posix())
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    text = page.read_text("utf-8")
    names = PREPARE.get(page.name, lambda text: {})(text)
    for block in page_tools.blocks(text):
        if block.language == "python":
            page_tools.run_python(block, names, page)
        elif block.language in ("console", "bash"):
            for command, expected in page_tools.commands(block):
                if command.split()[0] not in NOT_RUN:
                    page_tools.run_command(command, expected, tmp_path)
