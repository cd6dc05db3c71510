"""Laws that a netlist writes down, ``I={g*v0*sinh(v(a,b)/v0)}``: read, differentiated and evaluated once for all.

``lexer`` cuts a text into words and abstracts numbers and controlling voltages; ``parser`` makes a graph of equal
texts once; ``template`` folds what is constant into slots, so that laws that differ in names and numbers alone are one
:class:`Template`; ``derivative`` differentiates it and ``emit`` writes it as Python.
"""

from xbarsim.netlist.behaviour.constant_slots import Law, law_of
from xbarsim.netlist.behaviour.parser import Parsed, parse_law
from xbarsim.netlist.behaviour.template import Template

__all__ = ["Law", "Parsed", "Template", "law_of", "parse_law"]
