"""In what a variant of a circuit differs from its netlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.devicecards import MODEL_PARAMETERS, ModelCard
from xbarsim.netlist.reading.settings import OPTIONS
from xbarsim.netlist.reading.tolerances import TOLERANCES

Keyed = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Changes:
    """What is set anew before a circuit is made from its cards.

    Attributes
    ----------
    parameters : mapping of str to float
        Parameters of the top level.
    elements : mapping of str to mapping
        Elements, by the names that results have; ``value`` is ohms, volts, amperes, henries or a gain, the rest are
        parameters of diodes and transistors.
    models : mapping of str to mapping
        Parameters of models of the top level.
    settings : mapping of str to float
        Fields of ``Ambient`` and ``Tolerances``; ``method`` is the number that ``tolerances.METHODS`` gives it.
    waves : mapping of str to (str, tuple of float)
        Kinds and arguments of sources' waveforms.
    run : int or None
        Which random draws count; None for the nominal values.
    """

    parameters: Mapping[str, float] = field(default_factory=dict)
    elements: Keyed = field(default_factory=dict)
    models: Keyed = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)
    waves: Mapping[str, tuple[str, tuple[float, ...]]] = field(default_factory=dict)
    run: int | None = None

    def __bool__(self) -> bool:
        changed = self.parameters or self.elements or self.models or self.settings or self.waves
        return bool(changed) or self.run is not None

    def with_parameter(self, name: str, value: float) -> Changes:
        """Return these and a parameter."""
        return replace(self, parameters={**self.parameters, name: value})

    def with_element(self, name: str, key: str, value: float) -> Changes:
        """Return these and a number of an element.

        Parameters
        ----------
        name : str
            The element's, in lower case.
        key : str
            Which of its numbers.
        value : float
            In that number's unit.
        """
        return replace(self, elements={**self.elements, name: {**self.elements.get(name, {}), key: value}})

    def with_model(self, name: str, key: str, value: float) -> Changes:
        """Return these and a parameter of a model.

        Parameters
        ----------
        name : str
            The model's, in lower case.
        key : str
            Which of its parameters.
        value : float
            In that parameter's unit.
        """
        return replace(self, models={**self.models, name: {**self.models.get(name, {}), key: value}})

    def with_wave(self, name: str, kind: str, numbers: tuple[float, ...]) -> Changes:
        """Return these and a source's waveform.

        Parameters
        ----------
        name : str
            The source's, in lower case.
        kind : str
            ``pulse``, ``sin`` and the like.
        numbers : tuple of float
            The wave's arguments, in their order.
        """
        return replace(self, waves={**self.waves, name: (kind, numbers)})

    def with_setting(self, name: str, value: float) -> Changes:
        """Return these and a field of ``Ambient`` or ``Tolerances``."""
        return replace(self, settings={**self.settings, name: value})

    def by_name(self) -> dict[str, float]:
        """Return what is set anew, by what users call it."""
        values = dict(self.parameters)
        for keyed in (self.elements, self.models):
            for name, numbers in keyed.items():
                values.update({name if key == "value" else f"{name}({key})": x for key, x in numbers.items()})
        for name, (kind, row) in self.waves.items():
            values.update({f"{name}[{kind}][{k}]": x for k, x in enumerate(row)})
        values.update({} if self.run is None else {"monte": self.run})
        words = {field: option for option, field in (OPTIONS | TOLERANCES).items()}
        values.update({words[name]: x for name, x in self.settings.items()})
        return values


def changed_body(top: Body, changes: Changes) -> Body:
    """Return the top level with the gains, diodes and transistors of a variant.

    Parameters
    ----------
    top : Body
        As it was read.
    changes : Changes
        What is set anew.
    """
    elements = changes.elements
    if not elements:
        return top
    controls = [
        replace(card, gain=elements[card.name]["value"]) if "value" in elements.get(card.name, {}) else card
        for card in top.controls
    ]
    devices = [
        replace(card, values={**card.values, **elements[card.name]}) if card.name in elements else card
        for card in top.devices
    ]
    return replace(top, controls=controls, devices=devices)


def changed_model(card: ModelCard, changes: Changes) -> ModelCard:
    """Return a model of the top level as it is in a variant.

    Parameters
    ----------
    card : ModelCard
        As it was read.
    changes : Changes
        What is set anew.
    """
    values = changes.models.get(card.name)
    if values is None:
        return card
    charges = MODEL_PARAMETERS[card.kind].memory
    memory = {key: repr(value) for key, value in values.items() if key in charges}
    currents = {key: value for key, value in values.items() if key not in charges}
    return replace(card, values={**card.values, **currents}, memory={**card.memory, **memory})
