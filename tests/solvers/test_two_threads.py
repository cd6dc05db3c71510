"""Two threads for one vector: bit lines in an upper and a lower part, with the same bits whoever takes them."""

import threading

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.devices import Sinh
from xbarsim.kernels import line_solver, meeting
from xbarsim.kernels.meeting import meet
from xbarsim.kernels.native import njit
from xbarsim.solvers import linear

SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")


def large(rng, rows=256, cols=264, **settings):
    """The smallest kind of array that is halved, without symmetries."""
    return Crossbar(
        10 ** rng.uniform(-6, -4, (rows, cols)),
        word_wire=rng.uniform(0.5, 2.0, (rows, cols - 1)),
        bit_wire=rng.uniform(0.5, 2.0, (rows - 1, cols)),
        driver=rng.uniform(1.0, 9.0, rows),
        **({} if "ends" in settings else {"sense": rng.uniform(0.0, 9.0, cols)}),
        **settings,
    )


def numbers(solution):
    return {
        **{side: solution.end_currents[side] for side in SIDES},
        "word": solution.word_voltages,
        "bit": solution.bit_voltages,
    }


def check_same_bits(first, second):
    for name, values in numbers(first).items():
        np.testing.assert_array_equal(values, numbers(second)[name], err_msg=name)


@pytest.fixture
def starts(monkeypatch):
    """The threads of kernels that were started."""
    begun = []

    class Counted(threading.Thread):
        def start(self):
            begun.append(self.name)
            super().start()

    monkeypatch.setattr(meeting, "Thread", Counted)
    return begun


@pytest.fixture
def halved(monkeypatch):
    """Arrays of 25 rows and more are in two parts."""
    monkeypatch.setattr(line_solver, "SPLIT_CELLS", 1)
    monkeypatch.setattr(linear, "_arrays", threading.local())


def test_no_bit_depends_on_threads(starts):
    """Sums in an order that who came first decides, or a part that begins before the other's currents are there."""
    rng = np.random.default_rng(1)
    ends = {"bit_top": LineEnds(rng.uniform(0, 0.2, 264), 3.0), "bit_bottom": LineEnds(rng.uniform(0, 0.1, 264), 2.0)}
    crossbar, volts = large(rng, ends=ends), rng.uniform(0, 1, 256)
    one = xbarsim.solve(crossbar, volts, method="schur", threads=1)
    assert not starts
    for threads in (2, 3, 2, 2):
        check_same_bits(one, xbarsim.solve(crossbar, volts, method="schur", threads=threads))
    assert starts, "nobody helped"


def test_vectors_have_a_thread_each_where_there_are_enough(starts):
    """Four threads for two vectors on a machine of two: a batch fills the threads by itself, to the same bits."""
    rng = np.random.default_rng(2)
    crossbar, volts = large(rng), rng.uniform(0, 1, (2, 256))
    both = xbarsim.solve(crossbar, volts, method="schur", threads=2)
    alone = [xbarsim.solve(crossbar, line, method="schur", threads=2) for line in volts]
    for k, single in enumerate(alone):
        for side in SIDES:
            np.testing.assert_array_equal(both.end_currents[side][k], single.end_currents[side])


def test_newton_has_the_same_bits(starts):
    """Cells with currents of their own, whose passes are others."""
    rng = np.random.default_rng(3)
    crossbar, volts = large(rng, device=Sinh(0.3)), rng.uniform(0, 1, 256)
    one, two = (xbarsim.solve(crossbar, volts, threads=threads) for threads in (1, 2))
    assert starts
    check_same_bits(one, two)


def test_refinement_has_the_same_bits(starts):
    """Word and bit lines are held against Kirchhoff's laws side by side: what one adds up must not reach the other."""
    rng = np.random.default_rng(5)
    crossbar = Crossbar(
        rng.uniform(1e-4, 1e-3, (256, 264)), word_wire=2.0, bit_wire=1.0, driver=10 ** rng.uniform(8, 10, 256),
        sense=10 ** rng.uniform(8, 10, 264),
    )  # fmt: skip
    volts = rng.uniform(0, 1, 256)
    one = xbarsim.solve(crossbar, volts, method="schur", threads=1)
    assert one._across is not None, "nothing was refined"
    assert not starts
    two = xbarsim.solve(crossbar, volts, method="schur", threads=2)
    assert starts
    check_same_bits(one, two)
    np.testing.assert_array_equal(one.device_currents, two.device_currents)
    assert one.residual == two.residual


def segments(rng, rows, cols, kind):
    word, bit = np.full((rows, cols - 1), 3.0), np.full((rows - 1, cols), 2.0)
    for ohms in (word, bit):
        if kind == "broken":
            ohms[rng.random(ohms.shape) < 0.03] = np.inf
        elif kind == "some of 0 ohm":
            ohms[rng.random(ohms.shape) < 0.3] = 0.0
        elif kind == "over six decades":
            ohms[:] = 10 ** rng.uniform(-4, 2, ohms.shape)
        elif kind == "of 1e-12 ohm":
            ohms[:] = 1e-12
    if kind == "broken where parts meet":
        bit[(rows // 8 + 1) // 2 * 8 - 2 : (rows // 8 + 1) // 2 * 8 + 8, ::3] = np.inf
    return {"word_wire": word, "bit_wire": bit}


KINDS = ("alike", "broken", "broken where parts meet", "some of 0 ohm", "over six decades", "of 1e-12 ohm")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(45, 37), (32, 64), (90, 17), (57, 25)])
@pytest.mark.parametrize("bottom", ["ideal at 0 V", "ideal at volts", "of some ohms", "open in part"])
def test_the_digits_are_those_of_a_reduction(kind, shape, bottom, halved):
    """Dividers of the wrong direction, a segment counted twice or never where parts meet, an end's current lost."""
    rng = np.random.default_rng(sum(shape))
    rows, cols = shape
    g = rng.uniform(1e-6, 1e-3, shape)
    g[rng.random(shape) < 0.3] = 0.0
    some = rng.random(cols) < 0.5
    ends = {
        "bit_top": LineEnds(0.3, np.where(rng.random(cols) < 0.5, np.inf, 5.0)),
        "bit_bottom": {
            "ideal at 0 V": LineEnds(0.0, 0.0),
            "ideal at volts": LineEnds(rng.uniform(0.1, 0.2, cols), 0.0),
            "of some ohms": LineEnds(rng.uniform(0.1, 0.2, cols), rng.uniform(1.0, 9.0, cols)),
            "open in part": LineEnds(np.where(some, 0.0, 0.2), np.where(some, np.inf, 2.0)),
        }[bottom],
    }
    crossbar = Crossbar(g, **segments(rng, rows, cols, kind), driver=1.0, ends=ends)
    volts = rng.uniform(0.1, 1, rows)
    ours, exact = (xbarsim.solve(crossbar, volts, method=method) for method in ("schur", "kron"))
    assert line_solver.Lines(rows, cols).halved
    for side, amperes in exact.end_currents.items():
        scale = np.abs(amperes).max()
        np.testing.assert_allclose(ours.end_currents[side], amperes, rtol=1e-11, atol=1e-13 * scale, err_msg=side)
    assert ours.floating == exact.floating


@njit(cache=True, nogil=True)
def _wait_for_partner(gate, part):
    while meet(gate, part):
        pass


@pytest.mark.parametrize("failing", [0, 1])
def test_a_part_that_fails_ends_the_other(failing):
    """A thread that waits for ever for one that has left with an error."""
    left = []

    def work(part, gate):
        if part == failing:
            raise MemoryError("no room")
        _wait_for_partner(gate, part)
        left.append(part)

    with pytest.raises(MemoryError, match="no room"):
        meeting.run_both(work, alone=lambda: None)
    assert left == [1 - failing]


def test_a_system_without_threads_has_the_answer_all_the_same(monkeypatch):
    """A solve that fails where one thread would do."""
    rng = np.random.default_rng(4)
    crossbar, volts = large(rng), rng.uniform(0, 1, 256)
    expected = xbarsim.solve(crossbar, volts, method="schur", threads=1)

    class Refused(threading.Thread):
        def start(self):
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(meeting, "Thread", Refused)
    check_same_bits(expected, xbarsim.solve(crossbar, volts, method="schur", threads=2))
