"""The language of expressions: parameters and laws are two dialects of it, with a table each.

``dialect`` says what a table holds; ``lexer`` cuts a text into words and takes numbers and controlling voltages out;
``parser`` makes postfix steps of them, once for all texts of one shape; ``evaluation`` runs the steps over floats,
columns or nodes of a graph; ``signs`` tells where ngspice reads a text otherwise than it is written.
"""

from xbarsim.netlist.language.evaluation import Sampler, UserFunction, evaluate, names_of, reach
from xbarsim.netlist.language.lexer import Control
from xbarsim.netlist.language.parser import Expression, expression_of

__all__ = ["Control", "Expression", "Sampler", "UserFunction", "evaluate", "expression_of", "names_of", "reach"]
