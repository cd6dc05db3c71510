"""What looks odd is said, and computed all the same; what does not fit is refused with what it seems to be."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from cli_tools import assert_refused, call

import xbarsim
from xbarsim.errors import InputError

G = np.array([[1e-3, 2e-4, 5e-5], [1e-4, 2e-3, 3e-4]])


@pytest.mark.parametrize(
    ("conductance", "voltages", "message"),
    [
        (1.0 / G, None, r"half of the cells conduct 4.16667 kS and more, 240 uohm: are these ohms\? 1 / R is siemens"),
        (1e3 * G, None, r"half of the cells conduct 250 mS and more, 4 ohm: are these milli- or microsiemens\?"),
        (1e6 * G, None, r"half of the cells conduct 250 S and more, 4 mohm: are these milli- or microsiemens\?"),
        (0.0 * G, None, "conductance is 0 everywhere"),
        (G, [500.0, 200.0], r"voltages reach 500 V: are these millivolts\?"),
    ],
)
def test_odd_numbers_are_told_of(conductance, voltages, message):
    crossbar = xbarsim.Crossbar(conductance)
    (remark,) = crossbar.remarks(voltages)
    assert re.match(message, remark), remark
    if voltages is None:
        assert "odd" in crossbar._repr_html_()


@pytest.mark.parametrize("factor", [1.0, 1e-6, 10.0])
def test_usual_numbers_are_not(factor):
    assert xbarsim.Crossbar(factor * G).remarks([0.5, -2.0]) == []
    assert "odd" not in xbarsim.Crossbar(factor * G)._repr_html_()


def test_the_command_line_notes_and_computes(capsys, tmp_path):
    np.save(tmp_path / "g.npy", 1.0 / G)
    np.save(tmp_path / "v.npy", [0.5, 0.2])
    answer = call(
        capsys, "solve", "--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy", "--format", "json"
    )
    assert answer.code == 0
    assert "are these ohms?" in answer.err
    (analysis,) = json.loads(answer.out)["analyses"]
    assert analysis["source_currents"]["vbb0"] == pytest.approx(0.5 / G[0, 0] + 0.2 / G[1, 0])


@pytest.mark.parametrize(
    ("voltages", "message"),
    [
        (np.ones((2, 5)), r"\(2, 5\): it must be \(2,\) or \(batch, 2\).*; its transpose would fit"),
        (np.ones(3), r"\(3,\).*is conductance transposed\? It is 2 word lines x 3"),
        (np.ones(4), r"\(4,\): it must be \(2,\) or \(batch, 2\), one voltage for each row$"),
    ],
)
def test_what_seems_to_be_transposed(capsys, tmp_path, voltages, message):
    with pytest.raises(InputError, match=message):
        xbarsim.solve(xbarsim.Crossbar(G), voltages)
    np.save(tmp_path / "g.npy", G)
    np.save(tmp_path / "v.npy", voltages)
    answer = call(capsys, "solve", "--conductance", tmp_path / "g.npy", "--voltages", tmp_path / "v.npy")
    assert_refused(answer, 2, "it must be (2,) or (batch, 2)")
    assert ("would fit" in answer.err, "transposed?" in answer.err) == (voltages.ndim == 2, voltages.size == 3)


@pytest.mark.parametrize(
    "text",
    [
        "bit 0,bit 1,bit 2\n1e-3,2e-4,5e-5\n1e-4,2e-3,3e-4\n",
        ",0,1,2\n0,1e-3,2e-4,5e-5\n1,1e-4,2e-3,3e-4\n",
        ";a;b;c\n0;1e-3;2e-4;5e-5\n1;1e-4;2e-3;3e-4\n",
        "a b c\n1e-3 2e-4 5e-5\n1e-4 2e-3 3e-4\n",
    ],
)
def test_matrices_under_a_heading(capsys, tmp_path, text):
    (tmp_path / "g.csv").write_text(text)
    (tmp_path / "v.csv").write_text("volts\n0.5\n0.2\n")
    answer = call(
        capsys, "solve", "--conductance", tmp_path / "g.csv", "--voltages", tmp_path / "v.csv", "--format", "json"
    )
    assert answer.code == 0, answer.err
    (analysis,) = json.loads(answer.out)["analyses"]
    assert [analysis["source_currents"][f"vbb{j}"] for j in range(3)] == pytest.approx(list([0.5, 0.2] @ G))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (",0,1\n5,1e-3,2e-4\n6,1e-4,2e-3\n", "its first column does not count rows"),
        ("a,b\nc,d\n1,2\n", "g.csv:2: conductance must be numbers, found 'c,d'"),
        ("1e-3,x\n1,2\n", "g.csv:1: conductance must be numbers, found '1e-3,x'"),
        ("a,b\n", "conductance file is empty"),
    ],
)
def test_other_words_are_refused(capsys, tmp_path, text, message):
    (tmp_path / "g.csv").write_text(text)
    (tmp_path / "v.csv").write_text("0.5\n0.2\n")
    answer = call(capsys, "solve", "--conductance", tmp_path / "g.csv", "--voltages", tmp_path / "v.csv")
    assert_refused(answer, 2, message)
