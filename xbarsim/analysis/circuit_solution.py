"""What ``Circuit.solve`` returns: each analysis of a netlist, its voltages and currents by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from xbarsim.errors import InputError
from xbarsim.netlist.suggest import closest
from xbarsim.plot.panels import curves
from xbarsim.views.labelled import LabelledArray, data_frame, dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
    from xarray import Dataset

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SolvedAnalysis:
    """One analysis of a netlist.

    Attributes
    ----------
    kind : str
        ``op``, ``dc`` or ``tran``.
    sweep : dict of str to (points,) array
        What is swept, with its value at every point, the first the fastest: sources in volts or amperes, parameters,
        ``time`` in seconds. Empty for an operating point.
    node_voltages : dict of str to float or (points,) array
        Volts by node, in lower case, without ground; a number for an operating point.
    source_currents : dict of str to float or (points,) array
        Amperes by element with a branch current, positive into the + terminal.
    power : float or (points,) array
        Watts that the sources deliver.
    residual : float
        What voltages and currents may be off by, relative to the largest of their kind; the worst over the points.
    method : str
        How it was solved, and what it took.
    measures : dict of str to float or list of float
        What ``.measure`` cards read off it.
    """

    kind: str
    sweep: dict[str, Array]
    node_voltages: dict[str, float | Array]
    source_currents: dict[str, float | Array]
    power: float | Array
    residual: float
    method: str
    measures: Mapping[str, float | list[float]]
    _read: Callable[[str], Array]
    _units: Mapping[str, str]

    def voltage(self, node: str, reference: str = "0") -> float | Array:
        """Return the volts of a node, over those of another where that is given.

        Parameters
        ----------
        node, reference : str
            Names as the netlist has them, in any case; ``0`` and ``gnd`` are ground.

        Returns
        -------
        float or (points,) array
            Volts; a number for an operating point.

        Raises
        ------
        InputError
            The netlist has no such node.
        """
        return self._of(node) - self._of(reference)

    def current(self, element: str) -> float | Array:
        """Return the amperes through an element, positive into its first terminal.

        Sources and inductors have theirs from the solution, resistors and others from their laws.

        Raises
        ------
        InputError
            The netlist has no such element, or its current is not to be had.
        """
        name = element.lower()
        if name in self.source_currents:
            return self.source_currents[name]
        return self.read(f"i({name})")

    def read(self, expression: str) -> float | Array:
        """Return an expression as ``.print`` takes it, ``v(a,b)*i(v1)``, at every point.

        Raises
        ------
        InputError
            It is no expression, or a name in it is unknown.
        """
        values = self._read(expression.lower())
        return values if self.sweep else float(values[0])

    def to_pandas(self) -> DataFrame:
        """Return a pandas DataFrame, a row for each point: what is swept, then ``v(node)`` and ``i(element)``.

        Raises
        ------
        InputError
            pandas is not installed.
        """
        columns = {name: array.values for name, array in self._arrays().items()}
        units = {name: array.unit for name, array in self._arrays().items()}
        return data_frame(self.sweep | columns, units)

    def to_xarray(self) -> Dataset:
        """Return an xarray Dataset over what is swept, the slowest first: ``v(node)``, ``i(element)`` and ``power``.

        Raises
        ------
        InputError
            xarray is not installed.
        """
        axes = {name: np.array(list(dict.fromkeys(values.tolist()))) for name, values in reversed(self.sweep.items())}
        shape = tuple(values.size for values in axes.values())
        points = next(iter(self.sweep.values())).size if self.sweep else 1
        if points != int(np.prod(shape)):  # a source that takes a value twice
            axes = {"point": np.arange(points)}
            shape = (points,)
        arrays = {
            name: LabelledArray(tuple(axes), array.values.reshape(shape), array.unit, array.meaning)
            for name, array in self._arrays().items()
        }
        coords = {name: LabelledArray((name,), values, "", name) for name, values in axes.items()}
        return dataset(arrays, {"kind": self.kind, "method": self.method, "residual": self.residual}, coords)

    def plot(self, *expressions: str, ax: Axes | None = None) -> Axes:
        """Draw quantities over what is swept (matplotlib, from the ``plot`` extra), ``plot("v(out)", "v(a,b)")``.

        Parameters
        ----------
        *expressions : str
            As ``read`` takes them; none: all currents of sources.
        ax : Axes, optional
            Where to; pyplot's current axis.

        Returns
        -------
        Axes
            With a curve for each quantity.

        Raises
        ------
        InputError
            Nothing is swept, an expression is none, or matplotlib is not installed.
        """
        if not self.sweep:
            raise InputError("an operating point has no curve: plot draws sweeps and runs in time, .dc or .tran")
        texts = [text.lower() for text in expressions] or [f"i({name})" for name in self.source_currents]
        (name, x), *_ = self.sweep.items()
        # Each run of the fastest is a curve of its own: a gap keeps them apart.
        restarts = np.flatnonzero((np.diff(x) != 0) & (x[1:] == x[0])) + 1
        columns = {text: np.insert(np.atleast_1d(self.read(text)), restarts, np.nan) for text in texts}
        kinds = {text[:2] for text in texts}
        ylabel = {"v(": "V", "i(": "A"}.get(kinds.pop(), "") if len(kinds) == 1 else ""
        unit = self._units[name]
        xlabel = f"{name} ({unit})" if unit else name
        return curves(np.insert(x, restarts, np.nan), columns, ax, xlabel=xlabel, ylabel=ylabel)

    def _arrays(self) -> dict[str, LabelledArray]:
        """Return every quantity at every point."""
        arrays = {}
        for letter, unit, meaning, values in (
            ("v", "V", "voltage of node", self.node_voltages),
            ("i", "A", "current of", self.source_currents),
        ):
            for name, value in values.items():
                arrays[f"{letter}({name})"] = LabelledArray(("point",), np.atleast_1d(value), unit, f"{meaning} {name}")
        arrays["power"] = LabelledArray(("point",), np.atleast_1d(self.power), "W", "power that the sources deliver")
        return arrays

    def _of(self, node: str) -> float | Array:
        name = node.lower()
        if name in ("0", "gnd"):
            return 0.0
        if name not in self.node_voltages:
            close = closest(name, self.node_voltages)
            way = f"did you mean {close!r}?" if close else "node_voltages has all their names"
            raise InputError(f"the netlist has no node {node!r}: {way}")
        return self.node_voltages[name]

    def __repr__(self) -> str:
        points = f", {next(iter(self.sweep.values())).size} points over {', '.join(self.sweep)}" if self.sweep else ""
        return (
            f"SolvedAnalysis({self.kind}{points}, {len(self.node_voltages)} nodes, "
            f"{len(self.source_currents)} branch currents, residual={self.residual:.1e})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class CircuitSolution(Sequence[SolvedAnalysis]):
    """All analyses of a netlist, in its order; ``solution[0]`` is the first.

    ``node_voltages``, ``source_currents``, ``voltage`` and its like are those of the first.

    Attributes
    ----------
    title : str
        The netlist's.
    analyses : tuple of SolvedAnalysis
        One at least.
    recognised : str or None
        ``crossbar`` if the netlist was solved as one, else None.
    reason : str or None
        Why it is none.
    notes : tuple of str
        What a user should know, the reader's notes first.
    errors : tuple of str
        What was asked for and cannot be had beside an answer that is sound: measures, runs that ended early.
    """

    title: str
    analyses: tuple[SolvedAnalysis, ...]
    recognised: str | None
    reason: str | None
    notes: tuple[str, ...] = field(default=())
    errors: tuple[str, ...] = field(default=())

    @property
    def node_voltages(self) -> dict[str, float | Array]:
        """Volts by node, of the first analysis."""
        return self.analyses[0].node_voltages

    @property
    def source_currents(self) -> dict[str, float | Array]:
        """Amperes by element with a branch current, positive into the + terminal, of the first analysis."""
        return self.analyses[0].source_currents

    @property
    def power(self) -> float | Array:
        """Watts that the sources deliver, of the first analysis."""
        return self.analyses[0].power

    @property
    def residual(self) -> float:
        """The worst over the analyses, as :class:`SolvedAnalysis` has it."""
        return max(analysis.residual for analysis in self.analyses)

    def voltage(self, node: str, reference: str = "0") -> float | Array:
        """Return the volts of a node in the first analysis, as :meth:`SolvedAnalysis.voltage`.

        Parameters
        ----------
        node, reference : str
            Names of nodes; ``0`` is ground.
        """
        return self.analyses[0].voltage(node, reference)

    def current(self, element: str) -> float | Array:
        """Return the amperes through an element in the first analysis, as :meth:`SolvedAnalysis.current`."""
        return self.analyses[0].current(element)

    def read(self, expression: str) -> float | Array:
        """Return an expression in the first analysis, as :meth:`SolvedAnalysis.read`."""
        return self.analyses[0].read(expression)

    def plot(self, *expressions: str, ax: Axes | None = None) -> Axes:
        """Draw quantities of the first analysis and return the axis, as :meth:`SolvedAnalysis.plot`."""
        return self.analyses[0].plot(*expressions, ax=ax)

    def to_pandas(self) -> DataFrame:
        """Return the first analysis as a pandas DataFrame, as :meth:`SolvedAnalysis.to_pandas`."""
        return self.analyses[0].to_pandas()

    def to_xarray(self) -> Dataset:
        """Return the first analysis as an xarray Dataset, as :meth:`SolvedAnalysis.to_xarray`."""
        return self.analyses[0].to_xarray()

    @overload
    def __getitem__(self, number: int) -> SolvedAnalysis: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[SolvedAnalysis]: ...
    def __getitem__(self, number: int | slice) -> SolvedAnalysis | Sequence[SolvedAnalysis]:
        return self.analyses[number]

    def __len__(self) -> int:
        return len(self.analyses)

    def __iter__(self) -> Iterator[SolvedAnalysis]:
        return iter(self.analyses)

    def __repr__(self) -> str:
        solved = self.recognised or "network"
        return f"CircuitSolution({self.title!r}, {solved}, {', '.join(map(repr, self.analyses))})"
