"""What a network runs on: arrays, cells, wires, how weights are mapped and how numbers become volts and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from xbarsim import devices
from xbarsim.devices import Device
from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nn.idle import idle
from xbarsim.nonideal import Levels, Nonidealities
from xbarsim.nonideal.effect_settings import Settings, named

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
        for one in fields(self):
            self._number(one.name, 0.0, math.inf)


@dataclass(frozen=True)
class Law(Settings):
    """The cells' current law; a mapped conductance is its state.

    Attributes
    ----------
    kind : {"linear", "sinh", "selector"}
        ``xbarsim.Linear``, ``Sinh(v0)`` or ``Selector(i0, v0)``.
    v0, i0 : float
        Volts and amperes; only of the laws that have them.
    """

    kind: Literal["linear", "sinh", "selector"] = "linear"
    v0: float = 0.25
    i0: float = 1e-8

    def __post_init__(self) -> None:
        self._word("kind", ("linear", "sinh", "selector"))
        self._number("v0", 0.0, math.inf, above=True)
        self._number("i0", 0.0, math.inf, above=True)
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in self.idle and value != one.default:
                raise InputError(
                    f"Law.{one.name} is {value:g}, which the law {self.kind!r} does not have: "
                    f"leave it out, or give kind={'selector' if one.name == 'i0' else 'sinh'!r}"
                )

    @property
    def idle(self) -> tuple[str, ...]:
        """Names of the numbers that the law does not have."""
        return {"linear": ("v0", "i0"), "sinh": ("i0",), "selector": ()}[self.kind]

    def device(self) -> Device:
        """Return the cell model."""
        if self.kind == "sinh":
            return devices.Sinh(self.v0)
        return devices.Selector(self.i0, self.v0) if self.kind == "selector" else devices.Linear()


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
    """

    kind: Literal["differential", "reference", "offset"] = "differential"
    scale: Literal["frozen", "dynamic"] = "frozen"
    per: Literal["layer", "column"] = "layer"
    slices: int = 1
    slice_bits: int = 2

    def __post_init__(self) -> None:
        self._word("kind", ("differential", "reference", "offset"))
        self._word("scale", ("frozen", "dynamic"))
        self._word("per", ("layer", "column"))
        self._count("slices", 1, MOST_BITS)
        self._count("slice_bits", 1, MOST_BITS)
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


_PARTS: dict[str, type[Settings]] = {
    "tiles": Tiles,
    "cells": Nonidealities,
    "law": Law,
    "wires": Wires,
    "mapping": Mapping,
    "encoding": Encoding,
    "dac": Converter,
    "adc": Converter,
}


@dataclass(frozen=True)
class Hardware(Settings):
    """All of it; the default is ``preset("rram-64")``.

    Attributes
    ----------
    tiles : Tiles
        The arrays.
    cells : Nonidealities
        The cells' two states in ohms, levels, faults, variation, programming, drift, noise, broken lines.
    law : Law
        The cells' current law.
    wires : Wires
        Lines and ends.
    mapping : Mapping
        Weights to conductances.
    encoding : Encoding
        Inputs to volts.
    dac, adc : Converter
        Converters.
    fidelity : {"accurate", "ideal"}
        ``accurate``: the circuit. ``ideal``: the same cells without wires and ends, the product of a table.

    Raises
    ------
    InputError
        A value is out of its bounds or of the wrong kind.
    """

    tiles: Tiles = field(default_factory=Tiles)
    cells: Nonidealities = field(default_factory=Nonidealities)
    law: Law = field(default_factory=Law)
    wires: Wires = field(default_factory=Wires)
    mapping: Mapping = field(default_factory=Mapping)
    encoding: Encoding = field(default_factory=Encoding)
    dac: Converter = field(default_factory=Converter)
    adc: Converter = field(default_factory=Converter)
    fidelity: Literal["ideal", "accurate"] = "accurate"

    def __post_init__(self) -> None:
        for name, kind in _PARTS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(f"Hardware.{name} is {value!r}: it must be {kind.__name__}(...)")
        self._word("fidelity", ("ideal", "accurate"))
        if self.mapping.kind == "reference" and self.tiles.cols < 2:
            raise InputError("Tiles.cols is 1: a reference column needs arrays of at least 2 columns")
        self._see_zero()
        if self.dac.per != "layer":
            raise InputError(
                f"Converter.per is {self.dac.per!r}: a DAC's range is the layer's; only an ADC's can differ"
            )
        if self.encoding.kind == "bit-serial" and self.dac.bits is None:
            raise InputError("Converter.bits is None: bit-serial inputs need dac=Converter(bits=...)")

    @property
    def idle(self) -> dict[str, str]:
        """Settings that change nothing here, as ``wires.word``, each with the one that makes it so, ``fidelity``."""
        return idle(self)

    def _see_zero(self) -> None:
        """Refuse levels of which none is between zero and its nearer end, where weights are offset."""
        cells, levels, mapping = self.cells, self.cells.levels, self.mapping
        if levels is None or levels.count == 2 or mapping.kind == "differential" or mapping.slices > 1:
            return
        zero = levels.centre(cells.g_off, cells.g_on)
        unit = min(cells.g_on - zero, zero - cells.g_off)
        if zero in levels.quantise([zero + unit, zero - unit], cells.g_off, cells.g_on):
            raise InputError(
                f"Levels.spacing is {levels.spacing!r}: with mapping {mapping.kind!r} a weight of 0 has the level "
                f"nearest to the middle, {zero:g} S, and beside it there is none for the largest weight: "
                "take mapping 'differential', or space conductances"
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes: nested dictionaries of JSON."""
        return {name: getattr(self, name).to_dict() for name in _PARTS} | {"fidelity": self.fidelity}

    @classmethod
    def from_dict(cls, record: MappingABC[str, Any]) -> Self:
        """Return the hardware that nested dictionaries describe; what they leave out has its default.

        Raises
        ------
        InputError
            A name is unknown, or a value is out of its bounds.
        """
        values = named(cls, record)
        for name, kind in _PARTS.items():
            if name in values:
                values[name] = kind.from_dict(values[name])
        return super().from_dict(values)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the hardware as JSON, and write it to ``path`` as a whole if one is given."""
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        if path is not None:
            with written_whole(path) as file:
                file.write(text.encode())
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Read what ``to_json`` wrote, from its text or a path.

        Raises
        ------
        InputError
            The file cannot be read or is no such JSON; the message names it.
        """
        where = "hardware"
        text = str(source)
        if isinstance(source, Path) or not text.lstrip().startswith("{"):
            where = str(source)
            try:
                text = Path(source).read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{where}: {getattr(error, 'strerror', None) or 'not a text file'}") from None
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{where}:{error.lineno}: {error.msg}") from None
        if not isinstance(record, dict):
            raise InputError(f"{where}: it must be an object of settings")
        try:
            return cls.from_dict(record)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None


def _rram_64_8bit() -> Hardware:
    return Hardware(
        cells=Nonidealities(levels=Levels(16)),
        dac=Converter(bits=8),
        adc=Converter(bits=8, per="tile"),
    )


def _rram_128() -> Hardware:
    return Hardware(tiles=Tiles(128, 128), cells=Nonidealities(r_on=1e4, r_off=1e6))


PRESETS = {
    "rram-64": (
        Hardware,
        "64x64 arrays of 1 kohm and 1 Mohm, differential (those of the FPT paper), 1 ohm wires and ends, no more",
    ),
    "rram-64-8bit": (_rram_64_8bit, "rram-64 with 16 levels and 8-bit converters, calibrated, ADC ranges by tile"),
    "rram-128": (
        _rram_128,
        "128x128 arrays of 10 kohm and 1 Mohm, as the chips of Chen et al. (IEEE Trans. Comput. 64, 180, 2015)",
    ),
}


def preset(name: str) -> Hardware:
    """Return a hardware by name.

    Raises
    ------
    InputError
        There is none of that name; the message lists them.
    """
    if name not in PRESETS:
        raise InputError(f"preset is {name!r}: there are {', '.join(PRESETS)}")
    return PRESETS[name][0]()
