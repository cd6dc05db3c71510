"""``simulate``: a crossbar with waveforms at its line ends, from a start to a stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.crossbar import Crossbar, Side
from xbarsim.errors import InputError, TimeStepError
from xbarsim.resources import thread_count
from xbarsim.transient.line_waves import LineWaves
from xbarsim.transient.recording import CrossbarRecorder, CrossbarTransient, Recording
from xbarsim.transient.stepper import Stepper

Start = Literal["operating_point", "discharged"]


class _EndedEarlyError(Exception):
    """Who watches the run wishes that it end."""


def simulate(
    crossbar: Crossbar,
    waves: Mapping[Side, Any],
    stop: float,
    *,
    start: float = 0.0,
    initial: Start = "operating_point",
    initial_states: ArrayLike | None = None,
    word_capacitance: ArrayLike = 0.0,
    bit_capacitance: ArrayLike = 0.0,
    cell_capacitance: ArrayLike = 0.0,
    reltol: float = 1e-4,
    max_step: float = np.inf,
    record: Recording | None = None,
    threads: int | None = None,
    watch: Callable[[Stepper], bool | None] | None = None,
) -> CrossbarTransient:
    """Drive a crossbar through time: capacitances are charged, and states of dynamic cells move.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit. Cells of a :class:`xbarsim.devices.DynamicDevice` have states that move; any other cell stays
        what it is.
    waves : mapping of side to a wave, or a sequence with one for each line
        What the line ends' sources do: waves of :mod:`xbarsim.waves`, ``(times, values)`` for straight lines between
        points (volts over seconds), or volts that stay. Sides left out stay at what the crossbar's ``ends`` say,
        ``word_left`` at 0 V.
    stop, start : float
        Seconds.
    initial : {"operating_point", "discharged"}
        Capacitances hold what they have after a long time at the sources of ``start``, or nothing.
    initial_states : array_like, scalar or (rows, cols), optional
        States at the start; default: those of the crossbar's conductances.
    word_capacitance, bit_capacitance, cell_capacitance : array_like, scalar or (rows, cols)
        Farads from each word node and each bit node to ground, and from word to bit node of each cell.
    reltol : float
        What a step may be wrong by, in the largest norm: of each state's range, and of the largest source voltage for
        node volts that capacitances hold.
    max_step : float
        Seconds that no step is longer than; none is longer than a sixteenth of a sine's period.
    record : Recording, optional
        What to keep; default: all end currents.
    threads : int, optional
        Threads to use for large arrays; no number depends on it.
    watch : callable, optional
        Is shown the stepper after each step, with its time and states; if it returns True the run ends there, and its
        result is not ``complete``.

    Returns
    -------
    CrossbarTransient
        Times, what was recorded, final states, energies, and the evidence.

    Raises
    ------
    InputError
        An argument is wrong; the message names it.
    SolveError
        Two sources of different voltage are joined by 0 ohm.
    TimeStepError
        No step is small enough; the message names the cell and the time, ``transient`` has what was computed.
    TooLargeError
        What is to be recorded would not fit in memory.
    KeyboardInterrupt
        Ctrl-C; its ``transient`` has what was computed.
    """
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    for name, value in (("start", start), ("stop", stop)):
        if isinstance(value, bool) or not isinstance(value, Real) or not np.isfinite(value):
            raise InputError(f"{name} is {value!r}: it must be a finite number of seconds")
    if not start < stop:
        raise InputError(f"stop is {stop:g} s: it must be after the start, {start:g} s")
    if initial not in get_args(Start):
        raise InputError(f"initial is {initial!r}: it must be one of {', '.join(get_args(Start))}")
    stepper = Stepper(
        crossbar, start=float(start), initial_states=initial_states, word_capacitance=word_capacitance,
        bit_capacitance=bit_capacitance, cell_capacitance=cell_capacitance, reltol=reltol, max_step=max_step,
        threads=thread_count(threads),
    )  # fmt: skip
    sources = LineWaves(waves, stepper.volts)
    stepper.max_step = min(stepper.max_step, sources.longest_step)
    recorder = CrossbarRecorder(stepper, record or Recording(), float(start), float(stop))
    stepper.settle(sources.start(float(start)), discharged=initial == "discharged")
    recorder.point()

    def accepted() -> None:
        recorder.point()
        if watch is not None and watch(stepper):
            raise _EndedEarlyError

    try:
        for piece in sources.pieces(float(start), float(stop)):
            while stepper.time < piece.stop:
                until = min(piece.stop, recorder.pending[0] if recorder.pending else np.inf)
                stepper.advance(piece.at, until, after=accepted)
    except _EndedEarlyError:
        return recorder.result(complete=stepper.time >= stop)
    except (TimeStepError, KeyboardInterrupt) as error:
        error.transient = recorder.result(complete=False)  # type: ignore[union-attr]
        raise
    return recorder.result(complete=True)
