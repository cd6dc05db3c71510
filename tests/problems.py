"""The problem bank: circuits with answers worked out by hand, and strategies that draw circuits.

No entry is symmetric in rows and columns unless its algebra needs it, so a swap of the two cannot pass.
"""

from dataclasses import dataclass, field
from unittest import mock

import numpy as np

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.solvers import linear

OPEN = np.inf
METHODS = ("auto", "schur", "kron", "reference")
ALONE = "schur alone"
SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")
FIBONACCI = np.array([1, 2, 5, 13, 34, 89], dtype=float)  # F(1), F(3), F(5), ..


def solve_by(method, crossbar, voltages):
    """Solve by a method; ``ALONE`` is conjugate gradients also where a reduction would replace what they lead to."""
    if method != ALONE:
        return xbarsim.solve(crossbar, voltages, method=method)
    with mock.patch.object(linear, "RECHECK_CELLS", 0):
        solution = xbarsim.solve(crossbar, voltages, method="schur")
    assert solution.method == "schur"
    return solution


@dataclass(frozen=True)
class Problem:
    """A circuit and what is known of its solution; ``end_currents`` holds the sides that are known."""

    name: str
    crossbar: Crossbar
    voltages: list
    end_currents: dict = field(default_factory=dict)
    word_voltages: list | None = None
    bit_voltages: list | None = None

    @property
    def currents(self):
        return np.array(self.end_currents["bit_bottom"], dtype=float)


def divider():
    # One loop: 3 V over 100 + 1/0.005 + 700 = 1000 ohm is 3 mA. w = 3 - 0.3, b = 0.7 * 3.
    return Problem(
        "divider",
        Crossbar([[0.005]], driver=100.0, sense=700.0),
        [3.0],
        {"word_left": [-3e-3], "word_right": [0.0], "bit_top": [0.0], "bit_bottom": [3e-3]},
        [[2.7]],
        [[2.1]],
    )


def ideal_wires():
    # Sum_i V_i g_ij: 2*1 + (-1)*4 = -2, 2*2 - 0 = 4, 2*3 - 1*6 = 0; in mA. Rows give V_i sum_j g_ij.
    return Problem(
        "ideal wires",
        Crossbar([[1e-3, 2e-3, 3e-3], [4e-3, 0.0, 6e-3]]),
        [2.0, -1.0],
        {"word_left": [-12e-3, 10e-3], "bit_bottom": [-2e-3, 4e-3, 0.0]},
        [[2.0] * 3, [-1.0] * 3],
        [[0.0] * 3] * 2,
    )


def kirchhoff_2x2():
    # Built backwards, in mA, mS and kohm: take the node voltages and cells, read the currents off Kirchhoff's
    # laws, and size each resistance as its voltage over its current.
    #   w = [10  8]   b = [6 4]   g = [1    2]   cell currents g (w - b) = [4 8]
    #       [ 7  4]       [2 3]       [1.2  4]                             [6 4]
    #   word wires: row 0 carries 8, falls 10 - 8 -> 0.25; row 1 carries 4, falls 7 - 4 -> 0.75
    #   bit wires:  col 0 carries 4, falls  6 - 2 -> 1;    col 1 carries 8, falls 4 - 3 -> 0.125
    #   drivers:    row 0 carries 12 in 0.5 -> 10 + 6 = 16 V; row 1 carries 10 in 0.3 -> 7 + 3 = 10 V
    #   sense:      col 0 carries 10 at 2 V -> 0.2;        col 1 carries 12 at 3 V -> 0.25
    return Problem(
        "Kirchhoff 2 x 2",
        Crossbar(
            [[1e-3, 2e-3], [1.2e-3, 4e-3]],
            word_wire=[[250.0], [750.0]],
            bit_wire=[[1000.0, 125.0]],
            driver=[500.0, 300.0],
            sense=[200.0, 250.0],
        ),
        [16.0, 10.0],
        {"word_left": [-12e-3, -10e-3], "bit_bottom": [10e-3, 12e-3]},
        [[10.0, 8.0], [7.0, 4.0]],
        [[6.0, 4.0], [2.0, 3.0]],
    )


def kirchhoff_2x3_four_sides():
    # Built backwards as above, with current at all four sides, in mA, mS and kohm.
    #   w = [12 10 11]   b = [8 2 1]   g = [0.5 1   0.2]   cells = [2 8 2]
    #       [ 9  6  5]       [5 4 3]       [1   2.5 1.5]           [4 5 3]
    #   row 0: 5 to the right out of w00 over 12 - 10 -> 0.4. Of it 8 leaves at w01, so -3 goes on to w02
    #          over 10 - 11 -> 1/3; w02 then takes in 2 + 3 = 5 from word_right: 11 + 5 * 0.2 = 12 V.
    #          Left: 2 + 5 = 7 from 12 + 7 * 1 = 19 V.
    #   row 1: 6 out of w10 over 9 - 6 -> 0.5, 1 out of w11 over 6 - 5 -> 1; w12 takes in 3 - 1 = 2 from
    #          word_right: 5 + 2 * 0.5 = 6 V. Left: 4 + 6 = 10 from 9 + 10 * 0.1 = 10 V.
    #   col 0: 3 down over 8 - 5 -> 1: cell gives 2, so bit_top gives 1: 8 + 1 * 2 = 10 V.
    #          Bottom: 3 + 4 = 7 from 5 V to -2 V -> 1.
    #   col 1: -4 down over 2 - 4 -> 0.5: cell gives 8, so bit_top takes 12: 2 - 12 * 0.25 = -1 V.
    #          Bottom: -4 + 5 = 1 from 4 V to 3 V -> 1.
    #   col 2: -1 down over 1 - 3 -> 2: cell gives 2, so bit_top takes 3: 1 - 3 * 1 = -2 V.
    #          Bottom: -1 + 3 = 2 from 3 V to 1 V -> 1.
    k = 1e3
    return Problem(
        "Kirchhoff 2 x 3, four sides",
        Crossbar(
            [[0.5e-3, 1e-3, 0.2e-3], [1e-3, 2.5e-3, 1.5e-3]],
            word_wire=[[0.4 * k, k / 3], [0.5 * k, k]],
            bit_wire=[[k, 0.5 * k, 2 * k]],
            driver=[k, 0.1 * k],
            ends={
                "word_right": LineEnds([12.0, 6.0], [0.2 * k, 0.5 * k]),
                "bit_top": LineEnds([10.0, -1.0, -2.0], [2 * k, 0.25 * k, k]),
                "bit_bottom": LineEnds([-2.0, 3.0, 1.0], k),
            },
        ),
        [19.0, 10.0],
        {
            "word_left": [-7e-3, -10e-3],
            "word_right": [-5e-3, -2e-3],
            "bit_top": [-1e-3, 12e-3, 3e-3],
            "bit_bottom": [7e-3, 1e-3, 2e-3],
        },
        [[12.0, 10.0, 11.0], [9.0, 6.0, 5.0]],
        [[8.0, 2.0, 1.0], [5.0, 4.0, 3.0]],
    )


def word_ladder():
    # A row of cells g to ideal bit lines, joined by wires r with r g = 1: v_{j-1} - 3 v_j + v_{j+1} = 0 and
    # v_{n-2} = 2 v_{n-1}, so from the far end on the voltages are the odd Fibonacci numbers.
    g, volts = 2e-4, 0.7
    v = volts * FIBONACCI[::-1] / FIBONACCI[-1]
    return Problem(
        "word-line ladder",
        Crossbar(np.full((1, 6), g), word_wire=1 / g),
        [volts],
        {"word_left": [-g * v.sum()], "bit_bottom": g * v},
        [v],
        [[0.0] * 6],
    )


def bit_ladder():
    # A column of cells g fed 1 V each, sense 0: what is missing to 1 V, x_i = 1 - u_i, obeys the same ladder
    # from the grounded bottom up: x = 1, 5/13, 2/13, 1/13. The current is g (13 + 5 + 2 + 1) / 13.
    g = 5e-5
    x = np.array([1.0, 2.0, 5.0, 13.0]) / 13
    return Problem(
        "bit-line ladder",
        Crossbar(np.full((4, 1), g), bit_wire=1 / g),
        [1.0] * 4,
        {"word_left": -g * x, "bit_bottom": [g * 21 / 13]},
        [[1.0]] * 4,
        (1 - x)[:, None],
    )


def hyperbolic_ladder():
    # The ladder for any r g: v_j = V cosh((n - j - 1/2) t) / cosh((n - 1/2) t) with sinh(t/2) = sqrt(r g)/2
    # solves v_{j-1} - (2 + r g) v_j + v_{j+1} = 0; v_n = v_{n-1} says that no current leaves the far end.
    n, g, ohms = 8, np.array([[1e-4], [3e-3]]), np.array([[40.0], [7.0]])
    t = 2 * np.arcsinh(np.sqrt(ohms * g) / 2)
    volts = np.array([[0.9], [-0.4]])
    v = volts * np.cosh((n - np.arange(n) - 0.5) * t) / np.cosh((n - 0.5) * t)
    return Problem(
        "hyperbolic ladder",
        Crossbar(np.repeat(g, n, axis=1), word_wire=np.repeat(ohms, n - 1, axis=1)),
        volts.ravel().tolist(),
        {"word_left": -(g * v).sum(axis=1), "bit_bottom": (g * v).sum(axis=0)},
        v,
        np.zeros((2, n)),
    )


def loaded_rows():
    # Ideal wires and sense: row i is its driver into the sum of its cells: v_i = V_i / (1 + R_i sum_j g_ij).
    # Row 0: R sum g = 100 * 0.01 = 1, so 2 / 2 = 1 V; row 1: 500 * 0.004 = 2, so 4.5 / 3 = 1.5 V.
    # Cells in mA: 2, 5, 3 and 1.5, 1.5, 3.
    return Problem(
        "loaded rows",
        Crossbar([[2e-3, 5e-3, 3e-3], [1e-3, 1e-3, 2e-3]], driver=[100.0, 500.0]),
        [2.0, 4.5],
        {"word_left": [-10e-3, -6e-3], "bit_bottom": [3.5e-3, 6.5e-3, 6e-3]},
        [[1.0] * 3, [1.5] * 3],
        [[0.0] * 3] * 2,
    )


def loaded_columns():
    # Ideal word lines: u_j = sum_i g_ij V_i / (1/R_j + sum_i g_ij), the current is u_j / R_j.
    # Column 0: (1*2 + 3*4) / (4 + 1 + 3) = 14/8 V into 250 ohm; column 1: (2*2 + 1*4) / (1 + 2 + 1) = 2 V.
    return Problem(
        "loaded columns",
        Crossbar([[1e-3, 2e-3], [3e-3, 1e-3]], sense=[250.0, 1000.0]),
        [2.0, 4.0],
        {"word_left": [-0.25e-3, -(2.25 * 3 + 2.0) * 1e-3], "bit_bottom": [7e-3, 2e-3]},
        [[2.0] * 2, [4.0] * 2],
        [[1.75, 2.0]] * 2,
    )


def sneak_path():
    # The textbook case: row 1 and column 1 float, so next to the 2k cell at [0, 0] runs the path through
    # [0, 1], [1, 1] and [1, 0]: 1k + 3k + 6k = 10k. At 5 V: 2.5 mA and 0.5 mA.
    # Column 1 sits at 5 - 0.5 * 1 = 4.5 V, row 1 at 0.5 * 6 = 3 V.
    return Problem(
        "sneak path",
        Crossbar([[1 / 2e3, 1 / 1e3], [1 / 6e3, 1 / 3e3]], driver=[0.0, OPEN], sense=[0.0, OPEN]),
        [5.0, 100.0],
        {"word_left": [-3e-3, 0.0], "bit_bottom": [3e-3, 0.0]},
        [[5.0] * 2, [3.0] * 2],
        [[0.0, 4.5]] * 2,
    )


def half_select():
    # V/2 scheme, ideal wires: row 1 and column 2 are selected (1 V and 0 V), all other lines hold 0.5 V.
    # Cell currents in mA: row 0: 0, 0, 0.5*3; row 1: 0.5*4, 0.5*5, 1*6.
    return Problem(
        "half select",
        Crossbar(
            [[1e-3, 2e-3, 3e-3], [4e-3, 5e-3, 6e-3]],
            ends={"bit_bottom": LineEnds([0.5, 0.5, 0.0], 0.0)},
        ),
        [0.5, 1.0],
        {"word_left": [-1.5e-3, -10.5e-3], "bit_bottom": [2e-3, 2.5e-3, 7.5e-3]},
        [[0.5] * 3, [1.0] * 3],
        [[0.5, 0.5, 0.0]] * 2,
    )


def driven_from_both_sides():
    # One row of open cells between 2 V and -1 V: 3 V over 10 + 20 + 30 + 40 = 100 ohm: 30 mA, left to right.
    return Problem(
        "driven from both sides",
        Crossbar(
            [[0.0, 0.0, 0.0]],
            word_wire=[[20.0, 30.0]],
            driver=10.0,
            ends={"word_right": LineEnds(-1.0, 40.0)},
        ),
        [2.0],
        {"word_left": [-30e-3], "word_right": [30e-3], "bit_bottom": [0.0] * 3},
        [[1.7, 1.1, 0.2]],
        [[0.0] * 3],
    )


def sensed_at_the_top():
    # Column 0 is read at the top through 2k, column 1 at the bottom; ideal word lines, bit wire 1k and 3k.
    # Column 0 in mA and kohm, both cells 1 mS, at V = (4, 2): u0 (1/2 + 1 + 1) - u1 = 4, u1 (1 + 1) - u0 = 2,
    # so u1 = 1 + u0/2, 2 u0 = 5, u0 = 2.5, u1 = 2.25; 1.25 mA leave at the top.
    # Column 1, upper cell open, lower 0.5 mS, sense 0: 2 * 0.5 = 1 mA, and no current in the wire above.
    return Problem(
        "sensed at the top",
        Crossbar(
            [[1e-3, 0.0], [1e-3, 0.5e-3]],
            bit_wire=[[1e3, 3e3]],
            sense=[OPEN, 0.0],
            ends={"bit_top": LineEnds(0.0, [2e3, OPEN])},
        ),
        [4.0, 2.0],
        {"word_left": [-1.5e-3, 0.25e-3 - 1e-3], "bit_top": [1.25e-3, 0.0], "bit_bottom": [0.0, 1e-3]},
        [[4.0] * 2, [2.0] * 2],
        [[2.5, 0.0], [2.25, 0.0]],
    )


def broken_word_line():
    # Row 0 breaks after column 1; what lies beyond is fed through the bit line of column 2, which hangs on
    # row 1 by 1 mS: no current flows there, so w02 = b02. Column 2: 2 V over 1k + 1k sense = 1 mA, b = 1 V.
    return Problem(
        "broken word line",
        Crossbar(
            [[1e-3, 2e-3, 4e-3], [0.0, 0.0, 1e-3]],
            word_wire=[[0.0, OPEN], [0.0, 0.0]],
            sense=[0.0, 0.0, 1e3],
        ),
        [3.0, 2.0],
        {"word_left": [-9e-3, -1e-3], "bit_bottom": [3e-3, 6e-3, 1e-3]},
        [[3.0, 3.0, 1.0], [2.0] * 3],
        [[0.0, 0.0, 1.0]] * 2,
    )


def all_open():
    return Problem(
        "all cells open",
        Crossbar(np.zeros((2, 3)), word_wire=5.0, bit_wire=7.0, driver=11.0, sense=13.0),
        [1.0, -2.0],
        {"word_left": [0.0] * 2, "bit_bottom": [0.0] * 3},
        [[1.0] * 3, [-2.0] * 3],
        [[0.0] * 3] * 2,
    )


PROBLEMS = [
    make()
    for make in (
        divider,
        ideal_wires,
        kirchhoff_2x2,
        kirchhoff_2x3_four_sides,
        word_ladder,
        bit_ladder,
        hyperbolic_ladder,
        loaded_rows,
        loaded_columns,
        sneak_path,
        half_select,
        driven_from_both_sides,
        sensed_at_the_top,
        broken_word_line,
        all_open,
    )
]
