"""Crossbars solved exactly: from a circuit and its sources to checked currents, and to the map that it applies.

:mod:`~xbarsim.solvers.solve` chooses the method, by :mod:`~xbarsim.solvers.costs`, and checks what it gives.
:mod:`~xbarsim.solvers.segments` lays a crossbar out as the kernels see it; :mod:`~xbarsim.solvers.linear` holds the two
methods for linear cells, conjugate gradients and Kron reduction, :mod:`~xbarsim.solvers.newton` and
:mod:`~xbarsim.solvers.access_newton` those for nonlinear ones; each gives an :mod:`~xbarsim.solvers.answer`.
:mod:`~xbarsim.solvers.extrapolation` says where these left the voltages at which their law is known.
:mod:`~xbarsim.solvers.terminals` is a crossbar reduced to its sources, of which :mod:`~xbarsim.solvers.effective` reads
the map (:mod:`~xbarsim.solvers.tall` where an array is long), and :mod:`~xbarsim.solvers.adjoint` gives its gradients;
:mod:`~xbarsim.solvers.output_currents` those of the currents of cells of any law.
:mod:`~xbarsim.solvers.updatable` follows writes to some cells, by their :mod:`~xbarsim.solvers.cell_ways` through one
reduction.
:mod:`~xbarsim.solvers.refinement` bounds and improves voltages. :mod:`~xbarsim.solvers.reference` shares no code with
any.
"""
