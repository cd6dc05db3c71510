"""What a method is: options, needs, and a step from a plan to a plan."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from torch import nn

from xbarsim.errors import InputError
from xbarsim.mitigation.bench import Bench
from xbarsim.mitigation.needs import Needs
from xbarsim.mitigation.plan import Plan
from xbarsim.nn.network import CrossbarNetwork
from xbarsim.nonideal.effect_settings import Settings

Part = Literal[
    "weights", "batchnorm", "units", "rows", "flips", "headroom", "gain", "targets", "correction", "sram", "writing"
]

OUTPUT_PARTS: frozenset[Part] = frozenset({"units", "rows", "flips", "headroom", "targets", "writing", "correction"})
"""What decides a layer's outputs, beside weights and digital gains: a step that fits those to outputs relies on it."""


class Method(Settings):
    """Base of all methods: frozen dataclasses whose fields are their options, each checked when it is made.

    A method is one file: a subclass with the attributes below, an ``apply``, and a docstring that has the equation, its
    source, what it costs and when not to use it.

    Attributes
    ----------
    name, paper : str
        What commands call it, and where it is from.
    about : str
        One line for lists.
    settles : frozenset of str
        Parts of the plan that it settles.
    undoes : frozenset of str
        Parts of which it would undo what an earlier step settled: such a chain is refused.
    relies_on : frozenset of str
        Parts that it takes as they are, and that no later step may settle anew: such a chain is refused too.
    digital_norms : bool
        Whether it takes a BatchNorm that is in weights out of them, as ``Plan.with_digital_norms`` does. A chain with
        such a step has it so from its first step on, so that all of them work on the weights that cells will hold.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    about: ClassVar[str]
    settles: ClassVar[frozenset[Part]] = frozenset()
    undoes: ClassVar[frozenset[Part]] = frozenset()
    relies_on: ClassVar[frozenset[Part]] = frozenset()
    digital_norms: ClassVar[bool] = False

    @property
    def needs(self) -> Needs:
        """What it must be given, with these options."""
        return Needs()

    @property
    def is_blind(self) -> bool:
        """Whether it neither knows nor runs a chip, so that all chips of a kind get the same plan."""
        return self.needs.knows == "hardware" and self.needs.chip == "none"

    @property
    def draws(self) -> bool:
        """Whether it programs chips with noise of its own, so that they differ where they would be alike without it."""
        return False

    @property
    def spare_rows(self) -> tuple[int, Literal["layer", "tile"]]:
        """How many spare word lines it wants the chip to have, of each layer or of each array."""
        return 0, "layer"

    @property
    def arranges(self) -> Literal["layer", "tile"] | None:
        """Whether it orders word lines of layers, or those of each array by itself; None: it orders none."""
        return None

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check, before any work, that a network on its hardware is one that the method takes.

        Parameters
        ----------
        model, network
            As torch has it, and converted.
        images : int
            How many training images there are.

        Raises
        ------
        InputError
            It is not; the message says what to give.
        """
        self.needs.check(self.name, model, network)

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        """Return a new plan.

        Parameters
        ----------
        plan : Plan
            What earlier steps came to; it is not changed.
        bench : Bench
            All else that the method may use.
        """
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Return its options by name."""
        return {option.name: getattr(self, option.name) for option in fields(self)}  # type: ignore[arg-type]

    @property
    def label(self) -> str:
        """The name, with the options that are not the default ones, as commands take it."""
        changed = [
            f"{option.name}={option_word(getattr(self, option.name))}"
            for option in fields(self)  # type: ignore[arg-type]
            if getattr(self, option.name) != option.default
        ]
        return f"{self.name}:{','.join(changed)}" if changed else self.name

    def to_dict(self) -> dict[str, Any]:
        """Return what records say of it."""
        return {"name": self.name, "options": self.options(), "paper": self.paper, "needs": self.needs.to_dict()}


def option_word(value: Any) -> str:
    """Return an option's value as ``catalogue.chain`` takes it."""
    if isinstance(value, tuple):
        return "/".join(map(option_word, value))
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class Chain:
    """Methods one after the other: ``m2.apply(m1.apply(plan))``.

    Parameters
    ----------
    steps : tuple of Method
        At least one.

    Raises
    ------
    InputError
        There is none, or a later step undoes an earlier one.
    """

    steps: tuple[Method, ...]

    def __post_init__(self) -> None:
        if not self.steps or not all(isinstance(step, Method) for step in self.steps):
            raise InputError(f"a chain is made from {self.steps!r}: give at least one method")
        for k, later in enumerate(self.steps):
            for earlier in self.steps[:k]:
                _check_order(earlier, later)
        wishes = {step.spare_rows for step in self.steps if step.spare_rows[0]}
        if len(wishes) > 1:
            raise InputError(f"{self.label}: steps want different spare rows: give the same to all that have some")
        if len({step.arranges for step in self.steps} - {None}) > 1:
            raise InputError(
                f"{self.label}: steps order word lines of layers and of arrays: give all the same scope, layer or tile"
            )

    @property
    def label(self) -> str:
        """All steps, as commands take them."""
        return "+".join(step.label for step in self.steps)

    @property
    def spare_rows(self) -> tuple[int, Literal["layer", "tile"]]:
        """What its steps want."""
        return next((step.spare_rows for step in self.steps if step.spare_rows[0]), (0, "layer"))

    @property
    def digital_norms(self) -> bool:
        """Whether some step takes BatchNorms out of weights."""
        return any(step.digital_norms for step in self.steps)

    def check(self, model: nn.Module, network: CrossbarNetwork, images: int) -> None:
        """Check all steps, before any work; raises as ``Method.check``.

        Parameters
        ----------
        model : torch module
            The network in torch.
        network : CrossbarNetwork
            The same on hardware.
        images : int
            Number of training images that there are.
        """
        for step in self.steps:
            step.check(model, network, images)


def _check_order(earlier: Method, later: Method) -> None:
    lost = _lost(earlier, later)
    if lost:
        way_out = "give it once" if later.name == earlier.name else "take one of them"
        way_out += "" if _lost(later, earlier) else ", or the other order"
        raise InputError(f"{later.name} after {earlier.name} undoes it ({', '.join(sorted(lost))}): {way_out}")


def _lost(earlier: Method, later: Method) -> frozenset[Part]:
    """Return what a step has settled, or relied on, and a later one undoes."""
    return (earlier.settles & later.undoes) | (earlier.relies_on & later.settles)
