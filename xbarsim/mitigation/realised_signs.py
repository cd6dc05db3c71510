"""Binary networks in training on a known chip: real weights whose signs are in its cells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor, nn

from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.binary import SignOf, sign
from xbarsim.nn.copies import copied
from xbarsim.nn.network import CrossbarNetwork


class _Realised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, latent: Tensor, plus: Tensor, minus: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(latent, slope)
        return torch.where(latent >= 0, plus, minus)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        latent, slope = ctx.saved_tensors
        gradient = gradients[0] * slope
        return gradient.mul_(latent.abs() <= 1.0), None, None, None


class RealisedSigns(SignOf):
    """A weight as what the cells of its sign represent.

    ``t(w) = (t(+1) + t(-1)) / 2 + sign(w) (t(+1) - t(-1)) / 2``: no gradient comes through a weight both of whose cells
    are stuck, half of it through one with a healthy cell of two.

    Parameters
    ----------
    plus, minus : Tensor
        t(+1) and t(-1), in the weight's shape.
    """

    plus: Tensor
    minus: Tensor
    slope: Tensor

    def __init__(self, plus: Tensor, minus: Tensor) -> None:
        super().__init__()
        self.register_buffer("plus", plus)
        self.register_buffer("minus", minus)
        self.register_buffer("slope", 0.5 * (plus - minus))

    def forward(self, latent: Tensor) -> Tensor:
        """Return what the cells represent.

        Parameters
        ----------
        latent : Tensor
            The real weights, whose signs count.
        """
        weight: Tensor = _Realised.apply(latent, self.plus, self.minus, self.slope)  # type: ignore[no-untyped-call]
        return weight


def has_signs(plan: Plan, name: str) -> bool:
    """Return whether a layer's weights are signs.

    Parameters
    ----------
    plan : Plan
        With the network's weights.
    name : str
        A layer's.
    """
    return plan.weight_name(name).endswith(".original")


def has_tables(plan: Plan, bench: Bench) -> bool:
    """Return whether each weight's cells depend on its own sign alone, and outputs are products and biases.

    Parameters
    ----------
    plan : Plan
        With the network's weights.
    bench : Bench
        Whose hardware says how circuits are computed.
    """
    layers = bench.ideal_network(plan).layers
    signs = all(has_signs(plan, name) for name in layers)
    products = bench.hardware.fidelity == "ideal" and bench.hardware.law.linear
    return signs and products and all(plan.layer(name).shift is None for name in layers)


@torch.no_grad()
def on_tables(plan: Plan, bench: Bench) -> nn.Module:
    """Return the plan's network with ``RealisedSigns`` for weights, on the chip as it is known.

    Programmed twice, with all weights +1 and all -1, the chip has told all that it can be.

    Parameters
    ----------
    plan : Plan
        Of a network of which ``has_tables`` holds.
    bench : Bench
        That knows the chip's maps.
    """
    tables: list[dict[str, Tensor]] = []
    for value in (1.0, -1.0):
        state = plan.model.state_dict()
        names = [plan.weight_name(name) for name in bench.ideal_network(plan).layers]
        network = bench.known_network(plan.with_weights({name: torch.full_like(state[name], value) for name in names}))
        tables.append(
            {
                name: layer.whole_parameters()[0].clone(memory_format=torch.contiguous_format)
                for name, layer in network.layers.items()
            }
        )
    model = copied(plan.model)
    for name, plus in tables[0].items():
        module: Any = dict(model.named_modules()).get(name, model)
        module.parametrizations.weight[0] = RealisedSigns(plus, tables[1][name])
    return model


class SignsOnCircuit(nn.Module):
    """A network on a circuit whose weights are signs: each forward pass writes them, gradients go to the real weights.

    Parameters
    ----------
    network : CrossbarNetwork
        On the chip as it is known.
    latents : mapping of str to Parameter
        By layer, the real weights; others are trained as they are.
    """

    def __init__(self, network: CrossbarNetwork, latents: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self.network, self.latents = network, dict(latents)
        for name, latent in self.latents.items():
            weight: Any = network.layers[name].weight
            weight.register_post_accumulate_grad_hook(partial(_handed_over, latent=latent))

    @classmethod
    def of(cls, plan: Plan, network: CrossbarNetwork) -> Self:
        """Return a plan's network with the real weights behind those of its layers that are signs, if any.

        Parameters
        ----------
        plan : Plan
            With the real weights behind signs.
        network : CrossbarNetwork
            The plan's, on a chip.
        """
        state = plan.model.state_dict()
        names = {name: plan.weight_name(name) for name in network.layers if has_signs(plan, name)}
        return cls(network, {name: nn.Parameter(state[latent].detach().clone()) for name, latent in names.items()})

    def taken_into(self, plan: Plan) -> Plan:
        """Return a plan with the real weights as they are now."""
        return plan.with_weights({plan.weight_name(name): latent.detach() for name, latent in self.latents.items()})

    def trained(self) -> list[nn.Parameter]:
        """Return the real weights, and all parameters that are no signs."""
        signs = {id(self.network.layers[name].weight) for name in self.latents}
        return [*self.latents.values(), *(part for part in self.network.parameters() if id(part) not in signs)]

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network returns for the signs as they are now.

        Parameters
        ----------
        images : Tensor
            As the network takes them.
        """
        self.put_signs()
        outputs: Tensor = self.network(images)
        return outputs

    @torch.no_grad()
    def put_signs(self) -> None:
        """Give layers the signs of the real weights."""
        for name, latent in self.latents.items():
            self.network.layers[name].weight.copy_(sign(latent))

    @torch.no_grad()
    def clip(self) -> None:
        """Bring the real weights back to -1 .. 1."""
        for latent in self.latents.values():
            latent.clamp_(-1.0, 1.0)


def _handed_over(weight: Tensor, latent: nn.Parameter) -> None:
    """Give a sign's gradient to the real weight behind it, where that is within -1 .. 1."""
    assert weight.grad is not None
    latent.grad = weight.grad * (latent.detach().abs() <= 1.0)
    weight.grad = None
