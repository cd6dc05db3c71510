"""Examples on networks: each number again, by a dense nodal matrix and numpy, or by counts that are beyond chance."""

import numpy as np
import pytest
from example_tools import nodal, run
from scipy import stats

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


@pytest.mark.slow
def test_ten_chips(tmp_path):
    """A hundred chips that numpy draws, without wires, which take less than 2 % here, tell how such chips differ.

    Ten chips' sample variance is that of a hundred within the F distribution's bounds of 1 in 1000, were accuracies
    normal; their mean is within four standard errors of the hundred's, and what wires take.
    """
    pytest.importorskip("sklearn")
    half, names = run("ten_chips", tmp_path)
    torch.manual_seed(0)
    digits = names["load"]("digits")
    model, rng, hardware = names["trained"](digits), np.random.default_rng(7), names["hardware"](0.5)
    x = images(digits.test)
    accuracies = []
    for _ in range(100):
        outputs = x
        for layer in (model.fc1, model.fc2):
            weight = layer.weight.detach().double().numpy()
            planes, unit = pairs(weight, hardware.cells)
            plus, minus = (
                g * np.exp(rng.normal(0.0, 0.5, g.shape)) * (1.0 + rng.normal(0.0, names["NOISE"], g.shape))
                for g in planes
            )
            outputs = np.maximum(outputs, 0.0) @ (plus - minus) / unit + layer.bias.detach().double().numpy()
        accuracies.append(100.0 * (outputs.argmax(axis=1) == digits.test.labels).mean())
    # 2.262157 is Student's t of 9 degrees of freedom, as tables have it.
    variance = 10.0 * (half / 2.262157) ** 2
    low, high = stats.f.ppf([0.0005, 0.9995], 9, 99)
    assert low < variance / np.var(accuracies, ddof=1) < high
    sample = names["accuracies"](model, digits, 0.5)
    assert half == pytest.approx(2.262157 * sample.std(ddof=1) / 10.0**0.5, rel=1e-6)
    assert abs(sample.mean() - np.mean(accuracies)) < 4.0 * np.std(accuracies) * (1.0 / 10.0 + 1.0 / 100.0) ** 0.5


@pytest.mark.slow
def test_joules_an_image(tmp_path):
    """Volts times amperes of all word lines, by dense matrices; converters' rounding moves the second layer's inputs.

    Rounding to one of 127 steps moves an input by 0.4 % of the largest, and the second layer has 7 % of the power.
    """
    pytest.importorskip("sklearn")
    picojoules, names = run("joules_an_image", tmp_path)
    torch.manual_seed(0)
    digits = names["load"]("digits")
    model, hardware = names["trained"](digits), names["hardware"](10e3)
    seen, tested, joules = images(digits.train), images(digits.test)[:64], 0.0
    for layer in (model.fc1, model.fc2):
        weight = layer.weight.detach().double().numpy()
        volts = names["VOLTS"] * tested / seen.max()
        for g in pairs(weight, hardware.cells)[0]:
            matrix, word, _ = nodal(g, 2.0, 2.0, 20.0, 20.0)
            sources = np.zeros((len(matrix), len(volts)))
            sources[word[:, 0]] = volts.T / 20.0
            amperes = (volts.T - np.linalg.solve(matrix, sources)[word[:, 0]]) / 20.0
            joules += names["READ"] * (volts.T * amperes).sum() / len(volts)
        plus, minus = paired(weight, hardware)
        bias = layer.bias.detach().double().numpy()
        seen, tested = (np.maximum(inputs @ (plus - minus) + bias, 0.0) for inputs in (seen, tested))
    assert picojoules == pytest.approx(1e12 * joules, rel=2e-3)


@pytest.mark.slow
def test_wires_undone(tmp_path):
    """The weights that cells stand for with their wires, by dense matrices of the conductances that were written."""
    pytest.importorskip("sklearn")
    taken, names = run("wires_undone", tmp_path)
    hardware, errors = names["HARDWARE"], {}
    for label, network in names["networks"](names["harness"]()).items():
        layer = network.layers["fc1"]
        weight = layer.weight.detach().double().numpy().T
        headroom = {"as trained": 1.0}.get(label, 2.0)
        unit = (1.0 / hardware.cells.r_on - 1.0 / hardware.cells.r_off) / (headroom * np.abs(weight).max())
        effective = sum(
            tile.sign * transfer(tile.crossbar.conductance, 4.0, 4.0, 4.0, 4.0) / unit for tile in layer.tiles
        )
        errors[label] = np.linalg.norm(effective - weight) / np.linalg.norm(weight)
    assert errors["precompensated"] < 1e-4 < errors["headroom"] < errors["as trained"]
    assert taken == pytest.approx(errors["as trained"] - errors["precompensated"], rel=1e-5)


@pytest.mark.slow
def test_remapped_rows(tmp_path):
    """What is said of accuracies is beyond chance: three standard errors of counts of right answers, one in 700."""
    pytest.importorskip("sklearn")
    errors, _ = run("remapped_rows", tmp_path)
    assert errors > 3.0
