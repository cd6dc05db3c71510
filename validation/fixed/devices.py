"""Nonlinear cells, margins between their states, and what is not ideal about cells and lines."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import xbarsim
from fixed.circuits import parts, random, siemens, volts
from fixed.record import Case
from xbarsim import Crossbar, Law, Linear, LineEnds, Selector, Sinh, Table, Transistor, Yakopcic
from xbarsim.margin import Technology, background, margin, sweep
from xbarsim.nonideal import (
    Breaks,
    Chip,
    Drift,
    Faults,
    Levels,
    Nonidealities,
    ReadNoise,
    Shorts,
    Variation,
    WriteVerify,
    bridge,
    make_maps,
)

CURVE = ([-1.5, -0.7, -0.2, 0.3, 0.9, 1.6], [-9e-4, -2e-4, -3e-5, 4e-5, 5e-4, 2e-3])


def cube(v, g, k):
    """A law of the user's own: an ohmic and a cubic part."""
    return g * (v + k * v**3), g * (1.0 + 3.0 * k * v**2)


def devices(rows: int, cols: int) -> dict[str, xbarsim.Device]:
    rng = random(2, rows, cols)
    return {
        "linear": Linear(),
        "sinh": Sinh(0.25),
        "steep sinh": Sinh(0.03),
        "sinh of each cell": Sinh(rng.uniform(0.1, 0.5, (rows, cols))),
        "selector": Selector(1e-9, 0.03),
        "soft selector": Selector(1e-6, 0.1),
        "table": Table(*CURVE),
        "odd table": Table([0.1, 0.4, 1.2], [1e-5, 7e-5, 6e-4], odd=True),
        "table beyond its points": Table([-0.2, 0.0, 0.2], [-1e-5, 0.0, 2e-5]),
        "table that refuses": Table([-0.2, 0.0, 0.2], [-1e-5, 0.0, 2e-5], extend="error"),
        "mirrored table": Table([0.1, 0.2, 0.3], [1e-5, 2e-5, 5e-5], extend="odd"),
        "transistor": Transistor(1.5, kp=2e-4, vto=0.5),
        "transistors by row": Transistor(rng.uniform(0.2, 1.8, (rows, 1)), lam=0.05),
        "transistors by column": Transistor(rng.uniform(0.6, 1.8, cols)),
        "yakopcic": Yakopcic(1e-4, 3e-5, 3.0),
        "own law": Law(cube, k=0.7),
    }


def device_case(name: str, rows: int, cols: int, ends: str, *, batch: int = 0, method: str = "auto") -> dict[str, Any]:
    lines = {"word_wire": 1.0, "bit_wire": 1.0, "driver": 5.0}
    tied: dict[str, dict[str, Any]] = {
        "wires": {"word_wire": 2.0, "bit_wire": 3.0, "driver": 10.0, "sense": 5.0},
        "ideal": {},
        "half": {**lines, "ends": {"bit_bottom": LineEnds([0.3] * (cols - 1) + [0.0], 2.0)}},
        "floating": {**lines, "sense": [np.inf] * (cols - 1) + [1.0], "driver": [3.0] + [np.inf] * (rows - 1)},
        "weak": {"word_wire": 2.0, "bit_wire": 3.0, "driver": 1e8, "sense": 1e7},
    }  # fmt: skip
    g = siemens(random(11, rows), (rows, cols))
    g[0, 0] = 0.0
    crossbar = Crossbar(g, **tied[ends], device=devices(rows, cols)[name])
    shape = (batch, rows) if batch else (rows,)
    return parts(xbarsim.solve(crossbar, volts(12, *shape), method=method, fields=True)) | {
        "text": repr(crossbar.device)
    }


def law_itself(name: str) -> dict[str, Any]:
    device = devices(4, 3)[name]
    g, v = siemens(random(1), (4, 3)), random(2).uniform(-1, 1, (4, 3))
    values: dict[str, Any] = {"current": device.current(g, v, np.zeros((4, 3))), "text": repr(device)}
    values["parameters"] = {key: np.asarray(value) for key, value in device.parameters.items()}
    return values | ({} if name in ("own law", "linear") else {"subcircuit": str(device.subcircuit())})


def case_of(case: Any) -> dict[str, Any]:
    names = ("pattern", "states", "current", "cell_current", "sneak_current", "power", "stress", "residual")
    return {name: getattr(case, name) for name in names} | {"tried": case.tried, "exhaustive": case.exhaustive}


def margin_parts(point: Any) -> dict[str, Any]:
    names = ("rows", "cols", "cell", "read_voltage", "current_margin", "on_off_ratio", "voltage_margin")
    values = {name: getattr(point, name) for name in names}
    return values | {"lrs": case_of(point.lrs), "hrs": case_of(point.hrs)}


def margin_case(device: xbarsim.Device, scheme: str, size: Any, **options: Any) -> dict[str, Any]:
    technology = Technology(r_on=1e4, r_off=1e6, device=device, word_wire=2.0, bit_wire=1.0, driver=5.0, sense=3.0)
    return margin_parts(margin(technology, size, scheme, read_voltage=0.6, **options))


def margins() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    laws = {
        "linear": Linear(),
        "sinh": Sinh(0.2),
        "selector": Selector(1e-9, 0.03),
        "transistor": Transistor(1.5, kp=1e-3),
        "table": Table([0.1, 0.3, 0.6], [1e-5, 5e-5, 3e-4], odd=True),
        "short table": Table([0.05, 0.1, 0.2], [4e-6, 1e-5, 3e-5], odd=True),
    }
    for name, device in laws.items():
        for scheme in ("floating", "grounded", "half", "third", "mvm", "half+both"):
            bank[f"margin {name} {scheme} 6x9"] = partial(margin_case, device, scheme, (6, 9))
        bank[f"margin {name} 2x4"] = partial(margin_case, device, "half", (2, 4))
        bank[f"margin {name} same"] = partial(margin_case, device, "third", 5, patterns="same")
        bank[f"margin {name} corners"] = partial(margin_case, device, "grounded", 4, cell="corners")
    bank["margin 32x20"] = partial(margin_case, Linear(), "floating", (32, 20), cell=(3, 4))
    bank["sweep"] = lambda: {
        str(k): margin_parts(point)
        for k, point in enumerate(sweep(Technology(r_off=np.inf), [3, (4, 6)], ["half", "grounded"], read_voltage=0.4))
    }
    bank["background"] = lambda: {
        name: background(name, (4, 5), (1, 2)) for name in ("lrs", "hrs", "row", "column+rest")
    }
    return bank


EFFECTS: dict[str, dict[str, Any]] = {
    "none": {},
    "faults": {"faults": Faults(0.1, ocr=5)},
    "clustered faults": {"faults": Faults(0.1, clustering=0.5, along="by_kind", length=6)},
    "whole lines": {"faults": Faults(0.05, clustering=1.0, along="rows")},
    "exact faults": {"faults": Faults.of_rates(lrs=0.0175, hrs=0.0904, exact=True, lrs_ohms=500.0, hrs_ohms=1e7)},
    "variation": {"variation": Variation(0.2)},
    "gaussian variation": {"variation": Variation(0.3, kind="gaussian", of="resistance", floor=0.1)},
    "cycle variation": {"cycle_variation": Variation(0.1)},
    "levels": {"levels": Levels(16)},
    "levels of resistance": {"levels": Levels(5, spacing="resistance")},
    "levels of logarithms": {"levels": Levels(8, spacing="log")},
    "write and verify": {"write_verify": WriteVerify(tolerance=0.02, noise=0.3), "variation": Variation(0.2)},
    "write and verify of targets": {
        "write_verify": WriteVerify(0.05, of="target", max_pulses=30, step=0.3, shrink=0.8),
    },
    "drift": {"drift": Drift(nu=0.05, nu_sigma=0.01)},
    "read noise": {"read_noise": ReadNoise(0.05)},
    "absolute read noise": {"read_noise": ReadNoise(0.01, kind="absolute")},
    "breaks": {"breaks": Breaks(word_rate=0.02, bit_rate=0.03)},
    "shorts": {"shorts": Shorts(word_rate=0.01, bit_rate=0.02, ohms=5.0)},
    "everything": {
        "faults": Faults(0.05), "variation": Variation(0.2), "levels": Levels(16),
        "write_verify": WriteVerify(tolerance=0.02, noise=0.3), "drift": Drift(0.02, 0.005),
        "read_noise": ReadNoise(0.02), "breaks": Breaks(0.01, 0.01), "shorts": Shorts(0.01, 0.01),
    },
}  # fmt: skip
MAPS = ("faults", "factor", "nu", "word_breaks", "bit_breaks", "word_shorts", "bit_shorts")


def chip_case(effects: dict[str, Any], seed: int) -> dict[str, Any]:
    model = Nonidealities(r_on=1e4, r_off=1e6, **effects)
    chip = Chip(model, seed=seed, shapes=[(24, 17), (5, 40)])
    values: dict[str, Any] = {"record": str(model.to_dict())}
    for tile, shape in enumerate(((24, 17), (5, 40))):
        target = siemens(random(13, tile), shape, -6, -4)
        programmed = chip.apply(target, tile)
        rewritten = chip.apply(target * 0.9 + 1e-7, tile, start=programmed, write=1, cells=target > 3e-5)
        time = 3600.0 if "drift" in effects else None
        for name, cells in (("first", programmed), ("second", rewritten)):
            table = {key: getattr(cells, key) for key in ("conductance", "target", "pulses", "unconverged", "faults")}
            values[f"{name} {tile}"] = table
        values[f"read {tile}"] = [chip.read(programmed, read=k, time=time) for k in range(2)]
        values[f"maps {tile}"] = {name: np.asarray(getattr(chip.maps(tile), name)) for name in MAPS}
    crossbar = Crossbar(chip.apply(np.full((24, 17), 5e-5)).conductance, word_wire=1.0, bit_wire=2.0, driver=3.0)
    bridged = chip.bridged(crossbar)
    solution = xbarsim.solve(bridged.crossbar, bridged.inputs(volts(14, 24)))
    values["bridged"] = [bridged.outputs(solution.currents), np.asarray(bridged.rows), np.asarray(bridged.cols)]
    values["maps of a tile"] = {name: np.asarray(getattr(make_maps(model, (6, 7), seed, 3), name)) for name in MAPS}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chip.npz"
        chip.save(path)
        loaded = Chip.load(path, model=model, shapes=[(24, 17), (5, 40)])
        values["loaded"] = {name: np.asarray(getattr(loaded.maps(1), name)) for name in MAPS}
    return values


def shorted() -> dict[str, Any]:
    word, bit = np.zeros((4, 6), dtype=bool), np.zeros((5, 5), dtype=bool)
    word[1, 2] = bit[3, 4] = bit[0, 0] = True
    crossbar = Crossbar(siemens(random(3), (5, 6)), word_wire=1.0, bit_wire=2.0, driver=4.0, sense=3.0)
    bridged = bridge(crossbar, word, bit, 7.0)
    values = {"matrix": bridged.cells(xbarsim.effective_conductance(bridged.crossbar))}
    return values | {"cells": bridged.crossbar.conductance}


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    for name in devices(2, 2):
        bank[f"{name}, the law itself"] = partial(law_itself, name)
        for ends in ("wires", "ideal", "half", "floating", "weak"):
            bank[f"{name}, 7x5 {ends}"] = partial(device_case, name, 7, 5, ends)
        bank[f"{name}, newton"] = partial(device_case, name, 3, 4, "wires", method="newton")
        bank[f"{name}, schur"] = partial(device_case, name, 3, 4, "wires", method="schur")
        bank[f"{name}, batch"] = partial(device_case, name, 12, 9, "wires", batch=4)
        bank[f"{name}, 48x33"] = partial(device_case, name, 48, 33, "wires")
    bank |= margins()
    for name, effects in EFFECTS.items():
        for seed in (0, 7):
            bank[f"chip {name}, seed {seed}"] = partial(chip_case, effects, seed)
    bank["shorts of one's own"] = shorted
    return bank
