"""Which picture a run's answers make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim.analysis import drawings
from xbarsim.analysis.answers import Answers
from xbarsim.errors import InputError

if TYPE_CHECKING:
    from xbarsim.plot.figures import Figure


def draw(answers: Answers) -> Figure:
    """Return a picture of the last analysis that has one: a crossbar's operating point, or a sweep's currents.

    Raises
    ------
    InputError
        There is none, or matplotlib is missing.
    """
    for result in reversed(answers.results):
        if result.internal:
            # Each run is a curve of its own.
            tables = [np.column_stack([run.sweep[0][1], run.currents]) for run in result.internal]
            gap = np.full((1, tables[0].shape[1]), np.nan)
            table = np.concatenate([part for run in tables for part in (run, gap)])
            return drawings.sweep("time", table[:, 0], result.branches, table[:, 1:], answers.title, "s")
        if result.sweep:
            axes = result.axes()
            (name, values), *_ = axes
            names, currents = (
                (result.outputs, result.output_currents) if result.outputs else (result.branches, result.currents)
            )
            # Each run of the fastest source is a curve of its own: a gap keeps them apart.
            ends = np.arange(result.sweep[0][1].size, result.points, result.sweep[0][1].size)
            values, currents = np.insert(values, ends, np.nan), np.insert(currents, ends, np.nan, axis=0)
            return drawings.sweep(name, values, names, currents, answers.title, result.unit(name))
        if result.state is not None:
            ideal = None if result.ideal is None else result.ideal[0]
            state = result.state
            return drawings.operating_point(state, result.output_currents[0], ideal, answers.title, result.outputs)
    raise InputError("--plot draws a crossbar's operating point or a sweep, and this netlist has neither")
