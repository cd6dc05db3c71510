import dataclasses

import numpy as np
import pytest

import xbarsim
from xbarsim import Crossbar, LineEnds
from xbarsim.errors import ConvergenceError, FloatingError, InputError, SolveError
from xbarsim.topologies import (
    JoinedArrays,
    JoinedReduction,
    along_bit_lines,
    along_word_lines,
    joined_solution,
    solve_joined,
)


def block(rng, rows, cols, **settings):
    wires = {"word_wire": rng.uniform(1, 9, (rows, cols - 1)), "bit_wire": rng.uniform(1, 9, (rows - 1, cols))}
    return Crossbar(10 ** rng.uniform(-5, -3, (rows, cols)), **(wires | settings))


def pair(rng, wire):
    """Two arrays side by side, and joined at the ends of the same lines by the same wires."""
    right_ends = {"word_right": LineEnds(0.1, [3.0, np.inf, 4.0])}
    left, right = block(rng, 3, 4, driver=[1.0, 2.0, 3.0], sense=5.0), block(rng, 3, 2, sense=7.0, ends=right_ends)
    run_on = along_word_lines([left, right], wire)
    a = Crossbar(
        left.conductance, word_wire=left.word_wire, bit_wire=left.bit_wire, driver=left.driver, sense=5.0,
        ends={"word_right": LineEnds(0.0, 0.25 * wire)},
    )  # fmt: skip
    b = Crossbar(
        right.conductance, word_wire=right.word_wire, bit_wire=right.bit_wire, driver=0.75 * wire, sense=7.0,
        ends=right_ends,
    )  # fmt: skip
    joints = [[("a", "word_right", i), ("b", "word_left", i)] for i in range(3)]
    return run_on, JoinedArrays({"a": a, "b": b}, joints)


def test_word_lines_that_run_on_are_joined_ends():
    rng = np.random.default_rng(30)
    wire = rng.uniform(1, 30, 3)
    run_on, joined = pair(rng, wire)
    assert run_on.shape == (3, 6)
    volts = rng.uniform(0, 1, (4, 3))
    whole = xbarsim.solve(run_on, volts, fields=True)
    parts = solve_joined(joined, {"a": volts}, fields=True)
    assert parts.residual < 1e-12
    both = np.concatenate([parts.arrays["a"].currents, parts.arrays["b"].currents], axis=1)
    assert np.allclose(both, whole.currents, rtol=1e-11, atol=0)
    assert np.allclose(
        parts.arrays["a"].end_currents["word_left"], whole.end_currents["word_left"], rtol=1e-11, atol=0.0
    )
    assert np.allclose(
        parts.arrays["b"].end_currents["word_right"], whole.end_currents["word_right"], rtol=1e-10, atol=0.0
    )
    # A joint lies a quarter of the way along its wire.
    w = whole.word_voltages
    assert np.allclose(parts.joint_voltages, 0.75 * w[:, :, 3] + 0.25 * w[:, :, 4], rtol=1e-12, atol=0.0)


def test_bit_lines_that_run_on_are_read_once():
    rng = np.random.default_rng(31)
    top = {"bit_top": LineEnds(0.05, [2.0, np.inf])}
    upper, lower = block(rng, 3, 2, driver=2.0, ends=top), block(rng, 4, 2, driver=[1.0, 2.0, 3.0, 4.0], sense=6.0)
    wire = np.array([3.0, 8.0])
    whole = along_bit_lines([upper, lower], wire)
    assert whole.shape == (7, 2)
    volts = rng.uniform(0, 1, 7)
    solution = xbarsim.solve(whole, volts)
    reference = xbarsim.reference.solve(whole, volts)
    assert np.allclose(solution.currents, reference.end_currents["bit_bottom"], rtol=1e-12, atol=0.0)
    # The joint's current is what the upper array's cells and its top end bring.
    passed = (solution.bit_voltages[2] - solution.bit_voltages[3]) / wire
    brought = solution.device_currents[:3].sum(axis=0) - solution.end_currents["bit_top"]
    assert np.allclose(passed, brought, rtol=1e-10, atol=0.0)
    assert np.array_equal(whole.boundary["word_left"].resistance, [2, 2, 2, 1, 2, 3, 4])


def test_three_arrays_in_a_row_keep_their_order():
    rng = np.random.default_rng(32)
    blocks = [block(rng, 2, cols) for cols in (3, 1, 2)]
    whole = along_word_lines(blocks, [[1.0, 2.0], [3.0, 4.0]])
    assert np.array_equal(whole.conductance, np.concatenate([b.conductance for b in blocks], axis=1))
    assert np.array_equal(whole.word_wire[:, 2], [1.0, 2.0])
    assert np.array_equal(whole.word_wire[:, 3], [3.0, 4.0])
    assert along_word_lines(blocks[:1]) == blocks[0]
    assert along_bit_lines(blocks[:1]) == blocks[0]


def test_joints_of_lines_of_both_kinds():
    # A word line of each of two arrays meets a bit line of a third, and one array meets itself.
    rng = np.random.default_rng(33)
    ends = {"word_right": LineEnds(0.0, [4.0, 5.0, np.inf])}
    arrays = {
        "a": block(rng, 3, 2, driver=1.0, sense=2.0, ends=ends),
        "b": block(rng, 2, 3, driver=3.0, sense=1.0, ends={"word_right": LineEnds(0.0, 6.0)}),
        "c": block(rng, 2, 2, driver=2.0, sense=4.0, ends={"bit_top": LineEnds(0.2, [7.0, 8.0])}),
    }
    joints = [
        [("a", "word_right", 0), ("b", "word_right", 1), ("c", "bit_top", 1)],
        [("a", "word_right", 1), ("a", "bit_bottom", 0)],
    ]
    joined = JoinedArrays(arrays, joints)
    volts = {"a": rng.uniform(0, 1, 3), "b": rng.uniform(0, 1, 2), "c": rng.uniform(0, 1, 2)}
    solution = solve_joined(joined, volts)
    assert solution.residual < 1e-12
    largest = max(np.abs(out).max() for state in solution.arrays.values() for out in state.end_currents.values())
    for k, joint in enumerate(joints):
        into = [solution.arrays[name].end_currents[side][0, line] for name, side, line in joint]
        assert abs(sum(into)) < 1e-12 * largest
        assert 0 < solution.joint_voltages[0, k] < 1
    # The reduction's couplings say the same of every source that is left.
    reduction = JoinedReduction.of(joined)
    fixed = np.array([
        volts[name][line] if side == "word_left" else arrays[name].boundary[side].voltage[line]
        for name, side, line in joined.sources
    ])  # fmt: skip
    out = reduction.couplings @ fixed - reduction.couplings.sum(axis=1) * fixed
    for amperes, (name, side, line) in zip(out, joined.sources, strict=True):
        assert amperes == pytest.approx(solution.arrays[name].end_currents[side][0, line], rel=1e-9, abs=1e-15)
    assert np.allclose(reduction.shares.sum(axis=1), 1.0, rtol=1e-14, atol=0.0)
    assert np.allclose(reduction.couplings, reduction.couplings.T, rtol=1e-12, atol=0.0)


def test_joints_off_by_a_bit_are_put_right_or_refused(monkeypatch):
    rng = np.random.default_rng(6)
    arrays = {"a": block(rng, 3, 2, driver=1.0, sense=2.0), "b": block(rng, 2, 3, driver=3.0, sense=1.0)}
    joined = JoinedArrays(arrays, [[("a", "bit_bottom", k), ("b", "word_left", k)] for k in range(2)])
    volts = {"a": rng.uniform(0.2, 1.0, 3)}
    exact = solve_joined(joined, volts)
    reduced = JoinedReduction.of(joined)
    off = dataclasses.replace(reduced, shares=reduced.shares * (1.0 + 1e-6))
    monkeypatch.setattr(JoinedReduction, "of", staticmethod(lambda *_: off))
    corrected = solve_joined(joined, volts)
    np.testing.assert_allclose(corrected.joint_voltages, exact.joint_voltages, rtol=1e-12)
    assert corrected.residual < 1e-12
    monkeypatch.setattr(joined_solution, "_CORRECTIONS", 0)
    with pytest.raises(ConvergenceError, match="the currents into the joints violate Kirchhoff's laws by"):
        solve_joined(joined, volts)


def test_a_batch_of_no_vectors_has_no_currents():
    arrays = {"a": Crossbar(np.ones((2, 3)), driver=1.0), "b": Crossbar(np.ones((3, 2)), driver=2.0)}
    joined = JoinedArrays(arrays, [[("a", "bit_bottom", 0), ("b", "word_left", 1)]])
    solution = solve_joined(joined, {"a": np.zeros((0, 2)), "b": [0.1, 0.2, 0.3]})
    assert solution.arrays["a"].currents.shape == (0, 3)
    assert solution.arrays["b"].currents.shape == (0, 2)
    assert solution.joint_voltages.shape == (0, 1)


@pytest.mark.parametrize("device", [xbarsim.Linear(), xbarsim.Sinh(v0=0.2)], ids=lambda device: device.name)
def test_arrays_all_of_whose_ends_are_open_have_no_currents(device):
    array = Crossbar(np.ones((2, 3)), driver=np.inf, sense=np.inf, device=device)
    solution = solve_joined(JoinedArrays({"a": array}, []), {"a": [0.1, 0.2]})
    assert solution.arrays["a"].currents.tolist() == [[0.0] * 3]
    joined = JoinedArrays({"a": Crossbar(np.ones((2, 3)), driver=1.0, device=device)}, [])
    assert solve_joined(joined, {"a": np.zeros((0, 2))}).residual == 0.0


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan, np.inf, True, "1e-9"])
def test_a_tolerance_is_a_number_that_something_may_exceed(tolerance):
    _, joined = pair(np.random.default_rng(0), np.ones(3))
    with pytest.raises(InputError, match=r"tolerance is .*: it must be a finite number above 0"):
        solve_joined(joined, {}, tolerance=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    "device", [xbarsim.Sinh(v0=0.05), xbarsim.Transistor(gate=1.2, kp=2e-4, vto=0.5, lam=0.05)], ids=lambda d: d.name
)
def test_nonlinear_arrays_are_the_crossbar_that_runs_on(device):
    rng = np.random.default_rng(34)
    run_on, joined = pair(rng, rng.uniform(1, 30, 3))
    run_on = run_on.with_cells(run_on.conductance, device)
    curved = {name: array.with_cells(array.conductance, device) for name, array in joined.arrays.items()}
    volts = rng.uniform(0, 1, (4, 3))
    whole = xbarsim.solve(run_on, volts)
    for fields in (False, True):
        parts = solve_joined(JoinedArrays(curved, joined.joints), {"a": volts}, fields=fields)
        both = np.concatenate([parts.arrays["a"].currents, parts.arrays["b"].currents], axis=1)
        assert np.abs(both - whole.currents).max() < 1e-11 * np.abs(both).max()
        assert parts.residual < 1e-11


def test_one_array_of_several_may_be_nonlinear():
    rng = np.random.default_rng(35)
    _, joined = pair(rng, np.array([2.0, 3.0, 4.0]))
    b = joined.arrays["b"]
    arrays = {"a": joined.arrays["a"], "b": b.with_cells(b.conductance, xbarsim.Sinh(v0=0.1))}
    volts = rng.uniform(0.2, 1, 3)
    parts = solve_joined(JoinedArrays(arrays, joined.joints), {"a": volts})
    at_joints = parts.joint_voltages[0]
    alone = Crossbar(
        b.conductance, word_wire=b.word_wire, bit_wire=b.bit_wire, driver=b.driver, sense=b.sense, ends=b.ends,
        device=xbarsim.Sinh(v0=0.1),
    )  # fmt: skip
    theirs = xbarsim.solve(alone, at_joints)
    assert np.allclose(theirs.currents, parts.arrays["b"].currents[0], rtol=1e-11)
    out = parts.arrays["a"].end_currents["word_right"][0]
    assert np.abs(out + theirs.end_currents["word_left"]).max() < 1e-11 * np.abs(out).max()
    # It is not the linear circuit.
    linear = solve_joined(joined, {"a": volts})
    assert np.abs(linear.joint_voltages - at_joints).max() > 1e-4


def test_a_joint_without_a_source_floats():
    g = [[1e-3]]
    adrift = Crossbar(g, driver=np.inf, sense=np.inf, ends={"word_right": LineEnds(0.0, 1.0)})
    arrays = {"a": adrift, "b": adrift}
    joints = [[("a", "word_right", 0), ("b", "word_right", 0)]]
    curved = {"a": adrift, "b": adrift.with_cells(adrift.conductance, xbarsim.Sinh(v0=0.1))}
    for each in (arrays, curved):
        with pytest.raises(FloatingError, match=r"joints\[0\], of \('a', 'word_right', 0\) and 1 more, has no path"):
            solve_joined(JoinedArrays(each, joints), {})


def test_an_array_without_a_reduction_is_named():
    ideal = Crossbar([[1e-3]], ends={"word_right": LineEnds(0.0, 0.0)})
    joined = JoinedArrays({"a": ideal, "b": ideal}, [[("a", "word_right", 0), ("b", "bit_bottom", 0)]])
    with pytest.raises(SolveError, match=r"arrays\['a'\]: 0 ohm joins the ends word_left\[0\] and word_right\[0\]"):
        solve_joined(joined, {})


@pytest.mark.parametrize(
    ("joints", "message"),
    [
        ([[("a", "bit_bottom", 0)]], r"joints\[0\] has 1 line end\(s\): two at least"),
        ([[("a", "bit_bottom", 0), ("x", "bit_bottom", 0)]], "names the array 'x': there are 'a', 'b'"),
        ([[("a", "bit_bottom", 0), ("b", "bottom", 0)]], "names the side 'bottom'"),
        ([[("a", "bit_bottom", 0), ("b", "bit_bottom", 2)]], "names line 2 of b's bit_bottom: it has 0 to 1"),
        ([[("a", "bit_bottom", 0), ("b", "bit_top", 1)]], r"bit_top\[1\] of b, which is open: give it the ohms"),
        ([[("a", "bit_bottom", 0), "b"]], r"joints\[0\] has 'b': a line end is \(array, side, line\)"),
        ([[("a", "bit_bottom", 0), ("b", "bit_bottom", 0)], [("a", "bit_bottom", 0), ("b", "bit_bottom", 1)]],
         r"joints\[1\] takes \('a', 'bit_bottom', 0\), which is in joints\[0\]"),
    ],
)  # fmt: skip
def test_bad_joints_are_named(joints, message):
    arrays = {"a": Crossbar(np.ones((2, 2))), "b": Crossbar(np.ones((2, 2)))}
    with pytest.raises(InputError, match=message):
        JoinedArrays(arrays, joints)


def test_bad_arrays_are_named():
    joint = [[("a", "bit_bottom", 0), ("a", "bit_bottom", 1)]]
    curved = JoinedArrays({"a": Crossbar(np.ones((2, 2)), device=xbarsim.Sinh(v0=0.25))}, joint)
    with pytest.raises(InputError, match=r"only linear arrays reduce to their line ends; solve_joined\(joined"):
        JoinedReduction.of(curved)
    with pytest.raises(InputError, match=r"arrays\['a'\] is list"):
        JoinedArrays({"a": []}, joint)
    with pytest.raises(InputError, match="arrays is empty: give one crossbar at least"):
        JoinedArrays({}, [])
    joined = JoinedArrays({"a": Crossbar(np.ones((2, 2)))}, joint)
    with pytest.raises(InputError, match=r"voltages\['a'\]: voltages has shape \(3,\)"):
        solve_joined(joined, {"a": [1, 2, 3]})
    with pytest.raises(InputError, match="voltages names the array 'b': there are 'a'"):
        solve_joined(joined, {"b": [1, 2]})
    with pytest.raises(InputError, match="joined is Crossbar"):
        solve_joined(joined.arrays["a"], {})
    with pytest.raises(ConvergenceError, match="the currents into the joints violate Kirchhoff's laws"):
        solve_joined(pair(np.random.default_rng(34), np.ones(3))[1], {"a": [0.1, 0.7, 0.3]}, tolerance=1e-300)


@pytest.mark.parametrize(
    ("join", "blocks", "message"),
    [
        (along_word_lines, Crossbar([[1.0]]), "crossbars is one Crossbar: give a sequence of them"),
        (along_word_lines, [], "crossbars is empty"),
        (along_word_lines, [Crossbar(np.ones((2, 1))), Crossbar(np.ones((3, 1)))],
         r"crossbars\[1\] has 3 word lines and crossbars\[0\] 2"),
        (along_word_lines, [Crossbar(np.ones((1, 1))), Crossbar(np.ones((1, 1)), driver=2.0)],
         r"crossbars\[1\].driver ties line 0 by 2 ohm: the word lines come from crossbars\[0\]"),
        (along_word_lines,
         [Crossbar(np.ones((1, 1)), ends={"word_right": LineEnds(0.0, 3.0)}), Crossbar(np.ones((1, 1)))],
         r"crossbars\[0\].ends\['word_right'\] ties line 0 by 3 ohm: the word lines run on into crossbars\[1\]"),
        (along_word_lines, [Crossbar(np.ones((1, 1))), Crossbar(np.ones((1, 1)), device=xbarsim.Sinh(v0=0.2))],
         r"crossbars\[1\] has cells of Sinh\(v0=0.2\) and crossbars\[0\] of Linear"),
        (along_bit_lines, [Crossbar(np.ones((1, 1)), sense=4.0), Crossbar(np.ones((1, 1)))],
         r"crossbars\[0\].sense ties line 0 by 4 ohm: the bit lines run on"),
        (along_bit_lines, [Crossbar(np.ones((1, 1))), None], r"crossbars\[1\] is NoneType"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_named(join, blocks, message):
    with pytest.raises(InputError, match=message):
        join(blocks)


def test_bad_wires_are_named():
    blocks = [Crossbar(np.ones((2, 1)))] * 2
    with pytest.raises(InputError, match=r"wire\[1\] is -1.0"):
        along_word_lines(blocks, [1.0, -1.0])
    with pytest.raises(InputError, match=r"wire has shape \(3,\)"):
        along_word_lines(blocks, [1.0, 1.0, 1.0])
