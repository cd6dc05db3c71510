"""Networks on every cell model that is registered: their arrays' currents, gradients, and settings that are none."""

import re

import numpy as np
import pytest
from newton_tools import quadratic
from registered_law import registered_law

from xbarsim import Crossbar, Law, Sinh, devices, solve
from xbarsim.devices import models
from xbarsim.errors import InputError

pytest.importorskip("torch")

import torch
from nn_tools import hardware, made, numbers
from torch import nn

from xbarsim.nn import Law as CellLaw
from xbarsim.nn import convert

SAMPLED = [name for name, model in models().items() if model.sampled and name not in ("linear", "law")]
CURVE = "V,I\n-0.6,-3e-4\n-0.2,-4e-5\n0.2,5e-5\n0.6,2e-4\n"


@pytest.fixture
def registered():
    with registered_law() as law:
        yield law


@pytest.mark.parametrize("name", [*SAMPLED, "quadratic"])
def test_a_network_on_every_model_is_its_tiles_solved(registered, tmp_path, name):
    """Each array's currents by ``solve`` on a crossbar that is built here, device and all."""
    curve = tmp_path / "cell.csv"
    curve.write_text(CURVE)
    settings = {"table": {"curve": str(curve)}, "transistor": {"gate": 1.2, "lam": 0.05}, "yakopcic": {"a2": 3e-5}}
    law = CellLaw(name, options=settings.get(name, {}))
    curve.unlink()
    by_hand = {
        "sinh": Sinh(0.25),
        "selector": devices.Selector(1e-8, 0.25),
        "transistor": devices.Transistor(1.2, 2e-4, 0.5, 0.05),
        "yakopcic": devices.Yakopcic(1e-4, 3e-5, 3.0),
        "table": devices.Table([-0.6, -0.2, 0.2, 0.6], [-3e-4, -4e-5, 5e-5, 2e-4]),
        "quadratic": Law(quadratic, k=1e-4),
    }
    built = by_hand.get(name, law.device())
    hw = hardware(law=law)
    network = convert(made(nn.Linear, 9, 4), hw).program(0).eval()
    layer, x = network.layers["model"], numbers(3, 9)
    volts = layer.encode(x).numpy()
    for tile in layer.tiles:
        wires = {"word_wire": hw.wires.word, "bit_wire": hw.wires.bit}
        ends = {"driver": hw.wires.driver, "sense": hw.wires.sense}
        bare = Crossbar(tile.crossbar.conductance, **wires, **ends, device=built)
        direct = solve(bare, np.ascontiguousarray(volts[:, tile.rows])).currents
        np.testing.assert_array_equal(solve(tile.crossbar, np.ascontiguousarray(volts[:, tile.rows])).currents, direct)
    with torch.no_grad():
        y = network(x)
    assert torch.isfinite(y).all()
    weight, at = layer.weight, (0, 2)
    network.train()(x).sum().backward()
    sums = []
    for step in (1e-4, -1e-4):
        with torch.no_grad():
            weight[at] += step
            sums.append(float(network(x).sum()))
            weight[at] -= step
    rounding = 4.0 * np.finfo(float).eps * abs(sums[0]) / 2e-4
    assert (sums[0] - sums[1]) / 2e-4 == pytest.approx(float(weight.grad[at]), rel=1e-4, abs=rounding)
    assert hw == type(hw).from_dict(hw.to_dict()), "the curve's file is gone, and not needed"


def test_a_network_s_law_refuses_what_is_no_setting(tmp_path):
    for options, message in (
        (("memristor",), "Law.kind is 'memristor': it must be one of linear, sinh, selector, transistor, yakopcic"),
        (("law",), "Law.options: a Python function is no setting that a file holds: give the law a name"),
        (("table",), "Law.options: the model table needs curve"),
        (("sinh", -0.1), "Law.v0 is -0.1: it must be above 0 and finite"),
        (("sinh", "x"), "Law.v0 is 'x': it must be a number"),
        (
            ("yakopcic", 0.25, 1e-8, {"c": 1.0}),
            "Law.options: the model yakopcic has no option 'c': it has a1, a2, b",
        ),
        (("yakopcic", 0.25, 1e-8, {"b": 0.0}), "Law.b is 0: it must be above 0"),
        (("yakopcic", 0.25, 1e-8, {"vp": 0.2}), "Law.options has vp, which says how a state moves: a network's cells"),
        (("sinh", 0.25, 1e-8, {"v0": 0.3}), "Law.options has v0: give it as Law.v0"),
        (("sinh", 0.25, 1e-8, 3), "Law.options is 3: give the model's options by name"),
        (("table", 0.25, 1e-8, {"curve": str(tmp_path / "gone.csv")}), "gone.csv: there is no such file"),
    ):
        with pytest.raises(InputError, match=re.escape(message)):
            CellLaw(*options)
