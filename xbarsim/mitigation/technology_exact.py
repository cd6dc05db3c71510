"""Technology-aware training by the exact circuit and its exact gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xbarsim.mitigation.bench import Fidelity
from xbarsim.mitigation.technology_training import TechnologyTraining


@dataclass(frozen=True)
class TechnologyExact(TechnologyTraining):
    """Train through the circuit itself, wires included, on another chip of its kind every few steps.

    Each step multiplies by the effective maps of all arrays, which are reduced for it, and the gradient goes through
    them by the adjoint. Weights stay within their layer's scale, which stays what it is; a digital gain a layer is
    fitted to the circuit before, over three simulated chips, and is in the loop: there is nothing left for it to make
    up for at the end.

    Source: as of ``technology-closed``, with the circuit in the place of formulas. It costs labels, a training a kind
    of chip, and two reductions of all arrays a step. Where there are no wires, and source or sense resistance is small,
    ``technology-closed`` comes to the same for less; where the chip is known ``retrain`` trains for that one.

    Attributes
    ----------
    epochs, batch, rate, images, variation, every, gain
        As of ``TechnologyTraining``.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "technology-exact"
    paper: ClassVar[str] = "technology-aware training (abstract), with the exact circuit instead of formulas"
    about: ClassVar[str] = "train through the exact circuit, on another simulated chip at each step"

    def model_of(self, fidelity: Fidelity) -> Fidelity:
        """Return the circuit as the hardware has it."""
        return fidelity
