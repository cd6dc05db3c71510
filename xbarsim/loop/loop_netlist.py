"""A loop written as a netlist that any SPICE reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Side
from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.loop.circuit_loop import Loop
from xbarsim.loop.loop_parts import GROUND, JoinedArray, OpAmp
from xbarsim.netlist.write import cell_lines, wire_lines

_SHORT: dict[Side, str] = {"word_left": "wl", "word_right": "wr", "bit_top": "bt", "bit_bottom": "bb"}


def write_loop(loop: Loop, path: str | Path, *, point: int = 0) -> None:
    """Write a loop as a SPICE netlist with one operating point.

    Nodes have the loop's names. Word- and bit-line nodes of array ``name`` are ``w_name_<row>_<col>`` and
    ``b_name_<row>_<col>``, its ends' resistors ``rwl_name_<row>`` and likewise; an end of 0 ohm is a source of 0 V,
    ``vwl_name_<row>``. An amplifier ``name`` is ``e_name``, with ``vos_name`` where it has an offset, ``ri_name`` and
    ``ro_name``; without bound on its gain it is HSPICE's ideal one, ``e_name out 0 opamp plus minus``, which xbarsim
    reads and ngspice does not. Resistors and sources are ``r_name``, ``v_name`` and ``i_name``.

    Parameters
    ----------
    loop : Loop
        The circuit.
    path : str or Path
        Is replaced as a whole, or not at all.
    point : int
        Which of the sources' points.

    Raises
    ------
    InputError
        There is no such point, a conductance has no inverse as a double, or ``path`` cannot be written.
    """
    points = loop.points or 1
    if not 0 <= point < points:
        raise InputError(f"point is {point}: the loop has {points}")
    lines = list(_lines(loop, point))
    with written_whole(path) as file:
        for line in lines:
            file.write(line.encode() + b"\n")


def _lines(loop: Loop, point: int) -> Iterator[str]:
    yield f"closed loop of {len(loop.arrays)} arrays and {len(loop.amplifiers)} amplifiers"
    for volts in loop.volts:
        yield f"v_{volts.name} {volts.plus} {volts.minus} {_at(volts.volts, point)!r}"
    for amperes in loop.amperes:
        yield f"i_{amperes.name} {amperes.plus} {amperes.minus} {_at(amperes.amperes, point)!r}"
    for part in loop.resistors:
        yield from _resistor(f"_{part.name}", part.a, part.b, part.ohms)
    for amp in loop.amplifiers:
        yield from _amplifier(amp)
    for array in loop.arrays:
        yield from _array(array)
    yield ".op"
    yield ".end"


def _amplifier(amp: OpAmp) -> Iterator[str]:
    values = amp.amplifier
    plus = amp.plus
    if values.offset != 0.0:
        plus = f"{amp.name}_plus"
        yield f"vos_{amp.name} {plus} {amp.plus} {values.offset!r}"
    if np.isfinite(values.input_resistance):
        yield f"ri_{amp.name} {amp.plus} {amp.minus} {values.input_resistance!r}"
    inner = amp.out if values.output_resistance == 0.0 else f"{amp.name}_inner"
    if np.isinf(values.gain):
        yield f"e_{amp.name} {inner} 0 opamp {plus} {amp.minus}"
    else:
        yield f"e_{amp.name} {inner} 0 {plus} {amp.minus} {values.gain!r}"
    if values.output_resistance != 0.0:
        yield f"ro_{amp.name} {inner} {amp.out} {values.output_resistance!r}"


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
    yield from cell_lines(crossbar, label)


def _resistor(tail: str, a: str, b: str, ohms: float) -> Iterator[str]:
    """Yield a resistor, of 0 ohm as a source of 0 V; names go on with ``tail``."""
    if ohms == 0.0:
        yield f"v{tail} {a} {b} 0"
    elif ohms < np.inf:
        yield f"r{tail} {a} {b} {ohms!r}"


def _at(values: ArrayLike, point: int) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    return float(numbers[point] if numbers.ndim else numbers)
