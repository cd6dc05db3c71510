"""The command line for tests: in this process where speed matters, as a process where the system is in play."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from xbarsim.cli import main

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "crossbar_64x64.sp"
PROGRAM = [sys.executable, "-c", "from xbarsim.cli import main; main()"]
NOTICE = ("xbarsim: compiling", "xbarsim: compiled in")
"""On a fresh machine any first solve says this too, once."""


def environment(**changes: str | None) -> dict[str, str]:
    """Return this process's environment with changes; None takes a variable out."""
    # What pytest makes an error of in this process must not pass unseen in another; and no process runs uncompiled.
    merged = {**os.environ, "PYTHONWARNINGS": "error::RuntimeWarning", "NUMBA_DISABLE_JIT": None, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def run(*arguments: object, env: dict[str, str] | None = None, **options) -> SimpleNamespace:
    """Run the command line as a process."""
    process = subprocess.run(
        [*PROGRAM, *map(str, arguments)], timeout=120, check=False, env=env or environment(),
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )  # fmt: skip
    out, err = ((stream or b"").decode() for stream in (process.stdout, process.stderr))
    return SimpleNamespace(code=process.returncode, out=out, err=without_notice(err), all_err=err)


def call(capsys, *arguments: object) -> SimpleNamespace:
    """Run the command line in this process."""
    capsys.readouterr()
    code = None
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = end.code
    caught = capsys.readouterr()
    return SimpleNamespace(code=code, out=caught.out, err=without_notice(caught.err), all_err=caught.err)


def without_notice(err: str) -> str:
    """Drop the lines about compilation."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith(NOTICE))


def assert_refused(answer: SimpleNamespace, code: int, *words: str) -> None:
    """One line on stderr, nothing on stdout, the exit code, and the words that say what is wrong."""
    assert answer.code == code, answer.err
    assert answer.err.startswith("xbarsim: "), answer.err
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.endswith("\n"), answer.err
    assert not answer.out, answer.out
    for word in words:
        assert word in answer.err, (word, answer.err)


def arrays(folder: Path, rows: int = 3, cols: int = 4) -> list[str]:
    """Write a crossbar's files, every value different, and return the options that name them."""
    rng = np.random.default_rng(7)
    for name, values in (
        ("g", 10 ** rng.uniform(-6, -3, (rows, cols))),
        ("v", rng.uniform(-0.5, 0.5, rows)),
        ("batch", rng.uniform(-0.5, 0.5, (2, rows))),
        ("word", rng.uniform(0.5, 3, (rows, cols - 1))),
        ("bit", rng.uniform(0.5, 3, (rows - 1, cols))),
        ("driver", rng.uniform(5, 50, rows)),
        ("sense", rng.uniform(5, 50, cols)),
    ):
        np.save(folder / f"{name}.npy", values)
        np.savetxt(folder / f"{name}.csv", values, delimiter=",")
    return ["--conductance", str(folder / "g.npy"), "--voltages", str(folder / "v.npy")]
