"""Ways to a solution from easier circuits: shunts that are taken away, sources that are turned up."""

from __future__ import annotations

import numpy as np

from xbarsim.nonlinear.iteration import NewtonError, Point, Setting, newton
from xbarsim.nonlinear.part import Floats
from xbarsim.nonlinear.problem import Problem

_FIRST_SHUNT = 1e-1
_LAST_SHUNT = 1e-15
_MOST = 200
_MOST_FAILED = 12
"""How often the way may be blocked until it is given up."""


def find(problem: Problem, right: Floats, time: float, warm: Floats | None) -> Point:
    """Return the solution at one setting of the sources.

    Parameters
    ----------
    problem : Problem
        The circuit.
    right : (size, 1)
        What its sources give.
    time : float
        Seconds.
    warm : (size, 1) or None
        The solution next to this one, where the tangents still stand.

    Raises
    ------
    NewtonError
        None of the ways ends; the error is that of plain Newton steps from 0.
    """
    setting = Setting(right, time)
    if warm is not None:
        try:
            return newton(problem, setting, warm)
        except NewtonError:
            pass
    zero = np.zeros_like(right)
    problem.restart()
    try:
        return newton(problem, setting, zero)
    except NewtonError as error:
        first = error
    for way in (_by_shunts, _by_sources):
        problem.restart()
        try:
            return way(problem, setting, zero)
        except NewtonError:
            continue
    raise first


def _by_shunts(problem: Problem, setting: Setting, x: Floats) -> Point:
    """Take shunts from all nodes to ground away decade by decade, in smaller steps where they fail."""
    log, step, target = np.log10(_FIRST_SHUNT), 1.0, np.log10(_LAST_SHUNT)
    x = newton(problem, Setting(setting.right, setting.time, _FIRST_SHUNT), x).x
    failed = 0
    for _ in range(_MOST):
        if log <= target:
            return newton(problem, setting, x)
        goal = max(log - step, target)
        try:
            x = newton(problem, Setting(setting.right, setting.time, 10.0**goal), x).x
            log, step = goal, min(2.0 * step, 2.0)
        except NewtonError:
            step, failed = step / 4.0, failed + 1
            if step < 1e-4 or failed > _MOST_FAILED:
                raise
    raise NewtonError("taking shunts away does not end")


def _by_sources(problem: Problem, setting: Setting, x: Floats) -> Point:
    """Turn all sources up from 0, in smaller steps where they fail."""
    share, step, failed = 0.0, 0.05, 0
    for _ in range(_MOST):
        goal = min(share + step, 1.0)
        try:
            if goal == 1.0:
                return newton(problem, setting, x)
            x = newton(problem, Setting(setting.right, setting.time, 0.0, goal), x).x
            share, step = goal, 1.5 * step
        except NewtonError:
            step, failed = step / 4.0, failed + 1
            if step < 1e-7 or failed > _MOST_FAILED:
                raise
    raise NewtonError("turning the sources up does not end")
