"""Text to circuit: lines, cards, expressions, subcircuits.

Text. ``source`` gives lines with their places; ``foreign`` and ``title`` say what is no netlist, or no title;
``libraries`` and ``pointfiles`` open what a file names.

Cards. ``reader`` goes through the lines: runs of a kind by ``plain`` and ``call_runs``, branches by ``conditions``, all
others as words of ``tokens``. ``elements`` takes elements (``resistorcards``, ``sources``, ``wavecards``, ``controls``,
``lawcards``, ``switchcards``, ``devicecards``), ``cards`` the rest (``sweepcards``, ``measurecards``, ``settings``,
``csparams``, ``othercards``). What they say stands in columns, a ``body`` for each subcircuit. ``control`` makes a tree
of a block and ``program`` runs it; ``alterations`` are what it sets anew.

Values. ``expressions`` is the dialect of parameters in :mod:`~xbarsim.netlist.language`. ``calls`` and ``scopes`` say
what a name means in an instance, ``columns`` its worth in many, ``draws`` by chance.

Circuit. ``flatten`` expands bodies, as ``work`` for many instances at once: ``nesting`` counts them before, ``choices``
takes their branches, ``expansion`` their instances, ``lookup`` finds their models, ``resistors`` their ohms. ``flat``,
``law_columns`` and ``device_columns`` are what grows; ``ammeters`` are put in, ``loops`` refused, and ``states``
freezes what ``holding`` finds in its ``surroundings``.

Analyses. ``schedule`` makes them of cards, ``targets`` says what is swept and ``changes`` in what a variant differs;
``toplevel`` has its parameters, and ``variants`` makes the circuit, and one for each of them.
"""
