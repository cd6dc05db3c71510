"""What cells of a compact model in a file have, with a state or without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.base import Device, parameter, short
from xbarsim.devices.law import numbers_of
from xbarsim.devices.option import Option
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.veriloga.compact_model import CompactModel
    from xbarsim.veriloga.model_file import ModelFile

ROOM_TEMPERATURE = 300.15

SOURCE_OPTIONS = (
    Option("source", "your own model in Verilog-A, or what OpenVAF compiled of it", metavar="FILE.va"),
    Option("module", "the model in the file, where it has several", "", metavar="NAME"),
)
PARAMETER_OPTIONS = (
    Option("kelvin", "temperature", ROOM_TEMPERATURE, "K", above=0.0),
    Option("parameters", "the model's parameters", "", metavar="NAME=NUMBER,..."),
)

_LISTED = 4


class CompactDevice(Device):
    """A cell of a Verilog-A model; see :mod:`xbarsim.veriloga`.

    Attributes
    ----------
    source, module : str
        The file, and the model in it.
    kelvin : float
    shared : dict of str to float, int or str
        The parameters that all cells have in common.
    arguments : dict of str to array (rows, cols)
        Those of which each cell has its own value, read-only.
    """

    has_twin = False
    sampled = False

    source: str
    module: str
    kelvin: float
    shared: dict[str, float | int | str]
    arguments: dict[str, Array]

    def _take(
        self, source: str | Path, module: str, kelvin: float, parameters: Mapping[str, ArrayLike | str]
    ) -> ModelFile:
        """Open the file and take the parameters in."""
        from xbarsim.veriloga.model_file import model_file

        temperature = float(parameter("kelvin", kelvin, above=0.0))
        file = model_file(source, module)
        shared, arrays = file.sorted(parameters)
        arguments = {name: parameter(name, value) for name, value in arrays.items()}
        values: dict[str, Any] = {
            "source": str(source), "module": file.module.name, "kelvin": temperature, "shared": shared,
            "arguments": arguments, "_open": file,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)
        return file

    def _prepared(self, conductance: tuple[str, bool] | None, bounds: tuple[float, float] | None) -> CompactModel:
        """Return the model set up; ``conductance`` is the parameter that takes it, and whether as ohms."""
        from xbarsim.veriloga.model_file import prepared

        takers = [conductance] if conductance else []
        takers += [(name, False) for name in self.arguments]
        return prepared(self._file, tuple(self.shared.items()), tuple(takers), self.kelvin, bounds)

    def _check_ranges(self, model: CompactModel) -> None:
        """Check the values that cells have of their own: where both ends are in a range, all are."""
        for pick in (np.min, np.max):
            model.check_values({name: float(pick(value)) for name, value in self.arguments.items()})

    @property
    def _file(self) -> ModelFile:
        """The open file; a process that was handed the cell opens it anew."""
        from xbarsim.veriloga.model_file import model_file

        file: ModelFile | None = self.__dict__.get("_open")
        if file is None:
            file = model_file(self.source, self.module)
            object.__setattr__(self, "_open", file)
        return file

    def __getstate__(self) -> dict[str, Any]:
        """Return what other processes can use: a loaded library is this one's."""
        return {name: value for name, value in self.__dict__.items() if name != "_open"}

    @classmethod
    def from_options(cls, **values: Any) -> Device:
        """Return the model of a ``source`` with its ``parameters`` as ``NAME=NUMBER,...``."""
        options = cls.filled(values)
        return cls(**numbers_of(options.pop("parameters")), **options)

    @classmethod
    def portable(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Refuse: the model is in a file of its own."""
        raise InputError("a Verilog-A model is no setting that a file holds: give it in Python, or to xbarsim margin")

    @property
    def parameters(self) -> dict[str, Array]:
        """Those of which each cell has its own."""
        return self.arguments

    def subcircuit(self) -> str:
        """Refuse: SPICE is told of no such model."""
        raise InputError(f"{self!r} is a Verilog-A model: it cannot be written as a netlist")

    def __repr__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in self.shared.items()]
        parts += [f"{name}={short(value)}" for name, value in self.arguments.items()]
        if len(parts) > _LISTED:
            parts = [f"{len(parts)} parameters"]
        name = f"{Path(self.source).name}:{self.module}"
        return f"{type(self).__name__}({', '.join([name, *parts])})"
