"""Waveforms in the spellings of real files: steps, repeats, relative times, points from a file."""

from __future__ import annotations

import numpy as np
import pytest
from netlist_tools import read_text

from xbarsim.netlist import NetlistError


def wave(tmp_path, words: str, times) -> list[float]:
    circuit = read_text(tmp_path, f"v1 a 0 {words}\nr1 a 0 1k")
    return circuit.waves[0].at(np.array(times, dtype=float)).tolist()


def test_a_step_has_the_first_of_its_values_at_its_time(tmp_path):
    got = wave(tmp_path, "pwl(0 0.2 1 0.2 1 1 2 5)", [0, 1, 1 + 1e-12, 1.5, 2, 3])
    assert got == pytest.approx([0.2, 0.2, 1.0, 3.0, 5.0, 5.0], abs=1e-10)
    assert wave(tmp_path, "pwl(0 3 0 7 1 7)", [0, 0.5]) == [3.0, 7.0]


@pytest.mark.parametrize(
    "words",
    [
        "pwl(0, 1, 2, 3, r)",
        "pwl(0 1 2 3 r=0)",
        "pwl(0 1 2 3) r=0",
        "pwl (0 1 2 3) R=0",
        "pwl 0 1 2 3 r=0",
        "pwl(0 1 2 3 R)",
        "pwl repeat forever (0 1 2 3) endrepeat",
    ],
)
def test_spellings_of_repeats(tmp_path, words):
    assert wave(tmp_path, words, [0, 1, 3, 5]) == pytest.approx([1, 2, 2, 2])


@pytest.mark.parametrize("words", ["pwl(0 1 2 3 td=2)", "pwl(0 1 2 3) td=2", "pwl(0 1 2 3 r td=2)"])
def test_spellings_of_delays(tmp_path, words):
    assert wave(tmp_path, words, [0, 2, 3]) == pytest.approx([1, 1, 2])


def test_relative_times_are_noted(tmp_path):
    circuit = read_text(tmp_path, "v1 a 0 pwl(1n 0 +1n 2 +2n 2 6n +4)\nr1 a 0 1k")
    assert circuit.waves[0].at(np.array([1e-9, 1.5e-9, 2e-9, 4e-9, 5e-9])).tolist() == pytest.approx([0, 1, 2, 2, 3])
    assert any("as in LTspice" in note for note in circuit.notes)
    assert not any("LTspice" in note for note in read_text(tmp_path, "v1 a 0 pwl(0 0 1 +3)\nr1 a 0 1").notes)


@pytest.mark.parametrize(
    "words", ["PWL file=Points.CSV", "pwl(file=Points.CSV)", "pwl (file = 'Points.CSV') dc 4", 'pwlfile="Points.CSV"']
)
def test_points_from_a_file(tmp_path, words):
    (tmp_path / "Points.CSV").write_text("time, volts\n0, 250m\n1e-3; 1  # step\n\n2m\t3\n")
    if words.startswith("pwlfile"):
        words = words.replace("pwlfile", "pwl pwlfile")
    assert wave(tmp_path, words, [0, 1.5e-3]) == pytest.approx([0.25, 2.0])


def test_a_file_of_points_that_is_none(tmp_path):
    (tmp_path / "three.txt").write_text("0 1 2\n1 2 3\n")
    with pytest.raises(NetlistError, match=r"sp:2: PWL file = three\.txt, line 1: it has no two numbers"):
        read_text(tmp_path, "v1 a 0 pwl file=three.txt\nr1 a 0 1k")
    with pytest.raises(NetlistError, match=r"sp:2: PWL file = none\.txt: there is no such file"):
        read_text(tmp_path, "v1 a 0 pwl file=none.txt\nr1 a 0 1k")


def test_phases_of_many_turns_are_rounded_as_by_ngspice(tmp_path):
    """Its radians are degrees times pi over 180; np.radians differs in the last digit, here a billion turns."""
    circuit = read_text(tmp_path, "v1 a 0 sin(0.2 0.4 1k 0 0 1e30)\nr1 a 0 1")
    assert circuit.values[0] == 0.2 + 0.4 * np.sin(1e30 * np.pi / 180)


def test_modulated_waves_at_0(tmp_path):
    assert read_text(tmp_path, "v1 a 0 am(1 0.5 20 1k 0)\nr1 a 0 1").values[0] == 0.0
    phase = np.radians(30) + 2 * np.sin(np.radians(60))
    circuit = read_text(tmp_path, "v1 a 0 sffm(0.1 1 20 2 5 30 60)\nr1 a 0 1")
    assert circuit.values[0] == pytest.approx(0.1 + np.sin(phase), rel=1e-14)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pwl(0 0 1 1 q=3)", "PWL.. has 'q='"),
        ("sin(0 1 r=2)", "SIN.. has 'r='"),
        ("sin(0 1) r=2", "belong to PWL"),
        ("pwl(1 0 1 1 r)", "repeats"),
        ("sffm(1 2 3 4 5 6 7 8)", "takes 7"),
    ],
)
def test_what_is_none(tmp_path, words, said):
    with pytest.raises(NetlistError, match=said):
        read_text(tmp_path, f"v1 a 0 {words}\nr1 a 0 1k")
