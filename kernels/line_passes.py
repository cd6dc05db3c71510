"""Passes along a crossbar's lines, eight in a vector, that hold voltages against Kirchhoff's laws for :mod:`defects`.

A pass goes from node to node, and at each over all lines of a block, ``width`` vectors. Arrays of the block's nodes are
C-contiguous and begin where the crossbar's do, or a copy's: node j of a line is ``pitch`` numbers from node j - 1, and
``start`` is where the first line's first node is, ``start_r`` where its near end is among the segments r. ``lines``
(11, lines) holds what is known of each line on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xbarsim.kernels.lane_loops import LANES, lane_loops

FIRST, LAST, NEAR, FAR, SIDE, NORTON, PASSING, CURRENT, LOST, TOTAL, SQUARES = range(11)
"""Rows of ``lines``: the sources' volts and ohms, and what runs along."""


def _passed(code: Any, side: Any, r: Any) -> tuple[Any, Any]:
    """Return what part of a current at a node passes the segment r, and the conductance behind it.

    ``side`` is what conducts at the node, cell and what lies beyond together.
    """
    share = code.constant(1.0) / (code.constant(1.0) + r * side)
    share = code.if_equal(r, code.constant(np.inf), code.constant(0.0), share)
    return share, side * share


def _through(code: Any, side: Any, r: Any) -> Any:
    """Conductance of ``side`` in series with r; inf for a source behind 0 ohm."""
    none, whole, endless = code.constant(0.0), code.constant(1.0), code.constant(np.inf)
    below = code.if_equal(side, endless, r, whole + r * side)
    conductance = code.if_equal(side, endless, whole, side) / below
    conductance = code.if_equal(below, none, endless, conductance)
    return code.if_equal(r, endless, none, conductance)


class _Places:
    """Where a block's lines have their numbers: node j of vector k, and the lines' own."""

    def __init__(self, code: Any, pitch: Any, start: Any, width: Any) -> None:
        self.code, self.pitch, self.start, self.width = code, pitch, start, width

    def node(self, j: Any, k: Any) -> Any:
        """Return the place of node j of vector k."""
        return self.code.along(j, self.pitch, self.code.along(k, LANES, self.start))

    def line(self, row: int, k: Any) -> Any:
        """Return the place of vector k of what is known of the lines."""
        return self.code.along(row, self.width, k)


def _out(
    code: Any, chord: Any, r: Any, across: Any, low: Any, leak: Any, pitch: Any, start: Any, start_r: Any, nodes: Any,
    lines: Any, width: Any,
) -> None:  # fmt: skip
    at, at_r = _Places(code, pitch, start, width), _Places(code, pitch, start_r, width)

    def follow(j: Any, k: Any, ohms: Any) -> None:
        node, norton, side = at.node(j, k), at.line(NORTON, k), at.line(SIDE, k)
        g = chord.eight(node)
        taken = g * ((across.eight(node) - lines[at.line(LAST, k)]) + low.eight(node))
        share, behind = _passed(code, lines[side] + g, ohms)
        lines[norton] = share * (lines[norton] + (taken if leak is None else taken - leak.eight(node)))
        lines[side] = behind

    last = code.along(nodes, 1, -1)
    for j in code.upwards(0, last):
        for k in code.upwards(0, width):
            follow(j, k, r.eight(code.along(1, pitch, at_r.node(j, k))))
    for k in code.upwards(0, width):
        follow(last, k, lines[at.line(FAR, k)])


@lane_loops()
def run_out(
    code: Any, chord: Any, r: Any, across: Any, low: Any, pitch: Any, start: Any, start_r: Any, nodes: Any, lines: Any,
    width: Any,
) -> None:  # fmt: skip
    """Follow lines to their far ends with the nodes' Norton currents.

    Seen from that end's source, so that two strong sources at equal voltages do not drown what the cells take, and
    of positive terms where all voltages are above that source's.
    """
    _out(code, chord, r, across, low, None, pitch, start, start_r, nodes, lines, width)


@lane_loops()
def run_out_of(
    code: Any, chord: Any, leak: Any, r: Any, across: Any, low: Any, pitch: Any, start: Any, start_r: Any, nodes: Any,
    lines: Any, width: Any,
) -> None:  # fmt: skip
    """As ``run_out``, for nodes that leak."""
    _out(code, chord, r, across, low, leak, pitch, start, start_r, nodes, lines, width)


def _back(
    code: Any, chord: Any, other_cells: Any, r: Any, x: Any, low: Any, across: Any, low_across: Any, leaving: Any,
    pitch: Any, start: Any, start_r: Any, pitch_leaving: Any, start_leaving: Any, nodes: Any, lines: Any, width: Any,
    flow: Any, beyond: Any,
) -> None:  # fmt: skip
    none, endless = code.constant(0.0), code.constant(np.inf)
    at, at_r = _Places(code, pitch, start, width), _Places(code, pitch, start_r, width)
    at_breaks = _Places(code, pitch_leaving, start_leaving, width)

    def follow(j: Any, k: Any, near: Any) -> None:
        node, spare = at.node(j, k), code.along(j, width, k)
        g, ohms = chord.eight(node), r.eight(at_r.node(j, k))
        volts, rest = across.eight(node), low_across.eight(node)
        taken = g * ((volts - lines[at.line(FIRST, k)]) + rest)
        if other_cells is None:
            current, slope = g * ((x.eight(node) - volts) + (low.eight(node) - rest)), g
        else:
            cells, slopes, leak = other_cells
            current, slope, taken = cells.eight(node), slopes.eight(node), taken - leak.eight(node)
        current = lines[at.line(CURRENT, k)] + current
        left = code.if_equal(ohms, endless, current, none)
        current = code.if_equal(ohms, endless, none, current)
        leaving.put_eight(at_breaks.node(j, k), left)
        lost = at.line(LOST, k)
        lines[lost] = lines[lost] + code.if_less(left, none, none - left, left)
        flow[spare] = current
        lines[at.line(CURRENT, k)] = current
        passing = _through(code, slope + lines[at.line(PASSING, k)], ohms)
        beyond[spare] = passing
        lines[at.line(PASSING, k)] = passing
        norton, side = at.line(NORTON, k), at.line(SIDE, k)
        share, behind = _passed(code, lines[side] + g, ohms if near is None else near)
        lines[norton] = share * (lines[norton] + taken)
        lines[side] = behind

    for k in code.upwards(0, width):
        lines[at.line(PASSING, k)] = _through(code, endless, r.eight(at_r.node(nodes, k)))
    for j in code.downwards(nodes, 1):
        for k in code.upwards(0, width):
            follow(j, k, None)
    for k in code.upwards(0, width):
        follow(0, k, lines[at.line(NEAR, k)])


@lane_loops()
def run_back(
    code: Any, chord: Any, r: Any, x: Any, low: Any, across: Any, low_across: Any, leaving: Any, pitch: Any,
    start: Any, start_r: Any, pitch_leaving: Any, start_leaving: Any, nodes: Any, lines: Any, width: Any, flow: Any,
    beyond: Any,
) -> None:  # fmt: skip
    """Follow lines back with Norton currents and flows; keep these, and what conducts from each segment on."""
    _back(
        code, chord, None, r, x, low, across, low_across, leaving, pitch, start, start_r, pitch_leaving, start_leaving,
        nodes, lines, width, flow, beyond,
    )  # fmt: skip


@lane_loops()
def run_back_of(
    code: Any, chord: Any, cells: Any, slope: Any, leak: Any, r: Any, x: Any, low: Any, across: Any, low_across: Any,
    leaving: Any, pitch: Any, start: Any, start_r: Any, pitch_leaving: Any, start_leaving: Any, nodes: Any, lines: Any,
    width: Any, flow: Any, beyond: Any,
) -> None:  # fmt: skip
    """As ``run_back``, for cells of any law."""
    _back(
        code, chord, (cells, slope, leak), r, x, low, across, low_across, leaving, pitch, start, start_r,
        pitch_leaving, start_leaving, nodes, lines, width, flow, beyond,
    )  # fmt: skip


@lane_loops()
def run_gaps(
    code: Any, per_volt: Any, slope: Any, r: Any, x: Any, low: Any, flow: Any, beyond: Any, shift: Any, pitch: Any,
    start: Any, start_r: Any, nodes: Any, lines: Any, width: Any,
) -> None:  # fmt: skip
    """Fill ``shift`` with sums of the segments' gaps, and add up the squares of what these drive."""
    none, endless = code.constant(0.0), code.constant(np.inf)
    at, at_r = _Places(code, pitch, start, width), _Places(code, pitch, start_r, width)

    def cross(k: Any, ohms: Any, amperes: Any, drop: Any, most: Any) -> tuple[Any, Any]:
        gap = code.if_equal(ohms, endless, none, drop - ohms * amperes)
        total = code.if_equal(ohms, endless, none, lines[at.line(TOTAL, k)] + gap)
        lines[at.line(TOTAL, k)] = total
        passing = _through(code, lines[at.line(SIDE, k)], ohms)
        driven = gap * per_volt * code.if_less(passing, most, passing, most)
        driven = code.if_equal(gap, none, none, driven)
        squares = at.line(SQUARES, k)
        lines[squares] = driven * driven + lines[squares]
        return total, passing

    def follow(j: Any, k: Any, volts: Any) -> None:
        node, spare = at.node(j, k), code.along(j, width, k)
        if volts is None:
            before = code.along(-1, pitch, node)
            drop = (x.eight(before) - x.eight(node)) + (low.eight(before) - low.eight(node))
        else:
            drop = (volts - x.eight(node)) - low.eight(node)
        total, passing = cross(k, r.eight(at_r.node(j, k)), flow[spare], drop, beyond[spare])
        shift.put_eight(node, total)
        lines[at.line(SIDE, k)] = slope.eight(node) + passing

    for k in code.upwards(0, width):
        follow(0, k, lines[at.line(FIRST, k)])
    for j in code.upwards(1, nodes):
        for k in code.upwards(0, width):
            follow(j, k, None)
    for k in code.upwards(0, width):
        node = at.node(code.along(nodes, 1, -1), k)
        drop = (x.eight(node) - lines[at.line(LAST, k)]) + low.eight(node)
        cross(k, r.eight(at_r.node(nodes, k)), lines[at.line(CURRENT, k)], drop, endless)


@lane_loops()
def turn(
    code: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any, pitch: Any, start: Any, out: Any
) -> None:
    """Lay eight rows side by side: ``out`` receives their numbers of one column at ``start``, the next ``pitch`` on."""
    for tile in code.upwards(0, code.count(a)):
        columns = code.turned([row[tile] for row in (a, b, c, d, e, f, g, h)])
        for node, column in zip(code.tile(tile), columns, strict=True):
            out.put_eight(code.along(node, pitch, start), column)


@lane_loops()
def turn_back(
    code: Any, lines: Any, pitch: Any, start: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any, h: Any
) -> None:
    """Fill eight rows with what :func:`turn` took from them."""
    for tile in code.upwards(0, code.count(a)):
        rows = code.turned([lines.eight(code.along(node, pitch, start)) for node in code.tile(tile)])
        for row, numbers in zip((a, b, c, d, e, f, g, h), rows, strict=True):
            row[tile] = numbers


@lane_loops()
def add_sources(code: Any, a: Any, b: Any, dv: Any, du: Any, leaving: Any) -> None:
    """``leaving = a dv - b du``."""
    for j in code.upwards(0, code.count(leaving)):
        leaving[j] = a[j] * dv[j] - b[j] * du[j]
