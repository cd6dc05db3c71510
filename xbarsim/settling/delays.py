"""Elmore's delay from every input to every output, from one reduction."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import ConvergenceError
from xbarsim.resources import thread_count
from xbarsim.settling.array_farads import ArrayFarads
from xbarsim.settling.moments import MomentCircuit
from xbarsim.solvers.effective import check_joined, linear_segments, verify
from xbarsim.solvers.fed_circuit import LEAST
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-9
"""Of each output's charge for random inputs, against that of a full solve."""

_SEED = 11


def elmore_delays(
    crossbar: Crossbar,
    *,
    word_capacitance: ArrayLike = 0.0,
    bit_capacitance: ArrayLike = 0.0,
    cell_capacitance: ArrayLike = 0.0,
    threads: int | None = None,
) -> Array:
    """Compute the delay of each input's share in each output: the area of what is missing, over the end.

    The admittance between all ends is ``Y0 + s Y1 + ...`` with ``Y1 = H' C H``, H the node voltages for 1 V at each end
    (W. C. Elmore, J. Appl. Phys. 19, 55, 1948); the form C is carried to the ends with the couplings. The delay of a
    pattern of inputs is the mean of its rows' delays, weighted by their currents: no pattern of inputs of one sign is
    slower than the slowest row.

    Parameters
    ----------
    crossbar, word_capacitance, bit_capacitance, cell_capacitance, threads
        As of :func:`settling`; the cells must be linear.

    Returns
    -------
    (rows, cols)
        Seconds; NaN where an input brings no current.

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductance``.
    """
    farads = ArrayFarads.of(crossbar, word_capacitance, bit_capacitance, cell_capacitance)
    segments = linear_segments(crossbar)
    check_joined(segments, ("word", "bit"))
    rows, cols = crossbar.shape
    terminals = Terminals.of(segments, keep=True, threads=thread_count(threads))
    verify(terminals)
    if "word_left" not in terminals.places or "bit_bottom" not in terminals.places:
        return np.full((rows, cols), np.nan)
    form = terminals.form(farads.cell, farads.word, farads.bit)
    charge = form[terminals.places["word_left"], terminals.places["bit_bottom"]]
    inputs = np.random.default_rng(_SEED).uniform(0.0, 1.0, rows)
    solved = MomentCircuit(crossbar, farads).moments(inputs, 2)[1]
    gap, size = np.abs(inputs @ charge + solved.outputs), inputs @ np.abs(charge)
    # What a full solve cannot tell of an output it cannot hold against the reduction, whose sums are of one sign.
    bad = ~(gap <= TOLERANCE * size + solved.error + LEAST * size.max(initial=0.0))
    if bad.any():
        j = int(np.argmax(np.where(bad, gap / np.maximum(size, np.finfo(float).tiny), -1.0)))
        raise ConvergenceError(
            f"delays carried to output {j} differ from those of a full solve by {gap[j]:.1e} of {size[j]:.1e} C",
            "look for wires and cells very far apart",
        )
    siemens = terminals.between("word_left", "bit_bottom")
    # Held against all that an output conducts, an input behind 0 ohm brings nothing.
    least = LEAST * terminals.network.couplings[terminals.places["bit_bottom"]].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(siemens > least, charge / siemens, np.nan)
