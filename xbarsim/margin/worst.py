"""The read margin of one array, and of arrays of many sizes under many schemes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from xbarsim.errors import InputError
from xbarsim.margin.cell_reads import CellReader, by
from xbarsim.margin.pattern_search import every_pattern, nearest, worst
from xbarsim.margin.patterns import candidates
from xbarsim.margin.technology import States, Technology
from xbarsim.resources import check_memory
from xbarsim.schemes.reading import Read
from xbarsim.schemes.scheme import Cell, Scheme, checked_cell, checked_voltage, scheme_of
from xbarsim.solvers.extrapolation import collected, report

Where = Literal["far", "corners"]
Pairing = Literal["worst", "same"]
Size = int | tuple[int, int]

_BYTES_PER_CELL = 200.0
"""At least what the eight patterns and their solutions take."""

_ALIKE = 1e-12
"""Margins that differ by less are alike: rounding."""


@dataclass(frozen=True, eq=False)
class Case:
    """The selected cell in one state, among cells in the pattern that is the worst for it.

    Attributes
    ----------
    pattern : str
        The pattern's name (see ``background``); ``~`` before it says that single cells differ from it.
    states : (rows, cols) of bool
        The pattern, True where a cell is in LRS, the selected one's state included.
    current, cell_current, sneak_current : float
        Amperes, as those of ``Read``.
    power : float
        Watts from all sources.
    stress : float
        Largest voltage across an unselected cell, in volts.
    residual : float
        Of the read's solution: a bound of its end currents' errors, relative to the largest.
    tried : int
        How many patterns were solved for it.
    exhaustive : bool
        Whether these were all there are; otherwise the case was searched for, and a worse one may exist.
    """

    pattern: str
    states: States
    current: float
    cell_current: float
    sneak_current: float
    power: float
    stress: float
    residual: float
    tried: int
    exhaustive: bool


@dataclass(frozen=True, eq=False)
class Margin:
    """How well the selected cell's two states are told apart.

    Attributes
    ----------
    scheme : Scheme
        How the lines were tied.
    rows, cols : int
        The array's.
    cell : (row, column)
        The selected cell.
    read_voltage : float
        Volts.
    lrs, hrs : Case
        The selected cell in LRS and in HRS.
    """

    scheme: Scheme
    rows: int
    cols: int
    cell: Cell
    read_voltage: float
    lrs: Case
    hrs: Case

    @property
    def current_margin(self) -> float:
        """``(I_LRS - I_HRS) / I_LRS``: 1 is ideal, 0 and below cannot be read; NaN without a current in LRS."""
        low = math.copysign(1.0, self.read_voltage) * self.lrs.current
        return (self.lrs.current - self.hrs.current) / self.lrs.current if low > 0.0 else math.nan

    @property
    def on_off_ratio(self) -> float:
        """``I_LRS / I_HRS``; infinite without a current in HRS."""
        return self.lrs.current / self.hrs.current if self.hrs.current * self.read_voltage > 0.0 else math.inf

    @property
    def voltage_margin(self) -> float | None:
        """``(V_LRS - V_HRS) / V_read`` across the scheme's ``load``, the pull-up's Delta V / V_pu; None without one.

        Flocke and Noll, "Fundamental analysis of resistive nano-crossbars for the use in hybrid nano/CMOS-memory",
        ESSCIRC 2007. With bit lines sensed at both ends, the mean of both loads.
        """
        load = self.scheme.load
        if load is None:
            return None
        ends = 2 if self.scheme.both_bits else 1
        return load / ends * (self.lrs.current - self.hrs.current) / self.read_voltage


def margin(
    technology: Technology,
    size: Size,
    scheme: str | Scheme,
    *,
    read_voltage: float = 0.5,
    cell: Where | Cell = "far",
    patterns: Pairing = "worst",
) -> Margin:
    """Read margin of one array.

    Parameters
    ----------
    technology : Technology
        Cells, wires and ends.
    size : int or (rows, cols)
        The array's.
    scheme : str or Scheme
        See :mod:`xbarsim.schemes`.
    read_voltage : float
        Volts of the selected word line, not 0.
    cell : {"far", "corners"} or (row, column)
        The selected cell. ``far``: the last column of the first row, where both lines' wires are longest; in the middle
        of lines that are tied at both ends. ``corners``: the worst of the four.
    patterns : {"worst", "same"}
        ``worst``: each state among the cells that are worst for it, as for a sense amplifier with one fixed reference.
        Of up to 2^12 patterns all are tried; the worst of more is searched for, which may miss it.
        ``same``: both states among the same cells, in the worst pattern (of all up to 2^12, or else of the eight by
        groups), as for a reference that knows the rest of the array. ``mvm`` always takes ``same``: its current is
        meant to hold all other cells'.

    Raises
    ------
    InputError
        An argument is wrong.
    SolveError, ConvergenceError
        A read could not be solved; the message names scheme, size and pattern.
    """
    shape = _shape(size)
    _check_memory(shape)
    read_scheme = scheme_of(scheme)
    volts = checked_voltage(read_voltage)
    if patterns not in get_args(Pairing):
        raise InputError(f"patterns is {patterns!r}: it must be {' or '.join(get_args(Pairing))}")
    paired = patterns == "same" or read_scheme.reads_all_rows
    with collected(f"{read_scheme.name}, {by(shape)}") as cases:
        margins = [
            _margin(technology, shape, read_scheme, volts, place, _paired if paired else _worst)
            for place in _cells(shape, read_scheme, cell)
        ]
    report(cases)
    return min(margins, key=lambda point: -math.inf if math.isnan(point.current_margin) else point.current_margin)


def sweep(
    technology: Technology,
    sizes: Iterable[Size],
    schemes: Iterable[str | Scheme],
    *,
    read_voltage: float = 0.5,
    cell: Where | Cell = "far",
    patterns: Pairing = "worst",
    progress: Callable[[str], None] = lambda stage: None,
) -> list[Margin]:
    """Read margins of arrays of many sizes under many schemes, all sizes of the first scheme first.

    Parameters
    ----------
    sizes, schemes
        As those of ``margin``; none may come twice.
    progress : callable, optional
        Told what is being solved.
    technology, read_voltage, cell, patterns
        As for ``margin``, which says what else is raised.

    Raises
    ------
    InputError
        There is no size or scheme, or one is there twice.
    """
    shapes = [_shape(size) for size in sizes]
    for shape in shapes:
        _check_memory(shape)
    read_schemes = [scheme_of(scheme) for scheme in schemes]
    for name, items in (
        ("sizes", [by(shape) for shape in shapes]),
        ("schemes", [read_scheme.name for read_scheme in read_schemes]),
    ):
        if not items:
            raise InputError(f"{name} is empty: give at least one")
        if len(set(items)) < len(items):
            twice = next(item for k, item in enumerate(items) if item in items[:k])
            raise InputError(f"{name} has {twice} twice")
    for shape in shapes:
        _cells(shape, read_schemes[0], cell)
    margins = []
    with collected() as cases:
        for scheme in read_schemes:
            for shape in shapes:
                progress(f"{scheme.name}, {by(shape)}")
                margins.append(
                    margin(technology, shape, scheme, read_voltage=read_voltage, cell=cell, patterns=patterns)
                )
    report(cases)
    return margins


def _margin(
    technology: Technology,
    shape: tuple[int, int],
    scheme: Scheme,
    volts: float,
    cell: Cell,
    pair: Callable[[CellReader, tuple[int, int]], tuple[Case, Case]],
) -> Margin:
    lrs, hrs = pair(CellReader(technology, shape, scheme, cell, volts), shape)
    return Margin(scheme, *shape, cell, volts, lrs, hrs)


def _worst(reader: CellReader, shape: tuple[int, int]) -> tuple[Case, Case]:
    """Each state's worst pattern: the smallest current in LRS, the largest in HRS."""
    cases = []
    for state, sign in ((True, -reader.sign), (False, reader.sign)):
        met = worst(reader.labelled, reader.rank, shape, reader.cell, state, sign)
        cases.append(_case(met.name, met.states, met.read, met.tried, exhaustive=met.exhaustive))
    return cases[0], cases[1]


def _paired(reader: CellReader, shape: tuple[int, int]) -> tuple[Case, Case]:
    """Both states in the pattern where their currents differ least, relative to that in LRS."""
    groups = list(candidates(shape, reader.cell))
    few = every_pattern(shape, reader.cell)
    patterns = [states for _, states in groups]
    if few is not None:
        patterns += [few[reader.least(few)]] if reader.rank is not None else list(few)
    tried = len(groups) if few is None else len(few)
    least = math.inf
    pair: tuple[Case, Case] | None = None
    for states in patterns:
        name = nearest(states, groups)
        cases = []
        for state in (True, False):
            mixed = states.copy()
            mixed[reader.cell] = state
            cases.append(_case(name, mixed, reader.labelled(name, mixed), tried, exhaustive=few is not None))
        left = float(reader.left(np.array(cases[0].current), np.array(cases[1].current)))
        if pair is None or left < least - _ALIKE:
            least, pair = left, (cases[0], cases[1])
    assert pair is not None
    return pair


def _case(name: str, states: States, read: Read, tried: int, *, exhaustive: bool) -> Case:
    return Case(
        pattern=name,
        states=states,
        current=read.selected_current,
        cell_current=read.cell_current,
        sneak_current=read.sneak_current,
        power=read.power,
        stress=read.stress,
        residual=read.solution.residual,
        tried=tried,
        exhaustive=exhaustive,
    )


def _cells(shape: tuple[int, int], scheme: Scheme, cell: Where | Cell) -> list[Cell]:
    """Return the cells to select."""
    rows, cols = shape
    if isinstance(cell, str):
        if cell == "far":
            return [(rows // 2 if scheme.both_bits else 0, cols // 2 if scheme.both_words else cols - 1)]
        if cell == "corners":
            return sorted({(i, j) for i in (0, rows - 1) for j in (0, cols - 1)})
        raise InputError(f"cell is {cell!r}: it must be {', '.join(get_args(Where))} or (row, column)")
    return [checked_cell(shape, cell)]


def _shape(size: Size) -> tuple[int, int]:
    pair = size if isinstance(size, tuple) else (size, size)
    whole = len(pair) == 2 and all(
        isinstance(count, int | np.integer) and not isinstance(count, bool) and count >= 1 for count in pair
    )
    if not whole:
        raise InputError(f"size is {size!r}: it must be a whole number of lines, at least 1, or (rows, cols)")
    return int(pair[0]), int(pair[1])


def _check_memory(shape: tuple[int, int]) -> None:
    check_memory(
        _BYTES_PER_CELL * shape[0] * shape[1], f"reading all patterns of {by(shape)} cells", "take a smaller array"
    )
