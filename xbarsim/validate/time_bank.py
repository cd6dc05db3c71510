"""The bank in time: lines and crossbars that are charged, every model whose state moves, and writes.

Everything begins at rest at 0 V, so that an operating point and ``uic`` are the same. No two numbers of a circuit are
alike, rows and columns differ in number where they may, and every seed is fixed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from xbarsim.crossbar import Array, Crossbar, LineEnds, Side
from xbarsim.devices import VTEAM, Device, DynamicDevice, IonDrift, Linear, Sinh, Sky130, Stanford, Yakopcic
from xbarsim.validate.bank import Scope, Shape
from xbarsim.validate.time_case import TimeCircuit
from xbarsim.waves import Piecewise, Pulse, Sine, Wave

_CHARGED: dict[Scope, list[Shape]] = {"quick": [(1, 12), (5, 4)], "full": [(1, 40), (5, 4), (12, 16)], "large": []}
_MOVED: dict[Scope, list[Shape]] = {"quick": [(2, 3)], "full": [(2, 3), (7, 5)], "large": []}
_WRITE_LINES: dict[Scope, list[int]] = {"quick": [4], "full": [8, 16], "large": [32, 64]}

_MODELS: dict[str, tuple[DynamicDevice, float, float, float]] = {
    "vteam": (VTEAM(), 0.35, 1.6, 20e-9),
    "vteam, biolek": (VTEAM(window="biolek", exponent=2.0), 0.35, 1.6, 20e-9),
    "vteam, exponential": (VTEAM(curve="exponential"), 0.35, 1.6, 20e-9),
    "ion_drift": (IonDrift(), 0.2, 1.0, 1.0),
    "ion_drift, joglekar": (IonDrift(window="joglekar", exponent=2.0), 0.3, 1.0, 1.0),
    "ion_drift, biolek": (IonDrift(window="biolek", exponent=1.5), 0.3, 1.0, 1.0),
    "ion_drift, prodromakis": (IonDrift(window="prodromakis", exponent=2.0), 0.3, 1.0, 1.0),
    "yakopcic": (Yakopcic(0.17, 0.12, 0.05), 0.11, 0.45, 1e-3),
    "stanford": (Stanford(rth=2e5), 0.5, 1.52, 1e-6),
    "sky130": (Sky130(gamma_k1=-1.2, tau_thermal=5e-11), 0.5, 1.52, 1e-6),
}
"""Cells, where between their bounds states begin, and amplitude and period of a sine that moves them."""


def circuits_in_time(scope: Scope) -> Iterator[TimeCircuit]:
    """Yield the circuits of a run; those of ``large`` are writes of 32 and 64 lines."""
    for shape in _CHARGED[scope]:
        yield _charged("linear", Linear(), shape)
        yield _charged("sinh", Sinh(0.2), shape)
    for name in _MODELS:
        yield from (_moved(name, shape) for shape in _MOVED[scope])
    yield from (write_pulse(lines) for lines in _WRITE_LINES[scope])


def _seeded(*words: object) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(" ".join(map(str, words)).encode()))


def _charged(name: str, device: Device, shape: Shape) -> TimeCircuit:
    """Return wires of some hundred ohms with picofarads, pulses at the rows' ends and a sine at a column's."""
    rng = _seeded("charged", name, shape)
    rows, cols = shape
    crossbar = Crossbar(
        10 ** rng.uniform(-5, -3.5, shape), word_wire=rng.uniform(100, 300, (rows, cols - 1)),
        bit_wire=rng.uniform(100, 300, (rows - 1, cols)), driver=rng.uniform(20, 90, rows),
        sense=rng.uniform(20, 90, cols), ends={"bit_top": LineEnds(0.0, rng.uniform(100, 900, cols))}, device=device,
    )  # fmt: skip
    word: list[Wave | float] = [
        Pulse(0.0, volts, delay, 8e-9, 12e-9, 40e-9, 1.0)
        for volts, delay in zip(rng.uniform(0.5, 1, rows), rng.uniform(1e-9, 5e-9, rows), strict=True)
    ]
    top: list[Wave | float] = [Sine(0.0, volts, 20e6) for volts in rng.uniform(0.1, 0.3, cols).tolist()]
    capacitance = {
        part: farads * rng.uniform(0.5, 1.5, shape)
        for part, farads in (("word", 1e-12), ("bit", 1e-12), ("cell", 1e-13))
    }
    family = "charged line" if rows == 1 else "charged crossbar"
    return TimeCircuit(name, family, crossbar, {"word_left": word, "bit_top": top}, 100e-9, None, capacitance)


def _between(device: DynamicDevice, part: Array) -> Array:
    low, high = device.bounds
    states: Array = low + (high - low) * part
    return states


def _moved(name: str, shape: Shape) -> TimeCircuit:
    """Return cells that a sine moves up and down, each from a state of its own."""
    device, begin, volts, period = _MODELS[name]
    rng = _seeded("moved", name, shape)
    rows, cols = shape
    states = _between(device, begin * rng.uniform(0.8, 1.2, shape))
    crossbar = Crossbar(
        device.conductance(states), word_wire=rng.uniform(0.5, 3, (rows, cols - 1)),
        bit_wire=rng.uniform(0.5, 3, (rows - 1, cols)), driver=rng.uniform(1, 20, rows),
        sense=rng.uniform(1, 20, cols), device=device,
    )  # fmt: skip
    waves: dict[Side, list[Wave | float]] = {
        "word_left": [Sine(0.0, volts * part, 1.0 / period) for part in rng.uniform(0.85, 1.0, rows).tolist()]
    }
    return TimeCircuit(name, "sine", crossbar, waves, period, states)


def write_pulse(lines: int) -> TimeCircuit:
    """Return a V/2 write of 12 us: one VTEAM cell is selected, those on its lines are disturbed at half the voltage."""
    rng = _seeded("write", lines)
    device = VTEAM(k_on=-5e-4, k_off=5e-4)
    states = _between(device, rng.uniform(0.1, 0.9, (lines, lines)))
    crossbar = Crossbar(device.conductance(states), word_wire=1.0, bit_wire=1.0, driver=10.0, sense=10.0, device=device)
    corners = np.array([0.0, 1e-6, 1.1e-6, 11.1e-6, 11.2e-6])
    shape = np.array([0.0, 0.0, 1.0, 1.0, 0.0])
    full, half = (Piecewise(corners, volts * shape) for volts in (1.5, 0.75))
    row, column = lines // 3, lines // 2
    waves: dict[Side, list[Wave | float]] = {
        "word_left": [full if i == row else half for i in range(lines)],
        "bit_bottom": [0.0 if j == column else half for j in range(lines)],
    }
    return TimeCircuit("vteam", "half-select write", crossbar, waves, 12e-6, states)
