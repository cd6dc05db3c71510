"""A measured curve beyond its points: told of, refused, or mirrored; never continued without a word."""

import re
import warnings

import numpy as np
import pytest
from cli_tools import assert_refused, call

from xbarsim import Crossbar, Sinh, Table, schemes, solve
from xbarsim.errors import ExtrapolationError, ExtrapolationWarning, InputError
from xbarsim.margin import Technology, margin, sweep

VOLTS = np.array([-0.3, -0.1, 0.2, 0.5])
AMPERES = np.array([-4e-5, -1e-5, 1.5e-5, 6e-5])


def array(device, g=2e-4):
    return Crossbar(np.full((2, 3), g), driver=10.0, sense=5.0, device=device)


def test_within_the_points_nothing_is_said():
    for extend in ("line", "error"):
        assert solve(array(Table(VOLTS, AMPERES, extend=extend)), [0.49, -0.2]).residual < 1e-12


@pytest.mark.parametrize(("volts", "cell", "seen"), [([2.0, 0.1], 0, "1.9"), ([0.1, -0.9], 1, "-0.8")])
def test_a_warning_names_the_range_and_the_farthest_cell(volts, cell, seen):
    with pytest.warns(ExtrapolationWarning, match=r"from -0\.3 V to 0\.5 V") as caught:
        solution = solve(array(Table(VOLTS, AMPERES)), volts)
    text = str(caught[0].message)
    across = solution.word_voltages - solution.bit_voltages
    worst = across.flat[np.argmax(np.maximum(across - 0.5, -0.3 - across))]
    assert f"cell [{cell}, " in text
    assert f"{worst:.4g} V" in text
    assert seen in text
    assert caught[0].filename == __file__


def test_an_error_names_cell_and_voltage_and_gives_no_number():
    device = Table(VOLTS, AMPERES, extend="error")
    with pytest.raises(ExtrapolationError, match=r'^cell \[1, \d\] is at 0\.\d+ V .* to 0\.5 V.*extend="line"'):
        solve(array(device), [0.2, 0.8])
    assert issubclass(ExtrapolationError, InputError)


def test_a_batch_warns_once_of_its_worst_vector():
    batch = np.array([[0.1, 0.1], [0.7, 0.1], [0.1, 1.5], [0.2, 0.2]])
    for threads in (1, 2):
        with pytest.warns(ExtrapolationWarning, match=r"cell \[1, .*vector 2") as caught:
            solve(array(Table(VOLTS, AMPERES)), batch, threads=threads)
        assert len(caught) == 1


def test_one_side_alone_does_not_reach_to_the_other():
    """Measured from 0 V up: a negative voltage is beyond, until the curve is mirrored."""
    half = ([0.1, 0.3, 0.6], [1e-5, 5e-5, 2e-4])
    with pytest.warns(ExtrapolationWarning, match="from 0 V to 0.6 V"):
        line = solve(array(Table(*half, 1e-4)), [-0.4, -0.4]).currents
    mirrored = solve(array(Table(*half, 1e-4, extend="odd")), [-0.4, -0.4]).currents
    np.testing.assert_allclose(mirrored, -solve(array(Table(*half, 1e-4)), [0.4, 0.4]).currents, rtol=1e-12)
    assert (np.abs(line) < np.abs(mirrored)).all()
    with pytest.warns(ExtrapolationWarning, match=r"from -0\.6 V to 0\.6 V"):
        solve(array(Table(*half, 1e-4, extend="odd")), [-1.0, 0.0])
    strict = Table(*half, 1e-4, odd=True, extend="error")
    assert strict.span == (-0.6, 0.6)
    with pytest.raises(ExtrapolationError):
        solve(array(strict), [-1.0, 0.0])


def test_open_cells_and_other_laws_have_no_range():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(array(Table(VOLTS, AMPERES), g=0.0), [5.0, -5.0])
        solve(array(Sinh(0.3)), [5.0, -5.0])


def test_the_last_point_itself_is_within():
    cell = Crossbar([[2e-4]], device=Table(VOLTS, AMPERES, extend="error"))
    for edge in (-0.3, 0.5):
        assert solve(cell, [edge]).currents[0] != 0.0
        with pytest.raises(ExtrapolationError):
            solve(cell, [edge * (1 + 1e-6)])


@pytest.mark.parametrize("extend", ["odd", "error", "line"])
def test_the_setting_is_the_devices_own(extend):
    one = Table([0.1, 0.3, 0.6], [1e-5, 5e-5, 2e-4], extend=extend)
    assert (one == Table([0.1, 0.3, 0.6], [1e-5, 5e-5, 2e-4])) == (extend == "line")
    assert (f"extend={extend!r}" in repr(one)) == (extend != "line")


def test_an_unknown_setting_is_named():
    with pytest.raises(InputError, match="extend is 'cubic': it must be one of line, error, odd"):
        Table(VOLTS, AMPERES, extend="cubic")


@pytest.mark.slow
def test_reads_margins_and_sweeps_warn_once():
    made = Technology(5e3, 1e5, Table(VOLTS, AMPERES))
    with pytest.warns(ExtrapolationWarning) as caught:
        schemes.read(made.crossbar(np.ones((3, 3), bool)), "half", (0, 2), 0.7)
    assert len(caught) == 1
    for work in (
        lambda: margin(made, 3, "third", read_voltage=0.7),
        lambda: sweep(made, [2, 3], ["third"], read_voltage=0.7),
    ):
        with pytest.warns(ExtrapolationWarning) as caught:
            work()
        assert len(caught) == 1
        assert re.search(r"V \(third, \d x \d\) and the curve", str(caught[0].message))


@pytest.mark.slow
def test_the_command_says_how_far_cells_went(capsys, tmp_path):
    path = tmp_path / "cell.csv"
    path.write_text("V,I\n0.1,1e-5\n0.3,5e-5\n0.5,2e-4\n")
    options = (
        "margin",
        "--device",
        "table",
        "--curve",
        path,
        "--sizes",
        "4",
        "--schemes",
        "third",
        "--read-voltage",
        "0.45",
    )
    done = call(capsys, *options)
    assert done.code == 0
    assert re.fullmatch(
        r"note: cell \[\d, \d\] is at -0\.1\d* V \(third, 4 x 4\) .*from 0 V to 0\.5 V.*--extend error refuses it\n",
        done.err,
    )
    assert_refused(
        call(capsys, *options, "--extend", "error"), 2, "(third, 4 x 4)", "from 0 V to 0.5 V", "--extend line"
    )
    mirrored = call(capsys, *options, "--extend", "odd")
    assert (mirrored.code, mirrored.err) == (0, "")
    assert mirrored.out != done.out
    assert_refused(call(capsys, "margin", "--extend", "odd"), 2, "--extend goes with --device table")
