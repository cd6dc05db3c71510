"""The linear map that a crossbar of linear cells really applies, and the admittance seen from its line ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from xbarsim.crossbar import SIDES, Array, Crossbar, Side
from xbarsim.errors import ConvergenceError, InputError, SolveError
from xbarsim.resources import thread_count
from xbarsim.solvers.linear import by_kron, by_schur
from xbarsim.solvers.refinement import EXACT, scale
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.tall import tall_map
from xbarsim.solvers.terminals import Terminals

TOLERANCE = 1e-11
"""Largest difference allowed between a map and a full solve, relative to the largest current."""

_VERIFY_SEED = 1
_VERIFY_ITERATIONS = 300


@dataclass(frozen=True)
class Verification:
    """What a reduction was held against: one random vector.

    Attributes
    ----------
    residual : float
        What its full solve leaves of Kirchhoff's laws.
    difference : float
        Largest difference of the reduction's end currents from it, relative to the largest of them; 0 where the full
        solve is the reduction's own, with node voltages by back-substitution.
    """

    residual: float
    difference: float


def verify(terminals: Terminals) -> Verification:
    """Hold the reduction against a full solve of one random vector.

    The solve is by conjugate gradients, which share nothing with the reduction. Where wires dominate they
    would take too long, and node voltages by back-substitution are held against Kirchhoff's laws instead.

    Raises
    ------
    ConvergenceError
        Residual and difference are together above ``TOLERANCE``.
    """
    segments = terminals.segments
    rows = segments.g.shape[0]
    voltages = np.random.default_rng(_VERIFY_SEED).uniform(0.1, 1.0, (1, rows))
    # A line joined to a fixed source by 0 ohm has no voltage of its own to choose.
    joined = segments.joined["word"]
    voltages[:, joined] = segments.volts["word_right"][joined]
    sources = segments.sources(voltages)
    full = by_schur(
        segments,
        sources,
        fields=False,
        max_iterations=_VERIFY_ITERATIONS,
        threads=terminals.threads,
        all_digits=False,
    )
    difference = 0.0
    if full.converged.all() and full.residual[0] <= EXACT:
        mapped = terminals.currents(sources)
        largest = scale(full.currents.values(), segments.g, sources.values())
        gap = max(float(np.abs(mapped[side] - full.currents[side]).max()) for side in SIDES)
        difference = gap / largest if gap > 0.0 else 0.0
    else:
        full = by_kron(segments, sources, threads=terminals.threads)
    verification = Verification(float(full.residual[0]), difference)
    error = verification.residual + verification.difference
    if not error <= TOLERANCE:
        raise ConvergenceError(
            f"the effective map differs from a full solve by {error:.1e} of the largest current "
            f"(tolerance {TOLERANCE:g}); solve(crossbar, voltages) handles each vector on its own"
        )
    return verification


@overload
def effective_conductance(
    crossbar: Crossbar, *, offset: Literal[False] = False, threads: int | None = None
) -> Array: ...
@overload
def effective_conductance(
    crossbar: Crossbar, *, offset: Literal[True], threads: int | None = None
) -> tuple[Array, Array]: ...
def effective_conductance(
    crossbar: Crossbar, *, offset: bool = False, threads: int | None = None
) -> Array | tuple[Array, Array]:
    """Compute the matrix that a crossbar with its wires and ends really multiplies by.

    ``currents = voltages @ g_eff`` exactly (``+ i0`` with fixed non-zero end sources), by Kron reduction of the
    whole circuit to its line ends; arrays much longer than wide are cut across.
    Verified against a full solve of a random vector before it is returned.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; its cells must be linear.
    offset : bool
        Also return ``i0``, the output currents at zero input voltages.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    g_eff : (rows, cols)
        Siemens.
    i0 : (cols,), only with ``offset``
        Amperes.

    Raises
    ------
    InputError
        End sources other than word_left are non-zero and ``offset`` is False.
    SolveError
        0 ohm joins the two sources of a word line, so no current is a function of its input, or two sources
        of different voltage.
    ConvergenceError
        The map and the full solve differ.
    TooLargeError
        The reduction would not fit in memory.
    """
    segments = mappable(crossbar, offset)
    count = thread_count(threads)
    halves = np.where(segments.joined["bit"], 0.5, 1.0)
    cut_across = tall_map(segments, offset=offset, threads=count)
    if cut_across is not None:
        transfer, still_currents = cut_across
        transfer *= halves
        return (transfer, still_currents) if offset else transfer
    terminals = Terminals.of(segments, keep=False, threads=count)
    verify(terminals)
    # Both ends of a joined bit line carry half of what arrives.
    g_eff: Array = terminals.between("word_left", "bit_bottom") * halves
    if not offset:
        return g_eff
    still = segments.sources(np.zeros((1, crossbar.shape[0])))
    return g_eff, segments.shared(terminals.currents(still))["bit_bottom"][0]


def map_and_admittance(crossbar: Crossbar, *, threads: int) -> tuple[Array, Array]:
    """Return the effective conductance (rows, cols), and what ``driven_admittance`` says, from one reduction.

    Parameters
    ----------
    crossbar : Crossbar
        Of linear cells, without sources at its other ends.
    threads : int
        For the reduction.

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductance``.
    """
    segments = mappable(crossbar, False)
    terminals = Terminals.of(segments, keep=False, threads=threads)
    verify(terminals)
    g_eff: Array = terminals.between("word_left", "bit_bottom") * np.where(segments.joined["bit"], 0.5, 1.0)
    return g_eff, driven_admittance(terminals)


def driven_admittance(terminals: Terminals) -> Array:
    """Return the admittance (rows, rows) that the sources of ``word_left`` see while all others hold 0 V.

    With volts x of them they deliver ``x @ Y @ x``; all that the others do is to take currents up at 0 V.
    """
    admittances = np.zeros((terminals.segments.g.shape[0],) * 2)
    if "word_left" in terminals.places:
        couplings = terminals.network.couplings[terminals.places["word_left"]].copy()
        lines = np.arange(len(couplings))
        couplings[lines, lines + terminals.places["word_left"].start] = 0.0
        admittances -= couplings[:, terminals.places["word_left"]]
        admittances[lines, lines] = couplings.sum(axis=1)
    return admittances


def mappable(crossbar: Crossbar, offset: bool) -> Segments:
    """Lay out a crossbar that has an effective map; ``offset`` says whether fixed end sources are allowed for.

    Parameters
    ----------
    crossbar : Crossbar
        What is to be mapped.
    offset : bool
        Whether fixed sources may be other than 0 V.

    Raises
    ------
    InputError, SolveError
        It has none, as ``effective_conductance`` says.
    """
    segments = linear_segments(crossbar)
    check_mappable(segments, offset)
    return segments


def check_mappable(segments: Segments, offset: bool) -> None:
    """Check that a circuit has an effective map, as ``mappable`` does; cells do not matter.

    Parameters
    ----------
    segments : Segments
        Wires and ends.
    offset : bool
        Whether fixed sources may be other than 0 V.
    """
    fixed = [side for side in SIDES if segments.volts[side].any()]
    if fixed and not offset:
        raise InputError(
            f"the ends {', '.join(fixed)} hold non-zero voltages, so currents = voltages @ g_eff + i0: "
            "call effective_conductance(crossbar, offset=True)"
        )
    check_joined(segments, ("word",))
    if fixed:
        segments.check_conflicts(segments.sources(np.zeros((1, segments.g.shape[0]))))


def ports(crossbar: Crossbar) -> list[tuple[Side, int]]:
    """Name the ports of ``port_admittance`` in order: every line end that is not open, as (side, line)."""
    return [
        (side, int(k)) for side, end in crossbar.boundary.items() for k in np.flatnonzero(np.isfinite(end.resistance))
    ]


def port_admittance(crossbar: Crossbar, *, threads: int | None = None) -> Array:
    """Compute the admittance matrix of the crossbar seen by its sources, their resistances included.

    The currents *into* the network are ``Y @ V`` with V the source voltages of the ports that ``ports`` names:
    word_left, word_right, bit_top, bit_bottom, each end that is not open. ``end_currents``, positive out of the
    array, are ``-Y @ V``. Y is symmetric, its rows sum to zero and its off-diagonal entries are negative.

    Parameters
    ----------
    crossbar : Crossbar
        The circuit; fixed source voltages do not matter.
    threads : int, optional
        Threads to use; the result does not depend on it.

    Returns
    -------
    (ports, ports)
        Siemens.

    Raises
    ------
    SolveError
        0 ohm joins two ends, which the message names: the current between them has no bound.
    ConvergenceError, TooLargeError
        As ``effective_conductance``.
    """
    segments = linear_segments(crossbar)
    check_joined(segments, ("word", "bit"))
    terminals = Terminals.of(segments, keep=False, threads=thread_count(threads))
    verify(terminals)
    return admittance(crossbar, terminals, terminals.network.couplings)


def admittance(crossbar: Crossbar, terminals: Terminals, couplings: Array) -> Array:
    """Return the admittance matrix of ``ports(crossbar)``, of couplings between all terminals in siemens.

    Parameters
    ----------
    crossbar : Crossbar
        Whose ends say which ports there are.
    terminals : Terminals
        Its reduction, which says where they are among all.
    couplings : (terminals, terminals) array
        Siemens.
    """
    order = [terminals.places[side].start + line for side, line in ports(crossbar) if side in terminals.places]
    matrix: Array = couplings[np.ix_(order, order)]
    diagonal = matrix.sum(axis=1)
    np.subtract(0.0, matrix, out=matrix)
    np.fill_diagonal(matrix, diagonal)
    return matrix


def linear_segments(crossbar: Crossbar) -> Segments:
    """Lay out a crossbar of linear cells, or raise InputError."""
    if not isinstance(crossbar, Crossbar):
        raise InputError(f"crossbar is {type(crossbar).__name__}: it must be an xbarsim.Crossbar")
    if not crossbar.device.linear:
        raise InputError(
            f"cells of {crossbar.device!r} have no linear map: solve(crossbar, voltages) solves each vector on its own"
        )
    return Segments.of(crossbar)


def check_joined(segments: Segments, layers: tuple[str, ...]) -> None:
    """Raise SolveError where 0 ohm joins both ends of a line of these layers.

    Parameters
    ----------
    segments : Segments
        Wires and ends.
    layers : tuple of {"word", "bit"}
        Which lines are looked at.
    """
    pairs: dict[str, tuple[Side, Side]] = {
        "word": ("word_left", "word_right"),
        "bit": ("bit_top", "bit_bottom"),
    }
    names = [
        f"{pairs[layer][0]}[{k}] and {pairs[layer][1]}[{k}]"
        for layer in layers
        for k in np.flatnonzero(segments.joined[layer])
    ]
    if names:
        more = f" and {len(names) - 3} more pairs" if len(names) > 3 else ""
        raise SolveError(
            f"0 ohm joins the ends {', '.join(names[:3])}{more}: "
            "give one of them, or the wire between them, a resistance"
        )
