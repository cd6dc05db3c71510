"""A measured curve as a SPICE subcircuit: cubic pieces, chosen by voltage."""

from __future__ import annotations

from xbarsim.checks import Array

_LETTERS = "xdcba"
"""A piece's parameters: where it starts, and its coefficients of the third to the zeroth power."""

_PREFIX = "table_"
"""What its parameters' names begin with; they are global, as ngspice copies a subcircuit's own into every call."""


def table_subcircuit(breaks: Array, pieces: Array, conductance: float) -> str:
    """Return the twin of a :class:`xbarsim.devices.Table`: ``I = (g / G0) f(V)``, ports ``TE BE``.

    Parameters
    ----------
    breaks : (points,)
        Volts at which one piece ends and the next begins, rising.
    pieces : (points + 1, 5)
        ``x, d, c, b, a`` of ``f(V) = a + s (b + s (c + s d))``, ``s = V - x``; the outer ones straight.
    conductance : float
        G0, siemens of the measured cell.
    """
    lines = [
        "* Measured curve: I = (g / g0) f(V), V from TE to BE, f(V) = a + s (b + s (c + s d)) with s = V - x,",
        "* the piece chosen by V; straight lines beyond the points.",
        "* g  siemens of the cell; g0 of the measured one",
        # Literals in a B source lose digits beyond the eleventh; parameters do not.
        f".param {_PREFIX}g0={conductance!r}",
    ]
    for k, piece in enumerate(pieces.tolist()):
        letters = zip(_LETTERS, piece, strict=True)
        lines.append(
            ".param "
            + " ".join(f"{_PREFIX}{letter}{k}={value!r}" for letter, value in letters if value or letter in "xa")
        )
    lines += [f".param {_PREFIX}u{k}={value!r}" for k, value in enumerate(breaks.tolist())]
    formulas = [_cubic(k, piece) for k, piece in enumerate(pieces.tolist())]
    lines += [f".subckt table te be g={conductance!r}", f".param ratio={{g/{_PREFIX}g0}}"]
    return "\n".join([*lines, f"b1 te be i=ratio*{_tree(formulas, 0, len(formulas))}", ".ends table", ""])


def _cubic(k: int, piece: list[float]) -> str:
    """Return a piece in Horner's form, without the powers that it does not have."""
    x, d, c, b, a = (f"{_PREFIX}{letter}{k}" for letter in _LETTERS)
    s = f"(v(te,be)-{x})"
    text = ""
    for name, value in zip((d, c, b), piece[1:4], strict=True):
        text = f"({name}+{s}*{text})" if value and text else name if value else f"{s}*{text}" if text else ""
    return f"({a}+{s}*{text})" if text else a


def _tree(formulas: list[str], first: int, end: int) -> str:
    """Return the choice among pieces ``first`` to ``end - 1``, halved at each step; piece k ends at ``u<k>``."""
    if end - first == 1:
        return formulas[first]
    middle = (first + end) // 2
    below, above = _tree(formulas, first, middle), _tree(formulas, middle, end)
    return f"(v(te,be) < {_PREFIX}u{middle - 1} ? {below} : {above})"
