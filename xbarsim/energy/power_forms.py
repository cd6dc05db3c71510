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
from xbarsim.solvers.like_lines import like_lines
from xbarsim.solvers.solve import solve
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-9
"""Of each form's own watts for random vectors, against the split of full solves."""

_COUNTED = 1e-9
"""Of what sources deliver: a form that takes less is held to ``TOLERANCE`` of that."""

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
        Each held against solves of random vectors, of inputs of like power by themselves.

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
    """Hold forms against solves of random vectors: of all inputs, and of those whose power is alike alone."""
    random = np.random.default_rng(_SEED).uniform(-1.0, 1.0, crossbar.shape[0])
    names = ("sources", "cells", "ends")
    groups = like_lines(*(np.diagonal(getattr(forms, name)) for name in names))
    vectors = np.array([random, *(np.where(group, random, 0.0) for group in groups if not group.all())])
    solution = solve(crossbar, vectors, fields=True, threads=threads)
    split = power_split(solution)
    expected = {
        "sources": split.delivered,
        "cells": (across * np.nan_to_num(solution.device_voltages) ** 2).sum(axis=(1, 2)),
        "ends": np.asarray(sum(split.ends.values(), np.zeros(len(vectors)))),
    }
    for name in names:
        gap = np.abs(((vectors @ getattr(forms, name)) * vectors).sum(axis=1) - expected[name])
        # What a form has of less than rounding of what is delivered is in none of the digits of any sum.
        size = np.maximum(np.abs(expected[name]), _COUNTED * np.abs(split.sources["word_left"]))
        bad = ~(gap <= TOLERANCE * size)
        if bad.any():
            k = int(np.flatnonzero(bad)[0])
            rows = "all inputs" if k == 0 else f"input {int(np.flatnonzero(vectors[k])[0])} and its like"
            raise ConvergenceError(
                f"the power of {name} carried to {rows} differs from that of a full solve by "
                f"{gap[k] / size[k] if size[k] else gap[k]:.1e}",
                "look for wires and cells very far apart",
            )
