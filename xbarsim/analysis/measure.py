"""``.measure``: single numbers read off an operating point, a sweep or a sequence in time.

Between its points a sweep is straight lines.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xbarsim.analysis.readout import Readout
from xbarsim.crossbar import Array
from xbarsim.errors import InputError
from xbarsim.netlist.measures import Event, Measure
from xbarsim.netlist.refusals import CardError

_RANGES = ("max", "min", "pp", "max_at", "min_at", "avg", "rms", "integ")


def evaluate(measure: Measure, read: Readout) -> float:
    """Return one measure of an analysis.

    ``max``, ``min`` and ``pp`` look at the points between ``from`` and ``to``; ``avg``, ``rms`` and ``integ``
    integrate the straight lines between them. ``find`` and ``deriv`` give a quantity or its slope ``at`` a place of the
    sweep or ``when`` a quantity crosses a value or another quantity, ``when`` where it does: at the first crossing, or
    the one that ``cross``, ``rise`` or ``fall`` counts, from ``td`` on. ``trig`` and ``targ`` give the way from one
    crossing to another, ``param`` an expression of parameters and of what was measured. At an operating point a
    measure is the quantity itself, and there are no slopes and crossings.

    Parameters
    ----------
    measure : Measure
        What the card asks for.
    read : Readout
        Quantities of the analysis by name.

    Raises
    ------
    InputError
        The measure asks for something else, for an unknown quantity, or for a crossing that there is not.
    """
    if measure.problem:
        raise InputError(measure.problem)
    if measure.function == "param":
        return read.number(measure.output)
    if not read.result.sweep:
        return _at_point(measure, read)
    if len(read.result.sweep) != 1:
        raise InputError("it needs one swept source")
    x = read.result.sweep[0][1]
    if measure.trig is not None and measure.targ is not None:
        start, end = (_place(event, x, read) for event in (measure.trig, measure.targ))
        return end - start
    if measure.function == "when":
        segment, share = _crossing(x, measure.output, measure.keys, read)
        return float(x[segment] + share * (x[segment + 1] - x[segment]))
    y = read(measure.output)
    if measure.function in ("find", "deriv"):
        return _value_at(measure, x, y, read)
    low = read.number(measure.keys["from"]) if "from" in measure.keys else float(x.min())
    high = read.number(measure.keys["to"]) if "to" in measure.keys else float(x.max())
    if "td" in measure.keys:
        low = max(low, read.number(measure.keys["td"]))
    if measure.function in ("max", "min", "pp", "max_at", "min_at"):
        return _extreme(measure.function, x, y, low, high)
    return _integral(measure.function, x, y, low, high)


def _at_point(measure: Measure, read: Readout) -> float:
    if measure.function not in (*_RANGES, "find") or measure.function in ("max_at", "min_at", "integ"):
        raise InputError(f"{measure.function} needs a sweep")
    y = float(read(measure.output)[0])
    return 0.0 if measure.function == "pp" else abs(y) if measure.function == "rms" else y


def _value_at(measure: Measure, x: Array, y: Array, read: Readout) -> float:
    if "when" in measure.keys:
        k, share = _crossing(x, measure.keys["when"], measure.keys, read)
        if measure.function == "deriv":
            return float((y[k + 1] - y[k]) / (x[k + 1] - x[k]))
        return float(y[k] + share * (y[k + 1] - y[k]))
    at = read.number(measure.keys["at"])
    ascending = np.argsort(x, kind="stable")
    x, y = x[ascending], y[ascending]
    if not x[0] <= at <= x[-1]:
        raise InputError(f"{at:g} is outside the sweep, {x[0]:g} to {x[-1]:g}")
    if measure.function == "find":
        return float(np.interp(at, x, y))
    # At a point, the mean of the slopes on both sides.
    slopes = np.diff(y) / np.diff(x)
    beside = [k for k in range(slopes.size) if x[k] <= at <= x[k + 1]]
    return float(slopes[beside].mean())


def _place(event: Event, x: Array, read: Readout) -> float:
    """Return where an end of ``trig ... targ`` is."""
    if not event.output:
        return read.number(event.keys["at"])
    k, share = _crossing(x, event.output, event.keys, read)
    return float(x[k] + share * (x[k + 1] - x[k]))


def _crossing(x: Array, output: str, keys: dict[str, str], read: Readout) -> tuple[int, float]:
    """Return where a quantity passes ``value``: a point, and the share of the way to the next on a straight line."""
    gap = read(output) - read(keys["value"])
    ups = (gap[:-1] < 0) & (gap[1:] >= 0)
    downs = (gap[:-1] > 0) & (gap[1:] <= 0)
    kinds = [kind for kind in ("rise", "fall", "cross") if kind in keys] or ["cross"]
    starts = np.flatnonzero({"rise": ups, "fall": downs, "cross": ups | downs}[kinds[0]])
    share = gap[starts] / (gap[starts] - gap[starts + 1])
    places = x[starts] + share * (x[starts + 1] - x[starts])
    limits: tuple[tuple[str, Callable[[Array, float], Array]], ...] = (
        ("td", np.greater_equal), ("from", np.greater_equal), ("to", np.less_equal),
    )  # fmt: skip
    for key, inside in limits:
        if key in keys:
            keep = inside(places, read.number(keys[key]))
            starts, share, places = starts[keep], share[keep], places[keep]
    text = keys.get(kinds[0], "1")
    count = starts.size if text == "last" else int(read.number(text))
    if not 1 <= count <= starts.size:
        raise InputError(f"there is no such crossing ({starts.size} found)")
    return int(starts[count - 1]), float(share[count - 1])


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


def evaluate_all(measures: tuple[Measure, ...], read: Readout, values: dict[str, float]) -> dict[str, str]:
    """Evaluate measures of one analysis into ``values``; return why those cannot be that cannot.

    ``param`` comes last, each when what it names was measured.

    Parameters
    ----------
    measures : tuple of Measure
        All of one analysis.
    read : Readout
        Quantities of the analysis by name.
    values : dict of str to float
        Those that there are already; it is filled.
    """
    failed: dict[str, str] = {}
    waiting = sorted(measures, key=lambda measure: measure.function == "param")
    for _ in range(len(waiting)):
        left: list[Measure] = []
        for measure in waiting:
            failed.pop(measure.name, None)
            try:
                value = evaluate(measure, read)
                if not np.isfinite(value):
                    raise InputError("it has no finite value")
                values[measure.name] = value
            except (InputError, CardError) as error:
                failed[measure.name] = str(error)
                left += [measure] if measure.function == "param" else []
        if len(left) in (0, len(waiting)):
            break
        waiting = left
    for measure in measures:  # in the order of the cards
        if measure.name in values:
            values[measure.name] = values.pop(measure.name)
    return failed
