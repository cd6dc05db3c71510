"""What is kept of a crossbar's way through time, and how it is handed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import checked_array
from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.errors import InputError
from xbarsim.plot.panels import curves
from xbarsim.resources import check_memory
from xbarsim.transient.point_rows import PointRows
from xbarsim.transient.stepper import Stepper
from xbarsim.views.labelled import LabelledArray, data_frame, dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame
    from xarray import Dataset

NodeName = tuple[Literal["word", "bit"], int, int]


@dataclass(frozen=True)
class Recording:
    """What to keep besides the final states.

    Attributes
    ----------
    currents : bool or sequence of sides
        End currents at each step: of all sides, of some, or of none.
    cells : sequence of (row, column)
        Cells whose states, volts and currents are kept at each step.
    node_voltages : sequence of ("word" or "bit", row, column)
        Nodes whose volts are kept at each step.
    states_at : array_like, (times,)
        Seconds at which all states are kept; steps end there.
    cell_energy : bool
        Whether to add up what each cell dissipates.
    """

    currents: bool | Sequence[Side] = True
    cells: Sequence[tuple[int, int]] = ()
    node_voltages: Sequence[NodeName] = ()
    states_at: ArrayLike = ()
    cell_energy: bool = False

    def sides(self) -> tuple[Side, ...]:
        """Return the sides whose currents are kept; InputError where one is none."""
        if isinstance(self.currents, bool):
            return SIDES if self.currents else ()
        for side in self.currents:
            if side not in SIDES:
                raise InputError(f"record.currents has {side!r}: sides are {', '.join(SIDES)}")
        return tuple(self.currents)

    def times(self, start: float, stop: float) -> Array:
        """Return ``states_at`` in order.

        Parameters
        ----------
        start, stop : float
            Seconds between which they are.

        Raises
        ------
        InputError
            A time is not within [start, stop].
        """
        times = np.unique(checked_array("record.states_at", self.states_at, signed=True))
        outside = (times < start) | (times > stop)
        if outside.any():
            raise InputError(
                f"record.states_at has {times[outside][0]:g} s: it must be within {start:g} and {stop:g} s"
            )
        return times


@dataclass(frozen=True, repr=False)
class CrossbarTransient:
    """A crossbar's way through time.

    Attributes
    ----------
    crossbar : Crossbar
        The circuit.
    times : (points,)
        Seconds: the start, and each step's end.
    end_currents : dict of side to (points, lines)
        Amperes out of the array, of the sides that were recorded.
    cell_states, cell_voltages, cell_currents : (points, cells)
        Of the cells that were recorded; states are 0 where there are none.
    node_voltages : (points, nodes)
        Volts of the nodes that were recorded.
    snapshot_times, snapshots : (times,), (times, rows, cols)
        All states at the times that were asked for.
    states : (rows, cols) or None
        All states at the end; None for cells without any.
    source_energy : dict of side to (lines,)
        Joules that each source delivered.
    cell_energy : (rows, cols) or None
        Joules that each cell dissipated, if asked for.
    stored_energy : float
        Joules that the capacitances have taken since the start.
    accepted, rejected, iterations, passes : int
        Steps, Newton's steps in them, and passes of the linear solver.
    residual : float
        Largest bound of an end current's error at any stage of an accepted step, as a part of the largest current.
    complete : bool
        Whether the stop was reached.
    """

    crossbar: Crossbar
    times: Array
    end_currents: dict[Side, Array]
    cell_states: Array
    cell_voltages: Array
    cell_currents: Array
    node_voltages: Array
    snapshot_times: Array
    snapshots: Array
    states: Array | None
    source_energy: dict[Side, Array]
    cell_energy: Array | None
    stored_energy: float
    accepted: int
    rejected: int
    iterations: int
    passes: int
    residual: float
    complete: bool

    @property
    def currents(self) -> Array:
        """Output currents (points, cols) in amperes: those at ``bit_bottom``; InputError if not recorded."""
        if "bit_bottom" not in self.end_currents:
            raise InputError("the currents at bit_bottom were not recorded: see Recording.currents")
        return self.end_currents["bit_bottom"]

    @property
    def conductance(self) -> Array:
        """Siemens of the cells at the end (rows, cols)."""
        if self.states is None:
            return self.crossbar.conductance
        siemens: Array = self.crossbar.device.conductance(self.states)  # type: ignore[attr-defined]
        return siemens

    def to_pandas(self) -> DataFrame:
        """Return the recorded currents as a pandas DataFrame, a row a step: ``time``, then ``bit_bottom[0]`` and so on.

        Raises
        ------
        InputError
            pandas is not installed.
        """
        columns = {f"{side}[{k}]": line for side, table in self.end_currents.items() for k, line in enumerate(table.T)}
        return data_frame({"time": self.times, **columns}, {"time": "s", **dict.fromkeys(columns, "A")})

    def to_xarray(self) -> Dataset:
        """Return what was recorded as an xarray Dataset over ``time``, ``word`` and ``bit``, with units.

        Recorded cells and nodes are counted in the order of the recording, on ``cell`` and ``node``; all states at
        certain times are ``states``, over ``snapshot_time``.

        Raises
        ------
        InputError
            xarray is not installed.
        """
        arrays = {
            f"{side}_currents": LabelledArray(("time", side.split("_")[0]), table, "A", f"current out at {side}")
            for side, table in self.end_currents.items()
        }
        of_cells = (("states", "", "state"), ("voltages", "V", "voltage"), ("currents", "A", "current"))
        for name, unit, meaning in of_cells:
            values = getattr(self, f"cell_{name}")
            arrays[f"cell_{name}"] = LabelledArray(("time", "cell"), values, unit, f"{meaning} of a recorded cell")
        arrays["node_voltages"] = LabelledArray(("time", "node"), self.node_voltages, "V", "voltage of a recorded node")
        if self.snapshots.size:
            dims = ("snapshot_time", "word", "bit")
            arrays["states"] = LabelledArray(dims, self.snapshots, "", "states of all cells")
        if self.cell_energy is not None:
            arrays["cell_energy"] = LabelledArray(
                ("word", "bit"), self.cell_energy, "J", "energy that a cell dissipated"
            )
        coords = {"time": LabelledArray(("time",), self.times, "s", "time")}
        if self.snapshots.size:
            coords["snapshot_time"] = LabelledArray(("snapshot_time",), self.snapshot_times, "s", "time")
        return dataset(arrays, {"residual": self.residual, "complete": int(self.complete)}, coords)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the output currents over time (matplotlib, from the ``plot`` extra); return the axis.

        Parameters
        ----------
        ax : Axes, optional
            Where to; pyplot's current axis.

        Raises
        ------
        InputError
            matplotlib is not installed, or the currents at ``bit_bottom`` were not recorded.
        """
        columns = {f"column {k}": line for k, line in enumerate(self.currents.T)}
        return curves(self.times, columns, ax, xlabel="time (s)", title="Output currents")

    def __repr__(self) -> str:
        rows, cols = self.crossbar.shape
        last = self.times[-1] if self.times.size else np.nan
        return (
            f"CrossbarTransient({rows} x {cols}, {self.times.size} points to {last:.6g} s, accepted={self.accepted}, "
            f"rejected={self.rejected}, residual={self.residual:.1e}, complete={self.complete})"
        )


@dataclass
class CrossbarRecorder:
    """Keeps what was asked for as a stepper goes on."""

    stepper: Stepper
    recording: Recording
    start: float
    stop: float
    _snapshots: list[tuple[float, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows, cols = self.stepper.crossbar.shape
        self._sides = self.recording.sides()
        self.pending = list(self.recording.times(self.start, self.stop))
        self._cells = _places("cells", [tuple(cell) for cell in self.recording.cells], rows, cols)
        nodes = list(self.recording.node_voltages)
        for node in nodes:
            if len(node) != 3 or node[0] not in ("word", "bit"):
                raise InputError(f'record.node_voltages has {node!r}: give ("word", row, column) or ("bit", ...)')
        self._nodes = _places("node_voltages", [node[1:] for node in nodes], rows, cols)
        self._of_word = np.array([node[0] == "word" for node in nodes], dtype=bool)
        lines = {side: volts.size for side, volts in self.stepper.volts.items()}
        few = self._cells[0].size
        widths = [1, *(lines[side] for side in self._sides), few, few, few, len(nodes)]
        self._stops = np.cumsum(widths)
        # No step is longer than max_step, and half of what is left is the least that ends a piece.
        self._rows = PointRows(int(self._stops[-1]), 1.0 + (self.stop - self.start) / self.stepper.max_step)
        check_memory(
            16.0 * rows * cols * len(self.pending), f"recording the states of {rows} x {cols} cells at "
            f"{len(self.pending)} times", "ask for fewer of them (Recording.states_at)",
        )  # fmt: skip
        self._stored = self.stepper.stored_energy
        self.stepper.keep_cell_energy = self.recording.cell_energy

    def point(self) -> None:
        """Keep the moment."""
        stepper, stages = self.stepper, self.stepper.stages
        parts = [np.array([stepper.time])]
        if self._sides:
            currents = stepper.end_currents
            parts += [currents[side] for side in self._sides]
        if self._cells[0].size:
            volts = stages.v[self._cells] - stages.u[self._cells]
            parts += [stages.x[self._cells], volts, stages.cells.i[self._cells]]
        if self._nodes[0].size:
            parts.append(np.where(self._of_word, stages.v[self._nodes], stages.u[self._nodes]))
        self._rows.add(*parts)
        while self.pending and self.pending[0] <= stepper.time:
            self._snapshots.append((self.pending.pop(0), stages.x.copy()))

    def result(self, *, complete: bool) -> CrossbarTransient:
        """Hand out what was kept."""
        stepper = self.stepper
        times, *columns = np.split(self._rows.table(), self._stops[:-1], axis=1)
        currents = dict(zip(self._sides, columns, strict=False))
        cell_states, cell_voltages, cell_currents, node_voltages = columns[len(self._sides) :]
        shape = stepper.crossbar.shape
        return CrossbarTransient(
            crossbar=stepper.crossbar,
            times=times[:, 0].copy(),
            end_currents=currents,
            cell_states=cell_states,
            cell_voltages=cell_voltages,
            cell_currents=cell_currents,
            node_voltages=node_voltages,
            snapshot_times=np.array([time for time, _ in self._snapshots]),
            snapshots=np.array([states for _, states in self._snapshots]).reshape(-1, *shape),
            states=stepper.states.copy() if stepper.cells.dynamic else None,
            source_energy={side: joules.copy() for side, joules in stepper.source_energy.items()},
            cell_energy=stepper.cell_energy.copy() if self.recording.cell_energy else None,
            stored_energy=stepper.stored_energy - self._stored,
            accepted=stepper.accepted,
            rejected=stepper.rejected,
            iterations=stepper.stages.iterations,
            passes=stepper.stages.passes,
            residual=stepper.residual,
            complete=complete,
        )


def _places(name: str, places: Sequence[tuple[Any, ...]], rows: int, cols: int) -> tuple[Any, Any]:
    """Return rows and columns of cells or nodes, checked."""
    for place in places:
        if len(place) != 2 or not (0 <= place[0] < rows and 0 <= place[1] < cols):
            raise InputError(f"record.{name} has {place!r}: places are (0, 0) to ({rows - 1}, {cols - 1})")
    return np.array([p[0] for p in places], dtype=np.int64), np.array([p[1] for p in places], dtype=np.int64)
