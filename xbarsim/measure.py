"""``.measure``: single numbers read off a sweep or a sequence in time, straight lines between its points."""

from __future__ import annotations

import re

import numpy as np

from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist.measures import Measure
from xbarsim.netlist.values import parse_number
from xbarsim.results import Result

_QUANTITY = re.compile(r"([vi])\(\s*([^,()\s]+)\s*(?:,\s*([^,()\s]+)\s*)?\)")


def evaluate(measure: Measure, result: Result) -> float:
    """Return one measure of an analysis.

    ``max``, ``min`` and ``pp`` look at the points between ``from`` and ``to``; ``avg``, ``rms`` and ``integ``
    integrate the straight lines between them; ``find`` gives a quantity ``at`` a value of the sweep or ``when`` another
    quantity crosses a value, ``when`` where it does, at its first crossing or the one that ``cross``, ``rise`` or
    ``fall`` counts.

    Raises
    ------
    InputError
        The measure asks for something else, for an unknown quantity, or for a crossing that there is not.
    """
    if len(result.sweep) != 1:
        raise InputError("it needs one swept source")
    x = result.sweep[0][1]
    if measure.function == "when":
        return _crossing(x, _quantity(measure.output, result), measure.keys)
    y = _quantity(measure.output, result)
    if measure.function == "find":
        if "at" in measure.keys:
            at = _number(measure.keys["at"])
        else:
            at = _crossing(x, _quantity(measure.keys["when"], result), measure.keys)
        return float(_interpolate(x, y, at))
    low = _number(measure.keys["from"]) if "from" in measure.keys else float(x.min())
    high = _number(measure.keys["to"]) if "to" in measure.keys else float(x.max())
    if measure.function in ("max", "min", "pp", "max_at", "min_at"):
        return _extreme(measure.function, x, y, low, high)
    if measure.function in ("avg", "rms", "integ"):
        return _integral(measure.function, x, y, low, high)
    raise InputError(f"{measure.function} is not evaluated")


def _number(text: str) -> float:
    value = parse_number(text)
    if value is None:
        raise InputError(f"{text!r} is no number")
    return value


def _quantity(text: str, result: Result) -> Array:
    """Return ``v(node)``, ``v(node, node)`` or ``i(source)`` over the sweep."""
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise InputError(f"{text!r} is no v(node), v(node,node) or i(source)")
    kind, first, second = match.groups()

    def column(name: str) -> Array:
        names, table = (result.nodes, result.voltages) if kind == "v" else (result.branches, result.currents)
        if kind == "v" and name in ("0", "gnd"):
            return np.zeros(result.points)
        if name not in names:
            raise InputError(f"there is no {'node' if kind == 'v' else 'source'} {name}")
        return np.asarray(table[:, names.index(name)])

    return column(first) - column(second) if second else column(first)


def _interpolate(x: Array, y: Array, at: float) -> float:
    ascending = np.argsort(x, kind="stable")
    if not x.min() <= at <= x.max():
        raise InputError(f"{at:g} is outside the sweep, {x.min():g} to {x.max():g}")
    return float(np.interp(at, x[ascending], y[ascending]))


def _crossing(x: Array, y: Array, keys: dict[str, str]) -> float:
    """Return where y passes ``value``, between points on a straight line."""
    gap = y - _number(keys["value"])
    ups = (gap[:-1] < 0) & (gap[1:] >= 0)
    downs = (gap[:-1] > 0) & (gap[1:] <= 0)
    which = "rise" if "rise" in keys else "fall" if "fall" in keys else "cross"
    found = np.flatnonzero({"rise": ups, "fall": downs, "cross": ups | downs}[which])
    text = keys.get(which, "1")
    count = found.size if text == "last" else int(_number(text))
    if not 1 <= count <= found.size:
        raise InputError(f"there is no such crossing ({found.size} found)")
    k = found[count - 1]
    share = gap[k] / (gap[k] - gap[k + 1])
    return float(x[k] + share * (x[k + 1] - x[k]))


def _extreme(function: str, x: Array, y: Array, low: float, high: float) -> float:
    inside = (x >= low) & (x <= high)
    if not inside.any():
        raise InputError(f"no point lies between {low:g} and {high:g}")
    x, y = x[inside], y[inside]
    if function == "pp":
        return float(y.max() - y.min())
    best = int(np.argmax(y) if function.startswith("max") else np.argmin(y))
    return float(x[best] if function.endswith("at") else y[best])


def _integral(function: str, x: Array, y: Array, low: float, high: float) -> float:
    if not low < high:
        raise InputError(f"there is nothing between {low:g} and {high:g}")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    edges = np.array([max(low, x[0]), min(high, x[-1])])
    at = np.unique(np.concatenate([x[(x > edges[0]) & (x < edges[1])], edges]))
    values = np.interp(at, x, y)
    before, after = values[:-1], values[1:]
    # Exact for straight lines between the points, squares included.
    mean_piece = (before**2 + before * after + after**2) / 3 if function == "rms" else (before + after) / 2
    area = float((mean_piece * np.diff(at)).sum())
    if function == "integ":
        return area
    mean = area / float(edges[1] - edges[0])
    return float(np.sqrt(mean)) if function == "rms" else mean
