"""Networks on crossbars: torch models that run, and are trained, through the exact circuit.

Settings. ``hardware`` is made of ``hardware_parts`` and a ``cell_law``; ``idle`` lists those that change nothing.

Models. ``convert`` replaces layers in one of ``copies``: ``module_kinds`` and ``selection`` say which, and ``folding``
takes in a BatchNorm that ``following`` finds behind one. ``feedforward``, ``recurrent`` (with ``gates``) and
``attention`` take their places, ``network`` is the whole. ``outside`` watches what goes past the arrays, ``transforms``
is torch's.

Weights. ``planes`` are their conductances; ``tile_places`` and ``tiling`` cut these into arrays, by an ``arrangement``.
``cell_targets`` are set instead of them. ``cells`` is what a chip makes of them, ``cell_state`` what was written,
``cell_writes`` by hand. ``physical_lines`` is what they would be elsewhere, ``row_costs`` how far from their weights
(``line_distances`` in each array). ``array_maps`` solves the circuits, ``arrays`` puts their maps together,
``map_store`` has them while nothing changes; ``array_count`` tells who waits.
``weights`` is all of this for a layer, on a chip of ``layer_chips``; ``clipping`` says what a frozen scale cuts,
``compensation`` makes up for drift.

Inputs. ``layers`` multiplies by all arrays at once, with a digital ``gain`` and addend, or by ``products`` array by
array where a converter comes between: ``converters`` round (``rounding``) within ``ranges`` of ``observers`` in
``calibration``.

Around them. ``summary``, ``network_archive`` and ``map_archive`` are of a network's chips; ``zoo``, ``binary``,
``training`` (with ``masks``), ``checkpoint``, ``builders`` and ``model_sources`` of models, on images of ``datasets``;
``circuit_training`` trains through a chip, ``inference`` runs on chips, ``inference_report`` and ``accuracy_picture``
show what came out, ``stage_lines`` how far it is.
``planning`` says what a network would take: a ``footprint`` by ``layer_vectors`` and ``array_speed``, which
``footprint_report`` shows. ``energy_meter`` adds up a ``layer_energy`` from what the arrays' sources see
(``source_sums``) and what ``energy_settings`` say of time and prices; ``energy_lines`` shows it.
"""

from xbarsim.nn.arrangement import Arrangement
from xbarsim.nn.attention import CrossbarAttention
from xbarsim.nn.cell_law import CellLaw as Law
from xbarsim.nn.clipping import ClippedWarning
from xbarsim.nn.convert import convert
from xbarsim.nn.energy_settings import ReadEnergy
from xbarsim.nn.feedforward import CrossbarConv1d, CrossbarConv2d, CrossbarLinear
from xbarsim.nn.footprint import Footprint, LayerFootprint
from xbarsim.nn.hardware import Hardware, preset
from xbarsim.nn.hardware_parts import Converter, Encoding, Mapping, Tiles, Wires
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.masks import WeightMask
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nn.planning import plan
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
    "Footprint",
    "Hardware",
    "Law",
    "LayerFootprint",
    "Mapping",
    "NotProgrammedError",
    "ReadEnergy",
    "Summary",
    "SummaryRow",
    "Tile",
    "Tiles",
    "WeightMask",
    "Wires",
    "convert",
    "plan",
    "preset",
]
