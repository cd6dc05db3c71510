"""What ohmic memristors of a random netlist do in time, by scipy alone: a judge of xbarsim and ngspice alike.

The bridge of ``drawn_transients.memristors`` is written down by hand from its cards: states of ion drift and VTEAM
cells behind resistors, with the common node's voltage where that has a capacitor. Radau goes from corner to corner of
the source at 1e-11; nothing is shared with the package but the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.integrate import solve_ivp

Array = npt.NDArray[np.float64]
ROOM = 1e-6
"""How far beyond a bound a state comes to rest, of its range."""

RELATIVE, ABSOLUTE = 1e-11, 1e-13


class NoJudgeError(Exception):
    """The netlist is of another kind."""


@dataclass(frozen=True)
class Bridge:
    """A source behind ``ohms``, then cells of sign +1 or -1, each behind resistors to ground; ``farads`` between."""

    wave: Callable[[float], float]
    corners: list[float]
    ohms: float
    farads: float
    names: list[str]
    signs: Array
    below: Array
    cells: list[dict[str, float]]
    law: str

    def column(self, name: str) -> Array:
        """Return a parameter of all cells."""
        return np.array([cell[name] for cell in self.cells])


def traces(cards: list[str], stop: float, times: Array) -> dict[str, Array]:
    """Return voltages, states and the source's current of a netlist's cards at some times.

    Raises
    ------
    NoJudgeError
        Its cells are of another kind, or the integrator gave up.
    """
    bridge = read(cards, stop)
    states = _ion_drift if bridge.law == "ion_drift" else _vteam
    start, motion = states(bridge)
    count = start.size

    def at(time: float, y: Array) -> tuple[float, float, Array, Array]:
        resistance, move = motion(np.clip(y[:count], 0.0, 1.0))
        series = resistance + bridge.below
        volts = bridge.wave(time)
        if bridge.farads:
            common = float(y[count])
        else:
            common = volts / bridge.ohms / (1.0 / bridge.ohms + float((1.0 / series).sum()))
        return volts, common, common / series, move(bridge.signs * common * resistance / series)

    def rate(time: float, y: Array) -> Array:
        volts, common, amperes, moving = at(time, y)
        x = y[:count]
        rest = np.where(moving > 0, np.minimum(1, (1 + ROOM - x) / ROOM), np.minimum(1, (x + ROOM) / ROOM))
        flow = [((volts - common) / bridge.ohms - amperes.sum()) / bridge.farads] if bridge.farads else []
        return np.concatenate([moving * rest, flow])

    y = np.append(start, 0.0) if bridge.farads else start
    stations = np.unique(np.concatenate([[0.0, stop], bridge.corners, times]))
    rows = []
    for begin, end in pairwise(stations[stations <= stop]):
        run = solve_ivp(rate, (begin, end), y, "Radau", rtol=RELATIVE, atol=ABSOLUTE)
        if not run.success:
            raise NoJudgeError(run.message)
        y = run.y[:, -1]
        if end in times:
            volts, common, amperes, _ = at(end, y)
            rows.append([volts, common, (common - volts) / bridge.ohms, *amperes * bridge.below, *y[:count]])
    columns = np.array(rows).T
    names = ["p", "a", "i(v1)", *(f"b{name}" for name in bridge.names), *(f"x{name}.x" for name in bridge.names)]
    return dict(zip(names, columns, strict=True))


Motion = Callable[[Array], tuple[Array, Callable[[Array], Array]]]


def _ion_drift(bridge: Bridge) -> tuple[Array, Motion]:
    """Strukov et al., Nature 453, 80 (2008): dy/dt = mobility r_on I f(y) / thickness^2."""
    on, off = bridge.column("r_on"), bridge.column("r_off")
    speed = bridge.column("mobility") * on / bridge.column("thickness") ** 2

    def motion(y: Array) -> tuple[Array, Callable[[Array], Array]]:
        ohms = on * y + off * (1 - y)
        return ohms, lambda v: speed * v / ohms * _window(bridge, y, v >= 0)

    return bridge.column("x0"), motion


def _vteam(bridge: Bridge) -> tuple[Array, Motion]:
    """Kvatinsky et al., IEEE Trans. Circuits Syst. II 62, 786 (2015)."""
    low, span = bridge.column("x_on"), bridge.column("x_off") - bridge.column("x_on")
    rise, fall = bridge.column("k_off") / span, bridge.column("k_on") / span

    def motion(y: Array) -> tuple[Array, Callable[[Array], Array]]:
        ohms = bridge.column("r_on") + (bridge.column("r_off") - bridge.column("r_on")) * y

        def move(v: Array) -> Array:
            up = rise * np.maximum(v / bridge.column("v_off") - 1, 0) ** bridge.column("alpha_off")
            down = fall * np.maximum(v / bridge.column("v_on") - 1, 0) ** bridge.column("alpha_on")
            return (up + down) * _window(bridge, y, v > 0)

        return ohms, move

    return (bridge.column("x0") - low) / span, motion


def _window(bridge: Bridge, y: Array, forward: npt.NDArray[np.bool_]) -> Array:
    kind, exponent = bridge.cells[0].get("window", 0.0), bridge.column("exponent")
    if kind == 0:
        return np.ones_like(y)
    if kind == 1:
        return 1 - np.abs(2 * y - 1) ** (2 * exponent)
    if kind == 2:
        return 1 - np.where(forward, y, 1 - y) ** (2 * exponent)
    return 1 - ((y - 0.5) ** 2 + 0.75) ** exponent


def read(cards: list[str], stop: float) -> Bridge:
    """Return the bridge of some cards.

    Raises
    ------
    NoJudgeError
        They are none, or of other cells.
    """
    body = " \n".join(cards).rpartition(".ends")[2].split("\n")[1:]
    words = {line.split()[0]: line.split()[1:] for line in body}
    cells = {name[1:]: row for name, row in words.items() if re.fullmatch(r"x\d+", name)}
    if not cells or not next(iter(cells.values()))[2].startswith(("ion_drift", "vteam")):
        raise NoJudgeError("no ohmic memristors")
    wave, corners = _wave(" ".join(words["v1"][2:]), stop)
    parameters = [{key: float(value) for key, value in (pair.split("=") for pair in row[3:])} for row in cells.values()]
    if any(cell.get("gain", 0.0) for cell in parameters):
        raise NoJudgeError("a resistance that grows exponentially")
    return Bridge(
        wave, corners, float(words["r1"][2]), float(words["ca"][2]) if "ca" in words else 0.0, list(cells),
        np.array([1.0 if row[0] == "a" else -1.0 for row in cells.values()]),
        np.array([float(words[f"r{name}b"][2]) for name in cells]), parameters,
        next(iter(cells.values()))[2].removesuffix("_in_time"),
    )  # fmt: skip


def _wave(text: str, stop: float) -> tuple[Callable[[float], float], list[float]]:
    """Return a source's volts as a function of time, and where they bend."""
    kind, _, inner = text.partition("(")
    numbers = [float(word) for word in inner.rstrip(" )").split()]
    if kind == "pulse":
        low, high, delay, rise, fall, width, period = numbers
        bends = np.cumsum([0.0, rise, width, fall])
        starts = np.arange(delay, stop, period)
        return (
            lambda t: float(np.interp((t - delay) % period, bends, [low, high, high, low])) if t > delay else low,
            (starts[:, None] + bends).ravel().tolist(),
        )
    if kind == "sin":
        offset, amplitude, hertz = numbers
        return lambda t: offset + amplitude * float(np.sin(2 * np.pi * hertz * t)), []
    if kind == "pwl":
        return lambda t: float(np.interp(t, numbers[::2], numbers[1::2])), numbers[::2]
    low, high, rise, tau, fall, other_tau = numbers
    height = high - low

    def exponential(t: float) -> float:
        up = -np.expm1(-(t - rise) / tau) if t > rise else 0.0
        down = np.expm1(-(t - fall) / other_tau) if t > fall else 0.0
        return low + height * float(up + down)

    return exponential, [rise, fall]
