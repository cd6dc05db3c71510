"""What one analysis of a netlist or a crossbar gave: names, and numbers for each of its points."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from xbarsim.crossbar import Array, Crossbar


@dataclass(frozen=True)
class CrossbarPoint:
    """The crossbar's own view of an operating point, for pictures.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit.
    voltages : (rows,)
        Volts of the word_left sources.
    word, bit : (rows, cols)
        Node voltages.
    through : (rows, cols), optional
        Amperes through the cells, where the solver had them.
    """

    crossbar: Crossbar
    voltages: Array
    word: Array
    bit: Array
    through: Array | None = None

    def device_currents(self) -> Array:
        """Amperes through the cells, from word to bit line; by their law where the solver had none."""
        if self.through is not None:
            return self.through
        return self.crossbar.device.current(self.crossbar.conductance, self.word, self.bit)


@dataclass(frozen=True)
class Integration:
    """How a run in time went.

    Attributes
    ----------
    accepted, rejected : int
        Steps that count, and steps that were taken again.
    complete : bool
        Whether it came to its end.
    problem : str
        Why it did not.
    """

    accepted: int
    rejected: int
    complete: bool = True
    problem: str = ""


@dataclass(frozen=True)
class AnalysisResult:
    """One analysis.

    Attributes
    ----------
    kind : str
        ``op``, ``dc`` or ``tran``.
    sweep : list of (name, values)
        Swept sources with their values, the first fastest; ``time`` for ``tran``; empty for ``op``.
    nodes, voltages : list of str, (points, nodes)
        Node names in lower case without ground, and their volts.
    branches, currents : list of str, (points, branches)
        Elements that have a branch current, and it in amperes, positive into the + terminal.
    outputs, output_currents : list of str, (points, cols)
        The crossbar's outputs; empty if the circuit is none.
    ideal : (points, cols) or None
        What the outputs would be without wires and ends, where that is a plain product.
    power : (points,)
        Watts that the sources deliver.
    residual : float
        The worst over the points: of a crossbar a bound of its end currents' errors, of a network what voltages and
        source currents may be off by, each relative to the largest.
    how : str
        The method, and what it took.
    state : CrossbarPoint or None
        For one operating point of a crossbar.
    measures : dict of str to float or list of float
        What ``.measure`` cards read off it; of a repeated analysis one for each run, NaN where it cannot be taken.
    altered : dict of str to float
        What a ``.control`` block had set anew by then.
    units : dict of str to str
        The units of swept quantities that are no sources: ``ohm``, ``°C``, or empty where there is none.
    failed : dict of str to str
        Measures that could not be taken, and why.
    printed : dict of str to (points,)
        What cards ask for beyond voltages of nodes and currents of branches, like ``v(a,b)``.
    readings : dict of str to (points,)
        Quantities that cards and measures ask for, by their texts.
    repeats : int
        How many of the slowest sweeps repeat the analysis, as those of ``.step`` and Monte Carlo do.
    integration : Integration, optional
        Of a circuit with memory: how its runs went.
    internal : tuple of AnalysisResult
        Its runs at the integrator's own points, one for each point of what varies beside time; those above are at the
        times that ``.tran`` prints, and NaN where a run did not come to them.
    inside : tuple of (rows, cols)
        Arrays inside a circuit that is no crossbar, which were solved by their line ends.
    """

    kind: str
    sweep: list[tuple[str, Array]]
    nodes: list[str]
    voltages: Array
    branches: list[str]
    currents: Array
    power: Array
    residual: float
    how: str
    outputs: list[str] = field(default_factory=list)
    output_currents: Array = field(default_factory=lambda: np.zeros((0, 0)))
    ideal: Array | None = None
    state: CrossbarPoint | None = None
    measures: dict[str, float | list[float]] = field(default_factory=dict)
    altered: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    printed: dict[str, Array] = field(default_factory=dict)
    readings: dict[str, Array] = field(default_factory=dict)
    repeats: int = 0
    integration: Integration | None = None
    internal: tuple[AnalysisResult, ...] = ()
    inside: tuple[tuple[int, int], ...] = ()

    @property
    def measured(self) -> AnalysisResult:
        """What measures of a single run are read off: its own points, where there are such."""
        return self.internal[0] if len(self.internal) == 1 else self

    @property
    def points(self) -> int:
        """How many operating points there are."""
        return int(self.voltages.shape[0])

    def unit(self, name: str) -> str:
        """Return the unit of a swept quantity."""
        if self.kind == "tran" and name == "time":
            return "s"
        return self.units.get(name, "A" if name.rsplit(".", 1)[-1].startswith("i") else "V")

    def axes(self) -> list[tuple[str, Array]]:
        """Return each swept quantity with its value at every point."""
        return self.columns(self.sweep, self.points)

    def runs(self) -> Iterator[tuple[dict[str, float], AnalysisResult]]:
        """Yield each run of a repeated analysis: the values that it was made at, and its own result."""
        inner = len(self.sweep) - self.repeats
        size = math.prod(values.size for _, values in self.sweep[:inner])
        axes = self.axes()[inner:]
        for number, start in enumerate(range(0, self.points, size)):
            at = {name: float(column[start]) for name, column in axes}
            if self.internal:
                yield at, replace(self.internal[number], measures={}, failed={})
                continue
            points = slice(start, start + size)
            run = replace(
                self,
                kind=self.kind if inner else "op",
                sweep=self.sweep[:inner],
                voltages=self.voltages[points],
                currents=self.currents[points],
                power=self.power[points],
                readings={text: column[points] for text, column in self.readings.items()},
                measures={},
                failed={},
                repeats=0,
            )
            yield at, run

    @staticmethod
    def columns(sweep: list[tuple[str, Array]], points: int) -> list[tuple[str, Array]]:
        """Return each swept quantity with its value at every point, the first one the fastest.

        Parameters
        ----------
        sweep : list of (str, (count,) array)
            Names and values, the fastest first.
        points : int
            How many there are in all.
        """
        columns = []
        inner = 1
        for name, values in sweep:
            columns.append((name, np.tile(np.repeat(values, inner), points // (inner * values.size))))
            inner *= values.size
        return columns

    def only_nodes(self, patterns: tuple[str, ...]) -> AnalysisResult:
        """Keep the node voltages whose names match any of the patterns (``*``, ``?``, any case)."""
        columns = [
            k for k, name in enumerate(self.nodes) if any(fnmatch.fnmatchcase(name, p.lower()) for p in patterns)
        ]
        internal = tuple(run.only_nodes(patterns) for run in self.internal)
        nodes = [self.nodes[k] for k in columns]
        return replace(self, nodes=nodes, voltages=self.voltages[:, columns], internal=internal)
