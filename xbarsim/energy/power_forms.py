"""The power of all reads of an array as quadratic forms of its input voltages: sources, cells and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import Array, broadcast
from xbarsim.crossbar import Crossbar
from xbarsim.energy.power_split import power_split
from xbarsim.errors import ConvergenceError
from xbarsim.resources import thread_count
from xbarsim.solvers.effective import check_joined, driven_admittance, mappable, verify
from xbarsim.solvers.solve import solve
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-9
"""Of each form's watts for a random vector, against the split of a full solve, as a part of what sources deliver."""

_SEED = 5


@dataclass(frozen=True, eq=False)
class PowerForms:
    """Matrices F (rows, rows) in siemens: with volts x of the sources at ``word_left``, ``x @ F @ x`` watts.

    Attributes
    ----------
    sources, cells, ends : (rows, rows)
        Siemens: what the sources deliver, and what of it cells and the ends' resistances take.
    """

    sources: Array
    cells: Array
    ends: Array

    @property
    def wires(self) -> Array:
        """What is left: the heat of the wires, and of cells that were not counted."""
        remainder: Array = self.sources - self.cells - self.ends
        return remainder


def power_forms(crossbar: Crossbar, *, counted: ArrayLike = True, threads: int | None = None) -> PowerForms:
    """Compute where the power of an array of linear cells goes, for all inputs at once.

    With H the node voltages for 1 V at each source, and V = B H those across the cells, these take ``V' G V``: the form
    G is carried to the ends with the couplings. Currents at the ends are ``Y x``, and their heat ``x Y' R Y x``.

    Parameters
    ----------
    crossbar : Crossbar
        All sources but those of ``word_left`` at 0 V.
    counted : array_like of bool, scalar or (rows, cols)
        Which cells count as such.
    threads : int, optional
        Threads to use.

    Returns
    -------
    PowerForms
        Each held against a solve of a random vector.

    Raises
    ------
    InputError, SolveError, TooLargeError
        As ``effective_conductance``; 0 ohm may not join the two ends of a line.
    ConvergenceError
        A form and a full solve differ.
    """
    segments = mappable(crossbar, False)
    check_joined(segments, ("word", "bit"))
    count = thread_count(threads)
    terminals = Terminals.of(segments, keep=True, threads=count)
    verify(terminals)
    rows = crossbar.shape[0]
    cells, ends = np.zeros((2, rows, rows))
    sources = driven_admittance(terminals)
    across = segments.g * broadcast("counted", np.asarray(counted, float), crossbar.shape)
    if "word_left" in terminals.places:
        zeros = np.zeros_like(across)
        left = terminals.places["word_left"]
        cells = terminals.form(across, zeros, zeros)[left, left]
    for side, tied in crossbar.boundary.items():
        ohms = np.where(np.isfinite(tied.resistance), tied.resistance, 0.0)
        out = sources if side == "word_left" else terminals.between("word_left", side)
        ends = ends + (out * ohms) @ out.T
    forms = PowerForms(sources, cells, ends)
    _check(forms, crossbar, across, count)
    return forms


def _check(forms: PowerForms, crossbar: Crossbar, across: Array, threads: int) -> None:
    """Hold forms against a solve of a random vector."""
    volts = np.random.default_rng(_SEED).uniform(-1.0, 1.0, crossbar.shape[0])
    solution = solve(crossbar, volts, threads=threads)
    split = power_split(solution)
    expected = {
        "sources": float(split.delivered),
        "cells": float((across * np.nan_to_num(solution.device_voltages) ** 2).sum()),
        "ends": float(sum(split.ends.values(), np.zeros(()))),
    }
    size = float(split.sources["word_left"])
    for name, watts in expected.items():
        gap = abs(float(volts @ getattr(forms, name) @ volts) - watts)
        if not gap <= TOLERANCE * size:
            raise ConvergenceError(
                f"the power of {name} carried to the inputs differs from that of a full solve by "
                f"{gap / size if size else gap:.1e}",
                "look for wires and cells very far apart",
            )
