"""Training with the known chip in the loop: what its three kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from xbarsim.mitigation.epoch_training import EpochTraining
from xbarsim.mitigation.forward_pass import NORMS
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan


@dataclass(frozen=True)
class ChipTraining(EpochTraining):
    """Base of trainings whose forward pass goes through the known chip: AdamW on the cross entropy.

    Attributes
    ----------
    epochs, batch, rate, images
        As of ``EpochTraining``.
    knows : {"faults", "maps"}
        Whether stuck cells alone are known, or all that is frozen in the chip.
    """

    knows: Literal["faults", "maps"] = "faults"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._word("knows", ("faults", "maps"))

    @property
    def needs(self) -> Needs:
        """Labels, what is known of the chip, and no converters, which gradients do not pass."""
        return Needs(data="labels", knows=self.knows, gradient=True)


def norms_of(module: nn.Module) -> list[nn.Module]:
    """Return the BatchNorms that are digital."""
    return [part for part in module.modules() if isinstance(part, NORMS)]


def taken_over(plan: Plan, module: nn.Module) -> Plan:
    """Return a plan with all numbers of a trained module that the plan's model has under the same name.

    Parameters
    ----------
    plan : Plan
        Whose model says which numbers there are.
    module : torch module
        What was trained, with whatever else it has.
    """
    state = plan.model.state_dict()
    values = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return plan.with_weights({name: values[name].detach() for name in state if name in values})
