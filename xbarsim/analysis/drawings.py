"""Pictures of solved crossbars and sweeps (matplotlib, from the ``plot`` extra)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.plot import cell_map, curves, line_currents, new_figure, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from xbarsim.analysis.results import CrossbarPoint


def operating_point(
    state: CrossbarPoint, currents: Array, ideal: Array | None, title: str, names: Sequence[str] = ()
) -> Figure:
    """Draw the voltage lost along word lines, the voltage on bit lines, the output currents and the cells'.

    Parameters
    ----------
    state : CrossbarPoint
        The circuit, its sources' and its nodes' voltages, NaN where floating.
    currents, ideal : (cols,)
        Output currents in amperes, and those without wires and ends where that is a plain product.
    title : str
        The picture's heading.
    names : sequence of str, (cols,)
        What the netlist calls its outputs.
    """
    figure = new_figure(figsize=(11, 7))
    figure.suptitle(plain(title), fontsize=11)
    (left, right), (bottom, cells) = figure.subplots(2, 2)
    crossbar, voltages, word, bit = state.crossbar, state.voltages, state.word, state.bit
    driven = np.isfinite(crossbar.boundary["word_left"].resistance)
    lost = np.where(driven[:, None], voltages[:, None] - word, np.nan)
    ends = crossbar.boundary["bit_bottom"]
    base = np.where(np.isfinite(ends.resistance), ends.voltage, 0.0)
    cell_map(_dropped(lost, word), left, unit="V", title="IR drop along word lines: source - node")
    cell_map(_dropped(bit - base, word), right, unit="V", title="IR drop along bit lines: node - sense source")
    line_currents(currents, ideal, bottom, names=names)
    cell_map(np.nan_to_num(state.device_currents()), cells, unit="A", title="Device currents")
    return figure


def _dropped(volts: Array, word: Array) -> Array:
    """Return voltages along lines; what is left of 0 ohm, which is a conductance of 1e30 S to solvers, is 0."""
    return np.where(np.abs(volts) <= 1e-25 * np.nanmax(np.abs(word), initial=0.0), 0.0, volts)


def sweep(source: str, values: Array, names: Sequence[str], currents: Array, title: str, unit: str = "V") -> Figure:
    """Draw currents over a swept source.

    Parameters
    ----------
    source : str
        What is swept.
    values : (points,)
        Its values, in ``unit``; none if that is empty.
    names : sequence of str
        The curves.
    currents : (points, curves)
        Amperes.
    title : str
        The picture's heading.
    """
    figure = new_figure(figsize=(7, 5))
    swept = f"{source} ({unit})" if unit else source
    columns = {name: currents[:, k] for k, name in enumerate(names)}
    curves(values, columns, figure.subplots(), xlabel=swept, title=title)
    return figure
