"""Training with the technology's own circuit in the loop, for all chips of a kind at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench, Fidelity
from xbarsim.mitigation.epoch_training import EpochTraining
from xbarsim.mitigation.fitted_gains import as_matrix, fitted, realised_matrix
from xbarsim.mitigation.method import Part
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.trained_weights import TrainedWeights
from xbarsim.nn.network import CrossbarNetwork

_CHIPS = 3
"""Simulated chips over which gains are fitted."""


@dataclass(frozen=True)
class TechnologyTraining(EpochTraining):
    """Base of trainings on a model of the circuit, and on another chip of its kind every few steps.

    Attributes
    ----------
    epochs, batch, rate, images
        As of ``EpochTraining``.
    variation : bool
        Whether chips are drawn, which differ as those of the hardware do: by variation, and by stuck cells and noise of
        writing where there are such. Else all cells are as they are asked for.
    every : int
        Steps on each drawn chip, at least 1.
    gain : bool
        Whether each layer has a digital gain, which is fitted before the training and is in its loop.
    """

    settles: ClassVar[frozenset[Part]] = frozenset({"weights", "headroom"})
    undoes: ClassVar[frozenset[Part]] = frozenset({"gain", "targets", "correction", "rows", "flips"})
    digital_norms: ClassVar[bool] = True

    epochs: int = 1
    variation: bool = True
    every: int = 1
    gain: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._count("every", 1)
        for name in ("variation", "gain"):
            self._flag(name)
        if not self.gain:
            # What was trained without a gain is what the arrays multiply by: a gain afterwards would scale it away.
            object.__setattr__(self, "settles", self.settles | {"gain"})

    def _flag(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, bool):
            raise InputError(f"{type(self).__name__}.{name} is {value!r}: it must be true or false")

    @property
    def needs(self) -> Needs:
        """Labels; of the chip only its kind; layers whose weights are the network's own, and gradients."""
        return Needs(data="labels", gradient=True, whole=True)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, too, that cells have the effective matrices that gains are fitted to, and closed forms stand for."""
        super().check(model, network, images)
        law = network.hardware.law
        exact = self.model_of("accurate") == "accurate"
        if not law.linear and (self.gain or not exact):
            way_out = "take law.kind=linear" + (", or gain=false" if exact else "")
            raise InputError(
                f"{self.name} takes effective matrices, which cells of law {law.kind!r} do not have: {way_out}"
            )

    def model_of(self, fidelity: Fidelity) -> Fidelity:
        """Return how the circuit is computed in the loop, of hardware of a fidelity.

        Parameters
        ----------
        fidelity : str
            How the hardware's circuit is computed, as ``Hardware.fidelity``.
        """
        raise NotImplementedError

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return the plan with trained parameters, and gains."""
        plan = plan.with_digital_norms()
        model = self.model_of(bench.hardware.fidelity)
        if self.gain:
            plan = self._with_first_gains(plan, bench, model)
        plan = self._trained(plan, bench, model)
        return self._finished(plan, bench, model) if self.gain else plan

    def _finished(self, plan: Plan, bench: Bench, model: Fidelity) -> Plan:
        """Return the plan with the gains that it keeps."""
        return plan

    def _trained(self, plan: Plan, bench: Bench, model: Fidelity) -> Plan:
        network = bench.simulated_network(plan, self._chips()[0], fidelity=model).train().requires_grad_(True)
        weights = TrainedWeights(plan, network)
        steps = 0

        def after_step() -> None:
            nonlocal steps
            steps += 1
            weights.bring_within()
            if self.variation and steps % self.every == 0:
                bench.reprogram(network, plan, steps // self.every, keep_scales=True)

        group = {"params": weights.parameters(), "lr": self.rate}
        data = bench.labelled(self.images)
        self._descend(bench, data, weights.circuit, [group], after_step, network=network)
        return weights.plan()

    def _chips(self) -> Sequence[int | None]:
        return range(_CHIPS) if self.variation else (None,)

    @torch.no_grad()
    def _maps(self, plan: Plan, bench: Bench, model: Fidelity) -> dict[str, list[Tensor]]:
        """Return what each layer multiplies by on each chip, (inputs, outputs), without gains."""
        maps: dict[str, list[Tensor]] = {}
        for number in self._chips():
            for name, layer in bench.simulated_network(plan, number, fidelity=model).layers.items():
                maps.setdefault(name, []).append(realised_matrix(layer))
        return maps

    @torch.no_grad()
    def _with_first_gains(self, plan: Plan, bench: Bench, model: Fidelity) -> Plan:
        """Return the plan with gains that bring the mean over chips nearest to the weights."""
        layers = bench.ideal_network(plan).layers
        for name, maps in self._maps(plan, bench, model).items():
            gain = fitted(as_matrix(layers[name], layers[name].weight), torch.stack(maps).mean(dim=0))
            bench.note(gain=float(gain))
            plan = plan.with_layer(name, gain=gain)
        return plan

    @torch.no_grad()
    def _with_gains_of_circuit(self, plan: Plan, bench: Bench, model: Fidelity) -> Plan:
        """Return the plan with gains by which the circuit comes nearest to what was trained, chip by chip."""
        trained, real = (self._maps(plan, bench, fidelity) for fidelity in (model, bench.hardware.fidelity))
        for name, maps in trained.items():
            gain = plan.layer(name).gain
            assert gain is not None
            gain = fitted(torch.cat(maps) * gain, torch.cat(real[name]))
            bench.note(circuit_gain=float(gain))
            plan = plan.with_layer(name, gain=gain)
        return plan
