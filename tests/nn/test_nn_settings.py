"""Every setting of a network's hardware changes what it should, and nothing else; what cannot act is refused."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from nn_tools import made, numbers
from torch import nn

from xbarsim.errors import InputError
from xbarsim.nn import Hardware, Law, ReadEnergy, convert
from xbarsim.nn.hardware import _PARTS
from xbarsim.nonideal import Faults, Nonidealities
from xbarsim.nonideal.model import _EFFECTS

X = numbers(5, 13)
SMALL = {"tiles": {"rows": 6, "cols": 5}, "wires": {"word": 1.5, "bit": 0.7, "driver": 2.0, "sense": 0.4}}
FAULTS = {"rate": 0.3}
CLUSTERED = {"rate": 0.4, "clustering": 0.8}
SPREAD = {"sigma": 0.3}
GAUSSIAN = {"sigma": 0.4, "kind": "gaussian"}
PULSES = {"tolerance": 0.02, "rounds": 1}
DISTURBING = {"amplitude": 1.5, "most_amplitude": 1.6, "max_pulses": 3, "rounds": 1}
VERIFIED = {"tolerance": 0.01, "max_pulses": 6, "noise": 0.2}
DRIFT = {"nu": 0.1, "nu_sigma": 0.03, "t0": 2.0}
CIRCUIT = {"kind": "circuit", "bandwidth": 1e12, "flicker": 1e-3}
SHORTS = {"word_rate": 0.1, "bit_rate": 0.1, "ohms": 3.0}
CELLS, OUTPUTS = {"cells", "outputs"}, {"outputs"}
WIRED = {"circuit", "outputs"}

# Each setting: what else is set, its other value, and all that it changes.
CASES = {
    "tiles.rows": ({}, 7, {"arrays", "cells", "circuit", "outputs"}),
    "tiles.cols": ({}, 4, {"arrays", "cells", "circuit", "outputs"}),
    "cells.r_on": ({}, 2e3, CELLS),
    "cells.r_off": ({}, 1e4, CELLS),
    "cells.faults.rate": ({"cells.faults": FAULTS}, 0.6, CELLS),
    "cells.faults.ocr": ({"cells.faults": FAULTS}, 4.0, CELLS),
    "cells.faults.clustering": ({"cells.faults": FAULTS}, 0.9, CELLS),
    "cells.faults.along": ({"cells.faults": CLUSTERED}, "columns", CELLS),
    "cells.faults.length": ({"cells.faults": CLUSTERED}, 2, CELLS),
    "cells.faults.exact": ({"cells.faults": FAULTS}, True, CELLS),
    "cells.faults.lrs_ohms": ({"cells.faults": FAULTS}, 500.0, CELLS),
    "cells.faults.hrs_ohms": ({"cells.faults": FAULTS}, 1e7, CELLS),
    **{
        f"cells.{name}.{setting}": ({f"cells.{name}": base}, value, CELLS)
        for name in ("variation", "cycle_variation")
        for setting, base, value in (
            ("sigma", SPREAD, 0.4), ("kind", SPREAD, "gaussian"), ("of", SPREAD, "resistance"),
            ("floor", GAUSSIAN, 0.6),
        )
    },
    "cells.variation.shared": ({"cells.variation": SPREAD}, "pair", CELLS),
    "cells.levels.count": ({"cells.levels": {"count": 5}}, 8, CELLS),
    "cells.levels.spacing": ({"cells.levels": {"count": 5}}, "log", CELLS),
    **{
        f"cells.write_verify.{setting}": ({"cells.write_verify": VERIFIED}, value, CELLS)
        for setting, value in (
            ("tolerance", 0.1), ("of", "target"), ("max_pulses", 9), ("step", 0.4), ("shrink", 0.9), ("noise", 0.4),
        )
    },
    **{
        f"cells.programming.{setting}": ({"cells.programming": base}, value, CELLS)
        for setting, base, value in (
            ("amplitude", PULSES, 1.0), ("width", PULSES, 2e-8), ("rise", PULSES, 2e-9), ("fall", PULSES, 2e-9),
            ("increment", PULSES, 0.1), ("most_amplitude", PULSES, 0.95), ("tolerance", PULSES, 0.2),
            ("max_pulses", PULSES, 4), ("scheme", PULSES, "grounded"), ("rounds", DISTURBING, 3),
        )
    },
    "cells.drift.nu": ({"cells.drift": DRIFT}, 0.2, CELLS),
    "cells.drift.nu_sigma": ({"cells.drift": DRIFT}, 0.1, CELLS),
    "cells.drift.t0": ({"cells.drift": DRIFT}, 5.0, CELLS),
    "cells.read_noise.sigma": ({"cells.read_noise": {"sigma": 0.1}}, 0.2, CELLS),
    "cells.read_noise.kind": ({"cells.read_noise": {"sigma": 0.1}}, "absolute", CELLS),
    "cells.read_noise.bandwidth": ({"cells.read_noise": CIRCUIT}, 4e12, CELLS),  # flicker noise ends there, too
    "cells.read_noise.temperature": ({"cells.read_noise": CIRCUIT}, 900.0, OUTPUTS),
    "cells.read_noise.flicker": ({"cells.read_noise": CIRCUIT}, 1e-4, CELLS),
    "cells.read_noise.lowest": ({"cells.read_noise": CIRCUIT}, 1e3, CELLS),
    "cells.breaks.word_rate": ({"cells.breaks": {}}, 0.3, WIRED),
    "cells.breaks.bit_rate": ({"cells.breaks": {}}, 0.3, WIRED),
    # A short is cells of an added line.
    "cells.shorts.word_rate": ({"cells.shorts": SHORTS}, 0.3, {"cells", "circuit", "outputs"}),
    "cells.shorts.bit_rate": ({"cells.shorts": SHORTS}, 0.3, {"cells", "circuit", "outputs"}),
    "cells.shorts.ohms": ({"cells.shorts": SHORTS}, 9.0, CELLS),
    "law.kind": ({}, "sinh", {"law", "outputs"}),
    "law.v0": ({"law.kind": "sinh"}, 0.1, {"law", "outputs"}),
    "law.i0": ({"law.kind": "selector"}, 1e-6, {"law", "outputs"}),
    "law.options": ({"law.kind": "yakopcic"}, {"b": 5.0}, {"law", "outputs"}),
    "wires.word": ({}, 3.0, WIRED),
    "wires.bit": ({}, 3.0, WIRED),
    "wires.driver": ({}, 5.0, WIRED),
    "wires.sense": ({}, 5.0, WIRED),
    "mapping.kind": ({}, "reference", {"arrays", "cells", "circuit", "outputs"}),
    "mapping.scale": ({}, "dynamic", {"halved"}),
    "mapping.per": ({}, "column", CELLS),
    "mapping.slices": ({}, 2, {"arrays", "cells", "circuit", "outputs"}),
    "mapping.reference_faults": ({"mapping.kind": "reference", "cells.faults": FAULTS}, False, CELLS),
    "mapping.slice_bits": ({"mapping.slices": 2}, 3, CELLS),
    "encoding.kind": ({"dac": {"bits": 5}}, "bit-serial", {"volts"}),
    "encoding.volts": ({}, 0.4, {"volts"}),
    "dac.bits": ({"dac": {"bits": 5}}, 3, {"volts", "outputs"}),
    "dac.range": ({"dac": {"bits": 5}}, 0.8, {"volts", "outputs"}),
    "adc.bits": ({"adc": {"bits": 6}}, 3, OUTPUTS),
    "adc.range": ({"adc": {"bits": 6}}, "full", OUTPUTS),
    "adc.per": ({"adc": {"bits": 6}}, "column", OUTPUTS),
    "fidelity": ({}, "ideal", WIRED),
    **{
        f"energy.{name}": ({"energy": {"read": 1e-7}}, value, {"energy"})
        for name, value in (("read", 3e-7), ("dac", 1e-12), ("adc", 1e-12), ("digital", 1e-14), ("split", True))
    },
    **{
        f"energy.{name}": ({"adc": {"bits": 6}, "energy": {"bit_farads": 1e-15}}, 3e-15, {"energy"})
        for name in ("word_farads", "bit_farads", "cell_farads")
    },
}  # fmt: skip
REFUSED = {
    "cells.programming.device": ({"cells.programming": PULSES}, "stanford", "pulses write cells with a state between"),
    "dac.per": ({"dac": {"bits": 5}}, "column", "only an ADC's can differ"),
    "cells.cycle_variation.shared": ({"cells.cycle_variation": SPREAD}, "pair", "only variation can be a pair's"),
}


def names():
    """All settings by their path, from the dataclasses themselves."""
    for part in fields(Hardware):
        if part.name == "energy":
            yield from (f"energy.{setting.name}" for setting in fields(ReadEnergy))
            continue
        if part.name not in _PARTS:
            yield part.name
            continue
        for one in fields(_PARTS[part.name]):
            if part.name == "cells" and one.name in _EFFECTS:
                yield from (f"cells.{one.name}.{setting.name}" for setting in fields(_EFFECTS[one.name]))
            else:
                yield f"{part.name}.{one.name}"


def test_every_setting_has_a_case():
    assert sorted((*CASES, *REFUSED)) == sorted(names())


def with_settings(settings):
    record = Hardware.from_dict(SMALL).to_dict()
    for name, value in settings.items():
        *above, last = name.split(".")
        place = record
        for part in above:
            place = place[part]
        place[last] = {**(place.get(last) or {}), **value} if isinstance(value, dict) else value
    return Hardware.from_dict(record)


def seen(hardware):
    """All that can be seen of a layer on a chip of seed 3, after 50 s where it drifts."""
    network = convert(made(nn.Linear, 13, 7), hardware)
    network.program(3, time=50.0 if hardware.cells.drift else None).calibrate(2.0 * X).eval()
    layer = network.layers["model"]
    with torch.no_grad():
        tiles = layer.tiles
        found = {
            "arrays": [place.shape for place in layer.places],
            "cells": [tile.crossbar.conductance for tile in tiles],
            "circuit": [
                one
                for c in (tile.crossbar for tile in tiles)
                for one in (c.word_wire, c.bit_wire, *(end.resistance for end in c.boundary.values()))
            ],
            "law": [repr(tiles[0].crossbar.device)],
            "volts": [layer.encode(X)],
            "outputs": [network(X)],
            "energy": [] if hardware.energy is None else energy_of(network),
        }
        layer.weight.mul_(0.5)
        found["halved"] = [network(X) / found["outputs"][0]]
    return found


def energy_of(network):
    energy = network.summary(X).energy
    return [energy.joules, str(energy.split)]


def differ(one, other):
    if len(one) != len(other):
        return True
    same = (
        a == b if isinstance(a, str | tuple) else np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=0.0)
        for a, b in zip(one, other, strict=True)
    )
    return not all(same)


@pytest.mark.parametrize("name", CASES)
def test_a_setting_changes_what_it_should_and_nothing_else(name):
    base, value, expected = CASES[name]
    before = with_settings(base)
    after = with_settings({**base, name: value})
    assert before != after
    one, other = seen(before), seen(after)
    changed = {what for what in one if differ(one[what], other[what])}
    # How outputs follow weights that move after programming is the scale's business; by rounding others change it too.
    assert changed - {"halved"} == expected - {"halved"}
    assert expected <= changed
    assert name not in before.idle


@pytest.mark.parametrize("name", REFUSED)
def test_a_setting_that_cannot_act_is_refused(name):
    base, value, message = REFUSED[name]
    with pytest.raises(InputError, match=message):
        with_settings({**base, name: value})


@pytest.mark.parametrize(
    ("base", "name", "value", "why"),
    [
        ({"fidelity": "ideal"}, "wires.word", 9.0, "fidelity"),
        ({"fidelity": "ideal", "cells.breaks": {}}, "cells.breaks.bit_rate", 0.5, "fidelity"),
        ({"fidelity": "ideal", "cells.shorts": SHORTS}, "cells.shorts.ohms", 9.0, "fidelity"),
        *(({"fidelity": "closed"}, f"wires.{line}", 9.0, "fidelity") for line in ("word", "bit")),
        ({"fidelity": "closed", "cells.breaks": {}}, "cells.breaks.bit_rate", 0.5, "fidelity"),
        ({}, "mapping.slice_bits", 3, "mapping.slices"),
        ({}, "adc.per", "column", "adc.bits"),
        ({}, "adc.range", 1e-5, "adc.bits"),
        ({"adc": {"bits": 6, "range": 1e-3}}, "adc.per", "column", "adc.range"),
        ({"cells.faults": {}}, "cells.faults.ocr", 9.0, "cells.faults.rate"),
        ({"cells.faults": FAULTS}, "cells.faults.along", "rows", "cells.faults.clustering"),
        ({"cells.faults": {"rate": 0.3, "ocr": "inf"}}, "cells.faults.lrs_ohms", 10.0, "cells.faults.ocr"),
        ({"cells.variation": {}}, "cells.variation.kind", "gaussian", "cells.variation.sigma"),
        ({"cells.variation": {}}, "cells.variation.shared", "pair", "cells.variation.sigma"),
        *(
            ({"mapping.kind": kind, "cells.variation": SPREAD}, "cells.variation.shared", "pair", "mapping.kind")
            for kind in ("reference", "offset")
        ),
        *(
            ({"mapping.kind": kind, "cells.faults": FAULTS}, "mapping.reference_faults", False, "mapping.kind")
            for kind in ("differential", "offset")
        ),
        ({"mapping.kind": "reference"}, "mapping.reference_faults", False, "cells.faults"),
        (
            {"mapping.kind": "reference", "cells.faults": {}}, "mapping.reference_faults", False, "cells.faults.rate",
        ),
        ({"cells.levels": {"count": 2}}, "cells.levels.spacing", "log", "cells.levels.count"),
        ({"cells.write_verify": {"max_pulses": 1}}, "cells.write_verify.shrink", 0.9, "cells.write_verify.max_pulses"),
        ({"cells.drift": {}}, "cells.drift.t0", 3.0, "cells.drift.nu"),
        ({"cells.read_noise": {}}, "cells.read_noise.kind", "absolute", "cells.read_noise.sigma"),
        ({"cells.shorts": {}}, "cells.shorts.ohms", 9.0, "cells.shorts.bit_rate"),
    ],
)  # fmt: skip
def test_idle_settings_are_told_and_really_change_nothing(base, name, value, why):
    before, after = with_settings(base), with_settings({**base, name: value})
    assert before != after
    assert before.idle[name] == after.idle[name] == why
    one, other = seen(before), seen(after)
    assert not any(differ(one[what], other[what]) for what in one)


def test_numbers_of_another_law_or_distribution_are_refused():
    for make, message in (
        (lambda: Law(v0=0.3), r"Law.v0 is 0.3, which the law 'linear' does not have.*kind='sinh'"),
        (lambda: Law("linear", i0=1e-7), r"Law.i0 is 1e-07.*kind='selector'"),
        (lambda: Law("sinh", i0=1e-7), r"Law.i0 is 1e-07, which the law 'sinh'"),
    ):
        with pytest.raises(InputError, match=message):
            make()
    assert Law("selector", 0.3, 1e-7).idle == ()


def test_defaults_are_idle_where_their_effect_is_off():
    assert set(Hardware().idle) == {
        "law.v0", "law.i0", "mapping.slice_bits", "mapping.reference_faults", "adc.range", "adc.per",
    }  # fmt: skip
    faulty = Hardware(cells=Nonidealities(faults=Faults(0.1, clustering=0.5, ocr=0.0)))
    assert {name for name in faulty.idle if "cells.faults" in name} == {"cells.faults.hrs_ohms"}
    assert set(replace(Hardware(), fidelity="ideal").idle) > {"wires.word", "wires.sense"}
