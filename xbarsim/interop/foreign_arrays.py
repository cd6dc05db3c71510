"""Conductances out of other simulators' models: CrossSim's cores, AIHWKIT's analog layers.

Nothing of theirs is imported: a model is asked for the attributes that its sources have, and what it lacks is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, checked_array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.interop.matrix_core import CorePair
from xbarsim.solvers.solve import solve

_MICRO = 1e-6


@dataclass(frozen=True, eq=False)
class ForeignArrays:
    """The pairs of arrays of a model's layer.

    Attributes
    ----------
    pairs : tuple of CorePair
        The arrays: rows are the layer's inputs, columns its outputs.
    unit : float
        What a difference of currents, in amperes for inputs in volts, is multiplied with to be the layer's output.
    shape : (inputs, outputs)
        Of the layer's matrix.
    """

    pairs: tuple[CorePair, ...]
    unit: float
    shape: tuple[int, int]

    def outputs(self, inputs: ArrayLike) -> Array:
        """Return the layer's outputs by exact solves of its circuits, without bias, (outputs,) or (batch, outputs).

        Parameters
        ----------
        inputs : array_like, (inputs,) or (batch, inputs)
            The layer's inputs, taken as volts.

        Raises
        ------
        InputError, SolveError
            As ``xbarsim.solve``.
        """
        x = checked_array("inputs", inputs, signed=True)
        if x.ndim not in (1, 2) or x.shape[-1] != self.shape[0]:
            raise InputError(f"inputs has shape {x.shape}: it must be ({self.shape[0]},) or (batch, {self.shape[0]})")
        total = np.zeros((*x.shape[:-1], self.shape[1]))
        for pair in self.pairs:
            rows, cols = pair.positive.shape
            volts = x[..., pair.row : pair.row + rows]
            difference = solve(pair.positive, volts).currents - solve(pair.negative, volts).currents
            total[..., pair.col : pair.col + cols] += difference * self.unit
        return total


def crosssim_arrays(core: Any, *, row_terminal: str = "ends") -> ForeignArrays:
    """Return the arrays of a CrossSim ``AnalogCore`` as they are programmed, with its parasitic resistances.

    Source: CrossSim 3.2, ``simulator/cores/balanced_core.py`` and ``parameters/xbar_parameters.py``.

    Parameters
    ----------
    core : AnalogCore
        With cores of the BALANCED style whose current comes from the input lines.
    row_terminal : {"ends", "row-0"}
        As ``Crossbar.from_crosssim`` has it.

    Raises
    ------
    InputError
        The core is of another style, or lacks an attribute that CrossSim 3.2's have.
    """
    params = _attribute(core, "params", "core")
    if _attribute(params, "core.balanced.interleaved_posneg", "core.params"):
        raise InputError("core interleaves positive and negative cells on one line: it is no pair of crossbars")
    parasitics = _attribute(params, "xbar.array.parasitics", "core.params")
    if not _attribute(parasitics, "current_from_input", "core.params.xbar.array.parasitics"):
        raise InputError("core's current comes from lines of its own, not from the inputs: it is no crossbar")
    minimum = float(_attribute(params, "xbar.device.Rmin", "core.params"))
    names = ("Rp_row", "Rp_col", "Rp_row_terminal", "Rp_col_terminal")
    enabled = bool(getattr(parasitics, "enable", True))
    wires = {name: float(_attribute(parasitics, name, "parasitics")) if enabled else 0.0 for name in names}
    pairs: list[CorePair] = []
    column, units = 0, []
    for part in _attribute(core, "cores", "core"):
        row = outputs = 0
        for inner in part:
            halves = []
            for half in ("core_pos", "core_neg"):
                if not hasattr(inner, half):
                    raise InputError(
                        f"core holds a {type(inner).__name__}, without {half}: crosssim_arrays takes the BALANCED style"
                    )
                matrix = np.asarray(_attribute(getattr(inner, half), "_read_matrix", half)(), dtype=np.float64)
                halves.append(
                    Crossbar.from_crosssim(matrix, Rmin=minimum, **wires, row_terminal=row_terminal)  # type: ignore[arg-type]
                )
            pairs.append(CorePair(row, column, *halves))
            rows, outputs = halves[0].shape
            row += rows
            units.append(minimum * float(inner.max) / float(_attribute(params, "xbar.device.Grange_norm", "params")))
        column += outputs
    if np.ptp(units) > 1e-12 * max(units):
        raise InputError("core's parts have scales of their own: they are no one matrix")
    return ForeignArrays(tuple(pairs), units[0], (row, column))


def aihwkit_arrays(
    layer: Any,
    converter: Any,
    *,
    word_wire: float = 0.0,
    bit_wire: float = 0.0,
    driver: float = 0.0,
    sense: float = 0.0,
) -> ForeignArrays:
    """Return the pair of arrays that an AIHWKIT layer or tile is programmed into; AIHWKIT itself has no such circuit.

    Source: AIHWKIT 1.2, ``inference/converter/conductance.py``: ``convert_to_conductances(weights)`` gives
    conductances in microsiemens, (outputs, inputs) each, and ``scale_ratio`` with ``g = g_min + scale_ratio |w|``.

    Parameters
    ----------
    layer : layer or tile
        What has ``get_weights()``.
    converter : BaseConductanceConverter
        Of a single pair of cells a weight, as ``SinglePairConductanceConverter(g_max=25.0)``.
    word_wire, bit_wire, driver, sense : float
        Ohms, as those of ``Crossbar``.

    Raises
    ------
    InputError
        The layer gives no weights, the converter not one pair, or an attribute is missing.
    """
    weights = _attribute(layer, "get_weights", "layer")()
    weights = weights[0] if isinstance(weights, tuple) else weights
    conductances, facts = _attribute(converter, "convert_to_conductances", "converter")(weights)
    if not isinstance(conductances, Sequence) or len(conductances) != 2 or "scale_ratio" not in facts:
        raise InputError(f"converter {converter} does not give one pair a weight: take SinglePairConductanceConverter")
    wires: dict[str, Any] = {"word_wire": word_wire, "bit_wire": bit_wire, "driver": driver, "sense": sense}
    halves = [Crossbar(_numbers(half).T * _MICRO, **wires) for half in conductances]
    unit = 1.0 / (float(facts["scale_ratio"]) * _MICRO)
    return ForeignArrays((CorePair(0, 0, *halves),), unit, halves[0].shape)


def _numbers(tensor: Any) -> Array:
    """Return a tensor, wherever it is and whatever follows its gradient, as an array."""
    for step in ("detach", "cpu"):
        tensor = getattr(tensor, step, lambda tensor=tensor: tensor)()
    return np.asarray(tensor, dtype=np.float64)


def _attribute(thing: Any, path: str, name: str) -> Any:
    """Return an attribute of an attribute, or say which is missing."""
    for part in path.split("."):
        if not hasattr(thing, part):
            kind = type(thing).__name__
            raise InputError(f"{name} is a {kind}, without {part!r}: it is of another kind or version than this reads")
        thing = getattr(thing, part)
    return thing
