"""A loop written as a netlist that any SPICE reads."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.loop_parts import JoinedArray, OpAmp
from xbarsim.loop.part_checks import GROUND
from xbarsim.netlist import cell_calls
from xbarsim.netlist.write import cell_lines, wire_lines

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_top": "bt", "bit_bottom": "bb"}


def write_loop(loop: Loop, path: str | Path, *, point: int = 0, seconds: float | None = None) -> None:
    """Write a loop as a SPICE netlist with one operating point, or as a run in time from 0 V.

    Nodes have the loop's names. Word- and bit-line nodes of array ``name`` are ``w_name_<row>_<col>`` and
    ``b_name_<row>_<col>``, its ends' resistors ``rwl_name_<row>`` and likewise; an end of 0 ohm is a source of 0 V,
    ``vwl_name_<row>``. An amplifier ``name`` is ``e_name``, with ``vos_name`` where it has an offset, ``ri_name`` and
    ``ro_name``; without bound on its gain it is HSPICE's ideal one, ``e_name out 0 opamp plus minus``, which xbarsim
    reads and ngspice does not. Resistors, capacitors and sources are ``r_name``, ``c_name``, ``v_name`` and
    ``i_name``, inductors ``l_name``, what they share ``k_name``, transconductors ``g_name``, current gains ``f_name``,
    transresistors ``h_name``; capacitances of an array's nodes ``cw_name_<row>_<col>`` and
    ``cb_name_<row>_<col>``, those across its cells ``cc_name_<row>_<col>``. Cells that are no resistors are calls
    ``x_name_<row>_<col>`` of their model's subcircuit, which is written too.

    A run in time starts with all capacitances and amplifiers at 0 V. Its amplifiers have their pole: ``gp_name``
    charges ``cp_name`` beside ``rp_name``, and ``e_name`` drives with that voltage.

    Parameters
    ----------
    loop : Loop
        The circuit.
    path : str or Path
        Is replaced as a whole, or not at all.
    point : int
        Which of the sources' points.
    seconds : float, optional
        Writes ``.tran`` of so many seconds, in steps of a 1000th of it at most, with ``uic``.

    Raises
    ------
    InputError
        There is no such point, ``seconds`` is no time or an amplifier has no bandwidth for it, a conductance has no
        inverse as a double, two arrays' cells would have one name, a node has the name of another one in SPICE, or
        ``path`` cannot be written.
    """
    points = loop.points or 1
    if not 0 <= point < points:
        raise InputError(f"point is {point}: the loop has {points}")
    if seconds is not None:
        seconds = float(seconds)
        _check_time(loop, seconds)
    _check_nodes(loop, seconds is not None)
    lines = list(_lines(loop, point, seconds))
    with written_whole(path) as file:
        for line in lines:
            file.write(line.encode() + b"\n")


def _check_time(loop: Loop, seconds: float) -> None:
    if not 0.0 < seconds < np.inf:
        raise InputError(f"seconds is {seconds!r}: it must be a finite time above 0")
    for amp in loop.amplifiers:
        if amp.amplifier.bandwidth is None or (amp.amplifier.bandwidth == np.inf and amp.amplifier.gain == np.inf):
            raise InputError(f"{amp.name} has no bandwidth: a run in time needs Amplifier(bandwidth=...)")


def _check_nodes(loop: Loop, timed: bool) -> None:
    """Check that no node's name is that of another node in the netlist, which SPICE would join."""
    lowered: dict[str, str] = {"gnd": "ground"}
    for amp in loop.amplifiers:
        inner = {"plus": amp.amplifier.offset != 0.0, "inner": amp.amplifier.output_resistance != 0.0, "pole": timed}
        lowered |= {
            f"{amp.name}_{tail}".lower(): f"one inside of {amp.name}" for tail, present in inner.items() if present
        }
    forms = {array.name: _inner_form(array.name) for array in loop.arrays}
    for node in loop.nodes:
        clash = lowered.setdefault(node.lower(), "")
        clash = clash or next((f"one inside of {name}" for name, form in forms.items() if form.fullmatch(node)), "")
        if clash:
            raise InputError(
                f"node {node!r} would be {clash} in the netlist, where case does not count: give it another name"
            )
        lowered[node.lower()] = f"node {node!r}"


def _inner_form(name: str) -> re.Pattern[str]:
    """Return what the names of an array's own nodes are like."""
    label = re.escape(name)
    return re.compile(rf"([wb]_{label}_\d+|s({'|'.join(_SHORT.values())})_{label})_\d+", re.IGNORECASE)


def _lines(loop: Loop, point: int, seconds: float | None) -> Iterator[str]:
    yield f"closed loop of {len(loop.arrays)} arrays and {len(loop.amplifiers)} amplifiers"
    for volts in loop.volts:
        yield f"v_{volts.name} {volts.plus} {volts.minus} {_at(volts.volts, point)!r}"
    for amperes in loop.amperes:
        yield f"i_{amperes.name} {amperes.plus} {amperes.minus} {_at(amperes.amperes, point)!r}"
    for part in loop.resistors:
        yield from _resistor(f"_{part.name}", part.a, part.b, part.ohms)
    for source in loop.transconductors:
        yield f"g_{source.name} {source.a} {source.b} {source.plus} {source.minus} {source.siemens!r}"
    with_current = _current_names(loop)
    for gain in loop.current_gains:
        yield f"f_{gain.name} {gain.a} {gain.b} {with_current[gain.control]} {gain.gain!r}"
    for follower in loop.transresistors:
        pins = f"{follower.plus} {follower.minus} {with_current[follower.control]}"
        yield f"h_{follower.name} {pins} {follower.ohms!r}"
    for coil in loop.inductors:
        card = f"{coil.a} {coil.b} {coil.henries!r}" if coil.henries else f"{coil.a} {coil.b} 0"
        yield f"{with_current[coil.name]} {card}"
    henries = {coil.name: coil.henries for coil in loop.inductors}
    for flux in loop.fluxes:
        share = flux.henries / math.sqrt(henries[flux.first] * henries[flux.second])
        yield f"k_{flux.name} {with_current[flux.first]} {with_current[flux.second]} {share!r}"
    for charge in loop.capacitors:
        yield f"c_{charge.name} {charge.a} {charge.b} {charge.farads!r}"
    for amp in loop.amplifiers:
        yield from _amplifier(amp, seconds is not None)
    yield from _definitions(loop)
    for array in loop.arrays:
        yield from _array(array)
    yield ".op" if seconds is None else f".tran {seconds / 1000!r} {seconds!r} 0 {seconds / 1000!r} uic"
    yield ".end"


def _current_names(loop: Loop) -> dict[str, str]:
    """Return what the netlist calls each part that has a current."""
    letters = {part.name: "l" if part.henries else "v" for part in loop.inductors}
    letters |= dict.fromkeys((source.name for source in loop.transresistors), "h")
    letters |= dict.fromkeys((amp.name for amp in loop.amplifiers), "e")
    names = [name for name, _, _ in loop.fixing] + [amp.name for amp in loop.amplifiers]
    return {name: f"{letters.get(name, 'v')}_{name}" for name in names}


def _amplifier(amp: OpAmp, timed: bool) -> Iterator[str]:
    values = amp.amplifier
    plus = amp.plus
    if values.offset != 0.0:
        plus = f"{amp.name}_plus"
        yield f"vos_{amp.name} {plus} {amp.plus} {values.offset!r}"
    if np.isfinite(values.input_resistance):
        yield f"ri_{amp.name} {amp.plus} {amp.minus} {values.input_resistance!r}"
    inner = amp.out if values.output_resistance == 0.0 else f"{amp.name}_inner"
    if timed and values.bandwidth != np.inf:
        # The pole's node: v / gain + (dv/dt) / w = v(plus) - v(minus).
        pole = f"{amp.name}_pole"
        yield f"gp_{amp.name} 0 {pole} {plus} {amp.minus} 1"
        yield f"cp_{amp.name} {pole} 0 {1.0 / (2.0 * math.pi * (values.bandwidth or math.nan))!r}"
        if np.isfinite(values.gain):
            yield f"rp_{amp.name} {pole} 0 {values.gain!r}"
        yield f"e_{amp.name} {inner} {amp.reference} {pole} 0 1"
    elif np.isinf(values.gain):
        yield f"e_{amp.name} {inner} {amp.reference} opamp {plus} {amp.minus}"
    else:
        yield f"e_{amp.name} {inner} {amp.reference} {plus} {amp.minus} {values.gain!r}"
    if values.output_resistance != 0.0:
        yield f"ro_{amp.name} {inner} {amp.out} {values.output_resistance!r}"


def _definitions(loop: Loop) -> Iterator[str]:
    """Yield the subcircuits of cells that are no resistors, each once."""
    texts: dict[str, tuple[list[str], str]] = {}
    for array in loop.arrays:
        device = array.crossbar.device
        if device.linear:
            continue
        lines = list(cell_calls.definition(device))
        name = device.reads_as.name
        if name not in texts:
            texts[name] = lines, array.name
            yield from lines
        elif texts[name][0] != lines:
            raise InputError(
                f"{texts[name][1]} and {array.name} have different cells that are both written as {name}: write a "
                "loop of one of them"
            )


def _array(array: JoinedArray) -> Iterator[str]:
    crossbar, label = array.crossbar, f"_{array.name}"
    rows, cols = crossbar.shape
    corner = {
        "wl": "w{0}_{1}_0",
        "wr": f"w{{0}}_{{1}}_{cols - 1}",
        "bb": f"b{{0}}_{rows - 1}_{{1}}",
        "bt": "b{0}_0_{1}",
    }
    for side, line, node in array.ports:
        short = _SHORT[side]
        ends = crossbar.boundary[side]
        outer, inner = node, corner[short].format(label, line)
        if outer is None:
            outer = f"s{short}{label}_{line}"
            yield f"vs{short}{label}_{line} {outer} {GROUND} {float(ends.voltage[line])!r}"
        yield from _resistor(f"{short}{label}_{line}", outer, inner, float(ends.resistance[line]))
    yield from wire_lines(crossbar, label)
    if crossbar.device.linear:
        yield from cell_lines(crossbar, label)
    else:
        yield from cell_calls.calls(crossbar.conductance, crossbar.device, label)
    yield from _capacitances(array)


def _capacitances(array: JoinedArray) -> Iterator[str]:
    farads, name = array.farads, array.name
    for short, table in (("cw", farads.word), ("cb", farads.bit), ("cc", farads.cell)):
        for (i, j), value in np.ndenumerate(table):
            if value:
                a = f"{'b' if short == 'cb' else 'w'}_{name}_{i}_{j}"
                b = f"b_{name}_{i}_{j}" if short == "cc" else GROUND
                yield f"{short}_{name}_{i}_{j} {a} {b} {float(value)!r}"


def _resistor(tail: str, a: str, b: str, ohms: float) -> Iterator[str]:
    """Yield a resistor, of 0 ohm as a source of 0 V; names go on with ``tail``."""
    if ohms == 0.0:
        yield f"v{tail} {a} {b} 0"
    elif ohms < np.inf:
        yield f"r{tail} {a} {b} {ohms!r}"


def _at(values: ArrayLike, point: int) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers[point] if numbers.ndim else numbers)
