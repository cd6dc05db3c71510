"""The energy of a network's reads, for reading and as JSON has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from xbarsim.nn.layer_energy import LayerEnergy, NetworkEnergy
from xbarsim.quantities import counted, finite, short_number
from xbarsim.text_table import aligned

TAKERS = ("cells", "wires", "ends")
"""Of the arrays' joules."""

_NAMES = {"dac": "DAC conversions", "adc": "ADC conversions", "digital": "digital additions"}


def network_energy(layers: Iterable[LayerEnergy | None]) -> NetworkEnergy | None:
    """Return the energy of all layers that have one; None where none has."""
    metered = tuple(layer for layer in layers if layer is not None)
    return NetworkEnergy(metered) if metered else None


def energy_lines(layers: Sequence[tuple[str, LayerEnergy | None]], noun: str = "input") -> list[str]:
    """Return a table of layers by name, and what all of it comes to; ``noun`` is what an input is called."""
    table: list[tuple[str, ...]] = [("layer", "reads", "a read", "power", "arrays", "DAC", "ADC", "digital")]
    table += [(name, *_cells(energy)) for name, energy in layers if energy is not None]
    whole = network_energy(energy for _, energy in layers)
    assert whole is not None
    first = whole.layers[0]
    parts = whole.parts
    error = whole.arrays_error
    spread = "" if math.isnan(error) else f", arrays +- {joules(error)}"
    lines = [
        *aligned(table, "<>>>>>>>", keys=1),
        f"each {noun} takes {joules(whole.joules)}{spread}; mean of {counted(first.images, noun)}",
        ", ".join(f"{name} {joules(part)}" for name, part in parts.items() if part is not None),
    ]
    if whole.split is not None:
        takers = ", ".join(f"{name} {joules(part)}" for name, part in whole.split.items())
        lines.append(f"of what the arrays take: {takers}")
    if whole.unpriced:
        lines.append(f"counted without a price: {', '.join(_NAMES[name] for name in whole.unpriced)}")
    return lines


def _cells(energy: LayerEnergy) -> tuple[str, ...]:
    counts = (f"{value:.6g}" for value in (energy.dac, energy.adc, energy.digital))
    return (
        f"{energy.reads:g}", short_number(energy.read_seconds, "s"), short_number(energy.power, "W"),
        joules(energy.arrays), *counts,
    )  # fmt: skip


def joules(value: float) -> str:
    """Write an energy in three digits."""
    return short_number(value, "J")


def energy_record(energy: LayerEnergy | None) -> dict[str, Any] | None:
    """Return a layer's energy as JSON has it."""
    if energy is None:
        return None
    return {
        "reads": energy.reads,
        "read_seconds": energy.read_seconds,
        "settled": energy.settled,
        "watts": energy.power,
        "joules": energy.joules,
        "joules_arrays": energy.arrays,
        "joules_arrays_error": finite(energy.arrays_error),
        **{f"joules_{name}": energy.parts[name] for name in _NAMES},
        **{f"joules_{name}": (energy.split or {}).get(name) for name in TAKERS},
        "conversions_dac": energy.dac,
        "conversions_adc": energy.adc,
        "additions": energy.digital,
    }


def whole_record(whole: NetworkEnergy | None) -> dict[str, Any] | None:
    """Return a network's energy as JSON has it."""
    if whole is None:
        return None
    return {
        "images": whole.layers[0].images,
        "joules": whole.joules,
        **{f"joules_{name}": part for name, part in whole.parts.items()},
        **{f"joules_{name}": (whole.split or {}).get(name) for name in TAKERS},
        "joules_arrays_error": finite(whole.arrays_error),
        "unpriced": whole.unpriced,
    }
