"""Netlists of nonlinear cells that are crossbars: recognised whatever they are called, solved alike both ways."""

import numpy as np
import pytest

from xbarsim import Crossbar, Law, Selector, Sinh, Table, Transistor, Yakopcic, netlist, solve
from xbarsim.analysis.simulate import simulate

ROWS, COLS = 4, 6
DEVICES = {
    "sinh": (Sinh(0.25), Sinh),
    "sinh of each cell": (Sinh(np.linspace(0.1, 0.4, ROWS * COLS).reshape(ROWS, COLS)), Sinh),
    "selector": (Selector(1e-8, 0.05), Selector),
    "yakopcic": (Yakopcic(1e-5, 3e-5, 2.0), Law),
    "table": (Table([-1.0, -0.5, 0.3, 1.0], [-3e-4, -1e-4, 1e-4, 9e-4]), Law),
    "transistor, gates by row": (Transistor([[1.5], [0.2], [1.1], [0.9]], lam=0.05), Transistor),
    "transistor, gates by column": (Transistor(np.linspace(0.7, 1.6, COLS)), Transistor),
}


def drawn(device, **options):
    rng = np.random.default_rng(5)
    ohms = {"word_wire": 2.0, "bit_wire": 3.0, "driver": 1.0, "sense": 1.5} | options
    crossbar = Crossbar(10 ** -rng.uniform(3, 6, (ROWS, COLS)), **ohms, device=device)
    return crossbar, rng.uniform(-0.5, 0.5, ROWS)


def written(tmp_path, crossbar, volts, extra=""):
    path = tmp_path / "x.sp"
    netlist.write(crossbar, volts, path)
    path.write_text(path.read_text().replace("\n.op\n", f"\n{extra}\n.op\n"))
    return path


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("wires", [{}, {"word_wire": 0.0, "bit_wire": 0.0}], ids=["wires", "no wires"])
def test_round_trip_gives_the_same_array_and_the_same_numbers_both_ways(tmp_path, name, wires):
    device, kind = DEVICES[name]
    crossbar, volts = drawn(device, **wires)
    circuit = netlist.read(written(tmp_path, crossbar, volts))
    found = circuit.recognise()
    assert found.crossbar is not None, found.reason
    assert isinstance(found.crossbar.device, kind)
    if kind is not Law:
        np.testing.assert_allclose(found.crossbar.conductance, crossbar.conductance, rtol=1e-15)
    (fast,), (general,) = simulate(circuit, found, method="newton"), simulate(circuit, None)
    assert "newton" in fast.how
    solution = solve(crossbar, volts)
    outputs = [fast.branches.index(f"vbb{j}") for j in range(COLS)]
    largest = np.abs(solution.currents).max()
    for result in (fast, general):
        np.testing.assert_allclose(result.currents[0, outputs], solution.currents, rtol=0, atol=1e-12 * largest)
    np.testing.assert_allclose(fast.voltages, general.voltages, rtol=0, atol=1e-12)


def by_hand(flip=(), cell="B{k} {a} {b} I={{{g}*0.3*sinh(V({a},{b})/0.3)}}"):
    """A 3 x 2 array without a name that says anything, cells in ``flip`` connected the other way round."""
    rng = np.random.default_rng(2)
    lines, k = ["by hand"], 0
    g = 10 ** -rng.uniform(3, 5, (3, 2))
    for i in range(3):
        lines += [f"V{i} in{i} 0 {0.1 * (i + 1)}", f"Rd{i} in{i} p{i}a 2", f"Rw{i} p{i}a p{i}b 3"]
        for j, (node, column) in enumerate(zip("ab", "xy", strict=True)):
            ends = [f"p{i}{node}", f"q{i}{column}"]
            a, b = ends[::-1] if (i, j) in flip else ends
            lines.append(cell.format(k=k, a=a, b=b, g=repr(float(g[i, j]))))
            k += 1
    for column in "xy":
        lines += [f"Rb{column}{i} q{i}{column} q{i + 1}{column} 4" for i in range(2)]
        lines += [f"Rs{column} q2{column} 0 5"]
    rng.shuffle(lines[1:])
    return "\n".join([*lines, ".op", ".end", ""])


def both(tmp_path, text):
    path = tmp_path / "h.sp"
    path.write_text(text)
    circuit = netlist.read(path)
    found = circuit.recognise()
    return found, simulate(circuit, found, method="newton")[0], simulate(circuit, None)[0]


def test_cells_by_hand_connected_either_way_round(tmp_path):
    found, fast, general = both(tmp_path, by_hand(flip={(0, 1), (2, 0)}))
    assert found.crossbar is not None, found.reason
    assert isinstance(found.crossbar.device, Sinh)
    np.testing.assert_allclose(fast.voltages, general.voltages, rtol=0, atol=1e-14)


@pytest.mark.slow
def test_a_law_that_is_not_odd_keeps_its_direction(tmp_path):
    cell = "B{k} {a} {b} I={{{g}*(exp(V({a},{b})/0.2)-1)*0.2}}"
    found, fast, general = both(tmp_path, by_hand(flip={(0, 1), (2, 0)}, cell=cell))
    assert found.crossbar is not None, found.reason
    assert isinstance(found.crossbar.device, Law)
    np.testing.assert_allclose(fast.voltages, general.voltages, rtol=0, atol=1e-14)
    _, straight, _ = both(tmp_path, by_hand(cell=cell))
    assert np.abs(straight.voltages - fast.voltages).max() > 1e-4


@pytest.mark.slow
def test_a_law_that_falls_somewhere_goes_to_the_general_solver(tmp_path):
    cell = "B{k} {a} {b} I={{{g}*(V({a},{b}) - 8*V({a},{b})^2*V({a},{b}))}}"
    _, fast, general = both(tmp_path, by_hand(cell=cell))
    assert "Newton" in fast.how
    np.testing.assert_array_equal(fast.voltages, general.voltages)


def compiling(*given):
    raise AssertionError("a small array's law was compiled")


ENDS = {
    "a resistor each": lambda text: text,
    "a source each": lambda text: text.replace("Rsx q2x 0 5", "Vx q2x 0 0").replace("Rsy q2y 0 5", "Vy 0 q2y 0"),
    "ammeters": lambda text: text.replace("Rsx q2x 0 5", "Vx q2x m 0\nRx m 0 5"),
    "one source for both": lambda text: text.replace("y 0 5", "y hold 5").replace("x 0 5", "x hold 5\nVh hold 0 0.05"),
    "a plain tie": lambda text: text.replace("Rsx q2x 0 5", "").replace("q2x", "0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("ends", ENDS)
def test_small_arrays_of_any_law_wait_for_no_compiler(tmp_path, monkeypatch, ends):
    """The general solver's numbers, seen as the crossbar that was recognised."""
    path = tmp_path / "h.sp"
    path.write_text(ENDS[ends](by_hand(cell="B{k} {a} {b} I={{{g}*V({a},{b})*(1+V({a},{b})^2)}}")))
    circuit = netlist.read(path)
    found = circuit.recognise()
    assert found.crossbar is not None, found.reason
    (slow,) = simulate(circuit, found, method="newton")
    monkeypatch.setattr("xbarsim.kernels.compiled.compile_law", compiling)
    monkeypatch.setattr("xbarsim.devices.law._compiled", compiling)
    (quick,) = simulate(circuit, circuit.recognise())
    assert "Newton" in quick.how
    np.testing.assert_allclose(quick.voltages, slow.voltages, rtol=0, atol=1e-14)
    if ends == "a plain tie":
        assert not quick.outputs, "what flows into ground itself cannot be told from node voltages"
        return
    assert quick.outputs == slow.outputs
    np.testing.assert_allclose(quick.output_currents, slow.output_currents, rtol=1e-12)
    assert (quick.ideal is None) == (slow.ideal is None)
    np.testing.assert_allclose(quick.state.word, slow.state.word, rtol=0, atol=1e-14)
    np.testing.assert_allclose(quick.state.bit, slow.state.bit, rtol=0, atol=1e-14)


@pytest.mark.slow
def test_a_law_of_many_points_is_solved_without_compiling_it(tmp_path, monkeypatch):
    """numba takes minutes over such a law."""
    monkeypatch.setattr("xbarsim.devices.law._compiled", compiling)
    points = ",".join(f"{x:.4f},{2e-4 * x * (1 + x * x):.9g}" for x in np.linspace(-1, 1, 1001))
    path = tmp_path / "h.sp"
    path.write_text(by_hand(cell=f"B{{k}} {{a}} {{b}} I={{{{pwl(V({{a}},{{b}}),{points})}}}}"))
    circuit = netlist.read(path)
    found = circuit.recognise()
    assert found.crossbar is not None, found.reason
    (result,) = simulate(circuit, found)
    assert result.residual < 1e-12


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("B{k} {a} {b} I={{{g}*V({a},{b})*(1+time)}}", "depends on time"),
        (
            "Rc{k} {a} x{k} 1k\nM{k} x{k} g {b} 0 nm\nVg{k} dummy{k} 0 1",
            r"parameters that their model does not take: lam\[0, 0\] is -0.02",
        ),
    ],
)
def test_laws_and_parameters_that_no_cell_has_are_solved_in_general(tmp_path, cell, reason):
    text = by_hand(cell=cell).replace(".op", ".model nm nmos(is=0 lambda=-0.02)\nVg g 0 2\n.options gmin=1e-18\n.op")
    path = tmp_path / "h.sp"
    path.write_text(text)
    circuit = netlist.read(path)
    found = circuit.recognise()
    assert found.crossbar is None
    assert __import__("re").search(reason, found.reason or "")
    assert simulate(circuit, found)[0].residual < 1e-12


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("\n.op", "\nB99 p0a q0x I={1e-5*V(p0a,q0x)^3}\n.op", "different laws|places of its cells"),
        ("\n.op", "\nD1 p0a q0x d\n.model d d\n.op", "different laws"),
        ("I={", "I={1e-9+", "0 A at 0 V"),
        ("V(p0a,q0x)", "V(p1a,q0x)", "voltage across it alone"),
    ],
)
def test_what_is_no_crossbar_says_why(tmp_path, old, new, reason):
    path = tmp_path / "h.sp"
    path.write_text(by_hand().replace(old, new))
    found = netlist.read(path).recognise()
    assert found.crossbar is None
    assert __import__("re").search(reason, found.reason or "")


def test_a_sweep_of_a_gate_is_solved_in_general_and_of_an_input_by_the_array(tmp_path):
    crossbar, volts = drawn(Transistor([[1.5], [0.2], [1.1], [0.9]]))
    path = written(tmp_path, crossbar, volts, ".dc vg_r0 0 1.5 0.5\n.dc vwl0 0 0.4 0.2")
    circuit = netlist.read(path)
    gate, rows, _ = simulate(circuit, circuit.recognise())
    assert "Newton" in gate.how
    assert "newton" in rows.how
    again = [result for result in simulate(circuit, None) if result.kind == "dc"]
    for one, other in zip((gate, rows), again, strict=True):
        np.testing.assert_allclose(one.voltages, other.voltages, rtol=0, atol=1e-12)
    assert np.ptp(gate.currents[:, gate.branches.index("vbb0")]) > 0
