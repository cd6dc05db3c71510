"""Writing an array: to a target matrix with looks at the cells, or pulse by pulse."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import broadcast, checked_array
from xbarsim.crossbar import Array, Crossbar
from xbarsim.errors import InputError
from xbarsim.programming.blind_writes import BlindWriter
from xbarsim.programming.cell_writer import CellWriter
from xbarsim.programming.line_bias import LineBias
from xbarsim.programming.pulse_ladder import PulseLadder
from xbarsim.programming.pulsed_array import Mask, PulsedArray
from xbarsim.programming.verify_read import ArrayReads, VerifyRead
from xbarsim.programming.write_log import Counts, WriteLog
from xbarsim.programming.write_pulse import WritePulse
from xbarsim.programming.written_array import Unreached, WrittenArray
from xbarsim.resources import check_running
from xbarsim.schemes.scheme import Cell, Scheme, checked_cell, scheme_of

Order = Literal["rows", "columns", "random"]

_KEEP_SECONDS = 20.0


def program(
    crossbar: Crossbar,
    target: ArrayLike,
    *,
    pulse: PulseLadder,
    scheme: str | Scheme = "half",
    verify: bool = True,
    tolerance: float = 0.02,
    of: Literal["target", "range"] = "target",
    most_pulses: int = 100,
    read: str | VerifyRead = "wires",
    order: Order | Sequence[Cell] = "rows",
    rounds: int = 3,
    stuck: ArrayLike | None = None,
    stuck_after: int = 5,
    reltol: float = 1e-5,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
    stop: Callable[[], bool] | None = None,
    keep: Callable[[WrittenArray], None] | None = None,
    resume: WrittenArray | None = None,
) -> WrittenArray:
    """Write cells to target conductances through the array's own wires.

    Each cell in turn is read, gets a pulse towards its target, is read again, and so on. Each pulse is the circuit in
    time with all other cells in it; what it does to these is kept, and told.

    Parameters
    ----------
    crossbar : Crossbar
        Dynamic cells, without ``ends``; its conductances are where the cells are at first.
    target : array_like, scalar or (rows, cols)
        Siemens that reads are to show.
    pulse : PulseLadder
        The pulses.
    scheme : str or Scheme
        What unselected lines are tied to during pulses: ``half`` (V/2), ``third`` (V/3), ``grounded``, ``floating``, or
        a scheme of your own.
    verify : bool
        Look at a cell after each pulse. Without, each cell gets the pulses that it would need if it were alone between
        ideal sources.
    tolerance : float
        How far a read may be off its target, above 0 and below 1.
    of : {"target", "range"}
        What ``tolerance`` is a share of: the target, or the cell's largest less its least conductance.
    most_pulses : int
        For each cell, in all rounds.
    read : "wires", "cell" or VerifyRead
        What a look shows.
    order : {"rows", "columns", "random"} or sequence of (row, column)
        Which cell's turn comes when; a sequence writes its cells alone.
    rounds : int
        Writing a cell changes what others show: those that were reached and are no longer get another turn, until all
        are or so many rounds are done.
    stuck : array_like of bool, (rows, cols), optional
        Cells that no pulse moves.
    stuck_after : int
        Pulses without effect after which a cell is given up.
    reltol : float
        Part of a state's range by which a step in time may be wrong.
    seed : int
        Of the random order.
    progress : callable, optional
        Gets a line of how far it is, after each turn.
    stop : callable, optional
        Asked after each turn, and between looks: True ends the work there; what was done is returned, and can be
        resumed.
    keep : callable, optional
        Gets what was done so far every 20 seconds.
    resume : WrittenArray, optional
        Go on from there: all other arguments must be those it was begun with. It ends bit by bit as if it had never
        been interrupted.

    Raises
    ------
    InputError
        Cells have no state that moves, a target is out of a cell's range, or another argument is wrong.
    SolveError, ConvergenceError
        As ``solve``; ConvergenceError too where no step in time is small enough.
    """
    begin = time.perf_counter()
    array = PulsedArray(crossbar, stuck=stuck, reltol=_checked("reltol", reltol, 0.0, 0.1))
    how = read if isinstance(read, VerifyRead) else VerifyRead(read)  # type: ignore[arg-type]
    write_scheme = scheme_of(scheme)
    cells = _ordered(order, crossbar.shape, seed)
    goal = _checked_target(target, array, cells)
    tolerance = _checked("tolerance", tolerance, 0.0, 1.0)
    if not isinstance(pulse, PulseLadder):
        raise InputError(f"pulse is {type(pulse).__name__}: give a PulseLadder")
    if of not in ("target", "range"):
        raise InputError(f"of is {of!r}: it must be target or range")
    for name, count in (("most_pulses", most_pulses), ("rounds", rounds), ("stuck_after", stuck_after)):
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
            raise InputError(f"{name} is {count!r}: it must be a whole number, at least 1")
    least, most = array.reachable
    allowed = tolerance * (goal if of == "target" else most - least)
    settings = {
        "device": repr(array.device), "scheme": repr(write_scheme), "pulse": repr(pulse), "read": repr(how),
        "verify": bool(verify), "tolerance": tolerance, "of": of, "most_pulses": int(most_pulses),
        "rounds": int(rounds), "stuck_after": int(stuck_after), "reltol": array.reltol,
        "circuit": _digest(array, goal, cells),
    }  # fmt: skip
    work = _Begun(array, goal, cells, resume, settings)
    reads = ArrayReads(array, how)
    kind = CellWriter if verify else BlindWriter
    writer = kind(array, LineBias(crossbar, write_scheme), reads, pulse, allowed, most_pulses, stuck_after, work.log)
    kept_at = time.monotonic()
    halted = work.finished
    while not halted:
        while work.position < work.queue.size:
            check_running()
            cell = divmod(int(work.queue[work.position]), crossbar.shape[1])
            code, work.readings[cell] = writer.write(cell, float(goal[cell]))
            work.codes[cell] = code
            work.position += 1
            work.log.residual = max(work.log.residual, reads.residual)
            if progress is not None:
                progress(work.line())
            if stop is not None and stop():
                halted = True
                break
            if keep is not None and time.monotonic() - kept_at > _KEEP_SECONDS:
                keep(work.result(begin))
                kept_at = time.monotonic()
        if halted:
            break
        readings = reads.of(~np.isnan(goal), progress, stop)
        if readings is None:
            break
        work.rounds += 1
        work.log.residual = max(work.log.residual, reads.residual)
        _look_again(work, readings, allowed)
        halted = work.finished = not verify or work.rounds >= rounds or not work.queue_disturbed()
    return work.result(begin)


def apply(
    crossbar: Crossbar,
    pulses: Sequence[WritePulse] | ArrayLike,
    *,
    scheme: str | Scheme = "half",
    stuck: ArrayLike | None = None,
    reltol: float = 1e-5,
    progress: Callable[[str], None] | None = None,
) -> WrittenArray:
    """Give pulses to cells, in their order, without looking.

    Parameters
    ----------
    crossbar : Crossbar
        Dynamic cells, without ``ends``.
    pulses : sequence of WritePulse, or array_like (pulses, 4 to 7)
        Rows of numbers are row, column, volts, width, and perhaps rise, fall and gap in seconds.
    scheme, stuck, reltol, progress
        As for ``program``.

    Returns
    -------
    WrittenArray
        What the pulses made of each cell.

    Raises
    ------
    InputError
        Cells have no state that moves, or a pulse is none, or outside of the array.
    ConvergenceError
        No step in time is small enough.
    """
    begin = time.perf_counter()
    array = PulsedArray(crossbar, stuck=stuck, reltol=_checked("reltol", reltol, 0.0, 0.1))
    train = _train(pulses)
    for pulse in train:
        pulse.check_cells(crossbar.shape)
    bias = LineBias(crossbar, scheme_of(scheme))
    log = WriteLog.empty(crossbar.shape)
    for number, pulse in enumerate(train, 1):
        check_running()
        log.add(array, pulse, array.pulse(pulse, bias))
        if progress is not None:
            progress(f"{number} of {len(train)} pulses")
    missing = np.full(crossbar.shape, np.nan)
    return WrittenArray(
        missing, array.siemens, array.states, missing.copy(), np.zeros(crossbar.shape, np.int64), log,
        {"device": repr(array.device), "scheme": repr(bias.scheme), "reltol": array.reltol},
        seconds=time.perf_counter() - begin,
    )  # fmt: skip


class _Begun:
    """Writing as far as it is: what changes from turn to turn."""

    def __init__(
        self, array: PulsedArray, goal: Array, cells: Counts, resume: WrittenArray | None, settings: dict[str, Any]
    ) -> None:
        self.array, self.goal, self.settings, self.cells = array, goal, settings, cells
        shape = goal.shape
        if resume is None:
            self.log, self.readings = WriteLog.empty(shape), np.full(shape, np.nan)
            self.codes = np.where(np.isnan(goal), Unreached.REACHED, Unreached.PENDING).astype(np.int64)
            self.queue, self.position, self.rounds, self.before = cells, 0, 0, 0.0
            self.finished = False
            return
        for name, value in settings.items():
            if resume.settings.get(name) != value:
                setting = "conductances, wires, cells' parameters, targets or order" if name == "circuit" else name
                raise InputError(f"resume was begun with other {setting}: give what it was begun with, or begin anew")
        self.log, self.readings, self.codes = resume.log.copy(), resume.readings.copy(), resume.codes.copy()
        self.queue, self.position, self.rounds = resume.queue.copy(), resume.position, resume.rounds
        self.before, self.finished = resume.seconds, resume.finished
        array.restore(resume.states, resume.conductance)

    def line(self) -> str:
        """Say how far it is."""
        again = f" of round {self.rounds + 1}" if self.rounds else ""
        return f"{self.position} of {self.queue.size} cells{again}, {int(self.log.pulses.sum())} pulses"

    def queue_disturbed(self) -> bool:
        """Put the cells that were reached and are no longer into the next round; return whether there are any."""
        disturbed = self.codes.ravel()[self.cells] == Unreached.DISTURBED
        if disturbed.any():
            self.queue, self.position = self.cells[disturbed], 0
        return bool(disturbed.any())

    def result(self, begin: float) -> WrittenArray:
        """Return it as it is now."""
        array = self.array
        return WrittenArray(
            self.goal.copy(), array.siemens.copy(), array.states.copy(), self.readings.copy(), self.codes.copy(),
            self.log.copy(), self.settings, self.queue.copy(), self.position, self.rounds, self.finished,
            self.before + time.perf_counter() - begin,
        )  # fmt: skip


def _look_again(work: _Begun, readings: Array, allowed: Array) -> None:
    """Take the last looks at all cells for what they show, and mark those that others have disturbed."""
    aimed = ~np.isnan(work.goal)
    work.readings[aimed] = readings[aimed]
    near = np.abs(readings - work.goal) <= allowed
    judged = (work.codes == Unreached.REACHED) | (work.codes == Unreached.DISTURBED)
    work.codes[aimed & judged & ~near] = Unreached.DISTURBED
    work.codes[aimed & near] = Unreached.REACHED


def _checked(name: str, value: float, above: float, below: float) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int | np.floating) or not above < value < below:
        raise InputError(f"{name} is {value!r}: it must be above {above:g} and below {below:g}")
    return float(value)


def _ordered(order: Order | Sequence[Cell], shape: tuple[int, int], seed: int) -> Counts:
    """Return the flat indices of the cells to write, in their order."""
    every = np.arange(shape[0] * shape[1])
    if isinstance(order, str):
        if order == "rows":
            return every
        if order == "columns":
            return every.reshape(shape).T.ravel()
        if order == "random":
            if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
                raise InputError(f"seed is {seed!r}: it must be a whole number, at least 0")
            return np.random.default_rng(seed).permutation(every)
        raise InputError(f"order is {order!r}: it must be rows, columns, random or a sequence of (row, column)")
    cells = [checked_cell(shape, cell) for cell in order]
    flat = np.array([i * shape[1] + j for i, j in cells], np.int64)
    if not flat.size or np.unique(flat).size < flat.size:
        raise InputError("order is empty" if not flat.size else "order has a cell twice")
    return flat


def _checked_target(target: ArrayLike, array: PulsedArray, cells: Counts) -> Array:
    """Return the targets, NaN where a cell is not to be written, all within what their cells can have."""
    shape = array.crossbar.shape
    goal = np.array(broadcast("target", checked_array("target", target), shape))
    least, most = array.reachable
    selected: Mask = np.zeros(shape, np.bool_)
    selected.ravel()[cells] = True
    bad = selected & ((goal < least) | (goal > most))
    if bad.any():
        i, j = (int(k) for k in np.argwhere(bad)[0])
        raise InputError(
            f"target[{i}, {j}] is {goal[i, j]:g} S: a cell of the model {array.device.name} has {least[i, j]:g} to "
            f"{most[i, j]:g} S there"
        )
    goal[~selected] = np.nan
    return goal


def _train(pulses: Sequence[WritePulse] | ArrayLike) -> list[WritePulse]:
    """Return pulses, also those that are rows of numbers."""
    if isinstance(pulses, Sequence) and all(isinstance(pulse, WritePulse) for pulse in pulses):
        return list(pulses)
    table = checked_array("pulses", pulses, signed=True)  # type: ignore[arg-type]
    if table.ndim != 2 or not 4 <= table.shape[1] <= 7:
        raise InputError(
            f"pulses has shape {table.shape}: give WritePulse objects, or rows of row, column, volts, width, perhaps "
            "rise, fall and gap"
        )
    for number, row in enumerate(table):
        if not (row[:2] == np.floor(row[:2])).all():
            raise InputError(f"pulses[{number}] is for cell {row[0]:g}, {row[1]:g}: give whole numbers")
    return [WritePulse((int(row[0]), int(row[1])), *(float(number) for number in row[2:])) for row in table]


def _digest(array: PulsedArray, goal: Array, cells: Counts) -> str:
    """Return what tells circuits, cells, targets and orders apart."""
    crossbar = array.crossbar
    parts = (
        crossbar.conductance, crossbar.word_wire, crossbar.bit_wire, crossbar.driver, crossbar.sense,
        array.laws_in_numbers, goal, array.stuck, cells,
    )  # fmt: skip
    digest = hashlib.sha256()
    for part in parts:
        digest.update(str(part.shape).encode() + np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:16]
