"""Circuit to crossbar, by its graph alone.

``recognise`` is the way in. Of nonlinear cells ``cell_laws`` says which model they follow (``gate_lines`` of those with
an access transistor), and ``standins`` puts a resistor in the place of each until the layout is known.

``edges`` is the circuit as all the others see it: resistances, and sources to ground. A ``layout`` says where each node
stands. It is proposed by ``names`` where a netlist has those that xbarsim writes, else by ``search``, for one choice of
rails after another. ``core`` cuts rails and ties off. ``labels`` yields readings of which edges are cells: by ``grid``
where both layers have wires, by ``deduce`` where some are missing (``turns`` finds squares of four cells, ``partial``
what decided edges leave to open ones). ``lines`` makes ``paths`` of the wires, ``axis`` gives them coordinates;
``grounded`` is a line whose cells all end in ground. ``orient`` says which lines are rows, and which end is which.
``shared_lines`` knows layers of cells that share lines. ``ladder_pairs`` knows arrays with source lines along bit
lines, which are no crossbars, by ``ladder_parts``, and ``shared_sources`` those where two share one; both cut cells in
``halves``.

``assemble`` believes a layout if every element fits into it exactly once: ``places`` finds each one's place,
``line_ends`` what the ends are tied to. ``pieces`` turns down dividers and circuits that share only ground,
``obstacles`` finds what a refusal names. ``order`` sorts for all of them. ``arrays_inside`` takes apart what is no
crossbar as a whole, and looks for arrays in its parts.
"""
