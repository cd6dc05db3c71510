"""What a netlist asks for, computed: its analyses, what is read off them, and what the command line says of it.

:mod:`~xbarsim.analysis.runs` goes from a netlist or arrays to :mod:`~xbarsim.analysis.answers`, which print
themselves. Between them :mod:`~xbarsim.analysis.simulate` runs each analysis: :mod:`~xbarsim.analysis.points` lists
the settings of the sources, :mod:`~xbarsim.analysis.as_crossbar`, :mod:`~xbarsim.analysis.as_columns`,
:mod:`~xbarsim.analysis.transistors` or the network of :mod:`~xbarsim.analysis.general` solves them, with arrays inside
:mod:`~xbarsim.analysis.as_loop` or :mod:`~xbarsim.analysis.arrays_by_ends` (:mod:`~xbarsim.analysis.array_insides` adds
the nodes within),
:mod:`~xbarsim.analysis.unsolvable` says why that cannot be,
:mod:`~xbarsim.analysis.families` joins the circuit's variants, :mod:`~xbarsim.analysis.charged` adds what frozen states
take. :mod:`~xbarsim.analysis.results` holds the numbers; :mod:`~xbarsim.analysis.readout`,
:mod:`~xbarsim.analysis.measure` and :mod:`~xbarsim.analysis.printed` read them by name,
:mod:`~xbarsim.analysis.rawfile` writes them, :mod:`~xbarsim.analysis.pictures` chooses among
:mod:`~xbarsim.analysis.drawings`, :mod:`~xbarsim.analysis.numbers` takes out the few that a study keeps. For Python,
:mod:`~xbarsim.analysis.circuit` is what reading a netlist gives: it solves itself by
:mod:`~xbarsim.analysis.circuit_runs` and gives a :mod:`~xbarsim.analysis.circuit_solution`.
"""
