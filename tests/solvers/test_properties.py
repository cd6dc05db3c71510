"""What holds for every linear resistor network, on arrays too large to work out by hand."""

import dataclasses

import numpy as np
import pytest
from drawn_crossbars import sample_crossbar, sample_voltages, source_voltages
from problems import ALONE, OPEN, SIDES, solve_by

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.errors import InputError

FAST = ("schur", "kron", ALONE)
SHAPES = [(1, 1), (1, 9), (11, 1), (7, 12), (23, 10), (33, 31)]

# Wires and ends of ohms next to cells of kiloohms: currents are right to some roundings of the largest one.
RELATIVE = 1e-12


def largest(solution):
    return max(np.abs(solution.end_currents[side]).max() for side in SIDES)


def close(computed, known, scale):
    np.testing.assert_allclose(computed, known, rtol=0, atol=RELATIVE * scale)


@pytest.mark.parametrize("method", FAST)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("four_sides", [False, True])
def test_against_the_reference(shape, method, four_sides):
    """Any difference at all on an ordinary array, in any field."""
    rows, cols = shape
    crossbar = sample_crossbar(rows * cols, rows, cols, four_sides=four_sides)
    volts = sample_voltages(1, rows)
    ours = solve_by(method, crossbar, volts)
    exact = xbarsim.solve(crossbar, volts, method="reference")
    for side in SIDES:
        close(ours.end_currents[side], exact.end_currents[side], largest(exact))
    close(ours.word_voltages, exact.word_voltages, 1.0)
    close(ours.bit_voltages, exact.bit_voltages, 1.0)
    close(ours.device_currents, exact.device_currents, crossbar.conductance.max())


@pytest.mark.parametrize("method", FAST)
def test_superposition(method):
    """A term that is not linear in the inputs, such as an end source that is counted twice."""
    crossbar = sample_crossbar(2, 9, 6, four_sides=True)
    bare = dataclasses.replace(
        crossbar, ends={side: LineEnds(0.0, tied.resistance) for side, tied in crossbar.ends.items()}
    )
    a, b = sample_voltages(3, 2, 9)
    with_ends = solve_by(method, crossbar, a + 2 * b)
    parts = [solve_by(method, crossbar, a), solve_by(method, bare, 2 * b)]
    scale = sum(largest(part) for part in parts)
    for side in SIDES:
        close(with_ends.end_currents[side], sum(part.end_currents[side] for part in parts), scale)
    close(with_ends.word_voltages, sum(part.word_voltages for part in parts), 4.0)
    close(with_ends.bit_voltages, sum(part.bit_voltages for part in parts), 4.0)


@pytest.mark.parametrize("method", FAST)
def test_reciprocity(method):
    """1 V at end p gives the current at end q that 1 V at q gives at p: a matrix that lost its symmetry."""
    crossbar = sample_crossbar(4, 5, 8, four_sides=True)
    ports = [("word_left", 3), ("word_right", 1), ("bit_top", 6), ("bit_bottom", 2)]

    def currents(driven, line):
        boundary = crossbar.boundary
        volts = {side: np.zeros(len(boundary[side].voltage)) for side in SIDES}
        volts[driven][line] = 1.0
        ends = {side: LineEnds(volts[side], boundary[side].resistance) for side in SIDES[1:]}
        solution = solve_by(method, dataclasses.replace(crossbar, ends=ends), volts["word_left"])
        return [solution.end_currents[side][k] for side, k in ports]

    table = np.array([currents(side, line) for side, line in ports])
    close(table, table.T, np.abs(table).max())
    off_diagonal = table[~np.eye(len(ports), dtype=bool)]
    assert (off_diagonal > 0).all()
    assert len({f"{value:.9e}" for value in off_diagonal}) == 6


@pytest.mark.parametrize("method", FAST)
def test_kirchhoff_current_law(method):
    """Current that appears or vanishes along a line, or in the array as a whole."""
    crossbar = sample_crossbar(5, 14, 9, four_sides=True)
    solution = solve_by(method, crossbar, sample_voltages(6, 14))
    ends, devices = solution.end_currents, solution.device_currents
    scale = largest(solution)
    close(devices.sum(axis=1), -(ends["word_left"] + ends["word_right"]), scale)
    close(devices.sum(axis=0), ends["bit_top"] + ends["bit_bottom"], scale)
    close(sum(ends[side].sum() for side in SIDES), 0.0, scale)


def ohmic_losses(crossbar, solution):
    """Watts in devices, wires and ends, with wire currents as running sums along each line."""
    ends, devices = solution.end_currents, solution.device_currents
    along_word = -ends["word_left"][:, None] - np.cumsum(devices, axis=1)[:, :-1]
    down_bit = -ends["bit_top"] + np.cumsum(devices, axis=0)[:-1]
    return (
        (devices * (solution.word_voltages - solution.bit_voltages)).sum()
        + (along_word**2 * crossbar.word_wire).sum()
        + (down_bit**2 * crossbar.bit_wire).sum()
        + sum((ends[side] ** 2 * tied.resistance).sum() for side, tied in crossbar.boundary.items())
    )


@pytest.mark.parametrize("method", FAST)
def test_energy(method):
    """A power that leaves out wires, ends or a side. All three ways of counting it must agree."""
    crossbar = sample_crossbar(7, 6, 13, four_sides=True)
    volts = sample_voltages(8, 6)
    solution = solve_by(method, crossbar, volts)
    held = source_voltages(crossbar, volts)
    terms = np.concatenate([-held[side] * solution.end_currents[side] for side in SIDES])
    close(solution.power, terms.sum(), np.abs(terms).sum())
    close(solution.power, ohmic_losses(crossbar, solution), np.abs(terms).sum())
    assert solution.power > 0


@pytest.mark.parametrize("method", FAST)
def test_no_wire_limit(method):
    """Exact at 0 ohm, and first order in the ohms from there: halving them halves what is lost."""
    crossbar = sample_crossbar(9, 8, 5)
    g, volts = crossbar.conductance, np.abs(sample_voltages(10, 8))
    ideal = solve_by(method, Crossbar(g), volts)
    np.testing.assert_allclose(ideal.currents, volts @ g, rtol=16 * np.finfo(float).eps)
    losses = []
    for ohms in (2e-2, 1e-2, 5e-3):
        wired = Crossbar(g, word_wire=ohms, bit_wire=2 * ohms, driver=3 * ohms, sense=ohms / 2)
        losses.append(volts @ g - solve_by(method, wired, volts).currents)
    assert (np.array(losses) > 0).all()
    # The second-order term is (ohms * siemens of a line) = 5e-4 of the first, here and in the ratio.
    np.testing.assert_allclose(losses[0] / losses[1], 2.0, atol=4e-3)
    np.testing.assert_allclose(losses[1] / losses[2], 2.0, atol=2e-3)


def transposed(crossbar, volts):
    """The same circuit on its side: word_left is bit_top, word_right is bit_bottom, and back."""
    side = {name: LineEnds(tied.voltage, tied.resistance) for name, tied in crossbar.boundary.items()}
    turned = Crossbar(
        crossbar.conductance.T,
        word_wire=crossbar.bit_wire.T,
        bit_wire=crossbar.word_wire.T,
        driver=side["bit_top"].resistance,
        ends={
            "word_right": side["bit_bottom"],
            "bit_top": LineEnds(volts, side["word_left"].resistance),
            "bit_bottom": side["word_right"],
        },
    )
    return turned, side["bit_top"].voltage


@pytest.mark.parametrize("method", FAST)
@pytest.mark.parametrize("shape", [(4, 9), (12, 5)])
def test_transposition(shape, method):
    """Rows and columns that are not treated alike. Device currents, from word to bit line, change sign."""
    crossbar = sample_crossbar(11, *shape, four_sides=True)
    volts = sample_voltages(12, shape[0])
    turned, turned_volts = transposed(crossbar, volts)
    a, b = (solve_by(method, *circuit) for circuit in ((crossbar, volts), (turned, turned_volts)))
    for side, other in zip(SIDES, ("bit_top", "bit_bottom", "word_left", "word_right"), strict=True):
        close(b.end_currents[other], a.end_currents[side], largest(a))
    close(b.word_voltages, a.bit_voltages.T, 1.0)
    close(b.bit_voltages, a.word_voltages.T, 1.0)
    close(b.device_currents, -a.device_currents.T, crossbar.conductance.max())


@pytest.mark.parametrize("method", FAST)
def test_reversal(method):
    """Columns in reverse order, with left and right exchanged: a sweep that runs the wrong way."""
    crossbar = sample_crossbar(13, 5, 7, four_sides=True)
    volts = sample_voltages(14, 5)
    side = crossbar.boundary
    mirrored = Crossbar(
        crossbar.conductance[:, ::-1],
        word_wire=crossbar.word_wire[:, ::-1],
        bit_wire=crossbar.bit_wire[:, ::-1],
        driver=side["word_right"].resistance,
        ends={
            "word_right": LineEnds(volts, side["word_left"].resistance),
            "bit_top": LineEnds(side["bit_top"].voltage[::-1], side["bit_top"].resistance[::-1]),
            "bit_bottom": LineEnds(side["bit_bottom"].voltage[::-1], side["bit_bottom"].resistance[::-1]),
        },
    )
    a = solve_by(method, crossbar, volts)
    b = solve_by(method, mirrored, side["word_right"].voltage)
    close(b.end_currents["word_right"], a.end_currents["word_left"], largest(a))
    close(b.end_currents["word_left"], a.end_currents["word_right"], largest(a))
    close(b.currents[::-1], a.currents, largest(a))
    close(b.word_voltages[:, ::-1], a.word_voltages, 1.0)


@pytest.mark.parametrize("method", FAST)
def test_scaling(method):
    """A constant in siemens, ohms or volts that is hidden in a method, such as a floor or a short."""
    crossbar = sample_crossbar(15, 10, 6)
    volts = sample_voltages(16, 10)
    base = solve_by(method, crossbar, volts)
    for siemens, factor in ((2.0**-20, 2.0**7), (2.0**17, 2.0**-30)):
        scaled = Crossbar(
            crossbar.conductance * siemens,
            word_wire=crossbar.word_wire / siemens,
            bit_wire=crossbar.bit_wire / siemens,
            driver=crossbar.driver / siemens,
            sense=crossbar.sense / siemens,
        )
        other = solve_by(method, scaled, volts * factor)
        close(other.currents / (siemens * factor), base.currents, largest(base))
        close(other.word_voltages / factor, base.word_voltages, 1.0)


@pytest.mark.parametrize("method", FAST)
def test_where_the_cells_are(method):
    """One 1 kohm cell among open ones: its current falls with the wires that it sees, and only there.

    From [i, j] the current passes j word-line segments of 2 ohm and rows - 1 - i bit-line segments of 30 ohm.
    """
    rows, cols = 4, 6
    for i, j in ((0, 5), (3, 0), (1, 2)):
        g = np.zeros((rows, cols))
        g[i, j] = 1e-3
        crossbar = Crossbar(g, word_wire=2.0, bit_wire=30.0, driver=5.0, sense=7.0)
        solution = solve_by(method, crossbar, [1.0, 2.0, 3.0, 4.0])
        known = np.zeros(cols)
        known[j] = (i + 1.0) / (1000 + 2 * j + 30 * (rows - 1 - i) + 5 + 7)
        close(solution.currents, known, known.max())


@pytest.mark.parametrize("method", FAST)
def test_a_split_line_is_two_lines(method):
    """A broken bit line read at both ends equals two arrays, one above the other."""
    upper, lower = sample_crossbar(17, 3, 5), sample_crossbar(18, 6, 5)
    volts = sample_voltages(19, 9)
    stacked = Crossbar(
        np.vstack([upper.conductance, lower.conductance]),
        word_wire=np.vstack([upper.word_wire, lower.word_wire]),
        bit_wire=np.vstack([upper.bit_wire, np.full((1, 5), OPEN), lower.bit_wire]),
        driver=np.concatenate([upper.driver, lower.driver]),
        sense=lower.sense,
        ends={"bit_top": LineEnds(0.0, upper.sense)},
    )
    both = solve_by(method, stacked, volts)
    # The upper array is read at its top here: as it stands, but for its rows' order.
    flipped = Crossbar(
        upper.conductance[::-1],
        word_wire=upper.word_wire[::-1],
        bit_wire=upper.bit_wire[::-1],
        driver=upper.driver[::-1],
        sense=upper.sense,
    )
    top = solve_by(method, flipped, volts[:3][::-1]).currents
    bottom = solve_by(method, lower, volts[3:]).currents
    close(both.end_currents["bit_top"], top, np.abs(top).max())
    close(both.currents, bottom, np.abs(bottom).max())


def test_with_cells_is_the_same_circuit_around_other_cells():
    """Wires and ends are those of the first; it keeps its cells, and neither can be changed through the other."""
    rng = np.random.default_rng(4)
    first = Crossbar(
        rng.uniform(1e-6, 1e-3, (3, 5)), word_wire=rng.uniform(1, 2, (3, 4)), bit_wire=0.5, sense=[1, 2, 3, 4, 5],
        ends={"word_right": LineEnds(0.1, 7.0)},
    )  # fmt: skip
    cells = rng.uniform(1e-6, 1e-3, (5, 3)).T
    whole = Crossbar(cells, word_wire=first.word_wire, bit_wire=first.bit_wire, sense=first.sense, ends=first.ends)
    for other in (first.with_cells(cells), first.with_cells(cells.tolist())):
        assert other == whole != first
        assert other.boundary == whole.boundary
        assert other.conductance.flags.c_contiguous
        assert not other.conductance.flags.writeable
        assert other.conductance is not cells
    with pytest.raises(InputError, match=r"conductance\[1, 2\] is -1"):
        first.with_cells(np.where(np.eye(3, 5, 1) * [[0], [1], [0]] > 0, -1.0, first.conductance))
    with pytest.raises(InputError, match="word_wire has shape"):
        first.with_cells(np.ones((3, 4)))
