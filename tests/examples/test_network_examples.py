"""Examples on networks: each number again, by a dense nodal matrix and numpy, or by counts that are beyond chance."""

import numpy as np
import pytest
from example_tools import nodal, run

torch = pytest.importorskip("torch")


def transfer(g, word_wire, bit_wire, driver, sense):
    """Return currents out of the columns by volts of the rows: (rows, cols)."""
    matrix, word, bit = nodal(g, word_wire, bit_wire, driver, sense)
    sources = np.zeros((len(matrix), len(g)))
    sources[word[:, 0], np.arange(len(g))] = 1.0 / driver
    return np.linalg.solve(matrix, sources)[bit[-1]].T / sense


def pairs(weight, cells):
    """Return conductances of both signs, (inputs, outputs), and the siemens of a weight of 1."""
    low, span, largest = 1.0 / cells.r_off, 1.0 / cells.r_on - 1.0 / cells.r_off, np.abs(weight).max()
    return [low + span * np.maximum(sign * weight.T, 0.0) / largest for sign in (1.0, -1.0)], span / largest


def paired(weight, hardware):
    """Return the weights (inputs, outputs) that pairs of arrays with their wires multiply by."""
    wires = hardware.wires
    planes, unit = pairs(weight, hardware.cells)
    return [transfer(g, wires.word, wires.bit, wires.driver, wires.sense) / unit for g in planes]


def images(split):
    """Return pixels from 0 to 1, an image a row."""
    return split.images.reshape(len(split), -1) / 255.0


@pytest.mark.slow
def test_cells_that_matter(tmp_path):
    """A change dg between two nodes changes a current by -(z_p - z_q) (v_p - v_q) dg, with z the adjoint's volts."""
    crosstalk, names = run("cells_that_matter", tmp_path)
    layer, x, k = names["layer"](), names["inputs"]().numpy()[0], names["LOOKED_AT"]
    weight, wires = layer.weight.detach().numpy(), layer.hardware.wires
    gradient = np.zeros(weight.T.shape)
    for g, sign in zip(pairs(weight, layer.hardware.cells)[0], (1.0, -1.0), strict=True):
        matrix, word, bit = nodal(g, wires.word, wires.bit, wires.driver, wires.sense)
        ends = np.zeros((len(matrix), 2))
        ends[word[:, 0], 0], ends[bit[-1, k], 1] = x / wires.driver, 1.0 / wires.sense
        volts, adjoint = np.linalg.solve(matrix, ends).T
        by_cell = -(adjoint[word] - adjoint[bit]) * (volts[word] - volts[bit])
        gradient += np.where(sign * weight.T > 0.0, by_cell, 0.0)
    share = np.abs(gradient / x[:, None]).sum(axis=0)
    assert crosstalk == pytest.approx(share.sum() / share[k] - 1.0, rel=1e-6)


@pytest.mark.slow
def test_converter_bits(tmp_path):
    """Arrays by dense matrices, rounding in numpy; an image or two may be on the edge of a step."""
    pytest.importorskip("sklearn")
    accuracy, names = run("converter_bits", tmp_path)
    digits, hardware = names["load"]("digits"), names["hardware"](4)
    torch.manual_seed(0)
    model, steps = names["trained"](digits), 2.0**3 - 1.0
    seen, tested = images(digits.train), images(digits.test)
    for number, layer in enumerate([model.fc1, model.fc2]):
        outputs = {"seen": 0.0, "tested": 0.0}
        for effective, sign in zip(paired(layer.weight.detach().double().numpy(), hardware), (1.0, -1.0), strict=True):
            step = np.abs(seen @ effective).max(axis=0) / steps
            for key, x in (("seen", seen), ("tested", tested)):
                outputs[key] += sign * step * np.clip(np.rint(x @ effective / step), -steps, steps)
        seen, tested = (outputs[key] + layer.bias.detach().double().numpy() for key in ("seen", "tested"))
        if number == 0:
            seen, tested = np.maximum(seen, 0.0), np.maximum(tested, 0.0)
    right = (tested.argmax(axis=1) == digits.test.labels).sum()
    assert accuracy * len(digits.test) == pytest.approx(right, abs=2.5)


@pytest.mark.slow
def test_signed_weights(tmp_path):
    """A pair's currents, and those around a middle less the reference column's, by dense nodal matrices."""
    times, names = run("signed_weights", tmp_path)
    weight, x = names["WEIGHT"].numpy(), names["VECTORS"].numpy()
    low, high = 1.0 / names["R_OFF"], 1.0 / names["R_ON"]
    share = weight.T / np.abs(weight).max()
    above, below = (
        transfer(low + (high - low) * np.maximum(part, 0.0), 1.0, 1.0, 1.0, 1.0) for part in (share, -share)
    )
    middle, unit = 0.5 * (high + low), 0.5 * (high - low)
    around = transfer(np.column_stack([middle + unit * share, np.full(len(share), middle)]), 1.0, 1.0, 1.0, 1.0)

    def error(outputs):
        return np.linalg.norm(outputs - x @ share) / np.linalg.norm(x @ share)

    by_pairs = error(x @ (above - below) / (high - low))
    assert times == pytest.approx(error(x @ (around[:, :-1] - around[:, -1:]) / unit) / by_pairs, rel=1e-6)
