"""Eigenvector circuits with capacitance: the mode stays, the poles beside it move, and too much lets another grow."""

import numpy as np
import pytest
from loop_tools import UNIT, crossbar, pair

from xbarsim.errors import InputError
from xbarsim.loop import Amplifier, UnstableError, eigenvector

N = 5
AMPLIFIER = Amplifier(gain=1e4, output_resistance=50.0, bandwidth=1e6)


def ring(signed=False, amplifier=AMPLIFIER, **farads):
    rng = np.random.default_rng(3)
    matrix = rng.uniform(-0.3 if signed else 0.0, 1.0, (N, N))
    array = (pair if signed else crossbar)(rng, matrix)
    return eigenvector(array, unit=UNIT, amplifier=amplifier, **farads)


@pytest.mark.parametrize("signed", [False, True])
def test_little_capacitance_is_none(signed):
    bare, slow = ring(signed), ring(signed, word_capacitance=1e-17, bit_capacitance=2e-17, cell_capacitance=1e-18)
    assert slow.x == pytest.approx(bare.x, rel=1e-12)
    assert slow.value == bare.value
    rates = np.abs(bare.stability.poles).max()
    assert slow.stability.poles[0] == pytest.approx(bare.stability.poles[0], abs=1e-5 * rates)
    assert slow.stability.poles[1:N].real == pytest.approx(bare.stability.poles[1:N].real, rel=1e-5)


@pytest.mark.parametrize("place", ["word_capacitance", "bit_capacitance", "cell_capacitance"])
def test_each_capacitance_acts_on_the_poles_and_none_on_the_mode(place):
    bare, slow = ring(), ring(**{place: 1e-12})
    assert slow.x == pytest.approx(bare.x, rel=1e-12)
    moved = np.abs(slow.stability.poles[1:N] - bare.stability.poles[1:N]) / np.abs(bare.stability.poles[1:N])
    assert moved.max() > 1e-4


def test_tables_of_capacitance_are_those_of_each_node():
    table = np.full((N, N), 1e-12)
    each, one = ring(bit_capacitance=table), ring(bit_capacitance=1e-12)
    assert each.stability.poles == pytest.approx(one.stability.poles, rel=1e-9)
    with pytest.raises(InputError, match="bit_capacitance"):
        ring(bit_capacitance=np.ones((2, 2)))
    with pytest.raises(InputError, match="word_capacitance"):
        ring(word_capacitance=-1e-12)


@pytest.mark.parametrize("signed", [False, True])
def test_too_much_capacitance_lets_another_mode_grow(signed):
    with pytest.raises(UnstableError, match="beside the mode that sustains itself another one does not decay"):
        ring(signed, word_capacitance=1e-9, bit_capacitance=1e-9, cell_capacitance=1e-10)


def test_poles_need_a_bandwidth():
    with pytest.raises(InputError, match=r"array has capacitance and a0 no bandwidth: poles need both"):
        ring(amplifier=Amplifier(gain=1e4), word_capacitance=1e-15)
