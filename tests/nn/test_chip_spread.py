"""Which settings make chips of one kind differ, each against what is programmed."""

import numpy as np
import pytest
from torch import nn

from xbarsim.nn import Hardware
from xbarsim.nn.chip_spread import varies
from xbarsim.nn.convert import convert


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, False),
        ({"levels": {"count": 4}}, False),
        ({"faults": {"rate": 0.3}}, True),
        ({"faults": {"rate": 0.0, "ocr": 5.0}}, False),
        ({"variation": {"sigma": 0.2}}, True),
        ({"variation": {"sigma": 0.0}}, False),
        ({"cycle_variation": {"sigma": 0.2}}, True),
        ({"cycle_variation": {"sigma": 0.0}}, False),
        ({"breaks": {"word_rate": 0.3, "bit_rate": 0.0}}, True),
        ({"breaks": {"word_rate": 0.0, "bit_rate": 0.3}}, True),
        ({"breaks": {"word_rate": 0.0, "bit_rate": 0.0}}, False),
        ({"shorts": {"word_rate": 0.0, "bit_rate": 0.3}}, True),
        ({"shorts": {"word_rate": 0.0, "bit_rate": 0.0}}, False),
        ({"drift": {"nu": 0.1, "nu_sigma": 0.05}}, True),
        ({"drift": {"nu": 0.1, "nu_sigma": 0.0}}, False),
        ({"read_noise": {"sigma": 0.2}}, True),
        ({"read_noise": {"sigma": 0.0}}, False),
    ],
)
def test_chips_differ_where_an_effect_draws(cells, expected):
    hardware = Hardware.from_dict({"cells": cells})
    assert varies(hardware) is expected
    network = convert(nn.Sequential(nn.Linear(9, 7)), hardware).eval()
    maps = []
    for seed in (0, 1):
        network.program(seed, time=None if hardware.cells.drift is None else 100.0)
        maps.append(network.layers["0"].effective_parameters()[0].detach().numpy().copy())
    if "read_noise" not in cells:
        assert np.array_equal(*maps) is not expected
