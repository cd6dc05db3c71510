"""Kernels as Python, with ``NUMBA_DISABLE_JIT=1``: for a debugger, and for the lines that tests reach."""

import json
import subprocess
import sys

import numpy as np
import pytest
import uncompiled_cases
from cli_tools import environment, run


@pytest.mark.slow
def test_the_same_numbers_without_a_compiler(tmp_path):
    """Intrinsics without a body in Python, and what only a compiler forgives: all devices, methods and ends."""
    file = tmp_path / "numbers.json"
    program = [sys.executable, "-W", "error", uncompiled_cases.__file__, file]
    subprocess.run(program, check=True, env=environment(NUMBA_DISABLE_JIT="1"))
    uncompiled = json.loads(file.read_text("utf-8"))
    compiled = uncompiled_cases.numbers()
    assert uncompiled.keys() == compiled.keys()
    for name, values in compiled.items():
        known = np.array(values)
        computed = np.array(uncompiled[name])
        scale = np.nanmax(np.abs(known))
        np.testing.assert_allclose(computed, known, rtol=0, atol=1e-12 * scale, err_msg=name)


@pytest.mark.slow
def test_commands_without_a_compiler(tmp_path):
    """A traceback of ``info``, which asks a kernel for its cache."""
    env = environment(NUMBA_DISABLE_JIT="1")
    assert "kernels run as Python" in run("info", env=env).out
    deck = tmp_path / "divider.sp"
    deck.write_text("divider\nv1 in 0 3\nrd in w 100\nrm w b 200\nrs b 0 700\n.op\n.end\n", encoding="utf-8")
    done = run("solve", "--netlist", deck, env=env)
    assert (done.code, done.err) == (0, "")
    assert "power     9" in done.out
