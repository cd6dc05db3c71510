"""A child process: end it in time, read what it wrote, and believe it only where everything is in order."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from xbarsim.analysis.rawfile import Plot, read_raw
from xbarsim.errors import SpiceError
from xbarsim.spice import log as logs
from xbarsim.spice.result import Answer


def finished(
    command: Sequence[str], folder: Path, timeout: float, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a command without input and return its code and all that it said.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    folder : Path
        In which it runs.
    timeout : float
        Seconds.
    environment : mapping of str to str, optional
        In the place of this process's.

    Raises
    ------
    SpiceError
        It was killed by a signal, or did not end in ``timeout`` seconds.
    """
    start = time.perf_counter()
    try:
        process = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=timeout,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SpiceError(f"{command[0]} gave no answer in {timeout:g} s, and was ended") from None
    except OSError as error:
        raise SpiceError(f"{command[0]} does not run: {error.strerror or error}") from None
    text = (process.stdout + process.stderr).decode("utf-8", "replace")
    if process.returncode < 0:
        try:
            name = signal.Signals(-process.returncode).name
        except ValueError:
            name = str(-process.returncode)
        seconds = time.perf_counter() - start
        raise SpiceError(f"{command[0]} crashed with {name} after {seconds:.1f} s{_excerpt(text)}")
    return process.returncode, text


def answer(program: str, code: int, text: str, raw: Path, title: str | None = None) -> Answer:
    """Return what a raw file holds, if code, log and file are all in order.

    Parameters
    ----------
    program : str
        What the messages call it.
    code : int
        Its return code.
    said : str
        Its log.
    raw : Path
        Where its numbers should be.
    title : str, optional
        What every plot must be called.

    Raises
    ------
    SpiceError
        Anything is not.
    """
    failed = logs.failure(text)
    if code or failed:
        raise SpiceError(f"{program} failed{f' with exit code {code}' if code else ''}{_excerpt(text, failed)}")
    if not raw.exists():
        raise SpiceError(f"{program} gave no numbers{_excerpt(text)}: does the netlist ask for an analysis?")
    try:
        plots = read_raw(raw.read_bytes())
    except ValueError as error:
        raise SpiceError(f"{program} wrote a raw file that is not understood: {error}") from None
    _check(program, plots, title)
    return Answer(plots, text, logs.trouble(text))


def _check(program: str, plots: list[Plot], title: str | None) -> None:
    if not plots:
        raise SpiceError(f"{program} gave no numbers: does the netlist ask for an analysis?")
    for plot in plots:
        if not plot.table.size:
            raise SpiceError(f"{program} gave no numbers for .{plot.kind}")
        if title is not None and plot.title.lower() != title.lower():
            raise SpiceError(f"{program} answered for {plot.title!r}, not for {title!r}")


def _excerpt(text: str, first: str = "") -> str:
    """Return the telling part of a log as the rest of a sentence."""
    telling = first or "; ".join(logs.trouble(text)[:3])
    return f": {' '.join(telling.split())[:300]}" if telling else ""
