"""The parts of a hardware: arrays, wires, how weights are mapped, numbers made volts, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Literal

from xbarsim.errors import InputError
from xbarsim.nonideal.effect_settings import LATER, Settings

_MOST_LINES = 2**20
"""Of a tile."""

MOST_BITS = 62
"""Steps are counted in whole numbers of 64 bits."""


@dataclass(frozen=True)
class Tiles(Settings):
    """The size of one array.

    Attributes
    ----------
    rows, cols : int
        Word lines and bit lines, at least 1. A layer that needs fewer on some array gets a smaller one there.
    """

    rows: int = 64
    cols: int = 64

    def __post_init__(self) -> None:
        self._count("rows", 1, _MOST_LINES)
        self._count("cols", 1, _MOST_LINES)


@dataclass(frozen=True)
class Wires(Settings):
    """Resistances of lines and their ends.

    Attributes
    ----------
    word, bit : float
        Ohms of a segment between neighbouring cells.
    driver, sense : float
        Ohms from each row's source, and to each column's virtual ground.
    """

    word: float = 1.0
    bit: float = 1.0
    driver: float = 1.0
    sense: float = 1.0

    def __post_init__(self) -> None:
        for field_ in fields(self):
            self._number(field_.name, 0.0, math.inf)

    def described(self, fidelity: str) -> str:
        """Return what headings say of them, of hardware of a fidelity.

        Parameters
        ----------
        fidelity : str
            How the circuit is computed, as ``Hardware.fidelity``.
        """
        ends = f"driver {self.driver:g}, sense {self.sense:g}"
        if fidelity == "ideal":
            return "ideal, no wires"
        if fidelity == "closed":
            return f"closed form, {ends}"
        how = "" if fidelity == "accurate" else f"by {fidelity}: "
        return f"{how}wires {self.word:g} and {self.bit:g} ohm a segment, {ends}"


@dataclass(frozen=True)
class Mapping(Settings):
    """How weights become conductances.

    Attributes
    ----------
    kind : {"differential", "reference", "offset"}
        ``differential``: two arrays, positive and negative weights, the difference of their currents counts.
        ``reference``: one array around the middle conductance, with one more column whose cells all have that;
        its current is subtracted. ``offset``: as ``reference`` without that column; what it would carry is computed
        digitally from the inputs. Where cells have levels the middle is the level nearest to it, so that a weight of 0
        is 0: of an even number the highest is not used, as many are above the middle as below, and the largest weight
        has the highest of those. Two levels are weights of +1 and -1, without a 0; the reference is between them.
    scale : {"frozen", "dynamic"}
        Which weight the largest conductance stands for: the largest one when the chip is programmed, or the largest
        one at each forward pass, through which gradients then flow.
    per : {"layer", "column"}
        Whether that is the layer's largest weight, in whatever group of a convolution, or each output's own; a bias
        that is a row of cells counts as a weight.
    slices : int
        Arrays that share a weight's bits, the most significant first. 1: a weight is one analogue conductance. Of the
        numbers 0 .. 2^bits - 1 ``reference`` and ``offset`` use all but the last, so that the middle one is 0.
    slice_bits : int
        Bits of each slice, where there are several.
    reference_faults : bool
        Whether cells of reference columns may be stuck as others are. Without them they are healthy, as on chips whose
        reference was tested; they vary all the same.

    Raises
    ------
    InputError
        A word is none of these, or a number is out of its bounds.
    """

    kind: Literal["differential", "reference", "offset"] = "differential"
    scale: Literal["frozen", "dynamic"] = "frozen"
    per: Literal["layer", "column"] = "layer"
    slices: int = 1
    slice_bits: int = 2
    reference_faults: bool = field(default=True, metadata=LATER)

    def __post_init__(self) -> None:
        self._word("kind", ("differential", "reference", "offset"))
        self._word("scale", ("frozen", "dynamic"))
        self._word("per", ("layer", "column"))
        self._count("slices", 1, MOST_BITS)
        self._count("slice_bits", 1, MOST_BITS)
        if not isinstance(self.reference_faults, bool):
            raise InputError(f"Mapping.reference_faults is {self.reference_faults!r}: it must be True or False")
        if self.slices > 1 and self.slices * self.slice_bits > MOST_BITS:
            raise InputError(
                f"Mapping.slices is {self.slices} and slice_bits {self.slice_bits}: "
                f"a weight has at most {MOST_BITS} bits"
            )


@dataclass(frozen=True)
class Encoding(Settings):
    """How inputs become volts.

    Attributes
    ----------
    kind : {"amplitude", "bit-serial"}
        A voltage in proportion, or one pulse of full height for each bit, the least significant first.
    volts : float
        The voltage of the largest input.
    """

    kind: Literal["amplitude", "bit-serial"] = "amplitude"
    volts: float = 0.2

    def __post_init__(self) -> None:
        self._word("kind", ("amplitude", "bit-serial"))
        self._number("volts", 0.0, math.inf, above=True)


@dataclass(frozen=True)
class Converter(Settings):
    """A digital-to-analogue or analogue-to-digital converter, one for each line.

    Attributes
    ----------
    bits : int or None
        Its resolution, signed; None is exact. One bit is the sign, that of 0 is +. A DAC converts a layer's inputs;
        lines of a convolution's padding with zeros have none, and 0 V.
    range : float or {"calibrated", "batch", "full"}
        Its largest magnitude. ``calibrated``: what ``calibrate`` saw on data. ``batch``: the largest of each batch.
        ``full``: of an ADC, what a whole column of LRS cells would carry; of a DAC, 1. A number: inputs of a DAC, or
        amperes of an ADC.
    per : {"layer", "tile", "column"}
        What shares a calibrated range.
    """

    bits: int | None = None
    range: float | str = "calibrated"
    per: Literal["layer", "tile", "column"] = "layer"

    def __post_init__(self) -> None:
        if self.bits is not None:
            self._count("bits", 1, MOST_BITS)
        if isinstance(self.range, str):
            self._word("range", ("calibrated", "batch", "full"))
        else:
            self._number("range", 0.0, math.inf, above=True)
        self._word("per", ("layer", "tile", "column"))
