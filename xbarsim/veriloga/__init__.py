"""Compact models in Verilog-A: compiled by OpenVAF, and called through OSDI, the interface that it compiles to.

``va_compiler`` runs the compiler; ``va_words`` splits a source into words and ``hidden_state`` looks there for what a
compiled model silently loses. ``osdi_library`` reads what a library says of its models, and ``compact_model`` sets one
up for cells, with :mod:`xbarsim.kernels.compact_laws`.
"""
