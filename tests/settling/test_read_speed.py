"""Typical and worst inputs in one call against settling of each, and reads a second against bits."""

import json

import numpy as np
import pytest

from xbarsim import Crossbar, LineEnds, Sinh, solve
from xbarsim.errors import InputError
from xbarsim.settling import elmore_delays, read_speed, settling
from xbarsim.settling.speed_report import SpeedReport

FARADS = {"word_capacitance": 2e-15, "bit_capacitance": 1e-15, "cell_capacitance": 1e-16}


def array(rows=6, cols=4, seed=2, **options):
    rng = np.random.default_rng(seed)
    settings = {"word_wire": 3.0, "bit_wire": 2.0, "driver": rng.uniform(50, 400, rows), "sense": 80.0} | options
    return Crossbar(10 ** rng.uniform(-5.0, -3.0, (rows, cols)), **settings)


def sample(rows=6, batch=7):
    return np.random.default_rng(4).uniform(0.0, 0.4, (batch, rows))


def test_one_call_is_settling_of_the_sample_and_of_each_outputs_slowest_row():
    crossbar, volts = array(), sample()
    speed = read_speed(crossbar, volts, **FARADS)
    times = settling(crossbar, volts, **FARADS).time(bits=7)
    np.testing.assert_allclose(speed.typical_times(7), np.median(times, axis=0), rtol=1e-12)
    delays = elmore_delays(crossbar, **FARADS)
    np.testing.assert_array_equal(speed.worst_rows, delays.argmax(axis=0))
    for j, row in enumerate(speed.worst_rows):
        alone = settling(crossbar, np.eye(6)[row], **FARADS)
        assert alone.elmore[j] == pytest.approx(delays[row, j], rel=1e-9, abs=0.0)
        assert speed.worst_times(7)[j] == pytest.approx(alone.time(bits=7)[j], rel=1e-9, abs=0.0)
    assert (speed.typical.elmore <= delays.max(axis=0) * (1 + 1e-12)).all()


def test_one_vector_is_a_sample_of_one():
    crossbar, volts = array(), sample()[0]
    speed = read_speed(crossbar, volts, **FARADS)
    np.testing.assert_array_equal(speed.typical_times(5), settling(crossbar, volts, **FARADS).time(bits=5))


def test_bandwidth_is_of_the_slowest_output_and_falls_with_bits():
    speed = read_speed(array(), sample(), **FARADS)
    curve = speed.bandwidth([2, 4, 6, 8, 10.5])
    assert curve.typical[2] == pytest.approx(1.0 / speed.typical_times(6).max())
    assert curve.worst[4] == pytest.approx(1.0 / speed.worst_times(10.5).max())
    assert (np.diff(curve.typical) < 0.0).all()
    assert (np.diff(curve.worst) < 0.0).all()
    single = speed.bandwidth(8, poles=1)
    assert single.bits.shape == (1,)
    assert single.typical[0] != curve.typical[3]


def test_outputs_that_nothing_reaches_have_no_times():
    g = np.array(array().conductance)
    g[:, 1] = 0.0
    crossbar = array().with_cells(g)
    speed = read_speed(crossbar, sample(), **FARADS)
    assert speed.worst_rows[1] == -1
    assert np.isnan(speed.typical_times(6)[1])
    assert np.isnan(speed.worst_times(6)[1])
    assert np.isfinite(speed.bandwidth(6).worst).all()
    closed = read_speed(array().with_cells(np.zeros((6, 4))), sample(), **FARADS)
    assert np.isnan(closed.bandwidth(6).typical).all()
    assert np.isnan(closed.bandwidth(6).worst).all()
    report = SpeedReport(closed, (6, 4), ("a", "b", "c", "d"), (4.0, 6.0), 3)
    assert json.loads(report.as_json())["worst_row"] == [None] * 4
    assert report.as_table().count("-") >= 16


def test_rows_behind_sources_without_resistance_are_not_the_slowest():
    g = np.array(array().conductance)
    g[2, 0] = 0.0
    # Both ends hold their lines, so that row 2 reaches output 0 by no way at all.
    crossbar = array(driver=0.0, sense=0.0).with_cells(g)
    delays = elmore_delays(crossbar, **FARADS)
    assert np.argwhere(np.isnan(delays)).tolist() == [[2, 0]]
    assert read_speed(crossbar, sample(), **FARADS).worst_rows[0] != 2
    alone = settling(crossbar, np.eye(6)[2], **FARADS)
    assert alone.currents[0] == 0.0
    assert np.isnan(alone.time(bits=6)[0])
    assert np.isfinite(alone.time(bits=6)[1:]).all()


def test_outputs_without_capacitance_are_there_at_once():
    speed = read_speed(array(), sample(), word_capacitance=0.0)
    assert np.isinf(speed.bandwidth(6).typical).all()


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: read_speed(array(device=Sinh(v0=0.2)), sample(), **FARADS), "are not linear, and the rows' delays"),
        (lambda: read_speed(array(), sample(5), **FARADS), r"voltages has shape \(7, 5\)"),
        (lambda: read_speed(array(), sample(), word_capacitance=-1.0), "word_capacitance"),
        (lambda: read_speed(3, sample()), "crossbar is int"),
        (lambda: read_speed(array(), sample(), **FARADS).bandwidth([4, 0]), "bits is .*: give numbers above 0"),
        (lambda: read_speed(array(), sample(), **FARADS).bandwidth([[4.0]]), "bits is .*: give numbers above 0"),
        (lambda: read_speed(array(), sample(), **FARADS).bandwidth(4, poles=4), "most is 4"),
    ],
)
def test_what_is_wrong_is_said(work, message):
    with pytest.raises(InputError, match=message):
        work()


def test_fixed_ends_do_not_matter():
    """They bring a current that flows all the time: the way there is that of the same ends at 0 V."""
    held, still = (array(ends={"word_right": LineEnds(volts, 300.0)}) for volts in (np.linspace(-0.3, 0.2, 6), 0.0))
    first, second = (read_speed(crossbar, sample(), **FARADS) for crossbar in (held, still))
    np.testing.assert_array_equal(first.typical_times(6), second.typical_times(6))
    np.testing.assert_array_equal(first.worst_times(6), second.worst_times(6))
    assert (first.typical_times(6) > 0.0).all()
    np.testing.assert_allclose(first.typical.currents, solve(held, sample()).currents, rtol=1e-12)
    assert np.abs(first.typical.currents / second.typical.currents - 1.0).min() > 1e-3
