"""Every bad input is an InputError that names the argument and the first bad index."""

import dataclasses

import numpy as np
import pytest
from problems import METHODS

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.errors import InputError, SolveError

GOOD = np.full((4, 8), 1e-3)


class FollowsGradient:
    """A torch tensor that wants a gradient, as numpy meets it."""

    dtype = "torch.float64"

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


def changed(index, value, array=GOOD):
    copy = np.array(array, dtype=float)
    copy[index] = value
    return copy


CROSSBAR_ERRORS = [
    ({"conductance": changed((3, 7), -1e-6)}, r"conductance\[3, 7\] is -1e-06: it must be >= 0"),
    ({"conductance": changed((0, 2), np.nan)}, r"conductance\[0, 2\] is nan"),
    ({"conductance": changed((1, 0), np.inf)}, r"conductance\[1, 0\] is inf: it must be >= 0 and finite"),
    ({"conductance": [1e-3, 2e-3]}, r"conductance has shape \(2,\): it must be \(rows, cols\)"),
    ({"conductance": 1e-3}, r"conductance has shape \(\)"),
    ({"conductance": np.ones((2, 2, 2))}, r"conductance has shape \(2, 2, 2\)"),
    ({"conductance": np.ones((0, 3))}, r"conductance has shape \(0, 3\): .* at least 1 x 1"),
    ({"conductance": np.ones((3, 0))}, r"conductance has shape \(3, 0\)"),
    ({"conductance": [["a", "b"]]}, "conductance must be real numbers"),
    ({"conductance": [[1e-3, 2e-3], [3e-3]]}, "conductance must be real numbers in a regular array"),
    ({"conductance": GOOD + 1j}, "conductance must be real numbers .* complex"),
    ({"conductance": None}, "conductance must be real numbers"),
    ({"conductance": FollowsGradient()}, r"conductance is FollowsGradient of torch.float64, which .*tensor.detach\(\)"),
    ({"word_wire": -1.0}, r"word_wire is -1.0: it must be >= 0 \(inf is an open circuit\)"),
    ({"word_wire": changed((2, 5), np.nan, np.ones((4, 7)))}, r"word_wire\[2, 5\] is nan"),
    ({"word_wire": np.ones((4, 8))}, r"word_wire has shape \(4, 8\): .* \(4, 7\)"),
    ({"word_wire": np.ones((7, 4))}, r"word_wire has shape \(7, 4\)"),
    ({"bit_wire": np.ones((4, 8))}, r"bit_wire has shape \(4, 8\): .* \(3, 8\)"),
    ({"bit_wire": changed((1, 6), -2.0, np.ones((3, 8)))}, r"bit_wire\[1, 6\] is -2.0"),
    ({"bit_wire": "2 ohm"}, "bit_wire must be real numbers"),
    ({"driver": np.ones(8)}, r"driver has shape \(8,\): .* \(4,\)"),
    ({"driver": [1.0, 2.0, -0.5, np.nan]}, r"driver\[2\] is -0.5"),
    ({"sense": np.ones(4)}, r"sense has shape \(4,\): .* \(8,\)"),
    ({"sense": np.nan}, "sense is nan"),
    ({"ends": {"left": LineEnds()}}, "ends has the key 'left': sides are word_left, word_right"),
    ({"ends": {"bit_top": (0.0, 1.0)}}, r"ends\['bit_top'\] is tuple: it must be LineEnds"),
    (
        {"ends": {"bit_top": LineEnds(np.zeros(4), 1.0)}},
        r"ends\['bit_top'\].voltage has shape \(4,\): .* \(8,\)",
    ),
    (
        {"ends": {"word_right": LineEnds(0.0, np.ones(8))}},
        r"ends\['word_right'\].resistance has shape \(8,\)",
    ),
    ({"ends": {"word_left": LineEnds(0.0, 1.0)}, "driver": 2.0}, r"driver and ends\['word_left'\] both"),
    ({"ends": {"bit_bottom": LineEnds(0.0, 1.0)}, "sense": 2.0}, r"sense and ends\['bit_bottom'\] both"),
    ({"ends": {"word_left": LineEnds([0.0, 0.0, 0.1, 0.0])}}, r"ends\['word_left'\].voltage must be 0"),
    ({"device": "linear"}, "device is str"),
]


@pytest.mark.parametrize(("arguments", "message"), CROSSBAR_ERRORS, ids=[m for _, m in CROSSBAR_ERRORS])
def test_crossbar(arguments, message):
    """Bad data that would run on into a kernel."""
    arguments = {"conductance": GOOD} | arguments
    with pytest.raises(InputError, match=message) as caught:
        Crossbar(arguments.pop("conductance"), **arguments)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"voltage": [0.0, np.nan]}, r"voltage\[1\] is nan: it must be a finite number"),
        ({"voltage": np.inf}, "voltage is inf"),
        ({"voltage": np.zeros((2, 2))}, r"voltage has shape \(2, 2\)"),
        ({"voltage": "0.5"}, "voltage must be real numbers"),
        ({"resistance": [1.0, 2.0, -3.0]}, r"resistance\[2\] is -3.0"),
        ({"resistance": np.nan}, "resistance is nan"),
        ({"resistance": np.ones((2, 1))}, r"resistance has shape \(2, 1\)"),
    ],
)
def test_line_ends(arguments, message):
    with pytest.raises(InputError, match=message):
        LineEnds(**arguments)


SOLVE_ERRORS = [
    ({"voltages": np.ones(8)}, r"voltages.*\(8,\).*4"),
    ({"voltages": np.ones((4, 2))}, r"voltages.*\(4, 2\).*4"),
    ({"voltages": np.ones((2, 3, 4))}, r"voltages.*\(2, 3, 4\)"),
    ({"voltages": 1.0}, r"voltages.*\(\)"),
    ({"voltages": []}, r"voltages.*\(0,\)"),
    ({"voltages": [1.0, 2.0, np.nan, 4.0]}, r"voltages\[2\] is nan"),
    ({"voltages": changed((1, 3), np.inf, np.ones((2, 4)))}, r"voltages\[1, 3\] is inf"),
    ({"voltages": ["1", "2", "3", "4"]}, "voltages must be real numbers"),
    ({"voltages": np.ones(4) * 1j}, "voltages must be real numbers"),
    ({"voltages": None}, "voltages must be real numbers"),
    ({"method": "cholesky"}, "method.*cholesky.*auto.*schur.*kron.*reference"),
    ({"method": None}, "method"),
    ({"threads": 0}, "threads"),
    ({"threads": -2}, "threads"),
    ({"threads": 1.5}, "threads"),
    ({"threads": "two"}, "threads"),
    ({"crossbar": GOOD}, "crossbar"),
    ({"crossbar": None}, "crossbar"),
]


@pytest.mark.parametrize(("arguments", "message"), SOLVE_ERRORS, ids=[f"{next(iter(a))} {m}" for a, m in SOLVE_ERRORS])
def test_solve(arguments, message):
    """As above; also options, which must not be taken for something near them."""
    arguments = {"crossbar": Crossbar(GOOD), "voltages": np.ones(4)} | arguments
    with pytest.raises(InputError, match=message):
        xbarsim.solve(arguments.pop("crossbar"), arguments.pop("voltages"), **arguments)


@pytest.mark.parametrize("method", METHODS)
def test_bad_voltages_for_every_method(method):
    """A method that skips the common checks."""
    with pytest.raises(InputError, match=r"voltages\[1\] is nan"):
        xbarsim.solve(Crossbar(GOOD), [1.0, np.nan, 1.0, 1.0], method=method)


def test_options_are_named():
    """Positional options would change meaning when one is added."""
    with pytest.raises(TypeError):
        xbarsim.solve(Crossbar(GOOD), np.ones(4), "kron")


@pytest.mark.parametrize("method", METHODS)
def test_conflicting_sources(method):
    """Ideal sources in short circuit: kernels with a limit for 0 ohm would give some finite number."""
    crossbar = Crossbar(np.full((3, 2), 1e-3), ends={"word_right": LineEnds(0.5, [1.0, 0.0, np.inf])})
    with pytest.raises(SolveError, match=r"word_left\[1\].*word_right\[1\].*0 ohm"):
        xbarsim.solve(crossbar, [1.0, 2.0, 3.0], method=method)
    # The same circuit is sound where both hold the same voltage, and in the line's total current.
    solution = xbarsim.solve(crossbar, [1.0, 0.5, 3.0], method=method)
    total = solution.end_currents["word_left"][1] + solution.end_currents["word_right"][1]
    np.testing.assert_allclose(total, -2 * 0.5e-3, rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_conflict_in_one_vector_of_a_batch(method):
    crossbar = Crossbar([[1e-3, 2e-3]], ends={"word_right": LineEnds(0.5, 0.0)})
    with pytest.raises(SolveError, match=r"word_left\[0\].*word_right\[0\]"):
        xbarsim.solve(crossbar, [[0.5], [0.5], [0.4]], method=method)


@pytest.mark.parametrize("method", METHODS)
def test_conflict_between_two_held_ends(method):
    """The same on a bit line, where both voltages are the crossbar's own."""
    ends = {"bit_top": LineEnds([0.0, 0.2], 0.0), "bit_bottom": LineEnds([0.1, 0.2], [5.0, 0.0])}
    crossbar = Crossbar([[1e-3, 2e-3], [3e-3, 4e-3]], ends=ends)
    solution = xbarsim.solve(crossbar, [1.0, 1.0], method=method)
    np.testing.assert_allclose(solution.end_currents["bit_bottom"][0], -0.1 / 5, rtol=1e-14)
    ends["bit_bottom"] = LineEnds([0.1, 0.2], 0.0)
    with pytest.raises(SolveError, match=r"bit_top\[0\].*bit_bottom\[0\]"):
        xbarsim.solve(dataclasses.replace(crossbar, ends=ends), [1.0, 1.0], method=method)


def test_a_crossbar_is_frozen():
    """Data that change after validation, from inside or outside."""
    g = GOOD.copy()
    volts = np.zeros(8)
    crossbar = Crossbar(g, word_wire=1.0, ends={"bit_top": LineEnds(volts, 1.0)})
    g[0, 0] = -1
    volts[0] = np.nan
    assert crossbar.conductance[0, 0] == 1e-3
    assert crossbar.boundary["bit_top"].voltage[0] == 0
    for array in (
        crossbar.conductance,
        crossbar.word_wire,
        crossbar.driver,
        crossbar.ends["bit_top"].voltage,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 2.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        crossbar.conductance = GOOD


def test_replace_validates():
    crossbar = Crossbar(GOOD, word_wire=1.0, sense=3.0)
    other = dataclasses.replace(crossbar, bit_wire=2.0)
    assert (other.bit_wire == 2.0).all()
    assert (other.word_wire == 1.0).all()
    assert other != crossbar
    assert dataclasses.replace(other, bit_wire=0.0) == crossbar
    with pytest.raises(InputError, match="driver is -1"):
        dataclasses.replace(crossbar, driver=-1.0)


def test_boundary_defaults():
    """The four sides as the contract has them."""
    boundary = Crossbar(GOOD, driver=[1.0, 2.0, 3.0, np.inf], sense=5.0).boundary
    assert list(boundary) == ["word_left", "word_right", "bit_top", "bit_bottom"]
    np.testing.assert_array_equal(boundary["word_left"].resistance, [1.0, 2.0, 3.0, np.inf])
    np.testing.assert_array_equal(boundary["word_right"].resistance, [np.inf] * 4)
    np.testing.assert_array_equal(boundary["bit_top"].resistance, [np.inf] * 8)
    np.testing.assert_array_equal(boundary["bit_bottom"].resistance, [5.0] * 8)
    assert not any(tied.voltage.any() for tied in boundary.values())


def test_ends_in_place_of_driver_and_sense():
    """The two ways of saying the same circuit give the same circuit."""
    plain = Crossbar(GOOD, driver=[1.0, 2.0, 3.0, 4.0], sense=5.0)
    general = Crossbar(GOOD, ends={"word_left": LineEnds(0.0, [1.0, 2.0, 3.0, 4.0]), "bit_bottom": LineEnds(0.0, 5.0)})
    assert plain == general
    volts = [1.0, -0.5, 0.25, 2.0]
    np.testing.assert_array_equal(xbarsim.solve(plain, volts).currents, xbarsim.solve(general, volts).currents)
