"""Transients of circuits that are crossbars, by the crossbar's own steps in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from xbarsim.analysis.crossbar_starts import UnsuitedError, check_grounded, first_charges, first_states, line_waves
from xbarsim.analysis.node_table import NodeTable
from xbarsim.analysis.readout import asked_texts, with_readings
from xbarsim.analysis.results import AnalysisResult, Integration
from xbarsim.analysis.stop_wish import StopWish
from xbarsim.analysis.transients import announced, at_printed_times, recorded, source_power, steps_taken, wave_corners
from xbarsim.crossbar import Array, Crossbar
from xbarsim.errors import InputError, SolveError
from xbarsim.netlist.analyses import Transient
from xbarsim.netlist.element_kinds import fixes_voltage, is_hidden
from xbarsim.netlist.graph.written_motion import WrittenMotion
from xbarsim.netlist.read_circuit import ReadCircuit
from xbarsim.netlist.recognition_in_time import RecognitionInTime
from xbarsim.transient import CrossbarTransient, Stepper, simulate

_SHARE, _BENT_SHARE = 0.1, 1e-3
"""Of ``reltol``, which is what a whole run may be off by: what one step may be; where laws have corners, at which a
step's error is more than it seems, the second."""

_LARGEST_SHARE, _SMALLEST_SHARE = 0.1, 1e-10

_USUAL = 7.0
"""The ``trtol`` at which a run errs by about ``reltol``."""

_ROOM = 2.0
"""How far states are followed, times the largest that is known of."""

_WIDER, _TIGHTER = 8.0, 4.0
"""Times that size: what is tried where a state goes beyond it; and how much smaller all must stay to be run again."""

_ATTEMPTS = 6


_FEW_STEPS, _FEW_WRITTEN = 10_000, 2_000
"""Steps of cells that the general solver takes while kernels are loaded, or laws compiled that a netlist wrote."""


def stepping_is_slower(timed: RecognitionInTime, transient: Transient) -> bool:
    """Whether the general solver is done before the crossbar's own.

    Parameters
    ----------
    timed : RecognitionInTime
        The crossbar that the circuit is.
    transient : Transient
        How long it is to run, in which steps.
    """
    crossbar = timed.recognition.crossbar
    by_netlist = crossbar is not None and (timed.states is not None or crossbar.device.operations > 0)
    steps = (transient.stop - transient.start) / transient.longest
    return timed.recognition.word_nodes.size * steps < (_FEW_WRITTEN if by_netlist else _FEW_STEPS)


def solve_crossbar_in_time(
    circuit: ReadCircuit,
    timed: RecognitionInTime,
    transient: Transient,
    progress: Callable[[str], None],
    stop: StopWish,
) -> AnalysisResult | None:
    """Run a transient of what is a crossbar; None where its solver cannot, or does not come to the end.

    Parameters
    ----------
    circuit : ReadCircuit
        The netlist.
    timed : RecognitionInTime
        With its crossbar.
    transient : Transient
        From when to when.
    progress, stop
        As for ``solve_transient``.

    Returns
    -------
    AnalysisResult
        As that of ``solve_transient``.
    """
    try:
        run = _CrossbarRun(circuit, timed, transient, progress, stop)
        with stop.heeding():
            return run.result()
    except (UnsuitedError, SolveError, InputError):
        return None


class _CrossbarRun:
    """One transient of a crossbar."""

    def __init__(
        self,
        circuit: ReadCircuit,
        timed: RecognitionInTime,
        transient: Transient,
        progress: Callable[[str], None],
        stop: StopWish,
    ) -> None:
        self.circuit, self.timed, self.transient = circuit, timed, transient
        self.stop = stop
        assert timed.recognition.crossbar is not None
        self.crossbar: Crossbar = timed.recognition.crossbar
        self.top = 0.0
        self.tell = announced(progress, transient.stop)
        elements = np.flatnonzero(fixes_voltage(circuit.kinds))
        laws = [name for laws in circuit.behaviours if laws.output == "v" for name in laws.names]
        self.branches = [*(circuit.names[k] for k in elements.tolist()), *laws]
        self.keep = recorded(circuit, self.branches)
        self._check_asked()
        check_grounded(timed.recognition)
        self.waves = line_waves(circuit, timed.recognition)
        self.initial = first_states(circuit, timed, transient)
        self.start = first_charges(circuit, timed, transient)
        self.table = NodeTable(circuit, timed, self.keep[0], {self.branches[k] for k in self.keep[1].tolist()})

    def _check_asked(self) -> None:
        """Refuse what is asked for and cannot be read off voltages of nodes and currents of branches."""
        nodes = self.circuit.nodes[1:]
        empty = AnalysisResult(
            "tran", [("time", np.zeros(1))], nodes, np.zeros((1, len(nodes))), self.branches,
            np.zeros((1, len(self.branches))), np.zeros(1), 0.0, "", integration=Integration(0, 0),
        )  # fmt: skip
        with np.errstate(all="ignore"):
            at_hand = {*with_readings(self.circuit, empty).readings, *nodes}
        if not at_hand.issuperset(asked_texts(self.circuit)):
            raise UnsuitedError("something else is asked for")

    def result(self) -> AnalysisResult:
        run = self._whole() if self.initial is None else self._followed(self.initial)
        points = self._points(run)
        points = replace(points, power=source_power(self.circuit, points))
        points = with_readings(self.circuit, points)
        return at_printed_times(points, self.transient, wave_corners(self.circuit, self.transient))

    def _followed(self, initial: Array) -> CrossbarTransient:
        """Run with states of a size that turns out to be theirs."""
        device = self.crossbar.device
        assert isinstance(device, WrittenMotion)
        present = self.crossbar.conductance > 0
        size = float(np.abs(initial).max()) or 1.0
        for _ in range(_ATTEMPTS):
            reach = _ROOM * size
            cells = self.crossbar.with_cells(self.crossbar.conductance, device.within(reach, present))
            self.top = float(np.abs(initial).max())
            run = self._whole(cells, initial, reach)
            if self.stop.wished:
                return run
            if self.top >= reach:
                size *= _WIDER
            elif 0.0 < _TIGHTER * self.top < size:
                size = self.top
            else:
                return run
        raise UnsuitedError("states that run away")

    def _whole(
        self, crossbar: Crossbar | None = None, initial: Array | None = None, reach: float = np.inf
    ) -> CrossbarTransient:
        transient, timed = self.transient, self.timed
        tolerances = transient.tolerances
        device = self.crossbar.device
        part = _BENT_SHARE if isinstance(device, WrittenMotion) and device.bends else _SHARE
        share = part * tolerances.relative * tolerances.truncation / _USUAL

        def watch(stepper: Stepper) -> bool:
            self.tell(stepper.time / transient.stop)
            if initial is not None:
                self.top = max(self.top, float(np.abs(stepper.states).max()))
            return self.stop.wished or self.top >= reach

        run = simulate(
            crossbar or self.crossbar, self.waves, transient.stop, initial=self.start, initial_states=initial,
            word_capacitance=timed.word_farads, bit_capacitance=timed.bit_farads, cell_capacitance=timed.cell_farads,
            reltol=float(np.clip(share, _SMALLEST_SHARE, _LARGEST_SHARE)), max_step=transient.longest,
            record=self.table.recording(), watch=watch,
        )  # fmt: skip
        if not run.complete and not self.stop.wished and self.top < reach:
            raise UnsuitedError("it did not come to its end")
        return run

    def _points(self, run: CrossbarTransient) -> AnalysisResult:
        """Return a run in the netlist's names, at the steps' ends."""
        circuit = self.circuit
        nodes = [node for node in self.keep[0].tolist() if node and not is_hidden(circuit.nodes[node])]
        branches = [branch for branch in self.keep[1].tolist() if not is_hidden(self.branches[branch])]
        self.table.fill(run)
        names = [self.branches[branch] for branch in branches]
        amperes = self.table.branch_currents(run)
        zero = np.zeros(run.times.size)
        volts = self.table.voltages(nodes)
        if np.isnan(volts).any():
            raise UnsuitedError("a node's voltage is not to be had")
        problem = "" if run.complete else f"stopped at {run.times[-1]:.9g} s"
        return AnalysisResult(
            "tran",
            [("time", run.times)],
            [circuit.nodes[node] for node in nodes],
            volts,
            names,
            np.stack([amperes.get(name, zero) for name in names], axis=1) if names else np.zeros((zero.size, 0)),
            zero,
            run.residual,
            steps_taken("Runge-Kutta of third order", run.accepted, run.rejected),
            integration=Integration(run.accepted, run.rejected, run.complete, problem),
        )
