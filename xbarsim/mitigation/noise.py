"""Training in which each step draws new faults and factors, and with wires goes through the circuit that they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from xbarsim.mitigation.distribution_training import DistributionTraining
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.hardware import Hardware


@dataclass(frozen=True)
class NoiseInjection(DistributionTraining):
    """Train all parameters on chips that are drawn anew, for whatever chip of the kind comes.

    ``minimise E_C E_(x, y) CE(f(x; w, C), y)``, C by the hardware's own rates and sigmas. The chip that is tested is
    not known, and one training serves all chips of the kind. With fidelity ``accurate`` the forward pass and the
    gradient of each step are those of the drawn chip's circuit: training for wires and for the spread of chips at once.
    BatchNorms take the statistics of all the chips that were drawn.

    Injection of noise in training is common property (V. Joshi et al., Nature Communications 11, 2473, 2020, for one);
    here it is what distillation is compared with (G. Charan et al., IEEE JXCDC 6, 2020). It costs labels and a
    training, once; with wires each step solves all circuits of each chip. Where the chip is known, or can be run,
    methods that use that reach more; after it ``fpt``, ``bn`` and ``rsa`` may follow.

    Attributes
    ----------
    epochs, batch, rate, images, chips, every
        As of ``DistributionTraining``.
    circuit : {"hardware", "ideal"}
        Whether wires and ends of the hardware are in the loop. ``ideal``: cells alone, as most trainings against noise
        have them, however the chip is wired.
    """

    name: ClassVar[str] = "noise"
    paper: ClassVar[str] = "V. Joshi et al., Nature Communications 11, 2473, 2020"
    about: ClassVar[str] = "train through chips that are drawn anew at each step, for any chip of the kind"

    circuit: Literal["hardware", "ideal"] = "hardware"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._word("circuit", ("hardware", "ideal"))

    def _hardware(self, hardware: Hardware, plan: Plan) -> Hardware:
        return hardware if self.circuit == "hardware" else replace(hardware, fidelity="ideal")
