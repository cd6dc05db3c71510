"""What is refused, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import xbarsim
from fixed.circuits import spread, volts
from fixed.record import Case
from xbarsim import Crossbar, Law, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.margin import Technology, background, margin, sweep
from xbarsim.nonideal import Breaks, Chip, Drift, Faults, Levels, Nonidealities, ReadNoise, Variation, WriteVerify

PLAIN = np.full((2, 3), 1e-3)
TIED = {"word_right": LineEnds(1.0, 0.0)}


def falling(v, g):
    return -g * v, -g


REFUSED: dict[str, Callable[[], Any]] = {
    "negative cell": lambda: Crossbar([[1e-3, -1e-6]]),
    "NaN cell": lambda: Crossbar([[1e-3, np.nan], [1e-3, 1e-3]]),
    "infinite cell": lambda: Crossbar([[np.inf]]),
    "one axis": lambda: Crossbar([1e-3]),
    "no cells": lambda: Crossbar(np.zeros((0, 3))),
    "ragged": lambda: Crossbar([[1.0], [1.0, 2.0]]),
    "words": lambda: Crossbar([["a"]]),
    "complex": lambda: Crossbar([[1j]]),
    "wire of another shape": lambda: Crossbar(PLAIN, word_wire=[1.0, 2.0, 3.0]),
    "negative wire": lambda: Crossbar(PLAIN, bit_wire=-1.0),
    "NaN driver": lambda: Crossbar(PLAIN, driver=[1.0, np.nan]),
    "sense of another length": lambda: Crossbar(PLAIN, sense=[1.0, 2.0]),
    "unknown side": lambda: Crossbar(PLAIN, ends={"left": LineEnds()}),
    "ends of no kind": lambda: Crossbar(PLAIN, ends={"bit_top": 3.0}),
    "ends twice": lambda: Crossbar(PLAIN, sense=1.0, ends={"bit_bottom": LineEnds()}),
    "ends with input volts": lambda: Crossbar(PLAIN, ends={"word_left": LineEnds(1.0, 0.0)}),
    "ends of another length": lambda: Crossbar(PLAIN, ends={"bit_top": LineEnds([0.0, 1.0], 1.0)}),
    "ends of two axes": lambda: LineEnds([[1.0]], 1.0),
    "infinite end volts": lambda: LineEnds(np.inf, 1.0),
    "device as a class": lambda: Crossbar(PLAIN, device=Sinh),
    "device of another shape": lambda: Crossbar(PLAIN, device=Sinh(np.full((3, 2), 0.2))),
    "no crossbar": lambda: xbarsim.solve(PLAIN, [1.0, 1.0]),
    "unknown method": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0], method="lu"),
    "other voltages": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0, 1.0]),
    "NaN voltage": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, np.nan]),
    "three axes of voltages": lambda: xbarsim.solve(Crossbar(PLAIN), np.ones((1, 1, 2))),
    "tolerance of 0": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0], tolerance=0),
    "tolerance true": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0], tolerance=True),
    "tolerance out of reach": lambda: xbarsim.solve(spread(30, 20), volts(1, 30), tolerance=1e-30),
    "threads of 0": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0], threads=0),
    "threads as words": lambda: xbarsim.solve(Crossbar(PLAIN), [1.0, 1.0], threads="two"),
    "schur of a device": lambda: xbarsim.solve(Crossbar(PLAIN, device=Sinh(0.2)), [1.0, 1.0], method="schur"),
    "sources joined": lambda: xbarsim.solve(Crossbar(PLAIN, ends=TIED), [0.5, 1.0]),
    "sources joined, reference": lambda: xbarsim.reference.solve(Crossbar(PLAIN, ends=TIED), [0.5, 1.0]),
    "huge volts": lambda: xbarsim.solve(spread(4, 3), np.full(4, 1e300)),
    "overflow": lambda: xbarsim.solve(Crossbar(np.full((3, 3), 1e300)), np.full(3, 1e200)),
    "no fields": lambda: xbarsim.solve(Crossbar(PLAIN), np.ones((2, 2))).word_voltages,
    "map of a device": lambda: xbarsim.effective_conductance(Crossbar(PLAIN, device=Sinh(0.2))),
    "map of no crossbar": lambda: xbarsim.effective_conductance(PLAIN),
    "map with sources": lambda: xbarsim.effective_conductance(Crossbar(PLAIN, ends={"bit_top": LineEnds(1.0, 2.0)})),
    "admittance of joined ends": lambda: xbarsim.port_admittance(Crossbar(PLAIN, ends={"bit_top": LineEnds(0.0, 0.0)})),
    "gradient of another shape": lambda: xbarsim.adjoint.effective_map(Crossbar(PLAIN)).gradient(np.ones((3, 2))),
    "gradient of joined ends": lambda: xbarsim.adjoint.effective_map(Crossbar(PLAIN, ends=TIED)),
    "reference of many cells": lambda: xbarsim.reference.solve(spread(100, 100), volts(1, 100)),
    "reference of a batch": lambda: xbarsim.reference.solve(Crossbar(PLAIN), np.ones((2, 2))),
    "reference of a device": lambda: xbarsim.reference.solve(Crossbar(PLAIN, device=Sinh(0.2)), [1.0, 1.0]),
    "sinh of 0 V": lambda: Sinh(0.0),
    "sinh of words": lambda: Sinh("much"),
    "selector below 0": lambda: Selector(-1e-9, 0.03),
    "transistor without kp": lambda: Transistor(1.0, kp=0.0),
    "transistor of NaN": lambda: Transistor(np.nan),
    "yakopcic below 0": lambda: Yakopcic(1e-4, -1e-4, 3.0),
    "yakopcic beyond its state": lambda: xbarsim.solve(Crossbar(PLAIN, device=Yakopcic(1e-5, 1e-5, 1.0)), [0.1, 0.1]),
    "curve of two points": lambda: Table([0.0, 1.0], [0.0, 1.0]),
    "falling curve": lambda: Table([-1.0, 0.0, 1.0, 2.0], [-1.0, 0.0, 1.0, 0.5]),
    "curve with an offset": lambda: Table([-1.0, 0.0, 1.0], [-1.0, 0.5, 1.0]),
    "curve of other lengths": lambda: Table([0.1, 0.2, 0.3], [1.0, 2.0]),
    "curve extended otherwise": lambda: Table([-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], extend="curve"),
    "curve that is no file": lambda: Table.from_csv("no/such/curve.csv"),
    "law that falls": lambda: xbarsim.solve(Crossbar(PLAIN, device=Law(falling)), [1.0, 1.0]),
    "law without slope": lambda: xbarsim.solve(Crossbar(PLAIN, device=Law(lambda v, g: g * v)), [1.0, 1.0]),
    "law of a number": lambda: Law(3.0),
    "law too steep": lambda: xbarsim.solve(Crossbar(PLAIN, device=Sinh(1e-4)), [5.0, 1.0]),
    "unknown scheme": lambda: xbarsim.schemes.read(spread(3, 4), "quarter", (0, 0), 0.5),
    "cell outside": lambda: xbarsim.schemes.read(spread(3, 4), "half", (3, 0), 0.5),
    "read of 0 V": lambda: xbarsim.schemes.read(spread(3, 4), "half", (0, 0), 0.0),
    "scheme with ends": lambda: xbarsim.schemes.read(Crossbar(PLAIN, ends=TIED), "half", (0, 0), 0.5),
    "technology upside down": lambda: Technology(r_on=1e6, r_off=1e3),
    "technology without device": lambda: Technology(device="sinh"),
    "margin of no size": lambda: margin(Technology(), 0, "half"),
    "margin of another cell": lambda: margin(Technology(), 4, "half", cell=(7, 7)),
    "margin of words": lambda: margin(Technology(), 4, "half", cell="near"),
    "margin of other patterns": lambda: margin(Technology(), 4, "half", patterns="best"),
    "margin of 0 V": lambda: margin(Technology(), 4, "half", read_voltage=0.0),
    "sizes twice": lambda: sweep(Technology(), [4, 4], ["half"]),
    "schemes twice": lambda: sweep(Technology(), [4], ["half", "half"]),
    "sizes empty": lambda: sweep(Technology(), [], ["half"]),
    "margin too large": lambda: margin(Technology(), 10**6, "half"),
    "unknown pattern": lambda: background("stripes", (3, 3), (0, 0)),
    "faults above 1": lambda: Faults(1.5),
    "faults of a shape": lambda: Faults(0.1, along="diagonals"),
    "faults unknown": lambda: Nonidealities.from_dict({"fault": {}}),
    "variation below 0": lambda: Variation(-0.1),
    "variation of a kind": lambda: Variation(0.1, kind="uniform"),
    "levels of 1": lambda: Levels(1),
    "verify without pulses": lambda: WriteVerify(max_pulses=0),
    "drift below 0": lambda: Drift(nu=-1.0),
    "noise above bounds": lambda: ReadNoise(sigma=-1.0),
    "breaks above 1": lambda: Breaks(word_rate=2.0),
    "states upside down": lambda: Nonidealities(r_on=1e6, r_off=1e3),
    "target out of range": lambda: Chip(Nonidealities(), seed=0, shapes=(2, 2)).apply(np.full((2, 2), 1.0)),
    "target of another shape": lambda: Chip(Nonidealities(), seed=0, shapes=(2, 2)).apply(np.full((2, 3), 1e-4)),
    "tile that is not": lambda: Chip(Nonidealities(), seed=0, shapes=(2, 2)).maps(1),
    "seed below 0": lambda: Chip(Nonidealities(), seed=-1, shapes=(2, 2)),
    "chip that is no file": lambda: Chip.load("no/such/chip.npz"),
    "drift before its time": lambda: Chip(Nonidealities(drift=Drift(0.1)), seed=0, shapes=(1, 1)).read(
        Chip(Nonidealities(drift=Drift(0.1)), seed=0, shapes=(1, 1)).apply([[1e-4]]), time=1e-9
    ),
    "netlist that is no file": lambda: xbarsim.netlist.read("no/such/netlist.sp"),
    "no such name": lambda: xbarsim.matrix,
    "cells frozen": lambda: spread(3, 4).conductance.__setitem__((0, 0), 1.0),
    "attributes frozen": lambda: setattr(spread(3, 4), "driver", 1.0),
}


def refused(action: Callable[[], Any]) -> dict[str, Any]:
    try:
        action()
    except Exception as error:
        # Memory is the machine's, and what numba says its own.
        text = str(error).split(" GB of memory")[0].split("No implementation")[0]
        return {"text": text, "label": type(error).__name__}
    return {"text": "not refused"}


def cases() -> dict[str, Case]:
    return {name: partial(refused, action) for name, action in REFUSED.items()}
