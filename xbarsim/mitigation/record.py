"""What a chain of methods cost and brought on one chip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from torch import nn

from xbarsim.mitigation.area import BIT, NUMBER, extra_area
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.plan import LayerPlan, Plan
from xbarsim.mitigation.realisation import laid_out
from xbarsim.nn.hardware import Hardware
from xbarsim.nn.layers import CrossbarLayer
from xbarsim.nn.network import CrossbarNetwork

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


@dataclass(frozen=True)
class Cost:
    """Counts; methods have no part in them.

    Attributes
    ----------
    labels, images : int
        Training and validation images whose labels were used, and training images that were used without.
    gradient_steps : int
        Steps of an optimiser.
    forward_images : int
        Images sent through the chip itself.
    writes, pulses, most_writes_a_cell, unconverged : int
        Of cells, the programming of the plan included; and cells that write-verify left outside its tolerance.
    spare_rows : int
        Word lines more than inputs, of all arrays of one plane; those side by side share them if they have one order.
    router_lines : int
        Word lines that have another input than without arrangement.
    negated_lines : int
        Word lines that are driven negated.
    sram_weights : int
        Weights in a digital memory.
    correction_macs : int
        Digital products of an image that correct known cells.
    digital_gains : int
        Numbers of gain and shift beyond the network's own.
    area : int
        F^2 of what is there beside the network's arrays, as ``extra_area`` estimates it.
    clipped_share : float
        Of the weights, beyond their layer's scale.
    """

    labels: int = 0
    images: int = 0
    gradient_steps: int = 0
    forward_images: int = 0
    writes: int = 0
    pulses: int = 0
    most_writes_a_cell: int = 0
    unconverged: int = 0
    spare_rows: int = 0
    router_lines: int = 0
    negated_lines: int = 0
    sram_weights: int = 0
    correction_macs: int = 0
    digital_gains: int = 0
    area: int = 0
    clipped_share: float = 0.0

    @staticmethod
    def of(plan: Plan, network: CrossbarNetwork, ledger: Ledger, calls: Mapping[str, int]) -> Cost:
        """Return what a plan, realised on a chip, takes.

        Parameters
        ----------
        plan, network
            The plan, and what it became on the chip.
        ledger : Ledger
            Of the methods' uses.
        calls : mapping of str to int
            How many vectors of an image each layer multiplies.
        """
        parts = [
            _of_layer(layer, plan.layer(name), ledger, name, calls.get(name, 1))
            for name, layer in network.layers.items()
        ]
        sums: dict[str, Any] = {name: sum(part[name] for part in parts) for name in parts[0]}
        weights = sum(layer.weight.numel() for layer in network.layers.values())
        clipped = sum(layer.clipped * layer.weight.numel() for layer in network.layers.values()) / weights
        sums["most_writes_a_cell"] = max(part["most_writes_a_cell"] for part in parts)
        sums["pulses"] += ledger.pulses
        norm_numbers = _norm_numbers(plan, network.hardware)
        sums["digital_gains"] += norm_numbers
        sums["area"] += BIT * NUMBER * norm_numbers
        return Cost(
            labels=ledger.labels,
            images=ledger.images,
            gradient_steps=ledger.gradient_steps,
            forward_images=ledger.forward_images,
            clipped_share=float(clipped),
            **sums,
        )


def _of_layer(layer: CrossbarLayer, settled: LayerPlan, ledger: Ledger, name: str, calls: int) -> dict[str, int]:
    state = layer.present_cells()
    earlier = ledger.cell_writes.get(name)
    writes = state.writes if earlier is None else [a + b for a, b in zip(state.writes, earlier, strict=True)]
    by_tile = settled.arrangement is not None and settled.arrangement.by == "tile"
    # Arrays side by side share their lines, unless each has an order of its own.
    first = [place for place in layer.places if place.plane == 0 and (by_tile or place.cols.start == 0)]
    lines = [(place.rows, place.inputs, place.signs or ()) for place in first]
    offsets = [int(np.min(inputs[inputs >= 0], initial=rows.start)) for rows, inputs, _ in lines]
    moved = 0
    for (rows, inputs, _), offset in zip(lines, offsets, strict=True):
        start = offset if by_tile else rows.start
        moved += int(((inputs >= 0) & (inputs != start + np.arange(len(inputs)))).sum())
    return {
        "writes": sum(int(count.sum()) for count in writes),
        "pulses": sum(int(count.sum()) for count in state.pulses),
        "most_writes_a_cell": max(int(count.max()) for count in writes),
        "unconverged": sum(int(array.unconverged.sum()) for array in state.cells),
        "spare_rows": sum(int((inputs < 0).sum()) for _, inputs, _ in lines),
        "router_lines": moved,
        "negated_lines": sum(int((np.array(signs) < 0).sum()) for _, _, signs in lines),
        "sram_weights": _nonzero(settled.sram),
        "correction_macs": _nonzero(settled.correction) * calls,
        "digital_gains": sum(_count(value) for value in (settled.gain, settled.shift)),
        "area": extra_area(layer, settled),
    }


def _nonzero(tensor: Any) -> int:
    return 0 if tensor is None else int((tensor != 0).sum())


def _count(tensor: Any) -> int:
    return 0 if tensor is None else int(np.size(tensor.detach().numpy()))


def _norm_numbers(plan: Plan, hardware: Hardware) -> int:
    """Return the numbers of BatchNorm that could be in weights, and are gains and shifts."""
    if plan.batchnorm != "outputs":
        return 0
    folded = laid_out(replace(plan, batchnorm="weights"), hardware).model
    digital = {name for name, module in folded.named_modules() if isinstance(module, _NORMS)}
    norms = ((name, module) for name, module in plan.model.named_modules() if isinstance(module, _NORMS))
    return sum(2 * module.num_features for name, module in norms if name not in digital)


@dataclass(frozen=True)
class Record:
    """One chain on one chip.

    Attributes
    ----------
    seed : int
        The chip.
    before, after : float
        Shares of test images whose class is found, without and with the chain, on the same chip.
    cost : Cost
        What it took.
    trace : mapping of str to list of float
        Curves that the methods noted.
    seconds : float
        Of the methods alone.
    """

    seed: int
    before: float
    after: float
    cost: Cost
    trace: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what ``from_dict`` takes; it is JSON, and numbers that are none are None in it."""
        return asdict(self) | {"trace": {name: [_finite(value) for value in line] for name, line in self.trace.items()}}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the record that ``to_dict`` told of.

        Parameters
        ----------
        record : mapping
            As ``to_dict`` gives it.

        Raises
        ------
        TypeError, ValueError, KeyError
            It is none of those.
        """
        whole = cls(**{**record, "cost": Cost(**record["cost"])})
        counts = (whole.seed, *(getattr(whole.cost, name) for name in COUNTS if name != "clipped_share"))
        shares = (whole.before, whole.after, whole.cost.clipped_share)
        points = [value for line in whole.trace.values() for value in line if value is not None]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("counts of a record are whole numbers")
        if not all(0.0 <= share <= 1.0 for share in shares) or not all(map(math.isfinite, (whole.seconds, *points))):
            raise ValueError("shares of a record are between 0 and 1, and all numbers finite")
        return whole


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


COUNTS = tuple(count.name for count in fields(Cost))
