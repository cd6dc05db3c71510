"""Passes along a crossbar's lines, eight in a vector, that hold voltages against Kirchhoff's laws for :mod:`defects`.

A pass goes from node to node, and at each over all lines of a block, ``width`` vectors. Arrays of the block's nodes are
C-contiguous and begin where the crossbar's do, or a copy's: node j of a line is ``pitch`` numbers from node j - 1, and
``start`` is where the first line's first node is, ``start_r`` where its near end is among the segments r. ``lines``
(12, lines) holds what is known of each line on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xbarsim.kernels.lane_loops import LANES, lane_loops

FIRST, LAST, NEAR, FAR, SIDE, PASSING, NORTON, OUT, CURRENT, LOST, TOTAL, SQUARES = range(12)
"""Rows of ``lines``: the sources' volts and ohms, and what runs along."""


def _passed(code: Any, side: Any, r: Any) -> tuple[Any, Any]:
    """Return what part of a current at a node passes the segment r, and the conductance behind it.

    ``side`` is what conducts at the node, cell and what lies beyond together.
    """
    share = code.constant(1.0) / (code.constant(1.0) + r * side)
    share = code.if_equal(r, code.constant(np.inf), code.constant(0.0), share)
    return share, side * share


class _Places:
    """Where a block's lines have their numbers: node j of vector k, and what is known of the lines."""

    def __init__(self, code: Any, pitch: Any, start: Any, width: Any) -> None:
        self.code, self.pitch, self.start, self.width = code, pitch, start, width

    def node(self, j: Any, k: Any) -> Any:
        """Return the place of node j of vector k."""
        return self.code.along(j, self.pitch, self.code.along(k, LANES, self.start))

    def line(self, row: int, k: Any) -> Any:
        """Return the place of vector k of a row of ``lines``."""
        return self.code.along(row, self.width, k)


def _out(
    code: Any, chord: Any, law: Any, r: Any, across: Any, low: Any, pitch: Any, start: Any, start_r: Any, nodes: Any,
    lines: Any, width: Any, ahead: Any,
) -> None:  # fmt: skip
    at, at_r = _Places(code, pitch, start, width), _Places(code, pitch, start_r, width)

    def follow(j: Any, k: Any, ohms: Any) -> None:
        node, norton, side, passing = at.node(j, k), at.line(NORTON, k), at.line(SIDE, k), at.line(PASSING, k)
        g = chord.eight(node)
        drawn = g * ((across.eight(node) - lines[at.line(LAST, k)]) + low.eight(node))
        share, behind = _passed(code, lines[side] + g, ohms)
        if law is None:
            ahead[code.along(j, width, k)] = lines[side]
        else:
            slope, leak = law
            drawn = drawn - leak.eight(node)
            ahead[code.along(j, width, k)] = lines[passing]
            lines[passing] = _passed(code, lines[passing] + slope.eight(node), ohms)[1]
        lines[norton] = share * (lines[norton] + drawn)
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
    width: Any, ahead: Any,
) -> None:  # fmt: skip
    """Follow lines to their far ends with the nodes' Norton currents; keep what conducts before each node.

    Seen from that end's source, so that two strong sources at equal voltages do not drown what the cells take, and
    of positive terms where all voltages are above that source's.
    """
    _out(code, chord, None, r, across, low, pitch, start, start_r, nodes, lines, width, ahead)


@lane_loops()
def run_out_of(
    code: Any, chord: Any, slope: Any, leak: Any, r: Any, across: Any, low: Any, pitch: Any, start: Any, start_r: Any,
    nodes: Any, lines: Any, width: Any, ahead: Any,
) -> None:  # fmt: skip
    """As ``run_out``, for cells of any law."""
    _out(code, chord, (slope, leak), r, across, low, pitch, start, start_r, nodes, lines, width, ahead)


def _back(
    code: Any, per_volt: Any, chord: Any, law: Any, r: Any, x: Any, low: Any, across: Any, low_across: Any,
    leaving: Any, shift: Any, pitch: Any, start: Any, start_r: Any, pitch_leaving: Any, start_leaving: Any, nodes: Any,
    lines: Any, width: Any, ahead: Any,
) -> None:  # fmt: skip
    nil, endless = code.constant(0.0), code.constant(np.inf)
    at, at_r = _Places(code, pitch, start, width), _Places(code, pitch, start_r, width)
    at_breaks = _Places(code, pitch_leaving, start_leaving, width)

    def weigh(k: Any, gap: Any, conducting: Any) -> None:
        driven, squares = gap * per_volt * conducting, at.line(SQUARES, k)
        lines[squares] = driven * driven + lines[squares]

    def follow(j: Any, k: Any, *, first: bool = False) -> None:
        node, norton, side, passing = at.node(j, k), at.line(NORTON, k), at.line(SIDE, k), at.line(PASSING, k)
        g, ohms = chord.eight(node), r.eight(at_r.node(j, k))
        before, volts, low_volts = code.along(-1, pitch, node), across.eight(node), low_across.eight(node)
        if first:
            near, drop = lines[at.line(NEAR, k)], (lines[at.line(FIRST, k)] - x.eight(node)) - low.eight(node)
        else:
            near, drop = ohms, (x.eight(before) - x.eight(node)) + (low.eight(before) - low.eight(node))
        drawn = g * ((volts - lines[at.line(FIRST, k)]) + low_volts)
        share, behind = _passed(code, lines[side] + g, near)
        if law is None:
            current = g * ((x.eight(node) - volts) + (low.eight(node) - low_volts))
            beyond = behind
        else:
            cells, slope, leak = law
            current, drawn = cells.eight(node), drawn - leak.eight(node)
            beyond = _passed(code, lines[passing] + slope.eight(node), near)[1]
            lines[passing] = beyond
        lines[norton] = share * (lines[norton] + drawn)
        lines[side] = behind
        current = lines[at.line(CURRENT, k)] + current
        left = code.if_equal(ohms, endless, current, nil)
        current = code.if_equal(ohms, endless, nil, current)
        leaving.put_eight(at_breaks.node(j, k), left)
        lost = at.line(LOST, k)
        lines[lost] = lines[lost] + code.if_less(left, nil, nil - left, left)
        lines[at.line(CURRENT, k)] = current
        gap = drop - ohms * current
        shift.put_eight(node, code.if_equal(ohms, endless, endless, gap))
        nearer = ahead[code.along(j, width, k)]
        weigh(k, code.if_equal(ohms, endless, nil, gap), code.if_less(nearer, beyond, nearer, beyond))

    for k in code.upwards(0, width):
        node, ohms = at.node(code.along(nodes, 1, -1), k), r.eight(at_r.node(nodes, k))
        gap = ((x.eight(node) - lines[at.line(LAST, k)]) + low.eight(node)) - ohms * lines[at.line(CURRENT, k)]
        lines[at.line(TOTAL, k)] = code.if_equal(ohms, endless, endless, gap)
        weigh(k, code.if_equal(ohms, endless, nil, gap), lines[at.line(PASSING, k)])
        lines[at.line(PASSING, k)] = lines[at.line(SIDE, k)]
    for j in code.downwards(nodes, 1):
        for k in code.upwards(0, width):
            follow(j, k)
    for k in code.upwards(0, width):
        follow(0, k, first=True)


@lane_loops()
def run_back(
    code: Any, per_volt: Any, chord: Any, r: Any, x: Any, low: Any, across: Any, low_across: Any, leaving: Any,
    shift: Any, pitch: Any, start: Any, start_r: Any, pitch_leaving: Any, start_leaving: Any, nodes: Any, lines: Any,
    width: Any, ahead: Any,
) -> None:  # fmt: skip
    """Follow lines back with Norton currents and flows; fill ``shift`` with the gaps, inf where a segment is broken.

    ``leaving`` receives what such segments leave over, and ``lines`` the squares of what the gaps drive.
    """
    _back(
        code, per_volt, chord, None, r, x, low, across, low_across, leaving, shift, pitch, start, start_r,
        pitch_leaving, start_leaving, nodes, lines, width, ahead,
    )  # fmt: skip


@lane_loops()
def run_back_of(
    code: Any, per_volt: Any, chord: Any, cells: Any, slope: Any, leak: Any, r: Any, x: Any, low: Any, across: Any,
    low_across: Any, leaving: Any, shift: Any, pitch: Any, start: Any, start_r: Any, pitch_leaving: Any,
    start_leaving: Any, nodes: Any, lines: Any, width: Any, ahead: Any,
) -> None:  # fmt: skip
    """As ``run_back``, for cells of any law."""
    _back(
        code, per_volt, chord, (cells, slope, leak), r, x, low, across, low_across, leaving, shift, pitch, start,
        start_r, pitch_leaving, start_leaving, nodes, lines, width, ahead,
    )  # fmt: skip


@lane_loops()
def add_gaps(code: Any, shift: Any, pitch: Any, start: Any, nodes: Any, lines: Any, width: Any) -> None:
    """Make sums of the gaps in ``shift``, from each break on, and of all in ``lines``."""
    nil, endless = code.constant(0.0), code.constant(np.inf)
    at = _Places(code, pitch, start, width)
    for k in code.upwards(0, width):
        lines[at.line(SIDE, k)] = nil
    for j in code.upwards(0, nodes):
        for k in code.upwards(0, width):
            gap, total = shift.eight(at.node(j, k)), at.line(SIDE, k)
            lines[total] = code.if_equal(gap, endless, nil, lines[total] + gap)
            shift.put_eight(at.node(j, k), lines[total])
    for k in code.upwards(0, width):
        last = at.line(TOTAL, k)
        lines[last] = code.if_equal(lines[last], endless, nil, lines[at.line(SIDE, k)] + lines[last])


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
