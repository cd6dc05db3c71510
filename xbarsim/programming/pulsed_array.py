"""A crossbar of dynamic cells that takes pulses one after the other.

Where all other cells are ohmic and rest, a pulse is one of the selected cells at the ports of a linear network
(:mod:`~xbarsim.programming.port_view`): exact, and quick. That they rest is seen from the volts that they had: of a
model with thresholds, cells between them do not move. Any other pulse is a step through time of the whole array
(:mod:`xbarsim.transient`). Which of the two it is depends on the states alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from xbarsim.crossbar import Array, Crossbar
from xbarsim.devices.dynamic import DynamicDevice
from xbarsim.devices.registry import models
from xbarsim.errors import InputError
from xbarsim.kernels import port_pulses
from xbarsim.kernels.line_solver import Gradients, Lines
from xbarsim.kernels.state_cells import DynamicCells
from xbarsim.programming.line_bias import BiasedLines, LineBias
from xbarsim.programming.port_view import EXACT, DrivenPorts, PortView
from xbarsim.programming.pulse_stepper import PulseStepper
from xbarsim.programming.write_pulse import WritePulse
from xbarsim.schemes.scheme import Cell, check_untied
from xbarsim.transient.tableau import BESIDE, ERROR, NODES, STAGES

Mask = NDArray[np.bool_]

MOST_PORTS = 8
"""Selected cells up to which a pulse is taken at ports, each of which costs a solve; more are stepped through time."""

_PROBE = 1.0
"""Volts at which a model without thresholds is asked first which way its states move."""

_DOUBLINGS = 8
"""Times that these volts are doubled where states rest."""

_METHOD = np.array([NODES, *([*shares, 0.0, 0.0][:3] for shares in STAGES), ERROR])
_BESIDE = np.array(BESIDE)
_ROUNDED = 1e-13  # of a state's range, what a step's rates round it by
_MARGIN = 1e-6  # of the largest volts, by which states' trajectories between steps may be off their ends


@dataclass(frozen=True)
class PulseEffect:
    """What one pulse did.

    Attributes
    ----------
    before, after : (cells,)
        The selected cells' states.
    arrived : (cells,)
        The volts across them that were farthest from 0.
    source_joules : float
        What the sources delivered.
    cell_joules : (cells,)
        What the selected cells dissipated.
    moved : (rows, cols) or None
        How far every cell's state went; None where all but the selected ones stayed exactly.
    residual : float
        The largest of the circuit's equations.
    steps : int
        Accepted steps in time.
    """

    before: Array
    after: Array
    arrived: Array
    source_joules: float
    cell_joules: Array
    moved: Array | None
    residual: float
    steps: int


class PulsedArray:
    """The states of a crossbar's cells, and what pulses do to them.

    Parameters
    ----------
    crossbar : Crossbar
        Dynamic cells, without ``ends``; its conductances are the states at first.
    stuck : array_like of bool, (rows, cols), optional
        Cells whose state does not move, whatever pulses they get.
    reltol : float
        Part of a state's range by which a step in time may be wrong.

    Attributes
    ----------
    states : (rows, cols)
        As they are now.
    siemens : (rows, cols)
        The cells' conductances at 0 V.
    low, high : (rows, cols)
        The states' bounds.
    more_at_high : (rows, cols) of bool
        Whether a cell conducts most at its state's upper bound.
    rising : (rows, cols)
        1 where a positive voltage raises the conductance, -1 where it lowers it.
    """

    def __init__(self, crossbar: Crossbar, *, stuck: ArrayLike | None = None, reltol: float = 1e-5) -> None:
        check_untied(crossbar)
        self.device = dynamic_device(crossbar)
        self.crossbar, self.reltol = crossbar, reltol
        shape = crossbar.shape
        self.stuck = checked_mask("stuck", stuck, shape)
        self.states = np.array(np.broadcast_to(self.device.state(crossbar.conductance), shape))
        self.siemens = np.array(crossbar.conductance)
        self._cells = self.device.dynamics(shape)
        self.low, self.high = self._cells.low, self._cells.high
        self.more_at_high, self.rising = self._directions()
        thresholds = self.device.thresholds
        self._quiet: tuple[Array, Array] | None = None
        if thresholds is not None and self.device.linear:
            least, most = (np.array(np.broadcast_to(volts, shape)) for volts in thresholds)
            least[self.stuck], most[self.stuck] = -np.inf, np.inf
            self._quiet = least, most
        self._work = Lines(*shape), Gradients(*shape)
        self._driven: list[DrivenPorts] = []

    def pulse(self, pulse: WritePulse, bias: LineBias) -> PulseEffect:
        """Give a pulse to its cells, the lines tied as a scheme says.

        Parameters
        ----------
        pulse : WritePulse
            Volts, seconds and cells.
        bias : LineBias
            How all lines are tied meanwhile.

        Raises
        ------
        ConvergenceError
            No step in time was small enough; the message names the cell.
        """
        effect = None
        biased = bias.select(pulse.rows, pulse.cols)
        if self._quiet is not None and len(pulse.cells) <= MOST_PORTS:
            ports = self.ports(biased, pulse.cells)
            if ports is not None:
                effect = self._at_ports(pulse, ports)
        return effect or self._in_time(pulse, biased)

    def _directions(self) -> tuple[Mask, Array]:
        """Tell where conductances and states rise together, and the sign of volts that raise the former.

        The latter is asked of the laws halfway between the bounds, at volts that double until a state moves.
        """
        middle, still = 0.5 * (self.low + self.high), np.zeros(self.low.shape)
        volts: Any = _PROBE
        if self.device.thresholds is not None:
            volts = 2.0 * np.maximum(*(np.abs(limit) for limit in self.device.thresholds))
        motion = still.copy()
        for doubling in range(_DOUBLINGS + 1):
            for sign in (1.0, -1.0):
                results = np.zeros((6, *middle.shape))
                self._cells.evaluate(sign * 2.0**doubling * volts + still, middle, *results)
                np.copyto(motion, sign * results[3], where=(motion == 0.0) & ~np.isnan(results[3]))
            if motion.all():
                break
        together: Mask = self.device.conductance(self.high) > self.device.conductance(self.low)
        return together, np.where(together == (motion > 0.0), 1.0, -1.0)

    @property
    def laws_in_numbers(self) -> Array:
        """The cells' parameters, and what their laws say at some volts and states, to digits that any machine gives."""
        digits = []
        for part in (0.0, 0.3, 1.0):
            x = self.low + part * (self.high - self.low)
            for volts in (-2.0, -0.5, 0.1, 1.0, 3.0):
                results = np.zeros((6, *x.shape))
                self._cells.evaluate(np.full(x.shape, volts), x, *results)
                digits += [float(f"{np.nansum(result):.6g}") for result in results]
        return np.concatenate([self._cells.parameters.ravel(), digits])

    @property
    def reachable(self) -> tuple[Array, Array]:
        """The least and the largest siemens that each cell can have at 0 V, (rows, cols)."""
        ends = self.device.conductance(self.low), self.device.conductance(self.high)
        return np.minimum(*ends), np.maximum(*ends)

    def restore(self, states: Array, siemens: Array) -> None:
        """Put all cells into states, with the conductances that were kept with them.

        Parameters
        ----------
        states : (rows, cols) array
            In the device's unit of state.
        siemens : (rows, cols) array
            What cells of these states have at 0 V.
        """
        self.states[:], self.siemens[:] = states, siemens
        self._driven = []

    def motion(self, cell: Cell, volts: float) -> float:
        """Return how fast a cell's state would move at so many volts across it, in its ranges a second.

        Parameters
        ----------
        cell : (row, column)
            From 0 on.
        volts : float
            From word node to bit node.
        """
        index = np.array([cell[0]]), np.array([cell[1]])
        f = self._evaluate(index, np.array([[volts]]))[3, 0, 0]
        return float(f / (self.high[cell] - self.low[cell]))

    def ports(self, biased: BiasedLines, cells: Sequence[Cell]) -> DrivenPorts | None:
        """Return the network around some cells; None where cells are not ohmic or hold the circuit together.

        Parameters
        ----------
        biased : BiasedLines
            The lines as they are tied.
        cells : sequence of (row, column)
            In whose places the ports are.
        """
        if not self.device.linear:
            return None
        driven = self._driven
        if not driven or driven[0].view.cells != list(cells):
            driven = []
        for ports in driven:
            if ports.biased is biased:
                return ports if ports.exact else None
        if not driven or not driven[0].view.biased.same_wires(biased):
            driven = [DrivenPorts(PortView(biased, self.siemens, cells, self._work), biased)]
        else:
            driven = [*driven, DrivenPorts(driven[0].view, biased)]
        self._driven = driven
        return driven[-1] if driven[-1].exact else None

    def _at_ports(self, pulse: WritePulse, ports: DrivenPorts) -> PulseEffect | None:
        """Move the selected cells at the ports of a network that rests; None where it may not."""
        assert self._quiet is not None
        place = tuple(np.array(index) for index in zip(*pulse.cells, strict=True))
        count, laws = len(pulse.cells), self._cells
        parameters = np.ascontiguousarray(laws.parameters[:, place[0], place[1]])[:, None, :]
        times, shares = pulse.waveform
        x, joules, ratios, peaks = self.states[place], np.empty((2, count)), np.empty((2, count)), np.empty(count)
        before = x.copy()
        free = 1.0 - self.stuck[place]
        counted = min(1.0, _ROUNDED / self.reltol) if self.device.fades else 1.0
        status, accepted, _, residual, _ = port_pulses.run(
            laws.kind, laws.current_address, laws.motion_address, parameters, free, times, pulse.amplitude * shares,
            ports.open_volts, ports.view.ohms, _METHOD, _BESIDE, self.reltol, counted, x, joules, ratios, peaks,
        )  # fmt: skip
        if status != port_pulses.FINISHED:
            return None
        # Stages lie behind the first moment: what it has is known from the states at hand.
        first = ports.ohmic_currents(self.siemens[place])
        np.minimum(ratios[0], first, out=ratios[0])
        np.maximum(ratios[1], first, out=ratios[1])
        if pulse.rise == 0.0:
            across = pulse.amplitude * (ports.open_volts - ports.view.ohms @ first)
            np.copyto(peaks, across, where=np.abs(across) > np.abs(peaks))
        amperes = pulse.amplitude * ratios[1]
        exact = max(residual, ports.residual(amperes))
        least, most = self._quiet
        scale = (1.0 + _MARGIN) * pulse.amplitude
        places = np.zeros(count, np.int64)
        restless = port_pulses.restless(
            ports.across, ports.view.responses, ratios, min(0.0, scale), max(0.0, scale), least, most, places
        )
        strangers = restless - sum(int(k) in places[:restless] for k in np.ravel_multi_index(place, self.states.shape))
        if strangers > 0 or not exact <= EXACT:
            return None
        self.states[place] = x
        self.siemens[place] = self._evaluate(place, np.zeros((1, count)))[1, 0]
        squares = _integral_of_square(times, shares) * pulse.amplitude**2
        return PulseEffect(
            before, x, peaks, float(ports.power * squares + ports.open_volts @ joules[0]), joules[1], None, exact,
            accepted,
        )  # fmt: skip

    def _in_time(self, pulse: WritePulse, biased: BiasedLines) -> PulseEffect:
        """Step the whole array through the pulse and the gap behind it."""
        place = tuple(np.array(index) for index in zip(*pulse.cells, strict=True))
        begun = self.states.copy()
        stepper = PulseStepper(biased, begun, self.stuck, self.reltol)
        stepper.give(pulse)
        self.states[:] = stepper.states
        moved = self.states - begun
        self.siemens[:] = np.where(moved == 0.0, self.siemens, self.device.conductance(self.states))
        self._driven = []
        delivered = sum(float(joules.sum()) for joules in stepper.source_energy.values())
        return PulseEffect(
            begun[place], self.states[place], stepper.peaks, delivered, stepper.cell_energy[place], moved,
            stepper.residual, stepper.accepted,
        )  # fmt: skip

    def _evaluate(self, place: tuple[Any, ...], volts: Array) -> Array:
        """Return currents, their slopes, motions and theirs of some cells (6, 1, cells), at volts (1, cells)."""
        rows, cols = place
        laws = self._cells
        parameters = np.ascontiguousarray(laws.parameters[:, rows, cols])[:, None, :]
        results = np.zeros((6, 1, rows.size))
        few = DynamicCells(laws.kind, laws.current_address, laws.motion_address, parameters)
        few.evaluate(volts, self.states[rows, cols][None], *results)
        return results


def dynamic_device(crossbar: Crossbar) -> DynamicDevice:
    """Return a crossbar's model of cells.

    Raises
    ------
    InputError
        Its cells have no state that moves.
    """
    device = crossbar.device
    if not isinstance(device, DynamicDevice):
        moving = ", ".join(name for name, model in models().items() if issubclass(model, DynamicDevice))
        raise InputError(f"cells of the model {device.name} have no state that moves: pulses write {moving}")
    return device


def checked_mask(name: str, mask: ArrayLike | None, shape: tuple[int, int]) -> Mask:
    """Return a mask of cells, none where it is left out.

    Parameters
    ----------
    name : str
        The argument's, for messages.
    mask : (rows, cols) array_like of bool, or None
        True: the cell is one of them.
    shape : (rows, cols)
        Of the array.

    Raises
    ------
    InputError
        It is not of bools, or of another shape.
    """
    if mask is None:
        return np.zeros(shape, np.bool_)
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != shape:
        raise InputError(f"{name} is {array.dtype} of shape {array.shape}: it must be bools of shape {shape}")
    return array


def _integral_of_square(times: Array, shares: Array) -> float:
    """Return the integral of the square of straight lines between points."""
    a, b = shares[:-1], shares[1:]
    return float((np.diff(times) * (a * a + a * b + b * b)).sum() / 3.0)
