"""The effective maps of many crossbars at once, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from xbarsim.checks import checked_array
from xbarsim.crossbar import Array, Crossbar
from xbarsim.errors import InputError, XbarsimError
from xbarsim.kernels import bipartite
from xbarsim.kernels.vectors import LANES
from xbarsim.resources import check_memory, one_blas_thread, run_tasks, thread_count
from xbarsim.solvers.adjoint import EffectiveMap, effective_map
from xbarsim.solvers.effective import effective_conductance, map_and_admittance
from xbarsim.solvers.layouts import Layouts
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.side_by_side import KEPT_BYTES, SideBySide

_Result = TypeVar("_Result")

_Kind = tuple[int | bool, ...]

_SAMPLES = 16
"""Cells by which crossbars are told apart before all are compared."""


def effective_conductances(crossbars: Iterable[Crossbar], *, threads: int | None = None) -> list[Array]:
    """Compute the effective conductance of each of many crossbars.

    Those of one shape are reduced side by side, which for small ones takes a tenth of the time that
    ``effective_conductance`` needs one after the other. The numbers are the same to rounding.

    Parameters
    ----------
    crossbars : iterable of Crossbar
        The circuits, of any shapes; their cells must be linear.
    threads : int, optional
        Threads to use; a crossbar's result depends neither on it nor on which others are given with it.

    Returns
    -------
    list of (rows, cols)
        Siemens, each verified against a solve of a random vector.

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductance``; the message names the crossbar by its place.
    """
    return effective_maps(crossbars, threads=threads).matrices


@dataclass(frozen=True, eq=False)
class EffectiveMaps:
    """The effective conductances of many crossbars, and how they change with the cells.

    Attributes
    ----------
    matrices : list of (rows, cols)
        Siemens: ``currents = voltages @ matrix`` for each crossbar.
    admittances : list of (rows, rows) or None
        Siemens that the sources of the word lines see: they deliver ``voltages @ admittance @ voltages`` watts.
    """

    matrices: list[Array]
    _crossbars: Sequence[Crossbar]
    _layouts: list[Segments]
    _kinds: Sequence[_Kind | None]
    _alone: frozenset[int]
    _threads: int
    _reductions: Mapping[int, EffectiveMap] = field(default_factory=dict)
    admittances: list[Array] | None = None

    def gradients(self, cotangents: Iterable[ArrayLike | None]) -> list[Array | None]:
        """Carry a gradient back to the cells: ``d sum(cotangent * matrix) / d conductance`` for each crossbar.

        Reductions that were not kept are done again.

        Parameters
        ----------
        cotangents : iterable of array_like, (rows, cols) each
            What a loss's gradient is with respect to each of ``matrices``; None leaves a crossbar out.

        Returns
        -------
        list of (rows, cols)
            The loss's gradient with respect to each crossbar's conductance; None where there is no cotangent.

        Raises
        ------
        InputError
            There are more or fewer cotangents than crossbars, or one has a bad entry or shape.
        """
        if not isinstance(cotangents, Iterable):
            raise InputError(f"cotangents is {type(cotangents).__name__}: it must be a list, one for each crossbar")
        cotangents = list(cotangents)
        if len(cotangents) != len(self.matrices):
            raise InputError(f"cotangents are {len(cotangents)}: give one for each of {len(self.matrices)} crossbars")
        checked: dict[int, Array] = {}
        for k, cotangent in enumerate(cotangents):
            if cotangent is not None:
                checked[k] = checked_array(f"cotangents[{k}]", cotangent, signed=True)
                if checked[k].shape != self.matrices[k].shape:
                    raise InputError(
                        f"cotangents[{k}] has shape {checked[k].shape}: it must be {self.matrices[k].shape}, as the map"
                    )
        gradients: list[Array | None] = [None] * len(cotangents)

        def carry(places: list[int]) -> None:
            if places[0] in self._alone:
                for k in places:
                    reduced = self._reductions.get(k) or effective_map(self._crossbars[k], threads=1)
                    gradients[k] = reduced.gradient(checked[k])
                return
            group = SideBySide([self._layouts[k] for k in places])
            for k, gradient in zip(places, group.gradients(np.stack([checked[k] for k in places])), strict=True):
                gradients[k] = gradient

        groups = _groups([k for k in checked if k not in self._alone], self._kinds)
        _check_memory(self._layouts, groups, self._threads, keep=True)
        tasks = [*groups, *([k] for k in checked if k in self._alone)]
        with one_blas_thread():
            run_tasks(carry, tasks, self._threads)
        return gradients


def effective_maps(
    crossbars: Iterable[Crossbar], *, threads: int | None = None, keep: bool = False, admittances: bool = False
) -> EffectiveMaps:
    """Compute the effective conductances of many crossbars, of which gradients are wanted.

    Parameters
    ----------
    crossbars, threads
        As those of ``effective_conductances``.
    keep : bool
        Whether gradients are sure to be asked for: reductions of crossbars without wires, which are as large as some
        maps, are then kept for them, up to a quarter of a gigabyte in all. Others are done again.
    admittances : bool
        Whether the result has ``admittances`` too; nothing is kept then.

    Returns
    -------
    EffectiveMaps

    Raises
    ------
    InputError, SolveError, ConvergenceError, TooLargeError
        As ``effective_conductances``.
    """
    count = thread_count(threads)
    if not isinstance(crossbars, Iterable):
        raise InputError(f"crossbars is {type(crossbars).__name__}: it must be a list of xbarsim.Crossbar")
    crossbars = list(crossbars)
    laid_out = Layouts()
    layouts = [_placed(k, laid_out.of, crossbar) for k, crossbar in enumerate(crossbars)]
    kinds = _kinds(layouts)
    beside = [k for k, kind in enumerate(kinds) if kind is not None]
    _check_memory(layouts, _groups(beside, kinds), count, keep=False)
    first = _first_alike(layouts, beside)
    matrices: list[Array | None] = [None] * len(crossbars)
    sources: list[Array | None] = [None] * len(crossbars)

    def reduce(places: list[int]) -> None:
        group = SideBySide([layouts[k] for k in places])
        rows = group.shape[0]
        driven = np.empty((len(places), rows, rows)) if admittances else None
        maps, agree = group.maps(driven)
        for place, k in enumerate(places):
            if agree[place]:
                matrices[k], sources[k] = maps[place], None if driven is None else driven[place]

    reductions: dict[int, EffectiveMap] = {}

    def reduce_alone(k: int) -> None:
        if admittances:
            pair = _placed(k, lambda crossbar: map_and_admittance(crossbar, threads=1), crossbars[k])
            matrices[k], sources[k] = pair
        elif k in keeping:
            reductions[k] = _placed(k, lambda crossbar: effective_map(crossbar, threads=1), crossbars[k])
            matrices[k] = reductions[k].matrix
        else:
            matrices[k] = _placed(k, lambda crossbar: effective_conductance(crossbar, threads=1), crossbars[k])

    run_tasks(reduce, _groups([k for k in beside if first[k] == k], kinds), count)
    alone = [k for k, matrix in enumerate(matrices) if matrix is None and first.get(k, k) == k]
    keeping = _keeping(layouts, alone) if keep and not admittances else frozenset()
    with one_blas_thread():
        run_tasks(reduce_alone, alone, count)
    whole = [_separate(matrices, k, first.get(k, k)) for k in range(len(crossbars))]
    driven = [_separate(sources, k, first.get(k, k)) for k in range(len(crossbars))] if admittances else None
    lone = frozenset(alone)
    lone |= {k for k, twin in first.items() if twin in lone}
    return EffectiveMaps(whole, crossbars, layouts, kinds, lone, count, reductions, driven)


def _keeping(layouts: Sequence[Segments], alone: Sequence[int]) -> frozenset[int]:
    """Return which crossbars' reductions are kept: of those without wires as many as fit."""
    left, keeping = KEPT_BYTES, set()
    for k in alone:
        rows, cols = layouts[k].g.shape
        size = bipartite.memory(rows, cols, layouts[k].present)
        if layouts[k].ideal and size <= left:
            left -= size
            keeping.add(k)
    return frozenset(keeping)


def _separate(matrices: list[Array | None], k: int, first: int) -> Array:
    """Return a crossbar's map; of equal crossbars each has one of its own."""
    matrix = matrices[first]
    assert matrix is not None
    return matrix if k == first else matrix.copy()


def _kinds(layouts: Sequence[Segments]) -> list[_Kind | None]:
    """Return by what each crossbar must be like others to be reduced beside them; None for those reduced alone."""
    suited: dict[tuple[int, int], _Kind | None] = {}
    kinds = []
    for segments in layouts:
        wires = id(segments.word), id(segments.bit)
        if wires not in suited:
            suits = SideBySide.suits(segments)
            suited[wires] = (*segments.g.shape, *segments.present) if suits else None
        kinds.append(suited[wires])
    return kinds


def _groups(places: Sequence[int], kinds: Sequence[_Kind | None]) -> list[list[int]]:
    """Cut crossbars of one kind into groups that are reduced together."""
    alike: dict[_Kind | None, list[int]] = {}
    for k in places:
        alike.setdefault(kinds[k], []).append(k)
    return [group[k : k + LANES] for group in alike.values() for k in range(0, len(group), LANES)]


def _check_memory(layouts: Sequence[Segments], groups: list[list[int]], threads: int, *, keep: bool) -> None:
    """Refuse results and work space that would not fit."""
    work = max((SideBySide.work_bytes(layouts[group[0]], keep=keep) for group in groups), default=0.0)
    results_size = 8.0 * sum(segments.g.size for segments in layouts)
    check_memory(
        results_size + min(threads, len(groups)) * work,
        f"reducing {len(layouts)} crossbar(s)",
        "give fewer at a time",
    )


def _first_alike(layouts: Sequence[Segments], places: Sequence[int]) -> dict[int, int]:
    """Return for each of some crossbars the first that has the same wires and equal cells."""
    first: dict[int, int] = {}
    samples: dict[tuple[int, int, bytes], list[int]] = {}
    for k in places:
        cells = layouts[k].g.ravel()
        sample = cells[:: max(1, cells.size // _SAMPLES)].tobytes()
        candidates = samples.setdefault((id(layouts[k].word), id(layouts[k].bit), sample), [])
        first[k] = next((twin for twin in candidates if np.array_equal(layouts[twin].g, layouts[k].g)), k)
        if first[k] == k:
            candidates.append(k)
    return first


def _placed(k: int, function: Callable[[Crossbar], _Result], crossbar: Crossbar) -> _Result:
    """Call a function; its errors name the crossbar."""
    try:
        return function(crossbar)
    except XbarsimError as error:
        error.args = (f"crossbars[{k}]: {error}",)
        raise
