"""Broken segments and shorted neighbours: rates, and the circuit against nodal analysis that knows any network."""

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds, Sinh
from xbarsim.errors import InputError
from xbarsim.nonideal import Breaks, Chip, Nonidealities, Shorts, bridge


def nodal(crossbar, voltages, word_shorts, bit_shorts, ohms):
    """Output currents by dense nodal analysis of the plain network; needs wires and ends above 0 ohm."""
    rows, cols = crossbar.shape
    size = rows * cols
    matrix, source = np.zeros((2 * size, 2 * size)), np.zeros(2 * size)
    word, bit = np.arange(size).reshape(rows, cols), np.arange(size, 2 * size).reshape(rows, cols)

    def join(one, other, g):
        for a, b, value in np.broadcast(one, other, g):
            matrix[[a, b, a, b], [a, b, b, a]] += [value, value, -value, -value]

    join(word, bit, crossbar.conductance)
    join(word[:, :-1], word[:, 1:], 1.0 / crossbar.word_wire)
    join(bit[:-1], bit[1:], 1.0 / crossbar.bit_wire)
    join(word[:-1][word_shorts], word[1:][word_shorts], 1.0 / ohms)
    join(bit[:, :-1][bit_shorts], bit[:, 1:][bit_shorts], 1.0 / ohms)
    ends = crossbar.boundary
    for nodes, side in (
        (word[:, 0], "word_left"),
        (word[:, -1], "word_right"),
        (bit[0], "bit_top"),
        (bit[-1], "bit_bottom"),
    ):
        g = 1.0 / ends[side].resistance
        matrix[nodes, nodes] += g
        source[nodes] += g * (ends[side].voltage + (voltages if side == "word_left" else 0.0))
    v = np.linalg.solve(matrix, source)
    return (v[bit[-1]] - ends["bit_bottom"].voltage) / ends["bit_bottom"].resistance, v[word], v[bit]


def array(rng, rows, cols, **ends):
    return Crossbar(
        rng.uniform(1e-5, 1e-3, (rows, cols)),
        word_wire=rng.uniform(1.0, 9.0, (rows, cols - 1)),
        bit_wire=rng.uniform(1.0, 9.0, (rows - 1, cols)),
        **(ends or {"driver": rng.uniform(5.0, 50.0, rows), "sense": rng.uniform(5.0, 50.0, cols)}),
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(6, 9), (2, 5), (5, 2), (1, 4), (4, 1)])
@pytest.mark.parametrize("method", ["schur", "kron", "reference"])
def test_shorted_neighbours_are_exact(share, shape, method):
    rng = np.random.default_rng(sum(shape))
    crossbar, voltages = array(rng, *shape), rng.uniform(-1.0, 1.0, shape[0])
    word = rng.random((shape[0] - 1, shape[1])) < share
    bit = rng.random((shape[0], shape[1] - 1)) < share
    bridged = bridge(crossbar, word, bit, 3.0)
    solution = xbarsim.solve(bridged.crossbar, bridged.inputs(voltages), method=method)
    currents, at_word, at_bit = nodal(crossbar, voltages, word, bit, 3.0)
    assert solution.floating == []
    # The nodal matrix has a condition below 1e6; both answers are rounded.
    np.testing.assert_allclose(bridged.outputs(solution.currents), currents, rtol=1e-9)
    np.testing.assert_allclose(bridged.cells(solution.word_voltages), at_word, rtol=0, atol=1e-9)
    np.testing.assert_allclose(bridged.cells(solution.bit_voltages), at_bit, rtol=0, atol=1e-9)
    added = np.setdiff1d(np.arange(bridged.crossbar.shape[1]), bridged.cols)
    assert np.all(solution.currents[added] == 0.0)


def test_shorts_between_lines_that_are_held_on_all_sides():
    rng = np.random.default_rng(8)
    ends = {
        "word_left": LineEnds(0.0, rng.uniform(5, 50, 5)), "word_right": LineEnds(0.3, rng.uniform(5, 50, 5)),
        "bit_top": LineEnds(rng.uniform(-0.1, 0.1, 7), 40.0), "bit_bottom": LineEnds(-0.2, rng.uniform(5, 50, 7)),
    }  # fmt: skip
    crossbar, voltages = array(rng, 5, 7, ends=ends), rng.uniform(0.0, 1.0, 5)
    word, bit = rng.random((4, 7)) < 0.3, rng.random((5, 6)) < 0.3
    bridged = bridge(crossbar, word, bit, 0.7)
    solution = xbarsim.solve(bridged.crossbar, bridged.inputs(voltages))
    np.testing.assert_allclose(
        bridged.outputs(solution.currents), nodal(crossbar, voltages, word, bit, 0.7)[0], rtol=1e-9
    )


def test_shorted_neighbours_in_the_effective_map():
    rng = np.random.default_rng(4)
    crossbar = array(rng, 6, 5)
    bridged = bridge(crossbar, rng.random((5, 5)) < 0.2, rng.random((6, 4)) < 0.2, 2.0)
    batch = rng.uniform(0.0, 1.0, (3, 6))
    currents = bridged.outputs(xbarsim.solve(bridged.crossbar, bridged.inputs(batch), method="schur").currents)
    g_eff = bridged.cells(xbarsim.effective_conductance(bridged.crossbar))
    np.testing.assert_allclose(batch @ g_eff, currents, rtol=1e-11)


def test_a_short_on_ideal_lines_does_nothing():
    """Bit lines without resistance are all at 0 V: no current passes between them."""
    crossbar = Crossbar([[1e-3, 2e-3], [3e-3, 5e-3]])
    bridged = bridge(crossbar, [[False, False]], [[True], [True]], 1.0)
    currents = xbarsim.solve(bridged.crossbar, bridged.inputs([1.0, 10.0])).currents
    np.testing.assert_allclose(bridged.outputs(currents), [31e-3, 52e-3], rtol=1e-13)


def test_without_shorts_nothing_is_added():
    crossbar = array(np.random.default_rng(1), 3, 4)
    bridged = bridge(crossbar, np.zeros((2, 4)), np.zeros((3, 3)), 1.0)
    assert bridged.crossbar == crossbar
    assert (bridged.rows.tolist(), bridged.cols.tolist()) == ([0, 1, 2], [0, 1, 2, 3])


def test_bridge_refuses():
    crossbar = Crossbar(np.ones((3, 4)))
    word, bit = np.zeros((2, 4)), np.ones((3, 3))
    with pytest.raises(InputError, match=r"word_shorts has shape \(3, 4\): it must be \(2, 4\)"):
        bridge(crossbar, np.zeros((3, 4)), bit, 1.0)
    with pytest.raises(InputError, match=r"bit_shorts has shape \(2, 4\): it must be \(3, 3\)"):
        bridge(crossbar, word, word, 1.0)
    for ohms in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(InputError, match="ohms is"):
            bridge(crossbar, word, bit, ohms)
    with pytest.raises(InputError, match=r"device is Sinh\(v0=0.25\): shorts are resistors"):
        bridge(Crossbar(np.ones((3, 4)), device=Sinh(0.25)), word, bit, 1.0)
    with pytest.raises(InputError, match=r"voltages has shape \(4,\): it must be \(3,\)"):
        bridge(crossbar, word, bit, 1.0).inputs(np.ones(4))


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3, 1.0])
def test_rates(rate):
    breaks = Breaks(rate, 0.5 * rate).segments((200, 150), 1)
    shorts = Shorts(rate, 0.5 * rate).places((200, 150), 1)
    assert [one.shape for one in (*breaks, *shorts)] == [(200, 149), (199, 150), (199, 150), (200, 149)]
    for masks in (breaks, shorts):
        for mask, expected in zip(masks, (rate, 0.5 * rate), strict=True):
            assert abs(mask.sum() - mask.size * expected) <= 5.0 * np.sqrt(mask.size * expected * (1.0 - expected))


def test_a_break_is_where_it_is_said_to_be():
    """Without sneak paths, what lies behind a break in a driven line gives no current."""
    chip = Chip(Nonidealities(breaks=Breaks(0.1, 0.0)), 12, (8, 6))
    broken = chip.crossbar(Crossbar(np.full((8, 6), 1e-3), word_wire=0.0))
    mask = chip.maps().word_breaks
    assert mask.any()
    assert np.array_equal(np.isinf(broken.word_wire), mask)
    currents = xbarsim.solve(broken, np.eye(8)).currents
    reached = np.hstack([np.ones((8, 1), dtype=bool), ~np.logical_or.accumulate(mask, axis=1)])
    # Kron reduction takes 1e30 S for a wire of 0 ohm: what that leaks is below 1e-30 of a cell.
    np.testing.assert_allclose(currents, 1e-3 * reached, rtol=1e-12, atol=1e-33)


def test_breaks_keep_other_wires_and_cells():
    crossbar = array(np.random.default_rng(2), 8, 6)
    chip = Chip(Nonidealities(breaks=Breaks(0.2, 0.2)), 3, (8, 6))
    broken, maps = chip.crossbar(crossbar), chip.maps()
    assert np.array_equal(broken.conductance, crossbar.conductance)
    assert np.array_equal(broken.word_wire[~maps.word_breaks], crossbar.word_wire[~maps.word_breaks])
    assert np.array_equal(np.isinf(broken.bit_wire), maps.bit_breaks)
    assert broken.boundary == crossbar.boundary
    single = Chip(Nonidealities(breaks=Breaks(0.5, 0.5)), 3, (1, 1))
    assert single.crossbar(Crossbar([[1.0]])) == Crossbar([[1.0]])


def test_a_chip_with_shorts_and_breaks():
    rng = np.random.default_rng(5)
    crossbar, voltages = array(rng, 9, 7), rng.uniform(0.0, 1.0, 9)
    chip = Chip(Nonidealities(breaks=Breaks(0.1, 0.05), shorts=Shorts(0.1, 0.1, 4.0)), 3, (9, 7))
    maps = chip.maps()
    with pytest.raises(InputError, match=r"tile 0 has shorted neighbours.*Chip\.bridged"):
        chip.crossbar(crossbar)
    bridged = chip.bridged(crossbar)
    broken = Chip(Nonidealities(breaks=Breaks(0.1, 0.05)), 3, (9, 7)).crossbar(crossbar)
    currents = bridged.outputs(xbarsim.solve(bridged.crossbar, bridged.inputs(voltages)).currents)
    expected = nodal(broken, voltages, maps.word_shorts, maps.bit_shorts, 4.0)[0]
    np.testing.assert_allclose(currents, expected, rtol=1e-9)
