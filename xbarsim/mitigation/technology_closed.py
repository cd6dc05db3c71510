"""Technology-aware training by dividers in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xbarsim.mitigation.bench import Bench, Fidelity
from xbarsim.mitigation.plan import Plan
from xbarsim.mitigation.technology_training import TechnologyTraining


@dataclass(frozen=True)
class TechnologyClosed(TechnologyTraining):
    """Train against source resistance, sense resistance and variation from chip to chip, each as a formula.

    With the conductances G of each array, on which a chip's variation is, R_s the driver's ohms and R_n the sense
    resistance::

        V'_i = V_i / (1 + R_s sum_j G_ij),    I_j = sum_i G_ij V'_i / (1 + R_n sum_i G_ij)

    in every array of both planes of a pair, with another chip drawn every ``every`` steps. Weights stay within their
    layer's scale, which stays what it is, so that training may make lines conduct less; a digital gain a layer is
    fitted before, from the closed form, and is in the loop. At the end gains are fitted anew (``refit``) such that the
    circuit comes nearest to what was trained, over the same three simulated chips::

        gain = <g w_closed, w_circuit> / <w_circuit, w_circuit>

    Source: technology-aware training with models of source resistance, neuron resistance and chip-to-chip variation;
    its abstract alone was at hand. The formulas and the gains are this package's, ``docs/closed_form.md`` has where
    they are wrong: exact if R_s or R_n is 0, too small with both, and blind to wires. It costs labels and a training a
    kind of chip, hardly slower than torch's own; the chip itself need not be known. Where wires count take
    ``technology-exact``; where the chip is known, ``retrain``.

    Attributes
    ----------
    epochs, batch, rate, images, variation, every, gain
        As of ``TechnologyTraining``.
    refit : bool
        Whether gains are fitted to the circuit at the end; else those of the closed form stay. Only with ``gain``.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "technology-closed"
    paper: ClassVar[str] = "technology-aware training with source, neuron resistance and variation (abstract)"
    about: ClassVar[str] = "train through dividers at the ends of lines, on another simulated chip at each step"

    refit: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._flag("refit")

    def model_of(self, fidelity: Fidelity) -> Fidelity:
        """Return the closed form, where there is a circuit."""
        return "ideal" if fidelity == "ideal" else "closed"

    def _finished(self, plan: Plan, bench: Bench, model: Fidelity) -> Plan:
        return self._with_gains_of_circuit(plan, bench, model) if self.refit else plan
