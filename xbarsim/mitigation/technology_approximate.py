"""Training by approximate models of wires, none of which solves a circuit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xbarsim.mitigation.bench import Fidelity
from xbarsim.mitigation.technology_closed import TechnologyClosed
from xbarsim.nn.approximate_wires import FORMS, Form


@dataclass(frozen=True)
class TechnologyApproximate(TechnologyClosed):
    """Train against wires and ends as one of the forms that need no solve has them.

    As ``technology-closed``, whose formulas know the ends alone, but with the segments of lines: ``path``, each cell
    with the ohms of its own way; ``first-order``, what all cells take from each other if none took anything;
    ``dividers``, the same as factors that never fall below 0. ``xbarsim.nn.approximate_wires`` has the equations.
    Forms like these are what trainings for IR drop take that cannot afford the circuit; here they are what
    ``technology-exact`` is compared with. They cost labels, and a training a kind of chip that is hardly slower than
    torch's own.

    Attributes
    ----------
    epochs, batch, rate, images, variation, every, gain, refit
        As of ``technology-closed``.
    form : {"dividers", "first-order", "path"}
        The model of wires.

    Raises
    ------
    InputError
        An option is out of its bounds.
    """

    name: ClassVar[str] = "technology-approximate"
    paper: ClassVar[str] = "none: approximate models of IR drop, as trainings that cannot solve the circuit take them"
    about: ClassVar[str] = "train through wires as a form without a solve has them, on another chip at each step"

    form: Form = "dividers"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._word("form", FORMS)

    def model_of(self, fidelity: Fidelity) -> Fidelity:
        """Return the form, where there is a circuit."""
        return "ideal" if fidelity == "ideal" else self.form
