"""A user's own compact model in Verilog-A, without a state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.devices.compact_device import PARAMETER_OPTIONS, ROOM_TEMPERATURE, SOURCE_OPTIONS, CompactDevice
from xbarsim.devices.law import check_at_rest
from xbarsim.devices.option import Option
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.kernels.law_table import Cells
    from xbarsim.veriloga.compact_model import CompactModel
    from xbarsim.veriloga.model_file import ModelFile

_USUAL = "g"


@dataclass(frozen=True, eq=False, repr=False)
class VerilogA(CompactDevice):
    """A cell that follows a compact model in Verilog-A, compiled by OpenVAF.

    The module has two terminals, the first at the word line, and the current between them is a function of the voltage
    between them. It starts at the origin, never falls, and gives current in the direction of the voltage; a solve that
    meets a point where it does not names the cell. A model with a state is a :class:`DynamicVerilogA`.

    Parameters
    ----------
    source : str or Path
        The Verilog-A source, or a library ``.osdi`` that was compiled of one.
    module : str
        The model in the file; may be left out where it is the only one.
    siemens, ohms : str
        The parameter that takes each cell's conductance, or its resistance; ``g`` where neither is said.
    kelvin : float
        What ``$temperature`` is.
    **parameters : array_like or str
        The model's parameters, by their names in the source. Real ones are scalars or (rows, cols); what is left out
        has the model's default.

    Raises
    ------
    InputError
        There is no such file, model or parameter, or a value is out of the range that the model gives; the compiler is
        missing or finds an error; or the model is none of a cell, as one that keeps values in variables.

    Examples
    --------
    Of a file ``hopping.va`` with::

        module hopping(p, n);
          inout p, n; electrical p, n;
          parameter real g = 1e-4 from [0:inf);
          parameter real v0 = 0.25 from (0:inf);
          analog I(p, n) <+ g * v0 * sinh(V(p, n) / v0);
        endmodule

    cells are ``Crossbar(conductance, device=VerilogA("hopping.va", v0=0.2))``.
    """

    name = "verilog_a"
    kernel = "COMPILED"
    summary = "your own compact model in Verilog-A"
    options = (
        *SOURCE_OPTIONS,
        Option("siemens", "the parameter that takes a cell's conductance (g)", "", metavar="NAME"),
        Option("ohms", "the parameter that takes a cell's resistance, instead", "", metavar="NAME"),
        *PARAMETER_OPTIONS,
    )

    source: str
    module: str
    siemens: str
    ohms: str
    kelvin: float
    shared: dict[str, float | int | str] = field(default_factory=dict)
    arguments: dict[str, Array] = field(default_factory=dict)

    def __init__(
        self,
        source: str | Path,
        module: str = "",
        *,
        siemens: str = "",
        ohms: str = "",
        kelvin: float = ROOM_TEMPERATURE,
        **parameters: ArrayLike | str,
    ) -> None:
        if siemens and ohms:
            raise InputError(f"siemens is {siemens!r} and ohms is {ohms!r}: one parameter takes a cell's conductance")
        file = self._take(source, module, kelvin, parameters)
        taker = _taker(file, siemens or ohms)
        if taker in self.shared or taker in self.arguments:
            raise InputError(f"{taker} takes each cell's conductance: leave it out, or say another by siemens or ohms")
        object.__setattr__(self, "siemens", "" if ohms else taker)
        object.__setattr__(self, "ohms", taker if ohms else "")
        model = self._model()
        if model.state:
            raise InputError(
                f"the Verilog-A model {self.module} has a state, the node {model.state}: give it as "
                f"DynamicVerilogA({str(source)!r}, low=..., high=...), with the state's bounds"
            )
        self._check_ranges(model)

    def _model(self) -> CompactModel:
        return self._prepared((self.ohms or self.siemens, bool(self.ohms)), None)

    def cells(self, conductance: Array) -> Cells:
        """Lay out the parameters.

        Parameters
        ----------
        conductance : array, (rows, cols)
            Siemens, which one parameter of the model is set by; 0 is an open cell.

        Raises
        ------
        InputError
            A conductance is out of the range that the model gives.
        """
        model = self._model()
        closed = conductance[conductance > 0.0]  # open cells are open whatever the law
        for siemens in (closed.min(), closed.max()) if closed.size else ():
            model.check_values({self.ohms: 1.0 / siemens} if self.ohms else {self.siemens: float(siemens)})
        cells = replace(super().cells(conductance), address=model.laws.static, owner=model)
        check_at_rest(cells)
        return cells


def _taker(file: ModelFile, name: str) -> str:
    """Return the parameter that takes a cell's conductance."""
    if name or file.module.parameter(_USUAL):
        return file.parameter(name or _USUAL).name
    names = ", ".join(entry.name for entry in file.module.parameters)
    raise InputError(
        f"the Verilog-A model {file.module.name} has no parameter {_USUAL!r}: say which takes a cell's conductance, by "
        f"siemens, or its resistance, by ohms, of {names}"
    )
