"""What a sweep or an ``alter`` means: a source, a resistor, the temperature, a parameter, a model's parameter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from xbarsim.netlist.element_kinds import CURRENT, ELEMENTS, RESISTOR, VOLTAGE
from xbarsim.netlist.flat_circuit import FlatCircuit
from xbarsim.netlist.reading.alterations import Alteration
from xbarsim.netlist.reading.body import Body
from xbarsim.netlist.reading.changes import Changes
from xbarsim.netlist.reading.devicecards import DEVICES, MODEL_PARAMETERS
from xbarsim.netlist.reading.sweepcards import SweepCard
from xbarsim.netlist.refusals import CardError
from xbarsim.netlist.suggest import clipped, closest

TEMPERATURES = ("temp", "temper")


def _sources(circuit: FlatCircuit) -> dict[str, int]:
    numbers = np.flatnonzero((circuit.kinds == VOLTAGE) | (circuit.kinds == CURRENT)).tolist()
    return {circuit.names[k]: k for k in numbers if ELEMENTS[circuit.names[k][0]].unit}


def is_source(sweep: SweepCard, circuit: FlatCircuit) -> bool:
    """Whether a sweep is one of a V or I source."""
    return not (sweep.parameter or sweep.key) and sweep.name in _sources(circuit)


def source_of(name: str, circuit: FlatCircuit) -> int:
    """Return the number of a V or I source.

    Raises
    ------
    CardError
        There is none of that name.
    """
    sources = _sources(circuit)
    if name not in sources:
        raise CardError(f"there is no source '{clipped(name)}' in this variant of the circuit")
    return sources[name]


def unit_of(sweep: SweepCard, circuit: FlatCircuit) -> str:
    """Return the unit of a swept quantity; empty for a parameter."""
    if sweep.parameter or sweep.key:
        return ""
    if sweep.name in TEMPERATURES:
        return "°C"
    if sweep.name in circuit.names:
        return ELEMENTS[sweep.name[0]].unit
    return ""


def change_of(
    card: str, sweep: SweepCard, circuit: FlatCircuit, top: Body, *, timed: bool
) -> Callable[[Changes, float], Changes]:
    """Return what a value of a sweep of anything but a source changes; in time, of a source too.

    Parameters
    ----------
    card : str
        What the card is called in messages.
    sweep : SweepCard
        What is swept.
    circuit : FlatCircuit
        The circuit as it is written.
    top : Body
        Its top level.
    timed : bool
        Whether the analysis is a ``.tran``.

    Raises
    ------
    CardError
        It cannot be swept.
    """
    name, subject = sweep.name, f"{card} sweeps {clipped(sweep.label)}"
    if sweep.key:
        key = model_key(name, sweep.key, circuit, top)
        return lambda changes, value: changes.with_model(name, key, value)
    defined = {parameter.name for parameter in top.parameters}
    if not sweep.parameter:
        sources = _sources(circuit)
        if name in sources and timed:
            if sources[name] in circuit.waves:
                raise CardError(f"{subject}, which has a waveform: sweep a parameter in it")
            return lambda changes, value: changes.with_element(name, "value", value)
        if name in TEMPERATURES:
            return lambda changes, value: changes.with_setting("celsius", value)
        if name in circuit.names and circuit.kinds[circuit.names.index(name)] == RESISTOR:
            return lambda changes, value: changes.with_element(name, "value", value)
        if name not in defined:
            raise CardError(_unknown(card, name, circuit, [*sources, *defined]))
    return lambda changes, value: changes.with_parameter(name, value)


def _unknown(card: str, name: str, circuit: FlatCircuit, candidates: list[str]) -> str:
    """Say why there is nothing to sweep."""
    reasons = {name: "its value is a law" for laws in circuit.behaviours for name in laws.names}
    reasons |= {source.name: "it is a controlled source" for source in circuit.controlled}
    reasons |= {row[0]: "it is a capacitor" for row in circuit.capacitors}
    if name in reasons:
        return f"{card} sweeps {clipped(name)}, and {reasons[name]}: sweep a parameter in it"
    if name in circuit.names:
        return f"{card} sweeps {clipped(name)}, which can't be swept: sweep V, I, R, temp or a parameter"
    ohms = (label for label in circuit.names if label[0] == "r")
    close = closest(name, candidates) or closest(name, ohms)
    hint = f"did you mean '{close}'?" if close else "name a V or I source, a resistor, temp or a parameter"
    return f"{card} sweeps '{clipped(name)}', which is not in the circuit: {hint}"


def model_key(name: str, key: str, circuit: FlatCircuit, top: Body) -> str:
    """Return what a model's parameter is called on its card.

    Raises
    ------
    CardError
        There is no such model at the top level, or no operating point depends on such a parameter.
    """
    model = top.models.get(name)
    if model is None:
        close = closest(name, top.models)
        hint = f"did you mean '{close}'?" if close else "name a .model of the top level"
        raise CardError(f"there is no model '{clipped(name)}': {hint}")
    parameters = MODEL_PARAMETERS.get(model.kind)
    card_key = key if parameters is None else parameters.aliases.get(key, key)
    in_time = parameters is not None and circuit.storage is not None and card_key in parameters.memory
    if parameters is None or not (in_time or card_key in parameters.model):
        raise CardError(f"no operating point depends on {clipped(key)} of the model {name} ({model.kind})")
    return card_key


def element_key(name: str, key: str, circuit: FlatCircuit, top: Body) -> str | None:
    """Return the key that ``alter`` changes an element by; None where no operating point depends on it.

    Raises
    ------
    CardError
        There is no such element or parameter, or it cannot be changed.
    """
    capacitors = {*(state[0] for state in circuit.states), *(row[0] for row in circuit.capacitors)}
    if name in capacitors and circuit.storage is not None and key in ("", "c", "capacitance", "value"):
        return "value"
    if name in (state[0] for state in circuit.states):
        if key == "ic":
            raise CardError(f"alter cannot change the state that {clipped(name)} holds: write a parameter for its ic=")
        return None
    if name in circuit.names:
        if key in ("", "value", *ELEMENTS[name[0]].value_keys):
            return "value"
        if key in ("ac", "acmag", "acphase", "ac_mag", "ic", "noisy"):
            return None
    if name in capacitors:
        if key == "ic":
            raise CardError(f"alter cannot change ic= of {clipped(name)}: write a parameter for it")
        return None
    if name in (card.name for card in top.controls) and key in ("", "gain"):
        return "value"
    if name in (card.name for card in top.devices):
        parameters = DEVICES[name[0]].parameters
        card_key = parameters.aliases.get(key or "area", key or "area")
        if card_key in parameters.device:
            return card_key
        if card_key in parameters.idle:
            return None
    elif name not in circuit.names:
        close = closest(name, circuit.names)
        hint = f"did you mean '{close}'?" if close else "name an element of the circuit"
        raise CardError(f"alter: there is no '{clipped(name)}' that it could change: {hint}")
    raise CardError(f"alter cannot change {clipped(key) or 'the value'} of {clipped(name)}: write a parameter for it")


def changes_from(alterations: Iterable[Alteration], circuit: FlatCircuit, top: Body) -> Changes:
    """Return what the commands of a ``.control`` block altered.

    Raises
    ------
    NetlistError
        Something is not there or cannot be altered.
    """
    changes = Changes()
    for alteration in alterations:
        try:
            name, value = alteration.name, alteration.value
            if alteration.kind == "run":
                changes = replace(changes, run=int(value))
            elif alteration.kind == "setting":
                changes = changes.with_setting(name, value)
            elif alteration.kind == "parameter":
                changes = changes.with_parameter(_parameter(name, top), value)
            elif alteration.kind == "wave":
                source_of(name, circuit)
                changes = changes.with_wave(name, alteration.key, alteration.numbers)
            elif alteration.kind == "model":
                changes = changes.with_model(name, model_key(name, alteration.key, circuit, top), value)
            else:
                key = element_key(name, alteration.key, circuit, top)
                if key is None:
                    continue
                changes = changes.with_element(name, key, value)
        except CardError as error:
            raise circuit.places.error(str(error), alteration.origin) from None
    return changes


def _parameter(name: str, top: Body) -> str:
    parameters = [parameter.name for parameter in top.parameters]
    if name in parameters:
        return name
    close = closest(name, parameters)
    hint = f"did you mean '{close}'?" if close else "name a .param of the top level"
    raise CardError(f"alterparam: there is no parameter '{clipped(name)}': {hint}")
