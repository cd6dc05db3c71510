"""Networks on crossbars: torch models that run, and are trained, through the exact circuit."""

from xbarsim.nn.convert import convert
from xbarsim.nn.hardware import Converter, Encoding, Hardware, Law, Mapping, Tiles, Wires, preset
from xbarsim.nn.layers import CrossbarLayer, NotProgrammedError, Tile
from xbarsim.nn.linear import CrossbarConv1d, CrossbarConv2d, CrossbarLinear
from xbarsim.nn.network import CrossbarNetwork

__all__ = [
    "Converter",
    "CrossbarConv1d",
    "CrossbarConv2d",
    "CrossbarLayer",
    "CrossbarLinear",
    "CrossbarNetwork",
    "Encoding",
    "Hardware",
    "Law",
    "Mapping",
    "NotProgrammedError",
    "Tile",
    "Tiles",
    "Wires",
    "convert",
    "preset",
]
