"""What a worker does for studies of circuits: a read margin, the numbers of a netlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from xbarsim.errors import InputError
from xbarsim.study.netlist_study import content_of
from xbarsim.study.trial import Task

_CASE = ("current", "cell_current", "sneak_current", "power", "stress")


def margin(task: Task, artifacts: Mapping[str, bytes]) -> dict[str, Any]:
    """Return a read margin and what it rests on, the currents of both states."""
    from xbarsim.devices import model
    from xbarsim.margin import Technology
    from xbarsim.margin import margin as solved
    from xbarsim.schemes.scheme import scheme_of
    from xbarsim.solvers.extrapolation import collected

    settings = task.settings
    technology = Technology(
        **settings["technology"], device=model(settings["device"]).from_options(**settings["options"])
    )  # fmt: skip
    rows, cols = settings["size"]
    cell: Any = settings["cell"]
    if not isinstance(cell, str):
        cell = tuple(cell)
    with collected() as beyond:
        point = solved(
            technology, (rows, cols), replace(scheme_of(settings["scheme"]), load=settings.get("load")),
            read_voltage=settings["read_voltage"], cell=cell,
            patterns=settings["patterns"],
        )  # fmt: skip
    lrs, hrs = point.lrs, point.hrs
    numbers: dict[str, Any] = {"current_margin": point.current_margin, "on_off_ratio": point.on_off_ratio}
    if point.voltage_margin is not None:
        numbers["voltage_margin"] = point.voltage_margin
    numbers |= {
        "sneak_current": hrs.sneak_current,
        "cell_current": lrs.cell_current,
        "power": max(lrs.power, hrs.power),
        "stress": max(lrs.stress, hrs.stress),
        "residual": max(lrs.residual, hrs.residual),
        "tried": lrs.tried + hrs.tried,
        "searched": not (lrs.exhaustive and hrs.exhaustive),
        "volts_beyond_law": max((case.excess for case in beyond), default=0.0),
    }
    for state, case in (("lrs", lrs), ("hrs", hrs)):
        numbers |= {f"{state}.{name}": getattr(case, name) for name in _CASE} | {f"{state}.pattern": case.pattern}
    return numbers


def netlist(task: Task, artifacts: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what a netlist says in numbers."""
    from xbarsim.analysis.numbers import numbers_of
    from xbarsim.netlist.reading.contents import contents

    settings, path = task.settings, Path(task.places["netlist"])
    parameters = settings["parameters"]
    if content_of(contents(path, parameters).files) != settings["content"]:
        raise InputError(f"{path} has changed since this study was read: run it again")
    return dict(
        numbers_of(
            path, outputs=settings.get("outputs", ()), parameters=parameters, temp=settings.get("temp"),
            seed=settings.get("seed"), steady=settings.get("steady", False), method=settings["method"],
        )
    )  # fmt: skip
