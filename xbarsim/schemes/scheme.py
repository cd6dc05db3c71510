"""A scheme as a value, and the five that have names."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Array, Crossbar, LineEnds, Side
from xbarsim.devices import Device
from xbarsim.errors import InputError

Cell = tuple[int, int]
Mask = NDArray[np.bool_]

SIDES_SUFFIX = {"words": (True, False), "bits": (False, True), "both": (True, True)}
"""What a name may end in, as ``half+words``: word lines driven, bit lines sensed, or both, at both ends."""


def _is_number(value: object) -> bool:
    return isinstance(value, float | int | np.floating | np.integer) and math.isfinite(value)


@dataclass(frozen=True)
class Scheme:
    """How lines are tied while a cell is read.

    Attributes
    ----------
    name : str
        What tables and pictures call it.
    word, bit : float or None
        Voltage of the unselected word and bit lines as a share of the read voltage; None leaves them open. With
        ``word=1`` every row is read, and so selected.
    both_words : bool
        Drive word lines at their right ends too, through the same ``driver``.
    both_bits : bool
        Sense, or hold, bit lines at their top ends too, through the same ``sense``.
    load : float, optional
        Ohms of the selected bit line's sense resistor, in place of its ``sense``.
    gate_off : float
        Gate volts of the unselected rows of transistor cells.

    Raises
    ------
    InputError
        A share, ``load`` or ``gate_off`` is no finite number, or ``load`` is not above 0.
    """

    name: str
    word: float | None
    bit: float | None
    both_words: bool = False
    both_bits: bool = False
    load: float | None = None
    gate_off: float = 0.0

    def __post_init__(self) -> None:
        for name in ("word", "bit", "load", "gate_off"):
            value = getattr(self, name)
            if value is None and name != "gate_off":
                continue
            if not _is_number(value):
                also = "" if name == "gate_off" else " or None"
                raise InputError(f"{name} is {value!r}: it must be a finite number{also}")
        if self.load is not None and self.load <= 0.0:
            raise InputError(f"load is {self.load!r}: the sense resistor needs ohms above 0")

    @property
    def reads_all_rows(self) -> bool:
        """Whether unselected word lines are driven as the selected one is."""
        return self.word == 1.0

    def tie(self, crossbar: Crossbar, cell: Cell, read_voltage: float) -> tuple[Crossbar, Array]:
        """Tie all line ends for reading one cell.

        Parameters
        ----------
        crossbar : Crossbar
            Its cells, wires, ``driver`` and ``sense`` are kept. Transistor cells with one gate voltage for all have it
            in the selected row, and ``gate_off`` in the others; gates that are given as an array stay as they are.
        cell : (row, column)
            The selected cell.
        read_voltage : float
            Volts of the selected word line's source.

        Returns
        -------
        crossbar, voltages
            What ``solve`` takes.

        Raises
        ------
        InputError
            The cell is outside, the voltage is 0 or no number, or the crossbar has ``ends`` of its own.
        """
        i, j = checked_cell(crossbar.shape, cell)
        return self.tie_lines(crossbar, [i], [j], read_voltage)

    def tie_lines(
        self, crossbar: Crossbar, rows: Sequence[int], cols: Sequence[int], volts: float
    ) -> tuple[Crossbar, Array]:
        """Tie all line ends with several lines selected: their crossings all have the whole voltage.

        Parameters
        ----------
        crossbar : Crossbar
            As for ``tie``.
        rows, cols : sequence of int
            The selected word and bit lines.
        volts : float
            Volts of the selected word lines' sources.

        Returns
        -------
        crossbar, voltages
            What ``solve`` takes.

        Raises
        ------
        InputError
            The voltage is 0 or no number, or the crossbar has ``ends`` of its own.
        """
        volts = checked_voltage(volts)
        check_untied(crossbar)
        word, bit = self.source_volts(crossbar.shape, rows, cols, volts)
        ends = crossbar.boundary
        driver, sense = ends["word_left"].resistance.copy(), ends["bit_bottom"].resistance.copy()
        chosen_rows, chosen_cols = _masks(crossbar.shape, rows, cols)
        if self.load is not None:
            sense[chosen_cols] = self.load
        if self.word is None:
            driver[~chosen_rows] = np.inf
        if self.bit is None:
            sense[~chosen_cols] = np.inf
        tied: dict[Side, LineEnds] = {"word_left": LineEnds(0.0, driver), "bit_bottom": LineEnds(bit, sense)}
        if self.both_words:
            tied["word_right"] = LineEnds(word, driver)
        if self.both_bits:
            tied["bit_top"] = LineEnds(bit, sense)
        return with_ends(crossbar, tied, self._gated(crossbar.device, chosen_rows)), word

    def source_volts(
        self, shape: tuple[int, int], rows: Sequence[int], cols: Sequence[int], volts: float
    ) -> tuple[Array, Array]:
        """Return the volts of the word and of the bit lines' sources, some lines selected; open ends hold 0 V.

        Parameters
        ----------
        shape : (rows, cols)
            Cells of the array.
        rows, cols : sequence of int
            Lines that are selected.
        volts : float
            Of the read or the write.
        """
        chosen_rows, chosen_cols = _masks(shape, rows, cols)
        word = np.where(chosen_rows, volts, (self.word or 0.0) * volts)
        bit = np.where(chosen_cols, 0.0, (self.bit or 0.0) * volts)
        return word, bit

    def _gated(self, device: Device, selected: Mask) -> Device:
        """Cut off the transistors of unselected rows."""
        gates = device.gates
        if gates is None or self.reads_all_rows or gates.ndim > 0:
            return device
        return device.with_gates(np.where(selected, gates, self.gate_off)[:, None])


FLOATING = Scheme("floating", None, None)
GROUNDED = Scheme("grounded", 0.0, 0.0)
HALF = Scheme("half", 1 / 2, 1 / 2)
THIRD = Scheme("third", 1 / 3, 2 / 3)
MVM = Scheme("mvm", 1.0, 0.0)

SCHEMES = {scheme.name: scheme for scheme in (FLOATING, GROUNDED, HALF, THIRD, MVM)}


ALIASES = {"v/2": "half", "v/3": "third", "grounded-line": "grounded"}
"""What else the schemes are called."""


def scheme_of(name: str | Scheme) -> Scheme:
    """Return the scheme of a name: one of ``SCHEMES``, or with a suffix, as ``half+words``.

    Parameters
    ----------
    name : str or Scheme
        A scheme is returned as it is.

    Raises
    ------
    InputError
        There is none of that name; the message lists those there are.
    """
    if isinstance(name, Scheme):
        return name
    base, plus, suffix = str(name).strip().lower().partition("+")
    base = ALIASES.get(base, base)
    if base not in SCHEMES:
        near = difflib.get_close_matches(base, [*SCHEMES, *ALIASES], n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"scheme {name!r} is unknown: {hint}schemes are {', '.join(SCHEMES)}")
    if not plus:
        return SCHEMES[base]
    if suffix not in SIDES_SUFFIX:
        raise InputError(
            f"scheme {name!r} is unknown: {base} goes alone, or with {', '.join('+' + end for end in SIDES_SUFFIX)} "
            "to tie lines at both ends"
        )
    words, bits = SIDES_SUFFIX[suffix]
    return replace(SCHEMES[base], name=f"{base}+{suffix}", both_words=words, both_bits=bits)


def checked_cell(shape: tuple[int, int], cell: Cell) -> Cell:
    """Return a cell's row and column as integers.

    Raises
    ------
    InputError
        It is no pair of whole numbers, or outside of ``shape``.
    """
    try:
        i, j = (int(index) for index in cell if int(index) == index)
    except (TypeError, ValueError):
        raise InputError(f"cell is {cell!r}: it must be (row, column)") from None
    rows, cols = shape
    if not (0 <= i < rows and 0 <= j < cols):
        raise InputError(f"cell [{i}, {j}] is outside of {rows} x {cols}: rows and columns count from 0")
    return i, j


def checked_voltage(read_voltage: float) -> float:
    """Return a read voltage that is a finite number and not 0, or raise InputError."""
    if not _is_number(read_voltage) or read_voltage == 0.0:
        raise InputError(f"read_voltage is {read_voltage!r}: it must be a finite number of volts, not 0")
    return float(read_voltage)


def _masks(shape: tuple[int, int], rows: Sequence[int], cols: Sequence[int]) -> tuple[Mask, Mask]:
    """Return which word and which bit lines are selected."""
    chosen_rows, chosen_cols = (np.zeros(lines, np.bool_) for lines in shape)
    chosen_rows[list(rows)] = chosen_cols[list(cols)] = True
    return chosen_rows, chosen_cols


def check_untied(crossbar: Crossbar) -> None:
    """Raise InputError for what is no crossbar, or one that has its ends tied."""
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    if crossbar.ends:
        raise InputError(
            f"the crossbar has ends of its own ({', '.join(sorted(crossbar.ends))}): a read scheme ties all four "
            "sides, give driver and sense instead"
        )


def with_ends(crossbar: Crossbar, ends: dict[Side, LineEnds], device: Device) -> Crossbar:
    """Return the same cells and wires with other ends."""
    return Crossbar(
        crossbar.conductance, word_wire=crossbar.word_wire, bit_wire=crossbar.bit_wire, ends=ends, device=device
    )
