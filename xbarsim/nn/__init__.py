"""Networks on crossbars: torch models that run, and are trained, through the exact circuit."""

from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.attention import CrossbarAttention
from xbarsim.nn.cell_law import CellLaw as Law
from xbarsim.nn.clipping import ClippedWarning
from xbarsim.nn.convert import convert
from xbarsim.nn.feedforward import CrossbarConv1d, CrossbarConv2d, CrossbarLinear
from xbarsim.nn.hardware import Hardware, preset
from xbarsim.nn.hardware_parts import Converter, Encoding, Mapping, Tiles, Wires
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.ranges import NotProgrammedError
from xbarsim.nn.recurrent import CrossbarCell, CrossbarRecurrent
from xbarsim.nn.summary import Summary, SummaryRow
from xbarsim.nn.tiling import Tile

__all__ = [
    "Arrangement",
    "ClippedWarning",
    "Converter",
    "CrossbarAttention",
    "CrossbarCell",
    "CrossbarConv1d",
    "CrossbarConv2d",
    "CrossbarLayer",
    "CrossbarLinear",
    "CrossbarNetwork",
    "CrossbarRecurrent",
    "Encoding",
    "Hardware",
    "Law",
    "Mapping",
    "NotProgrammedError",
    "Summary",
    "SummaryRow",
    "Tile",
    "Tiles",
    "Wires",
    "convert",
    "preset",
]
