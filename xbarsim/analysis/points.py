"""An analysis as operating points: what its sources are at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xbarsim.crossbar import Array
from xbarsim.netlist.analyses import Dc, Op, Tran
from xbarsim.netlist.element_kinds import values_at_dc
from xbarsim.netlist.read_circuit import ReadCircuit

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Points:
    """The settings of a circuit's sources at an analysis's points.

    ``varying`` maps elements to their values (points,); all others keep the circuit's.
    """

    kind: str
    sweep: list[tuple[str, Array]]
    count: int
    varying: dict[int, Array]

    def values(self, circuit: ReadCircuit, elements: Ints) -> Array:
        """Values (points, elements) of some elements.

        Parameters
        ----------
        circuit : ReadCircuit
            Whose sources' values count where they do not vary.
        elements : array of int
            Their numbers.
        """
        table = np.tile(values_at_dc(circuit.kinds, circuit.values)[elements], (self.count, 1))
        for k, element in enumerate(elements.tolist()):
            if element in self.varying:
                table[:, k] = self.varying[element]
        return table


def points_of(circuit: ReadCircuit, analysis: Op | Dc | Tran) -> Points:
    """Lay out an analysis as operating points.

    Parameters
    ----------
    circuit : ReadCircuit
        Whose sources are swept.
    analysis : Op, Dc or Tran
        What a card asks for.
    """
    if isinstance(analysis, Dc):
        sweep = [
            (circuit.names[source.element], np.asarray(source.values, dtype=np.float64)) for source in analysis.sweeps
        ]
        count = int(np.prod([values.size for _, values in sweep]))
        varying, inner = {}, 1
        for source, (_, values) in zip(analysis.sweeps, sweep, strict=True):
            varying[source.element] = np.tile(np.repeat(values, inner), count // (inner * values.size))
            inner *= values.size
        return Points("dc", sweep, count, varying)
    if isinstance(analysis, Tran):
        times = np.asarray(analysis.times, dtype=np.float64)
        with np.errstate(all="ignore"):  # a slope of 1e300 V/s is a step
            varying = {element: np.asarray(wave.at(times)) for element, wave in circuit.waves.items()}
        for element, values in varying.items():
            if not np.isfinite(values).all():
                raise circuit.error(f"{circuit.names[element]} has no finite value at some time", element)
        return Points("tran", [("time", times)], times.size, varying)
    return Points("op", [], 1, {})
