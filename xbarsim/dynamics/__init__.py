"""General networks in time: capacitors, inductors and junctions' charges on the equations of ``xbarsim.nonlinear``.

``integrate`` runs a circuit. ``stored_charge`` holds what has a past, ``formulas`` turns its rates into differences,
``step_equations`` solves for the end of a step, ``truncation`` judges the step by the points in ``history``, and
``dyadic_grid`` says where steps may end. ``timed_sources`` and ``law_corners`` know when something jumps;
``first_point`` is where a run begins, ``timed_solution`` what it gives, ``run_failures`` what is said where it ends
early.
"""

from xbarsim.dynamics.integration import integrate
from xbarsim.dynamics.timed_solution import TimedSolution

__all__ = ["TimedSolution", "integrate"]
