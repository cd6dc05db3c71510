"""Each example runs, draws its picture, and returns a number that something else than the example bounds."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_tools import environment
from example_tools import FOLDER, nodal, rising, run
from scipy.linalg import eigh

SCRIPTS = sorted(path.stem for path in FOLDER.glob("*.py"))
BOLTZMANN = 1.380649e-23


@pytest.mark.slow
def test_ir_drop(tmp_path):
    """All rows at one voltage are one port, whose conductance Rayleigh's and Thomson's principles bound.

    Bit lines without resistance leave a ladder a row, and more current. Equal currents in all cells are a flow that is
    not the true one, and dissipate more.
    """
    loss, names = run("ir_drop", tmp_path)
    g, r, lines = 1.0 / names["R_ON"], names["SEGMENT"], 128
    ladder = g
    for _ in range(lines - 1):
        ladder = g + ladder / (1.0 + r * ladder)
    ideal = 1.0 / (lines**2 * g)
    wires = 2.0 * r * lines * sum((k / lines**2) ** 2 for k in range(1, lines))
    assert 1.0 - ladder / (lines * g) < loss < 1.0 - ideal / (ideal + wires)


@pytest.mark.slow
def test_sneak_paths(tmp_path):
    """Without wires and ends n cells, n^2 cells and n cells in series go around the one that is read.

    By Rayleigh that is more than with them; by Thomson no less than what the same flow dissipates in wires and ends
    besides: each segment of the two selected lines has at most all of it, of each unselected line at most 1 / n.
    """
    times, names = run("sneak_paths", tmp_path)
    n, g, off = names["LINES"] - 1, 1.0 / names["R_ON"], 1.0 / names["R_OFF"]
    paths = 2.0 / (n * g) + 1.0 / (n**2 * g)
    wires = 2.0 * 50.0 + (2 * n + 2) * 1.0
    assert 1.0 / (paths + wires) < times * off < off + 1.0 / paths


@pytest.mark.slow
def test_measured_curve(tmp_path):
    """At the solution measured cells are ohmic ones of their chords, which grow with the voltage across a cell.

    That is at most the input's, and less by at most what the largest currents of a row and of a column take. One port,
    so that its current grows with every conductance (Rayleigh).
    """
    excess, names = run("measured_curve", tmp_path)
    cells, volts, amperes = names["CELLS"], names["VOLTS"], 1e-6 * names["MICROAMPERES"]
    chords = {v: i / v / names["CURVE"].conductance for v, i in zip(volts, amperes, strict=True) if v > 0.0}
    largest = chords[0.5]
    row, column = (0.5 * largest * cells.sum(axis=axis).max() for axis in (1, 0))
    least = 0.5 - row * (50.0 + 31 * 2.0) - column * (50.0 + 63 * 2.0)
    chord = chords[max(v for v in chords if v <= least)]
    assert 1.0 < chord < largest

    def current(factor):
        matrix, word, bit = nodal(factor * cells, 2.0, 2.0, 50.0, 50.0)
        sources = np.zeros(len(matrix))
        sources[word[:, 0]] = 0.5 / 50.0
        return np.linalg.solve(matrix, sources)[bit[-1]].sum()

    ohmic = current(1.0)
    assert current(chord) / ohmic - 1.0 < excess < current(largest) / ohmic - 1.0


@pytest.mark.slow
def test_one_transistor(tmp_path):
    """A cell between its sources has a quadratic equation; wires take at most what all currents together would."""
    amperes, names = run("one_transistor", tmp_path)
    overdrive = 1.2 - names["VTO"]

    def alone(row, column):
        """Current of an LRS cell between two voltages, its transistor in the linear range."""

        def more_than_memristor(middle):
            drop = middle - column
            channel = names["KP"] * drop * (overdrive - column - 0.5 * drop)
            return channel - (row - middle) / names["LRS"]

        return (row - rising(more_than_memristor, column, row)) / names["LRS"]

    most, size, wire = alone(names["READ_VOLTAGE"], 0.0), names["SIZE"], names["WIRE"]
    least = alone(names["READ_VOLTAGE"] - (size - 1) * wire * size * most, size * wire * most)
    assert least < amperes < most


@pytest.mark.slow
@pytest.mark.parametrize("name", ["accuracy_falls", "five_methods", "training_through_wires"])
def test_networks(name, tmp_path):
    """What is said of accuracies is beyond chance: three standard errors of counts of right answers, one in 700."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    errors, _ = run(name, tmp_path)
    assert errors > 3.0


@pytest.mark.slow
def test_read_margin(tmp_path):
    """Under V/2 without wires, one cell at V and N - 1 at V/2 add up, all of them in the state that is worst.

    Wires and ends take at most what N LRS cells at V would; with all of it gone from what is read in LRS, and nothing
    from what is read in HRS, fewer lines are enough.
    """
    lines, names = run("read_margin", tmp_path)
    technology, volts = names["CELLS"], names["READ_VOLTAGE"]
    device = technology.device

    def current(voltage, ohms):
        return rising(
            lambda i: ohms * i + float(device.v0) * math.asinh(i / float(device.i0)) - voltage, 0.0, voltage / ohms
        )

    def largest(lost):
        def margin(count):
            drop = lost * count * current(volts, technology.r_on) * (100.0 + 2 * count * 1.0)
            low = current(volts - drop, technology.r_on) + (count - 1) * current(0.5 * volts - drop, technology.r_off)
            high = current(volts, technology.r_off) + (count - 1) * current(0.5 * volts, technology.r_on)
            return 1.0 - high / low

        return max(count for count in range(1, 33) if margin(count) >= names["NEEDED"])

    assert largest(1.0) <= lines <= largest(0.0) < 32


@pytest.mark.slow
@pytest.mark.ngspice
def test_against_ngspice(tmp_path):
    """Rounding leaves n eps times the condition of the nodal matrix, the error of a stable elimination."""
    difference, names = run("against_ngspice", tmp_path)
    if difference is None:
        pytest.skip("ngspice is not here")
    array, _ = names["circuit"](None)
    matrix, *_ = nodal(array.conductance, 2.0, 5.0, 80.0, 30.0)
    assert 0.0 < difference < len(matrix) * np.finfo(float).eps * np.linalg.cond(matrix)


def test_without_ngspice_there_is_nothing_to_compare_with(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("against_ngspice", tmp_path)[0] is None
    assert capsys.readouterr().out.startswith("nothing to compare with: ")


@pytest.mark.slow
def test_write_disturbance(tmp_path):
    """Half the amplitude is what a half-selected cell can have at most; less by what the pulse's currents take.

    These are at most those of the selected cell at r_on, and of seven at half the amplitude that are as far on as their
    own bound lets them come.
    """
    moved, names = run("write_disturbance", tmp_path)
    threshold, half, lines = names["THRESHOLD"], 0.95, names["LINES"]

    def motion(volts):
        return names["SPEED"] * (volts / threshold - 1.0) ** 3 * names["WIDTH"] / names["DEPTH"]

    most = motion(half)
    ohms = 200e3 - most * (1e6 - 10e3)
    amperes = 2.0 * half / 10e3 + (lines - 1) * half / ohms
    assert motion(half - 2.0 * amperes * (100.0 + (lines - 1) * 2.0)) < moved < most


@pytest.mark.slow
def test_noise_bits(tmp_path):
    """A dense nodal matrix gives the admittance at each output, and by Nyquist its noise, and what inputs bring.

    It loses n eps times its condition, 1e-9.
    """
    bits, names = run("noise_bits", tmp_path)
    cells, inputs = names["CELLS"], names["INPUTS"]
    matrix, word, bit = nodal(cells, 1.0, 1.0, 100.0, 100.0)
    assert len(matrix) * np.finfo(float).eps * np.linalg.cond(matrix) < 1e-7
    answers = np.linalg.solve(matrix, np.eye(len(matrix))[:, np.concatenate([word[:, 0], bit[-1]])])
    # An output is the current of a 100 ohm end: a volt behind it sees 1 / 100 - z / 100^2.
    admittance = 0.01 - 1e-4 * np.diagonal(answers[bit[-1], names["ROWS"] :])
    currents = inputs @ (1e-4 * answers[bit[-1], : names["ROWS"]]).T
    noise = 4.0 * BOLTZMANN * names["TEMPERATURE"] * 1e9 * admittance
    assert bits == pytest.approx((0.5 * np.log2(1.0 + currents.var(axis=0) / noise)).max(), rel=1e-6)


@pytest.mark.slow
def test_read_speed(tmp_path):
    """All 512 poles of the circuit give the time itself; three that have its moments are within 1 %, as docs say."""
    nanoseconds, names = run("read_speed", tmp_path)
    array, farads = names["array"](16), names["FARADS"]
    wire, end = names["WIRE"], names["END"]
    matrix, word, bit = nodal(array.conductance, wire, wire, end, end)
    capacitance = np.diag(np.full(len(matrix), farads["word_capacitance"] + farads["cell_capacitance"]))
    capacitance[word, bit] = capacitance[bit, word] = -farads["cell_capacitance"]
    sources = np.zeros(len(matrix))
    sources[word[:, 0]] = 0.2 / end
    # Picofarads and picoseconds keep the numbers near 1.
    rates, modes = eigh(matrix, 1e12 * capacitance)
    shares = (modes.T @ sources) / rates
    times = np.linspace(0.0, 2e3 * nanoseconds, 5_001)[:, None]
    left = np.exp(-rates * times) * shares @ modes[bit[-1]].T / (modes[bit[-1]] @ shares)
    settled = max(times[np.flatnonzero(np.abs(column) > 2.0**-9)[-1], 0] for column in left.T)
    assert nanoseconds == pytest.approx(1e-3 * settled, rel=0.01)


@pytest.mark.slow
def test_a_script_saves_its_picture(tmp_path):
    command = [sys.executable, FOLDER / "ir_drop.py", "--save", tmp_path / "drop.svg"]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "of the current is lost" in done.stdout
    assert (tmp_path / "drop.svg").read_text("utf-8").startswith("<?xml")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_a_page_of_a_gallery(name):
    """A title that is underlined, cells of text, and no more than is read in one sitting."""
    text = (FOLDER / f"{name}.py").read_text("utf-8")
    lines = text.splitlines()
    assert lines[0] == '"""'
    assert lines[2] == "=" * len(lines[1])
    assert text.count("\n# %%\n") >= 3
    assert 40 <= len(lines) <= 100
    assert f"({name}.py)" in (FOLDER / "README.md").read_text("utf-8")


def test_every_script_has_a_test():
    texts = [path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*examples.py")]
    tested = {name for text in texts for name in re.findall(r"^def test_(\w+)\(", text, re.MULTILINE)}
    assert set(SCRIPTS) - tested == {"accuracy_falls", "five_methods", "training_through_wires"}
