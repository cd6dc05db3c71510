"""Copies and pickles of what is frozen stay frozen; numbers of any type are taken, and masked ones refused."""

import copy
import pickle

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds, Selector, Sinh, Table, Transistor, effective_conductance, nonideal, solve
from xbarsim.errors import InputError

rng = np.random.default_rng(0)
TABLE = Table([0.1, 0.3, 0.6], [1e-5, 5e-5, 2e-4], extend="odd")
COPIES = {
    "pickle": lambda one: pickle.loads(pickle.dumps(one)),
    "oldest pickle": lambda one: pickle.loads(pickle.dumps(one, protocol=0)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def crossbar():
    return Crossbar(
        10 ** rng.uniform(-6, -3, (3, 4)), word_wire=rng.uniform(0, 3, (3, 3)), bit_wire=2.0, driver=[1.0, 2.0, 3.0],
        ends={"bit_top": LineEnds([0.1, 0.2, 0.3, 0.4], 5.0)}, device=Sinh(rng.uniform(0.1, 0.3, (3, 4))),
    )  # fmt: skip


def arrays(value, path="", seen=None):
    """Every array in an object's attributes, with its path."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from arrays(inner, f"{path}[{key!r}]")
    elif hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        yield from arrays(vars(value), path)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize(
    "make",
    [
        crossbar,
        lambda: LineEnds([0.1, 0.2], 3.0),
        lambda: Sinh([[0.1, 0.2]]),
        lambda: Selector(1e-9, 0.03),
        lambda: Transistor([1.5, 1.4]),
        lambda: TABLE,
        lambda: nonideal.make_maps(nonideal.Nonidealities(faults=nonideal.Faults(rate=0.2)), (4, 5), 3),
    ],
)
def test_copies_are_equal_and_read_only(how, make):
    one = make()
    if isinstance(one, Crossbar):
        assert one.boundary  # kept once asked for, and copied with the rest
    other = COPIES[how](one)
    assert other == one
    found = list(arrays(other))
    assert found
    for path, array in found:
        assert not array.flags.writeable, path
        with pytest.raises(ValueError, match="read-only"):
            array[...] = -1.0


def test_a_copy_solves_as_the_original():
    one = crossbar()
    other = pickle.loads(pickle.dumps(one))
    volts = [0.1, 0.2, 0.3]
    assert np.array_equal(solve(one, volts).currents, solve(other, volts).currents)


def test_attributes_of_a_copy_cannot_be_set():
    with pytest.raises(AttributeError):
        copy.deepcopy(crossbar()).conductance = np.full((3, 4), -1.0)


MASKED = np.ma.masked_array(np.full((2, 3), 1e-3), mask=[[False, False, False], [False, True, False]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Crossbar(MASKED), r"conductance\[1, 1\] is masked: .*conductance\.filled\(0\.0\)"),
        (lambda: Crossbar(np.ones((3, 3)), word_wire=np.ma.masked_greater([[1.0, 9.0]] * 3, 5)), r"word_wire\[0, 1\]"),
        (lambda: solve(Crossbar([[1e-3]]), np.ma.masked_array([0.1], mask=[True])), r"voltages\[0\] is masked"),
        (lambda: LineEnds(np.ma.masked), "voltage is masked"),
        (lambda: Sinh(np.ma.masked_array([[0.1]], mask=True)), r"v0\[0, 0\] is masked"),
    ],
)
def test_masked_entries_are_no_numbers(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_a_masked_array_without_masked_entries_is_an_array():
    plain = np.ma.masked_array([[1e-3, 2e-3]], mask=False)
    assert np.array_equal(Crossbar(plain).conductance, plain.data)


@pytest.mark.parametrize("threads", [1, np.int64(2), np.int8(1), np.uint16(2)])
def test_threads_of_any_whole_type(threads):
    assert np.isfinite(effective_conductance(Crossbar([[1e-3, 2e-3]]), threads=threads)).all()


@pytest.mark.parametrize("threads", [0, -1, 1.0, True, np.True_, "2", np.float64(2), np.int64(0)])
def test_threads_that_are_none(threads):
    with pytest.raises(InputError, match="positive integer"):
        solve(Crossbar([[1e-3]]), [0.1], threads=threads)


@pytest.mark.parametrize("tolerance", [1e-9, np.float32(1e-6), np.float64(1e-6), np.int64(1)])
def test_tolerances_of_any_real_type(tolerance):
    assert solve(Crossbar([[1e-3]]), [0.1], tolerance=tolerance).currents[0] == pytest.approx(1e-4)
