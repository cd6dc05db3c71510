"""What a network runs on: arrays, cells, wires, how weights are mapped and how numbers become volts and back."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from xbarsim.errors import InputError
from xbarsim.files import written_whole
from xbarsim.nn.cell_law import CellLaw
from xbarsim.nn.energy_settings import ReadEnergy
from xbarsim.nn.hardware_parts import Converter, Encoding, Mapping, Tiles, Wires
from xbarsim.nn.idle import idle
from xbarsim.nonideal import Levels, Nonidealities
from xbarsim.nonideal.effect_settings import LATER, Settings, checked_record
from xbarsim.unread import unread
from xbarsim.views.array_svg import array_svg, card

FIDELITIES = ("accurate", "closed", "path", "first-order", "dividers", "ideal")
"""From the circuit to none."""

_PARTS: dict[str, type[Settings]] = {
    "tiles": Tiles,
    "cells": Nonidealities,
    "law": CellLaw,
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
    law : CellLaw
        The cells' current law.
    wires : Wires
        Lines and ends.
    mapping : Mapping
        Weights to conductances.
    encoding : Encoding
        Inputs to volts.
    dac, adc : Converter
        Converters.
    fidelity : {"accurate", "closed", "path", "first-order", "dividers", "ideal"}
        ``accurate``: the circuit. ``ideal``: the same cells without wires and ends, the product of a table. The others
        are what some trainings take for the circuit, without broken lines, of linear cells only. ``closed``: the ends
        as dividers in closed form, without wires (``xbarsim.nn.closed_form``). ``path``, ``first-order``, ``dividers``:
        wires and ends without a solve (``xbarsim.nn.approximate_wires``).
    energy : ReadEnergy or None
        How long reads take and what conversions cost; None: energy is not asked for.

    Raises
    ------
    InputError
        A value is out of its bounds or of the wrong kind.
    """

    tiles: Tiles = field(default_factory=Tiles)
    cells: Nonidealities = field(default_factory=Nonidealities)
    law: CellLaw = field(default_factory=CellLaw)
    wires: Wires = field(default_factory=Wires)
    mapping: Mapping = field(default_factory=Mapping)
    encoding: Encoding = field(default_factory=Encoding)
    dac: Converter = field(default_factory=Converter)
    adc: Converter = field(default_factory=Converter)
    fidelity: Literal["ideal", "closed", "path", "first-order", "dividers", "accurate"] = "accurate"
    energy: ReadEnergy | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        for name, kind in _PARTS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise InputError(f"Hardware.{name} is {value!r}: it must be {kind.__name__}(...)")
        self._word("fidelity", FIDELITIES)
        self._check_energy()
        if self.fidelity not in ("accurate", "ideal") and not self.law.linear:
            raise InputError(
                f"Hardware.fidelity is {self.fidelity!r}, which is a form of linear cells, and law.kind is "
                f"{self.law.kind!r}: take fidelity accurate, or law.kind=linear"
            )
        noise = self.cells.read_noise
        if noise is not None and noise.of_currents and not self.law.linear:
            raise InputError(
                f"ReadNoise.kind is 'circuit', which is of linear cells, and law.kind is {self.law.kind!r}: "
                "take law.kind=linear, or a sigma"
            )
        if self.mapping.kind == "reference" and self.tiles.cols < 2:
            raise InputError("Tiles.cols is 1: a reference column needs arrays of at least 2 columns")
        self._check_zero()
        if self.dac.per != "layer":
            raise InputError(
                f"Converter.per is {self.dac.per!r}: a DAC's range is the layer's; only an ADC's can differ"
            )
        if self.encoding.kind == "bit-serial" and self.dac.bits is None:
            raise InputError("Converter.bits is None: bit-serial inputs need dac=Converter(bits=...)")

    @property
    def idle(self) -> dict[str, str]:
        """Settings that change nothing here, as ``wires.word``, each with the one that makes it so, ``fidelity``."""
        return idle(self.cells, self.law, self.wires, self.mapping, self.adc, self.fidelity)

    def _check_zero(self) -> None:
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

    def _check_energy(self) -> None:
        energy = self.energy
        if energy is None:
            return
        if not isinstance(energy, ReadEnergy):
            raise InputError(f"Hardware.energy is {energy!r}: it must be ReadEnergy(...) or None")
        if self.fidelity not in ("accurate", "ideal"):
            raise InputError(
                f"Hardware.energy is set and fidelity is {self.fidelity!r}, which solves no circuit whose power could "
                "be told: take fidelity accurate or ideal, or leave energy out"
            )
        if energy.settles and self.adc.bits is None:
            raise InputError(
                "ReadEnergy.read is None and adc.bits too: outputs settle to the bits of an ADC; give read or adc.bits"
            )

    def _repr_html_(self) -> str:
        tiles = self.tiles
        facts = [(name, repr(getattr(self, name))) for name in _PARTS] + [("fidelity", self.fidelity)]
        facts += [("energy", repr(self.energy))] if self.energy is not None else []
        # No chip is made yet: cells have no numbers.
        picture = array_svg(np.full((tiles.rows, tiles.cols), np.nan), "linear", "an array")
        return card(f"Hardware, arrays of {tiles.rows} x {tiles.cols}", facts, picture)

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes: nested dictionaries of JSON."""
        record = {name: getattr(self, name).to_dict() for name in _PARTS} | {"fidelity": self.fidelity}
        return record if self.energy is None else record | {"energy": self.energy.to_dict()}

    @classmethod
    def from_dict(cls, record: MappingABC[str, Any]) -> Self:
        """Return the hardware that nested dictionaries describe; what they leave out has its default.

        Parameters
        ----------
        record : mapping
            Settings by name, nested, as ``to_dict`` gives them.

        Raises
        ------
        InputError
            A name is unknown, or a value is out of its bounds.
        """
        values = checked_record(cls, record)
        for name, kind in _PARTS.items():
            if name in values:
                values[name] = kind.from_dict(values[name])
        if values.get("energy") is not None:
            values["energy"] = ReadEnergy.from_dict(values["energy"])
        return super().from_dict(values)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return the hardware as JSON, and write it to ``path`` as a whole if one is given.

        Parameters
        ----------
        path : str or Path, optional
            A file to write too.
        """
        text = json.dumps(self.to_dict(), indent=2) + "\n"
        if path is not None:
            with written_whole(path) as file:
                file.write(text.encode())
        return text

    @classmethod
    def from_json(cls, source: str | Path) -> Self:
        """Read what ``to_json`` wrote, from its text or a path.

        Parameters
        ----------
        source : str or Path
            The text, or its file.

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
                raise unread(where, error) from None
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

    Parameters
    ----------
    name : str
        As ``rram-64``.

    Raises
    ------
    InputError
        There is none of that name; the message lists them.
    """
    if name not in PRESETS:
        raise InputError(f"preset is {name!r}: there are {', '.join(PRESETS)}")
    return PRESETS[name][0]()
