"""The bank of circuits: every boundary, every fault, every device, at several sizes.

Wires are 0.1 ohm and more, or exactly 0: below, beside megohms, ngspice itself loses digits. No two numbers of a
circuit are alike, rows and columns differ in number, and every seed is fixed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from xbarsim.crossbar import Array, Crossbar, LineEnds
from xbarsim.devices import models
from xbarsim.devices.gap import GapDevice
from xbarsim.validate.case import BankCircuit

Scope = Literal["quick", "full", "large"]
Shape = tuple[int, int]
Options = dict[str, Any]

_SMALL: list[Shape] = [(2, 3), (7, 5), (12, 16)]
_MIDDLE: list[Shape] = [(2, 2), (5, 4), (8, 8), (16, 13), (32, 30)]
_LARGE: list[Shape] = [(128, 128), (256, 256)]
_ON, _OFF = 1e-3, 1e-6


def cases(scope: Scope) -> Iterator[BankCircuit]:
    """Yield the circuits of a run: ``quick`` up to 12 x 16, ``full`` up to 64 x 64, ``large`` 128 and 256."""
    # Those of a gap are read as sinh cells, which are there.
    nonlinear = [
        name for name, model in models().items() if model.sampled and not (model.linear or issubclass(model, GapDevice))
    ]
    if scope == "large":
        yield from (_case("linear", "default", shape) for shape in _LARGE)
        yield from (_case(device, "default", shape) for shape in _LARGE for device in nonlinear)
        return
    sizes = _SMALL if scope == "quick" else _MIDDLE
    for family in _FAMILIES:
        yield from (_case("linear", family, shape) for shape in sizes)
    for device in nonlinear:
        for family in _NONLINEAR:
            yield from (_case(device, family, shape) for shape in (sizes[:2] if scope == "quick" else sizes))
    if scope == "full":
        yield from (_case("linear", "default", shape) for shape in ((2, 64), (64, 2), (64, 64)))
        yield from (_case("linear", family, (64, 64)) for family in ("four sides", "half select", "broken wires"))
        yield from (_case(device, "default", (64, 64)) for device in nonlinear)


def _case(device: str, family: str, shape: Shape) -> BankCircuit:
    rng = np.random.default_rng([zlib.crc32(f"{device} {family}".encode()), *shape])
    rows, cols = shape
    options: Options = {
        "conductance": 10 ** rng.uniform(-6, -3, shape),
        "word_wire": rng.uniform(0.1, 3.0, (rows, cols - 1)),
        "bit_wire": rng.uniform(0.1, 3.0, (rows - 1, cols)),
        "driver": rng.uniform(1.0, 50.0, rows),
        "sense": rng.uniform(1.0, 50.0, cols),
        "device": models()[device].sample(rng, shape),
    }
    voltages = rng.uniform(0.1, 1.0, rows)
    voltages = _FAMILIES[family](rng, shape, options, voltages)
    return BankCircuit(device, family, Crossbar(**options), voltages)


# Families: each changes the options in place and returns the voltages.


def _default(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    return voltages


def _bipolar(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    signed: Array = voltages * rng.choice([-1.0, 1.0], voltages.size)
    return signed


def _both_sides(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["ends"] = {"word_right": LineEnds(rng.uniform(0.1, 1.0, shape[0]), rng.uniform(1.0, 50.0, shape[0]))}
    return voltages


def _four_sides(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    rows, cols = shape
    del options["sense"]
    options["ends"] = {
        "word_right": LineEnds(rng.uniform(-1.0, 1.0, rows), rng.uniform(1.0, 50.0, rows)),
        "bit_top": LineEnds(rng.uniform(-0.5, 0.5, cols), rng.uniform(1.0, 50.0, cols)),
        "bit_bottom": LineEnds(rng.uniform(-0.1, 0.1, cols), rng.uniform(1.0, 50.0, cols)),
    }
    return _bipolar(rng, shape, options, voltages)


def _floating(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    """One row driven, one column sensed; every other line hangs on its cells."""
    rows, cols = shape
    options["driver"] = np.where(np.arange(rows) == rows // 2, options["driver"], np.inf)
    options["sense"] = np.where(np.arange(cols) == cols // 3, options["sense"], np.inf)
    return voltages


def _half_select(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    """One row at V, one column at 0, all else at V/2."""
    rows, cols = shape
    volts = np.full(cols, 0.5)
    volts[cols // 2] = 0.0
    options["ends"] = {"bit_bottom": LineEnds(volts, options.pop("sense"))}
    return np.where(np.arange(rows) == rows // 3, 1.0, 0.5)


def _third_select(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    """One row at V and the others at V/3, one column at 0 and the others at 2V/3."""
    rows, cols = shape
    volts = np.full(cols, 2.0 / 3.0)
    volts[cols // 2] = 0.0
    options["ends"] = {"bit_bottom": LineEnds(volts, options.pop("sense"))}
    return np.where(np.arange(rows) == rows // 3, 1.0, 1.0 / 3.0)


def _sense_resistors(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["sense"] = 10 ** rng.uniform(2, 5, shape[1])
    return voltages


def _long_wires(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["word_wire"] = options["word_wire"] * 100
    options["bit_wire"] = options["bit_wire"] * 3000
    return voltages


def _no_wires(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["word_wire"] = options["bit_wire"] = 0.0
    return voltages


def _ideal(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["word_wire"] = options["bit_wire"] = options["driver"] = options["sense"] = 0.0
    return voltages


def _some_wires(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    for name in ("word_wire", "bit_wire"):
        options[name] = np.where(rng.random(options[name].shape) < 0.4, 0.0, options[name])
    return voltages


def _stuck(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    drawn = rng.random(shape)
    options["conductance"] = np.where(drawn < 0.2, _ON, np.where(drawn > 0.7, _OFF, options["conductance"]))
    return voltages


def _open_cells(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    options["conductance"] = np.where(rng.random(shape) < 0.3, 0.0, options["conductance"])
    return voltages


def _broken(rng: np.random.Generator, shape: Shape, options: Options, voltages: Array) -> Array:
    """Broken wires: all cells are there, so what lies beyond a break is fed through them.

    A bit line does not break beside a break of a word line, so that no node is cut off.
    """
    word = rng.random(options["word_wire"].shape) < 0.1
    beside = np.pad(word, ((0, 0), (0, 1))) | np.pad(word, ((0, 0), (1, 0)))
    bit = (rng.random(options["bit_wire"].shape) < 0.1) & ~beside[1:] & ~beside[:-1]
    for name, broken in (("word_wire", word), ("bit_wire", bit)):
        options[name] = np.where(broken, np.inf, options[name])
    return voltages


_FAMILIES: dict[str, Callable[[np.random.Generator, Shape, Options, Array], Array]] = {
    "default": _default,
    "bipolar inputs": _bipolar,
    "driven from both sides": _both_sides,
    "four sides": _four_sides,
    "floating lines": _floating,
    "half select": _half_select,
    "third select": _third_select,
    "sense resistors": _sense_resistors,
    "long wires": _long_wires,
    "no wires": _no_wires,
    "no wires, no ends": _ideal,
    "some wires": _some_wires,
    "stuck cells": _stuck,
    "open cells": _open_cells,
    "broken wires": _broken,
}
_NONLINEAR = ("default", "four sides", "half select", "floating lines", "open cells", "some wires", "broken wires")
