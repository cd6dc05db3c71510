"""How far the closed form of arrays without wires is from their circuits, array by array and in pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from xbarsim import effective_conductance
from xbarsim.mitigation import Plan, realise
from xbarsim.nn import Hardware
from xbarsim.nn.closed_form import divided
from xbarsim.nn.layers import CrossbarLayer


@dataclass(frozen=True)
class MapError:
    """Errors of a layer's closed form, relative to the circuit in the Frobenius norm.

    Attributes
    ----------
    array : float
        Of its positive array alone.
    worst : float
        Of that array's cell that is farthest off, relative to that cell.
    pair : float
        Of the difference of its two arrays, which is what counts.
    after_gain : float
        Of that, times the number that brings it nearest.
    """

    array: float
    worst: float
    pair: float
    after_gain: float


def map_errors(model: nn.Module, hardware: Hardware) -> list[MapError]:
    """Return the errors of each layer of a network on whole arrays without wires."""
    return [_of_layer(layer, hardware) for layer in realise(Plan.of(model), hardware).layers.values()]


def _of_layer(layer: CrossbarLayer, hardware: Hardware) -> MapError:
    exact, closed = [], []
    for tile in layer.tiles:
        conductance = torch.from_numpy(np.array(tile.crossbar.conductance))
        source = torch.full((len(conductance),), hardware.wires.driver, dtype=torch.float64)
        exact.append(effective_conductance(tile.crossbar))
        closed.append(divided(conductance, source, hardware.wires.sense).numpy())
    (plus, minus), (plus_closed, minus_closed) = exact, closed
    pair, pair_closed = plus - minus, plus_closed - minus_closed
    gain = (pair * pair_closed).sum() / (pair_closed**2).sum()
    return MapError(
        _relative(plus, plus_closed),
        float(np.abs(1.0 - plus_closed / plus).max()),
        _relative(pair, pair_closed),
        _relative(pair, gain * pair_closed),
    )


def _relative(exact: np.ndarray, other: np.ndarray) -> float:
    return float(np.linalg.norm(exact - other) / np.linalg.norm(exact))
