"""Networks with nonlinear elements: Newton's method on the equations of ``xbarsim.mna``.

``part`` says what a group of equal elements gives: currents, slopes, and where both go; ``junction``, ``channel`` and
``law_sources`` are such groups, ``limits`` holds their steps back, ``fixed_voltages`` finds what no step moves.
``assembly`` makes them of a netlist's columns and ``problem`` one system of all. ``iteration`` solves at one point,
``continuation`` comes from easier circuits where that fails, and ``operating_points`` goes through an analysis.
"""

from xbarsim.nonlinear.iteration import NewtonError
from xbarsim.nonlinear.operating_points import FailedPointError, NonlinearSolution, solve
from xbarsim.nonlinear.problem import Problem

__all__ = ["FailedPointError", "NewtonError", "NonlinearSolution", "Problem", "solve"]
