"""Random numbers that belong to a cell: known answers, distribution, independence of neighbours, seeds and draws."""

import itertools

import numpy as np
import pytest
from scipy import stats

from xbarsim.errors import InputError
from xbarsim.nonideal.streams import Draw, Stream, every, mix

SIZE = (300, 200)


def test_mix_is_splitmix64():
    """The generator's published outputs for the seed 1234567: it mixes multiples of the golden ratio."""
    counter = [(1234567 + k * 0x9E3779B97F4A7C15) % 2**64 for k in range(1, 6)]
    assert mix(np.array(counter, dtype=np.uint64)).tolist() == [
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ]  # fmt: skip


def test_numbers_are_what_they_were():
    """A seed means the same chip in every version: recorded when the numbers were first drawn."""
    stream = Stream.of(7, Draw.VARIATION, 3, 1)
    cells = np.array([0, 1, 5]), np.array([0, 2, 90])
    assert stream.words(*cells, 4).tolist() == [2166800281835014273, 4842391994667426145, 4846718454873848088]
    np.testing.assert_allclose(
        stream.normal(*cells), [0.710537414159814, -0.00210457810925449, 0.108565631600668], rtol=1e-12
    )


def test_a_cell_keeps_its_number_in_any_shape():
    whole = Stream.of(1, Draw.DRIFT).normal(*every(SIZE))
    rows, cols = every(SIZE)
    np.testing.assert_array_equal(Stream.of(1, Draw.DRIFT).normal(rows[40:60], cols[:, 7:9]), whole[40:60, 7:9])
    assert Stream.of(1, Draw.DRIFT).normal(np.array([123]), np.array([45]))[0] == whole[123, 45]


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_distributions(seed):
    """60,000 numbers each, of fixed seeds: a p-value below 1e-4 would say that something is wrong."""
    stream = Stream.of(seed, Draw.READ, 5, 9)
    uniform, normal = stream.uniform(*every(SIZE)).ravel(), stream.normal(*every(SIZE)).ravel()
    assert stats.kstest(uniform, "uniform").pvalue > 1e-4
    assert stats.kstest(normal, "norm").pvalue > 1e-4
    assert uniform.min() >= 0.0
    assert uniform.max() < 1.0


def test_nothing_is_correlated_with_anything():
    """Neighbouring cells, numbers, seeds, draws, tiles and counts: |r| below 5 / sqrt(n), five standard deviations."""
    fields = [
        Stream.of(seed, draw, tile, count).uniform(*every(SIZE), number).ravel()
        for seed, draw, tile, count, number in [
            (0, 1, 0, 0, 0), (1, 1, 0, 0, 0), (2, 1, 0, 0, 0), (0, 2, 0, 0, 0), (0, 1, 1, 0, 0), (0, 1, 0, 1, 0),
            (0, 1, 0, 0, 1), (0, 1, 0, 0, 2), (0, 1, 2, 0, 0), (0, 2, 1, 0, 0), (0, 1, 1, 2, 0), (0, 1, 2, 1, 0),
        ]
    ]  # fmt: skip
    shifted = [np.roll(fields[0].reshape(SIZE), shift, axis).ravel() for shift in (1, 2, 64) for axis in (0, 1)]
    limit = 5.0 / np.sqrt(fields[0].size)
    for one, other in itertools.combinations([*fields, *shifted], 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < limit


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((-1, Draw.READ), r"seed is -1: it must be at least 0 and below 2\^64"),
        ((2**64, Draw.READ), "seed is 18446744073709551616"),
        ((1.0, Draw.READ), "seed is 1.0: it must be a whole number"),
        ((True, Draw.READ), "seed is True"),
        ((1, Draw.READ, -1), "tile is -1"),
        ((1, Draw.READ, 0, 2**32), r"count is 4294967296: it must be at least 0 and below 2\^32"),
    ],
)
def test_bad_input(arguments, said):
    with pytest.raises(InputError, match=said):
        Stream.of(*arguments)
