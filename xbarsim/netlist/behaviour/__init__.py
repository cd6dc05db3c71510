"""Laws that a netlist writes down, ``I={g*v0*sinh(v(a,b)/v0)}``: read, differentiated and evaluated once for all.

``law_graph`` makes a graph of texts of one shape once; ``template`` folds what is constant into slots, so that laws
that differ in names and numbers alone are one :class:`Template`; ``derivative`` differentiates it and ``emit`` writes
it as Python.
"""

from xbarsim.netlist.behaviour.constant_slots import FoldedLaw, law_of
from xbarsim.netlist.behaviour.law_graph import Parsed, parse_law
from xbarsim.netlist.behaviour.template import Template

__all__ = ["FoldedLaw", "Parsed", "Template", "law_of", "parse_law"]
