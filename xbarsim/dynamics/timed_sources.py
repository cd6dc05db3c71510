"""The right-hand side in time: what independent sources give, and when it has a corner."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import scipy.sparse as sp

from xbarsim.errors import SolveError
from xbarsim.mna import System
from xbarsim.netlist.element_kinds import CURRENT, fixes_voltage
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.nonlinear.part import Floats
from xbarsim.waves import Piecewise, Wave

_WINDOW = 16
"""Largest steps that corners are looked for ahead: a fast pulse has too many to list them all."""

_FULL = 4096
"""Entries up to which a full matrix is quicker than a sparse one."""


class TimedSources:
    """A circuit's sources.

    Parameters
    ----------
    circuit : FlatCircuit
        The circuit.
    system : mna.System
        Its equations.
    """

    def __init__(self, circuit: FlatCircuit, system: System) -> None:
        self._circuit = circuit
        self._elements = np.array(sorted(circuit.waves), dtype=np.int64)
        self._bank = _WaveBank([circuit.waves[k] for k in self._elements.tolist()])
        network, unknowns = system.network, system.unknowns
        volts, amperes = network.voltages.value.copy(), network.currents.value.copy()
        columns, signs, rows = [], [], []
        fixing, feeding = (
            dict(zip(np.flatnonzero(mask).tolist(), range(circuit.kinds.size), strict=False))
            for mask in (fixes_voltage(circuit.kinds), circuit.kinds == CURRENT)
        )
        for column, element in enumerate(self._elements.tolist()):
            if element in fixing:
                number = fixing[element]
                volts[number] = 0.0
                places, sign = np.array([unknowns.nodes - 1 + number]), np.ones(1)
            else:
                number = feeding[element]
                amperes[number] = 0.0
                pair = unknowns.pairs(network.currents.a[[number]], network.currents.b[[number]]).tocoo()
                places, sign = pair.col.astype(np.int64), -pair.data
            rows.append(places)
            signs.append(sign)
            columns.append(np.full(places.size, column))
        self._constant = system.right(volts[:, None], amperes[:, None])[:, 0]
        shape = system.size, self._elements.size
        entries = [
            np.concatenate([np.zeros(0, kind), *part]) for kind, part in ((float, signs), (int, rows), (int, columns))
        ]
        varying = sp.csr_array((entries[0], (entries[1], entries[2])), shape)
        self._varying = varying.toarray() if math.prod(shape) <= _FULL else varying

    def right(self, time: float) -> Floats:
        """Return the right-hand side (size, 1) at a time.

        Parameters
        ----------
        time : float
            Seconds from the run's begin.

        Raises
        ------
        SolveError
            A wave has no finite value.
        """
        if not self._elements.size:
            return self._constant[:, None]
        values = self._bank.at(time)
        if not np.isfinite(values).all():
            element = int(self._elements[np.flatnonzero(~np.isfinite(values))[0]])
            name, where = self._circuit.names[element], self._circuit.where(element)
            raise SolveError(f"{where}: {name} has no finite value at {time:.9g} s")
        return np.asarray(self._constant + self._varying @ values)[:, None]

    def corners(self, stop: float, largest: float, law_times: Floats) -> Iterator[float]:
        """Give the times in (0, stop) where a wave has a corner, and ``law_times``, in order; ``stop`` is the last.

        Parameters
        ----------
        stop : float
            Seconds at which the run ends.
        largest : float
            Seconds of the longest step, which says how far to look ahead.
        law_times : (count,) array
            Seconds of the corners of laws, in order.
        """
        start, window = 0.0, _WINDOW * largest
        while start < stop:
            end = min(start + window, stop)
            times = [wave.corners(start, end) for wave in self._bank.unlike]
            near = np.unique(np.concatenate([law_times, *times]))
            yield from near[(near > start) & (near <= end) & (near < stop)].tolist()
            start = end
        yield stop


class _WaveBank:
    """Many waves at one time: those of a kind together, equal ones once."""

    def __init__(self, waves: list[Wave]) -> None:
        numbers: dict[Any, int] = {}
        self._of = np.array(
            [numbers.setdefault(id(wave) if isinstance(wave, Piecewise) else wave, len(numbers)) for wave in waves],
            dtype=np.int64,
        )
        first = dict(zip(self._of.tolist()[::-1], waves[::-1], strict=True))
        self.unlike = [first[k] for k in range(len(numbers))]
        kinds: dict[type, list[int]] = defaultdict(list)
        self._groups: list[tuple[np.ndarray[Any, np.dtype[np.int64]], Wave]] = []
        for k, wave in enumerate(self.unlike):
            if isinstance(wave, Piecewise):
                self._groups.append((np.array([k]), wave))
            else:
                kinds[type(wave)].append(k)
        for kind, places in kinds.items():
            names = [field.name for field in fields(kind)]
            columns = {name: np.array([getattr(self.unlike[k], name) for k in places]) for name in names}
            self._groups.append((np.array(places), kind(**columns)))

    def at(self, time: float) -> Floats:
        """Return all waves' values."""
        values = np.empty(len(self.unlike))
        for places, wave in self._groups:
            values[places] = wave.at(np.array([time]))
        return values[self._of]
