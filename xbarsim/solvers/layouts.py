"""Many crossbars as their kernels see them: those with the same wires and ends share the layout of these."""

from __future__ import annotations

from dataclasses import replace

from xbarsim.crossbar import Array, Crossbar
from xbarsim.solvers.effective import mappable
from xbarsim.solvers.segments import Segments

_Key = tuple[object, ...]


class Layouts:
    """Layouts of crossbars that have an effective map, made once for crossbars that differ in their cells alone."""

    def __init__(self) -> None:
        self._shared: dict[_Key, tuple[Crossbar, Segments]] = {}

    def of(self, crossbar: Crossbar) -> Segments:
        """Lay out a crossbar; ``word`` and ``bit`` of two layouts are the same arrays where wires and ends are alike.

        Raises
        ------
        InputError, SolveError
            It has no effective map, as ``effective_conductance`` says.
        """
        key = _wires(crossbar)
        if key is None:
            return mappable(crossbar, offset=False)
        if key in self._shared:
            return replace(self._shared[key][1], g=crossbar.conductance)
        segments = mappable(crossbar, offset=False)
        # Where lines are broken, the cells say which nodes float.
        if not segments.breakable:
            self._shared[key] = crossbar, segments
        return segments


def _wires(crossbar: Crossbar) -> _Key | None:
    """Return what tells wires and ends of one number each from others; None where they have more."""
    if not isinstance(crossbar, Crossbar) or not crossbar.device.linear:
        return None
    numbers = [_number(array) for array in (crossbar.word_wire, crossbar.bit_wire, crossbar.driver, crossbar.sense)]
    if None in numbers:
        return None
    # The crossbar that is kept with a layout keeps its ends from giving their identity to others.
    return crossbar.shape, *numbers, *((side, id(end)) for side, end in crossbar.ends.items())


def _number(array: Array) -> float | None:
    """Return the number that an array repeats; None where it holds several."""
    if array.size == 0:
        return 0.0
    first = float(array.flat[0])
    return first if not any(array.strides) or (array == first).all() else None
