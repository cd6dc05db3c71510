"""Networks whose layers have digital addends, run on a chip: gradients of these, whatever the chip is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.forward_pass import ForwardPass
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.layers import CrossbarLayer


class LoopNetwork(nn.Module):
    """A plan's network with addends ``a x``, of which the arrays know nothing.

    With ``on_chip`` outputs y of each layer are read on the chip itself. Backwards it counts as the network of the
    wanted weights w, at the inputs x that the layer really had::

        y = y_chip,   dy/da = x,   dy/dx = w + a

    Otherwise the circuit is that of what is known of the chip, and gradients are its own.

    Parameters
    ----------
    plan : Plan
        Programmed as it is, at the first forward pass, and not again.
    bench : Bench
        Entitled to the chip, or to know of it.
    on_chip : bool
        Which.
    label : str
        The method's name, for messages.
    """

    def __init__(self, plan: Plan, bench: Bench, *, on_chip: bool, label: str) -> None:
        super().__init__()
        self._plan, self._bench, self._on_chip, self._label = plan, bench, on_chip, label
        network = bench.fault_free_network(plan) if on_chip else bench.known_network(plan)
        self.network = network.requires_grad_(False)
        self._addends: Mapping[str, Tensor] = {}
        self._passed: ForwardPass | None = None
        for name, layer in self.layers.items():
            layer.register_forward_hook(partial(self._with_addend, name))

    @property
    def layers(self) -> dict[str, CrossbarLayer]:
        """The layers on crossbars by name."""
        return self.network.layers

    def forward(self, images: Tensor, addends: Mapping[str, Tensor]) -> Tensor:
        """Return scores (images, classes).

        Parameters
        ----------
        images : Tensor
            A batch.
        addends : mapping of str to Tensor
            a of each layer, of its weight's shape.

        Raises
        ------
        InputError
            A layer is called several times for an image, and its outputs on the chip are not told apart.
        """
        self._addends = addends
        if self._on_chip:
            with torch.no_grad():
                plan = with_addends(self._plan, addends)
            self._passed = self._bench.forward(plan, images)
            for name in self.layers:
                if self._passed.order.count(name) > 1:
                    raise InputError(
                        f"{self._label} reads outputs of layer {name!r} on the chip, and an image goes through it "
                        "several times: take source=maps"
                    )
        # A network may work in place.
        scores: Tensor = self.network(images.clone())
        return scores

    def _with_addend(self, name: str, layer: CrossbarLayer, arguments: tuple[Tensor, ...], outputs: Tensor) -> Tensor:
        """Return a layer's outputs with its addend, on the chip those that were read there."""
        outputs = outputs + layer.multiplied(arguments[0], self._addends[name], None)
        if self._passed is None:
            return outputs
        return outputs + (self._passed.layers[name] - outputs).detach()


def with_addends(plan: Plan, addends: Mapping[str, Tensor]) -> Plan:
    """Return a plan with addends in its digital memory, beside those that are there.

    Parameters
    ----------
    plan : Plan
        It stays as it is.
    addends : mapping of str to Tensor
        Of each layer's name, of its weight's shape.
    """
    for name, addend in addends.items():
        present = plan.layer(name).sram
        plan = plan.with_layer(name, sram=addend.detach() if present is None else present + addend.detach())
    return plan
