"""What voltages leave of Kirchhoff's laws, against the equations in 50 digits, line by line."""

import numpy as np
import pytest
from mpmath import inf, mp, mpf, sqrt

from xbarsim.kernels import defects
from xbarsim.solvers.refinement import Balance, CellTangents, VoltagePairs

SHAPES = [(1, 1), (3, 5), (8, 8), (9, 7), (5, 26), (37, 19), (18, 33)]
KINDS = ("wires", "some broken", "some of 0 ohm", "open ends", "ideal ends")


def series(side, r):
    """Siemens of ``side`` behind r ohms; an ideal source's are inf."""
    if r == inf:
        return mpf(0)
    if side == inf:
        return 1 / r if r > 0 else inf
    return side / (1 + r * side)


def norton(g, r, taken, start, volts):
    """Current out at the last end: what all nodes' Norton currents leave there, seen from the source at ``volts``."""
    if r[-1] == inf:
        return mpf(0)
    side = series(inf, max(r[0], mpf(defects.TINY)))
    current = (start - volts) * side
    for j, siemens in enumerate(g):
        current += taken(j)
        side += siemens
        ohms = r[j + 1] if j + 1 < len(g) else max(r[j + 1], mpf(defects.TINY))
        through = series(side, ohms)
        current *= 0 if ohms == inf else 1 if side == 0 else through / side
        side = through
    return current


def line(cells, g, slope, r, x, across, leak, first, last, per_volt):
    """One line's end currents, sources and bound, near end first."""
    n = len(g)
    out_last = norton(g, r, lambda j: g[j] * (across[j] - last) - leak[j], first, last)
    out_first = norton(
        g[::-1], r[::-1], lambda j: g[n - 1 - j] * (across[n - 1 - j] - first) - leak[n - 1 - j], last, first
    )  # fmt: skip
    flow, leaving = [out_last], []
    for j in reversed(range(n)):
        total = flow[0] + cells[j]
        leaving.insert(0, total if r[j] == inf else mpf(0))
        flow.insert(0, mpf(0) if r[j] == inf else total)
    nearer, farther = [mpf(defects.TINY) ** -1 if r[0] == 0 else series(inf, r[0])], [series(inf, r[n])]
    for j in range(n):
        nearer.append(series(nearer[-1] + slope[j], r[j + 1]))
        farther.insert(0, series(farther[0] + slope[n - 1 - j], r[n - 1 - j]))
    nodes = [first, *x, last]
    squares, total, shift = ((out_first + flow[0]) * per_volt) ** 2, mpf(0), []
    for j in range(n + 1):
        gap = mpf(0) if r[j] == inf else nodes[j] - nodes[j + 1] - r[j] * flow[j]
        total = mpf(0) if r[j] == inf else total + gap
        if gap != 0:
            squares += (gap * per_volt * min(nearer[j], farther[j])) ** 2
        shift.append(total)
    return out_first, out_last, leaving, shift[:-1], -shift[-1], squares


def segments(rng, lines, nodes, kind):
    r = 10 ** rng.uniform(-2, 2, (lines, nodes + 1))
    inner, ends = r[:, 1:-1], r[:, [0, -1]]
    if kind == "some broken":
        inner[rng.random(inner.shape) < 0.2] = np.inf
    elif kind == "some of 0 ohm":
        inner[rng.random(inner.shape) < 0.3] = 0.0
    elif kind == "open ends":
        ends[rng.random(ends.shape) < 0.5] = np.inf
    elif kind == "ideal ends":
        ends[rng.random(ends.shape) < 0.5] = 0.0
    r[:, [0, -1]] = ends
    return r


def numbers(rng, shape):
    """Cells, pairs of voltages and sources with nothing alike in them."""
    g, slope = 10 ** rng.uniform(-6, -3, (2, *shape))
    g[rng.random(shape) < 0.1] = 0.0
    x, across = rng.uniform(-1, 1, (2, *shape))
    low, low_across = rng.uniform(-1, 1, (2, *shape)) * 1e-17
    leak = rng.uniform(-1, 1, shape) * 1e-6
    return g, slope, x, low, across, low_across, leak


def close(values, exact, tolerance, scale=None):
    exact = np.array([[float(number) for number in row] for row in exact])
    scale = np.abs(exact).max() if scale is None else scale
    np.testing.assert_allclose(values, exact, rtol=0, atol=tolerance * max(scale, 1e-300))


@pytest.mark.parametrize("bits", [False, True], ids=["word lines", "bit lines"])
@pytest.mark.parametrize("ohmic", [True, False], ids=["ohmic", "any law"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_equations_of_each_line(shape, kind, ohmic, bits):
    """Lines from the wrong end, a neighbour's number where lines do not fill a vector, an end or a break left out."""
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    turned = (lambda array: array[::-1].T) if bits else (lambda array: array)
    g, slope, x, low, across, low_across, leak = numbers(rng, shape)
    cells = rng.uniform(-1e-3, 1e-3, shape)
    lines, nodes = turned(g).shape
    r = segments(rng, lines, nodes, kind)
    laid = np.ascontiguousarray(r.T[::-1] if bits else r)
    first, last = rng.uniform(-1, 1, (2, lines))
    out_first, out_last, far = np.full((3, lines), np.nan)
    leaving, shift = np.zeros(shape), np.full(shape, np.nan)
    amperes, squares, broken = defects.line_gaps(
        bits, ohmic, cells, g, slope, laid, x, low, across, low_across, leak, first, last, out_first, out_last,
        leaving, shift, far, 0.7,
    )  # fmt: skip
    assert broken == bool(np.isinf(r[:, :-1]).any())
    with mp.workdps(50):
        precise = np.vectorize(mpf, otypes=[object])
        volts, pairs = precise(x) + precise(low), precise(across) + precise(low_across)
        if ohmic:
            slope, leak, currents = g, np.zeros(shape), precise(g) * (volts - pairs)
        else:
            currents = precise(cells)
        layers = (turned(layer) for layer in (currents, precise(g), precise(slope)))
        rest = (turned(layer) for layer in (volts, pairs, precise(leak)))
        exact = [
            line(taken, siemens, steep, precise(ohms), at, other, lost, mpf(near), mpf(far_source), mpf(0.7))
            for taken, siemens, steep, ohms, at, other, lost, near, far_source in zip(
                *layers, r, *rest, first, last, strict=True
            )
        ]
        outs_first, outs_last, leavings, shifts, fars, driven = zip(*exact, strict=True)
        missing = sum(abs(current) for row in leavings for current in row)
    # A line's numbers are sums of so many terms of either sign.
    tolerance = 1e-15 * (nodes + 4)
    flows = float(max(abs(r[np.isfinite(r)]).max() * np.abs(g).max() * 2 * nodes, 1.0))
    close([out_first], [outs_first], tolerance)
    close([out_last], [outs_last], tolerance)
    close(turned(leaving), leavings, tolerance, max(np.abs(leaving).max(), 1e-3))
    close(turned(shift), shifts, tolerance, flows)
    close([far], [fars], tolerance, flows)
    assert amperes == pytest.approx(float(missing), rel=1e-12)
    assert np.sqrt(squares) == pytest.approx(float(sqrt(sum(driven))), rel=1e-11)


@pytest.mark.parametrize("side", ["word", "bit", "neither"])
@pytest.mark.parametrize("shape", [(5, 3), (9, 26)])
def test_sources_in_place_of_the_gaps(shape, side):
    """Where one layer alone is broken, what memory held before must not count as the other's currents."""
    rng = np.random.default_rng(4)
    rows, cols = shape
    g, slope, x, low, across, low_across, _ = numbers(rng, shape)
    word, bit = segments(rng, rows, cols, "wires"), segments(rng, cols, rows, "wires").T.copy()
    if side != "neither":
        {"word": word, "bit": bit}[side][2, 1] = np.inf
    volts = [rng.uniform(-1, 1, count) for count in (rows, rows, cols, cols)]
    law = CellTangents(g, g * (x - across), g, slope, g)
    balance = Balance(word, bit, volts, law, VoltagePairs(x, low, across, low_across))
    common = slope * balance.dv - g * balance.du
    leaving, entering = common.copy(), common.copy()
    if (
        side == "word"
    ):  # node [2, 1] is cut off from its near end: what flows out there is what it and those beyond take
        flow = balance.out[1][2] + (g * ((x - across) + (low - low_across)))[2, 1:].sum()
        leaving[2, 1] += flow
    elif side == "bit":
        flow = balance.out[2][1] - (g * ((x - across) + (low - low_across)))[:2, 1].sum()
        entering[1, 1] -= flow
    scale = np.abs(common).max()
    np.testing.assert_allclose(balance.leaving, leaving, rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(balance.entering, entering, rtol=0, atol=1e-13 * scale)


def test_exchange_adds_and_remembers():
    """A step that cannot be taken back to the last digit of both doubles."""
    rng = np.random.default_rng(5)
    shape = (7, 11)
    x, low = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape) * 1e-17
    more, shift = rng.uniform(-1, 1, (2, *shape)) * 1e-9
    before = x.copy(), low.copy()
    steps = more + shift
    with mp.workdps(50):
        numbers_of = zip(x.flat, low.flat, steps.flat, strict=True)
        exact = [mpf(volts) + mpf(rest) + mpf(step) for volts, rest, step in numbers_of]
        defects.exchange(x, low, more, shift)
        for volts, rest, step, total in zip(x.flat, low.flat, steps.flat, exact, strict=True):
            # What is below the last digit is added to the step first, to a double's digits of that.
            assert abs(mpf(volts) + mpf(rest) - total) < 2.3e-16 * abs(step)
    np.testing.assert_array_equal(more, before[0])
    np.testing.assert_array_equal(shift, before[1])
