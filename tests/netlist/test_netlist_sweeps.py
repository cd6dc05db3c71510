"""Sweeps that change the circuit: over resistors, temperature, parameters and models, and LTspice's .step."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from netlist_tools import needs_ngspice, read_text

from xbarsim import spice
from xbarsim.analysis import runs
from xbarsim.analysis.pictures import draw
from xbarsim.analysis.rawfile import raw_parts, read_raw
from xbarsim.netlist import NetlistError, read
from xbarsim.netlist.analyses import Dc
from xbarsim.plot import save

LADDER = "v1 a 0 0.7\nr1 a b 1k\nr2 b 0 {2k*k}\nr3 b c 500\nd1 c 0 dm\n.model dm d(is=1e-12 n=1.3 rs=20)\n.param k=1\n"


def solved(text: str, **options):
    """Return the results of a netlist without its title line."""
    return runs.from_netlist(io.StringIO("title\n" + text + "\n"), "auto", **options)


def by_hand(text: str, replacements: dict[str, str]) -> np.ndarray:
    """Return all voltages and currents of a netlist in which words are replaced."""
    for old, new in replacements.items():
        assert old in text
        text = text.replace(old, new)
    (result,) = solved(text + ".op").results
    return np.concatenate([result.voltages[0], result.currents[0]])


def points_of(result) -> np.ndarray:
    return np.concatenate([result.voltages, result.currents], axis=1)


@pytest.mark.parametrize(
    ("card", "values"),
    [
        (".dc v1 start=0 stop=1 step=0.25", [0, 0.25, 0.5, 0.75, 1]),
        (".dc v1 stop=1 step=0.5 start=-1", [-1, -0.5, 0, 0.5, 1]),
        (".dc v1 lin 3 0 1", [0, 0.5, 1]),
        (".dc v1 dec 2 0.01 1", [0.01, 0.01 * 10**0.5, 0.1, 0.1 * 10**0.5, 1]),
        (".dc v1 oct 1 1 8", [1, 2, 4, 8]),
        (".dc v1 poi 3 1 -2 5", [1, -2, 5]),
        (".dc v1 list 1 -2 5", [1, -2, 5]),
        (".dc v1 list(1, -2, 5)", [1, -2, 5]),
        (".dc lin v1 0 1 0.5", [0, 0.5, 1]),
        (".dc dec v1 1 100 1", [1, 10, 100]),
        (".dc v1 start=0 stop=top step='top/2'", [0, 1, 2]),
    ],
)
def test_dc_in_other_spellings(tmp_path, card, values):
    circuit = read_text(tmp_path, f"v1 a 0 1\nr1 a 0 1k\n.param top=2\n{card}")
    (analysis,) = circuit.analyses
    assert isinstance(analysis, Dc)
    np.testing.assert_allclose(analysis.sweeps[0].values, values, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("card", "values"),
    [
        (".step param k list 3 1 2", [3, 1, 2]),
        (".step param k 1 2 0.4", [1, 1.4, 1.8, 2]),  # LTspice ends at the stop value
        (".step param k 2 1 0.5", [2, 1.5, 1]),
        (".step dec param k 1 100 2", [1, 10**0.5, 10, 10**1.5, 100]),
        (".step oct param k 1 4 2", [1, 2**0.5, 2, 2**1.5, 4]),
        (".step param k dec 1 100 1", [1, 10, 100]),
        (".step lin param k 1 3 1", [1, 2, 3]),
        (".step k list 1 2", [1, 2]),
    ],
)
def test_step_in_its_forms(card, values):
    (result,) = solved(LADDER + card + "\n.op").results
    assert result.kind == "dc"
    ((name, found),) = result.sweep
    assert name == "k"
    np.testing.assert_allclose(found, values, rtol=1e-14)
    for k, row in zip(found.tolist(), points_of(result), strict=True):
        np.testing.assert_allclose(row, by_hand(LADDER, {".param k=1": f".param k={k!r}"}), rtol=1e-12)


def test_a_stepped_parameter_needs_no_param_card():
    (result,) = solved("v1 a 0 1\nr1 a 0 {rw}\n.step param rw list 1k 2k\n.op").results
    np.testing.assert_allclose(result.currents[:, 0], [-1e-3, -5e-4])


@pytest.mark.parametrize(
    ("card", "name", "values", "old", "new"),
    [
        (".dc r1 500 1500 500", "r1", [500, 1000, 1500], "r1 a b 1k", "r1 a b {}"),
        (".dc temp -40 110 75", "temp", [-40, 35, 110], ".param k=1", ".param k=1\n.temp {}"),
        (".dc k 1 3 1", "k", [1, 2, 3], ".param k=1", ".param k={}"),
        (".step d dm(is) list 1e-15 1e-10\n.op", "dm(is)", [1e-15, 1e-10], "is=1e-12", "is={}"),
        (".step temp list 0 100\n.op", "temp", [0, 100], ".param k=1", ".param k=1\n.temp {}"),
        (".step r1 list 10 20k\n.op", "r1", [10, 20e3], "r1 a b 1k", "r1 a b {}"),
    ],
)
def test_each_point_is_the_circuit_written_by_hand(card, name, values, old, new):
    (result,) = solved(LADDER + card).results
    ((found, swept),) = result.sweep
    assert (found, swept.tolist()) == (name, values)
    for value, row in zip(values, points_of(result), strict=True):
        np.testing.assert_allclose(row, by_hand(LADDER, {old: new.format(value)}), rtol=1e-11, atol=1e-18)


@needs_ngspice
@pytest.mark.parametrize(
    "card",
    [
        ".dc r1 500 1500 500",
        ".dc temp -40 110 75",
        ".dc v1 0 1 0.5 r1 1k 2k 1k",
        ".dc r1 1k 2k 500 v1 0 1 0.5",
        ".dc temp 0 50 50 r1 1k 3k 1k",
    ],
)
def test_as_ngspice(tmp_path, card):
    path = tmp_path / "sweep.cir"
    exact = ".options reltol=1e-10 abstol=1e-18 vntol=1e-14 itl2=500\n"
    path.write_text(f"title\n{LADDER.replace('a b 1k', 'a b 1k m=2 tc1=1m')}{exact}{card}\n.end\n")
    (plot,) = spice.run(path, timeout=60).plots
    (result,) = runs.from_netlist(path, "auto").results
    for k, node in enumerate(result.nodes):
        np.testing.assert_allclose(result.voltages[:, k], plot.values[f"v({node})"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(result.currents[:, 0], plot.values["i(v1)"], rtol=1e-9, atol=1e-15)


def test_nested_sweeps_keep_the_cards_order():
    """The first is the fastest, whichever of them changes the circuit and whichever only a source."""
    text = "v1 a 0 1\nr1 a b 1k\nr2 b 0 {rx}\n.param rx=1k\n"
    for cards, names in (
        (".dc v1 1 3 1 r1 1k 2k 1k", ["v1", "r1"]),
        (".dc r1 1k 2k 1k v1 1 3 1", ["r1", "v1"]),
        (".dc r1 1k 2k 1k\n.step param rx list 1k 3k 5k", ["r1", "rx"]),
        (".dc v1 1 3 1 sweep rx poi 2 1k 3k", ["v1", "rx"]),
        (".dc v1 1 2 1 r1 1k 3k 1k\n.step param rx list 1k 3k\n.step temp list 1 2", ["v1", "r1", "rx", "temp"]),
        (".step v1 list 1 4\n.step param rx list 1k 3k\n.op", ["v1", "rx"]),
    ):
        (result,) = solved(text + cards).results
        assert [name for name, _ in result.sweep] == names
        at = {"v1": np.ones(1), "r1": np.full(1, 1e3), "rx": np.full(1, 1e3)} | dict(result.axes())
        np.testing.assert_allclose(-result.currents[:, 0], at["v1"] / (at["r1"] + at["rx"]), rtol=1e-13)
        np.testing.assert_allclose(result.power, at["v1"] ** 2 / (at["r1"] + at["rx"]), rtol=1e-12)


def test_a_transient_for_each_step():
    text = "v1 a 0 pwl(0 0 1m 1)\nr1 a 0 {rx}\n.tran 0.5m 1m\n.step param rx list 1k 2k 4k"
    (result,) = solved(text).results
    assert [name for name, _ in result.sweep] == ["time", "rx"]
    np.testing.assert_allclose(result.currents[:, 0].reshape(3, 3) * [[1], [2], [4]], [[0, -5e-4, -1e-3]] * 3)


def test_multipliers_and_instances():
    """``m=`` divides what is swept; elements of instances are swept by the name that results have."""
    (result,) = solved("v1 a 0 1\nr1 a 0 1k m=4\n.dc r1 1k 2k 1k").results
    np.testing.assert_allclose(result.currents[:, 0], [-4e-3, -2e-3])
    cell = ".subckt cell p r=1k\nr1 p 0 {r}\n.ends\nv1 a 0 1\nx1 a cell\nx2 a cell r=2k m=3\n"
    (result,) = solved(cell + ".dc r.x2.r1 1k 2k 1k").results
    np.testing.assert_allclose(result.currents[:, 0], [-4e-3, -2.5e-3])
    (result,) = solved(cell + ".dc r.x1.r1 1k 2k 1k").results
    np.testing.assert_allclose(result.currents[:, 0], [-2.5e-3, -2e-3])


def test_a_swept_resistor_keeps_its_temperature():
    """One of several instances is swept, and the coefficients of all act; so they do on a sheet's resistor."""
    cell = ".subckt cell p\nr1 p 0 1k tc1=0.01\n.ends\nv1 a 0 1\nx1 a cell\nx2 a cell\n.temp 127\n"
    (result,) = solved(cell + ".dc r.x2.r1 1k 2k 1k").results
    np.testing.assert_allclose(result.currents[:, 0], [-1e-3, -7.5e-4])
    sheet = "v1 a 0 1\nr1 a 0 rm l=10u w=1u\n.model rm r(rsh=10 tc1=0.01)\n.temp 127\n.dc r1 1k 2k 1k"
    np.testing.assert_allclose(solved(sheet).results[0].currents[:, 0], [-5e-4, -2.5e-4])


def test_a_crossbar_stays_one_over_a_wire():
    """The fast kernels serve each point of a swept wire, and each is the crossbar written out."""
    rng = np.random.default_rng(3)
    cells = "\n".join(f"rc{i}{j} w{i}_{j} b{i}_{j} {rng.uniform(1e3, 1e5)!r}" for i in range(4) for j in range(3))
    wires = "\n".join(f"rw{i}{j} w{i}_{j} w{i}_{j + 1} {{rw}}" for i in range(4) for j in range(2))
    wires += "\n" + "\n".join(f"rb{i}{j} b{i}_{j} b{i + 1}_{j} {{rw}}" for i in range(3) for j in range(3))
    ends = "\n".join(f"v{i} w{i}_0 0 {0.1 * (i + 1)}" for i in range(4)) + "\n"
    ends += "\n".join(f"vs{j} b3_{j} 0 0" for j in range(3))
    text = f"{cells}\n{wires}\n{ends}\n.param rw=1\n"
    answers = solved(text + ".step param rw list 0 1 100\n.op")
    (result,) = answers.results
    assert answers.recognised == "crossbar"
    assert result.outputs == ["vs0", "vs1", "vs2"]
    assert result.ideal is not None
    assert result.ideal.shape == (3, 3)
    for ohms, row in zip((0, 1, 100), points_of(result), strict=True):
        np.testing.assert_allclose(row, by_hand(text, {".param rw=1": f".param rw={ohms}"}), rtol=1e-9, atol=1e-15)
    assert sum("of 0 ohm" in note for note in answers.notes) == 1


@pytest.mark.slow
def test_every_format_has_the_sweep(tmp_path):
    text = "v1 a 0 1\nr1 a 0 {rx}\n.param rx=1k\n.dc v1 1 2 1 rx 1k 2k 1k"
    answers = solved(text)
    record = json.loads(answers.as_json())["analyses"][0]
    assert record["kind"] == "dc"
    assert record["sweep"] == [{"source": "v1", "values": [1, 2]}, {"source": "rx", "values": [1000, 2000]}]
    assert record["source_currents"]["v1"] == [-1e-3, -2e-3, -5e-4, -1e-3]
    rows = answers.as_csv().splitlines()
    assert rows[0].split(",")[:2] == ["v1", "rx"]
    assert [float(word) for word in rows[3].split(",")[:2]] == [1, 2000]
    assert len(answers.as_table().splitlines()) > 6
    save(draw(answers), tmp_path / "sweep.svg")
    for card, name in ((".dc r1 1k 2k 1k", "res-sweep"), (".dc temp 0 50 50", "temp-sweep"), (".dc k 1 2 1", "k")):
        results = solved(LADDER + card).results
        (plot,) = read_raw(b"".join(raw_parts("t", results, "now")))
        assert plot.names[0] == name
        np.testing.assert_allclose(plot.values["i(v1)"], results[0].currents[:, 0])


@pytest.mark.parametrize(
    ("cards", "words"),
    [
        (".dc rr1 1 2 1", "did you mean 'r1'"),
        (".dc temp -300 0 100", "temperature"),
        (".dc b1 0 1 1", "its value is a law"),
        (".dc v1 start=0 stop=1", "has no step="),
        (".dc v1 poi 5 1 2", "poi says how many values"),
        (".dc v1 dec 2 -1 1", "both must be > 0"),
        (".dc v1 0 1 1 sweep data=points", ".data"),
        (".dc data=points", ".data"),
        (".step param k", "incomplete"),
        (".step param k list", "no values"),
        (".step param k 0 1 0", "never ends"),
        (".step param kk list 1 2", "did you mean 'k'"),
        (".step d dmm(is) list 1 2", "did you mean 'dm'"),
        (".step d dm(cjo) list 1 2", "no operating point depends on cjo"),
        (".step param k list 1 2 file=x", "remove it"),
        (".step param k 1 1e9 1e-3", "points"),
        (".tran 1n 2n sweep vw 1 2 1", "has a waveform"),
    ],
)
def test_what_cannot_be_swept_is_one_line(tmp_path, cards, words):
    text = f"v1 a 0 1\nvw w 0 pwl(0 0 1 1)\nr1 a w {{k}}\nb1 a 0 i=1m*v(a)\nd1 a 0 dm\n.model dm d\n.param k=1\n{cards}"
    path = tmp_path / "circuit.sp"
    path.write_text(f"title\n{text}\n")
    with pytest.raises(NetlistError, match=r"^[^\n]*circuit.sp:\d+: [^\n]*$") as caught:
        runs.from_netlist(path, "auto")
    assert words in str(caught.value)


def test_a_point_without_solution_is_named():
    with pytest.raises(Exception, match="rx = 0"):
        solved("v1 a 0 1\nv2 b 0 2\nr1 a b {rx}\n.param rx=1\n.step param rx list 1 0\n.op")


def test_the_text_is_read_once(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 1\nr1 a 0 {rx}\n.param rx=1\n.step param rx list 1 2\n.op")
    (tmp_path / "circuit.sp").unlink()
    (family,) = circuit.analyses
    assert family.variant((1,)).values.tolist() == [1.0, 2.0]
    assert read(io.StringIO("t\nr1 a 0 1\n")).analyses


def test_measures_of_each_step():
    """A number for each run, in which a swept parameter is what it is there; a run may have none."""
    text = "v1 a 0 1\nr1 a b {{rx}}\nr2 b 0 1k\n.param rx=1k\n.step param rx list 1k 3k\n.step temp list 0 50\n"
    text += ".meas {0} mid find v(b) {1}\n.meas {0} twice param='2*mid*rx'\n"
    (one,) = solved(text.format("dc", "at=0.5") + ".dc v1 0 1 0.5").results
    np.testing.assert_allclose(one.measures["mid"], [0.25, 0.125, 0.25, 0.125])
    np.testing.assert_allclose(one.measures["twice"], [500, 750, 500, 750])
    (one,) = solved(text.format("op", "") + ".op").results
    np.testing.assert_allclose(one.measures["twice"], [1000, 1500, 1000, 1500])
    answers = solved(text.format("dc", "when v(b)=0.3") + ".dc v1 0 1 0.5")
    np.testing.assert_allclose(answers.results[0].measures["mid"], [0.3, np.nan, 0.3, np.nan])
    assert json.loads(answers.as_json())["analyses"][0]["measures"]["mid"][1] is None
    assert any("rx = 3000" in error and error.endswith("1 other point") for error in answers.errors)
    (one,) = solved(text.format("dc", "at=2k") + ".dc r1 1k 3k 1k").results
    np.testing.assert_allclose(one.measures["mid"][0], 1 / 3)


def test_notes_of_variants_that_differ_in_numbers_are_one():
    """A stepped state: each point has its value, and the note on it stands once."""
    text = "v1 a 0 0.1\nb1 a 0 i=v(a)*(1e-6+1e-3*v(x))\nc1 x 0 1 ic={x0}\nb2 0 x i=v(a)*1e3\n.param x0=0.5\n"
    answers = solved(text + ".step param x0 0 1 0.05\n.op")
    np.testing.assert_allclose(answers.results[0].currents[:, 0], -0.1 * (1e-6 + 1e-3 * np.linspace(0, 1, 21)))
    assert sum("holds a state" in note for note in answers.notes) == 1
    assert sum("others have their own" in note for note in answers.notes) == 1
