"""What workers do for cheap trials; it loads at once, so that even short limits are limits of the trial."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def answer(task, artifacts):
    """Do what settings say: ``sleep``, ``raise``, ``signal``, ``take`` memory, once where ``once`` names a file."""
    settings = task.settings
    if "started" in settings:
        with Path(settings["started"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    if "once" in settings:
        mark = Path(settings["once"])
        if mark.exists():
            settings = {"value": settings["value"]}
        else:
            mark.touch()
    if "wait_for" in settings:
        while not Path(settings["wait_for"]).exists():
            time.sleep(0.01)
    time.sleep(settings.get("sleep", 0.0))
    if "raise" in settings:
        raise ValueError(settings["raise"])
    if "kill_parent" in settings:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60.0)
    if "print" in settings:
        print(settings["print"])
    if "signal" in settings:
        os.kill(os.getpid(), getattr(signal, settings["signal"]))
        time.sleep(60.0)
    if "take" in settings:
        len(bytearray(int(settings["take"])))
    currents = solved(settings["solve"], settings.get("times", 1)) if "solve" in settings else {}
    made = sum(sum(content) for content in artifacts.values())
    environment = {name: int(os.environ.get(name, 0)) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
    numbers = {"value": settings["value"], "third": settings["value"] / 3, "made": made, "process": os.getpid()}
    return numbers | currents | environment


def solved(seed, times):
    """Every output current of a random crossbar, to the last bit; solved several times, for something to do."""
    import numpy as np

    from xbarsim import Crossbar, solve

    rng = np.random.default_rng(seed)
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, (24, 17)), word_wire=1.0, bit_wire=1.0)
    voltages = rng.normal(size=24)
    for _ in range(times):
        currents = solve(crossbar, voltages).currents
    return {f"current{k}": float(current) for k, current in enumerate(currents)}


def make(task, artifacts):
    """Return the bytes that settings have, after those that are needed."""
    if "raise" in task.settings:
        raise ValueError(task.settings["raise"])
    return b"".join(artifacts[key] for key in task.needs) + bytes(task.settings["bytes"])
