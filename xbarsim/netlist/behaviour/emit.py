"""Graphs as Python: one statement an operation, for numpy's arrays or for numba's scalars."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from xbarsim.netlist.behaviour.graph import Graph, Node

_INFIX = ("+", "-", "*", "/")
_COMPARED = ("<", "<=", "==")
_NUMPY_NAMES = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
}  # fmt: skip


def compiled(
    graph: Graph, roots: list[int], arguments: list[tuple[str, Node]], *, scalar: bool = False
) -> Callable[..., Any]:
    """Return ``law(arguments)``, which gives the tuple of the roots' values.

    Parameters
    ----------
    graph : Graph
        The operations.
    roots : list of int
        What to return.
    arguments : list of (name, leaf)
        The leaves in the order of the arguments; a leaf that the roots do not need may be among them.
    scalar : bool
        Whether for floats, by ``math`` alone, so that numba can compile it.
    """
    names = {leaf: name for name, leaf in arguments}
    lines = [f"def law({', '.join(name for name, _ in arguments)}):"]
    texts: dict[int, str] = {}
    space: dict[str, Any] = {"math": math, "np": np, "inf": math.inf, "nan": math.nan}
    for at in graph.order(*roots):
        node = graph.nodes[at]
        if node in names:
            texts[at] = names[node]
        elif node[0] == "number" and scalar:
            texts[at] = repr(node[1]) if math.isfinite(float(str(node[1]))) else "inf"
        elif node[0] == "number":
            texts[at] = f"n{at}"
            space[f"n{at}"] = np.float64(str(node[1]))  # Python's floats raise where they have no value
        else:
            texts[at] = f"t{at}"
            lines.append(f"    t{at} = {_operation_text(node[0], [texts[k] for k in node[2]], scalar)}")
    lines.append(f"    return ({''.join(texts[root] + ', ' for root in roots)})")
    exec("\n".join(lines), space)  # every word of it is written here
    law: Callable[..., Any] = space["law"]
    return law


def _operation_text(operation: str, x: list[str], scalar: bool) -> str:
    if operation in _INFIX:
        return f"{x[0]} {operation} {x[1]}"
    if operation == "neg":
        return f"-{x[0]}"
    if operation == "where":
        return f"({x[1]} if {x[0]} != 0.0 else {x[2]})" if scalar else f"np.where({x[0]} != 0.0, {x[1]}, {x[2]})"
    if operation in _COMPARED:
        compared = f"{x[0]} {operation} {x[1]}"
        return f"(1.0 if {compared} else 0.0)" if scalar else f"np.where({compared}, 1.0, 0.0)"
    if operation == "rise":
        risen = f"{x[1]} - {x[0]}"
        return f"({risen} if {x[0]} < {x[1]} else nan)" if scalar else f"np.where({x[0]} < {x[1]}, {risen}, nan)"
    if operation == "power":
        return f"abs({x[0]}) ** {x[1]}"
    if operation == "pwr":
        power = f"abs({x[0]}) ** {x[1]}"
        return f"math.copysign({power}, {x[0]})" if scalar else f"np.copysign({power}, {x[0]})"
    if operation == "abs":
        return f"abs({x[0]})"
    if operation == "rint":
        return f"{'float(round' if scalar else 'np.rint'}({x[0]}){')' if scalar else ''}"
    if scalar:
        call = f"math.{operation}({x[0]})"
        return f"float({call})" if operation in ("floor", "ceil") else call
    return f"np.{_NUMPY_NAMES.get(operation, operation)}({x[0]})"
