"""Conductances out of AIHWKIT's analog layers, of each tile, by any of its converters.

Nothing of AIHWKIT is imported: a layer is asked for the attributes that its sources have, and what it lacks is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from xbarsim.checks import Array
from xbarsim.crossbar import Crossbar
from xbarsim.errors import InputError
from xbarsim.interop.foreign_arrays import ForeignArrays, ForeignPart, attribute, numbers

_MICRO = 1e-6
_ROUNDING = 1e-5  # of a converter that has single precision inside: more than that is another law


def aihwkit_arrays(
    layer: Any,
    converter: Any = None,
    *,
    word_wire: float = 0.0,
    bit_wire: float = 0.0,
    driver: float = 0.0,
    sense: float = 0.0,
) -> ForeignArrays:
    """Return the arrays that an AIHWKIT layer or tile is programmed into; AIHWKIT itself has no such circuit.

    Each tile's weights go through the converter by themselves, without digital scales and with an analog bias as the
    last row, as ``program_weights`` does it. Scales, the compensation of drift and a digital bias act on the outputs.
    What programming and drift left of a model's weights is converted as it is, and what a converter loses is lost.

    Source: AIHWKIT 1.2, ``inference/converter/`` (``convert_to_conductances``: microsiemens, (outputs, inputs)),
    ``simulator/tiles/array.py`` and ``periphery.py``.

    Parameters
    ----------
    layer : AnalogLinear, AnalogConv2d or another layer, or a tile of one
        One that has tiles of its own: of a model or an ``AnalogRNN`` those of ``analog_layers()``.
    converter : BaseConductanceConverter, optional
        As ``SinglePairConductanceConverter(g_max=25.0)``; default the one of the layer's noise model. It must be a
        sum of differences, as all of AIHWKIT's are.
    word_wire, bit_wire, driver, sense : float
        Ohms, as those of ``Crossbar``.

    Raises
    ------
    InputError
        The layer has no tiles, the converter's law is another, or an attribute is missing.
    """
    wires: dict[str, Any] = {"word_wire": word_wire, "bit_wire": bit_wire, "driver": driver, "sense": sense}
    module = getattr(layer, "analog_module", layer)
    if module is layer and hasattr(layer, "analog_layers") and not hasattr(layer, "array"):
        kind = type(layer).__name__
        raise InputError(f"layer is a {kind}, which has no tiles of its own: give one of its analog_layers()")
    parts: list[ForeignPart] = []
    constant, row, outputs = 1.0, 0, 0
    for line in getattr(module, "array", [[module]]):
        outputs = 0
        for tile in line:
            parts += _tile_parts(tile, converter, wires, row, outputs)
            outputs += parts[-1].shape[1]
        row += parts[-1].shape[0]
        if attribute(line[0], "analog_bias", "a tile"):  # AIHWKIT appends its 1 behind the division by the range
            row -= 1
            constant = 1.0 if line[0].input_range is None else float(numbers(line[0].input_range).reshape(-1)[0])
    bias = getattr(module, "bias", None)
    return ForeignArrays(tuple(parts), (row, outputs), None if bias is None else numbers(bias), constant)


def _tile_parts(tile: Any, converter: Any, wires: dict[str, Any], row: int, col: int) -> list[ForeignPart]:
    """Return the arrays of one tile, with its digital scales."""
    weights = attribute(tile, "tile.get_weights", "layer")()
    weights = weights.double() if hasattr(weights, "double") else weights  # half a precision is none for conductances
    scales = attribute(tile, "get_scales", "layer")()
    scale = np.ones(1) if scales is None else numbers(scales).reshape(-1)
    config = attribute(tile, "rpu_config", "layer")
    if getattr(config, "drift_compensation", None) is not None:
        scale = scale * numbers(tile.alpha)
    if converter is None:
        if not hasattr(config, "noise_model"):
            raise InputError(f"layer has a {type(config).__name__}, which names no converter: give one")
        converter = attribute(config.noise_model, "g_converter", "the layer's noise model")
    conductances, facts = attribute(converter, "convert_to_conductances", "converter")(weights)
    parts = []
    for positive, negative, unit, offset in _law(converter, conductances, facts, numbers(weights)):
        first = Crossbar(positive.T * _MICRO, **wires)
        second = None if negative is None else Crossbar(negative.T * _MICRO, **wires)
        units = np.broadcast_to(unit / _MICRO, first.shape[1])
        parts.append(ForeignPart(row, col, first, second, units, offset * _MICRO))
    again = numbers(attribute(converter, "convert_back_to_weights", "converter")(conductances, facts))
    apart = float(np.abs(np.sum([part.weights for part in parts], axis=0).T - again).max())
    if not apart <= _ROUNDING * float(np.abs(again).max()):
        raise InputError(
            f"converter {converter} reads weights back by another law: {apart:.2g} away from its cells' differences"
        )
    return [replace(part, unit=part.unit * scale) for part in parts]


def _law(
    converter: Any, conductances: Any, facts: Mapping[str, Any], weights: Array
) -> list[tuple[Array, Array | None, Array, float]]:
    """Return arrays, what is taken off, weights a microsiemens of each output, and the zero point in microsiemens."""
    if "original_weights" in facts:  # FusionConductanceConverter: the sign says which of two cells is used
        g = numbers(conductances[0])
        top, largest = g.max(axis=1), np.abs(weights).max(axis=1)
        unit = np.divide(largest, top, out=np.zeros_like(top), where=top > 0.0)
        return [(g * (weights > 0.0), g * (weights < 0.0), unit, 0.0)]
    if "scale_ratio" not in facts:
        raise InputError(f"converter {converter} names no scale_ratio: it is no converter that this reads")
    ratio = numbers(facts["scale_ratio"]).reshape(-1)
    if "min" in facts:  # SingleDeviceConductanceConverter
        zero = float(attribute(converter, "g_min", "converter")) - float(numbers(facts["min"])) * float(ratio[0])
        return [(numbers(conductances), None, 1.0 / ratio, zero)]
    halves = [numbers(g) for g in conductances] if isinstance(conductances, Sequence) else []
    factors = facts.get("f_lst", [1.0] * (len(halves) // 2))
    if not halves or len(halves) != 2 * len(factors):
        raise InputError(f"converter {converter} gives {len(halves)} conductances: two are needed for each factor")
    return [(halves[2 * k], halves[2 * k + 1], factor / ratio, 0.0) for k, factor in enumerate(factors)]
